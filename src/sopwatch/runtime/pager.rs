//! Lines of the log in the operator's pager.
//!
//! The console goes on beneath it: what was confirmed is carried out, and what is observed is recorded. Only the screen waits.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitStatus;
use std::sync::atomic::Ordering;

use color_eyre::eyre::{Result, WrapErr};
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::Interval;

use super::console::Console;
use super::signals::{self, Ended};
use super::terminal;
use sopwatch_console::app::event::{Event, Outcome};
use sopwatch_core::text::SafeText;

/// The operator's pager, with its arguments.
#[derive(Clone, Debug)]
pub struct Pager(String);

impl Pager {
    /// The one that `PAGER` names; without it, `less`.
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let named = variables.get("PAGER").map_or("", |pager| pager.trim());
        Self(if named.is_empty() { "less" } else { named }.to_owned())
    }
}

/// Gives the terminal to the pager until it ends, and takes it back.
pub(super) async fn show(
    console: &mut Console,
    Pager(pager): &Pager,
    text: &SafeText,
    end: &mut watch::Receiver<Option<Ended>>,
    tick: &mut Interval,
) -> Result<()> {
    let file = match written(text) {
        Ok(file) => file,
        Err(why) => {
            complain(console, &format!("can't write the lines for the pager: {why}"));
            return Ok(());
        }
    };
    terminal::leave();
    signals::PAGING.store(true, Ordering::SeqCst);
    // `PAGER` may have arguments: the shell reads it, and the file is an argument of its own.
    let started = Command::new("sh")
        .args(["-c", &format!("{pager} \"$1\""), "sh"])
        .arg(file.path())
        .kill_on_drop(true)
        .spawn();
    let ended = match started {
        Ok(child) => wait(console, child, end, tick).await,
        Err(why) => Err(why),
    };
    signals::PAGING.store(false, Ordering::SeqCst);
    terminal::take().wrap_err("can't take the terminal back")?;
    match ended {
        Ok(status) if status.is_none_or(|status| status.success()) => {}
        Ok(status) => {
            let code = status.and_then(|status| status.code());
            let code = code.map_or("a signal".to_owned(), |code| format!("status {code}"));
            complain(
                console,
                &format!("the pager `{pager}` ended with {code}: set PAGER"),
            );
        }
        Err(why) => complain(console, &format!("can't start the pager `{pager}`: {why}")),
    }
    Ok(())
}

/// Until the pager ends, what comes is taken in and nothing is drawn; `None` where the console must end first.
async fn wait(
    console: &mut Console,
    mut child: Child,
    end: &mut watch::Receiver<Option<Ended>>,
    tick: &mut Interval,
) -> std::io::Result<Option<ExitStatus>> {
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return status.map(Some),
            _ended = signals::ended(end) => return Ok(None),
            Some(event) = console.next() => {
                console.take(event);
            }
            _ = tick.tick() => {
                console.take(Event::Tick);
                console.judge();
            }
        }
    }
}

fn written(text: &SafeText) -> std::io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix("sopwatch-")
        .suffix(".log")
        .tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

fn complain(console: &mut Console, what: &str) {
    console.take(Event::Outcome(Outcome::Failed {
        what: SafeText::new(what),
    }));
}
