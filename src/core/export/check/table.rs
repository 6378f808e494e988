//! The document for people: 80 columns, no colour, no control sequence.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::line::in_ascii;
use super::{Assessment, DatabaseRow, LeaseRow, Recommended};
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// Columns.
const WIDTH: usize = 80;

impl Assessment {
    /// The document as a table; with `ascii`, in ASCII alone.
    pub fn table(&self, ascii: bool) -> SafeText {
        let text = [self.head(), self.decided(), self.steps_table(), self.rest()].concat();
        let text = SafeText::from(text);
        if ascii { in_ascii(&text) } else { text }
    }

    fn head(&self) -> String {
        let environment = self.environment.as_deref().unwrap_or("unknown environment");
        let drill = self.drill.as_ref().map(|title| format!("drill: {title}"));
        let place = match (drill.as_deref().or(self.server.as_deref()), &*self.namespace) {
            (Some(place), namespace) => format!("{namespace} @ {place}"),
            (None, "") => "not connected".to_owned(),
            (None, namespace) => format!("{namespace}, not connected"),
        };
        let mut text = wrapped("", &format!("{} ({})", self.title, self.sop));
        text += &wrapped("", &format!("{environment}, {place}"));
        text + &wrapped(
            "",
            &format!("checked at {} in {} ms", self.evaluated_at, self.took_ms),
        )
    }

    fn decided(&self) -> String {
        let mut text = "\n".to_owned();
        add_advice(&mut text, "DO    ", &self.recommendation);
        for also in &self.also {
            add_advice(&mut text, "also  ", also);
        }
        for open in &self.not_ruled_out {
            text += &wrapped(
                "open  ",
                &format!("rule {} can't be checked yet: {}", open.rule, open.missing),
            );
        }
        if self.literal.differs {
            text += &wrapped(
                "SOP   ",
                &format!("taken literally, the SOP says: {}", self.literal.words),
            );
        }
        for awaited in &self.incomplete {
            text += &wrapped("late  ", &format!("no data in time: {awaited}"));
        }
        for trouble in &self.troubles {
            text += &wrapped("fault ", &format!("{}: {}", trouble.source, trouble.problem));
        }
        text
    }

    fn steps_table(&self) -> String {
        let mut text = "\nSTEPS\n".to_owned();
        let width = widest(self.steps.iter().map(|step| step.title.as_str()));
        for step in &self.steps {
            let age = step.age_s.map(|age| format!(" ({} ago)", brief(age)));
            let lead = format!("{:<9}{:<width$}  ", name(step.status), step.title);
            text += &wrapped(&lead, &format!("{}{}", step.value, age.unwrap_or_default()));
            if is_open(step.status) {
                let want = (!step.threshold.is_empty()).then(|| safe!("expected: {}", step.threshold).into());
                for line in want.iter().chain(&step.evidence) {
                    text += &wrapped("           ", line);
                }
            }
        }
        text
    }

    fn rest(&self) -> String {
        let mut text = "\nLEADERS\n".to_owned();
        let width = widest(self.leaders.iter().map(|leader| leader.worker.as_str()));
        for leader in &self.leaders {
            let lead = format!("{:<9}{:<width$}  ", leader.verdict, leader.worker);
            let lease = leader.lease.as_ref();
            let lease = lease.map_or_else(|| "no lease data".to_owned(), lease_in_words);
            text += &wrapped(&lead, &format!("{}; {lease}", leader.log));
        }
        text += "\nDATABASE\n";
        if self.database.is_empty() {
            text += "no data\n";
        }
        let names: Vec<_> = self.database.iter().map(status_name).collect();
        let width = widest(names.iter().map(String::as_str));
        for (row, name) in self.database.iter().zip(&names) {
            text += &wrapped(&format!("{name:<width$} {:>6}  ", row.count), &row_in_words(row));
        }
        text += "\nPODS\n";
        if self.pods.is_empty() {
            text += "none\n";
        }
        let width = widest(self.pods.iter().map(|pod| pod.name.as_str()));
        for pod in &self.pods {
            let age = pod.age_s.map_or("–".to_owned(), brief);
            let lead = format!("{:<width$}  {}  ", pod.name, pod.ready);
            let restarts = counted(pod.restarts, "restart", "restarts");
            text += &wrapped(&lead, &format!("{}, {restarts}, {age}", pod.status));
        }
        text
    }
}

/// Whether a step wants an explanation.
fn is_open(status: StepStatus) -> bool {
    !matches!(status, StepStatus::Pass | StepStatus::Manual)
}

/// Columns of the widest, so far as that leaves room for what follows.
fn widest<'a>(cells: impl Iterator<Item = &'a str>) -> usize {
    cells
        .map(|cell| cell.chars().count())
        .max()
        .unwrap_or(0)
        .min(WIDTH / 2)
}

fn lease_in_words(lease: &LeaseRow) -> String {
    let left = brief(lease.ttl_s.saturating_abs());
    match (lease.ttl_s < 0, lease.advancing) {
        (true, _) => format!("lease expired {left} ago"),
        (false, Some(true)) => format!("lease renewed, {left} left"),
        (false, Some(false)) => format!("lease not renewed, {left} left"),
        (false, None) => format!("lease has {left} left"),
    }
}

fn status_name(row: &DatabaseRow) -> String {
    let status = if row.status.is_empty() {
        "(no status)"
    } else {
        &row.status
    };
    format!("{}.{status}", row.table)
}

/// `oldest 7m11s, limit 3m, 1 OVERDUE, not moving`.
fn row_in_words(row: &DatabaseRow) -> String {
    let mut words = vec![format!(
        "oldest {}",
        row.oldest_idle_s.map_or("–".to_owned(), brief)
    )];
    let limit = row.limit_s.and_then(|limit| i64::try_from(limit).ok());
    words.extend(limit.map(|limit| format!("limit {}", brief(limit))));
    words.extend(
        row.over_limit
            .filter(|over| *over > 0)
            .map(|over| format!("{over}{} OVERDUE", if row.over_limit_at_least { "+" } else { "" })),
    );
    words.extend(
        row.next_limit_s
            .map(|next| format!("next due in {}", brief(next))),
    );
    words.extend(
        row.moves
            .map(|moves| if moves { "moving" } else { "not moving" }.to_owned()),
    );
    if row.role.is_none() {
        words.push("unknown to the profile".to_owned());
    }
    words.join(", ")
}

fn brief(seconds: i64) -> String {
    duration::brief(SignedDuration::from_secs(seconds))
}

/// A status as files write it.
pub(super) fn name(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pass => "pass",
        StepStatus::Fail => "fail",
        StepStatus::Unknown => "unknown",
        StepStatus::Stale => "stale",
        StepStatus::Waiting => "waiting",
        StepStatus::Manual => "manual",
    }
}

fn add_advice(text: &mut String, lead: &str, one: &Recommended) {
    let until = one.until.as_ref().map(|until| format!(" until {until}"));
    let rule = one.rule.as_ref().map(|rule| format!(" (rule {rule})"));
    let words = [
        one.words.as_str(),
        &until.unwrap_or_default(),
        &rule.unwrap_or_default(),
    ]
    .concat();
    *text += &wrapped(lead, &words);
    for why in &one.because {
        *text += &wrapped("      ", why);
    }
}

/// Lines that fit, the later ones indented as far as `lead` reaches; a word that is too long for a line is broken.
fn wrapped(lead: &str, text: &str) -> String {
    let indent = lead.chars().count().max(2);
    let mut lines = String::new();
    let mut line = lead.to_owned();
    let mut is_bare = true;
    // A time of day stays with its zone: at the end of a line it would read as a span.
    let text = text.replace(" UTC", "\u{a0}UTC");
    for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
        let mut word: Vec<char> = word
            .chars()
            .map(|c| if c == '\u{a0}' { ' ' } else { c })
            .collect();
        if !is_bare && line.chars().count() + 1 + word.len() > WIDTH {
            let _ = writeln!(lines, "{}", line.trim_end());
            (line, is_bare) = (" ".repeat(indent), true);
        }
        if !is_bare {
            line.push(' ');
        }
        while line.chars().count() + word.len() > WIDTH {
            let rest = word.split_off(WIDTH - line.chars().count());
            let _ = writeln!(lines, "{line}{}", word.iter().collect::<String>());
            (line, word) = (" ".repeat(indent), rest);
        }
        line.extend(word);
        is_bare = false;
    }
    let _ = writeln!(lines, "{}", line.trim_end());
    lines
}
