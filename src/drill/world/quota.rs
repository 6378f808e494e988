//! The namespace's quota of pods, and the ReplicaSets whose pods it refuses.

use jiff::{SignedDuration, Timestamp};

use super::objects::NAMESPACE;
use super::resource::Resource;
use super::{Due, World};

/// The quota's name.
const QUOTA: &str = "compute";
/// A controller's work queue waits 5 ms after the first failure, doubling up to 1,000 s.
const FIRST_WAIT: SignedDuration = SignedDuration::from_millis(5);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(1_000);

/// The refusals of a ReplicaSet's pods.
#[derive(Clone, Debug)]
pub struct QuotaRefusal {
    /// Attempts so far.
    times: u32,
    /// When it tries again.
    next: Timestamp,
    /// When the first was refused.
    pub since: Timestamp,
    /// The API server's first message; a condition keeps it.
    pub message: String,
}

impl World {
    /// The API server's refusal of one more pod, if the quota is used up.
    pub(super) fn quota_refusal(&self, name: &str) -> Option<String> {
        let limit = self.quota?;
        let ended = |phase: &str| ["Failed", "Succeeded"].contains(&phase);
        let pods = self.store.all(Resource::Pods).filter(|pod| {
            let phase = pod["status"]["phase"].as_str().unwrap_or_default();
            pod["metadata"]["namespace"] == NAMESPACE && !ended(phase)
        });
        let used = pods.count() as u64;
        (used >= limit).then(|| {
            format!(
                "pods \"{name}\" is forbidden: exceeded quota: {QUOTA}, requested: pods=1, used: pods={used}, limited: pods={limit}"
            )
        })
    }

    /// Whether the ReplicaSet waits before it asks again; it does not when there is room.
    pub(super) fn waits_for_quota(&self, at: Timestamp, set: &str) -> bool {
        let waits = self.refused.get(set).is_some_and(|refused| at < refused.next);
        waits && self.quota_refusal("").is_some()
    }

    pub(super) fn back_off_from_quota(&mut self, at: Timestamp, set: &str, message: String) {
        let refused = self.refused.entry(set.to_owned()).or_insert(QuotaRefusal {
            times: 0,
            next: at,
            since: at,
            message,
        });
        let wait = (FIRST_WAIT * (1 << refused.times.min(18))).min(LONGEST_WAIT);
        refused.times += 1;
        refused.next = at + wait;
        let next = refused.next;
        self.schedule(next, Due::Controllers);
    }
}
