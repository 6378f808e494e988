//! `any`: at least one of several conditions holds.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Condition, Parts, RuleCondition, join, parts_known_at, validate_each};
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::profile::Profile;
use crate::profile::validation::Mistakes;
use crate::text::SafeText;

/// At least one of several conditions holds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Any {
    /// Which.
    pub of: Vec<Condition>,
    /// More of them, by sources that need not be there: one that is unknown does not keep the others from saying that none holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<Condition>,
}

impl Any {
    fn each(&self) -> impl Iterator<Item = &Condition> {
        self.of.iter().chain(&self.optional)
    }
}

impl RuleCondition for Any {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        Truth::any_or_optional(
            self.of.iter().map(|one| one.kind().evaluate(case)),
            self.optional.iter().map(|one| one.kind().evaluate(case)),
        )
    }

    fn known_at(&self, case: &Evaluation<'_>) -> Option<Timestamp> {
        parts_known_at(&self.of, case)
    }

    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        join(self.each().map(|one| one.kind().turns_true(case)), ", or ")
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        let kinds = self.each().map(Condition::kind);
        let true_ones = kinds.filter(|one| one.evaluate(case).is_true());
        join(true_ones.map(|one| one.turns_false(case)), ", and ")
    }

    fn threshold(&self, profile: &Profile, window: SignedDuration) -> Vec<SafeText> {
        let kinds = self.each().map(Condition::kind);
        let all: Vec<_> = kinds.flat_map(|one| one.threshold(profile, window)).collect();
        (!all.is_empty())
            .then(|| all.join(", or ").into())
            .into_iter()
            .collect()
    }

    fn parts(&self) -> Parts<'_> {
        Parts::Joined(self.each().collect())
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.require(!self.of.is_empty(), path, || {
            "`of` is empty: at least one condition must not be optional".to_owned()
        });
        validate_each(&self.of, &format!("{path}.of"), mistakes);
        validate_each(&self.optional, &format!("{path}.optional"), mistakes);
    }
}
