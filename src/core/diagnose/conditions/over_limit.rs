//! `over-limit`: rows are older than the limit of their status.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::overdue::Overdue;
use crate::diagnose::row_evidence::late_row_in_words;
use crate::diagnose::steps::Check;
use crate::observe::observation::StatusCount;
use crate::observe::source::SourceId;
use crate::profile::validation::Mistakes;
use crate::profile::{Profile, Role, Status, Table};
use crate::safe;
use crate::text::{SafeText, duration};

/// Rows that are named of many.
const NAMED: usize = 3;

/// Living rows in one of these roles are older than the limit of their status, strictly.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OverLimit {
    /// The table.
    pub table: String,
    /// The roles.
    pub roles: Vec<Role>,
}

impl RuleCondition for OverLimit {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let (table, rows) = match case.table(&self.table) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        let has_role = |status: &Status| self.roles.contains(&status.role);
        let of_roles = rows
            .iter()
            .filter(|row| table.status(&row.status).is_some_and(has_role));
        let judged: Vec<_> = of_roles
            .map(|row| (row, case.state.overdue(table, row)))
            .collect();
        let late = || judged.iter().filter(|(_, overdue)| overdue.is_over());
        if late().next().is_some() {
            let counts = late().filter_map(|(row, overdue)| {
                let moves = case.state.movement(table, &row.status).moves;
                count_in_words(table, row, overdue, moves)
            });
            let oldest = late().filter_map(|(row, _)| row.oldest_s).max();
            let named = case.state.late_rows(table);
            let named = named.filter(|row| table.status(&row.status).is_some_and(has_role));
            let named = named.take(NAMED).map(|row| late_row_in_words(table, row));
            return Truth::holds(counts.chain(named)).again(was_restarted_for_rows(oldest, case));
        }
        let missing = judged.into_iter().find_map(|(_, overdue)| match overdue {
            Overdue::Unknown { missing } => Some(missing),
            Overdue::NoLimit | Overdue::Within | Overdue::Over { .. } => None,
        });
        match missing {
            Some(missing) => Truth::unknown(missing),
            None => Truth::holds_not(safe!("no {} row is overdue", self.table)),
        }
    }

    /// `a row in cluster_accepted is older than 3m (oldest 2m10s)`, for each status of these roles that has rows; else for all of them.
    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        let name = &self.table;
        let Some(table) = case.profile.table(name) else {
            return safe!("the profile has a table {name}");
        };
        let rows = match case.state.statuses(name) {
            Some(Ok(rows)) => &rows[..],
            _ => &[],
        };
        let limited = table
            .statuses
            .iter()
            .filter(|status| self.roles.contains(&status.role));
        let with_rows = limited.filter_map(|status| {
            let row = rows
                .iter()
                .find(|row| *row.status == *status.name && row.count > 0)?;
            let limit = duration::brief(duration::of(status.limit?));
            let oldest = row.oldest_s.map_or(SafeText::default(), |oldest| {
                safe!(" (oldest {})", duration::age(oldest))
            });
            Some(safe!("a row in {} is older than {limit}{oldest}", status.name))
        });
        let with_rows: Vec<_> = with_rows.collect();
        if with_rows.is_empty() {
            safe!("a {name} row goes over its limit")
        } else {
            with_rows.join(", or ").into()
        }
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!("no {} row is overdue", self.table)
    }

    /// `a clusters row over 45m in cluster_provisioning or cluster_provisioned`: statuses of one limit together, and only how many they are
    /// where a list of them would push the limits of others out of the line.
    fn threshold(&self, profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        let statuses = profile
            .table(&self.table)
            .map_or(&[][..], |table| &table.statuses);
        let limited = statuses.iter().filter(|status| self.roles.contains(&status.role));
        let mut by_limit: Vec<(SignedDuration, Vec<&str>)> = Vec::new();
        for Status { name, limit, .. } in limited {
            let Some(limit) = limit.map(duration::of) else {
                continue;
            };
            match by_limit.iter_mut().find(|(known, _)| *known == limit) {
                Some((_, names)) => names.push(name),
                None => by_limit.push((limit, vec![name])),
            }
        }
        let words = |(limit, names): &(SignedDuration, Vec<&str>)| {
            let statuses = match names.len() {
                0..=NAMED => names.join(" or ").into(),
                many => safe!("one of {many} statuses"),
            };
            format!("over {} in {statuses}", duration::brief(*limit))
        };
        let all: Vec<_> = by_limit.iter().map(words).collect();
        vec![safe!("a {} row {}", self.table, all.join(", "))]
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

/// `1 OSD cluster in cluster_accepted for 7m11s (limit 3m), not moving`; `2 OSD clusters in cluster_accepted over 3m, oldest 7m11s`.
fn count_in_words(
    table: &Table,
    row: &StatusCount,
    overdue: &Overdue,
    moves: Option<bool>,
) -> Option<SafeText> {
    let count = overdue.count()?;
    let at_least = if overdue.is_least() { "at least " } else { "" };
    let limit = duration::brief(duration::of(table.status(&row.status)?.limit?));
    let oldest = row.oldest_s.map(SignedDuration::from_secs).map(duration::brief);
    let age = match oldest {
        Some(oldest) if count == 1 && !overdue.is_least() => format!("for {oldest} (limit {limit})"),
        Some(oldest) => format!("over {limit}, oldest {oldest}"),
        None => format!("over {limit}"),
    };
    let moves = match moves {
        Some(true) => ", others are moving",
        Some(false) => ", not moving",
        None => "",
    };
    let rows = table.rows_in_words(count);
    Some(safe!("{at_least}{rows} in {} {age}{moves}", row.status))
}

/// Whether rows that have been in their status for so many seconds are older than every process that lives.
fn was_restarted_for_rows(oldest_s: Option<i64>, case: &Evaluation<'_>) -> bool {
    let Some((read_at, _)) = &case.state.reading else {
        return false;
    };
    let since = oldest_s.and_then(|age| read_at.checked_sub(SignedDuration::from_secs(age)).ok());
    since.map_or_else(|| case.was_restarted(), |since| case.restarted_since(since))
}
