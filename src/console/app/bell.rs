//! The terminal's bell, for who looks at the other pane: it rings when the recommendation changes and when an execution ends.

use super::App;
use super::event::{Effect, TerminalRequest};
use sopwatch_core::profile::rule::Advice;

/// Whether the bell rings, and what it rang for last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bell {
    /// Whether the operator wants it.
    pub on: bool,
    /// Whether it is to ring with the next tick.
    due: bool,
    /// The SOP and what was recommended last: the action and the contact.
    advised: Option<(String, Advice, Option<String>)>,
}

impl App {
    /// Lets the bell ring where something else is recommended than before: not while sources are read for the first time, and not what
    /// a lesson keeps back.
    pub(crate) fn note_advice(&mut self) {
        if !self.bell.on || self.is_looking() || self.holds_back() || self.sop().is_none() {
            return;
        }
        let recommended = &self.diagnosis.decision.recommendation;
        let sop = self.checklist.sop.clone();
        let advised = Some((sop, recommended.action, recommended.contact.clone()));
        if self.bell.advised == advised {
            return;
        }
        let sop_of = |advised: &Option<(String, Advice, Option<String>)>| {
            advised.as_ref().map(|(sop, _, _)| sop.clone())
        };
        self.bell.due |= sop_of(&self.bell.advised) == sop_of(&advised);
        self.bell.advised = advised;
    }

    /// Lets the bell ring for the end of an execution.
    pub(crate) fn ring_for_end(&mut self) {
        self.bell.due = self.bell.on;
    }

    /// What makes the terminal ring, where that is due.
    pub(crate) fn ring(&mut self) -> Option<Effect> {
        std::mem::take(&mut self.bell.due).then(|| Effect::Write(TerminalRequest::bell()))
    }
}
