//! Shapes as a real cluster gave them, and the columns that `kubectl` printed for them.

use serde_json::{Value, json};

use super::*;
use sopwatch_core::observe::observation::ContainerState;

fn container(name: &str, restarts: u32, ready: bool, state: &Value, last: &Value) -> Value {
    json!({"name": name, "restartCount": restarts, "ready": ready, "image": "", "imageID": "", "state": state, "lastState": last,
        "containerID": "containerd://7054a4d4", "started": ready})
}

fn running() -> Value {
    json!({"running": {"startedAt": "2026-11-22T09:08:49Z"}})
}

fn waiting(reason: &str) -> Value {
    json!({"waiting": {"reason": reason, "message": "in words"}})
}

fn terminated(code: i32, reason: &str) -> Value {
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": "2026-11-22T09:12:37Z", "finishedAt": "2026-11-22T09:12:38Z"}})
}

fn pod_with(init: &[&Value], containers: &[&Value], change: &Value) -> k8s_openapi::api::core::v1::Pod {
    let spec = |all: &[&Value]| -> Vec<Value> {
        all.iter().map(|status| json!({"name": status["name"], "image": "kas:1", "restartPolicy": status["restartPolicy"]})).collect()
    };
    let mut pod = json!({
        "metadata": {"name": "managed-services-api-64d78545d9-6qmtx", "uid": "49f5f290", "resourceVersion": "7660",
            "creationTimestamp": "2026-11-22T09:08:54Z", "managedFields": [{"manager": "kubelet"}],
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "managed-services-api-64d78545d9", "uid": "4bd6460a", "controller": true}]},
        "spec": {"nodeName": "tb-node-1", "initContainers": spec(init), "containers": spec(containers)},
        "status": {"phase": "Running", "initContainerStatuses": init, "containerStatuses": containers}
    });
    merge(&mut pod, change);
    serde_json::from_value(pod).unwrap()
}

fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change.clone(),
    }
}

fn columns(pod: &k8s_openapi::api::core::v1::Pod) -> (String, String, u32) {
    let pod = super::pod(pod);
    (
        format!("{}/{}", pod.ready, pod.total),
        pod.status.to_string(),
        pod.restarts,
    )
}

/// Checks what `kubectl get pods` prints: READY, STATUS, RESTARTS.
fn prints(init: &[&Value], containers: &[&Value], change: &Value, expected: (&str, &str, u32)) {
    let (ready, status, restarts) = expected;
    let printed = columns(&pod_with(init, containers, change));
    assert_eq!(printed, (ready.to_string(), status.to_string(), restarts));
}

fn service(restarts: u32, ready: bool, state: &Value, last: &Value) -> Value {
    container("service", restarts, ready, state, last)
}

fn migration(restarts: u32, state: &Value) -> Value {
    container("migration", restarts, false, state, &json!({}))
}

#[test]
fn the_columns_of_a_running_pod_are_those_of_kubectl() {
    let none = json!({});
    let initialized = json!({"status": {"conditions": [{"type": "Initialized", "status": "True"}]}});
    let done = migration(0, &terminated(0, "Completed"));
    let oom = terminated(137, "OOMKilled");
    let crashes = service(3, false, &waiting("CrashLoopBackOff"), &terminated(255, "Error"));
    prints(
        &[&done],
        &[&service(0, true, &running(), &none)],
        &initialized,
        ("1/1", "Running", 0),
    );
    prints(
        &[&done],
        &[&crashes],
        &initialized,
        ("0/1", "CrashLoopBackOff", 3),
    );
    prints(
        &[&done],
        &[&service(0, false, &waiting("ErrImagePull"), &none)],
        &initialized,
        ("0/1", "ErrImagePull", 0),
    );
    prints(
        &[],
        &[&service(1, false, &oom, &none)],
        &none,
        ("0/1", "OOMKilled", 1),
    );
    prints(
        &[&done],
        &[&service(2, true, &running(), &oom)],
        &initialized,
        ("1/1", "Running", 2),
    );
    prints(
        &[],
        &[&service(0, false, &running(), &none)],
        &none,
        ("0/1", "Running", 0),
    );
}

#[test]
fn the_columns_of_an_initializing_pod_are_those_of_kubectl() {
    let pending = json!({"status": {"phase": "Pending"}});
    let creating = service(0, false, &waiting("PodInitializing"), &json!({}));
    let done = migration(0, &terminated(0, "Completed"));
    let second = container("second", 0, false, &waiting("PodInitializing"), &json!({}));
    prints(&[&done, &second], &[&creating], &pending, ("0/1", "Init:1/2", 0));
    prints(&[&done], &[&creating], &pending, ("0/1", "PodInitializing", 0));
    let cases = [
        (0, running(), "Init:0/1"),
        (2, terminated(1, "Error"), "Init:Error"),
        (2, waiting("CrashLoopBackOff"), "Init:CrashLoopBackOff"),
        (0, json!({"terminated": {"exitCode": 3}}), "Init:ExitCode:3"),
        (
            0,
            json!({"terminated": {"exitCode": 137, "signal": 9}}),
            "Init:Signal:9",
        ),
    ];
    for (restarts, state, word) in cases {
        prints(
            &[&migration(restarts, &state)],
            &[&creating],
            &pending,
            ("0/1", word, restarts),
        );
    }
}

#[test]
fn the_columns_of_a_pod_at_its_end_are_those_of_kubectl() {
    let none = json!({});
    let up = service(0, true, &running(), &none);
    let job = container("job", 0, false, &terminated(0, "Completed"), &none);
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    prints(&[], &[&up, &job], &none, ("1/2", "NotReady", 0));
    prints(&[], &[&up, &job], &ready, ("1/2", "Running", 0));
    prints(
        &[],
        &[&job],
        &json!({"status": {"phase": "Succeeded"}}),
        ("0/1", "Completed", 0),
    );
    let no_reason = json!({"terminated": {"exitCode": 3}});
    let signal = json!({"terminated": {"exitCode": 137, "signal": 9}});
    prints(
        &[],
        &[&service(0, false, &no_reason, &none)],
        &none,
        ("0/1", "ExitCode:3", 0),
    );
    prints(
        &[],
        &[&service(0, false, &signal, &none)],
        &none,
        ("0/1", "Signal:9", 0),
    );
}

#[test]
fn the_columns_of_a_pod_that_does_not_run_are_those_of_kubectl() {
    let deleted = json!({"deletionTimestamp": "2026-11-22T09:13:00Z"});
    let up = service(0, true, &running(), &json!({}));
    let failed = service(0, false, &terminated(2, "Error"), &json!({}));
    prints(
        &[],
        &[&up],
        &json!({"metadata": deleted}),
        ("1/1", "Terminating", 0),
    );
    prints(
        &[],
        &[&failed],
        &json!({"metadata": deleted, "status": {"phase": "Failed"}}),
        ("0/1", "Error", 0),
    );
    prints(
        &[],
        &[&up],
        &json!({"metadata": deleted, "status": {"reason": "NodeLost"}}),
        ("1/1", "Unknown", 0),
    );
    let bare = json!({"containers": [{"name": "service"}]});
    let gated = json!([{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]);
    prints(
        &[],
        &[],
        &json!({"spec": bare, "status": {"phase": "Failed", "reason": "Evicted"}}),
        ("0/1", "Evicted", 0),
    );
    prints(
        &[],
        &[],
        &json!({"spec": bare, "status": {"phase": "Pending"}}),
        ("0/1", "Pending", 0),
    );
    prints(
        &[],
        &[],
        &json!({"spec": bare, "status": {"phase": "Pending", "conditions": gated}}),
        ("0/1", "SchedulingGated", 0),
    );
}

#[test]
fn a_sidecar_counts_as_a_container() {
    let mut envoy = container("envoy", 2, true, &running(), &terminated(1, "Error"));
    envoy["restartPolicy"] = json!("Always");
    let service = container("service", 1, true, &running(), &json!({}));
    let pod = pod_with(&[&envoy], &[&service], &json!({}));
    assert_eq!(columns(&pod), ("2/2".into(), "Running".into(), 3));
}

#[test]
fn a_pod_keeps_what_the_console_needs() {
    let crashed = container(
        "service",
        3,
        false,
        &waiting("CrashLoopBackOff"),
        &terminated(255, "Error"),
    );
    let done = container("migration", 0, true, &terminated(0, "Completed"), &json!({}));
    let pod = super::pod(&pod_with(&[&done], &[&crashed], &json!({})));
    assert_eq!(
        (&*pod.uid.0, pod.short_name(), &*pod.resource_version),
        ("49f5f290", "6qmtx", "7660")
    );
    assert_eq!(
        pod.owner,
        Some(("ReplicaSet".into(), "managed-services-api-64d78545d9".into()))
    );
    assert_eq!(pod.node.as_deref(), Some("tb-node-1"));
    assert_eq!(pod.restarted_at, Some("2026-11-22T09:12:38Z".parse().unwrap()));
    let [migration, service] = &pod.containers[..] else {
        unreachable!("two containers")
    };
    assert!(migration.init && !service.init);
    assert_eq!(
        service.last.as_ref().map(|last| (last.exit_code, &*last.reason)),
        Some((255, "Error"))
    );
    assert!(
        matches!(&service.state, ContainerState::Waiting { reason, .. } if &**reason == "CrashLoopBackOff")
    );
}

#[test]
fn a_pod_that_says_nothing_is_borne() {
    let pod = super::pod(&k8s_openapi::api::core::v1::Pod::default());
    assert_eq!((pod.ready, pod.total, &*pod.status), (0, 0, ""));
}

#[test]
fn a_deployment_has_its_counts() {
    let source: k8s_openapi::api::apps::v1::Deployment = serde_json::from_value(json!({
        "metadata": {"name": "managed-services-api", "uid": "8b8b5baa", "resourceVersion": "6922", "generation": 219},
        "spec": {"replicas": 4, "paused": true, "selector": {}, "template": {"spec": {"containers": [{"name": "service", "image": "kas:1"}]}}},
        "status": {"observedGeneration": 218, "replicas": 3, "readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2,
            "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastTransitionTime": "2026-11-22T09:00:00Z"}]}
    }))
    .unwrap();
    let deployment = deployment(&source);
    assert_eq!(
        (
            deployment.replicas,
            deployment.current,
            deployment.ready,
            deployment.updated,
            deployment.available
        ),
        (4, 3, 2, 1, 2)
    );
    assert!(deployment.paused && !deployment.observed);
    assert_eq!(deployment.images, [("service".into(), "kas:1".into())]);
    assert_eq!(&*deployment.conditions[0].reason, "ProgressDeadlineExceeded");
    let empty = super::deployment(&k8s_openapi::api::apps::v1::Deployment::default());
    assert_eq!((empty.replicas, empty.ready, empty.observed), (1, 0, true));
}

fn event_of(kind: &str, name: &str, of_type: &str, more: &Value) -> k8s_openapi::api::core::v1::Event {
    let mut event = json!({
        "metadata": {"name": "x.18ea528e3f623001", "uid": "4f5a956e", "creationTimestamp": "2026-11-22T09:02:52Z"},
        "involvedObject": {"kind": kind, "name": name}, "type": of_type, "reason": "BackOff", "message": "why"
    });
    merge(&mut event, more);
    serde_json::from_value(event).unwrap()
}

#[test]
fn events_of_the_service_and_warnings_of_what_all_share_concern_us() {
    let cases = [
        ("Deployment", "managed-services-api", "Normal", true),
        ("Pod", "managed-services-api-64d78545d9-6qmtx", "Normal", true),
        ("Pod", "managed-services-apiary-1", "Warning", false),
        ("Pod", "other-1", "Warning", false),
        ("Node", "tb-node-1", "Warning", true),
        ("Node", "tb-node-1", "Normal", false),
        ("ResourceQuota", "compute", "Warning", true),
    ];
    for (kind, name, of_type, expected) in cases {
        let event = event_of(kind, name, of_type, &json!({}));
        assert_eq!(
            concerns(&event, "managed-services-api"),
            expected,
            "{of_type} {kind} {name}"
        );
    }
}

#[test]
fn both_ways_of_counting_events_are_read() {
    let old = event(&event_of(
        "Pod",
        "p",
        "Warning",
        &json!({"count": 7,
        "firstTimestamp": "2026-11-22T09:00:00Z", "lastTimestamp": "2026-11-22T09:05:00Z"}),
    ));
    assert_eq!((old.count, old.warning), (7, true));
    assert_eq!(old.last_at, Some("2026-11-22T09:05:00Z".parse().unwrap()));
    let new = event(&event_of(
        "Pod",
        "p",
        "Normal",
        &json!({"firstTimestamp": null, "lastTimestamp": null,
        "eventTime": "2026-11-22T09:02:52.362782Z", "series": {"count": 3, "lastObservedTime": "2026-11-22T09:04:00.000000Z"}}),
    ));
    assert_eq!((new.count, new.warning), (3, false));
    assert_eq!(new.first_at, Some("2026-11-22T09:02:52.362782Z".parse().unwrap()));
    assert_eq!(new.last_at, Some("2026-11-22T09:04:00Z".parse().unwrap()));
    let bare = event(&event_of("Pod", "p", "Normal", &json!({})));
    assert_eq!(
        (bare.count, bare.first_at),
        (1, Some("2026-11-22T09:02:52Z".parse().unwrap()))
    );
}

#[test]
fn hostile_names_and_messages_are_made_safe() {
    let hostile = event(&event_of(
        "Pod",
        "p\u{1b}[2J",
        "Warning",
        &json!({"message": "a\u{202e}b\rc"}),
    ));
    assert_eq!(
        (&*hostile.object_name, &*hostile.message),
        ("p␛[2J", "a⟨202e⟩b␍c")
    );
}

#[test]
fn a_secret_in_what_a_controller_says_is_taken_out() {
    let said = "failed: postgres://u:hunter2@db/x\u{1b}[2J";
    let condition = json!({"type": "Progressing", "status": "False", "reason": "Failed", "message": said});
    let source = json!({"metadata": {"name": "d"}, "status": {"conditions": [condition]}});
    let deployment = super::deployment(&serde_json::from_value(source).unwrap());
    let shown = "failed: postgres://u:⟨redacted⟩@db/x␛[2J";
    assert_eq!(deployment.conditions[0].message, shown);
    let hostile = event(&event_of("Pod", "p", "Warning", &json!({"message": said})));
    assert_eq!(hostile.message, shown);
}

#[test]
fn the_limits_of_a_container_are_read_and_none_is_not_zero() {
    let limited = json!({"spec": {"containers": [
        {"name": "service", "image": "i", "resources": {"limits": {"cpu": "1500m", "memory": "1Gi"}, "requests": {"cpu": "200m"}}},
        {"name": "envoy-sidecar", "image": "i", "resources": {"limits": {"cpu": "2"}}},
        {"name": "plain", "image": "i"}]}});
    let source = serde_json::from_value(limited).unwrap();
    let limits: Vec<_> = super::pod(&source)
        .containers
        .iter()
        .map(|container| (container.limits.cpu_millis, container.limits.memory_bytes))
        .collect();
    assert_eq!(
        limits,
        [(Some(1_500), Some(1 << 30)), (Some(2_000), None), (None, None)]
    );
}
