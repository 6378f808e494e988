//! The durable history of one incident: what was seen, found and done, line after line.
//!
//! Here is what a record says; the journal keeps it on disk. A record begins with [`Entry::Began`] and is only ever added to.
//! Observations stand in it as they came in, less what changes nothing ([`recorder`]), so that the same observations at the same moments give the
//! same diagnosis again: that is what a replay does, and what it checks each [`Entry::Snapshot`] against.

mod lenient;
pub mod recorder;
mod snapshot;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::profile::{Environment, Profile};
use super::text::SafeText;
use crate::diagnose::Recommendation;
use crate::observe::observation::Observation;
use crate::profile::rule::Advice;
pub use crate::record::snapshot::{Snapshot, SnapshotLeader, SnapshotStep};
use crate::remediate::command::{Command, CommandOutcome, PlanKind};
use crate::text::Redacted;

/// The version of the lines: it changes when one can't be read as before.
pub const VERSION: u32 = 1;

/// One line: an entry and when, by the cluster's clock as far as it is known.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What.
    pub entry: Entry,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "what")]
pub enum Entry {
    /// The incident began: the first line, and the only one of its kind.
    Began(Box<Began>),
    /// Another console, or the same started again, goes on with it.
    Joined(Writer),
    /// A source told something.
    #[serde(rename = "fact")]
    Observation(Box<Observation>),
    /// The cluster's clock was found to be so far ahead of the console's machine: all times from here on are by it.
    ClockAhead(SignedDuration),
    /// Log records that are not in the record, counted: they changed nothing.
    LeftOut {
        /// How many.
        records: u64,
    },
    /// A step's answer, a leader's verdict or the recommendation changed.
    #[serde(rename = "found")]
    Snapshot(Box<Snapshot>),
    /// Another SOP was chosen.
    Sop {
        /// Its id.
        id: String,
        /// The alert that chose it; `None` where a person did, and in older records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<SafeText>,
    },
    /// A command is about to be sent: on disk before it leaves.
    Intent(Box<Intent>),
    /// What came of one; several where it was unknown at first.
    Outcome {
        /// The intent's.
        id: u64,
        /// What came of it.
        outcome: CommandOutcome,
    },
    /// How what a change was for goes on: `replacement is ready`.
    Stage {
        /// The newest intent that it follows.
        id: u64,
        /// What, in a few words.
        words: SafeText,
        /// Whether it went as it should; `None` while nothing is decided.
        good: Option<bool>,
    },
    /// A manual step was ticked.
    Ticked {
        /// The step's id.
        step: String,
        /// What was seen; may be empty.
        note: SafeText,
    },
    /// A tick was taken back.
    Unticked {
        /// The step's id.
        step: String,
    },
    /// The operator noted something.
    Note {
        /// What.
        text: SafeText,
    },
    /// A text for another team was copied.
    HandOff {
        /// The contact's id.
        contact: String,
        /// The text.
        text: SafeText,
    },
    /// Entries that could not be written, counted: what follows can't be replayed exactly.
    Lost {
        /// How many.
        entries: u64,
        /// Why.
        why: SafeText,
    },
    /// The console was left; the incident stays open.
    Left {
        /// `q`, a signal, …
        how: SafeText,
    },
    /// The incident is over.
    Closed(Writer),
}

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Writer {
    /// The login name on the console's machine.
    pub user: SafeText,
    /// The machine's name.
    pub host: SafeText,
    /// The program's process there.
    pub pid: u32,
    /// The program's version.
    pub version: String,
}

/// The place, the subject and the user.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Began {
    /// [`VERSION`].
    pub record: u32,
    /// Who began it.
    pub by: Writer,
    /// The service, whole: a record is read where nobody knows it, and by versions that write a profile otherwise.
    #[serde(deserialize_with = "lenient::profile")]
    pub profile: Profile,
    /// The environment; `None` for a namespace that the profile does not know.
    pub environment: Option<Environment>,
    /// The namespace.
    pub namespace: String,
    /// The API server as the kubeconfig names it.
    pub server: Redacted,
    /// The SOP that was open; empty where none was chosen yet.
    pub sop: String,
    /// The scenario's title, in a drill.
    pub drill: Option<String>,
    /// Seconds of the drill's clock a second, where they are not one.
    pub speed: Option<f64>,
    /// Whether the console may change nothing.
    pub read_only: bool,
}

/// A command that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Intent {
    /// Counts the commands of the incident, from 1.
    pub id: u64,
    /// What.
    pub command: Command,
    /// What it belongs to.
    pub aim: PlanKind,
    /// The rule that recommended it; `None` where none did.
    pub cause: Option<String>,
    /// The user as the server names them.
    pub user: SafeText,
    /// Which of how many that were confirmed together, from 1: `[2, 3]`; `None` for one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<(usize, usize)>,
    /// The advice at the moment of this line, which may be another than the one that was confirmed; `None` in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<AdviceThen>,
    /// In the first of several that were confirmed together: those that are to be sent after it, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rest: Vec<Command>,
}

/// What the [`Recommendation`] was when a command was about to be sent. Its sentences are in the [`Snapshot`] before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AdviceThen {
    /// What to do.
    pub action: Advice,
    /// For an escalation: the contact's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The rule that it follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl From<&Recommendation> for AdviceThen {
    fn from(one: &Recommendation) -> Self {
        Self {
            action: one.action,
            contact: one.contact.clone(),
            rule: one.rule.clone(),
        }
    }
}

impl Intent {
    /// The advice at its moment, where that was not what this command does for its rule.
    pub fn other_advice(&self) -> Option<&AdviceThen> {
        let same = |advice: &&AdviceThen| {
            advice.action == self.aim.answers() && (self.cause.is_none() || advice.rule == self.cause)
        };
        self.advice.as_ref().filter(|advice| !same(advice))
    }

    /// ` (2 of 3)` where it was confirmed with others.
    pub fn part_words(&self) -> String {
        self.part
            .map_or(String::new(), |(number, of)| format!(" ({number} of {of})"))
    }
}

impl Entry {
    /// As lines name it: `began`, `observation`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::Began(_) => "began",
            Self::Joined(_) => "joined",
            Self::Observation(_) => "fact",
            Self::ClockAhead(_) => "clock-ahead",
            Self::LeftOut { .. } => "left-out",
            Self::Snapshot(_) => "found",
            Self::Sop { .. } => "sop",
            Self::Intent(_) => "intent",
            Self::Outcome { .. } => "outcome",
            Self::Stage { .. } => "stage",
            Self::Ticked { .. } => "ticked",
            Self::Unticked { .. } => "unticked",
            Self::Note { .. } => "note",
            Self::HandOff { .. } => "hand-off",
            Self::Lost { .. } => "lost",
            Self::Left { .. } => "left",
            Self::Closed(_) => "closed",
        }
    }
}
