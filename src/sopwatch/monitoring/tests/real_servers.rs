//! The adapter against Prometheus and Alertmanager themselves: every query of the profile on series with the real labels, rules that fire,
//! alerts that arrive, and what the console's judgement makes of it.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::super::alertmanager::Alertmanager;
use super::super::http_client::HttpClient;
use super::super::options::{AlertsOptions, ServiceFilter};
use super::super::poll_loop::Poll as _;
use super::super::prometheus::{Prometheus, QueryError};
use super::super::rules::Rules;
use super::server::{Exchange, Server};
use super::{endpoint, located};
use crate::patience::Deadline;
use crate::tools;
use sopwatch_core::diagnose::diagnose;
use sopwatch_core::diagnose::monitoring::alerts::{choosing_alert, service_alerts};
use sopwatch_core::observe::observation::{FigureReading, Observation, Pod, PodUid};
use sopwatch_core::observe::state::State;
use sopwatch_core::profile::monitoring::matcher::Matcher;
use sopwatch_core::profile::monitoring::{Figure, MetricQuery, Monitoring};
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::testkit::{built_in_profile, pod};

const NAMESPACE: &str = "managed-services-stage";

const PODS: [&str; 3] = [
    "managed-services-api-58f7b8b649-2mgcp",
    "managed-services-api-58f7b8b649-blf5h",
    "managed-services-api-58f7b8b649-lzxms",
];

/// A pod of another deployment in the namespace: throttled, killed for its memory, and with a bad network.
const CANARY: &str = "managed-services-api-canary-6c8f9d7b54-q4z8n";

/// A program that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(program: &str, arguments: &[String]) -> Self {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What a pod counts of its requests after so many scrapes: eight answers in a scrape, of which none fails, and a probe.
fn of_pod(scrapes: u64) -> String {
    let mut text = String::new();
    let (requests, probes, calls) = (8 * scrapes, scrapes, 4 * scrapes);
    for (code, count) in [("200", requests), ("500", 0)] {
        let labels = format!(r#"method="GET",path="/api/managed-services-api/v1/kafkas",code="{code}""#);
        let _ = writeln!(text, "api_inbound_request_count{{{labels}}} {count}");
        for le in ["0.1", "1.0", "+Inf"] {
            let _ = writeln!(
                text,
                "api_inbound_request_duration_bucket{{{labels},le=\"{le}\"}} {count}"
            );
        }
        let _ = writeln!(text, "api_inbound_request_duration_count{{{labels}}} {count}");
    }
    let probe = r#"method="GET",path="/api/managed-services-api",code="200""#;
    let _ = writeln!(text, "api_inbound_request_count{{{probe}}} {probes}");
    for (code, count) in [("200", calls), ("0", 0)] {
        let labels = format!(r#"apiservice="ocm-clusters-service",method="GET",path="/api",code="{code}""#);
        let _ = writeln!(text, "api_outbound_request_count{{{labels}}} {count}");
    }
    text
}

/// What the kubelets and kube-state-metrics say of the pods after so many scrapes.
fn of_cluster(scrapes: u64) -> String {
    let mut text = String::new();
    for pod in PODS.into_iter().chain([CANARY]) {
        let is_well = pod != CANARY;
        let container = format!(r#"namespace="{NAMESPACE}",pod="{pod}",container="service""#);
        let whole_pod = format!(r#"namespace="{NAMESPACE}",pod="{pod}",container="",interface="eth0""#);
        let mut put = |name: &str, labels: &str, value: f64| {
            let _ = writeln!(text, "{name}{{{labels}}} {value}");
        };
        let grown = scrapes as f64;
        let throttled = if is_well { 0.0 } else { grown * 6.0 };
        put("container_cpu_usage_seconds_total", &container, grown * 0.2);
        put("container_cpu_cfs_periods_total", &container, grown * 10.0);
        put("container_cpu_cfs_throttled_periods_total", &container, throttled);
        put("container_memory_working_set_bytes", &container, 400e6);
        put(
            "container_fs_reads_bytes_total",
            &format!(r#"namespace="{NAMESPACE}",pod="{pod}",container="""#),
            grown,
        );
        put("container_fs_writes_bytes_total", &container, grown * 4096.0);
        for counter in ["receive_bytes", "transmit_bytes"] {
            put(
                &format!("container_network_{counter}_total"),
                &whole_pod,
                grown * 1e4,
            );
        }
        for counter in [
            "receive_errors",
            "transmit_errors",
            "receive_packets_dropped",
            "transmit_packets_dropped",
        ] {
            let lost = if is_well { 0.0 } else { grown * 40.0 };
            put(&format!("container_network_{counter}_total"), &whole_pod, lost);
        }
        let restarts = if is_well { 0.0 } else { grown };
        put("kube_pod_container_status_restarts_total", &container, restarts);
        if !is_well {
            put(
                "kube_pod_container_status_last_terminated_reason",
                &format!(r#"{container},reason="OOMKilled""#),
                1.0,
            );
        }
        put(
            "kube_pod_container_resource_limits",
            &format!(r#"{container},resource="cpu""#),
            1.0,
        );
        put(
            "kube_pod_container_resource_limits",
            &format!(r#"{container},resource="memory""#),
            1e9,
        );
    }
    text
}

/// Serves what grows with each scrape.
async fn exporter(text: fn(u64) -> String) -> Server {
    let scrapes = AtomicU64::new(0);
    Server::answering(Arc::new(move |_| {
        let mut exchange = Exchange::json(&text(scrapes.fetch_add(1, Ordering::SeqCst)));
        exchange
            .headers
            .insert("content-type", "text/plain; version=0.0.4".parse().unwrap());
        exchange
    }))
    .await
}

fn host(server: &Server) -> &str {
    server.address.trim_start_matches("http://")
}

/// Requests as they were at this time a day and a week ago, in the text that becomes blocks of the server's own storage.
fn history(now: Timestamp) -> String {
    let mut text = "# TYPE api_inbound_request_count counter\n".to_owned();
    for days in [7, 1] {
        let then = now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap();
        for step in 0..60_i64 {
            let at = then.as_second() - 1_200 + step * 30;
            let labels = format!(
                r#"job="managed-services-api-metrics",namespace="{NAMESPACE}",pod="{}",path="/x",code="200""#,
                PODS[0]
            );
            let _ = writeln!(
                text,
                "api_inbound_request_count_total{{{labels}}} {} {at}",
                step * 60
            );
        }
    }
    text.push_str("# EOF\n");
    text.replace("api_inbound_request_count_total", "api_inbound_request_count")
        .replace(
            "# TYPE api_inbound_request_count counter",
            "# TYPE api_inbound_request_count unknown",
        )
}

/// Prometheus, Alertmanager, and what they scrape.
struct Servers {
    prometheus: String,
    alertmanager: String,
    _running: Vec<Running>,
    _exporters: Vec<Server>,
    _folder: TempDir,
}

impl Servers {
    async fn start(now: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut exporters = Vec::new();
        for _ in PODS {
            exporters.push(exporter(of_pod).await);
        }
        exporters.push(exporter(of_cluster).await);
        let (web, manager) = (free_port(), free_port());
        write_configuration(folder.path(), &exporters, manager);
        std::fs::write(path("history.om"), history(now)).unwrap();
        let made = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([path("history.om"), path("data")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let argument = |name: &str, value: &str| format!("--{name}={value}");
        let alertmanager = Running::start(
            "prometheus-alertmanager",
            &[
                argument("config.file", path("alertmanager.yml").to_str().unwrap()),
                argument("storage.path", path("silences").to_str().unwrap()),
                argument("web.listen-address", &format!("127.0.0.1:{manager}")),
                argument("cluster.listen-address", ""),
            ],
        );
        let prometheus = Running::start(
            "prometheus",
            &[
                argument("config.file", path("prometheus.yml").to_str().unwrap()),
                argument("storage.tsdb.path", path("data").to_str().unwrap()),
                argument("web.listen-address", &format!("127.0.0.1:{web}")),
                // What fires before the first Alertmanager is known is sent again soon, not in a minute.
                argument("rules.alert.resend-delay", "1s"),
            ],
        );
        Self {
            prometheus: format!("http://127.0.0.1:{web}"),
            alertmanager: format!("http://127.0.0.1:{manager}"),
            _running: vec![alertmanager, prometheus],
            _exporters: exporters,
            _folder: folder,
        }
    }

    fn client(&self) -> Prometheus {
        Prometheus {
            client: HttpClient::new(endpoint(&self.prometheus)).unwrap(),
            tenancy: None,
        }
    }
}

fn write_configuration(folder: &Path, exporters: &[Server], manager: u16) {
    let mut pods = String::new();
    for (pod, server) in PODS.iter().zip(exporters) {
        let _ = write!(
            pods,
            "      - targets: [\"{}\"]\n        labels: {{namespace: {NAMESPACE}, pod: {pod}, container: service}}\n",
            host(server)
        );
    }
    let cluster = host(exporters.last().unwrap());
    let prometheus = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{cluster: c1}}}}\n\
         rule_files: [rules.yml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: [\"127.0.0.1:{manager}\"]}}]}}]}}\n\
         scrape_configs:\n\
         \x20 - job_name: managed-services-api-metrics\n    static_configs:\n{pods}\
         \x20 - job_name: kubelet\n    honor_labels: true\n    static_configs: [{{targets: [\"{cluster}\"]}}]\n"
    );
    let rules = r"groups:
- name: service
  rules:
  - alert: ManagedServicesApiLatency
    expr: vector(1) > 0
    for: 0s
    labels: {service: managed-services-api, severity: critical}
    annotations: {message: too slow, runbook: 'https://sops.test/msa.md#managed-services-api-latency'}
  - alert: ManagedServicesApiAvailability
    expr: vector(1) > 0
    for: 1h
    labels: {service: managed-services-api, severity: critical}
  - alert: ManagedServicesApiDown
    expr: absent(up{job='managed-services-api-metrics'} == 1)
    for: 15m
    labels: {service: managed-services-api, severity: critical}
  - alert: Watchdog
    expr: vector(1)
    labels: {severity: none}
";
    let alertmanager = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
    for (name, text) in [
        ("prometheus.yml", prometheus.as_str()),
        ("rules.yml", rules),
        ("alertmanager.yml", alertmanager),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

fn are_installed() -> bool {
    ["prometheus", "promtool", "prometheus-alertmanager"]
        .into_iter()
        .all(tools::has)
}

/// Whether a query has no row in a service that is well.
fn may_be_empty(figure: Figure) -> bool {
    figure == Figure::OomKilled
}

/// Asks until the query has rows, all of them numbers.
async fn answered(prometheus: &Prometheus, query: &MetricQuery) -> FigureReading {
    let deadline = Deadline::until("Prometheus answers the query with numbers");
    loop {
        match prometheus.query(&query.text).await {
            Ok(answer) => {
                let numbers = answer.rows.iter().all(|row| row.value.finite().is_some());
                if numbers && !answer.rows.is_empty() || may_be_empty(query.figure) {
                    return FigureReading {
                        figure: query.figure,
                        window_s: query.window.map(|window| window.as_secs()),
                        answer: Ok(answer),
                    };
                }
            }
            Err(QueryError::Query(why)) => panic!("{}: {why}", query.text),
            // It starts.
            Err(QueryError::Source(_)) => {}
        }
        deadline.pause_task().await;
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "Prometheus goes by the world's clock")]
async fn every_query_of_the_profile_is_answered_by_prometheus_and_judged() {
    if !are_installed() {
        return;
    }
    let profile = built_in_profile();
    let monitoring = profile.monitoring.as_ref().unwrap();
    let servers = Servers::start(Timestamp::now()).await;
    let prometheus = servers.client();
    let queries = monitoring.queries(&profile, NAMESPACE);
    // Enough requests for a verdict come within seconds, and grow from then on.
    let requests = queries
        .iter()
        .find(|query| query.figure == Figure::Requests)
        .unwrap();
    let deadline = Deadline::until("Prometheus counts enough requests");
    loop {
        let reading = answered(&prometheus, requests).await;
        let counted: f64 = reading.answer.unwrap().rows.iter().map(|row| row.value.0).sum();
        if counted > 60.0 {
            break;
        }
        deadline.pause_task().await;
    }
    let mut readings = Vec::new();
    for query in &queries {
        readings.push(answered(&prometheus, query).await);
    }
    let of_canary = readings.iter().filter(|reading| {
        let rows = &reading.answer.as_ref().unwrap().rows;
        rows.iter()
            .any(|row| row.label("pod").is_some_and(|pod| **pod == *CANARY))
    });
    assert_eq!(of_canary.count(), 0, "{readings:#?}");
    let mut state = State::default();
    let now = Timestamp::now();
    let own = PODS.map(|name| Pod {
        uid: PodUid(name.into()),
        name: name.into(),
        ..pod(name, 600)
    });
    state.apply(Observation::Pods(own.into()), now);
    state.apply(Observation::Metrics(readings), now);
    let diagnosis = diagnose(&state, &profile, profile.sop("api-availability").unwrap(), now);
    for id in ["metrics-application", "metrics-resources"] {
        let step = diagnosis.steps.iter().find(|step| step.id == id).unwrap();
        assert_eq!(step.status, StepStatus::Pass, "{step:#?}");
    }
    let yesterday = state
        .monitoring
        .figure(Figure::VolumeYesterday, Some(Duration::from_mins(5)));
    let yesterday = yesterday.unwrap().1.answer.as_ref().unwrap().rows[0].value.0;
    assert!(
        (yesterday - 2.0).abs() < 0.2,
        "{yesterday} requests/s by the blocks that were written"
    );
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "Prometheus goes by the world's clock")]
async fn a_rule_fires_its_alert_arrives_and_chooses_the_sop() {
    if !are_installed() {
        return;
    }
    let profile = built_in_profile();
    let monitoring = profile.monitoring.as_ref().unwrap();
    let servers = Servers::start(Timestamp::now()).await;
    let matchers = |texts: &Vec<String>| -> Vec<Matcher> {
        let read = |text: &String| Matcher::parse(&Monitoring::in_namespace(text, NAMESPACE)).unwrap();
        texts.iter().map(read).collect()
    };
    let filter = ServiceFilter(monitoring.alerts.filters.iter().map(matchers).collect());
    let options = AlertsOptions {
        server: located(&servers.alertmanager),
        filter: filter.clone(),
        always_firing: matchers(&monitoring.alerts.always_firing),
    };
    let mut alertmanager = Alertmanager::new(
        HttpClient::new(endpoint(&servers.alertmanager)).unwrap(),
        &options,
    );
    let mut rules = Rules::new(servers.client(), filter);
    let deadline = Deadline::until("the alert arrives");
    let state = loop {
        let mut state = State::default();
        if let (Ok(alerts), Ok(rules)) = (alertmanager.poll().await, rules.poll().await) {
            for observation in alerts.into_iter().chain(rules) {
                state.apply(observation, Timestamp::now());
            }
        }
        let is_there = state
            .monitoring
            .alerts()
            .is_some_and(|(_, reading)| reading.alive.is_some() && !reading.alerts.is_empty());
        if is_there {
            break state;
        }
        deadline.pause_task().await;
    };
    let now = Timestamp::now();
    let (_, reading) = state.monitoring.alerts().unwrap();
    for alert in &reading.alerts {
        // Four times the interval of the rules or the delay, which are a second both, after it was sent.
        let lasts = alert.ends_at.unwrap().duration_since(alert.updated_at);
        assert!((3..=4).contains(&lasts.as_secs()), "{alert:?}");
    }
    let alerts = service_alerts(&state, &profile, now);
    let chosen = choosing_alert(&alerts).unwrap();
    assert_eq!(
        (&*chosen.name, chosen.sop.as_deref()),
        ("ManagedServicesApiLatency", Some("api-latency"))
    );
    let pending = alerts
        .iter()
        .find(|alert| &*alert.name == "ManagedServicesApiAvailability")
        .unwrap();
    assert!(
        pending.words(now).contains("fires in 59m"),
        "{}",
        pending.words(now)
    );
    let first = |sop: &str| {
        let diagnosis = diagnose(&state, &profile, profile.sop(sop).unwrap(), now);
        diagnosis.steps[0].status
    };
    assert_eq!(first("api-latency"), StepStatus::Fail);
    assert_eq!(first("api-availability"), StepStatus::Waiting);
    assert_eq!(
        first("kafka-provisioning-latency"),
        StepStatus::Unknown,
        "it has no rule"
    );
}
