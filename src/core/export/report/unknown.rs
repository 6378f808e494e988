//! What was never known.

use std::collections::BTreeMap;

use serde::Serialize;

use super::names::Names;
use super::value;
use crate::diagnose::NotRuledOut;
use crate::observe::observation::Observation;
use crate::profile::sop::StepStatus;
use crate::record::{Entry, Line};
use crate::text::Redacted;

/// What the record can't tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Unknown {
    /// Steps that were unknown or stale from the first look to the last.
    pub steps: Vec<UnknownStep>,
    /// Rules that were not ruled out at the end.
    pub not_ruled_out: Vec<NotRuledOut<Redacted>>,
    /// Commands, by their number, of which it is not known whether they happened.
    pub actions: Vec<u64>,
    /// Entries that could not be written.
    pub entries_lost: u64,
    /// Why they could not, each reason once.
    pub lost_because: Vec<Redacted>,
    /// Log records that are not in the record: they changed nothing.
    pub logs_left_out: u64,
    /// Lines of the logs that the console missed, at least.
    pub log_lines_missed: u64,
}

/// A step that nobody could answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnknownStep {
    /// Its id.
    pub id: Redacted,
    /// Its title.
    pub title: Redacted,
    /// What was seen last; may be empty.
    pub value: Redacted,
}

/// What the lines leave open; which commands do is added by who knows them.
pub(super) fn of(lines: &[Line], names: &Names<'_>) -> Unknown {
    let mut unknown = Unknown {
        steps: steps(lines, names),
        not_ruled_out: not_ruled_out(lines),
        actions: super::actions::unknown(lines),
        ..Unknown::default()
    };
    for line in lines {
        match &line.entry {
            Entry::Lost { entries, why } => {
                unknown.entries_lost += entries;
                let why = value(why);
                if !unknown.lost_because.contains(&why) {
                    unknown.lost_because.push(why);
                }
            }
            Entry::LeftOut { records } => unknown.logs_left_out += records,
            Entry::Observation(observation) => {
                if let Observation::LogNote { missed, .. } = &**observation {
                    unknown.log_lines_missed += missed;
                }
            }
            _ => {}
        }
    }
    unknown
}

fn steps(lines: &[Line], names: &Names<'_>) -> Vec<UnknownStep> {
    let mut open: Vec<UnknownStep> = Vec::new();
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    for line in lines {
        let Entry::Snapshot(found) = &line.entry else {
            continue;
        };
        for step in &found.steps {
            let is_open = matches!(step.status, StepStatus::Unknown | StepStatus::Stale);
            *known.entry(&step.id).or_default() |= !is_open;
            let now = UnknownStep {
                id: value(&step.id),
                title: names.step(&step.id),
                value: value(&step.value),
            };
            match open.iter_mut().find(|one| one.id == now.id) {
                Some(one) => *one = now,
                None => open.push(now),
            }
        }
    }
    open.retain(|step| !known.get(step.id.as_str()).copied().unwrap_or_default());
    open
}

fn not_ruled_out(lines: &[Line]) -> Vec<NotRuledOut<Redacted>> {
    let last = lines.iter().rev().find_map(|line| match &line.entry {
        Entry::Snapshot(found) => Some(found),
        _ => None,
    });
    let open = last.into_iter().flat_map(|found| &found.not_ruled_out);
    open.map(|(rule, missing)| NotRuledOut {
        rule: value(rule),
        missing: value(missing),
    })
    .collect()
}
