use super::{Assessment, exit_status};
use crate::diagnose::diagnose;
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::Observation;
use crate::profile::rule::{Advice, Alert};
use crate::profile::sop::{OTHER, Sop, StepStatus};
use crate::safe;
use crate::testkit::{built_in_profile, now, pod, profile, reading, sop, state};
use crate::text::Redacted;

/// What is said of one ready pod, in a drill whose title tries to be more than text.
fn assessed() -> Assessment {
    let sop = Sop {
        id: "api-down".into(),
        title: "API down".into(),
        alert: Alert::Down,
        ..sop()
    };
    let (state, profile) = (state(vec![pod("aaaaa", 7_200)]), profile());
    let diagnosis = diagnose(&state, &profile, &sop, now());
    let account = CaseSnapshot {
        state: &state,
        profile: &profile,
        sop: &sop,
        diagnosis: &diagnosis,
        environment: None,
        namespace: "msa-stage",
        drill: Some("a | b"),
        now: now(),
    };
    Assessment::of(&account, 12, vec!["database".into()])
}

#[test]
fn what_was_awaited_and_that_it_is_a_drill_is_said_in_every_form() {
    let one = assessed();
    let json: serde_json::Value = serde_json::from_str(&one.json().unwrap()).unwrap();
    assert_eq!(json["incomplete"][0], "database");
    assert_eq!(json["drill"], "a | b");
    assert_eq!(json["leaders"][0]["lease"], serde_json::Value::Null);
    assert_eq!(json["pods"][0]["ready"], "1/1");
    assert!(one.markdown().contains("a \\| b"), "{}", one.markdown());
    for table in [one.table(false), one.table(true)] {
        assert!(
            table.contains("no data in time: database") && table.contains("drill: a | b"),
            "{table}"
        );
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    }
    assert!(one.table(true).is_ascii());
}

#[test]
fn hostile_text_in_a_document_is_harmless_in_every_form() {
    const HOSTILE: &str = "a\u{1b}]0;x\u{7}\u{202e}\r\npassword=hunter2 Bearer s3krets3kret";
    let mut one = assessed();
    one.drill = Some(HOSTILE.into());
    one.server = Some(HOSTILE.into());
    one.namespace = HOSTILE.into();
    one.incomplete = vec![HOSTILE.into()];
    one.recommendation.words = HOSTILE.into();
    one.recommendation.because = vec![HOSTILE.into()];
    one.steps.push(super::StepRow {
        id: OTHER.into(),
        title: HOSTILE.into(),
        status: StepStatus::Fail,
        value: HOSTILE.into(),
        threshold: HOSTILE.into(),
        evidence: vec![HOSTILE.into()],
        source: "logs",
        age_s: None,
    });
    one.leaders[0].log = HOSTILE.into();
    one.pods[0].name = HOSTILE.into();
    one.pods[0].status = HOSTILE.into();
    let mut before = assessed();
    before.pods.clear();
    let changes = one.changes_since(&before).join("\n").into();
    let forms = [one.table(false), one.table(true), one.markdown(), changes];
    for text in forms
        .into_iter()
        .chain([one.json().unwrap(), one.json_line().unwrap()])
    {
        let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(steers), "{text:?}");
        assert!(!text.contains("hunter2") && !text.contains("s3kret"), "{text}");
        assert!(text.contains("password=") || text.contains("pod a"), "{text}");
    }
}

#[test]
fn only_verdicts_are_changes() {
    let before = assessed();
    let mut after = before.clone();
    after.took_ms = 99;
    after.pods[0].age_s = Some(1);
    assert!(after.changes_since(&before).is_empty());
    after.leaders[0].verdict = "one";
    let changes = after.changes_since(&before);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(changes[0].ends_with("-> one"), "{changes:?}");
}

#[test]
fn a_step_that_comes_or_goes_is_a_change() {
    let without = assessed();
    let mut with = without.clone();
    with.steps.push(super::StepRow {
        id: OTHER.into(),
        title: "Anything else".into(),
        status: StepStatus::Fail,
        value: Redacted::default(),
        threshold: Redacted::default(),
        evidence: Vec::new(),
        source: "logs",
        age_s: None,
    });
    let one = |after: &Assessment, before| after.changes_since(before).concat();
    let (came, went) = (one(&with, &without), one(&without, &with));
    assert!(came.ends_with("Anything else: nothing -> fail"), "{came}");
    assert!(went.ends_with("Anything else: fail -> nothing"), "{went}");
}

#[test]
fn each_recommendation_has_its_exit_status() {
    let all = Advice::ALL.map(|action| (action.name(), exit_status(action)));
    assert_eq!(
        all,
        [
            ("none", 0),
            ("wait", 1),
            ("gather", 3),
            ("start-pods", 2),
            ("restart-pods", 2),
            ("scale-up", 2),
            ("escalate", 2)
        ]
    );
}

/// What the logs and rows of the sample say, by the built-in profile.
fn judged_by_the_built_in_profile() -> Assessment {
    let mut profile = built_in_profile();
    profile.service.container = "service".to_owned();
    let mut state = state(vec![pod("2mgcp", 100_000), pod("blf5h", 100_000)]);
    let rows = [
        ("cluster_accepted", 2, Some(431), Some(1)),
        ("ready", 4, Some(6_912_000), None),
        ("resizing", 1, Some(20), None),
    ];
    let read = reading(Some((Some("blf5h"), 93)), &rows);
    state.apply(Observation::Database(read), now());
    let sop = profile.sop("kafka-provisioning-latency").unwrap().clone();
    let diagnosis = diagnose(&state, &profile, &sop, now());
    let account = CaseSnapshot {
        state: &state,
        profile: &profile,
        sop: &sop,
        diagnosis: &diagnosis,
        environment: profile.environments.first(),
        namespace: "managed-services-stage",
        drill: None,
        now: now(),
    };
    Assessment::of(&account, 407, Vec::new())
}

#[test]
fn the_texts_say_the_answer_first_and_what_it_rests_on() {
    let one = judged_by_the_built_in_profile();
    insta::assert_snapshot!("table", one.table(false));
    insta::assert_snapshot!("markdown", one.markdown());
    insta::assert_snapshot!("json", one.json().unwrap());
}

#[test]
fn one_line_names_the_sop_the_action_and_the_reason_in_80_columns() {
    let mut one = assessed();
    one.drill = None;
    one.recommendation.words = "restart the pods".into();
    one.recommendation.because = vec!["no pod leads".into(), "another reason".into()];
    assert_eq!(one.line(false), "api-down: restart the pods: no pod leads");
    one.recommendation.because.clear();
    assert_eq!(one.line(false), "api-down: restart the pods");
    one.drill = Some("a drill".into());
    assert_eq!(one.line(false), "DRILL api-down: restart the pods");
    // What comes from a log may be long, of several lines, and more than text.
    one.recommendation.because = vec![safe!("×17 \u{1b}[2J\r\nfailed\t{}", "a word ".repeat(30)).into()];
    for ascii in [false, true] {
        let line = one.line(ascii);
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.starts_with("DRILL api-down: restart the pods: "), "{line}");
    }
    assert!(one.line(true).is_ascii());
}

#[test]
fn a_line_is_printed_again_only_when_a_verdict_changed_and_the_line_with_it() {
    let before = assessed();
    let mut after = before.clone();
    after.recommendation.because = vec!["no leader for 7m19s".into()];
    assert_eq!(after.new_line(&before, false), None, "only a number moved");
    after.leaders[0].verdict = "one";
    assert_eq!(after.new_line(&before, false), Some(after.line(false)));
    after
        .recommendation
        .because
        .clone_from(&before.recommendation.because);
    assert_eq!(after.new_line(&before, false), None, "the line is the same");
    after.recommendation.words = "another thing".into();
    assert_eq!(
        after.new_line(&before, false),
        Some(after.line(false)),
        "the advice is another"
    );
}
