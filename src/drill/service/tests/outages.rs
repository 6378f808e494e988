//! The service's processes during outages of their own, of their database, and under load.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Run, process, seconds};
use crate::database::tables::after;
use crate::service::*;

const QUIET: &str = "probes = false\nrequests_per_minute = 0";

fn run(seed: &str) -> Run {
    Run::new(QUIET, seed, Duration::from_mins(20))
}

#[test]
fn an_empty_dns_name_kills_one_leader_after_the_other() {
    let mut run = run("clusters = [{ status = \"cluster_provisioned\", idle = \"30m\" }]");
    let before = run.tables.clusters.clone();
    run.tables.clusters[0].status = "cluster_provisioned".to_owned();
    run.apply_event(&ServiceEvent::DnsNameEmpty);
    run.on(Duration::from_mins(13));
    assert!(run.exits.len() >= 3, "{:?}", run.exits);
    assert!(
        run.exits
            .iter()
            .all(|exit| (exit.code, exit.reason) == (2, "Error"))
    );
    for pair in run.exits.windows(2) {
        let apart = pair[1].at.duration_since(pair[0].at).as_secs();
        assert!(
            (100..=215).contains(&apart),
            "the lease of the dead one has to run out: {apart} s"
        );
    }
    let exit = &run.exits[0];
    let last_words: Vec<String> = run
        .lines
        .iter()
        .filter(|line| line.process == exit.process)
        .map(|line| String::from_utf8_lossy(&line.bytes).into_owned())
        .collect();
    let start = last_words
        .iter()
        .position(|line| line.starts_with("panic: runtime error"))
        .unwrap();
    assert_eq!(
        last_words[start + 1],
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x10 pc=0x15a1c46]"
    );
    assert!(
        last_words[start..]
            .iter()
            .any(|line| line.starts_with("\t/go/src/")),
        "a stack has tabs"
    );
    assert!(
        last_words.last().unwrap().starts_with("\t/go/src/"),
        "nothing comes after it"
    );
    assert_eq!(run.tables.clusters.len(), before.len());
    run.apply_event(&ServiceEvent::Recovers(Dependency::DnsNames));
    run.on(Duration::from_mins(5));
    assert_eq!(run.cluster_status(), ["ready"]);
}

#[test]
fn a_killed_leader_logs_nothing_and_its_lease_stays() {
    let mut run = run("");
    let (pod, holder) = (
        run.service.leader("kafka", &run.tables).unwrap(),
        run.leader("kafka"),
    );
    let written = run.lines.len();
    run.apply_event(&ServiceEvent::LeaderKilled(WorkerKind::Kafka));
    assert_eq!(run.service.next_due(), Some(run.now));
    let (lines, exit) = run.service.advance(run.now, &mut run.tables);
    let exit = exit.unwrap();
    assert_eq!(
        (exit.process.pod_uid.as_str(), exit.code, exit.reason),
        (pod.as_str(), 137, "OOMKilled")
    );
    assert_eq!((lines.len(), run.lines.len()), (0, written));
    assert_eq!(run.service.probe(&pod, Probe::Liveness), None);
    assert_eq!(run.service.leader("kafka", &run.tables), None);
    assert_eq!(run.leader("kafka"), holder);
}

#[test]
fn a_start_that_fails_is_logged_with_a_stack() {
    let table = [
        (
            StartFailure::Panic,
            2,
            "panic: runtime error",
            "goroutine 1 [running]:",
        ),
        (
            StartFailure::Environment,
            255,
            "cmd.go:54] Unable to initialize environment: ",
            "goroutine 19 [chan receive]:",
        ),
    ];
    for (failure, code, text, stack) in table {
        let mut run = run("");
        run.apply_event(&ServiceEvent::StartFails(failure));
        let new = Process {
            restart: 1,
            ..process("blf5h")
        };
        run.service.start(new, run.now);
        run.on(seconds(1));
        let exit = &run.exits[0];
        assert_eq!((exit.code, exit.reason, exit.process.restart), (code, "Error", 1));
        assert_eq!((run.count(text), run.count(stack)), (1, 1), "{failure:?}");
        assert!(run.service.leader("kafka", &run.tables).is_some());
        run.apply_event(&ServiceEvent::Recovers(Dependency::Start));
        run.on(seconds(4));
        assert_eq!(
            run.service.probe("uid-blf5h", Probe::Readiness),
            Some(ProbeResponse::Ok)
        );
    }
}

#[test]
fn a_short_database_fault_stops_the_leader_and_the_same_one_starts_again() {
    let table = [
        (
            DatabaseFault::Refused,
            "pq: dial",
            "dial tcp 10.0.143.27:5432: connect: connection refused",
        ),
        (
            DatabaseFault::Starting,
            "",
            "pq: the database system is starting up",
        ),
        (DatabaseFault::Cut, "", "driver: bad connection"),
    ];
    for (fault, wrong, reason) in table {
        let mut run = Run::new(
            "probes = false\nrequests_per_minute = 60",
            "clusters = [{}]",
            Duration::from_mins(20),
        );
        let leader = run.leader("kafka");
        run.service.database(Some(fault));
        run.on(seconds(32));
        let failed = format!(
            "leader_election_mgr.go:95] failed to acquire leader lease: failed to retrieve leader leases: {reason}"
        );
        assert!(run.count(&failed) >= 6, "both types in three pods: {fault:?}");
        assert!(wrong.is_empty() || run.count(wrong) == 0);
        let stopped = format!("No longer the leader and stopping worker *workers.KafkaManager [{leader}]");
        assert_eq!(run.count(&stopped), 1, "{fault:?}");
        assert!(run.count("\x1b[31;1m") >= 6, "gorm says so too");
        let refused = run.count("Could not create transaction: ");
        assert_eq!(refused > 0, fault != DatabaseFault::Cut, "{fault:?}");
        assert_eq!(
            run.count("\"response_status\":500") > 0,
            fault != DatabaseFault::Cut
        );
        assert_eq!(
            run.service.probe("uid-blf5h", Probe::Readiness),
            Some(ProbeResponse::Ok),
            "E1 does not ask the database"
        );
        run.service.database(None);
        run.on(seconds(31));
        let started = format!("Running as the leader and starting worker *workers.KafkaManager [{leader}]");
        assert_eq!(run.count(&started), 2, "{fault:?}");
    }
}

#[test]
fn a_loop_without_a_database_logs_what_it_cannot_list() {
    let mut run = run("clusters = [{}]");
    // the election must not come first and stop the loops
    run.apply_event(&ServiceEvent::ElectionBlocks(WorkerKind::Cluster));
    run.service.database(Some(DatabaseFault::Refused));
    run.on(seconds(31));
    for told in [
        "clusters_mgr.go:124] failed to list accepted clusters: ",
        "clusters_mgr.go:163] failed to list pending clusters: ",
        "clusters_mgr.go:157] failed to reconcile clusters by Region: ",
        "kafkas_mgr.go:93] failed to list accepted kafkas: ",
        "kafkas_mgr.go:108] failed to list accepted kafkas: ",
    ] {
        assert!(run.count(told) > 0, "{told}");
    }
}

#[test]
fn no_process_starts_without_a_session_and_none_shows_the_password() {
    let table = [
        (
            DatabaseFault::Refused,
            Some("dial tcp 10.0.143.27:5432: connect: connection refused"),
        ),
        (
            DatabaseFault::Starting,
            Some("pq: the database system is starting up"),
        ),
        (
            DatabaseFault::WrongPassword,
            Some("pq: password authentication failed for user"),
        ),
        (
            DatabaseFault::TooManyConnections,
            Some("pq: remaining connection slots are reserved"),
        ),
        (DatabaseFault::LockWait, None),
        (DatabaseFault::Cut, None),
    ];
    for (fault, reason) in table {
        let mut run = run("");
        run.service.database(Some(fault));
        run.service.start(
            Process {
                restart: 1,
                ..process("blf5h")
            },
            run.now,
        );
        run.on(seconds(10));
        assert_eq!(run.exits.is_empty(), reason.is_none(), "{fault:?}");
        let Some(reason) = reason else { continue };
        assert!(run.exits.len() > 3 && run.exits[0].code == 2);
        assert!(run.count("panic: failed to connect to postgres database managed-services-api with connection string: host=") > 0);
        assert!(run.count("password='<REDACTED>'") > 0 && run.count(&format!("Error: {reason}")) > 0);
        run.service.database(None);
        run.on(seconds(5));
        assert_eq!(
            run.service.probe("uid-blf5h", Probe::Readiness),
            Some(ProbeResponse::Ok)
        );
    }
}

#[test]
fn a_database_that_does_not_answer_stops_everything_without_a_log_line() {
    let mut run = run("clusters = [{ status = \"cluster_accepted\" }]");
    run.service.database(Some(DatabaseFault::Stalled));
    run.on(seconds(35));
    let written = run.lines.len();
    run.service.start(
        Process {
            restart: 1,
            ..process("blf5h")
        },
        run.now,
    );
    run.on(Duration::from_mins(5));
    assert_eq!(run.lines.len(), written);
    assert!(run.ttl("kafka") < 0 && run.exits.is_empty());
    assert_eq!(
        run.service.probe("uid-blf5h", Probe::Readiness),
        Some(ProbeResponse::Refused)
    );
    run.service.database(None);
    run.on(Duration::from_mins(1));
    assert!(run.ttl("kafka") > 0);
    assert_eq!(run.cluster_status(), ["cluster_provisioning"]);
}

#[test]
fn a_loop_with_stale_reads_changes_nothing_until_the_pods_are_restarted() {
    let mut run = Run::with_past(
        QUIET,
        "clusters = [{ status = \"cluster_accepted\", idle = \"6m\" }]",
        Duration::from_hours(1),
        &[(Duration::from_mins(10), ServiceEvent::StaleReads)],
    );
    let beats = run.count("reconciler.go:30]");
    run.on(Duration::from_mins(10));
    assert!(
        run.count("reconciler.go:30]") - beats >= 39,
        "both leaders beat on"
    );
    assert_eq!(run.cluster_status(), ["cluster_accepted"]);
    assert_eq!(run.texts().iter().filter(|text| text.starts_with('E')).count(), 0);
    for name in ["2mgcp", "blf5h", "lzxms"] {
        run.service.kill(&format!("uid-{name}"));
        run.service
            .start(process(&format!("new-{name}")), after(run.now, seconds(3)));
    }
    run.on(seconds(240));
    assert_eq!(run.cluster_status(), ["cluster_provisioning"]);
}

#[test]
fn a_blocked_election_makes_two_leaders_until_it_goes_on() {
    let mut run = run("");
    let first = run.leader("kafka");
    run.apply_event(&ServiceEvent::ElectionBlocks(WorkerKind::Kafka));
    run.on(seconds(215));
    let second = run.leader("kafka");
    assert_ne!(first, second);
    let mark = run.lines.len();
    run.on(seconds(120));
    let beats = |run: &Run, id: &str, from: usize| {
        let beat = format!("Starting reconciliation loop for *workers.KafkaManager [{id}]");
        run.texts()[from..]
            .iter()
            .filter(|text| text.contains(&beat))
            .count()
    };
    assert!(
        beats(&run, &first, mark) >= 3 && beats(&run, &second, mark) >= 3,
        "both beat"
    );
    run.apply_event(&ServiceEvent::ElectionGoesOn);
    run.on(seconds(31));
    assert_eq!(
        run.count(&format!(
            "No longer the leader and stopping worker *workers.KafkaManager [{first}]"
        )),
        1
    );
    let mark = run.lines.len();
    run.on(seconds(120));
    assert_eq!((beats(&run, &first, mark), run.leader("kafka")), (0, second));
}

#[test]
fn probes_are_answered_by_the_state_of_the_process() {
    let mut run = run("");
    let pod = "uid-blf5h";
    let both = |run: &Run| {
        (
            run.service.probe(pod, Probe::Readiness).unwrap(),
            run.service.probe(pod, Probe::Liveness).unwrap(),
        )
    };
    assert_eq!(both(&run), (ProbeResponse::Ok, ProbeResponse::Ok));
    run.apply_event(&ServiceEvent::Maintenance(true));
    assert_eq!(both(&run), (ProbeResponse::Status(503), ProbeResponse::Ok));
    run.apply_event(&ServiceEvent::Maintenance(false));
    for (capacity, readiness, liveness) in [
        (80, ProbeResponse::Ok, ProbeResponse::Ok),
        (45, ProbeResponse::Ok, ProbeResponse::Timeout),
        (30, ProbeResponse::Timeout, ProbeResponse::Timeout),
    ] {
        run.apply_event(&ServiceEvent::Load {
            requests_per_minute: 300,
            capacity,
        });
        assert_eq!(both(&run), (readiness, liveness), "{capacity}");
    }
    run.apply_event(&ServiceEvent::LoadEnds);
    run.service.start(
        Process {
            restart: 1,
            ..process("blf5h")
        },
        run.now,
    );
    assert_eq!(both(&run), (ProbeResponse::Refused, ProbeResponse::Refused));
    run.on(seconds(2));
    assert_eq!(both(&run), (ProbeResponse::Ok, ProbeResponse::Ok));
    assert_eq!(run.service.probe("nobody", Probe::Liveness), None);
}

#[test]
fn more_pods_heal_an_overloaded_service() {
    let mut run = Run::new("probes = false", "", Duration::from_mins(5));
    run.apply_event(&ServiceEvent::Load {
        requests_per_minute: 300,
        capacity: 80,
    });
    let share = |run: &mut Run| {
        let mark = run.lines.len();
        run.on(Duration::from_mins(10));
        let texts = run.texts().split_off(mark);
        let count = |needle: &str| texts.iter().filter(|text| text.contains(needle)).count();
        (
            count("\"response_status\""),
            count("\"response_status\":500"),
            texts
                .iter()
                .filter(|text| text.starts_with('E') && text.contains("logger.go:84]"))
                .count(),
        )
    };
    let (all, failed, errors) = share(&mut run);
    assert!((2_700..=3_300).contains(&all), "{all}");
    assert!(
        (15..=25).contains(&(failed * 100 / all)),
        "one in five: {failed} of {all}"
    );
    assert!(errors.abs_diff(failed) <= 3, "each is an E line: {errors}");
    for name in ["a", "b", "c"] {
        run.service.start(process(name), run.now);
    }
    run.on(Duration::from_mins(1));
    let (all, failed, _) = share(&mut run);
    assert!((2_700..=3_300).contains(&all), "{all}");
    assert_eq!(failed, 0);
}

#[test]
fn users_create_and_delete_kafkas_where_the_scenario_has_them() {
    let seed = "clusters = [{}]\nkafkas = [{ count = 40 }]";
    let mut run = Run::new(
        "probes = false\ncreations_per_hour = 20\ndeletions_per_hour = 10",
        seed,
        Duration::from_mins(30),
    );
    assert_eq!(run.tables.kafka_requests.len(), 40, "the seed holds at the start");
    assert_eq!(
        run.tables
            .kafka_requests
            .iter()
            .filter(|row| row.deleted_at.is_some())
            .count(),
        0
    );
    run.on(Duration::from_hours(2));
    let made = run.tables.kafka_requests.len() - 40;
    let deleted: Vec<_> = run
        .tables
        .kafka_requests
        .iter()
        .filter(|row| row.deleted_at.is_some())
        .collect();
    assert!((30..=50).contains(&made), "{made}");
    assert!((14..=26).contains(&deleted.len()), "{}", deleted.len());
    assert!(
        deleted.iter().all(|row| row.status == "ready"),
        "a deleted row keeps its status"
    );
    assert!(
        run.tables.kafka_requests[40].status == "ready",
        "what is asked for is made"
    );

    let before = deleted.len();
    run.apply_event(&ServiceEvent::OcmSyncsets(OcmFailure::InternalError));
    run.on(Duration::from_hours(1));
    let after = run
        .tables
        .kafka_requests
        .iter()
        .filter(|row| row.deleted_at.is_some())
        .count();
    assert_eq!(before, after, "nothing is deleted that OCM still has");
    assert!(run.count("MGD-SERV-API-9: error deleting syncset: ") >= 6);
    run.apply_event(&ServiceEvent::SsoFails);
    run.on(Duration::from_hours(1));
    assert!(run.count("MGD-SERV-API-9: error deleting sso client: ") >= 6);
}

#[test]
fn a_pod_with_a_wrong_clock_dates_its_lines_and_its_lease_by_it() {
    let mut run = run("");
    run.apply_event(&ServiceEvent::ClockSkew {
        pod: 0,
        by: SignedDuration::from_mins(10),
    });
    let mark = run.lines.len();
    run.on(Duration::from_mins(2));
    let (ahead, right): (Vec<_>, Vec<_>) = run.lines[mark..]
        .iter()
        .partition(|line| line.process.pod_name == "2mgcp");
    assert!(ahead.iter().all(|line| line.at > run.now) && !ahead.is_empty());
    assert!(right.iter().all(|line| line.at <= run.now) && !right.is_empty());
    assert!(
        ahead
            .iter()
            .any(|line| String::from_utf8_lossy(&line.bytes).contains(" 13:3"))
    );
    assert_eq!(
        run.service.leader("kafka", &run.tables).as_deref(),
        Some("uid-2mgcp"),
        "to it every lease has run out"
    );
    assert!(run.ttl("kafka") > 600);
}

#[test]
fn the_same_outages_give_the_same_lines_in_any_number_of_steps() {
    let make = |steps: u32| {
        let mut run = Run::with_past(
            "creations_per_hour = 60",
            "clusters = [{ status = \"cluster_provisioned\", idle = \"30m\" }, {}]\nkafkas = [{ count = 5 }]",
            Duration::from_mins(20),
            &[
                (Duration::from_mins(8), ServiceEvent::DnsNameEmpty),
                (Duration::from_mins(4), ServiceEvent::SsoFails),
            ],
        );
        for _ in 0..steps {
            run.on(Duration::from_millis(u64::from(480_000 / steps)));
        }
        (run.lines, run.exits)
    };
    let (once, often) = (make(1), make(120));
    assert!(!once.1.is_empty());
    assert_eq!(once.1, often.1);
    assert_eq!(once.0, often.0);
}
