//! Rows of the database.

use super::*;
use crate::incident::fact::{Row, Standing, StandingRow};
use crate::incident::text::SafeText;

type Rows<'a> = &'a [(&'a str, u64, Option<i64>, Option<u64>)];

#[test]
fn rows_are_judged_by_role_and_limit() {
    let any_ready = || Check::AnyReady { table: clusters() };
    let limits = || Check::Limits { table: clusters() };
    let failed = || Check::Failed { table: clusters() };
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
        (limits(), &[ready], Pass, "nothing under way"),
        (
            limits(),
            &[ready, ("cluster_accepted", 1, Some(180), Some(0))],
            Pass,
            "0 of 1 over limit",
        ),
        (
            limits(),
            &[
                ("cluster_accepted", 1, Some(431), Some(1)),
                ("cluster_provisioning", 2, Some(60), Some(0)),
            ],
            Fail,
            "1 of 3 over limit: cluster_accepted 07:11 > 03:00",
        ),
        (
            limits(),
            &[("cluster_provisioning", 2, Some(173_400), Some(2))],
            Fail,
            "2 of 2 over limit: cluster_provisioning 2d 00:10 > 45:00",
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
            Unknown,
            "no age for cluster_accepted",
        ),
        (
            limits(),
            &[("", 2, Some(9), None)],
            Pass,
            "nothing under way, 2 of unknown status",
        ),
        (failed(), &[ready], Pass, "none failed"),
        (
            failed(),
            &[("failed", 2, Some(40 * 86_400), None)],
            Pass,
            "none lately, 2 before",
        ),
        (failed(), &[], Pass, "none failed"),
    ];
    for (check, rows, status, value) in cases {
        let facts = with(Facts::default(), [Fact::Database(reading(None, rows))]);
        let step = judge(check, &facts);
        assert_eq!(
            (step.status, &*step.value, step.source),
            (status, value, "database"),
            "{step:?}"
        );
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
    let judged = |standing: Result<Standing, SafeText>| {
        let mut reading = reading(None, &[("failed", 2, Some(9_000), None)]);
        reading.tables[0].standing = standing;
        judge(
            Check::Failed { table: clusters() },
            &with(Facts::default(), [Fact::Database(reading)]),
        )
    };
    let rows = |rows, more| Ok(Standing { rows, more });
    // half an hour is the window, to the second
    let step = judged(rows(vec![row(1_800), row(1_801)], false));
    assert_eq!((step.status, &*step.value), (Fail, "1 failed lately"));
    assert_eq!(step.evidence[0], "1n5F failed 30:00 aws/us-east-1 OCM 1hq3");
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
    let facts = with(Facts::default(), [Fact::Database(reading(None, &rows))]);
    let step = judge(Check::Limits { table: clusters() }, &facts);
    assert_eq!(
        step.evidence,
        [
            "ready: 1, oldest 01:00",
            "(blank): 1, oldest 01:00: the profile does not know it",
            "teleporting: 2: the profile does not know it",
        ]
    );
    assert_eq!(
        step.threshold,
        "cluster_accepted 03:00, cluster_provisioning 45:00"
    );
}

#[test]
fn a_database_that_can_t_be_read_says_why() {
    let off = Fact::Feed(FeedId::Database, FeedState::Off("--no-database".into()));
    let wrong = failing(
        FeedId::Database,
        ProblemKind::WrongPassword,
        "the password is wrong",
    );
    let mut table = reading(None, &[]);
    table.tables[0].statuses = Err("permission denied".into());
    for (fact, why) in [
        (None, "database: nothing heard yet"),
        (Some(off), "database: --no-database"),
        (Some(wrong), "database: the password is wrong"),
        (Some(Fact::Database(table)), "clusters: permission denied"),
    ] {
        let step = judge(
            Check::AnyReady { table: clusters() },
            &with(Facts::default(), fact),
        );
        assert_eq!(
            (step.status, &*step.value, &*step.evidence[0]),
            (Unknown, "not read", why)
        );
    }
    let step = judge(
        Check::Failed {
            table: "nonsense".into(),
        },
        &Facts::default(),
    );
    assert_eq!(step.evidence, ["the profile has no table nonsense"]);
}
