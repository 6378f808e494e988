//! `newly-failed`: rows failed lately.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::quoting;
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
            return Truth::holds_not(safe!("no {name} row has failed"));
        }
        match case.failed_lately(name) {
            None => Truth::unknown(safe!("unknown when the failed {name} rows failed")),
            Some(new) if new.is_empty() => {
                Truth::holds_not(safe!("no {name} row failed lately; older failures are history"))
            }
            Some(new) => {
                let counts = |row: &&StandingRow| self.counts(row, case.profile);
                let of_them: Vec<_> = new.into_iter().filter(counts).collect();
                let Some(newest) = of_them.iter().min_by_key(|row| row.row.idle_s) else {
                    let kinds = case.kinds_in_words(&self.classes);
                    return Truth::holds_not(safe!("no {name} row failed because of {kinds}"));
                };
                let why = quoting::gist(&newest.row.reason);
                let colon = if why.is_empty() { "" } else { ": " };
                let count = table.rows_in_words(of_them.len() as u64);
                let head = safe!("{count} failed lately{colon}{why}");
                let named = of_them.into_iter().take(NAMED).map(row_in_words);
                Truth::holds(std::iter::once(head).chain(named))
            }
        }
    }

    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        safe!("a {} row fails{}", self.table, self.for_a_reason(case))
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        safe!(
            "no {} row fails{} in the next {}",
            self.table,
            self.for_a_reason(case),
            duration::brief(WINDOW)
        )
    }

    fn threshold(&self, profile: &Profile, window: SignedDuration) -> Vec<SafeText> {
        vec![safe!(
            "a {} row that failed in the last {}{}",
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

    /// ` because of SSO or DNS`; empty for any reason.
    fn for_a_reason(&self, case: &Evaluation<'_>) -> SafeText {
        if self.classes.is_empty() {
            return SafeText::default();
        }
        safe!(" because of {}", case.kinds_in_words(&self.classes))
    }

    /// ` because of SSO or DNS`, `… or an unknown reason`; empty for any reason.
    fn reasons(&self, profile: &Profile) -> SafeText {
        if self.classes.is_empty() {
            return SafeText::default();
        }
        let title = |class: &String| match class.as_str() {
            "" => "an unknown reason".into(),
            class => profile.class_title(class).to_owned(),
        };
        let titles: Vec<_> = self.classes.iter().map(title).collect();
        safe!(" because of {}", titles.join(" or "))
    }
}
