//! Prometheus and Alertmanager behind the API server's proxy to services.

use super::*;
use crate::monitoring::{MonitoringFault, MonitoringServer};

const SERVICES: &str = "/api/v1/namespaces/openshift-customer-monitoring/services";

async fn asked(drill: &Drill, path: &str) -> (u16, String) {
    whole(send(drill, "GET", &format!("{SERVICES}/{path}"), &[], "").await).await
}

#[tokio::test]
async fn the_servers_answer_without_a_token_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    for (path, words) in [
        (
            "prometheus-app-sre:9090/proxy/api/v1/query?query=up",
            r#""status":"success""#,
        ),
        (
            "http:prometheus-app-sre:web/proxy/api/v1/rules",
            "ManagedServicesApiDown",
        ),
        ("alertmanager-app-sre:9093/proxy/api/v2/alerts", "Watchdog"),
        (
            "prometheus-app-sre:9090/proxy/api/v1/query?query=sum(up",
            "bad_data",
        ),
    ] {
        let (_, body) = asked(&drill, path).await;
        assert!(body.contains(words), "{path}: {body}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_as_the_api_server_does() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let to_reach = "error trying to reach service: ";
    for (path, code, words) in [
        (
            "thanos:9090/proxy/api/v1/query",
            404,
            "services \\\"thanos\\\" not found".to_owned(),
        ),
        (
            "prometheus-app-sre:80/proxy/api/v1/query",
            503,
            "no endpoints available for service \\\"prometheus-app-sre:80\\\"".to_owned(),
        ),
        (
            "https:prometheus-app-sre:9090/proxy/api/v1/query",
            503,
            format!("{to_reach}http: server gave HTTP response to HTTPS client"),
        ),
        (
            "ftp:prometheus-app-sre:9090/proxy/",
            400,
            "invalid service request".to_owned(),
        ),
    ] {
        let (got, body) = asked(&drill, path).await;
        assert!(got == code && body.contains(&words), "{path}: {got} {body}");
    }
    let down = MonitoringServer::Metrics;
    drill.monitoring().set_fault(down, Some(MonitoringFault::Down));
    let (code, body) = asked(&drill, "prometheus-app-sre:9090/proxy/api/v1/query?query=up").await;
    assert!(
        code == 503 && body.contains("connection refused"),
        "{code} {body}"
    );
    drill.monitoring().set_fault(down, Some(MonitoringFault::SignIn));
    let (code, body) = asked(&drill, "prometheus-app-sre:9090/proxy/api/v1/query?query=up").await;
    assert!(
        code == 403 && body.starts_with("<!DOCTYPE html>"),
        "{code} {body}"
    );
}

#[tokio::test]
async fn the_right_is_the_on_call_engineer_s_and_a_scenario_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let path = format!("{SERVICES}/prometheus-app-sre:9090/proxy/api/v1/query?query=up");
    let read_only = bearer(&drill.api().tokens().read_only);
    let (code, body) = whole(send(&drill, "GET", &path, &[("authorization", &read_only)], "").await).await;
    let words = "cannot get resource \\\"services/proxy\\\" in API group \\\"\\\" in the namespace \\\"openshift-customer-monitoring\\\"";
    assert!(code == 403 && body.contains(words), "{code} {body}");
    let (code, body) = whole(send(&drill, "POST", &path, &[], "").await).await;
    assert!(
        code == 403 && body.contains("cannot create resource"),
        "{code} {body}"
    );
}
