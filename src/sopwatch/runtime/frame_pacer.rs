//! The pace of frames: a key is shown at once, observations a few times a second, and both less often on a terminal that is slow to take a
//! frame.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time from one frame to the next of its kind.
const FRAME: Duration = Duration::from_millis(16);

/// What it grows to for frames that only show new observations, while these follow each other: nobody reads faster, and a flood of lines would
/// fill a slow connection.
const FACTS: Duration = Duration::from_millis(100);

/// Frames that only show new observations and follow each other take at most this part of the time: with hundreds of pods a judgement takes
/// tens of milliseconds, and the host has other work.
const SHARE: u32 = 100;

/// The longest that observations wait for that.
const LONGEST_FACTS: Duration = Duration::from_secs(2);

/// A slow terminal gets this many times the time it took for one frame before the next.
const BREATH: u32 = 3;

/// The longest that a slow terminal is given.
const LONGEST: Duration = Duration::from_secs(2);

/// When the next frame is due.
#[derive(Debug)]
pub struct FramePacer {
    /// No frame before.
    rested_at: Instant,
    /// No frame for a key before.
    key_at: Instant,
    /// When the last frame was begun, and for how long afterwards there is none for observations.
    drawn_at: Instant,
    pause: Duration,
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
            self.drawn_at + self.pause
        };
        self.rested_at.max(at)
    }

    /// A frame was drawn.
    pub fn drawn(&mut self, started: Instant, took: Duration) {
        let breath = took * BREATH;
        if breath > FRAME {
            self.rested_at = started + breath.min(LONGEST);
        }
        if std::mem::take(&mut self.key) {
            self.key_at = started + FRAME;
        }
        let share = (took * SHARE).min(LONGEST_FACTS);
        let hard_upon = started - self.drawn_at <= share.max(self.pause * 2);
        self.pause = if hard_upon {
            (self.pause * 2).clamp(FRAME, FACTS).max(share)
        } else {
            FRAME
        };
        self.drawn_at = started;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_key_is_shown_at_once_and_the_next_one_with_the_next_frame() {
        let start = Instant::now();
        let mut pacer = FramePacer::new(start);
        pacer.drawn(start, MILLISECOND);
        pacer.hurry();
        assert!(pacer.due() <= start);
        pacer.drawn(start + MILLISECOND, MILLISECOND);
        pacer.hurry();
        assert_eq!(pacer.due(), start + MILLISECOND + FRAME);
    }

    #[tokio::test]
    async fn observations_that_pour_in_are_drawn_less_and_less_often() {
        let start = Instant::now();
        let mut pacer = FramePacer::new(start);
        let mut now = start;
        let mut pauses = Vec::new();
        for rest in [0, 0, 0, 0, 0, 500, 0] {
            now = pacer.due().max(now) + MILLISECOND * rest;
            pacer.drawn(now, MILLISECOND / 10);
            pauses.push((pacer.due() - now).as_millis());
        }
        assert_eq!(pauses, [16, 32, 64, 100, 100, 16, 32]);
    }

    #[tokio::test]
    async fn observations_that_take_long_to_judge_and_draw_are_drawn_less_often() {
        for (took, every, pause) in [
            (1, 20, 100),
            (2, 20, 200),
            (6, 20, 600),
            (6, 600, 600),
            (6, 601, 16),
            (12, 20, 1_200),
            (25, 20, 2_000),
            (25, 2_000, 2_000),
        ] {
            let start = Instant::now();
            let mut pacer = FramePacer::new(start);
            let mut now = start;
            for _ in 0..8 {
                now = pacer.due().max(now + MILLISECOND * every);
                pacer.drawn(now, MILLISECOND * took);
            }
            assert_eq!(pacer.pause.as_millis(), pause, "{took} ms every {every} ms");
        }
    }

    #[tokio::test]
    async fn a_slow_terminal_is_given_time() {
        for (took, rest) in [(6, 18), (200, 600), (5_000, 2_000)] {
            let start = Instant::now();
            let mut pacer = FramePacer::new(start);
            pacer.drawn(start, MILLISECOND * took);
            pacer.hurry();
            assert_eq!((pacer.due() - start).as_millis(), rest, "{took} ms");
        }
    }
}
