//! Logins and faults: what a client meets where a server does not answer as it should.

use std::time::Duration;

use super::super::{MonitoringFault, MonitoringServer};
use super::{Answer, drill, drill_of, figure, get, send};
use crate::Drill;
use crate::patience::Deadline;
use crate::scenario::Scenario;

const PATHS: [(MonitoringServer, &str); 3] = [
    (MonitoringServer::Metrics, "/api/v1/query?query=up"),
    (MonitoringServer::Alerts, "/api/v2/alerts"),
    (
        MonitoringServer::Tracker,
        "/api/0/organizations/managed-services/issues/",
    ),
];

async fn with_token(drill: &Drill, server: MonitoringServer, path: &str, token: Option<&str>) -> Answer {
    send(drill, server, "GET", path, token, "").await.unwrap()
}

#[tokio::test]
async fn a_missing_or_wrong_token_is_refused_as_real_servers_refuse_it() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path(), 0).await;
    for (server, path) in PATHS {
        let is_tracker = server == MonitoringServer::Tracker;
        for (token, said) in [
            (None, "Authentication credentials were not provided."),
            (Some("wrong"), "Invalid token."),
        ] {
            let answer = with_token(&drill, server, path, token).await;
            if is_tracker {
                assert_eq!(
                    (answer.status, answer.json()["detail"].as_str()),
                    (403, Some(said))
                );
            } else {
                assert_eq!((answer.status, answer.body.as_str()), (401, "Unauthorized\n"));
                assert_eq!(answer.content_type(), "text/plain; charset=utf-8");
            }
        }
        assert_eq!(get(&drill, server, path).await.status, 200, "{server:?}");
    }
}

#[tokio::test]
async fn the_tokens_of_two_servers_differ_and_each_is_in_a_file_of_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path(), 0).await;
    let variables = std::fs::read_to_string(drill.variables()).unwrap();
    for server in MonitoringServer::ALL {
        let file = drill.monitoring_token_file(server);
        let token = std::fs::read_to_string(&file).unwrap();
        assert_eq!(token.trim_end(), drill.monitoring().token(server));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
        assert!(variables.contains(&drill.monitoring().url(server)), "{variables}");
        assert!(!variables.contains(token.trim_end()), "{variables}");
        let others = MonitoringServer::ALL.into_iter().filter(|other| *other != server);
        for other in others {
            assert_ne!(drill.monitoring().token(other), token.trim_end());
        }
    }
}

#[tokio::test]
async fn each_fault_is_played_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path(), 0).await;
    for (server, path) in PATHS {
        let set = |fault| drill.monitoring().set_fault(server, fault);
        set(Some(MonitoringFault::Forbidden));
        let answer = get(&drill, server, path).await;
        let said = match server {
            MonitoringServer::Metrics => {
                "Forbidden (user=oncall@example.com, verb=get, resource=prometheuses, subresource=api)\n"
            }
            MonitoringServer::Alerts => {
                "Forbidden (user=oncall@example.com, verb=get, resource=alertmanagers, subresource=api)\n"
            }
            MonitoringServer::Tracker => r#"{"detail":"You do not have permission to perform this action."}"#,
        };
        assert_eq!((answer.status, answer.body.as_str()), (403, said));
        set(Some(MonitoringFault::SignIn));
        let answer = get(&drill, server, path).await;
        assert_eq!(
            (answer.status, answer.content_type()),
            (403, "text/html; charset=utf-8")
        );
        set(Some(MonitoringFault::Down));
        let token = drill.monitoring().token(server).to_owned();
        let closed = Deadline::until("the port is closed");
        while send(&drill, server, "GET", path, Some(&token), "").await.is_ok() {
            closed.pause_task().await;
        }
        set(None);
        let open = Deadline::until("the port is open again");
        while send(&drill, server, "GET", path, Some(&token), "").await.is_err() {
            open.pause_task().await;
        }
        assert_eq!(get(&drill, server, path).await.status, 200, "{server:?}");
    }
}

#[tokio::test]
async fn a_slow_query_times_out_on_the_server_when_the_request_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path(), 0).await;
    let metrics = MonitoringServer::Metrics;
    drill.monitoring().set_fault(metrics, Some(MonitoringFault::Slow));
    let answer = get(&drill, metrics, "/api/v1/query?query=up&timeout=10ms").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        r#"{"error":"query timed out in expression evaluation","errorType":"timeout","status":"error"}"#
    );
}

#[tokio::test]
async fn metrics_can_be_nan_and_partial_and_only_they() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path(), 20).await;
    let metrics = MonitoringServer::Metrics;
    let usual = figure(&drill, "requests").await[0].1;
    drill.monitoring().set_fault(metrics, Some(MonitoringFault::Nan));
    let found = figure(&drill, "requests").await;
    assert!(found[0].1.is_nan(), "{found:?}");
    drill
        .monitoring()
        .set_fault(metrics, Some(MonitoringFault::Partial));
    let answer = get(&drill, metrics, "/api/v1/query?query=up").await.json();
    assert_eq!(answer["data"]["result"].as_array().unwrap().len(), 1);
    assert!(
        answer["warnings"][0]
            .as_str()
            .unwrap()
            .contains("code = Unavailable")
    );
    let found = figure(&drill, "requests").await[0].1;
    assert!(found < usual * 0.6, "{found} of {usual}");
    let alerts = MonitoringServer::Alerts;
    drill
        .monitoring()
        .set_fault(alerts, Some(MonitoringFault::Partial));
    assert_eq!(get(&drill, alerts, "/api/v2/alerts").await.status, 200);
}

#[tokio::test]
async fn a_frozen_server_knows_nothing_new() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../../assets/scenarios/scaled-to-zero.toml");
    // a minute before the start both freeze; the alert begins to fire fourteen minutes after it
    let frozen = "[[timeline]]\nat = '-1m'\nmonitoring = { metrics = 'frozen' }\n\
                  [[timeline]]\nat = '-1m'\nmonitoring = { alerts = 'frozen' }\n";
    let scenario = Scenario::parse("frozen.toml", &format!("{text}\n{frozen}")).unwrap();
    let early = drill_of(scenario.clone(), folder.path(), Duration::from_mins(1)).await;
    let sent = get(&early, MonitoringServer::Alerts, "/api/v2/alerts")
        .await
        .json();
    let sent = sent.as_array().unwrap();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let updated: jiff::Timestamp = sent[0]["updatedAt"].as_str().unwrap().parse().unwrap();
    assert!(updated < super::start(), "{updated}");
    let later_folder = tempfile::tempdir().unwrap();
    let drill = drill_of(scenario, later_folder.path(), Duration::from_mins(20)).await;
    let sent = get(&drill, MonitoringServer::Alerts, "/api/v2/alerts")
        .await
        .json();
    assert_eq!(sent, serde_json::json!([]), "what it knew has ended");
    assert!(figure(&drill, "up").await.is_empty());
    drill.monitoring().set_fault(MonitoringServer::Alerts, None);
    let sent = get(&drill, MonitoringServer::Alerts, "/api/v2/alerts")
        .await
        .json();
    assert_eq!(sent.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn samples_of_a_frozen_prometheus_grow_old() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../../assets/scenarios/all-well.toml");
    let frozen = "[[timeline]]\nat = '-2m'\nmonitoring = { metrics = 'frozen' }\n";
    let scenario = Scenario::parse("frozen.toml", &format!("{text}\n{frozen}")).unwrap();
    let drill = drill_of(scenario, folder.path(), Duration::ZERO).await;
    for (labels, age) in figure(&drill, "sample-age").await {
        assert!((120.0..=150.5).contains(&age), "{labels}: {age}");
    }
    assert_eq!(figure(&drill, "up").await.len(), 3);
}
