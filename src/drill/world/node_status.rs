//! A node's object: its conditions, its taints and its machine.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event_recorder::seconds;

/// The taint of a node that fell silent.
pub const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// The conditions of a healthy node: type, status, reason and message.
pub const WELL: [(&str, &str, &str, &str); 4] = [
    (
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    (
        "DiskPressure",
        "False",
        "KubeletHasNoDiskPressure",
        "kubelet has no disk pressure",
    ),
    (
        "PIDPressure",
        "False",
        "KubeletHasSufficientPID",
        "kubelet has sufficient PID available",
    ),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
];

/// Sets status, reason and message of a condition.
pub fn set_condition(
    node: &mut Value,
    at: Timestamp,
    kind: &str,
    (status, reason, message): (&str, &str, &str),
) {
    let conditions = node["status"]["conditions"].as_array_mut();
    let mut conditions = conditions.into_iter().flatten();
    let Some(condition) = conditions.find(|condition| condition["type"] == kind) else {
        return;
    };
    if condition["status"] != status {
        condition["lastTransitionTime"] = json!(seconds(at));
    }
    condition["status"] = json!(status);
    condition["reason"] = json!(reason);
    condition["message"] = json!(message);
}

/// Taints the node.
pub fn add_taint(node: &mut Value, at: Timestamp, key: &str, effect: &str) {
    if !node["spec"]["taints"].is_array() {
        node["spec"]["taints"] = json!([]);
    }
    if let Some(taints) = node["spec"]["taints"].as_array_mut() {
        let mut taint = json!({"key": key, "effect": effect});
        // The kubelet's own conditions give taints without a time.
        if key == UNREACHABLE {
            taint["timeAdded"] = json!(seconds(at));
        }
        taints.push(taint);
    }
}

/// Removes the taints with this key.
pub fn remove_taint(node: &mut Value, key: &str) {
    let Some(spec) = node["spec"].as_object_mut() else {
        return;
    };
    let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut) else {
        return;
    };
    taints.retain(|taint| taint["key"] != key);
    if taints.is_empty() {
        spec.remove("taints");
    }
}

/// The object of the node with this name and address, made at `created`, which last reported at `reported`.
pub fn node_object(
    (name, address): (&str, &str),
    index: usize,
    uid: &str,
    created: Timestamp,
    reported: Timestamp,
) -> Value {
    let zone = format!("us-east-1{}", ["a", "b", "c"][index % 3]);
    let conditions = WELL.map(|(kind, status, reason, message)| {
        json!({
            "type": kind,
            "status": status,
            "lastHeartbeatTime": seconds(reported),
            "lastTransitionTime": seconds(created),
            "reason": reason,
            "message": message,
        })
    });
    json!({
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "uid": uid,
            "creationTimestamp": seconds(created),
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name.split('.').next(),
                "kubernetes.io/os": "linux",
                "node-role.kubernetes.io/worker": "",
                "node.kubernetes.io/instance-type": "m5.xlarge",
                "topology.kubernetes.io/region": "us-east-1",
                "topology.kubernetes.io/zone": zone,
            },
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": {"providerID": format!("aws:///{zone}/i-{}", &uid.replace('-', "")[..17])},
        "status": {
            "capacity": {"cpu": "4", "ephemeral-storage": "104322028Ki", "memory": "15944104Ki", "pods": "250"},
            "allocatable": {"cpu": "3500m", "ephemeral-storage": "95069439022", "memory": "14793128Ki", "pods": "250"},
            "conditions": conditions,
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
                {"type": "InternalDNS", "address": name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": uid.replace('-', ""),
                "systemUUID": format!("ec2{}", &uid[3..]),
                "bootID": uid,
                "kernelVersion": "5.14.0-427.50.1.el9_4.x86_64",
                "osImage": "Red Hat Enterprise Linux CoreOS 419.94.202502100215-0",
                "containerRuntimeVersion": "containerd://1.7.27",
                "kubeletVersion": "v1.32.13",
                "kubeProxyVersion": "v1.32.13",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    })
}
