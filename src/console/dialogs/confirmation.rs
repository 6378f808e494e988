//! What is asked before a change.

use super::button::Button;
use crate::dialogs::Scroll;
use sopwatch_core::remediate::gate::Gate;
use sopwatch_core::remediate::plan::Plan;
use sopwatch_core::text::SafeText;

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
    pub dry_run: DryRun,
    /// Which button has the focus, where no name is typed.
    pub button: Button,
    /// What was typed so far.
    pub typed: String,
    /// Why it is no question any more: its ground has gone. It stays until it is put away: what is still typed for it means nothing else.
    pub closed: Option<SafeText>,
    /// How far down.
    pub scroll: Scroll,
}

impl Confirm {
    /// Whether it may still be answered.
    pub fn is_open(&self) -> bool {
        self.gate.refusals.is_empty() && self.closed.is_none()
    }

    /// Whether the dry run was refused: then there is nothing to confirm.
    pub fn is_refused(&self) -> bool {
        matches!(self.dry_run, DryRun::Refused(_))
    }
}

/// A dry run's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// The server is being asked.
    Asked,
    /// It would do it.
    Passed,
    /// It can't try without doing; why.
    Untried(SafeText),
    /// It would not; why.
    Refused(SafeText),
}
