//! The OpenAPI v3 documents by which `kubectl` learns what a write may ask (`dryRun`, `fieldValidation`) before it applies,
//! replaces or diffs. They describe the paths, not the fields of the kinds: `kubectl explain` finds nothing to explain.

use http::Response;
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::body::{self, Body};
use super::status::Refusal;
use crate::world::Resource;

/// The answer for a path under `/openapi`; `None` for other paths.
pub fn answer(parts: &Parts) -> Result<Option<Response<Body>>, Refusal> {
    let path = parts.uri.path().trim_end_matches('/');
    if path == "/openapi/v3" {
        return Ok(Some(body::json(200, &index())));
    }
    let Some(version) = path.strip_prefix("/openapi/v3/") else {
        return Ok(None);
    };
    if !versions().contains(&version.to_owned()) {
        return Err(Refusal::no_such_resource());
    }
    Ok(Some(body::json(200, &document(version))))
}

/// As `apis/apps/v1`.
fn versions() -> Vec<String> {
    let mut versions: Vec<String> = Resource::ALL.into_iter().map(version_of).collect();
    versions.sort();
    versions.dedup();
    versions
}

fn version_of(resource: Resource) -> String {
    if resource.group().is_empty() {
        format!("api/{}", resource.api_version())
    } else {
        format!("apis/{}", resource.api_version())
    }
}

fn index() -> Value {
    let paths: Map<String, Value> = versions()
        .into_iter()
        .map(|version| {
            let url = json!({"serverRelativeURL": format!("/openapi/v3/{version}")});
            (version, url)
        })
        .collect();
    json!({ "paths": paths })
}

fn document(version: &str) -> Value {
    let mut paths = Map::new();
    for resource in Resource::ALL {
        if version_of(resource) == version {
            let namespace = if resource.is_namespaced() {
                "/namespaces/{namespace}"
            } else {
                ""
            };
            let path = format!("/{version}{namespace}/{}/{{name}}", resource.plural());
            paths.insert(path, operations(resource));
        }
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.32.13+drill"},
        "paths": paths,
        "components": {"schemas": {}},
    })
}

fn operations(resource: Resource) -> Value {
    let operation = |action: &str, parameters: &[&str]| {
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
            .collect();
        let version = resource.api_version().rsplit('/').next();
        json!({
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": {"group": resource.group(), "kind": resource.kind(), "version": version},
            "parameters": parameters,
        })
    };
    let write = ["dryRun", "fieldManager", "fieldValidation", "pretty"];
    let delete = [
        "dryRun",
        "gracePeriodSeconds",
        "orphanDependents",
        "pretty",
        "propagationPolicy",
    ];
    json!({
        "get": operation("get", &["pretty"]),
        "put": operation("put", &write),
        "patch": operation("patch", &write),
        "delete": operation("delete", &delete),
    })
}
