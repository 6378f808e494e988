//! The lines of a record that something was found or done in, and how they read.

use super::Player;
use sopwatch_core::profile::Profile;
use sopwatch_core::record::Entry;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted};

/// Whether a line is one to step to: not what a source told.
pub(crate) fn is_one(entry: &Entry) -> bool {
    !matches!(
        entry,
        Entry::Observation(_) | Entry::ClockAhead(_) | Entry::LeftOut { .. }
    )
}

impl Player {
    /// What was found or done last, in words.
    pub fn last_moment(&self, profile: &Profile) -> Option<SafeText> {
        let followed = self.lines.iter().take(self.followed);
        let last = followed.rev().find(|line| is_one(&line.entry))?;
        Some(words(&last.entry, profile))
    }
}

fn words(entry: &Entry, profile: &Profile) -> SafeText {
    match entry {
        Entry::Began(began) => safe!("started by {} on {}", began.by.user, began.by.host),
        Entry::Joined(by) => safe!("resumed by {} on {}", by.user, by.host),
        Entry::Snapshot(found) => {
            let advised = &found.recommendation;
            let advice = advised.in_words(profile);
            safe!("found: {advice}")
        }
        Entry::Sop { id, alert: None } => safe!("SOP {id} opened"),
        Entry::Sop {
            id,
            alert: Some(name),
        } => safe!("SOP {id} opened by alert {name}"),
        Entry::Intent(intent) => safe!("about to {}", intent.command.words()),
        Entry::Outcome { outcome, .. } => safe!("{}: {}", outcome.name(), outcome.reason()),
        Entry::Stage { words, .. } => words.clone(),
        Entry::Ticked { step, note } if note.is_empty() => safe!("ticked {step}"),
        Entry::Ticked { step, note } => safe!("ticked {step}: {note}"),
        Entry::Unticked { step } => safe!("unticked {step}"),
        Entry::Note { text } => safe!("noted: {text}"),
        Entry::HandOff { contact, .. } => safe!("copied the hand-off for {contact}"),
        Entry::Lost { entries, why } => {
            let entries = counted(*entries, "entry was", "entries were");
            safe!("{entries} lost: {why}")
        }
        Entry::Left { how } => safe!("left: {how}"),
        Entry::Closed(by) => safe!("closed by {} on {}", by.user, by.host),
        Entry::Observation(_) | Entry::ClockAhead(_) | Entry::LeftOut { .. } => entry.name().into(),
    }
}
