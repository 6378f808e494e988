//! Movement, seen from poll to poll.

use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::observe::observation::{BySight, Row, StandingRow, TableReading, UnderWay};
use crate::profile::{ClockBasis, Table};
use crate::testkit::{ago, now, profile, reading};

const ACCEPTED: &str = "cluster_accepted";
const PROVISIONING: &str = "cluster_provisioning";

/// A row: id, status, age by its clock, seconds since it was written, seconds since it was made.
type Listed = (&'static str, &'static str, Option<i64>, i64, i64);

/// A row that is written on a change of status only.
fn row(id: &'static str, status: &'static str, age: i64) -> Listed {
    (id, status, Some(age), age, age)
}

fn table() -> Table {
    profile().table("clusters").unwrap().clone()
}

fn standing(row: &Listed) -> StandingRow {
    let (id, status, clock_s, idle_s, age_s) = *row;
    StandingRow {
        status: status.into(),
        clock_s,
        row: Row {
            id: id.into(),
            ocm_id: "".into(),
            region: "".into(),
            idle_s: Some(idle_s),
            age_s: Some(age_s),
            reason: "".into(),
        },
    }
}

/// A poll of the clusters that listed these rows.
fn poll(rows: &[Listed]) -> Reading {
    let mut reading = reading(None, &[]);
    reading.took_ms = 0;
    *list(&mut reading) = UnderWay {
        rows: rows.iter().map(standing).collect(),
        ..UnderWay::default()
    };
    reading
}

fn list(reading: &mut Reading) -> &mut UnderWay {
    reading.tables[0].under_way.as_mut().unwrap()
}

fn unread() -> Reading {
    let mut reading = reading(None, &[]);
    let TableReading {
        statuses, under_way, ..
    } = &mut reading.tables[0];
    (*statuses, *under_way) = (Err("locked".into()), Err("locked".into()));
    reading
}

fn cut(rows: &[Listed]) -> Reading {
    let mut reading = poll(rows);
    list(&mut reading).more = true;
    reading
}

/// Polls that came so many seconds ago.
fn watched(polls: impl IntoIterator<Item = (i64, Reading)>) -> State {
    let mut state = State::default();
    for (seconds, reading) in polls {
        state.apply(Observation::Database(reading), ago(seconds));
    }
    state
}

fn passed(state: &State, status: &str) -> (Option<u64>, Option<u64>) {
    let movement = state.movement(&table(), status);
    (movement.entered, movement.left)
}

#[test]
fn rows_enter_leave_and_go_on() {
    let state = watched([
        (
            10,
            poll(&[
                row("a", ACCEPTED, 100),
                row("b", ACCEPTED, 20),
                row("gone", PROVISIONING, 9),
            ]),
        ),
        (
            5,
            poll(&[
                row("a", ACCEPTED, 105),
                row("b", PROVISIONING, 2),
                row("c", ACCEPTED, 1),
            ]),
        ),
    ]);
    assert_eq!(passed(&state, ACCEPTED), (Some(1), Some(1)));
    assert_eq!(passed(&state, PROVISIONING), (Some(1), Some(1)));
    assert_eq!(
        passed(&state, "teleporting"),
        (Some(0), Some(0)),
        "a status nobody knows is watched"
    );
    assert_eq!(
        passed(&state, "ready"),
        (None, None),
        "rows of a status that they stay in are not listed"
    );
    assert_eq!(state.movement(&table(), ACCEPTED).watched_s, Some(5));
    assert_eq!(
        state.passed(&table(), ACCEPTED),
        Some((SignedDuration::from_secs(5), 1, 1))
    );
}

#[test]
fn the_first_poll_tells_no_movement() {
    let state = watched([(0, poll(&[row("a", ACCEPTED, 100)]))]);
    let movement = state.movement(&table(), ACCEPTED);
    assert_eq!(
        (movement.entered, movement.left, movement.moves),
        (None, None, None)
    );
    assert_eq!(
        (movement.next_limit_s, movement.next.as_deref()),
        (Some(80), Some("a"))
    );
    assert_eq!(State::default().movement(&table(), ACCEPTED), Movement::default());
}

#[test]
fn what_passed_more_than_five_minutes_ago_counts_since_the_start_alone() {
    let rows = |seconds: i64| match seconds {
        301.. => vec![row("a", ACCEPTED, 1), row("b", ACCEPTED, 2)],
        _ if seconds > 200 => vec![row("b", ACCEPTED, 2)],
        _ => vec![],
    };
    let polls = (0..=80).rev().map(|step| (step * 5, poll(&rows(step * 5))));
    let state = watched(polls);
    assert_eq!(passed(&state, ACCEPTED), (Some(0), Some(1)));
    assert_eq!(
        state.passed(&table(), ACCEPTED),
        Some((SignedDuration::from_secs(400), 0, 2))
    );
    assert_eq!(state.movement(&table(), ACCEPTED).watched_s, Some(300));
}

#[test]
fn a_table_that_could_not_be_read_has_not_moved() {
    let rows = [row("a", ACCEPTED, 100)];
    let state = watched([(15, poll(&rows)), (10, unread()), (5, poll(&rows))]);
    assert_eq!(passed(&state, ACCEPTED), (Some(0), Some(0)));
    assert_eq!(state.seen("clusters", &"a".into()).unwrap().at, ago(15));
    let state = watched([(15, poll(&rows)), (10, poll(&rows)), (5, unread())]);
    assert_eq!(
        state.movement(&table(), ACCEPTED),
        Movement::default(),
        "and of now nothing is known"
    );
}

#[test]
fn of_a_list_that_was_cut_nothing_is_missed() {
    let all = [row("a", ACCEPTED, 100), row("b", ACCEPTED, 9)];
    let state = watched([(15, poll(&all)), (10, cut(&all[..1]))]);
    assert_eq!(state.movement(&table(), ACCEPTED), Movement::default());
    assert_eq!(state.passed(&table(), ACCEPTED), None);
    let state = watched([(15, poll(&all)), (10, cut(&all[..1])), (5, poll(&all))]);
    assert_eq!(passed(&state, ACCEPTED), (None, None), "the watch began again");
    assert_eq!(state.seen("clusters", &"a".into()).unwrap().at, ago(15));
    let b = state.seen("clusters", &"b".into()).unwrap();
    assert_eq!(
        (b.at, b.absent_at),
        (ago(5), None),
        "nobody saw that it was not there"
    );
}

#[test]
fn after_a_gap_only_a_row_that_was_not_written_is_known_to_have_stayed() {
    let before = [
        row("still", ACCEPTED, 10),
        row("written", ACCEPTED, 10),
        row("gone", ACCEPTED, 10),
    ];
    let state = |gap: i64| {
        let after = [row("still", ACCEPTED, gap + 10), row("written", ACCEPTED, 3)];
        watched([(gap, poll(&before)), (0, poll(&after))])
    };
    let at = |state: &State, id: &str| state.seen("clusters", &id.into()).unwrap().at;
    let close = state(60);
    assert_eq!((at(&close, "still"), at(&close, "written")), (ago(60), ago(60)));
    assert_eq!(passed(&close, ACCEPTED), (Some(0), Some(1)));
    let apart = state(61);
    assert_eq!((at(&apart, "still"), at(&apart, "written")), (ago(61), now()));
    assert_eq!(passed(&apart, ACCEPTED), (None, None));
}

#[test]
fn the_next_limit_is_that_of_the_oldest_row_not_yet_over_it() {
    let next = |rows: &[Listed]| {
        let state = watched([(0, poll(rows))]);
        let movement = state.movement(&table(), ACCEPTED);
        movement
            .next_limit_s
            .map(|left| (movement.next.unwrap().to_string(), left))
    };
    let is = |id: &str, left| Some((id.to_owned(), left));
    assert_eq!(
        next(&[row("a", ACCEPTED, 180)]),
        is("a", 0),
        "not over: strictly more is"
    );
    assert_eq!(next(&[row("a", ACCEPTED, 181)]), None);
    assert_eq!(
        next(&[
            row("a", ACCEPTED, 181),
            row("b", ACCEPTED, 47),
            row("c", ACCEPTED, 9)
        ]),
        is("b", 133)
    );
    assert_eq!(next(&[("a", ACCEPTED, None, 0, 0)]), None, "no age");
    assert_eq!(
        next(&[row("a", ACCEPTED, -65)]),
        is("a", 245),
        "written by a clock that is ahead"
    );
    assert_eq!(next(&[row("a", "", 10), row("b", "ready", 10)]), None);
    let state = watched([(0, poll(&[row("a", ACCEPTED, 100), row("b", PROVISIONING, 2_650)]))]);
    let (left, row) = state.next_over(&table()).unwrap();
    assert_eq!((left, &*row.row.id), (50, "b"));
}

/// Polls each 5 s from so long ago until now.
fn each(from: i64, rows: impl Fn(i64) -> Vec<Listed>) -> State {
    watched((0..=from / 5).rev().map(|step| (step * 5, poll(&rows(step * 5)))))
}

#[test]
fn slow_is_told_from_stuck() {
    let moves = |state: &State, status: &str| state.movement(&table(), status).moves;
    let waits = |seconds: i64| {
        vec![
            row("a", ACCEPTED, 1_000 - seconds),
            row("p", PROVISIONING, 1_000 - seconds),
        ]
    };
    // an accepted row has 3 min; those that have 45 are watched for 5
    assert_eq!(moves(&each(175, waits), ACCEPTED), None);
    assert_eq!(moves(&each(180, waits), ACCEPTED), Some(false));
    assert_eq!(moves(&each(295, waits), PROVISIONING), None);
    assert_eq!(moves(&each(300, waits), PROVISIONING), Some(false));
    assert_eq!(moves(&each(300, |_| vec![]), ACCEPTED), None, "nobody waits");
    // others leave
    let with = |until: i64| {
        move |seconds: i64| {
            let mut rows = vec![row("a", ACCEPTED, 1_000 - seconds)];
            rows.extend((seconds > until).then(|| row("b", ACCEPTED, 500 - seconds)));
            rows
        }
    };
    assert_eq!(moves(&each(10, with(5)), ACCEPTED), Some(true), "at once");
    assert_eq!(moves(&each(300, with(175)), ACCEPTED), Some(true));
    assert_eq!(
        moves(&each(300, with(180)), ACCEPTED),
        Some(false),
        "too long ago"
    );
    // a row that came lately has not waited
    let new = |seconds: i64| match seconds {
        0..=100 => vec![row("a", ACCEPTED, 100 - seconds)],
        _ => vec![],
    };
    assert_eq!(moves(&each(300, new), ACCEPTED), None);
}

#[test]
fn rows_that_fail_are_no_way_forward() {
    let mut last = poll(&[row("a", ACCEPTED, 1_000)]);
    last.tables[0].standing.as_mut().unwrap().rows = vec![standing(&row("b", "failed", 2))];
    let mut state = each(300, |_| vec![row("a", ACCEPTED, 995), row("b", ACCEPTED, 500)]);
    state.apply(Observation::Database(last), ago(-5));
    let movement = state.movement(&table(), ACCEPTED);
    assert_eq!((movement.left, movement.moves), (Some(1), None));
}

#[test]
fn the_oldest_row_is_the_same_until_it_goes() {
    let old = |age| row("old", ACCEPTED, age);
    let state = watched([
        (15, poll(&[old(100), row("twin", ACCEPTED, 99)])),
        // ages are floored: the two may look equal, or the wrong way round
        (10, poll(&[row("twin", ACCEPTED, 105), old(104)])),
    ]);
    let oldest = state.oldest("clusters", ACCEPTED).unwrap();
    assert_eq!(
        (&*oldest.id, oldest.since, oldest.moved_at),
        ("old", ago(15), None)
    );
    let mut state = state;
    state.apply(Observation::Database(poll(&[row("twin", ACCEPTED, 110)])), ago(5));
    let oldest = state.oldest("clusters", ACCEPTED).unwrap();
    assert_eq!(
        (&*oldest.id, oldest.since, oldest.moved_at),
        ("twin", ago(5), Some(ago(5)))
    );
}

#[test]
fn a_flood_of_rows_shortens_the_window() {
    const IDS: [&str; 3] = ["a", "b", "c"];
    let rows = |at: usize| {
        vec![
            row(IDS[at % 3], ACCEPTED, 1),
            row(IDS[(at + 1) % 3], PROVISIONING, 1),
        ]
    };
    let mut state = State::default();
    // 4 passages a poll, of which 2,000 are kept: the last 500 polls, 100 ms each
    for step in 0..1_000_usize {
        let at = now() + SignedDuration::from_millis(100 * step as i64);
        state.apply(Observation::Database(poll(&rows(step))), at);
    }
    let movement = state.movement(&table(), ACCEPTED);
    assert!(
        movement
            .watched_s
            .is_some_and(|watched| (30..100).contains(&watched)),
        "{movement:?}"
    );
    let left = movement.left.unwrap();
    assert!((300..1_000).contains(&left), "{left}");
    assert_eq!(
        state.passed(&table(), ACCEPTED).unwrap().2,
        999,
        "the sum since the start has them all"
    );
}

#[test]
fn moments_move_with_the_correction_of_the_clock() {
    let mut state = watched([
        (10, poll(&[row("a", ACCEPTED, 1), row("b", ACCEPTED, 1)])),
        (5, poll(&[row("a", ACCEPTED, 6), row("c", ACCEPTED, 2)])),
    ]);
    let before = state.movement(&table(), ACCEPTED);
    state.shift(SignedDuration::from_mins(10));
    assert_eq!(state.movement(&table(), ACCEPTED), before);
    let c = state.seen("clusters", &"c".into()).unwrap();
    assert_eq!((c.at, c.absent_at), (ago(5 - 600), Some(ago(10 - 600))));
    state.apply(Observation::Database(poll(&[row("c", ACCEPTED, 7)])), ago(-600));
    assert_eq!(passed(&state, ACCEPTED), (Some(1), Some(2)));
    assert_eq!(
        state.oldest("clusters", ACCEPTED).unwrap().moved_at,
        Some(ago(-600))
    );
}

/// A poll of rows that are rewritten in each loop, of which so many are counted, with the limit of the accepted ones.
fn by_sight(rows: &[Listed], count: u64) -> Reading {
    let mut reading = reading(None, &[(ACCEPTED, count, None, None)]);
    reading.took_ms = 0;
    *list(&mut reading) = UnderWay {
        rows: rows.iter().map(standing).collect(),
        more: false,
        by_sight: vec![BySight {
            status: ACCEPTED.into(),
            limit_s: Some(180),
        }],
    };
    reading
}

/// How many of the rows are over the limit, where their age is by sight.
fn over_by_sight(state: &State) -> Option<u64> {
    let mut table = table();
    table.statuses[0].clock = ClockBasis::FirstSeen;
    let count = &state.statuses("clusters").unwrap().as_ref().unwrap()[0];
    state.overdue(&table, count).count()
}

#[test]
fn an_age_by_sight_is_at_least_what_was_seen() {
    let rewritten = [("a", ACCEPTED, None, 3, 86_400)];
    let counted = |state: &State| {
        let count = &state.statuses("clusters").unwrap().as_ref().unwrap()[0];
        (count.oldest_s, over_by_sight(state))
    };
    let seen_for = |seconds: i64| {
        watched(
            (0..=seconds)
                .rev()
                .step_by(5)
                .chain((seconds % 5 > 0).then_some(0))
                .map(|at| (at, by_sight(&rewritten, 1))),
        )
    };
    assert_eq!(
        counted(&seen_for(0)),
        (Some(3), None),
        "it may have been there all day"
    );
    assert_eq!(
        counted(&seen_for(180)),
        (Some(180), None),
        "strictly more is over"
    );
    let state = seen_for(181);
    assert_eq!(counted(&state), (Some(181), Some(1)));
    let table = table();
    let late: Vec<_> = state.late_rows(&table).map(|row| row.clock_s).collect();
    assert_eq!(late, [Some(181)]);
    // one that was not written for so long has not changed its status either
    let idle = |idle| watched([(0, by_sight(&[("a", ACCEPTED, None, idle, 86_400)], 1))]);
    assert_eq!(counted(&idle(180)), (Some(180), None));
    assert_eq!(counted(&idle(181)), (Some(181), Some(1)));
}

#[test]
fn that_no_row_is_over_by_sight_is_said_only_when_each_surely_is_not() {
    let over = over_by_sight;
    let young = |age| watched([(0, by_sight(&[("a", ACCEPTED, None, 3, age)], 1))]);
    assert_eq!(over(&young(180)), Some(0), "it exists no longer than that");
    assert_eq!(over(&young(181)), None);
    assert_eq!(
        over(&watched([(0, by_sight(&[("a", ACCEPTED, None, 3, 9)], 2))])),
        None,
        "one was not listed"
    );
    // it was seen not to be there
    let entered = |seconds: i64| {
        let rows = |at: i64| {
            if at >= seconds {
                vec![]
            } else {
                vec![("a", ACCEPTED, None, 3, 86_400)]
            }
        };
        watched(
            (0..=40)
                .rev()
                .map(|step| (step * 5, by_sight(&rows(step * 5), 1))),
        )
    };
    assert_eq!(over(&entered(180)), Some(0));
    assert_eq!(over(&entered(185)), None);
    assert_eq!(over(&entered(190)), Some(1));
}

#[test]
fn the_clock_basis_is_spelled_as_a_profile_has_it() {
    #[derive(serde::Deserialize)]
    struct Of {
        clock: ClockBasis,
    }
    let of: Of = toml::from_str("clock = \"first-seen\"").unwrap();
    assert_eq!(of.clock, ClockBasis::FirstSeen);
    assert_eq!(
        table().status(ACCEPTED).unwrap().limit,
        Some(Duration::from_mins(3))
    );
}
