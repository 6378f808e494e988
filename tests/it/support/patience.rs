//! How long tests wait: far longer than it takes, so that only what never comes fails.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a state is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// The bound of a loop that asks again and again, by the wall clock.
pub struct Deadline {
    what: &'static str,
    at: Instant,
}

impl Deadline {
    /// From now on, for what is waited for.
    pub fn until(what: &'static str) -> Self {
        let at = Instant::now() + PATIENCE;
        Self { what, at }
    }

    /// Fails once the time is over.
    pub fn check(&self) {
        assert!(Instant::now() < self.at, "waited in vain until {}", self.what);
    }
}

/// What a future comes to; fails where it comes to nothing. Not for a paused clock, which jumps to the end of the wait.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| unreachable!("waited in vain until {what}"))
}
