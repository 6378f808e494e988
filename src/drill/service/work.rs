//! What a leader does with the rows in its loop.

use std::time::Duration;

use jiff::Timestamp;

use super::Process;
use super::log::{Log, Place, time};
use super::plan::Plan;
use crate::drill::database::Tables;

/// Add-ons, DNS and the rest after OCM has built a cluster.
const CLUSTER_SET_UP: Duration = Duration::from_mins(4);
/// From `provisioning` on: client, DNS records and syncset are made within a loop.
const KAFKA_PROVISIONING: Duration = Duration::from_secs(25);
/// The data plane brings a Kafka up.
const KAFKA_CREATION: Duration = Duration::from_secs(150);

/// Where a loop's lines go.
pub struct Writer<'a> {
    pub process: &'a Process,
    pub at: i64,
    pub log: &'a mut Log,
}

impl Writer<'_> {
    fn now(&self) -> Timestamp {
        time(self.at)
    }

    fn say(&mut self, level: u8, file: &'static str, line: u32, text: &str) {
        self.at += 400;
        self.log
            .info(self.process, self.at, level, Place(file, line), text);
    }
}

fn has_been(since: Timestamp, now: Timestamp, span: Duration) -> bool {
    now.duration_since(since).unsigned_abs() >= span && now >= since
}

/// OCM is faster with some clusters than with others: nine to eleven tenths of the usual time, by its id.
fn build_time(plan: &Plan, id: &str) -> Duration {
    let tenths = 90 + id.bytes().map(u32::from).sum::<u32>() % 21;
    plan.osd_build * tenths / 100
}

/// `cluster_accepted` → `cluster_provisioning` → `cluster_provisioned` → `ready`, and a row for each empty region.
pub fn clusters(tables: &mut Tables, plan: &Plan, writer: &mut Writer<'_>) {
    let now = writer.now();
    for row in tables.clusters.iter_mut().filter(|row| row.deleted_at.is_none()) {
        let idle = |span| has_been(row.updated_at, now, span);
        let status = match row.status.as_str() {
            "cluster_accepted" => "cluster_provisioning",
            "cluster_provisioning" if idle(build_time(plan, &row.id)) => "cluster_provisioned",
            "cluster_provisioned" if idle(CLUSTER_SET_UP) => "ready",
            _ => continue,
        };
        if row.cluster_id.is_empty() {
            row.cluster_id = tables.random.ocm_id();
        }
        if status == "cluster_provisioned" {
            row.external_id = tables.random.uuid();
        }
        status.clone_into(&mut row.status);
        row.updated_at = now;
    }
    for region in &plan.regions {
        let valid = |status: &str| {
            matches!(
                status,
                "cluster_accepted" | "cluster_provisioning" | "cluster_provisioned" | "ready"
            )
        };
        let served = tables.clusters.iter().any(|row| {
            row.deleted_at.is_none()
                && row.cloud_provider == "aws"
                && row.region == *region
                && valid(&row.status)
        });
        if !served {
            let id = tables.request_cluster("aws", region, now);
            let text = format!("Auto-created cluster request in aws, region: {region}, Id: {id} ");
            writer.say(0, "clusters_mgr.go", 335, &text);
        }
    }
}

/// `accepted` → `provisioning` → `resource_creating` → `ready`; without a fitting ready cluster a row waits in silence.
pub fn kafkas(tables: &mut Tables, writer: &mut Writer<'_>) {
    let now = writer.now();
    for place in 0..tables.kafka_requests.len() {
        let row = &tables.kafka_requests[place];
        if row.deleted_at.is_some() {
            continue;
        }
        let cluster = tables.ready_cluster(&row.cloud_provider, &row.region, row.multi_az);
        let idle = |span| has_been(row.updated_at, now, span);
        let status = match (row.status.as_str(), cluster) {
            ("accepted", Some(cluster)) => {
                tables.kafka_requests[place].cluster_id = cluster;
                "provisioning"
            }
            ("provisioning", _) if idle(KAFKA_PROVISIONING) => "resource_creating",
            ("resource_creating", _) => {
                let done = idle(KAFKA_CREATION);
                report(&row.id, done, writer);
                if !done {
                    continue;
                }
                "ready"
            }
            _ => continue,
        };
        let row = &mut tables.kafka_requests[place];
        status.clone_into(&mut row.status);
        row.updated_at = now;
        if status == "resource_creating" {
            row.bootstrap_server_host = format!("{}-{}.kafka.devshift.org", row.name, row.id.to_lowercase());
        }
    }
}

fn report(id: &str, ready: bool, writer: &mut Writer<'_>) {
    if ready {
        writer.say(0, "kafkas_mgr.go", 195, &format!("Kafka {id} state ready"));
    }
    let state = if ready { "ready" } else { "unknown" };
    writer.say(
        1,
        "kafkas_mgr.go",
        203,
        &format!("reconciled kafka {id} state {state}"),
    );
}
