//! A row at its limit, and one a second over it: everybody who judges says the same of both.

use jiff::SignedDuration;

use crate::app::{App, Session};
use crate::dialogs::dialog_text::Tone;
use crate::keymap::Keymap;
use sopwatch_core::diagnose::diagnose;
use sopwatch_core::export::case_snapshot::CaseSnapshot;
use sopwatch_core::export::check::Assessment;
use sopwatch_core::export::handoff::{Done, hand_off};
use sopwatch_core::observe::observation;
use sopwatch_core::observe::observation::{Observation, Reading, Row, RowsOf, StandingRow, UnderWay};
use sopwatch_core::observe::source::{SourceId, SourceState};
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::profile::{ClockBasis, Profile};
use sopwatch_core::remediate::recovery_check::Rows;
use sopwatch_core::testkit::{ago, built_in_profile, now, reading};

const ID: &str = "1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ";

fn profile(status: &str, clock: ClockBasis) -> Profile {
    let mut profile = built_in_profile();
    let tables = &mut profile.database.as_mut().unwrap().tables;
    let statuses = tables.iter_mut().flat_map(|table| &mut table.statuses);
    for one in statuses.filter(|one| one.name == status) {
        one.clock = clock;
    }
    profile
}

/// A row whose clock says `age`; the other one says something else.
fn row(clock: ClockBasis, age: i64) -> Row {
    let (idle_s, age_s) = match clock {
        ClockBasis::UpdatedAt | ClockBasis::FirstSeen => (age, 90_000),
        ClockBasis::CreatedAt => (12, age),
    };
    Row {
        id: ID.into(),
        ocm_id: "".into(),
        region: "aws/us-east-1".into(),
        idle_s: Some(idle_s),
        age_s: Some(age_s),
        reason: "".into(),
    }
}

/// A poll that lists one row, or none of the table.
fn poll(table: &str, status: &str, listed: Option<(ClockBasis, i64)>) -> Reading {
    let mut reading = reading(None, &[]);
    let mut other = reading.tables[0].clone();
    let read = &mut reading.tables[0];
    read.table = table.into();
    other.table = if table == "clusters" {
        "kafka_requests"
    } else {
        "clusters"
    }
    .into();
    if let Some((clock, age)) = listed {
        let by_sight = clock == ClockBasis::FirstSeen;
        let age = (!by_sight).then_some(age);
        let counted = observation::StatusCount {
            status: status.into(),
            count: 1,
            oldest_s: age,
            over_limit: None,
        };
        read.statuses = Ok(vec![counted]);
        read.under_way = Ok(UnderWay {
            rows: vec![StandingRow {
                status: status.into(),
                clock_s: age,
                row: row(clock, listed.unwrap().1),
            }],
            more: false,
            by_sight: by_sight
                .then(|| observation::BySight {
                    status: status.into(),
                    limit_s: None,
                })
                .into_iter()
                .collect(),
        });
    }
    reading.tables.push(other);
    reading
}

/// A console that has just read one row of this age.
fn console(table: &str, status: &str, clock: ClockBasis, age: i64) -> App {
    let session = Session {
        started_at: ago(60),
        ..Session::sample(profile(status, clock))
    };
    let mut app = App::new(session, "kafka-provisioning-latency", Keymap::default());
    app.clock.now = now();
    app.state
        .apply(Observation::Source(SourceId::Api, SourceState::Live), now());
    let read = poll(table, status, Some((clock, age)));
    app.state.apply(Observation::Database(read), now());
    let of = RowsOf {
        table: table.into(),
        status: status.into(),
    };
    let rows = observation::Rows {
        of,
        rows: Ok(vec![row(clock, age)]),
        more: false,
    };
    app.state.apply(Observation::Rows(rows), now());
    app
}

/// What each says: whether the row is over its limit. The rule and the step may not know it.
fn said(app: &App, table: &str, status: &str, step: &str, rule: &str) -> Vec<(&'static str, Option<bool>)> {
    let profile = &*app.session.profile;
    let sop = profile.sop("kafka-provisioning-latency").unwrap();
    let diagnosis = diagnose(&app.state, profile, sop, now());
    let account = CaseSnapshot {
        state: &app.state,
        profile,
        sop,
        diagnosis: &diagnosis,
        environment: None,
        namespace: "n",
        drill: None,
        now: now(),
    };
    let step = diagnosis.steps.iter().find(|one| one.id == step).unwrap();
    let rule = diagnosis
        .decision
        .rules
        .iter()
        .find(|one| one.id == rule)
        .unwrap();
    let grid = app.grid();
    let grid = grid.iter().find(|row| *row.of.status == *status).unwrap();
    let checked = Assessment::of(&account, 0, Vec::new());
    let checked = checked.database.iter().find(|row| row.status == status).unwrap();
    let over = |count: Option<u64>| count.map(|count| count > 0);
    let of = RowsOf {
        table: table.into(),
        status: status.into(),
    };
    let page = app.rows_page(&of);
    let shown = page.lines.iter().find(|line| line.text.starts_with(ID)).unwrap();
    let text = hand_off(&account, "control-plane", &Done::default());
    // Once the row has left, the check of a change says whether it was late.
    let before = Rows::of(&account);
    let mut after = app.state.clone();
    after.apply(Observation::Database(poll(table, status, None)), now());
    let after = CaseSnapshot {
        state: &after,
        ..account
    };
    let moved = before
        .told(&after, ago(10), SignedDuration::from_secs(10))
        .unwrap()
        .words;
    vec![
        (
            "step",
            match step.status {
                StepStatus::Fail => Some(true),
                StepStatus::Pass => Some(false),
                _ => None,
            },
        ),
        (
            "rule",
            match rule.truth {
                sopwatch_core::diagnose::Truth::Unknown { .. } => None,
                _ => Some(rule.truth.is_true()),
            },
        ),
        ("grid", over(grid.over)),
        ("check", over(checked.over_limit)),
        ("rows", Some(shown.tone == Tone::Bad)),
        ("hand-off", Some(text.contains(&format!("{ID} {status} ")))),
        ("movement", Some(grid.movement.next_limit_s.is_none())),
        ("recovery", Some(moved.contains(" overdue "))),
    ]
}

#[test]
fn a_second_over_its_limit_a_row_is_over_it_for_everybody_and_before_it_for_nobody() {
    let cases = [
        // a leader must be known for the rule of accepted clusters: it is judged by the step and the others
        (
            "clusters",
            "cluster_provisioning",
            "clusters-idle",
            "cluster-late",
            2_700,
        ),
        (
            "kafka_requests",
            "provisioning",
            "kafkas-idle",
            "kafka-late",
            2_700,
        ),
        (
            "kafka_requests",
            "accepted",
            "kafkas-idle",
            "kafka-accepted",
            2_700,
        ),
        (
            "clusters",
            "cluster_accepted",
            "clusters-idle",
            "cluster-accepted",
            180,
        ),
    ];
    for (table, status, step, rule, limit) in cases {
        for clock in [
            ClockBasis::UpdatedAt,
            ClockBasis::CreatedAt,
            ClockBasis::FirstSeen,
        ] {
            for (age, over) in [(limit - 1, false), (limit, false), (limit + 1, true)] {
                let app = console(table, status, clock, age);
                for (who, says) in said(&app, table, status, step, rule) {
                    // By sight a row may be older than it was seen to be: within the limit nothing is sure of it.
                    let by_counts = matches!(who, "step" | "rule" | "grid" | "check");
                    let unsure = !over && by_counts && clock == ClockBasis::FirstSeen;
                    // The other conditions of these rules need the logs, of which none is read.
                    let open = who == "rule" && matches!(rule, "cluster-accepted" | "kafka-late");
                    let want = Some(over).filter(|_| !unsure);
                    if !(open && says.is_none()) {
                        assert_eq!(says, want, "{who}: {status} by {clock:?} at {age}");
                    }
                }
            }
        }
    }
}
