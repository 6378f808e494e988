//! What is asked before a change.

use super::dialog::Scroll;
use crate::incident::gate::Gate;
use crate::incident::plan::Plan;
use crate::incident::text::SafeText;

/// A plan before the operator's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// Tells this question from an earlier one.
    pub number: u64,
    /// What is to be done.
    pub plan: Plan,
    /// What stands against it.
    pub gate: Gate,
    /// What the server said when it was asked to do it without doing it.
    pub rehearsal: Rehearsal,
    /// What was typed so far.
    pub typed: String,
    /// How far down.
    pub scroll: Scroll,
}

/// A dry run's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsal {
    /// The server is being asked.
    Asked,
    /// It would do it.
    Passed,
    /// It can't try without doing; why.
    Untried(SafeText),
    /// It would not; why.
    Refused(SafeText),
}
