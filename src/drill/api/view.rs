//! A kind as one version of the API shows it. The world stores each object once; some kinds are shown in two versions, some are empty.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::discovery::ApiResource;
use crate::world::Resource;

/// The group in which the world's events are shown in a second form.
const NEW_EVENTS: &str = "events.k8s.io";

/// One kind as the API shows it.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The stored objects that it shows; `None` for a kind without objects.
    pub stored: Option<Resource>,
    /// As `Event`.
    pub kind: &'static str,
    /// As `events`.
    pub plural: &'static str,
    pub is_namespaced: bool,
    /// Empty for core.
    group: &'static str,
    version: &'static str,
}

impl View {
    /// That of a resource which the server names.
    pub fn of(entry: &ApiResource) -> Self {
        let group = if entry.group == NEW_EVENTS {
            ""
        } else {
            entry.group
        };
        Self {
            stored: Resource::find(group, entry.name),
            kind: entry.kind,
            plural: entry.name,
            is_namespaced: entry.namespaced,
            group: entry.group,
            version: entry.version,
        }
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The object in this form.
    pub fn show(self, object: &Value) -> Cow<'_, Value> {
        if self.shows_new_events() {
            Cow::Owned(new_event(object))
        } else if (self.group, self.version) == ("autoscaling", "v1") {
            Cow::Owned(old_autoscaler(object))
        } else {
            Cow::Borrowed(object)
        }
    }

    /// The stored name of a field by which a request selects.
    pub fn stored_field(self, path: &str) -> Cow<'_, str> {
        if !self.shows_new_events() {
            return Cow::Owned(path.to_owned());
        }
        match path.strip_prefix("regarding.") {
            Some(field) => Cow::Owned(format!("involvedObject.{field}")),
            None if path == "reportingController" => Cow::Borrowed("reportingComponent"),
            None if path.starts_with("metadata.") || matches!(path, "reason" | "type") => {
                Cow::Owned(path.to_owned())
            }
            // Fields that only the older version has.
            None => Cow::Borrowed(""),
        }
    }

    fn shows_new_events(self) -> bool {
        self.group == NEW_EVENTS
    }
}

impl From<Resource> for View {
    fn from(resource: Resource) -> Self {
        Self {
            stored: Some(resource),
            kind: resource.kind(),
            plural: resource.plural(),
            is_namespaced: resource.is_namespaced(),
            group: resource.group(),
            version: "v1",
        }
    }
}

/// The fields of `events.k8s.io/v1` and those of `v1` from which they are converted.
const EVENT_FIELDS: [(&str, &str); 15] = [
    ("metadata", "metadata"),
    ("eventTime", "eventTime"),
    ("series", "series"),
    ("reportingController", "reportingComponent"),
    ("reportingInstance", "reportingInstance"),
    ("action", "action"),
    ("reason", "reason"),
    ("regarding", "involvedObject"),
    ("related", "related"),
    ("note", "message"),
    ("type", "type"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// An `autoscaling/v2` autoscaler in the older form, which has a target for the CPU alone.
fn old_autoscaler(autoscaler: &Value) -> Value {
    let mut shown = autoscaler.clone();
    shown["apiVersion"] = json!("autoscaling/v1");
    let is_cpu = |metric: &&Value| metric["resource"]["name"] == "cpu";
    for (part, list, value, old) in [
        (
            "spec",
            "metrics",
            "/resource/target/averageUtilization",
            "targetCPUUtilizationPercentage",
        ),
        (
            "status",
            "currentMetrics",
            "/resource/current/averageUtilization",
            "currentCPUUtilizationPercentage",
        ),
    ] {
        let Some(fields) = shown[part].as_object_mut() else {
            continue;
        };
        fields.remove("conditions");
        fields.remove("behavior");
        let metrics = fields.remove(list).unwrap_or_default();
        let cpu = metrics.as_array().into_iter().flatten().find(is_cpu);
        if let Some(cpu) = cpu.and_then(|metric| metric.pointer(value)) {
            fields.insert(old.to_owned(), cpu.clone());
        }
    }
    shown
}

/// A `v1` Event in the newer form. Times that are not set are null, all else that is not set is left out.
fn new_event(event: &Value) -> Value {
    let mut shown = json!({"kind": "Event", "apiVersion": "events.k8s.io/v1"});
    for (new, old) in EVENT_FIELDS {
        match &event[old] {
            Value::Null if !new.ends_with("Time") && !new.ends_with("Timestamp") => {}
            Value::String(text) if text.is_empty() => {}
            value => shown[new] = value.clone(),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_shown_in_the_newer_words() {
        let old = json!({
            "kind": "Event", "apiVersion": "v1", "metadata": {"name": "e"},
            "involvedObject": {"kind": "Pod"}, "reason": "Scheduled", "message": "m", "source": {"component": "c"},
            "firstTimestamp": null, "lastTimestamp": "t", "count": 3, "type": "Normal", "eventTime": null,
            "reportingComponent": "c", "reportingInstance": "",
        });
        assert_eq!(
            new_event(&old),
            json!({
                "kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "e"},
                "regarding": {"kind": "Pod"}, "reason": "Scheduled", "note": "m", "deprecatedSource": {"component": "c"},
                "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": "t", "deprecatedCount": 3, "type": "Normal",
                "eventTime": null, "reportingController": "c",
            })
        );
    }
}
