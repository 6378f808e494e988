//! The tables as relations: names and types of their columns, and their rows as values.

use jiff::Timestamp;

use super::sql::Context;
use super::tables::{Cluster, KafkaRequest, Lease, MIGRATIONS, NEVER};
use super::value::{Type, Value};

/// A table's name and columns.
#[derive(Debug)]
pub struct Relation {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Type)],
    pub rows: fn(&Context<'_>) -> Vec<Vec<Value>>,
}

impl PartialEq for Relation {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const CLUSTERS: Relation = Relation {
    name: "clusters",
    columns: &[
        ("id", Type::Text),
        ("created_at", Type::Timestamptz),
        ("updated_at", Type::Timestamptz),
        ("deleted_at", Type::Timestamptz),
        ("cloud_provider", Type::Text),
        ("cluster_id", Type::Text),
        ("external_id", Type::Text),
        ("multi_az", Type::Bool),
        ("region", Type::Text),
        ("byoc", Type::Bool),
        ("managed", Type::Bool),
        ("status", Type::Text),
    ],
    rows: |context| context.tables.clusters.iter().map(cluster).collect(),
};

const KAFKA_REQUESTS: Relation = Relation {
    name: "kafka_requests",
    columns: &[
        ("id", Type::Text),
        ("created_at", Type::Timestamptz),
        ("updated_at", Type::Timestamptz),
        ("deleted_at", Type::Timestamptz),
        ("region", Type::Text),
        ("cluster_id", Type::Text),
        ("cloud_provider", Type::Text),
        ("multi_az", Type::Bool),
        ("name", Type::Text),
        ("status", Type::Text),
        ("owner", Type::Text),
        ("bootstrap_server_host", Type::Text),
        ("organisation_id", Type::Text),
        ("failed_reason", Type::Text),
    ],
    rows: |context| context.tables.kafka_requests.iter().map(kafka).collect(),
};

const LEADER_LEASES: Relation = Relation {
    name: "leader_leases",
    columns: &[
        ("id", Type::Text),
        ("created_at", Type::Timestamptz),
        ("updated_at", Type::Timestamptz),
        ("deleted_at", Type::Timestamptz),
        ("leader", Type::Text),
        ("lease_type", Type::Text),
        ("expires", Type::Timestamptz),
    ],
    rows: |context| context.tables.leases.iter().map(lease).collect(),
};

const MIGRATIONS_TABLE: Relation = Relation {
    name: "migrations",
    columns: &[("id", Type::Text)],
    rows: |_| MIGRATIONS.iter().map(|id| vec![text(id)]).collect(),
};

/// The service's tables.
pub static RELATIONS: [Relation; 4] = [CLUSTERS, KAFKA_REQUESTS, LEADER_LEASES, MIGRATIONS_TABLE];

/// The table of this name (as folded by the parser), if the service has one.
pub fn relation(name: &str) -> Option<&'static Relation> {
    RELATIONS.iter().find(|relation| relation.name == name)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn maybe_time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, Value::Time)
}

fn updated(at: Timestamp) -> Value {
    maybe_time((at != NEVER).then_some(at))
}

fn cluster(row: &Cluster) -> Vec<Value> {
    vec![
        text(&row.id),
        Value::Time(row.created_at),
        updated(row.updated_at),
        maybe_time(row.deleted_at),
        text(&row.cloud_provider),
        text(&row.cluster_id),
        text(&row.external_id),
        Value::Bool(row.multi_az),
        text(&row.region),
        Value::Bool(false),
        Value::Bool(true),
        text(&row.status),
    ]
}

fn kafka(row: &KafkaRequest) -> Vec<Value> {
    vec![
        text(&row.id),
        Value::Time(row.created_at),
        updated(row.updated_at),
        maybe_time(row.deleted_at),
        text(&row.region),
        text(&row.cluster_id),
        text(&row.cloud_provider),
        Value::Bool(row.multi_az),
        text(&row.name),
        text(&row.status),
        text(&row.owner),
        text(&row.bootstrap_server_host),
        text(&row.organisation_id),
        text(&row.failed_reason),
    ]
}

fn lease(row: &Lease) -> Vec<Value> {
    vec![
        text(&row.id),
        Value::Time(row.created_at),
        updated(row.updated_at),
        maybe_time(row.deleted_at),
        text(&row.leader),
        text(&row.lease_type),
        Value::Time(row.expires),
    ]
}
