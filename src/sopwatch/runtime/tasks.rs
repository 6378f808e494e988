//! The background tasks. One that panics is logged, shown on the screen and restarted.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use sopwatch_console::app::event::{Event, Outcome};

/// Pause before a task that panicked is restarted.
const RESTART_AFTER: Duration = Duration::from_secs(2);

/// How long tasks have to end after they were cancelled.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// The tasks that run beside the loop.
#[derive(Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    /// Ends all of them.
    pub cancel: CancellationToken,
}

impl Tasks {
    /// Runs the task that `start` makes until it is cancelled, and restarts it after a panic.
    pub fn supervise<F, T>(&self, name: &'static str, events: mpsc::Sender<Event>, start: F)
    where
        F: Fn() -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let cancel = self.cancel.clone();
        self.tracker.spawn(async move {
            while let Err(stopped) = tokio::spawn(start()).await {
                if cancel.is_cancelled() || !stopped.is_panic() {
                    return;
                }
                let what = format!("the task that reads {name} crashed; it starts again");
                let _ = events
                    .send(Event::Outcome(Outcome::Failed { what: what.into() }))
                    .await;
                tokio::time::sleep(RESTART_AFTER).await;
            }
        });
    }

    /// Cancels all tasks and waits for them, for a bounded time.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.close();
        let _ = tokio::time::timeout(STOP_LIMIT, self.tracker.wait()).await;
    }
}
