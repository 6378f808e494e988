//! The definitions of the kinds: which fields an object may have, and the defaults of those that are left out.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod, Secret};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::world::Resource;

/// Takes out the fields that the kind does not have, and returns their paths. An error says which value has the wrong type.
pub fn drop_unknown(resource: Resource, object: &mut Value) -> Result<Vec<String>, String> {
    let known = match resource {
        Resource::Pods => read_as::<Pod>(object),
        Resource::Events => read_as::<Event>(object),
        Resource::Secrets => read_as::<Secret>(object),
        Resource::Namespaces => read_as::<Namespace>(object),
        Resource::Nodes => read_as::<Node>(object),
        Resource::Deployments => read_as::<Deployment>(object),
        Resource::ReplicaSets => read_as::<ReplicaSet>(object),
        Resource::Autoscalers => read_as::<HorizontalPodAutoscaler>(object),
    }?;
    let mut unknown = Vec::new();
    prune("", object, &known, &mut unknown);
    Ok(unknown)
}

/// The object with only the fields that its kind defines.
fn read_as<K: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
    let typed = K::deserialize(object).map_err(|error| in_go_words(&error.to_string()))?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}

/// "invalid type: string "x", expected i32" in the words of Go's JSON.
fn in_go_words(error: &str) -> String {
    let Some((found, expected)) = error
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    else {
        return error.to_owned();
    };
    let found = match found.split(' ').next().unwrap_or_default() {
        "integer" | "floating" => "number",
        "map" => "object",
        "sequence" => "array",
        "boolean" => "bool",
        other => other,
    };
    let expected = match expected {
        "i32" => "int32",
        "i64" => "int64",
        "a boolean" => "bool",
        "a string" => "string",
        other => other,
    };
    format!("json: cannot unmarshal {found} into Go value of type {expected}")
}

fn prune(path: &str, object: &mut Value, known: &Value, unknown: &mut Vec<String>) {
    match (object, known) {
        (Value::Object(fields), Value::Object(known)) => fields.retain(|name, value| {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            match known.get(name) {
                Some(known) => prune(&path, value, known, unknown),
                // A null counts as absent.
                None if value.is_null() => {}
                None => {
                    unknown.push(path);
                    return false;
                }
            }
            true
        }),
        (Value::Array(list), Value::Array(known)) => {
            for (index, (value, known)) in list.iter_mut().zip(known).enumerate() {
                prune(&format!("{path}[{index}]"), value, known, unknown);
            }
        }
        _ => {}
    }
}

/// Fills in what a request left out, as the server's defaulting does.
pub fn fill_defaults(resource: Resource, object: &mut Value) {
    match resource {
        Resource::Deployments => {
            let spec = &mut object["spec"];
            fill(spec, "replicas", || json!(1));
            fill(spec, "revisionHistoryLimit", || json!(10));
            fill(spec, "progressDeadlineSeconds", || json!(600));
            fill(spec, "strategy", || json!({}));
            let strategy = &mut spec["strategy"];
            fill(strategy, "type", || json!("RollingUpdate"));
            if strategy["type"] == "RollingUpdate" {
                fill(strategy, "rollingUpdate", || json!({}));
                fill(&mut strategy["rollingUpdate"], "maxUnavailable", || json!("25%"));
                fill(&mut strategy["rollingUpdate"], "maxSurge", || json!("25%"));
            }
            fill_pod(&mut spec["template"]["spec"]);
        }
        Resource::ReplicaSets => {
            fill(&mut object["spec"], "replicas", || json!(1));
            fill_pod(&mut object["spec"]["template"]["spec"]);
        }
        Resource::Pods => fill_pod(&mut object["spec"]),
        _ => {}
    }
}

fn fill(object: &mut Value, field: &str, default: impl FnOnce() -> Value) {
    if (object.is_object() || object.is_null()) && object[field].is_null() {
        object[field] = default();
    }
}

fn fill_pod(spec: &mut Value) {
    for (field, default) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("securityContext", json!({})),
        ("schedulerName", json!("default-scheduler")),
    ] {
        fill(spec, field, || default);
    }
    // The old name of the account follows the new one.
    if spec["serviceAccountName"].is_string() {
        spec["serviceAccount"] = spec["serviceAccountName"].clone();
    }
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        containers.into_iter().flatten().for_each(fill_container);
    }
    let volumes = spec.get_mut("volumes").and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        for source in ["secret", "configMap"] {
            if volume.get(source).is_some_and(Value::is_object) {
                fill(&mut volume[source], "defaultMode", || json!(420));
            }
        }
    }
}

fn fill_container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let tag = image.rsplit('/').next().unwrap_or_default().split_once(':');
    let moves = !image.contains('@') && tag.is_none_or(|(_, tag)| tag == "latest");
    let policy = if moves { "Always" } else { "IfNotPresent" };
    for (field, default) in [
        ("resources", json!({})),
        ("terminationMessagePath", json!("/dev/termination-log")),
        ("terminationMessagePolicy", json!("File")),
        ("imagePullPolicy", json!(policy)),
    ] {
        fill(container, field, || default);
    }
    let ports = container.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten() {
        fill(port, "protocol", || json!("TCP"));
    }
    let variables = container.get_mut("env").and_then(Value::as_array_mut);
    for variable in variables.into_iter().flatten() {
        let field = variable.pointer_mut("/valueFrom/fieldRef");
        field
            .into_iter()
            .for_each(|field| fill(field, "apiVersion", || json!("v1")));
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container.get(probe).is_some_and(Value::is_object) {
            fill_probe(&mut container[probe]);
        }
    }
}

fn fill_probe(probe: &mut Value) {
    for (field, default) in [
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ] {
        fill(probe, field, || json!(default));
    }
    if probe.get("httpGet").is_some_and(Value::is_object) {
        fill(&mut probe["httpGet"], "path", || json!("/"));
        fill(&mut probe["httpGet"], "scheme", || json!("HTTP"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_a_kind_does_not_have_are_named_and_taken_out() {
        let mut deployment = json!({
            "kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "d", "colour": "red"},
            "spec": {"selector": {}, "size": 3, "template": {"metadata": {"creationTimestamp": null},
                "spec": {"containers": [{"name": "a"}, {"name": "b", "imagee": "x"}]}}},
        });
        let unknown = drop_unknown(Resource::Deployments, &mut deployment).unwrap();
        let mut sorted = unknown;
        sorted.sort();
        assert_eq!(
            sorted,
            [
                "metadata.colour",
                "spec.size",
                "spec.template.spec.containers[1].imagee"
            ]
        );
        assert_eq!(deployment["spec"].get("size"), None);
        assert_eq!(
            deployment["spec"]["template"]["metadata"],
            json!({"creationTimestamp": null})
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_an_error() {
        let mut deployment = json!({"metadata": {}, "spec": {"replicas": "many"}});
        let error = drop_unknown(Resource::Deployments, &mut deployment).unwrap_err();
        assert_eq!(error, "json: cannot unmarshal string into Go value of type int32");
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        let mut deployment = json!({"spec": {"template": {"spec": {
            "containers": [{"name": "a", "image": "q/x", "ports": [{"containerPort": 1}], "livenessProbe": {"httpGet": {"port": 1}}}],
        }}}});
        fill_defaults(Resource::Deployments, &mut deployment);
        assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["imagePullPolicy"], "Always");
        assert_eq!(container["ports"][0]["protocol"], "TCP");
        assert_eq!(container["livenessProbe"]["periodSeconds"], 10);
        let before = deployment.clone();
        fill_defaults(Resource::Deployments, &mut deployment);
        assert_eq!(deployment, before);
    }
}
