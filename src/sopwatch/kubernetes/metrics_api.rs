//! The metrics API, `metrics.k8s.io`: what the pods use, asked every 15 s where it is served and the rights allow.
//!
//! The API is an optional, aggregated one. A cluster without it answers 404 and is asked again rarely; where its server is down, the API
//! server answers 503. A pod is missing from it for its first minute.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use kube::Error;
use kube::api::ListParams;
use kube::client::Body;
use kube::core::Request;
use serde::Deserialize;
use tokio::sync::watch;

use super::access::Rights;
use super::clock::timeout;
use super::errors::{explain, explain_status, frozen};
use super::quantity;
use super::response;
use super::reviewed_source::{until_allowed, until_reviewed};
use super::task_context::{ApiSession, TaskContext, at_least};
use crate::net::backoff::{Backoff, jitter};
use sopwatch_core::logparse::go_duration;
use sopwatch_core::observe::observation::{ContainerUsage, Observation, PodUsage};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::observe::state::VITALS_EVERY;
use sopwatch_core::profile::Profile;
use sopwatch_core::text::{Redacted, SafeText};

/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Pods of an answer that are taken.
const MOST: usize = 200;

/// The longest wait after failures.
const LONGEST: Duration = Duration::from_mins(2);

/// How often a cluster is asked that has no such API.
pub(super) const RARELY: Duration = Duration::from_mins(5);

/// Runs for ever.
pub(super) async fn run(profile: &Profile, mut rights: watch::Receiver<Rights>, mut context: TaskContext) {
    let id = SourceId::Usage;
    context.source(&id, SourceState::Connecting).await;
    until_reviewed(&mut rights, |rights| rights.usage).await;
    let mut failures = 0;
    loop {
        let session = context.session(&id).await;
        if rights.borrow_and_update().usage == Some(false) {
            let why = "not allowed: list pods.metrics.k8s.io".into();
            refused(why, &session, &mut rights, &mut context).await;
            continue;
        }
        let problem = match ask(&session, &profile.service.selector).await {
            Ok(usage) => {
                failures = 0;
                context.emit(Observation::Usage(usage)).await;
                context.rest(VITALS_EVERY.unsigned_abs(), session.epoch).await;
                continue;
            }
            Err(problem) => problem,
        };
        match problem.kind {
            ProblemKind::NotFound => {
                let why = "this cluster does not serve metrics.k8s.io: it has no metrics server".into();
                context.source(&id, SourceState::Off(why)).await;
                context.rest(RARELY, session.epoch).await;
            }
            ProblemKind::Forbidden => refused(problem.what, &session, &mut rights, &mut context).await,
            _ => {
                failures += 1;
                let wait = at_least(&problem, wait_after(failures));
                context.failing(&id, problem, failures, wait).await;
                context.rest(wait, session.epoch).await;
            }
        }
    }
}

/// Says why it is not read, then waits until that may have changed.
async fn refused(
    why: Redacted,
    session: &ApiSession,
    rights: &mut watch::Receiver<Rights>,
    context: &mut TaskContext,
) {
    context.source(&SourceId::Usage, SourceState::Off(why)).await;
    until_allowed(session, rights, context, std::future::pending::<()>()).await;
}

/// Twice as long after each failure, from the usual pause on.
fn wait_after(failures: u32) -> Duration {
    Backoff::new(VITALS_EVERY.unsigned_abs(), LONGEST).delay(failures, jitter())
}

/// Asks once. A 401 of the aggregated server says nothing about our credentials: they are not replaced.
async fn ask(session: &ApiSession, selector: &str) -> Result<Vec<PodUsage>, Problem> {
    let doing = format!("read CPU and memory of the pods in {}", session.namespace);
    match timeout(LIMIT, read(session, selector)).await {
        Ok(Ok(usage)) => Ok(usage),
        Ok(Err(Error::Api(status))) if status.code == 503 => {
            let what = format!(
                "{doing}: metrics.k8s.io is not available (503): {}",
                status.message.trim()
            );
            let problem = Problem {
                retry_after: explain_status(&status, &doing).retry_after,
                ..Problem::new(ProblemKind::ServerError, &what)
            };
            Err(problem.advise("check the metrics server: oc get apiservice v1beta1.metrics.k8s.io"))
        }
        Ok(Err(error)) => Err(explain(&error, &doing)),
        Err(_elapsed) => Err(frozen(&doing, LIMIT)),
    }
}

async fn read(session: &ApiSession, selector: &str) -> Result<Vec<PodUsage>, Error> {
    let path = format!(
        "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods",
        session.namespace
    );
    let request = Request::new(path).list(&ListParams::default().labels(selector));
    let request = request.map_err(Error::BuildRequest)?.map(Body::from);
    let response = session.client.send(request).await?;
    if !response.status().is_success() {
        return Err(response::refusal(response).await);
    }
    let body = Limited::new(response.into_body(), response::MAX_ANSWER)
        .collect()
        .await;
    let body = body.map_err(Error::Service)?.to_bytes();
    let list: List = serde_json::from_slice(&body).map_err(Error::SerdeError)?;
    Ok(list.items.into_iter().take(MOST).map(usage_of).collect())
}

/// A `PodMetricsList`, as far as it is used.
#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    timestamp: Option<Timestamp>,
    window: Option<String>,
    #[serde(default)]
    containers: Vec<Measured>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
struct Measured {
    name: String,
    usage: Used,
}

#[derive(Deserialize)]
struct Used {
    cpu: Option<String>,
    memory: Option<String>,
}

fn usage_of(item: Item) -> PodUsage {
    // What can't be read is left out: it is not nothing.
    let container = |measured: Measured| {
        Some(ContainerUsage {
            name: SafeText::new(&measured.name),
            cpu_millis: quantity::millis(&measured.usage.cpu?)?,
            memory_bytes: quantity::ones(&measured.usage.memory?)?,
        })
    };
    PodUsage {
        pod: SafeText::new(&item.metadata.name),
        at: item.timestamp,
        window_s: item
            .window
            .and_then(|window| go_duration(&window))
            .map(|window| window.as_secs_f64().round() as u64),
        containers: item.containers.into_iter().filter_map(container).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_metrics_servers_answer_is_read() {
        let text = r#"{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[
            {"metadata":{"name":"msa-x-2mgcp","namespace":"n","creationTimestamp":"2026-11-22T09:00:00Z","labels":{"app":"msa"}},
             "timestamp":"2026-11-22T08:59:48Z","window":"17.527s","containers":[
                {"name":"service","usage":{"cpu":"1234567n","memory":"123456Ki"}},
                {"name":"envoy-sidecar","usage":{"cpu":"100u","memory":"45Mi"}},
                {"name":"odd","usage":{"cpu":"many","memory":"1"}}]},
            {"metadata":{"name":"msa-x-blf5h"},"timestamp":null,"window":"1m0s","containers":[
                {"name":"service","usage":{"cpu":"0","memory":"1e3"}}]},
            {"metadata":{"name":"msa-x-lzxms"}}]}"#;
        let list: List = serde_json::from_str(text).unwrap();
        let usage: Vec<_> = list.items.into_iter().map(usage_of).collect();
        let told: Vec<_> = usage
            .iter()
            .map(|pod| {
                let containers: Vec<_> = pod
                    .containers
                    .iter()
                    .map(|used| (&*used.name, used.cpu_millis, used.memory_bytes))
                    .collect();
                (pod.at.is_some(), pod.window_s, containers)
            })
            .collect();
        assert_eq!(
            told,
            [
                (
                    true,
                    Some(18),
                    vec![("service", 2, 126_418_944), ("envoy-sidecar", 1, 47_185_920)]
                ),
                (false, Some(60), vec![("service", 0, 1_000)]),
                (false, None, vec![]),
            ]
        );
    }

    #[test]
    fn a_failing_metrics_server_is_asked_ever_less_often() {
        let waits: Vec<_> = (1..=6).map(wait_after).collect();
        for (wait, least) in waits.iter().zip([15, 30, 60, 120, 120, 120]) {
            assert!(*wait >= Duration::from_secs(least) && *wait <= Duration::from_secs(least).mul_f64(1.25));
        }
    }
}
