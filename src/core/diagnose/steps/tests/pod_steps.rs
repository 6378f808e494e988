//! Pods and their deployment.

use super::*;

#[test]
fn replicas_are_those_of_the_deployment() {
    for (observation, status, value) in [
        (None, Unknown, "deployment not read"),
        (Some(Observation::Deployment(None)), Fail, "no deployment msa"),
        (
            Some(Observation::Deployment(Some(deployment(3)))),
            Pass,
            "3 configured",
        ),
        (
            Some(Observation::Deployment(Some(deployment(5)))),
            Pass,
            "5 configured (at least 3)",
        ),
        (
            Some(Observation::Deployment(Some(deployment(0)))),
            Fail,
            "0 configured (SOP expects 3)",
        ),
    ] {
        let step = judge(Check::Replicas(Replicas {}), &with(State::default(), observation));
        assert_eq!(
            (step.status, &*step.value, step.source),
            (status, value, "deployment")
        );
    }
}

#[test]
fn pods_are_ready_or_starting_or_neither() {
    let old = |status| waiting_pod(SHORT[2], 3_600, status);
    let new = |status| waiting_pod(SHORT[2], 30, status);
    let mut dying = pod(SHORT[2], 86_400);
    dying.deletion_at = Some(ago(-20));
    let mut crashing = new("Running");
    crashing.restarts = 2;
    let mut unseen = deployment(3);
    unseen.observed = false;
    let cases = [
        (three_pods(), deployment(3), Pass, "3 of 3 ready"),
        (
            two_and(old("ImagePullBackOff")),
            deployment(3),
            Fail,
            "2 of 3 ready",
        ),
        (
            two_and(new("ImagePullBackOff")),
            deployment(3),
            Fail,
            "2 of 3 ready",
        ),
        (
            two_and(new("ContainerCreating")),
            deployment(3),
            Waiting,
            "2 of 3 ready, starting",
        ),
        (
            two_and(new("Init:0/1")),
            deployment(3),
            Waiting,
            "2 of 3 ready, starting",
        ),
        (two_and(new("Init:Error")), deployment(3), Fail, "2 of 3 ready"),
        (
            two_and(old("ContainerCreating")),
            deployment(3),
            Fail,
            "2 of 3 ready",
        ),
        (two_and(crashing), deployment(3), Fail, "2 of 3 ready"),
        (two_and(dying), deployment(3), Waiting, "2 of 3 ready, starting"),
        (
            two_and(new("Running"))[..2].to_vec(),
            deployment(3),
            Fail,
            "2 of 3 ready",
        ),
        (three_pods(), unseen, Waiting, "3 of 3 ready, starting"),
        (three_pods(), deployment(5), Fail, "3 of 5 ready (SOP expects 3)"),
        (three_pods(), deployment(2), Fail, "3 of 2 ready (SOP expects 3)"),
        (vec![], deployment(0), Fail, "0 of 0 ready (SOP expects 3)"),
    ];
    for (pods, deployment, status, value) in cases {
        let state = with(state(pods), [Observation::Deployment(Some(deployment))]);
        let step = judge(Check::PodsReady(PodsReady {}), &state);
        assert_eq!((step.status, &*step.value), (status, value), "{step:?}");
        assert_eq!((step.source, &*step.threshold), ("deployment and pods", "3"));
    }
}

#[test]
fn the_pods_alone_tell_where_the_deployment_is_forbidden() {
    let forbidden = || {
        failing(
            SourceId::Deployment,
            ProblemKind::Forbidden,
            "deployments are forbidden",
        )
    };
    let step = judge(
        Check::PodsReady(PodsReady {}),
        &with(state(three_pods()), [forbidden()]),
    );
    assert_eq!((step.status, step.source), (Pass, "pods"));
    assert!(
        step.evidence
            .contains(&"deployment: deployments are forbidden".into()),
        "{step:?}"
    );
    let step = judge(
        Check::PodsReady(PodsReady {}),
        &with(State::default(), [forbidden()]),
    );
    assert_eq!((step.status, &*step.value), (Unknown, "pods not read"));
    let step = judge(
        Check::PodsReady(PodsReady {}),
        &with(state(three_pods()), [Observation::Deployment(None)]),
    );
    let found = "no deployment msa, found ReplicaSet msa-x with 3 pods";
    assert_eq!((step.status, &*step.value), (Fail, found));
}

#[test]
fn pods_that_are_not_ready_are_named_with_their_trouble() {
    let mut stuck = waiting_pod(SHORT[2], 3_600, "ImagePullBackOff");
    stuck.message = "no such image".into();
    let state = with(
        state(two_and(stuck)),
        [Observation::Deployment(Some(deployment(3)))],
    );
    let step = judge(Check::PodsReady(PodsReady {}), &state);
    assert_eq!(step.evidence, ["lzxms: ImagePullBackOff: no such image"]);
}
