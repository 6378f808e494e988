//! What the service logs, and which rows stay, while OCM, the SSO or another dependency fails.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Run, seconds, world_start};
use crate::service::*;

const QUIET: &str = "probes = false\nrequests_per_minute = 0";

fn run(seed: &str) -> Run {
    Run::new(QUIET, seed, Duration::from_mins(20))
}

/// A row on its way, an outage, the status that the row gets, and the error that the leader logs (`{id}`: the row's, `{ocm}`: its cluster's).
type Complaint = (ServiceEvent, &'static str, &'static str, &'static str);

fn assert_complaint(seed: &str, (event, before, status, text): Complaint) {
    let mut run = run(&seed.replace("{status}", before));
    run.apply_event(&event);
    run.on(seconds(95));
    let cluster = &run.tables.clusters[0];
    let (id, ocm, is) = match run.tables.kafka_requests.first() {
        Some(row) => (&row.id, &row.cluster_id, &row.status),
        None => (&cluster.id, &cluster.cluster_id, &cluster.status),
    };
    assert_eq!(is, status, "{event:?}");
    let text = text.replace("{id}", id).replace("{ocm}", ocm);
    let all = run.texts();
    let told: Vec<&String> = all.iter().filter(|line| line.contains(&text)).collect();
    assert!(!told.is_empty(), "{event:?}: no line has {text}");
    assert!(told.iter().all(|line| line.starts_with("E0115")), "{told:?}");
}

#[test]
fn each_outage_leaves_its_line_and_its_row_for_a_cluster() {
    use ServiceEvent as Is;
    let table = [
        (
            Is::Ocm(OcmFailure::Unavailable),
            "cluster_accepted",
            "cluster_accepted",
            "clusters_mgr.go:130] failed to reconcile accepted cluster {id}: failed to create cluster for request {id}: MGD-SERV-API-9: MGD-SERV-API-9: identifier is '503', code is 'CLUSTERS-MGMT-503' and operation identifier is '",
        ),
        (
            Is::Ocm(OcmFailure::Deadline),
            "cluster_provisioning",
            "cluster_provisioning",
            "clusters_mgr.go:171] failed to reconcile cluster {ocm} status: failed to get cluster {ocm} status: MGD-SERV-API-9: MGD-SERV-API-9: Get \"https://",
        ),
        (
            Is::Ocm(OcmFailure::NoToken),
            "cluster_provisioned",
            "cluster_provisioned",
            "clusters_mgr.go:191] failed to reconcile cluster {id} strimzi operator: MGD-SERV-API-9: MGD-SERV-API-9: can't get access token",
        ),
        (
            Is::OcmDns(OcmFailure::InternalError),
            "cluster_provisioned",
            "cluster_provisioned",
            "clusters_mgr.go:200] failed to reconcile cluster {id} strimzi operator: MGD-SERV-API-9: MGD-SERV-API-9: identifier is '500'",
        ),
        (
            Is::OcmSyncsets(OcmFailure::Unavailable),
            "cluster_provisioned",
            "cluster_provisioned",
            "clusters_mgr.go:208] failed to create syncset on cluster {ocm}: MGD-SERV-API-9: ocm client failed to create syncset: identifier is '503'",
        ),
    ];
    for complaint in table {
        assert_complaint("clusters = [{ status = \"{status}\", idle = \"3m\" }]", complaint);
    }
}

#[test]
fn each_outage_leaves_its_line_and_its_row_for_a_kafka() {
    use ServiceEvent as Is;
    let table = [
        (
            Is::OcmSyncsets(OcmFailure::BadRequest),
            "provisioning",
            "failed",
            "kafkas_mgr.go:114] failed to reconcile accepted kafka {id}: failed to create kafka {id} on cluster {ocm}: MGD-SERV-API-9: error creating kafka: failed to create syncset 'ext-",
        ),
        (
            Is::OcmDns(OcmFailure::DialTimeout),
            "provisioning",
            "provisioning",
            "error retrieving cluster DNS: Get \"https://",
        ),
        (
            Is::Route53Fails,
            "provisioning",
            "provisioning",
            "Unable to create domain record sets: Throttling: Rate exceeded",
        ),
        (
            Is::SsoFails,
            "provisioning",
            "provisioning",
            "kafkas_mgr.go:114] failed to reconcile accepted kafka {id}: failed to create sso client kafka-",
        ),
        (
            Is::SsoFails,
            "provisioning",
            "provisioning",
            "MGD-SERV-API-9: failed to check the sso client exists: Post",
        ),
        (
            Is::ObservatoriumFails,
            "resource_creating",
            "resource_creating",
            "kafkas_mgr.go:129] reconcile resource creating {id}: failed to get state from observatorium for kafka {id} namespace user-",
        ),
    ];
    for complaint in table {
        assert_complaint(
            "clusters = [{}]\nkafkas = [{ status = \"{status}\", idle = \"1m\" }]",
            complaint,
        );
    }
}

#[test]
fn a_kafka_that_the_data_plane_does_not_bring_up_stays_unknown_without_an_error() {
    let mut run = run("clusters = [{}]\nkafkas = [{ status = \"resource_creating\", idle = \"1m\" }]");
    run.apply_event(&ServiceEvent::DataPlaneHangs);
    run.on(Duration::from_hours(1));
    assert_eq!(run.kafka_status(), ["resource_creating"]);
    let id = &run.tables.kafka_requests[0].id;
    assert!(run.count(&format!("kafkas_mgr.go:203] reconciled kafka {id} state unknown")) >= 119);
    assert_eq!(run.texts().iter().filter(|text| text.starts_with('E')).count(), 0);
}

#[test]
fn ocm_fails_in_the_words_of_its_sdk() {
    let mut random = crate::random::Random::new(1);
    let table = [
        (
            OcmFailure::BadRequest,
            r"^identifier is '400', code is 'CLUSTERS-MGMT-400' and operation identifier is '[0-9a-z]{32}': .+$",
        ),
        (
            OcmFailure::Forbidden,
            r"^identifier is '403', code is 'CLUSTERS-MGMT-403' and operation identifier is '[0-9a-z]{32}': .+$",
        ),
        (
            OcmFailure::InternalError,
            r"^identifier is '500', code is 'CLUSTERS-MGMT-500' and ",
        ),
        (
            OcmFailure::Unavailable,
            r"^identifier is '503', code is 'CLUSTERS-MGMT-503' and ",
        ),
        (
            OcmFailure::NoToken,
            r"^can't get access token: Post .*: dial tcp .*: i/o timeout$",
        ),
        (
            OcmFailure::DialTimeout,
            r#"^Post "https://api\.[a-z.]*openshift\.com/api/clusters_mgmt/v1/clusters": dial tcp .*: i/o timeout$"#,
        ),
        (
            OcmFailure::Deadline,
            r"clusters_mgmt.*: context deadline exceeded$",
        ),
        (OcmFailure::ConnectionClosed, r"clusters_mgmt.*: EOF$"),
    ];
    for (failure, pattern) in table {
        let text = failure.text(ocm::OcmCall::Create, "", &mut random);
        assert!(
            regex::Regex::new(pattern).unwrap().is_match(&text),
            "{failure:?}: {text}"
        );
    }
}

#[test]
fn an_ocm_outage_is_logged_by_the_leader_alone_every_half_minute_and_heals() {
    let mut run = run("clusters = [{ status = \"cluster_accepted\", idle = \"5s\" }]");
    run.apply_event(&ServiceEvent::Ocm(OcmFailure::Unavailable));
    run.on(Duration::from_mins(10));
    let told: Vec<&OutputLine> = run
        .lines
        .iter()
        .filter(|line| String::from_utf8_lossy(&line.bytes).contains("clusters_mgr.go:130]"))
        .collect();
    assert!((19..=21).contains(&told.len()), "{}", told.len());
    let leader = run.service.leader("cluster", &run.tables).unwrap();
    assert!(told.iter().all(|line| line.process.pod_uid == leader));
    assert!(run.count("2021/01/15 13:") > 0, "the SDK logs past glog");
    run.apply_event(&ServiceEvent::Recovers(Dependency::Ocm));
    run.on(seconds(31));
    assert_eq!(run.cluster_status(), ["cluster_provisioning"]);
}

#[test]
fn failures_before_the_start_are_in_the_log_and_the_rows_are_the_scenarios() {
    let event = ServiceEvent::Ocm(OcmFailure::Unavailable);
    let run = Run::with_past(
        QUIET,
        "clusters = [{ status = \"cluster_accepted\", idle = \"9m\" }]",
        Duration::from_mins(40),
        &[(Duration::from_mins(20), event)],
    );
    let told = run.count("clusters_mgr.go:130]");
    assert!((17..=18).contains(&told), "since the row is there: {told}");
    let row = &run.tables.clusters[0];
    assert_eq!(row.status, "cluster_accepted");
    assert_eq!(
        world_start().duration_since(row.updated_at),
        SignedDuration::from_mins(9)
    );
}

#[test]
fn a_kafka_fails_at_once_by_its_own_fault_and_after_five_minutes_by_that_of_others() {
    let table = [
        (OcmFailure::Forbidden, 40, "failed"),
        (OcmFailure::Unavailable, 200, "provisioning"),
        (OcmFailure::Unavailable, 290, "failed"),
    ];
    for (failure, wait, status) in table {
        let mut run = run("clusters = [{}]\nkafkas = [{ status = \"provisioning\", idle = \"30s\" }]");
        run.apply_event(&ServiceEvent::OcmSyncsets(failure));
        run.on(seconds(wait));
        assert_eq!(run.kafka_status(), [status], "{failure:?} after {wait} s");
        let row = &run.tables.kafka_requests[0];
        assert_eq!(
            row.failed_reason.contains("failed to create syncset"),
            status == "failed"
        );
        let max = run.count(&format!("reached kafka {} max attempts", row.id));
        assert_eq!(max, usize::from(wait == 290), "{failure:?} after {wait} s");
    }
}

#[test]
fn a_build_that_fails_leaves_a_failed_row_and_a_new_request_and_one_that_hangs_stays() {
    let seed = "clusters = [{ status = \"cluster_provisioning\", idle = \"50m\" }]";
    let mut hanging = Run::with_past(
        QUIET,
        seed,
        Duration::from_hours(1),
        &[(Duration::from_mins(55), ServiceEvent::BuildsHang)],
    );
    hanging.on(Duration::from_hours(2));
    assert_eq!(hanging.cluster_status(), ["cluster_provisioning"]);
    hanging.apply_event(&ServiceEvent::Recovers(Dependency::Builds));
    hanging.on(seconds(31));
    assert_eq!(hanging.cluster_status(), ["cluster_provisioned"]);

    let mut failing = run(seed);
    failing.apply_event(&ServiceEvent::BuildsFail);
    failing.on(seconds(65));
    assert_eq!(failing.cluster_status(), ["failed", "cluster_provisioning"]);
    failing.on(Duration::from_mins(14));
    assert_eq!(
        failing.cluster_status()[..2],
        ["failed", "failed"],
        "the replacement fails too"
    );
}
