//! What enters the loop, and what `update` asks for.

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use crate::dialogs::confirmation::DryRun;
use crate::training::Choice;
use sopwatch_core::logparse::LogFocus;
use sopwatch_core::observe::audit::AuditEntry;
use sopwatch_core::observe::observation::{Observation, RowsOf};
use sopwatch_core::record::{Entry, Intent, Line};
use sopwatch_core::remediate::command::{Command, CommandOutcome};
use sopwatch_core::text::SafeText;

/// Anything that enters the loop. The loop says when.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted: it goes to a text field or nowhere, never to single-key actions.
    Paste(String),
    /// The terminal has this size now: columns, rows.
    Resize(u16, u16),
    /// Time passed.
    Tick,
    /// A source told something.
    Observation(Observation),
    /// Something was done to a drill's cluster, by whomever.
    AuditEntry(AuditEntry),
    /// What came of an effect.
    Outcome(Outcome),
}

/// What `update` asks the runtime to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Leave this scenario of a drill for the one of this id.
    StartScenario(String),
    /// Give the terminal back to the shell until it is resumed.
    Suspend,
    /// Draw the whole screen again.
    Redraw,
    /// Ask the database, the monitoring servers and for our rights now.
    Refresh,
    /// From now on read the rows behind this status with each poll; `None`: no rows.
    WatchRows(Option<RowsOf>),
    /// From now on the logs of these pods matter most.
    FocusLogs(LogFocus),
    /// Tell the drill what the operator would do.
    Answer(Choice),
    /// Put text where the operator can paste it from.
    Copy(SafeText),
    /// Have the server try commands without doing them.
    DryRun {
        /// The question that they belong to.
        number: u64,
        /// What.
        commands: Vec<Command>,
    },
    /// Write the intent to the record; then, and only then, send the command.
    Do {
        /// The time of the intent, on the screen and in the record.
        at: Timestamp,
        /// The intent.
        intent: Intent,
    },
    /// Write this to the record.
    Record(Entry),
    /// Go on with the incident that is offered, or begin a new one.
    OpenRecord {
        /// Whether to go on.
        resume: bool,
    },
    /// Write the incident's report.
    Report,
    /// Write these lines of the log to a file.
    SaveLines(SafeText),
    /// Show these lines of the log in the operator's pager.
    Page(SafeText),
    /// Ask the terminal to take a text on its clipboard, or to ring.
    Write(TerminalRequest),
}

/// What asks the terminal to take a text on its clipboard (OSC 52), or to ring: all that is written and is not the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalRequest(String);

impl TerminalRequest {
    /// Rings the bell.
    pub fn bell() -> Self {
        Self("\u{7}".to_owned())
    }

    /// The request for a text in base64; `None` where that holds any other sign: it would end the sequence.
    pub fn osc52(base64: &str) -> Option<Self> {
        let is_of_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        let is_base64 = base64.bytes().all(is_of_base64);
        is_base64.then(|| Self(format!("\u{1b}]52;c;{base64}\u{7}")))
    }

    /// The same in pieces of so many bytes at most, each wrapped so that screen passes it on.
    pub fn through_screen(&self, most: usize) -> Self {
        let mut wrapped = String::with_capacity(self.0.len() + self.0.len() / most.max(1) * 4 + 8);
        // The sequence is ASCII.
        for piece in self.0.as_bytes().chunks(most.max(1)) {
            wrapped.push_str("\u{1b}P");
            wrapped.push_str(&String::from_utf8_lossy(piece));
            wrapped.push_str("\u{1b}\\");
        }
        Self(wrapped)
    }

    /// The sequence.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Effect {
    /// Whether it is for more than the screen and the operator's clipboard.
    pub fn reaches_world(&self) -> bool {
        match self {
            Self::Quit
            | Self::StartScenario(_)
            | Self::Suspend
            | Self::Redraw
            | Self::Copy(_)
            | Self::SaveLines(_)
            | Self::Page(_)
            | Self::Write(_) => false,
            Self::Refresh
            | Self::WatchRows(_)
            | Self::FocusLogs(_)
            | Self::Answer(_)
            | Self::DryRun { .. }
            | Self::Do { .. }
            | Self::Record(_)
            | Self::OpenRecord { .. }
            | Self::Report => true,
        }
    }
}

/// What came of an effect that can fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The text is on a clipboard or in a file.
    Copied {
        /// The clipboard: `the tmux buffer`; `None` where there is none.
        to: Option<SafeText>,
        /// The file that holds it, where nobody confirms that the clipboard does.
        file: Option<PathBuf>,
        /// What asks the terminal to take it, where that is the clipboard.
        request: Option<TerminalRequest>,
    },
    /// A dry run was answered.
    DryRunAnswered {
        /// The question's number.
        number: u64,
        /// The answer.
        answer: DryRun,
    },
    /// What came of a command.
    Done {
        /// The intent's number.
        id: u64,
        /// What.
        outcome: CommandOutcome,
    },
    /// The record was opened.
    Opened {
        /// Its file.
        file: PathBuf,
        /// What stood in it.
        lines: Vec<Line>,
        /// Why it is a new one, where an old one was to be gone on with.
        instead: Option<SafeText>,
    },
    /// How the record is being written.
    Recording {
        /// Why it is not, where it is not.
        failing: Option<SafeText>,
        /// Lines that were lost.
        lost: u64,
    },
    /// Lines of the log were saved.
    Saved {
        /// Where.
        file: PathBuf,
    },
    /// The report was written.
    Reported {
        /// Where.
        file: PathBuf,
    },
    /// It could not be done.
    Failed {
        /// What, and why.
        what: SafeText,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_base64_gets_into_the_sequence_for_the_clipboard() {
        let request = TerminalRequest::osc52("Zm9v+/==").unwrap();
        assert_eq!(request.as_str(), "\u{1b}]52;c;Zm9v+/==\u{7}");
        for text in ["\u{7}", "a\u{1b}[2J", "a b", "\u{9c}", "é"] {
            assert_eq!(TerminalRequest::osc52(text), None, "{text:?}");
        }
    }
}
