//! Reads of autoscalers.

use serde_json::json;

use super::*;

const SCENARIO: &str = r#"
id = 'x'
title = 't'
story = 's'
sop = 'api-down'
[deployment]
pods_age = '5m'
[[objects]]
kind = "HorizontalPodAutoscaler"
apiVersion = "autoscaling/v2"
[objects.metadata]
name = "load"
[objects.spec]
scaleTargetRef = { apiVersion = "apps/v1", kind = "Deployment", name = "managed-services-api" }
minReplicas = 2
maxReplicas = 6
metrics = [{ type = "Resource", resource = { name = "cpu", target = { type = "Utilization", averageUtilization = 80 } } }]
[objects.status]
desiredReplicas = 3
currentMetrics = [{ type = "Resource", resource = { name = "cpu", current = { averageUtilization = 23, averageValue = "46m" } } }]
"#;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

fn path(version: &str) -> String {
    format!("/apis/autoscaling/{version}/namespaces/managed-services-stage/horizontalpodautoscalers")
}

#[tokio::test]
async fn an_autoscaler_is_listed_in_both_forms_and_as_kubectl_prints_it() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill_of(Scenario::parse("test", SCENARIO).unwrap(), folder.path(), 1.0).await;
    let tokens = drill.api().tokens();
    for token in [&tokens.on_call, &tokens.read_only] {
        let bearer = bearer(token);
        let (code, list) = ask(&drill, "GET", &path("v2"), &[("authorization", &bearer)], "").await;
        assert_eq!(code, 200);
        assert_eq!(list["items"][0]["spec"]["maxReplicas"], 6);
        assert_eq!(list["items"][0]["status"]["currentReplicas"], 3);
    }
    let (_, old) = get(&drill, &format!("{}/load", path("v1"))).await;
    assert_eq!(old["apiVersion"], "autoscaling/v1");
    assert_eq!(old["spec"]["targetCPUUtilizationPercentage"], 80);
    assert_eq!(old["status"]["currentCPUUtilizationPercentage"], 23);
    assert_eq!(old["spec"]["metrics"], Value::Null);
    let (_, table) = ask(&drill, "GET", &path("v2"), &[("accept", TABLE)], "").await;
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(
        cells[..6],
        [
            json!("load"),
            json!("Deployment/managed-services-api"),
            json!("cpu: 23%/80%"),
            json!("2"),
            json!(6),
            json!(3)
        ]
    );
}

#[tokio::test]
async fn where_there_is_none_the_list_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let (code, list) = get(&drill, &path("v2")).await;
    assert_eq!((code, &list["items"]), (200, &json!([])));
}
