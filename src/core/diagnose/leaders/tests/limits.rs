//! The limits of what logs and lease prove, each from both sides.

use super::Log::{Forbidden, Tail, Whole};
use super::*;

const UNLED: &[Log] = &[Tail(NOT), Tail(NOT), Tail(NOT)];
const LED: &[Log] = &[Tail(NOT), Tail(BEATS), Tail(NOT)];

/// A world of pods that started long ago, whose second says this.
fn said(second: &'static [Said], lease: Option<Row>) -> LeaderReading {
    read(&world(DAY, &[Tail(NOT), Tail(second), Tail(NOT)], lease))
}

#[test]
fn a_holder_that_says_not_leader_is_believed_unless_its_lease_advances_after_that() {
    // Its log said "not leader" ten seconds ago.
    for (watched, advanced, expected) in [
        (50, None, settling(91)),
        (300, Some(11), settling(91)),
        (300, Some(10), settling(91)),
        (300, Some(9), Verdict::One),
    ] {
        let reading = read(&world(DAY, UNLED, row("blf5h", 60, watched, advanced)));
        assert_eq!(reading.verdict, expected, "advanced {advanced:?} s ago");
        let named = (expected == Verdict::One).then_some("msa-x-blf5h");
        assert_eq!(reading.pod.as_deref(), named);
    }
}

#[test]
fn a_leader_beats_on_without_a_lease_from_a_second_after_its_end() {
    let out = row("blf5h", -80, 300, None);
    assert_eq!(said(&[(Heartbeat, 80)], out).verdict, Verdict::None);
    assert_eq!(said(&[(Heartbeat, 79)], out).verdict, Verdict::Unknown);
}

#[test]
fn a_log_that_is_not_read_to_its_end_speaks_for_a_leader_two_minutes_after_its_last_beat() {
    // when the pod last said that it leads, and for how long the lease is out
    for (beat, out, expected) in [
        (80, 80, Verdict::None),
        (79, 80, Verdict::Unknown),
        (120, 200, Verdict::Unknown),
        (121, 200, Verdict::None),
    ] {
        let lease = row("gone", -out, 300, None);
        let mut state = world(DAY, &[Tail(NOT), Tail(NOT)], lease);
        state.apply(Observation::Pod(pod(SHORT[2], DAY)), now());
        let mut batch = log(SHORT[2], KAFKA, 300, &[(Heartbeat, beat)]);
        batch.progress.caught_up = false;
        state.apply(Observation::Log(batch), now());
        assert_eq!(
            read(&state).verdict,
            expected,
            "beat {beat} s ago, out for {out} s"
        );
    }
}

/// What is called so: logs and lease; the verdict, and how many seconds ago its oldest confirmation was given.
type Aged = (&'static str, &'static [Log], Option<Row>, Verdict, Option<i64>);

#[test]
fn a_verdict_is_as_old_as_the_oldest_word_that_it_rests_on() {
    // the lease was read two seconds ago
    let of_leader = row("blf5h", 90, 200, Some(60));
    let of_other = row("lzxms", 100, 300, Some(20));
    let out = row("gone", -120, 300, None);
    let cases: [Aged; 9] = [
        ("a leader by logs", LED, None, Verdict::One, Some(12)),
        ("a leader by both", LED, of_leader, Verdict::One, Some(12)),
        ("another by the lease", LED, of_other, Verdict::One, Some(2)),
        ("nobody by logs", UNLED, None, Verdict::None, Some(10)),
        ("nobody by the lease", UNLED, out, Verdict::None, Some(2)),
        (
            "nobody by the lease, whatever the log said",
            &[Tail(NOT), Tail(&[(Heartbeat, 110)]), Tail(NOT)],
            row("blf5h", -70, 300, None),
            Verdict::None,
            Some(2),
        ),
        (
            "a leader beside a log that is not read",
            &[Forbidden, Tail(BEATS), Tail(NOT)],
            None,
            Verdict::Unknown,
            Some(12),
        ),
        (
            "two",
            &[
                Whole(&[(Gained, 10_800), (Heartbeat, 10)]),
                Whole(&[(Gained, 3_600), (Heartbeat, 5)]),
                Whole(NOT),
            ],
            None,
            Verdict::Many,
            Some(10),
        ),
        ("no pod", &[], None, Verdict::None, Some(0)),
    ];
    for (what, logs, lease, verdict, seconds) in cases {
        let reading = read(&world(DAY, logs, lease));
        assert_eq!(reading.verdict, verdict, "{what}");
        assert_eq!(reading.as_of, seconds.map(ago), "{what}");
    }
}

#[test]
fn a_leader_that_won_after_the_lease_was_read_is_none_that_the_lease_denies() {
    let other = || row("other", 100, 300, None);
    assert_eq!(said(&[(Gained, 1)], other()).verdict, Verdict::One);
    assert_eq!(said(&[(Gained, 2)], other()).verdict, Verdict::Unknown);
}

#[test]
fn an_end_that_no_pod_would_write_is_not_waited_for_when_the_database_is_silent_either() {
    for (ttl, expected) in [(210, settling(225)), (211, Verdict::None)] {
        let mut state = world(DAY, UNLED, None);
        state.apply(
            Observation::Database(reading(Some((Some("gone"), ttl)), &[])),
            ago(16),
        );
        state.apply(failing(SourceId::Database, ProblemKind::Refused, "down"), now());
        assert_eq!(read(&state).verdict, expected, "{ttl} s to its end");
    }
}

#[test]
fn a_lease_that_advances_proves_a_leader_only_after_the_newest_pod_started() {
    let logs = [Forbidden, Tail(NOT), Tail(NOT)];
    for (advanced, expected) in [(100, settling(191)), (99, Verdict::One)] {
        let lease = row("other", 160, 200, Some(advanced));
        let reading = read(&world(100, &logs, lease));
        assert_eq!(
            reading.verdict, expected,
            "started 100 s ago, advanced {advanced} s ago"
        );
    }
}

#[test]
fn a_lease_is_lost_for_a_moment_when_it_was_won_again_within_three_ticks_and_of_late() {
    let cases: [(&str, &'static [Said], bool); 6] = [
        (
            "won again after 90 s",
            &[(Lost, 190), (Gained, 100), (Heartbeat, 3)],
            true,
        ),
        (
            "won again after 91 s",
            &[(Lost, 191), (Gained, 100), (Heartbeat, 3)],
            false,
        ),
        (
            "a quarter of an hour ago",
            &[(Lost, 910), (Gained, 900), (Heartbeat, 3)],
            true,
        ),
        (
            "a second earlier",
            &[(Lost, 911), (Gained, 901), (Heartbeat, 3)],
            false,
        ),
        (
            "lost after it was won",
            &[(Gained, 200), (Lost, 90), (Heartbeat, 3)],
            false,
        ),
        ("never won", &[(Lost, 90), (Heartbeat, 3)], false),
    ];
    for (what, second, blip) in cases {
        let words = said(second, None).log;
        let expected = if blip { ", database blip" } else { "" };
        assert_eq!(words, format!("blf5h, heartbeat <10s ago{expected}"), "{what}");
    }
}

#[test]
fn the_words_of_a_log_go_without_the_name_of_the_pod_that_leads_and_of_no_other() {
    let cases = [
        (LED, None, "heartbeat 10s ago"),
        (LED, row("lzxms", 100, 300, Some(20)), "blf5h, heartbeat 10s ago"),
        (UNLED, None, "all 3 pods report \"not leader\""),
    ];
    for (logs, lease, words) in cases {
        assert_eq!(read(&world(DAY, logs, lease)).log_unnamed, words);
    }
}

#[test]
fn of_three_that_lead_all_are_named() {
    let beats = |_| Whole(&[(Gained, 10_800), (Heartbeat, 10)]);
    let reading = read(&world(18_000, &[0, 1, 2].map(beats), None));
    assert_eq!(
        (reading.verdict, &*reading.log),
        (Verdict::Many, "3 pods (2mgcp, blf5h, lzxms) are acting as leader")
    );
}

#[test]
fn the_pods_that_can_not_read_the_lease_are_counted() {
    let mut state = world(DAY, UNLED, None);
    let count = |state: &State| pods_without_lease(state, &profile(), KAFKA, now());
    assert_eq!(count(&state), 0);
    for (short, number) in [(SHORT[0], 1), (SHORT[2], 2)] {
        let failed = log(short, "", 300, &[(LeaseFailed, 20)]);
        state.apply(Observation::Log(failed), now());
        assert_eq!(count(&state), number);
    }
}
