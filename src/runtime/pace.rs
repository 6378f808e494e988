//! How often to draw: at most once in 16 ms, and less often on a terminal that is slow to take a frame.

use std::time::Duration;

/// The shortest time from one draw to the next.
pub const FRAME: Duration = Duration::from_millis(16);

/// A slow terminal gets this many times the time it took for one frame before the next.
const BREATH: u32 = 3;

/// When the next draw may come, given how long the last one took.
pub fn next_after(took: Duration) -> Duration {
    (took * BREATH).clamp(FRAME, Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_terminal_is_given_time() {
        let cases = [(0, 16), (5, 16), (6, 18), (200, 600), (5_000, 2_000)];
        for (took, next) in cases {
            assert_eq!(
                next_after(Duration::from_millis(took)),
                Duration::from_millis(next),
                "{took} ms"
            );
        }
    }
}
