//! The error tracker's issues: the errors that the service logged, by the shape of their message.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::bytes::Regex;

/// At most so many issues: the world's errors have a few dozen shapes.
const MOST: usize = 200;
/// Titles are cut after so many characters.
const TITLE: usize = 128;

/// One issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// 1 is the oldest.
    pub id: u64,
    /// `*errors.ServiceError`; empty where it is a plain message.
    pub kind: &'static str,
    /// The text of its newest event.
    pub value: String,
    /// The function that logged it.
    pub culprit: String,
    /// `fatal`, `error`, `warning`.
    pub level: String,
    pub count: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Whose task it is: an address, which is nobody else's business.
    pub assigned_to: Option<&'static str>,
}

impl Issue {
    /// The first line of a list, cut as the tracker cuts it.
    pub fn title(&self) -> String {
        let whole = if self.kind.is_empty() {
            self.value.clone()
        } else {
            format!("{}: {}", self.kind, self.value)
        };
        if whole.chars().count() <= TITLE {
            return whole;
        }
        let cut: String = whole.chars().take(TITLE - 1).collect();
        format!("{cut}…")
    }
}

/// All issues of the service in its environment.
#[derive(Debug)]
pub struct Issues {
    by_shape: BTreeMap<String, Issue>,
}

/// glog's header of an error: severity, time, thread, file, line.
static HEADER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([EF])\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ ([a-z_]+)\.go:(\d+)\] (.*)$").ok());
/// What differs between two events of one issue: ids, numbers, addresses.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\[(opid|tx_id)=[^\]]*\]|'[^']*'|\b[0-9A-Za-z]*[0-9][0-9A-Za-z._:-]*\b").ok()
});

impl Issues {
    /// What the tracker has of the time before the world: one old warning, which somebody looks after.
    pub fn before(start: Timestamp) -> Self {
        let ago = |hours: i64| {
            start
                .saturating_sub(SignedDuration::from_hours(hours))
                .unwrap_or(start)
        };
        let old = Issue {
            id: 1,
            kind: "",
            value: "deprecated parameter".to_owned(),
            culprit: "handlers.List".to_owned(),
            level: "warning".to_owned(),
            count: 41,
            first_seen: ago(24 * 33),
            last_seen: ago(7),
            assigned_to: Some("robin.field@example.com"),
        };
        Self {
            by_shape: BTreeMap::from([(old.value.clone(), old)]),
        }
    }

    /// Takes a line of the service's log; what is no error of it is left alone.
    pub fn take_line(&mut self, at: Timestamp, line: &[u8]) {
        match line.first() {
            Some(b'E' | b'F') => self.take_glog(at, line),
            Some(b'p') if line.starts_with(b"panic: ") => {
                let text = String::from_utf8_lossy(&line[7..]).into_owned();
                self.add(at, "runtime.plainError", &text, "runtime.gopanic", "fatal");
            }
            _ => {}
        }
    }

    fn take_glog(&mut self, at: Timestamp, line: &[u8]) {
        let Some(found) = HEADER.as_ref().and_then(|header| header.captures(line)) else {
            return;
        };
        let text = |place: usize| String::from_utf8_lossy(&found[place]).into_owned();
        let message = text(4);
        // the tracker has the operation's id as a tag
        let mut message = message.as_str();
        while let Some((_, rest)) = message.strip_prefix('[').and_then(|tag| tag.split_once(']')) {
            message = rest.trim_start();
        }
        let kind = if message.contains("MGD-SERV-API-") {
            "*errors.ServiceError"
        } else {
            "*errors.errorString"
        };
        let level = if found[1] == *b"F" { "fatal" } else { "error" };
        let culprit = format!("{}.go in {}", text(2), function(&text(2)));
        self.add(at, kind, message, &culprit, level);
    }

    /// Takes one event.
    pub fn add(&mut self, at: Timestamp, kind: &'static str, value: &str, culprit: &str, level: &str) {
        let shape = shape_of(value);
        if let Some(issue) = self.by_shape.get_mut(&shape) {
            issue.count += 1;
            issue.first_seen = issue.first_seen.min(at);
            if at >= issue.last_seen {
                issue.last_seen = at;
                value.clone_into(&mut issue.value);
            }
            return;
        }
        if self.by_shape.len() >= MOST {
            return;
        }
        let issue = Issue {
            id: self.by_shape.len() as u64 + 1,
            kind,
            value: value.to_owned(),
            culprit: culprit.to_owned(),
            level: level.to_owned(),
            count: 1,
            first_seen: at,
            last_seen: at,
            assigned_to: None,
        };
        self.by_shape.insert(shape, issue);
    }

    /// All of them, the last seen first.
    pub fn all(&self) -> Vec<Issue> {
        let mut all: Vec<Issue> = self.by_shape.values().cloned().collect();
        all.sort_by_key(|issue| std::cmp::Reverse((issue.last_seen, issue.id)));
        all
    }
}

fn function(file: &str) -> &'static str {
    match file {
        "clusters_mgr" => "(*ClusterManager).reconcile",
        "kafkas_mgr" => "(*KafkaManager).reconcile",
        "logger" => "handlers.errorHandler",
        _ => "main",
    }
}

/// What the messages of one issue have in common.
fn shape_of(message: &str) -> String {
    let Some(variable) = VARIABLE.as_ref() else {
        return message.to_owned();
    };
    let shape = variable.replace_all(message.as_bytes(), &b"*"[..]);
    String::from_utf8_lossy(&shape).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn errors_of_one_shape_are_one_issue() {
        let mut issues = Issues::before(at(0));
        for (second, id) in [(1, "1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ"), (9, "1n5FZ2bbbb")] {
            let line = format!(
                "E0115 13:24:01.482913       1 clusters_mgr.go:130] failed to create cluster for request {id}: EOF"
            );
            issues.take_line(at(second), line.as_bytes());
        }
        let all = issues.all();
        assert_eq!(all.len(), 2);
        let found = &all[0];
        assert_eq!((found.count, found.level.as_str()), (2, "error"));
        assert_eq!((found.first_seen, found.last_seen), (at(1), at(9)));
        assert_eq!(
            found.title(),
            "*errors.errorString: failed to create cluster for request 1n5FZ2bbbb: EOF"
        );
    }

    #[test]
    fn what_is_no_error_is_no_issue() {
        let mut issues = Issues::before(at(0));
        for line in [
            "I0115 13:24:01.482913       1 x.go:1] failed to acquire leader lease: EOF",
            "Everything is well",
            "panicky",
            "",
        ] {
            issues.take_line(at(1), line.as_bytes());
        }
        assert_eq!(issues.all().len(), 1);
        issues.take_line(at(2), b"panic: assignment to entry in nil map");
        assert_eq!(issues.all()[0].level, "fatal");
    }

    #[test]
    fn an_operation_id_is_no_part_of_a_message_and_titles_are_cut() {
        let mut issues = Issues::before(at(0));
        let line = format!(
            "E0115 13:24:01.482913       1 logger.go:84] [opid=1n5][tx_id=7] MGD-SERV-API-9: {}",
            "x".repeat(300)
        );
        issues.take_line(at(1), line.as_bytes());
        let title = issues.all()[0].title();
        assert!(
            title.starts_with("*errors.ServiceError: MGD-SERV-API-9: xxx"),
            "{title}"
        );
        assert!(title.ends_with('…') && title.chars().count() == 128, "{title}");
    }
}
