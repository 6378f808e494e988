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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn queue() -> (RequestQueue, mpsc::Sender<PollRequest>, CancellationToken) {
        let (requests, receiver) = mpsc::channel(16);
        let cancel = CancellationToken::new();
        (RequestQueue::new(receiver, cancel.clone()), requests, cancel)
    }

    fn watch_rows() -> PollRequest {
        PollRequest::WatchRows(Some(RowsOf {
            table: "clusters".into(),
            status: "ready".into(),
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_it_is_due_or_once_it_was_asked_for_and_may_end() {
        // when somebody asks, when it is due, when it may end; when it ends: all in milliseconds
        let cases: [(&'static [u64], u64, u64, u64); 9] = [
            (&[], 5_000, 1_000, 5_000),
            (&[], 0, 1_000, 0),
            (&[0], 5_000, 1_000, 1_000),
            (&[999], 5_000, 1_000, 1_000),
            (&[1_000], 5_000, 1_000, 1_000),
            (&[1_001], 5_000, 1_000, 1_001),
            (&[4_999], 5_000, 1_000, 4_999),
            (&[0, 1, 2, 998, 999], 5_000, 1_000, 1_000),
            (&[0], 500, 1_000, 500),
        ];
        for (times, due, earliest, ends) in cases {
            let (mut queue, requests, _cancel) = queue();
            let began = Instant::now();
            let after = move |milliseconds| began + Duration::from_millis(milliseconds);
            let asking = tokio::spawn(async move {
                for time in times {
                    tokio::time::sleep_until(after(*time)).await;
                    requests.send(PollRequest::Refresh).await.unwrap();
                }
                requests.closed().await;
            });
            assert!(queue.wait(after(due), after(earliest)).await.is_ok());
            let ended = began.elapsed().as_millis();
            assert_eq!(
                ended,
                u128::from(ends),
                "{times:?}, due {due}, not before {earliest}"
            );
            asking.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_before_a_poll_begins_is_answered_by_it() {
        let (mut queue, requests, _cancel) = queue();
        for (request, ends, watched) in [
            (PollRequest::Refresh, 1, false),
            (watch_rows(), 1, true),
            (PollRequest::WatchRows(None), 60, false),
        ] {
            requests.send(request.clone()).await.unwrap();
            let began = Instant::now();
            assert!(queue.wait(began + SECOND * 60, began + SECOND).await.is_ok());
            assert_eq!(began.elapsed(), SECOND * ends, "{request:?}");
            assert_eq!(queue.begin().is_some(), watched, "{request:?}");
            let began = Instant::now();
            assert!(queue.wait(began + SECOND * 60, began + SECOND).await.is_ok());
            assert_eq!(began.elapsed(), SECOND * 60, "{request:?} is answered");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_during_a_poll_brings_the_next() {
        let (mut queue, requests, _cancel) = queue();
        let began = Instant::now();
        queue.begin();
        let poll = async {
            requests.send(watch_rows()).await.unwrap();
            tokio::time::sleep(SECOND * 3).await;
        };
        assert!(queue.during(poll).await.is_ok());
        assert!(queue.wait(began + SECOND * 60, began + SECOND).await.is_ok());
        assert_eq!(began.elapsed(), SECOND * 3);
        assert!(queue.begin().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_console_that_leaves_is_not_held_up_by_a_poll_or_a_wait() {
        let (mut queue, requests, cancel) = queue();
        let began = Instant::now();
        let leaves = async {
            tokio::time::sleep(SECOND).await;
            cancel.cancel();
        };
        let (ended, ()) = tokio::join!(queue.during(std::future::pending::<()>()), leaves);
        assert!(matches!(ended, Err(Halt::Cancelled)));
        requests.send(PollRequest::Refresh).await.unwrap();
        let ended = queue.wait(began + SECOND * 60, began + SECOND * 30).await;
        assert!(matches!(ended, Err(Halt::Cancelled)));
        queue.wait_for_the_end().await;
        assert_eq!(began.elapsed(), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_can_ask_any_more_a_wait_ends_when_it_is_due() {
        let (mut queue, requests, _cancel) = queue();
        drop(requests);
        let began = Instant::now();
        assert!(queue.wait(began + SECOND * 5, began + SECOND).await.is_ok());
        assert_eq!(began.elapsed(), SECOND * 5);
    }
}
