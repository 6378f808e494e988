//! A line of text that is typed: in the place of the bar and the footer, so that what it narrows stays in view.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::dialogs::{Dialog, Purpose};
use crate::style::styled_text;
use crate::style::styled_text::{CellText, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::safe;

/// Draws the prompt over the last two rows of the screen and puts the cursor into it.
pub(crate) fn render(dialog: &Dialog, theme: &Theme, screen: Rect, frame: &mut Frame<'_>) {
    let Dialog::Prompt {
        purpose,
        input,
        error,
    } = dialog
    else {
        return;
    };
    let area = Rect {
        y: screen.bottom().saturating_sub(2),
        height: screen.height.min(2),
        ..screen
    };
    clear(area, theme, frame);
    let (label, hint) = words_of(purpose);
    let label = StyledText::new(theme)
        .gap(1)
        .add(Meaning::FocusedTitle, safe!(" {label} "))
        .gap(1);
    let room = usize::from(area.width).saturating_sub(label.width() + 1);
    let (shown, cursor) = view_of(input.value(), input.cursor(), room, theme);
    let x = area
        .x
        .saturating_add((label.width() + cursor) as u16)
        .min(area.right().saturating_sub(1));
    label.add(Meaning::Heading, shown).draw(area, frame.buffer_mut());
    frame.set_cursor_position(Position::new(x, area.y));
    let below = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    let second = match error {
        Some(error) => StyledText::new(theme)
            .gap(1)
            .add(Meaning::Complaint, safe!("{} {error}", theme.glyphs.fail)),
        None => StyledText::new(theme).gap(1).add(Meaning::Faint, hint),
    };
    second.draw(below, frame.buffer_mut());
}

fn clear(area: Rect, theme: &Theme, frame: &mut Frame<'_>) {
    for row in area.rows() {
        StyledText::new(theme)
            .gap(usize::from(row.width))
            .draw(row, frame.buffer_mut());
        frame.buffer_mut().set_style(row, ratatui::style::Style::reset());
    }
}

fn words_of(purpose: &Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::Filter { .. } => (
            "filter",
            "keep lines that match this regex, as you type · Enter keep · Esc cancel",
        ),
        Purpose::Hide { .. } => (
            "hide",
            "leave out lines that match this regex, as you type · Enter keep · Esc cancel",
        ),
        Purpose::Time => (
            "time",
            "13:05 or 13:05:10 (UTC), or 10m for ten minutes ago · Enter go · Esc cancel",
        ),
        Purpose::Search => (
            "search",
            "text, upper or lower case · Enter search, then n next and N previous · Esc cancel",
        ),
        Purpose::Remark => ("note", "Note for the record · Enter save · Esc cancel"),
        Purpose::Note { .. } => (
            "note",
            "what you saw; may be empty · Enter tick the step · Esc cancel",
        ),
    }
}

/// The part of the typed text that shows, and the cell of the cursor in it.
fn view_of(value: &str, cursor: usize, room: usize, theme: &Theme) -> (CellText, usize) {
    let split = value.char_indices().nth(cursor).map_or(value.len(), |(at, _)| at);
    let (before, after) = (theme.clean(&value[..split]), theme.clean(&value[split..]));
    let before = styled_text::end(&before, room.saturating_sub(1));
    let after = styled_text::beginning(&after, room.saturating_sub(styled_text::width(before)));
    let cursor = styled_text::width(before);
    (theme.clean(safe!("{before}{after}")), cursor)
}
