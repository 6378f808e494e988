//! What was observed. An observation says what a source told, never what it means.
//!
//! An observation carries the times its source gave it; the moment it reached the console is the time of the event that brings it.

mod alerts;
mod cluster;
mod database;
mod metrics;
#[cfg(test)]
mod monitoring_wire_tests;
mod tracker;
mod vitals;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::alerts::{
    ActiveAlert, AlertRule, AlertsReading, Alive, FiringAlert, Labels, RulesReading, Silence,
};
pub use self::cluster::{
    Access, Autoscaler, ClusterEvent, Condition, Connection, Container, ContainerState, Controller,
    Deployment, Ended, Limits, Origin, Permission, Pod, PodUid, ReplicaSet, SKEW_MATTERS, short_name,
};
pub use self::database::{
    BySight, DatabaseConnection, Lease, Reading, Row, Rows, RowsOf, Standby, Standing, StandingRow,
    StatusCount, TableReading, UnderWay,
};
pub use self::metrics::{Answer, FigureHistory, FigureReading, Sample, Value};
pub use self::tracker::{Confirmed, Issue, TrackerReading};
pub use self::vitals::{ContainerUsage, OutboundTotals, PodUsage, RequestTotals, Scrape};
use crate::logparse::{ContainerKey, LogBatch};
use crate::observe::source::{SourceId, SourceState};
use crate::text::{Redacted, SafeText};

/// One observation, as an adapter sends it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum Observation {
    /// Who and where we are, read from the live connection.
    Connection(Connection),
    /// What time it is by the API server's clock.
    ServerClock(Timestamp),
    /// The state of a source changed, or the source was heard again.
    #[serde(rename = "Feed")]
    Source(SourceId, SourceState),
    /// The deployment as it stands; `None` when the namespace has none of that name.
    Deployment(Option<Deployment>),
    /// All ReplicaSets with the service's label: replaces what was known.
    ReplicaSets(Vec<ReplicaSet>),
    /// One ReplicaSet is new or changed.
    ReplicaSet(ReplicaSet),
    /// One ReplicaSet is gone.
    ReplicaSetGone(SafeText),
    /// The autoscaler of the deployment; `None` where it has none.
    Autoscaler(Option<Autoscaler>),
    /// All matching pods: replaces what was known.
    Pods(Vec<Pod>),
    /// One pod is new or changed.
    Pod(Pod),
    /// One pod is gone.
    PodGone(PodUid),
    /// All events that concern the service: replaces what was known.
    ClusterEvents(Vec<ClusterEvent>),
    /// One event is new or was counted up.
    ClusterEvent(ClusterEvent),
    /// One event expired.
    ClusterEventGone(SafeText),
    /// What the access review answered.
    Access(Vec<Access>),
    /// Log records of one container instance.
    Log(LogBatch),
    /// Something to say in the log pane about one container's log: a reconnection, a gap.
    LogNote {
        /// Whose log.
        source: ContainerKey,
        /// Lines known to be missing, where the number is known to be one or more and can't be counted this is 1.
        missed: u64,
        /// What happened.
        text: Redacted,
    },
    /// The database session that was opened.
    DatabaseConnection(DatabaseConnection),
    /// One poll of the database.
    Database(Reading),
    /// The rows behind one status, as they were asked for.
    Rows(Rows),
    /// What all the service's pods use: replaces what was known.
    Usage(Vec<PodUsage>),
    /// One reading of a pod's own counters.
    Scrape {
        /// Whose.
        pod: PodUid,
        /// What they say.
        scrape: Scrape,
    },
    /// What the metrics source was asked in one round.
    Metrics(Vec<FigureReading>),
    /// What the second metrics source was asked in one round: what the cluster counts of the pods.
    ClusterMetrics(Vec<FigureReading>),
    /// How figures moved over the last hour, as it was asked for.
    MetricsHistory(Vec<FigureHistory>),
    /// One poll of Alertmanager.
    Alerts(AlertsReading),
    /// One poll of the alerting rules.
    AlertRules(RulesReading),
    /// One poll of the error tracker.
    Tracker(TrackerReading),
}
