//! The clock of this adapter: tokio's. The tests put one of their own in its place, so that minutes of back-off pass in no time.

pub(super) use tokio::time::Instant;
#[cfg(not(test))]
pub(super) use tokio::time::{sleep, sleep_until, timeout, timeout_at};

#[cfg(test)]
pub(super) use super::tests::clock::{now, sleep, sleep_until, timeout, timeout_at};

/// The time of the day, by which credentials run out and servers date their wishes. Nothing is judged by it.
#[allow(
    clippy::disallowed_methods,
    reason = "a token's end is written in this clock's time, and no observation is dated by it"
)]
pub(super) fn wall_time() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The moment it is.
#[cfg(not(test))]
pub(super) fn now() -> Instant {
    Instant::now()
}
