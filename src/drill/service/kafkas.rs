//! One iteration of the Kafka manager's leader: what it does with the rows of `kafka_requests`.

use std::time::Duration;

use super::connection;
use super::counters::ResourceKind;
use super::iteration::Iteration;
use super::ocm::OcmCall;

const FILE: &str = "kafkas_mgr.go";
/// How long a row is `provisioning`: the client, the DNS records and the syncset are made in one iteration.
const PROVISIONING: Duration = Duration::from_secs(25);
/// How long the data plane takes to bring a Kafka up.
const CREATION: Duration = Duration::from_secs(150);
/// A request of this age fails for good by any error; until then only by errors of its own.
const MAX_ATTEMPTS: Duration = Duration::from_mins(5);

/// The error of a call to the SSO that does not answer.
pub const SSO_ERROR: &str = "Post \"https://keycloak-mas-sso-stage.apps.osd-stage.example.com/auth/realms/mas-sso-staging/protocol/openid-connect/token\": dial tcp 10.0.61.9:443: i/o timeout";
const OBSERVATORIUM_ERROR: &str = "Post \"https://observatorium.apps.osd-stage.example.com/api/metrics/v1/managedkafka/api/v1/query\": context deadline exceeded";
const ROUTE53_ERROR: &str =
    "Throttling: Rate exceeded\n\tstatus code: 400, request id: 5c7f0f3e-8c0e-4f4e-9f43-1f2e5a0b7d61";

/// Why provisioning failed.
struct ProvisioningFailure {
    text: String,
    /// Whether the request fails for good at once: the error is its own.
    at_once: bool,
    /// Whether the age of the request counts. After an error of the SSO the service returns before it looks at the age.
    counts: bool,
}

/// `accepted` → `provisioning` → `resource_creating` → `ready`; without a fitting ready cluster a row waits in silence.
pub fn work(iteration: &mut Iteration<'_>) {
    if let Some(reason) = iteration.broken {
        for line in connection::gorm(iteration.at, "services/kafka.go:164", reason) {
            iteration.log.raw(iteration.process, iteration.at, line);
        }
        for line in [93, 108] {
            let text = format!(
                "failed to list accepted kafkas: MGD-SERV-API-9: Unable to list kafka requests: {reason}"
            );
            iteration.complain(FILE, line, &text);
        }
        return;
    }
    for place in 0..iteration.tables.kafka_requests.len() {
        let row = &iteration.tables.kafka_requests[place];
        if row.deleted_at.is_some() || !iteration.sees(row.updated_at) {
            continue;
        }
        match row.status.as_str() {
            "accepted" => accepted(iteration, place),
            "provisioning" => provisioning(iteration, place),
            "resource_creating" => resource_creating(iteration, place),
            _ => {}
        }
    }
}

fn change(iteration: &mut Iteration<'_>, place: usize, status: &str) {
    if iteration.past {
        return;
    }
    let now = iteration.now();
    let row = &mut iteration.tables.kafka_requests[place];
    status.clone_into(&mut row.status);
    row.updated_at = now;
}

fn accepted(iteration: &mut Iteration<'_>, place: usize) {
    if iteration.past {
        return;
    }
    let row = &iteration.tables.kafka_requests[place];
    let found = iteration
        .tables
        .ready_cluster(&row.cloud_provider, &row.region, row.multi_az);
    if let Some(cluster) = found {
        iteration.tables.kafka_requests[place].cluster_id = cluster;
        iteration.counters.begin(ResourceKind::Kafka, "create");
        change(iteration, place, "provisioning");
    }
}

fn provisioning(iteration: &mut Iteration<'_>, place: usize) {
    let row = &iteration.tables.kafka_requests[place];
    let (id, cluster) = (row.id.clone(), row.cluster_id.clone());
    let (since, created) = (row.updated_at, row.created_at);
    if let Some(refusal) = refusal(iteration, &id, &cluster) {
        let gives_up = refusal.counts && (refusal.at_once || iteration.has_been(created, MAX_ATTEMPTS));
        let late = gives_up && !refusal.at_once;
        let text = if late {
            format!("reached kafka {id} max attempts")
        } else {
            refusal.text.clone()
        };
        iteration.complain(
            FILE,
            114,
            &format!("failed to reconcile accepted kafka {id}: {text}"),
        );
        if gives_up && !iteration.past {
            iteration.tables.kafka_requests[place].failed_reason = refusal.text;
            change(iteration, place, "failed");
        }
        return;
    }
    if iteration.has_been(since, PROVISIONING) && !iteration.past {
        let row = &mut iteration.tables.kafka_requests[place];
        row.bootstrap_server_host = format!("{}-{}.kafka.devshift.org", row.name, row.id.to_lowercase());
        change(iteration, place, "resource_creating");
    }
}

/// The steps of provisioning in their order: the SSO client, the cluster's DNS name, the DNS records, the syncset.
fn refusal(iteration: &mut Iteration<'_>, id: &str, cluster: &str) -> Option<ProvisioningFailure> {
    let create = format!("failed to create kafka {id} on cluster {cluster}");
    let client = id.to_lowercase();
    if iteration.outages.sso {
        return Some(ProvisioningFailure {
            text: format!(
                "failed to create sso client kafka-{client}: MGD-SERV-API-9: failed to check the sso client exists: {SSO_ERROR}"
            ),
            at_once: false,
            counts: false,
        });
    }
    if let Some((failure, error)) = iteration.ask_ocm(OcmCall::DnsName, cluster) {
        return Some(ProvisioningFailure {
            text: format!("{create}: MGD-SERV-API-9: error retrieving cluster DNS: {error}"),
            at_once: failure.is_callers_fault(),
            counts: true,
        });
    }
    if iteration.outages.route53 {
        return Some(ProvisioningFailure {
            text: format!("{create}: MGD-SERV-API-9: Unable to create domain record sets: {ROUTE53_ERROR}"),
            at_once: false,
            counts: true,
        });
    }
    let (failure, error) = iteration.ask_ocm(OcmCall::Syncset, cluster)?;
    iteration.print(&error);
    Some(ProvisioningFailure {
        text: format!(
            "{create}: MGD-SERV-API-9: error creating kafka: failed to create syncset 'ext-{client}' for cluster id '{cluster}': \
             ocm client failed to create syncset: {error}"
        ),
        at_once: failure.is_callers_fault(),
        counts: true,
    })
}

fn resource_creating(iteration: &mut Iteration<'_>, place: usize) {
    let row = &iteration.tables.kafka_requests[place];
    let (id, cluster, since) = (row.id.clone(), row.cluster_id.clone(), row.updated_at);
    if iteration.outages.observatorium {
        let namespace = format!("user-{}", id.to_lowercase());
        let text = format!(
            "reconcile resource creating {id}: failed to get state from observatorium for kafka {id} namespace {namespace} \
             cluster {cluster}: {OBSERVATORIUM_ERROR}"
        );
        iteration.complain(FILE, 129, &text);
        return;
    }
    let done = iteration.has_been(since, CREATION) && !iteration.outages.data_plane && !iteration.past;
    if done {
        iteration.say(0, FILE, 195, &format!("Kafka {id} state ready"));
        let asked = iteration.tables.kafka_requests[place].created_at;
        let took = iteration.now().duration_since(asked).unsigned_abs();
        iteration.counters.ready(ResourceKind::Kafka, took);
        change(iteration, place, "ready");
    }
    let state = if done { "ready" } else { "unknown" };
    iteration.say(1, FILE, 203, &format!("reconciled kafka {id} state {state}"));
}
