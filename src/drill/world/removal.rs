//! The garbage collector: what goes with a deployment or a ReplicaSet that is deleted.

use jiff::Timestamp;

use super::World;
use super::objects::NAMESPACE;
use super::resource::Resource;

impl World {
    /// Deletes a deployment, its ReplicaSets and their pods, as `kubectl delete deployment` does; the pods get their grace.
    /// With `orphan`, what it owned stays.
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

    /// Deletes a ReplicaSet and its pods. A deployment makes it anew.
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
