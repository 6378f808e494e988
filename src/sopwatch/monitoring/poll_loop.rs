//! The tasks of the monitoring servers: each source polled when its turn comes, with waits that grow while it fails.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::alertmanager::Alertmanager;
use super::history;
use super::http_client::HttpClient;
use super::metrics::Metrics;
use super::options::{Endpoint, MonitoringOptions};
use super::prometheus::Prometheus;
use super::refusals::{Refusal, is_about_access};
use super::rules::Rules;
use super::tracker::Tracker;
use crate::net::backoff::{Backoff, jitter};
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, SourceId, SourceState};

/// The waits after failures.
const RETRY: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_mins(2));

/// How long a refused credential is not tried again while it stays the same.
const REFUSED_FOR: Duration = Duration::from_mins(5);

/// How often it is looked whether a refused credential was replaced.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Nothing is polled more often than this, whoever asks.
const PACE: Duration = Duration::from_secs(10);

/// What the console asks of the tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MonitoringRequest {
    /// Counts the wishes for a poll now.
    pub polls: u64,
    /// Whether somebody looks at the charts.
    pub charts: bool,
}

/// One source that is polled.
pub(super) trait Poll {
    /// Which.
    fn id(&self) -> SourceId;
    /// How long after one poll the next is due.
    fn every(&self) -> Duration;
    /// Its server.
    fn client(&self) -> &HttpClient;
    /// Asks once.
    async fn poll(&mut self) -> Result<Vec<Observation>, Refusal>;
}

/// Polls all that is configured until cancelled.
///
/// Each source says `Connecting` once, then an observation with each poll, or that it fails, why, and when it is tried again.
pub async fn run(
    options: MonitoringOptions,
    requests: watch::Receiver<MonitoringRequest>,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) {
    let context = Context {
        requests,
        answered: 0,
        events,
        cancel,
    };
    let metrics = async {
        if let Some(of_metrics) = &options.metrics {
            let connect = || connect(&of_metrics.endpoint, of_metrics.tenancy.as_deref());
            let make = || Ok(Metrics::new(connect()?, of_metrics));
            context.clone().poll_forever(SourceId::Metrics, make).await;
        }
    };
    let rules = async {
        if let Some((of_metrics, filter)) = options
            .metrics
            .as_ref()
            .and_then(|of_metrics| Some((of_metrics, of_metrics.rules.as_ref()?)))
        {
            let connect = || connect(&of_metrics.endpoint, of_metrics.tenancy.as_deref());
            let make = || Ok(Rules::new(connect()?, filter.clone()));
            context.clone().poll_forever(SourceId::AlertRules, make).await;
        }
    };
    let charts = async {
        if let Some(of_metrics) = &options.metrics
            && let Ok(prometheus) = connect(&of_metrics.endpoint, of_metrics.tenancy.as_deref())
        {
            let (shown, looks) = watch::channel(false);
            let context = context.clone();
            let history = history::run(
                prometheus,
                of_metrics.clone(),
                options.now.clone(),
                looks,
                context.events.clone(),
                context.cancel.clone(),
            );
            tokio::join!(history, context.pass_on_charts(shown));
        }
    };
    let alerts = async {
        if let Some(of_alerts) = &options.alerts {
            let make = || {
                Ok(Alertmanager::new(
                    HttpClient::new(of_alerts.endpoint.clone())?,
                    of_alerts,
                ))
            };
            context.clone().poll_forever(SourceId::Alerts, make).await;
        }
    };
    let tracker = async {
        if let Some(of_tracker) = &options.tracker {
            let make = || {
                Ok(Tracker::new(
                    HttpClient::new(of_tracker.endpoint.clone())?,
                    of_tracker,
                ))
            };
            context.clone().poll_forever(SourceId::Tracker, make).await;
        }
    };
    tokio::join!(metrics, rules, charts, alerts, tracker);
}

fn connect(endpoint: &Endpoint, tenancy: Option<&str>) -> Result<Prometheus, Problem> {
    Ok(Prometheus {
        client: HttpClient::new(endpoint.clone())?,
        tenancy: tenancy.map(str::to_owned),
    })
}

/// How long it is until the next try.
fn wait_after(refusal: &Refusal, failures: u32) -> Duration {
    match refusal.wait {
        Some(asked) => asked,
        None if is_about_access(refusal.problem.kind) => REFUSED_FOR,
        None => RETRY.delay(failures, jitter()),
    }
}

#[derive(Clone)]
struct Context {
    requests: watch::Receiver<MonitoringRequest>,
    /// The wishes that were there when the newest poll began, which answers them.
    answered: u64,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
}

/// The program ends.
struct Over;

impl Context {
    /// Makes the source, again and again where it can't be made, and polls it.
    async fn poll_forever<P: Poll>(mut self, id: SourceId, make: impl Fn() -> Result<P, Problem>) {
        let mut failures = 0;
        if self.emit_state(&id, SourceState::Connecting).await.is_err() {
            return;
        }
        loop {
            let polled = match make() {
                Ok(mut source) => self.poll_source(&mut source).await,
                Err(problem) => {
                    failures += 1;
                    let wait = RETRY.delay(failures, jitter());
                    self.fail(&id, problem, failures, wait).await
                }
            };
            if polled.is_err() {
                return;
            }
        }
    }

    /// Polls one source; ends only with the program.
    async fn poll_source<P: Poll>(&mut self, source: &mut P) -> Result<(), Over> {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            self.answered = self.requests.borrow().polls;
            // The one that this poll uses, or an older one.
            let credential = source.client().credential().await;
            let polled = tokio::select! {
                () = self.cancel.cancelled() => return Err(Over),
                polled = source.poll() => polled,
            };
            match polled {
                Ok(observations) => {
                    failures = 0;
                    for observation in observations {
                        self.emit(observation).await?;
                    }
                    self.rest(began + source.every(), began + PACE).await?;
                }
                Err(refusal) => {
                    failures += 1;
                    self.emit_refusal(&source.id(), &refusal, failures).await?;
                    if refusal.wait.is_none() && is_about_access(refusal.problem.kind) {
                        self.rest_until_another(source.client(), credential, began)
                            .await?;
                    } else {
                        let until = Instant::now() + wait_after(&refusal, failures);
                        // A server that asks to be left alone is left alone, whoever asks.
                        let soonest = refusal.wait.map_or(began + PACE, |_| until);
                        self.rest(until, soonest).await?;
                    }
                }
            }
        }
    }

    async fn emit_refusal(&self, id: &SourceId, refusal: &Refusal, attempt: u32) -> Result<(), Over> {
        let failing = SourceState::Failing {
            problem: refusal.problem.clone(),
            attempt,
            retry_in: wait_after(refusal, attempt),
        };
        self.emit_state(id, failing).await
    }

    /// Waits until there is another credential than the one that was refused, until somebody asks, or until it has been long enough.
    #[expect(clippy::disallowed_methods, reason = "only whether the login changed")]
    async fn rest_until_another(
        &mut self,
        client: &HttpClient,
        refused: Option<SecretString>,
        began: Instant,
    ) -> Result<(), Over> {
        let until = Instant::now() + REFUSED_FOR;
        let text = |secret: &Option<SecretString>| {
            let secret = secret.as_ref();
            secret.map(|secret| secret.expose_secret().to_owned())
        };
        while Instant::now() < until {
            let look = (Instant::now() + LOOK_AGAIN).min(until);
            self.rest(look, began + PACE).await?;
            let is_asked = self.requests.borrow().polls != self.answered && Instant::now() >= began + PACE;
            if is_asked || text(&refused) != text(&client.credential().await) {
                break;
            }
        }
        Ok(())
    }

    async fn fail(
        &mut self,
        id: &SourceId,
        problem: Problem,
        attempt: u32,
        retry_in: Duration,
    ) -> Result<(), Over> {
        let failing = SourceState::Failing {
            problem,
            attempt,
            retry_in,
        };
        self.emit_state(id, failing).await?;
        let now = Instant::now();
        self.rest(now + retry_in, now + PACE).await
    }

    /// Waits until `due`, or until somebody asks for a poll, which is not before `soonest`.
    async fn rest(&mut self, due: Instant, soonest: Instant) -> Result<(), Over> {
        let polls = self.answered;
        let asked = async {
            let closed = self
                .requests
                .wait_for(|request| request.polls != polls)
                .await
                .is_err();
            if closed {
                std::future::pending::<()>().await;
            }
            sleep_until(soonest).await;
        };
        tokio::select! {
            () = self.cancel.cancelled() => Err(Over),
            () = sleep_until(due) => Ok(()),
            () = asked => Ok(()),
        }
    }

    /// Tells the task of the charts whether somebody looks.
    async fn pass_on_charts(mut self, shown: watch::Sender<bool>) {
        loop {
            let charts = self.requests.borrow_and_update().charts;
            shown.send_if_modified(|shown| std::mem::replace(shown, charts) != charts);
            tokio::select! {
                () = self.cancel.cancelled() => return,
                changed = self.requests.changed() => {
                    if changed.is_err() {
                        return self.cancel.cancelled().await;
                    }
                }
            }
        }
    }

    async fn emit_state(&self, id: &SourceId, state: SourceState) -> Result<(), Over> {
        self.emit(Observation::Source(id.clone(), state)).await
    }

    async fn emit(&self, observation: Observation) -> Result<(), Over> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(Over),
            sent = self.events.send(Event::Observation(observation)) => sent.map_err(|_closed| Over),
        }
    }
}
