//! The profile's patterns, compiled, and what they see in a line.

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{ErrorClasses, LeaderLine, LeaderLineKind};
use crate::profile::{ErrorClass, Leaders};
use crate::text::SafeText;

/// Longest worker type or id that is believed, in characters.
const MAX_NAME: usize = 100;

/// Compiled patterns of the profile ([`Leaders::lines`], [`Leaders::verbose`], [`Leaders::grep`], its error classes).
#[derive(Debug)]
pub struct LogPatterns {
    /// All leader patterns in one search: their literal beginnings let it skip through a line that has none.
    any: RegexSet,
    kinds: Vec<(LeaderLineKind, Regex)>,
    verbose: Regex,
    grep: Regex,
    pub(super) classes: ErrorClasses,
    /// The path that the kubelet's probes ask for; empty for none.
    pub(super) probe_path: String,
}

impl LogPatterns {
    /// Compiles them; the error names the key and what is wrong with the expression.
    pub fn new(leaders: &Leaders, classes: &[ErrorClass], probe_path: &str) -> Result<Self, String> {
        use LeaderLineKind::{Gained, Heartbeat, LeaseFailed, LoopEnded, Lost, NotLeader};
        let lines = &leaders.lines;
        let kinds = [
            (Gained, "gained", &lines.gained),
            (Lost, "lost", &lines.lost),
            (Heartbeat, "heartbeat", &lines.heartbeat),
            (LoopEnded, "loop-ended", &lines.loop_ended),
            (NotLeader, "not-leader", &lines.not_leader),
            (LeaseFailed, "lease-failed", &lines.lease_failed),
        ];
        let mut each = Vec::with_capacity(kinds.len());
        for (kind, key, pattern) in kinds {
            each.push((kind, compile(&format!("leaders.lines.{key}"), pattern)?));
        }
        Ok(Self {
            any: RegexSetBuilder::new(kinds.map(|(_, _, pattern)| pattern))
                .unicode(false)
                .build()
                .map_err(|error| format!("leaders.lines: {error}"))?,
            kinds: each,
            verbose: compile("leaders.verbose", &leaders.verbose)?,
            grep: compile("leaders.grep", &leaders.grep)?,
            classes: ErrorClasses::new(classes)?,
            probe_path: probe_path.to_owned(),
        })
    }

    /// Whether the SOP's grep would print this line.
    pub fn greps(&self, line: &str) -> bool {
        self.grep.is_match(line.as_bytes())
    }

    /// Whether only a log of verbosity 1 or higher has this line.
    pub(super) fn is_verbose(&self, line: &[u8]) -> bool {
        self.verbose.is_match(line)
    }

    /// What a line says about a leader. `message_at` is where its message begins; where the line's format tells that, what is said
    /// must begin there: a leader line quoted inside another message (a logged request, say) is no evidence.
    pub(super) fn leader_line(&self, line: &[u8], message_at: usize) -> Option<LeaderLine> {
        // Nearly every line ends here.
        if !self.any.is_match(line) {
            return None;
        }
        let message = line.get(message_at..)?;
        let said = |(kind, pattern): &(LeaderLineKind, Regex)| {
            let found = pattern.captures(message)?;
            let begins = message_at == 0 || found.get(0).is_some_and(|all| all.start() == 0);
            begins.then(|| LeaderLine {
                kind: *kind,
                worker: named(&found, "worker"),
                worker_id: named(&found, "id"),
            })
        };
        self.kinds.iter().find_map(said)
    }
}

/// A group's text; empty where the pattern has no such group.
fn named(found: &Captures<'_>, group: &str) -> SafeText {
    let bytes = found.name(group).map_or(&b""[..], |part| part.as_bytes());
    SafeText::cut(&String::from_utf8_lossy(bytes), MAX_NAME)
}

/// Compiles an expression of a profile. It looks at bytes: `\w`, `\d` and `.` are ASCII's, whose tables are a hundredth of Unicode's.
pub fn expression(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).build()
}

fn compile(key: &str, pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() {
        return Err(format!("{key}: an empty expression matches every line"));
    }
    expression(pattern).map_err(|error| {
        let error = error.to_string();
        let why = error
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        format!("{key}: {why} in `{pattern}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{KAFKA, leaders};

    const ID: &str = "6f0f2f0e-6a3e-4b6f-9f0b-1a5d3c1b7a11";

    #[test]
    fn each_kind_of_leader_line_is_told() {
        use LeaderLineKind::{Gained, Heartbeat, LeaseFailed, LoopEnded, Lost, NotLeader};
        let patterns = LogPatterns::new(&leaders(), &[], "").unwrap();
        let of_kafka = format!("{KAFKA} [{ID}]");
        for (text, want) in [
            (
                format!("Running as the leader and starting worker {of_kafka}"),
                Some(Gained),
            ),
            (
                format!("No longer the leader and stopping worker {of_kafka}"),
                Some(Lost),
            ),
            (
                format!("Starting reconciliation loop for {of_kafka}"),
                Some(Heartbeat),
            ),
            (
                format!("Signalbus triggered reconciliation loop for {of_kafka}"),
                Some(Heartbeat),
            ),
            (
                format!("Stopping reconciliation loop for {of_kafka}"),
                Some(LoopEnded),
            ),
            (
                format!("not currently leader, skipping reconcile {of_kafka}"),
                Some(NotLeader),
            ),
            (
                "failed to acquire leader lease: pq: x".to_owned(),
                Some(LeaseFailed),
            ),
            ("Starting LeaderElectionManager".to_owned(), None),
            (
                format!("Running as the leader and starting worker {KAFKA} [short]"),
                None,
            ),
        ] {
            let line = patterns.leader_line(text.as_bytes(), 0);
            assert_eq!(line.as_ref().map(|line| line.kind), want, "{text}");
            if let Some(line) = line.filter(|line| line.kind != LeaseFailed) {
                assert_eq!((&*line.worker, &*line.worker_id), (KAFKA, ID));
            }
        }
    }

    #[test]
    fn a_wrong_expression_is_named_by_its_key() {
        let mut wrong = leaders();
        wrong.lines.loop_ended = "Stopping (".into();
        let error = LogPatterns::new(&wrong, &[], "").unwrap_err();
        assert_eq!(error, "leaders.lines.loop-ended: unclosed group in `Stopping (`");
        wrong = leaders();
        wrong.verbose = String::new();
        assert!(
            LogPatterns::new(&wrong, &[], "")
                .unwrap_err()
                .starts_with("leaders.verbose: ")
        );
    }

    #[test]
    fn the_grep_of_the_procedure_is_kept_as_it_is() {
        let patterns = LogPatterns::new(&leaders(), &[], "").unwrap();
        assert!(patterns.greps("anything with KafkaManager in it"));
        assert!(!patterns.greps("Running as the leader of nothing"));
    }
}
