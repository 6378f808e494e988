//! The service over simulated hours.

mod counters;
mod dependencies;
mod outages;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::database::SeedRows;
use crate::database::tables::{after, before};

fn world_start() -> Timestamp {
    "2021-01-15T13:24:01Z".parse().unwrap()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn process(name: &str) -> Process {
    Process {
        pod_uid: format!("uid-{name}"),
        pod_name: name.to_owned(),
        restart: 0,
    }
}

/// A service of three pods that began `age` before the world's start. Processes that end by themselves are started again after a second.
struct Run {
    service: Service,
    tables: Tables,
    now: Timestamp,
    lines: Vec<OutputLine>,
    exits: Vec<Exit>,
}

impl Run {
    fn new(behaviour: &str, seed: &str, age: Duration) -> Self {
        Self::with_past(behaviour, seed, age, &[])
    }

    /// With events before the start: how long before, and which.
    fn with_past(behaviour: &str, seed: &str, age: Duration, past: &[(Duration, ServiceEvent)]) -> Self {
        let behaviour: Behaviour = toml::from_str(behaviour).unwrap();
        let seed: SeedRows = toml::from_str(seed).unwrap();
        let mut run = Self {
            service: Service::new(behaviour, 42),
            tables: Tables::seeded(&seed, world_start()),
            now: world_start(),
            lines: Vec::new(),
            exits: Vec::new(),
        };
        for (late, name) in (0..).zip(["2mgcp", "blf5h", "lzxms"]) {
            run.service.start(
                process(name),
                after(before(world_start(), age), seconds(late * 2)),
            );
        }
        for (ago, event) in past {
            run.to(before(world_start(), *ago));
            run.apply_event(event);
        }
        run.to(world_start());
        run
    }

    fn apply_event(&mut self, event: &ServiceEvent) {
        self.service.apply_event(self.now, event, &mut self.tables);
    }

    fn to(&mut self, now: Timestamp) {
        for _ in 0..1_000 {
            let (lines, exit) = self.service.advance(now, &mut self.tables);
            self.lines.extend(lines);
            let Some(exit) = exit else {
                self.now = now;
                return;
            };
            let again = Process {
                restart: exit.process.restart + 1,
                ..exit.process.clone()
            };
            self.service.start(again, after(exit.at, seconds(1)));
            self.exits.push(exit);
        }
        unreachable!("a process that starts and ends a thousand times until {now}");
    }

    fn on(&mut self, span: Duration) {
        self.to(after(self.now, span));
    }

    fn texts(&self) -> Vec<String> {
        self.lines
            .iter()
            .map(|line| String::from_utf8_lossy(&line.bytes).into_owned())
            .collect()
    }

    fn count(&self, needle: &str) -> usize {
        self.texts().iter().filter(|text| text.contains(needle)).count()
    }

    fn ttl(&self, lease_type: &str) -> i64 {
        self.tables
            .lease(lease_type)
            .unwrap()
            .expires
            .duration_since(self.now)
            .as_secs()
    }

    fn leader(&self, lease_type: &str) -> String {
        self.tables.lease(lease_type).unwrap().leader.clone()
    }

    /// The pod whose log has this worker id.
    fn pod_of(&self, id: &str) -> String {
        let line = self
            .lines
            .iter()
            .find(|line| String::from_utf8_lossy(&line.bytes).contains(id));
        line.unwrap_or_else(|| panic!("nobody wrote {id}"))
            .process
            .pod_name
            .clone()
    }

    fn cluster_status(&self) -> Vec<&str> {
        self.tables
            .clusters
            .iter()
            .map(|row| row.status.as_str())
            .collect()
    }

    fn kafka_status(&self) -> Vec<&str> {
        self.tables
            .kafka_requests
            .iter()
            .map(|row| row.status.as_str())
            .collect()
    }
}

#[test]
fn there_is_exactly_one_leader_of_each_type_for_hours() {
    let mut run = Run::new("", "clusters = [{}]", Duration::ZERO);
    run.on(Duration::from_hours(6));
    for go_type in ["*workers.ClusterManager", "*workers.KafkaManager"] {
        assert_eq!(
            run.count(&format!("Running as the leader and starting worker {go_type} [")),
            1
        );
    }
    assert_eq!(run.count("No longer the leader"), 0);
    // two of three pods say so at every tick, for each type
    let expected = 2 * 2 * 6 * 120;
    let said = run.count("not currently leader, skipping reconcile");
    assert!(said.abs_diff(expected) <= 8, "{said}");
}

#[test]
fn a_healthy_lease_runs_between_half_a_minute_and_three_minutes() {
    let mut run = Run::new(
        "probes = false\nrequests_per_minute = 0",
        "",
        Duration::from_hours(1),
    );
    let mut seen = Vec::new();
    for _ in 0..3_600 {
        run.on(seconds(1));
        seen.push(run.ttl("kafka"));
    }
    let (low, high) = (seen.iter().min().unwrap(), seen.iter().max().unwrap());
    assert!(
        (28..60).contains(low) && (175..=180).contains(high),
        "{low}..{high}"
    );
}

#[test]
fn a_killed_leaders_lease_stays_until_it_expires_and_another_takes_over() {
    let mut run = Run::new("", "", Duration::from_hours(2));
    let leader = run.leader("kafka");
    let pod = run.pod_of(&leader);
    run.service.kill(&format!("uid-{pod}"));
    let written = run.lines.len();
    let ttl = run.ttl("kafka");
    assert!(ttl > 0);
    run.on(seconds(u64::try_from(ttl).unwrap() - 1));
    assert_eq!(run.leader("kafka"), leader, "nobody takes a live lease");
    run.on(seconds(32));
    assert_ne!(run.leader("kafka"), leader, "a tick after it ran out it is taken");
    assert_ne!(run.pod_of(&run.leader("kafka")), pod);
    assert!(
        run.lines[written..]
            .iter()
            .all(|line| line.process.pod_name != pod),
        "a killed process writes nothing"
    );
    assert_eq!(
        run.count("No longer the leader"),
        0,
        "no line says that a killed leader stopped"
    );
}

#[test]
fn only_the_leader_logs_its_loop() {
    let run = Run::new("", "", Duration::from_hours(1));
    let leader = run.leader("cluster");
    let mut iterations: BTreeMap<String, usize> = BTreeMap::new();
    for text in run.texts() {
        if let Some((_, id)) = text.split_once("Starting reconciliation loop for *workers.ClusterManager [") {
            *iterations.entry(id.trim_end_matches(']').to_owned()).or_default() += 1;
        }
    }
    assert_eq!(iterations.keys().collect::<Vec<_>>(), [&leader]);
    assert!(
        (118..=121).contains(&iterations[&leader]),
        "every 30 s: {iterations:?}"
    );
}

#[test]
fn lines_come_in_order_and_the_same_for_the_same_seed() {
    let make = || {
        let mut run = Run::new(
            "hostile = true\ndatabase_errors = true",
            "clusters = [{ status = \"failed\" }]",
            Duration::from_mins(20),
        );
        for _ in 0..100 {
            run.on(Duration::from_millis(3_700));
        }
        run
    };
    let (a, b) = (make(), make());
    assert_eq!(a.lines, b.lines);
    assert!(a.lines.is_sorted_by_key(|line| line.at));
    let mut once = Run::new(
        "hostile = true\ndatabase_errors = true",
        "clusters = [{ status = \"failed\" }]",
        Duration::from_mins(20),
    );
    once.on(seconds(370));
    assert_eq!(once.lines, a.lines, "how often one asks changes nothing");
}

#[test]
fn verbosity_decides_what_is_written() {
    let lines = |verbosity: u8| {
        let run = Run::new(&format!("verbosity = {verbosity}"), "", Duration::from_mins(10));
        (
            run.count("not currently"),
            run.count("Running as"),
            run.count("request_method"),
            run.count("Bearer "),
            run.lines.len(),
        )
    };
    let quiet = lines(0);
    assert_eq!((quiet.0, quiet.1, quiet.2, quiet.3), (0, 0, 0, 0));
    assert!(quiet.4 > 0, "the start is written at any verbosity");
    let (not_leading, running, requests, tokens, _) = lines(1);
    assert_eq!((not_leading, running, tokens), (0, 2, 0));
    assert!(requests > 300, "a probe every 5 s in each of 3 pods: {requests}");
    assert!(lines(5).0 > 0);
    assert!(lines(10).3 > 300);
}

#[test]
fn every_line_in_glogs_form_matches_the_eras_pattern() {
    let run = Run::new("verbosity = 10", "", Duration::from_mins(30));
    let pattern = regex::Regex::new(r"^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [^:\]]+:\d+\] .*$").unwrap();
    let raw = ["{", "}", "  \""];
    for text in run.texts() {
        assert!(
            pattern.is_match(&text) || raw.iter().any(|start| text.starts_with(start)),
            "{text}"
        );
    }
}

#[test]
fn nobody_leads_kafka_until_the_pods_are_restarted() {
    let seed = "clusters = [{}]\nkafkas = [{ status = \"accepted\", idle = \"7m\" }]";
    let mut run = Run::new(
        "no_leader = [\"kafka\"]\nleaderless_for = \"7m12s\"",
        seed,
        Duration::from_hours(2),
    );
    assert_eq!(run.ttl("kafka"), -432);
    assert!(run.ttl("cluster") > 0);
    assert_eq!(
        run.count("No longer the leader and stopping worker *workers.KafkaManager"),
        1
    );
    let before = run.count("skipping reconcile *workers.KafkaManager");
    run.on(Duration::from_mins(10));
    assert_eq!(
        run.count("skipping reconcile *workers.KafkaManager") - before,
        3 * 20,
        "all three, each tick"
    );
    assert_eq!(run.ttl("kafka"), -1_032);
    assert_eq!(run.kafka_status(), ["accepted"], "nothing moves without a leader");

    for name in ["2mgcp", "blf5h", "lzxms"] {
        run.service.kill(&format!("uid-{name}"));
        let at = after(run.now, seconds(3));
        run.service.start(process(&format!("new-{name}")), at);
    }
    run.on(seconds(40));
    assert!(run.ttl("kafka") > 0);
    assert!(run.pod_of(&run.leader("kafka")).starts_with("new-"));
    run.on(Duration::from_mins(5));
    assert_eq!(run.kafka_status(), ["ready"]);
}

#[test]
fn pods_younger_than_the_leaderless_time_never_led() {
    let run = Run::new(
        "no_leader = [\"cluster\"]\nleaderless_for = \"1h\"",
        "",
        Duration::from_mins(10),
    );
    assert_eq!(run.ttl("cluster"), -3_600);
    assert_eq!(run.count("starting worker *workers.ClusterManager"), 0);
}

#[test]
fn rows_move_with_the_delays_of_the_real_service() {
    let seed =
        "clusters = [{ status = \"cluster_accepted\", idle = \"5s\" }]\nkafkas = [{ status = \"accepted\" }]";
    let mut run = Run::new("", seed, Duration::from_hours(1));
    assert_eq!(
        run.cluster_status(),
        ["cluster_accepted"],
        "the seed holds at the world's start"
    );
    run.on(seconds(31));
    assert_eq!(run.cluster_status(), ["cluster_provisioning"]);
    assert_eq!(run.tables.clusters[0].cluster_id.len(), 32);
    run.on(Duration::from_mins(34));
    assert_eq!(
        run.cluster_status(),
        ["cluster_provisioning"],
        "OCM needs about 40 minutes"
    );
    assert_eq!(
        run.kafka_status(),
        ["accepted"],
        "no ready cluster, and not a word about it"
    );
    run.on(Duration::from_mins(11));
    assert_eq!(run.cluster_status(), ["cluster_provisioned"]);
    run.on(Duration::from_mins(5));
    assert_eq!(run.cluster_status(), ["ready"]);
    run.on(Duration::from_mins(5));
    assert_eq!(run.kafka_status(), ["ready"]);
    let id = &run.tables.kafka_requests[0].id;
    assert_eq!(run.count(&format!("Kafka {id} state ready")), 1);
    assert!(run.count(&format!("reconciled kafka {id} state unknown")) >= 4);
}

#[test]
fn a_failed_region_is_asked_for_again() {
    let mut run = Run::new(
        "",
        "clusters = [{ status = \"failed\", idle = \"9d\" }]",
        Duration::from_hours(1),
    );
    run.on(seconds(61));
    assert_eq!(run.cluster_status(), ["failed", "cluster_provisioning"]);
    assert_eq!(
        run.count("Auto-created cluster request in aws, region: us-east-1"),
        1
    );
}

#[test]
fn a_restarted_container_is_another_process_of_the_same_pod() {
    let mut run = Run::new("", "", Duration::from_mins(10));
    let ids = |run: &Run| {
        let id = |text: &String| text.rsplit_once('[').map(|(_, id)| id.to_owned());
        let all = run.texts();
        all.iter()
            .filter(|text| text.contains("Manager ["))
            .filter_map(id)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&run).len(), 6, "a worker id for each pod and type");
    run.service.start(
        Process {
            restart: 1,
            ..process("blf5h")
        },
        after(run.now, seconds(1)),
    );
    run.on(seconds(60));
    assert_eq!(ids(&run).len(), 8);
    let last = run
        .lines
        .iter()
        .rev()
        .find(|line| line.process.pod_name == "blf5h")
        .unwrap();
    assert_eq!(last.process.restart, 1);
}

#[test]
fn the_next_task_has_a_due_time() {
    let mut run = Run::new("", "", Duration::from_mins(1));
    for _ in 0..200 {
        let due = run.service.next_due().unwrap();
        assert!(due > run.now);
        run.to(due);
    }
    run.service.kill("uid-2mgcp");
    run.service.kill("uid-blf5h");
    run.service.kill("uid-lzxms");
    assert_eq!(run.service.next_due(), None);
}

#[test]
fn hostile_lines_are_logged_when_the_scenario_has_them() {
    let run = Run::new("hostile = true", "", Duration::from_mins(5));
    assert!(run.lines.iter().any(|line| line.bytes.len() >= 70 * 1024));
    assert!(
        run.lines
            .iter()
            .any(|line| std::str::from_utf8(&line.bytes).is_err())
    );
    assert!(run.count("\x1b]52;c;") > 0 && run.count("\u{202e}") > 0 && run.count("\u{9b}2J") > 0);
    assert!(
        run.lines.iter().all(|line| !line.bytes.contains(&b'\n')),
        "a line is one line"
    );
}
