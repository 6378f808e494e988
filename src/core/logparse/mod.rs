//! Log records: whose they are, how bad they are, and what they say about leaders.

mod error_classes;
mod error_counts;
mod error_times;
mod kept_leader_lines;
mod leader_lines;
mod line_format;
mod line_parts;
mod multiline;
mod patterns;
mod reader;
#[cfg(test)]
mod reader_tests;
mod requests;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::line_format::{Header, Severity};
pub use self::line_parts::{LineParts, whole_lines};
pub use self::patterns::{LogPatterns, expression};
pub use self::reader::LineReader;
pub use self::requests::{BUCKET, RequestBuckets, RequestCounts, SLOW, VERY_SLOW, bucket_of, go_duration};
use super::text::{Redacted, SafeText};
pub use crate::logparse::error_classes::{ErrorClasses, class_of};
pub use crate::logparse::error_counts::{ErrorCounts, ErrorSighting};
pub use crate::logparse::error_times::ErrorTimes;
pub use crate::logparse::multiline::{Joiner, MAX_BYTES, MAX_LINES};
use crate::observe::observation::{PodUid, short_name};

/// Instances of one container whose logs are kept at a time.
const KEPT_INSTANCES: u32 = 3;

/// One container instance: its log is its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct ContainerKey {
    /// The pod.
    pub pod_uid: PodUid,
    /// The pod's name.
    pub pod: SafeText,
    /// The container's name.
    pub container: SafeText,
    /// `restartCount` of the instance.
    pub restart: u32,
}

impl ContainerKey {
    /// The part of the pod's name that people use.
    pub fn short_name(&self) -> &str {
        short_name(&self.pod)
    }

    /// Whether so many instances of its container came after it that its log is no longer kept.
    pub fn is_outdated(&self, newest_restart: u32) -> bool {
        newest_restart.saturating_sub(self.restart) >= KEPT_INSTANCES
    }
}

/// One log record: its first line and those that continue it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LogRecord {
    /// When the kubelet took the first line in.
    pub at: Timestamp,
    /// How bad it says it is.
    pub severity: Severity,
    /// The lines, joined by `\n`, without the kubelet's timestamp.
    pub text: Redacted,
    /// What it says about a leader, if it does.
    pub leader: Option<LeaderLine>,
}

/// What a line says about the leader of one worker type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LeaderLine {
    /// What it says.
    pub kind: LeaderLineKind,
    /// The worker's type as the service logs it, such as `*workers.KafkaManager`; empty where the line names none.
    pub worker: SafeText,
    /// The worker's id: joins the log to the lease row; empty where the line names none.
    pub worker_id: SafeText,
}

/// What leader lines say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum LeaderLineKind {
    /// "Running as the leader and starting worker": printed once, when the lease is won.
    Gained,
    /// "No longer the leader and stopping worker".
    Lost,
    /// A reconciliation loop started: only a leader does.
    Heartbeat,
    /// The reconciliation loop ended.
    LoopEnded,
    /// "not currently leader": every tick on every other pod.
    NotLeader,
    /// The lease could not be read or renewed.
    LeaseFailed,
}

/// Which pods' logs matter most, where not all can be followed at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFocus {
    /// Those that the operator looks at.
    pub chosen: BTreeSet<PodUid>,
    /// Those that lead a worker, or were last heard to.
    pub leaders: BTreeSet<PodUid>,
}

/// Records of one container instance, in order, and how far its log has been read.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct LogBatch {
    /// Whose.
    pub source: ContainerKey,
    /// The records for the scroll-back; while a long backlog is read only its newest come.
    pub records: Vec<LogRecord>,
    /// What this batch's lines (also those that are not among the records) say about leaders.
    pub sightings: Vec<Sighting>,
    /// Errors by class, of the classes that have new ones.
    pub errors: Vec<ErrorCounts>,
    /// Requests of the last half hour, where there are new ones.
    pub requests: Option<RequestBuckets>,
    /// How far the log has been read.
    pub progress: LogProgress,
}

/// A leader line and when it was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sighting {
    /// When the kubelet took it in.
    pub at: Timestamp,
    /// What it says.
    pub line: LeaderLine,
}

/// How far a log has been read, counted from the first line that could be had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct LogProgress {
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Timestamp of the first line that could be had.
    pub first_at: Option<Timestamp>,
    /// Timestamp of the newest line.
    pub last_at: Option<Timestamp>,
    /// Records with severity error or worse, and failures to read a lease, which the service writes as information.
    pub errors: u64,
    /// Whether any line was printed at verbosity 1 or higher: without one, missing leader lines prove nothing.
    pub verbose: bool,
    /// Whether the backlog has been read and the log is followed live.
    pub caught_up: bool,
}
