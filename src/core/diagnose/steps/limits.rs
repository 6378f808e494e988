//! `limits`: no row of a table is older than the limit of its status.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::overdue::Overdue;
use crate::diagnose::row_evidence::{late_row_in_words, row_in_words};
use crate::diagnose::status_counts::Counted;
use crate::diagnose::step_result::StepResult;
use crate::observe::state::CHANGE_WINDOW;
use crate::profile::sop::StepStatus;
use crate::profile::validation::Mistakes;
use crate::profile::{ClockBasis, Status, Table};
use crate::safe;
use crate::text::{SafeText, duration};

/// Rows that are named of many.
const NAMED: usize = 10;

/// No living row of a table is older than the limit of its status, strictly. Rows in a status that nobody knows, or in none, have no
/// limit: they are defective, however young they are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WithinLimits {
    /// The table's name.
    pub table: String,
}

/// The next row to go over its limit.
struct NextLimit {
    left: SignedDuration,
    words: SafeText,
    row: SafeText,
}

impl StepCheck for WithinLimits {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let counts = match case.counts(&self.table) {
            Ok(counts) => counts,
            Err(unknown) => return unknown,
        };
        let limited: Vec<_> = counts
            .known
            .iter()
            .filter(|counted| counted.limit().is_some())
            .collect();
        let rows: u64 = limited.iter().map(|counted| counted.row.count).sum();
        let over: u64 = limited.iter().filter_map(|counted| counted.overdue.count()).sum();
        let at_least = if limited.iter().any(|counted| counted.overdue.is_least()) {
            "at least "
        } else {
            ""
        };
        let offenders: Vec<_> = limited.iter().filter_map(|counted| counted.over()).collect();
        let doubt = limited.iter().find_map(|counted| match &counted.overdue {
            Overdue::Unknown { missing } => Some(missing.clone()),
            Overdue::NoLimit | Overdue::Within | Overdue::Over { .. } => None,
        });
        let (status, value) = match (over, doubt) {
            (0, Some(doubt)) => (StepStatus::Unknown, doubt),
            (0, None) if rows == 0 => (StepStatus::Pass, "no requests in progress".into()),
            (0, None) => (StepStatus::Pass, safe!("0 of {rows} overdue")),
            _ if offenders.is_empty() => (StepStatus::Fail, safe!("{at_least}{over} of {rows} overdue")),
            _ => (
                StepStatus::Fail,
                safe!("{at_least}{over} of {rows} overdue: {}", offenders.join(", ")),
            ),
        };
        let strange = counts.strange();
        // What decides is said first.
        let (first, strange) = match (strange, status) {
            (Some(strange), StepStatus::Pass | StepStatus::Unknown) => (Some(strange), None),
            (strange, _) => (None, strange),
        };
        let status = if first.is_some() { StepStatus::Fail } else { status };
        let next = next_limit(counts.table, case);
        let soon = next.as_ref().filter(|next| next.left <= CHANGE_WINDOW);
        let soon = soon.map(|next| next.words.clone());
        let movement = limited
            .iter()
            .find_map(|counted| movement(counts.table, counted, case));
        let value = first
            .into_iter()
            .chain([value])
            .chain(movement)
            .chain(soon)
            .chain(strange);
        StepResult::new(status, "database")
            .value(value.collect::<Vec<_>>().join(", "))
            .against(limits_in_words(counts.table))
            .evidence(named_late_rows(counts.table, case))
            .evidence(case.strange_rows(counts.table).take(NAMED).map(row_in_words))
            .evidence(next.map(|next| safe!("{}: {}", next.words, next.row)))
            .evidence(counts.evidence(case))
            .heard(&counts.heard)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.table(path, &self.table);
    }
}

/// Whether the rows of a status that has late ones move.
fn movement(table: &Table, counted: &Counted<'_>, case: &Evaluation<'_>) -> Option<SafeText> {
    if !counted.overdue.is_over() {
        return None;
    }
    let moves = case.state.movement(table, &counted.row.status).moves?;
    let words = if moves { "moving" } else { "not moving" };
    Some(safe!("{} {words}", counted.row.status))
}

/// The rows over their limit, to the second, the oldest first.
fn named_late_rows(table: &Table, case: &Evaluation<'_>) -> Vec<SafeText> {
    let mut late: Vec<_> = case.state.late_rows(table).collect();
    late.sort_by_key(|row| std::cmp::Reverse(row.clock_s));
    let more = late.len().saturating_sub(NAMED);
    let cut = case.state.under_way(&table.name).is_some_and(|list| list.more);
    let unread = cut && !late.is_empty();
    let more = (more > 0).then(|| safe!("and {more} more overdue"));
    let unread = unread.then(|| "more may be overdue: not all rows were read".into());
    let named = late.into_iter().take(NAMED);
    named
        .map(|row| late_row_in_words(table, row))
        .chain(more)
        .chain(unread)
        .collect()
}

/// How long until the next row of a table reaches its limit, in words, and which it is.
fn next_limit(table: &Table, case: &Evaluation<'_>) -> Option<NextLimit> {
    let (left_s, row) = case.state.next_over(table)?;
    let left = SignedDuration::from_secs(left_s);
    let clock = table.status(&row.status).map(|status| status.clock);
    let at_most = if clock == Some(ClockBasis::FirstSeen) {
        "at most "
    } else {
        ""
    };
    Some(NextLimit {
        left,
        words: safe!("next due in {at_most}{}", duration::brief(left)),
        row: safe!("{} {}", row.status, row.row.id),
    })
}

/// `cluster_accepted 3m, cluster_provisioning 45m`.
fn limits_in_words(table: &Table) -> SafeText {
    let limit = |status: &Status| {
        Some(safe!(
            "{} {}",
            status.name,
            duration::brief(duration::of(status.limit?))
        ))
    };
    table
        .statuses
        .iter()
        .filter_map(limit)
        .collect::<Vec<_>>()
        .join(", ")
        .into()
}
