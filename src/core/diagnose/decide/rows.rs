//! Conditions about the rows of the database.

use jiff::SignedDuration;

use super::Truth;
use crate::diagnose::Evaluation;
use crate::diagnose::evidence;
use crate::diagnose::overdue::Overdue;
use crate::diagnose::step_result::SourceCheck;
use crate::logparse;
use crate::observe::observation::{StandingRow, StatusCount};
use crate::observe::source::SourceId;
use crate::profile::{ClockBasis, Role, Status, Table};
use crate::text::duration;

/// Rows that are named of many.
const NAMED: usize = 3;

impl Evaluation<'_> {
    /// The counts of a table, or what is missing.
    fn table(&self, name: &str) -> Result<(&Table, &[StatusCount]), Truth> {
        let Some(table) = self.profile.table(name) else {
            return Err(Truth::unknown(format!("the profile has no table {name}")));
        };
        if let SourceCheck::Never(why) | SourceCheck::Stopped(_, why) =
            self.hear(&SourceId::Database, "database")
        {
            return Err(Truth::unknown(why));
        }
        match self.state.statuses(name) {
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
        let has_role = |status: &Status| roles.contains(&status.role);
        let of_roles = rows
            .iter()
            .filter(|row| table.status(&row.status).is_some_and(has_role));
        let judged: Vec<_> = of_roles
            .map(|row| (row, self.state.overdue(table, row)))
            .collect();
        let late = || judged.iter().filter(|(_, overdue)| overdue.is_over());
        if late().next().is_some() {
            let over = late().filter_map(|(row, overdue)| {
                let moves = self.state.movement(table, &row.status).moves;
                over(table, row, overdue, moves)
            });
            let oldest = late().filter_map(|(row, _)| row.oldest_s).max();
            let named = self.state.late_rows(table);
            let named = named.filter(|row| table.status(&row.status).is_some_and(has_role));
            let named = named.take(NAMED).map(|row| late_in_words(table, row));
            return Truth::holds(over.chain(named)).again(self.was_restarted_for_rows(oldest));
        }
        let missing = judged.into_iter().find_map(|(_, overdue)| match overdue {
            Overdue::Unknown { missing } => Some(missing),
            Overdue::NoLimit | Overdue::Within | Overdue::Over { .. } => None,
        });
        match missing {
            Some(missing) => Truth::unknown(missing),
            None => Truth::holds_not(format!("no such row of {name} is over its limit")),
        }
    }

    /// Whether rows are in a status that the profile does not know, blank ones aside; with `over`, only those that have been for longer.
    pub(super) fn unknown_status(&self, name: &str, over: Option<SignedDuration>) -> Truth {
        let (table, rows) = match self.table(name) {
            Ok(read) => read,
            Err(unknown) => return unknown,
        };
        let strange = |status: &str| !status.is_empty() && table.status(status).is_none();
        let mut old = Vec::new();
        for row in rows.iter().filter(|row| row.count > 0 && strange(&row.status)) {
            match (over, row.oldest_s) {
                (Some(_), None) => return Truth::unknown(format!("no age for {}", row.status)),
                (Some(over), Some(oldest)) if oldest <= over.as_secs() => {}
                _ => old.push(row),
            }
        }
        if old.is_empty() {
            let longer = over.map_or(String::new(), |over| {
                format!(" for over {}", duration::clock(over))
            });
            return Truth::holds_not(format!(
                "no row of {name} is in a status that the profile does not know{longer}"
            ));
        }
        let words = old.iter().map(|row| {
            let oldest = row.oldest_s.map_or(String::new(), |oldest| {
                format!(
                    ", the oldest for {}",
                    duration::clock(SignedDuration::from_secs(oldest))
                )
            });
            let (count, status) = (row.count, &row.status);
            format!("{count} of {name} in status {status}, which the profile does not know{oldest}")
        });
        let named = self.strange_rows(table).filter(|row| !row.status.is_empty());
        Truth::holds(words.chain(named.take(NAMED).map(in_words)))
    }

    /// The rows of a table in a status that the profile does not know, or in none.
    pub(in crate::diagnose) fn strange_rows(&self, table: &Table) -> impl Iterator<Item = &StandingRow> {
        let listed = self.state.under_way(&table.name);
        let rows = listed.map_or(&[][..], |list| &list.rows);
        rows.iter().filter(|row| table.status(&row.status).is_none())
    }

    /// Whether rows failed within the window; with `classes`, only those whose reason is of one of these.
    pub(super) fn newly_failed(&self, name: &str, classes: &[String]) -> Truth {
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
            Some(new) => {
                let is_of =
                    |row: &&StandingRow| classes.is_empty() || classes.contains(&self.class_of_reason(row));
                let mut of_them = new.into_iter().filter(is_of).peekable();
                if of_them.peek().is_none() {
                    let kinds = self.kinds_in_words(classes);
                    return Truth::holds_not(format!("no row of {name} failed for a reason of {kinds}"));
                }
                Truth::holds(of_them.take(NAMED).map(in_words))
            }
        }
    }

    /// The error class of the reason for which a row failed, as that of a log line; empty where it says none or no class knows it.
    fn class_of_reason(&self, row: &StandingRow) -> String {
        logparse::class_of(&self.profile.error_classes, &row.row.reason)
    }

    /// The rows that failed within the window; `None` where that can't be told.
    pub(in crate::diagnose) fn failed_lately(&self, name: &str) -> Option<Vec<&StandingRow>> {
        let (standing, table) = (self.state.standing(name)?, self.profile.table(name)?);
        let window = self.now.duration_since(self.window()).as_secs();
        let is_new = |row: &&StandingRow| {
            let failed = table
                .status(&row.status)
                .is_some_and(|status| status.role == Role::Failed);
            failed && row.row.idle_s.is_some_and(|idle| idle <= window)
        };
        let new: Vec<_> = standing.rows.iter().filter(is_new).collect();
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
        tables.flat_map(|table| self.state.late_rows(table))
    }
}

/// `2 cluster_accepted over 03:00, oldest 07:11, stands still`.
fn over(table: &Table, row: &StatusCount, overdue: &Overdue, moves: Option<bool>) -> Option<String> {
    let count = overdue.count()?;
    let at_least = if overdue.is_least() { "at least " } else { "" };
    let limit = duration::clock(duration::of(table.status(&row.status)?.limit?));
    let oldest = row.oldest_s.map_or(String::new(), |oldest| {
        format!(", oldest {}", duration::clock(SignedDuration::from_secs(oldest)))
    });
    let moves = match moves {
        Some(true) => ", moves",
        Some(false) => ", stands still",
        None => "",
    };
    Some(format!(
        "{at_least}{count} {} over {limit}{oldest}{moves}",
        row.status
    ))
}

/// A row over its limit, as [`in_words`]; where its age counts from when we first saw it, it is told as the least it can be.
pub(in crate::diagnose) fn late_in_words(table: &Table, row: &StandingRow) -> String {
    let status = table.status(&row.status);
    let by_sight = status.is_some_and(|status| status.clock == ClockBasis::FirstSeen);
    told(row, if by_sight { "at least " } else { "" })
}

/// `1n5FZ… cluster_accepted 07:11 aws/us-east-1 OCM 1hq…: reason`.
pub(in crate::diagnose) fn in_words(standing: &StandingRow) -> String {
    told(standing, "")
}

fn told(standing: &StandingRow, at_least: &str) -> String {
    let StandingRow { status, clock_s, row } = standing;
    let idle = clock_s.map_or(String::new(), |idle| {
        format!(
            " {at_least}{}",
            duration::full_clock(SignedDuration::from_secs(idle))
        )
    });
    let ocm = if row.ocm_id.is_empty() {
        String::new()
    } else {
        format!(" OCM {}", row.ocm_id)
    };
    let colon = if row.reason.is_empty() { "" } else { ": " };
    let lead = format!("{} {status}{idle} {}{ocm}{colon}", row.id, row.region);
    evidence::quoting(&lead, &row.reason)
}
