//! What the summary says of the beginning, and of what was cut short.

use super::tests::{advised, began, intent, leaderless, line, outcome, told, well};
use super::*;
use crate::incident::command::{Aim, CommandOutcome};
use crate::incident::leader::Verdict;
use crate::incident::record::Entry;
use crate::incident::rule::Action;

/// While the sources are read for the first time everything is unknown: that is not what the incident began with.
#[test]
fn the_summary_begins_with_what_was_found_when_the_sources_had_been_read() {
    let mut unread = well();
    unread.recommendation = advised(
        Action::Gather,
        Some("unreadable"),
        &["database: nothing heard yet"],
    );
    unread.leaders[0].verdict = Verdict::Unknown;
    let lines = [
        line(0, began()),
        line(1, Entry::Found(Box::new(unread))),
        line(2, Entry::Found(Box::new(leaderless()))),
        line(400, Entry::Found(Box::new(well()))),
        line(500, Entry::Left { how: "SIGHUP".into() }),
    ];
    let report = Report::of(&lines, None);
    let summary = report.summary.join("\n");
    assert!(!summary.contains("unreadable"), "{summary}");
    assert!(
        summary.contains("Recommended first, at") && summary.contains("restart"),
        "{summary}"
    );
    assert!(summary.contains("; KafkaManager none. At the end"), "{summary}");
    assert_eq!(report.recommendations.len(), 3, "the history has all");
}

#[test]
fn of_what_was_confirmed_together_the_report_says_what_was_not_sent() {
    let part = |id: u64, number: usize| {
        let mut entry = intent(id, Some("no-leader"));
        if let Entry::Intent(intent) = &mut entry {
            (intent.aim, intent.part) = (Aim::RestartAll, Some((number, 3)));
        }
        entry
    };
    let applied = || CommandOutcome::Applied { how: "".into() };
    let mut lines = vec![
        line(0, began()),
        line(1, Entry::Found(Box::new(leaderless()))),
        line(2, part(1, 1)),
        line(3, outcome(1, applied())),
        line(30, part(2, 2)),
        line(31, outcome(2, applied())),
    ];
    let rest = "Of \"restart all pods, one by one\", 2 of 3 was sent, and 1 not.";
    let text = told(&lines, None);
    assert!(text.contains(rest), "{text}");
    assert_eq!(
        text.matches("how it ended is not in the record").count(),
        1,
        "{text}"
    );
    lines.extend([line(60, part(3, 3)), line(61, outcome(3, applied()))]);
    assert!(!told(&lines, None).contains("and 1 not"));
}
