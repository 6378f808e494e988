//! What a plan is called, what it does, and what it may cost.

use super::command::{Command, PlanKind};
use super::interrupted::Interrupted;
use super::plan::Plan;
use crate::diagnose::Diagnosis;
use crate::diagnose::leaders::Verdict;
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{Observation, Pod, PodUid};
use crate::observe::state::State;
use crate::profile::rule::Advice;
use crate::testkit::{deployment, leader, look_at, now, pod, profile, state, waiting_pod};
use crate::text::SafeText;

/// How a plan is made.
type Make = fn(&CaseSnapshot<'_>) -> Result<Plan, SafeText>;

/// Pods and a deployment that wants so many.
fn with_deployment(replicas: u32, pods: Vec<Pod>) -> State {
    let mut all = state(pods);
    all.apply(Observation::Deployment(Some(deployment(replicas))), now());
    all
}

fn look<T>(all: &State, diagnosis: &Diagnosis, at: impl FnOnce(&CaseSnapshot<'_>) -> T) -> T {
    let mut profile = profile();
    profile.service.database_connections_per_pod = Some(20);
    look_at((all, &profile, diagnosis), now(), at)
}

fn ready(shorts: &[&str]) -> Vec<Pod> {
    shorts.iter().map(|short| pod(short, 900)).collect()
}

fn stuck(shorts: &[&str]) -> Vec<Pod> {
    let stuck = |short: &&str| waiting_pod(short, 900, "CrashLoopBackOff");
    shorts.iter().map(stuck).collect()
}

const ONE: Make = |account| Plan::restart_pod(account, &PodUid("a".into()));

/// The pods that are there, how many the deployment wants, the plan; its words, its effect, its button.
type Said = (Vec<Pod>, u32, Make, &'static str, &'static str, &'static str);

fn are_said<const N: usize>(cases: [Said; N]) {
    for (pods, replicas, make, words, effect, button) in cases {
        let all = with_deployment(replicas, pods);
        let plan = look(&all, &Diagnosis::default(), make).unwrap();
        assert_eq!(plan.words(), words);
        assert_eq!(plan.effect(), effect, "{words}");
        assert_eq!(plan.button(), button, "{words}");
    }
}

#[test]
fn a_plan_for_pods_its_effect_and_its_button_say_how_many_it_is_about() {
    are_said([
        (
            ready(&["a", "b"]),
            2,
            ONE,
            "restart one pod: delete pod msa-x-a",
            "the deployment creates a new pod in its place",
            "Restart pod a",
        ),
        (
            ready(&["a", "b"]),
            2,
            Plan::restart_all,
            "restart all pods, one by one",
            "deletes 2 pods one by one, each after the last replacement is ready; leaders come last",
            "Restart 2 pods",
        ),
        (
            ready(&["a"]),
            1,
            Plan::restart_all,
            "restart all pods, one by one: delete pod msa-x-a",
            "the deployment creates a new pod in its place",
            "Restart pod a",
        ),
        (
            stuck(&["a", "b"]),
            2,
            Plan::start,
            "start the pods",
            "deletes 2 pods that do not start; the deployment creates a new pod in place of each",
            "Start 2 new pods",
        ),
        (
            stuck(&["a"]),
            1,
            Plan::start,
            "start the pods: delete pod msa-x-a",
            "deletes 1 pod that does not start; the deployment creates a new pod in place of each",
            "Start 1 new pod",
        ),
    ]);
}

#[test]
fn a_plan_for_the_deployment_says_what_becomes_of_its_number_of_pods() {
    are_said([
        (
            ready(&["a"]),
            1,
            Plan::roll_out,
            "restart by a rollout",
            "the deployment replaces all its pods by its rollout strategy",
            "Restart by a rollout",
        ),
        (
            Vec::new(),
            0,
            Plan::start,
            "start the pods: scale deployment msa from 0 to 3 pods",
            "adds 3 pods",
            "Start 3 pods",
        ),
        (
            ready(&["a"]),
            3,
            |account| Plan::scale(account, 2),
            "run more pods: scale deployment msa from 3 to 5 pods",
            "adds 2 pods",
            "Scale from 3 to 5",
        ),
        (
            ready(&["a"]),
            5,
            |account| Plan::scale(account, -1),
            "run fewer pods: scale deployment msa from 5 to 4 pods",
            "Kubernetes picks one pod to remove",
            "Scale from 5 to 4",
        ),
    ]);
}

#[test]
fn how_long_nobody_leads_is_said_of_the_workers_that_the_plan_takes() {
    const LONG: &str = "no leader for 30s–3m30s";
    const WHY: &str = "(old lease must expire)";
    let untouched = || "not a leader: no leadership gap".to_owned();
    let hit = |who_has: &str| format!("{who_has} {LONG} {WHY}");
    let perhaps = |who: &str| format!("{who} may have {LONG} (current leader unknown)");
    let both = |hit: &str, other: &str| format!("{hit}, and perhaps {other}, have {LONG} {WHY}");
    // who leads the one worker and the other, and what is said of a restart of pod a
    let (one, none, unknown) = (Verdict::One, Verdict::None, Verdict::Unknown);
    let cases = [
        ((one, Some("b")), (one, Some("c")), untouched()),
        ((one, Some("b")), (none, None), untouched()),
        ((one, Some("a")), (one, Some("b")), hit("Cluster has")),
        ((one, Some("b")), (one, Some("a")), hit("Kafka has")),
        ((one, Some("a")), (one, Some("a")), hit("Cluster and Kafka have")),
        ((none, Some("a")), (one, Some("b")), untouched()),
        ((unknown, None), (one, Some("b")), perhaps("Cluster")),
        ((one, None), (unknown, None), perhaps("Cluster and Kafka")),
        ((Verdict::Many, None), (none, None), perhaps("Cluster")),
        ((unknown, None), (one, Some("a")), both("Kafka", "Cluster")),
    ];
    for (cluster, kafka, expected) in cases {
        let worker = |(name, (verdict, pod)): (&str, (Verdict, Option<&str>))| {
            let mut one = leader(name, verdict, "");
            one.pod = pod.map(|short| format!("msa-x-{short}").as_str().into());
            one
        };
        let diagnosis = Diagnosis {
            leaders: [("Cluster", cluster), ("Kafka", kafka)].map(worker).to_vec(),
            ..Diagnosis::default()
        };
        let all = with_deployment(3, ready(&["a", "b", "c"]));
        look(&all, &diagnosis, |account| {
            let risks = ONE(account).unwrap().risks(account);
            let serve = "2 of 3 pods keep serving".to_owned();
            assert_eq!(risks, [serve, expected]);
        });
    }
}

#[test]
fn of_pods_that_are_not_ready_none_is_missed_while_they_are_replaced() {
    let all = with_deployment(3, [ready(&["b", "c"]), stuck(&["a"])].concat());
    look(&all, &Diagnosis::default(), |account| {
        let serving = |make: Make| {
            let risks = make(account).unwrap().risks(account);
            risks.into_iter().find(|risk| risk.contains("keep serving"))
        };
        assert_eq!(serving(ONE), None);
        let all = serving(Plan::restart_all);
        assert_eq!(all.as_deref(), Some("1 of 2 pods keep serving"));
    });
}

#[test]
fn what_another_number_of_pods_costs_the_database_is_said_where_the_profile_knows_it() {
    let all = with_deployment(3, ready(&["a"]));
    // how many more, what is said of the database
    for (by, expected) in [
        (1, "up to 20 more database connections"),
        (2, "up to 40 more database connections"),
        (-2, "up to 40 fewer database connections"),
    ] {
        let risks = look(&all, &Diagnosis::default(), |account| {
            Plan::scale(account, by).unwrap().risks(account)
        });
        assert!(risks.iter().any(|risk| risk == expected), "{risks:?}");
    }
    let diagnosis = Diagnosis::default();
    let risks = look_at((&all, &profile(), &diagnosis), now(), |account| {
        Plan::scale(account, 1).unwrap().risks(account)
    });
    assert_eq!(risks, ["undo: scale back to 3"]);
}

#[test]
fn pods_are_started_where_that_is_advised() {
    let advised = |all: &State, action: Advice| {
        let mut diagnosis = Diagnosis::default();
        diagnosis.decision.recommendation.action = action;
        look(all, &diagnosis, Plan::advised)
    };
    let none = with_deployment(0, Vec::new());
    let plan = advised(&none, Advice::StartPods).unwrap();
    assert_eq!(plan.aim, PlanKind::Start);
    assert!(matches!(
        plan.commands[..],
        [Command::Scale { from: 0, to: 3, .. }]
    ));
    let one = with_deployment(3, ready(&["a"]));
    let why = advised(&one, Advice::StartPods).unwrap_err();
    assert_eq!(why, "a pod is ready: nothing to start");
    let why = advised(&one, Advice::Wait).unwrap_err();
    assert_eq!(why, format!("nothing to apply: {}", Advice::Wait.words()));
}

#[test]
fn a_plan_for_a_deployment_that_nobody_knows_says_its_name() {
    let all = state(ready(&["a"]));
    for make in [Plan::roll_out as Make, Plan::start, |account| {
        Plan::scale(account, 1)
    }] {
        let why = look(&all, &Diagnosis::default(), make).unwrap_err();
        assert_eq!(why, "no data on deployment msa");
    }
}

#[test]
fn without_a_deployment_no_pod_is_deleted_as_nobody_would_make_another() {
    let mut all = state(ready(&["a"]));
    all.apply(Observation::Deployment(None), now());
    let interrupted = Interrupted {
        aim: PlanKind::RestartAll,
        of: 2,
        left: vec![PodUid("a".into())],
    };
    look(&all, &Diagnosis::default(), |account| {
        for plan in [
            ONE(account),
            Plan::restart_all(account),
            Plan::restart_rest(account, &interrupted),
        ] {
            assert_eq!(
                plan.unwrap_err(),
                "no deployment msa: nothing would replace a deleted pod"
            );
        }
    });
}

#[test]
fn where_no_pod_is_up_no_leader_is_lost() {
    let diagnosis = Diagnosis {
        leaders: vec![leader("Kafka", Verdict::Unknown, "")],
        ..Diagnosis::default()
    };
    for (pods, warns) in [(stuck(&["a", "b"]), false), (ready(&["a", "b"]), true)] {
        let all = with_deployment(2, pods);
        let risks = look(&all, &diagnosis, |account| {
            Plan::restart_all(account).unwrap().risks(account)
        });
        assert_eq!(
            risks.iter().any(|risk| risk.contains("leader")),
            warns,
            "{risks:?}"
        );
    }
}

#[test]
fn the_advised_commands_by_another_key_contradict_no_advice() {
    use super::gate::{GateInput, gate};
    let mut diagnosis = Diagnosis::default();
    diagnosis.decision.recommendation.action = Advice::StartPods;
    let all = with_deployment(2, stuck(&["a", "b"]));
    for (make, noted) in [(Plan::restart_all as Make, false), (ONE, true)] {
        let cautions = look(&all, &diagnosis, |account| {
            let input = GateInput {
                account,
                past: &[],
                read_only: None,
            };
            gate(&make(account).unwrap(), &input).cautions
        });
        let says = cautions
            .iter()
            .any(|caution| caution.contains("current advice is"));
        assert_eq!(says, noted, "{cautions:?}");
    }
}

#[test]
fn pods_that_can_t_be_read_are_said_to_be_so() {
    use crate::observe::source::{ProblemKind, SourceId};
    let mut all = State::default();
    all.apply(Observation::Deployment(Some(deployment(3))), now());
    all.apply(
        crate::testkit::failing(SourceId::Pods, ProblemKind::Forbidden, "pods are forbidden"),
        now(),
    );
    for make in [Plan::restart_all as Make, Plan::start] {
        let why = look(&all, &Diagnosis::default(), make).unwrap_err();
        assert_eq!(why, "pods can't be read: forbidden");
    }
}
