//! delete of a pod, and the scale of a deployment.

use http::request::Parts;
use http::{Method, Response, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::body::{self, Body};
use super::request::{Query, Target};
use super::shared::Shared;
use super::status::{Refusal, qualified};
use crate::drill::world::{Resource, seconds};

/// The grace a pod gets that is deleted without saying (`terminationGracePeriodSeconds`).
const GRACE: i64 = 30;

/// Deletes a pod under the preconditions of the request's DeleteOptions.
pub fn delete_pod(
    shared: &Shared,
    target: &Target,
    query: &Query,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let options = json_body(parts, body)?;
    let at = shared.clock().now();
    let mut world = shared.world();
    let find = |world: &crate::drill::world::World| {
        world
            .store()
            .get(Resource::Pods, &target.namespace, &target.name)
            .cloned()
    };
    let pod = find(&world).ok_or_else(|| Refusal::not_found("", "pods", &target.name))?;
    check_preconditions(&pod, &options["preconditions"])?;
    let grace = options["gracePeriodSeconds"]
        .as_i64()
        .or_else(|| query.number("gracePeriodSeconds"));
    let grace = grace.unwrap_or(GRACE).max(0);
    let mut answer = (*pod).clone();
    if is_dry(query, &options) {
        if answer["metadata"]["deletionTimestamp"].is_null() {
            answer["metadata"]["deletionTimestamp"] = json!(seconds(at + SignedDuration::from_secs(grace)));
            answer["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        }
        return Ok(body::json(200, &answer));
    }
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    world.delete_pod(at, &uid, grace);
    if let Some(after) = find(&world) {
        answer = (*after).clone();
    }
    drop(world);
    shared.wake();
    Ok(body::json(200, &answer))
}

fn check_preconditions(pod: &Value, preconditions: &Value) -> Result<(), Refusal> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    for (field, called, hint) in [
        (
            "uid",
            "UID",
            "The object might have been deleted and then recreated",
        ),
        (
            "resourceVersion",
            "ResourceVersion",
            "The object might have been modified",
        ),
    ] {
        let (Some(asked), Some(found)) = (preconditions[field].as_str(), pod["metadata"][field].as_str())
        else {
            continue;
        };
        if asked != found {
            let why = format!(
                "the {called} in the precondition ({asked}) does not match the {called} in record ({found}). {hint}"
            );
            return Err(Refusal::conflict("Pod", name, "", "Pod", &why));
        }
    }
    Ok(())
}

fn json_body(parts: &Parts, body: &[u8]) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let media_type = media_type(parts);
    if !media_type.is_empty() && media_type != "application/json" {
        return Err(Refusal::unsupported_media_type());
    }
    parse(body)
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let malformed =
        |error| Refusal::bad_request(format!("couldn't get version/kind; json parse error: {error}"));
    serde_json::from_slice(body).map_err(malformed)
}

fn media_type(parts: &Parts) -> &str {
    let value = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
}

fn is_dry(query: &Query, options: &Value) -> bool {
    query.get("dryRun") == Some("All") || options["dryRun"] == json!(["All"])
}

/// Reads or changes the scale of a deployment.
pub fn scale(
    shared: &Shared,
    method: &Method,
    target: &Target,
    query: &Query,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let mut world = shared.world();
    let find = |world: &crate::drill::world::World| {
        world
            .store()
            .get(Resource::Deployments, &target.namespace, &target.name)
            .cloned()
    };
    let not_found = || Refusal::not_found(&target.group, &target.plural, &target.name);
    let current = scale_of(&*find(&world).ok_or_else(not_found)?);
    if *method == Method::GET {
        return Ok(body::json(200, &current));
    }
    let wanted = wanted_scale(method, parts, body, &current)?;
    check_version(target, &wanted, &current)?;
    let replicas = check_replicas(target, &wanted)?;
    if is_dry(query, &Value::Null) {
        let mut answer = current;
        answer["spec"]["replicas"] = json!(replicas);
        return Ok(body::json(200, &answer));
    }
    world.scale(shared.clock().now(), &target.name, replicas);
    let after = scale_of(&*find(&world).ok_or_else(not_found)?);
    drop(world);
    shared.wake();
    Ok(body::json(200, &after))
}

fn scale_of(deployment: &Value) -> Value {
    let metadata = &deployment["metadata"];
    let labels = deployment["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let replicas = &deployment["status"]["replicas"];
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {"replicas": deployment["spec"]["replicas"]},
        "status": {"replicas": replicas.as_u64().unwrap_or(0), "selector": selector.join(",")},
    })
}

fn wanted_scale(method: &Method, parts: &Parts, body: &[u8], current: &Value) -> Result<Value, Refusal> {
    if *method == Method::PUT {
        return json_body(parts, body);
    }
    match media_type(parts) {
        "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            let mut wanted = current.clone();
            merge(&mut wanted, &parse(body)?);
            Ok(wanted)
        }
        _ => Err(Refusal::unsupported_media_type()),
    }
}

/// JSON merge patch (RFC 7386).
fn merge(value: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    for (key, field) in fields {
        if field.is_null() {
            value.as_object_mut().map(|object| object.remove(key));
        } else {
            merge(&mut value[key.as_str()], field);
        }
    }
}

fn check_version(target: &Target, wanted: &Value, current: &Value) -> Result<(), Refusal> {
    let asked = wanted["metadata"]["resourceVersion"]
        .as_str()
        .filter(|version| !version.is_empty());
    if asked.is_none_or(|asked| current["metadata"]["resourceVersion"] == asked) {
        return Ok(());
    }
    let about = qualified(&target.group, &target.plural);
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    Err(Refusal::conflict(
        &about,
        &target.name,
        &target.group,
        &target.plural,
        why,
    ))
}

fn check_replicas(target: &Target, wanted: &Value) -> Result<u32, Refusal> {
    let replicas = &wanted["spec"]["replicas"];
    let number = replicas.as_i64().unwrap_or(0);
    u32::try_from(number).map_err(|_negative| {
        let why = format!("Invalid value: {number}: must be greater than or equal to 0");
        Refusal::invalid(
            "Scale.autoscaling",
            &target.name,
            ("autoscaling", "Scale"),
            "spec.replicas",
            &why,
        )
    })
}
