//! The verdicts, by table. Times are seconds before the moment of the test.

use super::*;
use crate::incident::fact::{Fact, Pod};
use crate::incident::facts::Facts;
use crate::incident::feed::{FeedId, FeedState, ProblemKind};
use crate::incident::log::LeaderLineKind::{Gained, Heartbeat, LoopEnded, Lost, NotLeader};
use crate::incident::log::{CLUSTER, KAFKA};
use crate::incident::sample::{
    SHORT, Said, ago, facts, failing, id, log, now, pod, profile, reading, source, waiting_pod,
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

const fn row(holder: &'static str, ttl: i64, watched: i64, advanced: Option<i64>) -> Option<Row> {
    Some(Row {
        holder,
        ttl,
        watched,
        advanced,
    })
}

/// Three pods that started so long ago, with their logs and a lease.
fn world(started: i64, logs: &[Log], lease: Option<Row>) -> Facts {
    let pods: Vec<Pod> = SHORT
        .iter()
        .take(logs.len())
        .map(|short| pod(short, started))
        .collect();
    let mut facts = facts(pods);
    for (short, log_of) in SHORT.iter().zip(logs) {
        write(&mut facts, short, started, *log_of);
    }
    if let Some(row) = lease {
        add_lease(&mut facts, row);
    }
    facts
}

fn write(facts: &mut Facts, short: &str, started: i64, log_of: Log) {
    let mut batch = match log_of {
        Log::Whole(said) => log(short, KAFKA, started, said),
        Log::Tail(said) => log(short, KAFKA, 300.min(started - 10), said),
        Log::Quiet => log(short, KAFKA, started, &[]),
        Log::Forbidden => {
            let fault = failing(
                FeedId::Log(source(short)),
                ProblemKind::Forbidden,
                "logs are forbidden",
            );
            return facts.apply(fault, now());
        }
    };
    batch.progress.verbose = !matches!(log_of, Log::Quiet);
    facts.apply(Fact::Log(batch), now());
}

/// Polls as they came: one when it was first seen, one when it moved, one now.
fn add_lease(facts: &mut Facts, row: Row) {
    let poll = |expires: &str, at: i64| {
        let mut reading = reading(Some((Some(row.holder), row.ttl + at)), &[]);
        reading.leases.as_mut().unwrap()[0].expires = expires.into();
        reading
    };
    let newest = if row.advanced.is_some() { "second" } else { "first" };
    facts.apply(Fact::Database(poll("first", row.watched)), ago(row.watched));
    if let Some(advanced) = row.advanced {
        facts.apply(Fact::Database(poll("second", advanced)), ago(advanced));
    }
    facts.apply(Fact::Database(poll(newest, 2)), ago(2));
}

fn read(facts: &Facts) -> LeaderReading {
    let mut all = read_leaders(facts, &profile(), now());
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

/// A case: when the pods started, their logs, the lease; the verdict, the pod and the words.
type Case = (
    &'static str,
    i64,
    &'static [Log],
    Option<Row>,
    Verdict,
    Option<&'static str>,
    &'static str,
);

#[test]
fn the_verdict_follows_from_logs_and_lease() {
    use Log::{Forbidden, Quiet, Tail, Whole};
    use Verdict::{Many, None as NoOne, One, Unknown};
    let cases: &[Case] = &[
        (
            "a leader and two others",
            DAY,
            &[Tail(NOT), Tail(BEATS), Tail(NOT)],
            None,
            One,
            Some("blf5h"),
            "blf5h, heartbeat 12s ago",
        ),
        (
            "the lease agrees",
            DAY,
            &[Tail(NOT), Tail(BEATS), Tail(NOT)],
            row("blf5h", 90, 200, Some(60)),
            One,
            Some("blf5h"),
            "blf5h, heartbeat 12s ago",
        ),
        (
            "one log is forbidden and the lease vouches",
            DAY,
            &[Forbidden, Tail(BEATS), Tail(NOT)],
            row("blf5h", 90, 20, None),
            One,
            Some("blf5h"),
            "blf5h, heartbeat 12s ago",
        ),
        (
            "one log is forbidden and no lease vouches",
            DAY,
            &[Forbidden, Tail(BEATS), Tail(NOT)],
            None,
            Unknown,
            None,
            "blf5h, heartbeat 12s ago",
        ),
        (
            "no log tells and no lease is there",
            DAY,
            &[Tail(&[]), Tail(&[]), Tail(&[])],
            None,
            Unknown,
            None,
            "no leader line, 3 of 3 pods read",
        ),
        // 5: both beat after each other's start
        (
            "two overlap",
            18_000,
            &[
                Whole(&[(Gained, 10_800), (Heartbeat, 10)]),
                Whole(&[(Gained, 3_600), (Heartbeat, 5)]),
                Whole(NOT),
            ],
            None,
            Many,
            None,
            "2mgcp and blf5h both beat",
        ),
        (
            "two overlap whatever the lease says",
            18_000,
            &[
                Whole(&[(Gained, 10_800), (Heartbeat, 10)]),
                Whole(&[(Gained, 3_600), (Heartbeat, 5)]),
                Whole(NOT),
            ],
            row("blf5h", 90, 200, Some(60)),
            Many,
            None,
            "2mgcp and blf5h both beat",
        ),
        (
            "a leader that is silent since the other's start has handed over",
            18_000,
            &[
                Whole(&[(Gained, 10_800), (Heartbeat, 50)]),
                Whole(&[(Gained, 20), (Heartbeat, 20)]),
                Whole(NOT),
            ],
            None,
            One,
            Some("blf5h"),
            "blf5h, heartbeat 20s ago",
        ),
        (
            "so has one that is silent for long",
            18_000,
            &[
                Whole(&[(Gained, 10_800), (Heartbeat, 400)]),
                Whole(&[(Gained, 200), (Heartbeat, 20)]),
                Whole(NOT),
            ],
            None,
            One,
            Some("blf5h"),
            "blf5h, heartbeat 20s ago",
        ),
        // 6: nobody leads
        (
            "all say not leader and the lease is out",
            DAY,
            &[Tail(NOT), Tail(NOT), Tail(NOT)],
            row("gone", -120, 300, None),
            NoOne,
            None,
            "3 of 3 pods say not leader",
        ),
        (
            "all say not leader and no lease is read",
            DAY,
            &[Tail(NOT), Tail(NOT), Tail(NOT)],
            None,
            NoOne,
            None,
            "3 of 3 pods say not leader",
        ),
        (
            "the same 90 s after a roll-out",
            90,
            &[Whole(NOT), Whole(NOT), Whole(NOT)],
            row("gone", -120, 300, None),
            settling(150),
            None,
            "3 of 3 pods say not leader",
        ),
        (
            "the lease is out for less than a tick",
            DAY,
            &[Tail(NOT), Tail(NOT), Tail(NOT)],
            row("gone", -20, 300, None),
            settling(11),
            None,
            "3 of 3 pods say not leader",
        ),
        (
            "the leader was killed and its lease lives on",
            DAY,
            &[Tail(NOT), Tail(NOT), Tail(NOT)],
            row("gone", 60, 300, Some(50)),
            settling(91),
            None,
            "3 of 3 pods say not leader",
        ),
        // 7: one log forbidden
        (
            "one log is forbidden, a stranger holds the lease",
            DAY,
            &[Forbidden, Tail(NOT), Tail(NOT)],
            row("other", 60, 20, None),
            settling(91),
            None,
            "2 of 3 pods say not leader",
        ),
        (
            "it is renewed: the third pod leads",
            DAY,
            &[Forbidden, Tail(NOT), Tail(NOT)],
            row("other", 160, 200, Some(10)),
            One,
            Some("2mgcp"),
            "2 of 3 pods say not leader",
        ),
        (
            "it runs out",
            DAY,
            &[Forbidden, Tail(NOT), Tail(NOT)],
            row("other", -40, 200, None),
            NoOne,
            None,
            "2 of 3 pods say not leader",
        ),
        (
            "there is no lease to ask",
            DAY,
            &[Forbidden, Tail(NOT), Tail(NOT)],
            None,
            Unknown,
            None,
            "2 of 3 pods say not leader",
        ),
        (
            "all logs are forbidden",
            DAY,
            &[Forbidden, Forbidden, Forbidden],
            None,
            Unknown,
            None,
            "no log of 3 pods is current",
        ),
        (
            "all logs are forbidden at a start: waiting would not help",
            90,
            &[Forbidden, Forbidden, Forbidden],
            None,
            Unknown,
            None,
            "no log of 3 pods is current",
        ),
        // 8: lost and gained again
        (
            "a hiccup of the database",
            DAY,
            &[
                Tail(NOT),
                Tail(&[
                    (Heartbeat, 100),
                    (Lost, 90),
                    (LoopEnded, 90),
                    (Gained, 60),
                    (Heartbeat, 3),
                ]),
                Tail(NOT),
            ],
            None,
            One,
            Some("blf5h"),
            "blf5h, heartbeat 3s ago, DB blip",
        ),
        // 9: verbosity 0
        (
            "logs without verbosity 1 prove nothing",
            DAY,
            &[Quiet, Quiet, Quiet],
            None,
            Unknown,
            None,
            "logs lack verbosity 1",
        ),
        (
            "then a lease that is renewed decides",
            DAY,
            &[Quiet, Quiet, Quiet],
            row("other", 160, 200, Some(10)),
            One,
            None,
            "logs lack verbosity 1",
        ),
        (
            "and one that ran out",
            DAY,
            &[Quiet, Quiet, Quiet],
            row("other", -60, 200, None),
            NoOne,
            None,
            "logs lack verbosity 1",
        ),
        (
            "one that is merely live has to be watched",
            DAY,
            &[Quiet, Quiet, Quiet],
            row("other", 100, 20, None),
            settling(131),
            None,
            "logs lack verbosity 1",
        ),
        // coverage
        (
            "whole logs without a leader line",
            DAY,
            &[Whole(&[]), Whole(&[]), Whole(&[])],
            None,
            NoOne,
            None,
            "no leader line, 3 of 3 pods read",
        ),
        (
            "one of them has lost its beginning",
            DAY,
            &[Whole(&[]), Whole(&[]), Tail(&[])],
            None,
            Unknown,
            None,
            "no leader line, 3 of 3 pods read",
        ),
        (
            "stopped long ago, silent since, at verbosity 1",
            DAY,
            &[Whole(&[]), Tail(&[(Lost, 1_000)]), Whole(&[])],
            None,
            NoOne,
            None,
            "no leader line, 3 of 3 pods read",
        ),
        (
            "one used to say not leader and is stuck",
            DAY,
            &[Tail(NOT), Tail(&[(NotLeader, 1_000)]), Tail(NOT)],
            None,
            Unknown,
            None,
            "2 of 3 pods say not leader",
        ),
        (
            "the leader's loop is silent",
            DAY,
            &[Tail(NOT), Tail(&[(Heartbeat, 432)]), Tail(NOT)],
            None,
            Unknown,
            None,
            "blf5h, heartbeat 7m12s ago",
        ),
        (
            "the leader's loop is silent but its lease is live",
            DAY,
            &[Tail(NOT), Tail(&[(Heartbeat, 432)]), Tail(NOT)],
            row("blf5h", 60, 20, None),
            One,
            Some("blf5h"),
            "blf5h, heartbeat 7m12s ago",
        ),
        // disagreement
        (
            "a pod beats on without a lease",
            DAY,
            &[Tail(NOT), Tail(BEATS), Tail(NOT)],
            row("blf5h", -100, 300, None),
            Unknown,
            None,
            "blf5h, heartbeat 12s ago",
        ),
        (
            "it fell silent when its lease ran out",
            DAY,
            &[Tail(NOT), Tail(&[(Heartbeat, 110)]), Tail(NOT)],
            row("blf5h", -70, 300, None),
            NoOne,
            None,
            "blf5h, heartbeat 1m50s ago",
        ),
        (
            "the lease names another pod",
            DAY,
            &[Tail(NOT), Tail(BEATS), Tail(NOT)],
            row("lzxms", 100, 300, Some(20)),
            One,
            Some("lzxms"),
            "blf5h, heartbeat 12s ago",
        ),
        (
            "the lease names a stranger",
            DAY,
            &[Tail(NOT), Tail(BEATS), Tail(NOT)],
            row("other", 100, 300, Some(20)),
            Unknown,
            None,
            "blf5h, heartbeat 12s ago",
        ),
        (
            "won since the row was read",
            DAY,
            &[Tail(NOT), Tail(&[(Gained, 1)]), Tail(NOT)],
            row("other", 100, 300, None),
            One,
            Some("blf5h"),
            "blf5h, gained 1s ago",
        ),
        ("no pod", DAY, &[], None, NoOne, None, "no pod runs"),
    ];
    for (name, started, logs, lease, verdict, pod, words) in cases {
        let reading = read(&world(*started, logs, *lease));
        let name_of_pod = pod.map(|short| format!("msa-x-{short}"));
        assert_eq!(reading.verdict, *verdict, "{name}: {reading:?}");
        assert_eq!(reading.pod.as_deref().map(str::to_owned), name_of_pod, "{name}");
        assert_eq!(reading.log, *words, "{name}");
    }
}

#[test]
fn a_killed_leader_s_successor_is_the_one() {
    // 4: A won at 09:00, B at 11:00, A's last heartbeat was at 10:56, A is gone
    let mut facts = world(
        18_000,
        &[
            Log::Whole(&[(Gained, 10_800), (Heartbeat, 3_840)]),
            Log::Whole(&[(Gained, 3_600), (Heartbeat, 5)]),
            Log::Whole(NOT),
        ],
        None,
    );
    facts.apply(Fact::PodGone(pod(SHORT[0], 0).uid), now());
    let reading = read(&facts);
    assert_eq!(
        (reading.verdict, reading.pod.as_deref()),
        (Verdict::One, Some("msa-x-blf5h"))
    );
    assert_eq!(reading.worker_id, Some(id("blf5h")));
}

#[test]
fn each_worker_is_judged_by_its_own_lines() {
    let mut facts = world(DAY, &[Log::Tail(NOT), Log::Tail(BEATS), Log::Tail(NOT)], None);
    facts.apply(Fact::Log(log("2mgcp", CLUSTER, 300, BEATS)), now());
    facts.apply(Fact::Log(log("blf5h", CLUSTER, 300, NOT)), now());
    facts.apply(Fact::Log(log("lzxms", CLUSTER, 300, NOT)), now());
    let readings = read_leaders(&facts, &profile(), now());
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
        (Verdict::Unknown, "pods not heard for 16s")
    );
    // the pods are heard, logs and database are not
    let mut pods_only = world.clone();
    pods_only.apply(Fact::Feed(FeedId::Pods, FeedState::Live), ago(-16));
    let later = read_leaders(&pods_only, &profile(), ago(-16)).pop().unwrap();
    assert_eq!(
        (later.verdict, later.log.as_str()),
        (Verdict::Unknown, "no log of 3 pods is current")
    );
    assert_eq!(
        read_leaders(&Facts::default(), &profile(), now())[0].verdict,
        Verdict::Unknown
    );
}

#[test]
fn a_quiet_log_that_is_checked_stays_current() {
    let mut facts = world(DAY, &[Log::Tail(NOT), Log::Tail(BEATS), Log::Tail(NOT)], None);
    facts.apply(Fact::Feed(FeedId::Pods, FeedState::Live), ago(-20));
    for short in SHORT {
        facts.apply(Fact::Feed(FeedId::Log(source(short)), FeedState::Live), ago(-20));
    }
    let reading = read_leaders(&facts, &profile(), ago(-20)).pop().unwrap();
    assert_eq!((reading.verdict, reading.as_of), (Verdict::One, Some(ago(12))));
}

#[test]
fn a_backlog_that_is_not_read_to_its_end_proves_nothing() {
    let mut facts = world(DAY, &[Log::Tail(NOT), Log::Tail(NOT)], None);
    facts.apply(Fact::Pod(pod(SHORT[2], DAY)), now());
    let mut batch = log(SHORT[2], KAFKA, 300, NOT);
    batch.progress.caught_up = false;
    facts.apply(Fact::Log(batch), now());
    assert_eq!(read(&facts).verdict, Verdict::Unknown);
}

#[test]
fn missed_lines_take_away_what_silence_proves() {
    let mut facts = world(DAY, &[Log::Whole(&[]), Log::Whole(&[]), Log::Whole(&[])], None);
    assert_eq!(read(&facts).verdict, Verdict::None);
    facts.apply(
        Fact::LogNote {
            source: source(SHORT[0]),
            missed: 1,
            text: "a gap".into(),
        },
        now(),
    );
    assert_eq!(read(&facts).verdict, Verdict::Unknown);
}

#[test]
fn what_an_earlier_instance_said_is_of_another_process() {
    let mut facts = world(DAY, &[Log::Tail(NOT), Log::Tail(NOT), Log::Tail(NOT)], None);
    let mut restarted = pod(SHORT[1], 1_000);
    restarted.containers[0].restarts = 1;
    facts.apply(Fact::Pod(restarted), now());
    assert_eq!(read(&facts).verdict, Verdict::Unknown);
    let mut batch = log(SHORT[1], KAFKA, 1_000, &[(Gained, 500), (Heartbeat, 4)]);
    batch.source.restart = 1;
    facts.apply(Fact::Log(batch), now());
    facts.apply(Fact::Log(log(SHORT[1], KAFKA, DAY, &[(NotLeader, 1)])), now());
    assert_eq!(read(&facts).verdict, Verdict::One);
}

#[test]
fn a_pod_being_deleted_counts_as_long_as_it_writes() {
    let logs = [Log::Tail(NOT), Log::Tail(BEATS), Log::Tail(NOT)];
    let mut facts = world(DAY, &logs, None);
    let mut dying = pod(SHORT[1], DAY);
    dying.deletion_at = Some(ago(-30));
    facts.apply(Fact::Pod(dying), now());
    assert_eq!(read(&facts).verdict, Verdict::One);
    facts.apply(Fact::Feed(FeedId::Log(source(SHORT[1])), FeedState::Ended), now());
    assert_eq!(read(&facts).verdict, Verdict::None);
}

#[test]
fn a_pod_that_waits_for_its_image_has_no_say_but_a_new_one_is_waited_for() {
    let mut facts = world(DAY, &[Log::Tail(NOT), Log::Tail(NOT)], None);
    facts.apply(Fact::Pod(waiting_pod(SHORT[2], 3_600, "ImagePullBackOff")), now());
    assert_eq!(read(&facts).verdict, Verdict::None);
    facts.apply(Fact::Pod(waiting_pod(SHORT[2], 40, "ContainerCreating")), now());
    assert_eq!(read(&facts).verdict, settling(200));
}

#[test]
fn a_pod_that_crashes_again_and_again_holds_nobody_up() {
    let mut facts = world(
        DAY,
        &[Log::Tail(NOT), Log::Tail(NOT)],
        row("gone", -120, 300, None),
    );
    let mut crashing = pod(SHORT[2], 20);
    crashing.restarts = 9;
    facts.apply(Fact::Pod(crashing), now());
    assert_eq!(read(&facts).verdict, Verdict::None);
}

#[test]
fn a_lease_is_read_at_the_moment_of_asking() {
    let facts = world(
        DAY,
        &[Log::Tail(NOT), Log::Tail(BEATS), Log::Tail(NOT)],
        row("blf5h", 92, 200, Some(60)),
    );
    let lease = read(&facts).lease.unwrap();
    assert_eq!((lease.live, lease.ttl_s, lease.advancing), (true, 92, Some(true)));
    assert_eq!(lease.pod.as_deref(), Some("msa-x-blf5h"));
    let unmoved = world(DAY, &[Log::Tail(NOT)], row("gone", 10, 200, None));
    assert_eq!(read(&unmoved).lease.unwrap().advancing, Some(false));
    let watched_briefly = world(DAY, &[Log::Tail(NOT)], row("gone", 10, 20, None));
    assert_eq!(read(&watched_briefly).lease.unwrap().advancing, None);
}

#[test]
fn two_rows_of_one_type_or_rows_of_others_are_never_judged() {
    let mut facts = world(
        DAY,
        &[Log::Forbidden, Log::Tail(NOT)],
        row("gone", -500, 300, None),
    );
    assert_eq!(read(&facts).verdict, Verdict::None);
    let mut double = reading(Some((Some("gone"), -500)), &[]);
    let again = double.leases.as_ref().unwrap()[0].clone();
    double.leases.as_mut().unwrap().push(again);
    facts.apply(Fact::Database(double), now());
    assert_eq!(read(&facts).verdict, Verdict::Unknown);
    let mut other = reading(Some((Some("gone"), -500)), &[]);
    other.leases.as_mut().unwrap()[0].lease_type = "connector".into();
    facts.apply(Fact::Database(other), now());
    assert_eq!(read(&facts).lease, None);
}

#[test]
fn where_our_clock_is_behind_old_lines_do_not_stay_young() {
    // lines are dated an hour ahead of us; the leader's last is ten minutes older than the newest line of all
    let mut facts = world(
        DAY,
        &[
            Log::Tail(&[(NotLeader, -3_600)]),
            Log::Tail(&[(Heartbeat, -3_000)]),
        ],
        None,
    );
    let mut batch = log(SHORT[0], KAFKA, 300, &[]);
    batch.progress.last_at = Some(ago(-3_600));
    facts.apply(Fact::Log(batch), now());
    assert_eq!(read(&facts).verdict, Verdict::Unknown);
}

#[test]
fn evidence_is_bounded_whatever_the_lines_name() {
    let mut facts = world(DAY, &[Log::Tail(BEATS)], None);
    for number in 0..1_000 {
        facts.apply(
            Fact::Log(log(SHORT[0], &format!("*forged.Worker{number}"), 300, BEATS)),
            now(),
        );
    }
    let kept = |number: &usize| {
        facts
            .leaders
            .of(&source(SHORT[0]), &format!("*forged.Worker{number}"))
            .is_some()
    };
    assert!((0..1_000).filter(kept).count() < 64);
    assert_eq!(read(&facts).verdict, Verdict::One);
}
