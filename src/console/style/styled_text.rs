//! Text by its width in cells: measured, cut, wrapped, and put together to styled lines.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::theme::{Meaning, Theme};
use sopwatch_core::text::SafeText;

/// Bytes that one character with its marks may have: a longer heap of marks would fill the line to the terminal, not the screen.
const GRAPHEME_BYTES: usize = 32;

/// Cells that text takes.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Text for one line: safe for the terminal, line ends as blanks, heaps of marks taken off.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let safe = SafeText::new(text);
    let heaped = |text: &str| {
        text.graphemes(true)
            .any(|grapheme| grapheme.len() > GRAPHEME_BYTES)
    };
    if &*safe == text && !text.contains('\n') && !heaped(text) {
        return Cow::Borrowed(text);
    }
    let one = |grapheme| match grapheme {
        "\n" => " ",
        heap if heap.len() > GRAPHEME_BYTES => "\u{fffd}",
        plain => plain,
    };
    Cow::Owned(safe.graphemes(true).map(one).collect())
}

/// The longest beginning that fits.
pub(crate) fn beginning(text: &str, max: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > max {
            return &text[..at];
        }
    }
    text
}

/// The longest end that fits.
pub(crate) fn end(text: &str, max: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        if used > max {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// Cut at its end.
pub(crate) fn cut(text: &str, max: usize, ellipsis: &str) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let mark = beginning(ellipsis, max);
    format!("{}{mark}", beginning(text, max - width(mark)))
}

/// Cut at its beginning, so that the end shows.
pub(crate) fn cut_left(text: &str, max: usize, ellipsis: &str) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let mark = beginning(ellipsis, max);
    format!("{mark}{}", end(text, max - width(mark)))
}

/// Cut in its middle, so that both ends show.
pub(crate) fn cut_middle(text: &str, max: usize, ellipsis: &str) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let mark = beginning(ellipsis, max);
    let room = max - width(mark);
    let tail = end(text, room / 2);
    format!("{}{mark}{tail}", beginning(text, room - width(tail)))
}

/// Breaks text into lines of `max` cells, at blanks where it can; later lines are indented. `max` is at least 1.
pub(crate) fn wrap(text: &str, max: usize, indent: usize) -> Vec<String> {
    let max = max.max(1);
    let indent = if indent * 2 > max { 0 } else { indent };
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let lead = if lines.is_empty() { 0 } else { indent };
        let head = line_of(rest, max - lead);
        lines.push(format!("{:lead$}{}", "", head.trim_end()));
        rest = rest[head.len()..].trim_start_matches(' ');
        if rest.is_empty() {
            return lines;
        }
    }
}

/// What of `text` goes on one line of `max` cells; never nothing of something.
fn line_of(text: &str, max: usize) -> &str {
    let head = beginning(text, max);
    if head.len() == text.len() {
        return text;
    }
    if head.is_empty() {
        return text.graphemes(true).next().unwrap_or(text);
    }
    let at_blank = head.ends_with(' ') || text[head.len()..].starts_with(' ');
    match head.trim_end().rfind(' ') {
        Some(blank) if !at_blank && !head[..blank].trim().is_empty() => &head[..=blank],
        _ => head,
    }
}

/// A styled line in the making.
#[derive(Clone)]
pub(crate) struct StyledText<'t> {
    theme: &'t Theme,
    spans: Vec<Span<'static>>,
    width: usize,
}

impl<'t> StyledText<'t> {
    pub(crate) fn new(theme: &'t Theme) -> Self {
        Self {
            theme,
            spans: Vec::new(),
            width: 0,
        }
    }

    /// Cells taken so far.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Adds text, made safe.
    pub(crate) fn add(mut self, meaning: Meaning, text: &str) -> Self {
        let text = self.theme.clean(text).into_owned();
        self.width += width(&text);
        self.spans.push(Span::styled(text, self.theme.style(meaning)));
        self
    }

    /// Adds blanks.
    pub(crate) fn gap(mut self, cells: usize) -> Self {
        self.width += cells;
        self.spans.push(Span::raw(" ".repeat(cells)));
        self
    }

    /// Adds text in a column of so many cells, cut at its end.
    pub(crate) fn column(self, meaning: Meaning, text: &str, cells: usize) -> Self {
        let text = cut(&self.theme.clean(text), cells, self.theme.glyphs.ellipsis);
        let rest = cells.saturating_sub(width(&text));
        self.add(meaning, &text).gap(rest)
    }

    /// The same, to the right.
    pub(crate) fn right(self, meaning: Meaning, text: &str, cells: usize) -> Self {
        let text = cut(&self.theme.clean(text), cells, self.theme.glyphs.ellipsis);
        let rest = cells.saturating_sub(width(&text));
        self.gap(rest).add(meaning, &text)
    }

    /// Adds other words.
    pub(crate) fn join(mut self, other: Self) -> Self {
        self.width += other.width;
        self.spans.extend(other.spans);
        self
    }

    /// Lays a style over all.
    pub(crate) fn over(mut self, meaning: Meaning) -> Self {
        let style = self.theme.style(meaning);
        self.spans
            .iter_mut()
            .for_each(|span| span.style = span.style.patch(style));
        self
    }

    /// Cut at its end to so many cells.
    pub(crate) fn cut(mut self, max: usize) -> Self {
        if self.width <= max {
            return self;
        }
        let mark = beginning(self.theme.glyphs.ellipsis, max);
        let mut room = max - width(mark);
        for span in &mut self.spans {
            let kept = beginning(&span.content, room).to_owned();
            room = if kept.len() == span.content.len() {
                room - width(&kept)
            } else {
                0
            };
            span.content = kept.into();
        }
        self.spans.retain(|span| !span.content.is_empty());
        let style = self.spans.last().map_or(Style::new(), |span| span.style);
        self.spans.push(Span::styled(mark.to_owned(), style));
        self.width = max;
        self
    }

    /// A line that goes on where nobody sees it, with the sign of that, in so many cells.
    pub(crate) fn goes_on(self, max: usize) -> Self {
        let mark = format!(" {}", self.theme.glyphs.ellipsis);
        let room = max.saturating_sub(width(&mark));
        if self.width > room {
            // The cut has its own sign.
            self.cut(room)
        } else {
            self.add(Meaning::Faint, &mark)
        }
    }

    /// Draws it on the first row of `area`, cut to its width.
    pub(crate) fn draw(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        // From nothing: what lies beneath, such as a frame, must not lend its colour.
        let line = Line::from(self.cut(usize::from(area.width)).spans).style(Style::reset());
        buffer.set_line(area.x, area.y, &line, area.width);
    }
}

/// Draws lines from the top of `area` down, as many as fit.
pub(crate) fn draw_lines<'t>(
    lines: impl IntoIterator<Item = StyledText<'t>>,
    area: Rect,
    buffer: &mut Buffer,
) {
    for (row, line) in area.rows().zip(lines) {
        line.draw(row, buffer);
    }
}

/// Leaves out the least important pieces (those with the highest rank) until the rest fits; a rank of 0 stays.
pub(crate) fn fit(mut pieces: Vec<(u8, StyledText<'_>)>, gap: usize, max: usize) -> Vec<StyledText<'_>> {
    loop {
        let width: usize = pieces.iter().map(|(_, words)| words.width() + gap).sum();
        let least = pieces.iter().map(|(rank, _)| *rank).max().unwrap_or(0);
        if width <= max + gap || least == 0 {
            return pieces.into_iter().map(|(_, words)| words).collect();
        }
        if let Some(place) = pieces.iter().rposition(|(rank, _)| *rank == least) {
            pieces.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_count_cells_not_characters() {
        assert_eq!(cut("日本語", 5, "…"), "日本…");
        assert_eq!(cut("日本語", 4, "…"), "日…");
        assert_eq!(cut("abc", 3, "…"), "abc");
        assert_eq!(cut("abcd", 2, "..."), "..");
        assert_eq!(cut("abcd", 0, "…"), "");
        assert_eq!(cut_left("managed-2mgcp", 8, "…"), "…d-2mgcp");
        assert_eq!(cut_middle("waiting_for_operator", 9, "…"), "wait…ator");
    }

    #[test]
    fn wrapping_loses_no_word() {
        assert_eq!(wrap("one two three", 8, 2), ["one two", "  three"]);
        assert_eq!(wrap("abcdefgh", 3, 0), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本", 1, 4), ["日", "本"]);
        assert_eq!(wrap("", 5, 0), [""]);
    }

    #[test]
    fn a_heap_of_marks_is_counted_instead_of_drawn() {
        let heap = format!("a{}b", "\u{301}".repeat(100));
        assert_eq!(one_line(&heap), "a⟨100 marks⟩b");
    }

    #[test]
    fn the_least_important_pieces_go_first() {
        let theme = Theme::named("dark", true, false).unwrap();
        let piece = |rank, text| (rank, StyledText::new(&theme).add(Meaning::Text, text));
        let pieces = vec![piece(2, "aaaa"), piece(0, "bbbb"), piece(1, "cccc")];
        let kept = |max| fit(pieces.clone(), 1, max).len();
        assert_eq!((kept(14), kept(13), kept(9), kept(8), kept(0)), (3, 2, 2, 1, 1));
    }
}
