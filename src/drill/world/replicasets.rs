//! The ReplicaSet controller: as many pods as asked for.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::World;
use super::events::Occurrence;
use super::objects;
use super::resource::Resource;

/// Pods of one ReplicaSet, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Neither going nor gone.
    pub active: u64,
    /// Of those, ready.
    pub ready: u64,
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
        self.store.all(resource).map(|object| name(object)).collect()
    }

    /// The status shows the pods from before this round's creations and deletions, as the real controller's does.
    fn reconcile_replica_set(&mut self, at: Timestamp, name: &str) {
        let Some(set) = self.store.get(Resource::ReplicaSets, objects::NAMESPACE, name) else {
            return;
        };
        let mut set = (**set).clone();
        let counts = self.count_pods(name);
        let wanted = set["spec"]["replicas"].as_u64().unwrap_or(0);
        for _ in counts.active..wanted {
            self.create_pod(at, &set);
        }
        if counts.active > wanted {
            self.delete_surplus(at, &set, (counts.active - wanted) as usize);
        }
        if counts.active != wanted {
            self.touch(at);
        }
        set["status"] = replica_set_status(&set, counts);
        self.store.put(Resource::ReplicaSets, set);
    }

    pub(super) fn count_pods(&self, set: &str) -> Counts {
        let mut counts = Counts::default();
        for uid in self.active_pods(set) {
            counts.active += 1;
            counts.ready += u64::from(self.pods[&uid].is_ready());
        }
        counts
    }

    fn active_pods(&self, set: &str) -> Vec<String> {
        let prefix = format!("{set}-");
        let active = self
            .pods
            .values()
            .filter(|run| run.is_active() && run.name.starts_with(&prefix));
        active.map(|run| run.uid.clone()).collect()
    }

    fn create_pod(&mut self, at: Timestamp, set: &Value) {
        let prefix = set["metadata"]["name"].as_str().unwrap_or_default();
        let name = format!("{prefix}-{}", self.random.name_suffix());
        let uid = self.random.uuid();
        let pod = objects::pod(set, &name, &uid, at);
        self.accept_pod(at, pod);
        self.say_about_set(at, set, "SuccessfulCreate", format!("Created pod: {name}"));
    }

    /// Deletes those first that serve least: unscheduled, then not ready, then the youngest.
    fn delete_surplus(&mut self, at: Timestamp, set: &Value, surplus: usize) {
        let name = set["metadata"]["name"].as_str().unwrap_or_default();
        let mut uids = self.active_pods(name);
        uids.sort_by_key(|uid| {
            let run = &self.pods[uid];
            (run.node.is_some(), run.is_ready(), Reverse(run.admitted))
        });
        for uid in uids.into_iter().take(surplus) {
            let pod = self.pods[&uid].name.clone();
            self.terminate(at, &uid, 30);
            self.say_about_set(at, set, "SuccessfulDelete", format!("Deleted pod: {pod}"));
        }
    }

    fn say_about_set(&mut self, at: Timestamp, set: &Value, reason: &str, message: String) {
        self.record(
            at,
            &Occurrence {
                about: set,
                field: None,
                kind: "Normal",
                reason,
                message,
                component: "replicaset-controller",
                host: None,
            },
        );
    }
}

fn replica_set_status(set: &Value, counts: Counts) -> Value {
    let mut status = json!({"replicas": counts.active, "observedGeneration": set["metadata"]["generation"]});
    for (field, count) in [
        ("fullyLabeledReplicas", counts.active),
        ("readyReplicas", counts.ready),
        ("availableReplicas", counts.ready),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    status
}
