//! What a search finds, marked where it was drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::panes::search::Search;
use crate::style::theme::{Meaning, Theme};

/// Marks the matches on the rows of an area.
pub(super) fn matches(search: &Search, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    for row in area.intersection(buffer.area).rows() {
        let mut text = String::new();
        // Where the text of each cell ends, in bytes.
        let mut ends = Vec::with_capacity(usize::from(row.width));
        for cell in row.positions() {
            text.push_str(buffer[cell].symbol());
            ends.push(text.len());
        }
        for found in search.places_in(&text).filter(|found| !found.is_empty()) {
            let first = ends.partition_point(|end| *end <= found.start);
            let last = ends.partition_point(|end| *end < found.end);
            let cells = Rect {
                x: row.x.saturating_add(u16::try_from(first).unwrap_or(u16::MAX)),
                width: u16::try_from(last + 1 - first).unwrap_or(u16::MAX),
                ..row
            };
            buffer.set_style(cells.intersection(row), theme.style(Meaning::Match));
        }
    }
}
