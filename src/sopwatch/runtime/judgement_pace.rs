//! How often it is judged anew what only the time that has passed may have changed: with thousands of pods a judgement takes tens of
//! milliseconds, and the host has other work. What comes in is judged as ever.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Judgements for the time alone take this part of it at most: one of 20 ms a second. With dozens of pods each second has its own.
const SHARE: u32 = 50;

/// The longest that a judgement waits for that: what turns stale may be shown so much later.
const LONGEST: Duration = Duration::from_secs(3);

/// When it was judged last, and what that took.
#[derive(Debug, Default)]
pub(super) struct JudgementPace {
    last: Option<(Timestamp, Duration)>,
}

impl JudgementPace {
    /// It was judged, and that took so much of the processor's time.
    pub(super) fn note(&mut self, at: Timestamp, took: Duration) {
        self.last = Some((at, (took * SHARE).min(LONGEST)));
    }

    /// Whether the last judgement still holds, if nothing came since but a second.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.last.is_some_and(|(at, rest)| {
            let since = now.duration_since(at);
            !since.is_negative() && since < SignedDuration::try_from(rest).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::testkit::{ago, now};

    #[test]
    fn a_judgement_that_takes_long_holds_for_longer() {
        let mut pace = JudgementPace::default();
        assert!(!pace.holds(now()), "nothing was judged");
        for (took_ms, held_s) in [(0, 0), (20, 1), (40, 2), (59, 3), (60, 3), (5_000, 3)] {
            pace.note(now(), Duration::from_millis(took_ms));
            let held = (0..9)
                .take_while(|second: &i64| pace.holds(ago(-*second)))
                .count();
            assert_eq!(held, held_s, "{took_ms} ms");
        }
        assert!(!pace.holds(ago(1)), "the clock went back");
    }
}
