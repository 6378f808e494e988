//! Who leads in worlds of three pods. Times are seconds before the moment of the test.

mod killed;
mod lease_on_standby;
mod limits;
mod verdicts;
mod witnesses;

use super::*;
use crate::logparse::LeaderLineKind::{Gained, Heartbeat, LeaseFailed, LoopEnded, Lost, NotLeader};
use crate::observe::observation::{Observation, Pod, short_name};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::observe::state::State;
use crate::testkit::{
    CLUSTER, KAFKA, SHORT, Said, ago, failing, id, log, now, pod, profile, reading, source, state,
    waiting_pod,
};

const DAY: i64 = 86_400;

/// A pod's log: what it said of the Kafka worker, and when its first line that can be had was written.
#[derive(Clone, Copy)]
enum Log {
    /// Read from the container's start.
    Whole(&'static [Said]),
    /// Its beginning is lost.
    Tail(&'static [Said]),
    /// Only lines of verbosity 0.
    Quiet,
    /// It may not be read.
    Forbidden,
}

/// A lease: holder (a pod's short name or a stranger's) and seconds to its end now; how long ago its end was first seen and seen to move.
#[derive(Clone, Copy)]
struct Row {
    holder: &'static str,
    ttl: i64,
    watched: i64,
    advanced: Option<i64>,
}

#[expect(clippy::unnecessary_wraps, reason = "a case has a lease or none")]
const fn row(holder: &'static str, ttl: i64, watched: i64, advanced: Option<i64>) -> Option<Row> {
    Some(Row {
        holder,
        ttl,
        watched,
        advanced,
    })
}

/// Three pods that started so long ago, with their logs and a lease.
fn world(started: i64, logs: &[Log], lease: Option<Row>) -> State {
    let pods: Vec<Pod> = SHORT
        .iter()
        .take(logs.len())
        .map(|short| pod(short, started))
        .collect();
    let mut state = state(pods);
    for (short, log_of) in SHORT.iter().zip(logs) {
        write(&mut state, short, started, *log_of);
    }
    if let Some(row) = lease {
        add_lease(&mut state, row);
    }
    state
}

fn write(state: &mut State, short: &str, started: i64, log_of: Log) {
    let mut batch = match log_of {
        Log::Whole(said) => log(short, KAFKA, started, said),
        Log::Tail(said) => log(short, KAFKA, 300.min(started - 10), said),
        Log::Quiet => log(short, KAFKA, started, &[]),
        Log::Forbidden => {
            let fault = failing(
                SourceId::Log(source(short)),
                ProblemKind::Forbidden,
                "logs are forbidden",
            );
            return state.apply(fault, now());
        }
    };
    batch.progress.verbose = !matches!(log_of, Log::Quiet);
    state.apply(Observation::Log(batch), now());
}

/// Polls as they came: one when it was first seen, one when it moved, one now.
fn add_lease(state: &mut State, row: Row) {
    let poll = |expires: &str, at: i64| {
        let mut reading = reading(Some((Some(row.holder), row.ttl + at)), &[]);
        reading.leases.as_mut().unwrap()[0].expires = expires.into();
        reading
    };
    let newest = if row.advanced.is_some() { "second" } else { "first" };
    state.apply(
        Observation::Database(poll("first", row.watched)),
        ago(row.watched),
    );
    if let Some(advanced) = row.advanced {
        state.apply(Observation::Database(poll("second", advanced)), ago(advanced));
    }
    state.apply(Observation::Database(poll(newest, 2)), ago(2));
}

fn read(state: &State) -> LeaderReading {
    let mut all = read_leaders(state, &profile(), now());
    assert!(
        all.iter().all(|reading| reading.log.chars().count() <= LOG_WORDS),
        "{all:?}"
    );
    all.pop().unwrap()
}

fn settling(until: i64) -> Verdict {
    Verdict::Settling { until: ago(-until) }
}

const NOT: &[Said] = &[(NotLeader, 40), (NotLeader, 10)];
const BEATS: &[Said] = &[(Heartbeat, 42), (Heartbeat, 12)];

#[test]
fn a_killed_leader_s_successor_is_the_one() {
    // 4: A won at 09:00, B at 11:00, A's last heartbeat was at 10:56, A is gone
    let mut state = world(
        18_000,
        &[
            Log::Whole(&[(Gained, 10_800), (Heartbeat, 3_840)]),
            Log::Whole(&[(Gained, 3_600), (Heartbeat, 5)]),
            Log::Whole(NOT),
        ],
        None,
    );
    state.apply(Observation::PodGone(pod(SHORT[0], 0).uid), now());
    let reading = read(&state);
    assert_eq!(
        (reading.verdict, reading.pod.as_deref()),
        (Verdict::One, Some("msa-x-blf5h"))
    );
    assert_eq!(reading.worker_id, Some(id("blf5h")));
}

#[test]
fn each_worker_is_judged_by_its_own_lines() {
    let mut state = world(DAY, &[Log::Tail(NOT), Log::Tail(BEATS), Log::Tail(NOT)], None);
    state.apply(Observation::Log(log("2mgcp", CLUSTER, 300, BEATS)), now());
    state.apply(Observation::Log(log("blf5h", CLUSTER, 300, NOT)), now());
    state.apply(Observation::Log(log("lzxms", CLUSTER, 300, NOT)), now());
    let readings = read_leaders(&state, &profile(), now());
    let pods: Vec<_> = readings
        .iter()
        .map(|reading| (&*reading.worker, reading.pod.as_deref()))
        .collect();
    assert_eq!(
        pods,
        [
            ("ClusterManager", Some("msa-x-2mgcp")),
            ("KafkaManager", Some("msa-x-blf5h"))
        ]
    );
}

#[test]
fn sources_that_stopped_prove_nothing() {
    let world = world(
        DAY,
        &[Log::Tail(NOT), Log::Tail(NOT), Log::Tail(NOT)],
        row("gone", -120, 300, None),
    );
    assert_eq!(read(&world).verdict, Verdict::None);
    // 16 s later nothing was heard of anything
    let later = read_leaders(&world, &profile(), ago(-16)).pop().unwrap();
    assert_eq!(
        (later.verdict, later.log.as_str()),
        (Verdict::Unknown, "no data on the pods for 16s")
    );
    // the pods are heard, logs and database are not
    let mut pods_only = world.clone();
    pods_only.apply(Observation::Source(SourceId::Pods, SourceState::Live), ago(-16));
    let later = read_leaders(&pods_only, &profile(), ago(-16)).pop().unwrap();
    assert_eq!(
        (later.verdict, later.log.as_str()),
        (Verdict::Unknown, "no current log of 3 pods")
    );
    assert_eq!(
        read_leaders(&State::default(), &profile(), now())[0].verdict,
        Verdict::Unknown
    );
}

#[test]
fn a_quiet_log_that_is_checked_stays_current() {
    let mut state = world(DAY, &[Log::Tail(NOT), Log::Tail(BEATS), Log::Tail(NOT)], None);
    state.apply(Observation::Source(SourceId::Pods, SourceState::Live), ago(-20));
    for short in SHORT {
        state.apply(
            Observation::Source(SourceId::Log(source(short)), SourceState::Live),
            ago(-20),
        );
    }
    let reading = read_leaders(&state, &profile(), ago(-20)).pop().unwrap();
    assert_eq!((reading.verdict, reading.as_of), (Verdict::One, Some(ago(12))));
}

#[test]
fn a_backlog_that_is_not_read_to_its_end_proves_nothing() {
    let mut state = world(DAY, &[Log::Tail(NOT), Log::Tail(NOT)], None);
    state.apply(Observation::Pod(pod(SHORT[2], DAY)), now());
    let mut batch = log(SHORT[2], KAFKA, 300, NOT);
    batch.progress.caught_up = false;
    state.apply(Observation::Log(batch), now());
    assert_eq!(read(&state).verdict, Verdict::Unknown);
}

#[test]
fn missed_lines_take_away_what_silence_proves() {
    let mut state = world(DAY, &[Log::Whole(&[]), Log::Whole(&[]), Log::Whole(&[])], None);
    assert_eq!(read(&state).verdict, Verdict::None);
    state.apply(
        Observation::LogNote {
            source: source(SHORT[0]),
            missed: 1,
            text: "a gap".into(),
        },
        now(),
    );
    assert_eq!(read(&state).verdict, Verdict::Unknown);
}

#[test]
fn what_an_earlier_instance_said_is_of_another_process() {
    let mut state = world(DAY, &[Log::Tail(NOT), Log::Tail(NOT), Log::Tail(NOT)], None);
    let mut restarted = pod(SHORT[1], 1_000);
    restarted.containers[0].restarts = 1;
    state.apply(Observation::Pod(restarted), now());
    assert_eq!(read(&state).verdict, Verdict::Unknown);
    let mut batch = log(SHORT[1], KAFKA, 1_000, &[(Gained, 500), (Heartbeat, 4)]);
    batch.source.restart = 1;
    state.apply(Observation::Log(batch), now());
    state.apply(
        Observation::Log(log(SHORT[1], KAFKA, DAY, &[(NotLeader, 1)])),
        now(),
    );
    assert_eq!(read(&state).verdict, Verdict::One);
}

#[test]
fn a_pod_being_deleted_counts_as_long_as_it_writes() {
    let logs = [Log::Tail(NOT), Log::Tail(BEATS), Log::Tail(NOT)];
    let mut state = world(DAY, &logs, None);
    let mut dying = pod(SHORT[1], DAY);
    dying.deletion_at = Some(ago(-30));
    state.apply(Observation::Pod(dying), now());
    assert_eq!(read(&state).verdict, Verdict::One);
    state.apply(
        Observation::Source(SourceId::Log(source(SHORT[1])), SourceState::Ended),
        now(),
    );
    // its lease outlives it: a lease and a tick after its last word another will have taken it
    assert_eq!(read(&state).verdict, settling(198));
}

#[test]
fn a_pod_that_waits_for_its_image_has_no_say_but_a_new_one_is_waited_for() {
    let mut state = world(DAY, &[Log::Tail(NOT), Log::Tail(NOT)], None);
    state.apply(
        Observation::Pod(waiting_pod(SHORT[2], 3_600, "ImagePullBackOff")),
        now(),
    );
    assert_eq!(read(&state).verdict, Verdict::None);
    state.apply(
        Observation::Pod(waiting_pod(SHORT[2], 40, "ContainerCreating")),
        now(),
    );
    assert_eq!(read(&state).verdict, settling(200));
}

#[test]
fn a_pod_that_crashes_again_and_again_holds_nobody_up() {
    let mut state = world(
        DAY,
        &[Log::Tail(NOT), Log::Tail(NOT)],
        row("gone", -120, 300, None),
    );
    let mut crashing = pod(SHORT[2], 20);
    crashing.restarts = 9;
    state.apply(Observation::Pod(crashing), now());
    assert_eq!(read(&state).verdict, Verdict::None);
}

#[test]
fn a_lease_is_read_at_the_moment_of_asking() {
    let state = world(
        DAY,
        &[Log::Tail(NOT), Log::Tail(BEATS), Log::Tail(NOT)],
        row("blf5h", 92, 200, Some(60)),
    );
    let lease = read(&state).lease.unwrap();
    assert_eq!((lease.live, lease.ttl_s, lease.advancing), (true, 92, Some(true)));
    assert_eq!(lease.pod.as_deref(), Some("msa-x-blf5h"));
    let unmoved = world(DAY, &[Log::Tail(NOT)], row("gone", 10, 200, None));
    assert_eq!(read(&unmoved).lease.unwrap().advancing, Some(false));
    let watched_briefly = world(DAY, &[Log::Tail(NOT)], row("gone", 10, 20, None));
    assert_eq!(read(&watched_briefly).lease.unwrap().advancing, None);
}

#[test]
fn two_rows_of_one_type_or_rows_of_others_are_never_judged() {
    let mut state = world(
        DAY,
        &[Log::Forbidden, Log::Tail(NOT)],
        row("gone", -500, 300, None),
    );
    assert_eq!(read(&state).verdict, Verdict::None);
    let mut double = reading(Some((Some("gone"), -500)), &[]);
    let again = double.leases.as_ref().unwrap()[0].clone();
    double.leases.as_mut().unwrap().push(again);
    state.apply(Observation::Database(double), now());
    assert_eq!(read(&state).verdict, Verdict::Unknown);
    let mut other = reading(Some((Some("gone"), -500)), &[]);
    other.leases.as_mut().unwrap()[0].lease_type = "connector".into();
    state.apply(Observation::Database(other), now());
    assert_eq!(read(&state).lease, None);
}

#[test]
fn where_our_clock_is_behind_old_lines_do_not_stay_young() {
    // lines are dated an hour ahead of us; the leader's last is ten minutes older than the newest line of all
    let mut state = world(
        DAY,
        &[
            Log::Tail(&[(NotLeader, -3_600)]),
            Log::Tail(&[(Heartbeat, -3_000)]),
        ],
        None,
    );
    let mut batch = log(SHORT[0], KAFKA, 300, &[]);
    batch.progress.last_at = Some(ago(-3_600));
    state.apply(Observation::Log(batch), now());
    assert_eq!(read(&state).verdict, Verdict::Unknown);
}

#[test]
fn evidence_is_bounded_whatever_the_lines_name() {
    let mut state = world(DAY, &[Log::Tail(BEATS)], None);
    for number in 0..1_000 {
        state.apply(
            Observation::Log(log(SHORT[0], &format!("*forged.Worker{number}"), 300, BEATS)),
            now(),
        );
    }
    let kept = |number: &usize| {
        state
            .leaders
            .of(&source(SHORT[0]), &format!("*forged.Worker{number}"))
            .is_some()
    };
    assert!((0..1_000).filter(kept).count() < 64);
    assert_eq!(read(&state).verdict, Verdict::One);
}

#[test]
fn pods_that_cannot_read_the_lease_are_told_as_such() {
    let mut state = world(
        DAY,
        &[Log::Tail(&[(NotLeader, 200)]), Log::Tail(NOT), Log::Tail(NOT)],
        None,
    );
    state.apply(
        Observation::Log(log(SHORT[0], "", 300, &[(LeaseFailed, 20)])),
        now(),
    );
    let reading = read(&state);
    assert_eq!(
        (reading.verdict, &*reading.log),
        (Verdict::Unknown, "1 of 3 pods can't read the lease")
    );
}

#[test]
fn a_new_pod_whose_log_is_not_open_yet_is_waited_for() {
    let mut state = world(DAY, &[Log::Tail(NOT), Log::Tail(NOT)], None);
    state.apply(Observation::Pod(pod(SHORT[2], 3)), now());
    assert_eq!(read(&state).verdict, settling(237));
    let fault = failing(
        SourceId::Log(source(SHORT[2])),
        ProblemKind::Forbidden,
        "logs are forbidden",
    );
    state.apply(fault, now());
    assert_eq!(read(&state).verdict, Verdict::Unknown);
}

#[test]
fn a_pod_whose_container_has_another_name_may_lead_unseen() {
    let mut state = world(DAY, &[Log::Tail(NOT), Log::Tail(NOT)], None);
    let mut other = pod(SHORT[2], DAY);
    other.containers[0].name = "sidecar".into();
    state.apply(Observation::Pod(other.clone()), now());
    assert_eq!(read(&state).verdict, Verdict::Unknown);
    other.containers.clear();
    other.phase = "Pending".into();
    state.apply(Observation::Pod(other), now());
    assert_eq!(read(&state).verdict, Verdict::None);
}
