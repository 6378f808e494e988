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
    /// Give the terminal back to the shell until it is resumed.
    Suspend,
    /// Draw the whole screen again.
    Redraw,
    /// Ask the database now.
    Refresh,
    /// From now on read the rows behind this status with each poll; `None`: no rows.
    WatchRows(Option<RowsOf>),
    /// From now on the logs of these pods matter most.
    FocusLogs(LogFocus),
    /// Tell the drill what the operator would do.
    Answer(Choice),
    /// Put text where the operator can paste it from.
    Copy(String),
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
    SaveLines(String),
    /// Show these lines of the log in the operator's pager.
    Page(String),
    /// Send the terminal a request of its own, such as to take a text on its clipboard.
    Write(String),
}

impl Effect {
    /// Whether it is for more than the screen and the operator's clipboard.
    pub fn reaches_world(&self) -> bool {
        match self {
            Self::Quit
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
        request: Option<String>,
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
