//! The budget of log requests: how many may be made at once and a second, for all logs together. Pure.

use std::time::Duration;

use crate::kubernetes::clock::Instant;
use sopwatch_core::observe::state::LOG_REQUESTS_EVERY;

/// Requests that may be made at once after a while without any.
const AT_ONCE: u32 = 8;

/// Requests that may be made: one a second, and what was not used of them up to a handful.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    /// Up to when it was counted.
    at: Instant,
}

impl Budget {
    /// A budget of which nothing is used.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            left: AT_ONCE,
            at: now,
        }
    }

    fn count(&mut self, now: Instant) {
        let every = every();
        while self.left < AT_ONCE && now >= self.at + every {
            self.left += 1;
            self.at += every;
        }
        if self.left == AT_ONCE {
            self.at = now;
        }
    }

    /// Whether a request may be made now.
    pub(super) fn has(&mut self, now: Instant) -> bool {
        self.count(now);
        self.left > 0
    }

    /// One is made.
    pub(super) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// When the next may be made, if none may now.
    pub(super) fn next(&self) -> Instant {
        self.at + every()
    }
}

fn every() -> Duration {
    LOG_REQUESTS_EVERY.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::clock::now;

    #[test]
    fn a_handful_at_once_and_then_one_a_second() {
        let start = now();
        let mut budget = Budget::new(start);
        let mut made = Vec::new();
        for tenth in 0..600 {
            let at = start + Duration::from_millis(100 * tenth);
            while budget.has(at) {
                budget.spend();
                made.push(at);
            }
        }
        assert_eq!(made.len(), 8 + 59);
        assert_eq!(made[7], start);
        assert_eq!(budget.next(), start + Duration::from_mins(1));
        let rested = start + Duration::from_hours(1);
        assert!(budget.has(rested));
        assert_eq!(budget.left, AT_ONCE);
    }
}
