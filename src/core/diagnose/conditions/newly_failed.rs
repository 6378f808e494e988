//! `newly-failed`: rows failed lately.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::row_evidence::{has_role, row_in_words};
use crate::diagnose::settle::WINDOW;
use crate::diagnose::steps::Check;
use crate::logparse;
use crate::observe::observation::{StandingRow, StatusCount};
use crate::observe::source::SourceId;
use crate::profile::validation::Mistakes;
use crate::profile::{Profile, Role};
use crate::safe;
use crate::text::{SafeText, duration};

/// Rows that are named of many.
const NAMED: usize = 3;

/// Rows failed within the window. Failed rows stay for ever: older ones are history.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NewlyFailed {
    /// The table.
    pub table: String,
    /// The error classes of the reasons that count, by their patterns; empty names reasons that no class knows. None means any reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

impl RuleCondition for NewlyFailed {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let name = &self.table;
        let (table, rows) = match case.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        let failed = |row: &StatusCount| row.count > 0 && has_role(table, &row.status, Role::Failed);
        if !rows.iter().any(failed) {
            return Truth::holds_not(safe!("no row of {name} has failed"));
        }
        match case.failed_lately(name) {
            None => Truth::unknown(safe!("when the failed rows of {name} failed")),
            Some(new) if new.is_empty() => Truth::holds_not(safe!(
                "no row of {name} failed within the window; older ones are history"
            )),
            Some(new) => {
                let counts = |row: &&StandingRow| self.counts(row, case.profile);
                let mut of_them = new.into_iter().filter(counts).peekable();
                if of_them.peek().is_none() {
                    let kinds = case.kinds_in_words(&self.classes);
                    return Truth::holds_not(safe!("no row of {name} failed for a reason of {kinds}"));
                }
                Truth::holds(of_them.take(NAMED).map(row_in_words))
            }
        }
    }

    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        safe!("a row of {} fails{}", self.table, self.for_a_reason(case))
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        safe!(
            "no row of {} fails{} for {}",
            self.table,
            self.for_a_reason(case),
            duration::brief(WINDOW)
        )
    }

    fn threshold(&self, profile: &Profile, window: SignedDuration) -> Vec<SafeText> {
        vec![safe!(
            "{}: failed within {}{}",
            self.table,
            duration::brief(window),
            self.reasons(profile)
        )]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("database", case.hear(&SourceId::Database, "database").age())
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::Failed(failed) if failed.table == self.table)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.table(path, &self.table);
        mistakes.error_classes(path, &self.classes);
    }
}

impl NewlyFailed {
    /// Whether the reason for which a row failed is of one of the classes, as that of a log line would be.
    fn counts(&self, row: &StandingRow, profile: &Profile) -> bool {
        let class = || logparse::class_of(&profile.error_classes, &row.row.reason);
        self.classes.is_empty() || self.classes.contains(&class())
    }

    /// ` for a reason of SSO or DNS`; empty for any reason.
    fn for_a_reason(&self, case: &Evaluation<'_>) -> SafeText {
        if self.classes.is_empty() {
            return SafeText::default();
        }
        safe!(" for a reason of {}", case.kinds_in_words(&self.classes))
    }

    /// ` for a reason of SSO or DNS`, `… or none that is known`; empty for any reason.
    fn reasons(&self, profile: &Profile) -> SafeText {
        if self.classes.is_empty() {
            return SafeText::default();
        }
        let title = |class: &String| match class.as_str() {
            "" => "none that is known".into(),
            class => profile.class_title(class).to_owned(),
        };
        let titles: Vec<_> = self.classes.iter().map(title).collect();
        safe!(" for a reason of {}", titles.join(" or "))
    }
}
