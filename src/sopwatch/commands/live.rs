//! `sopwatch`: the console on the live cluster.

use color_eyre::eyre::Result;

use super::{
    ConsoleParts, connect_options, console, database_options, monitoring, pager, record_setup, session,
    with_advice,
};
use crate::cli::RecordChoice;
use crate::config::Settings;
use crate::kubernetes;
use crate::runtime::clock::Clock;
use crate::runtime::event_loop;
use crate::runtime::sources::Sources;
use crate::runtime::tasks::Tasks;

/// The SOP of a console for which none was named: it asks.
pub(super) const NO_SOP: &str = "";

/// The console on the live cluster; the exit status.
pub async fn live(settings: &Settings, record: &RecordChoice) -> Result<u8> {
    let connect = connect_options(settings);
    let target = kubernetes::target(&connect).map_err(with_advice)?;
    let session = session(settings, &target.namespace, None, Clock::system());
    let sop = settings
        .sop
        .as_ref()
        .map_or_else(|| NO_SOP.to_owned(), |sop| sop.value.clone());
    let sources = Sources {
        profile: session.profile.clone(),
        monitoring: monitoring::options(settings, &target.namespace, &connect, &Clock::system()),
        connect,
        database: database_options(settings),
    };
    let named = record_setup::named(&target.server, &session, record)?;
    let parts = ConsoleParts {
        session,
        sop,
        sources,
        clock: Clock::system(),
    };
    let tasks = Tasks::default();
    let record_options = record_setup::record_options(&target.server, &parts, named, record);
    let (mut console, _) = console(settings, parts, &tasks)?;
    match record_options {
        Ok(record_options) => console.choose_record(record_options),
        Err(why) => console.app.cannot_record(&why),
    }
    console.app.ask_for_sop();
    let status = event_loop::run(&mut console, &pager()).await;
    console.leave(&record_setup::how_left(&status)).await;
    tasks.stop().await;
    record_setup::print_location(&console.app)?;
    status
}
