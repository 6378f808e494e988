//! What the rows of the database show: the counts of a table by status, and single rows in words.

use jiff::SignedDuration;

use super::decide::Truth;
use super::evaluation::Evaluation;
use super::quoting;
use crate::observe::observation::{StandingRow, StatusCount};
use crate::observe::source::SourceId;
use crate::profile::{ClockBasis, Role, Table};
use crate::safe;
use crate::text::{Redacted, SafeText, duration};

impl Evaluation<'_> {
    /// The counts of a table, or what is missing.
    pub(super) fn table(&self, name: &str) -> Result<(&Table, &[StatusCount]), Truth> {
        let Some(table) = self.profile.table(name) else {
            return Err(Truth::unknown(safe!("the profile has no table {name}")));
        };
        if let Some(why) = self.hear(&SourceId::Database, "database").trouble() {
            return Err(Truth::unknown(why));
        }
        match self.state.statuses(name) {
            Some(Ok(rows)) => Ok((table, rows)),
            Some(Err(why)) => Err(Truth::unknown(named_once(name, why))),
            None => Err(Truth::unknown(safe!("{name} was not read"))),
        }
    }

    /// The rows of a table in a status that the profile does not know, or in none.
    pub(super) fn strange_rows(&self, table: &Table) -> impl Iterator<Item = &StandingRow> {
        let listed = self.state.under_way(&table.name);
        let rows = listed.map_or(&[][..], |list| &list.rows);
        rows.iter().filter(|row| table.status(&row.status).is_none())
    }

    /// The rows that failed within the window; `None` where the rows that were read do not show it.
    pub(super) fn failed_lately(&self, name: &str) -> Option<Vec<&StandingRow>> {
        let (standing, table) = (self.state.standing(name)?, self.profile.table(name)?);
        let window = self.now.duration_since(self.window()).as_secs();
        let is_new = |row: &&StandingRow| {
            has_role(table, &row.status, Role::Failed) && row.row.idle_s.is_some_and(|idle| idle <= window)
        };
        let new: Vec<_> = standing.rows.iter().filter(is_new).collect();
        (!new.is_empty() || !standing.more).then_some(new)
    }
}

/// Why a table can't be read, with its name in front where the reason does not begin with it.
pub(crate) fn named_once(table: &str, why: &Redacted) -> SafeText {
    match why.strip_prefix(table) {
        Some(rest) if rest.starts_with([':', ' ']) => why.into(),
        _ => safe!("{table}: {why}"),
    }
}

/// Whether the profile says that rows in a status have this role.
pub(super) fn has_role(table: &Table, status: &str, role: Role) -> bool {
    table.status(status).is_some_and(|status| status.role == role)
}

/// A row over its limit, as [`row_in_words`]; where its age counts from when we first saw it, that is the least it can be.
pub(super) fn late_row_in_words(table: &Table, row: &StandingRow) -> SafeText {
    let status = table.status(&row.status);
    let by_sight = status.is_some_and(|status| status.clock == ClockBasis::FirstSeen);
    words_of(row, if by_sight { "at least " } else { "" })
}

/// `cluster_accepted for 7m11s: 1n5FZ…, aws/us-east-1, OCM 1hq…`; with a reason `failed for 5m02s: reason (1n5FZ…, …)`.
pub(super) fn row_in_words(standing: &StandingRow) -> SafeText {
    words_of(standing, "")
}

fn words_of(standing: &StandingRow, at_least: &str) -> SafeText {
    let StandingRow { status, clock_s, row } = standing;
    let age = clock_s.map_or(SafeText::default(), |age| {
        safe!(
            " for {at_least}{}",
            duration::exact(SignedDuration::from_secs(age))
        )
    });
    let status = if status.is_empty() {
        "(no status)"
    } else {
        &**status
    };
    let ocm = if row.ocm_id.is_empty() {
        SafeText::default()
    } else {
        safe!(", OCM {}", row.ocm_id)
    };
    let ids = safe!("{}, {}{ocm}", row.id, row.region);
    let said = if row.reason.is_empty() {
        ids
    } else {
        safe!("{} ({ids})", row.reason)
    };
    quoting::quote(&format!("{status}{age}: "), &said)
}
