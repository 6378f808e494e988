//! Kubernetes events as the components record them: repeats are counted, and all expire.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::resource::Resource;
use super::{Due, World};

/// How long the API server keeps an event after its last repeat (kube-apiserver `--event-ttl`, 1 h).
pub const EVENT_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// What a recorder writes before the newest message of many.
const COMBINED: &str = "(combined from similar events): ";
/// From this many messages on, within this time, a recorder combines (`tools/record/events_cache.go`).
const SIMILAR: usize = 10;
const SIMILAR_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long after its last event a series ends (`tools/events/event_broadcaster.go`).
const SERIES: SignedDuration = SignedDuration::from_mins(6);

/// What a component reports about an object: an event before it is recorded.
pub struct Occurrence<'a> {
    /// The object it is about.
    pub about: &'a Value,
    /// `spec.containers{service}`, if it is about one container.
    pub field: Option<String>,
    /// `Normal` or `Warning`.
    pub kind: &'a str,
    /// As `BackOff`.
    pub reason: &'a str,
    /// For people.
    pub message: String,
    /// The component, as `kubelet`.
    pub component: &'a str,
    /// The node, for the kubelet.
    pub host: Option<&'a str>,
}

impl World {
    /// Records an event, or counts it up when the same was said before.
    pub(super) fn record(&mut self, at: Timestamp, occurrence: &Occurrence<'_>) {
        let involved = involved(occurrence);
        let combined = self.is_one_of_many(at, occurrence, &involved);
        let occurrence = &Occurrence {
            message: if combined {
                format!("{COMBINED}{}", occurrence.message)
            } else {
                occurrence.message.clone()
            },
            field: occurrence.field.clone(),
            ..*occurrence
        };
        let same = self
            .events_about(&involved)
            .find(|event| repeats(event, occurrence, &involved))
            .map(|event| (**event).clone());
        let event = match same {
            Some(mut event) => {
                let count = event["count"].as_u64().unwrap_or(1) + 1;
                event["message"] = json!(occurrence.message);
                event["count"] = json!(count);
                event["lastTimestamp"] = json!(seconds(at));
                event
            }
            None => self.new_event(at, occurrence, involved),
        };
        self.put_event(at, event);
    }

    /// Whether so many events differ from this one only in the message that the recorder combines them.
    fn is_one_of_many(&mut self, at: Timestamp, occurrence: &Occurrence<'_>, involved: &Value) -> bool {
        let about = involved["uid"].as_str().unwrap_or_default().to_owned();
        let key = (
            about,
            occurrence.component.to_owned(),
            occurrence.reason.to_owned(),
        );
        // What is forgotten would be no part of an answer: not of the next event, and not of one about an object that is gone.
        if at.duration_since(self.similar_swept) > SIMILAR_FOR {
            self.similar_swept = at;
            self.similar
                .retain(|_, (last, _)| at.duration_since(*last) <= SIMILAR_FOR);
        }
        let (last, messages) = self.similar.entry(key).or_insert((at, BTreeSet::new()));
        if at.duration_since(*last) > SIMILAR_FOR {
            messages.clear();
        }
        *last = at;
        if messages.len() < SIMILAR {
            messages.insert(occurrence.message.clone());
        }
        messages.len() >= SIMILAR
    }

    pub(super) fn record_scheduled(&mut self, at: Timestamp, pod: &Value, node: &str) {
        let metadata = &pod["metadata"];
        let text = |field: &str| metadata[field].as_str().unwrap_or_default();
        let message = format!(
            "Successfully assigned {}/{} to {node}",
            text("namespace"),
            text("name")
        );
        self.record_scheduler(at, pod, ("Normal", "Scheduled", "Binding"), message);
    }

    pub(super) fn record_unschedulable(&mut self, at: Timestamp, pod: &Value, message: String) {
        self.record_scheduler(at, pod, ("Warning", "FailedScheduling", "Scheduling"), message);
    }

    /// The scheduler speaks the newer events API: it gives `eventTime` and no count, and repeats within six minutes make a series.
    fn record_scheduler(
        &mut self,
        at: Timestamp,
        pod: &Value,
        (kind, reason, action): (&str, &str, &str),
        message: String,
    ) {
        let occurrence = Occurrence {
            about: pod,
            field: None,
            kind,
            reason,
            message,
            component: "default-scheduler",
            host: None,
        };
        let involved = involved(&occurrence);
        let same = self
            .events_about(&involved)
            .find(|event| repeats(event, &occurrence, &involved) && is_recent(event, at))
            .map(|event| (**event).clone());
        if let Some(mut event) = same {
            let count = event["series"]["count"].as_u64().unwrap_or(1) + 1;
            event["series"] = json!({"count": count, "lastObservedTime": micros(at)});
            self.put_event(at, event);
            return;
        }
        let mut event = self.new_event(at, &occurrence, involved);
        event["source"] = json!({});
        event["firstTimestamp"] = Value::Null;
        event["lastTimestamp"] = Value::Null;
        event["eventTime"] = json!(micros(at));
        event["action"] = json!(action);
        event["reportingInstance"] = json!("default-scheduler-0");
        if let Some(fields) = event.as_object_mut() {
            fields.remove("count");
        }
        self.put_event(at, event);
    }

    /// The events that recorders made about an object: it is the first part of their names.
    fn events_about(&self, involved: &Value) -> impl Iterator<Item = &Arc<Value>> {
        let prefix = format!("{}.", involved["name"].as_str().unwrap_or_default());
        self.store
            .named_with(Resource::Events, namespace_of(involved), prefix)
    }

    fn new_event(&mut self, at: Timestamp, occurrence: &Occurrence<'_>, involved: Value) -> Value {
        // The recorder names an event after its nanosecond; those of one moment follow each other closely.
        let later = self.event_nanos + 1 + self.random.below(40_000);
        self.event_nanos = later.max(at.as_nanosecond() as u64);
        let name = format!(
            "{}.{:016x}",
            involved["name"].as_str().unwrap_or_default(),
            self.event_nanos
        );
        let mut source = json!({ "component": occurrence.component });
        if let Some(host) = occurrence.host {
            source["host"] = json!(host);
        }
        json!({
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {
                "name": name,
                "namespace": namespace_of(&involved),
                "uid": self.random.uuid(),
                "creationTimestamp": seconds(at),
            },
            "involvedObject": involved,
            "reason": occurrence.reason,
            "message": occurrence.message,
            "source": source,
            "firstTimestamp": seconds(at),
            "lastTimestamp": seconds(at),
            "count": 1,
            "type": occurrence.kind,
            "eventTime": null,
            "reportingComponent": occurrence.component,
            "reportingInstance": occurrence.host.unwrap_or_default(),
        })
    }

    fn put_event(&mut self, at: Timestamp, event: Value) {
        let text = |field: &str| event["metadata"][field].as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text("namespace"), text("name"));
        let version = self.store.put(Resource::Events, event);
        self.schedule(
            at + EVENT_LIFETIME,
            Due::ExpireEvent {
                namespace,
                name,
                version,
            },
        );
    }

    /// Removes the event unless it was repeated since.
    pub(super) fn expire_event(&mut self, namespace: &str, name: &str, version: u64) {
        let version = version.to_string();
        let current = self.store.get(Resource::Events, namespace, name);
        if current.is_some_and(|event| event["metadata"]["resourceVersion"] == version.as_str()) {
            self.store.remove(Resource::Events, namespace, name);
        }
    }
}

fn repeats(event: &Value, occurrence: &Occurrence<'_>, involved: &Value) -> bool {
    let said = event["message"].as_str().unwrap_or_default();
    let combined = said.starts_with(COMBINED) && occurrence.message.starts_with(COMBINED);
    event["reason"] == occurrence.reason
        && (combined || said == occurrence.message)
        && event["involvedObject"]["uid"] == involved["uid"]
        && event["involvedObject"]["fieldPath"] == involved["fieldPath"]
}

/// Whether a series of the scheduler goes on.
fn is_recent(event: &Value, at: Timestamp) -> bool {
    let last = event["series"]["lastObservedTime"]
        .as_str()
        .or_else(|| event["eventTime"].as_str());
    let last = last.and_then(|time| time.parse::<Timestamp>().ok());
    last.is_some_and(|last| at.duration_since(last) < SERIES)
}

/// The namespace of the events about an object: those about objects without one are in `default`.
fn namespace_of(involved: &Value) -> &str {
    involved["namespace"].as_str().unwrap_or("default")
}

fn involved(occurrence: &Occurrence<'_>) -> Value {
    let about = occurrence.about;
    let mut reference = json!({
        "kind": about["kind"],
        "namespace": about["metadata"]["namespace"],
        "name": about["metadata"]["name"],
        "uid": about["metadata"]["uid"],
        "apiVersion": about["apiVersion"],
        "resourceVersion": about["metadata"]["resourceVersion"],
    });
    if let Some(field) = &occurrence.field {
        reference["fieldPath"] = json!(field);
    }
    reference
}

/// A time as most Kubernetes fields have it: RFC 3339 in whole seconds.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
