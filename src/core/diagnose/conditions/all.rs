//! `all`: each of several conditions holds.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Condition, Parts, RuleCondition, join, parts_known_at, validate_each};
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::profile::Profile;
use crate::profile::validation::Mistakes;
use crate::text::SafeText;

/// Each of several conditions holds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct All {
    /// Which.
    pub of: Vec<Condition>,
}

impl RuleCondition for All {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        Truth::all(self.of.iter().map(|one| one.kind().evaluate(case)))
    }

    fn known_at(&self, case: &Evaluation<'_>) -> Option<Timestamp> {
        parts_known_at(&self.of, case)
    }

    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        let kinds = self.of.iter().map(Condition::kind);
        let open = kinds.filter(|one| !one.evaluate(case).is_true());
        join(open.map(|one| one.turns_true(case)), ", and ")
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        join(self.of.iter().map(|one| one.kind().turns_false(case)), ", or ")
    }

    fn threshold(&self, profile: &Profile, window: SignedDuration) -> Vec<SafeText> {
        let kinds = self.of.iter().map(Condition::kind);
        kinds.flat_map(|one| one.threshold(profile, window)).collect()
    }

    fn parts(&self) -> Parts<'_> {
        Parts::Joined(self.of.iter().collect())
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        validate_each(&self.of, &format!("{path}.of"), mistakes);
    }
}
