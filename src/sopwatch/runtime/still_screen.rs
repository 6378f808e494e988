//! A screen on which nothing moves but the clock: a tick then draws the header alone, and the rest stays as it was drawn last.
//!
//! Ages are shown in steps, so that most ticks would change nothing below the header. Whatever else comes is drawn as ever.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

/// Ticks that draw the header alone, before one draws the whole again: an age may be shown this many seconds late.
const CLOCK_FRAMES: u8 = 4;

/// What was drawn last, while little comes.
#[derive(Debug, Default)]
pub struct StillScreen {
    shown: Option<Buffer>,
    /// Ticks that may draw the header alone before the whole is drawn again.
    left: u8,
}

impl StillScreen {
    /// Whether the next frame may draw the header alone.
    pub fn may_stay(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }

    /// Brings back what was drawn last, with an empty `header`; `false` where there is nothing of this size.
    pub fn restore(&self, buffer: &mut Buffer, header: Rect) -> bool {
        let Some(shown) = self.shown.as_ref().filter(|shown| shown.area == buffer.area) else {
            return false;
        };
        buffer.content.clone_from(&shown.content);
        for place in header.positions() {
            buffer[place] = Cell::EMPTY;
        }
        true
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
    use super::*;

    const HEADER: Rect = Rect::new(0, 0, 9, 1);

    #[expect(clippy::disallowed_methods, reason = "the test's own letters")]
    fn screen(lines: [&str; 3]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 3));
        for (y, line) in (0..).zip(lines) {
            for (x, character) in (0..).zip(line.chars()) {
                buffer[(x, y)].set_char(character);
            }
        }
        buffer
    }

    #[test]
    fn between_two_whole_frames_some_draw_the_header_alone() {
        let mut still = StillScreen::default();
        let mut buffer = screen(["", "", ""]);
        assert!(!still.may_stay(), "nothing was drawn");
        for rows in [["1s", "a", "b"], ["6s", "a", "c"]] {
            still.note(&screen(rows));
            let stay = (0..99).take_while(|_| still.may_stay()).count();
            assert_eq!(stay, usize::from(CLOCK_FRAMES));
            assert!(still.restore(&mut buffer, HEADER));
            assert_eq!(buffer, screen(["", rows[1], rows[2]]));
        }
    }

    #[test]
    fn a_screen_of_another_size_is_drawn_whole() {
        let mut still = StillScreen::default();
        still.note(&screen(["1s", "a", "b"]));
        let mut larger = Buffer::empty(Rect::new(0, 0, 9, 4));
        assert!(!still.restore(&mut larger, HEADER));
        still.note(&larger);
        assert!(still.restore(&mut larger, HEADER));
    }
}
