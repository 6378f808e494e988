//! The audit log of a drill.

use serde_json::json;

use super::*;
use sopwatch_core::observe::audit::{AuditEffect, AuditEntry};
use sopwatch_core::profile::rule::Advice;

const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");
const SERVICE: &str = "managed-services-api";

fn noted(drill: &Drill) -> Vec<AuditEntry> {
    drill.audit().borrow().clone()
}

#[tokio::test(start_paused = true)]
async fn reads_make_no_audit_entry() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let pod = format!("{PODS}/{}", pod_names(&drill).await[0]);
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "delete", "resource": "pods"}}});
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    send(&drill, "GET", &pod, &[], "").await;
    send(
        &drill,
        "POST",
        reviews,
        &[("content-type", "application/json")],
        &review.to_string(),
    )
    .await;
    send(&drill, "DELETE", &format!("{pod}?dryRun=All"), &[], "").await;
    send(&drill, "DELETE", &pod, &[], r#"{"dryRun":["All"]}"#).await;
    assert_eq!(noted(&drill), []);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_is_noted_with_who_did_it_and_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let names = pod_names(&drill).await;
    let mut entries = drill.audit();
    entries.mark_unchanged();
    for name in &names {
        let path = format!("{PODS}/{name}");
        send(
            &drill,
            "DELETE",
            &path,
            &[("user-agent", "kubectl/v1.33.1 (linux/amd64)")],
            "",
        )
        .await;
    }
    assert!(
        entries.has_changed().unwrap(),
        "whoever waits for the next act is told"
    );
    let entries = noted(&drill);
    assert_eq!(entries.len(), 3);
    for (entry, (name, left)) in entries.iter().zip(names.iter().zip([2, 1, 0])) {
        assert_eq!(
            (
                entry.verb,
                entry.resource.as_str(),
                entry.name.as_str(),
                entry.code
            ),
            ("delete", "pods", name.as_str(), 200)
        );
        assert!(entry.agent.starts_with("kubectl/"), "{entry:?}");
        let AuditEffect::Deleted {
            pods,
            youngest,
            ready,
            ready_left,
            others,
        } = entry.effect
        else {
            panic!("{entry:?}");
        };
        assert_eq!((pods, ready, ready_left, others), (1, 1, left, 0));
        assert!(youngest.unwrap() < start());
    }
}

#[tokio::test(start_paused = true)]
async fn a_scale_is_noted_with_both_numbers_and_a_refusal_with_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let scale = format!("{DEPLOYMENTS}/{SERVICE}/scale");
    send(&drill, "PATCH", &scale, &[MERGE], r#"{"spec":{"replicas":5}}"#).await;
    send(&drill, "DELETE", &format!("{DEPLOYMENTS}/{SERVICE}"), &[], "").await;
    send(&drill, "DELETE", &format!("{PODS}/no-such"), &[], "").await;
    let entries = noted(&drill);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.resource.as_str(), entry.code, &entry.effect))
        .collect();
    let scaled = AuditEffect::Scaled { from: 3, to: 5 };
    assert_eq!(
        told,
        [
            ("deployments/scale", 200, &scaled),
            ("deployments", 403, &AuditEffect::Other),
            ("pods", 404, &AuditEffect::Other),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_reaction_to_an_answer_comes_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n[[reaction]]\nto = 'escalate:control-plane'\nafter = '5m'\nscale = 4\n";
    let drill = drill_of(Scenario::parse("x", text).unwrap(), folder.path(), 1.0).await;
    let wanted = async || {
        let (_, deployment) = get(&drill, &format!("{DEPLOYMENTS}/{SERVICE}")).await;
        deployment["spec"]["replicas"].as_u64().unwrap()
    };
    drill.answer(Advice::Escalate, Some("ocm-support"));
    drill.answer(Advice::Wait, None);
    tokio::time::advance(std::time::Duration::from_mins(10)).await;
    assert_eq!(wanted().await, 3, "another answer changes nothing");
    drill.answer(Advice::Escalate, Some("control-plane"));
    tokio::time::advance(std::time::Duration::from_mins(4)).await;
    assert_eq!(wanted().await, 3, "they need their time");
    tokio::time::advance(std::time::Duration::from_mins(2)).await;
    assert_eq!(wanted().await, 4);
    let scale = format!("{DEPLOYMENTS}/{SERVICE}/scale");
    send(&drill, "PATCH", &scale, &[MERGE], r#"{"spec":{"replicas":3}}"#).await;
    drill.answer(Advice::Escalate, Some("control-plane"));
    tokio::time::advance(std::time::Duration::from_mins(10)).await;
    assert_eq!(wanted().await, 3, "once told is enough");
}
