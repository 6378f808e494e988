//! The report: a recorded incident for people, as Markdown, and for programs, as JSON (schema 1, documented in the guide).
//!
//! Everything in it is computed from the record's lines, and names its moment. Every text of it is [`Redacted`], once more: a record may have been
//! written by another version of the program.

mod actions;
mod changes;
mod consoles;
mod history;
mod manual;
mod markdown;
mod monitoring;
#[cfg(test)]
mod monitoring_tests;
mod names;
mod place;
mod pods;
mod summary;
#[cfg(test)]
mod summary_tests;
#[cfg(test)]
mod tests;
mod timeline;
mod unknown;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

pub use self::actions::{ActionRow, ActionState, AdviceSeen, FailingStep, Leading, OutcomeRow, StageSeen};
pub use self::consoles::ConsoleRow;
pub use self::history::AdviceSpan;
pub use self::manual::{HandedOff, Manual, ManualStep, TickedStep};
pub use self::monitoring::{AlertSeen, FigureSeen, IssueSeen, MonitoringSeen};
use self::names::Names;
pub use self::place::Place;
pub use self::pods::PodsSeen;
pub use self::timeline::TimelineRow;
pub use self::unknown::{Unknown, UnknownStep};
use crate::record::{Began, Entry, Line};
use crate::text::markdown::clean_to;
use crate::text::{Redacted, SafeText};

/// The version of the JSON document: it changes when a named key changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// What is found while the sources are read for the first time says nothing of the incident.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(5);

/// Longest text of one value, in characters; the text of a hand-off stands whole.
const VALUE: usize = 2_000;

/// The incident for people. `doubt` is what is to be known before the record is believed: that it is torn or broken.
pub fn markdown(lines: &[Line], doubt: Option<&str>) -> SafeText {
    Report::of(lines, doubt).markdown().into()
}

/// The incident for programs. `doubt` is what is to be known before the record is believed: that it is torn or broken.
///
/// # Errors
/// None is known: nothing in a report can't be written as JSON.
pub fn json(lines: &[Line], doubt: Option<&str>) -> serde_json::Result<SafeText> {
    serde_json::to_string_pretty(&Report::of(lines, doubt)).map(SafeText::from)
}

/// The document. All times are RFC 3339 by the cluster's clock, as far as it was known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The alert's name: the title of the SOP that was open last; empty where none was chosen, or the record's first line is missing.
    pub title: Redacted,
    /// The scenario's title where this was a drill: nobody must take it for the world.
    pub drill: Option<Redacted>,
    /// What is to be known before the rest is believed: that the record is torn or broken; `None` for a whole one.
    pub doubt: Option<Redacted>,
    /// Whether the incident was not closed.
    pub open: bool,
    /// Where it was; `None` where the record's first line is missing.
    pub place: Option<Place>,
    /// When the first line was written; `None` for a record without lines.
    pub began_at: Option<Timestamp>,
    /// The latest moment of a line.
    pub last_at: Option<Timestamp>,
    /// From the one to the other, seconds.
    pub duration_s: Option<i64>,
    /// How many lines the record has.
    pub lines: usize,
    /// The incident in a few sentences.
    pub summary: Vec<Redacted>,
    /// What was recommended, oldest first.
    pub recommendations: Vec<AdviceSpan>,
    /// The changes to the cluster that were set out for, oldest first.
    pub actions: Vec<ActionRow>,
    /// What monitoring servers showed; `None` where none was heard.
    pub monitoring: Option<MonitoringSeen>,
    /// The steps that the operator looks at and ticks.
    pub manual: Manual,
    /// What was never known.
    pub unknown: Unknown,
    /// Which consoles wrote, and when they came and went.
    pub consoles: Vec<ConsoleRow>,
    /// Everything in its order.
    pub timeline: Vec<TimelineRow>,
    /// The texts that went to other teams.
    pub hand_offs: Vec<HandedOff>,
}

impl Report {
    /// What the lines of a record tell.
    pub fn of(lines: &[Line], doubt: Option<&str>) -> Self {
        let names = Names::of(began(lines));
        let sop = sop_at_end(lines);
        let began_at = lines.first().map(|line| line.at);
        let last_at = lines.iter().map(|line| line.at).max();
        let actions = actions::performed(lines, &names);
        let recommendations = history::held(lines, &names);
        let manual = manual::of(lines, &names, sop);
        let hand_offs = manual::hand_offs(lines, &names);
        let unknown = unknown::of(lines, &names);
        let open = is_open(lines);
        let duration = began_at.zip(last_at).map(|(from, to)| since(from, to));
        let mut report = Self {
            schema: SCHEMA,
            title: sop.map_or_else(Redacted::default, |id| names.sop(id)),
            drill: began(lines).and_then(|began| began.drill.as_deref()).map(value),
            doubt: doubt.map(value),
            open,
            place: began(lines).map(|began| Place::of(began, lines, sop)),
            began_at,
            last_at,
            duration_s: duration.map(|span| span.as_secs()),
            lines: lines.len(),
            summary: Vec::new(),
            recommendations,
            actions,
            monitoring: monitoring::of(lines, &names, sop),
            manual,
            unknown,
            consoles: consoles::writings(lines),
            timeline: timeline::of(lines, &names),
            hand_offs,
        };
        report.summary = values(&summary::of(&report, lines, &names));
        report
    }
}

/// A value from outside or from the profile, on one line.
fn value(text: &str) -> Redacted {
    clean_to(text, VALUE)
}

fn values(texts: &[SafeText]) -> Vec<Redacted> {
    texts.iter().map(|text| value(text)).collect()
}

/// From one moment to another, never less than nothing: clocks are corrected.
fn since(from: Timestamp, to: Timestamp) -> SignedDuration {
    to.duration_since(from).max(SignedDuration::ZERO)
}

/// The first line's, where it is there.
fn began(lines: &[Line]) -> Option<&Began> {
    match &lines.first()?.entry {
        Entry::Began(began) => Some(began),
        _ => None,
    }
}

/// The id of the SOP that was open last; `None` where none was chosen.
fn sop_at_end(lines: &[Line]) -> Option<&str> {
    let chosen = lines.iter().rev().find_map(|line| match &line.entry {
        Entry::Sop { id, .. } => Some(id.as_str()),
        _ => None,
    });
    let first = || began(lines).map(|began| began.sop.as_str());
    chosen.or_else(first).filter(|id| !id.is_empty())
}

/// One that was closed and gone on with is open again.
fn is_open(lines: &[Line]) -> bool {
    let last = lines
        .iter()
        .rev()
        .find(|line| matches!(line.entry, Entry::Closed(_) | Entry::Joined(_)));
    !last.is_some_and(|line| matches!(line.entry, Entry::Closed(_)))
}
