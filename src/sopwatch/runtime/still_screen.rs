//! A screen on which nothing moves but the clock: a tick then draws the header alone, and the rest stays as it was drawn last.
//!
//! Ages are shown in steps, so that most ticks change nothing below the header. Whether that is so is seen on the screen: the next ticks draw
//! the header alone once a tick has drawn the whole and changed nothing else. Whatever else comes is drawn as ever.

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
    /// Whether the last frame showed news.
    news: bool,
}

impl StillScreen {
    /// Whether nothing is expected to change but the `header`; `buffer` is then what was drawn last, and its header empty.
    pub fn restore(&mut self, buffer: &mut Buffer, header: Rect) -> bool {
        let Some(shown) = self.shown.as_ref().filter(|shown| shown.area == buffer.area) else {
            return false;
        };
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        self.left = left;
        buffer.content.clone_from(&shown.content);
        for place in header.positions() {
            buffer[place] = Cell::EMPTY;
        }
        true
    }

    /// The whole was drawn: because of `news`, or because time has passed.
    pub fn note(&mut self, buffer: &Buffer, header: Rect, news: bool) {
        let shown = self.shown.as_ref();
        let still = !news && shown.is_some_and(|shown| is_same_but(header, shown, buffer));
        self.left = if still { CLOCK_FRAMES } else { 0 };
        // Where news follow each other, a copy of each frame would be of no use.
        match &mut self.shown {
            shown if news && self.news => *shown = None,
            Some(shown) if shown.area == buffer.area => shown.content.clone_from(&buffer.content),
            shown => *shown = Some(buffer.clone()),
        }
        self.news = news;
    }
}

/// Whether two screens are the same but for the header, which is their first rows.
fn is_same_but(header: Rect, one: &Buffer, other: &Buffer) -> bool {
    let below = header.area() as usize..;
    one.area == other.area && one.content.get(below.clone()) == other.content.get(below)
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

    /// How many ticks in a row draw the header alone.
    fn clock_frames(still: &mut StillScreen) -> usize {
        let mut buffer = screen(["", "", ""]);
        (0..99).take_while(|_| still.restore(&mut buffer, HEADER)).count()
    }

    #[test]
    fn once_a_tick_changed_nothing_below_the_header_the_next_ones_draw_the_header_alone() {
        let mut still = StillScreen::default();
        still.note(&screen(["1s", "a", "b"]), HEADER, true);
        assert_eq!(clock_frames(&mut still), 0, "news");
        still.note(&screen(["2s", "a", "b"]), HEADER, false);
        let mut buffer = screen(["", "", ""]);
        assert!(still.restore(&mut buffer, HEADER));
        assert_eq!(buffer, screen(["", "a", "b"]));
        assert_eq!(clock_frames(&mut still), usize::from(CLOCK_FRAMES) - 1);
        still.note(&screen(["7s", "a", "c"]), HEADER, false);
        assert_eq!(clock_frames(&mut still), 0, "an age went on");
        still.note(&screen(["8s", "a", "c"]), HEADER, false);
        assert_eq!(clock_frames(&mut still), usize::from(CLOCK_FRAMES));
    }

    #[test]
    fn news_end_it_and_so_does_another_size() {
        let mut still = StillScreen::default();
        let begin = |still: &mut StillScreen| {
            (0..2).for_each(|_| still.note(&screen(["1s", "a", "b"]), HEADER, false));
        };
        begin(&mut still);
        let mut larger = Buffer::empty(Rect::new(0, 0, 9, 4));
        assert!(!still.restore(&mut larger, HEADER));
        begin(&mut still);
        still.note(&screen(["1s", "a", "b"]), HEADER, true);
        assert_eq!(clock_frames(&mut still), 0);
        begin(&mut still);
        still.note(&larger, HEADER, false);
        assert_eq!(clock_frames(&mut still), 0);
    }
}
