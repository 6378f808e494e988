//! The report for people. Its own words are prose; all else stands in blocks of code.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::actions::{ActionRow, ActionState, has_end};
use super::changes::leader;
use super::consoles::ConsoleRow;
use super::history::AdviceSpan;
use super::manual::HandedOff;
use super::timeline::{TimelineRow, went};
use super::{Place, Report};
use crate::text::markdown::{Section, escaped};
use crate::text::{Redacted, duration};

/// Longest line of a block, in characters.
const LONGEST: usize = 1_000;

/// Lines of evidence that are shown of one step; the JSON document has all.
const EVIDENCE: usize = 6;

impl Report {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = self.head();
        let mut add = |section: Section| {
            let (title, body) = (prose(section.title()), section.body());
            // Writing to a string cannot fail.
            let _ = writeln!(text, "## {title}\n\n{body}");
        };
        add(self.who_and_where());
        add(self.consoles());
        add(self.history());
        add(self.actions_told());
        add(self.manual_steps());
        add(self.handed_off());
        add(self.never_known());
        add(self.timeline());
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
            section.item("THE RECORD IS NOT WHOLE: what follows is told as far as it can be read");
            section.kept(doubt, LONGEST);
            let _ = writeln!(text, "{}", section.body());
        }
        for sentence in &self.summary {
            let _ = writeln!(text, "- {}", prose(sentence));
        }
        text.push('\n');
        text
    }

    fn who_and_where(&self) -> Section {
        let mut section = Section::new("Where and when");
        let mut line = |what: &str, words: &str| section.kept(&format!("{what:<13}{words}"), LONGEST);
        if let Some(drill) = &self.drill {
            line("DRILL", drill);
        }
        match &self.place {
            Some(place) => place_told(place, &self.title, &mut line),
            None => line("place", "unknown: the record's first line is missing"),
        }
        if let Some((began, last)) = self.began_at.zip(self.last_at) {
            line("began", &began.strftime("%F %T UTC").to_string());
            line("last line", &last.strftime("%F %T UTC").to_string());
        }
        if let Some(seconds) = self.duration_s {
            line("duration", &duration::exact(SignedDuration::from_secs(seconds)));
        }
        line("state", if self.open { "open" } else { "closed" });
        line("record", &format!("{} lines", self.lines));
        section
    }

    fn consoles(&self) -> Section {
        let mut section = Section::new("Consoles");
        let mut day = Day::default();
        for writing in &self.consoles {
            day.line(&mut section, writing.at, &console(writing));
        }
        if self.consoles.is_empty() {
            section.item("none that the record names");
        }
        section
    }

    fn history(&self) -> Section {
        let mut section = Section::new("What was recommended");
        let mut day = Day::default();
        for held in &self.recommendations {
            stretch(&mut section, &mut day, held);
        }
        if self.recommendations.is_empty() {
            section.item("nothing: no diagnosis is in the record");
        }
        section
    }

    fn actions_told(&self) -> Section {
        let mut section = Section::new("What was done, and what was found before and after");
        for (place, action) in self.actions.iter().enumerate() {
            performed(&mut section, action, has_end(&self.actions, place));
        }
        if self.actions.is_empty() {
            section.item("nothing in the cluster was changed with sopwatch");
        }
        section
    }

    fn manual_steps(&self) -> Section {
        let mut section = Section::new("Manual steps");
        let mut day = Day::default();
        for tick in &self.manual.ticked {
            let note = if tick.note.is_empty() {
                "looked at, no note"
            } else {
                &tick.note
            };
            day.line(&mut section, tick.at, &format!("{}: {note}", tick.title));
        }
        for step in &self.manual.not_ticked {
            section.kept(&format!("not ticked: {}", step.title), LONGEST);
        }
        if self.manual.ticked.is_empty() && self.manual.not_ticked.is_empty() {
            section.item("the SOP has none that is known");
        }
        section
    }

    fn handed_off(&self) -> Section {
        let mut section = Section::new("Hand-offs");
        let mut day = Day::default();
        for hand_off in &self.hand_offs {
            day.line(
                &mut section,
                hand_off.at,
                &format!("to {}: the text is at the end", hand_off.title),
            );
        }
        if self.hand_offs.is_empty() {
            section.item("none");
        }
        section
    }

    fn never_known(&self) -> Section {
        let mut section = Section::new("What was never known");
        let unknown = &self.unknown;
        for id in &unknown.actions {
            section.item(format!(
                "whether action {id} happened: no answer came, and nothing showed it"
            ));
        }
        for step in &unknown.steps {
            section.kept(&format!("step {}: {}", step.title, step.value), LONGEST);
        }
        for open in &unknown.not_ruled_out {
            let line = format!("not ruled out at the end: {}: {}", open.rule, open.missing);
            section.kept(&line, LONGEST);
        }
        if unknown.entries_lost > 0 {
            section.item(format!(
                "{} entries of the record that could not be written:",
                unknown.entries_lost
            ));
            let reasons = unknown.lost_because.iter();
            reasons.for_each(|why| section.kept(why, LONGEST));
        }
        if unknown.log_lines_missed > 0 {
            section.item(format!(
                "{} or more lines of the logs that were missed",
                unknown.log_lines_missed
            ));
        }
        if unknown.logs_left_out > 0 {
            section.item(format!(
                "{} log records that changed nothing: the record does not keep them",
                unknown.logs_left_out
            ));
        }
        if section.is_empty() {
            section.item("nothing of what the SOP asks for");
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
            " DRILL: nothing of this was real."
        } else {
            ""
        };
        format!(
            "Written by sopwatch {} from the record alone.{drill}\n",
            env!("CARGO_PKG_VERSION")
        )
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

fn place_told(place: &Place, title: &str, line: &mut impl FnMut(&str, &str)) {
    if place.sop.is_empty() {
        line("alert", "unknown: no SOP was chosen");
    } else {
        line("alert", &format!("{title} (SOP {})", place.sop));
    }
    line(
        "service",
        &format!("{} (profile {})", place.service, place.profile),
    );
    let environment = place.environment.as_deref();
    let production = if place.production { ", PRODUCTION" } else { "" };
    line(
        "environment",
        &format!(
            "{}{production}",
            environment.unwrap_or("one that the profile does not know")
        ),
    );
    line("namespace", &place.namespace);
    let reached = if place.connected { "" } else { " (never reached)" };
    line("server", &format!("{}{reached}", place.server));
    let users = if place.users.is_empty() {
        "unknown".to_owned()
    } else {
        place.users.join(", ")
    };
    line("user", &users);
    if place.read_only {
        line("rights", "the console that began it could change nothing");
    }
    if let Some(speed) = place.speed {
        line("clock", &format!("{speed} seconds of the drill a second"));
    }
}

fn console(writing: &ConsoleRow) -> String {
    let or_unknown = |text: &Option<Redacted>| text.clone().unwrap_or_else(|| "unknown".into());
    let (Some(pid), Some(user)) = (writing.pid, &writing.user) else {
        return format!("{:<8}{}", writing.what, or_unknown(&writing.how));
    };
    let (host, version) = (or_unknown(&writing.host), or_unknown(&writing.version));
    format!(
        "{:<8}{user} on {host} (process {pid}, sopwatch {version})",
        writing.what
    )
}

fn stretch(section: &mut Section, day: &mut Day, held: &AdviceSpan) {
    let long = duration::exact(SignedDuration::from_secs(held.held_s));
    let until = held
        .until
        .map_or(String::new(), |until| format!(" until {}", until.strftime("%T")));
    day.line(
        section,
        held.from,
        &format!("for {long:<11} {}{until}", held.words),
    );
    for why in held.because.iter().take(EVIDENCE) {
        section.kept(&format!("{:26}{why}", ""), LONGEST);
    }
}

fn performed(section: &mut Section, action: &ActionRow, has_end: bool) {
    let at = action.at.strftime("%F %T UTC");
    let part = action
        .part
        .map_or(String::new(), |(number, of)| format!(", {number} of {of}"));
    section.item(format!(
        "action {}, {at}: {}{part}: {}",
        action.id,
        action.aim,
        action.outcome.to_uppercase()
    ));
    let mut line = |what: &str, words: &str| section.kept(&format!("{what:<10}{words}"), LONGEST);
    line("what", &action.words);
    line("by hand", &action.by_hand);
    line("user", &action.user);
    line("because", &action.why);
    line(&time(action.at), "intent written");
    for came in &action.outcomes {
        line(&time(came.at), &format!("{}: {}", came.is, came.why));
    }
    if action.outcomes.is_empty() {
        line("", "no outcome was written: it may have happened or not");
    }
    for stage in &action.stages {
        line(&time(stage.at), &format!("{}{}", stage.words, went(stage.good)));
    }
    if !has_end {
        line("", "how it ended is not in the record");
    }
    states(section, action);
}

fn states(section: &mut Section, action: &ActionRow) {
    match &action.before {
        Some(before) => state(section, "before", before),
        None => section.item("before: nothing had been found yet"),
    }
    let after = action.after.as_ref();
    if let Some(first) = action.first_change.as_ref().filter(|first| Some(*first) != after) {
        state(section, "the first change", first);
    }
    match after {
        Some(after) => state(section, "afterwards", after),
        None => section.item("afterwards: nothing new was found in the time that it takes to settle"),
    }
}

fn state(section: &mut Section, when: &str, state: &ActionState) {
    section.item(format!("{when}, as found at {}", state.at.strftime("%F %T UTC")));
    let mut line = |what: &str, words: &str| section.kept(&format!("{what:<10}{words}"), LONGEST);
    line("advice", &state.recommendation);
    let pods = state.pods.map_or("not read".into(), |pods| pods.words());
    line("pods", &pods);
    for one in &state.leaders {
        line("leader", &format!("{}: {}", one.title, leader(one)));
    }
    for step in &state.failing {
        line("FAIL", &format!("{}: {}", step.title, step.value));
        let evidence = step.evidence.iter();
        evidence.take(EVIDENCE).for_each(|evidence| line("", evidence));
        if let Some(more) = step.evidence.len().checked_sub(EVIDENCE).filter(|more| *more > 0) {
            line("", &format!("and {more} more"));
        }
    }
    if state.failing.is_empty() {
        line("steps", "none failed");
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%T").to_string()
}

/// A hand-off's text in full, in a fence that nothing in it closes.
fn whole(number: usize, hand_off: &HandedOff) -> String {
    let runs = hand_off.text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or_default().max(2) + 1);
    let at = hand_off.at.strftime("%F %T UTC");
    let text = hand_off.text.trim_end_matches('\n');
    format!("## Text of hand-off {number}, {at}\n\n{fence}\n{text}\n{fence}\n\n")
}
