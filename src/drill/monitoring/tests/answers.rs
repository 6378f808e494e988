//! The forms of the answers: lists, filters, pages and refusals.

use super::super::MonitoringServer::{Alerts, Metrics, Tracker};
use super::{drill, drill_of, escaped, get};
use crate::scenario::Scenario;

const SILENCED: &str = "
[[alert]]
name = 'KafkaClusterProvisioningCorrectness'
since = '-40m'
until = '2h'
silenced = { by = 'controlplane', comment = 'until strimzi is fixed', since = '-3d', until = '27d' }
[[alert]]
name = 'KafkaClusterProvisioningLatency'
since = '-30m'
until = '2h'
";

#[tokio::test]
async fn alertmanager_filters_as_a_real_one_and_its_slips_are_silent() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../../assets/scenarios/all-well.toml");
    let scenario = Scenario::parse("f", &format!("{text}{SILENCED}")).unwrap();
    let drill = drill_of(scenario, folder.path(), std::time::Duration::from_secs(20)).await;
    let (correctness, latency) = (
        "KafkaClusterProvisioningCorrectness",
        "KafkaClusterProvisioningLatency",
    );
    let table: [(&str, &[&str]); 9] = [
        ("", &[correctness, latency, "Watchdog"]),
        (
            "?filter=service%3D%22managed-services-api%22",
            &[correctness, latency],
        ),
        ("?filter=alertname%3D~%22Kafka.%2BLatency%22", &[latency]),
        ("?silenced=false", &[latency, "Watchdog"]),
        ("?active=false", &[correctness]),
        ("?active=perhaps", &[correctness]),
        ("?receiver=deadmans.*", &["Watchdog"]),
        ("?filter=alertname%3D%3D", &[]),
        (
            "?filter=severity%3Dwarning&filter=alertname!%3DWatchdog",
            &[correctness, latency],
        ),
    ];
    for (query, names) in table {
        let answer = get(&drill, Alerts, &format!("/api/v2/alerts{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        let found = answer.json();
        let mut found: Vec<_> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| alert["labels"]["alertname"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!(found, names, "{query}");
    }
    let silenced = get(&drill, Alerts, "/api/v2/alerts?active=false").await.json();
    assert_eq!(silenced[0]["status"]["state"], "suppressed");
    let id = silenced[0]["status"]["silencedBy"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let silence = get(&drill, Alerts, &format!("/api/v2/silence/{id}")).await.json();
    assert_eq!(
        (silence["createdBy"].as_str(), silence["status"]["state"].as_str()),
        (Some("controlplane"), Some("active"))
    );
    let list = "/api/v2/silences?filter=namespace%3D%22managed-services-stage%22";
    let listed = get(&drill, Alerts, list).await.json();
    assert_eq!(listed[0], silence);
    // the condition holds for 40 minutes, and the alert fires after `for`, 5 minutes, at the next evaluation
    let starts: jiff::Timestamp = silenced[0]["startsAt"].as_str().unwrap().parse().unwrap();
    let fired = super::start().duration_since(starts).as_secs();
    assert!((2_070..=2_100).contains(&fired), "{fired}");
}

#[tokio::test]
async fn an_alert_that_fires_is_sent_again_and_ends_four_minutes_after_that() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("scaled-to-zero", folder.path(), 1_200).await;
    let sent = get(&drill, Alerts, "/api/v2/alerts").await.json();
    let sent = sent.as_array().unwrap();
    assert_eq!(sent.len(), 2, "{sent:?}");
    for alert in sent {
        let at = |name: &str| -> jiff::Timestamp { alert[name].as_str().unwrap().parse().unwrap() };
        let (starts, updated, ends) = (at("startsAt"), at("updatedAt"), at("endsAt"));
        let updated = updated.as_millisecond() - 7;
        // Rules are evaluated every 30 s, and what was sent a minute ago to the millisecond is not sent yet.
        assert_eq!((updated - starts.as_millisecond()) % 90_000, 0, "{alert}");
        assert_eq!(ends.as_millisecond() - updated, 240_000, "{alert}");
        let left = ends.duration_since(super::start()).as_secs() - 1_200;
        assert!((120..=240).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn prometheus_answers_ranges_labels_and_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path(), 0).await;
    let now = super::start().as_second();
    let volume = escaped(&super::super::queries::text_of("volume").unwrap());
    let path = format!(
        "/api/v1/query_range?query={volume}&start={}&end={now}&step=60",
        now - 3_600
    );
    let answer = get(&drill, Metrics, &path).await.json();
    assert_eq!(answer["data"]["resultType"], "matrix");
    let values = answer["data"]["result"][0]["values"].as_array().unwrap();
    assert_eq!(values.len(), 61, "an hour without a gap");
    assert!(values.iter().all(|pair| pair[0].is_i64() && pair[1].is_string()));
    let names = get(&drill, Metrics, "/api/v1/labels?match[]=up").await.json();
    assert_eq!(
        names["data"],
        serde_json::json!([
            "__name__",
            "container",
            "endpoint",
            "instance",
            "job",
            "namespace",
            "pod",
            "service"
        ])
    );
    let jobs = get(&drill, Metrics, "/api/v1/label/job/values").await.json();
    assert_eq!(
        jobs["data"],
        serde_json::json!(["kube-state-metrics", "kubelet", "managed-services-api-metrics"])
    );
    let metadata = get(
        &drill,
        Metrics,
        "/api/v1/metadata?metric=api_inbound_request_count",
    )
    .await
    .json();
    assert_eq!(
        metadata["data"]["api_inbound_request_count"][0]["type"],
        "counter"
    );
}

#[tokio::test]
async fn a_chart_goes_on_into_the_time_before_the_world() {
    let folder = tempfile::tempdir().unwrap();
    // its pods are forty minutes old
    let drill = drill("metrics-server-down", folder.path(), 0).await;
    let now = super::start().as_second();
    for (name, least) in [("volume", 61), ("errors", 61), ("slow", 61)] {
        let text = escaped(&super::super::queries::text_of(name).unwrap());
        let path = format!(
            "/api/v1/query_range?query={text}&start={}&end={now}&step=60",
            now - 3_600
        );
        let answer = get(&drill, Metrics, &path).await.json();
        let values = answer["data"]["result"][0]["values"].as_array().unwrap().len();
        assert_eq!(values, least, "{name}");
    }
}

#[tokio::test]
async fn the_tracker_lists_pages_and_filters_as_glitchtip() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("sso-outage", folder.path(), 60).await;
    let issues = "/api/0/organizations/managed-services/issues/";
    let whole = get(&drill, Tracker, issues).await;
    let all = whole.json().as_array().unwrap().clone();
    assert!(all.len() >= 2, "{all:?}");
    assert_eq!(whole.headers["x-hits"], all.len().to_string());
    assert!(all.iter().all(|issue| issue["count"].is_string()));
    let seen: Vec<_> = all
        .iter()
        .map(|issue| issue["lastSeen"].as_str().unwrap())
        .collect();
    assert!(seen.is_sorted_by(|left, right| left >= right), "{seen:?}");
    let first = get(&drill, Tracker, &format!("{issues}?limit=1")).await;
    assert_eq!(first.json().as_array().unwrap().len(), 1);
    let link = &first.headers["link"];
    assert!(link.contains("rel=\"next\"; results=\"true\""), "{link}");
    let cursor = link.rsplit("cursor=\"").next().unwrap().trim_end_matches('"');
    let second = get(
        &drill,
        Tracker,
        &format!("{issues}?limit=1&cursor={}", escaped(cursor)),
    )
    .await;
    assert_ne!(second.json()[0]["id"], first.json()[0]["id"]);
    for (query, found) in [
        ("?query=is:unresolved", true),
        ("?query=is:unresolvd", false),
        ("?query=is:unresolved+level:error", false),
        ("?environment=stage", true),
        ("?environment=nowhere", false),
        ("?project=23", true),
        ("?project=27", false),
        ("?start=2031-01-01T00:00:00", false),
    ] {
        let answer = get(&drill, Tracker, &format!("{issues}{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        assert_eq!(!answer.json().as_array().unwrap().is_empty(), found, "{query}");
    }
    let unknown = get(&drill, Tracker, "/api/0/organizations/nobody/issues/").await;
    assert_eq!((unknown.status, unknown.body.as_str()), (200, "[]"));
    let broken = get(&drill, Tracker, &format!("{issues}?query=title%3A%22open")).await;
    assert_eq!(
        (broken.status, broken.content_type()),
        (500, "text/html; charset=utf-8")
    );
    let projects = get(&drill, Tracker, "/api/0/organizations/managed-services/projects/")
        .await
        .json();
    assert_eq!(projects[1]["slug"], "managed-services-stage");
    assert!(projects[1]["firstEvent"].is_string());
}
