//! Leaders that were killed, or that hang.

use super::Log::{Forbidden, Tail, Whole};
use super::*;

/// A world that a leading pod, `blf5h`, has just left; it last said so `beat` seconds ago.
fn killed(beat: &'static [Said], lease: Option<Row>) -> State {
    let mut state = world(DAY, &[Tail(NOT), Tail(beat), Tail(NOT)], lease);
    state.apply(Observation::PodGone(pod(SHORT[1], 0).uid), now());
    state
}

#[test]
fn a_killed_leader_s_lease_is_waited_for() {
    // it was renewed while we looked, by a process that we know to be gone
    let state = killed(BEATS, row("blf5h", 60, 300, Some(50)));
    let reading = read(&state);
    assert_eq!((reading.verdict, reading.pod), (settling(91), None));
    // without the lease its last word tells how long that may take
    assert_eq!(read(&killed(BEATS, None)).verdict, settling(198));
    assert_eq!(read(&killed(&[(Heartbeat, 209)], None)).verdict, settling(1));
    assert_eq!(read(&killed(&[(Heartbeat, 210)], None)).verdict, Verdict::None);
    // a process that was started again is another one
    let mut restarted = world(DAY, &[Tail(NOT), Tail(BEATS), Tail(NOT)], None);
    let mut next = log(SHORT[1], KAFKA, 300, NOT);
    next.source.restart = 1;
    let mut pod = pod(SHORT[1], DAY);
    pod.containers[0].restarts = 1;
    restarted.apply(Observation::Pod(pod), now());
    restarted.apply(Observation::Log(next), now());
    assert_eq!(read(&restarted).verdict, settling(198));
}

#[test]
fn a_leader_whose_first_loop_hangs_has_handed_over_until_it_goes_on() {
    let hangs = Whole(&[(Gained, 300), (Heartbeat, 300)]);
    let next = Whole(&[(Gained, 100), (Heartbeat, 10)]);
    let reading = read(&world(
        DAY,
        &[hangs, next, Whole(NOT)],
        row("blf5h", 90, 300, Some(60)),
    ));
    assert_eq!(
        (reading.verdict, reading.pod.as_deref()),
        (Verdict::One, Some("msa-x-blf5h"))
    );
    // it goes on beside the other: for as long as it has not looked at its lease there are two
    let goes_on = Whole(&[(Gained, 300), (Heartbeat, 300), (Heartbeat, 5)]);
    let lease = row("blf5h", 90, 300, Some(60));
    assert_eq!(
        read(&world(DAY, &[goes_on, next, Whole(NOT)], lease)).verdict,
        Verdict::Many
    );
    let looked = Whole(&[
        (Gained, 300),
        (Heartbeat, 300),
        (Heartbeat, 5),
        (Lost, 3),
        (LoopEnded, 3),
    ]);
    assert_eq!(
        read(&world(DAY, &[looked, next, Whole(NOT)], lease)).verdict,
        Verdict::One
    );
    // while it hangs and nobody has taken over, its lease is live; then nobody leads
    let alone = |ttl| world(DAY, &[hangs, Whole(NOT), Whole(NOT)], row("2mgcp", ttl, 20, None));
    assert_eq!(read(&alone(10)).verdict, Verdict::One);
    assert_eq!(read(&alone(-61)).verdict, Verdict::None);
}

#[test]
fn a_pod_s_clock_may_be_half_a_minute_off() {
    // the one's last beat was before the other won the lease, but its clock is ahead
    let ahead = |seconds: &'static [Said]| {
        world(
            DAY,
            &[
                Whole(seconds),
                Whole(&[(Gained, 40), (Heartbeat, 10)]),
                Whole(NOT),
            ],
            None,
        )
    };
    let reading = read(&ahead(&[(Gained, 9_000), (Heartbeat, 10)]));
    assert_eq!(
        (reading.verdict, reading.pod.as_deref()),
        (Verdict::One, Some("msa-x-blf5h"))
    );
    assert_eq!(
        read(&ahead(&[(Gained, 9_000), (Heartbeat, 9)])).verdict,
        Verdict::Many
    );
    // a node that is half a minute behind still leads
    let behind = world(DAY, &[Tail(NOT), Tail(&[(Heartbeat, 90)]), Tail(NOT)], None);
    assert_eq!(read(&behind).verdict, Verdict::One);
}

#[test]
fn a_log_that_broke_off_is_not_outvoted_by_the_lease_it_outlived() {
    let lease = row("blf5h", -70, 300, None);
    let mut state = world(DAY, &[Tail(NOT), Tail(&[(Heartbeat, 20)]), Tail(NOT)], lease);
    assert_eq!(read(&state).verdict, Verdict::Unknown, "it beats without a lease");
    let mut old = state.clone();
    for state in [&mut state, &mut old] {
        let fault = failing(SourceId::Log(source(SHORT[1])), ProblemKind::Reset, "cut");
        state.apply(fault, ago(-1));
    }
    for (seconds, verdict) in [(16, Verdict::Unknown), (101, Verdict::None)] {
        let mut state = state.clone();
        state.apply(
            Observation::Source(SourceId::Pods, SourceState::Live),
            ago(-seconds),
        );
        for short in [SHORT[0], SHORT[2]] {
            state.apply(
                Observation::Log(log(short, KAFKA, 300, &[(NotLeader, -seconds)])),
                ago(-seconds),
            );
        }
        let mut poll = reading(Some((Some("blf5h"), -70 - seconds)), &[]);
        poll.leases.as_mut().unwrap()[0].expires = "first".into();
        state.apply(Observation::Database(poll), ago(-seconds));
        let found = read_leaders(&state, &profile(), ago(-seconds)).pop().unwrap();
        assert_eq!(found.verdict, verdict, "{seconds} s later: {found:?}");
    }
    let unread = world(DAY, &[Forbidden, Tail(NOT), Tail(NOT)], lease);
    assert_eq!(
        read(&unread).verdict,
        Verdict::None,
        "what it never told is no word"
    );
}

#[test]
fn the_id_of_a_process_that_has_ended_never_proves_a_leader() {
    // the lease was renewed while we looked, one pod can't be read, and the holder was `blf5h`
    let lease = row("blf5h", 60, 300, Some(50));
    let logs = [Forbidden, Tail(BEATS), Tail(NOT)];
    let mut gone = world(DAY, &logs, lease);
    gone.apply(Observation::PodGone(pod(SHORT[1], 0).uid), now());
    assert_eq!(read(&gone).verdict, settling(91), "the pod is gone");
    // its container was started again, so often that its start holds nobody up, and the new process has not said a word
    let again = |restarts: u32| {
        let mut state = world(DAY, &logs, lease);
        let mut pod = pod(SHORT[1], DAY);
        (pod.restarts, pod.restarted_at) = (restarts, Some(ago(20)));
        pod.containers[0].restarts = restarts;
        state.apply(Observation::Pod(pod), now());
        read(&state)
    };
    for restarts in [1, 2] {
        assert_eq!(again(restarts).verdict, settling(91), "{restarts} restarts");
    }
    assert_eq!(again(0).verdict, Verdict::One, "the same process still runs");
    // of a stranger nobody knows that it has ended: the pod that can't be read leads
    let unread = world(DAY, &[Forbidden, Tail(NOT), Tail(NOT)], None);
    for (holder, verdict) in [("stranger", Verdict::One), ("ended", settling(91))] {
        let mut earlier = log(SHORT[1], KAFKA, 300, &[(Heartbeat, 5)]);
        earlier
            .sightings
            .iter_mut()
            .for_each(|one| one.line.worker_id = id("ended"));
        let mut state = unread.clone();
        state.apply(Observation::Log(earlier), now());
        let mut next = log(SHORT[1], KAFKA, 300, NOT);
        next.source.restart = 1;
        let mut pod = pod(SHORT[1], DAY);
        pod.containers[0].restarts = 1;
        state.apply(Observation::Pod(pod), now());
        state.apply(Observation::Log(next), now());
        add_lease(&mut state, row(holder, 60, 300, Some(50)).unwrap());
        assert_eq!(read(&state).verdict, verdict, "{holder}");
    }
}

#[test]
fn a_lease_and_a_log_that_disagree_may_be_half_a_minute_apart_and_no_more() {
    // one tick, and the skew of the clocks: before that, the log is believed
    let silent = |ttl| {
        let beats = Tail(&[(Heartbeat, 110)]);
        read(&world(
            DAY,
            &[Tail(NOT), beats, Tail(NOT)],
            row("blf5h", ttl, 300, None),
        ))
        .verdict
    };
    // the row was read two seconds ago
    assert_eq!(silent(-62), Verdict::One);
    assert_eq!(silent(-63), Verdict::None);
    // a start that is dated half a minute ahead is a node's clock; one second more is a wrong clock
    let ahead = |seconds: i64| {
        let mut state = world(
            DAY,
            &[Tail(NOT), Tail(NOT), Tail(NOT)],
            row("gone", -120, 300, None),
        );
        let mut pod = pod(SHORT[0], -seconds);
        pod.created_at = Some(ago(DAY));
        state.apply(Observation::Pod(pod), now());
        read(&state).verdict
    };
    assert_eq!(ahead(30), settling(270));
    assert_eq!(ahead(31), Verdict::None);
}
