//! The context that all tasks of this adapter share: where observations go and where the client comes from.
//!
//! It is no context of a kubeconfig.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kube::Client;
use tokio::sync::{Notify, mpsc, watch};

use super::clock::timeout;
use super::errors::{explain, frozen};
use crate::net::backoff::{RETRY, jitter};
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};

/// How long whoever asks for something waits for a connection that is being made: no longer than a few seconds.
pub(super) const CONNECTS_WITHIN: Duration = Duration::from_secs(4);

/// The longest wait that a server's `Retry-After` may bring.
const LONGEST_WISH: Duration = Duration::from_mins(5);

/// The wait after the `failures`-th failure in a row: our back-off, or longer where the server asks for that.
pub(super) fn wait_after(problem: &Problem, failures: u32) -> Duration {
    at_least(problem, RETRY.delay(failures, jitter()))
}

/// A wait of our own, or longer where the server asks for that.
pub(super) fn at_least(problem: &Problem, own: Duration) -> Duration {
    let wish = problem.retry_after.unwrap_or_default().min(LONGEST_WISH);
    own.max(wish)
}

/// One connection to the API server. When it is replaced, streams go on over the next.
#[derive(Clone)]
pub(super) struct ApiSession {
    /// The client.
    pub(super) client: Client,
    /// The namespace everything is read in.
    pub(super) namespace: Arc<str>,
    /// Counts the connections.
    pub(super) epoch: u64,
    /// Counts the times the credentials were replaced.
    pub(super) credentials: u64,
}

/// The state of the connection.
#[derive(Clone)]
pub(super) enum ConnectionState {
    /// Not made yet.
    Connecting,
    /// It is worth a try.
    Up(ApiSession),
    /// It is not; every source that needs it shows this problem.
    Down {
        problem: Problem,
        attempt: u32,
        retry_in: Duration,
    },
}

/// The shared context. Cheap to clone.
#[derive(Clone)]
pub(super) struct TaskContext {
    events: mpsc::Sender<Event>,
    connection: watch::Receiver<ConnectionState>,
    dead: Arc<DeadCredentials>,
    /// How long one request may take.
    pub(super) limit: Duration,
}

/// Signals to the keeper of the connection that credentials died.
#[derive(Default)]
struct DeadCredentials {
    notify: Notify,
    /// The epoch whose credentials died last.
    epoch: AtomicU64,
}

impl TaskContext {
    /// A context that is not connected yet, and where its connection is published.
    pub(super) fn new(
        events: mpsc::Sender<Event>,
        limit: Duration,
    ) -> (watch::Sender<ConnectionState>, Self) {
        let (publish, connection) = watch::channel(ConnectionState::Connecting);
        (
            publish,
            Self {
                events,
                connection,
                dead: Arc::default(),
                limit,
            },
        )
    }

    /// Emits an observation; waits for room. If nobody listens, we are about to be stopped.
    pub(super) async fn emit(&self, observation: Observation) {
        let _ = self.events.send(Event::Observation(observation)).await;
    }

    /// Emits the state of a source.
    pub(super) async fn source(&self, id: &SourceId, state: SourceState) {
        self.emit(Observation::Source(id.clone(), state)).await;
    }

    /// Emits that a source fails.
    pub(super) async fn failing(
        &self,
        id: &SourceId,
        mut problem: Problem,
        attempt: u32,
        retry_in: Duration,
    ) {
        // Said by `retry_in`.
        problem.retry_after = None;
        self.source(
            id,
            SourceState::Failing {
                problem,
                attempt,
                retry_in,
            },
        )
        .await;
    }

    /// The connection, as soon as there is one. While there is none, the source fails with the connection's problem.
    pub(super) async fn session(&mut self, id: &SourceId) -> ApiSession {
        loop {
            let state = self.connection.borrow_and_update().clone();
            match state {
                ConnectionState::Up(session) => return session,
                ConnectionState::Down {
                    problem,
                    attempt,
                    retry_in,
                } => {
                    self.failing(id, problem, attempt, retry_in).await;
                }
                ConnectionState::Connecting => {}
            }
            self.changed().await;
        }
    }

    /// The connection, once there is one; where it is down, why.
    pub(super) async fn connected(&mut self) -> Result<ApiSession, Problem> {
        loop {
            match self.connection_state() {
                ConnectionState::Up(session) => return Ok(session),
                ConnectionState::Down { problem, .. } => return Err(problem),
                ConnectionState::Connecting => self.changed().await,
            }
        }
    }

    /// The state of the connection now.
    pub(super) fn connection_state(&mut self) -> ConnectionState {
        self.connection.borrow_and_update().clone()
    }

    /// Waits until the connection's state changes.
    pub(super) async fn changed(&mut self) {
        if self.connection.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until there is another connection than this one.
    pub(super) async fn replaced(&mut self, epoch: u64) {
        loop {
            if matches!(&*self.connection.borrow_and_update(), ConnectionState::Up(session) if session.epoch != epoch)
            {
                return;
            }
            self.changed().await;
        }
    }

    /// Waits out a back-off, or less when a new connection is there before.
    pub(super) async fn rest(&mut self, wait: Duration, epoch: u64) {
        let _ = timeout(wait, self.replaced(epoch)).await;
    }

    /// One request, limited in time, with its failure explained. `doing` says what it is for.
    pub(super) async fn ask<T>(
        &self,
        session: &ApiSession,
        doing: &str,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Problem> {
        let problem = match timeout(self.limit, request).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => explain(&error, doing),
            Err(_elapsed) => frozen(doing, self.limit),
        };
        self.note(session, &problem);
        Err(problem)
    }

    /// Reports a problem: credentials that died are replaced.
    pub(super) fn note(&self, session: &ApiSession, problem: &Problem) {
        if problem.kind == ProblemKind::Unauthorized {
            self.dead.epoch.fetch_max(session.epoch, Ordering::SeqCst);
            self.dead.notify.notify_one();
        }
    }

    /// Waits until a task reports that this connection's credentials died.
    pub(super) async fn credentials_died(&self, epoch: u64) {
        while self.dead.epoch.load(Ordering::SeqCst) < epoch {
            self.dead.notify.notified().await;
        }
    }
}
