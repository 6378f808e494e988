//! Users who create and delete Kafkas, where a scenario has some.

use super::counters::ResourceKind;
use super::kafkas::SSO_ERROR;
use super::log::{SECOND, time};
use super::ocm::{self, OcmCall};
use super::requests::{self, BASE, Exchange};
use super::worker::{Next, Running, ServiceContext};
use super::{Task, connection};
use crate::database::tables::Tables;

/// Schedules the next request of this kind; none where `[service]` has none.
pub fn next(running: &mut Running, at: i64, context: &ServiceContext<'_>, task: Task) -> Next {
    let an_hour = match task {
        Task::Create => context.behaviour.creations_per_hour,
        _ => context.behaviour.deletions_per_hour,
    };
    if an_hour == 0 {
        return Vec::new();
    }
    let mean = 3_600 * SECOND * context.serving.max(1) as i64 / i64::from(an_hour);
    let late = mean / 2 + running.random.below(mean.unsigned_abs()) as i64;
    vec![(at + late, task)]
}

fn answers(context: &ServiceContext<'_>) -> bool {
    connection::session(context.outages.database) == connection::ConnectionState::Works
}

/// A user creates a Kafka; its row exists when the request is answered. Before the world's start this adds no row: the scenario has them.
pub fn create(running: &mut Running, at: i64, context: &mut ServiceContext<'_>) {
    if !answers(context) || at <= context.tables.seeded_at.as_microsecond() {
        return;
    }
    let now = time(at + context.log.skew(&running.process.pod_uid));
    context.tables.request_kafka("aws", "us-east-1", true, now);
    let exchange = Exchange {
        method: "POST",
        url: format!("{BASE}/kafkas?async=true"),
        status: 202,
        micros: 30_000 + running.random.below(40_000),
        ..requests::by_somebody(running)
    };
    running.counters.call(at, ocm::AUTHORISATION, None);
    requests::body(running, at, context.log);
    requests::write(running, at, &exchange, context.log);
}

/// A user deletes a Kafka. The service asks the SSO and OCM before it answers, and the row goes only when both have done their part.
pub fn delete(running: &mut Running, at: i64, context: &mut ServiceContext<'_>) {
    let Some(place) = deletable(context.tables, running) else {
        return;
    };
    if !answers(context) {
        return;
    }
    let row = &context.tables.kafka_requests[place];
    let (id, cluster) = (row.id.clone(), row.cluster_id.clone());
    running.counters.begin(ResourceKind::Kafka, "delete");
    let refusal = refusal(running, &id, &cluster, at, context);
    if refusal.is_none() {
        running.counters.succeed(ResourceKind::Kafka, "delete");
    }
    let now = at + context.log.skew(&running.process.pod_uid);
    let past = at <= context.tables.seeded_at.as_microsecond();
    if refusal.is_none() && past {
        return;
    }
    if refusal.is_none() {
        context.tables.kafka_requests[place].deleted_at = Some(time(now));
    }
    let exchange = Exchange {
        method: "DELETE",
        url: format!("{BASE}/kafkas/{id}"),
        status: if refusal.is_some() { 500 } else { 204 },
        micros: 200_000 + running.random.below(300_000),
        reason: refusal,
        ..requests::by_somebody(running)
    };
    requests::write(running, at, &exchange, context.log);
}

/// One of the Kafkas that are ready.
fn deletable(tables: &Tables, running: &mut Running) -> Option<usize> {
    let ready: Vec<usize> = (0..tables.kafka_requests.len())
        .filter(|place| {
            let row = &tables.kafka_requests[*place];
            row.deleted_at.is_none() && row.status == "ready"
        })
        .collect();
    let choice = running.random.below(ready.len() as u64) as usize;
    ready.get(choice).copied()
}

fn refusal(
    running: &mut Running,
    id: &str,
    cluster: &str,
    at: i64,
    context: &mut ServiceContext<'_>,
) -> Option<String> {
    if context.outages.sso {
        let client = id.to_lowercase();
        return Some(format!(
            "MGD-SERV-API-9: error deleting sso client: failed to delete sso client kafka-{client}: {SSO_ERROR}"
        ));
    }
    let failure = context.outages.ocm(OcmCall::Syncset);
    running.counters.call(at, ocm::SYNCSET_DELETION, failure);
    let failure = failure?;
    let error = failure.text(OcmCall::Syncset, cluster, &mut running.random);
    context.log.text(&running.process, at + 150_000, &error);
    Some(format!(
        "MGD-SERV-API-9: error deleting syncset: MGD-SERV-API-9: ocm client failed to delete syncset: {error}"
    ))
}
