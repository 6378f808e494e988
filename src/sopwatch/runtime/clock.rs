//! The loop's clock: the machine's, or a drill's.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A clock: the machine's, or a drill's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The machine's own clock. It never goes back, even when somebody sets the machine's back: else the observations of a dead source would
    /// stay fresh until the clock has caught up.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the world's time enters"
    )]
    pub fn system() -> Self {
        let last = Mutex::new((Timestamp::now(), Instant::now()));
        Self::new(move || {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let moment = Instant::now();
            let now = forward(last.0, moment.duration_since(last.1), Timestamp::now());
            *last = (now, moment);
            now
        })
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// The time `elapsed` after `last`, or what the wall says where that is later: it was set forward, or the machine slept.
fn forward(last: Timestamp, elapsed: Duration, wall: Timestamp) -> Timestamp {
    last.checked_add(elapsed).map_or(wall, |steady| steady.max(wall))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_whatever_is_done_to_the_clock() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let cases = [
            ("undisturbed", 1_005, 1_005),
            ("set back by ten minutes", 405, 1_005),
            ("set forward", 1_605, 1_605),
        ];
        for (what, wall, want) in cases {
            assert_eq!(
                forward(at(1_000), Duration::from_secs(5), at(wall)),
                at(want),
                "{what}"
            );
        }
    }
}
