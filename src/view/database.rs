//! The database by status.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::age;
use super::fault;
use super::frame;
use super::layout::Region;
use super::theme::{Meaning, Theme};
use super::words::{self, Words};
use crate::app::panes::Pane;
use crate::app::{App, GridRow};
use crate::incident::feed::{FeedId, FeedState, Freshness};
use crate::incident::profile::{Role, Table};
use crate::incident::span;

pub(super) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    let inner = region.inner();
    let faults = fault::of_database(app);
    let known = app.facts.reading.is_some();
    let lines = if known {
        fault::lines(&faults, theme, app.now, if inner.height > 6 { 2 } else { 1 })
    } else {
        Vec::new()
    };
    let height = inner.height.saturating_sub(lines.len() as u16);
    let list = Rect { height, ..inner };
    if known {
        draw_grid(app, theme, region, list, buffer);
    } else {
        frame::title(region, is_focused(app), title(app, theme), theme, buffer);
        draw_empty(app, theme, list, buffer);
    }
    let below = Rect {
        y: inner.y + height,
        height: inner.height - height,
        ..inner
    };
    words::draw_lines(lines, below, buffer);
}

fn is_focused(app: &App) -> bool {
    app.panes.focus == Pane::Database
}

fn title<'t>(app: &App, theme: &'t Theme) -> Vec<(u8, Words<'t>)> {
    let new = || Words::new(theme);
    let profile = app
        .session
        .profile
        .database
        .as_ref()
        .map(|database| database.name.as_str());
    let name = app
        .facts
        .database
        .as_ref()
        .map(|session| &*session.database)
        .or(profile);
    let age = match app.facts.freshness(&FeedId::Database, app.now) {
        Freshness::Fresh(_) => app
            .facts
            .reading
            .as_ref()
            .map(|(at, _)| format!("{} ago", age::since(*at, app.now))),
        Freshness::Missing | Freshness::Stale(_) => None,
    };
    vec![
        (2, new().add(Meaning::Text, name.unwrap_or_default())),
        (1, new().add(Meaning::Faint, &age.unwrap_or_default())),
        (0, fault::stale_words(app, &FeedId::Database, theme)),
    ]
}

/// Why there is nothing to see, with what to do.
fn draw_empty(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let (meaning, text) = empty_words(app);
    let lines = words::wrap(&theme.clean(&text), usize::from(area.width).saturating_sub(2), 0);
    let line = |text: String| Words::new(theme).gap(1).add(meaning, &text);
    words::draw_lines(lines.into_iter().map(line), area, buffer);
}

fn empty_words(app: &App) -> (Meaning, String) {
    if app.session.profile.database.is_none() {
        return (
            Meaning::Faint,
            "this service's profile has no database".to_owned(),
        );
    }
    let Some(feed) = app.facts.feed(&FeedId::Database) else {
        return (Meaning::Doubtful, "not connected yet".to_owned());
    };
    match &feed.state {
        FeedState::Off(reason) => (Meaning::Faint, format!("off: {reason}")),
        FeedState::Failing { .. } => (Meaning::Bad, failing_words(app)),
        FeedState::Connecting | FeedState::Live | FeedState::Ended => {
            (Meaning::Doubtful, "connecting …".to_owned())
        }
    }
}

fn failing_words(app: &App) -> String {
    let faults = fault::of_database(app);
    let Some(fault) = faults.first() else {
        return String::new();
    };
    let kind = app
        .facts
        .feed(&FeedId::Database)
        .and_then(|feed| feed.problem())
        .map_or("", |problem| fault::kind_word(problem.kind));
    format!(
        "{kind}{}: {}",
        fault.retry(app.now),
        fault.reason().unwrap_or_default()
    )
}

/// One line of the pane.
enum Item<'a> {
    Heading(&'a Table),
    /// A status, with its place among the rows one can choose.
    Status(usize, &'a GridRow, &'a Table),
    Trouble(String),
}

fn items<'a>(app: &'a App, grid: &'a [GridRow]) -> Vec<Item<'a>> {
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
        match app.facts.statuses(&table.name) {
            Some(Err(problem)) => items.push(Item::Trouble(format!("! {problem}"))),
            Some(Ok(rows)) if rows.is_empty() => items.push(Item::Trouble("no living row".to_owned())),
            Some(Ok(_)) => {}
            None => items.push(Item::Trouble("not read".to_owned())),
        }
    }
    items
}

/// The words of a row or a heading, from count on.
struct Cells {
    count: String,
    oldest: String,
    limit: String,
    over: String,
    change: String,
}

/// Widths of the columns, each with a blank before it; 0: left out.
struct Columns {
    status: usize,
    count: usize,
    oldest: usize,
    limit: usize,
    over: usize,
    change: usize,
}

impl Columns {
    const MARK: usize = 2;
    /// Fewer cells for the status are too few: other columns go first.
    const STATUS: usize = 14;

    fn of(all: &[Cells], room: usize) -> Self {
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
    fn line<'t>(&self, line: Words<'t>, cells: &Cells, meaning: Meaning) -> Words<'t> {
        line.right(meaning, &cells.count, self.count)
            .right(meaning, &cells.oldest, self.oldest)
            .right(Meaning::Faint, &cells.limit, self.limit)
            .right(meaning, &cells.over, self.over)
            .right(meaning, &cells.change, self.change)
    }
}

fn draw_grid(app: &App, theme: &Theme, region: &Region, area: Rect, buffer: &mut Buffer) {
    let grid = app.grid();
    let items = items(app, &grid);
    let headings = items.iter().filter_map(|item| match item {
        Item::Heading(table) => Some(heading_cells(app, theme, table)),
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
    let first = frame::first_row(chosen, items.len(), height);
    let mut pieces = title(app, theme);
    pieces.push((3, frame::range(theme, first, height, items.len())));
    frame::title(region, is_focused(app), pieces, theme, buffer);
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
    let stale = fault::is_stale(app, &FeedId::Database);
    let line = match item {
        Item::Heading(table) => heading(app, theme, table, columns),
        Item::Status(_, status, table) => status_row(app, theme, status, table, columns, selected),
        Item::Trouble(text) if text.starts_with('!') => Words::new(theme).gap(2).add(Meaning::Bad, text),
        Item::Trouble(text) => Words::new(theme).gap(2).add(Meaning::Faint, text),
    };
    let line = if stale && !matches!(item, Item::Heading(_)) {
        line.over(Meaning::Stale)
    } else {
        line
    };
    line.draw(row, buffer);
    if selected {
        frame::select(row, theme, buffer);
    }
}

fn heading_cells(app: &App, theme: &Theme, table: &Table) -> Cells {
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

fn heading<'t>(app: &App, theme: &'t Theme, table: &Table, columns: &Columns) -> Words<'t> {
    let line = Words::new(theme).column(Meaning::Heading, &table.name, Columns::MARK + columns.status);
    columns.line(line, &heading_cells(app, theme, table), Meaning::Faint)
}

fn row_cells(app: &App, theme: &Theme, row: &GridRow) -> Cells {
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

fn status_row<'t>(
    app: &App,
    theme: &'t Theme,
    row: &GridRow,
    table: &Table,
    columns: &Columns,
    selected: bool,
) -> Words<'t> {
    let over = row.over.is_some_and(|over| over > 0);
    let failed = table
        .status(&row.of.status)
        .is_some_and(|status| status.role == Role::Failed)
        && row.count > 0;
    let meaning = if failed || over {
        Meaning::Bad
    } else {
        Meaning::Text
    };
    let name = words::cut_middle(
        &theme.clean(&status_name(row)),
        columns.status,
        theme.glyphs.ellipsis,
    );
    let line = Words::new(theme)
        .column(
            Meaning::Text,
            if selected { theme.glyphs.chosen } else { "" },
            Columns::MARK,
        )
        .column(
            if row.known { meaning } else { Meaning::Doubtful },
            &name,
            columns.status,
        );
    columns.line(line, &row_cells(app, theme, row), meaning)
}

fn status_name(row: &GridRow) -> String {
    let name = if row.of.status.is_empty() {
        "(blank)"
    } else {
        &*row.of.status
    };
    if row.known {
        name.to_owned()
    } else {
        format!("? {name}")
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
