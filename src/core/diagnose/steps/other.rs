//! The check of the step that is added to an SOP: no rule acts on what no other step shows.

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::step_result::StepResult;

/// No rule acts on what no other step shows. No profile has this check; the rules answer it after all other steps, in
/// `Evaluation::other`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {}

impl StepCheck for Other {
    fn judge(&self, _case: &Evaluation<'_>) -> StepResult {
        StepResult::unknown(
            "rules",
            "not judged",
            "the rules answer it, after all other steps",
        )
    }
}
