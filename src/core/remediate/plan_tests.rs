//! Whom a plan takes, and in which order.

use super::command::{Command, PlanKind};
use super::plan::Plan;
use crate::diagnose::Diagnosis;
use crate::diagnose::leaders::Verdict;
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{Access, Observation, Permission, Pod, PodUid};
use crate::observe::state::State;
use crate::profile::rule::Advice;
use crate::testkit::{deployment, leader, look_at, now, pod, profile, state, waiting_pod};

fn with<T>(state: &State, leaders: &[&str], look: impl FnOnce(&CaseSnapshot<'_>) -> T) -> T {
    let diagnosis = Diagnosis {
        leaders: leaders
            .iter()
            .map(|pod| leader("Kafka", Verdict::One, pod))
            .collect(),
        ..Diagnosis::default()
    };
    look_at((state, &profile(), &diagnosis), now(), look)
}

/// The pods that a plan deletes, by their short names.
fn deleted(plan: &Plan) -> Vec<String> {
    let uid = |command: &Command| match command {
        Command::DeletePod { uid, .. } => uid.0.to_string(),
        other => other.words().to_string(),
    };
    plan.commands.iter().map(uid).collect()
}

fn unready(short: &str) -> Pod {
    let mut one = pod(short, 900);
    one.conditions.clear();
    one
}

#[test]
fn pods_that_lead_come_last_whatever_their_names_and_unready_ones_first() {
    // who leads, which are not ready, the order
    let cases: [(&[&str], &[&str], [&str; 4]); 6] = [
        (&[], &[], ["a", "b", "c", "d"]),
        (&["a"], &[], ["b", "c", "d", "a"]),
        (&["b", "a"], &[], ["c", "d", "a", "b"]),
        (&["a"], &["d"], ["d", "b", "c", "a"]),
        (&["a"], &["a"], ["b", "c", "d", "a"]),
        (&["a", "b"], &["b", "d"], ["d", "c", "b", "a"]),
    ];
    for (lead, down, expected) in cases {
        let pods = ["d", "b", "c", "a"].map(|short| {
            if down.contains(&short) {
                unready(short)
            } else {
                pod(short, 900)
            }
        });
        let names: Vec<String> = lead.iter().map(|short| format!("msa-x-{short}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let plan = with(&state(pods.to_vec()), &names, Plan::restart_all).unwrap();
        assert_eq!(deleted(&plan), expected, "{lead:?} lead, {down:?} are not ready");
        assert_eq!(plan.aim, PlanKind::RestartAll);
    }
}

#[test]
fn a_pod_that_ends_or_is_over_is_not_taken() {
    let mut ending = pod("a", 900);
    ending.deletion_at = Some(now());
    let mut over = pod("b", 900);
    over.phase = "Succeeded".into();
    let all = state(vec![ending, over, pod("c", 900)]);
    let plan = with(&all, &[], Plan::restart_all).unwrap();
    assert_eq!(deleted(&plan), ["c"]);
    let one = |short: &str| {
        with(&all, &[], |account| {
            Plan::restart_pod(account, &PodUid(short.into()))
        })
    };
    assert!(one("a").unwrap_err().contains("is already terminating"));
    assert!(one("b").unwrap_err().contains("no pod would replace it"));
    assert!(one("x").unwrap_err().contains("gone"));
    assert_eq!(deleted(&one("c").unwrap()), ["c"]);
    let none = with(&state(Vec::new()), &[], Plan::restart_all).unwrap_err();
    assert!(none.contains("no pod to restart"), "{none}");
}

#[test]
fn pods_are_started_only_where_none_is_ready() {
    let start = |replicas: u32, pods: Vec<Pod>| {
        let mut all = state(pods);
        all.apply(Observation::Deployment(Some(deployment(replicas))), now());
        with(&all, &[], Plan::start)
    };
    let stuck = || waiting_pod("a", 900, "CrashLoopBackOff");
    assert_eq!(deleted(&start(3, vec![stuck()]).unwrap()), ["a"]);
    assert!(
        start(3, vec![stuck(), pod("b", 900)])
            .unwrap_err()
            .contains("a pod is ready")
    );
    assert!(start(3, Vec::new()).unwrap_err().contains("creates none"));
    let plan = start(0, vec![pod("b", 900)]).unwrap();
    assert_eq!(deleted(&plan), ["scale deployment msa from 0 to 3 pods"]);
    assert_eq!(plan.aim, PlanKind::Start);
}

#[test]
fn the_deployment_is_taken_as_it_is_seen_and_one_pod_more_or_less_is_one() {
    let mut all = state(vec![pod("a", 900)]);
    let mut seen = deployment(3);
    seen.resource_version = "42".into();
    all.apply(Observation::Deployment(Some(seen)), now());
    for (by, expected) in [(1, 4), (-1, 2), (-3, 0)] {
        let plan = with(&all, &[], |account| Plan::scale(account, by)).unwrap();
        let Command::Scale {
            from,
            to,
            resource_version,
            uid,
            ..
        } = &plan.commands[0]
        else {
            panic!("{}", plan.words());
        };
        assert_eq!(
            (*from, *to, &**resource_version, &**uid),
            (3, expected, "42", "d")
        );
        assert_eq!(
            plan.aim,
            if by > 0 {
                PlanKind::ScaleUp
            } else {
                PlanKind::ScaleDown
            }
        );
    }
    let none = with(&all, &[], |account| Plan::scale(account, -4)).unwrap_err();
    assert!(none.contains("scaled to 0 already"), "{none}");
    let plan = with(&all, &[], Plan::roll_out).unwrap();
    let Command::RestartDeployment {
        resource_version,
        mark,
        ..
    } = &plan.commands[0]
    else {
        panic!("{}", plan.words());
    };
    assert_eq!((&**resource_version, *mark), ("42", now()));
}

fn may(state: &mut State, rights: &[(&str, &str, bool)]) {
    let access = |(verb, resource, allowed): &(&str, &str, bool)| Access {
        permission: Permission {
            verb: (*verb).into(),
            group: "".into(),
            resource: (*resource).into(),
            subresource: "".into(),
            name: "".into(),
        },
        allowed: Some(*allowed),
        reason: "".into(),
    };
    state.apply(Observation::Access(rights.iter().map(access).collect()), now());
}

#[test]
fn what_is_advised_is_done_by_the_means_that_the_rights_allow_and_for_its_rule() {
    let advised = |action: Advice, rights: &[(&str, &str, bool)]| {
        let mut all = state(vec![pod("a", 900)]);
        all.apply(Observation::Deployment(Some(deployment(3))), now());
        may(&mut all, rights);
        let mut diagnosis = Diagnosis::default();
        diagnosis.decision.recommendation.action = action;
        diagnosis.decision.recommendation.rule = Some("r".to_owned());
        look_at((&all, &profile(), &diagnosis), now(), |account| {
            Plan::advised(account).map(|plan| plan.caused(account))
        })
    };
    let (no, yes) = (("delete", "pods", false), ("patch", "deployments", true));
    for (action, rights, aim) in [
        (Advice::RestartPods, &[][..], PlanKind::RestartAll),
        (Advice::RestartPods, &[no], PlanKind::RollOut),
        (
            Advice::RestartPods,
            &[no, ("patch", "deployments", false)],
            PlanKind::RestartAll,
        ),
        (
            Advice::RestartPods,
            &[("delete", "pods", true), yes],
            PlanKind::RestartAll,
        ),
        (Advice::RestartPods, &[no, yes], PlanKind::RollOut),
        (Advice::ScaleUp, &[], PlanKind::ScaleUp),
    ] {
        let plan = advised(action, rights).unwrap();
        assert_eq!(plan.aim, aim, "{rights:?}");
        assert_eq!(plan.cause.as_deref(), Some("r"));
    }
    for action in [Advice::None, Advice::Wait, Advice::Gather, Advice::Escalate] {
        let why = advised(action, &[]).unwrap_err();
        assert!(why.contains("nothing to apply"), "{why}");
    }
}

#[test]
fn a_plan_is_for_a_rule_only_where_the_rule_asks_for_what_it_does() {
    let all = state(vec![pod("a", 900)]);
    let cause = |action| {
        let mut diagnosis = Diagnosis::default();
        diagnosis.decision.recommendation.action = action;
        diagnosis.decision.recommendation.rule = Some("r".to_owned());
        look_at((&all, &profile(), &diagnosis), now(), |account| {
            Plan::restart_all(account).unwrap().caused(account).cause
        })
    };
    assert_eq!(cause(Advice::RestartPods).as_deref(), Some("r"));
    for other in [
        Advice::None,
        Advice::Wait,
        Advice::StartPods,
        Advice::ScaleUp,
        Advice::Escalate,
    ] {
        assert_eq!(cause(other), None, "{}", other.name());
    }
}
