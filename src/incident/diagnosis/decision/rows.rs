//! Conditions about the rows of the database.

use jiff::SignedDuration;

use super::Truth;
use super::pods::cut;
use crate::incident::diagnosis::Case;
use crate::incident::diagnosis::answer::Heard;
use crate::incident::fact::{StandingRow, StatusCount};
use crate::incident::feed::FeedId;
use crate::incident::profile::{ClockBasis, Profile, Role, Table};
use crate::incident::span;

/// Rows of a status that the profile does not know and that are older than any of the table's limits: whether they are late can't be told. A
/// blank status is known to be wrong, which is another matter.
pub(in crate::incident::diagnosis) fn strange_and_old(table: &Table, rows: &[StatusCount]) -> Option<String> {
    let longest = table.statuses.iter().filter_map(|status| status.limit).max()?;
    let longest = i64::try_from(longest.as_secs()).ok()?;
    let strange = rows.iter().find(|row| {
        let unknown = !row.status.is_empty() && table.status(&row.status).is_none();
        unknown && row.count > 0 && row.oldest_s.is_none_or(|oldest| oldest > longest)
    })?;
    let oldest = strange.oldest_s.map_or(String::new(), |oldest| {
        format!(" for {}", span::clock(SignedDuration::from_secs(oldest)))
    });
    let status = &strange.status;
    Some(format!(
        "whether rows in {status}{oldest} are late: the profile does not know this status"
    ))
}

/// Rows that are named of many.
const NAMED: usize = 3;

impl Case<'_> {
    /// The counts of a table, or what is missing.
    fn table(&self, name: &str) -> Result<(&Table, &[StatusCount]), Truth> {
        let Some(table) = self.profile.table(name) else {
            return Err(Truth::unknown(format!("the profile has no table {name}")));
        };
        if let Heard::Never(why) | Heard::Stopped(_, why) = self.hear(&FeedId::Database, "database") {
            return Err(Truth::unknown(why));
        }
        match self.facts.statuses(name) {
            Some(Ok(rows)) => Ok((table, rows)),
            Some(Err(why)) => Err(Truth::unknown(format!("{name}: {why}"))),
            None => Err(Truth::unknown(format!("{name} was not read"))),
        }
    }

    /// Whether rows in these roles are older than their status's limit, strictly.
    pub(super) fn over_limit(&self, name: &str, roles: &[Role]) -> Truth {
        let (table, rows) = match self.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        let of_roles = rows.iter().filter(|row| {
            let status = table.status(&row.status);
            row.count > 0
                && status.is_some_and(|status| roles.contains(&status.role) && status.limit.is_some())
        });
        let of_roles: Vec<_> = of_roles.collect();
        let over = of_roles.iter().filter_map(|row| {
            let moves = self.facts.movement(table, &row.status).moves;
            over(table, row, moves)
        });
        let over: Vec<String> = over.collect();
        if !over.is_empty() {
            let oldest = of_roles
                .iter()
                .filter(|row| row.over_limit > Some(0))
                .filter_map(|row| row.oldest_s)
                .max();
            let named = self.late_rows_of(name, roles).take(NAMED);
            let named = named.map(|row| late_in_words(self.profile, name, row));
            return Truth::holds(over.into_iter().chain(named)).again(self.was_restarted_for_rows(oldest));
        }
        let ageless = of_roles.iter().find(|row| row.over_limit.is_none());
        let strange = strange_and_old(table, rows).filter(|_| roles.contains(&Role::InFlight));
        match (ageless, strange) {
            (Some(row), _) => Truth::unknown(format!("the age of {} rows", row.status)),
            (None, Some(words)) => Truth::unknown(words),
            (None, None) => Truth::holds_not(format!("no such row of {name} is over its limit")),
        }
    }

    /// Whether rows failed within the window.
    pub(super) fn newly_failed(&self, name: &str) -> Truth {
        let (table, rows) = match self.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        let is_failed = |status: &str| {
            table
                .status(status)
                .is_some_and(|status| status.role == Role::Failed)
        };
        if !rows.iter().any(|row| row.count > 0 && is_failed(&row.status)) {
            return Truth::holds_not(format!("no row of {name} has failed"));
        }
        match self.failed_lately(name) {
            None => Truth::unknown(format!("when the failed rows of {name} failed")),
            Some(new) if new.is_empty() => Truth::holds_not(format!(
                "no row of {name} failed within the window; older ones are history"
            )),
            Some(new) => Truth::holds(new.into_iter().take(NAMED)),
        }
    }

    /// The rows that failed within the window, in words; `None` where that can't be told.
    pub(in crate::incident::diagnosis) fn failed_lately(&self, name: &str) -> Option<Vec<String>> {
        let (standing, table) = (self.facts.standing(name)?, self.profile.table(name)?);
        let window = self.now.duration_since(self.window()).as_secs();
        let is_new = |row: &&StandingRow| {
            let failed = table
                .status(&row.status)
                .is_some_and(|status| status.role == Role::Failed);
            failed && row.row.idle_s.is_some_and(|idle| idle <= window)
        };
        let new: Vec<String> = standing.rows.iter().filter(is_new).map(in_words).collect();
        (!new.is_empty() || !standing.more).then_some(new)
    }

    /// Whether rows have a blank status.
    pub(super) fn blank(&self, name: &str) -> Truth {
        let (_, rows) = match self.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        match rows.iter().find(|row| row.status.is_empty() && row.count > 0) {
            Some(row) => Truth::holds([match row.count {
                1 => format!("1 row of {name} has no status: no worker looks at it"),
                count => format!("{count} rows of {name} have no status: no worker looks at them"),
            }]),
            None => Truth::holds_not(format!("every row of {name} has a status")),
        }
    }

    /// Whether no row is ready.
    pub(super) fn none_ready(&self, name: &str) -> Truth {
        let (table, rows) = match self.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        let is_ready = |row: &&StatusCount| {
            table
                .status(&row.status)
                .is_some_and(|status| status.role == Role::Ready)
        };
        let ready: u64 = rows.iter().filter(is_ready).map(|row| row.count).sum();
        if ready == 0 {
            Truth::holds([format!("no row of {name} is ready")])
        } else {
            Truth::holds_not(format!("{ready} rows of {name} are ready"))
        }
    }

    /// Rows over their limit, of all tables.
    pub(super) fn late_rows(&self) -> impl Iterator<Item = &StandingRow> {
        let tables = self.profile.database.iter().flat_map(|database| &database.tables);
        tables.flat_map(|table| self.late_rows_of(&table.name, &[]))
    }

    /// Rows of a table over their limit, in these roles or in any.
    pub(in crate::incident::diagnosis) fn late_rows_of<'a>(
        &'a self,
        name: &str,
        roles: &'a [Role],
    ) -> impl Iterator<Item = &'a StandingRow> {
        let table = self.profile.table(name);
        let standing = self
            .facts
            .standing(name)
            .map_or(&[][..], |standing| &standing.rows);
        standing.iter().filter(move |row| {
            let status = table.and_then(|table| table.status(&row.status));
            status.is_some_and(|status| {
                let limit = status.limit.map(|limit| limit.as_secs() as i64);
                let late = limit.is_some_and(|limit| row.clock_s.is_some_and(|age| age > limit));
                late && (roles.is_empty() || roles.contains(&status.role))
            })
        })
    }
}

/// `2 cluster_accepted over 03:00, oldest 07:11, stands still`.
fn over(table: &Table, row: &StatusCount, moves: Option<bool>) -> Option<String> {
    let count = row.over_limit.filter(|over| *over > 0)?;
    let limit = span::clock(span::of(table.status(&row.status)?.limit?));
    let oldest = row.oldest_s.map_or(String::new(), |oldest| {
        format!(", oldest {}", span::clock(SignedDuration::from_secs(oldest)))
    });
    let moves = match moves {
        Some(true) => ", moves",
        Some(false) => ", stands still",
        None => "",
    };
    Some(format!("{count} {} over {limit}{oldest}{moves}", row.status))
}

/// A row over its limit, as [`in_words`]; where its age counts from when we first saw it, it is told as the least it can be.
pub(in crate::incident::diagnosis) fn late_in_words(
    profile: &Profile,
    table: &str,
    row: &StandingRow,
) -> String {
    let status = profile.table(table).and_then(|table| table.status(&row.status));
    let by_sight = status.is_some_and(|status| status.clock == ClockBasis::FirstSeen);
    told(row, if by_sight { "at least " } else { "" })
}

/// `1n5FZ… cluster_accepted 07:11 aws/us-east-1 OCM 1hq…: reason`.
fn in_words(standing: &StandingRow) -> String {
    told(standing, "")
}

fn told(standing: &StandingRow, at_least: &str) -> String {
    let StandingRow { status, clock_s, row } = standing;
    let idle = clock_s.map_or(String::new(), |idle| {
        format!(" {at_least}{}", span::full_clock(SignedDuration::from_secs(idle)))
    });
    let ocm = if row.ocm_id.is_empty() {
        String::new()
    } else {
        format!(" OCM {}", row.ocm_id)
    };
    let reason = if row.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", row.reason)
    };
    cut(&format!("{} {status}{idle} {}{ocm}{reason}", row.id, row.region))
}
