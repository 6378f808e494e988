//! A screen on which nothing moves but the clock: a tick then draws the header alone, and the rest stays as it was drawn last.
//!
//! Ages are shown in steps, so that most ticks would change nothing below the header. Whatever else comes is drawn as ever.

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;

/// Ticks that draw the header alone, before one draws the whole again: an age may be shown this many seconds late.
pub const CLOCK_FRAMES: u8 = 4;

/// What the screen shows, while little comes.
#[derive(Debug, Default)]
pub struct StillScreen {
    shown: Option<Buffer>,
    /// Ticks that may draw the header alone before the whole is drawn again.
    left: u8,
    /// Whether the header was written past the terminal's own buffers, which do not know it.
    past_terminal: bool,
}

impl StillScreen {
    /// Whether the next frame may draw the header alone.
    pub fn may_stay(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }

    /// The screen was cleared: what was drawn last is gone.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// What is shown; `None` where nothing is known of it.
    pub fn shown(&self) -> Option<&Buffer> {
        self.shown.as_ref()
    }

    /// Writes those cells of `header` that differ from what is shown, and nothing else: the terminal would compare the whole screen.
    pub fn write_header<B: Backend>(
        &mut self,
        terminal: &mut Terminal<B>,
        header: &Buffer,
    ) -> Result<(), B::Error> {
        let Some(shown) = &mut self.shown else {
            return Ok(());
        };
        let mut before = Buffer::empty(header.area);
        for place in header.area.positions() {
            before[place].clone_from(&shown[place]);
            shown[place].clone_from(&header[place]);
        }
        let changes = before.diff(header);
        self.past_terminal |= !changes.is_empty();
        terminal.backend_mut().draw(changes.into_iter())?;
        terminal.backend_mut().flush()
    }

    /// Tells the terminal what it shows, before it draws a whole frame: it writes what differs from the frame before.
    pub fn tell<B: Backend>(&mut self, terminal: &mut Terminal<B>) {
        if !std::mem::take(&mut self.past_terminal) {
            return;
        }
        let buffer = terminal.current_buffer_mut();
        if let Some(shown) = self.shown.as_ref().filter(|shown| shown.area == buffer.area) {
            buffer.content.clone_from(&shown.content);
            terminal.swap_buffers();
        }
    }

    /// The whole was drawn.
    pub fn note(&mut self, buffer: &Buffer) {
        self.left = CLOCK_FRAMES;
        match &mut self.shown {
            Some(shown) if shown.area == buffer.area => shown.content.clone_from(&buffer.content),
            shown => *shown = Some(buffer.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::backend::TestBackend;
    use ratatui::layout::Rect;

    use super::*;

    const HEADER: Rect = Rect::new(0, 0, 9, 1);

    #[expect(clippy::disallowed_methods, reason = "the test's own letters")]
    fn write(buffer: &mut Buffer, lines: &[&str]) {
        for (y, line) in (0..).zip(lines) {
            for (x, character) in (0..).zip(line.chars()) {
                buffer[(x, y)].set_char(character);
            }
        }
    }

    fn terminal() -> Terminal<TestBackend> {
        Terminal::new(TestBackend::new(9, 3)).unwrap()
    }

    fn draw_whole(still: &mut StillScreen, terminal: &mut Terminal<TestBackend>, lines: [&str; 3]) {
        still.tell(terminal);
        let drawn = terminal.draw(|frame| {
            write(frame.buffer_mut(), &lines);
            still.note(frame.buffer_mut());
        });
        drawn.unwrap();
    }

    fn draw_header(still: &mut StillScreen, terminal: &mut Terminal<TestBackend>, line: &str) {
        let mut header = Buffer::empty(HEADER);
        write(&mut header, &[line]);
        still.write_header(terminal, &header).unwrap();
    }

    #[test]
    fn between_two_whole_frames_some_draw_the_header_alone() {
        let mut still = StillScreen::default();
        assert!(!still.may_stay(), "nothing was drawn");
        let mut terminal = terminal();
        for _ in 0..2 {
            draw_whole(&mut still, &mut terminal, ["9s", "a", "b"]);
            let stay = (0..99).take_while(|_| still.may_stay()).count();
            assert_eq!(stay, usize::from(CLOCK_FRAMES));
        }
    }

    #[test]
    fn the_whole_is_right_whatever_the_header_showed_in_between() {
        let mut still = StillScreen::default();
        let mut terminal = terminal();
        // The whole frames have the same header, so that the terminal by itself would see no change.
        for (headers, lines) in [
            (vec!["8s", "9s"], ["10s", "a", "b"]),
            (vec!["11s", "1"], ["10s", "a", "c"]),
            (vec![], ["10s", "", "c"]),
            (vec!["1111s"], ["10s", "", "c"]),
        ] {
            for header in headers {
                draw_header(&mut still, &mut terminal, header);
                if let Some(shown) = still.shown() {
                    terminal.backend().assert_buffer(shown);
                }
            }
            draw_whole(&mut still, &mut terminal, lines);
            let mut expected = Buffer::empty(Rect::new(0, 0, 9, 3));
            write(&mut expected, &lines);
            terminal.backend().assert_buffer(&expected);
        }
    }

    #[test]
    fn a_screen_that_was_cleared_or_has_another_size_is_drawn_whole() {
        let lines = ["10s", "a", "b"];
        for (width, height) in [(9, 3), (9, 4), (8, 3)] {
            let mut still = StillScreen::default();
            let mut terminal = terminal();
            draw_whole(&mut still, &mut terminal, lines);
            draw_header(&mut still, &mut terminal, "11s");
            if (width, height) == (9, 3) {
                terminal.resize(Rect::new(0, 0, width, height)).unwrap();
                still.forget();
                assert!(!still.may_stay());
            } else {
                terminal.backend_mut().resize(width, height);
            }
            draw_whole(&mut still, &mut terminal, lines);
            let mut expected = Buffer::empty(Rect::new(0, 0, width, height));
            write(&mut expected, &lines);
            terminal.backend().assert_buffer(&expected);
        }
    }
}
