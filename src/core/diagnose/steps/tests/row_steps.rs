//! Rows of the database.

use super::*;
use crate::observe::observation::{BySight, Reading, Row, Standing, StandingRow, UnderWay};
use crate::text::Redacted;

type Rows<'a> = &'a [(&'a str, u64, Option<i64>, Option<u64>)];

#[test]
fn rows_are_judged_by_role_and_limit() {
    let any_ready = || Check::AnyReady(AnyReady { table: clusters() });
    let limits = || Check::Limits(WithinLimits { table: clusters() });
    let failed = || Check::Failed(Failed { table: clusters() });
    let ready = ("ready", 4, Some(80 * 86_400), None);
    let cases: [(Check, Rows<'_>, StepStatus, &str); 13] = [
        (any_ready(), &[ready], Pass, "4 ready"),
        (
            any_ready(),
            &[("cluster_accepted", 1, Some(3), Some(0))],
            Fail,
            "none ready",
        ),
        (any_ready(), &[], Fail, "none ready"),
        (limits(), &[ready], Pass, "no requests in progress"),
        (
            limits(),
            &[ready, ("cluster_accepted", 1, Some(180), Some(0))],
            Pass,
            "0 of 1 overdue",
        ),
        (
            limits(),
            &[
                ("cluster_accepted", 1, Some(431), Some(1)),
                ("cluster_provisioning", 2, Some(60), Some(0)),
            ],
            Fail,
            "1 of 3 overdue: cluster_accepted 7m11s (limit 3m)",
        ),
        (
            limits(),
            &[("cluster_provisioning", 2, Some(173_400), Some(2))],
            Fail,
            "2 of 2 overdue: cluster_provisioning 2d 0h (limit 45m)",
        ),
        (
            limits(),
            &[("cluster_accepted", 1, None, Some(0))],
            Unknown,
            "no age for cluster_accepted",
        ),
        (
            limits(),
            &[("cluster_accepted", 1, Some(9), None)],
            Pass,
            "0 of 1 overdue",
        ),
        (
            limits(),
            &[("", 2, Some(9), None)],
            Fail,
            "2 without a status, no requests in progress",
        ),
        (failed(), &[ready], Pass, "none failed"),
        (
            failed(),
            &[("failed", 2, Some(40 * 86_400), None)],
            Pass,
            "none lately, 2 long ago",
        ),
        (failed(), &[], Pass, "none failed"),
    ];
    for (check, rows, status, value) in cases {
        let state = with(State::default(), [Observation::Database(reading(None, rows))]);
        let step = judge(check, &state);
        assert_eq!(
            (step.status, &*step.value, step.source),
            (status, value, "database"),
            "{step:?}"
        );
    }
}

#[test]
fn a_row_of_an_unknown_status_fails_its_step_at_any_age() {
    let one = ("resizing", 1, Some(1), None);
    let old = ("resizing", 1, Some(2_701), None);
    let other = ("moving", 2, None, None);
    let late = ("cluster_accepted", 1, Some(181), None);
    let cases: [(Rows<'_>, &str); 4] = [
        (&[one], "1 in unknown status resizing, no requests in progress"),
        (&[old], "1 in unknown status resizing, no requests in progress"),
        (
            &[one, other],
            "3 in unknown statuses, resizing and 1 more, no requests in progress",
        ),
        (
            &[one, late],
            "1 of 1 overdue: cluster_accepted 3m01s (limit 3m), 1 in unknown status resizing",
        ),
    ];
    for (rows, value) in cases {
        let state = with(State::default(), [Observation::Database(reading(None, rows))]);
        let step = judge(Check::Limits(WithinLimits { table: clusters() }), &state);
        assert_eq!((step.status, &*step.value), (Fail, value));
    }
}

#[test]
fn a_row_that_failed_lately_fails_its_step_and_one_of_which_nobody_knows_when_answers_nothing() {
    let row = |seconds: i64| StandingRow {
        status: "failed".into(),
        clock_s: Some(seconds),
        row: Row {
            id: "1n5F".into(),
            ocm_id: "1hq3".into(),
            region: "aws/us-east-1".into(),
            idle_s: Some(seconds),
            age_s: Some(9_000),
            reason: "".into(),
        },
    };
    let judged = |standing: Result<Standing, Redacted>| {
        let mut reading = reading(None, &[("failed", 2, Some(9_000), None)]);
        reading.tables[0].standing = standing;
        judge(
            Check::Failed(Failed { table: clusters() }),
            &with(State::default(), [Observation::Database(reading)]),
        )
    };
    let rows = |rows, more| Ok(Standing { rows, more });
    // half an hour is the window, to the second
    let step = judged(rows(vec![row(1_800), row(1_801)], false));
    assert_eq!((step.status, &*step.value), (Fail, "1 failed lately"));
    assert_eq!(
        step.evidence[0],
        "failed for 30m00s: 1n5F, aws/us-east-1, OCM 1hq3"
    );
    assert_eq!(judged(rows(vec![row(1_801)], false)).status, Pass);
    assert_eq!(judged(rows(vec![row(1_801)], true)).status, Unknown);
    assert_eq!(judged(Err("locked".into())).status, Unknown);
}

#[test]
fn statuses_that_the_profile_does_not_know_are_named() {
    let rows = [
        ("", 1, Some(60), None),
        ("teleporting", 2, None, None),
        ("ready", 1, Some(60), None),
    ];
    let state = with(State::default(), [Observation::Database(reading(None, &rows))]);
    let step = judge(Check::Limits(WithinLimits { table: clusters() }), &state);
    assert_eq!(
        step.evidence,
        [
            "1 ready, oldest 1m",
            "1 (no status), oldest 1m, unknown to the profile",
            "2 teleporting, unknown to the profile",
        ]
    );
    assert_eq!(step.threshold, "cluster_accepted 3m, cluster_provisioning 45m");
}

#[test]
fn a_database_that_can_t_be_read_says_why() {
    let off = Observation::Source(SourceId::Database, SourceState::Off("--no-database".into()));
    let wrong = failing(
        SourceId::Database,
        ProblemKind::WrongPassword,
        "the password is wrong",
    );
    let mut table = reading(None, &[]);
    table.tables[0].statuses = Err("permission denied".into());
    for (observation, why) in [
        (None, "database: no data yet"),
        (Some(off), "database: --no-database"),
        (Some(wrong), "database: the password is wrong"),
        (Some(Observation::Database(table)), "clusters: permission denied"),
    ] {
        let step = judge(
            Check::AnyReady(AnyReady { table: clusters() }),
            &with(State::default(), observation),
        );
        assert_eq!(
            (step.status, &*step.value, &*step.evidence[0]),
            (Unknown, "not read", why)
        );
    }
    let step = judge(
        Check::Failed(Failed {
            table: "nonsense".into(),
        }),
        &State::default(),
    );
    assert_eq!(step.evidence, ["the profile has no table nonsense"]);
}

/// A poll of the clusters that counted and listed rows: id, status, age.
fn listed(counts: Rows<'_>, rows: &[(&str, &str, Option<i64>)]) -> Reading {
    let row = |(id, status, clock_s): &(&str, &str, Option<i64>)| StandingRow {
        status: (*status).into(),
        clock_s: *clock_s,
        row: Row {
            id: (*id).into(),
            ocm_id: "1hq3".into(),
            region: "aws/us-east-1".into(),
            idle_s: *clock_s,
            age_s: Some(90_000),
            reason: "".into(),
        },
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    let mut reading = reading(None, counts);
    reading.tables[0].under_way = Ok(UnderWay {
        rows,
        ..UnderWay::default()
    });
    reading
}

fn limits_of(readings: impl IntoIterator<Item = Reading>) -> StepFinding {
    let state = with(State::default(), readings.into_iter().map(Observation::Database));
    judge(Check::Limits(WithinLimits { table: clusters() }), &state)
}

#[test]
fn a_step_that_is_about_to_fail_says_so() {
    let young = |age| {
        limits_of([listed(
            &[("cluster_accepted", 1, Some(age), Some(0))],
            &[("1n5F", "cluster_accepted", Some(age))],
        )])
    };
    let step = young(47);
    assert_eq!(
        (step.status, &*step.value),
        (Pass, "0 of 1 overdue, next due in 2m13s")
    );
    assert_eq!(step.evidence[0], "next due in 2m13s: cluster_accepted 1n5F");
    let building = |age| {
        limits_of([listed(
            &[("cluster_provisioning", 1, Some(age), Some(0))],
            &[("1n5F", "cluster_provisioning", Some(age))],
        )])
    };
    assert_eq!(building(2_400).value, "0 of 1 overdue, next due in 5m");
    let step = building(2_399);
    assert_eq!(step.value, "0 of 1 overdue", "that is long");
    assert_eq!(step.evidence[0], "next due in 5m01s: cluster_provisioning 1n5F");
}

#[test]
fn rows_over_their_limit_are_named_to_the_second_the_oldest_first() {
    let counts = [
        ("cluster_accepted", 2, Some(190), Some(1)),
        ("cluster_provisioning", 1, Some(173_407), Some(1)),
    ];
    let rows = [
        ("1n5A", "cluster_accepted", Some(190)),
        ("1n5B", "cluster_provisioning", Some(173_407)),
        ("1n5C", "cluster_accepted", Some(60)),
    ];
    let step = limits_of([listed(&counts, &rows)]);
    assert_eq!(
        step.evidence,
        [
            "cluster_provisioning for 2d 0h10m07s: 1n5B, aws/us-east-1, OCM 1hq3",
            "cluster_accepted for 3m10s: 1n5A, aws/us-east-1, OCM 1hq3",
            "next due in 2m: cluster_accepted 1n5C",
            "2 cluster_accepted, oldest 3m10s",
            "1 cluster_provisioning, oldest 2d 0h",
        ]
    );
}

#[test]
fn of_many_late_rows_ten_are_named_and_the_others_counted() {
    let rows = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let rows = rows.map(|id| (id, "cluster_accepted", Some(200)));
    let mut reading = listed(&[("cluster_accepted", 12, Some(200), Some(12))], &rows);
    let step = limits_of([reading.clone()]);
    assert_eq!(step.evidence[10], "and 2 more overdue");
    reading.tables[0].under_way.as_mut().unwrap().more = true;
    let step = limits_of([reading]);
    assert_eq!(step.evidence[11], "more may be overdue: not all rows were read");
}

#[test]
fn whether_late_rows_move_is_said() {
    let counts = [("cluster_accepted", 1, Some(431), Some(1))];
    let rows = [
        ("1n5A", "cluster_accepted", Some(431)),
        ("1n5B", "cluster_accepted", Some(430)),
    ];
    let step = |polls: &[(i64, usize)]| {
        let mut state = State::default();
        for (seconds, count) in polls {
            state.apply(
                Observation::Database(listed(&counts, &rows[..*count])),
                ago(*seconds),
            );
        }
        judge(Check::Limits(WithinLimits { table: clusters() }), &state)
    };
    let value = "1 of 1 overdue: cluster_accepted 7m11s (limit 3m)";
    assert_eq!(step(&[(5, 1), (0, 1)]).value, value, "not watched long enough");
    let stuck = step(&[(180, 1), (120, 1), (60, 1), (0, 1)]);
    assert_eq!(stuck.value, format!("{value}, cluster_accepted not moving"));
    assert_eq!(
        stuck.evidence[1],
        "1 cluster_accepted, oldest 7m11s, no row entered or left in 3m, not moving"
    );
    let slow = step(&[(180, 2), (120, 2), (60, 1), (0, 1)]);
    assert_eq!(slow.value, format!("{value}, cluster_accepted moving"));
}

#[test]
fn one_row_without_an_age_among_others_leaves_the_step_open() {
    let counts = [("cluster_accepted", 2, Some(60), Some(0))];
    let rows = [
        ("1n5A", "cluster_accepted", Some(60)),
        ("1n5B", "cluster_accepted", None),
    ];
    let step = limits_of([listed(&counts, &rows)]);
    assert_eq!(step.status, Unknown);
    assert!(
        step.value.starts_with("no age for 1 of 2 cluster_accepted"),
        "{}",
        step.value
    );
}

#[test]
fn an_age_by_sight_is_told_as_the_least_it_can_be() {
    let mut profile = profile();
    let status = &mut profile.database.as_mut().unwrap().tables[0].statuses[0];
    status.clock = crate::profile::ClockBasis::FirstSeen;
    let poll = || {
        let mut reading = listed(
            &[("cluster_accepted", 1, None, None)],
            &[("1n5A", "cluster_accepted", None)],
        );
        reading.took_ms = 0;
        reading.tables[0].under_way.as_mut().unwrap().by_sight = vec![BySight {
            status: "cluster_accepted".into(),
            limit_s: Some(180),
        }];
        Observation::Database(reading)
    };
    let step = |from: i64| {
        let mut state = State::default();
        for seconds in (0..=from).rev() {
            state.apply(poll(), ago(seconds));
        }
        judge_by(
            profile.clone(),
            Check::Limits(WithinLimits { table: clusters() }),
            &state,
            now(),
        )
    };
    let young = step(180);
    assert_eq!(
        (young.status, &*young.value),
        (
            Unknown,
            "cluster_accepted not watched long enough, next due in at most 0s"
        )
    );
    let late = step(181);
    assert_eq!(late.status, Fail);
    assert!(
        late.value
            .starts_with("1 of 1 overdue: cluster_accepted at least 3m01s (limit 3m)"),
        "{}",
        late.value
    );
    assert_eq!(
        late.evidence[0],
        "cluster_accepted for at least 3m01s: 1n5A, aws/us-east-1, OCM 1hq3"
    );
}
