//! The columns of the database pane: what they say, and which are left out where it is narrow.

use jiff::SignedDuration;

use super::age;
use super::theme::{Meaning, Theme};
use super::words::{self, Words};
use crate::app::{App, GridRow};
use crate::incident::profile::Table;
use crate::incident::span;

/// The words of a row or a heading, from count on.
pub(super) struct Cells {
    count: String,
    oldest: String,
    limit: String,
    over: String,
    change: String,
}

/// Widths of the columns, each with a blank before it; 0: left out.
pub(super) struct Columns {
    pub(super) status: usize,
    count: usize,
    oldest: usize,
    limit: usize,
    over: usize,
    change: usize,
}

impl Columns {
    /// The sign of the chosen row.
    pub(super) const MARK: usize = 2;
    /// Fewer cells for the status are too few: other columns go first.
    const STATUS: usize = 14;

    /// As wide as the widest words, in so many cells.
    pub(super) fn of(all: &[Cells], room: usize) -> Self {
        let widest = |text: fn(&Cells) -> &String| {
            all.iter()
                .map(|cells| words::width(text(cells)) + 1)
                .max()
                .unwrap_or(0)
        };
        let mut columns = Self {
            status: 0,
            count: widest(|cells| &cells.count),
            oldest: widest(|cells| &cells.oldest),
            limit: widest(|cells| &cells.limit),
            over: widest(|cells| &cells.over),
            change: widest(|cells| &cells.change),
        };
        if columns.status_in(room) < Self::STATUS {
            columns.limit = 0;
        }
        if columns.status_in(room) < Self::STATUS {
            columns.change = 0;
        }
        columns.status = columns.status_in(room).min(44);
        columns
    }

    fn status_in(&self, room: usize) -> usize {
        room.saturating_sub(Self::MARK + self.count + self.oldest + self.limit + self.over + self.change)
    }

    /// The words in their columns after what stands before them.
    pub(super) fn line<'t>(&self, line: Words<'t>, cells: &Cells, meaning: Meaning) -> Words<'t> {
        line.right(meaning, &cells.count, self.count)
            .right(meaning, &cells.oldest, self.oldest)
            .right(Meaning::Faint, &cells.limit, self.limit)
            .right(meaning, &cells.over, self.over)
            .right(meaning, &cells.change, self.change)
    }
}

/// The words over a table.
pub(super) fn heading_cells(app: &App, theme: &Theme, table: &Table) -> Cells {
    let window = app.facts.change_of(&table.name, "").map(|(_, window)| window);
    let window = window.filter(SignedDuration::is_positive).map(age::age);
    Cells {
        count: "count".to_owned(),
        oldest: "oldest".to_owned(),
        limit: "limit".to_owned(),
        over: "over".to_owned(),
        change: format!("{}{}", theme.glyphs.change, window.unwrap_or_default()),
    }
}

/// The words of a status.
pub(super) fn row_cells(app: &App, theme: &Theme, row: &GridRow) -> Cells {
    let dash = || theme.glyphs.dash.to_owned();
    let limit = row
        .limit_s
        .map(|limit| clock(i64::try_from(limit).unwrap_or(i64::MAX)));
    Cells {
        count: row.count.to_string(),
        oldest: oldest_words(app, row).unwrap_or_else(dash),
        limit: limit.unwrap_or_else(dash),
        over: match row.over {
            None => dash(),
            Some(0) => "0".to_owned(),
            Some(over) => format!("! {over}"),
        },
        change: row
            .change
            .filter(|change| *change != 0)
            .map_or_else(dash, |change| format!("{change:+}")),
    }
}

/// The age of the oldest row as the poll brought it: it would else tick without anything being known.
fn oldest_words(app: &App, row: &GridRow) -> Option<String> {
    let read_at = app.facts.reading.as_ref().map(|(at, _)| *at);
    let since = read_at.map_or(0, |at| app.now.duration_since(at).as_secs().max(0));
    let oldest = row.oldest_s?.saturating_sub(since);
    if row.limit_s.is_some() || oldest < 0 {
        return Some(clock(oldest));
    }
    Some(age::age(SignedDuration::from_secs(oldest)))
}

fn clock(seconds: i64) -> String {
    span::clock(SignedDuration::from_secs(seconds))
}
