//! Objects as rows for printing, with the columns and wording of the server's printers.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::columns::columns;
use super::view::View;
use crate::world::Resource;

/// What a row carries beside its cells (`includeObject`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Nothing.
    None,
    /// The metadata.
    Metadata,
    /// The object.
    Object,
}

/// A table of objects; `with_columns` is false for all but the first table of a watch.
pub fn table<'a>(
    view: View,
    objects: impl IntoIterator<Item = &'a Value>,
    metadata: Value,
    include: Include,
    with_columns: bool,
    now: Timestamp,
) -> Value {
    let rows: Vec<Value> = objects
        .into_iter()
        .filter_map(|object| row(view, object, include, now))
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": if with_columns { columns(view.stored) } else { Value::Null },
        "rows": rows,
    })
}

fn row(view: View, object: &Value, include: Include, now: Timestamp) -> Option<Value> {
    let resource = view.stored?;
    let mut row = json!({ "cells": cells(resource, object, now) });
    if resource == Resource::Pods
        && let Some(conditions) = ended(object)
    {
        row["conditions"] = conditions;
    }
    match include {
        Include::None => {}
        Include::Metadata => row["object"] = metadata_only(object),
        Include::Object => row["object"] = view.show(object).into_owned(),
    }
    Some(row)
}

/// The condition of the row of a pod that has ended.
fn ended(pod: &Value) -> Option<Value> {
    let (reason, message) = match pod["status"]["phase"].as_str()? {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

/// The object with nothing but its metadata.
pub fn metadata_only(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

fn cells(resource: Resource, object: &Value, now: Timestamp) -> Value {
    let name = &object["metadata"]["name"];
    let age = since(&object["metadata"]["creationTimestamp"], now);
    let count = |field: &str| object["status"][field].as_u64().unwrap_or(0);
    match resource {
        Resource::Pods => pod_cells(object, &age, now),
        Resource::Events => event_cells(object, now),
        Resource::Deployments => {
            let (containers, images) = template_cells(object);
            let ready = format!("{}/{}", count("readyReplicas"), object["spec"]["replicas"]);
            let (updated, available) = (count("updatedReplicas"), count("availableReplicas"));
            json!([
                name,
                ready,
                updated,
                available,
                age,
                containers,
                images,
                selector(object)
            ])
        }
        Resource::ReplicaSets => {
            let (containers, images) = template_cells(object);
            let (wanted, replicas, ready) = (
                &object["spec"]["replicas"],
                count("replicas"),
                count("readyReplicas"),
            );
            json!([
                name,
                wanted,
                replicas,
                ready,
                age,
                containers,
                images,
                selector(object)
            ])
        }
        Resource::Secrets => {
            let entries = object["data"].as_object().map_or(0, serde_json::Map::len);
            json!([name, object["type"], entries, age])
        }
        Resource::Autoscalers => autoscaler_cells(object, &age),
        Resource::Namespaces => json!([name, object["status"]["phase"], age]),
        Resource::Nodes => node_cells(object, &age),
    }
}

/// As `kubectl get hpa` shows an autoscaler; its targets are of resources.
fn autoscaler_cells(autoscaler: &Value, age: &str) -> Value {
    let (spec, status) = (&autoscaler["spec"], &autoscaler["status"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let target = &spec["scaleTargetRef"];
    let current = list(&status["currentMetrics"]);
    let targets: Vec<String> = list(&spec["metrics"])
        .iter()
        .enumerate()
        .map(|(index, metric)| {
            let now =
                &current.get(index).unwrap_or(&Value::Null)["resource"]["current"]["averageUtilization"];
            let now = now
                .as_u64()
                .map_or("<unknown>".to_owned(), |now| format!("{now}%"));
            let resource = &metric["resource"];
            format!(
                "{}: {now}/{}%",
                text(&resource["name"]),
                resource["target"]["averageUtilization"]
            )
        })
        .collect();
    let targets = match targets.as_slice() {
        [] => "<none>".to_owned(),
        some => some.join(", "),
    };
    let least = spec["minReplicas"].as_u64();
    json!([
        autoscaler["metadata"]["name"],
        format!("{}/{}", text(&target["kind"]), text(&target["name"])),
        targets,
        least.map_or("<unset>".to_owned(), |least| least.to_string()),
        spec["maxReplicas"],
        status["currentReplicas"].as_u64().unwrap_or(0),
        age,
    ])
}

/// As `kubectl get nodes -o wide` shows a node.
fn node_cells(node: &Value, age: &str) -> Value {
    let conditions = list(&node["status"]["conditions"]);
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    let mut status = match ready {
        Some(condition) if condition["status"] == "True" => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if node["spec"]["unschedulable"] == json!(true) {
        status.push_str(",SchedulingDisabled");
    }
    let labels = node["metadata"]["labels"].as_object();
    let roles: Vec<&str> = labels
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .filter_map(|label| label.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    let roles = if roles.is_empty() {
        "<none>".to_owned()
    } else {
        roles.join(",")
    };
    let addresses = list(&node["status"]["addresses"]);
    let internal = addresses.iter().find(|address| address["type"] == "InternalIP");
    let address = internal.map_or(json!("<none>"), |address| address["address"].clone());
    let info = &node["status"]["nodeInfo"];
    json!([
        node["metadata"]["name"],
        status,
        roles,
        age,
        info["kubeletVersion"],
        address,
        "<none>",
        info["osImage"],
        info["kernelVersion"],
        info["containerRuntimeVersion"],
    ])
}

fn template_cells(object: &Value) -> (String, String) {
    let containers = list(&object["spec"]["template"]["spec"]["containers"]);
    let join = |field: &str| {
        let texts: Vec<&str> = containers
            .iter()
            .filter_map(|container| container[field].as_str())
            .collect();
        texts.join(",")
    };
    (join("name"), join("image"))
}

fn selector(object: &Value) -> String {
    let labels = object["spec"]["selector"]["matchLabels"].as_object();
    let pairs: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    pairs.join(",")
}

fn pod_cells(pod: &Value, age: &str, now: Timestamp) -> Value {
    let status = &pod["status"];
    let (reason, restarts, ready) = summary(pod);
    let total = list(&pod["spec"]["containers"]).len();
    let restarts = match restarts {
        Restarts {
            count,
            last: Some(last),
        } if count > 0 => format!("{count} ({} ago)", human(now.duration_since(last))),
        Restarts { count, .. } => count.to_string(),
    };
    let or_none = |value: &Value| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .unwrap_or("<none>")
            .to_owned()
    };
    json!([
        pod["metadata"]["name"],
        format!("{ready}/{total}"),
        reason,
        restarts,
        age,
        or_none(&status["podIP"]),
        or_none(&pod["spec"]["nodeName"]),
        "<none>",
        "<none>",
    ])
}

#[derive(Clone, Copy, Default)]
struct Restarts {
    count: u64,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, container: &Value) {
        self.count += container["restartCount"].as_u64().unwrap_or(0);
        self.last = self
            .last
            .max(time(&container["lastState"]["terminated"]["finishedAt"]));
    }
}

/// The STATUS word, the restarts, and how many containers are ready.
fn summary(pod: &Value) -> (String, Restarts, usize) {
    let status = &pod["status"];
    let phase = status["phase"].as_str().unwrap_or_default();
    let mut reason = status["reason"].as_str().unwrap_or(phase).to_owned();
    let (mut restarts, mut ready) = (Restarts::default(), 0);
    let initializing = initializing(pod, &mut restarts);
    if let Some(word) = initializing {
        reason = word;
    } else {
        restarts = Restarts::default();
        for container in list(&status["containerStatuses"]).iter().rev() {
            restarts.add(container);
            if let Some(word) = not_running(container) {
                reason = word;
            } else if container["ready"] == json!(true) {
                ready += 1;
            }
        }
        // One container is done and another one still runs.
        if reason == "Completed" && ready > 0 {
            let word = if is_ready(pod) { "Running" } else { "NotReady" };
            word.clone_into(&mut reason);
        }
    }
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        if status["reason"] == "NodeLost" {
            "Unknown".clone_into(&mut reason);
        } else if !matches!(phase, "Failed" | "Succeeded") {
            "Terminating".clone_into(&mut reason);
        }
    }
    (reason, restarts, ready)
}

fn is_ready(pod: &Value) -> bool {
    let conditions = list(&pod["status"]["conditions"]);
    conditions
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// `Init:1/2` or what is wrong with an init container; `None` when all are done.
fn initializing(pod: &Value, restarts: &mut Restarts) -> Option<String> {
    let inits = list(&pod["status"]["initContainerStatuses"]);
    for (done, container) in inits.iter().enumerate() {
        restarts.add(container);
        let state = &container["state"];
        if state["terminated"]["exitCode"] == json!(0) {
            continue;
        }
        return Some(match not_running(container) {
            Some(word) if word != "PodInitializing" => format!("Init:{word}"),
            _ => format!("Init:{done}/{}", inits.len()),
        });
    }
    None
}

fn not_running(container: &Value) -> Option<String> {
    let state = &container["state"];
    if let Some(reason) = state["waiting"]["reason"].as_str() {
        return Some(reason.to_owned());
    }
    let terminated = state["terminated"].as_object()?;
    let reason = terminated
        .get("reason")
        .and_then(Value::as_str)
        .filter(|reason| !reason.is_empty());
    Some(reason.map_or_else(
        || format!("ExitCode:{}", state["terminated"]["exitCode"]),
        str::to_owned,
    ))
}

fn event_cells(event: &Value, now: Timestamp) -> Value {
    let involved = &event["involvedObject"];
    let kind = involved["kind"].as_str().unwrap_or_default().to_lowercase();
    let object = format!("{kind}/{}", involved["name"].as_str().unwrap_or_default());
    let source =
        |component: &Value, host: &Value| match (component.as_str().unwrap_or_default(), host.as_str()) {
            (component, Some(host)) if !host.is_empty() => format!("{component}, {host}"),
            (component, _) => component.to_owned(),
        };
    let from = if event["source"]["component"].is_string() {
        source(&event["source"]["component"], &event["source"]["host"])
    } else {
        source(&event["reportingComponent"], &event["reportingInstance"])
    };
    let (first, last, count) = times(event);
    json!([
        since(last, now),
        event["type"],
        event["reason"],
        object,
        involved["fieldPath"].as_str().unwrap_or_default(),
        from,
        event["message"].as_str().unwrap_or_default().trim(),
        since(first, now),
        count,
        event["metadata"]["name"],
    ])
}

/// When an event was first and last seen, and how often: by the series, where there is one.
fn times(event: &Value) -> (&Value, &Value, u64) {
    let mut first = &event["firstTimestamp"];
    if first.is_null() {
        first = &event["eventTime"];
    }
    let series = &event["series"];
    if series.is_object() {
        return (
            first,
            &series["lastObservedTime"],
            series["count"].as_u64().unwrap_or(1),
        );
    }
    let mut last = &event["lastTimestamp"];
    if last.is_null() {
        last = first;
    }
    // One that the newer API made has no count.
    let count = event["count"].as_u64().filter(|count| *count > 0);
    (first, last, count.unwrap_or(1))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn since(value: &Value, now: Timestamp) -> String {
    time(value).map_or_else(|| "<unknown>".to_owned(), |then| human(now.duration_since(then)))
}

/// A span as kubectl prints ages: two units at most, fewer the longer it is.
pub fn human(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{big}{big_unit}")
        } else {
            format!("{big}{big_unit}{small}{small_unit}")
        }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => two(hours / 24, "d", hours % 24, "h"),
        _ if hours < 24 * 365 * 2 => format!("{}d", hours / 24),
        _ if hours < 24 * 365 * 8 => two(hours / 24 / 365, "y", hours / 24 % 365, "d"),
        _ => format!("{}y", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_printed_as_kubectl_prints_them() {
        for (seconds, text) in [
            (-5, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (205, "3m25s"),
            (4_440, "74m"),
            (3 * 3_600 + 60, "3h1m"),
            (9 * 3_600, "9h"),
            (49 * 3_600, "2d1h"),
            (80 * 86_400, "80d"),
        ] {
            assert_eq!(human(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn an_event_of_a_series_was_last_seen_with_it() {
        let event = json!({"firstTimestamp": null, "lastTimestamp": null, "eventTime": "2026-01-01T00:00:00.000000Z",
            "series": {"count": 7, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}});
        let cells = event_cells(&event, "2026-01-01T00:01:30Z".parse().unwrap());
        assert_eq!(
            (&cells[0], &cells[7], &cells[8]),
            (&json!("30s"), &json!("90s"), &json!(7))
        );
    }

    #[test]
    fn the_row_of_a_pod_that_ended_says_so() {
        let pod = |phase: &str| json!({"metadata": {}, "spec": {}, "status": {"phase": phase}});
        let of = |phase: &str| {
            row(
                Resource::Pods.into(),
                &pod(phase),
                Include::None,
                Timestamp::UNIX_EPOCH,
            )
            .unwrap()
        };
        assert_eq!(of("Failed")["conditions"][0]["message"], "The pod failed.");
        assert!(of("Running").get("conditions").is_none());
    }

    #[test]
    fn the_status_word_is_that_of_the_printer() {
        let word = |status: Value, deleting: bool| {
            let mut pod = json!({"metadata": {}, "spec": {"containers": [{}]}, "status": status});
            if deleting {
                pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            }
            summary(&pod).0
        };
        let waiting = |reason: &str| json!({"state": {"waiting": {"reason": reason}}});
        let done = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        let error = json!({"state": {"terminated": {"exitCode": 2, "reason": "Error"}}});
        for (status, deleting, expected) in [
            (json!({"phase": "Pending"}), false, "Pending"),
            (
                json!({"phase": "Pending", "initContainerStatuses": [done, waiting("PodInitializing")]}),
                false,
                "Init:1/2",
            ),
            (
                json!({"phase": "Pending", "initContainerStatuses": [waiting("ImagePullBackOff")]}),
                false,
                "Init:ImagePullBackOff",
            ),
            (
                json!({"phase": "Pending", "containerStatuses": [waiting("PodInitializing")]}),
                false,
                "PodInitializing",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff")]}),
                false,
                "CrashLoopBackOff",
            ),
            (json!({"phase": "Running"}), true, "Terminating"),
            (
                json!({"phase": "Failed", "containerStatuses": [error]}),
                true,
                "Error",
            ),
            (json!({"phase": "Running", "reason": "NodeLost"}), true, "Unknown"),
            (
                json!({"phase": "Running", "containerStatuses": [done, {"ready": true, "state": {"running": {}}}]}),
                false,
                "NotReady",
            ),
        ] {
            assert_eq!(word(status, deleting), expected);
        }
    }
}
