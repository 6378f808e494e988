//! Kinds that the server names and the world does not store, and events in their newer version.

use super::kubectl::Kubectl;
use super::*;

const NAMESPACED: &str = "/api/v1/namespaces/managed-services-stage";
const NEW_EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/managed-services-stage/events";
const TABLE: (&str, &str) = ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");

#[tokio::test]
async fn a_kind_without_objects_has_an_empty_list() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let admin = bearer(&drill.api().tokens().admin);
    let who = ("authorization", admin.as_str());
    for (path, kind, version) in [
        (format!("{NAMESPACED}/configmaps"), "ConfigMapList", "v1"),
        ("/api/v1/services".to_owned(), "ServiceList", "v1"),
        ("/apis/batch/v1/jobs".to_owned(), "JobList", "batch/v1"),
    ] {
        let (status, list) = ask(&drill, "GET", &path, &[who], "").await;
        assert_eq!((status, &list["items"]), (200, &serde_json::json!([])), "{path}");
        assert_eq!(
            (&list["kind"], &list["apiVersion"]),
            (&kind.into(), &version.into())
        );
        let (_, table) = ask(&drill, "GET", &path, &[who, TABLE], "").await;
        assert_eq!(
            (&table["kind"], &table["rows"]),
            (&"Table".into(), &serde_json::json!([]))
        );
    }
    for (method, path, code, message) in [
        ("GET", "configmaps/x", 404, "configmaps \"x\" not found"),
        ("DELETE", "services/x", 404, "services \"x\" not found"),
        ("GET", "services/x/status", 404, "services \"x\" not found"),
        (
            "GET",
            "services/x/nosuch",
            404,
            "the server could not find the requested resource",
        ),
        (
            "GET",
            "bindings",
            405,
            "the server does not allow this method on the requested resource",
        ),
        (
            "POST",
            "configmaps",
            405,
            "the server does not allow this method on the requested resource",
        ),
    ] {
        let (got, status) = ask(&drill, method, &format!("{NAMESPACED}/{path}"), &[who], "{}").await;
        assert_eq!(
            (got, status["message"].as_str().unwrap()),
            (code, message),
            "{path}"
        );
    }
    let (status, _) = get(&drill, &format!("{NAMESPACED}/services")).await;
    assert_eq!(status, 403, "the engineer on call may not");
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_a_kind_without_objects_stays_open_with_bookmarks() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let admin = bearer(&drill.api().tokens().admin);
    let path = format!(
        "{NAMESPACED}/services?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=90"
    );
    let answer = send(&drill, "GET", &path, &[("authorization", admin.as_str())], "").await;
    let (status, text) = whole(answer).await;
    let bookmarks: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((status, bookmarks.len()), (200, 3), "{text}");
    for bookmark in &bookmarks {
        assert_eq!(
            (&bookmark["type"], &bookmark["object"]["kind"]),
            (&"BOOKMARK".into(), &"Service".into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn events_are_listed_read_and_selected_in_their_newer_version() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("api-down-image-pull", folder.path()).await;
    let (_, old) = get(&drill, &format!("{NAMESPACED}/events")).await;
    let (status, new) = get(&drill, NEW_EVENTS).await;
    assert_eq!((status, &new["apiVersion"]), (200, &"events.k8s.io/v1".into()));
    let pairs = old["items"]
        .as_array()
        .unwrap()
        .iter()
        .zip(new["items"].as_array().unwrap());
    assert!(pairs.len() > 0);
    for (old, new) in pairs {
        assert_eq!(
            (&old["message"], &old["involvedObject"]),
            (&new["note"], &new["regarding"])
        );
        assert!(new["message"].is_null() && new["source"].is_null());
    }
    let name = new["items"][0]["metadata"]["name"].as_str().unwrap();
    let (_, event) = get(&drill, &format!("{NEW_EVENTS}/{name}")).await;
    assert_eq!(
        (&event["kind"], &event["apiVersion"]),
        (&"Event".into(), &"events.k8s.io/v1".into())
    );
    let (_, some) = get(
        &drill,
        &format!("{NEW_EVENTS}?fieldSelector=regarding.kind%3DPod"),
    )
    .await;
    let some = some["items"].as_array().unwrap().clone();
    assert!(!some.is_empty() && some.iter().all(|event| event["regarding"]["kind"] == "Pod"));
    let (status, _) = get(
        &drill,
        &format!("{NEW_EVENTS}?fieldSelector=involvedObject.kind%3DPod"),
    )
    .await;
    assert_eq!(status, 400);
    let first = send(
        &drill,
        "GET",
        &format!("{NEW_EVENTS}?watch=true&timeoutSeconds=1"),
        &[],
        "",
    )
    .await;
    let (_, text) = whole(first).await;
    let added: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&added["type"], &added["object"]["apiVersion"]),
        (&"ADDED".into(), &"events.k8s.io/v1".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_finds_no_resources_of_empty_kinds_and_events_in_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("api-down-image-pull", folder.path()).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let nothing = "No resources found in managed-services-stage namespace.\n";
    assert_eq!(
        kubectl.run("--context admin get svc,cm").await,
        (0, String::new(), nothing.to_owned())
    );
    let (status, out, _) = kubectl.run("--context admin get all").await;
    assert!(
        status == 0 && out.contains("deployment.apps/managed-services-api"),
        "{out}"
    );
    let (status, out, _) = kubectl.run("--context admin cluster-info").await;
    assert!(status == 0 && out.contains("Kubernetes control plane"), "{out}");
    let (status, _, said) = kubectl.run("get svc").await;
    assert_eq!(
        (status, said.as_str()),
        (
            1,
            "Error from server (Forbidden): services is forbidden: User \"oncall@example.com\" cannot list resource \"services\" in API group \"\" in the namespace \"managed-services-stage\"\n"
        )
    );
    for line in ["events", "get events.events.k8s.io", "get events"] {
        let (status, out, _) = kubectl.run(line).await;
        assert!(status == 0 && out.contains("BackOff"), "{line}: {out}");
    }
}
