//! The rows of the database pane.

use crate::app::App;
use sopwatch_core::observe::observation::{RowsOf, StatusCount};
use sopwatch_core::observe::state::Movement;
use sopwatch_core::profile::{ClockBasis, Table};

/// One row of the database pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseRow {
    /// Which rows it stands for.
    pub of: RowsOf,
    /// Rows; `None` while unknown.
    pub count: u64,
    /// Age of the oldest at `now`, seconds.
    pub oldest_s: Option<i64>,
    /// Whether the oldest is at least as old: we count from when we first saw it.
    pub at_least: bool,
    /// Its limit, seconds.
    pub limit_s: Option<u64>,
    /// How many are over it.
    pub over: Option<u64>,
    /// Whether there may be more of them than that: not all rows were read.
    pub over_at_least: bool,
    /// How the count changed within the window of [`State::change_of`](sopwatch_core::observe::state::State::change_of).
    pub change: Option<i64>,
    /// How its rows move, and when the next is at its limit.
    pub movement: Movement,
    /// Whether the profile knows the status.
    pub known: bool,
}

impl App {
    /// The rows of the database pane: by table, then in the order of a row's life, statuses the profile does not know last.
    pub fn grid(&self) -> Vec<DatabaseRow> {
        let database = self.session.profile.database.iter();
        let tables = database.flat_map(|database| &database.tables);
        tables.flat_map(|table| self.rows_of_database(table)).collect()
    }

    fn rows_of_database(&self, table: &Table) -> Vec<DatabaseRow> {
        let Some(Ok(statuses)) = self.state.statuses(&table.name) else {
            return Vec::new();
        };
        let place = |status: &str| {
            let known = table.statuses.iter().position(|known| known.name == status);
            known.unwrap_or(usize::MAX)
        };
        let mut rows: Vec<_> = statuses
            .iter()
            .map(|status| self.database_row(table, status))
            .collect();
        rows.sort_by(|a, b| (place(&a.of.status), &a.of.status).cmp(&(place(&b.of.status), &b.of.status)));
        rows
    }

    fn database_row(&self, table: &Table, status: &StatusCount) -> DatabaseRow {
        let read_at = self.state.reading.as_ref().map_or(self.clock.now, |(at, _)| *at);
        let since = self.clock.now.duration_since(read_at).as_secs().max(0);
        let known = table.status(&status.status);
        let change = self.state.change_of(&table.name, &status.status);
        let overdue = self.state.overdue(table, status);
        DatabaseRow {
            of: RowsOf {
                table: table.name.as_str().into(),
                status: status.status.clone(),
            },
            count: status.count,
            oldest_s: status.oldest_s.map(|oldest| oldest.saturating_add(since)),
            at_least: known.is_some_and(|known| known.clock == ClockBasis::FirstSeen),
            limit_s: known.and_then(|known| known.limit).map(|limit| limit.as_secs()),
            over: overdue.count(),
            over_at_least: overdue.is_least(),
            change: change.map(|(change, _)| change),
            movement: self.state.movement(table, &status.status),
            known: known.is_some(),
        }
    }
}
