//! The database by status.

pub(crate) mod columns;
pub(crate) mod database_rows;
pub(crate) mod keys;
pub(crate) mod summary;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{App, DatabaseRow};
use crate::panes::Pane;
use crate::panes::database::columns::{Columns, heading_cells, row_cells};
use crate::screen::borders;
use crate::screen::layout::Region;
use crate::screen::source_error;
use crate::style::age;
use crate::style::styled_text;
use crate::style::styled_text::{CellText, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::observe::source::{Freshness, SourceId, SourceState};
use sopwatch_core::profile::{Role, Table};
use sopwatch_core::safe;
use sopwatch_core::text::{Redacted, SafeText};

/// Rows that the pane wants in so many columns: the tables with their statuses, and the faults of the source.
pub(crate) fn wanted(app: &App, theme: &Theme, width: usize) -> usize {
    if app.state.reading.is_none() {
        let (_, text) = empty_words(app);
        return styled_text::wrap(&theme.clean(&text), width.saturating_sub(2).max(1), 0).len();
    }
    let faults = source_error::of_database(app).len().min(2);
    items(app, &app.grid()).len() + faults
}

pub(crate) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    let inner = region.inner();
    let faults = source_error::of_database(app);
    let known = app.state.reading.is_some();
    let lines = if known {
        source_error::lines(
            &faults,
            theme,
            app.clock.now,
            if inner.height > 6 { 2 } else { 1 },
        )
    } else {
        Vec::new()
    };
    let height = inner.height.saturating_sub(lines.len() as u16);
    let list = Rect { height, ..inner };
    if known {
        draw_rows(app, theme, region, list, buffer);
    } else {
        borders::title(region, is_focused(app), title(app, theme), theme, buffer);
        draw_empty(app, theme, list, buffer);
    }
    let below = Rect {
        y: inner.y + height,
        height: inner.height - height,
        ..inner
    };
    styled_text::draw_lines(lines, below, buffer);
}

fn is_focused(app: &App) -> bool {
    app.panes.focus == Pane::Database
}

fn title<'t>(app: &App, theme: &'t Theme) -> Vec<(u8, StyledText<'t>)> {
    let new = || StyledText::new(theme);
    let profile = app
        .session
        .profile
        .database
        .as_ref()
        .map(|database| database.name.as_str());
    let name = app
        .state
        .database
        .as_ref()
        .map(|session| &*session.database)
        .or(profile);
    let age = match app.state.freshness(&SourceId::Database, app.clock.now) {
        Freshness::Fresh(_) => app
            .state
            .reading
            .as_ref()
            .map(|(at, _)| safe!("{} ago", age::since(*at, app.clock.now))),
        Freshness::Missing | Freshness::Stale(_) => None,
    };
    let reading = app.state.reading.as_ref();
    let standby = reading.and_then(|(_, reading)| reading.standby.as_ref());
    let standby = standby.map_or_else(new, |standby| {
        let meaning = if standby.is_current() {
            Meaning::Text
        } else {
            Meaning::Bad
        };
        new().add(meaning, standby.words())
    });
    vec![
        (2, new().add(Meaning::Text, theme.clean(name.unwrap_or_default()))),
        (3, standby),
        (1, new().add(Meaning::Faint, age.unwrap_or_default())),
        (0, source_error::stale_words(app, &SourceId::Database, theme)),
    ]
}

/// Why there is nothing to see, with what to do.
fn draw_empty(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let (meaning, text) = empty_words(app);
    let lines = styled_text::wrap(&theme.clean(text), usize::from(area.width).saturating_sub(2), 0);
    let line = |text: CellText| StyledText::new(theme).gap(1).add(meaning, text);
    styled_text::draw_lines(lines.into_iter().map(line), area, buffer);
}

fn empty_words(app: &App) -> (Meaning, SafeText) {
    if app.session.profile.database.is_none() {
        return (Meaning::Faint, "this service's profile has no database".into());
    }
    let Some(source) = app.state.source(&SourceId::Database) else {
        return (Meaning::Doubtful, "not connected yet".into());
    };
    match &source.state {
        SourceState::Off(reason) => (Meaning::Faint, safe!("off: {reason}")),
        SourceState::Failing { .. } => (Meaning::Bad, failing_words(app)),
        SourceState::Connecting | SourceState::Live | SourceState::Ended | SourceState::Resting => {
            (Meaning::Doubtful, "connecting …".into())
        }
    }
}

fn failing_words(app: &App) -> SafeText {
    let faults = source_error::of_database(app);
    let Some(fault) = faults.first() else {
        return SafeText::default();
    };
    let kind = app
        .state
        .source(&SourceId::Database)
        .and_then(|source| source.problem())
        .map_or("", |problem| problem.kind.in_words());
    safe!(
        "{kind}{}: {}",
        fault.retry(app.clock.now),
        fault.reason().unwrap_or_default()
    )
}

/// One line of the pane.
enum Item<'a> {
    Heading(&'a Table),
    /// A status, with its place among the rows one can choose.
    Status(usize, &'a DatabaseRow, &'a Table),
    Trouble(SafeText),
}

fn items<'a>(app: &'a App, grid: &'a [DatabaseRow]) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    let tables = app
        .session
        .profile
        .database
        .iter()
        .flat_map(|database| &database.tables);
    for table in tables {
        items.push(Item::Heading(table));
        let rows = grid
            .iter()
            .enumerate()
            .filter(|(_, row)| *row.of.table == *table.name);
        items.extend(rows.map(|(place, row)| Item::Status(place, row, table)));
        match app.state.statuses(&table.name) {
            Some(Err(problem)) => items.push(Item::Trouble(safe!("! {}", without_table(table, problem)))),
            Some(Ok(rows)) if rows.is_empty() => items.push(Item::Trouble("no active row".into())),
            Some(Ok(_)) => {}
            None => items.push(Item::Trouble("not read".into())),
        }
    }
    items
}

fn draw_rows(app: &App, theme: &Theme, region: &Region, area: Rect, buffer: &mut Buffer) {
    let grid = app.grid();
    let items = items(app, &grid);
    let headings = items.iter().filter_map(|item| match item {
        Item::Heading(table) => Some(heading_cells(app, table)),
        Item::Status(..) | Item::Trouble(_) => None,
    });
    let all: Vec<_> = grid
        .iter()
        .map(|row| row_cells(app, theme, row))
        .chain(headings)
        .collect();
    let columns = Columns::of(&all, usize::from(area.width));
    let is_chosen = |item: &Item<'_>| matches!(item, Item::Status(place, ..) if *place == app.panes.status);
    let chosen = items.iter().position(is_chosen).unwrap_or(0);
    let height = usize::from(area.height);
    let first = borders::first_row(chosen, items.len(), height);
    let mut pieces = title(app, theme);
    pieces.push((3, borders::range(theme, first, height, items.len())));
    borders::title(region, is_focused(app), pieces, theme, buffer);
    for (row, item) in area.rows().zip(&items[first..]) {
        let selected = is_focused(app) && is_chosen(item);
        draw_item(app, theme, item, &columns, selected, row, buffer);
    }
}

fn draw_item(
    app: &App,
    theme: &Theme,
    item: &Item<'_>,
    columns: &Columns,
    selected: bool,
    row: Rect,
    buffer: &mut Buffer,
) {
    let stale = source_error::is_stale(app, &SourceId::Database);
    let line = match item {
        Item::Heading(table) => heading(app, theme, table, columns),
        Item::Status(_, status, table) => status_row(app, theme, status, table, columns, selected),
        Item::Trouble(text) if text.starts_with('!') => StyledText::new(theme).gap(2).add(Meaning::Bad, text),
        Item::Trouble(text) => StyledText::new(theme).gap(2).add(Meaning::Faint, text),
    };
    let line = if stale && !matches!(item, Item::Heading(_)) {
        line.over(Meaning::Stale)
    } else {
        line
    };
    line.draw(row, buffer);
    if selected {
        borders::select(row, theme, buffer);
    }
}

fn heading<'t>(app: &App, theme: &'t Theme, table: &Table, columns: &Columns) -> StyledText<'t> {
    let line = StyledText::new(theme).column(
        Meaning::Heading,
        theme.clean(&table.name),
        Columns::MARK + columns.status,
    );
    columns.line(line, &heading_cells(app, table), theme, Meaning::Faint)
}

fn status_row<'t>(
    app: &App,
    theme: &'t Theme,
    row: &DatabaseRow,
    table: &Table,
    columns: &Columns,
    selected: bool,
) -> StyledText<'t> {
    let meaning = row_meaning(row, table);
    let name = styled_text::cut_middle(
        &theme.clean(status_name(row)),
        columns.status,
        theme.glyphs.ellipsis,
    );
    let line = StyledText::new(theme)
        .column(
            Meaning::Text,
            if selected { theme.glyphs.chosen } else { "" },
            Columns::MARK,
        )
        .column(meaning, &name, columns.status);
    columns.line(line, &row_cells(app, theme, row), theme, meaning)
}

/// Why a table can't be read, without its name: that stands before it.
pub(crate) fn without_table(table: &Table, why: &Redacted) -> SafeText {
    let rest = why.strip_prefix(table.name.as_str());
    rest.and_then(|rest| rest.strip_prefix(": "))
        .map_or_else(|| why.into(), SafeText::from)
}

/// What is overdue, failed or in a status that nobody knows is bad.
fn row_meaning(row: &DatabaseRow, table: &Table) -> Meaning {
    let over = row.over.is_some_and(|over| over > 0);
    let failed = table
        .status(&row.of.status)
        .is_some_and(|status| status.role == Role::Failed)
        && row.count > 0;
    if failed || over || !row.known {
        Meaning::Bad
    } else {
        Meaning::Text
    }
}

fn status_name(row: &DatabaseRow) -> SafeText {
    let name = if row.of.status.is_empty() {
        "(no status)"
    } else {
        &*row.of.status
    };
    if row.known { name.into() } else { safe!("? {name}") }
}
