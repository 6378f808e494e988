//! The Deployment controller: one ReplicaSet per template, rolled over within the surge and the unavailability it allows.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::World;
use super::events::{Occurrence, seconds};
use super::objects;
use super::random::template_hash;
use super::replicasets::Counts;
use super::resource::Resource;

const REVISION: &str = "deployment.kubernetes.io/revision";

/// A ReplicaSet of the deployment in one round of the controller.
#[derive(Clone, Debug)]
struct Set {
    name: String,
    wanted: u64,
    counts: Counts,
}

impl Set {
    fn of(set: &Value) -> Self {
        let status = |field: &str| set["status"][field].as_u64().unwrap_or(0);
        Self {
            name: set["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            wanted: set["spec"]["replicas"].as_u64().unwrap_or(0),
            counts: Counts {
                active: status("replicas"),
                ready: status("readyReplicas"),
            },
        }
    }
}

impl World {
    pub(super) fn reconcile_deployment(&mut self, at: Timestamp, name: &str) {
        let Some(deployment) = self.store.get(Resource::Deployments, objects::NAMESPACE, name) else {
            return;
        };
        let mut deployment = (**deployment).clone();
        let current = self.current_set(at, &mut deployment);
        let (new, old) = self.sets(&deployment, &current);
        let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(0);
        let limits = Limits::of(wanted);
        let total = new.wanted + old.iter().map(|set| set.wanted).sum::<u64>();
        let target = new_set_target(&new, wanted, total, limits);
        if target == new.wanted {
            self.shrink_old(at, &deployment, &new, &old, limits);
        } else {
            self.scale_set(at, &deployment, &new, target);
        }
        deployment["status"] = self.deployment_status(at, &deployment, &new, &old, limits);
        self.store.put(Resource::Deployments, deployment);
    }

    /// The ReplicaSet of the deployment's template, made if there is none.
    fn current_set(&mut self, at: Timestamp, deployment: &mut Value) -> String {
        let hash = template_hash(&deployment["spec"]["template"].to_string());
        let name = format!(
            "{}-{hash}",
            deployment["metadata"]["name"].as_str().unwrap_or_default()
        );
        if self
            .store
            .get(Resource::ReplicaSets, objects::NAMESPACE, &name)
            .is_some()
        {
            return name;
        }
        let revision = self.newest_revision() + 1;
        deployment["metadata"]["annotations"][REVISION] = json!(revision.to_string());
        let uid = self.random.uuid();
        let mut set = objects::replica_set(deployment, &hash, &uid, at, 0);
        set["metadata"]["annotations"] = json!({REVISION: revision.to_string()});
        self.store.put(Resource::ReplicaSets, set);
        progress(
            deployment,
            at,
            "NewReplicaSetCreated",
            format!("Created new replica set \"{name}\""),
        );
        name
    }

    fn newest_revision(&self) -> u64 {
        let revision = |set: &Value| set["metadata"]["annotations"][REVISION].as_str()?.parse().ok();
        self.store
            .all(Resource::ReplicaSets)
            .filter_map(|set| revision(set))
            .max()
            .unwrap_or(0)
    }

    fn sets(&self, deployment: &Value, current: &str) -> (Set, Vec<Set>) {
        let owned = self
            .store
            .all(Resource::ReplicaSets)
            .filter(|set| set["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"]);
        let mut all: Vec<Set> = owned.map(|set| Set::of(set)).collect();
        let position = all.iter().position(|set| set.name == current);
        let new = position.map_or_else(
            || Set {
                name: current.to_owned(),
                wanted: 0,
                counts: Counts::default(),
            },
            |index| all.remove(index),
        );
        (new, all)
    }

    fn scale_set(&mut self, at: Timestamp, deployment: &Value, set: &Set, to: u64) {
        let Some(object) = self
            .store
            .get(Resource::ReplicaSets, objects::NAMESPACE, &set.name)
        else {
            return;
        };
        let mut object = (**object).clone();
        let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(0);
        object["spec"]["replicas"] = json!(to);
        object["metadata"]["generation"] = json!(object["metadata"]["generation"].as_u64().unwrap_or(0) + 1);
        let annotations = &mut object["metadata"]["annotations"];
        annotations["deployment.kubernetes.io/desired-replicas"] = json!(wanted.to_string());
        annotations["deployment.kubernetes.io/max-replicas"] =
            json!((wanted + Limits::of(wanted).surge).to_string());
        self.store.put(Resource::ReplicaSets, object);
        let direction = if to > set.wanted { "up" } else { "down" };
        let message = format!(
            "Scaled {direction} replica set {} from {} to {to}",
            set.name, set.wanted
        );
        self.record(
            at,
            &Occurrence {
                about: deployment,
                field: None,
                kind: "Normal",
                reason: "ScalingReplicaSet",
                message,
                component: "deployment-controller",
                host: None,
            },
        );
        self.touch(at);
    }

    /// Takes from the old sets what the rollout may do without: first pods that do not serve anyway, then ready ones.
    fn shrink_old(&mut self, at: Timestamp, deployment: &Value, new: &Set, old: &[Set], limits: Limits) {
        let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(0);
        let needed = wanted.saturating_sub(limits.unavailable);
        let total = new.wanted + old.iter().map(|set| set.wanted).sum::<u64>();
        let new_unavailable = new.wanted.saturating_sub(new.counts.ready);
        let mut unhealthy_budget = total.saturating_sub(needed + new_unavailable);
        let ready = new.counts.ready + old.iter().map(|set| set.counts.ready).sum::<u64>();
        let mut ready_budget = ready.saturating_sub(needed);
        for set in old.iter().filter(|set| set.wanted > 0) {
            let unhealthy = set.wanted.saturating_sub(set.counts.ready).min(unhealthy_budget);
            unhealthy_budget -= unhealthy;
            let serving = (set.wanted - unhealthy).min(ready_budget).min(unhealthy_budget);
            ready_budget -= serving;
            unhealthy_budget -= serving;
            if unhealthy + serving > 0 {
                self.scale_set(at, deployment, set, set.wanted - unhealthy - serving);
            }
        }
    }

    fn deployment_status(
        &mut self,
        at: Timestamp,
        deployment: &Value,
        new: &Set,
        old: &[Set],
        limits: Limits,
    ) -> Value {
        let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(0);
        let sum = |count: fn(&Set) -> u64| count(new) + old.iter().map(count).sum::<u64>();
        let (replicas, ready) = (sum(|set| set.counts.active), sum(|set| set.counts.ready));
        let unavailable = sum(|set| set.wanted).max(wanted).saturating_sub(ready);
        let mut status = json!({
            "observedGeneration": deployment["metadata"]["generation"],
            "conditions": deployment["status"]["conditions"],
        });
        for (field, count) in [
            ("replicas", replicas),
            ("updatedReplicas", new.counts.active),
            ("readyReplicas", ready),
            ("availableReplicas", ready),
            ("unavailableReplicas", unavailable),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        let mut judged = json!({ "status": status });
        available(
            &mut judged,
            at,
            ready >= wanted.saturating_sub(limits.unavailable),
        );
        let complete = new.counts.active == wanted && ready >= wanted && replicas == wanted;
        self.judge_progress(at, &mut judged, deployment, new, complete);
        judged["status"].take()
    }

    fn judge_progress(
        &mut self,
        at: Timestamp,
        judged: &mut Value,
        deployment: &Value,
        new: &Set,
        complete: bool,
    ) {
        let progressing = condition(judged, "Progressing").cloned().unwrap_or_default();
        let reason = progressing["reason"].as_str().unwrap_or_default();
        let moved = deployment["status"]["updatedReplicas"] != judged["status"]["updatedReplicas"]
            || deployment["status"]["readyReplicas"] != judged["status"]["readyReplicas"]
            || deployment["status"]["replicas"] != judged["status"]["replicas"];
        if complete {
            if reason != "NewReplicaSetAvailable" {
                let message = format!("ReplicaSet \"{}\" has successfully progressed.", new.name);
                progress(judged, at, "NewReplicaSetAvailable", message);
            }
        } else if reason == "NewReplicaSetAvailable" {
            // A finished rollout stays finished when pods are lost later.
        } else if moved && reason != "ProgressDeadlineExceeded" {
            let message = format!("ReplicaSet \"{}\" is progressing.", new.name);
            progress(judged, at, "ReplicaSetUpdated", message);
            let deadline = deployment["spec"]["progressDeadlineSeconds"]
                .as_i64()
                .unwrap_or(600);
            self.schedule(
                at + SignedDuration::from_secs(deadline + 1),
                super::Due::Controllers,
            );
        } else if reason == "ReplicaSetUpdated" && is_overdue(&progressing, deployment, at) {
            let message = format!("ReplicaSet \"{}\" has timed out progressing.", new.name);
            set_condition(
                judged,
                at,
                "Progressing",
                false,
                "ProgressDeadlineExceeded",
                message,
            );
        }
    }
}

/// How far a rollout may go beyond and below the wanted number: 25 % each, rounded up and down, never both 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    surge: u64,
    unavailable: u64,
}

impl Limits {
    fn of(wanted: u64) -> Self {
        let (surge, unavailable) = (wanted.div_ceil(4), wanted / 4);
        if surge == 0 && unavailable == 0 {
            return Self {
                surge,
                unavailable: 1,
            };
        }
        Self { surge, unavailable }
    }
}

fn new_set_target(new: &Set, wanted: u64, total: u64, limits: Limits) -> u64 {
    if new.wanted >= wanted {
        return wanted;
    }
    let room = (wanted + limits.surge).saturating_sub(total);
    (new.wanted + room).min(wanted)
}

fn available(judged: &mut Value, at: Timestamp, holds: bool) {
    let (reason, message) = if holds {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        (
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    let same = condition(judged, "Available").is_some_and(|condition| condition["reason"] == reason);
    if !same {
        set_condition(judged, at, "Available", holds, reason, message.to_owned());
    }
}

fn progress(judged: &mut Value, at: Timestamp, reason: &str, message: String) {
    set_condition(judged, at, "Progressing", true, reason, message);
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

fn is_overdue(progressing: &Value, deployment: &Value, at: Timestamp) -> bool {
    let deadline = deployment["spec"]["progressDeadlineSeconds"]
        .as_i64()
        .unwrap_or(600);
    let updated = progressing["lastUpdateTime"]
        .as_str()
        .and_then(|time| time.parse::<Timestamp>().ok());
    updated.is_some_and(|updated| at.duration_since(updated).as_secs() >= deadline)
}

fn set_condition(object: &mut Value, at: Timestamp, kind: &str, holds: bool, reason: &str, message: String) {
    let status = if holds { "True" } else { "False" };
    let now = json!(seconds(at));
    let since = condition(object, kind)
        .filter(|condition| condition["status"] == status)
        .map_or_else(
            || now.clone(),
            |condition| condition["lastTransitionTime"].clone(),
        );
    let new = json!({
        "type": kind,
        "status": status,
        "lastUpdateTime": now,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    });
    if !object["status"]["conditions"].is_array() {
        object["status"]["conditions"] = json!([]);
    }
    let Some(conditions) = object["status"]["conditions"].as_array_mut() else {
        return;
    };
    match conditions.iter_mut().find(|condition| condition["type"] == kind) {
        Some(condition) => *condition = new,
        None => conditions.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_replicas_roll_with_one_more_and_none_less() {
        assert_eq!(
            Limits::of(3),
            Limits {
                surge: 1,
                unavailable: 0
            }
        );
        assert_eq!(
            Limits::of(8),
            Limits {
                surge: 2,
                unavailable: 2
            }
        );
        assert_eq!(
            Limits::of(0),
            Limits {
                surge: 0,
                unavailable: 1
            }
        );
    }
}
