//! What the summary says of the beginning, and of what was cut short.

use super::tests::{advised, began, intent, leaderless, line, outcome, told, well};
use super::*;
use crate::diagnose::leaders::Verdict;
use crate::profile::rule::Advice;
use crate::record::{AdviceThen, Entry};
use crate::remediate::command::{CommandOutcome, PlanKind};

/// While the sources are read for the first time everything is unknown: that is not what the incident began with.
#[test]
fn the_summary_begins_with_what_was_found_when_the_sources_had_been_read() {
    let mut unread = well();
    unread.recommendation = advised(Advice::Gather, Some("unreadable"), &["database: no data yet"]);
    unread.leaders[0].verdict = Verdict::Unknown;
    let lines = [
        line(0, began()),
        line(1, Entry::Snapshot(Box::new(unread))),
        line(2, Entry::Snapshot(Box::new(leaderless()))),
        line(400, Entry::Snapshot(Box::new(well()))),
        line(500, Entry::Left { how: "SIGHUP".into() }),
    ];
    let report = Report::of(&lines, None);
    let summary = report.summary.join("\n");
    assert!(!summary.contains("unreadable"), "{summary}");
    assert!(
        summary.contains("Advice: 23:58:02 restart the pods → "),
        "{summary}"
    );
    assert!(summary.contains("; KafkaManager none → "), "{summary}");
    assert_eq!(report.recommendations.len(), 3, "the history has all");
}

#[test]
fn of_what_was_confirmed_together_the_report_says_what_was_not_sent() {
    let part = |id: u64, number: usize| {
        let mut entry = intent(id, Some("no-leader"));
        if let Entry::Intent(intent) = &mut entry {
            (intent.aim, intent.part) = (PlanKind::RestartAll, Some((number, 3)));
        }
        entry
    };
    let applied = || CommandOutcome::Applied { how: "".into() };
    let mut lines = vec![
        line(0, began()),
        line(1, Entry::Snapshot(Box::new(leaderless()))),
        line(2, part(1, 1)),
        line(3, outcome(1, applied())),
        line(30, part(2, 2)),
        line(31, outcome(2, applied())),
    ];
    let rest = "restart all pods, one by one (action 2): 2 of 3 sent, 1 not.";
    let text = told(&lines, None);
    assert!(text.contains(rest), "{text}");
    assert_eq!(text.matches("end not recorded").count(), 1, "{text}");
    lines.extend([line(60, part(3, 3)), line(61, outcome(3, applied()))]);
    assert!(!told(&lines, None).contains("sent, 1 not"));
}

fn with_advice(id: u64, cause: Option<&str>, advice: Option<(Advice, Option<&str>)>) -> Entry {
    let mut entry = intent(id, cause);
    if let Entry::Intent(intent) = &mut entry {
        intent.advice = advice.map(|(action, rule)| AdviceThen {
            action,
            contact: None,
            rule: rule.map(str::to_owned),
        });
    }
    entry
}

#[test]
fn of_each_command_the_report_says_what_was_advised_at_its_moment() {
    let restart = Some((Advice::RestartPods, Some("no-leader")));
    let wait = Some((Advice::Wait, Some("settling")));
    let lines = [
        line(0, began()),
        line(1, Entry::Snapshot(Box::new(leaderless()))),
        line(2, with_advice(1, Some("no-leader"), restart)),
        line(3, with_advice(2, Some("no-leader"), wait)),
        line(4, with_advice(3, None, wait)),
        line(5, with_advice(4, Some("no-leader"), None)),
    ];
    let report = Report::of(&lines, None);
    let why: Vec<&str> = report.actions.iter().map(|one| one.why.as_str()).collect();
    assert!(why[0].starts_with("rule no-leader"), "{}", why[0]);
    assert!(!why[0].contains("when sent"), "{}", why[0]);
    assert!(
        why[1].starts_with("rule no-leader: No leader when confirmed"),
        "{}",
        why[1]
    );
    let then = "advice when sent: wait (rule settling";
    assert!(why[1].contains(then), "{}", why[1]);
    assert!(
        why[2].starts_with("chosen by the operator; ") && why[2].contains(then),
        "{}",
        why[2]
    );
    assert!(
        why[3].starts_with("rule no-leader"),
        "an older record: {}",
        why[3]
    );
    let text = told(&lines, None);
    assert_eq!(
        text.matches(then).count(),
        4,
        "in the actions and in the timeline: {text}"
    );
    let json: serde_json::Value = serde_json::from_str(&super::json(&lines, None).unwrap()).unwrap();
    let advice = |index: usize| json["actions"][index]["advice"].clone();
    assert_eq!(advice(0)["action"], "restart-pods");
    assert_eq!(
        (&advice(1)["action"], &advice(1)["rule"]),
        (&"wait".into(), &"settling".into())
    );
    assert_eq!(json["actions"][1]["rule"], "no-leader");
    assert!(
        advice(1)["words"]
            .as_str()
            .unwrap()
            .starts_with("wait (rule settling")
    );
    assert!(advice(3).is_null());
}

#[test]
fn an_older_record_that_says_of_a_part_that_it_worked_is_not_believed() {
    let effect = |of: usize| {
        let mut entry = intent(1, Some("no-leader"));
        if let Entry::Intent(intent) = &mut entry {
            (intent.aim, intent.part) = (PlanKind::RestartAll, Some((1, of)));
        }
        let stage = Entry::Stage {
            id: 1,
            words: "rows move".into(),
            good: Some(true),
        };
        let lines = [
            line(0, began()),
            line(2, entry),
            line(3, outcome(1, CommandOutcome::Applied { how: "".into() })),
            line(30, stage),
        ];
        Report::of(&lines, None).summary.join("\n")
    };
    assert!(effect(1).contains("action 1 worked (rows move)."));
    let part = effect(3);
    assert!(
        part.contains("action 1 was only 1 of 3; it ended with: rows move."),
        "{part}"
    );
    assert!(!part.contains("worked"), "{part}");
}

/// At first most logs are not read yet: what was known before the command, or at last, says more. Its ages count from then.
#[test]
fn the_cause_is_what_was_known_when_the_command_was_sent() {
    let because = |seconds: i64, why: &str| {
        let mut found = leaderless();
        found.recommendation = advised(Advice::RestartPods, Some("no-leader"), &[why]);
        line(seconds, Entry::Snapshot(Box::new(found)))
    };
    let mut lines = vec![
        line(0, began()),
        because(1, "no KafkaManager leader for 7m13s: no current log of 3 pods"),
        because(
            9,
            "no KafkaManager leader for 7m21s: none of 3 pods can read the lease",
        ),
    ];
    let last =
        "Cause: no KafkaManager leader for 7m21s: none of 3 pods can read the lease (at 23:58:09 UTC). ";
    assert!(
        Report::of(&lines, None).summary[0].starts_with(last),
        "without a command: the last"
    );
    lines.extend([
        line(10, intent(1, Some("no-leader"))),
        line(11, outcome(1, CommandOutcome::Applied { how: "".into() })),
        because(12, "no KafkaManager leader for 7m24s: no current log of 3 pods"),
    ]);
    let report = Report::of(&lines, None);
    assert!(report.summary[0].starts_with(last), "{}", report.summary[0]);
    let text = told(&lines, None);
    assert!(text.contains("## Evidence at 23:58:09 UTC\n"), "{text}");
}
