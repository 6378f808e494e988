//! Whose fault it is: rows by their reason and their status, lines by what they say.

use super::cases::{KAFKAS, OSD, judge, lines, only, step};
use super::*;
use crate::profile::sop::StepStatus;
use crate::text::SafeText;

#[test]
fn a_row_in_a_status_that_nobody_knows_is_a_defect_at_any_age() {
    for (sop, table, idle) in [
        (OSD, "clusters", "clusters-idle"),
        (KAFKAS, "clusters", "clusters-idle"),
        (KAFKAS, "kafka_requests", "kafkas-idle"),
    ] {
        for age in [1, 2_700, 2_701, 86_400] {
            let diagnosis = judge(sop, &World::new().row(table, "teleporting", age).state());
            assert_eq!(
                said(&diagnosis.decision),
                "escalate control-plane by unknown-status",
                "{table} {age}"
            );
            let (status, value) = step(&diagnosis, idle);
            assert_eq!(status, StepStatus::Fail, "{table} {age}: {value}");
            assert!(value.starts_with("1 in unknown status teleporting"), "{value}");
            let because = &diagnosis.decision.recommendation.because;
            assert!(
                because[1].starts_with("teleporting for ")
                    && because[1].contains(": 1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ, "),
                "{because:?}"
            );
        }
    }
}

#[test]
fn the_sop_s_words_send_a_row_in_an_unknown_status_to_its_team_after_45_minutes() {
    let literal = |sop, table, age| {
        let decision = decide(sop, &World::new().row(table, "teleporting", age).state());
        decision.literal.map(|literal| literal.contact.unwrap())
    };
    assert_eq!(literal(OSD, "clusters", 2_700), None);
    assert_eq!(literal(OSD, "clusters", 2_701).as_deref(), Some("ocm-support"));
    assert_eq!(literal(KAFKAS, "kafka_requests", 2_700), None);
    assert_eq!(
        literal(KAFKAS, "kafka_requests", 2_701).as_deref(),
        Some("data-plane-or-mk-sre")
    );
}

#[test]
fn an_unknown_status_does_not_hide_what_is_over_its_limit() {
    let world =
        World::new()
            .row("clusters", "teleporting", 9_000)
            .row("clusters", "cluster_provisioning", 2_701);
    let diagnosis = judge(OSD, &world.state());
    assert_eq!(said(&diagnosis.decision), "escalate ocm-support by cluster-late");
    assert_eq!(also(&diagnosis.decision), ["unknown-status"]);
    let (_, value) = step(&diagnosis, "clusters-idle");
    assert_eq!(
        value,
        "1 of 1 overdue: cluster_provisioning 45m01s (limit 45m), 1 in unknown status teleporting"
    );
}

#[test]
fn a_kafka_request_that_failed_goes_where_its_reason_goes() {
    let data_plane = "escalate data-plane-or-mk-sre by kafka-late";
    let ocm = "escalate ocm-support by kafka-failed-by-ocm";
    let control_plane = "escalate control-plane by kafka-failed-elsewhere";
    for (reason, want) in [
        ("", data_plane),
        ("strimzi gave up", data_plane),
        ("reached kafka 1n5G max attempts", data_plane),
        (
            "failed to create sso client 1n5G: MGD-SERV-API-9: failed to check the sso client exists: 503",
            control_plane,
        ),
        ("Unable to create domain record sets: AccessDenied", control_plane),
        (
            "failed to get state from observatorium for kafka 1n5G",
            control_plane,
        ),
        ("pq: deadlock detected", control_plane),
        (
            "strimzi: ocm client failed to create syncset: identifier is '503', code is 'CLUSTERS-MGMT-503'",
            ocm,
        ),
    ] {
        let world = World::new().failed_for("kafka_requests", "failed", 60, reason);
        let diagnosis = judge(KAFKAS, &world.state());
        assert_eq!(said(&diagnosis.decision), want, "{reason}");
        assert!(also(&diagnosis.decision).is_empty(), "{reason}");
        assert_eq!(step(&diagnosis, "kafkas-failed").0, StepStatus::Fail, "{reason}");
    }
    // of two, each goes where it belongs
    let world = World::new()
        .failed_for("kafka_requests", "failed", 60, "strimzi gave up")
        .failed_for("kafka_requests", "failed", 50, "failed to create sso client");
    let decision = decide(KAFKAS, &world.state());
    assert_eq!(said(&decision), control_plane);
    assert_eq!(also(&decision), ["kafka-late"]);
    let because = &decision.also[0].because;
    assert!(
        because.len() == 2 && because[0] == "1 Kafka request failed lately: strimzi gave up",
        "{because:?}"
    );
}

#[test]
fn the_step_and_the_rule_agree_on_rows_without_an_age() {
    let mut world = World::new().row("clusters", "cluster_accepted", 60);
    world = world.row("clusters", "cluster_accepted", 50);
    world.rows[1].1.clock_s = None;
    world.clusters.pop();
    world.clusters.last_mut().unwrap().count = 2;
    let diagnosis = judge(OSD, &world.state());
    assert_eq!(
        step(&diagnosis, "clusters-idle"),
        (
            StepStatus::Unknown,
            "no age for 1 of 2 cluster_accepted, next due in 2m"
        )
    );
    let open = diagnosis.decision.not_ruled_out;
    let open = open.iter().find(|open| open.rule == "cluster-accepted").unwrap();
    assert_eq!(open.missing, "no age for 1 of 2 cluster_accepted");
}

/// The classes with errors, and the newest line of each.
fn told(log: Observation) -> Vec<(String, String)> {
    let state = only([log]);
    let summaries = state.errors.summaries(ago(900));
    let one = summaries.into_iter().map(|summary| {
        let (_, newest) = summary.newest;
        (summary.class.to_string(), newest.words().to_owned())
    });
    one.collect()
}

#[test]
fn a_panic_is_the_service_s_own_whatever_its_stack_mentions() {
    let stack = [
        "panic: runtime error: invalid memory address or nil pointer dereference",
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]",
        "",
        "goroutine 42 [running]:",
        "gitlab.example/managed-services-api/pkg/strimzi.(*Client).Get(0x0)",
        "\t/src/pkg/clusters_mgmt/strimzi.go:9 +0x1d",
    ];
    let log = lines("blf5h", &stack.map(|line| (60, line)));
    assert_eq!(told(log.clone()), [("service".to_owned(), stack[0].to_owned())]);
    let mut state = World::new().state();
    state.apply(log, now());
    let newest = state.errors.since("service", ago(900)).next().unwrap().1;
    assert_eq!(newest.last_words(), Some(stack[0]));
}

#[test]
fn a_request_line_before_an_error_that_was_printed_past_the_log_is_not_the_error() {
    let get =
        "Ilogger.go:52] {\"request_method\":\"GET\",\"request_url\":\"/api/managed-services-api/v1/kafkas\"}";
    let cause = "identifier is '503', code is 'CLUSTERS-MGMT-503' and operation identifier is '1hq3': gone";
    let log = lines("blf5h", &[(60, get), (60, cause)]);
    assert_eq!(told(log), [("ocm".to_owned(), cause.to_owned())]);
}

#[test]
fn the_innermost_cause_is_quoted_and_decides() {
    let wrapped =
        "Ekafkas_mgr.go:99] failed to reconcile accepted kafka 1n5G: the strimzi operator is not ready:";
    let cause = " caused by: identifier is '503', code is 'CLUSTERS-MGMT-503'";
    let log = lines("blf5h", &[(60, wrapped), (60, cause)]);
    assert_eq!(told(log), [("ocm".to_owned(), cause.to_owned())]);

    let long = format!(
        "Eclusters_mgr.go:130] failed to reconcile accepted cluster: {}identifier is '503': the quota is used up",
        "MGD-SERV-API-9: ".repeat(400)
    );
    let state = only([lines("blf5h", &[(80, &long), (60, &long)])]);
    let diagnosis = judge(OSD, &state);
    let evidence = |lines: &[SafeText]| {
        lines
            .iter()
            .any(|line| line.contains("identifier is '503': the quota is used up"))
    };
    let errors = diagnosis
        .steps
        .iter()
        .find(|step| step.id == "log-errors")
        .unwrap();
    assert!(evidence(&errors.evidence), "{errors:#?}");
    let rule = diagnosis
        .decision
        .rules
        .iter()
        .find(|rule| rule.id == "ocm-errors")
        .unwrap();
    let Truth::True { because, .. } = &rule.truth else {
        panic!("{rule:#?}")
    };
    assert!(evidence(because), "{because:#?}");
}
