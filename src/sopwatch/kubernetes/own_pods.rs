//! The service's own pods among all that carry its label, for who follows their logs and reads their metrics.

use std::collections::{BTreeMap, BTreeSet};

use sopwatch_core::observe::observation::{Observation, Pod, PodUid};
use sopwatch_core::observe::state::Owners;

/// Tracks the owners of pods, and passes on observations of the service's own pods alone.
pub(super) struct OwnPods {
    owners: Owners,
    /// All with the label.
    pods: BTreeMap<PodUid, Pod>,
    /// Those that were passed on.
    own: BTreeSet<PodUid>,
}

impl OwnPods {
    /// The pods of this deployment, of which none is known yet.
    pub(super) fn new(deployment: &str) -> Self {
        Self {
            owners: Owners::of_service(deployment),
            pods: BTreeMap::new(),
            own: BTreeSet::new(),
        }
    }

    /// What an observation says of the service's own pods, if anything.
    pub(super) fn take(&mut self, observation: Observation) -> Option<Observation> {
        match observation {
            Observation::Pods(pods) => {
                self.pods = pods.into_iter().map(|pod| (pod.uid.clone(), pod)).collect();
                self.own = self.own_now();
                Some(self.all_own())
            }
            Observation::Pod(pod) => {
                let uid = pod.uid.clone();
                self.pods.insert(uid.clone(), pod.clone());
                if self.owners.is_own(&pod) {
                    self.own.insert(uid);
                    return Some(Observation::Pod(pod));
                }
                self.own.remove(&uid).then_some(Observation::PodGone(uid))
            }
            Observation::PodGone(uid) => {
                self.pods.remove(&uid);
                self.own.remove(&uid).then_some(Observation::PodGone(uid))
            }
            other => {
                if !self.owners.apply(&other) {
                    return None;
                }
                let own = self.own_now();
                (std::mem::replace(&mut self.own, own.clone()) != own).then(|| self.all_own())
            }
        }
    }

    fn own_now(&self) -> BTreeSet<PodUid> {
        let own = self.pods.values().filter(|pod| self.owners.is_own(pod));
        own.map(|pod| pod.uid.clone()).collect()
    }

    fn all_own(&self) -> Observation {
        let own = self.own.iter().filter_map(|uid| self.pods.get(uid));
        Observation::Pods(own.cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::observe::observation::{Controller, Origin, ReplicaSet};
    use sopwatch_core::testkit::{deployment, pod};

    /// A pod of the ReplicaSet with this name and hash.
    fn made_by(short: &str, set: &str, hash: &str) -> Pod {
        Pod {
            owner: Some(("ReplicaSet".into(), set.into())),
            origin: Origin {
                owner_uid: Some(format!("uid of {set}").into()),
                template_hash: Some(hash.into()),
                deployment_config: None,
            },
            ..pod(short, 9_000)
        }
    }

    fn uids(observation: Option<Observation>) -> Vec<String> {
        match observation {
            Some(Observation::Pods(pods)) => pods.iter().map(|pod| pod.uid.0.to_string()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_concerns_own_pods_is_passed_on() {
        let mut own = OwnPods::new("msa");
        let pods = vec![made_by("a", "msa-x", "x"), made_by("b", "msa-canary-x", "x")];
        assert_eq!(uids(own.take(Observation::Pods(pods))), ["a"]);
        let other = made_by("c", "msa-canary-x", "x");
        assert_eq!(own.take(Observation::Pod(other.clone())), None);
        assert_eq!(own.take(Observation::PodGone(other.uid)), None);
        assert_eq!(own.take(Observation::Deployment(Some(deployment(3)))), None);
        let set = |uid: &str| ReplicaSet {
            uid: "uid of msa-x".into(),
            name: "msa-x".into(),
            template_hash: Some("x".into()),
            controller: Some(Controller {
                kind: "Deployment".into(),
                name: "msa".into(),
                uid: uid.into(),
            }),
        };
        assert_eq!(
            own.take(Observation::ReplicaSets(vec![set("d")])),
            None,
            "as its name said"
        );
        let left = own.take(Observation::ReplicaSet(set("of an earlier one")));
        assert!(uids(left).is_empty());
        assert_eq!(uids(own.take(Observation::ReplicaSet(set("d")))), ["a"]);
        let gone = made_by("a", "msa-x", "x").uid;
        assert_eq!(
            own.take(Observation::PodGone(gone.clone())),
            Some(Observation::PodGone(gone))
        );
    }
}
