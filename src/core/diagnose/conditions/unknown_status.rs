//! `unknown-status`: rows are in a status that the profile does not know.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::row_evidence::row_in_words;
use crate::diagnose::steps::Check;
use crate::observe::observation::StatusCount;
use crate::profile::validation::Mistakes;
use crate::profile::{Profile, Table};
use crate::safe;
use crate::text::{SafeText, duration};

/// Rows that are named of many.
const NAMED: usize = 3;

/// Living rows are in a status that the profile does not know. Blank ones are the matter of [`Blank`](super::Blank).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UnknownStatus {
    /// The table.
    pub table: String,
    /// Only those that have been in it for longer, strictly; without it, any.
    #[serde(
        default,
        with = "crate::profile::optional_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub over: Option<Duration>,
}

impl RuleCondition for UnknownStatus {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let name = &self.table;
        let over = self.over.map(duration::of);
        let (table, rows) = match case.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        let strange = |status: &str| !status.is_empty() && table.status(status).is_none();
        let mut old = Vec::new();
        for row in rows.iter().filter(|row| row.count > 0 && strange(&row.status)) {
            match (over, row.oldest_s) {
                (Some(_), None) => return Truth::unknown(safe!("no age for {}", row.status)),
                (Some(over), Some(oldest)) if oldest <= over.as_secs() => {}
                _ => old.push(row),
            }
        }
        if old.is_empty() {
            let longer = over.map_or(SafeText::default(), |over| {
                safe!(" for over {}", duration::brief(over))
            });
            return Truth::holds_not(safe!(
                "no {name} row is in a status unknown to the profile{longer}"
            ));
        }
        let words = old.into_iter().map(|row| count_in_words(table, row));
        let named = case.strange_rows(table).filter(|row| !row.status.is_empty());
        Truth::holds(words.chain(named.take(NAMED).map(row_in_words)))
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        let longer = self.over.map_or(SafeText::default(), |over| {
            safe!(" and stays for over {}", duration::brief(duration::of(over)))
        });
        safe!(
            "a {} row gets a status unknown to the profile{longer}",
            self.table
        )
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        let table = &self.table;
        safe!("every {table} row is in a known status")
    }

    fn threshold(&self, _profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        let table = &self.table;
        vec![match self.over {
            Some(over) => safe!(
                "a {table} row over {} in a status unknown to the profile",
                duration::brief(duration::of(over))
            ),
            None => safe!("a {table} row in a status unknown to the profile"),
        }]
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::Limits(limits) if limits.table == self.table)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.table(path, &self.table);
    }
}

/// `2 OSD clusters in unknown status teleporting, oldest 1m`.
fn count_in_words(table: &Table, row: &StatusCount) -> SafeText {
    let oldest = row.oldest_s.map_or(SafeText::default(), |oldest| {
        safe!(", oldest {}", duration::age(oldest))
    });
    let rows = table.rows_in_words(row.count);
    safe!("{rows} in unknown status {}{oldest}", row.status)
}
