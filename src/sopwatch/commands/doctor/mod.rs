//! `sopwatch doctor`: what works from here and what doesn't, on one page, with advice. It asks each source once and changes nothing.
//!
//! A section is one function over the [`Facts`]. To add one, write it in a file here and name it in [`SECTIONS`].

mod cluster;
mod database;
mod facts;
mod local;
mod monitoring;
mod page;

use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};

use self::facts::Facts;
use self::page::{Section, Status};
use super::{ConsoleParts, connect_options, console, database_options, print, session};
use crate::cli::DoctorArgs;
use crate::config::{Settings, UserDirs};
use crate::kubernetes;
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::headless::listen;
use crate::runtime::signals::{self, Ended};
use crate::runtime::sources::Sources;
use crate::runtime::tasks::Tasks;
use sopwatch_core::observe::source::{SourceId, SourceState};

/// Longer than the doctor lives: the database is asked once.
const ONCE: Duration = Duration::from_hours(1);

/// What is looked at, in the order of the page. Monitoring (metrics, alerts, the error tracker) belongs between the database and the disk:
/// its section takes the states of those sources from [`Facts::state`], as [`database::database`] does.
const SECTIONS: [fn(&Facts) -> Section; 10] = [
    local::terminal,
    local::locale,
    local::configuration,
    cluster::connection,
    cluster::rights,
    cluster::clocks,
    cluster::logs,
    database::database,
    monitoring::monitoring,
    local::disk,
];

/// Asks, prints the page, and exits as `check` does: 0 all works, 2 something doesn't work, 3 unknown.
pub async fn doctor(settings: &Settings, arguments: &DoctorArgs, dirs: &UserDirs) -> Result<u8> {
    let mut end = signals::watch_for_end(false).wrap_err("can't watch for signals")?;
    let connect = connect_options(settings);
    let target = kubernetes::target(&connect);
    let named = settings.namespace.as_ref().map_or("", |known| &known.value);
    let namespace = target.as_ref().map_or(named, |target| &target.namespace);
    let session = session(settings, namespace, None, Clock::system());
    let sop = session
        .profile
        .sops
        .first()
        .map_or_else(String::new, |sop| sop.id.clone());
    let mut database = database_options(settings);
    if let Ok(options) = &mut database {
        options.poll = ONCE;
    }
    let parts = ConsoleParts {
        sources: Sources {
            profile: session.profile.clone(),
            monitoring: super::monitoring::options(settings, namespace, &connect, &Clock::system()),
            connect,
            database,
        },
        session,
        sop,
        clock: Clock::system(),
    };
    let tasks = Tasks::default();
    let (mut console, _) = console(settings, parts, &tasks)?;
    tokio::select! {
        biased;
        Ended { signal } = signals::ended(&mut end) => return Ok(128 + signal),
        () = listen(&mut console, arguments.within, have_answered) => {}
    }
    tasks.stop().await;
    let facts = Facts::of(settings, dirs, target, &console.app);
    let sections: Vec<_> = SECTIONS.iter().map(|section| section(&facts)).collect();
    print(&page::page(&sections, facts.ascii))?;
    Ok(Status::worst(&sections).exit_status())
}

/// Whether each source has answered or failed once.
fn have_answered(console: &Console) -> bool {
    let state = &console.app.state;
    let is_open = |id: &SourceId| {
        matches!(
            state.source(id).map(|source| &source.state),
            None | Some(SourceState::Connecting)
        )
    };
    let cluster = [
        SourceId::Api,
        SourceId::Deployment,
        SourceId::Pods,
        SourceId::ReplicaSets,
        SourceId::ClusterEvents,
    ];
    let monitoring = [
        SourceId::Metrics,
        SourceId::ClusterMetrics,
        SourceId::Alerts,
        SourceId::AlertRules,
        SourceId::Tracker,
    ];
    let asked = |id: &&SourceId| state.source(id).is_some();
    if monitoring.iter().filter(asked).any(is_open) {
        return false;
    }
    if is_open(&SourceId::Database) || cluster.iter().any(is_open) {
        return false;
    }
    let api_works = state
        .source(&SourceId::Api)
        .is_some_and(|source| source.problem().is_none());
    let reviewed = !state.access.is_empty() || state.source(&SourceId::Access).is_some();
    // The logs are opened once the pods are known.
    let logs = state
        .pods
        .values()
        .all(|pod| pod.is_over() || has_log(console, &pod.uid));
    !api_works || (reviewed && logs && state.connection.is_some())
}

fn has_log(console: &Console, uid: &sopwatch_core::observe::observation::PodUid) -> bool {
    let of_pod = |id: &SourceId| matches!(id, SourceId::Log(key) if key.pod_uid == *uid);
    let mut sources = console.app.state.sources().filter(|(id, _)| of_pod(id));
    sources.any(|(_, source)| source.state != SourceState::Connecting)
}
