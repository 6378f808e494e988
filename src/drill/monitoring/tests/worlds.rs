//! What the servers know of a world: figures, alerts and issues follow from what happens in it.

use std::collections::BTreeSet;

use sopwatch_core::profile::monitoring::Figure;

use super::super::MonitoringServer;
use super::super::matchers::LabelMatcher;
use super::super::series::labels;
use super::{drill, figure, get, query, value};

#[tokio::test]
async fn a_quiet_world_has_a_row_for_every_figure_that_needs_one() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path(), 20).await;
    let by_pod = figure(&drill, "up").await;
    assert_eq!(by_pod.len(), 3, "{by_pod:?}");
    for (labels, up) in &by_pod {
        assert!((*up - 1.0).abs() < f64::EPSILON, "{labels}");
        assert_eq!(labels["job"], "managed-services-api-metrics");
    }
    let pods = get(&drill, MonitoringServer::Metrics, "/api/v1/series?match[]=up").await;
    assert!(pods.body.contains("managed-services-api-"), "{}", pods.body);
    for name in [
        "sample-age",
        "cpu",
        "throttled",
        "memory",
        "memory-in-an-hour",
        "restarts",
        "network-received",
        "network-sent",
        "network-errors",
        "network-drops",
        "disk-reads",
        "disk-writes",
    ] {
        let rows = figure(&drill, name).await;
        assert_eq!(rows.len(), 3, "{name}: {rows:?}");
    }
    for (name, least, most) in [
        ("volume", 0.2, 0.4),
        ("volume-yesterday", 0.2, 0.4),
        ("volume-last-week", 0.2, 0.4),
        ("requests", 60.0, 120.0),
        ("probes", 0.45, 0.65),
        ("errors", 0.0, 0.0),
        ("slow", 0.0, 0.0),
        ("very-slow", 0.0, 0.0),
    ] {
        let found = value(&drill, name).await;
        assert!((least..=most).contains(&found), "{name}: {found}");
    }
    for name in ["errors-by-path", "oom-killed"] {
        let rows = figure(&drill, name).await;
        assert!(rows.is_empty(), "{name}: {rows:?}");
    }
    for (labels, age) in figure(&drill, "sample-age").await {
        assert!((0.0..=30.0).contains(&age), "{labels}: {age}");
    }
}

#[tokio::test]
async fn the_pattern_of_the_profile_means_every_pod_of_the_world_and_none_of_a_canary() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path(), 20).await;
    let query_of = super::super::queries::text_of("network-received").unwrap();
    let matcher = query_of
        .split(',')
        .find(|part| part.starts_with("pod=~"))
        .unwrap();
    let name = "container_network_receive_bytes_total";
    let with = query(&drill, &format!("{name}{{{matcher}}}")).await;
    assert_eq!(with.len(), 3, "{with:?}");
    assert_eq!(with, query(&drill, name).await);
    let selector = |pod: &str| {
        let own = LabelMatcher::of_filter(matcher).unwrap();
        own.matches(&labels(&[("pod", pod)]))
    };
    for (pod, means) in [
        ("managed-services-api-58f7b8b649-2mgcp", true),
        ("managed-services-api-canary-6c8f9d7b54-q4z8n", false),
        ("managed-services-api-58f7b8b649-2mgcp-x", false),
        ("managed-services-api-0", false),
        ("managed-services-api-debug", false),
        ("old-managed-services-api-58f7b8b649-2mgcp", false),
    ] {
        assert_eq!(selector(pod), means, "{pod}");
    }
}

#[tokio::test]
async fn every_figure_is_answered_in_every_kind_of_trouble() {
    for id in [
        "crash-loop-oom",
        "node-lost",
        "scaled-to-zero",
        "api-down-migration",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let drill = drill(id, folder.path(), 60).await;
        for one in Figure::ALL {
            for (labels, value) in figure(&drill, one.name()).await {
                assert!(
                    value.is_finite() || value.is_nan(),
                    "{id}, {one}: {labels} {value}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_share_of_errors_is_that_of_the_world() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("service-errors", folder.path(), 360).await;
    let share = value(&drill, "errors").await;
    assert!((0.15..0.5).contains(&share), "{share}");
    let rows = figure(&drill, "errors-by-path").await;
    assert!(!rows.is_empty() && rows.len() <= 5);
    assert!(rows.iter().all(|(labels, _)| labels["code"] == "500"));
}

#[tokio::test]
async fn a_saturated_world_is_slow_and_throttled() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("saturation", folder.path(), 360).await;
    assert!(value(&drill, "very-slow").await > 0.3);
    for name in ["cpu", "throttled"] {
        for (labels, share) in figure(&drill, name).await {
            assert!(share > 0.3, "{name}: {labels} {share}");
        }
    }
}

#[tokio::test]
async fn calls_to_ocm_without_an_answer_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("ocm-slow-outbound", folder.path(), 360).await;
    let rows = figure(&drill, "outbound-errors").await;
    let clusters = rows
        .iter()
        .find(|(labels, _)| labels["apiservice"] == "ocm-clusters-service");
    let share = clusters.map(|(_, share)| *share);
    assert!(share.is_some_and(|share| (0.3..0.7).contains(&share)), "{rows:?}");
}

#[tokio::test]
async fn rates_outlive_pods_that_are_down_by_minutes() {
    let folder = tempfile::tempdir().unwrap();
    // the pods were replaced by ones that do not start 15 minutes before the start
    let drill = drill("api-down-migration", folder.path(), 0).await;
    let at = |minutes: i64| super::start().as_second() - minutes * 60;
    let volume = super::super::queries::text_of("volume").unwrap();
    let rows = |answer: &super::Answer| answer.json()["data"]["result"].as_array().map(Vec::len);
    let path = |text: &str, minutes: i64| {
        format!(
            "/api/v1/query?query={}&time={}",
            super::escaped(text),
            at(minutes)
        )
    };
    for (minutes, raw, rated) in [(20, true, true), (12, false, true), (3, false, false)] {
        let answer = get(
            &drill,
            MonitoringServer::Metrics,
            &path("api_inbound_request_count", minutes),
        )
        .await;
        assert_eq!(
            rows(&answer) > Some(0),
            raw,
            "{minutes} minutes ago: {}",
            answer.body
        );
        let answer = get(&drill, MonitoringServer::Metrics, &path(&volume, minutes)).await;
        assert_eq!(
            rows(&answer) > Some(0),
            rated,
            "{minutes} minutes ago: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn down_is_pending_for_a_quarter_of_an_hour_and_then_fires() {
    let states = |lived: u64| async move {
        let folder = tempfile::tempdir().unwrap();
        let drill = drill("scaled-to-zero", folder.path(), lived).await;
        let found = get(&drill, MonitoringServer::Metrics, "/api/v1/rules?type=alert")
            .await
            .json();
        let rules = found["data"]["groups"][0]["rules"].as_array().unwrap().clone();
        let down = rules
            .iter()
            .find(|rule| rule["name"] == "ManagedServicesApiDown")
            .unwrap();
        let sent = get(&drill, MonitoringServer::Alerts, "/api/v2/alerts")
            .await
            .json();
        let sent: Vec<String> = sent
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned())
            .collect();
        let series = query(&drill, "ALERTS{alertname=\"ManagedServicesApiDown\"}").await;
        (down["state"].as_str().unwrap().to_owned(), sent, series)
    };
    let (state, sent, series) = states(60).await;
    assert_eq!((state.as_str(), sent), ("pending", vec!["Watchdog".to_owned()]));
    assert_eq!(series[0].0["alertstate"], "pending");
    let (state, sent, series) = states(1_200).await;
    assert_eq!(state, "firing");
    assert!(sent.contains(&"ManagedServicesApiDown".to_owned()), "{sent:?}");
    assert_eq!(series[0].0["alertstate"], "firing");
}

#[tokio::test]
async fn every_scenario_names_the_alerts_that_are_there_in_its_first_minutes() {
    let mut wrong = Vec::new();
    for info in crate::scenarios() {
        let scenario = crate::scenario(&info.id).unwrap();
        // what the scenario says would be over at that moment if the world were well; what the samples say is there at once
        let of_scenario = scenario.alerts.iter().any(|alert| alert.since.is_some());
        let seconds = if of_scenario { 110 } else { 20 };
        let moment = jiff::SignedDuration::from_secs(seconds);
        let named = scenario.alerts.iter();
        let named = named.filter(|alert| alert.until.is_none_or(|until| until > moment));
        let named: BTreeSet<&str> = named.map(|alert| alert.name.as_str()).collect();
        let folder = tempfile::tempdir().unwrap();
        let drill = drill(&info.id, folder.path(), seconds.unsigned_abs()).await;
        let mut found: BTreeSet<&str> = drill.monitoring().active_alerts().into_iter().collect();
        found.remove("ContainerCpuThrottled");
        if named != found {
            wrong.push(format!("{}: named {named:?}, there {found:?}", info.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
