//! The metrics server's API and the proxy to a pod, as real servers answer.

use serde_json::json;

use super::*;

const METRICS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/managed-services-stage/pods";
const SCENARIO: &str = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

async fn with(text: &str, folder: &Path) -> Drill {
    let text = format!("{SCENARIO}{text}\n[deployment]\npods_age = '5m'\n");
    drill_of(Scenario::parse("test", &text).unwrap(), folder, 1.0).await
}

/// The same with each string, number and name of a label in its form only: what a shape is compared by.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(field, _)| *field != "labels");
            Value::Object(
                fields
                    .map(|(field, value)| (field.clone(), shape(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::String(text) => {
            let digits: String = text
                .chars()
                .filter(|one| !one.is_ascii_digit() && *one != '.')
                .collect();
            if text.starts_with(|first: char| first.is_ascii_digit()) {
                digits.into()
            } else {
                "".into()
            }
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn pods_metrics_have_the_shape_of_a_real_metrics_server() {
    let folder = tempfile::tempdir().unwrap();
    let drill = with("", folder.path()).await;
    // of a cluster with metrics-server 0.5, without what newer ones leave out (selfLink)
    let recorded = json!({
        "kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {},
        "items": [{
            "metadata": {"name": "coredns-78fcd69978-f6pqv", "namespace": "kube-system", "creationTimestamp": "2021-12-17T17:58:01Z"},
            "timestamp": "2021-12-17T17:57:42Z",
            "window": "30.1s",
            "containers": [{"name": "coredns", "usage": {"cpu": "7338891n", "memory": "14520Ki"}}],
        }],
    });
    let (code, list) = get(&drill, METRICS).await;
    assert_eq!((code, shape(&list)), (200, shape(&recorded)), "{list:#}");
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    let name = list["items"][0]["metadata"]["name"].as_str().unwrap();
    let (code, one) = get(&drill, &format!("{METRICS}/{name}")).await;
    assert_eq!((code, &one["kind"]), (200, &json!("PodMetrics")));
    assert_eq!(one["containers"], list["items"][0]["containers"]);
    for (selector, found) in [("app%3Dmanaged-services-api", 3), ("app%3Dother", 0)] {
        let (_, list) = get(&drill, &format!("{METRICS}?labelSelector={selector}")).await;
        assert_eq!(list["items"].as_array().unwrap().len(), found, "{selector}");
    }
}

#[tokio::test]
async fn what_is_not_served_or_not_known_is_refused_as_real_servers_do() {
    let folder = tempfile::tempdir().unwrap();
    let drill = with("", folder.path()).await;
    let admin = bearer(&drill.api().tokens().admin);
    for (method, path, code, message) in [
        (
            "GET",
            format!("{METRICS}/nobody"),
            404,
            "pods \"nobody\" not found",
        ),
        (
            "GET",
            format!("{METRICS}?watch=true"),
            405,
            "watch is not supported on resources of kind \"pods.metrics.k8s.io\"",
        ),
        (
            "DELETE",
            format!("{METRICS}/nobody"),
            405,
            "the server does not allow this method on the requested resource",
        ),
        (
            "GET",
            "/apis/metrics.k8s.io/v1beta1/gizmos".to_owned(),
            404,
            "the server could not find the requested resource",
        ),
    ] {
        let (got, status) = ask(&drill, method, &path, &[("authorization", &admin)], "").await;
        assert_eq!(
            (got, status["message"].as_str().unwrap()),
            (code, message),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn discovery_says_whether_the_metrics_api_is_there_and_answers() {
    for (state, versions, code, body) in [
        (
            "served",
            json!([{"version": "v1beta1", "freshness": "Current"}]),
            200,
            "PodMetrics",
        ),
        (
            "down",
            json!([{"version": "v1beta1", "freshness": "Stale"}]),
            503,
            "service unavailable\n",
        ),
        (
            "absent",
            Value::Null,
            404,
            "the server could not find the requested resource",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let drill = with(&format!("metrics = '{state}'"), folder.path()).await;
        let (_, list) = ask(&drill, "GET", "/apis", &[("accept", AGGREGATED)], "").await;
        let groups = list["items"].as_array().unwrap();
        let own = groups
            .iter()
            .find(|group| group["metadata"]["name"] == "metrics.k8s.io");
        let mut found = own.map_or(Value::Null, |group| group["versions"].clone());
        for version in found.as_array_mut().into_iter().flatten() {
            version.as_object_mut().unwrap().remove("resources");
        }
        assert_eq!(found, versions, "{state}");
        let (_, list) = get(&drill, "/apis").await;
        let named = list["groups"]
            .as_array()
            .unwrap()
            .iter()
            .any(|group| group["name"] == "metrics.k8s.io");
        assert_eq!(named, state != "absent", "{state}");
        for path in ["/apis/metrics.k8s.io/v1beta1", METRICS] {
            let (got, text) = whole(send(&drill, "GET", path, &[], "").await).await;
            assert_eq!(got, code, "{state} {path}");
            assert!(text.contains(body), "{state} {path}: {text}");
        }
    }
}

#[tokio::test]
async fn the_proxy_reaches_the_metrics_and_says_why_it_reaches_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let drill = with("", folder.path()).await;
    let pod = format!("{PODS}/{}", pod_names(&drill).await[0]);
    let scheme = |scheme: &str| pod.replace("/pods/", &format!("/pods/{scheme}:"));
    let ip = get(&drill, &pod).await.1["status"]["podIP"]
        .as_str()
        .unwrap()
        .to_owned();
    let tls = "Client sent an HTTP request to an HTTPS server.";
    for (path, code, text) in [
        (
            format!("{pod}:8080/proxy/metrics"),
            200,
            "api_inbound_request_count{".to_owned(),
        ),
        (
            format!("{}:8080/proxy/metrics", scheme("http")),
            200,
            "process_cpu_seconds_total".into(),
        ),
        (format!("{pod}:8080/proxy/"), 404, "404 page not found".into()),
        (format!("{pod}/proxy/metrics"), 400, tls.into()),
        (format!("{pod}:8083/proxy/healthcheck"), 400, tls.into()),
        (
            format!("{}:8080/proxy/metrics", scheme("https")),
            503,
            "error trying to reach service: http: server gave HTTP response to HTTPS client".into(),
        ),
        (
            format!("{pod}:9090/proxy/metrics"),
            503,
            format!("error trying to reach service: dial tcp {ip}:9090: connect: connection refused"),
        ),
        (
            format!("{}:8080/proxy/metrics", scheme("ftp")),
            400,
            "invalid pod request".into(),
        ),
        (
            format!("{PODS}/nobody:8080/proxy/metrics"),
            404,
            "pods \\\"nobody\\\" not found".into(),
        ),
    ] {
        let (got, body) = whole(send(&drill, "GET", &path, &[], "").await).await;
        assert_eq!(got, code, "{path}: {body}");
        assert!(body.contains(&text), "{path}: {body}");
    }
}

#[tokio::test]
async fn the_proxy_to_a_pod_without_a_listener_is_refused_and_to_one_without_an_address_is_a_bad_request() {
    for (timeline, text, code) in [
        (
            "at = '-4m'\ncrash_pods = 3\n[[timeline]]\nat = '-250s'\nservice = { start_fails = 'panic' }",
            "connect: connection refused",
            503,
        ),
        // more than the nodes hold: those that find no place stay without an address
        ("at = '-1s'\nscale = 150", "address not allowed", 400),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let text_of = format!("{SCENARIO}[deployment]\npods_age = '5m'\n[[timeline]]\n{timeline}\n");
        let drill = drill_of(Scenario::parse("test", &text_of).unwrap(), folder.path(), 1.0).await;
        let (_, list) = get(&drill, PODS).await;
        let wanted = |pod: &&Value| {
            let unplaced = pod["spec"]["nodeName"].is_null();
            unplaced == (code == 400)
        };
        let pod = list["items"].as_array().unwrap().iter().find(wanted).unwrap();
        let name = pod["metadata"]["name"].as_str().unwrap();
        let (got, status) = get(&drill, &format!("{PODS}/{name}:8080/proxy/metrics")).await;
        assert_eq!(got, code, "{status}");
        assert!(status["message"].as_str().unwrap().contains(text), "{status}");
    }
}

#[tokio::test]
async fn a_scenario_takes_the_rights_to_metrics_and_to_the_proxy_away() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "{SCENARIO}[deployment]\npods_age = '5m'\n[rights]\nwithout = ['pods.metrics.k8s.io', 'pods/proxy']\n"
    );
    let drill = drill_of(Scenario::parse("test", &text).unwrap(), folder.path(), 1.0).await;
    let place = "in the namespace \"managed-services-stage\"";
    for (path, message) in [
        (
            METRICS.to_owned(),
            format!(
                "pods.metrics.k8s.io is forbidden: User \"oncall@example.com\" cannot list resource \"pods\" in API group \"metrics.k8s.io\" {place}"
            ),
        ),
        (
            format!("{PODS}/p:8080/proxy/metrics"),
            format!(
                "pods \"p:8080\" is forbidden: User \"oncall@example.com\" cannot get resource \"pods/proxy\" in API group \"\" {place}"
            ),
        ),
    ] {
        let (code, status) = get(&drill, &path).await;
        assert_eq!(
            (code, status["message"].as_str().unwrap()),
            (403, message.as_str())
        );
    }
    assert_eq!(get(&drill, PODS).await.0, 200);
}

#[tokio::test]
async fn a_role_without_pods_still_reads_their_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("pods-forbidden", folder.path()).await;
    assert_eq!(get(&drill, PODS).await.0, 403);
    assert_eq!(get(&drill, METRICS).await.0, 200);
}
