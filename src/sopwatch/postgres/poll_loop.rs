//! The poll loop: the task that finds credentials, connects, polls, and recovers from failures.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connect;
use super::connect::DatabaseSession;
use super::credentials::{CredentialSources, Credentials};
use super::options::{DatabaseOptions, PollRequest, ReadSecret};
use super::reading;
use super::requests::{Halt, RequestQueue};
use super::statement::Statements;
use crate::net::backoff::RETRY;
use crate::net::tls::TlsMode;
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, SourceId, SourceState};
use sopwatch_core::profile::{Database, Leaders};

/// Nothing is tried or polled more often than this, whoever asks.
const PACE: Duration = Duration::from_secs(1);

/// Reads the service's database until cancelled: finds credentials, connects, polls, and heals by itself.
///
/// Sends [`Observation::DatabaseConnection`] with each connection, [`Observation::Database`] with each poll, [`Observation::Rows`] while rows are watched,
/// and [`Observation::Source`] when it starts and when it fails; a reading says that it works. Without anything to take credentials from it
/// says `Off`.
pub async fn run(
    options: DatabaseOptions,
    database: Database,
    leaders: &Leaders,
    secret: Option<ReadSecret>,
    requests: mpsc::Receiver<PollRequest>,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) {
    let statements = Statements::new(&database, leaders);
    let sources = CredentialSources {
        options: &options,
        database: &database,
        secret: secret.as_ref(),
    };
    let mut poll_loop = PollLoop {
        sources,
        statements,
        queue: RequestQueue::new(requests, cancel),
        events,
        credentials: None,
        proven: None,
        failures: 0,
        random: fastrand::Rng::with_seed(options.seed),
    };
    poll_loop.run().await;
}

struct PollLoop<'a> {
    sources: CredentialSources<'a>,
    statements: Result<Statements, Problem>,
    queue: RequestQueue,
    events: mpsc::Sender<Event>,
    /// The last that were found.
    credentials: Option<Credentials>,
    /// The TLS mode of the last connection.
    proven: Option<TlsMode>,
    /// Failures in a row.
    failures: u32,
    /// For the jitter of the waits.
    random: fastrand::Rng,
}

impl PollLoop<'_> {
    async fn run(&mut self) {
        if !self.sources.exist() {
            let why = "no credentials are set, and the secret can't be read".into();
            if self.emit_state(SourceState::Off(why)).await.is_ok() {
                self.queue.wait_for_the_end().await;
            }
            return;
        }
        if self.emit_state(SourceState::Connecting).await.is_err() {
            return;
        }
        loop {
            let Err(halt) = self.attempt().await;
            let resumed = match halt {
                Halt::Cancelled => Err(Halt::Cancelled),
                Halt::Failed(problem) => self.back_off(problem).await,
            };
            if resumed.is_err() {
                return;
            }
        }
    }

    /// Connects and polls until that fails.
    async fn attempt(&mut self) -> Result<Infallible, Halt> {
        let statements = self.statements.clone()?;
        let mut session = self.connect().await?;
        let connection = session.describe();
        self.emit(Observation::DatabaseConnection(connection)).await?;
        let halt = self.poll(&mut session, &statements).await;
        if let Err(Halt::Cancelled) = halt {
            session.close().await;
            return Err(Halt::Cancelled);
        }
        halt
    }

    async fn connect(&mut self) -> Result<DatabaseSession, Halt> {
        let found = self.sources.find(self.credentials.as_ref());
        let credentials = self.queue.during(found).await??;
        let last = self.credentials.as_ref();
        if last.is_none_or(|last| (&last.host, last.port) != (&credentials.host, credentials.port)) {
            self.proven = None;
        }
        let opening = connect::open(&credentials, self.sources.options, &mut self.proven);
        let session = self.queue.during(opening).await?;
        self.credentials = Some(credentials);
        Ok(session?)
    }

    async fn poll(
        &mut self,
        session: &mut DatabaseSession,
        statements: &Statements,
    ) -> Result<Infallible, Halt> {
        loop {
            let started = Instant::now();
            let watched = self.queue.begin();
            let reading = reading::read(session, statements, watched.as_ref());
            let (reading, rows) = self.queue.during(reading).await??;
            self.failures = 0;
            self.emit(Observation::Database(reading)).await?;
            if let Some(rows) = rows {
                self.emit(Observation::Rows(rows)).await?;
            }
            let due = Instant::now() + self.sources.options.poll.max(PACE);
            self.queue.wait(due, started + PACE).await?;
        }
    }

    /// Reports what failed and waits for the next try.
    async fn back_off(&mut self, problem: Problem) -> Result<(), Halt> {
        let failed_at = Instant::now();
        self.failures = self.failures.saturating_add(1);
        let retry_in = RETRY.delay(self.failures, self.random.f64());
        let failing = SourceState::Failing {
            problem,
            attempt: self.failures,
            retry_in,
        };
        self.emit_state(failing).await?;
        self.queue.wait(failed_at + retry_in, failed_at + PACE).await?;
        // the next try answers all requests so far
        self.queue.begin();
        Ok(())
    }

    async fn emit_state(&mut self, state: SourceState) -> Result<(), Halt> {
        self.emit(Observation::Source(SourceId::Database, state)).await
    }

    async fn emit(&mut self, observation: Observation) -> Result<(), Halt> {
        let sent = self
            .queue
            .during(self.events.send(Event::Observation(observation)))
            .await?;
        sent.map_err(|_closed| Halt::Cancelled)
    }
}
