//! The answers, by table. Times are seconds before the moment of the test.

mod load_steps;
mod pod_steps;
mod row_steps;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::diagnose::{Decision, Diagnosis, StepFinding, diagnose};
use crate::logparse::{ErrorCounts, ErrorSighting, ErrorTimes, LeaderLineKind, LogBatch};
use crate::observe::observation::{ClusterEvent, Observation, Pod};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::profile::rule::Alert;
use crate::profile::sop::{Sop, Step, StepStatus};
use crate::testkit::{
    KAFKA, SHORT, ago, deployment, failing, log, now, pod, profile, reading, source, state, waiting_pod,
};

use StepStatus::{Fail, Pass, Stale, Unknown, Waiting};

/// Judges one check at a moment.
fn judge_at(check: Check, state: &State, now: Timestamp) -> StepFinding {
    judge_by(profile(), check, state, now)
}

fn judge_by(mut profile: Profile, check: Check, state: &State, now: Timestamp) -> StepFinding {
    let step = Step {
        title: "the step".into(),
        check,
        text: String::new(),
        commands: Vec::new(),
        links: Vec::new(),
        escalates: false,
        gaps: Vec::new(),
    };
    profile.steps.insert("step".into(), step);
    let sop = Sop {
        id: "sop".into(),
        title: String::new(),
        alert: Alert::Kafka,
        impact: String::new(),
        summary: String::new(),
        access: Vec::new(),
        secrets: Vec::new(),
        steps: vec!["step".into()],
        steps_from: None,
        handle: Vec::new(),
        gaps: Vec::new(),
    };
    let mut diagnosis = diagnose(state, &profile, &sop, now);
    assert_eq!(diagnosis.steps.len(), 1);
    diagnosis.steps.remove(0)
}

fn judge(check: Check, state: &State) -> StepFinding {
    judge_at(check, state, now())
}

fn with(mut state: State, more: impl IntoIterator<Item = Observation>) -> State {
    more.into_iter()
        .for_each(|observation| state.apply(observation, now()));
    state
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
    let step = judge(Check::Manual(Manual {}), &State::default());
    assert_eq!(
        (step.status, step.source, step.age),
        (StepStatus::Manual, "operator", None)
    );
}

#[test]
fn what_hangs_on_a_source_turns_stale_when_it_stops() {
    let database = Observation::Database(reading(None, &[("ready", 1, Some(5), None)]));
    let event = Observation::ClusterEvents(Vec::new());
    let all = with(
        state(three_pods()),
        [Observation::Deployment(Some(deployment(3))), database, event],
    );
    let all = with(
        all,
        SHORT.map(|short| Observation::Log(log(short, KAFKA, 300, &[]))),
    );
    let checks = || {
        [
            Check::Replicas(Replicas {}),
            Check::PodsReady(PodsReady {}),
            Check::Events(Events {}),
            Check::LogErrors(LogErrors {}),
            Check::AnyReady(AnyReady { table: clusters() }),
            Check::Limits(WithinLimits { table: clusters() }),
            Check::Failed(Failed { table: clusters() }),
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
            step.evidence[0].ends_with("no answer, last data 16s ago"),
            "{step:?}"
        );
    }
    let leader = Check::Leader(OneLeader { worker: KAFKA.into() });
    assert_eq!(judge_at(leader, &all, ago(-16)).status, Stale);
}

#[test]
fn a_watch_is_current_as_long_as_the_server_lives() {
    let mut state = with(
        state(three_pods()),
        [Observation::Deployment(Some(deployment(3)))],
    );
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), ago(-100));
    let step = judge_at(Check::PodsReady(PodsReady {}), &state, ago(-103));
    assert_eq!(
        (step.status, step.age),
        (Pass, Some(SignedDuration::from_secs(3)))
    );
    state.apply(
        failing(SourceId::Pods, ProblemKind::Reset, "the watch was cut"),
        ago(-101),
    );
    let step = judge_at(Check::PodsReady(PodsReady {}), &state, ago(-103));
    assert_eq!(
        step.status, Pass,
        "what was current until the cut does not age at once"
    );
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), ago(-115));
    let step = judge_at(Check::PodsReady(PodsReady {}), &state, ago(-116));
    assert_eq!(
        (step.status, &*step.evidence[0]),
        (Stale, "pods: the watch was cut, last data 27s ago")
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
fn warnings_of_the_last_half_hour_fail_their_step_by_reason() {
    let judged = |events: Vec<ClusterEvent>| {
        judge(
            Check::Events(Events {}),
            &with(State::default(), [Observation::ClusterEvents(events)]),
        )
    };
    let quiet = judged(vec![event("n", "Pulled", 9, false)]);
    assert_eq!((quiet.status, &*quiet.value), (Pass, "no warning"));
    let mut old = event("o", "BackOff", 5, true);
    old.last_at = Some(ago(1_801));
    assert_eq!(judged(vec![old]).status, Pass);
    let step = judged(vec![
        event("a", "Unhealthy", 1, true),
        event("b", "BackOff", 5, true),
        event("c", "Pulled", 1, false),
    ]);
    assert_eq!(
        (step.status, &*step.value, &*step.threshold),
        (Fail, "6 warnings: 5 BackOff, 1 Unhealthy", "no warnings in 30m")
    );
    assert!(
        step.evidence
            .contains(&"BackOff ×5, last 12s ago: Back-off restarting (Pod/msa-x-lzxms)".into()),
        "{step:?}"
    );
    let mixed = judged(vec![
        event("a", "FailedScheduling", 16, true),
        event("b", "BackOff", 2, true),
    ]);
    assert_eq!(
        (&*mixed.value, &*mixed.evidence[0]),
        (
            "18 warnings: 16 FailedScheduling, 2 BackOff",
            "16 of 18 are cluster problems (scheduling, node, mount, quota)"
        ),
        "both count how often they happened"
    );
    let forbidden = failing(
        SourceId::ClusterEvents,
        ProblemKind::Forbidden,
        "events are forbidden",
    );
    let step = judge(Check::Events(Events {}), &with(State::default(), [forbidden]));
    assert_eq!(
        (step.status, &*step.value, &*step.evidence[0]),
        (Unknown, "events not read", "events: events are forbidden")
    );
}

fn with_errors(mut batch: LogBatch, class: &str, seconds_ago: &[i64]) -> Observation {
    let sighting = |seconds: &i64| ErrorSighting {
        at: ago(*seconds),
        text: "E0115 13:24:32.110457       1 a.go:1] what".into(),
        line: "".into(),
    };
    batch.errors = vec![ErrorCounts {
        class: class.into(),
        count: seconds_ago.len() as u64,
        first_at: ago(seconds_ago[0]),
        last_at: ago(*seconds_ago.last().unwrap()),
        times: ErrorTimes::default(),
        newest: seconds_ago.iter().map(sighting).collect(),
    }];
    Observation::Log(batch)
}

#[test]
fn errors_of_the_last_half_hour_fail_their_step_by_class() {
    let logs = || SHORT.map(|short| Observation::Log(log(short, KAFKA, 300, &[])));
    let judged = |more: Vec<Observation>| {
        let all = with(state(three_pods()), logs());
        judge(Check::LogErrors(LogErrors {}), &with(all, more))
    };
    let quiet = judged(Vec::new());
    assert_eq!((quiet.status, &*quiet.value), (Pass, "no errors"));
    let old = judged(vec![with_errors(log(SHORT[0], KAFKA, 300, &[]), "ocm", &[1_801])]);
    assert_eq!(old.status, Pass);
    let noisy = judged(vec![
        with_errors(log(SHORT[0], KAFKA, 300, &[]), "ocm", &[1_900, 90, 30]),
        with_errors(log(SHORT[1], KAFKA, 300, &[]), "", &[4]),
    ]);
    assert_eq!(
        (noisy.status, &*noisy.value),
        (Fail, "1 unclassified error, 2 ocm errors")
    );
    assert_eq!(
        noisy.evidence[1],
        "2 ocm errors, first 1m30s ago, last 30s ago in 2mgcp: what (a.go:1)"
    );
}

#[test]
fn no_error_is_said_only_of_logs_that_are_read() {
    assert_eq!(
        judge(Check::LogErrors(LogErrors {}), &State::default()).status,
        Unknown
    );
    let two = [SHORT[0], SHORT[2]].map(|short| Observation::Log(log(short, KAFKA, 300, &[])));
    let forbidden = failing(
        SourceId::Log(source(SHORT[1])),
        ProblemKind::Forbidden,
        "logs are forbidden",
    );
    let all = with(state(three_pods()), two);
    let step = judge(Check::LogErrors(LogErrors {}), &with(all, [forbidden]));
    assert_eq!(
        (step.status, &*step.evidence[0]),
        (Unknown, "log of blf5h: logs are forbidden")
    );
    let mut behind = log(SHORT[1], KAFKA, 300, &[]);
    behind.progress.caught_up = false;
    let two = [SHORT[0], SHORT[2]].map(|short| Observation::Log(log(short, KAFKA, 300, &[])));
    let step = judge(
        Check::LogErrors(LogErrors {}),
        &with(with(state(three_pods()), two), [Observation::Log(behind)]),
    );
    assert_eq!(
        (step.status, &*step.evidence[0]),
        (Unknown, "log of blf5h: still reading older lines")
    );
}

#[test]
fn logs_that_are_read_in_turns_are_not_said_to_have_no_error() {
    let mut all = with(
        state(three_pods()),
        [SHORT[0], SHORT[2]].map(|short| Observation::Log(log(short, KAFKA, 300, &[]))),
    );
    all.apply(Observation::Log(log(SHORT[1], KAFKA, 300, &[])), ago(90));
    all.apply(
        Observation::Source(SourceId::Log(source(SHORT[1])), SourceState::Resting),
        ago(90),
    );
    let step = judge(Check::LogErrors(LogErrors {}), &all);
    assert_eq!(
        (step.status, &*step.evidence[0]),
        (Unknown, "1 of 3 logs are read in turns, oldest 1m30s ago")
    );
    // what one of them did say counts
    let mut said = log(SHORT[1], KAFKA, 300, &[]);
    said.errors = vec![ErrorCounts {
        class: "ocm".into(),
        count: 1,
        first_at: ago(100),
        last_at: ago(100),
        times: ErrorTimes::default(),
        newest: vec![ErrorSighting {
            at: ago(100),
            text: "E0115 13:24:32.110457 1 a.go:1] what".into(),
            line: "".into(),
        }],
    }];
    all.apply(Observation::Log(said), ago(90));
    all.apply(
        Observation::Source(SourceId::Log(source(SHORT[1])), SourceState::Resting),
        ago(90),
    );
    assert_eq!(judge(Check::LogErrors(LogErrors {}), &all).status, Fail);
}

#[test]
fn a_leader_s_verdict_is_the_answer() {
    use LeaderLineKind::{Gained, Heartbeat, NotLeader};
    let beats = [(Heartbeat, 12)];
    let not = [(NotLeader, 10)];
    let both = [(Gained, 500), (Heartbeat, 12)];
    let world = |said: [&[(LeaderLineKind, i64)]; 3], lease: Option<(Option<&str>, i64)>| {
        let state = state(three_pods());
        let logs = SHORT
            .iter()
            .zip(said)
            .map(|(short, said)| Observation::Log(log(short, KAFKA, 600, said)));
        let poll = lease.map(|lease| Observation::Database(reading(Some(lease), &[])));
        with(state, logs.chain(poll))
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
            "none for 7m12s, lease expired",
            "logs and leases",
        ),
        (
            world([&not, &not, &not], None),
            Fail,
            "none, all 3 pods report \"not leader\"",
            "logs",
        ),
        (
            world([&both, &both, &not], None),
            Fail,
            "both 2mgcp and blf5h are acting as leader",
            "logs",
        ),
        (
            world([&not, &not, &not], Some((Some("gone"), 60))),
            Waiting,
            "electing, certain in 1m31s",
            "logs and leases",
        ),
        (
            world([&[], &[], &[]], None),
            Unknown,
            "no leader line in 3 of 3 logs",
            "logs",
        ),
    ];
    for (state, status, value, source) in cases {
        // Two pods that gained at the same moment and beat since overlap only if one started first.
        let state = if status == Fail && value.starts_with("more") {
            let later = Observation::Log(log(SHORT[1], KAFKA, 600, &[(Gained, 400), (Heartbeat, 5)]));
            with(state, [later])
        } else {
            state
        };
        let step = judge(Check::Leader(OneLeader { worker: KAFKA.into() }), &state);
        assert_eq!(
            (step.status, &*step.value, step.source),
            (status, value, source),
            "{step:?}"
        );
        assert_eq!(step.threshold, "exactly one");
    }
    let step = judge(
        Check::Leader(OneLeader {
            worker: "*other".into(),
        }),
        &State::default(),
    );
    assert_eq!(step.status, Unknown);
}

#[test]
fn a_lease_is_told_beside_the_logs() {
    let state = with(
        state(three_pods()),
        [Observation::Database(reading(Some((Some("gone"), 92)), &[]))],
    );
    let step = judge(Check::Leader(OneLeader { worker: KAFKA.into() }), &state);
    assert_eq!(
        step.evidence,
        [
            "logs: no current log of 3 pods",
            "lease has 1m32s left, holder unknown (not in any pod's log)"
        ]
    );
}

#[test]
fn the_worst_step_is_the_first_that_fails_else_the_first_that_is_not_known() {
    let step = |id: &str, status| {
        let mut step = judge(Check::Manual(Manual {}), &State::default());
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
            decision: Decision::default(),
        };
        diagnosis.worst().map(|step| step.id.clone())
    };
    assert_eq!(worst(&[Pass, Unknown, Fail, Fail]).as_deref(), Some("2"));
    assert_eq!(worst(&[Pass, Waiting, Stale, Unknown]).as_deref(), Some("3"));
    assert_eq!(worst(&[Pass, Waiting, Stale]).as_deref(), Some("2"));
    assert_eq!(worst(&[StepStatus::Manual, Waiting]).as_deref(), Some("1"));
    assert_eq!(worst(&[Pass, StepStatus::Manual]), None);
}
