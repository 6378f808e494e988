//! The lines of a record that something was found or done in, and how they read.

use super::Player;
use sopwatch_core::profile::Profile;
use sopwatch_core::record::Entry;

/// Whether a line is one to step to: not what a source told.
pub(crate) fn is_one(entry: &Entry) -> bool {
    !matches!(
        entry,
        Entry::Observation(_) | Entry::ClockAhead(_) | Entry::LeftOut { .. }
    )
}

impl Player {
    /// What was found or done last, in words.
    pub fn last_moment(&self, profile: &Profile) -> Option<String> {
        let followed = self.lines.iter().take(self.followed);
        let last = followed.rev().find(|line| is_one(&line.entry))?;
        Some(words(&last.entry, profile))
    }
}

fn words(entry: &Entry, profile: &Profile) -> String {
    match entry {
        Entry::Began(began) => format!("started by {} on {}", began.by.user, began.by.host),
        Entry::Joined(by) => format!("resumed by {} on {}", by.user, by.host),
        Entry::Snapshot(found) => {
            let advised = &found.recommendation;
            let advice = profile.advice_in_words(advised.action, advised.contact.as_deref());
            format!("found: {advice}")
        }
        Entry::Sop { id } => format!("SOP {id} opened"),
        Entry::Intent(intent) => format!("about to {}", intent.command.words()),
        Entry::Outcome { outcome, .. } => format!("{}: {}", outcome.name(), outcome.reason()),
        Entry::Stage { words, .. } => words.to_string(),
        Entry::Ticked { step, note } if note.is_empty() => format!("ticked {step}"),
        Entry::Ticked { step, note } => format!("ticked {step}: {note}"),
        Entry::Unticked { step } => format!("unticked {step}"),
        Entry::Note { text } => format!("noted: {text}"),
        Entry::HandOff { contact, .. } => format!("copied the hand-off for {contact}"),
        Entry::Lost { entries, why } => format!("{entries} entries were lost: {why}"),
        Entry::Left { how } => format!("left: {how}"),
        Entry::Closed(by) => format!("closed by {} on {}", by.user, by.host),
        Entry::Observation(_) | Entry::ClockAhead(_) | Entry::LeftOut { .. } => entry.name().to_owned(),
    }
}
