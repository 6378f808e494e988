//! The verdicts, by table.

use super::Log::{Forbidden, Quiet, Tail, Whole};
use super::*;
use Verdict::{Many, None as NoOne, One, Unknown};

/// A case: when the pods started, their logs, the lease; the verdict, the pod and the words.
type Case = (
    &'static str,
    i64,
    &'static [Log],
    Option<Row>,
    Verdict,
    &'static str,
    &'static str,
);

const LED: &[Log] = &[Tail(NOT), Tail(BEATS), Tail(NOT)];
const UNLED: &[Log] = &[Tail(NOT), Tail(NOT), Tail(NOT)];
const ONE_UNREAD: &[Log] = &[Forbidden, Tail(NOT), Tail(NOT)];
const UNREAD: &[Log] = &[Forbidden, Forbidden, Forbidden];
const QUIET: &[Log] = &[Quiet, Quiet, Quiet];

fn check(cases: &[Case]) {
    for (name, started, logs, lease, verdict, pod, words) in cases {
        let reading = read(&world(*started, logs, *lease));
        let named = reading.pod.as_deref().map_or("", short_name);
        assert_eq!(reading.verdict, *verdict, "{name}: {reading:?}");
        assert_eq!((named, &*reading.log), (*pod, *words), "{name}");
    }
}

#[test]
fn one_leader_is_one_where_every_pod_or_the_lease_says_so() {
    check(&[
        (
            "a leader and two others",
            DAY,
            LED,
            None,
            One,
            "blf5h",
            "blf5h, heartbeat 10s ago",
        ),
        (
            "the lease agrees",
            DAY,
            LED,
            row("blf5h", 90, 200, Some(60)),
            One,
            "blf5h",
            "blf5h, heartbeat 10s ago",
        ),
        (
            "one log is forbidden and the lease vouches",
            DAY,
            &[Forbidden, Tail(BEATS), Tail(NOT)],
            row("blf5h", 90, 20, None),
            One,
            "blf5h",
            "blf5h, heartbeat 10s ago",
        ),
        (
            "one log is forbidden and no lease vouches",
            DAY,
            &[Forbidden, Tail(BEATS), Tail(NOT)],
            None,
            Unknown,
            "",
            "blf5h, heartbeat 10s ago",
        ),
        (
            "no log tells and no lease is there",
            DAY,
            &[Tail(&[]), Tail(&[]), Tail(&[])],
            None,
            Unknown,
            "",
            "no leader line in 3 of 3 logs",
        ),
    ]);
}

#[test]
fn two_lead_only_if_both_beat_after_the_later_start() {
    check(&[
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
            "",
            "both 2mgcp and blf5h are acting as leader",
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
            "",
            "both 2mgcp and blf5h are acting as leader",
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
            "blf5h",
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
            "blf5h",
            "blf5h, heartbeat 20s ago",
        ),
    ]);
}

#[test]
fn nobody_leads_once_every_pod_says_so_or_the_lease_is_out() {
    check(&[
        (
            "all say not leader and the lease is out",
            DAY,
            UNLED,
            row("gone", -120, 300, None),
            NoOne,
            "",
            "all 3 pods report \"not leader\"",
        ),
        (
            "all say not leader and no lease is read",
            DAY,
            UNLED,
            None,
            NoOne,
            "",
            "all 3 pods report \"not leader\"",
        ),
        (
            "the same 90 s after a roll-out",
            90,
            &[Whole(NOT), Whole(NOT), Whole(NOT)],
            row("gone", -120, 300, None),
            settling(150),
            "",
            "all 3 pods report \"not leader\"",
        ),
        (
            "the lease is out for less than a tick",
            DAY,
            UNLED,
            row("gone", -20, 300, None),
            settling(11),
            "",
            "all 3 pods report \"not leader\"",
        ),
        (
            "somebody who is none of the pods renews the lease",
            DAY,
            UNLED,
            row("stranger", 60, 300, Some(50)),
            Unknown,
            "",
            "all 3 pods report \"not leader\"",
        ),
        (
            "the leader was killed before we looked, and its lease lives on",
            DAY,
            UNLED,
            row("gone", 60, 50, None),
            settling(91),
            "",
            "all 3 pods report \"not leader\"",
        ),
    ]);
}

#[test]
fn a_log_that_may_not_be_read_is_never_counted_as_a_no() {
    check(&[
        (
            "one log is forbidden, a stranger holds the lease",
            DAY,
            ONE_UNREAD,
            row("other", 60, 20, None),
            settling(91),
            "",
            "2 of 3 pods report \"not leader\"",
        ),
        (
            "it is renewed: the third pod leads",
            DAY,
            ONE_UNREAD,
            row("other", 160, 200, Some(10)),
            One,
            "2mgcp",
            "2 of 3 pods report \"not leader\"",
        ),
        (
            "it runs out",
            DAY,
            ONE_UNREAD,
            row("other", -40, 200, None),
            NoOne,
            "",
            "2 of 3 pods report \"not leader\"",
        ),
        (
            "there is no lease to ask",
            DAY,
            ONE_UNREAD,
            None,
            Unknown,
            "",
            "2 of 3 pods report \"not leader\"",
        ),
        (
            "all logs are forbidden",
            DAY,
            UNREAD,
            None,
            Unknown,
            "",
            "no current log of 3 pods",
        ),
        (
            "all logs are forbidden at a start: waiting would not help",
            90,
            UNREAD,
            None,
            Unknown,
            "",
            "no current log of 3 pods",
        ),
    ]);
}

#[test]
fn a_lease_lost_for_a_moment_is_no_failover() {
    check(&[(
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
        "blf5h",
        "blf5h, heartbeat <10s ago, database blip",
    )]);
}

#[test]
fn logs_of_verbosity_0_leave_it_to_the_lease() {
    check(&[
        (
            "logs without verbosity 1 prove nothing",
            DAY,
            QUIET,
            None,
            Unknown,
            "",
            "logs are too terse (verbosity below 1)",
        ),
        (
            "then a lease that is renewed decides",
            DAY,
            QUIET,
            row("other", 160, 200, Some(10)),
            One,
            "",
            "logs are too terse (verbosity below 1)",
        ),
        (
            "and one that ran out",
            DAY,
            QUIET,
            row("other", -60, 200, None),
            NoOne,
            "",
            "logs are too terse (verbosity below 1)",
        ),
        (
            "one that is merely live has to be watched",
            DAY,
            QUIET,
            row("other", 100, 20, None),
            settling(131),
            "",
            "logs are too terse (verbosity below 1)",
        ),
    ]);
}

#[test]
fn missing_lines_prove_something_only_in_whole_logs() {
    check(&[
        (
            "whole logs without a leader line",
            DAY,
            &[Whole(&[]), Whole(&[]), Whole(&[])],
            None,
            NoOne,
            "",
            "no leader line in 3 of 3 logs",
        ),
        (
            "one of them has lost its beginning",
            DAY,
            &[Whole(&[]), Whole(&[]), Tail(&[])],
            None,
            Unknown,
            "",
            "no leader line in 3 of 3 logs",
        ),
        (
            "stopped long ago, silent since, at verbosity 1",
            DAY,
            &[Whole(&[]), Tail(&[(Lost, 1_000)]), Whole(&[])],
            None,
            NoOne,
            "",
            "no leader line in 3 of 3 logs",
        ),
        (
            "one used to say not leader and is stuck",
            DAY,
            &[Tail(NOT), Tail(&[(NotLeader, 1_000)]), Tail(NOT)],
            None,
            Unknown,
            "",
            "2 of 3 pods report \"not leader\"",
        ),
        (
            "the leader's loop is silent",
            DAY,
            &[Tail(NOT), Tail(&[(Heartbeat, 432)]), Tail(NOT)],
            None,
            Unknown,
            "",
            "blf5h, heartbeat 7m12s ago",
        ),
        (
            "the leader's loop is silent but its lease is live",
            DAY,
            &[Tail(NOT), Tail(&[(Heartbeat, 432)]), Tail(NOT)],
            row("blf5h", 60, 20, None),
            One,
            "blf5h",
            "blf5h, heartbeat 7m12s ago",
        ),
    ]);
}

#[test]
fn the_lease_decides_unless_the_logs_prove_life() {
    check(&[
        (
            "a pod beats on without a lease",
            DAY,
            LED,
            row("blf5h", -100, 300, None),
            Unknown,
            "",
            "blf5h, heartbeat 10s ago",
        ),
        (
            "it fell silent when its lease ran out",
            DAY,
            &[Tail(NOT), Tail(&[(Heartbeat, 110)]), Tail(NOT)],
            row("blf5h", -70, 300, None),
            NoOne,
            "",
            "blf5h, heartbeat 1m50s ago",
        ),
        (
            "the lease names another pod",
            DAY,
            LED,
            row("lzxms", 100, 300, Some(20)),
            One,
            "lzxms",
            "blf5h, heartbeat 10s ago",
        ),
        (
            "the lease names a stranger",
            DAY,
            LED,
            row("other", 100, 300, Some(20)),
            Unknown,
            "",
            "blf5h, heartbeat 10s ago",
        ),
        (
            "won since the row was read",
            DAY,
            &[Tail(NOT), Tail(&[(Gained, 1)]), Tail(NOT)],
            row("other", 100, 300, None),
            One,
            "blf5h",
            "blf5h, became leader <10s ago",
        ),
        ("no pod", DAY, &[], None, NoOne, "", "no pod is up"),
        (
            "no pod, and a dead leader's lease",
            DAY,
            &[],
            row("blf5h", 100, 300, Some(20)),
            NoOne,
            "",
            "no pod is up",
        ),
    ]);
}

/// What a case is called, how long its pods run, their logs, the lease, and what is awaited.
type Waiting = (&'static str, i64, &'static [Log], Option<Row>, Awaited);

#[test]
fn an_election_is_named_only_where_all_that_was_read_says_that_nobody_leads() {
    let stranger = row("other", 90, 10, None);
    let cases: [Waiting; 8] = [
        (
            "verbosity 0",
            DAY,
            &[Quiet, Quiet, Quiet],
            stranger,
            Awaited::Leader,
        ),
        (
            "one log is forbidden",
            DAY,
            &[Forbidden, Tail(NOT), Tail(NOT)],
            stranger,
            Awaited::Leader,
        ),
        (
            "all say that they do not lead",
            DAY,
            &[Tail(NOT), Tail(NOT), Tail(NOT)],
            stranger,
            Awaited::Election,
        ),
        (
            "the lease has expired",
            DAY,
            &[Quiet, Quiet, Quiet],
            row("other", -5, 10, None),
            Awaited::Election,
        ),
        (
            "verbosity 0, just started",
            60,
            &[Quiet, Quiet],
            None,
            Awaited::Leader,
        ),
        (
            "just started",
            60,
            &[Tail(NOT), Tail(NOT)],
            None,
            Awaited::Election,
        ),
        (
            "just started, the lease has expired",
            60,
            &[Quiet, Quiet],
            row("other", -120, 300, None),
            Awaited::Election,
        ),
        (
            "just started, and a live lease",
            60,
            &[Quiet, Tail(NOT)],
            stranger,
            Awaited::Leader,
        ),
    ];
    for (case, started, logs, lease, awaited) in cases {
        let reading = read(&world(started, logs, lease));
        assert_eq!(reading.verdict.name(), "settling", "{case}");
        assert_eq!(reading.awaited, awaited, "{case}");
    }
}

#[test]
fn where_no_pod_is_up_nobody_elects() {
    let pods = SHORT.map(|short| waiting_pod(short, 20, "ContainerCreating"));
    let mut state = state(pods.to_vec());
    add_lease(&mut state, row("other", 60, 10, None).unwrap());
    let reading = read(&state);
    assert_eq!(
        (reading.verdict.name(), reading.awaited),
        ("settling", Awaited::Pod)
    );
}

#[test]
fn that_the_pods_can_t_read_the_lease_is_said_so_that_all_and_some_are_told_apart() {
    const FAILS: &[Said] = &[(NotLeader, 40), (LeaseFailed, 10)];
    let words = |logs: &[Log]| read(&world(DAY, logs, row("other", -120, 300, None))).log;
    assert_eq!(words(&[Tail(FAILS)]), "the pod can't read the lease");
    assert_eq!(words(&[Tail(FAILS); 2]), "neither pod can read the lease");
    assert_eq!(words(&[Tail(FAILS); 3]), "none of 3 pods can read the lease");
    assert_eq!(
        words(&[Tail(FAILS), Tail(FAILS), Tail(NOT)]),
        "2 of 3 pods can't read the lease"
    );
    assert_eq!(words(&[Tail(NOT), Tail(NOT)]), "both pods report \"not leader\"");
}
