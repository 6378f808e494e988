//! Lines of the log in the operator's pager.
//!
//! The console goes on beneath it: what was confirmed is carried out, and what is observed is recorded. Only the screen waits.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitStatus;

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
pub struct Pager {
    command: String,
    /// What `LESS` says, if it is set.
    less: Option<String>,
}

impl Pager {
    /// The one that `PAGER` names; without it, `less`.
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let named = variables.get("PAGER").map_or("", |pager| pager.trim());
        Self {
            command: if named.is_empty() { "less" } else { named }.to_owned(),
            less: variables.get("LESS").cloned(),
        }
    }

    /// Becomes the pager with a text, where no console runs; comes back only where that is impossible.
    pub fn take_over(&self, text: &SafeText) -> std::io::Error {
        let mut file = match tempfile::tempfile() {
            Ok(file) => file,
            Err(why) => return why,
        };
        if let Err(why) = file
            .write_all(text.as_bytes())
            .and_then(|()| file.seek(SeekFrom::Start(0)))
        {
            return why;
        }
        let mut command = std::process::Command::new("sh");
        // A pager that isn't there reads nothing, and leaves it to the other.
        command
            .args(["-c", &format!("{} || cat", self.command)])
            .stdin(file);
        if self.less.is_none() {
            // As git has it: what was read stays on the screen.
            command.env("LESS", "FRX");
        }
        command.exec()
    }
}

/// Gives the terminal to the pager until it ends, and takes it back.
pub(super) async fn show(
    console: &mut Console,
    Pager { command: pager, .. }: &Pager,
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
    signals::pager_began();
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
    terminal::take().wrap_err("can't take the terminal back")?;
    signals::pager_ended();
    match ended {
        Ok(status) if status.is_none_or(|status| status.success() || is_interrupted(status)) => {}
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

/// Whether ctrl-c ended it, or what the shell ran for it.
fn is_interrupted(status: ExitStatus) -> bool {
    const SIGINT: i32 = 2;
    status.signal() == Some(SIGINT) || status.code() == Some(128 + SIGINT)
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
