//! Events of trouble in the cluster below the service.

use jiff::SignedDuration;

use super::Truth;
use super::pods::cut;
use crate::incident::diagnosis::Case;
use crate::incident::diagnosis::answer::Heard;
use crate::incident::fact::{ClusterEvent, Pod};
use crate::incident::feed::FeedId;
use crate::incident::span;

/// Reasons that are the cluster's, not the service's: scheduling, nodes, mounts, networks, evictions.
const REASONS: [&str; 14] = [
    "FailedScheduling",
    "FailedMount",
    "FailedAttachVolume",
    "NodeNotReady",
    "NodeNotSchedulable",
    "NetworkNotReady",
    "FailedCreatePodSandBox",
    "Evicted",
    "TaintManagerEviction",
    "SystemOOM",
    "FreeDiskSpaceFailed",
    "EvictionThresholdMet",
    "Rebooted",
    "Preempted",
];

/// Lines of evidence that are shown of many.
const LINES: usize = 3;

/// After so long without another, what an event tells of a pod that serves is over: probes and back-offs repeat theirs sooner.
const QUIET: SignedDuration = SignedDuration::from_secs(90);

impl Case<'_> {
    /// Whether the cluster had trouble within the window that can hurt the service.
    pub(super) fn cluster_events(&self) -> Truth {
        if let Heard::Never(why) | Heard::Stopped(_, why) = self.hear(&FeedId::ClusterEvents, "events") {
            return Truth::unknown(why);
        }
        let since = self.window();
        let mut events: Vec<&ClusterEvent> = self
            .facts
            .cluster_events
            .values()
            .filter(|event| event.last_at.is_some_and(|at| at >= since) && is_of_the_cluster(event))
            .filter(|event| !self.is_past(event))
            .collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.last_at));
        if !events.is_empty() {
            return Truth::holds(events.iter().take(LINES).map(|event| self.told(event)));
        }
        Truth::holds_not("no event of cluster trouble within the window")
    }

    /// Whether what an event tells of is over: its pod is ready again or gone; of anything else, it is quiet and every pod is ready.
    pub(in crate::incident::diagnosis) fn is_past(&self, event: &ClusterEvent) -> bool {
        // Trouble of the cluster comes back to other pods.
        if is_of_the_cluster(event) {
            return false;
        }
        let Heard::Current(_) = self.hear(&FeedId::Pods, "pods") else {
            return false;
        };
        let quiet = event
            .last_at
            .is_some_and(|at| self.now.duration_since(at) > QUIET);
        if &*event.object_kind != "Pod" {
            return quiet && self.ready_pods() > 0 && self.living().all(Pod::is_ready);
        }
        let mut pods = self.facts.pods.values();
        let Some(pod) = pods.find(|pod| pod.name == event.object_name) else {
            return true;
        };
        let ready_since = pod
            .conditions
            .iter()
            .find(|condition| &*condition.kind == "Ready");
        let ready_since = ready_since.and_then(|condition| condition.since);
        let ready_again = event.last_at.is_some() && ready_since >= event.last_at;
        pod.is_ready() && (quiet || ready_again)
    }

    fn told(&self, event: &ClusterEvent) -> String {
        let ago = event.last_at.map_or(String::new(), |at| {
            format!(
                " {} ago",
                span::brief(self.now.duration_since(at).max(SignedDuration::ZERO))
            )
        });
        let ClusterEvent {
            reason,
            count,
            object_kind,
            object_name,
            message,
            ..
        } = event;
        cut(&format!(
            "{reason} ×{count}{ago} {object_kind}/{object_name}: {message}"
        ))
    }
}

/// Whether an event is the cluster's and not the service's.
pub(in crate::incident::diagnosis) fn is_of_the_cluster(event: &ClusterEvent) -> bool {
    let quota = &*event.reason == "FailedCreate" && event.message.contains("exceeded quota");
    event.warning && (quota || REASONS.contains(&&*event.reason) || &*event.object_kind == "Node")
}
