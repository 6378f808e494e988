//! The pace of frames: a key is shown at once, observations a few times a second, and both less often on a terminal that is slow to take a
//! frame.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time from one frame to the next of its kind.
const FRAME: Duration = Duration::from_millis(16);

/// What it grows to for frames that only show new observations, while these follow each other: nobody reads faster, and a flood of lines would
/// fill a slow connection.
const FACTS: Duration = Duration::from_millis(200);

/// Frames that only show new observations take this part of the time at most, on average: with hundreds of pods a judgement takes tens of
/// milliseconds, and the host has other work.
const SHARE: u32 = 200;

/// What such frames may take at once after a rest: a start and a sudden change are shown as they come in.
const AT_ONCE: Duration = Duration::from_millis(250);

/// The longest that observations wait for that.
const LONGEST_FACTS: Duration = Duration::from_secs(2);

/// A slow terminal gets this many times the time it took to write one frame before the next.
const BREATH: u32 = 3;

/// The longest that a slow terminal is given.
const LONGEST: Duration = Duration::from_secs(2);

/// What a frame took.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameCost {
    /// From the judgement to the last byte written.
    pub whole: Duration,
    /// Until the terminal had taken its bytes.
    pub written: Duration,
}

/// When the next frame is due.
#[derive(Debug)]
pub struct FramePacer {
    /// No frame before.
    rested_at: Instant,
    /// No frame for a key before.
    key_at: Instant,
    /// When the last frame was begun.
    drawn_at: Instant,
    /// For how long afterwards there is none for observations, while the terminal follows easily.
    pause: Duration,
    /// For how long there is none, for what frames have cost.
    paying: Duration,
    /// What frames for observations have taken beyond their share.
    debt: Duration,
    /// Whether a key waits to be shown.
    key: bool,
}

impl FramePacer {
    /// The first frame is due now.
    pub fn new(now: Instant) -> Self {
        Self {
            rested_at: now,
            key_at: now,
            drawn_at: now,
            pause: Duration::ZERO,
            paying: Duration::ZERO,
            debt: Duration::ZERO,
            key: false,
        }
    }

    /// A key (or a new size of the terminal) waits to be shown.
    pub fn hurry(&mut self) {
        self.key = true;
    }

    /// When what has changed is to be drawn.
    pub fn due(&self) -> Instant {
        let at = if self.key {
            self.key_at
        } else {
            self.drawn_at + self.pause.max(self.paying)
        };
        self.rested_at.max(at)
    }

    /// A frame was drawn.
    pub fn drawn(&mut self, started: Instant, cost: FrameCost) {
        let breath = cost.written * BREATH;
        if breath > FRAME {
            self.rested_at = started + breath.min(LONGEST);
        }
        let since = started - self.drawn_at;
        self.debt = self.debt.saturating_sub(since / SHARE);
        if std::mem::take(&mut self.key) {
            self.key_at = started + FRAME;
        } else {
            self.debt = (self.debt + cost.whole).min(AT_ONCE + LONGEST_FACTS / SHARE);
        }
        self.pause = if since <= self.pause.max(self.paying) * 2 {
            (self.pause * 2).clamp(FRAME, FACTS)
        } else {
            FRAME
        };
        self.paying = self.debt.saturating_sub(AT_ONCE) * SHARE;
        self.drawn_at = started;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn cost(whole: Duration) -> FrameCost {
        FrameCost {
            whole,
            written: Duration::ZERO,
        }
    }

    #[tokio::test]
    async fn a_key_is_shown_at_once_and_the_next_one_with_the_next_frame() {
        let start = Instant::now();
        let mut pacer = FramePacer::new(start);
        pacer.drawn(start, cost(MILLISECOND));
        pacer.hurry();
        assert!(pacer.due() <= start);
        pacer.drawn(start + MILLISECOND, cost(MILLISECOND));
        pacer.hurry();
        assert_eq!(pacer.due(), start + MILLISECOND + FRAME);
    }

    #[tokio::test]
    async fn a_key_does_not_wait_for_what_frames_took_to_judge_and_draw() {
        let start = Instant::now();
        let mut pacer = FramePacer::new(start);
        let mut now = start;
        for _ in 0..100 {
            now = pacer.due().max(now);
            pacer.drawn(now, cost(MILLISECOND * 25));
        }
        assert_eq!(pacer.due() - now, LONGEST_FACTS);
        pacer.hurry();
        assert!(pacer.due() <= now);
    }

    #[tokio::test]
    async fn observations_that_pour_in_are_drawn_less_and_less_often() {
        let start = Instant::now();
        let mut pacer = FramePacer::new(start);
        let mut now = start;
        let mut pauses = Vec::new();
        for rest in [0, 0, 0, 0, 0, 500, 0] {
            now = pacer.due().max(now) + MILLISECOND * rest;
            pacer.drawn(now, cost(MILLISECOND / 10));
            pauses.push((pacer.due() - now).as_millis());
        }
        assert_eq!(pauses, [16, 32, 64, 128, 200, 16, 32]);
    }

    #[tokio::test]
    async fn observations_that_take_long_to_judge_and_draw_are_in_the_end_drawn_less_often() {
        for (took, every, pause) in [
            (1, 20, 200),
            (2, 20, 400),
            (6, 20, 1_200),
            (6, 1_000, 1_200),
            (6, 1_200, 16),
            (6, 1_300, 16),
            (9, 20, 1_800),
            (12, 20, 2_000),
            (25, 20, 2_000),
            (25, 2_000, 2_000),
        ] {
            let start = Instant::now();
            let mut pacer = FramePacer::new(start);
            let mut now = start;
            for _ in 0..400 {
                now = pacer.due().max(now + MILLISECOND * every);
                pacer.drawn(now, cost(MILLISECOND * took));
            }
            assert_eq!(
                (pacer.due() - now).as_millis(),
                pause,
                "{took} ms every {every} ms"
            );
        }
    }

    #[tokio::test]
    async fn a_start_and_a_change_after_a_rest_are_drawn_as_they_come_in() {
        let start = Instant::now();
        let mut pacer = FramePacer::new(start);
        let mut now = start;
        for rest in [0, 60_000] {
            now += MILLISECOND * rest;
            for _ in 0..9 {
                now = pacer.due().max(now);
                pacer.drawn(now, cost(MILLISECOND * 25));
                assert!(pacer.due() - now <= FACTS);
            }
        }
    }

    #[tokio::test]
    async fn a_slow_terminal_is_given_time_for_what_it_took_to_write() {
        for (written, rest) in [(0, 0), (6, 18), (200, 600), (5_000, 2_000)] {
            let start = Instant::now();
            let mut pacer = FramePacer::new(start);
            let whole = MILLISECOND * 6_000;
            let written = MILLISECOND * written;
            pacer.drawn(start, FrameCost { whole, written });
            pacer.hurry();
            assert_eq!(pacer.due().duration_since(start).as_millis(), rest, "{written:?}");
        }
    }
}
