//! Who leads: what the logs and the lease rows say about each worker type.
//!
//! A leader says so once, when it wins the lease; afterwards only its loop's heartbeats tell, and the others' "not currently leader".
//! Missing lines therefore prove nothing, unless a log is known whole. The lease row is the other witness: it names one worker id,
//! which only the logs can join to a pod, and outlives a killed leader.

mod claim;
mod evidence;
mod history;
mod lease;
#[cfg(test)]
mod tests;
mod verdict;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::evidence::{LeaderEvidence, WorkerEvidence};
pub use self::history::{LeaderHistory, Led, led_over};
pub use crate::diagnose::leaders::verdict::{pods_without_lease, read_leaders};
use crate::text::SafeText;

/// Whether exactly one pod leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Exactly one.
    One,
    /// More than one.
    Many,
    /// No pod.
    None,
    /// It will be known at this moment: a lease, a tick and a loop after the newest start, or when a dead leader's lease has run out.
    Settling {
        /// When.
        until: Timestamp,
    },
    /// The evidence does not suffice.
    Unknown,
}

impl Verdict {
    /// Which kind of verdict it is, without its time.
    pub fn kind(self) -> VerdictKind {
        match self {
            Self::One => VerdictKind::One,
            Self::Many => VerdictKind::Many,
            Self::None => VerdictKind::None,
            Self::Settling { .. } => VerdictKind::Settling,
            Self::Unknown => VerdictKind::Unknown,
        }
    }

    /// As the documents say it: `one`.
    pub fn name(self) -> &'static str {
        self.kind().name()
    }
}

/// A kind of [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// Exactly one pod leads.
    One,
    /// More than one pod leads.
    Many,
    /// No pod leads.
    None,
    /// It will be known soon.
    Settling,
    /// The evidence does not suffice.
    Unknown,
}

impl VerdictKind {
    /// As the documents say it: `one`.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Many => "many",
            Self::None => "none",
            Self::Settling => "settling",
            Self::Unknown => "unknown",
        }
    }
}

/// What a verdict that is [settling](Verdict::Settling) waits for. It decides nothing: only the words differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Awaited {
    /// That a pod takes the lease: no pod leads, by all that could be read.
    #[default]
    Election,
    /// That a leader shows itself: a log that could not be read, or says too little, may be the leader's.
    Leader,
    /// That a pod comes up: none can lead before.
    Pod,
}

impl Awaited {
    /// What is known of the leader until then: `electing`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Election => "electing",
            Self::Leader => "leader not confirmed",
            Self::Pod => "none yet, no pod is up",
        }
    }
}

/// What is known about the leader of one worker type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderReading {
    /// The worker as people say it.
    pub worker: SafeText,
    /// The worker as the service logs it.
    pub log_type: String,
    /// Whether exactly one leads.
    pub verdict: Verdict,
    /// What the verdict waits for, where it settles.
    pub awaited: Awaited,
    /// The pod that leads, by name, when one does and it is known which.
    pub pod: Option<SafeText>,
    /// The pods that lead, by name, where more than one does.
    pub leading: Vec<SafeText>,
    /// The worker id of the one that leads.
    pub worker_id: Option<SafeText>,
    /// What the logs say, in at most [`LOG_WORDS`] characters: `blf5h, heartbeat 10s ago`.
    pub log: SafeText,
    /// Whether the logs tell of the leader; else `log` says why they don't.
    pub log_tells: bool,
    /// The same without the name of the pod that leads, for where another column names it: `heartbeat 10s ago`.
    pub log_unnamed: SafeText,
    /// The lease row, if the table has one.
    pub lease: Option<LeaseReading>,
    /// The age of the verdict: when the oldest of the confirmations that it rests on was given.
    pub as_of: Option<Timestamp>,
}

/// Longest [`LeaderReading::log`], in characters.
pub const LOG_WORDS: usize = 80;

/// What is known about one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseReading {
    /// Whether it has a holder and has not run out.
    pub live: bool,
    /// Seconds to its end at `now`; negative since then.
    pub ttl_s: i64,
    /// Whether its end was seen to advance; `None` when it was not watched for long enough yet.
    pub advancing: Option<bool>,
    /// The pod whose log carries the holder's id.
    pub pod: Option<SafeText>,
}
