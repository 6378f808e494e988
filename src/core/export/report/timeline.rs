//! Everything in its order.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::actions::why;
use super::names::Names;
use super::{FIRST_LOOK, changes, consoles, since, value, values};
use crate::observe::observation::Observation;
use crate::observe::source::{SourceId, SourceState};
use crate::record::{Entry, Intent, Line, Snapshot};
use crate::safe;
use crate::text::{Redacted, SafeText, counted, duration};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineRow {
    /// When.
    pub at: Timestamp,
    /// What kind: as the record's lines name it (`began`, `joined`, `found`, `sop`, `intent`, `outcome`, `stage`, `ticked`, `unticked`,
    /// `note`, `hand-off`, `clock-ahead`, `lost`, `left`, `closed`), `source` for a source that failed or works again, `gap` where no
    /// console wrote.
    pub kind: &'static str,
    /// What, in one line.
    pub words: Redacted,
    /// What belongs to it, a line each: for `found`, everything that changed.
    pub more: Vec<Redacted>,
}

/// The whole record as moments.
pub(super) fn of(lines: &[Line], names: &Names<'_>) -> Vec<TimelineRow> {
    let mut teller = Teller {
        names,
        found: None,
        resumed: false,
        failing: BTreeSet::new(),
        last_at: None,
        moments: Vec::new(),
    };
    let first_looks = first_looks(lines);
    for (place, line) in lines.iter().enumerate() {
        if !first_looks.contains(&place) {
            teller.take(line);
        }
        teller.last_at = teller.last_at.max(Some(line.at));
    }
    teller.moments
}

/// The findings that are not worth a row: while the sources are read for the first time, everything is unknown. Of the findings of a
/// console's first seconds the last one stays.
fn first_looks(lines: &[Line]) -> BTreeSet<usize> {
    let (mut first, mut last): (Option<Timestamp>, Option<usize>) = (None, None);
    let mut passing = BTreeSet::new();
    for (place, line) in lines.iter().enumerate() {
        match &line.entry {
            Entry::Joined(_) => (first, last) = (None, None),
            Entry::Snapshot(_) => {
                let began = *first.get_or_insert(line.at);
                if since(began, line.at) < FIRST_LOOK {
                    passing.extend(last.replace(place));
                }
            }
            // What an operator did rests on what was found then.
            Entry::Intent(_) => (first, last) = (Some(Timestamp::MIN), None),
            _ => {}
        }
    }
    passing
}

/// Tells line after line.
struct Teller<'a> {
    names: &'a Names<'a>,
    /// The finding before.
    found: Option<&'a Snapshot>,
    /// Whether a console resumed the incident and has found nothing yet.
    resumed: bool,
    /// Sources that failed.
    failing: BTreeSet<&'a SourceId>,
    last_at: Option<Timestamp>,
    moments: Vec<TimelineRow>,
}

impl<'a> Teller<'a> {
    fn take(&mut self, line: &'a Line) {
        if matches!(line.entry, Entry::Joined(_)) {
            self.resumed = true;
            self.gap(line.at);
        }
        let words = match &line.entry {
            Entry::Observation(observation) => return self.observation(line.at, observation),
            Entry::Snapshot(found) => return self.found(line, found),
            Entry::LeftOut { .. } => return,
            Entry::Began(_) | Entry::Joined(_) | Entry::Left { .. } | Entry::Closed(_) => {
                came_and_went(&line.entry)
            }
            Entry::Intent(intent) => self.intent(intent),
            other => self.words(other),
        };
        self.tell(line.at, line.entry.name(), &words, Vec::new());
    }

    fn tell(&mut self, at: Timestamp, kind: &'static str, words: &str, more: Vec<SafeText>) {
        let (words, more) = (value(words), values(&more));
        self.moments.push(TimelineRow {
            at,
            kind,
            words,
            more,
        });
    }

    fn gap(&mut self, at: Timestamp) {
        let Some(last) = self.last_at else { return };
        let long = duration::exact(since(last, at));
        let words = safe!("no console ran for {long}: nothing is recorded of this time");
        self.tell(last, "gap", &words, Vec::new());
        self.failing.clear();
    }

    fn found(&mut self, line: &'a Line, found: &'a Snapshot) {
        let more = changes::between(self.found, found, self.names);
        let same_sop = self.found.is_some_and(|before| before.sop == found.sop);
        let resumed = std::mem::take(&mut self.resumed);
        let words = match (same_sop, more.is_empty()) {
            (false, _) => safe!("first findings for SOP {}", self.names.sop(&found.sop)),
            (true, false) => "findings changed".into(),
            (true, true) if resumed => "same findings as before".into(),
            // As it is written with each command and what came of it.
            (true, true) => return self.found = Some(found),
        };
        self.tell(line.at, line.entry.name(), &words, more);
        self.found = Some(found);
    }

    /// Sources that fail and recover; a log comes and goes with its container.
    fn observation(&mut self, at: Timestamp, observation: &'a Observation) {
        let Observation::Source(id, state) = observation else {
            return;
        };
        if matches!(id, SourceId::Log(_) | SourceId::Scrape(_)) {
            return;
        }
        match state {
            SourceState::Failing { problem, .. } if self.failing.insert(id) => {
                self.tell(at, "source", &safe!("{} fails: {problem}", id.name()), Vec::new());
            }
            SourceState::Live if self.failing.remove(id) => {
                self.tell(at, "source", &safe!("{} works again", id.name()), Vec::new());
            }
            _ => {}
        }
    }

    fn intent(&self, intent: &Intent) -> SafeText {
        let why = why(intent, self.names);
        let (id, words, aim) = (intent.id, intent.command.words(), intent.aim.words());
        let part = intent
            .part
            .map_or(SafeText::default(), |(number, of)| safe!(", {number} of {of}"));
        safe!(
            "action {id} requested: {words} ({aim}{part}), {why}, as {}",
            intent.user
        )
    }

    fn words(&self, entry: &Entry) -> SafeText {
        match entry {
            Entry::ClockAhead(ahead) => safe!(
                "the cluster's clock is {} {} the local clock; all times are by the cluster's clock",
                duration::exact(ahead.abs()),
                if ahead.is_negative() { "behind" } else { "ahead of" }
            ),
            Entry::Sop { id, alert } => {
                let by = alert.as_ref().map(|name| safe!(" by alert {}", value(name)));
                safe!("SOP {} selected{}", self.names.sop(id), by.unwrap_or_default())
            }
            Entry::Outcome { id, outcome } => {
                safe!("action {id} {}", outcome.words())
            }
            Entry::Stage { id, words, good } => safe!("action {id}: {words}{}", went(*good)),
            Entry::Ticked { step, note } if note.is_empty() => {
                safe!("{}: checked, no note", self.names.step(step))
            }
            Entry::Ticked { step, note } => safe!("{}: {note}", self.names.step(step)),
            Entry::Unticked { step } => safe!("{}: check removed", self.names.step(step)),
            Entry::Note { text } => text.to_string().into(),
            Entry::HandOff { contact, .. } => {
                safe!("hand-off text for {} copied", self.names.contact(contact))
            }
            Entry::Lost { entries, why } => {
                let entries = counted(*entries, "entry", "entries");
                safe!("{entries} could not be written: {why}")
            }
            other => other.name().into(),
        }
    }
}

/// Whether a stage went as it should, as words after it.
pub(super) fn went(good: Option<bool>) -> &'static str {
    match good {
        Some(true) => " (worked)",
        Some(false) => " (FAILED)",
        None => "",
    }
}

fn came_and_went(entry: &Entry) -> SafeText {
    match entry {
        Entry::Began(began) => safe!("started by {}", consoles::words(&began.by)),
        Entry::Joined(writer) => safe!("resumed by {}", consoles::words(writer)),
        Entry::Closed(writer) => safe!("closed by {}", consoles::words(writer)),
        Entry::Left { how } => safe!("console exited: {how}"),
        other => other.name().into(),
    }
}
