//! `metrics.k8s.io/v1beta1`, as the metrics server answers it behind the API server.

use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::{Method, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::{self, Body};
use super::read::include;
use super::request::{Form, Target, UrlQuery, form};
use super::selectors::Selection;
use super::status::Refusal;
use super::table::{self, Include};
use super::view::View;
use super::{ApiRequest, discovery};
use crate::scenario::MetricsApi;
use crate::world::{Average, Resource, World, seconds};

/// The group.
pub const GROUP: &str = "metrics.k8s.io";
const API_VERSION: &str = "metrics.k8s.io/v1beta1";

/// What the API server answers when it cannot reach the metrics server. This is plain text, not a `Status`.
pub fn unavailable() -> Response<Body> {
    let mut response = body::plain(
        503,
        "text/plain; charset=utf-8",
        "service unavailable\n".to_owned(),
    );
    let name = HeaderName::from_static("x-content-type-options");
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static("nosniff"));
    response
}

/// Answers a request for pods' or nodes' metrics.
pub fn answer(request: &ApiRequest<'_>) -> Result<Response<Body>, Refusal> {
    let ApiRequest {
        state,
        target,
        query,
        parts,
        ..
    } = *request;
    let world = state.world();
    match world.metrics().state {
        MetricsApi::Served => {}
        MetricsApi::Absent => return Err(Refusal::no_such_resource()),
        MetricsApi::Down => return Ok(unavailable()),
    }
    let found = discovery::find(&target.group, &target.version, &target.plural);
    let Some(entry) = found.filter(|_| target.subresource.is_empty()) else {
        return Err(Refusal::no_such_resource());
    };
    if parts.method != Method::GET {
        return Err(Refusal::method_not_allowed());
    }
    let now = state.clock().now();
    if !target.name.is_empty() {
        return one(&world, target, query, form(parts), now);
    }
    if query.is_on("watch") {
        return Err(no_watch(target));
    }
    let selection = Selection::of(View::of(entry), &target.namespace, "", query)?;
    let resource = stored(target);
    let objects = world.store().all(resource);
    let items: Vec<Value> = objects
        .filter(|object| selection.takes(object))
        .filter_map(|object| measured(&world, resource, object, now))
        .collect();
    let value = match form(parts) {
        Form::Table => rows(&items, include(query)),
        Form::Metadata => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {},
            "items": items.iter().map(table::metadata_only).collect::<Vec<Value>>(),
        }),
        Form::Objects => {
            json!({"kind": format!("{}List", entry.kind), "apiVersion": API_VERSION, "metadata": {}, "items": items})
        }
    };
    Ok(body::json(200, &value))
}

fn stored(target: &Target) -> Resource {
    if target.plural == "nodes" {
        Resource::Nodes
    } else {
        Resource::Pods
    }
}

/// A storage that only gets and lists.
fn no_watch(target: &Target) -> Refusal {
    let message = format!(
        "watch is not supported on resources of kind \"{}.{GROUP}\"",
        target.plural
    );
    let details = json!({"group": GROUP, "kind": target.plural});
    Refusal::new(405, "MethodNotAllowed", message).with(details)
}

fn one(
    world: &World,
    target: &Target,
    query: &UrlQuery,
    form: Form,
    now: Timestamp,
) -> Result<Response<Body>, Refusal> {
    let resource = stored(target);
    let object = world.store().get(resource, &target.namespace, &target.name);
    // the metrics server looks the pod or node up first, and the error names that: `pods`, not `podmetrics`
    let object = object.ok_or_else(|| Refusal::not_found("", &target.plural, &target.name))?;
    let Some(item) = measured(world, resource, object, now) else {
        return Err(match resource {
            Resource::Nodes => Refusal::not_found(GROUP, "nodemetrics", &target.name),
            _ => Refusal::not_found(
                GROUP,
                "podmetrics",
                &format!("{}/{}", target.namespace, target.name),
            ),
        });
    };
    let value = match form {
        Form::Table => rows(&[item], include(query)),
        Form::Metadata => table::metadata_only(&item),
        Form::Objects => {
            let kind = if resource == Resource::Nodes {
                "NodeMetrics"
            } else {
                "PodMetrics"
            };
            let mut value = item;
            value["kind"] = json!(kind);
            value["apiVersion"] = json!(API_VERSION);
            value
        }
    };
    Ok(body::json(200, &value))
}

/// The metrics of one object, without kind and version; `None` while there are none.
fn measured(world: &World, resource: Resource, object: &Value, now: Timestamp) -> Option<Value> {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    let mut metadata = json!({"name": text("name"), "creationTimestamp": seconds(now)});
    if object["metadata"]["labels"].is_object() {
        metadata["labels"] = object["metadata"]["labels"].clone();
    }
    if resource == Resource::Nodes {
        let average = world.metrics().node(text("name"))?;
        let mut value = with_window(metadata, average);
        value["usage"] = usage(average);
        return Some(value);
    }
    metadata["namespace"] = json!(text("namespace"));
    let averages = world.metrics().pod(text("uid"))?;
    let (_, earliest) = averages.iter().min_by_key(|(_, average)| average.at)?;
    let mut value = with_window(metadata, *earliest);
    let containers = averages
        .iter()
        .map(|(name, average)| json!({"name": name, "usage": usage(*average)}));
    value["containers"] = containers.collect();
    Some(value)
}

fn with_window(metadata: Value, average: Average) -> Value {
    let window = Duration::try_from(average.window).unwrap_or_default();
    json!({"metadata": metadata, "timestamp": seconds(average.at), "window": go_duration(window)})
}

fn usage(average: Average) -> Value {
    json!({"cpu": cpu(average.cpu_nanos), "memory": memory(average.memory_bytes)})
}

/// Billionths of a CPU as a quantity writes them.
fn cpu(nanos: u64) -> String {
    let units = [("", 1_000_000_000), ("m", 1_000_000), ("u", 1_000), ("n", 1)];
    in_largest(nanos, &units)
}

/// Bytes, likewise.
fn memory(bytes: u64) -> String {
    in_largest(
        bytes,
        &[("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10), ("", 1)],
    )
}

/// A number in the largest unit that loses nothing.
fn in_largest(number: u64, units: &[(&str, u64)]) -> String {
    let unit = units
        .iter()
        .find(|(_, size)| number != 0 && number.is_multiple_of(*size));
    unit.map_or_else(
        || "0".to_owned(),
        |(unit, size)| format!("{}{unit}", number / size),
    )
}

/// As Go prints durations of seconds and minutes: `15.058s`, `1m0.2s`.
fn go_duration(span: Duration) -> String {
    let (minutes, seconds) = (span.as_secs() / 60, span.as_secs() % 60);
    let seconds = seconds as f64 + f64::from(span.subsec_millis()) / 1_000.0;
    match minutes {
        0 => format!("{seconds}s"),
        _ => format!("{minutes}m{seconds}s"),
    }
}

/// The metrics server's own columns, which are there when there is a row.
fn rows(items: &[Value], include: Include) -> Value {
    let column = |name: &str, format: &str| json!({"name": name, "type": "string", "format": format, "description": "", "priority": 0});
    let mut name = column("Name", "name");
    name["description"] = json!("Name of the resource");
    let columns = if items.is_empty() {
        Value::Null
    } else {
        json!([
            name,
            column("cpu", "quantity"),
            column("memory", "quantity"),
            column("Window", "duration")
        ])
    };
    let rows = items.iter().map(|item| {
        let used = match &item["usage"] {
            Value::Null => &item["containers"][0]["usage"],
            used => used,
        };
        let mut row =
            json!({"cells": [item["metadata"]["name"], used["cpu"], used["memory"], item["window"]]});
        match include {
            Include::None => {}
            Include::Metadata => row["object"] = table::metadata_only(item),
            Include::Object => row["object"] = item.clone(),
        }
        row
    });
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": columns,
        "rows": rows.collect::<Vec<Value>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_and_windows_are_written_as_the_metrics_server_writes_them() {
        for (nanos, text) in [
            (0, "0"),
            (7_338_891, "7338891n"),
            (45_120_000, "45120u"),
            (13_000_000, "13m"),
            (998_712_345, "998712345n"),
            (2_000_000_000, "2"),
        ] {
            assert_eq!(cpu(nanos), text);
        }
        for (bytes, text) in [
            (14_868_480, "14520Ki"),
            (47_185_920, "45Mi"),
            (1 << 30, "1Gi"),
            (1_000, "1000"),
            (0, "0"),
        ] {
            assert_eq!(memory(bytes), text);
        }
        for (millis, text) in [
            (15_000, "15s"),
            (15_058, "15.058s"),
            (18_500, "18.5s"),
            (60_200, "1m0.2s"),
        ] {
            assert_eq!(go_duration(Duration::from_millis(millis)), text);
        }
    }
}
