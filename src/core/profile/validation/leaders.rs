//! Whether the leader patterns compile and name a worker, and the workers differ.

use regex::bytes::Regex;

use super::Mistakes;
use crate::logparse::expression;
use crate::profile::Leaders;

impl<'a> Mistakes<'a> {
    pub(super) fn leaders(&mut self) {
        let leaders = &self.profile.leaders;
        let lines = &leaders.lines;
        let named = [
            ("gained", &lines.gained),
            ("lost", &lines.lost),
            ("heartbeat", &lines.heartbeat),
            ("loop-ended", &lines.loop_ended),
            ("not-leader", &lines.not_leader),
        ];
        for (key, pattern) in named {
            self.leader_pattern(&format!("leaders.lines.{key}"), pattern);
        }
        self.pattern("leaders.lines.lease-failed", &lines.lease_failed);
        self.pattern("leaders.grep", &leaders.grep);
        self.pattern("leaders.verbose", &leaders.verbose);
        if let Some(table) = &leaders.lease_table {
            self.column("leaders.lease-table", table);
        }
        let spans = [
            ("tick", leaders.tick),
            ("lease", leaders.lease),
            ("reconcile", leaders.reconcile),
        ];
        for (key, span) in spans {
            self.require(!span.is_zero(), &format!("leaders.{key}"), || {
                "at least 1 second is needed".to_owned()
            });
        }
        self.workers(leaders);
    }

    fn workers(&mut self, leaders: &'a Leaders) {
        let workers = &leaders.workers;
        self.require(!workers.is_empty(), "leaders.workers", || {
            "there is no worker".to_owned()
        });
        self.unique(
            "worker",
            workers.iter().map(|worker| worker.log_type.as_str()),
            |index| format!("leaders.workers[{index}].log-type"),
        );
        self.unique(
            "lease type",
            workers.iter().map(|worker| worker.lease_type.as_str()),
            |index| format!("leaders.workers[{index}].lease-type"),
        );
    }

    /// A pattern must compile.
    pub(super) fn pattern(&mut self, path: &str, pattern: &str) -> Option<Regex> {
        match expression(pattern) {
            Ok(regex) => Some(regex),
            Err(error) => {
                self.wrong(
                    path,
                    format!("not a regular expression: {}", last_line(&error.to_string())),
                );
                None
            }
        }
    }

    /// A leader pattern must also name the worker and its id, or nobody knows which worker it is about.
    fn leader_pattern(&mut self, path: &str, pattern: &str) {
        let Some(regex) = self.pattern(path, pattern) else {
            return;
        };
        for group in ["worker", "id"] {
            let named = regex.capture_names().flatten().any(|name| name == group);
            self.require(named, path, || {
                format!("the pattern lacks the group `(?P<{group}>…)`")
            });
        }
    }
}

/// The last line of a regex error says what is wrong; the lines before it draw it.
fn last_line(text: &str) -> &str {
    let line = text.lines().last().unwrap_or(text).trim();
    line.strip_prefix("error: ").unwrap_or(line)
}
