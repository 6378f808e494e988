//! Text by its width in cells: measured, cut, wrapped, and put together to styled lines.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the one place that draws text"
)]

use std::fmt;
use std::ops::{Deref, Range};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::glyphs;
use super::theme::{Meaning, Theme};
use sopwatch_core::text::{Redacted, SafeText};

/// Bytes that one character with its marks may have: a longer heap of marks would fill the line to the terminal, not the screen.
const GRAPHEME_BYTES: usize = 32;

/// Cells that text takes.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Text as the cells of one line show it: safe text with line ends as blanks, without heaps of marks, and in ASCII where only that may be
/// drawn. [`Theme::clean`] makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellText(String);

impl CellText {
    /// Text of printable ASCII alone, which is safe and shown as it is; `None` for any other.
    pub(super) fn of_plain(text: &str) -> Option<Self> {
        let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        is_plain.then(|| Self(text.to_owned()))
    }

    /// Safe text as cells show it.
    pub(super) fn of(text: &SafeText, ascii: bool) -> Self {
        let one = |grapheme| match grapheme {
            "\n" => " ",
            heap if heap.len() > GRAPHEME_BYTES => "\u{fffd}",
            plain => plain,
        };
        let line: String = text.graphemes(true).map(one).collect();
        Self(if ascii { glyphs::ascii_of(&line) } else { line })
    }

    /// A part of it, by bytes that are ends of characters.
    pub(crate) fn part(&self, bytes: Range<usize>) -> Self {
        Self(self.0.get(bytes).unwrap_or_default().to_owned())
    }

    /// The same without the blanks that it begins with.
    pub(crate) fn trimmed_start(&self) -> Self {
        Self(self.0.trim_start().to_owned())
    }
}

impl fmt::Display for CellText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Deref for CellText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// What may be drawn: text that is safe by its type, and the program's own words. A string is made safe first, by
/// [`safe!`](sopwatch_core::safe) or [`Theme::clean`].
pub(crate) trait Drawn {
    /// The same as the cells of one line show it.
    fn cells(self, theme: &Theme) -> CellText;
}

impl Drawn for CellText {
    fn cells(self, _theme: &Theme) -> CellText {
        self
    }
}

impl Drawn for &CellText {
    fn cells(self, _theme: &Theme) -> CellText {
        self.clone()
    }
}

/// What [`Theme::clean`] makes cells of.
macro_rules! drawn {
    ($($kind:ty),*) => {
        $(impl Drawn for $kind {
            fn cells(self, theme: &Theme) -> CellText {
                theme.clean(self)
            }
        })*
    };
}

drawn!(&'static str, SafeText, &SafeText, Redacted, &Redacted);

/// Numbers are digits.
macro_rules! drawn_numbers {
    ($($kind:ty),*) => {
        $(impl Drawn for $kind {
            fn cells(self, _theme: &Theme) -> CellText {
                CellText(self.to_string())
            }
        })*
    };
}

drawn_numbers!(u32, u64, usize);

/// The longest beginning that fits.
pub(crate) fn beginning(text: &str, max: usize) -> &str {
    if text.is_ascii() {
        return &text[..text.len().min(max)];
    }
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
    if text.is_ascii() {
        return &text[text.len().saturating_sub(max)..];
    }
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
pub(crate) fn cut(text: &CellText, max: usize, ellipsis: &'static str) -> CellText {
    if width(text) <= max {
        return text.clone();
    }
    let mark = beginning(ellipsis, max);
    CellText(format!("{}{mark}", beginning(text, max - width(mark))))
}

/// Cut at its beginning, so that the end shows.
pub(crate) fn cut_left(text: &CellText, max: usize, ellipsis: &'static str) -> CellText {
    if width(text) <= max {
        return text.clone();
    }
    let mark = beginning(ellipsis, max);
    CellText(format!("{mark}{}", end(text, max - width(mark))))
}

/// Cut in its middle, so that both ends show.
pub(crate) fn cut_middle(text: &CellText, max: usize, ellipsis: &'static str) -> CellText {
    if width(text) <= max {
        return text.clone();
    }
    let mark = beginning(ellipsis, max);
    let room = max - width(mark);
    let tail = end(text, room / 2);
    CellText(format!("{}{mark}{tail}", beginning(text, room - width(tail))))
}

/// Breaks text into lines of `max` cells, at blanks where it can; later lines are indented. `max` is at least 1.
pub(crate) fn wrap(text: &CellText, max: usize, indent: usize) -> Vec<CellText> {
    let max = max.max(1);
    let indent = if indent * 2 > max { 0 } else { indent };
    let mut lines = Vec::new();
    let mut rest = &**text;
    loop {
        let lead = if lines.is_empty() { 0 } else { indent };
        let head = line_of(rest, max - lead);
        lines.push(CellText(format!("{:lead$}{}", "", head.trim_end())));
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

/// Draws a sign of the theme in one cell, from nothing, as [`StyledText::draw`] draws.
pub(crate) fn draw_glyph(
    glyph: &'static str,
    meaning: Meaning,
    (x, y): (u16, u16),
    theme: &Theme,
    buffer: &mut Buffer,
) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(glyph)
            .set_style(Style::reset().patch(theme.style(meaning)));
    }
}

/// Draws text of ASCII alone, a byte a cell: most of a screen, and no search for what belongs together to one sign. Where the next text goes.
fn draw_ascii(text: &str, style: Style, (x, y): (u16, u16), room: u16, buffer: &mut Buffer) -> u16 {
    let columns = x..x.saturating_add(room);
    let mut next = x;
    for (x, byte) in columns.zip(text.bytes()) {
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_char(byte.into()).set_style(style);
        }
        next = x + 1;
    }
    next
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

    /// Adds text.
    pub(crate) fn add(mut self, meaning: Meaning, text: impl Drawn) -> Self {
        let CellText(text) = text.cells(self.theme);
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
    pub(crate) fn column(self, meaning: Meaning, text: impl Drawn, cells: usize) -> Self {
        let text = cut(&text.cells(self.theme), cells, self.theme.glyphs.ellipsis);
        let rest = cells.saturating_sub(width(&text));
        self.add(meaning, text).gap(rest)
    }

    /// The same, to the right.
    pub(crate) fn right(self, meaning: Meaning, text: impl Drawn, cells: usize) -> Self {
        let text = cut(&text.cells(self.theme), cells, self.theme.glyphs.ellipsis);
        let rest = cells.saturating_sub(width(&text));
        self.gap(rest).add(meaning, text)
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
        let mark = CellText(format!(" {}", self.theme.glyphs.ellipsis));
        let room = max.saturating_sub(width(&mark));
        if self.width > room {
            // The cut has its own sign.
            self.cut(room)
        } else {
            self.add(Meaning::Faint, mark)
        }
    }

    /// Draws it on the first row of `area`, cut to its width.
    pub(crate) fn draw(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let mut x = area.x;
        for span in self.cut(usize::from(area.width)).spans {
            // From nothing: what lies beneath, such as a frame, must not lend its colour.
            let style = Style::reset().patch(span.style);
            let room = area.right() - x;
            x = if span.content.is_ascii() {
                draw_ascii(&span.content, style, (x, area.y), room, buffer)
            } else {
                buffer.set_stringn(x, area.y, &span.content, room.into(), style).0
            };
        }
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
impl PartialEq<&str> for CellText {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::safe;

    fn text(words: &str) -> CellText {
        CellText::of(&words.into(), false)
    }

    #[test]
    fn cuts_count_cells_not_characters() {
        assert_eq!(cut(&text("日本語"), 5, "…"), "日本…");
        assert_eq!(cut(&text("日本語"), 4, "…"), "日…");
        assert_eq!(cut(&text("abc"), 3, "…"), "abc");
        assert_eq!(cut(&text("abcd"), 2, "..."), "..");
        assert_eq!(cut(&text("abcd"), 0, "…"), "");
        assert_eq!(cut_left(&text("managed-2mgcp"), 8, "…"), "…d-2mgcp");
        assert_eq!(cut_middle(&text("waiting_for_operator"), 9, "…"), "wait…ator");
    }

    #[test]
    fn wrapping_loses_no_word() {
        assert_eq!(wrap(&text("one two three"), 8, 2), ["one two", "  three"]);
        assert_eq!(wrap(&text("abcdefgh"), 3, 0), ["abc", "def", "gh"]);
        assert_eq!(wrap(&text("日本"), 1, 4), ["日", "本"]);
        assert_eq!(wrap(&text(""), 5, 0), [""]);
    }

    #[test]
    fn a_heap_of_marks_is_counted_instead_of_drawn() {
        let heap = format!("a{}b", "\u{301}".repeat(100));
        assert_eq!(text(&heap), "a⟨100 marks⟩b");
    }

    #[test]
    fn whatever_may_be_drawn_is_drawn_without_control_characters_and_line_ends() {
        const HOSTILE: &str = "\u{1b}[2J\u{9b}\u{202e}\r\nx\u{301}\u{7}";
        for ascii in [false, true] {
            let theme = Theme::named("dark", true, ascii).unwrap();
            let new = || StyledText::new(&theme);
            let (safe, redacted) = (SafeText::new(HOSTILE), Redacted::from(HOSTILE));
            let cells = theme.clean(HOSTILE);
            let drawn = [
                new().add(Meaning::Text, HOSTILE),
                new().add(Meaning::Text, safe!("{HOSTILE}")),
                new().add(Meaning::Text, &safe),
                new().add(Meaning::Text, safe),
                new().add(Meaning::Text, &redacted),
                new().add(Meaning::Text, redacted),
                new().add(Meaning::Text, &cells),
                new().add(Meaning::Text, cells),
                new().add(Meaning::Text, theme.clean(HOSTILE.to_owned())),
                new().column(Meaning::Text, HOSTILE, 99),
                new().right(Meaning::Text, HOSTILE, 99),
            ];
            for (kind, line) in drawn.into_iter().enumerate() {
                let area = Rect::new(0, 0, 99, 1);
                let mut buffer = Buffer::empty(area);
                line.draw(area, &mut buffer);
                let row: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
                let clean = if ascii {
                    "^[[2J<9b><202e> x<301>^G"
                } else {
                    "␛[2J⟨9b⟩⟨202e⟩ x\u{301}␇"
                };
                assert_eq!(row.trim(), clean, "{kind}");
            }
        }
    }

    #[test]
    fn the_least_important_pieces_go_first() {
        let theme = Theme::named("dark", true, false).unwrap();
        let piece = |rank, text: &'static str| (rank, StyledText::new(&theme).add(Meaning::Text, text));
        let pieces = vec![piece(2, "aaaa"), piece(0, "bbbb"), piece(1, "cccc")];
        let kept = |max| fit(pieces.clone(), 1, max).len();
        assert_eq!((kept(14), kept(13), kept(9), kept(8), kept(0)), (3, 2, 2, 1, 1));
    }
}
