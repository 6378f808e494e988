//! The drill's own clock: it starts at a given moment and may run faster than the world's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that tokio's (possibly paused) time drives, so that a test can let an hour pass in milliseconds.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    epoch: Timestamp,
    speed: f64,
}

impl Clock {
    /// A clock that shows `epoch` now and runs at `speed` drill seconds a second.
    pub fn starting_at(epoch: Timestamp, speed: f64) -> Self {
        Self {
            started: Instant::now(),
            epoch,
            speed,
        }
    }

    /// The drill's time.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.started.elapsed().mul_f64(self.speed);
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        self.epoch.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// Waits until `span` of drill time has passed.
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span.div_f64(self.speed)).await;
    }
}
