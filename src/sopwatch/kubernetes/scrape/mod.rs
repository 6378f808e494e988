//! The pods' own metrics, through the API server's pod proxy: `GET …/pods/NAME:PORT/proxy/metrics` of each ready pod, every 15 s, where
//! the rights allow (`get pods/proxy`). Of many pods a few are asked each time, in turns.
//!
//! An answer is read line by line as it comes and is bounded in size and time. The pod's own errors (a 401, a 404) differ from
//! those of the API server, which come as a `Status` with a reason.

mod rotation;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
mod text;
mod totals;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use http_body_util::BodyExt;
use kube::Error;
use kube::client::Body;
use tokio::sync::watch;

pub(super) use self::rotation::MOST as MOST_OF_A_ROUND;
use self::rotation::Rotation;
use self::totals::Totals;
use super::access::Rights;
use crate::kubernetes::clock::{Instant, now, sleep, timeout};
use crate::kubernetes::errors::{explain, frozen};
use crate::kubernetes::response;
use crate::kubernetes::reviewed_source::{until_allowed, until_reviewed};
use crate::kubernetes::task_context::{ApiSession, ConnectionState, TaskContext, at_least};
use sopwatch_core::observe::observation::{Observation, Pod, PodUid, Scrape};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::observe::state::VITALS_EVERY;
use sopwatch_core::profile::{Metrics, Profile};
use sopwatch_core::text::{Redacted, SafeText};

/// How long one answer may take: less than the pause to the next.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// Pods that are asked at once.
pub(super) const TOGETHER: usize = 4;

/// The ready pods by uid, with their names.
pub(super) type Ready = BTreeMap<PodUid, SafeText>;

/// Keeps the ready pods as observations about pods come.
pub(super) fn note_ready(ready: &mut Ready, observation: &Observation) -> bool {
    let before = ready.clone();
    let mut note = |pod: &Pod| {
        if pod.is_ready() {
            ready.insert(pod.uid.clone(), pod.name.clone());
        } else {
            ready.remove(&pod.uid);
        }
    };
    match observation {
        Observation::Pods(pods) => {
            ready.clear();
            pods.iter()
                .filter(|pod| pod.is_ready())
                .for_each(|pod| drop(ready.insert(pod.uid.clone(), pod.name.clone())));
        }
        Observation::Pod(pod) => note(pod),
        Observation::PodGone(uid) => drop(ready.remove(uid)),
        _ => {}
    }
    *ready != before
}

/// Runs for ever; asks nobody where the profile names no metrics.
pub(super) async fn run(
    profile: &Profile,
    ready: watch::Receiver<Ready>,
    mut rights: watch::Receiver<Rights>,
    context: TaskContext,
) {
    let Some(metrics) = &profile.service.metrics else {
        return std::future::pending().await;
    };
    until_reviewed(&mut rights, |rights| rights.scrape).await;
    let mut reader = ScrapeLoop {
        metrics,
        probe: &profile.service.probe_path,
        ready,
        rights,
        context,
        failures: BTreeMap::new(),
        not_before: BTreeMap::new(),
        off: BTreeSet::new(),
        rotation: Rotation::default(),
    };
    loop {
        reader.round().await;
    }
}

struct ScrapeLoop<'a> {
    metrics: &'a Metrics,
    probe: &'a str,
    ready: watch::Receiver<Ready>,
    rights: watch::Receiver<Rights>,
    context: TaskContext,
    /// Failures in a row.
    failures: BTreeMap<PodUid, u32>,
    /// Pods that are not asked before a moment, because the server wishes so.
    not_before: BTreeMap<PodUid, Instant>,
    /// Pods whose metrics were reported as not read.
    off: BTreeSet<PodUid>,
    rotation: Rotation,
}

/// Why a pod's metrics were not had.
enum Refusal {
    /// The API server does not let us.
    NotAllowed(Redacted),
    /// This pod, this time.
    Failed(Problem),
}

/// What a pod answered.
enum ScrapeBody {
    /// Its counters.
    Read(Scrape),
    /// Something without any of the families.
    Foreign,
    /// More than is read.
    TooLarge,
}

impl ScrapeLoop<'_> {
    /// Asks each ready pod whose turn it is once, then waits until it is time for the next round.
    async fn round(&mut self) {
        let session = self.connected().await;
        let ready = self.ready.borrow_and_update().clone();
        self.failures.retain(|pod, _| ready.contains_key(pod));
        self.not_before
            .retain(|pod, until| ready.contains_key(pod) && now() < *until);
        self.off.retain(|pod| ready.contains_key(pod));
        if self.rights.borrow_and_update().scrape == Some(false) {
            self.emit_off(&ready, "not allowed: get pods/proxy").await;
            return self.until_allowed(&session).await;
        }
        let mut pods = self.rotation.next(&ready);
        pods.retain(|(pod, _)| !self.not_before.contains_key(pod));
        for some in pods.chunks(TOGETHER) {
            let asked = some.iter().map(|(_, name)| self.ask(&session, name).boxed());
            let answers = join_all(asked).await;
            for ((pod, _), answer) in some.iter().zip(answers) {
                if let Err(Refusal::NotAllowed(why)) = self.take(pod, answer).await {
                    self.emit_off(&ready, &why).await;
                    return self.until_allowed(&session).await;
                }
            }
        }
        self.pause(ready.is_empty()).await;
    }

    /// Until the next round; while there is no pod, until there is one.
    async fn pause(&mut self, idle: bool) {
        let every = VITALS_EVERY.unsigned_abs();
        if idle {
            let _ = timeout(every, self.ready.changed()).await;
        } else {
            sleep(every).await;
        }
    }

    async fn take(&mut self, pod: &PodUid, answer: Result<Scrape, Refusal>) -> Result<(), Refusal> {
        match answer {
            Ok(scrape) => {
                self.failures.remove(pod);
                self.off.remove(pod);
                let pod = pod.clone();
                self.context.emit(Observation::Scrape { pod, scrape }).await;
            }
            Err(Refusal::Failed(problem)) => {
                let failures = self.failures.entry(pod.clone()).or_default();
                *failures = failures.saturating_add(1);
                let id = SourceId::Scrape(pod.clone());
                let wait = at_least(&problem, VITALS_EVERY.unsigned_abs());
                if problem.retry_after.is_some() {
                    self.not_before.insert(pod.clone(), now() + wait);
                }
                self.context.failing(&id, problem, *failures, wait).await;
            }
            Err(refusal) => return Err(refusal),
        }
        Ok(())
    }

    async fn emit_off(&mut self, ready: &Ready, why: &str) {
        for pod in ready.keys() {
            if self.off.insert(pod.clone()) {
                let state = SourceState::Off(why.into());
                self.context.source(&SourceId::Scrape(pod.clone()), state).await;
            }
        }
    }

    /// Until the access review says something else, other credentials are there, or long enough has passed. New pods are reported, too.
    async fn until_allowed(&mut self, refused: &ApiSession) {
        let new_pods = self.ready.changed();
        until_allowed(refused, &mut self.rights, &mut self.context, new_pods).await;
        if self.rights.borrow().scrape != Some(false) {
            self.off.clear();
        }
    }

    async fn connected(&mut self) -> ApiSession {
        loop {
            if let ConnectionState::Up(session) = self.context.connection_state() {
                return session;
            }
            self.context.changed().await;
        }
    }

    async fn ask(&self, session: &ApiSession, pod: &str) -> Result<Scrape, Refusal> {
        let doing = format!("read the metrics of pod {pod} in {}", session.namespace);
        match timeout(LIMIT, self.read(session, pod)).await {
            Ok(Ok(ScrapeBody::Read(scrape))) => Ok(scrape),
            Ok(Ok(ScrapeBody::Foreign)) => Err(Refusal::Failed(self.foreign(&doing))),
            Ok(Ok(ScrapeBody::TooLarge)) => Err(Refusal::Failed(response::too_large(&doing))),
            Ok(Err(error)) => Err(refusal(&error, &doing)),
            Err(_elapsed) => Err(Refusal::Failed(frozen(&doing, LIMIT))),
        }
    }

    fn foreign(&self, doing: &str) -> Problem {
        let Metrics {
            inbound_count,
            outbound_count,
            ..
        } = self.metrics;
        let what = format!("{doing}: the answer has neither {inbound_count} nor {outbound_count}");
        Problem::new(ProblemKind::ServerError, &what)
            .advise("check the names in the profile's [service.metrics]")
    }

    async fn read(&self, session: &ApiSession, pod: &str) -> Result<ScrapeBody, Error> {
        let request = http::Request::get(self.path(&session.namespace, pod))
            .header(http::header::ACCEPT, "text/plain")
            .body(Body::empty());
        let response = session.client.send(request.map_err(Error::HttpError)?).await?;
        if !response.status().is_success() {
            return Err(response::refusal(response).await);
        }
        let mut bytes = response.into_body().into_data_stream();
        let mut totals = Totals::new(self.metrics, self.probe);
        let mut read = 0;
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk?;
            read += chunk.len();
            // What is larger is not used at all: half of it would be a lie.
            if read > response::MAX_ANSWER {
                return Ok(ScrapeBody::TooLarge);
            }
            totals.feed(&chunk);
        }
        Ok(totals.finish().map_or(ScrapeBody::Foreign, ScrapeBody::Read))
    }

    fn path(&self, namespace: &str, pod: &str) -> String {
        let Metrics { port, path, tls, .. } = self.metrics;
        let scheme = if *tls { "https:" } else { "" };
        format!("/api/v1/namespaces/{namespace}/pods/{scheme}{pod}:{port}/proxy{path}")
    }
}

/// What an error means. What the pod answers comes as it is: it carries no reason in the API server's form, and its 401 says nothing about
/// our credentials.
fn refusal(error: &Error, doing: &str) -> Refusal {
    match error {
        Error::Api(status) if status.reason.is_empty() => {
            let what = format!("{doing}: the pod answers {}", status.code);
            Refusal::Failed(Problem::new(ProblemKind::ServerError, &what))
        }
        Error::Api(status) if status.code == 403 => Refusal::NotAllowed(explain(error, doing).what),
        error => Refusal::Failed(explain(error, doing)),
    }
}
