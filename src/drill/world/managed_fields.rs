//! `metadata.managedFields`: who wrote which fields of an object, in the form a real server records it.
//!
//! The store keeps the entries of an object's creator and of the writer of its status; the API adds those of its clients with
//! [`record_ownership`]. A change that nobody claimed belongs to the object's creator.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::event_recorder::seconds;
use super::resource::Resource;

const CONTROLLERS: &str = "kube-controller-manager";
const KUBELET: &str = "kubelet";
const SCHEDULER: &str = "kube-scheduler";
const REVISION: &str = "deployment.kubernetes.io/revision";

/// A field manager: a writer of objects.
#[derive(Clone, Debug)]
pub struct FieldManager {
    /// As `kubectl-edit`.
    pub name: String,
    /// As `scale`; empty for the object itself.
    pub subresource: &'static str,
}

/// Records that the manager wrote the fields that differ between the object before and after.
pub fn record_ownership(
    resource: Resource,
    before: &Value,
    after: &mut Value,
    manager: &FieldManager,
    at: Timestamp,
) {
    claim_changes(resource, before, after, manager, &seconds(at));
}

fn claim_changes(resource: Resource, before: &Value, after: &mut Value, manager: &FieldManager, time: &str) {
    let (old, new) = (claimed(resource, before), claimed(resource, after));
    if old != new {
        // Removed fields belong to nobody.
        let changed = difference("", &old, &new).unwrap_or_else(|| json!({}));
        claim(resource, after, manager, changed, time);
    }
}

/// Completes the entries of an object that is written.
pub(super) fn maintain(resource: Resource, previous: Option<&Value>, object: &mut Value) {
    if resource == Resource::Events {
        object["metadata"]["managedFields"] = json!([event_entry(object)]);
        return;
    }
    let maker = FieldManager {
        name: maker(resource).to_owned(),
        subresource: "",
    };
    match previous {
        None if object["metadata"]["managedFields"].is_null() => {
            let fields = fields_of("", &claimed(resource, object));
            let time = text(&object["metadata"]["creationTimestamp"]);
            claim(resource, object, &maker, fields, &time);
        }
        None => {}
        Some(previous) => {
            let recorded = &previous["metadata"]["managedFields"];
            if object["metadata"]["managedFields"].is_null() {
                object["metadata"]["managedFields"] = recorded.clone();
            }
            if object["metadata"]["managedFields"] == *recorded {
                let time = latest(object);
                claim_changes(resource, previous, object, &maker, &time);
            }
        }
    }
    let before = previous.map_or(&Value::Null, |previous| &previous["status"]);
    if *before != object["status"] {
        claim_status(resource, object);
    }
}

fn claim_status(resource: Resource, object: &mut Value) {
    let Some(name) = status_writer(resource, &object["status"]) else {
        return;
    };
    let mut fields = json!({"f:status": fields_of("status", &object["status"])});
    if name == KUBELET {
        leave_to_others(&mut fields["f:status"], &object["status"]);
    } else if name == SCHEDULER {
        let conditions = fields["f:status"]["f:conditions"].take();
        fields = json!({"f:status": {"f:conditions": conditions}});
    } else if resource == Resource::Deployments && !object["metadata"]["annotations"][REVISION].is_null() {
        fields["f:metadata"] = json!({"f:annotations": {format!("f:{REVISION}"): {}}});
    }
    let manager = FieldManager {
        name: name.to_owned(),
        subresource: "status",
    };
    let time = latest(&object["status"]);
    let time = if time.is_empty() {
        text(&object["metadata"]["creationTimestamp"])
    } else {
        time
    };
    let entries = object["metadata"]["managedFields"].as_array_mut();
    for entry in entries.into_iter().flatten() {
        if is_of(entry, &manager) {
            entry["fieldsV1"] = json!({});
        }
    }
    claim(resource, object, &manager, fields, &time);
}

/// The writer of this status. A new pod's status is the server's, until the scheduler finds no node for the pod or a kubelet takes it.
fn status_writer(resource: Resource, status: &Value) -> Option<&'static str> {
    match resource {
        Resource::Deployments | Resource::ReplicaSets => {
            let is_empty = status.as_object().is_none_or(Map::is_empty);
            (!is_empty).then_some(CONTROLLERS)
        }
        Resource::Pods if !status["startTime"].is_null() => Some(KUBELET),
        Resource::Pods if status["conditions"][0]["status"] == "False" => Some(SCHEDULER),
        _ => None,
    }
}

/// Removes from the kubelet's fields of a pod's status those that others wrote: the list of conditions with the scheduler's own, the
/// quality of service, and the phase while it is the server's.
fn leave_to_others(fields: &mut Value, status: &Value) {
    if let Some(conditions) = fields.get_mut("f:conditions").and_then(Value::as_object_mut) {
        conditions.remove(".");
        conditions.remove("k:{\"type\":\"PodScheduled\"}");
    }
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("f:qosClass");
        if status["phase"] == "Pending" {
            fields.remove("f:phase");
        }
    }
}

/// The creator of objects of this kind: the controllers, or the deployment pipeline's `apply`.
fn maker(resource: Resource) -> &'static str {
    if matches!(resource, Resource::Deployments | Resource::Secrets) {
        "kubectl-client-side-apply"
    } else {
        CONTROLLERS
    }
}

/// The entry of an event, all of which belongs to its reporter. The scheduler writes by `events.k8s.io`.
fn event_entry(event: &Value) -> Value {
    let is_new_form = !event["eventTime"].is_null();
    let reporter = match event["reportingComponent"].as_str() {
        Some("default-scheduler") => SCHEDULER,
        Some(controller) if controller.ends_with("-controller") => CONTROLLERS,
        Some(other) if !other.is_empty() => other,
        _ => KUBELET,
    };
    let mut fields = Map::new();
    for (name, value) in event.as_object().into_iter().flatten() {
        let name = match name.as_str() {
            "kind" | "apiVersion" | "metadata" => continue,
            _ if value.is_null() => continue,
            "source" | "count" | "firstTimestamp" | "lastTimestamp" if is_new_form => continue,
            "message" if is_new_form => "note",
            "involvedObject" if is_new_form => "regarding",
            "reportingComponent" if is_new_form => "reportingController",
            own => own,
        };
        fields.insert(format!("f:{name}"), fields_of(name, value));
    }
    let time = [&event["lastTimestamp"], &event["metadata"]["creationTimestamp"]];
    json!({
        "manager": reporter,
        "operation": "Update",
        "apiVersion": if is_new_form { "events.k8s.io/v1" } else { "v1" },
        "time": time.into_iter().find(|time| !time.is_null()),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    })
}

/// The fields that belong to writers of the whole object: all but identity, bookkeeping and status.
fn claimed(resource: Resource, object: &Value) -> Value {
    let mut claimed = object.clone();
    let Some(fields) = claimed.as_object_mut() else {
        return claimed;
    };
    for bookkeeping in ["kind", "apiVersion", "status"] {
        fields.remove(bookkeeping);
    }
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| {
            matches!(
                field.as_str(),
                "annotations" | "finalizers" | "generateName" | "labels" | "ownerReferences"
            )
        });
        if resource == Resource::Deployments
            && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
        {
            annotations.remove(REVISION);
        }
        metadata.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
        if metadata.is_empty() {
            fields.remove("metadata");
        }
    }
    if resource == Resource::Pods
        && let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut)
    {
        // Filled in on admission and by the scheduler's binding.
        for field in ["nodeName", "tolerations", "priority", "preemptionPolicy"] {
            spec.remove(field);
        }
    }
    claimed
}

/// Enters the fields under the manager, and takes them from the others.
fn claim(resource: Resource, object: &mut Value, manager: &FieldManager, fields: Value, time: &str) {
    let mut entries = match object["metadata"]["managedFields"].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    for entry in &mut entries {
        if !is_of(entry, manager) {
            subtract(&mut entry["fieldsV1"], &fields);
        }
        keep_existing(&mut entry["fieldsV1"], object);
    }
    let mut entry = match entries.iter().position(|entry| is_of(entry, manager)) {
        Some(index) => entries.remove(index),
        None => json!({
            "manager": manager.name,
            "operation": "Update",
            "apiVersion": resource.api_version(),
            "fieldsType": "FieldsV1",
            "fieldsV1": {},
        }),
    };
    if !manager.subresource.is_empty() {
        entry["subresource"] = json!(manager.subresource);
    }
    entry["time"] = json!(time);
    add(&mut entry["fieldsV1"], fields);
    entries.push(entry);
    entries.retain(|entry| {
        entry["fieldsV1"]
            .as_object()
            .is_some_and(|fields| !fields.is_empty())
    });
    entries.sort_by_key(|entry| text(&entry["time"]));
    object["metadata"]["managedFields"] = Value::Array(entries);
}

fn is_of(entry: &Value, manager: &FieldManager) -> bool {
    entry["manager"] == manager.name.as_str()
        && entry["subresource"].as_str().unwrap_or_default() == manager.subresource
}

/// The keys that identify elements of a list; a list without keys is owned as a whole.
fn element_keys(list: &str) -> Option<&'static [&'static str]> {
    Some(match list {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => &["name"],
        "ports" => &["containerPort", "protocol"],
        "volumeMounts" => &["mountPath"],
        "ownerReferences" => &["uid"],
        "conditions" => &["type"],
        "podIPs" => &["ip"],
        _ => return None,
    })
}

/// The name of a list's elements; a reference to an owner is owned as a whole.
fn element_name(list: &str) -> &'static str {
    if list == "ownerReferences" {
        "ownerReference"
    } else {
        "element"
    }
}

/// Objects that are owned as a whole.
fn is_atomic(field: &str) -> bool {
    matches!(
        field,
        "ownerReference"
            | "selector"
            | "fieldRef"
            | "secretKeyRef"
            | "configMapKeyRef"
            | "involvedObject"
            | "regarding"
    )
}

/// Fields that every object of their kind has, and which belong to nobody.
fn is_always_there(field: &str) -> bool {
    matches!(
        field,
        "" | "metadata" | "spec" | "status" | "template" | "strategy" | "source" | "containers"
    )
}

fn id_of(element: &Value, keys: &[&str]) -> String {
    let parts: Vec<String> = keys
        .iter()
        .map(|key| match (&element[*key], *key) {
            (Value::Null, "protocol") => "\"protocol\":\"TCP\"".to_owned(),
            (value, key) => format!("\"{key}\":{value}"),
        })
        .collect();
    format!("k:{{{}}}", parts.join(","))
}

/// The set of all fields of a value with this name.
pub fn fields_of(field: &str, value: &Value) -> Value {
    let mut set = Map::new();
    match value {
        Value::Object(fields) if !is_atomic(field) => {
            for (name, value) in fields {
                // The template's creation time belongs to nobody.
                if name != "creationTimestamp" {
                    set.insert(format!("f:{name}"), fields_of(name, value));
                }
            }
        }
        Value::Array(list) => {
            for element in list {
                if let Some(keys) = element_keys(field) {
                    set.insert(id_of(element, keys), fields_of(element_name(field), element));
                }
            }
        }
        _ => {}
    }
    if !set.is_empty() && !is_always_there(field) {
        set.insert(".".to_owned(), json!({}));
    }
    Value::Object(set)
}

/// The set of the fields in `after` that are new or changed.
fn difference(field: &str, before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let mut set = Map::new();
    match (before, after, element_keys(field)) {
        (Value::Object(old), Value::Object(new), _) if !is_atomic(field) => {
            for (name, value) in new {
                let change = difference(name, old.get(name).unwrap_or(&Value::Null), value);
                set.extend(change.map(|change| (format!("f:{name}"), change)));
            }
        }
        (Value::Array(old), Value::Array(new), Some(keys)) => {
            for element in new {
                let id = id_of(element, keys);
                let same = old.iter().find(|old| id_of(old, keys) == id);
                let change = difference(element_name(field), same.unwrap_or(&Value::Null), element);
                set.extend(change.map(|change| (id, change)));
            }
        }
        _ => return Some(fields_of(field, after)),
    }
    (!set.is_empty()).then_some(Value::Object(set))
}

fn add(set: &mut Value, more: Value) {
    match (set, more) {
        (Value::Object(set), Value::Object(more)) => {
            for (name, fields) in more {
                add(set.entry(name).or_insert_with(|| json!({})), fields);
            }
        }
        (set, more) => *set = more,
    }
}

fn subtract(set: &mut Value, less: &Value) {
    let (Some(set), Some(less)) = (set.as_object_mut(), less.as_object()) else {
        return;
    };
    for (name, fields) in less {
        let is_leaf = fields.as_object().is_none_or(Map::is_empty);
        let Some(own) = set.get_mut(name) else {
            continue;
        };
        if !is_leaf {
            subtract(own, fields);
        }
        if is_leaf || own.as_object().is_none_or(Map::is_empty) {
            set.remove(name);
        }
    }
}

/// Drops from a set what the value does not have any more.
fn keep_existing(set: &mut Value, value: &Value) {
    let Some(fields) = set.as_object_mut() else {
        return;
    };
    fields.retain(|name, inner| {
        let child = if let Some(field) = name.strip_prefix("f:") {
            value.get(field)
        } else if let Some(id) = name.strip_prefix("k:") {
            element(value, id)
        } else {
            Some(value)
        };
        let was_leaf = inner.as_object().is_none_or(Map::is_empty);
        let Some(child) = child else {
            return false;
        };
        if name != "." {
            keep_existing(inner, child);
        }
        was_leaf || inner.as_object().is_some_and(|inner| !inner.is_empty())
    });
}

fn element<'a>(list: &'a Value, id: &str) -> Option<&'a Value> {
    let id: Map<String, Value> = serde_json::from_str(id).ok()?;
    let is_it = |element: &&Value| {
        id.iter().all(|(key, value)| {
            element[key.as_str()] == *value || (key == "protocol" && element[key.as_str()].is_null())
        })
    };
    list.as_array()?.iter().find(is_it)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The latest time, in whole seconds, in a value; empty without one.
fn latest(value: &Value) -> String {
    match value {
        Value::String(text) if is_time(text) => text.clone(),
        Value::Object(fields) => {
            let inner = fields.iter().filter(|(name, _)| name.as_str() != "managedFields");
            inner.map(|(_, value)| latest(value)).max().unwrap_or_default()
        }
        Value::Array(list) => list.iter().map(latest).max().unwrap_or_default(),
        _ => String::new(),
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 20 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[19] == b'Z'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Value {
        json!({
            "metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-11-22T09:00:00Z", "labels": {"app": "x"}},
            "spec": {"nodeName": "n", "containers": [{"name": "service", "image": "i", "ports": [{"containerPort": 8000}]}]},
            "status": {"phase": "Pending", "startTime": "2026-11-22T09:00:02Z", "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-22T09:00:01Z"},
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-22T09:00:30Z"},
            ]},
        })
    }

    #[test]
    fn a_pod_is_the_controllers_and_its_status_the_kubelet_s() {
        let mut pod = pod();
        maintain(Resource::Pods, None, &mut pod);
        let entries = pod["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0]["manager"], "kube-controller-manager");
        assert_eq!(
            entries[0]["fieldsV1"],
            json!({
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"service\"}": {
                    ".": {}, "f:name": {}, "f:image": {},
                    "f:ports": {".": {}, "k:{\"containerPort\":8000,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
                }}},
            })
        );
        assert_eq!(
            (
                &entries[1]["manager"],
                &entries[1]["subresource"],
                &entries[1]["time"]
            ),
            (
                &json!("kubelet"),
                &json!("status"),
                &json!("2026-11-22T09:00:30Z")
            )
        );
        assert_eq!(
            entries[1]["fieldsV1"],
            json!({"f:status": {"f:startTime": {}, "f:conditions": {"k:{\"type\":\"Ready\"}": {
                ".": {}, "f:type": {}, "f:status": {}, "f:lastTransitionTime": {},
            }}}})
        );
    }

    #[test]
    fn a_pod_without_a_node_has_only_the_scheduler_s_condition() {
        let mut pod = pod();
        pod["status"] = json!({"phase": "Pending", "qosClass": "Burstable", "conditions": [
            {"type": "PodScheduled", "status": "False", "lastTransitionTime": "2026-11-22T09:00:01Z"},
        ]});
        maintain(Resource::Pods, None, &mut pod);
        let entry = &pod["metadata"]["managedFields"][1];
        assert_eq!(
            (&entry["manager"], &entry["subresource"]),
            (&json!("kube-scheduler"), &json!("status"))
        );
        let condition = json!({".": {}, "f:type": {}, "f:status": {}, "f:lastTransitionTime": {}});
        assert_eq!(
            entry["fieldsV1"],
            json!({"f:status": {"f:conditions": {".": {}, "k:{\"type\":\"PodScheduled\"}": condition}}})
        );
    }

    #[test]
    fn a_client_owns_what_it_changed_and_the_maker_no_longer() {
        let mut before = pod();
        maintain(Resource::Pods, None, &mut before);
        let mut after = before.clone();
        after["spec"]["containers"][0]["image"] = json!("j");
        after["metadata"]["labels"] = json!({"app": "x", "tier": "y"});
        let manager = FieldManager {
            name: "kubectl-edit".into(),
            subresource: "",
        };
        record_ownership(
            Resource::Pods,
            &before,
            &mut after,
            &manager,
            "2026-11-22T10:00:00Z".parse().unwrap(),
        );
        let entries = after["metadata"]["managedFields"].as_array().unwrap().clone();
        assert_eq!(entries[2]["manager"], "kubectl-edit");
        assert_eq!(
            entries[2]["fieldsV1"],
            json!({
                "f:metadata": {"f:labels": {"f:tier": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"service\"}": {"f:image": {}}}},
            })
        );
        let maker = &entries[0]["fieldsV1"]["f:spec"]["f:containers"]["k:{\"name\":\"service\"}"];
        assert!(maker.get("f:image").is_none() && maker.get("f:name").is_some());
        let mut again = after.clone();
        again["metadata"]["labels"] = json!({"app": "x"});
        record_ownership(
            Resource::Pods,
            &after,
            &mut again,
            &manager,
            "2026-11-22T11:00:00Z".parse().unwrap(),
        );
        let left = &again["metadata"]["managedFields"][2]["fieldsV1"];
        assert!(
            left.get("f:metadata").is_none() && left.get("f:spec").is_some(),
            "{left}"
        );
    }

    #[test]
    fn a_write_of_the_same_leaves_the_entries_as_they_are() {
        let mut before = pod();
        maintain(Resource::Pods, None, &mut before);
        let mut after = pod();
        maintain(Resource::Pods, Some(&before), &mut after);
        assert_eq!(after, before);
    }
}
