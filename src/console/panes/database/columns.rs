//! The columns of the database pane: what they say, and which are left out where it is narrow.

use jiff::SignedDuration;

use crate::app::{App, DatabaseRow};
use crate::style::age;
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::profile::Table;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

/// The words of a row or a heading, from count on.
pub(crate) struct Cells {
    count: SafeText,
    oldest: SafeText,
    limit: SafeText,
    over: SafeText,
    /// What is over the limit, or else when the next will be.
    over_or_next: SafeText,
    /// The same, and whether what is over moves.
    over_and_moves: SafeText,
    change: SafeText,
    next: SafeText,
}

/// How the limits are told, from wide to narrow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Wide,
    Close,
    Narrow,
}

/// Widths of the columns, each with a blank before it; 0: left out.
pub(crate) struct Columns {
    pub(crate) status: usize,
    width: Width,
    count: usize,
    oldest: usize,
    limit: usize,
    over: usize,
    change: usize,
    next: usize,
}

impl Columns {
    /// The sign of the chosen row.
    pub(crate) const MARK: usize = 2;
    /// Fewer cells for the status are too few: other columns go first.
    const STATUS: usize = 14;

    /// As wide as the widest words, in so many cells.
    pub(crate) fn of(all: &[Cells], room: usize) -> Self {
        let widest = |text: fn(&Cells) -> &SafeText| {
            all.iter()
                .map(|cells| styled_text::width(text(cells)) + 1)
                .max()
                .unwrap_or(0)
        };
        let mut columns = Self {
            status: 0,
            width: Width::Wide,
            count: widest(|cells| &cells.count),
            oldest: widest(|cells| &cells.oldest),
            limit: widest(|cells| &cells.limit),
            over: widest(|cells| &cells.over),
            change: widest(|cells| &cells.change),
            next: widest(|cells| &cells.next),
        };
        if columns.status_in(room) < Self::STATUS {
            columns.limit = 0;
        }
        if columns.status_in(room) < Self::STATUS {
            columns.width = Width::Close;
            (columns.next, columns.over) = (0, widest(|cells| &cells.over_or_next));
        }
        if columns.status_in(room) < Self::STATUS {
            columns.width = Width::Narrow;
            (columns.change, columns.over) = (0, widest(|cells| &cells.over_and_moves));
        }
        columns.status = columns.status_in(room).min(44);
        columns
    }

    fn status_in(&self, room: usize) -> usize {
        let others = self.count + self.oldest + self.limit + self.over + self.change + self.next;
        room.saturating_sub(Self::MARK + others)
    }

    /// The words in their columns after what stands before them.
    pub(crate) fn line<'t>(&self, line: StyledText<'t>, cells: &Cells, meaning: Meaning) -> StyledText<'t> {
        let over = match self.width {
            Width::Wide => &cells.over,
            Width::Close => &cells.over_or_next,
            Width::Narrow => &cells.over_and_moves,
        };
        line.right(meaning, &cells.count, self.count)
            .right(meaning, &cells.oldest, self.oldest)
            .right(Meaning::Faint, &cells.limit, self.limit)
            .right(meaning, over, self.over)
            .right(meaning, &cells.change, self.change)
            .right(meaning, &cells.next, self.next)
    }
}

/// The words over a table.
pub(crate) fn heading_cells(app: &App, theme: &Theme, table: &Table) -> Cells {
    let window = app.state.change_of(&table.name, "").map(|(_, window)| window);
    let window = window.filter(SignedDuration::is_positive).map(age::age);
    Cells {
        count: "rows".into(),
        oldest: "oldest".into(),
        limit: "limit".into(),
        over: "over".into(),
        over_or_next: "over".into(),
        over_and_moves: "over".into(),
        next: "next".into(),
        change: safe!("{}{}", theme.glyphs.change, window.unwrap_or_default()),
    }
}

/// The words of a status.
pub(crate) fn row_cells(app: &App, theme: &Theme, row: &DatabaseRow) -> Cells {
    let dash = || theme.glyphs.dash.into();
    let limit = row
        .limit_s
        .map(|limit| clock(i64::try_from(limit).unwrap_or(i64::MAX)));
    let over = match row.over {
        None => dash(),
        Some(0) => "0".into(),
        Some(over) => {
            let more = if row.over_at_least { "+" } else { "" };
            safe!("! {over}{more}")
        }
    };
    let is_over = row.over.is_some_and(|over| over > 0);
    let at_most = if row.at_least { theme.glyphs.at_most } else { "" };
    let next = row.movement.next_limit_s;
    let next = next.map(|left| safe!("{at_most}{}", clock(left)));
    let over_or_next = match &next {
        Some(next) if !is_over => safe!("in {next}"),
        _ => over.clone(),
    };
    let over_and_moves = match row.movement.moves {
        Some(moves) if is_over => safe!("{over} {}", if moves { "moves" } else { "still" }),
        _ => over_or_next.clone(),
    };
    Cells {
        count: safe!("{}", row.count),
        oldest: oldest_words(app, theme, row).unwrap_or_else(dash),
        limit: limit.unwrap_or_else(dash),
        over,
        over_or_next,
        over_and_moves,
        change: change_words(row).unwrap_or_else(dash),
        next: next.unwrap_or_else(dash),
    }
}

/// How many came and how many left, `+2 -1`, where rows are listed; else how the count changed. `still` where none leaves though some
/// wait; that they move is seen by those that left.
fn change_words(row: &DatabaseRow) -> Option<SafeText> {
    let movement = &row.movement;
    let passed = movement.entered.zip(movement.left);
    let (came, left) = match passed {
        Some((came, left)) => (signed('+', came), signed('-', left)),
        None => (
            row.change
                .filter(|change| *change != 0)
                .map(|change| safe!("{change:+}")),
            None,
        ),
    };
    let still = (movement.moves == Some(false)).then(|| "still".into());
    let words: Vec<_> = [came, left, still].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" ").into())
}

fn signed(sign: char, count: u64) -> Option<SafeText> {
    (count > 0).then(|| safe!("{sign}{count}"))
}

/// The age of the oldest row as the poll brought it: it would else tick without anything being known.
fn oldest_words(app: &App, theme: &Theme, row: &DatabaseRow) -> Option<SafeText> {
    let read_at = app.state.reading.as_ref().map(|(at, _)| *at);
    let since = read_at.map_or(0, |at| app.clock.now.duration_since(at).as_secs().max(0));
    let oldest = row.oldest_s?.saturating_sub(since);
    let words = if row.limit_s.is_some() || oldest < 0 {
        clock(oldest)
    } else {
        age::age(SignedDuration::from_secs(oldest))
    };
    let at_least = if row.at_least { theme.glyphs.at_least } else { "" };
    Some(safe!("{at_least}{words}"))
}

fn clock(seconds: i64) -> SafeText {
    duration::clock(SignedDuration::from_secs(seconds)).into()
}
