//! The program's commands: the live console, a drill, a replay, `check`, and the texts on records. Only this room knows both the drill and the
//! runtime.

mod check;
mod doctor;
mod drill;
mod help;
mod incidents;
mod live;
mod monitoring;
mod read_scenario;
mod record_setup;
mod replay;
mod report;
mod tour;
mod training;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr, eyre};
use tokio::sync::mpsc;

use crate::cli::ColorChoice;
use crate::config::{self, ConfigError, ConfigProblem, Origin, OutputText, Settings, TextOutput, UserDirs};
use crate::kubernetes::{self, ConnectOptions};
use crate::postgres::{DatabaseOptions, UrlOrigin};
use crate::runtime::clipboard::Clipboard;
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::pager::Pager;
use crate::runtime::sources::{self, Sources};
use crate::runtime::tasks::Tasks;
use crate::runtime::terminal;
use sopwatch_console::app::event::Event;
use sopwatch_console::app::{App, Session};
use sopwatch_console::keymap::Keymap;
use sopwatch_console::screen::Theme;
use sopwatch_core::text::SafeText;

pub use self::check::{UNKNOWN as CHECK_UNKNOWN, check};
pub use self::doctor::doctor;
pub use self::drill::drill;
pub use self::help::help;
pub use self::incidents::incidents;
pub use self::live::live;
pub use self::read_scenario::{ids as scenario_ids, markdown as scenario_table, read as read_scenario};
pub use self::replay::replay;
pub use self::report::report;

/// Events that may wait for the loop: what is more waits at its source.
const QUEUE: usize = 256;

/// How long one request may take unless it was set.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Everything a console is made of.
struct ConsoleParts {
    session: Session,
    sop: String,
    sources: Sources,
    clock: Clock,
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
    let mut app = App::new(parts.session, &parts.sop, keymap);
    app.bell.on = settings.screen.bell.value;
    let variables = config::variables_of_this_process();
    let clipboard = Clipboard::of(&variables, UserDirs::of(&variables).state);
    let channel = (sender.clone(), receiver);
    let console = Console::new(app, theme, parts.clock, channel, lines, clipboard);
    Ok((console, sender))
}

/// The pager that the environment names.
fn pager() -> Pager {
    Pager::of(&config::variables_of_this_process())
}

fn keymap(settings: &Settings) -> Result<Keymap> {
    let keys = settings
        .keys
        .iter()
        .map(|setting| (setting.action.clone(), setting.keys.clone()))
        .collect();
    Keymap::with(&keys).map_err(|problem| eyre!("[keys] in the configuration: {problem}"))
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
    let (drill, hints) = drill.unzip();
    Session {
        profile: Arc::new(settings.profile.clone()),
        read_only: settings.is_read_only(environment.as_ref()),
        environment,
        namespace: namespace.to_owned(),
        drill,
        drill_shell_hints: hints.unwrap_or_default(),
        scenarios: Vec::new(),
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
        return Err("switched off (--no-database or configuration)");
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

/// Where the kubeconfig leads, for `config check`.
///
/// # Errors
/// It leads nowhere, or does not exist.
pub fn check_cluster(settings: &Settings) -> Result<String, ConfigError> {
    let target = kubernetes::target(&connect_options(settings)).map_err(|problem| {
        let text = problem.to_string();
        let why = ["no kubeconfig: ", "kubeconfig "]
            .into_iter()
            .find_map(|lead| text.strip_prefix(lead));
        let found = ConfigProblem::new("kubeconfig", why.unwrap_or(&text));
        match problem.advice {
            Some(advice) => found.hint(advice.to_string()),
            None => found,
        }
    })?;
    let context = target
        .context
        .map_or_else(String::new, |context| format!("context {context}, "));
    Ok(format!(
        "kubeconfig: ok, {context}server {}, namespace {}",
        target.server, target.namespace
    ))
}

/// Writes an answer to standard output; a reader that has gone away is no error.
pub fn print(text: &SafeText) -> Result<()> {
    terminal::print(text)
        .map(|_is_read| ())
        .wrap_err("can't write to standard output")
}

/// Writes the output of a command that needs neither cluster nor screen; the exit status.
pub fn print_output(output: &TextOutput) -> Result<u8> {
    let written = match &output.text {
        OutputText::Safe(text) => terminal::print(text),
        OutputText::Generated(text) => terminal::print_generated(text),
    };
    written.wrap_err("can't write to standard output")?;
    Ok(output.status)
}

/// A problem with what to do about it.
fn with_advice(problem: sopwatch_core::observe::source::Problem) -> color_eyre::Report {
    if let Some(advice) = &problem.advice {
        eyre!("{problem}\n{advice}")
    } else {
        eyre!("{problem}")
    }
}
