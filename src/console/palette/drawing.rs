//! The palette on the screen: what was typed, and below it what matches.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Entry;
use crate::app::App;
use crate::dialogs::drawing::{draw_frame, frame_of, place_words, text_area};
use crate::screen::borders;
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::safe;

/// Rows of the whole palette, frame included: it does not change its height while one types.
const ROWS: u16 = 20;

/// Cells of an entry's kind.
const KIND: usize = 8;

/// Cells that a name takes at most: what is said about it is what one reads.
const NAME: usize = 26;

/// Cells of an entry's key.
const KEY: usize = 9;

pub(crate) fn render(
    app: &App,
    theme: &Theme,
    (typed, chosen): (&str, usize),
    screen: Rect,
    buffer: &mut Buffer,
) {
    let area = frame_of(screen, ROWS);
    let text = text_area(area);
    let entries = app.palette_matches(typed);
    let list = Rect {
        y: text.y.saturating_add(1),
        height: text.height.saturating_sub(1),
        ..text
    };
    let height = usize::from(list.height);
    let first = borders::first_row(chosen, entries.len(), height);
    let place = place_words(first, height, entries.len());
    draw_frame(
        &"Find an action, SOP, pod, log or team · Enter open · Esc cancel".into(),
        &place,
        theme,
        area,
        buffer,
    );
    let room = usize::from(text.width);
    let shown = styled_text::end(typed, room.saturating_sub(3));
    StyledText::new(theme)
        .add(Meaning::Key, ":")
        .gap(1)
        .add(Meaning::Heading, safe!("{shown}▏"))
        .draw(text, buffer);
    if entries.is_empty() {
        StyledText::new(theme)
            .gap(2)
            .add(Meaning::Doubtful, "nothing matches")
            .draw(list, buffer);
    }
    let names = entries.iter().map(|entry| styled_text::width(&entry.name));
    let name = names.max().unwrap_or(0).min(NAME).min(room / 3);
    for ((index, entry), row) in entries.iter().enumerate().skip(first).zip(list.rows()) {
        line(entry, theme, (index == chosen, name, room)).draw(row, buffer);
        if index == chosen {
            borders::select(row, theme, buffer);
        }
    }
}

fn line<'t>(
    entry: &Entry,
    theme: &'t Theme,
    (is_chosen, name, room): (bool, usize, usize),
) -> StyledText<'t> {
    let mark = if is_chosen { theme.glyphs.chosen } else { "" };
    let line = StyledText::new(theme)
        .column(Meaning::Focus, mark, 2)
        .column(Meaning::Faint, entry.kind, KIND)
        .gap(1)
        .column(
            Meaning::Text,
            styled_text::cut_middle(&theme.clean(&entry.name), name, theme.glyphs.ellipsis),
            name,
        )
        .gap(2);
    let about = room.saturating_sub(line.width() + KEY + 1);
    line.column(Meaning::Faint, &entry.about, about)
        .gap(1)
        .right(Meaning::Key, &entry.key, KEY)
}
