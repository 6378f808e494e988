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
use super::options::{MetricsOptions, MonitoringOptions, Now, ReadCluster, Server};
use super::prometheus::{Prometheus, PrometheusFinder};
use super::refusals::{Refusal, is_about_access};
use super::rules::Rules;
use super::tracker::Tracker;
use crate::net::backoff::{Backoff, jitter};
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, SourceId, SourceState};

/// The waits after failures.
const RETRY: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_mins(2));

/// How long after its refusal a credential is tried again, while it stays the same.
const CREDENTIAL_AGAIN_AFTER: Duration = Duration::from_mins(5);

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

/// Polls all that is configured until cancelled. Servers in the cluster, and routes, are asked for over `cluster`.
///
/// Each source says `Connecting` once, then an observation with each poll, or that it fails, why, and when it is tried again.
pub async fn run(
    options: MonitoringOptions,
    cluster: ReadCluster,
    requests: watch::Receiver<MonitoringRequest>,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) {
    let context = Context {
        cluster,
        requests,
        answered: 0,
        events,
        cancel,
    };
    let (now, metrics) = (&options.now, options.metrics.as_ref());
    let rules = async {
        if let Some(of_rules) = metrics.and_then(|metrics| metrics.rules.as_ref()) {
            let tenancy = metrics.and_then(|metrics| metrics.tenancy.clone());
            let make = |client| {
                let tenancy = tenancy.clone();
                Rules::new(Prometheus { client, tenancy }, of_rules.filter.clone())
            };
            let context = context.clone();
            context
                .poll_forever(SourceId::AlertRules, &of_rules.server, make)
                .await;
        }
    };
    let alerts = async {
        if let Some(of_alerts) = &options.alerts {
            let make = |client| Alertmanager::new(client, of_alerts);
            let context = context.clone();
            context
                .poll_forever(SourceId::Alerts, &of_alerts.server, make)
                .await;
        }
    };
    let tracker = async {
        if let Some(of_tracker) = &options.tracker {
            let make = |client| Tracker::new(client, of_tracker);
            let context = context.clone();
            context
                .poll_forever(SourceId::Tracker, &of_tracker.server, make)
                .await;
        }
    };
    let cluster_metrics = options.cluster_metrics.as_ref();
    tokio::join!(
        context.clone().figures(SourceId::Metrics, metrics, now),
        context
            .clone()
            .figures(SourceId::ClusterMetrics, cluster_metrics, now),
        rules,
        alerts,
        tracker,
    );
}

/// How long it is until the next try.
fn wait_after(refusal: &Refusal, failures: u32) -> Duration {
    match refusal.wait {
        Some(asked) => asked,
        None if is_about_access(refusal.problem.kind) => CREDENTIAL_AGAIN_AFTER,
        None => RETRY.delay(failures, jitter()),
    }
}

#[derive(Clone)]
struct Context {
    cluster: ReadCluster,
    requests: watch::Receiver<MonitoringRequest>,
    /// The wishes that were there when the newest poll began, which answers them.
    answered: u64,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
}

/// The program ends.
struct Over;

impl Context {
    /// Polls the figures of one metrics source, and draws its charts while somebody looks.
    async fn figures(self, id: SourceId, options: Option<&MetricsOptions>, now: &Now) {
        let Some(options) = options else {
            return;
        };
        let make = |client| {
            let tenancy = options.tenancy.clone();
            Metrics::new(id.clone(), Prometheus { client, tenancy }, options)
        };
        let polls = self.clone().poll_forever(id.clone(), &options.server, make);
        let (shown, looks) = watch::channel(false);
        let finder = PrometheusFinder {
            server: &options.server,
            tenancy: options.tenancy.as_deref(),
            cluster: &self.cluster,
        };
        let charts = history::run(&finder, &options.queries, now, looks, &self.events, &self.cancel);
        tokio::join!(polls, charts, self.clone().pass_on_charts(shown));
    }

    /// A client of a server, where that is now.
    async fn connect(&self, server: &Server) -> Result<HttpClient, Problem> {
        HttpClient::new(server.endpoint(&self.cluster).await?)
    }

    /// Finds the server, again and again where it can't be found, and polls the source.
    async fn poll_forever<P: Poll>(mut self, id: SourceId, server: &Server, make: impl Fn(HttpClient) -> P) {
        let mut failures = 0;
        if self.emit_state(&id, SourceState::Connecting).await.is_err() {
            return;
        }
        loop {
            self.answered = self.requests.borrow().polls;
            let found = tokio::select! {
                () = self.cancel.cancelled() => return,
                found = self.connect(server) => found,
            };
            let polled = match found {
                Ok(client) => self.poll_source(&mut make(client)).await,
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
        let until = Instant::now() + CREDENTIAL_AGAIN_AFTER;
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
