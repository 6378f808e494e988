//! The pods, parted by whose they are: the service's own, and others that carry its label.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::{Basis, LogKnown, Owners, State};
use crate::logparse::ContainerKey;
use crate::observe::observation::{ClusterEvent, Observation, Pod, PodUid};
use crate::observe::source::{SourceId, SourceState};
use crate::safe;
use crate::text::{SafeText, counted};

fn names_of(pods: &BTreeMap<PodUid, Pod>) -> BTreeSet<&str> {
    pods.values().map(|pod| &*pod.name).collect()
}

impl State {
    /// The state of the service whose deployment has this name.
    pub fn of_service(deployment: &str) -> Self {
        Self {
            owners: Owners::of_service(deployment),
            ..Self::default()
        }
    }

    pub(super) fn apply_owner(&mut self, observation: &Observation) {
        if self.owners.apply(observation) {
            let own = self.pods.clone().into_iter();
            let others = std::mem::take(&mut self.other_pods);
            self.part(own.chain(others).collect());
        }
    }

    pub(super) fn replace_pods(&mut self, pods: Vec<Pod>) {
        let all = pods.into_iter().map(|pod| (pod.uid.clone(), pod));
        self.part(all.collect());
    }

    pub(super) fn put_pod(&mut self, pod: Pod) {
        let uid = pod.uid.clone();
        if self.owners.is_own(&pod) {
            self.other_pods.remove(&uid);
            self.pods.insert(uid, pod);
        } else {
            self.forget_pod(&uid);
            self.other_pods.insert(uid, pod);
        }
    }

    /// Sorts all pods again into the service's own and others. Evidence from pods that are not its own is dropped.
    fn part(&mut self, all: BTreeMap<PodUid, Pod>) {
        let (own, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.into_iter().partition(|(_, pod)| self.owners.is_own(pod));
        let before: Vec<_> = self.pods.keys().cloned().collect();
        for uid in before.iter().filter(|uid| !own.contains_key(uid)) {
            self.forget_pod(uid);
        }
        self.pods = own;
        self.other_pods = others;
    }

    /// A pod that is gone proves nothing any more: its log's evidence goes with it.
    pub(super) fn forget_pod(&mut self, uid: &PodUid) {
        self.pods.remove(uid);
        self.logs.retain(|key, _| key.pod_uid != *uid);
        self.requests.retain(|key, _| key.pod_uid != *uid);
        self.leaders.forget(uid);
        self.errors.pod_is_gone(|key| key.pod_uid == *uid);
        self.vitals.forget(uid);
        self.sources.retain(|id, _| super::pod_of(id) != Some(uid));
        self.count_logs();
    }

    /// The logs of a pod's container instances.
    pub fn logs_of(&self, uid: &PodUid) -> impl Iterator<Item = (&ContainerKey, &LogKnown)> {
        let first = ContainerKey {
            pod_uid: uid.clone(),
            pod: SafeText::default(),
            container: SafeText::default(),
            restart: 0,
        };
        self.logs
            .range(first..)
            .take_while(move |(key, _)| key.pod_uid == *uid)
    }

    /// A pod with the service's label, whosever it is.
    pub fn any_pod(&self, uid: &PodUid) -> Option<&Pod> {
        self.pods.get(uid).or_else(|| self.other_pods.get(uid))
    }

    /// Whether the namespace was looked at and has no deployment of the service.
    pub fn lacks_deployment(&self) -> bool {
        self.owners.lacks_deployment()
    }

    /// Events of the service's own objects and of what it shares with others: those of other pods and workloads are left out.
    pub fn service_events(&self) -> impl Iterator<Item = &ClusterEvent> {
        // Made for the first event of a pod: with hundreds of pods and no such event they would be most of the work.
        let names = OnceCell::new();
        self.cluster_events.values().filter(move |event| {
            let name = &*event.object_name;
            match &*event.object_kind {
                "Pod" => {
                    let (own, others) =
                        names.get_or_init(|| (names_of(&self.pods), names_of(&self.other_pods)));
                    own.contains(name) || !others.contains(name) && self.owners.may_be_own_pod(name)
                }
                "ReplicaSet" => self.owners.may_be_own_set(name),
                "Job"
                | "CronJob"
                | "StatefulSet"
                | "DaemonSet"
                | "ReplicationController"
                | "DeploymentConfig" => false,
                "Deployment" => self.owners.may_be_own_deployment(name),
                _ => true,
            }
        })
    }

    /// Whose a pod is that carries the service's label, in words.
    pub fn owner_in_words(&self, pod: &Pod) -> SafeText {
        self.owners.owner_in_words(pod)
    }

    /// The other pods with the service's label, counted by whose they are: `2 of Job reindex and 1 of nobody`.
    pub fn others_in_words(&self) -> Option<SafeText> {
        let others = self.by_owner(self.other_pods.values());
        (!others.is_empty()).then(|| listed(&others))
    }

    /// What runs pods with the service's label where the service's deployment is missing.
    pub fn found_instead(&self) -> SafeText {
        let all = self.pods.values().chain(self.other_pods.values());
        let found: Vec<SafeText> = self
            .by_owner(all)
            .into_iter()
            .map(|(owner, count)| match owner.as_str() {
                "nobody" => safe!("{} without a controller", counted(count, "pod", "pods")),
                _ => safe!("{owner} with {}", counted(count, "pod", "pods")),
            })
            .collect();
        match found.as_slice() {
            [] => "nothing with its label".into(),
            found => joined(found),
        }
    }

    /// By whose they are, the most first.
    fn by_owner<'a>(&self, pods: impl Iterator<Item = &'a Pod>) -> Vec<(SafeText, usize)> {
        let mut counts: BTreeMap<SafeText, usize> = BTreeMap::new();
        for pod in pods {
            *counts.entry(self.owners.owner_in_words(pod)).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }

    /// Why names tell whose pods are, where that is so for good.
    pub fn owned_by_name(&self) -> Option<&'static str> {
        let mut pods = self.pods.values().chain(self.other_pods.values());
        if !pods.any(|pod| self.owners.basis(pod) == Basis::Names) {
            return None;
        }
        match self.source(&SourceId::ReplicaSets).map(|source| &source.state) {
            Some(SourceState::Connecting | SourceState::Live | SourceState::Resting | SourceState::Ended) => {
                None
            }
            Some(SourceState::Off(_)) => Some("no right to read ReplicaSets"),
            Some(SourceState::Failing { .. }) => Some("ReplicaSets can't be read"),
            // A record of an older version.
            None => Some("ReplicaSets were not read"),
        }
    }
}

/// Owners that are named of many.
const NAMED: usize = 3;

fn listed(by_owner: &[(SafeText, usize)]) -> SafeText {
    let each: Vec<SafeText> = by_owner
        .iter()
        .map(|(owner, count)| safe!("{count} of {owner}"))
        .collect();
    joined(&each)
}

fn joined(all: &[SafeText]) -> SafeText {
    match all {
        [one] => one.clone(),
        [some @ .., last] if all.len() <= NAMED => safe!("{} and {last}", some.join(", ")),
        _ => safe!("{} and {} more", all[..NAMED].join(", "), all.len() - NAMED),
    }
}
