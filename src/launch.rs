//! What `main` chooses from: the live console, a drill, and the texts. The only place that knows both the drill and the runtime.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr, eyre};
use tokio::sync::mpsc;

use crate::app::keymap::Keymap;
use crate::app::{App, Session};
use crate::cli::{ColorChoice, DrillArgs};
use crate::cluster::{self, ConnectOptions};
use crate::config::{ConfigError, Origin, Settings, Tls};
use crate::database::{DatabaseOptions, TlsMode, UrlOrigin};
use crate::drill::{self, Drill};
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::sources::{self, Sources};
use crate::runtime::tasks::Tasks;
use crate::runtime::{live, picture, signals};
use crate::view::{self, Theme};

/// Events that may wait for the loop: what is more waits at its source.
const QUEUE: usize = 256;

/// How long one request may take unless it was set.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The scenario of a drill when none was named.
const FIRST_SCENARIO: &str = "all-well";

/// The SOP a console opens with when none was named.
const FIRST_SOP: &str = "";

/// Everything a console is made of.
struct Parts {
    session: Session,
    sop: String,
    sources: Sources,
    clock: Clock,
}

/// The console on the live cluster; the exit status.
pub async fn live(settings: &Settings) -> Result<u8> {
    let connect = connect_options(settings);
    let target = cluster::target(&connect).map_err(told)?;
    let session = session(settings, &target.namespace, None, Clock::system());
    let sop = settings
        .sop
        .as_ref()
        .map_or_else(|| FIRST_SOP.to_owned(), |sop| sop.value.clone());
    let sources = Sources {
        profile: session.profile.clone(),
        connect,
        database: database_options(settings),
    };
    run(
        settings,
        Parts {
            session,
            sop,
            sources,
            clock: Clock::system(),
        },
    )
    .await
}

/// The console on an embedded cluster and database, or that world alone, or a picture of it; the exit status.
pub async fn drill(settings: &Settings, arguments: &DrillArgs) -> Result<u8> {
    if arguments.list {
        return print(&scenario_list()).map(|()| 0);
    }
    let name = arguments.scenario.as_deref().unwrap_or(FIRST_SCENARIO);
    let scenario = drill::scenario(name)
        .map_err(|problem| eyre!("{problem}\n`sopwatch drill --list` says what they are about"))?;
    let folder = tempfile::Builder::new()
        .prefix("sopwatch-drill-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .wrap_err("make the drill's folder")?;
    let (title, sop) = (scenario.title.clone(), scenario.sop.clone());
    let options = drill::Options {
        scenario,
        start: Clock::system().now(),
        speed: arguments.speed.unwrap_or(1.0),
        seed: arguments.seed.unwrap_or(1),
        folder: folder.path().to_owned(),
    };
    let drill = Drill::start(options).await.wrap_err("start the drill")?;
    if arguments.serve {
        return serve(&drill).await;
    }
    let parts = drill_parts(settings, &drill, title, sop)?;
    match &arguments.screenshot {
        Some(file) => screenshot(settings, parts, arguments.size.unwrap_or((120, 40)), file).await,
        None => run(settings, parts).await,
    }
}

fn drill_parts(settings: &Settings, drill: &Drill, title: String, sop: String) -> Result<Parts> {
    let connect = ConnectOptions {
        kubeconfig: Some(drill.kubeconfig().to_owned()),
        context: None,
        namespace: None,
        impersonate: None,
        request_timeout: REQUEST_TIMEOUT,
    };
    let target = cluster::target(&connect).map_err(told)?;
    let time = drill.clock();
    let clock = Clock::new(move || time.now());
    let session = session(
        settings,
        &target.namespace,
        Some((title, beside(drill))),
        clock.clone(),
    );
    let database = database_options(settings).map(|_| DatabaseOptions {
        poll: settings.database.poll.value,
        ..DatabaseOptions::default()
    });
    let sop = settings.sop.as_ref().map_or(sop, |chosen| chosen.value.clone());
    let sources = Sources {
        profile: session.profile.clone(),
        connect,
        database,
    };
    Ok(Parts {
        session,
        sop,
        sources,
        clock,
    })
}

/// What to type in another terminal to look at the same world: lines that a terminal does not break, and no password.
fn beside(drill: &Drill) -> Vec<String> {
    vec![
        format!("export KUBECONFIG={}", drill.kubeconfig().display()),
        format!(". {}  # the database too", drill.variables().display()),
        "kubectl get pods -w".to_owned(),
        "psql \"$SOPWATCH_DATABASE_URL\"".to_owned(),
    ]
}

/// Prints where the world is, as a shell takes it, and holds it until it is interrupted.
async fn serve(drill: &Drill) -> Result<u8> {
    // First: whoever reads where the world is may end it at once, and its folder must not stay.
    let mut end = signals::watch_for_end(false).wrap_err("watch for signals")?;
    let variables = std::fs::read_to_string(drill.variables()).wrap_err("read the drill's variables")?;
    print(&variables)?;
    signals::ended(&mut end).await;
    Ok(0)
}

async fn screenshot(settings: &Settings, parts: Parts, size: (u16, u16), file: &PathBuf) -> Result<u8> {
    let title = parts.session.drill.clone().unwrap_or_default();
    let tasks = Tasks::default();
    let console = console(settings, parts, &tasks)?;
    let buffer = picture::take(console, size).await;
    tasks.stop().await;
    std::fs::write(file, view::svg(&buffer, &title)).wrap_err_with(|| format!("write {}", file.display()))?;
    Ok(0)
}

async fn run(settings: &Settings, parts: Parts) -> Result<u8> {
    let tasks = Tasks::default();
    let console = console(settings, parts, &tasks)?;
    let status = live::run(console).await;
    tasks.stop().await;
    status
}

fn console(settings: &Settings, parts: Parts, tasks: &Tasks) -> Result<Console> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let keys = settings
        .keys
        .iter()
        .map(|setting| (setting.action.clone(), setting.keys.clone()))
        .collect();
    let keymap = Keymap::with(&keys).map_err(|problem| eyre!("keys in the configuration: {problem}"))?;
    let theme = theme(settings)?;
    let line = sources::start(parts.sources, tasks, &sender);
    let app = App::new(parts.session, &parts.sop, keymap);
    let in_tmux = std::env::var_os("TMUX").is_some();
    Ok(Console::new(
        app,
        theme,
        parts.clock,
        (sender, receiver),
        line,
        in_tmux,
    ))
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
        tls: database.tls.as_ref().map(|tls| tls_mode(tls.value)),
        poll: database.poll.value,
    })
}

fn tls_mode(tls: Tls) -> TlsMode {
    match tls {
        Tls::VerifyFull => TlsMode::VerifyFull,
        Tls::VerifyCa => TlsMode::VerifyCa,
        Tls::Require => TlsMode::Require,
        Tls::None => TlsMode::Disable,
    }
}

/// Judges what only the keymap and the screen know: bound keys and the theme.
pub fn judge(settings: &Settings) -> Result<(), ConfigError> {
    settings.check_theme(Theme::names())?;
    settings.check_keys(|action, key| {
        let bound = BTreeMap::from([(action.to_owned(), vec![key.to_owned()])]);
        Keymap::with(&bound).map(|_| ())
    })
}

fn scenario_list() -> String {
    let scenarios = drill::scenarios();
    let line = |scenario: &drill::ScenarioInfo| {
        let first = if scenario.id == FIRST_SCENARIO {
            " (when none is named)"
        } else {
            ""
        };
        format!(
            "{:<22} {}{first}\n{:22} {}\n{:22} SOP: {}\n",
            scenario.id, scenario.title, "", scenario.story, "", scenario.sop
        )
    };
    scenarios.iter().map(line).collect()
}

/// Writes an answer to standard output; a reader that has gone away is no error.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.wrap_err("write to standard output"),
    }
}

/// A problem with what to do about it.
fn told(problem: crate::incident::feed::Problem) -> color_eyre::Report {
    if let Some(advice) = &problem.advice {
        eyre!("{problem}\n{advice}")
    } else {
        eyre!("{problem}")
    }
}
