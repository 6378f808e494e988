//! The counts of a table by status, each beside what the profile says about the status.

use jiff::SignedDuration;

use super::evaluation::Evaluation;
use super::overdue::Overdue;
use super::row_evidence::named_once;
use super::step_result::{SourceCheck, StepResult};
use crate::observe::observation::StatusCount;
use crate::observe::source::SourceId;
use crate::profile::{ClockBasis, Role, Status, Table};
use crate::safe;
use crate::text::{SafeText, duration};

/// A status as the database has it, beside what the profile says about it and whether its rows are over its limit.
pub(super) struct Counted<'a> {
    pub(super) row: &'a StatusCount,
    pub(super) status: &'a Status,
    pub(super) overdue: Overdue,
}

impl Counted<'_> {
    pub(super) fn limit(&self) -> Option<SignedDuration> {
        self.status.limit.map(duration::of)
    }

    /// `cluster_accepted 7m11s (limit 3m)`.
    pub(super) fn over(&self) -> Option<SafeText> {
        if !self.overdue.is_over() {
            return None;
        }
        let oldest = age(self.row.oldest_s?, self.status.clock);
        Some(safe!(
            "{} {oldest} (limit {})",
            self.row.status,
            duration::brief(self.limit()?)
        ))
    }
}

/// `7m11s`; where it counts from when we first saw the row, it may be more.
fn age(seconds: i64, clock: ClockBasis) -> SafeText {
    let age = duration::age(seconds);
    match clock {
        ClockBasis::FirstSeen => safe!("at least {age}"),
        ClockBasis::UpdatedAt | ClockBasis::CreatedAt => age.into(),
    }
}

/// The counts of a table, split into those the profile knows and the others.
pub(super) struct Counts<'a> {
    pub(super) table: &'a Table,
    pub(super) known: Vec<Counted<'a>>,
    pub(super) unknown: Vec<&'a StatusCount>,
    pub(super) heard: SourceCheck,
}

impl Counts<'_> {
    pub(super) fn with_role(&self, role: Role) -> u64 {
        let of_role = self.known.iter().filter(|counted| counted.status.role == role);
        of_role.map(|counted| counted.row.count).sum()
    }

    /// `1 in unknown status teleporting`, `1 without a status`: rows that no worker looks at, as far as the profile knows.
    pub(super) fn strange(&self) -> Option<SafeText> {
        let (blank, strange): (Vec<_>, Vec<_>) = self.unknown.iter().partition(|row| row.status.is_empty());
        let sum = |rows: &[&StatusCount]| rows.iter().map(|row| row.count).sum::<u64>();
        let strange = strange.first().map(|first| {
            let (count, name) = (sum(&strange), &first.status);
            match strange.len() {
                1 => safe!("{count} in unknown status {name}"),
                more => safe!("{count} in unknown statuses, {name} and {} more", more - 1),
            }
        });
        let blank = (!blank.is_empty()).then(|| safe!("{} without a status", sum(&blank)));
        let words: Vec<_> = strange.into_iter().chain(blank).collect();
        (!words.is_empty()).then(|| words.join(", ").into())
    }

    /// Every status with its count, its oldest age and how its rows move; those the profile does not know are named as such.
    pub(super) fn evidence(&self, case: &Evaluation<'_>) -> Vec<SafeText> {
        let known = self
            .known
            .iter()
            .map(|counted| case.status_in_words(self.table, counted.row));
        let unknown = self.unknown.iter().map(|row| {
            let words = case.status_in_words(self.table, row);
            safe!("{words}, unknown to the profile")
        });
        known.chain(unknown).collect()
    }
}

impl Evaluation<'_> {
    /// `1 cluster_accepted, oldest 7m11s, in 5m 2 rows entered and 1 left, moving`.
    fn status_in_words(&self, table: &Table, row: &StatusCount) -> SafeText {
        let name = if row.status.is_empty() {
            "(no status)"
        } else {
            &*row.status
        };
        let clock = table
            .status(&row.status)
            .map_or(ClockBasis::UpdatedAt, |status| status.clock);
        let oldest = row.oldest_s.map(|oldest| safe!("oldest {}", age(oldest, clock)));
        let movement = self.state.movement(table, &row.status).in_words();
        let words = std::iter::once(safe!("{} {name}", row.count));
        let words = words.chain(oldest).chain(movement);
        words.collect::<Vec<_>>().join(", ").into()
    }

    /// The newest counts of a table, or the answer that they can't be had.
    pub(super) fn counts(&self, name: &str) -> Result<Counts<'_>, StepResult> {
        let unknown = |why: SafeText| StepResult::unknown("database", "not read", why);
        let Some(table) = self.profile.table(name) else {
            return Err(unknown(safe!("the profile has no table {name}")));
        };
        let heard = self.hear(&SourceId::Database, "database");
        if let SourceCheck::Never(why) = heard {
            return Err(unknown(why));
        }
        match self.state.statuses(name) {
            Some(Ok(rows)) => Ok(self.split(table, rows, heard)),
            Some(Err(why)) => Err(unknown(named_once(name, why)).heard(&heard)),
            None => Err(unknown(safe!("{name} was not read")).heard(&heard)),
        }
    }

    fn split<'a>(&self, table: &'a Table, rows: &'a [StatusCount], heard: SourceCheck) -> Counts<'a> {
        let known = |status: &str| {
            rows.iter()
                .find(|row| *row.status == *status)
                .filter(|row| row.count > 0)
        };
        let counted = |status: &'a Status| {
            let row = known(status.name.as_str())?;
            let overdue = self.state.overdue(table, row);
            Some(Counted { row, status, overdue })
        };
        Counts {
            table,
            known: table.statuses.iter().filter_map(counted).collect(),
            unknown: rows
                .iter()
                .filter(|row| table.status(&row.status).is_none() && row.count > 0)
                .collect(),
            heard,
        }
    }
}
