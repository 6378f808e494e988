//! What the events show: whether one reports trouble of the cluster below the service, and whether that trouble is over.

use jiff::{SignedDuration, Timestamp};

use super::evaluation::Evaluation;
use super::quoting;
use super::settle;
use super::step_result::SourceCheck;
use super::waiting::is_missing_volume;
use crate::observe::SKEW;
use crate::observe::observation::{ClusterEvent, Condition, Container, ContainerState, Pod};
use crate::observe::source::SourceId;
use crate::safe;
use crate::text::{SafeText, duration};

/// What shows that a trouble of the cluster is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// The pod has its node.
    Scheduled,
    /// The pod is ready.
    Ready,
    /// The node reports again: it says so, or a pod on it is ready.
    Reports,
    /// Nothing that is seen here: a node lacks room, and may lack it again.
    Unseen,
}

/// Reasons that are the cluster's, not the service's: scheduling, nodes, mounts, networks, evictions.
const REASONS: [(&str, Ends); 14] = [
    ("FailedScheduling", Ends::Scheduled),
    ("FailedMount", Ends::Ready),
    ("FailedAttachVolume", Ends::Ready),
    ("NetworkNotReady", Ends::Ready),
    ("FailedCreatePodSandBox", Ends::Ready),
    ("NodeNotReady", Ends::Reports),
    ("Rebooted", Ends::Reports),
    ("NodeNotSchedulable", Ends::Unseen),
    ("Evicted", Ends::Unseen),
    ("TaintManagerEviction", Ends::Unseen),
    ("SystemOOM", Ends::Unseen),
    ("FreeDiskSpaceFailed", Ends::Unseen),
    ("EvictionThresholdMet", Ends::Unseen),
    ("Preempted", Ends::Unseen),
];

/// After so long without another event, the trouble of a pod that serves is over: probes and back-offs repeat their events sooner.
const QUIET: SignedDuration = SignedDuration::from_secs(90);

impl Evaluation<'_> {
    /// Whether the trouble that an event reports is over. What one pod had is over when that pod is well again; where it
    /// is gone, when the service has all its pods and one of them became ready since.
    pub(super) fn is_over(&self, event: &ClusterEvent) -> bool {
        let SourceCheck::Current(_) = self.hear(&SourceId::Pods, "pods") else {
            return false;
        };
        if !is_of_the_cluster(event) {
            return self.own_trouble_is_over(event);
        }
        if is_quota(event) {
            return self.has_its_pods();
        }
        let ends = REASONS.iter().find(|(reason, _)| *event.reason == **reason);
        match ends.map_or(Ends::Unseen, |(_, ends)| *ends) {
            Ends::Unseen => false,
            Ends::Reports if &*event.object_kind == "Node" => {
                self.reports_again(event) || self.is_well_since(event)
            }
            ends => match self.pod_of(event) {
                Some(pod) if ends == Ends::Scheduled => pod.node.is_some(),
                Some(pod) => pod.is_ready(),
                None => self.is_well_since(event),
            },
        }
    }

    /// Whether the service's own trouble is over: its pod is ready again or gone; of anything else, it is quiet and every pod is ready.
    fn own_trouble_is_over(&self, event: &ClusterEvent) -> bool {
        let quiet = event
            .last_at
            .is_some_and(|at| self.now.duration_since(at) > QUIET);
        if &*event.object_kind != "Pod" {
            return quiet && self.ready_pods() > 0 && self.living().all(Pod::is_ready);
        }
        let mut pods = self.state.pods.values();
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

    /// The pod that an event is about, as long as it may become well again.
    fn pod_of(&self, event: &ClusterEvent) -> Option<&Pod> {
        let mut pods = self.state.pods.values().filter(|pod| !pod.is_over());
        pods.find(|pod| *pod.name == *event.object_name && (pod.deletion_at.is_none() || self.is_held(pod)))
    }

    /// Whether a pod that is being deleted does not end: its node is lost, or its time is long over.
    fn is_held(&self, pod: &Pod) -> bool {
        let overdue = |at: Timestamp| self.now.duration_since(at) > SKEW;
        pod.deletion_at
            .is_some_and(|at| overdue(at) || settle::is_lost_with_node(pod))
    }

    /// Whether a node said after the event that it is ready, or a pod on it is.
    fn reports_again(&self, event: &ClusterEvent) -> bool {
        let node = &event.object_name;
        let mut events = self.state.cluster_events.values();
        let said = events.any(|other| {
            &*other.reason == "NodeReady" && other.object_name == *node && other.last_at >= event.last_at
        });
        let mut pods = self.state.pods.values();
        said || pods.any(|pod| pod.node.as_ref() == Some(node) && pod.is_ready())
    }

    /// Whether the service has all its pods, each is ready, none is held by a node, and one became ready after an event.
    fn is_well_since(&self, event: &ClusterEvent) -> bool {
        let ready_at = |pod: &Pod| {
            let ready = settle::condition(pod, "Ready").and_then(|ready| ready.since);
            ready.max(settle::started(pod, self.now))
        };
        let well = |pod: &Pod| pod.is_ready() || pod.deletion_at.is_some() && !self.is_held(pod);
        let mut pods = self.state.pods.values().filter(|pod| !pod.is_over());
        let since = pods
            .clone()
            .any(|pod| pod.is_ready() && ready_at(pod) >= event.last_at);
        since && self.has_its_pods() && pods.all(well)
    }

    /// Whether the deployment has as many pods as it asks for, and may make more.
    fn has_its_pods(&self) -> bool {
        let SourceCheck::Current(_) = self.hear(&SourceId::Deployment, "deployment") else {
            return false;
        };
        self.state.deployment.as_ref().is_some_and(|deployment| {
            let denied = |one: &Condition| &*one.kind == "ReplicaFailure" && &*one.status == "True";
            deployment.observed
                && deployment.current >= deployment.replicas
                && !deployment.conditions.iter().any(denied)
        })
    }

    /// The newest event of the cluster that says why a pod that has its node does not start.
    pub(super) fn start_trouble(&self, pod: &Pod) -> Option<&ClusterEvent> {
        // Asked first: for each of hundreds of pods, all events would be looked through.
        if pod.is_ready() {
            return None;
        }
        let SourceCheck::Current(_) = self.hear(&SourceId::ClusterEvents, "events") else {
            return None;
        };
        let waits = |one: &Container| matches!(one.state, ContainerState::Waiting { .. });
        let of_start = |event: &&ClusterEvent| {
            let ends = REASONS.iter().find(|(reason, _)| *event.reason == **reason);
            ends.is_some_and(|(_, ends)| *ends == Ends::Ready) && is_of_the_cluster(event)
        };
        let lately = |event: &&ClusterEvent| event.last_at.is_some_and(|at| at >= self.window());
        let events = self.state.cluster_events.values();
        let events = events.filter(|event| *event.object_name == *pod.name);
        let newest = events
            .filter(of_start)
            .filter(lately)
            .max_by_key(|event| event.last_at);
        newest.filter(|_| pod.containers.iter().all(waits))
    }

    /// `BackOff ×5, last 12s ago: Back-off restarting (Pod/msa-x-lzxms)`.
    pub(super) fn event_in_words(&self, event: &ClusterEvent) -> SafeText {
        let ago = event.last_at.map_or(SafeText::default(), |at| {
            safe!(", last {} ago", duration::brief(self.since(at)))
        });
        let (kind, name) = (&event.object_kind, &event.object_name);
        let lead = safe!("{} ×{}{ago}: ", event.reason, event.count);
        quoting::quote(&lead, &format!("{} ({kind}/{name})", event.message))
    }
}

/// Whether an event is the cluster's and not the service's. A volume that what was released names and nobody made is the service's.
pub(super) fn is_of_the_cluster(event: &ClusterEvent) -> bool {
    let named = REASONS.iter().any(|(reason, _)| *event.reason == **reason);
    let of_cluster = is_quota(event) || named || &*event.object_kind == "Node";
    event.warning && of_cluster && !is_missing_volume(event)
}

/// Whether a quota keeps pods from being made.
fn is_quota(event: &ClusterEvent) -> bool {
    &*event.reason == "FailedCreate" && event.message.contains("exceeded quota")
}
