//! `not`: another condition does not hold.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Condition, Parts, RuleCondition};
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::profile::validation::Mistakes;
use crate::text::SafeText;

/// Another condition does not hold.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Not {
    /// Which.
    pub of: Box<Condition>,
}

impl RuleCondition for Not {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        self.of.kind().evaluate(case).not()
    }

    fn known_at(&self, case: &Evaluation<'_>) -> Option<Timestamp> {
        self.of.kind().known_at(case)
    }

    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        self.of.kind().turns_false(case)
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        self.of.kind().turns_true(case)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::Negated(&self.of)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        self.of.kind().validate(&format!("{path}.of"), mistakes);
    }
}
