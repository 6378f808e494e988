//! Back-off: how long to wait before the next try.

use std::time::Duration;

/// No failing stream asks more often than this.
pub const FLOOR: Duration = Duration::from_secs(1);

/// The back-off of everything that is watched or polled. Its longest wait is short, so that what was repaired heals while one looks.
pub const RETRY: Backoff = Backoff::new(FLOOR, Duration::from_secs(12));

/// How much jitter may add, as a part of the wait.
const SPREAD: f64 = 0.25;

/// The wait doubles with each failure in a row, up to a ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// A back-off from the wait after the first failure up to the longest wait, both before jitter.
    pub const fn new(first: Duration, ceiling: Duration) -> Self {
        Self { first, ceiling }
    }

    /// The wait after the `attempt`-th failure in a row (from 1), and up to a quarter more by `jitter` (0 to 1), so that many consoles do
    /// not come back in step.
    pub fn delay(&self, attempt: u32, jitter: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << attempt.saturating_sub(1).min(8));
        doubled
            .min(self.ceiling)
            .mul_f64(1.0 + SPREAD * jitter.clamp(0.0, 1.0))
    }
}

/// A random number from 0 to 1.
pub fn jitter() -> f64 {
    fastrand::f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_one_second_to_a_ceiling() {
        let seconds: Vec<_> = (1..=7)
            .map(|attempt| RETRY.delay(attempt, 0.0).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 12, 12, 12]);
        assert_eq!(RETRY.delay(u32::MAX, 1.0), Duration::from_secs(15));
    }

    #[test]
    fn no_wait_is_shorter_than_a_second_nor_longer_than_fifteen() {
        for attempt in 0..40 {
            for tenth in -5..15 {
                let wait = RETRY.delay(attempt, f64::from(tenth) / 10.0);
                assert!(
                    wait >= FLOOR && wait <= Duration::from_secs(15),
                    "attempt {attempt}: {wait:?}"
                );
            }
        }
    }

    #[test]
    fn jitter_stays_within_bounds_and_varies() {
        let drawn: Vec<f64> = (0..50).map(|_| jitter()).collect();
        assert!(drawn.iter().all(|jitter| (0.0..1.0).contains(jitter)));
        assert!(drawn.iter().any(|jitter| (jitter - drawn[0]).abs() > 1e-9));
    }
}
