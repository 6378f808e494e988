//! The program's commands: the live console, a drill, a replay, `check`, and the texts on records. Only this room knows both the drill and the
//! runtime.

mod check;
mod incidents;
mod record_setup;
mod replay;
mod report;
mod scenarios;
mod training;

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr, eyre};
use crossterm::event::KeyEvent;
use tokio::sync::mpsc;

use crate::cli::{ColorChoice, DrillArgs, RecordChoice};
use crate::config::{self, ConfigError, Origin, Settings, UserDirs};
use crate::kubernetes;
use crate::kubernetes::ConnectOptions;
use crate::postgres::{DatabaseOptions, UrlOrigin};
use crate::runtime::clipboard::Clipboard;
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::sources::{self, Sources};
use crate::runtime::tasks::Tasks;
use crate::runtime::{event_loop, screenshot, signals};
use sopwatch_console::app::event::Event;
use sopwatch_console::app::{App, Session};
use sopwatch_console::keymap::Keymap;
use sopwatch_console::screen;
use sopwatch_console::screen::Theme;
use sopwatch_console::training::{Lesson, markdown};
use sopwatch_drill::{Drill, Scenario};

pub use self::check::{UNKNOWN as CHECK_UNKNOWN, check};
pub use self::incidents::incidents;
pub use self::replay::replay;
pub use self::report::report;
pub use self::scenarios::{ids as scenario_ids, markdown as scenario_table, read as read_scenario};

/// Events that may wait for the loop: what is more waits at its source.
const QUEUE: usize = 256;

/// How long one request may take unless it was set.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The SOP of a console for which none was named: it asks.
const NO_SOP: &str = "";

/// Everything a console is made of.
struct ConsoleParts {
    session: Session,
    sop: String,
    sources: Sources,
    clock: Clock,
}

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
    let status = event_loop::run(&mut console).await;
    console.leave(&record_setup::how_left(&status)).await;
    tasks.stop().await;
    record_setup::print_location(&console.app)?;
    status
}

/// The console on an embedded cluster and database, or that world alone, or a picture of it; the exit status.
pub async fn drill(settings: &Settings, arguments: &DrillArgs) -> Result<u8> {
    if arguments.list {
        return print(&scenarios::list(&settings.profile, arguments.short)).map(|()| 0);
    }
    let name = arguments.scenario.as_deref().unwrap_or(scenarios::FIRST);
    let scenario = scenarios::find(name, &settings.profile)?;
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
    let drill = Drill::start(options).await.wrap_err("start the drill")?;
    if arguments.serve {
        serve(&drill).await?;
        let told = setup
            .lesson
            .map(|lesson| training::debriefing_without_console(&drill, lesson, &settings.profile, began));
        return print(&told.map_or_else(String::new, |told| format!("\n{told}"))).map(|()| 0);
    }
    Box::pin(rehearse(settings, arguments, &drill, setup)).await
}

/// A folder that only its owner reads, gone when it is dropped.
fn drill_folder() -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("sopwatch-drill-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .wrap_err("make the drill's folder")
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
) -> Result<u8> {
    let parts = drill_parts(settings, drill, (setup.title, setup.sop, setup.speed))?;
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
            Some(file) => Box::pin(screenshot_of(console, arguments, &title, file)).await,
            None => run_to_debriefing(console).await,
        }
    };
    let status = tokio::select! {
        status = run => status,
        () = training::carry(drill, events, given) => Ok(0),
    };
    tasks.stop().await;
    status
}

/// Runs the console; when the operator has left it, the debriefing stays in the terminal's scroll-back.
async fn run_to_debriefing(mut console: Console) -> Result<u8> {
    let status = event_loop::run(&mut console).await;
    console.leave(&record_setup::how_left(&status)).await;
    let status = status?;
    if let Some(page) = console.app.debriefing().filter(|_| status == 0) {
        print(&training::printed(&markdown(&page)))?;
    }
    Ok(status)
}

async fn screenshot_of(console: Console, arguments: &DrillArgs, title: &str, file: &Path) -> Result<u8> {
    let keys = arguments.keys.iter().flat_map(|keys| &keys.0);
    let keys: Vec<KeyEvent> = keys.map(|key| KeyEvent::from(*key)).collect();
    let buffer = screenshot::take(console, arguments.size.unwrap_or((120, 40)), &keys).await;
    std::fs::write(file, screen::svg(&buffer, title))
        .wrap_err_with(|| format!("write {}", file.display()))?;
    Ok(0)
}

fn drill_parts(
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
        format!(". {}  # the database too", drill.variables().display()),
        "kubectl get pods -w".to_owned(),
        "psql \"$SOPWATCH_DATABASE_URL\"".to_owned(),
    ]
}

/// Prints where the world is, as a shell takes it, and holds it until it is interrupted.
async fn serve(drill: &Drill) -> Result<()> {
    // First: whoever reads where the world is may end it at once, and its folder must not stay.
    let mut end = signals::watch_for_end(false).wrap_err("watch for signals")?;
    let variables = std::fs::read_to_string(drill.variables()).wrap_err("read the drill's variables")?;
    print(&variables)?;
    signals::ended(&mut end).await;
    Ok(())
}

/// A console, and where events for it are sent.
fn console(
    settings: &Settings,
    parts: ConsoleParts,
    tasks: &Tasks,
) -> Result<(Console, mpsc::Sender<Event>)> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let keymap = keymap(settings)?;
    let theme = theme(settings)?;
    let lines = sources::start(parts.sources, tasks, &sender);
    let app = App::new(parts.session, &parts.sop, keymap);
    let variables = config::variables_of_this_process();
    let clipboard = Clipboard::of(&variables, UserDirs::of(&variables).state);
    let channel = (sender.clone(), receiver);
    let console = Console::new(app, theme, parts.clock, channel, lines, clipboard);
    Ok((console, sender))
}

fn keymap(settings: &Settings) -> Result<Keymap> {
    let keys = settings
        .keys
        .iter()
        .map(|setting| (setting.action.clone(), setting.keys.clone()))
        .collect();
    Keymap::with(&keys).map_err(|problem| eyre!("keys in the configuration: {problem}"))
}

fn theme(settings: &Settings) -> Result<Theme> {
    let screen = &settings.screen;
    let color = match screen.color.value {
        ColorChoice::Auto | ColorChoice::Always => true,
        ColorChoice::Never => false,
    };
    Theme::named(&screen.theme.value, color, screen.ascii.value).map_err(|problem| eyre!(problem))
}

fn session(
    settings: &Settings,
    namespace: &str,
    drill: Option<(String, Vec<String>)>,
    clock: Clock,
) -> Session {
    let environment = settings.environment_for(namespace).cloned();
    let (drill, beside) = drill.unzip();
    Session {
        profile: Arc::new(settings.profile.clone()),
        read_only: settings.is_read_only(environment.as_ref()),
        environment,
        namespace: namespace.to_owned(),
        drill,
        beside: beside.unwrap_or_default(),
        started_at: clock.now(),
    }
}

fn connect_options(settings: &Settings) -> ConnectOptions {
    // What KUBECONFIG says is left to the client, which merges its files as kubectl does.
    let file = settings
        .kubeconfig
        .as_ref()
        .filter(|files| !matches!(files.origin, Origin::Variable(_)));
    ConnectOptions {
        kubeconfig: file.and_then(|files| files.value.first().cloned()),
        context: settings.context.as_ref().map(|context| context.value.clone()),
        namespace: settings
            .namespace
            .as_ref()
            .map(|namespace| namespace.value.clone()),
        impersonate: settings.impersonate.as_ref().map(|user| user.value.clone()),
        request_timeout: settings
            .request_timeout
            .as_ref()
            .map_or(REQUEST_TIMEOUT, |timeout| timeout.value),
    }
}

fn database_options(settings: &Settings) -> Result<DatabaseOptions, &'static str> {
    let database = &settings.database;
    if !database.enabled.value {
        return Err("switched off by --no-database");
    }
    let origin = |origin: &Origin| match origin {
        Origin::Variable(_) => UrlOrigin::Environment,
        _ => UrlOrigin::CommandLine,
    };
    Ok(DatabaseOptions {
        url: database
            .url
            .as_ref()
            .map(|url| (url.value.clone(), origin(&url.origin))),
        variables: database
            .libpq
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        host: database.host.as_ref().map(|host| host.value.clone()),
        port: database.port.as_ref().map(|port| port.value),
        tls: database.tls.as_ref().map(|tls| tls.value),
        poll: database.poll.value,
        seed: fastrand::u64(..),
    })
}

/// Judges what only the keymap and the screen know: bound keys and the theme.
pub fn judge(settings: &Settings) -> Result<(), ConfigError> {
    settings.check_theme(Theme::names())?;
    settings.check_keys(|action, key| {
        let bound = BTreeMap::from([(action.to_owned(), vec![key.to_owned()])]);
        Keymap::with(&bound).map(|_| ())
    })
}

/// Writes an answer to standard output; a reader that has gone away is no error.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.wrap_err("write to standard output"),
    }
}

/// A problem with what to do about it.
fn with_advice(problem: sopwatch_core::observe::source::Problem) -> color_eyre::Report {
    if let Some(advice) = &problem.advice {
        eyre!("{problem}\n{advice}")
    } else {
        eyre!("{problem}")
    }
}
