//! `any-ready`: at least one row of a table is ready.

use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::step_result::StepResult;
use crate::profile::Role;
use crate::profile::sop::StepStatus;
use crate::profile::validation::Mistakes;
use crate::safe;

/// At least one living row of a table is ready.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AnyReady {
    /// The table's name.
    pub table: String,
}

impl StepCheck for AnyReady {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let counts = match case.counts(&self.table) {
            Ok(counts) => counts,
            Err(unknown) => return unknown,
        };
        let ready = counts.with_role(Role::Ready);
        let (status, value) = match ready {
            0 => (StepStatus::Fail, "none ready".into()),
            _ => (StepStatus::Pass, safe!("{ready} ready")),
        };
        StepResult::new(status, "database")
            .value(value)
            .against("at least 1")
            .evidence(counts.evidence(case))
            .heard(&counts.heard)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.table(path, &self.table);
    }
}
