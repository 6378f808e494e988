use super::*;
use crate::diagnose::{Diagnosis, diagnose};
use crate::logparse::LeaderLineKind;
use crate::observe::observation::{Controller, Origin, ReplicaSet};
use crate::profile::sop::StepStatus;
use crate::remediate::command::Command;
use crate::remediate::plan::Plan;
use crate::safe;
use crate::testkit::{
    KAFKA, SHORT, ago, deployment, failing, log, look_at, now, pod, profile, profile_with, sop, source,
    waiting_pod,
};
use crate::text::SafeText;

/// A ready pod of this controller.
fn of(short: &str, kind: &str, name: &str) -> Pod {
    Pod {
        name: SafeText::new(&format!("{name}-{short}")),
        owner: Some((kind.into(), name.into())),
        origin: Origin {
            owner_uid: Some(format!("uid of {name}").into()),
            ..Origin::default()
        },
        ..pod(short, 9_000)
    }
}

/// A ready pod of a ReplicaSet that a deployment made.
fn of_set(short: &str, deployment: &str, hash: &str) -> Pod {
    let mut pod = of(short, "ReplicaSet", &format!("{deployment}-{hash}"));
    pod.origin.template_hash = Some(hash.into());
    pod
}

/// A pod that nobody looks after.
fn bare(short: &str) -> Pod {
    Pod {
        name: short.into(),
        owner: None,
        origin: Origin::default(),
        ..pod(short, 9_000)
    }
}

/// The ReplicaSet of a deployment with this uid.
fn set(deployment: &str, hash: &str, uid: &str) -> ReplicaSet {
    ReplicaSet {
        uid: format!("uid of {deployment}-{hash}").into(),
        name: format!("{deployment}-{hash}").into(),
        template_hash: Some(hash.into()),
        controller: Some(Controller {
            kind: "Deployment".into(),
            name: deployment.into(),
            uid: uid.into(),
        }),
    }
}

fn known(state: impl IntoIterator<Item = Observation>) -> State {
    let mut known = State::of_service("msa");
    state
        .into_iter()
        .for_each(|observation| known.apply(observation, now()));
    known
}

fn own(state: &State) -> Vec<String> {
    state.pods.keys().map(|uid| uid.0.to_string()).collect()
}

/// A deployment with 0 of 3 ready, beside a Job's pod, a bare pod and a pod of another deployment, all ready and with its label.
fn beside_others() -> State {
    let mut asked = deployment(3);
    (asked.ready, asked.available) = (0, 0);
    let mut pods: Vec<Pod> = SHORT
        .map(|short| waiting_pod(short, 3_600, "CrashLoopBackOff"))
        .to_vec();
    pods.extend([
        of("job", "Job", "msa-reindex"),
        bare("msa-debug"),
        of_set("can", "msa-canary", "x"),
    ]);
    known([
        Observation::Deployment(Some(asked)),
        Observation::ReplicaSets(vec![set("msa-canary", "x", "another")]),
        Observation::Pods(pods),
    ])
}

/// The answer to whether the pods run.
fn pods_step(state: &State) -> crate::diagnose::StepFinding {
    let step = "title = 'Pods running'\ntext = 'x'\ncheck = { kind = 'pods-ready' }\n";
    let step = toml::from_str(step).unwrap();
    let profile = profile_with(|profile| {
        profile.steps.insert("pods".into(), step);
    });
    let mut sop = sop();
    sop.steps.push("pods".to_owned());
    diagnose(state, &profile, &sop, now()).steps.remove(0)
}

#[test]
fn pods_of_others_with_the_label_are_not_the_services_ready_ones() {
    let state = beside_others();
    let step = pods_step(&state);
    assert_eq!((step.status, &*step.value), (StepStatus::Fail, "0 of 3 ready"));
    for told in [
        "not counted: msa-reindex-job 1/1 Running, has the label but belongs to Job msa-reindex",
        "not counted: msa-debug 1/1 Running, has the label but belongs to nobody",
        "not counted: msa-canary-x-can 1/1 Running, has the label but belongs to Deployment msa-canary",
    ] {
        assert!(step.evidence.contains(&told.into()), "{told}: {step:#?}");
    }
    assert_eq!(
        state.others_in_words().as_deref(),
        Some("1 of Deployment msa-canary, 1 of Job msa-reindex and 1 of nobody")
    );
}

#[test]
fn a_restart_of_all_leaves_the_pods_of_others_alone() {
    let state = beside_others();
    let (profile, diagnosis) = (profile(), Diagnosis::default());
    look_at((&state, &profile, &diagnosis), now(), |account| {
        let plan = Plan::restart_all(account).unwrap();
        let pods: Vec<_> = plan.commands.iter().map(Command::words).collect();
        assert_eq!(pods.len(), 3, "{pods:?}");
        assert!(pods.iter().all(|pod| pod.contains("msa-x-")), "{pods:?}");
        // None of the others serves: what does not run is to be started.
        assert_eq!(Plan::start(account).map(|plan| plan.commands.len()), Ok(3));
        let refused = Plan::restart_pod(account, &PodUid("job".into())).unwrap_err();
        assert_eq!(
            refused,
            "msa-reindex-job does not belong to the service but to Job msa-reindex"
        );
    });
}

#[test]
fn the_chain_of_uids_decides_and_names_do_where_it_is_not_known() {
    let pods = || Observation::Pods(vec![of_set("a", "msa", "x"), of_set("b", "msa-canary", "x")]);
    let there = || Observation::Deployment(Some(deployment(3)));
    // Whatever comes first, nobody changes sides.
    assert_eq!(own(&known([pods()])), ["a"]);
    assert_eq!(own(&known([there(), pods()])), ["a"]);
    let sets = |uid| Observation::ReplicaSets(vec![set("msa", "x", uid), set("msa-canary", "x", "another")]);
    assert_eq!(own(&known([sets("d"), pods()])), ["a"]);
    assert_eq!(own(&known([sets("d"), pods(), there()])), ["a"]);
    // A ReplicaSet of the name and of another uid is of an earlier deployment, or of something that is no deployment.
    let earlier = known([pods(), there(), sets("of an earlier one")]);
    assert_eq!(own(&earlier), Vec::<String>::new());
    assert_eq!(
        earlier.owner_in_words(&earlier.other_pods[&PodUid("a".into())]),
        "an earlier Deployment msa"
    );
    let mut rollout = set("msa", "x", "d");
    rollout.controller.as_mut().unwrap().kind = "Rollout".into();
    let mut without = set("msa", "x", "d");
    without.controller = None;
    for (set, owner) in [
        (rollout, "Rollout msa"),
        (without, "ReplicaSet msa-x, which has no deployment"),
    ] {
        let state = known([pods(), Observation::ReplicaSet(set)]);
        assert_eq!(own(&state), Vec::<String>::new());
        assert_eq!(
            state.owner_in_words(&state.other_pods[&PodUid("a".into())]),
            owner
        );
    }
}

#[test]
fn a_name_alone_must_have_the_hash_of_the_label() {
    let mut other_hash = of_set("a", "msa", "x");
    other_hash.origin.template_hash = Some("y".into());
    let mut no_hash = of_set("b", "msa", "x");
    no_hash.origin.template_hash = None;
    // A record of an older version has kind and name alone.
    let mut old = of_set("c", "msa", "x");
    old.origin = Origin::default();
    let mut old_canary = of_set("d", "msa-canary", "x");
    old_canary.origin = Origin::default();
    let stateful = of("e", "StatefulSet", "msa");
    let state = known([Observation::Pods(vec![
        other_hash, no_hash, old, old_canary, stateful,
    ])]);
    assert_eq!(own(&state), ["c"]);
}

#[test]
fn a_gone_replica_set_keeps_its_last_pods_and_a_failing_source_what_it_told() {
    let mut state = known([
        Observation::Deployment(Some(deployment(3))),
        Observation::ReplicaSets(vec![set("msa", "x", "an earlier one")]),
        Observation::Pods(vec![of_set("a", "msa", "x")]),
    ]);
    for observation in [
        Observation::ReplicaSetGone("uid of msa-x".into()),
        Observation::ReplicaSets(Vec::new()),
        failing(
            SourceId::ReplicaSets,
            crate::observe::source::ProblemKind::Forbidden,
            "no",
        ),
        Observation::Pod(of_set("a", "msa", "x")),
    ] {
        state.apply(observation, now());
        assert_eq!(own(&state), Vec::<String>::new(), "its name would say otherwise");
    }
}

#[test]
fn what_a_pod_of_others_logs_is_no_evidence() {
    let mut state = known([
        Observation::Deployment(Some(deployment(3))),
        Observation::Pods(vec![of_set("a", "msa", "x")]),
    ]);
    let line = || Observation::Log(log("a", KAFKA, 300, &[(LeaderLineKind::Heartbeat, 10)]));
    state.apply(line(), now());
    assert!(state.leaders.of(&source("a"), KAFKA).is_some());
    state.apply(Observation::ReplicaSets(vec![set("msa", "x", "another")]), now());
    state.apply(line(), now());
    assert!(state.logs.is_empty() && state.leaders.of(&source("a"), KAFKA).is_none());
}

#[test]
fn how_pods_are_told_apart_is_said_where_names_do_it() {
    let pods = || Observation::Pods(vec![of_set("a", "msa", "x")]);
    let by_name = |state: Vec<Observation>| known(state).owned_by_name();
    let source = |state| Observation::Source(SourceId::ReplicaSets, state);
    let off = || source(SourceState::Off("forbidden".into()));
    assert_eq!(by_name(vec![off(), pods()]), Some("no right to read ReplicaSets"));
    assert_eq!(by_name(vec![pods()]), Some("ReplicaSets were not read"));
    assert_eq!(by_name(vec![source(SourceState::Connecting), pods()]), None);
    let read = Observation::ReplicaSets(vec![set("msa", "x", "d")]);
    assert_eq!(by_name(vec![read, pods(), off()]), None, "it was read before");
    assert_eq!(
        by_name(vec![off(), Observation::Pods(vec![bare("b")])]),
        None,
        "nothing to tell apart"
    );
}

#[test]
fn a_missing_deployment_fails_and_names_what_runs_instead() {
    let mut config = of("a", "ReplicationController", "msa-7");
    let by_number = config.clone();
    config.origin.deployment_config = Some("msa".into());
    let stateful = |short| of(short, "StatefulSet", "msa");
    for (pods, found) in [
        (vec![config], "DeploymentConfig msa with 1 pod"),
        (
            vec![by_number],
            "DeploymentConfig msa (ReplicationController msa-7) with 1 pod",
        ),
        (vec![stateful("a"), stateful("b")], "StatefulSet msa with 2 pods"),
        (vec![bare("a"), bare("b")], "2 pods without a controller"),
        (vec![of("a", "Job", "reindex")], "Job reindex with 1 pod"),
        (vec![], "nothing with its label"),
        // By its name it was the deployment's.
        (vec![of_set("a", "msa", "x")], "ReplicaSet msa-x with 1 pod"),
    ] {
        let state = known([Observation::Pods(pods), Observation::Deployment(None)]);
        let step = pods_step(&state);
        assert_eq!(
            (step.status, step.value),
            (StepStatus::Fail, safe!("no deployment msa, found {found}"))
        );
        let (profile, diagnosis) = (profile(), Diagnosis::default());
        look_at((&state, &profile, &diagnosis), now(), |account| {
            assert!(Plan::restart_all(account).is_err() && Plan::start(account).is_err());
            assert!(Plan::scale(account, 1).is_err() && Plan::roll_out(account).is_err());
        });
    }
    // The last pods of a deployment that was deleted stay its own, and nobody makes others in their place.
    let state = known([
        Observation::ReplicaSets(vec![set("msa", "x", "d")]),
        Observation::Pods(vec![of_set("a", "msa", "x")]),
        Observation::Deployment(None),
    ]);
    assert_eq!(own(&state), ["a"]);
    let (profile, diagnosis) = (profile(), Diagnosis::default());
    look_at((&state, &profile, &diagnosis), now(), |account| {
        assert!(Plan::restart_all(account).is_err());
        assert!(Plan::restart_pod(account, &PodUid("a".into())).is_err());
    });
}

#[test]
fn events_of_other_pods_and_workloads_are_left_out() {
    let event = |kind: &str, name: &str| ClusterEvent {
        uid: format!("{kind} {name}").into(),
        warning: true,
        reason: "BackOff".into(),
        message: "".into(),
        object_kind: kind.into(),
        object_name: name.into(),
        count: 1,
        first_at: Some(ago(60)),
        last_at: Some(ago(60)),
    };
    let mut state = beside_others();
    state.apply(
        Observation::ClusterEvents(vec![
            event("Pod", "msa-x-2mgcp"),
            event("Pod", "msa-x-g0ne1"),
            event("Pod", "msa-reindex-job"),
            event("Pod", "msa-reindex-g0ne1"),
            event("Pod", "msa-canary-x-can"),
            event("Pod", "msa-canary-x-g0ne1"),
            event("ReplicaSet", "msa-x"),
            event("ReplicaSet", "msa-canary-x"),
            event("Deployment", "msa"),
            event("Deployment", "msa-canary"),
            event("Job", "msa-reindex"),
            event("Node", "n1"),
        ]),
        now(),
    );
    let told: Vec<_> = state.service_events().map(|event| &*event.uid).collect();
    assert_eq!(
        told,
        [
            "Deployment msa",
            "Node n1",
            "Pod msa-x-2mgcp",
            "Pod msa-x-g0ne1",
            "ReplicaSet msa-x"
        ]
    );
}

#[test]
fn old_pods_are_read_and_new_ones_written_as_before_where_nothing_is_new() {
    let mut old = pod("a", 10);
    old.origin = Origin::default();
    let text = serde_json::to_string(&Observation::Pod(old.clone())).unwrap();
    assert!(!text.contains("origin"), "{text}");
    assert_eq!(
        serde_json::from_str::<Observation>(&text).unwrap(),
        Observation::Pod(old)
    );
    let new = Observation::Pod(pod("a", 10));
    let text = serde_json::to_string(&new).unwrap();
    assert_eq!(serde_json::from_str::<Observation>(&text).unwrap(), new);
}
