//! How long to wait before the next try.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// No failing stream asks more often than this.
pub const FLOOR: Duration = Duration::from_secs(1);

/// The longest wait before jitter: short, so that what was repaired heals while one looks.
const CEILING: Duration = Duration::from_secs(12);

/// How much jitter may add, as a part of the wait.
const SPREAD: f64 = 0.25;

/// The wait after the `attempt`-th failure in a row (from 1): 1 s doubled with each up to 12 s, and up to a quarter more by `jitter`
/// (0 to 1), so that many consoles do not come back in step.
pub fn delay(attempt: u32, jitter: f64) -> Duration {
    let doubled = FLOOR.saturating_mul(1 << attempt.saturating_sub(1).min(8));
    doubled
        .min(CEILING)
        .mul_f64(1.0 + SPREAD * jitter.clamp(0.0, 1.0))
}

/// A number from 0 to 1 that differs from process to process and call to call.
pub fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_one_second_to_a_ceiling() {
        let seconds: Vec<_> = (1..=6).map(|attempt| delay(attempt, 0.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 12, 12]);
        assert_eq!(delay(u32::MAX, 1.0), Duration::from_secs(15));
    }

    #[test]
    fn no_wait_is_shorter_than_a_second_nor_longer_than_fifteen() {
        for attempt in 0..40 {
            for tenth in -5..15 {
                let wait = delay(attempt, f64::from(tenth) / 10.0);
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
