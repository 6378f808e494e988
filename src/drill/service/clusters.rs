//! What the cluster manager's leader does with the rows of `clusters` in its loop.

use std::time::Duration;

use super::behaviour::Plan;
use super::connection;
use super::counters::Thing;
use super::iteration::Turn;
use super::log::Place;
use super::ocm::Call;
use super::outages::Builds;
use super::panics;

const FILE: &str = "clusters_mgr.go";
/// Add-ons, DNS and the rest after OCM has built a cluster.
const SET_UP: Duration = Duration::from_mins(4);
/// The add-on is installed after this part of it.
const ADD_ON: Duration = Duration::from_mins(2);
/// A build that fails is given up by OCM after about so long.
const GIVEN_UP: Duration = Duration::from_mins(12);

/// OCM is faster with some clusters than with others: nine to eleven tenths of the usual time, by its id.
fn build_time(plan: &Plan, id: &str) -> Duration {
    let tenths = 90 + id.bytes().map(u32::from).sum::<u32>() % 21;
    plan.osd_build * tenths / 100
}

/// The process ends with a panic, whose text is written.
pub struct Panics;

/// `cluster_accepted` → `cluster_provisioning` → `cluster_provisioned` → `ready`, or `failed` when OCM says so, and a row for each
/// region that has none.
pub fn work(turn: &mut Turn<'_>) -> Result<(), Panics> {
    if let Some(reason) = turn.broken {
        unreadable(turn, reason);
        return Ok(());
    }
    for place in 0..turn.tables.clusters.len() {
        let row = &turn.tables.clusters[place];
        if row.deleted_at.is_some() || !turn.sees(row.updated_at) {
            continue;
        }
        match row.status.as_str() {
            "cluster_accepted" => accepted(turn, place),
            "cluster_provisioning" => provisioning(turn, place),
            "cluster_provisioned" => provisioned(turn, place)?,
            _ => {}
        }
    }
    if !turn.past {
        serve_regions(turn);
    }
    Ok(())
}

/// The database gives no rows.
fn unreadable(turn: &mut Turn<'_>, reason: &str) {
    for line in connection::gorm(turn.at, "services/clusters.go:231", reason) {
        turn.log.raw(turn.process, turn.at, line);
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
        turn.complain(FILE, line, &format!("{text}: MGD-SERV-API-9: {inner}: {reason}"));
    }
}

fn change(turn: &mut Turn<'_>, place: usize, status: &str) {
    if turn.past {
        return;
    }
    let now = turn.now();
    let row = &mut turn.tables.clusters[place];
    status.clone_into(&mut row.status);
    row.updated_at = now;
}

fn accepted(turn: &mut Turn<'_>, place: usize) {
    let id = turn.tables.clusters[place].id.clone();
    if let Some(error) = turn.ask_ocm_wrapped(Call::Create, "") {
        let text = format!(
            "failed to reconcile accepted cluster {id}: failed to create cluster for request {id}: {error}"
        );
        turn.complain(FILE, 130, &text);
        return;
    }
    if turn.past {
        return;
    }
    if turn.tables.clusters[place].cluster_id.is_empty() {
        turn.tables.clusters[place].cluster_id = turn.tables.random.ocm_id();
    }
    turn.counters.begin(Thing::Cluster, "create");
    change(turn, place, "cluster_provisioning");
}

fn provisioning(turn: &mut Turn<'_>, place: usize) {
    let row = &turn.tables.clusters[place];
    let (ocm_id, since) = (row.cluster_id.clone(), row.updated_at);
    let built = build_time(turn.plan, &row.id);
    if let Some(error) = turn.ask_ocm_wrapped(Call::Status, &ocm_id) {
        let text = format!(
            "failed to reconcile cluster {ocm_id} status: failed to get cluster {ocm_id} status: {error}"
        );
        turn.complain(FILE, 171, &text);
        return;
    }
    match turn.troubles.builds {
        Builds::Fail if turn.has_been(since, GIVEN_UP) => change(turn, place, "failed"),
        Builds::Well if turn.has_been(since, built) && !turn.past => {
            turn.tables.clusters[place].external_id = turn.tables.random.uuid();
            change(turn, place, "cluster_provisioned");
        }
        Builds::Well | Builds::Hang | Builds::Fail => {}
    }
}

fn provisioned(turn: &mut Turn<'_>, place: usize) -> Result<(), Panics> {
    let row = &turn.tables.clusters[place];
    let (id, ocm_id, since) = (row.id.clone(), row.cluster_id.clone(), row.updated_at);
    if let Some(error) = turn.ask_ocm_wrapped(Call::AddOn, &ocm_id) {
        turn.complain(
            FILE,
            191,
            &format!("failed to reconcile cluster {id} strimzi operator: {error}"),
        );
        return Ok(());
    }
    if !turn.has_been(since, ADD_ON) {
        return Ok(());
    }
    if let Some(error) = turn.ask_ocm_wrapped(Call::DnsName, &ocm_id) {
        turn.complain(
            FILE,
            200,
            &format!("failed to reconcile cluster {id} strimzi operator: {error}"),
        );
        return Ok(());
    }
    if turn.troubles.dns_name_empty {
        turn.at += 400;
        turn.log.text(turn.process, turn.at, &panics::nil_dns_name());
        return Err(Panics);
    }
    if let Some((_, error)) = turn.ask_ocm(Call::Syncset, &ocm_id) {
        turn.print(&error);
        let text = format!(
            "failed to create syncset on cluster {ocm_id}: MGD-SERV-API-9: ocm client failed to create syncset: {error}"
        );
        turn.complain(FILE, 208, &text);
        return Ok(());
    }
    if turn.has_been(since, SET_UP) && !turn.past {
        let asked = turn.tables.clusters[place].created_at;
        let took = turn.now().duration_since(asked).unsigned_abs();
        turn.counters.ready(Thing::Cluster, took);
        change(turn, place, "ready");
    }
    Ok(())
}

/// Asks for a cluster where there is none that works or will.
fn serve_regions(turn: &mut Turn<'_>) {
    for region in &turn.plan.regions {
        let valid = |status: &str| {
            matches!(
                status,
                "cluster_accepted" | "cluster_provisioning" | "cluster_provisioned" | "ready"
            )
        };
        let served = turn.tables.clusters.iter().any(|row| {
            row.deleted_at.is_none()
                && row.cloud_provider == "aws"
                && row.region == *region
                && valid(&row.status)
        });
        if !served {
            let now = turn.now();
            let id = turn.tables.request_cluster("aws", region, now);
            let text = format!("Auto-created cluster request in aws, region: {region}, Id: {id} ");
            turn.at += 400;
            turn.log.info(turn.process, turn.at, 0, Place(FILE, 335), &text);
        }
    }
}
