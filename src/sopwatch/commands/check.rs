//! `sopwatch check`: the console's diagnosis once, or again and again, on standard output.

use std::time::Duration;

use color_eyre::eyre::{OptionExt, Result, WrapErr, eyre};

use super::drill::{drill_folder, drill_parts};
use super::{
    ConsoleParts, connect_options, console, database_options, monitoring, read_scenario, session, with_advice,
};
use crate::cli::{CheckArgs, CheckOutput, ColorChoice};
use crate::config::{ConfigError, ConfigProblem, Settings};
use crate::kubernetes;
use crate::runtime::clock::Clock;
use crate::runtime::console::Console;
use crate::runtime::headless::{Gathered, gather, turn};
use crate::runtime::signals::{self, Ended};
use crate::runtime::sources::Sources;
use crate::runtime::tasks::Tasks;
use crate::runtime::terminal;
use sopwatch_console::app::event::Event;
use sopwatch_core::export::check::Assessment;
use sopwatch_core::export::handoff;
use sopwatch_core::export::handoff::Done;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{SourceId, SourceState};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;
use sopwatch_drill::Drill;

/// The exit status of `check` when the state is unknown, or it could not run.
pub const UNKNOWN: u8 = 3;

/// How often a watch looks for changes.
const LOOK: Duration = Duration::from_secs(1);

/// Gathers, judges and prints; the exit status.
pub async fn check(settings: &Settings, arguments: &CheckArgs) -> Result<u8> {
    let chosen = chosen_sop(settings, arguments)?;
    check_contact(settings, arguments)?;
    let Some(name) = &arguments.drill else {
        let sop = chosen.ok_or_else(unnamed)?;
        return live(settings, arguments, sop).await;
    };
    let scenario = read_scenario::find(name, &settings.profile)?;
    let sop = chosen.unwrap_or_else(|| scenario.sop.clone());
    let title = scenario.title.clone();
    let folder = drill_folder()?;
    let lived = arguments.after.unwrap_or_default();
    let now = Clock::system().now();
    let options = sopwatch_drill::Options {
        scenario,
        start: now.saturating_sub(lived).unwrap_or(now),
        speed: 1.0,
        seed: arguments.seed.unwrap_or(1),
        folder: folder.path().to_owned(),
    };
    let drill = Drill::start_lived(options, lived)
        .await
        .wrap_err("can't start the drill")?;
    let mut parts = drill_parts(settings, &drill, (title, sop.clone(), None))?;
    parts.sop = sop;
    look(settings, arguments, parts).await
}

/// The SOP that was named; an alert hook that names two, or one that does not exist, must not check another.
fn chosen_sop(settings: &Settings, arguments: &CheckArgs) -> Result<Option<String>, ConfigError> {
    match &arguments.procedure {
        Some(id) => settings.sop_named(id).map(|sop| Some(sop.id.clone())),
        None => Ok(settings.sop.as_ref().map(|sop| sop.value.clone())),
    }
}

fn check_contact(settings: &Settings, arguments: &CheckArgs) -> Result<(), ConfigError> {
    let contacts = &settings.profile.contacts;
    match &arguments.hand_off {
        Some(named) if !named.is_empty() && !contacts.contains_key(named) => {
            let problem = ConfigProblem::new("--hand-off", format!("the profile has no contact `{named}`"));
            Err(problem
                .hint_among(named, contacts.keys().map(String::as_str))
                .into())
        }
        _ => Ok(()),
    }
}

/// The text for a contact; where none is named, for the one that is recommended.
fn hand_off(console: &Console, named: &str) -> Result<SafeText> {
    let account = console.app.account().ok_or_eyre("the profile has no SOP")?;
    let recommended = &account.diagnosis.decision.recommendation;
    let named = Some(named).filter(|named| !named.is_empty());
    let contact = named.or(recommended.contact.as_deref()).ok_or_else(|| {
        let advice = recommended.in_words(account.profile);
        let known: Vec<_> = account.profile.contacts.keys().map(String::as_str).collect();
        eyre!(
            "nothing to hand over: the recommendation is \"{advice}\"\nto write a hand-off anyway, name the team: --hand-off={}",
            known.join("|")
        )
    })?;
    Ok(handoff::hand_off(&account, contact, &Done::default()))
}

fn unnamed() -> ConfigError {
    ConfigProblem::new("check", "name an SOP")
        .hint("e.g. `sopwatch check api-down`; `sopwatch sops` lists them")
        .into()
}

async fn live(settings: &Settings, arguments: &CheckArgs, sop: String) -> Result<u8> {
    let connect = connect_options(settings);
    let target = kubernetes::target(&connect);
    let named = settings.namespace.as_ref().map_or("", |known| &known.value);
    let namespace = target.as_ref().map_or(named, |target| &target.namespace);
    let session = session(settings, namespace, None, Clock::system());
    let sources = Sources {
        profile: session.profile.clone(),
        monitoring: monitoring::options(settings, namespace, &connect, &Clock::system()),
        connect,
        database: database_options(settings),
    };
    let parts = ConsoleParts {
        session,
        sop,
        sources,
        clock: Clock::system(),
    };
    let Err(problem) = target else {
        return look(settings, arguments, parts).await;
    };
    // There is nothing to read, and the document says so.
    let tasks = Tasks::default();
    tasks.cancel.cancel();
    let (mut console, _) = console(settings, parts, &tasks)?;
    for id in [SourceId::Api, SourceId::Pods, SourceId::Deployment] {
        let failing = SourceState::Failing {
            problem: problem.clone(),
            attempt: 1,
            retry_in: Duration::ZERO,
        };
        console.take(Event::Observation(Observation::Source(id, failing)));
    }
    console.app.judge();
    let nothing = Gathered {
        took: Duration::ZERO,
        awaited: Vec::new(),
    };
    if let Some(one) = assessment(&console, nothing) {
        write_whole(&one, arguments, settings)?;
    }
    Err(with_advice(problem))
}

async fn look(settings: &Settings, arguments: &CheckArgs, parts: ConsoleParts) -> Result<u8> {
    let mut end = signals::watch_for_end(false).wrap_err("can't watch for signals")?;
    let tasks = Tasks::default();
    let (mut console, _) = console(settings, parts, &tasks)?;
    let gathered = tokio::select! {
        biased;
        Ended { signal } = signals::ended(&mut end) => return Ok(128 + signal),
        gathered = gather(&mut console, arguments.within) => gathered,
    };
    let Some(first) = assessment(&console, gathered) else {
        return Ok(UNKNOWN);
    };
    let mut status = first.exit_status();
    if let Some(contact) = &arguments.hand_off {
        match hand_off(&console, contact) {
            Ok(text) => write(&text).map(|_| ())?,
            Err(problem) => terminal::say_error(&problem),
        }
        tasks.stop().await;
        return Ok(status);
    }
    let is_read = write_whole(&first, arguments, settings)?;
    if arguments.watch && is_read {
        tokio::select! {
            biased;
            _ = signals::ended(&mut end) => {}
            ended = watch(&mut console, (arguments, settings), first, &mut status) => ended?,
        }
    }
    tasks.stop().await;
    Ok(status)
}

/// Prints what changes until nobody reads it; `status` follows.
async fn watch(
    console: &mut Console,
    (arguments, settings): (&CheckArgs, &Settings),
    mut last: Assessment,
    status: &mut u8,
) -> Result<()> {
    loop {
        turn(console, LOOK).await;
        let gathered = Gathered {
            took: Duration::from_millis(last.took_ms),
            awaited: console.app.pending_sources(),
        };
        let Some(now) = assessment(console, gathered) else {
            continue;
        };
        let changes = now.changes_since(&last);
        if changes.is_empty() {
            continue;
        }
        *status = now.exit_status();
        let is_read = match arguments.output {
            CheckOutput::Json => {
                let json = now.json_line().wrap_err("can't write the answer as JSON")?;
                write(&safe!("{json}\n"))?
            }
            CheckOutput::Table | CheckOutput::Markdown => write(&safe!("{}\n", changes.join("\n")))?,
            CheckOutput::Line => match now.new_line(&last, settings.screen.ascii.value) {
                Some(line) => write_line(&line, &now, settings)?,
                None => true,
            },
        };
        last = now;
        if !is_read {
            return Ok(());
        }
    }
}

fn assessment(console: &Console, gathered: Gathered) -> Option<Assessment> {
    let took_ms = u64::try_from(gathered.took.as_millis()).unwrap_or(u64::MAX);
    let account = console.app.account()?;
    Some(Assessment::of(&account, took_ms, gathered.awaited))
}

/// Writes the whole answer; whether somebody read it.
fn write_whole(one: &Assessment, arguments: &CheckArgs, settings: &Settings) -> Result<bool> {
    let ascii = settings.screen.ascii.value;
    let json = match arguments.output {
        CheckOutput::Table => return write(&one.table(ascii)),
        CheckOutput::Markdown => return write(&one.markdown()),
        CheckOutput::Line => return write_line(&one.line(ascii), one, settings),
        CheckOutput::Json if arguments.watch => one.json_line(),
        CheckOutput::Json => one.json(),
    };
    let json = json.wrap_err("can't write the answer as JSON")?;
    write(&safe!("{json}\n"))
}

/// Writes the line, in the colour of its exit status where colour is asked for; whether somebody read it.
fn write_line(line: &SafeText, one: &Assessment, settings: &Settings) -> Result<bool> {
    let color = match one.exit_status() {
        0 => 32,
        1 => 33,
        2 => 31,
        _ => 35,
    };
    match settings.screen.color.value {
        ColorChoice::Always => terminal::print_colored(line, color).wrap_err(UNWRITTEN),
        ColorChoice::Auto | ColorChoice::Never => write(&safe!("{line}\n")),
    }
}

const UNWRITTEN: &str = "can't write to standard output";

/// Whether somebody read it: a reader that has gone away is no error.
fn write(text: &SafeText) -> Result<bool> {
    terminal::print(text).wrap_err(UNWRITTEN)
}
