use super::*;
use crate::logparse::LeaderLineKind;
use crate::observe::source::ProblemKind;
use crate::testkit::{KAFKA, SHORT, ago, failing, log, now, pod, reading, source, state};

fn heartbeat(short: &str) -> LogBatch {
    log(short, KAFKA, 300, &[(LeaderLineKind::Heartbeat, 10)])
}

#[test]
fn a_pod_that_is_gone_takes_its_evidence_with_it() {
    let mut state = state(SHORT.map(|short| pod(short, 100)).to_vec());
    for short in SHORT {
        state.apply(Observation::Log(heartbeat(short)), now());
    }
    state.apply(Observation::PodGone(pod(SHORT[0], 0).uid), now());
    state.apply(Observation::Pods(vec![pod(SHORT[2], 100)]), now());
    let kept: Vec<_> = state.logs.keys().cloned().collect();
    assert_eq!(kept, [source(SHORT[2])]);
    for gone in &SHORT[..2] {
        assert_eq!(state.leaders.of(&source(gone), KAFKA), None);
        assert!(state.source(&SourceId::Log(source(gone))).is_none());
    }
    // what comes late of a pod that is gone stays out
    state.apply(Observation::Log(heartbeat(SHORT[0])), now());
    assert_eq!(state.logs.len(), 1);
    assert!(state.source(&SourceId::Log(source(SHORT[0]))).is_none());
}

#[test]
fn lines_missed_before_the_first_batch_are_not_forgotten() {
    let mut state = state(vec![pod(SHORT[0], 100)]);
    let note = |missed| Observation::LogNote {
        source: source(SHORT[0]),
        missed,
        text: "a gap".into(),
    };
    state.apply(note(2), now());
    state.apply(Observation::Log(heartbeat(SHORT[0])), now());
    state.apply(note(3), now());
    assert_eq!(state.logs[&source(SHORT[0])].missed, 5);
}

#[test]
fn a_container_that_crashes_all_day_does_not_fill_the_memory() {
    let mut state = state(vec![pod(SHORT[0], 100)]);
    for restart in 0..500 {
        let mut batch = heartbeat(SHORT[0]);
        batch.source.restart = restart;
        state.apply(Observation::Log(batch), now());
    }
    let kept: Vec<_> = state.logs.keys().map(|key| key.restart).collect();
    assert_eq!(kept, [497, 498, 499]);
    let sources = state.sources().filter(|(id, _)| matches!(id, SourceId::Log(_)));
    assert_eq!(sources.count(), 3);
}

#[test]
fn a_source_is_current_for_fifteen_seconds_after_its_last_sign_of_life() {
    let mut state = State::default();
    let fresh = |seconds| Freshness::Fresh(SignedDuration::from_secs(seconds));
    assert_eq!(state.freshness(&SourceId::Database, now()), Freshness::Missing);
    state.apply(
        Observation::Source(SourceId::Database, SourceState::Connecting),
        now(),
    );
    assert_eq!(state.freshness(&SourceId::Database, now()), Freshness::Missing);
    state.apply(Observation::Database(reading(None, &[])), now());
    assert_eq!(state.freshness(&SourceId::Database, ago(-15)), fresh(15));
    state.apply(
        failing(SourceId::Database, ProblemKind::Refused, "down"),
        ago(-10),
    );
    assert_eq!(state.freshness(&SourceId::Database, ago(-15)), fresh(15));
    let stale = Freshness::Stale(SignedDuration::from_secs(16));
    assert_eq!(state.freshness(&SourceId::Database, ago(-16)), stale);
    state.set_speed(20.0);
    assert_eq!(state.freshness(&SourceId::Database, ago(-300)), fresh(300));
    let stale = Freshness::Stale(SignedDuration::from_secs(301));
    assert_eq!(state.freshness(&SourceId::Database, ago(-301)), stale);
}

#[test]
fn a_watch_lives_by_the_server_s_signs_of_life_and_a_log_by_its_own() {
    let mut state = state(vec![pod(SHORT[0], 100)]);
    state.apply(Observation::Log(heartbeat(SHORT[0])), now());
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), ago(-60));
    let at = ago(-62);
    let two = SignedDuration::from_secs(2);
    assert_eq!(state.freshness(&SourceId::Pods, at), Freshness::Fresh(two));
    assert!(matches!(
        state.freshness(&SourceId::Log(source(SHORT[0])), at),
        Freshness::Stale(_)
    ));
    // one that is cut after a silent death is stale in time: what it was known by before that is all that counts
    let mut cut = state.clone();
    cut.apply(failing(SourceId::Pods, ProblemKind::Reset, "cut"), ago(-62));
    assert_eq!(
        cut.freshness(&SourceId::Pods, ago(-63)),
        Freshness::Fresh(SignedDuration::from_secs(14))
    );
    assert!(matches!(
        cut.freshness(&SourceId::Pods, ago(-65)),
        Freshness::Stale(_)
    ));
    // a finished container's log is what it is
    state.apply(
        Observation::Source(SourceId::Log(source(SHORT[0])), SourceState::Ended),
        ago(-61),
    );
    assert!(matches!(
        state.freshness(&SourceId::Log(source(SHORT[0])), ago(-9_999)),
        Freshness::Fresh(_)
    ));
}

#[test]
fn many_silent_logs_share_what_may_be_asked_and_a_few_are_checked_as_often_as_one() {
    let name = |number: usize| format!("p{number:04}");
    let followed = |count: usize| {
        let pods = (0..count).map(|number| pod(&name(number), 100)).collect();
        let mut state = state(pods);
        for number in 0..count {
            state.apply(Observation::Log(heartbeat(&name(number))), now());
        }
        state
    };
    let fresh = |state: &State, after: i64| state.is_fresh(&SourceId::Log(source(&name(0))), ago(-after));
    let few = followed(12);
    assert!(fresh(&few, 15) && !fresh(&few, 16));
    let mut many = followed(50);
    assert!(
        fresh(&many, 65) && !fresh(&many, 66),
        "one is checked each second"
    );
    let rests = Observation::Source(SourceId::Log(source(&name(1))), SourceState::Resting);
    many.apply(rests, now());
    assert_eq!(
        many.logs_read(),
        LogsRead {
            followed: 49,
            in_turns: 1
        }
    );
    assert!(
        fresh(&many, 15 + 98) && !fresh(&many, 15 + 99),
        "turns take every other request"
    );
    assert!(!many.is_fresh(&SourceId::Log(source(&name(1))), ago(-16)));
}

#[test]
fn a_lease_advances_when_its_end_changes() {
    let mut state = State::default();
    let mut poll = |ttl: i64, at: Timestamp| {
        state.apply(
            Observation::Database(reading(Some((Some("blf5h"), ttl)), &[])),
            at,
        );
        state.leases[&SafeText::new("kafka")].clone()
    };
    assert_eq!(poll(100, ago(20)).advanced_at, None);
    assert_eq!(poll(100, ago(15)).advanced_at, None);
    let track = poll(180, ago(10));
    assert_eq!((track.first_seen_at, track.advanced_at), (ago(20), Some(ago(10))));
    assert_eq!(poll(180, ago(5)).advanced_at, Some(ago(10)));
}

#[test]
fn counts_change_since_the_oldest_poll_of_five_minutes() {
    let mut state = State::default();
    for (seconds, count) in [(400, 9), (290, 1), (100, 2), (0, 4)] {
        let rows = [("cluster_accepted", count, Some(1), Some(0))];
        state.apply(Observation::Database(reading(None, &rows)), ago(seconds));
    }
    let change = state.change_of("clusters", "cluster_accepted");
    assert_eq!(change, Some((3, SignedDuration::from_secs(290))));
    assert_eq!(state.change_of("clusters", "ready").unwrap().0, 0);
}

#[test]
fn a_table_that_could_not_be_read_has_not_changed() {
    let mut state = State::default();
    let rows = [("cluster_accepted", 12, Some(1), Some(0))];
    let mut locked = reading(None, &rows);
    for table in &mut locked.tables {
        table.statuses = Err("locked".into());
    }
    state.apply(Observation::Database(locked), ago(60));
    assert_eq!(state.change_of("clusters", "cluster_accepted"), None);
    state.apply(Observation::Database(reading(None, &rows)), ago(40));
    state.apply(Observation::Database(reading(None, &rows)), ago(10));
    let change = state.change_of("clusters", "cluster_accepted");
    assert_eq!(change, Some((0, SignedDuration::from_secs(30))));
}

#[test]
fn a_lease_whose_end_moves_back_does_not_advance_and_one_that_is_gone_is_forgotten() {
    let mut state = State::default();
    state.apply(
        Observation::Database(reading(Some((Some("blf5h"), 180)), &[])),
        ago(20),
    );
    state.apply(
        Observation::Database(reading(Some((Some("blf5h"), 100)), &[])),
        ago(10),
    );
    let track = state.leases[&SafeText::new("kafka")].clone();
    assert_eq!((track.advanced_at, &*track.expires), (None, "100"));
    state.apply(Observation::Database(reading(None, &[])), now());
    assert!(state.leases.is_empty());
}

#[test]
fn what_a_wrong_clock_dated_moves_with_its_correction() {
    let mut state = state(vec![pod(SHORT[0], 100)]);
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), now());
    state.apply(Observation::Database(reading(Some((Some("x"), 100)), &[])), now());
    state.shift(SignedDuration::from_mins(10));
    let later = ago(-600);
    let fresh = Freshness::Fresh(SignedDuration::ZERO);
    assert_eq!(state.freshness(&SourceId::Pods, later), fresh);
    assert_eq!(state.freshness(&SourceId::Database, later), fresh);
    assert_eq!(state.reading.as_ref().unwrap().0, later);
}

#[test]
fn a_source_that_is_asked_every_so_often_is_stale_one_second_after_its_time() {
    let rests = [
        (SourceId::Pods, 15),
        (SourceId::Deployment, 15),
        (SourceId::ClusterEvents, 15),
        (SourceId::Api, 15),
        (SourceId::Database, 15),
        (SourceId::Log(source(SHORT[0])), 15),
        (SourceId::Usage, 30),
        (SourceId::Scrape(pod(SHORT[0], 300).uid), 30),
    ];
    for (id, limit) in rests {
        for (speed, factor) in [(None, 1), (Some(4.0), 4)] {
            let mut state = state(vec![pod(SHORT[0], 300)]);
            if let Some(speed) = speed {
                state.set_speed(speed);
            }
            state.apply(Observation::Source(id.clone(), SourceState::Live), now());
            assert!(state.is_fresh(&id, ago(-limit * factor)), "{id:?} at {speed:?}");
            assert!(
                !state.is_fresh(&id, ago(-limit * factor - 1)),
                "{id:?} at {speed:?}"
            );
        }
    }
}

#[test]
fn an_outage_of_the_api_server_is_over_when_it_answers_again() {
    let mut state = state(vec![pod(SHORT[0], 300)]);
    state.apply(
        Observation::Source(SourceId::Api, SourceState::Connecting),
        ago(90),
    );
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), ago(80));
    assert_eq!(state.api_back_at, None, "the first answer ends no outage");
    state.apply(failing(SourceId::Api, ProblemKind::Refused, "away"), ago(70));
    assert_eq!(state.api_back_at, None);
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), ago(55));
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), ago(50));
    assert_eq!(state.api_back_at, Some(ago(55)));
    state.apply(failing(SourceId::Database, ProblemKind::Refused, "away"), ago(40));
    state.apply(
        Observation::Source(SourceId::Database, SourceState::Live),
        ago(30),
    );
    assert_eq!(state.api_back_at, Some(ago(55)), "of another source");
    state.shift(SignedDuration::from_secs(5));
    assert_eq!(state.api_back_at, Some(ago(50)));
}
