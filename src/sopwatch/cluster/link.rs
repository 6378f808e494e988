//! Keeps the connection: makes it, asks for signs of life, and makes it anew when the credentials died or the server came back.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::backoff::{delay, jitter};
use super::connect::{Dial, Dialed};
use super::identity;
use super::probe::{self, Sign};
use super::scope::{LinkState, Scope, Session};
use crate::cluster::clock::{Instant, now, sleep, timeout};
use sopwatch_core::observe::observation::{Connection, Observation};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::text::SafeText;

/// Credentials that stood so long were good: the count of refusals starts anew.
const GOOD_AFTER: Duration = Duration::from_secs(30);

/// The longest wait between two signs of life while there are none.
const LONGEST: Duration = Duration::from_secs(5);

/// Runs for ever.
pub(super) async fn keep(dial: Dial, publish: watch::Sender<LinkState>, scope: Scope) {
    scope.source(&SourceId::Api, SourceState::Connecting).await;
    let mut keeper = Keeper {
        publish,
        scope,
        epoch: 0,
        credentials: 0,
        failures: 0,
        refusals: 0,
    };
    loop {
        match dial().await {
            Ok(dialed) => keeper.tend(dialed).await,
            Err(problem) => {
                let wait = keeper.fail(problem).await;
                sleep(wait).await;
            }
        }
    }
}

struct Keeper {
    publish: watch::Sender<LinkState>,
    scope: Scope,
    epoch: u64,
    credentials: u64,
    /// Failures in a row to connect or to get a sign of life.
    failures: u32,
    /// Times in a row that credentials were refused.
    refusals: u32,
}

/// Why a connection is replaced.
enum Over {
    /// The server was away and came back: what stands may be dead.
    CameBack,
    /// The credentials are refused.
    Refused(Problem),
}

/// What was told about a connection.
#[derive(Default)]
struct Introduced {
    /// Who the server says we are; `None` while it was not asked or did not answer.
    user: Option<SafeText>,
    told: Option<Connection>,
}

impl Keeper {
    /// Looks after one connection until another is needed. It is offered at once: the first requests go out beside the first sign of life.
    async fn tend(&mut self, dialed: Dialed) {
        self.epoch += 1;
        let session = Session {
            client: dialed.client.clone(),
            namespace: dialed.target.namespace.as_str().into(),
            epoch: self.epoch,
            credentials: self.credentials,
        };
        self.publish.send_replace(LinkState::Up(session.clone()));
        let scope = self.scope.clone();
        let over = tokio::select! {
            over = self.watch_over(&session, &dialed) => over,
            () = scope.credentials_died(session.epoch) => Over::Refused(refused(&session)),
        };
        if let Over::Refused(problem) = over {
            self.wait_for_credentials(problem).await;
        }
    }

    /// Asks for signs of life until the connection must be made anew.
    async fn watch_over(&mut self, session: &Session, dialed: &Dialed) -> Over {
        let mut introduced = Introduced::default();
        let mut down = false;
        let since = now();
        loop {
            let wait = match probe::ask(&session.client, &dialed.target.server).await {
                Sign::Alive(version, clock) => {
                    self.alive(since, clock).await;
                    if down {
                        return Over::CameBack;
                    }
                    self.introduce(session, dialed, version, &mut introduced).await;
                    probe::EVERY
                }
                Sign::Throttled(problem) => self.throttled(problem).await,
                Sign::Dead(problem) if problem.kind == ProblemKind::Unauthorized => {
                    return Over::Refused(problem);
                }
                Sign::Dead(problem) => {
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
            self.scope.tell(Observation::ServerClock(clock)).await;
        }
        self.scope.source(&SourceId::Api, SourceState::Live).await;
    }

    /// Tells who and where we are when that is new.
    async fn introduce(
        &self,
        session: &Session,
        dialed: &Dialed,
        version: Option<SafeText>,
        known: &mut Introduced,
    ) {
        let of_kubeconfig = SafeText::new(dialed.target.user.as_deref().unwrap_or("unknown"));
        if known.user.is_none() {
            // It must not hold up the next sign of life for long.
            let asked = Box::pin(identity::user(session, &self.scope, &of_kubeconfig));
            known.user = timeout(probe::LIMIT, asked).await.ok().flatten();
        }
        let connection = Connection {
            server: SafeText::new(&dialed.target.server),
            context: dialed.target.context.as_deref().map(SafeText::new),
            user: known.user.clone().unwrap_or(of_kubeconfig),
            namespace: SafeText::new(&dialed.target.namespace),
            version,
            expires_at: dialed.expires_at,
        };
        if known.told.as_ref() != Some(&connection) {
            self.scope.tell(Observation::Connection(connection.clone())).await;
            known.told = Some(connection);
        }
    }

    /// The credentials died: waits, so that the kubeconfig is read anew and tried again at most once a second.
    async fn wait_for_credentials(&mut self, problem: Problem) {
        self.refusals += 1;
        self.credentials += 1;
        let wait = delay(self.refusals, jitter());
        self.tell_down(problem, self.refusals, wait).await;
        sleep(wait).await;
    }

    async fn throttled(&mut self, problem: Problem) -> Duration {
        self.failures += 1;
        let wait = delay(self.failures, jitter());
        self.scope
            .failing(&SourceId::Api, problem, self.failures, wait)
            .await;
        wait
    }

    async fn fail(&mut self, problem: Problem) -> Duration {
        self.failures += 1;
        let wait = delay(self.failures, jitter()).min(LONGEST);
        self.tell_down(problem, self.failures, wait).await;
        wait
    }

    async fn tell_down(&self, problem: Problem, attempt: u32, retry_in: Duration) {
        self.publish.send_replace(LinkState::Down {
            problem: problem.clone(),
            attempt,
            retry_in,
        });
        self.scope
            .failing(&SourceId::Api, problem, attempt, retry_in)
            .await;
    }
}

fn refused(session: &Session) -> Problem {
    let what = format!(
        "the server refuses the credentials (401) in {}: the token died or was revoked",
        session.namespace
    );
    Problem::new(ProblemKind::Unauthorized, &what)
        .advise("log in again (oc login); the kubeconfig is read anew by itself")
}
