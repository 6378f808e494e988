//! `blank`: rows have no status.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::steps::Check;
use crate::observe::source::SourceId;
use crate::profile::Profile;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::{SafeText, counted, noun};

/// Living rows have a blank status: no worker looks at them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Blank {
    /// The table.
    pub table: String,
}

impl RuleCondition for Blank {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let name = &self.table;
        let (_, rows) = match case.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        match rows.iter().find(|row| row.status.is_empty() && row.count > 0) {
            Some(row) => Truth::holds([safe!(
                "{} without a status in {name}: no worker looks at {}",
                counted(row.count, "row", "rows"),
                noun(row.count, "it", "them")
            )]),
            None => Truth::holds_not(safe!("every {name} row has a status")),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!("a row without a status appears in {}", self.table)
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!("every {} row has a status", self.table)
    }

    fn threshold(&self, _profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        vec![safe!("a {} row without a status", self.table)]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("database", case.hear(&SourceId::Database, "database").age())
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::Limits(limits) if limits.table == self.table)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.table(path, &self.table);
    }
}
