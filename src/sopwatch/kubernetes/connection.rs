//! The connection to the API server: this task makes it, probes it, and replaces it when the credentials died or the server came back.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::client::{Connect, Connected};
use super::clock::{Instant, now, sleep, timeout};
use super::probe::{self, ProbeResult};
use super::task_context::{ApiSession, ConnectionState, TaskContext, at_least, wait_after};
use super::whoami;
use crate::net::backoff::{RETRY, jitter};
use sopwatch_core::observe::observation::{Connection, Observation};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::text::SafeText;

/// Credentials that worked for this long were good: the count of refusals restarts at zero.
const GOOD_AFTER: Duration = Duration::from_secs(30);

/// The longest wait between two probes while they fail.
const LONGEST: Duration = Duration::from_secs(5);

/// Runs for ever.
pub(super) async fn run(connect: Connect, publish: watch::Sender<ConnectionState>, context: TaskContext) {
    context.source(&SourceId::Api, SourceState::Connecting).await;
    let mut keeper = ConnectionKeeper {
        publish,
        context,
        epoch: 0,
        credentials: 0,
        failures: 0,
        refusals: 0,
    };
    loop {
        match connect().await {
            Ok(connected) => keeper.tend(connected).await,
            Err(problem) => {
                let wait = keeper.fail(problem).await;
                sleep(wait).await;
            }
        }
    }
}

struct ConnectionKeeper {
    publish: watch::Sender<ConnectionState>,
    context: TaskContext,
    epoch: u64,
    credentials: u64,
    /// Failures in a row to connect or to probe.
    failures: u32,
    /// Times in a row that credentials were refused.
    refusals: u32,
}

/// Why a connection is replaced.
enum ReplaceReason {
    /// The server was away and came back: open streams may be dead.
    CameBack,
    /// The credentials are refused.
    Refused(Problem),
}

/// What was emitted about a connection.
#[derive(Default)]
struct Introduced {
    /// Who the server says we are; `None` while it was not asked or did not answer.
    user: Option<SafeText>,
    /// Before that it is not asked again.
    ask_at: Option<Instant>,
    told: Option<Connection>,
}

impl ConnectionKeeper {
    /// Looks after one connection until another is needed. It is offered at once: the first requests do not wait for the first probe.
    async fn tend(&mut self, connected: Connected) {
        self.epoch += 1;
        let session = ApiSession {
            client: connected.client.clone(),
            namespace: connected.target.namespace.as_str().into(),
            epoch: self.epoch,
            credentials: self.credentials,
        };
        self.publish.send_replace(ConnectionState::Up(session.clone()));
        let context = self.context.clone();
        let over = tokio::select! {
            over = self.watch_over(&session, &connected) => over,
            () = context.credentials_died(session.epoch) => ReplaceReason::Refused(refused(&session)),
        };
        if let ReplaceReason::Refused(problem) = over {
            self.wait_for_credentials(problem).await;
        }
    }

    /// Probes the server until the connection must be replaced.
    async fn watch_over(&mut self, session: &ApiSession, connected: &Connected) -> ReplaceReason {
        let mut introduced = Introduced::default();
        let mut down = false;
        let since = now();
        loop {
            let wait = match probe::ask(&session.client, &connected.target.server).await {
                ProbeResult::Alive(version, clock) => {
                    self.alive(since, clock).await;
                    if down {
                        return ReplaceReason::CameBack;
                    }
                    self.introduce(session, connected, version, &mut introduced).await;
                    probe::EVERY
                }
                ProbeResult::Throttled(problem) => self.throttled(problem).await,
                ProbeResult::Dead(problem) if problem.kind == ProblemKind::Unauthorized => {
                    return ReplaceReason::Refused(problem);
                }
                ProbeResult::Dead(problem) => {
                    down = true;
                    self.fail(problem).await
                }
            };
            sleep(wait).await;
        }
    }

    async fn alive(&mut self, since: Instant, clock: Option<Timestamp>) {
        self.failures = 0;
        if (now() - since) >= GOOD_AFTER {
            self.refusals = 0;
        }
        if let Some(clock) = clock {
            self.context.emit(Observation::ServerClock(clock)).await;
        }
        self.context.source(&SourceId::Api, SourceState::Live).await;
    }

    /// Emits who and where we are when that is new.
    async fn introduce(
        &self,
        session: &ApiSession,
        connected: &Connected,
        version: Option<SafeText>,
        known: &mut Introduced,
    ) {
        let of_kubeconfig = SafeText::new(connected.target.user.as_deref().unwrap_or("unknown"));
        if known.user.is_none() && known.ask_at.is_none_or(|at| at <= now()) {
            // It must not hold up the next sign of life for long.
            let asked = Box::pin(whoami::user(session, &self.context, &of_kubeconfig));
            match timeout(probe::LIMIT, asked).await {
                Ok(Ok(user)) => known.user = Some(user),
                Ok(Err(problem)) => known.ask_at = Some(now() + at_least(&problem, Duration::ZERO)),
                Err(_elapsed) => {}
            }
        }
        let connection = Connection {
            server: (&connected.target.server).into(),
            context: connected.target.context.as_deref().map(SafeText::new),
            user: known.user.clone().unwrap_or(of_kubeconfig),
            namespace: SafeText::new(&connected.target.namespace),
            version,
            expires_at: connected.expires_at,
            unverified: connected.unverified,
        };
        if known.told.as_ref() != Some(&connection) {
            self.context
                .emit(Observation::Connection(connection.clone()))
                .await;
            known.told = Some(connection);
        }
    }

    /// The credentials died: waits, so that the kubeconfig is read again at most once a second.
    async fn wait_for_credentials(&mut self, problem: Problem) {
        self.refusals += 1;
        self.credentials += 1;
        let wait = RETRY.delay(self.refusals, jitter());
        self.emit_down(problem, self.refusals, wait).await;
        sleep(wait).await;
    }

    async fn throttled(&mut self, problem: Problem) -> Duration {
        self.failures += 1;
        let wait = wait_after(&problem, self.failures);
        self.context
            .failing(&SourceId::Api, problem, self.failures, wait)
            .await;
        wait
    }

    async fn fail(&mut self, problem: Problem) -> Duration {
        self.failures += 1;
        let wait = at_least(&problem, RETRY.delay(self.failures, jitter()).min(LONGEST));
        self.emit_down(problem, self.failures, wait).await;
        wait
    }

    async fn emit_down(&self, problem: Problem, attempt: u32, retry_in: Duration) {
        self.publish.send_replace(ConnectionState::Down {
            problem: problem.clone(),
            attempt,
            retry_in,
        });
        self.context
            .failing(&SourceId::Api, problem, attempt, retry_in)
            .await;
    }
}

fn refused(session: &ApiSession) -> Problem {
    let what = format!(
        "the server refuses the credentials (401) in {}: the token expired or was revoked",
        session.namespace
    );
    Problem::new(ProblemKind::Unauthorized, &what)
        .advise("log in again (oc login); sopwatch rereads the kubeconfig by itself")
}
