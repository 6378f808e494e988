//! Requests and answers, compared with the answers of a real server.

use futures::{AsyncBufReadExt as _, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, LogParams, PartialObjectMeta, Preconditions};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;

use super::*;
use crate::patience::{Deadline, soon};

fn client(drill: &Drill) -> kube::Client {
    kube::Client::new(drill.api().in_process(), "managed-services-stage")
}

#[tokio::test]
async fn a_list_in_pages_is_consistent_though_the_world_moves_on() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let names = pod_names(&drill).await;
    let (_, first) = get(&drill, &format!("{PODS}?&limit=2")).await;
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    assert_eq!(first["items"][0].get("kind"), None);
    ask(
        &drill,
        "DELETE",
        &format!("{PODS}/{}", names[2]),
        &[],
        r#"{"gracePeriodSeconds":0}"#,
    )
    .await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (code, second) = get(&drill, &format!("{PODS}?limit=2&continue={token}")).await;
    assert_eq!(
        (code, &second["items"][0]["metadata"]["name"]),
        (200, &json!(names[2]))
    );
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
}

#[tokio::test]
async fn an_expired_continue_token_is_answered_410_with_a_token_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let (_, first) = get(&drill, &format!("{PODS}?limit=1")).await;
    let names = pod_names(&drill).await;
    ask(&drill, "DELETE", &format!("{PODS}/{}", names[0]), &[], "").await;
    drill.api().set_fault(Some(crate::ApiFault::ExpireWatches));
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (code, status) = get(&drill, &format!("{PODS}?limit=1&continue={token}")).await;
    assert_eq!((code, &status["reason"]), (410, &json!("Expired")));
    let token = status["metadata"]["continue"].as_str().unwrap();
    assert_eq!(
        get(&drill, &format!("{PODS}?limit=1&continue={token}")).await.0,
        200
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_from_the_future_is_waited_for_and_answered_504() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let (code, status) = get(&drill, &format!("{PODS}?resourceVersion=99999999999")).await;
    assert_eq!((code, &status["reason"]), (504, &json!("Timeout")));
    assert_eq!(
        status["details"]["causes"][0]["reason"],
        "ResourceVersionTooLarge"
    );
}

#[tokio::test]
async fn refusals_have_the_codes_and_words_of_the_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    for (path, code, message) in [
        (
            format!("{PODS}/no-such-pod"),
            404,
            "pods \"no-such-pod\" not found",
        ),
        (
            format!("{PODS}?fieldSelector=spec.foo%3Dx"),
            400,
            "field label not supported: spec.foo",
        ),
        (
            "/api/v1/namespaces/managed-services-stage/gizmos".into(),
            403,
            "gizmos is forbidden: User \"oncall@example.com\" cannot list resource \"gizmos\" in API group \"\" in the namespace \"managed-services-stage\"",
        ),
        (
            "/apis/metrics.k8s.io/v1beta1/namespaces/managed-services-stage/pods?watch=1".into(),
            403,
            "pods.metrics.k8s.io is forbidden: User \"oncall@example.com\" cannot watch resource \"pods\" in API group \"metrics.k8s.io\" in the namespace \"managed-services-stage\"",
        ),
        (
            "/api/v1/namespaces/managed-services-stage/secrets/other".into(),
            403,
            "secrets \"other\" is forbidden: User \"oncall@example.com\" cannot get resource \"secrets\" in API group \"\" in the namespace \"managed-services-stage\"",
        ),
        (
            "/api/v1/namespaces/managed-services-stage/services/s:8080/proxy/metrics".into(),
            403,
            "services \"s:8080\" is forbidden: User \"oncall@example.com\" cannot get resource \"services/proxy\" in API group \"\" in the namespace \"managed-services-stage\"",
        ),
    ] {
        let (got, status) = get(&drill, &path).await;
        assert_eq!(
            (got, status["message"].as_str().unwrap()),
            (code, message),
            "{path}"
        );
        assert_eq!(status["kind"], "Status");
    }
    let (code, status) = ask(&drill, "GET", PODS, &[("authorization", "Bearer wrong")], "").await;
    assert_eq!((code, &status["message"]), (401, &json!("Unauthorized")));
}

#[tokio::test]
async fn a_delete_keeps_to_its_preconditions_and_a_dry_run_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let name = pod_names(&drill).await.remove(0);
    let path = format!("{PODS}/{name}");
    let (_, pod) = get(&drill, &path).await;
    let version = pod["metadata"]["resourceVersion"].as_str().unwrap();
    for (preconditions, words) in [
        (
            json!({"uid": "0"}),
            "the UID in the precondition (0) does not match the UID in record",
        ),
        (
            json!({"uid": pod["metadata"]["uid"], "resourceVersion": "1"}),
            "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record",
        ),
    ] {
        let options = json!({"preconditions": preconditions}).to_string();
        let (code, status) = ask(
            &drill,
            "DELETE",
            &path,
            &[("content-type", "application/json")],
            &options,
        )
        .await;
        assert_eq!((code, &status["reason"]), (409, &json!("Conflict")));
        assert!(status["message"].as_str().unwrap().contains(words));
    }
    let (code, dry) = ask(&drill, "DELETE", &format!("{path}?dryRun=All"), &[], "").await;
    assert_eq!(
        (code, &dry["metadata"]["deletionGracePeriodSeconds"]),
        (200, &json!(30))
    );
    assert_eq!(get(&drill, &path).await.1["metadata"]["resourceVersion"], version);
}

#[tokio::test]
async fn the_scale_is_read_checked_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let path = format!("{DEPLOYMENTS}/managed-services-api/scale");
    let merge = [("content-type", "application/merge-patch+json")];
    let (_, scale) = get(&drill, &path).await;
    assert_eq!(
        (&scale["kind"], &scale["spec"]["replicas"]),
        (&json!("Scale"), &json!(3))
    );
    assert_eq!(
        scale["status"],
        json!({"replicas": 3, "selector": "app=managed-services-api"})
    );
    let dry = ask(
        &drill,
        "PATCH",
        &format!("{path}?dryRun=All"),
        &merge,
        r#"{"spec":{"replicas":4}}"#,
    )
    .await;
    assert_eq!((dry.0, &dry.1["spec"]["replicas"]), (200, &json!(4)));
    assert_eq!(get(&drill, &path).await.1["spec"]["replicas"], 3);
    let old = r#"{"metadata":{"resourceVersion":"1"},"spec":{"replicas":4}}"#;
    assert_eq!(ask(&drill, "PATCH", &path, &merge, old).await.0, 409);
    let (code, status) = ask(&drill, "PATCH", &path, &merge, r#"{"spec":{"replicas":-1}}"#).await;
    assert_eq!(code, 422);
    assert_eq!(
        status["message"],
        "Scale.autoscaling \"managed-services-api\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    );
    let text = [("content-type", "text/plain")];
    assert_eq!(ask(&drill, "PATCH", &path, &text, "x").await.0, 415);
    let (code, after) = ask(&drill, "PATCH", &path, &merge, r#"{"spec":{"replicas":0}}"#).await;
    assert_eq!((code, &after["spec"]["replicas"]), (200, &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_asked_with_a_bookmark() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let version = get(&drill, PODS).await.1["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    let path =
        format!("{PODS}?watch=true&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds=1");
    let (_, text) = whole(send(&drill, "GET", &path, &[], "").await).await;
    let kinds: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone())
        .collect();
    assert_eq!(kinds, [json!("BOOKMARK")]);
}

#[tokio::test]
async fn a_watch_from_before_the_history_gets_410_in_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let (code, text) = whole(
        send(
            &drill,
            "GET",
            &format!("{PODS}?watch=true&resourceVersion=1"),
            &[],
            "",
        )
        .await,
    )
    .await;
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &event["type"], &event["object"]["code"]),
        (200, &json!("ERROR"), &json!(410))
    );
}

#[tokio::test(start_paused = true)]
async fn a_streaming_list_marks_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1";
    let (_, text) = whole(send(&drill, "GET", &format!("{PODS}?{query}"), &[], "").await).await;
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[2]["type"], "ADDED");
    assert_eq!(
        events[3]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
}

#[tokio::test]
async fn logs_are_cut_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let log = format!("{PODS}/{}/log", pod_names(&drill).await[0]);
    let read = async |query: &str| whole(send(&drill, "GET", &format!("{log}?{query}"), &[], "").await).await;
    let (_, migration) = read("container=migration&tailLines=1&timestamps=true").await;
    assert!(
        migration.ends_with("Migration finished\n") && migration.starts_with("2026-11-22T07:00:"),
        "{migration}"
    );
    assert_eq!(read("limitBytes=10").await.1.len(), 10);
    assert_eq!(read("container=service&tailLines=3").await.1.lines().count(), 3);
    assert_eq!(read("sinceTime=2030-01-01T00:00:00Z").await, (200, String::new()));
    for (query, message) in [
        ("container=nope", "container nope is not valid for pod"),
        (
            "previous=true",
            "previous terminated container \\\"service\\\" in pod",
        ),
        ("sinceTime=yesterday", "parsing time \\\"yesterday\\\" as"),
    ] {
        let (code, text) = read(query).await;
        assert!(code == 400 && text.contains(message), "{text}");
    }
}

#[tokio::test]
async fn the_log_of_a_container_without_its_image_says_what_it_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("api-down-image-pull", folder.path()).await;
    let name = pod_names(&drill).await.remove(0);
    let (code, status) = get(&drill, &format!("{PODS}/{name}/log?container=service")).await;
    let message = format!(
        "container \"service\" in pod \"{name}\" is waiting to start: trying and failing to pull image"
    );
    assert_eq!((code, &status["message"]), (400, &json!(message)));
}

#[tokio::test]
async fn a_followed_log_ends_with_the_pod() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let pods: Api<Pod> = Api::default_namespaced(client(&drill));
    let name = pod_names(&drill).await.remove(0);
    let params = LogParams {
        follow: true,
        timestamps: true,
        tail_lines: Some(1),
        container: Some("service".into()),
        ..LogParams::default()
    };
    let mut lines = pods.log_stream(&name, &params).await.unwrap().lines();
    assert!(lines.try_next().await.unwrap().is_some());
    pods.delete(&name, &DeleteParams::default()).await.unwrap();
    soon("the log ends with its pod", async {
        while lines.try_next().await.unwrap().is_some() {}
    })
    .await;
    // the kubelet ends the containers first, then the pod goes
    soon("the pod is gone", async {
        while pod_names(&drill).await.contains(&name) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn kubes_watcher_follows_a_replacement_through_expiries_and_cuts() {
    let folder = tempfile::tempdir().unwrap();
    let drill = fast_drill("all-well", folder.path(), 100.0).await;
    let pods: Api<Pod> = Api::default_namespaced(client(&drill));
    let config = watcher::Config::default().labels("app=managed-services-api");
    let mut events = watcher::watcher(pods.clone(), config).default_backoff().boxed();
    let mut known = std::collections::BTreeMap::new();
    for round in 0..4 {
        let victim = pod_names(&drill).await.remove(0);
        pods.delete(&victim, &DeleteParams::default()).await.unwrap();
        match round % 3 {
            0 => drill.api().set_fault(Some(crate::ApiFault::ExpireWatches)),
            1 => drill.api().set_fault(Some(crate::ApiFault::ResetStreams)),
            _ => {}
        }
        let settled = |known: &std::collections::BTreeMap<String, bool>| {
            known.len() == 3 && !known.contains_key(&victim) && known.values().all(|ready| *ready)
        };
        let deadline = Deadline::until("the watcher has seen the replacement");
        while !settled(&known) {
            deadline.check();
            match soon("the watcher goes on", events.next()).await.unwrap() {
                Ok(watcher::Event::Init) => known.clear(),
                Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) => {
                    known.insert(pod.metadata.name.clone().unwrap(), is_ready(&pod));
                }
                Ok(watcher::Event::Delete(pod)) => {
                    known.remove(&pod.metadata.name.unwrap());
                }
                Ok(watcher::Event::InitDone) | Err(_) => {}
            }
        }
        let watched: Vec<String> = known.keys().cloned().collect();
        let mut listed = pod_names(&drill).await;
        listed.sort();
        assert_eq!(watched, listed, "in round {round}");
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| {
        all.iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

#[tokio::test]
async fn kube_reads_lists_metadata_secrets_and_conflicts() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let client = client(&drill);
    let metadata: Api<PartialObjectMeta<Pod>> = Api::default_namespaced(client.clone());
    let names = metadata
        .list_metadata(&ListParams::default())
        .await
        .unwrap()
        .items;
    assert_eq!(names.len(), 3);
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::default_namespaced(client.clone());
    let secret = secrets
        .get("managed-services-api-rds")
        .await
        .unwrap()
        .data
        .unwrap();
    assert_eq!(secret["db.host"].0, b"127.0.0.1");
    let pods: Api<Pod> = Api::default_namespaced(client);
    let stale = DeleteParams::default().preconditions(Preconditions {
        uid: Some("0".into()),
        resource_version: None,
    });
    let name = names[0].metadata.name.clone().unwrap();
    assert!(
        matches!(pods.delete(&name, &stale).await, Err(kube::Error::Api(status)) if status.is_conflict())
    );
}

#[tokio::test]
async fn kube_connects_over_tls_by_the_drills_kubeconfig() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let kubeconfig = kube::config::Kubeconfig::read_from(drill.kubeconfig()).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    config.proxy_url = None;
    let pods: Api<Pod> = Api::default_namespaced(kube::Client::try_from(config).unwrap());
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 3);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(drill.kubeconfig()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn the_secret_and_the_url_lead_to_the_same_database() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::default_namespaced(client(&drill));
    let data = secrets
        .get("managed-services-api-rds")
        .await
        .unwrap()
        .data
        .unwrap();
    let value = |key: &str| String::from_utf8(data[key].0.clone()).unwrap();
    let address = format!("@{}:{}/{}", value("db.host"), value("db.port"), value("db.name"));
    assert!(drill.database_url().ends_with(&address), "{address}");
    assert!(value("db.password").contains("/with odd@chars%"));
    assert!(drill.database_url().contains("%2Fwith%20odd%40chars%25@"));
}
