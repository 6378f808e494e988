//! The drill's own clock: it starts at a given moment and may run faster than the world's.
//!
//! **Which waiting is drill time, and which is not.** What happens *in* the world goes by the drill's clock, and comes sooner when it runs
//! faster: pods, back-offs, leases, log lines, the timeline with all faults in it, a restart of the API server. What happens *between* the
//! servers and their clients goes by the client's time, which nothing makes faster: `timeoutSeconds`, the bookmark every minute, latency
//! and losses, `Retry-After`, TCP's patience, a statement's timeout. A client that asked for a watch of five minutes counts them on its own
//! clock; at twenty times the speed, a watch that ended after fifteen of its seconds would look like a server that drops connections, and
//! 300 ms of latency like none. `sinceSeconds` is neither: it is arithmetic on the world's time stamps, hence drill time.
//!
//! At speed 1 the two are the same. Both are read from tokio's clock: in a test that pauses it, both stand still until all tasks wait, so
//! that an hour passes in milliseconds, and the same every time.

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
