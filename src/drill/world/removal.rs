//! Deletions without a kubelet: deployments and ReplicaSets with what they own, and pods that no kubelet runs.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::World;
use super::event_recorder::seconds;
use super::objects::NAMESPACE;
use super::resource::Resource;

impl World {
    /// Deletes a pod that no kubelet runs: it stays `Terminating`, unless its grace period is 0.
    pub fn delete_unattended_pod(&mut self, at: Timestamp, namespace: &str, name: &str, grace: i64) {
        let Some(pod) = self.store.get(Resource::Pods, namespace, name) else {
            return;
        };
        if grace == 0 {
            self.store.remove(Resource::Pods, namespace, name);
        } else if pod["metadata"]["deletionTimestamp"].is_null() {
            let mut pod = (**pod).clone();
            let until = at + SignedDuration::from_secs(grace);
            pod["metadata"]["deletionTimestamp"] = json!(seconds(until));
            pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
            self.store.put(Resource::Pods, pod);
        }
    }

    /// Whether a kubelet of the drill runs the pod.
    pub fn is_attended(&self, uid: &str) -> bool {
        self.pods.contains_key(uid)
    }

    /// Deletes a deployment, its ReplicaSets and their pods, as `kubectl delete deployment` does; the pods get their grace period. With
    /// `orphan`, ReplicaSets and pods stay.
    pub fn delete_deployment(&mut self, at: Timestamp, name: &str, orphan: bool) {
        let Some(deployment) = self.store.remove(Resource::Deployments, NAMESPACE, name) else {
            return;
        };
        if orphan {
            return;
        }
        let owned: Vec<String> = self
            .store
            .all(Resource::ReplicaSets)
            .filter(|set| set["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"])
            .filter_map(|set| set["metadata"]["name"].as_str().map(str::to_owned))
            .collect();
        for set in owned {
            self.delete_replica_set(at, &set, false);
        }
    }

    /// Deletes a ReplicaSet and its pods. Its deployment, if it has one, creates it again.
    pub fn delete_replica_set(&mut self, at: Timestamp, name: &str, orphan: bool) {
        let Some(set) = self.store.remove(Resource::ReplicaSets, NAMESPACE, name) else {
            return;
        };
        self.touch(at);
        if orphan {
            return;
        }
        let pods: Vec<String> = self
            .store
            .all(Resource::Pods)
            .filter(|pod| pod["metadata"]["ownerReferences"][0]["uid"] == set["metadata"]["uid"])
            .filter_map(|pod| pod["metadata"]["uid"].as_str().map(str::to_owned))
            .collect();
        for uid in pods {
            self.delete_pod(at, &uid, 30);
        }
    }
}
