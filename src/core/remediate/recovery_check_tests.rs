//! What is said of the rows after a change.

use jiff::SignedDuration;

use crate::diagnose::Diagnosis;
use crate::observe::observation::{Observation, Row, StandingRow, UnderWay};
use crate::observe::state::State;
use crate::remediate::recovery_check::Rows;
use crate::testkit::{ago, look_at, now, profile, reading};

/// Rows by id, status and age in seconds.
type Listed = &'static [(&'static str, &'static str, i64)];

fn listed(rows: Listed, more: bool) -> Observation {
    let row = |(id, status, age): &(&str, &str, i64)| StandingRow {
        status: (*status).into(),
        clock_s: Some(*age),
        row: Row {
            id: (*id).into(),
            ocm_id: "".into(),
            region: "".into(),
            idle_s: Some(*age),
            age_s: Some(*age),
            reason: "".into(),
        },
    };
    let mut reading = reading(None, &[]);
    reading.tables[0].under_way = Ok(UnderWay {
        rows: rows.iter().map(row).collect(),
        more,
        by_sight: Vec::new(),
    });
    Observation::Database(reading)
}

/// What is said after `waited` seconds with a leader, of what was under way before and what is now; `None`: it was not read since.
fn said(
    before: Option<Listed>,
    after: Option<(Listed, bool)>,
    waited: i64,
) -> Option<(Option<bool>, String)> {
    let (profile, diagnosis) = (profile(), Diagnosis::default());
    let mut state = State::default();
    if let Some(rows) = before {
        state.apply(listed(rows, false), ago(900));
    }
    let rows = look_at((&state, &profile, &diagnosis), now(), Rows::of);
    if let Some((rows, more)) = after {
        state.apply(listed(rows, more), ago(1));
    }
    look_at((&state, &profile, &diagnosis), now(), |account| {
        let end = rows.told(account, ago(waited), SignedDuration::from_secs(waited))?;
        Some((end.good, format!("{}{}", end.lead, end.words)))
    })
}

const WAITS: Listed = &[("a", "cluster_provisioning", 60), ("b", "cluster_accepted", 60)];
const LATE: Listed = &[("a", "cluster_provisioning", 60), ("b", "cluster_accepted", 181)];

/// What is called so: before, after (and whether the list is cut), how long leaders are there, and what is said; `None`: nothing yet.
type Case = (
    &'static str,
    Option<Listed>,
    Option<(Listed, bool)>,
    i64,
    Option<(Option<bool>, &'static str)>,
);

const MOVED: Listed = &[("a", "cluster_provisioning", 90)];
const UNKNOWN: &str = "leaders elected; no data on rows: the database can't be read";

const CASES: [Case; 13] = [
    (
        "nothing waited",
        Some(&[]),
        Some((&[], false)),
        1,
        Some((Some(true), "done: pods ready, leaders elected")),
    ),
    (
        "not read before",
        None,
        Some((WAITS, false)),
        1,
        Some((None, UNKNOWN)),
    ),
    ("not read since", Some(LATE), None, 300, None),
    ("not read for long", Some(LATE), None, 301, Some((None, UNKNOWN))),
    (
        "one left",
        Some(WAITS),
        Some((MOVED, false)),
        10,
        Some((Some(true), "it worked: 1 of 2 pending requests moved on")),
    ),
    (
        "the late one left",
        Some(LATE),
        Some((MOVED, false)),
        10,
        Some((Some(true), "it worked: 1 of 1 overdue request moved on")),
    ),
    (
        "another than the late one left",
        Some(LATE),
        Some((&[("b", "cluster_accepted", 190)], false)),
        10,
        None,
    ),
    (
        "the late one went on to the next status",
        Some(LATE),
        Some((&[("b", "cluster_provisioning", 5)], false)),
        10,
        Some((Some(true), "it worked: 1 of 1 overdue request moved on")),
    ),
    (
        "the list is cut, and the late one not in it",
        Some(LATE),
        Some((MOVED, true)),
        10,
        None,
    ),
    (
        "the list is cut, and the late one in it with another status",
        Some(LATE),
        Some((&[("b", "cluster_provisioning", 5)], true)),
        10,
        Some((Some(true), "it worked: 1 of 1 overdue request moved on")),
    ),
    ("all stay for a while", Some(LATE), Some((LATE, false)), 300, None),
    (
        "all stay, none is late",
        Some(WAITS),
        Some((WAITS, false)),
        301,
        Some((
            Some(true),
            "leaders elected; none of 2 pending requests moved in 5m, and none is overdue",
        )),
    ),
    (
        "late ones stay",
        Some(LATE),
        Some((LATE, false)),
        301,
        Some((
            Some(false),
            "no improvement: the overdue request did not move in 5m",
        )),
    ),
];

#[test]
fn rows_that_move_say_that_a_change_worked_and_late_ones_that_stay_that_it_did_not() {
    for (what, before, after, waited, expected) in CASES {
        let expected = expected.map(|(good, words)| (good, words.to_owned()));
        assert_eq!(said(before, after, waited), expected, "{what}");
    }
}

#[test]
fn a_table_that_one_poll_could_not_read_is_waited_for() {
    let (profile, diagnosis) = (profile(), Diagnosis::default());
    let mut state = State::default();
    state.apply(listed(LATE, false), ago(900));
    let rows = look_at((&state, &profile, &diagnosis), now(), Rows::of);
    let mut unread = reading(None, &[]);
    unread.tables[0].under_way = Err("lock timeout".into());
    state.apply(Observation::Database(unread), ago(1));
    for (waited, expected) in [(10, None), (301, Some((None, UNKNOWN.to_owned())))] {
        let told = look_at((&state, &profile, &diagnosis), now(), |account| {
            let end = rows.told(account, ago(waited), SignedDuration::from_secs(waited))?;
            Some((end.good, format!("{}{}", end.lead, end.words)))
        });
        assert_eq!(told, expected, "after {waited} s");
    }
}

#[test]
fn a_row_is_late_a_second_after_its_limit_and_not_at_it() {
    const AT: Listed = &[("b", "cluster_accepted", 180)];
    const AFTER: Listed = &[("b", "cluster_accepted", 181)];
    for (rows, good) in [(AT, true), (AFTER, false)] {
        let (said_good, words) = said(Some(rows), Some((rows, false)), 301).unwrap();
        assert_eq!(said_good, Some(good), "{words}");
    }
}

#[test]
fn a_poll_from_before_the_leaders_says_nothing_of_the_rows_since() {
    let (profile, diagnosis) = (profile(), Diagnosis::default());
    let mut state = State::default();
    state.apply(listed(LATE, false), ago(900));
    let rows = look_at((&state, &profile, &diagnosis), now(), Rows::of);
    for (read, says) in [(100, false), (99, true)] {
        let mut state = state.clone();
        state.apply(listed(MOVED, false), ago(read));
        let told = look_at((&state, &profile, &diagnosis), now(), |account| {
            rows.told(account, ago(100), SignedDuration::from_secs(100))
        });
        assert_eq!(told.is_some(), says, "read {read} s ago");
    }
}

#[test]
fn of_two_lists_that_are_cut_no_row_is_known_to_have_left() {
    let diagnosis = Diagnosis::default();
    let mut profile = profile();
    let tables = &mut profile.database.as_mut().unwrap().tables;
    let mut other = tables[0].clone();
    other.name = "kafkas".into();
    tables.push(other);
    let both = |rows: Listed, more: bool| {
        let Observation::Database(mut reading) = listed(rows, more) else {
            panic!("a poll is of the database")
        };
        let mut other = reading.tables[0].clone();
        other.table = "kafkas".into();
        reading.tables.push(other);
        Observation::Database(reading)
    };
    let mut state = State::default();
    state.apply(both(LATE, false), ago(900));
    let rows = look_at((&state, &profile, &diagnosis), now(), Rows::of);
    for (more, says) in [(true, false), (false, true)] {
        let mut state = state.clone();
        state.apply(both(MOVED, more), ago(1));
        let told = look_at((&state, &profile, &diagnosis), now(), |account| {
            rows.told(account, ago(10), SignedDuration::from_secs(10))
        });
        assert_eq!(told.is_some(), says, "cut: {more}: {told:?}");
    }
}
