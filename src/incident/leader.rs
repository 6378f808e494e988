//! Who leads: what the logs and the lease rows say about each worker type.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::fact::PodUid;
use super::facts::Facts;
use super::log::{ContainerKey, LeaderLineKind, Sighting};
use super::profile::Profile;
use super::text::SafeText;

/// What the logs say about leaders, kept apart from the scroll-back so that noise can't evict it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderEvidence {
    by: BTreeMap<(ContainerKey, SafeText), WorkerEvidence>,
}

/// What one container instance said about one worker type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerEvidence {
    /// The worker's id, new with every start of the container.
    pub worker_id: SafeText,
    /// When each kind of line was last written.
    pub last: BTreeMap<LeaderLineKind, Timestamp>,
}

impl LeaderEvidence {
    /// Takes in what a container said.
    pub fn apply(&mut self, source: &ContainerKey, sightings: &[Sighting]) {
        for sighting in sightings {
            let evidence = self
                .by
                .entry((source.clone(), sighting.line.worker.clone()))
                .or_default();
            evidence.worker_id = sighting.line.worker_id.clone();
            evidence.last.insert(sighting.line.kind, sighting.at);
        }
    }

    /// Forgets a pod that is gone.
    pub fn forget(&mut self, pod: &PodUid) {
        self.by.retain(|(key, _), _| key.pod_uid != *pod);
    }
}

/// Whether exactly one pod leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Exactly one.
    One,
    /// More than one.
    Many,
    /// No pod.
    None,
    /// It will be known at this moment: a lease, a tick and a loop after the newest start.
    Settling {
        /// When.
        until: Timestamp,
    },
    /// The evidence does not suffice.
    Unknown,
}

/// What is known about the leader of one worker type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderReading {
    /// The worker as people say it.
    pub worker: String,
    /// The worker as the service logs it.
    pub log_type: String,
    /// Whether exactly one leads.
    pub verdict: Verdict,
    /// The pod that leads, by name, when one does.
    pub pod: Option<SafeText>,
    /// Its worker id.
    pub worker_id: Option<SafeText>,
    /// What the logs say, in a few words: `blf5h, heartbeat 12s ago`.
    pub log: String,
    /// The lease row, if the table has one.
    pub lease: Option<LeaseReading>,
    /// When the evidence was last confirmed.
    pub as_of: Option<Timestamp>,
}

/// What is known about one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseReading {
    /// Whether it has a holder and has not run out.
    pub live: bool,
    /// Seconds to its end at `now`; negative since then.
    pub ttl_s: i64,
    /// Whether its end was seen to advance; `None` when it was not watched for a renewal period yet.
    pub advancing: Option<bool>,
    /// The pod whose log carries the holder's id.
    pub pod: Option<SafeText>,
}

/// Reads the evidence for every worker of the profile, in its order.
pub fn read_leaders(_facts: &Facts, _profile: &Profile, _now: Timestamp) -> Vec<LeaderReading> {
    Vec::new()
}
