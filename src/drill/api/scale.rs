//! The scale of a deployment or a ReplicaSet.

use http::{Method, Response};
use serde_json::{Value, json};

use super::ApiRequest;
use super::body::{self, Body};
use super::patch::Patch;
use super::request::Target;
use super::status::Refusal;
use super::write::{self, WriteOptions};
use crate::world::{Resource, record_ownership};

/// Answers a request for the scale subresource.
pub fn scale(request: &ApiRequest<'_>, resource: Resource) -> Result<Response<Body>, Refusal> {
    let ApiRequest {
        state, target, parts, ..
    } = *request;
    let mut world = state.world();
    let object = write::find(&world, resource, target)?;
    let current = scale_of(&object);
    match parts.method {
        Method::GET => return Ok(body::json(200, &current)),
        Method::PUT | Method::PATCH => {}
        _ => return Err(Refusal::method_not_allowed()),
    }
    let options = WriteOptions::of(request)?;
    let wanted = wanted(request, &current)?;
    write::check_version(target, &current, &wanted)?;
    let replicas = check_replicas(target, &wanted)?;
    if options.dry {
        let mut answer = current;
        answer["spec"]["replicas"] = json!(replicas);
        return Ok(body::json(200, &answer));
    }
    let at = state.clock().now();
    let mut changed = object.clone();
    changed["spec"]["replicas"] = json!(replicas);
    record_ownership(resource, &object, &mut changed, &options.manager, at);
    world.replace(at, resource, changed);
    let after = scale_of(&write::find(&world, resource, target)?);
    drop(world);
    state.wake();
    Ok(body::json(200, &after))
}

fn scale_of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let labels = object["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let replicas = &object["status"]["replicas"];
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
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": replicas.as_u64().unwrap_or(0), "selector": selector.join(",")},
    })
}

fn wanted(request: &ApiRequest<'_>, current: &Value) -> Result<Value, Refusal> {
    if request.parts.method == Method::PATCH {
        return Patch::read(write::media_type(request.parts), request.body)?.apply(current);
    }
    let wanted = write::json_body(request.parts, request.body)?;
    let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
    if name != request.target.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            request.target.name
        )));
    }
    Ok(wanted)
}

fn check_replicas(target: &Target, wanted: &Value) -> Result<u32, Refusal> {
    let replicas = &wanted["spec"]["replicas"];
    if !replicas.is_null() && replicas.as_i64().is_none() {
        let why = "json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32";
        return Err(Refusal::unreadable_patch(&wanted["spec"].to_string(), why));
    }
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
