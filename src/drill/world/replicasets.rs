//! The ReplicaSet controller: it creates and deletes pods until there are as many as wanted (`pkg/controller/replicaset`).

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::event_recorder::{Occurrence, seconds};
use super::objects;
use super::pod_run::PodRun;
use super::resource::Resource;
use super::{Due, World};

/// The numbers of a ReplicaSet's pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PodCounts {
    /// Pods that are neither being deleted nor ended.
    active: u64,
    /// Of those, ready.
    ready: u64,
    /// Of those, ready for long enough.
    available: u64,
}

impl World {
    pub(super) fn reconcile(&mut self, at: Timestamp) {
        for name in self.names(Resource::ReplicaSets) {
            self.reconcile_replica_set(at, &name);
        }
        for name in self.names(Resource::Deployments) {
            self.reconcile_deployment(at, &name);
        }
    }

    fn names(&self, resource: Resource) -> Vec<String> {
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let attended = |object: &&Arc<Value>| {
            let uid = object["metadata"]["uid"].as_str();
            uid.is_none_or(|uid| !self.unattended.contains(uid))
        };
        let all = self.store.all(resource).filter(attended);
        all.map(|object| name(object)).collect()
    }

    /// The status shows the pods from before this round's creations and deletions, as the real controller's does.
    fn reconcile_replica_set(&mut self, at: Timestamp, name: &str) {
        let Some(set) = self.store.get(Resource::ReplicaSets, objects::NAMESPACE, name) else {
            return;
        };
        let mut set = (**set).clone();
        let uid = set["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let patience = SignedDuration::from_secs(set["spec"]["minReadySeconds"].as_i64().unwrap_or(0));
        let counts = self.count_pods(at, &uid, patience);
        let wanted = set["spec"]["replicas"].as_u64().unwrap_or(0);
        if counts.active < wanted {
            self.create_pods(at, &set, wanted - counts.active);
        } else {
            self.refused.remove(&uid);
        }
        if counts.active > wanted {
            self.delete_surplus(at, &set, (counts.active - wanted) as usize);
        }
        set["status"] = self.replica_set_status(&set, counts);
        self.store.put(Resource::ReplicaSets, set);
    }

    fn count_pods(&mut self, at: Timestamp, set: &str, patience: SignedDuration) -> PodCounts {
        let mut counts = PodCounts::default();
        let mut later = None;
        for uid in self.active_pods(set) {
            let run = &self.pods[&uid];
            counts.active += 1;
            if !run.is_ready() {
                continue;
            }
            counts.ready += 1;
            let available = run.ready_since().unwrap_or(at) + patience;
            counts.available += u64::from(available <= at);
            later = later.max(Some(available).filter(|available| *available > at));
        }
        if let Some(later) = later {
            self.schedule(later, Due::Controllers);
        }
        counts
    }

    /// The uids of the pods that have the set with this uid as their controller and are neither going nor gone.
    fn active_pods(&self, set: &str) -> Vec<String> {
        let active = self
            .pods
            .values()
            .filter(|run| run.is_active() && run.owner == set);
        active.map(|run| run.uid.clone()).collect()
    }

    /// Creates pods in batches of one, two, four and so on. A refusal stops this until the back-off is over.
    fn create_pods(&mut self, at: Timestamp, set: &Value, missing: u64) {
        let uid = set["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        if self.waits_for_quota(at, &uid) {
            return;
        }
        let (mut left, mut batch) = (missing, 1);
        while left > 0 {
            let size = batch.min(left);
            let refusals: Vec<String> = (0..size).filter_map(|_| self.create_pod(at, set)).collect();
            if let Some(refusal) = refusals.first() {
                self.back_off_from_quota(at, &uid, refusal.clone());
                return;
            }
            left -= size;
            batch *= 2;
        }
        self.refused.remove(&uid);
        self.touch(at);
    }

    /// Asks the API server for a pod; returns its refusal.
    fn create_pod(&mut self, at: Timestamp, set: &Value) -> Option<String> {
        let prefix = set["metadata"]["name"].as_str().unwrap_or_default();
        let name = format!("{prefix}-{}", self.random.name_suffix());
        if let Some(refusal) = self.quota_refusal(&name) {
            let message = format!("Error creating: {refusal}");
            self.say_about_set(at, set, ("Warning", "FailedCreate"), message);
            return Some(refusal);
        }
        let uid = self.random.uuid();
        let pod = objects::pod(set, &name, &uid, at);
        self.accept_pod(at, pod);
        self.say_about_set(
            at,
            set,
            ("Normal", "SuccessfulCreate"),
            format!("Created pod: {name}"),
        );
        None
    }

    fn delete_surplus(&mut self, at: Timestamp, set: &Value, surplus: usize) {
        let mut uids = self.active_pods(set["metadata"]["uid"].as_str().unwrap_or_default());
        uids.sort_by_cached_key(|uid| {
            let run = &self.pods[uid];
            let beside = uids_beside(&self.pods, run);
            rank(run, beside, at)
        });
        for uid in uids.into_iter().take(surplus) {
            let pod = self.pods[&uid].name.clone();
            self.terminate(at, &uid, 30);
            self.say_about_set(
                at,
                set,
                ("Normal", "SuccessfulDelete"),
                format!("Deleted pod: {pod}"),
            );
        }
        self.touch(at);
    }

    fn say_about_set(&mut self, at: Timestamp, set: &Value, (kind, reason): (&str, &str), message: String) {
        self.record(
            at,
            &Occurrence {
                about: set,
                field: None,
                kind,
                reason,
                message,
                component: "replicaset-controller",
                host: None,
            },
        );
    }

    fn replica_set_status(&self, set: &Value, counts: PodCounts) -> Value {
        let mut status =
            json!({"replicas": counts.active, "observedGeneration": set["metadata"]["generation"]});
        for (field, count) in [
            ("fullyLabeledReplicas", counts.active),
            ("readyReplicas", counts.ready),
            ("availableReplicas", counts.available),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        let uid = set["metadata"]["uid"].as_str().unwrap_or_default();
        if let Some(refused) = self.refused.get(uid) {
            status["conditions"] = json!([{
                "type": "ReplicaFailure",
                "status": "True",
                "lastTransitionTime": seconds(refused.since),
                "reason": "FailedCreate",
                "message": refused.message,
            }]);
        }
        status
    }
}

/// How many active pods of the same controller are on the pod's node.
fn uids_beside(pods: &std::collections::BTreeMap<String, PodRun>, run: &PodRun) -> usize {
    let beside = |other: &&PodRun| {
        other.is_active() && other.owner == run.owner && other.node_name() == run.node_name()
    };
    pods.values().filter(beside).count()
}

/// The order of deletion: pods on no node, pending, not ready, on a crowded node, ready for a short time, often restarted, young. Ages
/// count by their magnitude only, and then the uid decides (`ActivePodsWithRanks`, `LogarithmicScaleDown`).
fn rank(run: &PodRun, beside: usize, at: Timestamp) -> impl Ord + use<> {
    let magnitude = |since: Timestamp| at.duration_since(since).as_nanos().max(1).ilog2();
    (
        run.node.is_some(),
        run.phase() != "Pending",
        run.is_ready(),
        Reverse(beside),
        run.ready_since().map(magnitude),
        Reverse(run.most_restarts()),
        magnitude(run.created),
        run.uid.clone(),
    )
}
