//! The objects of the service's namespace, as its template makes them.
//!
//! Names, probes, resources and init containers are those of the service's deployment template of early 2021.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::event_recorder::seconds;
use crate::scenario::{Deployment, Strategy};

/// The service: deployment, label, service account and secret are named after it.
pub const SERVICE: &str = "managed-services-api";
/// The namespace of the stage environment.
pub const NAMESPACE: &str = "managed-services-stage";
/// The secret with the database's credentials.
pub const DATABASE_SECRET: &str = "managed-services-api-rds";
/// The container that serves.
pub const CONTAINER: &str = "service";
/// The init containers, in order.
pub const INIT_CONTAINERS: [&str; 2] = ["id", "migration"];

/// The template of a pod that runs `image`. The init containers keep the image of the release before when only the service's is replaced.
pub fn pod_template(image: &str, init_image: &str) -> Value {
    json!({
        "metadata": {"creationTimestamp": null, "labels": {"app": SERVICE}},
        "spec": {
            "volumes": volumes(),
            "initContainers": [
                container(INIT_CONTAINERS[0], init_image, &json!(["id"]), &json!([])),
                container(INIT_CONTAINERS[1], init_image, &json!(["/usr/local/bin/managed-services-api"]), &json!(["migrate"])),
            ],
            "containers": [service_container(image)],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": SERVICE,
            "serviceAccount": SERVICE,
            "securityContext": {},
            "schedulerName": "default-scheduler",
        }
    })
}

fn volumes() -> Value {
    json!([
        {"name": "service", "secret": {"secretName": SERVICE, "defaultMode": 420}},
        {"name": "rds", "secret": {"secretName": DATABASE_SECRET, "defaultMode": 420}},
    ])
}

fn container(name: &str, image: &str, command: &Value, args: &Value) -> Value {
    let mut container = json!({
        "name": name,
        "image": image,
        "command": command,
        "resources": {},
        "volumeMounts": [{"name": "rds", "mountPath": "/secrets/rds"}],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    });
    if args.as_array().is_some_and(|args| !args.is_empty()) {
        container["args"] = args.clone();
    }
    container
}

fn service_container(image: &str) -> Value {
    let mut service = container(
        CONTAINER,
        image,
        &json!(["/usr/local/bin/managed-services-api"]),
        &json!(["serve"]),
    );
    service["ports"] = json!([
        {"name": "api", "containerPort": 8000, "protocol": "TCP"},
        {"name": "metrics", "containerPort": 8080, "protocol": "TCP"},
        {"name": "health", "containerPort": 8083, "protocol": "TCP"},
    ]);
    service["resources"] = json!({
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "200m", "memory": "512Mi"},
    });
    service["volumeMounts"] = json!([
        {"name": "service", "mountPath": "/secrets/service"},
        {"name": "rds", "mountPath": "/secrets/rds"},
    ]);
    service["livenessProbe"] = probe(8000, "/api/managed-services-api", 15, 5);
    service["readinessProbe"] = probe(8083, "/healthcheck", 20, 10);
    service
}

fn probe(port: u16, path: &str, delay: u32, period: u32) -> Value {
    json!({
        "httpGet": {"path": path, "port": port, "scheme": "HTTPS"},
        "initialDelaySeconds": delay,
        "timeoutSeconds": 1,
        "periodSeconds": period,
        "successThreshold": 1,
        "failureThreshold": 3,
    })
}

/// The service's Deployment, without status.
pub fn deployment(
    uid: &str,
    created: Timestamp,
    plan: &Deployment,
    template: &Value,
    revision: u32,
) -> Value {
    let strategy = match plan.strategy {
        Strategy::RollingUpdate => {
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})
        }
        Strategy::Recreate => json!({"type": "Recreate"}),
    };
    json!({
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": SERVICE,
            "namespace": NAMESPACE,
            "uid": uid,
            "generation": 1,
            "creationTimestamp": seconds(created),
            "labels": {"app": SERVICE},
            "annotations": {"deployment.kubernetes.io/revision": revision.to_string()},
        },
        "spec": {
            "replicas": plan.replicas,
            "selector": {"matchLabels": {"app": SERVICE}},
            "template": template,
            "strategy": strategy,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        },
        "status": {},
    })
}

/// A ReplicaSet of the deployment for one template.
pub fn replica_set(deployment: &Value, hash: &str, uid: &str, created: Timestamp, replicas: u64) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    let name = format!(
        "{}-{hash}",
        deployment["metadata"]["name"].as_str().unwrap_or_default()
    );
    let mut set = json!({
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": name,
            "namespace": deployment["metadata"]["namespace"],
            "uid": uid,
            "generation": 1,
            "creationTimestamp": seconds(created),
            "labels": template["metadata"]["labels"],
            "annotations": {},
            "ownerReferences": [owner(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": template["metadata"]["labels"]},
            "template": template,
        },
        "status": {"replicas": 0},
    });
    if let Some(seconds) = deployment["spec"]["minReadySeconds"].as_u64() {
        set["spec"]["minReadySeconds"] = json!(seconds);
    }
    set
}

/// A pod of the ReplicaSet, not yet scheduled.
pub fn pod(replica_set: &Value, name: &str, uid: &str, created: Timestamp) -> Value {
    let template = &replica_set["spec"]["template"];
    let mut spec = template["spec"].clone();
    let unreachable = |key: &str| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
    spec["tolerations"] = json!([
        unreachable("node.kubernetes.io/not-ready"),
        unreachable("node.kubernetes.io/unreachable"),
    ]);
    let qos = qos_class(&spec);
    spec["priority"] = json!(0);
    spec["enableServiceLinks"] = json!(true);
    spec["preemptionPolicy"] = json!("PreemptLowerPriority");
    json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "generateName": format!("{}-", replica_set["metadata"]["name"].as_str().unwrap_or_default()),
            "namespace": replica_set["metadata"]["namespace"],
            "uid": uid,
            "creationTimestamp": seconds(created),
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner(replica_set)],
        },
        "spec": spec,
        "status": {"phase": "Pending", "qosClass": qos},
    })
}

/// The pod's quality of service, by the requests and limits of its containers.
fn qos_class(spec: &Value) -> &'static str {
    let containers = ["initContainers", "containers"]
        .into_iter()
        .filter_map(|field| spec[field].as_array())
        .flatten();
    let resources: Vec<&Value> = containers.map(|container| &container["resources"]).collect();
    let asks = |resources: &&Value| {
        let empty = |part: &Value| part.as_object().is_none_or(serde_json::Map::is_empty);
        !empty(&resources["requests"]) || !empty(&resources["limits"])
    };
    let bound = |resources: &&Value| {
        let of = |kind: &str| {
            let (limit, request) = (&resources["limits"][kind], &resources["requests"][kind]);
            limit.is_string() && (request.is_null() || request == limit)
        };
        of("cpu") && of("memory")
    };
    if !resources.iter().any(asks) {
        "BestEffort"
    } else if resources.iter().all(bound) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

fn owner(object: &Value) -> Value {
    json!({
        "apiVersion": object["apiVersion"],
        "kind": object["kind"],
        "name": object["metadata"]["name"],
        "uid": object["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// A secret with these values.
pub fn secret(name: &str, uid: &str, created: Timestamp, values: &[(&str, String)]) -> Value {
    let data: serde_json::Map<String, Value> = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::from(STANDARD.encode(value))))
        .collect();
    json!({
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": uid,
            "creationTimestamp": seconds(created),
        },
        "data": data,
        "type": "Opaque",
    })
}

/// The namespace.
pub fn namespace(uid: &str, created: Timestamp) -> Value {
    json!({
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {
            "name": NAMESPACE,
            "uid": uid,
            "creationTimestamp": seconds(created),
            "labels": {"kubernetes.io/metadata.name": NAMESPACE},
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    })
}
