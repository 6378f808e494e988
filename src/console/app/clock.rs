//! What time it is, by the cluster's clock.

use jiff::{SignedDuration, Timestamp};

/// The console's clock. It moves with the events alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// The moment of the last event, by the cluster's clock: what it dates is compared with nothing else.
    pub now: Timestamp,
    /// How far the cluster's clock is ahead of this machine's; zero while it is not known to differ.
    pub skew: SignedDuration,
    /// Seconds of the drill's clock a second, where they are not one.
    pub speed: Option<f64>,
}

impl Clock {
    /// A clock that is not known to differ from the machine's.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            skew: SignedDuration::ZERO,
            speed: None,
        }
    }
}
