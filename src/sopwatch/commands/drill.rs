//! `sopwatch drill`: the console on an embedded cluster and database, or that world alone, or a screenshot of it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use color_eyre::eyre::{Result, WrapErr, eyre};
use crossterm::event::KeyEvent;
use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::mpsc;

use super::{
    ConsoleParts, QUEUE, REQUEST_TIMEOUT, console, database_options, live, monitoring, pager, print,
    read_scenario, record_setup, session, theme, tour, training, with_advice,
};
use crate::cli::{DrillArgs, RecordChoice};
use crate::config::Settings;
use crate::kubernetes::{self, ConnectOptions};
use crate::postgres::DatabaseOptions;
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::scenario_screen::{self, Picked};
use crate::runtime::sources::Sources;
use crate::runtime::tasks::Tasks;
use crate::runtime::{event_loop, screenshot, signals, terminal};
use sopwatch_console::dialogs::scenario_choice::ScenarioChoice;
use sopwatch_console::screen;
use sopwatch_console::training::{Lesson, markdown};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;
use sopwatch_drill::{Drill, Scenario};

/// The console on an embedded cluster and database, or that world alone, or a picture of it; the exit status.
pub async fn drill(settings: &Settings, arguments: &DrillArgs) -> Result<u8> {
    if arguments.list {
        return print(&read_scenario::list(&settings.profile, arguments.short).into()).map(|()| 0);
    }
    let mut name = match &arguments.scenario {
        Some(name) => name.clone(),
        None if arguments.serve || arguments.screenshot.is_some() => read_scenario::UNNAMED.to_owned(),
        None if arguments.tour.is_some() => read_scenario::CHOSEN_FIRST.to_owned(),
        None => match pick(settings).await? {
            Picked::Scenario(name) => name,
            Picked::Left(status) => return Ok(status),
        },
    };
    loop {
        match Box::pin(drill_of(settings, arguments, &name)).await? {
            Picked::Scenario(next) => name = next,
            Picked::Left(status) => return Ok(status),
        }
    }
}

/// One scenario, and what is to follow.
async fn drill_of(settings: &Settings, arguments: &DrillArgs, name: &str) -> Result<Picked> {
    let scenario = read_scenario::find(name, &settings.profile)?;
    let setup = DrillSetup::of(&scenario, arguments);
    let folder = drill_folder()?;
    let options = sopwatch_drill::Options {
        scenario,
        start: Clock::system().now(),
        speed: arguments.speed.unwrap_or(1.0),
        seed: arguments.seed.unwrap_or(1),
        folder: folder.path().to_owned(),
    };
    let began = options.start;
    let thread = OwnThread::new()?;
    let drill = thread.run(Drill::start(options)).await?;
    let drill = drill.wrap_err("can't start the drill")?;
    if arguments.serve {
        serve(&drill).await?;
        let told = setup
            .lesson
            .map(|lesson| training::debriefing_without_console(&drill, lesson, &settings.profile, began));
        let told = told.map_or_else(SafeText::default, |told| safe!("\n{told}"));
        return print(&told).map(|()| Picked::Left(0));
    }
    match &arguments.tour {
        Some(name) => Box::pin(film(settings, arguments, &drill, (setup, folder.path(), name))).await,
        None => Box::pin(rehearse(settings, arguments, &drill, setup)).await,
    }
}

/// A thread of the world's own. Hours of a drill make and drop millions of log lines; where any thread may drop what another made, the
/// allocator keeps room for them in as many places as there are threads.
struct OwnThread {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl OwnThread {
    fn new() -> Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("drill")
            .enable_all()
            .build()
            .wrap_err("can't start the drill's thread")?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs a future there, which may leave tasks behind.
    async fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Result<T> {
        self.handle.spawn(future).await.wrap_err("the drill has stopped")
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // What runs in a runtime may not wait for the end of another.
            runtime.shutdown_background();
        }
    }
}

/// Records the tour: as on a cluster nothing is taught and no SOP is chosen, and its record is in the drill's folder.
async fn film(
    settings: &Settings,
    arguments: &DrillArgs,
    drill: &Drill,
    (setup, folder, name): (DrillSetup, &Path, &Path),
) -> Result<Picked> {
    let tour = tour::Tour::of(arguments.script.as_deref())?;
    let parts = drill_parts(
        settings,
        drill,
        (setup.title, live::NO_SOP.to_owned(), setup.speed),
    )?;
    let title = parts.session.drill.clone().unwrap_or_default();
    let (server, fresh) = (drill.api().url(), RecordChoice::fresh());
    let record = record_setup::record_options(server.as_str(), &parts, None, &fresh);
    let mut record = record.map_err(|why| eyre!("{why}"))?;
    record.folder = folder.join("incidents");
    let tasks = Tasks::default();
    let (mut console, _events) = console(settings, parts, &tasks)?;
    if let Some(speed) = setup.speed {
        console.app.set_speed(speed);
    }
    console.choose_record(record);
    console.app.ask_for_sop();
    let size = arguments.size.unwrap_or((120, 40));
    let recorded = tour::record(console, &tour, size, (&theme(settings)?, &title), name).await;
    tasks.stop().await;
    recorded.map(|()| Picked::Left(0))
}

/// Lets the operator choose a scenario; without a terminal, the list is printed and a name is asked for.
async fn pick(settings: &Settings) -> Result<Picked> {
    if !terminal::is_interactive() {
        print(&read_scenario::list(&settings.profile, false).into())?;
        return Err(read_scenario::unnamed().into());
    }
    let items = read_scenario::items(&settings.profile);
    let choice = ScenarioChoice::new(items, read_scenario::CHOSEN_FIRST);
    scenario_screen::pick(choice, &theme(settings)?).await
}

/// A folder that only its owner reads, gone when it is dropped.
pub(super) fn drill_folder() -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("sopwatch-drill-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .wrap_err("can't make the drill's folder")
}

/// What the console takes from a scenario.
struct DrillSetup {
    title: String,
    sop: String,
    lesson: Option<Lesson>,
    speed: Option<f64>,
}

impl DrillSetup {
    fn of(scenario: &Scenario, arguments: &DrillArgs) -> Self {
        let real_time = |speed: &f64| (*speed - 1.0).abs() < f64::EPSILON;
        Self {
            title: scenario.title.clone(),
            sop: scenario.sop.clone(),
            lesson: training::of(scenario),
            speed: arguments.speed.filter(|speed| !real_time(speed)),
        }
    }
}

/// The console on a drill, and its debriefing when the operator leaves.
async fn rehearse(
    settings: &Settings,
    arguments: &DrillArgs,
    drill: &Drill,
    setup: DrillSetup,
) -> Result<Picked> {
    let mut parts = drill_parts(settings, drill, (setup.title, setup.sop, setup.speed))?;
    parts.session.scenarios = read_scenario::items(&settings.profile);
    let title = parts.session.drill.clone().unwrap_or_default();
    let record_options =
        record_setup::record_options(drill.api().url().as_str(), &parts, None, &RecordChoice::fresh());
    let tasks = Tasks::default();
    let (mut console, events) = console(settings, parts, &tasks)?;
    if let Some(speed) = setup.speed {
        console.app.set_speed(speed);
    }
    if let Some(lesson) = setup.lesson {
        console.app.teach(lesson);
    }
    match record_options {
        Ok(record_options) if arguments.screenshot.is_none() => console.choose_record(record_options),
        Ok(_) => {}
        Err(why) => console.app.cannot_record(&why),
    }
    let (answers, given) = mpsc::channel(QUEUE);
    console.send_answers(answers);
    let run = async {
        match &arguments.screenshot {
            Some(file) => Box::pin(screenshot_of(console, arguments, &title, file))
                .await
                .map(Picked::Left),
            None => run_to_debriefing(console).await,
        }
    };
    let status = tokio::select! {
        status = run => status,
        () = training::carry(drill, events, given) => Ok(Picked::Left(0)),
    };
    tasks.stop().await;
    status
}

/// Runs the console; when the operator has left it, the debriefing stays in the terminal's scroll-back.
async fn run_to_debriefing(mut console: Console) -> Result<Picked> {
    let status = event_loop::run(&mut console, &pager()).await;
    console.leave(&record_setup::how_left(&status)).await;
    let status = status?;
    if let Some(page) = console.app.debriefing().filter(|_| status == 0) {
        print(&markdown(&page))?;
    }
    Ok(match console.take_next_scenario() {
        Some(next) if status == 0 => Picked::Scenario(next),
        _ => Picked::Left(status),
    })
}

async fn screenshot_of(console: Console, arguments: &DrillArgs, title: &str, file: &Path) -> Result<u8> {
    let keys = arguments.keys.iter().flat_map(|keys| &keys.0);
    let keys: Vec<KeyEvent> = keys.map(|key| KeyEvent::from(*key)).collect();
    let buffer = screenshot::take(console, arguments.size.unwrap_or((120, 40)), &keys).await;
    std::fs::write(file, screen::svg(&buffer, title))
        .wrap_err_with(|| format!("can't write {}", file.display()))?;
    Ok(0)
}

pub(super) fn drill_parts(
    settings: &Settings,
    drill: &Drill,
    (title, sop, speed): (String, String, Option<f64>),
) -> Result<ConsoleParts> {
    let connect = ConnectOptions {
        kubeconfig: Some(drill.kubeconfig().to_owned()),
        context: None,
        namespace: None,
        impersonate: None,
        request_timeout: REQUEST_TIMEOUT,
    };
    let target = kubernetes::target(&connect).map_err(with_advice)?;
    settings.check_namespace(&target.namespace)?;
    let time = drill.clock();
    let clock = Clock::new(move || time.now());
    let session = session(
        settings,
        &target.namespace,
        Some((title, shell_hints(drill))),
        clock.clone(),
    );
    let database = database_options(settings).map(|_| DatabaseOptions {
        // As often by the drill's clock, as far as the poller goes along.
        poll: settings
            .database
            .poll
            .value
            .div_f64(speed.unwrap_or(1.0).max(1.0)),
        ..DatabaseOptions::default()
    });
    let sop = settings.sop.as_ref().map_or(sop, |chosen| chosen.value.clone());
    let sources = Sources {
        profile: session.profile.clone(),
        monitoring: monitoring::of_drill(&session.profile, drill, &target.namespace, &connect, &clock),
        connect,
        database,
    };
    Ok(ConsoleParts {
        session,
        sop,
        sources,
        clock,
    })
}

/// What to type in another terminal to look at the same world: lines that a terminal does not break, and no password.
fn shell_hints(drill: &Drill) -> Vec<String> {
    vec![
        format!("export KUBECONFIG={}", drill.kubeconfig().display()),
        format!(
            ". {}  # the database and the monitoring too",
            drill.variables().display()
        ),
        "kubectl get pods -w".to_owned(),
        "psql \"$SOPWATCH_DATABASE_URL\"".to_owned(),
    ]
}

/// Prints where the world is, as a shell takes it, and holds it until it is interrupted.
async fn serve(drill: &Drill) -> Result<()> {
    // First: whoever reads where the world is may end it at once, and its folder must not stay.
    let mut end = signals::watch_for_end(false).wrap_err("can't watch for signals")?;
    let variables =
        std::fs::read_to_string(drill.variables()).wrap_err("can't read the drill's variables")?;
    print(&variables.into())?;
    signals::ended(&mut end).await;
    Ok(())
}
