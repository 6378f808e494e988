//! What was done to the cluster in an incident, and what came of it.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::command::{Command, CommandOutcome};
use crate::observe::source::SourceId;
use crate::observe::state::State;
use crate::record::{Entry, Intent, Line};
use crate::safe;
use crate::text::SafeText;

/// How long the watch has to be heard after a command was sent before what it does not show did not happen.
const SHOWS_WITHIN: SignedDuration = SignedDuration::from_secs(20);

/// How long the watch may take to tell what came of a command without an answer. What it did not tell by then it never will.
pub const TOLD_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// A command that was sent, or was about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedCommand {
    /// When it was about to be sent: the time of its intent in the record.
    pub at: Timestamp,
    /// What was sent, to what, by which user.
    pub intent: Intent,
    /// What came of it, and when that was known; `None` while it is under way.
    pub outcome: Option<(Timestamp, CommandOutcome)>,
    /// How it went on, oldest first; the flag says whether it went as it should.
    pub stages: Vec<(Timestamp, SafeText, Option<bool>)>,
}

impl AppliedCommand {
    /// A command that is about to be sent at this moment.
    pub fn new(at: Timestamp, intent: Intent) -> Self {
        Self {
            at,
            intent,
            outcome: None,
            stages: Vec::new(),
        }
    }

    /// Whether it was done, or may have been.
    pub fn may_have_happened(&self) -> bool {
        let outcome = self.outcome.as_ref().map(|(_, outcome)| outcome);
        !matches!(
            outcome,
            Some(CommandOutcome::Refused { .. } | CommandOutcome::Failed { .. })
        )
    }

    /// Whether nobody knows yet whether it was done.
    pub fn is_open(&self) -> bool {
        let outcome = self.outcome.as_ref().map(|(_, outcome)| outcome);
        matches!(outcome, None | Some(CommandOutcome::Unknown { .. }))
    }

    /// `delete pod … (2 of 3) for rule no-leader, advice then: wait: applied: accepted by the server`.
    pub fn words(&self) -> SafeText {
        let cause = self.intent.cause.as_ref();
        let cause = cause.map_or(SafeText::default(), |rule| safe!(" for rule {rule}"));
        let other = self.intent.other_advice();
        let then = other.map_or(SafeText::default(), |other| {
            safe!(", advice then: {}", other.action.words())
        });
        let outcome = match &self.outcome {
            Some((_, outcome)) => outcome.words(),
            None => "no outcome yet".into(),
        };
        let part = self.intent.part_words();
        safe!("{}{part}{cause}{then}: {outcome}", self.intent.command.words())
    }

    /// Where others were confirmed with it that were never sent: how many.
    pub fn not_sent(&self) -> usize {
        self.intent
            .part
            .map_or(0, |(number, of)| of.saturating_sub(number))
    }

    /// What the cluster shows of it, where its outcome is unknown and the watch tells.
    pub fn resolve(&self, state: &State, now: Timestamp) -> Option<CommandOutcome> {
        let done = |what: &str| Some(CommandOutcome::Applied { how: what.into() });
        let not_done = |what: &str| Some(CommandOutcome::Failed { why: what.into() });
        let asked_at = self.outcome.as_ref().map_or(self.at, |(at, _)| *at);
        let over = now.duration_since(asked_at) >= SHOWS_WITHIN;
        let fresh = |id| state.is_fresh(&id, now);
        match &self.intent.command {
            Command::DeletePod { uid, .. } if fresh(SourceId::Pods) => match state.any_pod(uid) {
                None => done("the watch shows that the pod is gone"),
                Some(pod) if pod.deletion_at.is_some() => done("the watch shows that the pod is ending"),
                Some(_) if over => not_done("the watch shows the pod untouched"),
                Some(_) => None,
            },
            Command::Scale { from, to, .. } if fresh(SourceId::Deployment) => {
                match state.deployment.as_ref()?.replicas {
                    wanted if wanted == *to => done("the watch shows the new number of pods"),
                    wanted if wanted == *from && over => not_done("the watch shows the old number of pods"),
                    // Before ours came to pass, or after it somebody else chose another number: nobody knows.
                    _ => None,
                }
            }
            Command::RestartDeployment { mark, .. } if fresh(SourceId::Deployment) => {
                let seen = state.deployment.as_ref()?.restarted_at.as_ref();
                let seen: Option<Timestamp> = seen.and_then(|at| at.parse().ok());
                // The mark has whole seconds.
                match seen.map(|seen| seen.as_second().cmp(&mark.as_second())) {
                    Some(Ordering::Equal) => done("the watch shows the rollout restart"),
                    // Somebody else's came after it: whether ours came to pass before, nobody knows.
                    Some(Ordering::Greater) => None,
                    _ if over => not_done("the watch shows no rollout restart"),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// What a record says was done.
pub fn changes(lines: &[Line]) -> Vec<AppliedCommand> {
    let mut changes = Vec::new();
    lines.iter().for_each(|line| note(&mut changes, line));
    changes
}

/// Takes in a line of the record.
pub fn note(changes: &mut Vec<AppliedCommand>, line: &Line) {
    if let Entry::Intent(intent) = &line.entry {
        changes.push(AppliedCommand::new(line.at, (**intent).clone()));
    }
    let (Entry::Outcome { id, .. } | Entry::Stage { id, .. }) = &line.entry else {
        return;
    };
    let Some(change) = changes.iter_mut().rfind(|change| change.intent.id == *id) else {
        return;
    };
    match &line.entry {
        Entry::Outcome { outcome, .. } => change.outcome = Some((line.at, outcome.clone())),
        Entry::Stage { words, good, .. } => change.stages.push((line.at, words.clone(), *good)),
        _ => {}
    }
}
