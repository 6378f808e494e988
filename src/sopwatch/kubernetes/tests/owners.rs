//! Whose the pods are, and what scales them.

use std::time::Duration;

use serde_json::{Value, json};

use super::clock::run;
use super::console::{Console, deployment, pod};
use super::fake::{Fake, refused};
use sopwatch_core::observe::observation::{Autoscaler, Observation};
use sopwatch_core::observe::source::{SourceId, SourceState};

/// A running pod of a Job that carries the service's label.
fn of_a_job(name: &str) -> Value {
    let mut pod = pod(name);
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "reindex",
        "uid": "uid-job", "controller": true}]);
    pod
}

fn autoscaler(target: &str) -> Value {
    json!({"metadata": {"name": "load", "uid": "uid-load"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}, "maxReplicas": 6},
        "status": {"currentReplicas": 3, "desiredReplicas": 3}})
}

#[test]
fn the_log_of_another_controllers_pod_is_not_read() {
    run(async {
        let fake = Fake::new();
        fake.apply("deployments", deployment(3));
        fake.apply("pods", of_a_job("job-1"));
        fake.apply("pods", pod("api-1"));
        fake.write("api-1", "2026-11-22T08:00:01Z of the service");
        fake.write("job-1", "2026-11-22T08:00:01Z of the Job");
        let mut console = Console::on(&fake);
        console.line("of the service").await;
        fake.apply("pods", of_a_job("job-2"));
        console.listen(Duration::from_secs(30)).await;
        assert!(!fake.asked("/pods/api-1/log").is_empty());
        assert!(fake.asked("/pods/job-").is_empty());
        // The observations tell of all: whose each is, the core says.
        let told = |name: &str| {
            let all = console.told.iter();
            all.filter(|(_, observation)| match observation {
                Observation::Pods(pods) => pods.iter().any(|pod| *pod.name == *name),
                Observation::Pod(pod) => *pod.name == *name,
                _ => false,
            })
            .count()
        };
        assert_eq!((told("job-1"), told("job-2"), told("api-1")), (1, 1, 1));
    });
}

#[test]
fn without_the_right_to_read_replica_sets_names_decide_and_it_is_rarely_tried() {
    run(async {
        let fake = Fake::new();
        fake.apply("deployments", deployment(3));
        fake.apply("pods", pod("api-1"));
        fake.write("api-1", "2026-11-22T08:00:01Z a line");
        fake.always("/replicasets?", || refused(403, "Forbidden"));
        let mut console = Console::on(&fake);
        let off = |observation: &Observation| {
            matches!(
                observation,
                Observation::Source(SourceId::ReplicaSets, SourceState::Off(_))
            )
        };
        console.until("it is off", off).await;
        console.line("a line").await;
        console.listen(Duration::from_mins(9)).await;
        let tries = fake.asked("/replicasets?").len();
        assert!((4..=6).contains(&tries), "{tries}");
    });
}

#[test]
fn the_autoscaler_of_the_deployment_is_told_and_no_other() {
    run(async {
        let fake = Fake::new();
        fake.apply("horizontalpodautoscalers", autoscaler("something-else"));
        let mut console = Console::on(&fake);
        console
            .until("there is none", |observation| {
                *observation == Observation::Autoscaler(None)
            })
            .await;
        fake.apply("horizontalpodautoscalers", autoscaler("managed-services-api"));
        let load = Autoscaler {
            name: "load".into(),
            min: 1,
            max: 6,
            current: 3,
        };
        let told = Observation::Autoscaler(Some(load));
        console
            .until("it is there", |observation| *observation == told)
            .await;
        // It is given another target: it does not concern us any more.
        fake.apply("horizontalpodautoscalers", autoscaler("something-else"));
        console
            .until("it is gone", |observation| {
                *observation == Observation::Autoscaler(None)
            })
            .await;
    });
}

#[test]
fn who_may_list_autoscalers_and_not_watch_them_lists_them_now_and_then() {
    run(async {
        let fake = Fake::new();
        fake.apply("horizontalpodautoscalers", autoscaler("managed-services-api"));
        fake.always("/horizontalpodautoscalers? watch=true", || {
            refused(403, "Forbidden")
        });
        let mut console = Console::on(&fake);
        let told = |observation: &Observation| matches!(observation, Observation::Autoscaler(Some(_)));
        console.until("it is there", told).await;
        console.listen(Duration::from_mins(9)).await;
        let off = |observation: &Observation| {
            matches!(
                observation,
                Observation::Source(SourceId::Autoscaler, SourceState::Off(_))
            )
        };
        assert!(!console.told.iter().any(|(_, observation)| off(observation)));
        let asked = fake.asked("/horizontalpodautoscalers?").len();
        assert!((8..=12).contains(&asked), "{asked}");
    });
}
