//! The status of a Deployment: counts, and the conditions that judge its progress (`pkg/controller/deployment/progress.go`).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::conditions::{self, Condition};
use super::deployments::Round;
use super::rollout::ReplicaSet;
use super::{Due, World};

impl World {
    pub(super) fn judge_progress(&mut self, round: &Round, status: &mut Value) {
        let at = round.at;
        let Some(deadline) = round.deployment["spec"]["progressDeadlineSeconds"].as_i64() else {
            conditions::remove(status, "Progressing");
            return;
        };
        let name = round.new.as_ref().map_or("", |new| &new.name);
        let of = |status, reason, what: &str| Condition {
            kind: "Progressing",
            status,
            reason,
            message: format!("ReplicaSet \"{name}\" {what}"),
        };
        let reason = conditions::reason(status, "Progressing").to_owned();
        let settled = status["replicas"] == status["updatedReplicas"] && reason == "NewReplicaSetAvailable";
        if settled {
            return;
        }
        if is_complete(round, status) {
            let done = of("True", "NewReplicaSetAvailable", "has successfully progressed.");
            conditions::set(status, at, &done);
        } else if moved(&round.deployment["status"], status) {
            conditions::renew(status, at, &of("True", "ReplicaSetUpdated", "is progressing."));
        } else if timed_out(status, deadline, at) {
            let late = of("False", "ProgressDeadlineExceeded", "has timed out progressing.");
            conditions::set(status, at, &late);
        }
        if conditions::reason(status, "Progressing") == "ReplicaSetUpdated" {
            self.look_again(at, status, deadline);
        }
    }

    /// The controller looks again when the deadline has passed.
    fn look_again(&mut self, at: Timestamp, status: &Value, deadline: i64) {
        let due = last_update(status).map(|updated| updated + SignedDuration::from_secs(deadline + 1));
        if let Some(due) = due.filter(|due| *due > at) {
            self.schedule(due, Due::Controllers);
        }
    }
}

/// Records the begin or the end of a pause.
pub fn note_pause(round: &mut Round, paused: bool) {
    let status = &mut round.deployment["status"];
    let noted = conditions::reason(status, "Progressing") == "DeploymentPaused";
    if paused == noted || conditions::reason(status, "Progressing") == "ProgressDeadlineExceeded" {
        return;
    }
    let (reason, message) = if paused {
        ("DeploymentPaused", "Deployment is paused")
    } else {
        ("DeploymentResumed", "Deployment is resumed")
    };
    let condition = Condition {
        kind: "Progressing",
        status: "Unknown",
        reason,
        message: message.to_owned(),
    };
    conditions::set(status, round.at, &condition);
}

/// The status that follows from the sets' statuses.
pub fn status_of(round: &Round, failure: Option<Value>) -> Value {
    let sum = |count: fn(&ReplicaSet) -> u64| round.sets().map(count).sum::<u64>();
    let (active, available) = (sum(|set| set.active), sum(|set| set.available));
    let mut status = json!({
        "observedGeneration": round.deployment["metadata"]["generation"],
        "conditions": round.deployment["status"]["conditions"],
    });
    for (field, count) in [
        ("replicas", active),
        ("updatedReplicas", round.new.as_ref().map_or(0, |new| new.active)),
        ("readyReplicas", sum(|set| set.ready)),
        ("availableReplicas", available),
        ("unavailableReplicas", round.total().saturating_sub(available)),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    let (status_word, reason, message) = if available >= round.limits.least(round.wanted) {
        (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        (
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    let condition = Condition {
        kind: "Available",
        status: status_word,
        reason,
        message: message.to_owned(),
    };
    conditions::set(&mut status, round.at, &condition);
    note_failure(&mut status, round.at, failure);
    status
}

fn note_failure(status: &mut Value, at: Timestamp, failure: Option<Value>) {
    let Some(failure) = failure else {
        conditions::remove(status, "ReplicaFailure");
        return;
    };
    let condition = Condition {
        kind: "ReplicaFailure",
        status: "True",
        reason: failure["reason"].as_str().unwrap_or_default(),
        message: failure["message"].as_str().unwrap_or_default().to_owned(),
    };
    conditions::set(status, at, &condition);
}

/// All pods are of the new template, and there are no others.
pub fn is_complete(round: &Round, status: &Value) -> bool {
    let count = |field: &str| status[field].as_u64().unwrap_or(0);
    let mut counts = ["updatedReplicas", "replicas", "availableReplicas"].into_iter();
    counts.all(|field| count(field) == round.wanted)
}

/// Whether more pods are new, ready or available, or fewer are old.
fn moved(before: &Value, now: &Value) -> bool {
    let count = |status: &Value, field: &str| status[field].as_u64().unwrap_or(0);
    let old = |status: &Value| count(status, "replicas").saturating_sub(count(status, "updatedReplicas"));
    let mut counts = ["updatedReplicas", "readyReplicas", "availableReplicas"].into_iter();
    counts.any(|field| count(now, field) > count(before, field)) || old(now) < old(before)
}

fn last_update(status: &Value) -> Option<Timestamp> {
    let progressing = conditions::find(status, "Progressing")?;
    progressing["lastUpdateTime"].as_str()?.parse().ok()
}

fn timed_out(status: &Value, deadline: i64, at: Timestamp) -> bool {
    let updated = last_update(status);
    updated.is_some_and(|updated| at.duration_since(updated).as_secs() >= deadline)
}
