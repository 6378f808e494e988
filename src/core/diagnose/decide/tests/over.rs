//! What the cluster's events tell of is over when the pods show that it is.

use super::*;
use crate::diagnose::Diagnosis;
use crate::profile::sop::StepStatus;
use crate::text::Redacted;

const SOP: &str = "api-down";

fn judged(world: &World) -> Diagnosis {
    diagnose(&world.state(), &PROFILE, PROFILE.sop(SOP).unwrap(), now())
}

/// Whether the rule and the step agree that something is over.
fn is_over(world: &World, what: &str) -> bool {
    let diagnosis = judged(world);
    let rule = diagnosis
        .decision
        .rules
        .iter()
        .find(|rule| rule.id == "cluster-events");
    let holds = rule.unwrap().truth.is_true();
    let step = diagnosis.steps.iter().find(|step| step.id == "events").unwrap();
    assert_eq!(step.status == StepStatus::Fail, holds, "{what}: {step:#?}");
    if !holds {
        assert!(step.value.contains(", none since "), "{what}: {step:#?}");
        assert!(
            step.evidence.iter().any(|line| line.starts_with("over: ")),
            "{what}: {step:#?}"
        );
    }
    !holds
}

fn with(reason: &str, kind: &str, seconds: i64, change: impl FnOnce(&mut Pod)) -> World {
    World::new().with(|world| {
        world.more.push(event(reason, kind, "x", seconds));
        change(&mut world.pods[0]);
    })
}

/// The pod's node does not report.
fn lose(pod: &mut Pod) {
    pod.conditions[0].status = "False".into();
    pod.conditions[0].since = Some(ago(300));
}

/// The pod as its kubelet says that it is not ready.
fn stop(pod: &mut Pod) {
    lose(pod);
    pod.conditions[0].reason = "ContainersNotReady".into();
    pod.ready = 0;
}

#[test]
fn what_one_pod_had_is_over_when_that_pod_is_well() {
    for reason in [
        "NodeNotReady",
        "Rebooted",
        "FailedMount",
        "FailedAttachVolume",
        "NetworkNotReady",
        "FailedCreatePodSandBox",
    ] {
        assert!(
            is_over(&with(reason, "Pod", 300, |_| ()), reason),
            "{reason}: it is ready"
        );
        assert!(
            !is_over(&with(reason, "Pod", 300, lose), reason),
            "{reason}: lost"
        );
        assert!(
            !is_over(&with(reason, "Pod", 300, stop), reason),
            "{reason}: not ready"
        );
    }
    // a node is all that the scheduler can give
    assert!(is_over(
        &with("FailedScheduling", "Pod", 300, stop),
        "it has a node"
    ));
    let pending = |pod: &mut Pod| {
        stop(pod);
        pod.node = None;
    };
    assert!(!is_over(
        &with("FailedScheduling", "Pod", 300, pending),
        "it has none"
    ));
}

#[test]
fn that_a_node_lacks_room_is_not_over_because_pods_are_well() {
    for reason in [
        "Evicted",
        "SystemOOM",
        "EvictionThresholdMet",
        "Preempted",
        "FreeDiskSpaceFailed",
    ] {
        assert!(!is_over(&with(reason, "Pod", 300, |_| ()), reason), "{reason}");
    }
    assert!(!is_over(
        &with("InvalidDiskCapacity", "Node", 300, |_| ()),
        "unknown"
    ));
}

#[test]
fn what_a_pod_had_that_is_gone_is_over_when_the_service_is_whole_again() {
    // the event names `2mgcp`, which `new01` replaced
    let replaced = |came: i64, change: fn(&mut World)| {
        World::new().with(|world| {
            world
                .more
                .push(event("NodeNotReady", "Pod", "Node is not ready", 300));
            world.pods[0] = service_pod("new01", came);
            change(world);
        })
    };
    assert!(is_over(&replaced(290, |_| ()), "replaced"));
    assert!(!is_over(&replaced(301, |_| ()), "no pod became ready since"));
    assert!(!is_over(
        &replaced(290, |world| stop(&mut world.pods[1])),
        "one is not ready"
    ));
    let held = |world: &mut World| {
        let mut pod = service_pod(SHORT[0], 9_000);
        lose(&mut pod);
        pod.deletion_at = Some(ago(200));
        world.pods.push(pod);
    };
    assert!(!is_over(&replaced(290, held), "its node still holds it"));
    let ends = |seconds: i64| {
        let mut world = replaced(290, |_| ());
        let mut pod = service_pod(SHORT[0], 9_000);
        pod.deletion_at = Some(ago(seconds));
        world.pods.push(pod);
        world
    };
    assert!(is_over(&ends(30), "it is ending"));
    assert!(!is_over(&ends(31), "it does not end"));
}

#[test]
fn a_node_is_back_when_it_says_so_or_a_pod_on_it_is_ready() {
    let named = |node: &str, seconds: i64| {
        let Observation::ClusterEvent(mut event) = event("Rebooted", "Node", "has been rebooted", seconds)
        else {
            unreachable!()
        };
        event.object_name = node.into();
        event
    };
    let world =
        |node: &str| World::new().with(|world| world.more.push(Observation::ClusterEvent(named(node, 300))));
    assert!(is_over(&world("n1"), "its pods are ready"));
    assert!(!is_over(&world("n2"), "nobody knows"));
    let said = |seconds: i64| {
        let mut ready = named("n2", seconds);
        (ready.uid, ready.reason, ready.warning) = ("r".into(), "NodeReady".into(), false);
        world("n2").with(|world| world.more.push(Observation::ClusterEvent(ready)))
    };
    assert!(is_over(&said(300), "it said so"));
    assert!(!is_over(&said(301), "that was before"));
}

#[test]
fn a_quota_is_over_when_the_deployment_has_its_pods() {
    let denied = |current: u32, failure: &str| {
        let mut deployment = deployment(3);
        deployment.current = current;
        deployment.conditions.push(Condition {
            kind: "ReplicaFailure".into(),
            status: failure.into(),
            reason: "FailedCreate".into(),
            message: Redacted::default(),
            since: None,
        });
        let exceeded = event(
            "FailedCreate",
            "ReplicaSet",
            "forbidden: exceeded quota: pods",
            300,
        );
        World::new().with(|world| world.more = vec![exceeded, Observation::Deployment(Some(deployment))])
    };
    assert!(is_over(&denied(3, "False"), "it has them"));
    assert!(!is_over(&denied(2, "False"), "one is missing"));
    assert!(!is_over(&denied(3, "True"), "it may make no more"));
}
