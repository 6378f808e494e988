//! `failed`: no row of a table failed lately.

use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::row_evidence::row_in_words;
use crate::diagnose::step_result::StepResult;
use crate::profile::Role;
use crate::profile::sop::StepStatus;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::SafeText;

/// No living row of a table failed lately. Failed rows stay for ever: older ones are history.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Failed {
    /// The table's name.
    pub table: String,
}

impl StepCheck for Failed {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let counts = match case.counts(&self.table) {
            Ok(counts) => counts,
            Err(unknown) => return unknown,
        };
        let failed = counts.with_role(Role::Failed);
        let answer = |status, value: SafeText| StepResult::new(status, "database").value(value);
        let answer = if failed == 0 {
            answer(StepStatus::Pass, "none failed".into())
        } else {
            match case.failed_lately(&self.table) {
                None => answer(StepStatus::Unknown, safe!("{failed} failed, time unknown")),
                Some(new) if new.is_empty() => {
                    answer(StepStatus::Pass, safe!("none lately, {failed} long ago"))
                }
                Some(new) => answer(StepStatus::Fail, safe!("{} failed lately", new.len()))
                    .evidence(new.into_iter().map(row_in_words)),
            }
        };
        answer
            .against(case.none_lately("failures"))
            .evidence(counts.evidence(case))
            .heard(&counts.heard)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.table(path, &self.table);
    }
}
