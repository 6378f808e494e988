//! The console's requests, taken at any time, also during a poll.

use std::future::Future;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::options::PollRequest;
use sopwatch_core::observe::observation::RowsOf;
use sopwatch_core::observe::source::Problem;

/// Why the work stopped.
pub(super) enum Halt {
    /// The console leaves.
    Cancelled,
    /// It failed and is to be tried again.
    Failed(Problem),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// The requests and the cancellation.
pub(super) struct RequestQueue {
    requests: mpsc::Receiver<PollRequest>,
    cancel: CancellationToken,
    /// Whether anybody can still ask.
    open: bool,
    /// Whether a poll was requested that has not begun.
    asked: bool,
    /// Which rows are watched.
    watched: Option<RowsOf>,
}

impl RequestQueue {
    /// A queue in which nothing is asked yet.
    pub(super) fn new(requests: mpsc::Receiver<PollRequest>, cancel: CancellationToken) -> Self {
        Self {
            requests,
            cancel,
            open: true,
            asked: false,
            watched: None,
        }
    }

    /// Begins a poll, which answers all requests so far; returns which rows to read.
    pub(super) fn begin(&mut self) -> Option<RowsOf> {
        self.asked = false;
        self.watched.clone()
    }

    /// Takes a request. Other watched rows are read at once.
    fn take(&mut self, request: Option<PollRequest>) {
        match request {
            Some(PollRequest::Refresh) => self.asked = true,
            Some(PollRequest::WatchRows(of)) => {
                self.asked |= of.is_some();
                self.watched = of;
            }
            None => self.open = false,
        }
    }

    /// Does some work, and takes requests meanwhile.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Halt> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(Halt::Cancelled),
                request = self.requests.recv(), if self.open => self.take(request),
                result = &mut work => return Ok(result),
            }
        }
    }

    /// Waits until `due`, or until somebody asks, but then not before `earliest`.
    pub(super) async fn wait(&mut self, due: Instant, earliest: Instant) -> Result<(), Halt> {
        loop {
            let until = if self.asked { due.min(earliest) } else { due };
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(Halt::Cancelled),
                request = self.requests.recv(), if self.open => self.take(request),
                () = tokio::time::sleep_until(until) => return Ok(()),
            }
        }
    }

    /// Waits until the console leaves.
    pub(super) async fn wait_for_the_end(&mut self) {
        let _ = self.during(std::future::pending::<()>()).await;
    }
}
