//! The task: connects, polls, heals by itself.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::chance::Chance;
use super::credentials::{Credentials, Sources};
use super::dial::{self, Session};
use super::inbox::{Halt, Inbox};
use super::options::{DatabaseOptions, ReadSecret, Request, TlsMode};
use super::poll;
use super::statement::Statements;
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, SourceId, SourceState};
use sopwatch_core::profile::{Database, Leaders};
use sopwatch_core::text::SafeText;

/// Nothing is tried or polled more often than this, whoever asks.
const PACE: Duration = Duration::from_secs(1);
/// The longest wait for the next try, before jitter.
const LONGEST_REST: Duration = Duration::from_secs(12);

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
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) {
    let statements = Statements::new(&database, leaders);
    let sources = Sources {
        options: &options,
        database: &database,
        secret: secret.as_ref(),
    };
    let mut poller = Poller {
        sources,
        statements,
        inbox: Inbox::new(requests, cancel),
        events,
        credentials: None,
        proven: None,
        failures: 0,
        chance: Chance::new(options.seed),
    };
    poller.run().await;
}

struct Poller<'a> {
    sources: Sources<'a>,
    statements: Result<Statements, Problem>,
    inbox: Inbox,
    events: mpsc::Sender<Event>,
    /// The last that were found.
    credentials: Option<Credentials>,
    /// The TLS mode of the last connection.
    proven: Option<TlsMode>,
    /// Failures in a row.
    failures: u32,
    /// For the jitter of the rests, so that consoles do not all come back in the same moment.
    chance: Chance,
}

impl Poller<'_> {
    async fn run(&mut self) {
        if !self.sources.exist() {
            let why = SafeText::new("no credentials are given and no secret can be read");
            if self.say(SourceState::Off(why)).await.is_ok() {
                self.inbox.wait_for_the_end().await;
            }
            return;
        }
        if self.say(SourceState::Connecting).await.is_err() {
            return;
        }
        loop {
            let Err(halt) = self.attempt().await;
            let resumed = match halt {
                Halt::Cancelled => Err(Halt::Cancelled),
                Halt::Failed(problem) => self.rest(problem).await,
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
        self.tell(Observation::DatabaseConnection(connection)).await?;
        let halt = self.poll(&mut session, &statements).await;
        if let Err(Halt::Cancelled) = halt {
            session.close().await;
            return Err(Halt::Cancelled);
        }
        halt
    }

    async fn connect(&mut self) -> Result<Session, Halt> {
        let found = self.sources.find(self.credentials.as_ref());
        let credentials = self.inbox.during(found).await??;
        let last = self.credentials.as_ref();
        if last.is_none_or(|last| (&last.host, last.port) != (&credentials.host, credentials.port)) {
            self.proven = None;
        }
        let opening = dial::open(&credentials, self.sources.options, &mut self.proven);
        let session = self.inbox.during(opening).await?;
        self.credentials = Some(credentials);
        Ok(session?)
    }

    async fn poll(&mut self, session: &mut Session, statements: &Statements) -> Result<Infallible, Halt> {
        loop {
            let started = Instant::now();
            let watched = self.inbox.begin();
            let reading = poll::read(session, statements, watched.as_ref());
            let (reading, rows) = self.inbox.during(reading).await??;
            self.failures = 0;
            self.tell(Observation::Database(reading)).await?;
            if let Some(rows) = rows {
                self.tell(Observation::Rows(rows)).await?;
            }
            let due = Instant::now() + self.sources.options.poll.max(PACE);
            self.inbox.wait(due, started + PACE).await?;
        }
    }

    /// Says what failed and waits for the next try.
    async fn rest(&mut self, problem: Problem) -> Result<(), Halt> {
        let failed_at = Instant::now();
        self.failures = self.failures.saturating_add(1);
        let retry_in = rest_after(self.failures, self.chance.draw());
        let failing = SourceState::Failing {
            problem,
            attempt: self.failures,
            retry_in,
        };
        self.say(failing).await?;
        self.inbox.wait(failed_at + retry_in, failed_at + PACE).await?;
        // the try that follows answers whoever asked
        self.inbox.begin();
        Ok(())
    }

    async fn say(&mut self, state: SourceState) -> Result<(), Halt> {
        self.tell(Observation::Source(SourceId::Database, state)).await
    }

    async fn tell(&mut self, observation: Observation) -> Result<(), Halt> {
        let sent = self
            .inbox
            .during(self.events.send(Event::Observation(observation)))
            .await?;
        sent.map_err(|_closed| Halt::Cancelled)
    }
}

/// How long to rest after so many failures in a row: 1, 2, 4, 8, 12 s, and up to a quarter more by `jitter`, 0 to 1.
fn rest_after(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(8);
    let rest = (PACE * (1 << doublings)).min(LONGEST_REST);
    rest.mul_f64(1.0 + jitter / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_and_stay_between_one_and_fifteen_seconds() {
        let rests: Vec<_> = (1..=7)
            .map(|failures| rest_after(failures, 0.0).as_secs())
            .collect();
        assert_eq!(rests, [1, 2, 4, 8, 12, 12, 12]);
        assert_eq!(rest_after(u32::MAX, 1.0), Duration::from_secs(15));
    }
}
