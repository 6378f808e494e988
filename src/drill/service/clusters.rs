//! One iteration of the cluster manager's leader: what it does with the rows of `clusters`.

use std::time::Duration;

use super::behaviour::Behaviour;
use super::connection;
use super::counters::ResourceKind;
use super::iteration::Iteration;
use super::log::CodeLocation;
use super::ocm::OcmCall;
use super::outages::Builds;
use super::panics;

const FILE: &str = "clusters_mgr.go";
/// Add-ons, DNS and the rest after OCM has built a cluster.
const SET_UP: Duration = Duration::from_mins(4);
/// The add-on is installed after this part of it.
const ADD_ON: Duration = Duration::from_mins(2);
/// About how long OCM takes to give up a build that fails.
const GIVEN_UP: Duration = Duration::from_mins(12);

/// OCM is faster with some clusters than with others: nine to eleven tenths of the usual time, by its id.
fn build_time(behaviour: &Behaviour, id: &str) -> Duration {
    let tenths = 90 + id.bytes().map(u32::from).sum::<u32>() % 21;
    behaviour.osd_build * tenths / 100
}

/// The process panicked; the text of the panic is in the log.
pub struct Panicked;

/// `cluster_accepted` → `cluster_provisioning` → `cluster_provisioned` → `ready`, or `failed` when OCM says so, and a row for each
/// region that has none.
pub fn work(iteration: &mut Iteration<'_>) -> Result<(), Panicked> {
    if let Some(reason) = iteration.broken {
        unreadable(iteration, reason);
        return Ok(());
    }
    for place in 0..iteration.tables.clusters.len() {
        let row = &iteration.tables.clusters[place];
        if row.deleted_at.is_some() || !iteration.sees(row.updated_at) {
            continue;
        }
        match row.status.as_str() {
            "cluster_accepted" => accepted(iteration, place),
            "cluster_provisioning" => provisioning(iteration, place),
            "cluster_provisioned" => provisioned(iteration, place)?,
            _ => {}
        }
    }
    if !iteration.past {
        serve_regions(iteration);
    }
    Ok(())
}

/// The database gives no rows.
fn unreadable(iteration: &mut Iteration<'_>, reason: &str) {
    for line in connection::gorm(iteration.at, "services/clusters.go:231", reason) {
        iteration.log.raw(iteration.process, iteration.at, line);
    }
    let texts = [
        (124, "failed to list accepted clusters", "Unable to list clusters"),
        (163, "failed to list pending clusters", "Unable to list clusters"),
        (
            157,
            "failed to reconcile clusters by Region",
            "failed to query clusters",
        ),
    ];
    for (line, text, inner) in texts {
        iteration.complain(FILE, line, &format!("{text}: MGD-SERV-API-9: {inner}: {reason}"));
    }
}

fn change(iteration: &mut Iteration<'_>, place: usize, status: &str) {
    if iteration.past {
        return;
    }
    let now = iteration.now();
    let row = &mut iteration.tables.clusters[place];
    status.clone_into(&mut row.status);
    row.updated_at = now;
}

fn accepted(iteration: &mut Iteration<'_>, place: usize) {
    let id = iteration.tables.clusters[place].id.clone();
    if let Some(error) = iteration.ask_ocm_wrapped(OcmCall::Create, "") {
        let text = format!(
            "failed to reconcile accepted cluster {id}: failed to create cluster for request {id}: {error}"
        );
        iteration.complain(FILE, 130, &text);
        return;
    }
    if iteration.past {
        return;
    }
    if iteration.tables.clusters[place].cluster_id.is_empty() {
        iteration.tables.clusters[place].cluster_id = iteration.tables.random.ocm_id();
    }
    iteration.counters.begin(ResourceKind::Cluster, "create");
    change(iteration, place, "cluster_provisioning");
}

fn provisioning(iteration: &mut Iteration<'_>, place: usize) {
    let row = &iteration.tables.clusters[place];
    let (ocm_id, since) = (row.cluster_id.clone(), row.updated_at);
    let built = build_time(iteration.behaviour, &row.id);
    if let Some(error) = iteration.ask_ocm_wrapped(OcmCall::Status, &ocm_id) {
        let text = format!(
            "failed to reconcile cluster {ocm_id} status: failed to get cluster {ocm_id} status: {error}"
        );
        iteration.complain(FILE, 171, &text);
        return;
    }
    match iteration.outages.builds {
        Builds::Fail if iteration.has_been(since, GIVEN_UP) => change(iteration, place, "failed"),
        Builds::Well if iteration.has_been(since, built) && !iteration.past => {
            iteration.tables.clusters[place].external_id = iteration.tables.random.uuid();
            change(iteration, place, "cluster_provisioned");
        }
        Builds::Well | Builds::Hang | Builds::Fail => {}
    }
}

fn provisioned(iteration: &mut Iteration<'_>, place: usize) -> Result<(), Panicked> {
    let row = &iteration.tables.clusters[place];
    let (id, ocm_id, since) = (row.id.clone(), row.cluster_id.clone(), row.updated_at);
    if let Some(error) = iteration.ask_ocm_wrapped(OcmCall::AddOn, &ocm_id) {
        iteration.complain(
            FILE,
            191,
            &format!("failed to reconcile cluster {id} strimzi operator: {error}"),
        );
        return Ok(());
    }
    if !iteration.has_been(since, ADD_ON) {
        return Ok(());
    }
    if let Some(error) = iteration.ask_ocm_wrapped(OcmCall::DnsName, &ocm_id) {
        iteration.complain(
            FILE,
            200,
            &format!("failed to reconcile cluster {id} strimzi operator: {error}"),
        );
        return Ok(());
    }
    if iteration.outages.dns_name_empty {
        iteration.at += 400;
        iteration
            .log
            .text(iteration.process, iteration.at, &panics::nil_dns_name());
        return Err(Panicked);
    }
    if let Some((_, error)) = iteration.ask_ocm(OcmCall::Syncset, &ocm_id) {
        iteration.print(&error);
        let text = format!(
            "failed to create syncset on cluster {ocm_id}: MGD-SERV-API-9: ocm client failed to create syncset: {error}"
        );
        iteration.complain(FILE, 208, &text);
        return Ok(());
    }
    if iteration.has_been(since, SET_UP) && !iteration.past {
        let asked = iteration.tables.clusters[place].created_at;
        let took = iteration.now().duration_since(asked).unsigned_abs();
        iteration.counters.ready(ResourceKind::Cluster, took);
        change(iteration, place, "ready");
    }
    Ok(())
}

/// Asks for a cluster in each region that has none, ready or on its way.
fn serve_regions(iteration: &mut Iteration<'_>) {
    for region in &iteration.behaviour.regions {
        let valid = |status: &str| {
            matches!(
                status,
                "cluster_accepted" | "cluster_provisioning" | "cluster_provisioned" | "ready"
            )
        };
        let served = iteration.tables.clusters.iter().any(|row| {
            row.deleted_at.is_none()
                && row.cloud_provider == "aws"
                && row.region == *region
                && valid(&row.status)
        });
        if !served {
            let now = iteration.now();
            let id = iteration.tables.request_cluster("aws", region, now);
            let text = format!("Auto-created cluster request in aws, region: {region}, Id: {id} ");
            iteration.at += 400;
            iteration
                .log
                .info(iteration.process, iteration.at, 0, CodeLocation(FILE, 335), &text);
        }
    }
}
