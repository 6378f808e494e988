//! Leader election over the lease row, as the service did it in January 2021.

use jiff::Timestamp;
use serde::Deserialize;

use super::log::{SECOND, time};
use super::worker::Worker;
use crate::database::Lease;

/// How often a process looks at the leases.
pub const TICK: i64 = 30 * SECOND;
/// How long a lease holds.
pub const LEASE: i64 = 180 * SECOND;
/// Its holder renews it when less than this remains.
const RENEW: i64 = 60 * SECOND;

/// The kinds of worker a process has; each elects its own leader. A scenario names them by their lease types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerKind {
    /// Works on OSD clusters.
    Cluster,
    /// Works on Kafka requests.
    Kafka,
}

impl WorkerKind {
    pub const ALL: [WorkerKind; 2] = [WorkerKind::Cluster, WorkerKind::Kafka];

    /// The worker's Go type, as `%T` prints it.
    pub fn go_type(self) -> &'static str {
        match self {
            WorkerKind::Cluster => "*workers.ClusterManager",
            WorkerKind::Kafka => "*workers.KafkaManager",
        }
    }

    pub fn lease_type(self) -> &'static str {
        match self {
            WorkerKind::Cluster => "cluster",
            WorkerKind::Kafka => "kafka",
        }
    }
}

/// The result of a worker's attempt to take or renew its lease.
#[derive(Debug, PartialEq, Eq)]
pub enum ElectionResult {
    Leader,
    NotLeader,
    /// The lease could not be read or written; the worker counts as not leading.
    Failed(String),
}

/// One tick of one worker. `dead_end` is the time at which a blocked lease expires: no process that runs since before then can renew it.
pub fn tick(
    worker: &Worker,
    lease: Option<&mut Lease>,
    at: i64,
    dead_end: Option<Timestamp>,
) -> ElectionResult {
    let Some(lease) = lease else {
        let lease_type = worker.kind.lease_type();
        return ElectionResult::Failed(format!(
            "expected to find a lease entry, found none for :{lease_type}"
        ));
    };
    let worker = &worker.id;
    let dead_end = dead_end.map(Timestamp::as_microsecond);
    if let Some(dead_end) = dead_end
        && at >= dead_end - RENEW
    {
        return stuck(lease, dead_end);
    }
    let remaining = lease.expires.as_microsecond() - at;
    if remaining > 0 && lease.leader != *worker {
        return ElectionResult::NotLeader;
    }
    if remaining < RENEW {
        let expires = (at + LEASE).min(dead_end.unwrap_or(i64::MAX));
        worker.clone_into(&mut lease.leader);
        lease.expires = time(expires);
        lease.updated_at = time(expires - LEASE);
    }
    ElectionResult::Leader
}

/// The election's transaction saw an error and refuses everything until it ends, and it never ends.
fn stuck(lease: &mut Lease, dead_end: i64) -> ElectionResult {
    if lease.expires.as_microsecond() < dead_end {
        lease.expires = time(dead_end);
        lease.updated_at = time(dead_end - LEASE);
    }
    let reason = "failed to retrieve leader leases: pq: current transaction is aborted, commands ignored until end of transaction block";
    ElectionResult::Failed(reason.to_owned())
}
