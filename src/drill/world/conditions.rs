//! The conditions of a Deployment's status, set as the Deployment controller sets them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event_recorder::seconds;

/// A condition to set.
#[derive(Clone, Debug)]
pub struct Condition<'a> {
    /// As `Progressing`.
    pub kind: &'a str,
    /// `True`, `False` or `Unknown`.
    pub status: &'a str,
    /// As `ReplicaSetUpdated`.
    pub reason: &'a str,
    /// For people.
    pub message: String,
}

/// The condition of this type.
pub fn find<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = status["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// The reason of the condition of this type; empty without one.
pub fn reason<'a>(status: &'a Value, kind: &str) -> &'a str {
    let condition = find(status, kind);
    condition
        .and_then(|condition| condition["reason"].as_str())
        .unwrap_or_default()
}

/// Sets the condition unless it is there with this status and reason: then its message and times stay.
pub fn set(status: &mut Value, at: Timestamp, condition: &Condition<'_>) {
    let same = find(status, condition.kind)
        .is_some_and(|old| old["status"] == condition.status && old["reason"] == condition.reason);
    if !same {
        renew(status, at, condition);
    }
}

/// Sets the condition and its times; the time of its transition stays if its status does. It goes to the end of the list.
pub fn renew(status: &mut Value, at: Timestamp, condition: &Condition<'_>) {
    let now = json!(seconds(at));
    let since = find(status, condition.kind)
        .filter(|old| old["status"] == condition.status)
        .map_or_else(|| now.clone(), |old| old["lastTransitionTime"].clone());
    remove(status, condition.kind);
    let new = json!({
        "type": condition.kind,
        "status": condition.status,
        "lastUpdateTime": now,
        "lastTransitionTime": since,
        "reason": condition.reason,
        "message": condition.message,
    });
    match status["conditions"].as_array_mut() {
        Some(conditions) => conditions.push(new),
        None => status["conditions"] = json!([new]),
    }
}

/// Removes the condition.
pub fn remove(status: &mut Value, kind: &str) {
    if let Some(conditions) = status["conditions"].as_array_mut() {
        conditions.retain(|condition| condition["type"] != kind);
    }
}
