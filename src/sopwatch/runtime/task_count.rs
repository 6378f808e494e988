//! How many tasks live, written to the log file: where a task is never ended, the count grows by the hour.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

/// How often they are counted.
pub const EVERY: Duration = Duration::from_secs(5);

/// Writes the count again and again, where the log file takes what is written at this level. Never ends there; ends at once elsewhere.
pub async fn log() {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let tasks = Handle::current().metrics().num_alive_tasks();
        tracing::debug!(tasks, "tasks alive");
    }
}
