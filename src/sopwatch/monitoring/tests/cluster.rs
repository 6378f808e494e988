//! Servers in the cluster: behind the API server's service proxy, and behind routes that the cluster is asked for.

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::FutureExt;

use super::super::alertmanager::Alertmanager;
use super::super::http_client::HttpClient;
use super::super::metrics::Metrics;
use super::super::options::{
    AlertsOptions, ClusterRoute, ClusterService, Location, MetricsOptions, ReadCluster, Server,
};
use super::super::poll_loop::Poll as _;
use super::super::prometheus::Prometheus;
use super::server::Exchange;
use super::{filter, located, token};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId};
use sopwatch_core::profile::monitoring::{Figure, MetricQuery};

/// A cluster that gives one answer to everything, and the paths that it was asked for.
fn cluster(exchange: Exchange) -> (ReadCluster, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = asked.clone();
    let read: ReadCluster = Arc::new(move |path| {
        notes.lock().unwrap().push(path);
        let exchange = exchange.clone();
        std::future::ready(Ok((exchange.status, exchange.headers, exchange.body))).boxed()
    });
    (read, asked)
}

/// An answer of the API server as no real one was recorded.
fn by_hand(name: &str) -> Exchange {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/monitoring/{name}.example.http"));
    Exchange::read(&std::fs::read_to_string(path).unwrap())
}

fn service(name: &str, path: &str) -> Server {
    Server {
        location: Location::Service(ClusterService {
            namespace: "monitoring".to_owned(),
            name: name.to_owned(),
            path: path.to_owned(),
        }),
        ..located("http://nowhere.test")
    }
}

async fn client(server: &Server, cluster: &ReadCluster) -> HttpClient {
    HttpClient::new(server.endpoint(cluster).await.unwrap()).unwrap()
}

/// Polls a metrics source for `up`.
async fn up(server: &Server, cluster: &ReadCluster) -> Result<Vec<Observation>, Problem> {
    let options = MetricsOptions {
        server: server.clone(),
        tenancy: None,
        queries: vec![MetricQuery {
            figure: Figure::Up,
            window: None,
            text: "up{a=\"b c\"}".to_owned(),
        }],
        rules: None,
    };
    let prometheus = Prometheus {
        client: client(server, cluster).await,
        tenancy: None,
    };
    let polled = Metrics::new(SourceId::Metrics, prometheus, &options).poll().await;
    polled.map_err(|refusal| refusal.problem)
}

#[tokio::test]
async fn a_service_is_asked_through_the_api_server_s_proxy() {
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"p"},"value":[1,"1"]}]}}"#;
    let (read, asked) = cluster(Exchange::json(vector));
    let polled = up(&service("https:prometheus:9090", "/prefix"), &read)
        .await
        .unwrap();
    let [Observation::Metrics(readings)] = polled.as_slice() else {
        panic!("{polled:?}");
    };
    assert_eq!(readings[0].answer.as_ref().unwrap().rows.len(), 1);
    assert_eq!(
        *asked.lock().unwrap(),
        [
            "/api/v1/namespaces/monitoring/services/https:prometheus:9090/proxy/prefix/api/v1/query?query=up%7Ba%3D%22b+c%22%7D&timeout=5s"
        ]
    );
}

#[tokio::test]
async fn alerts_are_read_through_the_proxy_too() {
    let (read, asked) = cluster(Exchange::json("[]"));
    let server = service("alertmanager-operated:9093", "");
    let options = AlertsOptions {
        server: server.clone(),
        filter: filter(),
        always_firing: Vec::new(),
    };
    let mut alertmanager = Alertmanager::new(client(&server, &read).await, &options);
    let polled = alertmanager.poll().await.unwrap();
    assert!(
        matches!(&polled[..], [Observation::Alerts(reading)] if reading.alerts.is_empty()),
        "{polled:?}"
    );
    let asked = asked.lock().unwrap();
    let begins =
        "/api/v1/namespaces/monitoring/services/alertmanager-operated:9093/proxy/api/v2/alerts?filter=";
    assert!(
        asked.iter().all(|path| path.starts_with(begins)) && !asked.is_empty(),
        "{asked:?}"
    );
}

/// An answer, the kind of its problem, a part of the sentence, and a part of the advice.
const REFUSALS: [(&str, ProblemKind, &str, &str); 4] = [
    (
        "kube-service-proxy-forbidden-403",
        ProblemKind::Forbidden,
        "read metrics from the service prometheus:9090 in monitoring: 403 Forbidden from the API server: services",
        "ask for the right `get services/proxy` there",
    ),
    (
        "kube-service-proxy-no-endpoints-503",
        ProblemKind::Refused,
        "no endpoints available",
        "oc get endpoints",
    ),
    (
        "kube-service-proxy-unreachable-503",
        ProblemKind::Refused,
        "error trying to reach service",
        "oc get endpoints",
    ),
    (
        "kube-service-proxy-to-openshift-401",
        ProblemKind::Unauthorized,
        "401 Unauthorized",
        "configure the server's own url in place of service",
    ),
];

#[tokio::test]
async fn what_the_proxy_refuses_by_hand_written_recordings_says_what_to_ask_for() {
    for (name, kind, words, advice) in REFUSALS {
        let (read, _) = cluster(by_hand(name));
        let problem = up(&service("prometheus:9090", ""), &read).await.unwrap_err();
        assert_eq!(problem.kind, kind, "{name}: {problem:?}");
        assert!(problem.what.contains(words), "{name}: {problem:?}");
        assert!(
            problem.advice.as_ref().unwrap().contains(advice),
            "{name}: {problem:?}"
        );
    }
}

#[tokio::test]
async fn a_redirection_behind_the_proxy_is_a_sign_in_that_it_can_t_do() {
    let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"sso.test","reason":"Redirected","code":302}"#;
    let (read, _) = cluster(Exchange::json(status).status(502));
    let problem = up(&service("prometheus:9090", ""), &read).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unauthorized);
    assert!(
        problem.what.contains("the API server's proxy passes on no token"),
        "{problem:?}"
    );
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_the_problem_of_the_source() {
    let read: ReadCluster = Arc::new(|_| {
        let problem = Problem::new(
            ProblemKind::Dns,
            "connect to api.test: its name can't be resolved",
        );
        std::future::ready(Err(problem)).boxed()
    });
    let problem = up(&service("prometheus:9090", ""), &read).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Dns);
}

fn route() -> Server {
    Server {
        location: Location::Route(ClusterRoute {
            namespace: "openshift-monitoring".to_owned(),
            name: "thanos-querier".to_owned(),
        }),
        credential: token("t0ken"),
        ..located("http://nowhere.test")
    }
}

#[tokio::test]
async fn a_route_is_read_from_the_cluster_and_gives_its_host() {
    let found = r#"{"kind":"Route","spec":{"host":"wanted.test","path":"/api","tls":{"termination":"reencrypt"}},
        "status":{"ingress":[{"host":""},{"host":"thanos-querier-openshift-monitoring.apps.c.test"}]}}"#;
    let (read, asked) = cluster(Exchange::json(found));
    let endpoint = route().endpoint(&read).await.unwrap();
    assert_eq!(
        endpoint.base,
        "https://thanos-querier-openshift-monitoring.apps.c.test/"
    );
    assert_eq!(
        *asked.lock().unwrap(),
        ["/apis/route.openshift.io/v1/namespaces/openshift-monitoring/routes/thanos-querier"]
    );
}

#[tokio::test]
async fn a_route_that_can_t_be_read_or_used_says_why_and_what_to_do() {
    let status = |code: u16, message: &str| {
        let body = format!(r#"{{"kind":"Status","message":"{message}","code":{code}}}"#);
        Exchange::json(&body).status(code)
    };
    let with = |tls: &str, host: &str| {
        Exchange::json(&format!(
            r#"{{"spec":{{{tls}}},"status":{{"ingress":[{{"host":"{host}"}}]}}}}"#
        ))
    };
    let tls = r#""tls":{}"#;
    let forbidden = "routes.route.openshift.io \\\"thanos-querier\\\" is forbidden";
    // the answer, its kind, a part of the sentence, a part of the advice
    let table = [
        (
            status(403, forbidden),
            ProblemKind::Forbidden,
            "is forbidden",
            "ask for `get routes` in openshift-monitoring",
        ),
        (
            status(404, "the server could not find the requested resource"),
            ProblemKind::NotFound,
            "404",
            "configure url or service",
        ),
        (
            status(401, "Unauthorized"),
            ProblemKind::Unauthorized,
            "401",
            "oc login",
        ),
        (
            with("", "h.test"),
            ProblemKind::Configuration,
            "it has no TLS",
            "configure the server's url",
        ),
        (
            with(tls, ""),
            ProblemKind::Configuration,
            "no router has admitted it",
            "url",
        ),
        (
            with(tls, "h.test:8443"),
            ProblemKind::Configuration,
            "its host is no host",
            "url",
        ),
        (
            with(tls, "me@h.test"),
            ProblemKind::Configuration,
            "its host is no host",
            "url",
        ),
        (
            with(tls, "h.test/x"),
            ProblemKind::Configuration,
            "its host is no host",
            "url",
        ),
        (
            Exchange::json("sign in first"),
            ProblemKind::Configuration,
            "the answer is no route",
            "url",
        ),
    ];
    for (exchange, kind, words, advice) in table {
        let (read, _) = cluster(exchange);
        let problem = route().endpoint(&read).await.unwrap_err();
        assert_eq!(problem.kind, kind, "{problem:?}");
        let begins = problem
            .what
            .starts_with("read the route thanos-querier in openshift-monitoring: ");
        assert!(begins && problem.what.contains(words), "{problem:?}");
        assert!(problem.advice.as_ref().unwrap().contains(advice), "{problem:?}");
    }
}
