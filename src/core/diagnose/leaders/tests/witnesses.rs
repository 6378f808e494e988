//! What the lease row proves, and for how long.

use super::Log::{Forbidden, Tail};
use super::*;

/// Polls of one lease: seconds ago, its row's holder and seconds to its end then.
fn polled(polls: &[(i64, Option<&str>, i64)], logs: &[Log]) -> State {
    let mut state = world(DAY, logs, None);
    for (at, holder, ttl) in polls {
        state.apply(
            Observation::Database(reading(Some((*holder, *ttl)), &[])),
            ago(*at),
        );
    }
    state
}

const UNLED: &[Log] = &[Tail(NOT), Tail(NOT), Tail(NOT)];
const ONE_UNREAD: &[Log] = &[Forbidden, Tail(NOT), Tail(NOT)];

#[test]
fn that_a_lease_is_out_is_said_of_the_moment_it_was_read() {
    let verdict = |at: i64, ttl: i64| read(&polled(&[(at, Some("gone"), ttl)], UNLED)).verdict;
    assert_eq!(verdict(0, -31), Verdict::None);
    assert_eq!(verdict(0, -30), settling(1));
    // read a moment ago it was out for half a tick: since then somebody may have taken it
    assert_eq!(verdict(14, -17), settling(0));
    assert_eq!(verdict(14, -31), Verdict::None);
}

#[test]
fn an_end_that_no_pod_would_write_is_not_waited_for() {
    for ttl in [211, 9_000_000, i64::MAX] {
        let stranger = |logs| read(&polled(&[(0, Some("gone"), ttl)], logs)).verdict;
        assert_eq!(
            stranger(UNLED),
            Verdict::None,
            "nobody lives to see it run out: {ttl}"
        );
        assert_eq!(stranger(ONE_UNREAD), Verdict::Unknown, "{ttl}");
        let led = [Tail(NOT), Tail(BEATS), Tail(NOT)];
        assert_eq!(
            read(&polled(&[(0, Some("blf5h"), ttl)], &led)).verdict,
            Verdict::One
        );
    }
    let skewed = read(&polled(&[(0, Some("gone"), 210)], UNLED)).verdict;
    assert_eq!(skewed, settling(241), "half a minute ahead is a pod's clock");
    assert_eq!(
        read(&polled(&[(0, Some("gone"), i64::MIN)], UNLED)).verdict,
        Verdict::None
    );
}

#[test]
fn a_lease_that_nobody_holds_is_taken_when_its_end_has_come() {
    assert_eq!(read(&polled(&[(0, None, 60)], UNLED)).verdict, settling(91));
    assert_eq!(read(&polled(&[(0, None, -31)], UNLED)).verdict, Verdict::None);
}

#[test]
fn a_lease_that_can_t_be_read_any_more_holds_until_its_end() {
    let stopped = |ttl: i64| {
        let mut state = polled(&[(16, Some("gone"), ttl)], UNLED);
        state.apply(failing(SourceId::Database, ProblemKind::Refused, "down"), now());
        read(&state).verdict
    };
    assert_eq!(stopped(100), settling(115));
    assert_eq!(
        stopped(-50),
        Verdict::None,
        "then the logs decide, as every pod says so"
    );
}

#[test]
fn two_rows_of_one_type_do_not_advance_from_the_one_to_the_other() {
    let mut state = world(DAY, ONE_UNREAD, None);
    let twins = |first: &str, second: &str| {
        let mut poll = reading(Some((Some("gone"), 100)), &[]);
        let leases = poll.leases.as_mut().unwrap();
        let mut other = leases[0].clone();
        (leases[0].expires, other.expires) = (first.into(), second.into());
        leases.push(other);
        poll
    };
    state.apply(Observation::Database(twins("1", "2")), ago(20));
    state.apply(Observation::Database(twins("1", "2")), ago(10));
    assert_eq!(read(&state).verdict, Verdict::Unknown);
    // one of them is deleted: the other was never seen to advance
    state.apply(
        Observation::Database(reading(Some((Some("gone"), 100)), &[])),
        now(),
    );
    assert_eq!(
        (read(&state).verdict, read(&state).lease.unwrap().advancing),
        (settling(131), None)
    );
}

#[test]
fn a_start_that_a_wrong_clock_dates_is_not_waited_for() {
    let mut state = world(DAY, UNLED, row("gone", -120, 300, None));
    let mut ahead = pod(SHORT[0], -9_000);
    ahead.created_at = Some(ago(DAY));
    state.apply(Observation::Pod(ahead), now());
    assert_eq!(read(&state).verdict, Verdict::None);
}

#[test]
fn logs_that_are_read_in_turns_prove_no_absence_and_the_lease_decides() {
    let in_turns = |lease: Option<Row>, turn: i64| {
        let mut state = world(DAY, ONE_UNREAD, lease);
        state.apply(Observation::Log(log(SHORT[0], KAFKA, 300, NOT)), ago(turn));
        state.apply(
            Observation::Source(SourceId::Log(source(SHORT[0])), SourceState::Resting),
            ago(turn),
        );
        read(&state).verdict
    };
    assert_eq!(in_turns(None, 15), Verdict::None, "its turn was a moment ago");
    assert_eq!(in_turns(None, 16), Verdict::Unknown);
    assert_eq!(in_turns(row("hidden", 150, 300, Some(20)), 60), Verdict::One);
    assert_eq!(in_turns(row("gone", -120, 300, None), 60), Verdict::None);
}
