//! The clock of this adapter: tokio's. The tests put one of their own in its place, so that minutes of back-off pass in no time.

pub(super) use tokio::time::Instant;
#[cfg(not(test))]
pub(super) use tokio::time::{sleep, sleep_until, timeout, timeout_at};

#[cfg(test)]
pub(super) use super::tests::clock::{now, sleep, sleep_until, timeout, timeout_at};

/// The moment it is.
#[cfg(not(test))]
pub(super) fn now() -> Instant {
    Instant::now()
}
