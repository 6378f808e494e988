//! What the operator looked at by hand, and what was handed to other teams.

use jiff::Timestamp;
use serde::Serialize;

use super::names::Names;
use super::value;
use crate::record::{Entry, Line};
use crate::text::Redacted;

/// The steps that the operator looks at and ticks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Manual {
    /// Those that are ticked at the end, in the order of the ticks.
    pub ticked: Vec<TickedStep>,
    /// Those of the SOP that was open last that are not.
    pub not_ticked: Vec<ManualStep>,
}

/// A step that was ticked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TickedStep {
    /// Its id.
    pub id: Redacted,
    /// Its title.
    pub title: Redacted,
    /// When.
    pub at: Timestamp,
    /// What was seen; may be empty.
    pub note: Redacted,
}

/// A step that was not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ManualStep {
    /// Its id.
    pub id: Redacted,
    /// Its title.
    pub title: Redacted,
}

/// A text that went to another team.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HandedOff {
    /// When it was copied.
    pub at: Timestamp,
    /// The contact's id.
    pub contact: Redacted,
    /// The team's name.
    pub title: Redacted,
    /// The text, in full.
    pub text: Redacted,
}

/// The ticks as they stand at the end.
pub(super) fn of(lines: &[Line], names: &Names<'_>, sop: Option<&str>) -> Manual {
    let mut ticked: Vec<TickedStep> = Vec::new();
    for line in lines {
        match &line.entry {
            Entry::Ticked { step, note } => {
                let id = value(step);
                ticked.retain(|known| known.id != id);
                ticked.push(TickedStep {
                    id,
                    title: names.step(step),
                    at: line.at,
                    note: value(note),
                });
            }
            Entry::Unticked { step } => {
                let id = value(step);
                ticked.retain(|known| known.id != id);
            }
            _ => {}
        }
    }
    let mut not_ticked = manual_steps(names, sop);
    not_ticked.retain(|step| !ticked.iter().any(|known| known.id == step.id));
    Manual { ticked, not_ticked }
}

fn manual_steps(names: &Names<'_>, sop: Option<&str>) -> Vec<ManualStep> {
    let sop = sop.and_then(|id| names.known_sop(id));
    let Some((profile, sop)) = names.profile().zip(sop) else {
        return Vec::new();
    };
    let steps = profile.steps_of(sop).into_iter();
    let manual = steps.filter(|(_, step)| step.check.is_manual());
    manual
        .map(|(id, step)| ManualStep {
            id: value(id),
            title: value(&step.title),
        })
        .collect()
}

/// Every text that was copied, oldest first.
pub(super) fn hand_offs(lines: &[Line], names: &Names<'_>) -> Vec<HandedOff> {
    let handed = |line: &Line| match &line.entry {
        Entry::HandOff { contact, text } => Some(HandedOff {
            at: line.at,
            contact: value(contact),
            title: names.contact(contact),
            text: text.into(),
        }),
        _ => None,
    };
    lines.iter().filter_map(handed).collect()
}
