//! The counters of a process, compared with its log.

use super::{Run, process, seconds};
use crate::service::*;
use std::time::Duration;

const POD: &str = "2mgcp";
const ROWS: &str = "clusters = [{ status = \"cluster_provisioning\", idle = \"5m\" }]";

/// The samples of a pod's process whose text begins so, added up; 0 where nobody answers.
fn sum(run: &Run, pod: &str, begin: &str) -> f64 {
    let text = run
        .service
        .metrics(&format!("uid-{pod}"), run.now)
        .unwrap_or_default();
    let values = text
        .lines()
        .filter(|line| line.starts_with(begin))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
    values.sum()
}

/// The same of all pods.
fn all(run: &Run, begin: &str) -> f64 {
    ["2mgcp", "blf5h", "lzxms"]
        .iter()
        .map(|pod| sum(run, pod, begin))
        .sum()
}

fn lines(run: &Run, pod: &str, text: &str) -> f64 {
    let own = run.lines.iter().filter(|line| line.process.pod_name == pod);
    own.filter(|line| String::from_utf8_lossy(&line.bytes).contains(text))
        .count() as f64
}

#[test]
fn a_process_counts_the_answers_that_it_logs() {
    let load = ServiceEvent::Load {
        requests_per_minute: 300,
        capacity: 80,
    };
    let past = [(Duration::from_mins(8), load)];
    let run = Run::with_past("", ROWS, Duration::from_mins(10), &past);
    for pod in ["2mgcp", "blf5h", "lzxms"] {
        for code in [200, 202, 400, 404, 500] {
            let counted = sum(&run, pod, &format!("api_inbound_request_count{{code=\"{code}\""));
            let logged = lines(&run, pod, &format!("\"response_status\":{code},"));
            assert!(counted > 0.0, "{pod} {code}");
            assert!(
                (counted - logged).abs() < 0.5,
                "{pod} {code}: {counted} counted, {logged} logged"
            );
        }
        let durations = sum(&run, pod, "api_inbound_request_duration_count");
        assert!(
            (durations - sum(&run, pod, "api_inbound_request_count")).abs() < 0.5,
            "{pod}"
        );
    }
}

#[test]
fn a_new_process_counts_from_zero_and_answers_when_it_listens() {
    let mut run = Run::new("", ROWS, Duration::from_mins(20));
    let before = sum(&run, POD, "api_inbound_request_count");
    run.service.kill("uid-2mgcp");
    assert_eq!(run.service.metrics("uid-2mgcp", run.now), None, "killed");
    run.service.start(process(POD), run.now);
    assert_eq!(run.service.metrics("uid-2mgcp", run.now), None, "starting");
    run.on(seconds(60));
    let after = sum(&run, POD, "api_inbound_request_count");
    assert!(
        after > 0.0 && after < before / 4.0,
        "{before} before, {after} after"
    );
}

#[test]
fn an_ocm_outage_is_counted_with_the_call_that_meets_it() {
    for (failure, code) in [
        (OcmFailure::Unavailable, "503"),
        (OcmFailure::DialTimeout, "0"),
        (OcmFailure::Forbidden, "403"),
    ] {
        let mut run = Run::new("", ROWS, Duration::from_mins(10));
        let clusters = "api_outbound_request_count{apiservice=\"ocm-clusters-service\",code=";
        let well = all(&run, &format!("{clusters}\"200\""));
        assert!(well >= 8.0, "{well} calls in ten minutes");
        run.apply_event(&ServiceEvent::Ocm(failure));
        run.on(seconds(95));
        let (counted, logged) = (
            all(&run, &format!("{clusters}\"{code}\"")),
            run.count("failed to get cluster"),
        );
        assert!(logged >= 3, "{failure:?}: {logged} logged");
        assert!(
            (counted - logged as f64).abs() < 0.5,
            "{failure:?}: {counted} counted, {logged} logged"
        );
        assert!(
            (all(&run, &format!("{clusters}\"200\"")) - well).abs() < 0.5,
            "{failure:?}"
        );
    }
}

#[test]
fn a_failure_that_the_sdk_hides_is_counted_and_not_logged() {
    let mut run = Run::new("", ROWS, Duration::from_mins(10));
    let clusters = "api_outbound_request_count{apiservice=\"ocm-clusters-service\",code=";
    let of = |run: &Run, code: &str| all(run, &format!("{clusters}\"{code}\""));
    let (errors, well) = (run.count("clusters_mgr.go:171"), of(&run, "200"));
    run.apply_event(&ServiceEvent::OcmRetried(OcmFailure::Deadline));
    run.on(seconds(185));
    assert_eq!(run.count("clusters_mgr.go:171"), errors);
    let (failed, succeeded) = (of(&run, "0"), of(&run, "200") - well);
    assert!((5.0..=7.0).contains(&failed), "{failed} of six loops");
    assert!(
        (failed - succeeded).abs() <= 1.0,
        "{failed} failed, {succeeded} succeeded"
    );
    run.apply_event(&ServiceEvent::Recovers(Dependency::Ocm));
    run.on(seconds(95));
    assert!((of(&run, "0") - failed).abs() <= 1.0);
}

#[test]
fn kafkas_that_users_make_are_counted_until_they_are_ready() {
    let behaviour = "creations_per_hour = 60";
    let mut run = Run::new(
        behaviour,
        "clusters = [{ status = \"ready\", idle = \"3d\", multi_az = true }]",
        Duration::from_mins(5),
    );
    run.on(Duration::from_mins(20));
    let ready = run.count("kafkas_mgr.go:195]") as f64;
    let of = |name: &str| {
        all(
            &run,
            &format!("managed_services_api_{name}{{operation=\"create\"}}"),
        )
    };
    assert!(ready >= 10.0, "{ready}");
    assert!((of("kafka_operations_success_count") - ready).abs() < 0.5);
    assert!(of("kafka_operations_total_count") >= ready);
    let durations = all(&run, "managed_services_api_worker_kafka_duration_count");
    assert!((durations - ready).abs() < 0.5, "{durations}");
    let asked = all(
        &run,
        "api_outbound_request_count{apiservice=\"ocm-accounts-service\",code=\"201\"",
    );
    assert!(asked >= ready, "{asked}");
}
