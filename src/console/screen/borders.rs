//! Frames with a title, the focused one told apart by more than its colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::layout::{Content, Frame, Region};
use crate::panes::Pane;
use crate::style::styled_text;
use crate::style::styled_text::{StyledText, draw_glyph};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::safe;

/// Draws the lines around a region.
pub(crate) fn lines(region: &Region, focused: bool, theme: &Theme, buffer: &mut Buffer) {
    let meaning = if focused { Meaning::Focus } else { Meaning::Border };
    let glyphs = theme.glyphs;
    match region.frame {
        Frame::Box { above, below } => {
            let upper = if above {
                (glyphs.tee_left, glyphs.tee_right)
            } else {
                (glyphs.top_left, glyphs.top_right)
            };
            let lower = if below {
                (glyphs.tee_left, glyphs.tee_right)
            } else {
                (glyphs.bottom_left, glyphs.bottom_right)
            };
            frame(region.area, meaning, (upper, lower), theme, buffer);
        }
        Frame::Rule if region.area.width > 1 => {
            let ends = (glyphs.horizontal, glyphs.horizontal);
            horizontal(region.area, region.area.y, ends, theme, meaning, buffer);
        }
        Frame::Rule | Frame::None => {}
    }
}

/// The signs at the ends of a line.
type Ends = (&'static str, &'static str);

fn frame(area: Rect, meaning: Meaning, (upper, lower): (Ends, Ends), theme: &Theme, buffer: &mut Buffer) {
    let Rect { y, height, .. } = area;
    if height < 2 || area.width < 2 {
        return;
    }
    horizontal(area, y, upper, theme, meaning, buffer);
    for side in (y + 1)..(y + height - 1) {
        for x in [area.x, area.right() - 1] {
            draw_glyph(theme.glyphs.vertical, meaning, (x, side), theme, buffer);
        }
    }
    horizontal(area, y + height - 1, lower, theme, meaning, buffer);
}

/// Draws where the side of a column ends on the line below it.
pub(crate) fn joint(place: (u16, u16), focused: bool, theme: &Theme, buffer: &mut Buffer) {
    let meaning = if focused { Meaning::Focus } else { Meaning::Border };
    draw_glyph(theme.glyphs.tee_up, meaning, place, theme, buffer);
}

/// A line across an area that has two columns at least.
fn horizontal(area: Rect, y: u16, (left, right): Ends, theme: &Theme, meaning: Meaning, buffer: &mut Buffer) {
    let last = area.right() - 1;
    draw_glyph(left, meaning, (area.x, y), theme, buffer);
    for x in (area.x + 1)..last {
        draw_glyph(theme.glyphs.horizontal, meaning, (x, y), theme, buffer);
    }
    draw_glyph(right, meaning, (last, y), theme, buffer);
}

/// Draws a region's title over its upper line: the name, then as many of the pieces as fit, the least important left out first.
pub(crate) fn title<'t>(
    region: &Region,
    focused: bool,
    pieces: Vec<(u8, StyledText<'t>)>,
    theme: &'t Theme,
    buffer: &mut Buffer,
) {
    let mark = if focused { theme.glyphs.chosen } else { "" };
    let name = match region.content {
        Content::Pane(pane) | Content::Summary(pane) => {
            safe!("{mark}{} {}", pane.number(), pane.title())
        }
        Content::Leaders => "Leaders".into(),
    };
    let meaning = if focused {
        Meaning::FocusedTitle
    } else {
        Meaning::Title
    };
    let name = StyledText::new(theme).add(meaning, name);
    let room = usize::from(region.area.width).saturating_sub(5 + name.width() + 2);
    let mut line = name;
    let pieces = pieces
        .into_iter()
        .filter(|(_, words)| words.width() > 0)
        .collect();
    for words in styled_text::fit(pieces, 2, room) {
        line = line.gap(2).join(words);
    }
    let row = Rect {
        x: region
            .area
            .x
            .saturating_add(if region.frame == Frame::Rule { 0 } else { 2 }),
        width: region.area.width.saturating_sub(4),
        height: 1,
        ..region.area
    };
    let line = if region.frame == Frame::Rule {
        StyledText::new(theme).gap(1).join(line)
    } else {
        line
    };
    let line = if row.width > 2 {
        line.cut(usize::from(row.width) - 1).gap(1)
    } else {
        line
    };
    line.draw(row, buffer);
}

/// Whether a region's pane has the focus.
pub(crate) fn is_focused(region: &Region, focus: Pane) -> bool {
    region.content == Content::Pane(focus)
}

/// The first row to draw of a list, so that the chosen one is in view.
pub(crate) fn first_row(chosen: usize, count: usize, height: usize) -> usize {
    let needed = (chosen + 1).saturating_sub(height);
    needed.min(count.saturating_sub(height))
}

/// Shows a row as the chosen one: all alike, since a patchwork of reversed colours can't be read.
pub(crate) fn select(row: Rect, theme: &Theme, buffer: &mut Buffer) {
    let even = Style::new().fg(Color::Reset).bg(Color::Reset);
    buffer.set_style(row, even.patch(theme.style(Meaning::Selected)));
}

/// Says which rows of a list are in view, when not all are.
pub(crate) fn range(theme: &Theme, first: usize, height: usize, count: usize) -> StyledText<'_> {
    let words = StyledText::new(theme);
    if count <= height {
        return words;
    }
    words.add(
        Meaning::Faint,
        safe!("{}-{}/{count}", first + 1, (first + height).min(count)),
    )
}

/// Draws a box of its own around `area`, as the focus has it.
pub(crate) fn boxed(area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let glyphs = theme.glyphs;
    let ends = (
        (glyphs.top_left, glyphs.top_right),
        (glyphs.bottom_left, glyphs.bottom_right),
    );
    frame(area, Meaning::Focus, ends, theme, buffer);
}
