//! The database in as few lines as tell what counts, for a narrow screen: a line a table, what is overdue or failed first.

use super::columns::oldest_words;
use super::{empty_words, row_meaning, status_name, title, without_table};
use crate::app::{App, DatabaseRow};
use crate::panes::Pane;
use crate::screen::source_error;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use jiff::SignedDuration;
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::profile::Table;
use sopwatch_core::safe;
use sopwatch_core::text::duration;

/// The age of the reading, the faults of the source, which stay where rows are short, and the tables.
pub(crate) fn lines<'t>(app: &App, theme: &'t Theme, width: usize) -> Vec<StyledText<'t>> {
    let new = || StyledText::new(theme);
    let head = new().gap(1).add(
        Meaning::Title,
        safe!("{} {}", Pane::Database.number(), Pane::Database.title()),
    );
    if app.state.reading.is_none() {
        let (meaning, text) = empty_words(app);
        return vec![head.gap(2).add(meaning, text).cut(width)];
    }
    let state = title(app, theme)
        .into_iter()
        .skip(1)
        .filter(|(_, words)| words.width() > 0)
        .fold(head, |line, (_, words)| line.gap(2).join(words));
    let database = app.session.profile.database.iter();
    let tables: Vec<_> = database.flat_map(|database| &database.tables).collect();
    let grid = app.grid();
    let stale = source_error::is_stale(app, &SourceId::Database);
    let mut lines = vec![state];
    let faults = source_error::of_database(app);
    lines.extend(
        source_error::lines(&faults, theme, app.clock.now, 2)
            .into_iter()
            .map(|line| new().gap(2).join(line)),
    );
    let first = lines.len();
    for table in tables {
        let words = table_words(app, theme, table, &grid, width.saturating_sub(3));
        let words = if stale { words.over(Meaning::Stale) } else { words };
        let fits = first == 1
            && lines.len() == 1
            && lines
                .last()
                .is_some_and(|line| line.width() + 2 + words.width() <= width);
        match lines.pop_if(|_| fits) {
            Some(line) => lines.push(line.gap(2).join(words)),
            None => lines.push(new().gap(3).join(words)),
        }
    }
    lines
}

/// `kafka_requests: accepted 1 6m05s of 45m · ready 12`, in so many columns.
fn table_words<'t>(
    app: &App,
    theme: &'t Theme,
    table: &Table,
    grid: &[DatabaseRow],
    room: usize,
) -> StyledText<'t> {
    let line = StyledText::new(theme)
        .add(Meaning::Heading, theme.clean(&table.name))
        .add(Meaning::Faint, ":");
    match app.state.statuses(&table.name) {
        Some(Ok(_)) => {}
        Some(Err(problem)) => {
            return line
                .gap(1)
                .add(Meaning::Bad, without_table(table, problem))
                .cut(room);
        }
        None => return line.gap(1).add(Meaning::Faint, "not read"),
    }
    let mut rows: Vec<_> = grid.iter().filter(|row| *row.of.table == *table.name).collect();
    if rows.is_empty() {
        return line.gap(1).add(Meaning::Faint, "no active row");
    }
    // What is bad first, then what is closest to its limit.
    rows.sort_by_key(|row| {
        let bad = row_meaning(row, table) == Meaning::Bad;
        (!bad, row.movement.next_limit_s.unwrap_or(i64::MAX))
    });
    let words: Vec<_> = rows
        .iter()
        .map(|row| status_words(app, theme, row, table))
        .collect();
    let mut line = line;
    for (index, words) in words.iter().enumerate() {
        let left = rows.len() - index;
        let more = safe!(" +{left} more");
        let dot = if index == 0 { 1 } else { 3 };
        let reserved = if left == 1 { 0 } else { more.len() };
        if index > 0 && line.width() + dot + words.width() + reserved > room {
            return line.add(Meaning::Faint, more);
        }
        line = if index == 0 {
            line.gap(1)
        } else {
            line.add(Meaning::Faint, safe!(" {} ", theme.glyphs.dot))
        };
        line = line.join(words.clone());
    }
    line
}

/// `accepted 1 6m05s of 45m`, `accepted 2, 1 overdue, oldest 50m of 45m`, `ready 12`.
fn status_words<'t>(app: &App, theme: &'t Theme, row: &DatabaseRow, table: &Table) -> StyledText<'t> {
    let words = StyledText::new(theme).add(
        row_meaning(row, table),
        safe!("{} {}", status_name(row), row.count),
    );
    let Some(limit) = row.limit_s else {
        return words;
    };
    let limit = duration::brief(SignedDuration::from_secs(
        i64::try_from(limit).unwrap_or(i64::MAX),
    ));
    let oldest = oldest_words(app, theme, row).unwrap_or_default();
    match row.over {
        Some(over) if over > 0 => {
            let more = if row.over_at_least { "+" } else { "" };
            words.add(
                Meaning::Bad,
                safe!(", {over}{more} overdue, oldest {oldest} of {limit}"),
            )
        }
        _ if row.oldest_s.is_some_and(|oldest| oldest < 0) => words.add(Meaning::Faint, safe!(" {oldest}")),
        _ => words.add(Meaning::Faint, safe!(" {oldest} of {limit}")),
    }
}
