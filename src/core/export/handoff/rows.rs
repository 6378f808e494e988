//! The rows that are late or have failed, with all that the other team needs to find them; and how many rows are in which status.

use jiff::SignedDuration;

use super::Audience;
use crate::diagnose::overdue::Overdue;
use crate::diagnose::window;
use crate::observe::observation::{StandingRow, StatusCount};
use crate::observe::source::{Freshness, SourceId};
use crate::profile::{ClockBasis, Role, Status, Table};
use crate::safe;
use crate::text::markdown::Section;
use crate::text::{SafeText, counted, duration};

/// Rows of a table that are named of many.
const ROWS: usize = 8;

/// Statuses that are counted of many: a table has a dozen.
const STATUSES: usize = 16;

impl<'a> Audience<'a> {
    fn tables(&self) -> impl Iterator<Item = &'a Table> {
        let database = self.account.profile.database.iter();
        database.flat_map(|database| &database.tables)
    }

    /// When the database was read: `read 13:59:57 UTC, 3s ago`.
    fn read(&self) -> Option<SafeText> {
        let (read_at, _) = self.account.state.reading.as_ref()?;
        let ago = self
            .account
            .now
            .duration_since(*read_at)
            .max(SignedDuration::ZERO);
        let stale = self
            .account
            .state
            .freshness(&SourceId::Database, self.account.now);
        let stale = if matches!(stale, Freshness::Fresh(_)) {
            ""
        } else {
            ", STALE"
        };
        Some(safe!(
            "read {}, {} ago{stale}",
            self.time(*read_at),
            duration::exact(ago)
        ))
    }

    /// One section a table that the contact knows: its rows that are late or have failed.
    pub(super) fn rows(&self) -> Vec<Section> {
        let Some(read) = self.read() else {
            return Vec::new();
        };
        let tables = self.tables().filter(|table| self.gets_table(&table.name));
        let section = |table: &Table| {
            let mut section = Section::new(safe!("{}s overdue or failed ({read})", table.title));
            self.rows_of(table, &mut section);
            section
        };
        tables.map(section).collect()
    }

    fn rows_of(&self, table: &Table, section: &mut Section) {
        let Some(standing) = self.account.state.standing(&table.name) else {
            section.item("the rows could not be read");
            return;
        };
        let now = self.account.now;
        let window = now.duration_since(window(self.account.state, now)).as_secs();
        let state = self.account.state;
        let late = state.late_rows(table).filter_map(|row| known(table, row));
        let mut late: Vec<_> = late.collect();
        late.sort_by_key(|(_, row)| std::cmp::Reverse(row.clock_s));
        let failed = standing.rows.iter().filter_map(|row| known(table, row));
        let failed = failed.filter(|(status, _)| status.role == Role::Failed);
        let failed: Vec<_> = failed
            .filter(|(_, row)| row.row.idle_s.is_some_and(|idle| idle <= window))
            .collect();
        section.listed(&late, ROWS, |(status, row)| late_words(status, row));
        section.listed(&failed, ROWS, |(_, row)| failed_words(row));
        let cut = standing.more || state.under_way(&table.name).is_some_and(|list| list.more);
        if cut {
            section.item("not all rows were read");
        }
        let over = self.over_limit(table);
        let untold = over.saturating_sub(late.len() as u64);
        if untold > 0 && !cut {
            section.item(safe!("{} overdue in total", counted(over, "row is", "rows are")));
        }
        if section.is_empty() && self.is_counted(table) {
            section.item("none");
        }
    }

    fn counted(&self, table: &Table) -> &'a [StatusCount] {
        match self.account.state.statuses(&table.name) {
            Some(Ok(counts)) => counts,
            Some(Err(_)) | None => &[],
        }
    }

    fn is_counted(&self, table: &Table) -> bool {
        matches!(self.account.state.statuses(&table.name), Some(Ok(_)))
    }

    fn over_limit(&self, table: &Table) -> u64 {
        let overdue = |count| self.account.state.overdue(table, count).count();
        self.counted(table).iter().filter_map(overdue).sum()
    }

    /// How many rows are in which status, and how old the oldest is.
    pub(super) fn counts(&self) -> Section {
        let read = self.read().unwrap_or_default();
        let mut section = Section::new(safe!("Rows by status ({read})"));
        for table in self.tables().filter(|table| self.gets_table(&table.name)) {
            let counts: Vec<_> = self
                .counted(table)
                .iter()
                .filter(|count| count.count > 0)
                .collect();
            section.listed(&counts, STATUSES, |count| {
                count_words(table, count, &self.account.state.overdue(table, count))
            });
            if counts.is_empty() && self.is_counted(table) {
                section.code(safe!("{}: no active rows", table.name));
            }
        }
        section
    }
}

/// A row with its status, where the profile knows that.
fn known<'r>(table: &'r Table, row: &'r StandingRow) -> Option<(&'r Status, &'r StandingRow)> {
    Some((table.status(&row.status)?, row))
}

/// `1n5F… cluster_provisioning for 2d 0h10m07s (limit 45m), OCM id 1hq3…, aws/us-east-1`.
fn late_words(status: &Status, row: &StandingRow) -> SafeText {
    let age = row.clock_s.unwrap_or_default();
    let since = if status.clock == ClockBasis::UpdatedAt {
        "for"
    } else {
        "created or first seen"
    };
    let limit = status.limit.map_or(SafeText::default(), |limit| {
        safe!(" (limit {})", duration::brief(duration::of(limit)))
    });
    safe!(
        "{} {} {since} {}{limit}{}",
        row.row.id,
        row.status,
        seconds(age),
        place_words(row)
    )
}

/// `1n5F… failed 5m02s ago, OCM id …, aws/us-east-1: the reason`.
fn failed_words(row: &StandingRow) -> SafeText {
    let ago = row.row.idle_s.map(seconds).unwrap_or_default();
    safe!("{} {} {ago} ago{}", row.row.id, row.status, place_words(row))
}

fn place_words(row: &StandingRow) -> SafeText {
    let row = &row.row;
    let ocm = if row.ocm_id.is_empty() {
        "no OCM id yet".into()
    } else {
        safe!("OCM id {}", row.ocm_id)
    };
    let reason = if row.reason.is_empty() {
        SafeText::default()
    } else {
        safe!(": {}", row.reason)
    };
    safe!(", {ocm}, {}{reason}", row.region)
}

fn count_words(table: &Table, count: &StatusCount, overdue: &Overdue) -> SafeText {
    let status = if count.status.is_empty() {
        "(no status)"
    } else {
        &*count.status
    };
    let oldest = count.oldest_s.map_or("unknown".into(), seconds);
    let known = table.status(&count.status);
    let limit = known
        .and_then(|known| known.limit)
        .map_or(SafeText::default(), |limit| {
            let at_least = if overdue.is_least() { "at least " } else { "" };
            let over = overdue.count().map_or("unknown".into(), |over| over.to_string());
            safe!(", {at_least}{over} over {}", duration::brief(duration::of(limit)))
        });
    let strange = if known.is_none() {
        ", unknown to the profile"
    } else {
        ""
    };
    safe!(
        "{} {}.{status}, oldest {oldest}{limit}{strange}",
        count.count,
        table.name
    )
}

fn seconds(seconds: i64) -> SafeText {
    duration::exact_age(seconds).into()
}
