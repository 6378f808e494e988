//! `manual`: the operator looks and ticks.

use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::step_result::StepResult;
use crate::profile::sop::StepStatus;

/// The operator looks and ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Manual {}

impl StepCheck for Manual {
    fn judge(&self, _case: &Evaluation<'_>) -> StepResult {
        StepResult::new(StepStatus::Manual, "operator")
    }

    fn is_manual(&self) -> bool {
        true
    }
}
