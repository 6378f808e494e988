//! Writes, users and response headers, request by request.

use serde_json::json;

use super::*;

const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");
const STRATEGIC: (&str, &str) = ("content-type", "application/strategic-merge-patch+json");
const JSON: (&str, &str) = ("content-type", "application/json");

fn deployment() -> String {
    format!("{DEPLOYMENTS}/managed-services-api")
}

async fn as_admin(
    drill: &Drill,
    method: &str,
    path: &str,
    content_type: (&str, &str),
    body: &str,
) -> (u16, Value) {
    let token = bearer(&drill.api().tokens().admin);
    ask(
        drill,
        method,
        path,
        &[content_type, ("authorization", &token)],
        body,
    )
    .await
}

#[tokio::test]
async fn an_update_is_refused_in_the_words_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let path = deployment();
    let (_, object) = get(&drill, &path).await;
    let with = |pointer: &str, value: Value| {
        let mut changed = object.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string()
    };
    for (body, code, words) in [
        (
            with("/metadata/name", json!("x")),
            400,
            "the name of the object (x) does not match the name on the URL (managed-services-api)",
        ),
        (
            with("/metadata/namespace", json!("x")),
            400,
            "the namespace of the object (x) does not match the namespace on the request (managed-services-stage)",
        ),
        (
            with("/metadata/resourceVersion", json!("1")),
            409,
            "the object has been modified; please apply your changes to the latest version and try again",
        ),
        (
            with("/metadata/uid", json!("1")),
            409,
            "Precondition failed: UID in precondition: 1, UID in object meta: ",
        ),
        (
            with("/kind", json!("Pod")),
            400,
            "the kind in the data (Pod) does not match the expected kind (Deployment)",
        ),
        (
            with("/spec/replicas", json!(-2)),
            422,
            "spec.replicas: Invalid value: -2: must be greater than or equal to 0",
        ),
        (
            "{".to_owned(),
            400,
            "couldn't get version/kind; json parse error: ",
        ),
    ] {
        let (got, status) = as_admin(&drill, "PUT", &path, JSON, &body).await;
        assert_eq!(got, code, "{status}");
        assert!(status["message"].as_str().unwrap().contains(words), "{status}");
    }
    let (_, after) = get(&drill, &path).await;
    assert_eq!(
        after["metadata"]["resourceVersion"],
        object["metadata"]["resourceVersion"]
    );
}

#[tokio::test]
async fn unknown_fields_warn_or_refuse_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let token = bearer(&drill.api().tokens().admin);
    let patch =
        r#"{"spec":{"size":1,"template":{"spec":{"containers":[{"name":"service","colour":"red"}]}}}}"#;
    for (query, code, warnings) in [
        ("", 200, 2),
        ("?fieldValidation=Warn", 200, 2),
        ("?fieldValidation=Ignore", 200, 0),
        ("?fieldValidation=Strict", 422, 0),
        ("?fieldValidation=No", 422, 0),
    ] {
        let path = format!("{}{query}", deployment());
        let response = send(
            &drill,
            "PATCH",
            &path,
            &[STRATEGIC, ("authorization", &token)],
            patch,
        )
        .await;
        assert_eq!(
            response.headers().get_all("warning").iter().count(),
            warnings,
            "{query}"
        );
        assert_eq!(whole(response).await.0, code, "{query}");
    }
    let (_, status) = as_admin(
        &drill,
        "PATCH",
        &format!("{}?fieldValidation=Strict", deployment()),
        MERGE,
        r#"{"spec":{"size":1}}"#,
    )
    .await;
    assert_eq!(
        status["message"],
        " \"\" is invalid: patch: Invalid value: \"{\\\"spec\\\":{\\\"size\\\":1}}\": strict decoding error: unknown field \"spec.size\""
    );
    assert_eq!(get(&drill, &deployment()).await.1["spec"].get("size"), None);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_counts_the_generation_and_is_remembered_with_its_manager() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let (_, before) = get(&drill, &deployment()).await;
    let image = r#"{"spec":{"template":{"spec":{"containers":[{"name":"service","image":"x:1"}]}}}}"#;
    let path = format!("{}?fieldManager=me", deployment());
    let (code, dry) = as_admin(&drill, "PATCH", &format!("{path}&dryRun=All"), STRATEGIC, image).await;
    assert_eq!(
        (code, &dry["metadata"]["generation"]),
        (200, &before["metadata"]["generation"])
    );
    let (_, after) = as_admin(&drill, "PATCH", &path, STRATEGIC, image).await;
    let generation = before["metadata"]["generation"].as_u64().unwrap();
    assert_eq!(after["metadata"]["generation"], generation + 1);
    let container = &after["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        (&container["image"], &container["name"]),
        (&json!("x:1"), &json!("service"))
    );
    let entries = after["metadata"]["managedFields"].as_array().unwrap();
    let mine = entries.iter().find(|entry| entry["manager"] == "me").unwrap();
    assert_eq!(
        mine["fieldsV1"],
        json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"service\"}": {"f:image": {}}}}}}})
    );
    assert_eq!(mine["operation"], "Update");
    // The drill's clock runs while the test does.
    let at: jiff::Timestamp = mine["time"].as_str().unwrap().parse().unwrap();
    let began: jiff::Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
    assert!(at >= began && at.duration_since(began).as_mins() < 5, "{at}");
    let bad = as_admin(
        &drill,
        "PATCH",
        &path,
        ("content-type", "application/apply-patch+yaml"),
        image,
    )
    .await;
    assert_eq!(
        (bad.0, &bad.1["message"]),
        (415, &json!("415: Unsupported Media Type"))
    );
}

#[tokio::test]
async fn the_objects_say_who_wrote_them_and_stay_small() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let (_, list) = get(&drill, PODS).await;
    for pod in list["items"].as_array().unwrap() {
        let entries = pod["metadata"]["managedFields"].as_array().unwrap();
        let managers: Vec<&Value> = entries.iter().map(|entry| &entry["manager"]).collect();
        assert_eq!(managers, ["kube-controller-manager", "kubelet"]);
        assert_eq!(entries[1]["subresource"], "status");
        assert!(pod.to_string().len() < 15_000, "{} bytes", pod.to_string().len());
    }
    let (_, object) = get(&drill, &deployment()).await;
    let last = object["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        (&last["manager"], &last["subresource"]),
        (&json!("kube-controller-manager"), &json!("status"))
    );
    assert_eq!(
        last["fieldsV1"]["f:metadata"],
        json!({"f:annotations": {"f:deployment.kubernetes.io/revision": {}}})
    );
}

#[tokio::test]
async fn a_delete_reads_its_options_and_refuses_what_they_do_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let names = pod_names(&drill).await;
    let pod = format!("{PODS}/{}", names[0]);
    for (query, options, words) in [
        (
            "?dryRun=Some",
            json!({}),
            "DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: \"Some\": supported values: \"All\"",
        ),
        (
            "",
            json!({"propagationPolicy": "Later"}),
            "propagationPolicy: Unsupported value: \"Later\": supported values: \"Background\", \"Foreground\", \"Orphan\", \"nil\"",
        ),
        (
            "?propagationPolicy=Orphan",
            json!({"orphanDependents": true}),
            "orphanDependents and deletionPropagation cannot be both set",
        ),
    ] {
        let (code, status) = ask(
            &drill,
            "DELETE",
            &format!("{pod}{query}"),
            &[JSON],
            &options.to_string(),
        )
        .await;
        assert_eq!(code, 422);
        assert!(status["message"].as_str().unwrap().contains(words), "{status}");
    }
    let (code, gone) = ask(&drill, "DELETE", &format!("{pod}?gracePeriodSeconds=-5"), &[], "").await;
    assert_eq!(
        (code, &gone["metadata"]["deletionGracePeriodSeconds"]),
        (200, &json!(1))
    );
    let (code, status) = ask(
        &drill,
        "DELETE",
        &format!("{PODS}?labelSelector=app%3Dmanaged-services-api"),
        &[],
        "",
    )
    .await;
    assert_eq!(code, 403);
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .contains("cannot deletecollection resource \"pods\""),
        "{status}"
    );
    let (code, list) = as_admin(
        &drill,
        "DELETE",
        &format!("{PODS}?fieldSelector=metadata.name%3D{}", names[1]),
        JSON,
        r#"{"gracePeriodSeconds":0}"#,
    )
    .await;
    assert_eq!(
        (code, &list["kind"], list["items"].as_array().unwrap().len()),
        (200, &json!("PodList"), 1)
    );
    let left = pod_names(&drill).await;
    assert!(!left.contains(&names[1]) && left.contains(&names[2]), "{left:?}");
    let (code, status) = as_admin(&drill, "DELETE", &deployment(), JSON, "").await;
    assert_eq!(
        (code, &status["status"], &status["details"]["group"]),
        (200, &json!("Success"), &json!("apps"))
    );
    assert_eq!(get(&drill, &deployment()).await.0, 404);
}

#[tokio::test]
async fn every_response_has_the_headers_of_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let flow = "x-kubernetes-pf-flowschema-uid";
    let log = format!("{PODS}/{}/log", pod_names(&drill).await[0]);
    for (path, header, is_counted) in [
        (PODS.to_owned(), ("accept", "*/*"), true),
        ("/version".to_owned(), ("accept", "*/*"), true),
        (format!("{PODS}/none"), ("accept", "*/*"), true),
        (log, ("accept", "*/*"), false),
        (PODS.to_owned(), ("authorization", "Bearer wrong"), false),
    ] {
        let response = send(&drill, "GET", &path, &[header], "").await;
        let headers = response.headers();
        assert_eq!(headers["audit-id"].len(), 36, "{path}");
        assert_eq!(headers["cache-control"], "no-cache, private", "{path}");
        assert_eq!(headers.contains_key(flow), is_counted, "{path}");
    }
    let one = send(&drill, "GET", "/version", &[], "").await.headers()["audit-id"].clone();
    let given = send(&drill, "GET", "/version", &[("audit-id", "mine")], "").await;
    assert_eq!(given.headers()["audit-id"], "mine");
    assert_ne!(one, "mine");
    let curl = send(&drill, "GET", "/version", &[("user-agent", "curl/8")], "").await;
    assert!(whole(curl).await.1.starts_with("{\n  \""));
    let long = send(&drill, "GET", PODS, &[], "").await;
    assert_eq!(http_body::Body::size_hint(long.body()).exact(), None);
}

#[tokio::test]
async fn requests_that_the_server_does_not_support_are_refused_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let pod = format!("{PODS}/{}", pod_names(&drill).await[0]);
    let long = " ".repeat(3 * 1024 * 1024 + 1);
    for (method, path, header, body, code, words) in [
        (
            "POST",
            PODS,
            JSON,
            "{}",
            405,
            "the server does not allow this method on the requested resource",
        ),
        (
            "PATCH",
            &deployment(),
            MERGE,
            long.as_str(),
            413,
            "Request entity too large: limit is 3145728",
        ),
        (
            "PATCH",
            &deployment(),
            MERGE,
            "[]",
            400,
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            "PUT",
            &deployment(),
            ("content-type", "application/yaml"),
            "a: b",
            415,
            "the body of the request was in an unknown format",
        ),
        (
            "GET",
            PODS,
            ("accept", "application/vnd.kubernetes.protobuf"),
            "",
            406,
            "only the following media types are accepted: application/json",
        ),
        (
            "GET",
            &format!("{pod}:9090/proxy/metrics"),
            ("accept", "*/*"),
            "",
            503,
            "error trying to reach service: dial tcp 10.",
        ),
        (
            "POST",
            &format!("{pod}/exec?command=id"),
            ("accept", "*/*"),
            "",
            500,
            "error dialing backend: dial tcp 10.",
        ),
        (
            "POST",
            &format!("{pod}/eviction"),
            JSON,
            "{}",
            404,
            "the server could not find the requested resource",
        ),
        (
            "GET",
            "/nowhere",
            ("accept", "*/*"),
            "",
            404,
            "the server could not find the requested resource",
        ),
    ] {
        let (got, status) = as_admin(&drill, method, path, header, body).await;
        assert_eq!(got, code, "{method} {path}: {status}");
        assert!(
            status["message"].as_str().unwrap().starts_with(words),
            "{method} {path}: {status}"
        );
    }
    let head = send(&drill, "HEAD", PODS, &[], "").await;
    assert_eq!(whole(head).await, (405, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_kubelet_stays_terminating_until_its_deletion_is_forced() {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = scenario("all-well").unwrap();
    scenario.objects = vec![
        json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "lost"}, "spec": {"nodeName": "n", "containers": []}}),
    ];
    let drill = drill_of(scenario, folder.path(), 1.0).await;
    let path = format!("{PODS}/lost");
    let (code, pod) = ask(&drill, "DELETE", &path, &[], "").await;
    assert_eq!(
        (code, &pod["metadata"]["deletionTimestamp"]),
        (200, &json!("2026-11-22T09:00:30Z"))
    );
    assert_eq!(get(&drill, &path).await.0, 200);
    assert_eq!(
        ask(&drill, "DELETE", &format!("{path}?gracePeriodSeconds=0"), &[], "")
            .await
            .0,
        200
    );
    assert_eq!(get(&drill, &path).await.0, 404);
}
