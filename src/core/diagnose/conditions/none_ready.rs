//! `none-ready`: no row of a table is ready.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::row_evidence::has_role;
use crate::diagnose::steps::Check;
use crate::observe::source::SourceId;
use crate::profile::validation::Mistakes;
use crate::profile::{Profile, Role};
use crate::safe;
use crate::text::SafeText;

/// No living row of a table is ready.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NoneReady {
    /// The table.
    pub table: String,
}

impl RuleCondition for NoneReady {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let name = &self.table;
        let (table, rows) = match case.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        let ready = rows
            .iter()
            .filter(|row| has_role(table, &row.status, Role::Ready));
        match ready.map(|row| row.count).sum::<u64>() {
            0 => Truth::holds([safe!("no {} is ready", table.title)]),
            ready => Truth::holds_not(safe!("{ready} ready in {name}")),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!("no {} row is ready", self.table)
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!("a {} row becomes ready", self.table)
    }

    fn threshold(&self, _profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        vec![safe!("no ready row in {}", self.table)]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("database", case.hear(&SourceId::Database, "database").age())
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::AnyReady(any_ready) if any_ready.table == self.table)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.table(path, &self.table);
    }
}
