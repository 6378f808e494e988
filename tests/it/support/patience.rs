//! How long tests wait: far longer than it takes, so that only what never comes fails.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a state is waited for.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The time between two questions of a loop: what it waits for needs the processor more.
const PAUSE: Duration = Duration::from_millis(5);

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

    /// Whether the time is over, for a loop that has more to show than what it waits for.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.at
    }

    /// Fails once the time is over. For a loop that waits for something itself, or runs on a paused clock.
    pub fn check(&self) {
        assert!(!self.is_over(), "waited in vain until {}", self.what);
    }

    /// Waits a moment before the next question, and fails once the time is over. Not for a task, whose thread it would block.
    pub fn pause(&self) {
        self.check();
        std::thread::sleep(PAUSE);
    }

    /// The same in a task.
    pub async fn pause_task(&self) {
        self.check();
        tokio::time::sleep(PAUSE).await;
    }
}

/// What a future comes to; fails where it comes to nothing. Not for a paused clock, which jumps to the end of the wait.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| unreachable!("waited in vain until {what}"))
}
