//! The document for people: 80 columns, no colour, no control sequence.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::{Assessment, Recommended};
use crate::incident::sop::StepStatus;
use crate::incident::span;

/// Columns.
const WIDTH: usize = 80;

impl Assessment {
    /// The document as a table; with `ascii`, in ASCII alone.
    pub fn table(&self, ascii: bool) -> String {
        let text = [self.head(), self.decided(), self.steps_table(), self.rest()].concat();
        if !ascii {
            return text;
        }
        let plain = |c: char| match c {
            '–' => '-',
            '×' => 'x',
            '…' => '.',
            c if c.is_ascii() => c,
            _ => '?',
        };
        text.chars().map(plain).collect()
    }

    fn head(&self) -> String {
        let environment = self.environment.as_deref().unwrap_or("unknown environment");
        let drill = self.drill.as_ref().map(|title| format!("drill: {title}"));
        let place =
            drill.unwrap_or_else(|| self.server.clone().unwrap_or_else(|| "not connected".to_owned()));
        let mut text = wrapped("", &format!("{} ({})", self.title, self.sop));
        text += &wrapped("", &format!("{environment}, {} @ {place}", self.namespace));
        text + &wrapped(
            "",
            &format!("evaluated at {}, after {} ms", self.evaluated_at, self.took_ms),
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
                &format!("{} is not ruled out: {}", open.rule, open.missing),
            );
        }
        if self.literal.differs {
            text += &wrapped("SOP   ", &format!("literally: {}", self.literal.words));
        }
        for awaited in &self.incomplete {
            text += &wrapped("late  ", &format!("not heard in time: {awaited}"));
        }
        for trouble in &self.troubles {
            text += &wrapped("fault ", &format!("{}: {}", trouble.source, trouble.problem));
        }
        text
    }

    fn steps_table(&self) -> String {
        let mut text = "\nSTEPS\n".to_owned();
        for step in &self.steps {
            let mut line = step.title.clone();
            for (word, what) in [(": ", &step.value), (", want ", &step.threshold)] {
                if !what.is_empty() {
                    let _ = write!(line, "{word}{what}");
                }
            }
            if let Some(age) = step.age_s {
                let _ = write!(line, " ({} ago)", brief(age));
            }
            text += &wrapped(&format!("{:<8}", name(step.status)), &line);
        }
        text
    }

    fn rest(&self) -> String {
        let mut text = "\nLEADERS\n".to_owned();
        for leader in &self.leaders {
            let lease = leader
                .lease
                .as_ref()
                .map_or(", no lease read".to_owned(), |lease| {
                    let word = if lease.live { "lease" } else { "lease out" };
                    format!(", {word} {}", brief(lease.ttl_s))
                });
            text += &wrapped(
                &format!("{:<9}", leader.verdict),
                &format!("{}: {}{lease}", leader.worker, leader.log),
            );
        }
        text += "\nDATABASE\n";
        if self.database.is_empty() {
            text += "no rows read\n";
        }
        for row in &self.database {
            let age = |seconds: Option<i64>| seconds.map_or("–".to_owned(), brief);
            let status = if row.status.is_empty() {
                "(blank)"
            } else {
                &row.status
            };
            let limit = row.limit_s.and_then(|limit| i64::try_from(limit).ok());
            let over = row.over_limit.unwrap_or(0);
            let text_of = format!(
                "{}.{status} {}, oldest {}, limit {}, {over} over",
                row.table,
                row.count,
                age(row.oldest_idle_s),
                age(limit)
            );
            text += &wrapped("", &text_of);
        }
        text += "\nPODS\n";
        if self.pods.is_empty() {
            text += "none known\n";
        }
        for pod in &self.pods {
            let age = pod.age_s.map_or("–".to_owned(), brief);
            let line = format!(
                "{} {} {}, {} restarts, {age}",
                pod.name, pod.ready, pod.status, pod.restarts
            );
            text += &wrapped("", &line);
        }
        text
    }
}

fn brief(seconds: i64) -> String {
    span::brief(SignedDuration::from_secs(seconds))
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
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
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
