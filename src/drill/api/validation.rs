//! Checks whether an object may be accepted, in the words of the server's validation.

use serde_json::{Value, json};

use super::status::{Cause, Refusal};
use crate::world::Resource;

const NAME_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const POD_RULE: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Checks an update. The refusal names every error.
pub fn check(resource: Resource, before: &Value, wanted: &Value) -> Result<(), Refusal> {
    let mut causes = Vec::new();
    match resource {
        Resource::Deployments => {
            check_sets(before, wanted, &mut causes);
            check_strategy(&wanted["spec"]["strategy"], &mut causes);
        }
        Resource::ReplicaSets => check_sets(before, wanted, &mut causes),
        Resource::Pods => check_pod_update(&before["spec"], &wanted["spec"], &mut causes),
        Resource::Secrets if before["type"] != wanted["type"] => {
            causes.push(immutable("type", &wanted["type"]));
        }
        _ => {}
    }
    if causes.is_empty() {
        return Ok(());
    }
    let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
    Err(Refusal::invalid_fields(
        resource.group(),
        resource.kind(),
        name,
        &causes,
    ))
}

fn invalid(field: impl Into<String>, value: &str, why: &str) -> Cause {
    Cause {
        reason: "FieldValueInvalid",
        field: field.into(),
        message: format!("Invalid value: {value}: {why}"),
    }
}

fn immutable(field: &str, value: &Value) -> Cause {
    invalid(field, &value.to_string(), "field is immutable")
}

fn forbidden(field: &str, why: &str) -> Cause {
    Cause {
        reason: "FieldValueForbidden",
        field: field.to_owned(),
        message: format!("Forbidden: {why}"),
    }
}

fn required(field: String) -> Cause {
    Cause {
        reason: "FieldValueRequired",
        field,
        message: "Required value".to_owned(),
    }
}

/// Checks what deployments and ReplicaSets have in common: replicas, selector and template.
fn check_sets(before: &Value, wanted: &Value, causes: &mut Vec<Cause>) {
    let spec = &wanted["spec"];
    if let Some(replicas) = spec["replicas"].as_i64().filter(|replicas| *replicas < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(invalid("spec.replicas", &replicas.to_string(), why));
    }
    let wanted_labels = &spec["selector"]["matchLabels"];
    let labels = &spec["template"]["metadata"]["labels"];
    let selected = wanted_labels
        .as_object()
        .is_some_and(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)));
    if !selected {
        let why = "`selector` does not match template `labels`";
        causes.push(invalid("spec.template.metadata.labels", &go_labels(labels), why));
    }
    check_pod_spec(&spec["template"]["spec"], "spec.template.spec", causes);
    if before["spec"]["selector"] != spec["selector"] {
        let selector = format!(
            "v1.LabelSelector{{MatchLabels:{}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}}",
            go_labels(wanted_labels)
        );
        causes.push(invalid("spec.selector", &selector, "field is immutable"));
    }
}

/// As Go prints a map of labels.
fn go_labels(labels: &Value) -> String {
    let Some(labels) = labels.as_object() else {
        return "map[string]string(nil)".to_owned();
    };
    let inner: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key:?}:{:?}", value.as_str().unwrap_or_default()))
        .collect();
    format!("map[string]string{{{}}}", inner.join(", "))
}

fn check_strategy(strategy: &Value, causes: &mut Vec<Cause>) {
    let rolling = &strategy["rollingUpdate"];
    match strategy["type"].as_str() {
        Some("Recreate") if !rolling.is_null() => causes.push(forbidden(
            "spec.strategy.rollingUpdate",
            "may not be specified when strategy `type` is 'Recreate'",
        )),
        Some("Recreate") => {}
        Some("RollingUpdate") => {
            let zero = |field: &str| matches!(rolling[field].as_i64(), Some(0)) || rolling[field] == "0%";
            if zero("maxSurge") && zero("maxUnavailable") {
                let value = "intstr.IntOrString{Type:0, IntVal:0, StrVal:\"\"}";
                let why = "may not be 0 when `maxSurge` is 0";
                causes.push(invalid("spec.strategy.rollingUpdate.maxUnavailable", value, why));
            }
        }
        other => causes.push(Cause {
            reason: "FieldValueNotSupported",
            field: "spec.strategy.type".to_owned(),
            message: format!(
                "Unsupported value: {:?}: supported values: \"Recreate\", \"RollingUpdate\"",
                other.unwrap_or_default()
            ),
        }),
    }
}

fn check_pod_spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    if let Some(policy) = spec["restartPolicy"]
        .as_str()
        .filter(|policy| *policy != "Always")
    {
        causes.push(Cause {
            reason: "FieldValueNotSupported",
            field: format!("{path}.restartPolicy"),
            message: format!("Unsupported value: {policy:?}: supported values: \"Always\""),
        });
    }
    let mut names: Vec<&str> = Vec::new();
    let volumes: Vec<&Value> = list(&spec["volumes"]).map(|volume| &volume["name"]).collect();
    if list(&spec["containers"]).next().is_none() {
        causes.push(required(format!("{path}.containers")));
    }
    for kind in ["initContainers", "containers"] {
        for (index, container) in list(&spec[kind]).enumerate() {
            let place = format!("{path}.{kind}[{index}]");
            check_container(container, &place, &volumes, causes);
            let name = container["name"].as_str().unwrap_or_default();
            if names.contains(&name) {
                causes.push(Cause {
                    reason: "FieldValueDuplicate",
                    field: format!("{place}.name"),
                    message: format!("Duplicate value: {name:?}"),
                });
            }
            names.push(name);
        }
    }
}

fn check_container(container: &Value, place: &str, volumes: &[&Value], causes: &mut Vec<Cause>) {
    let name = container["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        causes.push(required(format!("{place}.name")));
    } else if !is_label(name) {
        causes.push(invalid(format!("{place}.name"), &format!("{name:?}"), NAME_RULE));
    }
    let image = container["image"].as_str().unwrap_or_default();
    if image.is_empty() {
        causes.push(required(format!("{place}.image")));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        causes.push(invalid(format!("{place}.image"), &format!("{image:?}"), why));
    }
    for (index, mount) in list(&container["volumeMounts"]).enumerate() {
        if !volumes.contains(&&mount["name"]) {
            causes.push(Cause {
                reason: "FieldValueNotFound",
                field: format!("{place}.volumeMounts[{index}].name"),
                message: format!("Not found: {}", mount["name"]),
            });
        }
    }
    for (index, variable) in list(&container["env"]).enumerate() {
        if variable["name"].as_str().is_none_or(str::is_empty) {
            causes.push(required(format!("{place}.env[{index}].name")));
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 63
        && name.bytes().all(|byte| inner(byte) || byte == b'-')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().last().is_some_and(inner)
}

/// Checks that an update of a pod changes only images, the deadline and additional tolerations.
fn check_pod_update(before: &Value, wanted: &Value, causes: &mut Vec<Cause>) {
    for kind in ["containers", "initContainers"] {
        let (old, new) = (list(&before[kind]).count(), list(&wanted[kind]).count());
        if old != new {
            let why = "pod updates may not add or remove containers";
            causes.push(forbidden(&format!("spec.{kind}"), why));
        }
        for (index, container) in list(&wanted[kind]).enumerate() {
            if container["image"].as_str().is_none_or(str::is_empty) {
                causes.push(required(format!("spec.{kind}[{index}].image")));
            }
        }
    }
    if !causes.is_empty() {
        return;
    }
    if list(&before["tolerations"]).any(|old| !list(&wanted["tolerations"]).any(|new| same(old, new))) {
        let why = "existing toleration can not be modified except its tolerationSeconds";
        causes.push(forbidden("spec.tolerations", why));
        return;
    }
    let mut comparable = wanted.clone();
    for field in ["activeDeadlineSeconds", "tolerations"] {
        match before.get(field) {
            Some(old) => comparable[field] = old.clone(),
            None => {
                comparable.as_object_mut().map(|spec| spec.remove(field));
            }
        }
    }
    for kind in ["containers", "initContainers"] {
        let containers = comparable.get_mut(kind).and_then(Value::as_array_mut);
        for (new, old) in containers.into_iter().flatten().zip(list(&before[kind])) {
            new["image"] = old["image"].clone();
        }
    }
    if comparable != *before {
        causes.push(forbidden("spec", POD_RULE));
    }
}

/// Whether both are the same toleration, whatever their seconds.
fn same(old: &Value, new: &Value) -> bool {
    let without_time = |toleration: &Value| {
        let mut toleration = toleration.clone();
        toleration["tolerationSeconds"] = json!(null);
        toleration
    };
    without_time(old) == without_time(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Value {
        json!({
            "metadata": {"name": "d"},
            "spec": {
                "replicas": 3, "selector": {"matchLabels": {"app": "x"}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                "template": {"metadata": {"labels": {"app": "x"}}, "spec": {
                    "volumes": [{"name": "v"}], "restartPolicy": "Always",
                    "containers": [{"name": "a", "image": "i:1", "volumeMounts": [{"name": "v"}]}],
                }},
            },
        })
    }

    fn message(resource: Resource, before: &Value, wanted: &Value) -> String {
        let refusal = check(resource, before, wanted).unwrap_err().value();
        refusal["message"].as_str().unwrap().to_owned()
    }

    #[test]
    fn what_is_wrong_with_a_deployment_is_said_in_the_server_s_words() {
        assert!(check(Resource::Deployments, &deployment(), &deployment()).is_ok());
        for (pointer, value, words) in [
            (
                "/spec/replicas",
                json!(-1),
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                "/spec/template/spec/containers/0/image",
                json!(""),
                "spec.template.spec.containers[0].image: Required value",
            ),
            (
                "/spec/template/spec/containers/0/name",
                json!("A_b"),
                "spec.template.spec.containers[0].name: Invalid value: \"A_b\": a lowercase RFC 1123 label must",
            ),
            (
                "/spec/template/spec/containers",
                json!([]),
                "spec.template.spec.containers: Required value",
            ),
            (
                "/spec/template/spec/containers/0/volumeMounts/0/name",
                json!("w"),
                "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"w\"",
            ),
            (
                "/spec/template/spec/restartPolicy",
                json!("Never"),
                "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
            ),
            (
                "/spec/strategy/type",
                json!("Recreate"),
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
            ),
            (
                "/spec/strategy/rollingUpdate",
                json!({"maxSurge": 0, "maxUnavailable": 0}),
                "may not be 0 when `maxSurge` is 0",
            ),
            (
                "/spec/template/metadata/labels",
                json!({"app": "y"}),
                "spec.template.metadata.labels: Invalid value: map[string]string{\"app\":\"y\"}: `selector` does not match template `labels`",
            ),
        ] {
            let mut wanted = deployment();
            *wanted.pointer_mut(pointer).unwrap() = value;
            let said = message(Resource::Deployments, &deployment(), &wanted);
            assert!(
                said.starts_with("Deployment.apps \"d\" is invalid: ") && said.contains(words),
                "{said}"
            );
        }
    }

    #[test]
    fn a_selector_never_changes() {
        let mut wanted = deployment();
        wanted["spec"]["selector"]["matchLabels"] = json!({"app": "y"});
        wanted["spec"]["template"]["metadata"]["labels"] = json!({"app": "y"});
        assert_eq!(
            message(Resource::Deployments, &deployment(), &wanted),
            "Deployment.apps \"d\" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"app\":\"y\"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable"
        );
    }

    #[test]
    fn of_a_pod_hardly_anything_may_change() {
        let before = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n", "tolerations": [{"key": "a"}], "containers": [{"name": "c", "image": "i"}]}});
        for (pointer, value, words) in [
            ("/spec/containers/0/image", json!("j"), None),
            (
                "/spec/tolerations",
                json!([{"key": "a", "tolerationSeconds": 5}, {"key": "b"}]),
                None,
            ),
            (
                "/spec/tolerations",
                json!([]),
                Some("spec.tolerations: Forbidden: existing toleration can not be modified"),
            ),
            (
                "/spec/nodeName",
                json!("m"),
                Some("spec: Forbidden: pod updates may not change fields other than"),
            ),
            (
                "/spec/containers",
                json!([]),
                Some("spec.containers: Forbidden: pod updates may not add or remove containers"),
            ),
        ] {
            let mut wanted = before.clone();
            *wanted.pointer_mut(pointer).unwrap() = value;
            match words {
                None => assert!(check(Resource::Pods, &before, &wanted).is_ok(), "{pointer}"),
                Some(words) => assert!(
                    message(Resource::Pods, &before, &wanted).contains(words),
                    "{pointer}"
                ),
            }
        }
    }
}
