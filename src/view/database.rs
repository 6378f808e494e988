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
        fault::lines(&faults, theme, app.now, 1)
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

/// Widths of the columns; 0: left out.
struct Columns {
    status: usize,
    limit: usize,
    change: usize,
}

impl Columns {
    const MARK: usize = 2;
    const COUNT: usize = 6;
    const OLDEST: usize = 10;
    const OVER: usize = 6;

    fn of(room: usize) -> Self {
        let rest = room.saturating_sub(Self::MARK + Self::COUNT + Self::OLDEST + Self::OVER);
        let (limit, change) = match rest {
            29.. => (7, 6),
            23.. => (7, 0),
            20.. => (0, 6),
            _ => (0, 0),
        };
        let status = rest.saturating_sub(limit + change).min(44);
        Self {
            status,
            limit,
            change,
        }
    }
}

fn draw_grid(app: &App, theme: &Theme, region: &Region, area: Rect, buffer: &mut Buffer) {
    let grid = app.grid();
    let items = items(app, &grid);
    let columns = Columns::of(usize::from(area.width));
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
        buffer.set_style(row, theme.style(Meaning::Selected));
    }
}

fn heading<'t>(app: &App, theme: &'t Theme, table: &Table, columns: &Columns) -> Words<'t> {
    let mut line = Words::new(theme)
        .column(Meaning::Heading, &table.name, Columns::MARK + columns.status)
        .right(Meaning::Faint, "count", Columns::COUNT)
        .right(Meaning::Faint, "oldest", Columns::OLDEST);
    if columns.limit > 0 {
        line = line.right(Meaning::Faint, "limit", columns.limit);
    }
    line = line.right(Meaning::Faint, "over", Columns::OVER);
    if columns.change > 0 {
        let window = app.facts.change_of(&table.name, "").map(|(_, window)| window);
        let window = window
            .filter(SignedDuration::is_positive)
            .map(age::age)
            .unwrap_or_default();
        line = line.right(
            Meaning::Faint,
            &format!("{}{window}", theme.glyphs.change),
            columns.change,
        );
    }
    line
}

fn status_row<'t>(
    app: &App,
    theme: &'t Theme,
    row: &GridRow,
    table: &Table,
    columns: &Columns,
    selected: bool,
) -> Words<'t> {
    let dash = theme.glyphs.dash;
    let over = row.over.is_some_and(|over| over > 0);
    let mark = if selected { theme.glyphs.chosen } else { "" };
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
        .column(Meaning::Text, mark, Columns::MARK)
        .column(
            if row.known { meaning } else { Meaning::Doubtful },
            &name,
            columns.status,
        )
        .right(meaning, &row.count.to_string(), Columns::COUNT)
        .right(meaning, &oldest_words(app, row, dash), Columns::OLDEST);
    let limit = row.limit_s.map_or_else(
        || dash.to_owned(),
        |limit| clock(i64::try_from(limit).unwrap_or(i64::MAX)),
    );
    let line = if columns.limit > 0 {
        line.right(Meaning::Faint, &limit, columns.limit)
    } else {
        line
    };
    let over_words = match row.over {
        None => dash.to_owned(),
        Some(0) => "0".to_owned(),
        Some(over) => format!("! {over}"),
    };
    let line = line.right(meaning, &over_words, Columns::OVER);
    if columns.change == 0 {
        return line;
    }
    let change = row
        .change
        .filter(|change| *change != 0)
        .map_or_else(|| dash.to_owned(), |change| format!("{change:+}"));
    line.right(Meaning::Text, &change, columns.change)
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
fn oldest_words(app: &App, row: &GridRow, dash: &str) -> String {
    let since = app
        .facts
        .reading
        .as_ref()
        .map_or(0, |(at, _)| app.now.duration_since(*at).as_secs().max(0));
    match row.oldest_s.map(|oldest| oldest.saturating_sub(since)) {
        None => dash.to_owned(),
        Some(oldest) if row.limit_s.is_some() || oldest < 0 => clock(oldest),
        Some(oldest) => age::age(SignedDuration::from_secs(oldest)),
    }
}

fn clock(seconds: i64) -> String {
    span::clock(SignedDuration::from_secs(seconds))
}
