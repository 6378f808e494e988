//! delete of one object, and of a selection of pods.

use http::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::ApiRequest;
use super::body::{self, Body};
use super::read;
use super::request::{Form, Target, UrlQuery};
use super::selectors::Selection;
use super::status::{Cause, Refusal};
use super::write::{self, is_dry};
use crate::world::{Resource, World, seconds};

/// The grace period of a pod whose spec has none, in seconds.
const GRACE: i64 = 30;
const POLICIES: [&str; 3] = ["Foreground", "Background", "Orphan"];

/// DeleteOptions, of the body and of the query.
struct DeleteOptions {
    dry: bool,
    grace: Option<i64>,
    orphan: bool,
    preconditions: Value,
}

impl DeleteOptions {
    fn of(request: &ApiRequest<'_>) -> Result<Self, Refusal> {
        let mut options = write::json_body(request.parts, request.body)?;
        let query: &UrlQuery = request.query;
        let policy = options["propagationPolicy"]
            .as_str()
            .or_else(|| query.get("propagationPolicy"))
            .map(str::to_owned);
        if let Some(policy) = &policy
            && !POLICIES.contains(&policy.as_str())
        {
            let values = "\"Background\", \"Foreground\", \"Orphan\", \"nil\"";
            return Err(write::unsupported(
                "DeleteOptions",
                "propagationPolicy",
                policy,
                values,
            ));
        }
        let orphaned = options["orphanDependents"].as_bool();
        if policy.is_some() && orphaned.is_some() {
            let cause = Cause {
                reason: "FieldValueInvalid",
                field: "propagationPolicy".to_owned(),
                message: format!(
                    "Invalid value: {:?}: orphanDependents and deletionPropagation cannot be both set",
                    policy.unwrap_or_default()
                ),
            };
            return Err(Refusal::invalid_fields(
                "meta.k8s.io",
                "DeleteOptions",
                "",
                &[cause],
            ));
        }
        let grace = options["gracePeriodSeconds"]
            .as_i64()
            .or_else(|| query.number("gracePeriodSeconds"));
        Ok(Self {
            dry: is_dry("DeleteOptions", query, &options)?,
            // A negative grace counts as one second.
            grace: grace.map(|grace| if grace < 0 { 1 } else { grace }),
            orphan: policy.as_deref() == Some("Orphan") || orphaned == Some(true),
            preconditions: options["preconditions"].take(),
        })
    }
}

/// Deletes the object that the path names.
pub fn one(request: &ApiRequest<'_>, resource: Resource) -> Result<Response<Body>, Refusal> {
    let ApiRequest { state, target, .. } = *request;
    let options = DeleteOptions::of(request)?;
    let at = state.clock().now();
    let mut world = state.world();
    let object = write::find(&world, resource, target)?;
    check_preconditions(resource, &object, &options.preconditions)?;
    if resource == Resource::Pods {
        let answer = delete_pod(&mut world, at, &object, target, &options);
        state.wake();
        return Ok(body::json(200, &answer));
    }
    if !options.dry {
        match resource {
            Resource::Deployments => world.delete_deployment(at, &target.name, options.orphan),
            _ => world.delete_replica_set(at, &target.name, options.orphan),
        }
        state.wake();
    }
    Ok(body::json(200, &success(target, &object)))
}

/// Deletes every pod the selectors take, one after the other, and answers with the list as it was.
pub async fn collection(request: &ApiRequest<'_>, resource: Resource) -> Result<Response<Body>, Refusal> {
    let ApiRequest {
        state, target, query, ..
    } = *request;
    let options = DeleteOptions::of(request)?;
    let selection = Selection::of(resource.into(), &target.namespace, &target.name, query)?;
    let answer = read::list(state, resource.into(), target, query, Form::Objects).await?;
    let at = state.clock().now();
    let mut world = state.world();
    let selected: Vec<Value> = world
        .store()
        .all(resource)
        .filter(|pod| selection.takes(pod))
        .map(|pod| (**pod).clone())
        .collect();
    for pod in selected {
        check_preconditions(resource, &pod, &options.preconditions)?;
        let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let target = Target {
            name,
            ..target.clone()
        };
        delete_pod(&mut world, at, &pod, &target, &options);
    }
    state.wake();
    Ok(answer)
}

/// The pod as the answer shows it.
fn delete_pod(
    world: &mut World,
    at: Timestamp,
    pod: &Value,
    target: &Target,
    options: &DeleteOptions,
) -> Value {
    let grace = grace(pod, options.grace);
    let mut answer = pod.clone();
    let deleting = !pod["metadata"]["deletionTimestamp"].is_null();
    if options.dry {
        if !deleting {
            let until = at + SignedDuration::from_secs(grace);
            answer["metadata"]["deletionTimestamp"] = json!(seconds(until));
            answer["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        }
        return answer;
    }
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    if world.is_attended(uid) {
        world.delete_pod(at, uid, grace);
    } else {
        world.delete_unattended_pod(at, &target.namespace, &target.name, grace);
    }
    let after = world.store().get(Resource::Pods, &target.namespace, &target.name);
    // A pod of the same name with another uid is not the one that was deleted.
    let after = after.filter(|after| after["metadata"]["uid"] == pod["metadata"]["uid"]);
    after.map_or(answer, |after| (**after).clone())
}

/// The grace period that was asked for, else the pod's own; 0 for a pod that is on no node or has ended.
fn grace(pod: &Value, asked: Option<i64>) -> i64 {
    let is_over = matches!(pod["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
    if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) || is_over {
        return 0;
    }
    let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64();
    asked.unwrap_or_else(|| own.unwrap_or(GRACE))
}

fn success(target: &Target, object: &Value) -> Value {
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {
            "name": target.name,
            "group": target.group,
            "kind": target.plural,
            "uid": object["metadata"]["uid"],
        },
    })
}

fn check_preconditions(resource: Resource, object: &Value, preconditions: &Value) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
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
        let (Some(asked), Some(found)) = (preconditions[field].as_str(), object["metadata"][field].as_str())
        else {
            continue;
        };
        if asked != found {
            let why = format!(
                "the {called} in the precondition ({asked}) does not match the {called} in record ({found}). {hint}"
            );
            let kind = resource.kind();
            return Err(Refusal::conflict(kind, name, resource.group(), kind, &why));
        }
    }
    Ok(())
}
