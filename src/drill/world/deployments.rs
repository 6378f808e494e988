//! The Deployment controller: one ReplicaSet per template, rolled over as the strategy says (`pkg/controller/deployment`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::World;
use super::conditions::{self, Condition};
use super::deployment_status::{is_complete, note_pause, status_of};
use super::event_recorder::Occurrence;
use super::objects;
use super::pod_run::controller_of;
use super::resource::Resource;
use super::rollout::{ReplicaSet, RolloutLimits, new_size, old_sizes, proportional_sizes};
use crate::random::template_hash;

const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One round of the controller for a Deployment.
pub struct Round {
    /// Now.
    pub at: Timestamp,
    /// The Deployment as it will be written.
    pub deployment: Value,
    /// How many pods it should have.
    pub wanted: u64,
    /// How far a rollout may go.
    pub limits: RolloutLimits,
    /// The set of its template.
    pub new: Option<ReplicaSet>,
    /// The others, oldest first.
    pub old: Vec<ReplicaSet>,
}

impl Round {
    /// How many pods its sets should have together.
    pub fn total(&self) -> u64 {
        self.sets().map(|set| set.wanted).sum()
    }

    /// All of its sets.
    pub fn sets(&self) -> impl Iterator<Item = &ReplicaSet> {
        self.new.iter().chain(&self.old)
    }

    /// Whether somebody changed the number of pods since a set was last looked at.
    fn is_scaled(&self) -> bool {
        let mut active = self.sets().filter(|set| set.wanted > 0);
        active.any(|set| set.desired.is_some_and(|desired| desired != self.wanted))
    }

    fn annotation(&self, name: &str) -> &Value {
        &self.deployment["metadata"]["annotations"][name]
    }
}

impl ReplicaSet {
    fn of(set: &Value) -> Self {
        let status = |field: &str| set["status"][field].as_u64().unwrap_or(0);
        let text = |field: &str| set["metadata"][field].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| set["metadata"]["annotations"][name].as_str()?.parse().ok();
        Self {
            name: text("name"),
            wanted: set["spec"]["replicas"].as_u64().unwrap_or(0),
            active: status("replicas"),
            ready: status("readyReplicas"),
            available: status("availableReplicas"),
            desired: number(DESIRED),
            most: number(MOST),
            revision: number(REVISION).unwrap_or(0),
            created: text("creationTimestamp"),
        }
    }
}

impl World {
    pub(super) fn reconcile_deployment(&mut self, at: Timestamp, name: &str) {
        let Some(deployment) = self.store.get(Resource::Deployments, objects::NAMESPACE, name) else {
            return;
        };
        let deployment = (**deployment).clone();
        let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
        let (new, old) = self.sets(&deployment);
        let mut round = Round {
            at,
            limits: RolloutLimits::of(&deployment["spec"], wanted),
            deployment,
            wanted,
            new,
            old,
        };
        let paused = round.deployment["spec"]["paused"] == json!(true);
        note_pause(&mut round, paused);
        if paused || round.is_scaled() {
            self.adopt_revision(&mut round);
            self.scale_sets(&mut round);
        } else if round.deployment["spec"]["strategy"]["type"] == "Recreate" {
            self.recreate(&mut round);
        } else {
            self.roll(&mut round);
        }
        let mut status = status_of(&round, self.replica_failure(&round));
        if !paused {
            self.judge_progress(&round, &mut status);
            if is_complete(&round, &status) {
                self.clean_up(&round);
            }
        }
        round.deployment["status"] = status;
        self.store.put(Resource::Deployments, round.deployment);
    }

    /// The ReplicaSet of the deployment's template, and the others.
    fn sets(&self, deployment: &Value) -> (Option<ReplicaSet>, Vec<ReplicaSet>) {
        let uid = deployment["metadata"]["uid"].as_str().unwrap_or_default();
        let all = self.store.all(Resource::ReplicaSets);
        let mut owned: Vec<_> = all.filter(|set| controller_of(set) == uid).collect();
        owned.sort_by_key(|set| {
            set["metadata"]["creationTimestamp"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        });
        let template = bare(&deployment["spec"]["template"]);
        let position = owned
            .iter()
            .position(|set| bare(&set["spec"]["template"]) == template);
        let new = position.map(|index| ReplicaSet::of(owned.remove(index)));
        (new, owned.into_iter().map(|set| ReplicaSet::of(set)).collect())
    }

    fn roll(&mut self, round: &mut Round) {
        self.make_current(round);
        let Some(new) = round.new.clone() else {
            return;
        };
        let old: u64 = round.old.iter().map(|set| set.wanted).sum();
        let target = new_size(new.wanted, old, round.wanted, round.limits);
        if target != new.wanted {
            self.scale_set(round, &new, target);
            return;
        }
        self.annotate(round, &new);
        let sizes = old_sizes(&new, &round.old, round.wanted, round.limits);
        for (set, size) in round.old.clone().iter().zip(sizes) {
            if size != set.wanted {
                self.scale_set(round, set, size);
            }
        }
    }

    /// All old pods must be gone before the new ones come.
    fn recreate(&mut self, round: &mut Round) {
        self.adopt_revision(round);
        let active: Vec<ReplicaSet> = round.old.iter().filter(|set| set.wanted > 0).cloned().collect();
        for set in &active {
            self.scale_set(round, set, 0);
        }
        if !active.is_empty() || self.old_pods_run(round) {
            return;
        }
        self.make_current(round);
        if let Some(new) = round.new.clone().filter(|new| new.wanted != round.wanted) {
            self.scale_set(round, &new, round.wanted);
        }
    }

    fn old_pods_run(&self, round: &Round) -> bool {
        let uids = round.old.iter().filter_map(|set| {
            let set = self
                .store
                .get(Resource::ReplicaSets, objects::NAMESPACE, &set.name)?;
            set["metadata"]["uid"].as_str()
        });
        let uids: Vec<&str> = uids.collect();
        let mut pods = self.pods.values();
        pods.any(|run| uids.contains(&run.owner.as_str()) && run.phase() != "Failed")
    }

    /// Makes sure that the template has a ReplicaSet, with the newest revision.
    fn make_current(&mut self, round: &mut Round) {
        if round.new.is_some() {
            self.adopt_revision(round);
            return;
        }
        let revision = newest(&round.old) + 1;
        let deployment = &mut round.deployment;
        deployment["metadata"]["annotations"][REVISION] = json!(revision.to_string());
        let hash = template_hash(&deployment["spec"]["template"].to_string());
        let old: u64 = round.old.iter().map(|set| set.wanted).sum();
        let size = new_size(0, old, round.wanted, round.limits);
        let uid = self.random.uuid();
        let mut set = objects::replica_set(deployment, &hash, &uid, round.at, size);
        set["metadata"]["annotations"] = handed_down(round);
        let new = ReplicaSet::of(&set);
        self.store.put(Resource::ReplicaSets, set);
        let created = Condition {
            kind: "Progressing",
            status: "True",
            reason: "NewReplicaSetCreated",
            message: format!("Created new replica set \"{}\"", new.name),
        };
        conditions::set(&mut round.deployment["status"], round.at, &created);
        if size > 0 {
            self.say_scaled(round, &new.name, 0, size);
        }
        round.new = Some(new);
        self.touch(round.at);
    }

    /// Makes the ReplicaSet of the template the newest revision, as after a return to an earlier template.
    fn adopt_revision(&mut self, round: &mut Round) {
        let Some(new) = &mut round.new else {
            return;
        };
        let revision = newest(&round.old) + 1;
        if new.revision < revision {
            let before = new.revision;
            new.revision = revision;
            let name = new.name.clone();
            self.change_set(&name, |set| {
                let annotations = &mut set["metadata"]["annotations"];
                let history = annotations[HISTORY].as_str().map(|history| format!("{history},"));
                annotations[REVISION] = json!(revision.to_string());
                if before > 0 {
                    annotations[HISTORY] = json!(format!("{}{before}", history.unwrap_or_default()));
                }
            });
        }
        let revision = new.revision.to_string();
        if round.annotation(REVISION) != revision.as_str() {
            round.deployment["metadata"]["annotations"][REVISION] = json!(revision);
        }
    }

    /// Copies the deployment's annotations to its current ReplicaSet.
    fn annotate(&mut self, round: &Round, set: &ReplicaSet) {
        let handed = handed_down(round);
        self.change_set(&set.name, |set| {
            let annotations = &mut set["metadata"]["annotations"];
            for (name, value) in handed.as_object().into_iter().flatten() {
                annotations[name] = value.clone();
            }
        });
    }

    fn change_set(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        if let Some(set) = self.store.get(Resource::ReplicaSets, objects::NAMESPACE, name) {
            let mut set = (**set).clone();
            change(&mut set);
            self.store.put(Resource::ReplicaSets, set);
        }
    }

    /// Distributes a changed number of pods: to the only active set, or in proportion to several.
    fn scale_sets(&mut self, round: &mut Round) {
        let active: Vec<ReplicaSet> = round.sets().filter(|set| set.wanted > 0).cloned().collect();
        let only = match active.as_slice() {
            [] => round.new.clone().or_else(|| round.old.last().cloned()),
            [one] => Some(one.clone()),
            _ => None,
        };
        if let Some(set) = only {
            self.scale_set(round, &set, round.wanted);
            return;
        }
        let saturated = |new: &ReplicaSet| new.wanted == round.wanted && new.available == round.wanted;
        if round
            .new
            .as_ref()
            .is_some_and(|new| saturated(new) && new.desired == Some(round.wanted))
        {
            for set in round.old.clone().iter().filter(|set| set.wanted > 0) {
                self.scale_set(round, set, 0);
            }
            return;
        }
        let has = round.deployment["status"]["replicas"].as_u64().unwrap_or(0);
        for (name, size) in proportional_sizes(&active, round.wanted, has, round.limits) {
            if let Some(set) = active.iter().find(|set| set.name == name) {
                self.scale_set(round, set, size);
            }
        }
    }

    /// Gives a set its size, and writes down what was wanted of the deployment then.
    fn scale_set(&mut self, round: &Round, set: &ReplicaSet, to: u64) {
        let (wanted, surge) = (round.wanted, round.limits.surge);
        self.change_set(&set.name, |object| {
            if object["spec"]["replicas"] != json!(to) {
                object["spec"]["replicas"] = json!(to);
                let generation = object["metadata"]["generation"].as_u64().unwrap_or(0);
                object["metadata"]["generation"] = json!(generation + 1);
            }
            let annotations = &mut object["metadata"]["annotations"];
            annotations[DESIRED] = json!(wanted.to_string());
            annotations[MOST] = json!((wanted + surge).to_string());
        });
        if to != set.wanted {
            self.say_scaled(round, &set.name, set.wanted, to);
        }
        self.touch(round.at);
    }

    fn say_scaled(&mut self, round: &Round, set: &str, from: u64, to: u64) {
        let direction = if to > from { "up" } else { "down" };
        self.record(
            round.at,
            &Occurrence {
                about: &round.deployment,
                field: None,
                kind: "Normal",
                reason: "ScalingReplicaSet",
                message: format!("Scaled {direction} replica set {set} from {from} to {to}"),
                component: "deployment-controller",
                host: None,
            },
        );
    }

    /// Removes the oldest revisions beyond the history that is kept.
    fn clean_up(&mut self, round: &Round) {
        let limit = round.deployment["spec"]["revisionHistoryLimit"]
            .as_u64()
            .unwrap_or(10) as usize;
        let mut old: Vec<&ReplicaSet> = round.old.iter().collect();
        old.sort_by_key(|set| set.revision);
        let surplus = old.len().saturating_sub(limit);
        for set in old.into_iter().take(surplus) {
            if set.wanted == 0 && set.active == 0 {
                self.store
                    .remove(Resource::ReplicaSets, objects::NAMESPACE, &set.name);
            }
        }
    }

    /// Why a set's pods cannot be made: the new one's reason first.
    fn replica_failure(&self, round: &Round) -> Option<Value> {
        let failure = |set: &ReplicaSet| {
            let set = self
                .store
                .get(Resource::ReplicaSets, objects::NAMESPACE, &set.name)?;
            conditions::find(&set["status"], "ReplicaFailure").cloned()
        };
        round.sets().find_map(failure)
    }
}

/// The annotations that a deployment copies to its current ReplicaSet.
fn handed_down(round: &Round) -> Value {
    let mut annotations = round.deployment["metadata"]["annotations"].clone();
    if let Some(annotations) = annotations.as_object_mut() {
        for own in [LAST_APPLIED, HISTORY] {
            annotations.remove(own);
        }
    }
    annotations[DESIRED] = json!(round.wanted.to_string());
    annotations[MOST] = json!((round.wanted + round.limits.surge).to_string());
    annotations
}

fn newest(sets: &[ReplicaSet]) -> u64 {
    sets.iter().map(|set| set.revision).max().unwrap_or(0)
}

/// A template for comparison: without the hash and without empty fields.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(metadata) = template["metadata"].as_object_mut() {
        metadata.remove("creationTimestamp");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
    }
    template
}
