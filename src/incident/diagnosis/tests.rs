//! The answers, by table. Times are seconds before the moment of the test.

use super::*;
use crate::incident::fact::{ClusterEvent, Fact, Pod};
use crate::incident::feed::{FeedId, FeedState, ProblemKind};
use crate::incident::log::{KAFKA, LeaderLineKind};
use crate::incident::sample::{
    SHORT, ago, deployment, facts, failing, log, now, pod, profile, reading, source, waiting_pod,
};

use StepStatus::{Fail, Manual, Pass, Stale, Unknown, Waiting};

/// Judges one check at a moment.
fn judge_at(check: Check, facts: &Facts, now: Timestamp) -> StepFinding {
    let mut profile = profile();
    let step = Step {
        title: "the step".into(),
        check,
        text: String::new(),
        commands: Vec::new(),
        links: Vec::new(),
        gaps: Vec::new(),
    };
    profile.steps.insert("step".into(), step);
    let sop = Sop {
        id: "sop".into(),
        title: String::new(),
        impact: String::new(),
        summary: String::new(),
        access: Vec::new(),
        secrets: Vec::new(),
        steps: vec!["step".into()],
        steps_from: None,
        handle: Vec::new(),
        gaps: Vec::new(),
    };
    let mut diagnosis = diagnose(facts, &profile, &sop, now);
    assert_eq!(diagnosis.steps.len(), 1);
    diagnosis.steps.remove(0)
}

fn judge(check: Check, facts: &Facts) -> StepFinding {
    judge_at(check, facts, now())
}

fn with(mut facts: Facts, more: impl IntoIterator<Item = Fact>) -> Facts {
    more.into_iter().for_each(|fact| facts.apply(fact, now()));
    facts
}

fn three_pods() -> Vec<Pod> {
    SHORT.map(|short| pod(short, 86_400)).to_vec()
}

fn two_and(third: Pod) -> Vec<Pod> {
    vec![pod(SHORT[0], 86_400), pod(SHORT[1], 86_400), third]
}

fn clusters() -> String {
    "clusters".to_owned()
}

#[test]
fn a_manual_step_is_the_operator_s() {
    let step = judge(Check::Manual, &Facts::default());
    assert_eq!((step.status, step.source, step.age), (Manual, "operator", None));
}

#[test]
fn replicas_are_those_of_the_deployment() {
    for (fact, status, value) in [
        (None, Unknown, "deployment not read"),
        (Some(Fact::Deployment(None)), Fail, "no deployment msa"),
        (
            Some(Fact::Deployment(Some(deployment(3)))),
            Pass,
            "3 configured, want 3",
        ),
        (
            Some(Fact::Deployment(Some(deployment(5)))),
            Pass,
            "5 configured, want 3",
        ),
        (
            Some(Fact::Deployment(Some(deployment(0)))),
            Fail,
            "0 configured, want 3",
        ),
    ] {
        let step = judge(Check::Replicas, &with(Facts::default(), fact));
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
        (three_pods(), deployment(3), Pass, "3/3 ready, want 3"),
        (
            two_and(old("ImagePullBackOff")),
            deployment(3),
            Fail,
            "2/3 ready, want 3",
        ),
        (
            two_and(new("ImagePullBackOff")),
            deployment(3),
            Fail,
            "2/3 ready, want 3",
        ),
        (
            two_and(new("ContainerCreating")),
            deployment(3),
            Waiting,
            "2/3 ready, want 3, starting",
        ),
        (
            two_and(new("Init:0/1")),
            deployment(3),
            Waiting,
            "2/3 ready, want 3, starting",
        ),
        (
            two_and(new("Init:Error")),
            deployment(3),
            Fail,
            "2/3 ready, want 3",
        ),
        (
            two_and(old("ContainerCreating")),
            deployment(3),
            Fail,
            "2/3 ready, want 3",
        ),
        (two_and(crashing), deployment(3), Fail, "2/3 ready, want 3"),
        (
            two_and(dying),
            deployment(3),
            Waiting,
            "2/3 ready, want 3, starting",
        ),
        (
            two_and(new("Running"))[..2].to_vec(),
            deployment(3),
            Fail,
            "2/3 ready, want 3",
        ),
        (three_pods(), unseen, Waiting, "3/3 ready, want 3, starting"),
        (three_pods(), deployment(5), Fail, "3/5 ready, want 3"),
        (three_pods(), deployment(2), Fail, "3/2 ready, want 3"),
        (vec![], deployment(0), Fail, "0/0 ready, want 3"),
    ];
    for (pods, deployment, status, value) in cases {
        let facts = with(facts(pods), [Fact::Deployment(Some(deployment))]);
        let step = judge(Check::PodsReady, &facts);
        assert_eq!((step.status, &*step.value), (status, value), "{step:?}");
        assert_eq!((step.source, &*step.threshold), ("deployment and pods", "3"));
    }
}

#[test]
fn the_pods_alone_tell_where_the_deployment_is_forbidden() {
    let forbidden = || {
        failing(
            FeedId::Deployment,
            ProblemKind::Forbidden,
            "deployments are forbidden",
        )
    };
    let step = judge(Check::PodsReady, &with(facts(three_pods()), [forbidden()]));
    assert_eq!((step.status, step.source), (Pass, "pods"));
    assert!(
        step.evidence
            .contains(&"deployment: deployments are forbidden".to_owned()),
        "{step:?}"
    );
    let step = judge(Check::PodsReady, &with(Facts::default(), [forbidden()]));
    assert_eq!((step.status, &*step.value), (Unknown, "pods not read"));
    let step = judge(
        Check::PodsReady,
        &with(facts(three_pods()), [Fact::Deployment(None)]),
    );
    assert_eq!((step.status, &*step.value), (Fail, "no deployment msa"));
}

#[test]
fn pods_that_are_not_ready_are_named_with_their_trouble() {
    let mut stuck = waiting_pod(SHORT[2], 3_600, "ImagePullBackOff");
    stuck.message = "no such image".into();
    let facts = with(facts(two_and(stuck)), [Fact::Deployment(Some(deployment(3)))]);
    let step = judge(Check::PodsReady, &facts);
    assert_eq!(step.evidence, ["lzxms: ImagePullBackOff: no such image"]);
}

#[test]
fn what_hangs_on_a_source_turns_stale_when_it_stops() {
    let database = Fact::Database(reading(None, &[("ready", 1, Some(5), None)]));
    let event = Fact::ClusterEvents(Vec::new());
    let all = with(
        facts(three_pods()),
        [Fact::Deployment(Some(deployment(3))), database, event],
    );
    let all = with(all, SHORT.map(|short| Fact::Log(log(short, KAFKA, 300, &[]))));
    let checks = || {
        [
            Check::Replicas,
            Check::PodsReady,
            Check::Events,
            Check::LogErrors,
            Check::AnyReady { table: clusters() },
            Check::Limits { table: clusters() },
            Check::Failed { table: clusters() },
        ]
    };
    for check in checks() {
        let step = judge_at(check.clone(), &all, ago(-15));
        assert_ne!(step.status, Stale, "{check:?} {step:?}");
        assert_eq!(step.age, Some(SignedDuration::from_secs(15)), "{check:?}");
    }
    for check in checks() {
        let step = judge_at(check.clone(), &all, ago(-16));
        assert_eq!(step.status, Stale, "{check:?}");
        assert!(
            step.evidence[0].ends_with("no sign of life, last heard 16s ago"),
            "{step:?}"
        );
    }
    let leader = Check::Leader { worker: KAFKA.into() };
    assert_eq!(judge_at(leader, &all, ago(-16)).status, Stale);
}

#[test]
fn a_watch_is_current_as_long_as_the_server_lives() {
    let mut facts = with(facts(three_pods()), [Fact::Deployment(Some(deployment(3)))]);
    facts.apply(Fact::Feed(FeedId::Api, FeedState::Live), ago(-100));
    let step = judge_at(Check::PodsReady, &facts, ago(-103));
    assert_eq!(
        (step.status, step.age),
        (Pass, Some(SignedDuration::from_secs(3)))
    );
    facts.apply(
        failing(FeedId::Pods, ProblemKind::Reset, "the watch was cut"),
        ago(-101),
    );
    let step = judge_at(Check::PodsReady, &facts, ago(-103));
    assert_eq!(
        (step.status, &*step.evidence[0]),
        (Stale, "pods: the watch was cut, last heard 1m43s ago")
    );
}

fn event(uid: &str, reason: &str, count: u32, warning: bool) -> ClusterEvent {
    ClusterEvent {
        uid: uid.into(),
        warning,
        reason: reason.into(),
        message: "Back-off\nrestarting".into(),
        object_kind: "Pod".into(),
        object_name: "msa-x-lzxms".into(),
        count,
        first_at: None,
        last_at: Some(ago(12)),
    }
}

#[test]
fn warnings_are_counted_by_reason_for_the_operator() {
    let none = with(
        Facts::default(),
        [Fact::ClusterEvents(vec![event("n", "Pulled", 9, false)])],
    );
    assert_eq!(
        (
            judge(Check::Events, &none).status,
            &*judge(Check::Events, &none).value
        ),
        (Manual, "no warning")
    );
    let events = vec![
        event("a", "Unhealthy", 1, true),
        event("b", "BackOff", 5, true),
        event("c", "Pulled", 1, false),
    ];
    let step = judge(
        Check::Events,
        &with(Facts::default(), [Fact::ClusterEvents(events)]),
    );
    assert_eq!(
        (step.status, &*step.value),
        (Manual, "6 warnings: BackOff 5, Unhealthy 1")
    );
    assert!(
        step.evidence
            .contains(&"BackOff ×5 12s ago Pod/msa-x-lzxms: Back-off restarting".to_owned()),
        "{step:?}"
    );
    let forbidden = failing(
        FeedId::ClusterEvents,
        ProblemKind::Forbidden,
        "events are forbidden",
    );
    let step = judge(Check::Events, &with(Facts::default(), [forbidden]));
    assert_eq!(
        (step.status, &*step.value, &*step.evidence[0]),
        (Manual, "events not read", "events: events are forbidden")
    );
}

#[test]
fn error_records_are_counted_and_logs_that_are_not_read_are_named() {
    assert_eq!(judge(Check::LogErrors, &Facts::default()).value, "no log read");
    let mut noisy = log(SHORT[0], KAFKA, 300, &[]);
    noisy.progress.errors = 12;
    let forbidden = failing(
        FeedId::Log(source(SHORT[1])),
        ProblemKind::Forbidden,
        "logs are forbidden",
    );
    let quiet = Fact::Log(log(SHORT[2], KAFKA, 300, &[]));
    let step = judge(
        Check::LogErrors,
        &with(facts(three_pods()), [Fact::Log(noisy), forbidden, quiet]),
    );
    assert_eq!(
        (step.status, &*step.value),
        (Manual, "12 error records in 2 logs")
    );
    assert_eq!(
        step.evidence,
        [
            "2mgcp service: 12 error records",
            "log of blf5h: logs are forbidden"
        ]
    );
}

#[test]
fn a_leader_s_verdict_is_the_answer() {
    use LeaderLineKind::{Gained, Heartbeat, NotLeader};
    let beats = [(Heartbeat, 12)];
    let not = [(NotLeader, 10)];
    let both = [(Gained, 500), (Heartbeat, 12)];
    let world = |said: [&[(LeaderLineKind, i64)]; 3], lease: Option<(Option<&str>, i64)>| {
        let facts = facts(three_pods());
        let logs = SHORT
            .iter()
            .zip(said)
            .map(|(short, said)| Fact::Log(log(short, KAFKA, 600, said)));
        let poll = lease.map(|lease| Fact::Database(reading(Some(lease), &[])));
        with(facts, logs.chain(poll))
    };
    let cases = [
        (world([&not, &beats, &not], None), Pass, "one: blf5h", "logs"),
        (
            world([&not, &beats, &not], Some((Some("blf5h"), 92))),
            Pass,
            "one: blf5h",
            "logs and leases",
        ),
        (
            world([&not, &not, &not], Some((Some("gone"), -432))),
            Fail,
            "none, lease out 7m12s",
            "logs and leases",
        ),
        (
            world([&not, &not, &not], None),
            Fail,
            "none, 3 of 3 pods say not leader",
            "logs",
        ),
        (
            world([&both, &both, &not], None),
            Fail,
            "more than one: 2mgcp and blf5h both beat",
            "logs",
        ),
        (
            world([&not, &not, &not], Some((Some("gone"), 60))),
            Waiting,
            "settling, known in 1m31s",
            "logs and leases",
        ),
        (
            world([&[], &[], &[]], None),
            Unknown,
            "no leader line, 3 of 3 pods read",
            "logs",
        ),
    ];
    for (facts, status, value, source) in cases {
        // Two pods that gained at the same moment and beat since overlap only if one started first.
        let facts = if status == Fail && value.starts_with("more") {
            let later = Fact::Log(log(SHORT[1], KAFKA, 600, &[(Gained, 400), (Heartbeat, 5)]));
            with(facts, [later])
        } else {
            facts
        };
        let step = judge(Check::Leader { worker: KAFKA.into() }, &facts);
        assert_eq!(
            (step.status, &*step.value, step.source),
            (status, value, source),
            "{step:?}"
        );
        assert_eq!(step.threshold, "exactly one");
    }
    let step = judge(
        Check::Leader {
            worker: "*other".into(),
        },
        &Facts::default(),
    );
    assert_eq!(step.status, Unknown);
}

#[test]
fn a_lease_is_told_beside_the_logs() {
    let facts = with(
        facts(three_pods()),
        [Fact::Database(reading(Some((Some("gone"), 92)), &[]))],
    );
    let step = judge(Check::Leader { worker: KAFKA.into() }, &facts);
    assert_eq!(
        step.evidence,
        [
            "logs: no log of 3 pods is current",
            "lease: 1m32s left, its holder is in no log"
        ]
    );
}

type Rows<'a> = &'a [(&'a str, u64, Option<i64>, Option<u64>)];

#[test]
fn rows_are_judged_by_role_and_limit() {
    let any_ready = || Check::AnyReady { table: clusters() };
    let limits = || Check::Limits { table: clusters() };
    let failed = || Check::Failed { table: clusters() };
    let ready = ("ready", 4, Some(80 * 86_400), None);
    let cases: [(Check, Rows<'_>, StepStatus, &str); 13] = [
        (any_ready(), &[ready], Pass, "4 ready"),
        (
            any_ready(),
            &[("cluster_accepted", 1, Some(3), Some(0))],
            Fail,
            "none ready",
        ),
        (any_ready(), &[], Fail, "none ready"),
        (limits(), &[ready], Pass, "nothing under way"),
        (
            limits(),
            &[ready, ("cluster_accepted", 1, Some(180), Some(0))],
            Pass,
            "0 of 1 over limit",
        ),
        (
            limits(),
            &[
                ("cluster_accepted", 1, Some(431), Some(1)),
                ("cluster_provisioning", 2, Some(60), Some(0)),
            ],
            Fail,
            "1 of 3 over limit: cluster_accepted 07:11 > 03:00",
        ),
        (
            limits(),
            &[("cluster_provisioning", 2, Some(173_400), Some(2))],
            Fail,
            "2 of 2 over limit: cluster_provisioning 2d 00:10 > 45:00",
        ),
        (
            limits(),
            &[("cluster_accepted", 1, None, Some(0))],
            Unknown,
            "no age for cluster_accepted",
        ),
        (
            limits(),
            &[("cluster_accepted", 1, Some(9), None)],
            Unknown,
            "no age for cluster_accepted",
        ),
        (
            limits(),
            &[("", 2, Some(9), None)],
            Pass,
            "nothing under way, 2 of unknown status",
        ),
        (failed(), &[ready], Pass, "none failed"),
        (
            failed(),
            &[("failed", 2, Some(40 * 86_400), None)],
            Manual,
            "2 failed",
        ),
        (failed(), &[], Pass, "none failed"),
    ];
    for (check, rows, status, value) in cases {
        let facts = with(Facts::default(), [Fact::Database(reading(None, rows))]);
        let step = judge(check, &facts);
        assert_eq!(
            (step.status, &*step.value, step.source),
            (status, value, "database"),
            "{step:?}"
        );
    }
}

#[test]
fn statuses_that_the_profile_does_not_know_are_named() {
    let rows = [
        ("", 1, Some(60), None),
        ("teleporting", 2, None, None),
        ("ready", 1, Some(60), None),
    ];
    let facts = with(Facts::default(), [Fact::Database(reading(None, &rows))]);
    let step = judge(Check::Limits { table: clusters() }, &facts);
    assert_eq!(
        step.evidence,
        [
            "ready: 1, oldest 01:00",
            "(blank): 1, oldest 01:00: the profile does not know it",
            "teleporting: 2: the profile does not know it",
        ]
    );
    assert_eq!(
        step.threshold,
        "cluster_accepted 03:00, cluster_provisioning 45:00"
    );
}

#[test]
fn a_database_that_can_t_be_read_says_why() {
    let off = Fact::Feed(FeedId::Database, FeedState::Off("--no-database".into()));
    let wrong = failing(
        FeedId::Database,
        ProblemKind::WrongPassword,
        "the password is wrong",
    );
    let mut table = reading(None, &[]);
    table.tables[0].statuses = Err("permission denied".into());
    for (fact, why) in [
        (None, "database: nothing heard yet"),
        (Some(off), "database: --no-database"),
        (Some(wrong), "database: the password is wrong"),
        (Some(Fact::Database(table)), "clusters: permission denied"),
    ] {
        let step = judge(
            Check::AnyReady { table: clusters() },
            &with(Facts::default(), fact),
        );
        assert_eq!(
            (step.status, &*step.value, &*step.evidence[0]),
            (Unknown, "not read", why)
        );
    }
    let step = judge(
        Check::Failed {
            table: "nonsense".into(),
        },
        &Facts::default(),
    );
    assert_eq!(step.evidence, ["the profile has no table nonsense"]);
}

#[test]
fn the_worst_step_is_the_first_that_fails_else_the_first_that_is_not_known() {
    let step = |id: &str, status| {
        let mut step = judge(Check::Manual, &Facts::default());
        (step.id, step.status) = (id.to_owned(), status);
        step
    };
    let worst = |statuses: &[StepStatus]| {
        let steps = statuses
            .iter()
            .enumerate()
            .map(|(number, status)| step(&number.to_string(), *status));
        let diagnosis = Diagnosis {
            steps: steps.collect(),
            leaders: Vec::new(),
        };
        diagnosis.worst().map(|step| step.id.clone())
    };
    assert_eq!(worst(&[Pass, Unknown, Fail, Fail]).as_deref(), Some("2"));
    assert_eq!(worst(&[Pass, Waiting, Stale, Unknown]).as_deref(), Some("3"));
    assert_eq!(worst(&[Pass, Waiting, Stale]).as_deref(), Some("2"));
    assert_eq!(worst(&[Manual, Waiting]).as_deref(), Some("1"));
    assert_eq!(worst(&[Pass, Manual]), None);
}
