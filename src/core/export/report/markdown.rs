//! The report for people: the cause and the outcome first, then the evidence, one table of actions, the gaps, and the timeline.
//!
//! Its own words are prose and cells of the table, with everything escaped; all else is in blocks of code.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::actions::{ActionRow, ActionState, confirmed_together, has_end};
use super::changes::leader;
use super::consoles::ConsoleRow;
use super::manual::HandedOff;
use super::monitoring::MonitoringSeen;
use super::summary::decisive;
use super::timeline::{TimelineRow, went};
use super::{Place, Report};
use crate::text::markdown::{Section, clean_to, escaped};
use crate::text::{Redacted, counted, duration};

/// Longest line of a block or cell of the table, in characters: errors are quoted whole.
const LONGEST: usize = 2_000;

/// Lines of evidence that are quoted; the JSON document has all.
const EVIDENCE: usize = 12;

impl Report {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = self.head();
        let sections = [self.evidence(), self.monitoring(), self.who_and_where()];
        add(&mut text, sections);
        text.push_str(&self.table_of_actions());
        add(
            &mut text,
            [
                self.what_changed(),
                self.by_operator(),
                self.gaps(),
                self.timeline(),
            ],
        );
        for (number, hand_off) in self.hand_offs.iter().enumerate() {
            text.push_str(&whole(number + 1, hand_off));
        }
        text.push_str(&self.signature());
        text
    }

    fn head(&self) -> String {
        let title = if self.title.is_empty() {
            "unknown"
        } else {
            &self.title
        };
        let mut text = format!("# Incident: {}\n\n", prose(title));
        if self.drill.is_some() {
            text.push_str("*** DRILL - DRILL - DRILL: this was an exercise. Nothing was broken. ***\n\n");
        }
        if let Some(doubt) = &self.doubt {
            let mut section = Section::new("");
            section.item("THE RECORD IS DAMAGED: the report covers only what could be read");
            section.kept(doubt, LONGEST);
            let _ = writeln!(text, "{}", section.body());
        }
        for sentence in &self.summary {
            let _ = writeln!(text, "- {}", prose(sentence));
        }
        text.push('\n');
        text
    }

    /// What the decisive advice rested on, and the steps that failed before the first action, errors whole, each line once.
    fn evidence(&self) -> Section {
        let decisive = decisive(self);
        let title = decisive.as_ref().map_or("Evidence".to_owned(), |decisive| {
            format!("Evidence at {}", decisive.at.strftime("%T UTC"))
        });
        let mut section = Section::new(&title);
        let because = decisive.map(|decisive| decisive.because);
        let failing = self.actions.first().and_then(|action| action.before.as_ref());
        let failing = failing.map(|before| &before.failing);
        let of_steps = failing.into_iter().flatten().flat_map(|step| &step.evidence);
        let mut known = BTreeSet::new();
        let all = because.into_iter().flatten().chain(of_steps);
        let all: Vec<&Redacted> = all.filter(|line| known.insert(line.as_str())).collect();
        for line in all.iter().take(EVIDENCE) {
            section.kept(line, LONGEST);
        }
        section.and_more(all.len().saturating_sub(EVIDENCE));
        section
    }

    /// Which alert paged, the figures at the beginning and at the end, and the issues that came with the incident.
    fn monitoring(&self) -> Section {
        let mut section = Section::new("Alerts, metrics, error tracker");
        let lines = self.monitoring.iter().flat_map(MonitoringSeen::lines);
        lines.for_each(|line| section.kept(&line, LONGEST));
        section
    }

    fn who_and_where(&self) -> Section {
        let mut section = Section::new("Where and when");
        let mut line = |what: &str, words: &str| section.kept(&format!("{what:<13}{words}"), LONGEST);
        if let Some(drill) = &self.drill {
            line("DRILL", drill);
        }
        match &self.place {
            Some(place) => place_in_words(place, &self.title, &mut line),
            None => line("place", "unknown: the record's first line is missing"),
        }
        if let Some((began, last)) = self.began_at.zip(self.last_at) {
            let long = duration::exact(SignedDuration::from_secs(self.duration_s.unwrap_or_default()));
            let (began, last) = (began.strftime("%F %T UTC"), last.strftime("%F %T UTC"));
            line("time", &format!("{began} to {last}, {long}"));
        }
        let state = if self.open { "open" } else { "closed" };
        let lines = counted(self.lines, "line", "lines");
        line("state", &format!("{state}, {lines} in the record"));
        for console in &self.consoles {
            line("console", &console_in_words(console));
        }
        section
    }

    /// The one table of actions: a row a command.
    fn table_of_actions(&self) -> String {
        let mut text = "## Actions\n\n".to_owned();
        if self.actions.is_empty() {
            text.push_str("No changes made with sopwatch.\n\n");
            return text;
        }
        text.push_str("| # | UTC | command | why | outcome | result |\n|---|---|---|---|---|---|\n");
        for (place, action) in self.actions.iter().enumerate() {
            let result = result(action, has_end(&self.actions, place));
            let part = action
                .part
                .map_or(String::new(), |(number, of)| format!(" ({number} of {of})"));
            let cells = [
                format!("{}{part}", action.id),
                self.time(action.at),
                action.by_hand.to_string(),
                action.why.to_string(),
                outcome(action),
                result,
            ];
            let cells = cells.map(|cell| prose(&clean_to(&cell, LONGEST)));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text.push('\n');
        text
    }

    /// A time of day, with the date where that is another than the incident's first.
    fn time(&self, at: Timestamp) -> String {
        let day = |at: Timestamp| at.strftime("%F").to_string();
        let same = self.began_at.is_some_and(|began| day(began) == day(at));
        let format = if same { "%T" } else { "%F %T" };
        at.strftime(format).to_string()
    }

    /// What differed before and after the commands that were confirmed together.
    fn what_changed(&self) -> Section {
        let mut section = Section::new("Before and after");
        for group in confirmed_together(&self.actions) {
            let [first, ..] = group else { continue };
            let last = group.last().unwrap_or(first);
            let name = if group.len() > 1 {
                format!("actions {} to {}", first.id, last.id)
            } else {
                format!("action {}", first.id)
            };
            match (&first.before, &last.after) {
                (Some(before), Some(after)) => {
                    let times = [before, after].map(|state| self.time(state.at));
                    section.item(format!("{name}: {} -> {}", times[0], times[1]));
                    let changed = differences(before, after);
                    changed.iter().for_each(|line| section.kept(line, LONGEST));
                    if changed.is_empty() {
                        section.item("no change");
                    }
                }
                (None, _) => section.item(format!("{name}: no findings before it")),
                (_, None) => section.item(format!("{name}: no new findings in its settle window")),
            }
        }
        section
    }

    fn by_operator(&self) -> Section {
        let mut section = Section::new("Manual steps and hand-offs");
        let mut day = Day::default();
        for tick in &self.manual.ticked {
            let note = if tick.note.is_empty() {
                "checked, no note"
            } else {
                &tick.note
            };
            day.line(&mut section, tick.at, &format!("{}: {note}", tick.title));
        }
        for hand_off in &self.hand_offs {
            let words = format!("hand-off to {} (text below)", hand_off.title);
            day.line(&mut section, hand_off.at, &words);
        }
        let open: Vec<_> = self
            .manual
            .not_ticked
            .iter()
            .map(|step| step.title.as_str())
            .collect();
        if !open.is_empty() {
            section.kept(&format!("not checked: {}", open.join(", ")), LONGEST);
        }
        section
    }

    fn gaps(&self) -> Section {
        let mut section = Section::new("Gaps");
        let unknown = &self.unknown;
        for id in &unknown.actions {
            section.item(format!("action {id}: unknown whether it happened"));
        }
        for step in &unknown.steps {
            section.kept(&format!("step {}: {}", step.title, step.value), LONGEST);
        }
        for open in &unknown.not_ruled_out {
            let line = format!("rule {} unchecked at the end: {}", open.rule, open.missing);
            section.kept(&line, LONGEST);
        }
        if unknown.entries_lost > 0 {
            section.item(format!(
                "{} could not be written to the record:",
                counted(unknown.entries_lost, "entry", "entries")
            ));
            let reasons = unknown.lost_because.iter();
            reasons.for_each(|why| section.kept(why, LONGEST));
        }
        if unknown.log_lines_missed > 0 {
            let lines = counted(unknown.log_lines_missed, "log line", "log lines");
            section.item(format!("at least {lines} lost"));
        }
        section
    }

    fn timeline(&self) -> Section {
        let mut section = Section::new("Timeline (UTC)");
        let mut day = Day::default();
        for TimelineRow {
            at,
            kind,
            words,
            more,
        } in &self.timeline
        {
            day.line(&mut section, *at, &format!("{kind:<12}{words}"));
            for line in more {
                section.kept(&format!("{:22}{line}", ""), LONGEST);
            }
        }
        if self.timeline.is_empty() {
            section.item("empty");
        }
        section
    }

    fn signature(&self) -> String {
        let drill = if self.drill.is_some() {
            " DRILL: none of this was real."
        } else {
            ""
        };
        format!(
            "sopwatch {}, from the record alone.{drill}\n",
            env!("CARGO_PKG_VERSION")
        )
    }
}

/// Adds sections that say something.
fn add<const N: usize>(text: &mut String, sections: [Section; N]) {
    for section in sections.into_iter().filter(|section| !section.is_empty()) {
        let (title, body) = (prose(section.title()), section.body());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "## {title}\n\n{body}");
    }
}

/// Words of the program and the profile: no markup, and nobody is called.
fn prose(text: &str) -> String {
    escaped(text).replace('@', "(at)")
}

/// Writes times, and the day where it changes.
#[derive(Default)]
struct Day {
    last: Option<String>,
}

impl Day {
    fn line(&mut self, section: &mut Section, at: Timestamp, words: &str) {
        let day = at.strftime("%F").to_string();
        if self.last.as_ref() != Some(&day) {
            section.kept(&day, LONGEST);
            self.last = Some(day);
        }
        section.kept(&format!("{}  {words}", at.strftime("%T")), LONGEST);
    }
}

fn place_in_words(place: &Place, title: &str, line: &mut impl FnMut(&str, &str)) {
    if place.sop.is_empty() {
        line("alert", "unknown: no SOP selected");
    } else {
        line("alert", &format!("{title} (SOP {})", place.sop));
    }
    let environment = place.environment.as_deref().unwrap_or("unknown environment");
    let production = if place.production { ", PRODUCTION" } else { "" };
    line(
        "service",
        &format!(
            "{} (profile {}), {environment}{production}",
            place.service, place.profile
        ),
    );
    let reached = if place.connected { "" } else { " (never reached)" };
    line(
        "namespace",
        &format!("{} at {}{reached}", place.namespace, place.server),
    );
    let users = if place.users.is_empty() {
        "unknown".to_owned()
    } else {
        place.users.join(", ")
    };
    line("user", &users);
    if place.read_only {
        line("rights", "the first console was read-only");
    }
    if let Some(speed) = place.speed {
        line("clock", &format!("{speed} seconds of the drill a second"));
    }
}

/// `13:59:58 began alice on bastion-1 (process 4711, sopwatch 0.1.0)`.
fn console_in_words(console: &ConsoleRow) -> String {
    let or_unknown = |text: &Option<Redacted>| text.clone().unwrap_or_else(|| "unknown".into());
    let at = console.at.strftime("%F %T");
    let (Some(pid), Some(user)) = (console.pid, &console.user) else {
        return format!("{at} {:<7}{}", console.what, or_unknown(&console.how));
    };
    let (host, version) = (or_unknown(&console.host), or_unknown(&console.version));
    format!(
        "{at} {:<7}{user} on {host} (process {pid}, sopwatch {version})",
        console.what
    )
}

/// `outcome unknown: the connection was lost; 23:59:45 applied: accepted by the server`.
fn outcome(action: &ActionRow) -> String {
    let came = |(place, came): (usize, &super::OutcomeRow)| {
        let at = (place > 0).then(|| format!("{} ", came.at.strftime("%T")));
        format!("{}{}: {}", at.unwrap_or_default(), came.is, came.why)
    };
    let all: Vec<String> = action.outcomes.iter().enumerate().map(came).collect();
    if all.is_empty() {
        return "outcome not recorded".to_owned();
    }
    all.join("; ")
}

/// How what a command was for went on, in the end.
fn result(action: &ActionRow, has_end: bool) -> String {
    let last = action.stages.last();
    let words = last.map(|stage| format!("{} {}{}", stage.at.strftime("%T"), stage.words, went(stage.good)));
    match (words, has_end) {
        (Some(words), true) => words,
        (Some(words), false) => format!("{words}; end not recorded"),
        (None, true) => String::new(),
        (None, false) => "end not recorded".to_owned(),
    }
}

/// What differs between two states, a line each.
fn differences(before: &ActionState, after: &ActionState) -> Vec<String> {
    let mut lines = Vec::new();
    let mut note = |what: &str, old: &str, new: &str| {
        if old != new {
            lines.push(format!("{what}: {old} -> {new}"));
        }
    };
    note("advice", &before.recommendation, &after.recommendation);
    let pods = |state: &ActionState| state.pods.map_or("no data".into(), |pods| pods.words());
    note("pods", &pods(before), &pods(after));
    for now in &after.leaders {
        let then = before.leaders.iter().find(|one| one.worker == now.worker);
        let then = then.map_or("no data".into(), leader);
        note(&format!("leader of {}", now.title), &then, &leader(now));
    }
    for step in &before.failing {
        if !after.failing.iter().any(|now| now.id == step.id) {
            let old = format!("FAIL ({})", step.value);
            note(&step.title, &old, "no longer fails");
        }
    }
    for step in &after.failing {
        if !before.failing.iter().any(|then| then.id == step.id) {
            let new = format!("FAIL ({})", step.value);
            note(&step.title, "did not fail", &new);
        }
    }
    lines
}

/// A hand-off's text in full, in a fence that nothing in it closes.
fn whole(number: usize, hand_off: &HandedOff) -> String {
    let runs = hand_off.text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or_default().max(2) + 1);
    let at = hand_off.at.strftime("%F %T UTC");
    let text = hand_off.text.trim_end_matches('\n');
    format!("## Text of hand-off {number}, {at}\n\n{fence}\n{text}\n{fence}\n\n")
}
