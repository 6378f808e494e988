//! A lesson: what a drill's scenario teaches, and what happened while it was taken.
//!
//! It exists only in drills whose scenario teaches something. The operator asks for hints, says what they would do, and reads the
//! debriefing; the console notes when it first showed what there was to find, what was opened, and what was done to the cluster.

pub(crate) mod answer;
pub(crate) mod assessment;
pub(crate) mod console;
pub(crate) mod debriefing;
pub(crate) mod expected_finding;
mod next_scenario;
#[cfg(test)]
pub(crate) mod screen_tests;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod viewed;

use jiff::{SignedDuration, Timestamp};

pub use self::answer::{AnswerVerdict, Choice, Right};
pub(crate) use self::console::hints_page;
pub use self::debriefing::{Step, debriefing, markdown};
pub use crate::training::assessment::{Assessment, Noted, worth};
pub use crate::training::expected_finding::{ExpectedFinding, FindingKind};
pub use crate::training::viewed::Viewed;
use sopwatch_core::diagnose::Diagnosis;
use sopwatch_core::observe::audit::AuditEntry;
use sopwatch_core::profile::Profile;

/// How many looks and acts are kept: more than anybody takes in a drill.
const KEPT: usize = 1_000;

/// What a scenario teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// The scenario's name on the command line.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What the operator finds.
    pub story: String,
    /// The right thing to do.
    pub right: Right,
    /// From a nudge to nearly the answer.
    pub hints: Vec<String>,
    /// Why the right thing is right.
    pub because: String,
    /// What there is to find, and how long after the start, if nobody does anything.
    pub expected: Vec<(SignedDuration, FindingKind)>,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// When.
    pub at: Timestamp,
    /// What.
    pub choice: Choice,
    /// Whether the debriefing had been read by then.
    pub after_debriefing: bool,
}

/// A lesson as it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What is taught.
    pub lesson: Lesson,
    /// When the drill began.
    pub began: Timestamp,
    /// When each hint was asked for.
    pub hints: Vec<Timestamp>,
    /// The answers, the one that counts last.
    pub answers: Vec<Given>,
    /// What there is to find.
    pub signs: Vec<ExpectedFinding>,
    /// What was opened, and when first.
    pub looks: Vec<(Timestamp, Viewed)>,
    /// What was done to the cluster.
    pub acts: Vec<Noted>,
    /// When the console's recommendation was asked for before an answer was given.
    pub revealed_at: Option<Timestamp>,
    /// When the debriefing was first read.
    pub debriefed_at: Option<Timestamp>,
    /// Whether it was asked for before an answer was given: the second time it is shown.
    pub asked_early: bool,
}

impl Attempt {
    /// A lesson that begins at `began`.
    pub fn new(lesson: Lesson, began: Timestamp) -> Self {
        Self {
            signs: expected_finding::signs(&lesson.expected),
            lesson,
            began,
            hints: Vec::new(),
            answers: Vec::new(),
            looks: Vec::new(),
            acts: Vec::new(),
            revealed_at: None,
            debriefed_at: None,
            asked_early: false,
        }
    }

    /// Notes what the diagnosis shows for the first time.
    pub fn watch(&mut self, diagnosis: &Diagnosis, profile: &Profile, now: Timestamp) {
        expected_finding::watch(&mut self.signs, diagnosis, profile, self.began, now);
    }

    /// Whether the console keeps its recommendation to itself: the operator is to judge first. Who has answered, has read the
    /// debriefing or has asked for it sees it.
    pub fn holds_back(&self) -> bool {
        self.answers.is_empty() && self.revealed_at.is_none() && self.debriefed_at.is_none()
    }

    /// Notes what is open, once.
    pub fn look(&mut self, look: Viewed, now: Timestamp) {
        if self.looks.len() < KEPT && !self.looks.iter().any(|(_, known)| *known == look) {
            self.looks.push((now, look));
        }
    }

    /// Notes what was done to the cluster.
    pub fn note(&mut self, act: AuditEntry, settling: Option<bool>) {
        if self.acts.len() < KEPT {
            self.acts.push(Noted { act, settling });
        }
    }

    /// The hints that were asked for.
    pub fn shown_hints(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        let texts = self.lesson.hints.iter().map(String::as_str);
        texts.zip(self.hints.iter().copied())
    }

    /// Moves what the console has dated; acts are dated by the cluster.
    pub(crate) fn shift(&mut self, span: SignedDuration) {
        let hints = self.hints.iter_mut();
        let answers = self.answers.iter_mut().map(|given| &mut given.at);
        let signs = self.signs.iter_mut();
        let signs = signs.flat_map(|sign| sign.shown_at.iter_mut().chain(&mut sign.over_at));
        let looks = self.looks.iter_mut().map(|(at, _)| at);
        let own = self.debriefed_at.iter_mut();
        let own = own.chain(&mut self.revealed_at).chain([&mut self.began]);
        for at in hints.chain(answers).chain(signs).chain(looks).chain(own) {
            *at = at.saturating_add(span).unwrap_or(*at);
        }
    }
}
