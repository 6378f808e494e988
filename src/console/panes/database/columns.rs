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
#[derive(Default)]
pub(crate) struct Cells {
    count: SafeText,
    oldest: SafeText,
    /// How much of the limit the oldest has used.
    used: Option<Used>,
    limit: SafeText,
    /// When the next row is overdue, or how many are.
    due: SafeText,
    change: SafeText,
    is_heading: bool,
}

/// A share of a limit, in percent; more than 100 is overdue.
#[derive(Clone, Copy)]
struct Used(u64);

/// Widths of the columns, each with a blank before it; 0: left out.
pub(crate) struct Columns {
    pub(crate) status: usize,
    count: usize,
    oldest: usize,
    bar: usize,
    limit: usize,
    due: usize,
    change: usize,
}

impl Columns {
    /// The sign of the chosen row.
    pub(crate) const MARK: usize = 2;
    /// Fewer cells for the status are too few: other columns go first.
    const STATUS: usize = 14;
    /// Cells of the bar.
    const BAR: usize = 8;

    /// As wide as the widest words, in so many cells.
    pub(crate) fn of(all: &[Cells], room: usize) -> Self {
        let widest = |text: fn(&Cells) -> &SafeText| {
            let widths = all.iter().map(|cells| styled_text::width(text(cells)));
            widths
                .max()
                .filter(|width| *width > 0)
                .map_or(0, |width| width + 1)
        };
        // A column whose heading is all there is goes.
        let used = |text: fn(&Cells) -> &SafeText| {
            let words = all.iter().filter(|cells| !cells.is_heading).map(text);
            if words.into_iter().any(|words| !words.is_empty()) {
                widest(text)
            } else {
                0
            }
        };
        let has_bar = all.iter().any(|cells| cells.used.is_some());
        let mut columns = Self {
            status: 0,
            count: widest(|cells| &cells.count),
            oldest: widest(|cells| &cells.oldest),
            bar: if has_bar { Self::BAR + 1 } else { 0 },
            limit: used(|cells| &cells.limit),
            due: used(|cells| &cells.due),
            change: used(|cells| &cells.change),
        };
        let narrower: [fn(&mut Self); 3] = [
            |columns| columns.bar = 0,
            |columns| columns.change = 0,
            |columns| columns.limit = 0,
        ];
        for narrow in narrower {
            if columns.status_in(room) < Self::STATUS {
                narrow(&mut columns);
            }
        }
        columns.status = columns.status_in(room).min(36);
        columns
    }

    fn status_in(&self, room: usize) -> usize {
        let others = self.count + self.oldest + self.bar + self.limit + self.due + self.change;
        room.saturating_sub(Self::MARK + others)
    }

    /// The words in their columns after what stands before them.
    pub(crate) fn line<'t>(
        &self,
        line: StyledText<'t>,
        cells: &Cells,
        theme: &'t Theme,
        meaning: Meaning,
    ) -> StyledText<'t> {
        let line = line
            .right(meaning, &cells.count, self.count)
            .right(meaning, &cells.oldest, self.oldest);
        let line = match cells.used {
            _ if self.bar == 0 => line,
            Some(used) => line.gap(1).join(bar(used, theme, Self::BAR)),
            None => line.gap(self.bar),
        };
        line.right(Meaning::Faint, &cells.limit, self.limit)
            .right(meaning, &cells.due, self.due)
            .right(meaning, &cells.change, self.change)
    }
}

/// `▇▇░░░░░░`: how much of the limit is used.
fn bar(Used(percent): Used, theme: &Theme, cells: usize) -> StyledText<'_> {
    let percent = usize::try_from(percent.min(100)).unwrap_or(100);
    // Something that has begun shows, and only what is overdue fills the bar.
    let full = match percent {
        0 => 0,
        100 => cells,
        _ => (percent * cells / 100).clamp(1, cells - 1),
    };
    let meaning = match percent {
        100 => Meaning::Bad,
        75.. => Meaning::Doubtful,
        _ => Meaning::Good,
    };
    StyledText::new(theme)
        .add(meaning, theme.clean(theme.glyphs.bar_full.repeat(full)))
        .add(
            Meaning::Faint,
            theme.clean(theme.glyphs.bar_empty.repeat(cells - full)),
        )
}

/// The words over a table.
pub(crate) fn heading_cells(app: &App, table: &Table) -> Cells {
    let window = app.state.change_of(&table.name, "").map(|(_, window)| window);
    let window = window.filter(SignedDuration::is_positive).map(age::age);
    Cells {
        count: "rows".into(),
        oldest: "oldest".into(),
        used: None,
        limit: "limit".into(),
        due: "due in".into(),
        change: window.map_or_else(SafeText::default, |window| safe!("change in {window}")),
        is_heading: true,
    }
}

/// The words of a status.
pub(crate) fn row_cells(app: &App, theme: &Theme, row: &DatabaseRow) -> Cells {
    let limit = row.limit_s;
    let brief = |seconds| duration::brief(SignedDuration::from_secs(seconds));
    let at_most = if row.at_least { theme.glyphs.at_most } else { "" };
    let due = match (row.over, row.movement.next_limit_s) {
        (Some(over), _) if over > 0 => {
            let more = if row.over_at_least { "+" } else { "" };
            safe!("{over}{more} overdue")
        }
        (_, Some(left)) => safe!("{at_most}{}", brief(left)),
        _ => SafeText::default(),
    };
    let used = limit.zip(oldest_s(app, row)).map(|(limit, oldest)| {
        let oldest = u64::try_from(oldest).unwrap_or(0);
        Used(oldest.saturating_mul(100).checked_div(limit).unwrap_or(100))
    });
    Cells {
        count: safe!("{}", row.count),
        oldest: oldest_words(app, theme, row).unwrap_or_default(),
        used,
        limit: limit.map_or_else(SafeText::default, |limit| {
            safe!("of {}", brief(i64::try_from(limit).unwrap_or(i64::MAX)))
        }),
        due,
        change: change_words(row).unwrap_or_default(),
        is_heading: false,
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

/// The age of the oldest row as the poll brought it, in seconds: it would else tick without anything being known.
fn oldest_s(app: &App, row: &DatabaseRow) -> Option<i64> {
    let read_at = app.state.reading.as_ref().map(|(at, _)| *at);
    let since = read_at.map_or(0, |at| app.clock.now.duration_since(at).as_secs().max(0));
    Some(row.oldest_s?.saturating_sub(since))
}

/// [`oldest_s`] in words.
pub(crate) fn oldest_words(app: &App, theme: &Theme, row: &DatabaseRow) -> Option<SafeText> {
    let oldest = oldest_s(app, row)?;
    let words = if row.limit_s.is_some() || oldest < 0 {
        duration::age(oldest).into()
    } else {
        age::age(SignedDuration::from_secs(oldest))
    };
    let at_least = if row.at_least { theme.glyphs.at_least } else { "" };
    Some(safe!("{at_least}{words}"))
}
