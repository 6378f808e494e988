//! A backend for slow connections: nothing is written where nothing changed, and a change of style is one short sequence.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier, Style};

/// Back to the terminal's own style, in which every frame begins and ends.
const PLAIN: &str = "\x1b[m";

/// The terminal's backend, without the bytes that change nothing.
#[derive(Debug)]
pub struct CompactBackend<W: Write> {
    inner: CrosstermBackend<W>,
    /// Whether the cursor shows; the console hides it when it takes the terminal.
    cursor: bool,
    /// How long the terminal took to take what was written since that was last asked for.
    write_time: Duration,
}

impl<W: Write> CompactBackend<W> {
    /// A backend that writes to `writer`, whose cursor is hidden.
    pub fn new(writer: W) -> Self {
        Self {
            inner: CrosstermBackend::new(writer),
            cursor: false,
            write_time: Duration::ZERO,
        }
    }

    /// How long the terminal took to take what was written since this was last asked for.
    pub fn take_write_time(&mut self) -> Duration {
        std::mem::take(&mut self.write_time)
    }
}

impl<W: Write> Write for CompactBackend<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.inner)
    }
}

impl<W: Write> Backend for CompactBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut bytes = String::new();
        let mut style = plain();
        let mut next = None;
        for (x, y, cell) in content {
            let (column, row) = (u32::from(x) + 1, u32::from(y) + 1);
            // Writing to a string cannot fail.
            let _ = match next {
                Some(place) if place == (x, y) => Ok(()),
                // The column alone, which holds however wide the last glyph is on this terminal.
                Some((_, last)) if last == y => write!(bytes, "\x1b[{column}G"),
                _ => write!(bytes, "\x1b[{row};{column}H"),
            };
            next = Some((x + 1, y));
            if cell.style() != style {
                push_style(&mut bytes, style, cell.style());
                style = cell.style();
            }
            bytes.push_str(cell.symbol());
        }
        if style != plain() {
            bytes.push_str(PLAIN);
        }
        self.inner.write_all(bytes.as_bytes())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.cursor) {
            self.inner.hide_cursor()?;
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.cursor = true;
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        let started = Instant::now();
        let flushed = Backend::flush(&mut self.inner);
        self.write_time += started.elapsed();
        flushed
    }
}

/// The style of a cell that nothing was said about.
fn plain() -> Style {
    Cell::EMPTY.style()
}

/// The codes of "select graphic rendition" (ECMA-48, 8.3.117).
const MODIFIERS: [(Modifier, &str); 9] = [
    (Modifier::BOLD, "1;"),
    (Modifier::DIM, "2;"),
    (Modifier::ITALIC, "3;"),
    (Modifier::UNDERLINED, "4;"),
    (Modifier::SLOW_BLINK, "5;"),
    (Modifier::RAPID_BLINK, "6;"),
    (Modifier::REVERSED, "7;"),
    (Modifier::HIDDEN, "8;"),
    (Modifier::CROSSED_OUT, "9;"),
];

/// Writes the change from one style to another as one sequence: what comes on top, or the whole style from plain where something must go.
fn push_style(bytes: &mut String, from: Style, to: Style) {
    if to == plain() {
        return bytes.push_str(PLAIN);
    }
    let goes = |from: Option<Color>, to: Option<Color>| is_default(to) && !is_default(from);
    let from_plain =
        !to.add_modifier.contains(from.add_modifier) || goes(from.fg, to.fg) || goes(from.bg, to.bg);
    let mut codes = String::new();
    let from = if from_plain {
        codes.push_str("0;");
        plain()
    } else {
        from
    };
    for (modifier, code) in MODIFIERS {
        if to.add_modifier.contains(modifier) && !from.add_modifier.contains(modifier) {
            codes.push_str(code);
        }
    }
    for (from, to, base) in [(from.fg, to.fg, 30), (from.bg, to.bg, 40)] {
        if from != to {
            push_color(&mut codes, to, base);
        }
    }
    if let Some(codes) = codes.strip_suffix(';') {
        // Writing to a string cannot fail.
        let _ = write!(bytes, "\x1b[{codes}m");
    }
}

/// Whether it is the terminal's own colour.
fn is_default(color: Option<Color>) -> bool {
    color.is_none_or(|color| color == Color::Reset)
}

/// Writes a colour and a separator; `base` is 30 for the foreground's codes and 40 for the background's.
fn push_color(bytes: &mut String, color: Option<Color>, base: u8) {
    let code = |number: u8, bright: bool| base + number + if bright { 60 } else { 0 };
    let code = match color.unwrap_or(Color::Reset) {
        Color::Reset => return,
        Color::Black => code(0, false),
        Color::Red => code(1, false),
        Color::Green => code(2, false),
        Color::Yellow => code(3, false),
        Color::Blue => code(4, false),
        Color::Magenta => code(5, false),
        Color::Cyan => code(6, false),
        Color::Gray => code(7, false),
        Color::DarkGray => code(0, true),
        Color::LightRed => code(1, true),
        Color::LightGreen => code(2, true),
        Color::LightYellow => code(3, true),
        Color::LightBlue => code(4, true),
        Color::LightMagenta => code(5, true),
        Color::LightCyan => code(6, true),
        Color::White => code(7, true),
        // Writing to a string cannot fail.
        Color::Rgb(red, green, blue) => {
            let _ = write!(bytes, "{};2;{red};{green};{blue};", base + 8);
            return;
        }
        Color::Indexed(index) => {
            let _ = write!(bytes, "{};5;{index};", base + 8);
            return;
        }
    };
    let _ = write!(bytes, "{code};");
}

#[cfg(test)]
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "any cells will do"
)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ratatui::layout::Rect;
    use ratatui::style::Stylize;
    use ratatui::text::Line;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use super::*;

    /// Keeps the bytes that would reach the terminal.
    struct Kept(Rc<RefCell<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What each of these lines, drawn after the one before, writes.
    fn written<const N: usize>(lines: [Line<'static>; N]) -> [String; N] {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let viewport = Viewport::Fixed(Rect::new(0, 0, 20, 1));
        let backend = CompactBackend::new(Kept(Rc::clone(&kept)));
        let mut terminal = Terminal::with_options(backend, TerminalOptions { viewport }).unwrap();
        lines.map(|line| {
            terminal
                .draw(|frame| frame.render_widget(line, frame.area()))
                .unwrap();
            String::from_utf8(kept.take()).unwrap()
        })
    }

    #[test]
    fn a_frame_like_the_one_before_costs_no_byte() {
        let [first, second, third] = written(["00:59".into(), "00:59".into(), "01:00".into()]);
        assert_eq!((first.as_str(), second.as_str()), ("\x1b[1;1H00:59", ""));
        assert_eq!(third, "\x1b[1;2H1\x1b[4G00");
    }

    #[test]
    fn a_change_of_style_is_one_sequence_and_ends_with_the_frame() {
        let line = Line::from(vec![
            "a".bold().red(),
            "b".red().bold(),
            "c".into(),
            "d".on_light_blue(),
        ]);
        let indexed = Line::from("a".fg(Color::Indexed(8)).bg(Color::Rgb(1, 2, 3)).reversed());
        let [named, numbered] = written([line, indexed]);
        assert_eq!(named, "\x1b[1;1H\x1b[1;31mab\x1b[mc\x1b[104md\x1b[m");
        assert_eq!(numbered, "\x1b[1;1H\x1b[7;38;5;8;48;2;1;2;3ma\x1b[m   ");
    }

    #[test]
    fn a_change_of_style_writes_what_comes_and_starts_from_plain_where_something_goes() {
        for (line, bytes) in [
            (vec!["a".bold(), "b".bold().red()], "\x1b[1ma\x1b[31mb\x1b[m"),
            (vec!["a".bold().red(), "b".red()], "\x1b[1;31ma\x1b[0;31mb\x1b[m"),
            (vec!["a".red(), "b".green()], "\x1b[31ma\x1b[32mb\x1b[m"),
            (vec!["a".red(), "b".bold()], "\x1b[31ma\x1b[0;1mb\x1b[m"),
            (vec!["a".on_red(), "b".red()], "\x1b[41ma\x1b[0;31mb\x1b[m"),
            (vec!["a".red(), "b".red().on_blue()], "\x1b[31ma\x1b[44mb\x1b[m"),
        ] {
            let [drawn] = written([Line::from(line)]);
            assert_eq!(drawn, format!("\x1b[1;1H{bytes}"));
        }
    }

    /// As a terminal reads a colour.
    fn read(color: Color) -> vt100::Color {
        match color {
            Color::Red => vt100::Color::Idx(1),
            Color::LightBlue => vt100::Color::Idx(12),
            Color::Indexed(index) => vt100::Color::Idx(index),
            Color::Rgb(red, green, blue) => vt100::Color::Rgb(red, green, blue),
            _ => vt100::Color::Default,
        }
    }

    proptest::proptest! {
        #[test]
        fn a_terminal_shows_what_was_drawn(
            frames in proptest::collection::vec(
                proptest::collection::vec((0_u16..60, 0..6_usize, 0..5_usize, 0..5_usize, 0..16_u16), 0..40),
                1..5,
            )
        ) {
            let area = Rect::new(0, 0, 20, 3);
            let kept = Rc::new(RefCell::new(Vec::new()));
            let backend = CompactBackend::new(Kept(Rc::clone(&kept)));
            let options = TerminalOptions { viewport: Viewport::Fixed(area) };
            let mut terminal = Terminal::with_options(backend, options).unwrap();
            let mut parser = vt100::Parser::new(area.height.try_into().unwrap(), area.width.try_into().unwrap(), 0);
            let colors = [Color::Reset, Color::Red, Color::LightBlue, Color::Indexed(200), Color::Rgb(1, 2, 3)];
            for frame in frames {
                let mut drawn = None;
                terminal
                    .draw(|screen| {
                        let buffer = screen.buffer_mut();
                        // Each terminal has its own way with half a wide glyph: none is cut.
                        for (place, symbol, fg, bg, modifiers) in frame {
                            let style = Style::new().fg(colors[fg]).bg(colors[bg]);
                            let modifiers = [Modifier::BOLD, Modifier::ITALIC, Modifier::UNDERLINED, Modifier::REVERSED]
                                .into_iter()
                                .enumerate()
                                .filter(|(bit, _)| modifiers >> bit & 1 == 1)
                                .fold(Modifier::empty(), |all, (_, one)| all | one);
                            let symbol = ["ab", "b ", "éa", "漢", "  ", "▇▆"][symbol];
                            buffer.set_string(place % 20 / 2 * 2, place / 20, symbol, style.add_modifier(modifiers));
                        }
                        drawn = Some(buffer.clone());
                    })
                    .unwrap();
                parser.process(&kept.take());
                let drawn = drawn.unwrap();
                for (x, y) in (0..area.height).flat_map(|y| (0..area.width).map(move |x| (x, y))) {
                    let (cell, shown) = (&drawn[(x, y)], parser.screen().cell(y, x).unwrap());
                    if shown.is_wide_continuation() {
                        continue;
                    }
                    let text = shown.contents();
                    proptest::prop_assert_eq!(if text.is_empty() { " " } else { text }, cell.symbol(), "{}, {}", x, y);
                    proptest::prop_assert_eq!((shown.fgcolor(), shown.bgcolor()), (read(cell.fg), read(cell.bg)));
                    let has = |modifier| cell.modifier.contains(modifier);
                    proptest::prop_assert_eq!(
                        (shown.bold(), shown.italic(), shown.underline(), shown.inverse()),
                        (has(Modifier::BOLD), has(Modifier::ITALIC), has(Modifier::UNDERLINED), has(Modifier::REVERSED))
                    );
                }
            }
        }
    }
}
