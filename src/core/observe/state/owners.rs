//! Whose a pod is: by its controllers (Deployment, ReplicaSet, Pod), not by a label that anybody may give.
//!
//! The first of these that can tell decides:
//!
//! 1. A pod without a controller, or with one that is not a ReplicaSet, is not the service's.
//! 2. Where its ReplicaSet was read, that one's controller decides: by uid where the deployment was read, by kind and name before that and
//!    where there is no such deployment (its last pods are being deleted).
//! 3. Else names decide: a deployment names a ReplicaSet `<deployment>-<hash>` and gives the hash to its pods as a label.
//!
//! What was read stays known when its source fails, so that names give way to uids and never the other way round: a pod changes sides
//! at most once while sources start, and only where a name misled.

use std::collections::{BTreeMap, VecDeque};

use crate::observe::observation::{Controller, Observation, Pod, ReplicaSet};
use crate::safe;
use crate::text::SafeText;

/// ReplicaSets that are gone and still remembered: their last pods outlive them by their grace.
const REMEMBERED: usize = 16;

/// What is known of the controllers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owners {
    /// Name of the service's deployment in the profile; that of the deployment that was read is the same.
    service: Option<SafeText>,
    deployment: Workload,
    /// By uid.
    sets: BTreeMap<SafeText, ReplicaSet>,
    gone: VecDeque<ReplicaSet>,
}

/// The service's deployment.
#[derive(Clone, Debug, Default, PartialEq)]
enum Workload {
    /// It was not read.
    #[default]
    Unread,
    /// The namespace has none of that name.
    Missing,
    /// It is there.
    There { name: SafeText, uid: SafeText },
}

/// What tells whose a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Its controllers.
    Controllers,
    /// Their names: the ReplicaSet was not read.
    Names,
}

impl Owners {
    /// Of the service whose deployment has this name.
    pub fn of_service(deployment: &str) -> Self {
        Self {
            service: Some(SafeText::new(deployment)),
            ..Self::default()
        }
    }

    /// Takes in an observation; whether it may change whose a pod is.
    pub fn apply(&mut self, observation: &Observation) -> bool {
        match observation {
            Observation::Deployment(deployment) => {
                let now = match deployment {
                    None => Workload::Missing,
                    Some(deployment) => Workload::There {
                        name: deployment.name.clone(),
                        uid: deployment.uid.clone(),
                    },
                };
                std::mem::replace(&mut self.deployment, now.clone()) != now
            }
            Observation::ReplicaSets(sets) => {
                let sets = sets.iter().map(|set| (set.uid.clone(), set.clone())).collect();
                let before = std::mem::replace(&mut self.sets, sets);
                for (uid, set) in before {
                    if !self.sets.contains_key(&uid) {
                        self.remember(set);
                    }
                }
                true
            }
            Observation::ReplicaSet(set) => {
                self.sets.insert(set.uid.clone(), set.clone()).as_ref() != Some(set)
            }
            Observation::ReplicaSetGone(uid) => {
                if let Some(set) = self.sets.remove(uid) {
                    self.remember(set);
                }
                false
            }
            _ => false,
        }
    }

    fn remember(&mut self, set: ReplicaSet) {
        self.gone.push_back(set);
        if self.gone.len() > REMEMBERED {
            self.gone.pop_front();
        }
    }

    fn set(&self, pod: &Pod) -> Option<&ReplicaSet> {
        let uid = pod.origin.owner_uid.as_ref()?;
        let gone = || self.gone.iter().rev().find(|set| set.uid == *uid);
        self.sets.get(uid).or_else(gone)
    }

    fn service(&self) -> Option<&SafeText> {
        match &self.deployment {
            Workload::There { name, .. } => Some(name),
            Workload::Unread | Workload::Missing => self.service.as_ref(),
        }
    }

    /// Whether the pod is the service's own.
    pub fn is_own(&self, pod: &Pod) -> bool {
        match &pod.owner {
            Some((kind, name)) if &**kind == "ReplicaSet" => match self.set(pod) {
                Some(set) => set
                    .controller
                    .as_ref()
                    .is_some_and(|owner| self.is_service(owner)),
                None => self.is_named_so(name, pod),
            },
            _ => false,
        }
    }

    /// Whether a controller is the service's deployment.
    fn is_service(&self, controller: &Controller) -> bool {
        let named = || self.service().is_none_or(|service| *service == controller.name);
        match &self.deployment {
            Workload::There { uid, .. } => controller.uid == *uid,
            Workload::Unread | Workload::Missing => &*controller.kind == "Deployment" && named(),
        }
    }

    /// Whether a ReplicaSet has the name that the service's deployment gives to those that it makes.
    fn is_named_so(&self, set: &str, pod: &Pod) -> bool {
        let Some((deployment, hash)) = set.rsplit_once('-') else {
            return false;
        };
        let hashed = match &pod.origin.template_hash {
            Some(label) => **label == *hash,
            // A record of an older version has neither label nor uid.
            None => pod.origin.owner_uid.is_none() && !hash.is_empty(),
        };
        hashed && self.service().is_none_or(|service| **service == *deployment)
    }

    /// Whether the namespace was looked at and has no deployment of the service.
    pub fn lacks_deployment(&self) -> bool {
        self.deployment == Workload::Missing
    }

    /// Whether an event's pod, of which only the name is known, may be the service's own: `<deployment>-<hash>-<suffix>`.
    pub fn may_be_own_pod(&self, name: &str) -> bool {
        let Some(service) = self.service() else {
            return true;
        };
        match rest_of(name, service) {
            None => true,
            Some(rest) => rest
                .split_once('-')
                .is_some_and(|(hash, suffix)| is_hash(hash) && !suffix.is_empty() && !suffix.contains('-')),
        }
    }

    /// Whether an event's ReplicaSet, of which only the name is known, may be the service's own.
    pub fn may_be_own_set(&self, name: &str) -> bool {
        if let Some(set) = self.sets.values().find(|set| *set.name == *name) {
            return set
                .controller
                .as_ref()
                .is_some_and(|owner| self.is_service(owner));
        }
        let rest = self.service().and_then(|service| rest_of(name, service));
        rest.is_none_or(is_hash)
    }

    /// Whether an event's deployment is the service's own.
    pub fn may_be_own_deployment(&self, name: &str) -> bool {
        self.service().is_none_or(|service| **service == *name)
    }

    /// What tells whose the pod is.
    pub fn basis(&self, pod: &Pod) -> Basis {
        let by_set = pod
            .owner
            .as_ref()
            .is_some_and(|(kind, _)| &**kind == "ReplicaSet");
        if by_set && self.set(pod).is_none() {
            Basis::Names
        } else {
            Basis::Controllers
        }
    }

    /// Whose the pod is, in words: `Job reindex`, `Deployment canary`, `nobody`.
    pub fn owner_in_words(&self, pod: &Pod) -> SafeText {
        let Some((kind, name)) = &pod.owner else {
            return "nobody".into();
        };
        if let Some(config) = &pod.origin.deployment_config {
            return safe!("DeploymentConfig {config}");
        }
        match (&**kind, self.set(pod)) {
            ("ReplicaSet", Some(set)) => match &set.controller {
                None => safe!("ReplicaSet {name}, which has no deployment"),
                Some(owner) if self.is_namesake(owner) => {
                    safe!("an earlier Deployment {}", owner.name)
                }
                Some(owner) => safe!("{} {}", owner.kind, owner.name),
            },
            // `oc` names the ReplicationControllers of a DeploymentConfig so.
            ("ReplicationController", _) => match name.rsplit_once('-') {
                Some((config, version)) if is_number(version) => {
                    safe!("DeploymentConfig {config} (ReplicationController {name})")
                }
                _ => safe!("{kind} {name}"),
            },
            _ => safe!("{kind} {name}"),
        }
    }

    /// Whether a controller is another deployment with the name of the service's.
    fn is_namesake(&self, controller: &Controller) -> bool {
        let named = self.service().is_some_and(|service| *service == controller.name);
        named && &*controller.kind == "Deployment" && !self.is_service(controller)
    }
}

/// What follows a deployment's name and a dash.
fn rest_of<'a>(name: &'a str, deployment: &str) -> Option<&'a str> {
    name.strip_prefix(deployment)?.strip_prefix('-')
}

/// Whether a text is one that Kubernetes makes for a template's hash: without vowels and without what looks like one.
fn is_hash(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
