//! How often to draw: a key is shown at once, facts a few times a second, and both less often on a terminal that is slow to take a
//! frame.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time from one key's frame to the next one's.
const FRAME: Duration = Duration::from_millis(16);

/// The shortest time from any frame to one that only shows new facts: nobody reads faster, and a flood of lines would fill a slow
/// connection.
const FACTS: Duration = Duration::from_millis(100);

/// A slow terminal gets this many times the time it took for one frame before the next.
const BREATH: u32 = 3;

/// The longest that a slow terminal is given.
const LONGEST: Duration = Duration::from_secs(2);

/// When the next frame is due.
#[derive(Debug)]
pub struct Pace {
    /// No frame before.
    rested_at: Instant,
    /// No frame for a key before.
    key_at: Instant,
    /// No frame for facts before.
    facts_at: Instant,
    /// Whether a key waits to be shown.
    key: bool,
}

impl Pace {
    /// The first frame is due now.
    pub fn new(now: Instant) -> Self {
        Self {
            rested_at: now,
            key_at: now,
            facts_at: now,
            key: false,
        }
    }

    /// A key (or a new size of the terminal) waits to be shown.
    pub fn hurry(&mut self) {
        self.key = true;
    }

    /// When what has changed is to be drawn.
    pub fn due(&self) -> Instant {
        self.rested_at
            .max(if self.key { self.key_at } else { self.facts_at })
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
        self.facts_at = started + FACTS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds from a frame's start to the next one for facts, and to the next one for a key.
    fn after(key: bool, took: u64) -> (u128, u128) {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        if key {
            pace.hurry();
        }
        pace.drawn(start, Duration::from_millis(took));
        let facts = pace.due() - start;
        pace.hurry();
        (facts.as_millis(), (pace.due() - start).as_millis())
    }

    #[tokio::test]
    async fn a_key_is_shown_at_once_and_facts_wait() {
        assert_eq!(after(false, 2), (100, 0));
        assert_eq!(after(true, 2), (100, 16), "keys come faster than frames");
    }

    #[tokio::test]
    async fn a_slow_terminal_is_given_time() {
        assert_eq!(after(false, 6), (100, 18));
        assert_eq!(after(true, 200), (600, 600));
        assert_eq!(after(true, 5_000), (2_000, 2_000));
    }
}
