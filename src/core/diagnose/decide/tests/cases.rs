//! The worked cases of the domain, each by its number, as the whole judgement sees them.

use std::sync::Arc;

use super::*;
use crate::diagnose::Diagnosis;
use crate::diagnose::leaders::Verdict;
use crate::logparse::{LineReader, LogPatterns};
use crate::observe::observation::{Lease, short_name};
use crate::profile::ClockBasis;
use crate::profile::sop::StepStatus;
use crate::testkit::source;

pub(super) const OSD: &str = "osd-provisioning-latency";
pub(super) const KAFKAS: &str = "kafka-provisioning-latency";

/// The log of a pod as the kubelet gives it: seconds ago, the line without its times.
/// A line without a level stands as it is.
pub(super) fn lines(short: &str, lines: &[(i64, &str)]) -> Observation {
    let patterns = LogPatterns::new(&PROFILE.leaders, &PROFILE.error_classes, "").unwrap();
    let mut reader = LineReader::new(Arc::new(patterns), source(short), 10);
    for (seconds, line) in lines {
        let at = ago(*seconds);
        let clock = at.strftime("%m%d %H:%M:%S.000000");
        match line.split_at_checked(1) {
            Some((level @ ("I" | "W" | "E" | "F"), rest)) => {
                reader.push(format!("{at} {level}{clock}       1 {rest}").as_bytes());
            }
            _ => reader.push(format!("{at} {line}").as_bytes()),
        }
    }
    reader.caught_up();
    Observation::Log(reader.take(true).unwrap())
}

/// The rows of the world and a lease of the Kafka worker: its holder and seconds to its end.
fn leased(world: &World, holder: &str, ttl_s: i64, expires: &str) -> Observation {
    let mut reading = world.reading();
    reading.leases = Ok(vec![Lease {
        lease_type: "kafka".into(),
        holder: Some(id(holder)),
        ttl_s,
        expires: expires.into(),
    }]);
    Observation::Database(reading)
}

/// Three pods that have run for long, and what else is known; no log is read but those that are given.
pub(super) fn only(more: impl IntoIterator<Item = Observation>) -> State {
    let mut state = state_without_logs(&World::new());
    more.into_iter()
        .for_each(|observation| state.apply(observation, now()));
    state
}

pub(super) fn judge(sop: &str, state: &State) -> Diagnosis {
    diagnose(state, &PROFILE, PROFILE.sop(sop).unwrap(), now())
}

/// The Kafka worker's verdict and pod.
fn kafka(state: &State) -> (Verdict, String) {
    let diagnosis = judge(KAFKAS, state);
    let reading = diagnosis
        .leaders
        .into_iter()
        .find(|one| one.log_type == KAFKA)
        .unwrap();
    let pod = reading
        .pod
        .as_deref()
        .map_or(String::new(), |pod| short_name(pod).to_owned());
    (reading.verdict, pod)
}

pub(super) fn step<'a>(diagnosis: &'a Diagnosis, id: &str) -> (StepStatus, &'a str) {
    let step = diagnosis.steps.iter().find(|step| step.id == id).unwrap();
    (step.status, &step.value)
}

fn settling(seconds: i64) -> Verdict {
    Verdict::Settling { until: ago(-seconds) }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn cases_1_2_3_13_and_15_limits_hold_to_the_second_and_beyond_a_day() {
    let limits = [
        (1, "clusters", "cluster_accepted", 180, "none"),
        (
            1,
            "clusters",
            "cluster_accepted",
            181,
            "restart-pods by cluster-accepted",
        ),
        (1, "clusters", "cluster_provisioning", 2_700, "none"),
        (
            1,
            "clusters",
            "cluster_provisioning",
            2_701,
            "escalate ocm-support by cluster-late",
        ),
        (
            1,
            "clusters",
            "cluster_provisioned",
            2_701,
            "escalate ocm-support by cluster-late",
        ),
        (
            2,
            "clusters",
            "cluster_provisioning",
            173_400,
            "escalate ocm-support by cluster-late",
        ),
        (15, "clusters", "failed", 40 * 86_400, "none"),
        (
            15,
            "clusters",
            "failed",
            1_800,
            "escalate ocm-support by cluster-late",
        ),
        (15, "clusters", "failed", 1_801, "none"),
    ];
    for (case, table, status, age, want) in limits {
        let diagnosis = judge(OSD, &World::new().row(table, status, age).state());
        assert_eq!(said(&diagnosis.decision), want, "case {case}: {status} {age}");
        let limited = if status == "failed" {
            "clusters-failed"
        } else {
            "clusters-idle"
        };
        let over = if want == "none" {
            StepStatus::Pass
        } else {
            StepStatus::Fail
        };
        assert_eq!(step(&diagnosis, limited).0, over, "case {case}: {status} {age}");
    }
    let kafkas = [
        (2_700, "none"),
        (2_701, "escalate data-plane-or-mk-sre by kafka-late"),
    ];
    for (age, want) in kafkas {
        let decision = decide(
            KAFKAS,
            &World::new().row("kafka_requests", "provisioning", age).state(),
        );
        assert_eq!(said(&decision), want, "case 1: Kafka {age}");
    }
    // 2: the SOP's query prints 00:10 for this one
    let diagnosis = judge(
        OSD,
        &World::new()
            .row("clusters", "cluster_provisioning", 173_400)
            .state(),
    );
    let (_, value) = step(&diagnosis, "clusters-idle");
    assert!(
        value.ends_with("cluster_provisioning 2d 0h (limit 45m)"),
        "{value}"
    );
    // 3: a deleted row is counted nowhere, however old
    assert_eq!(said(&decide(OSD, &World::new().state())), "none");
    // 15: history is told, not acted on
    let history = World::new().with(|world| world.clusters.push(count("failed", 1, 3_456_000)));
    let diagnosis = judge(OSD, &history.state());
    assert_eq!(
        step(&diagnosis, "clusters-failed"),
        (StepStatus::Pass, "none lately, 1 long ago")
    );
}

#[test]
fn case_13_a_clock_that_starts_with_the_row_is_not_set_back_when_the_row_is_rewritten() {
    let mut later = PROFILE.clone();
    let tables = &mut later.database.as_mut().unwrap().tables;
    let status = tables[0]
        .statuses
        .iter_mut()
        .find(|one| one.name == "cluster_provisioning");
    status.unwrap().clock = ClockBasis::CreatedAt;
    let mut world = World::new().row("clusters", "cluster_provisioning", 10_800);
    // created three hours ago, rewritten twelve seconds ago
    world.rows[0].1.row.idle_s = Some(12);
    let diagnosis = diagnose(&world.state(), &later, later.sop(OSD).unwrap(), now());
    assert_eq!(said(&diagnosis.decision), "escalate ocm-support by cluster-late");
    let because = diagnosis.decision.recommendation.because.join("; ");
    assert!(because.contains("3h"), "{because}");
}

const RUNS: &str = "Ileader_election_mgr.go:80] Running as the leader and starting worker *workers.KafkaManager [00000000-0000-0000-0000-00000000000A]";
const BEATS: &str = "Ireconciler.go:30] Starting reconciliation loop for *workers.KafkaManager [00000000-0000-0000-0000-00000000000A]";
const STOPS: &str = "Ileader_election_mgr.go:83] No longer the leader and stopping worker *workers.KafkaManager [00000000-0000-0000-0000-00000000000A]";
const NOT: &str = "Ileader_election_mgr.go:100] not currently leader, skipping reconcile *workers.KafkaManager [00000000-0000-0000-0000-00000000000B]";

/// Lower case, as the service writes ids.
fn said_by_pods(logs: [&[(i64, &str)]; 3]) -> Vec<Observation> {
    let written = |(short, log): (&str, &[(i64, &str)])| {
        let lower: Vec<(i64, String)> = log
            .iter()
            .map(|(at, line)| (*at, line.replace("00A]", "00a]").replace("00B]", "00b]")))
            .collect();
        let borrowed: Vec<(i64, &str)> = lower.iter().map(|(at, line)| (*at, line.as_str())).collect();
        lines(short, &borrowed)
    };
    SHORT.into_iter().zip(logs).map(written).collect()
}

#[test]
fn cases_4_and_5_a_successor_is_one_leader_and_an_overlap_is_two() {
    let handed_over = said_by_pods([
        &[(10_800, RUNS), (3_840, BEATS)],
        &[(3_600, RUNS), (5, BEATS)],
        &[(5, NOT)],
    ]);
    let mut state = only(handed_over);
    state.apply(Observation::PodGone(pod(SHORT[0], 0).uid), now());
    assert_eq!(kafka(&state), (Verdict::One, "blf5h".to_owned()), "case 4");
    let overlap = only(said_by_pods([
        &[(10_800, RUNS), (10, BEATS)],
        &[(3_600, RUNS), (5, BEATS)],
        &[(5, NOT)],
    ]));
    assert_eq!(kafka(&overlap).0, Verdict::Many, "case 5");
    assert_eq!(
        said(&decide(KAFKAS, &overlap)),
        "escalate control-plane by two-leaders",
        "case 5"
    );
}

#[test]
fn case_6_none_is_said_of_a_lease_that_is_out_and_not_before_a_roll_out_has_settled() {
    let leaderless = World::new().with(|world| world.kafka_leads = None);
    let mut state = leaderless.state();
    state.apply(leased(&leaderless, "gone", -120, "1"), now());
    assert_eq!(kafka(&state).0, Verdict::None);
    assert_eq!(said(&decide(KAFKAS, &state)), "restart-pods by no-leader");
    let rolled_out = leaderless.with(|world| world.pods = SHORT.map(|short| service_pod(short, 90)).to_vec());
    let mut state = rolled_out.state();
    state.apply(leased(&rolled_out, "gone", -120, "1"), now());
    assert_eq!(kafka(&state).0, settling(150));
    let decision = decide(KAFKAS, &state);
    assert_eq!(said(&decision), "wait by settling");
    assert_eq!(decision.recommendation.until, Some(ago(-150)));
}

#[test]
fn case_7_a_log_that_is_forbidden_is_waited_for_as_long_as_its_lease_may_tell() {
    let world = World::new().with(|world| world.kafka_leads = None);
    let mut state = state_without_logs(&world);
    for pod in &world.pods[..2] {
        for (worker, leads) in [(KAFKA, None), (CLUSTER, Some(SHORT[0]))] {
            state.apply(Observation::Log(said_by(pod, worker, leads)), now());
        }
    }
    let forbidden = failing(
        SourceId::Log(source(SHORT[2])),
        ProblemKind::Forbidden,
        "forbidden",
    );
    state.apply(forbidden, now());
    let mut live = state.clone();
    live.apply(leased(&world, "stranger", 60, "1"), ago(10));
    live.apply(leased(&world, "stranger", 50, "1"), now());
    assert_eq!(kafka(&live).0, settling(81));
    live.apply(leased(&world, "stranger", 180, "2"), now());
    assert_eq!(
        kafka(&live),
        (Verdict::One, "lzxms".to_owned()),
        "it is renewed: by the third pod"
    );
    let mut out = state.clone();
    out.apply(leased(&world, "stranger", -31, "1"), now());
    assert_eq!(kafka(&out).0, Verdict::None);
    state.apply(failing(SourceId::Database, ProblemKind::Refused, "down"), now());
    state.reading = None;
    assert_eq!(kafka(&state).0, Verdict::Unknown);
}

/// A world as it is before any log is read.
fn state_without_logs(world: &World) -> State {
    let mut state = state(world.pods.clone());
    state.apply(Observation::Deployment(Some(deployment(3))), now());
    state.apply(Observation::ClusterEvents(Vec::new()), now());
    state.apply(Observation::Database(world.reading()), now());
    state
}

#[test]
fn case_8_a_lease_lost_for_half_a_minute_is_a_hiccup_of_the_database() {
    let state = only(said_by_pods([
        &[(5, NOT)],
        &[(9_000, RUNS), (100, BEATS), (90, STOPS), (60, RUNS), (30, BEATS)],
        &[(5, NOT)],
    ]));
    assert_eq!(kafka(&state), (Verdict::One, "blf5h".to_owned()));
    let diagnosis = judge(KAFKAS, &state);
    let leader = diagnosis
        .leaders
        .iter()
        .find(|one| one.log_type == KAFKA)
        .unwrap();
    assert!(leader.log.ends_with("database blip"), "{}", leader.log);
}

#[test]
fn case_9_logs_of_verbosity_0_leave_it_to_the_database() {
    let world = World::new().with(|world| world.kafka_leads = None);
    let mut state = state_without_logs(&world);
    for short in SHORT {
        let mut quiet = log(short, KAFKA, 300, &[]);
        quiet.progress.verbose = false;
        state.apply(Observation::Log(quiet), now());
    }
    assert_eq!(kafka(&state).0, Verdict::Unknown);
    state.apply(leased(&world, "stranger", 60, "1"), ago(5));
    state.apply(leased(&world, "stranger", 180, "2"), now());
    assert_eq!(kafka(&state).0, Verdict::One);
}

#[test]
fn cases_10_and_11_what_failed_at_ocm_is_ocm_s_whatever_else_the_line_or_the_letter_says() {
    let row = "1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ";
    let accepted = World::new().row("clusters", "cluster_accepted", 600);
    let ocm = format!(
        "Eclusters_mgr.go:130] failed to reconcile accepted cluster {row}: failed to create cluster for request {row}: \
         MGD-SERV-API-9: MGD-SERV-API-9: identifier is '400', code is 'CLUSTERS-MGMT-400' and operation identifier is 'x'"
    );
    let mut state = accepted.state();
    state.apply(lines(SHORT[0], &[(20, &ocm)]), now());
    let decision = decide(OSD, &state);
    assert_eq!(said(&decision), "escalate ocm-support by ocm-errors", "case 10");
    let literal = decision.literal.unwrap();
    assert_eq!(literal.action, Advice::RestartPods, "case 10");
    assert!(
        decision.differs.contains("keep rows accepted"),
        "{}",
        decision.differs
    );

    let strimzi = "Eclusters_mgr.go:191] failed to reconcile cluster x strimzi operator: identifier is '503', code is 'CLUSTERS-MGMT-503'";
    let mut state = World::new().state();
    state.apply(lines(SHORT[0], &[(50, strimzi), (20, strimzi)]), now());
    assert_eq!(
        said(&decide(KAFKAS, &state)),
        "escalate ocm-support by ocm-errors",
        "case 11"
    );
}

#[test]
fn case_12_a_kafka_that_waits_for_a_cluster_is_a_matter_of_that_cluster() {
    let world = World::new()
        .row("kafka_requests", "accepted", 7_200)
        .row("clusters", "cluster_accepted", 300)
        .with(|world| {
            world.clusters.retain(|one| &*one.status != "ready");
            world.clusters.push(count("failed", 1, 7 * 86_400));
        });
    let decision = decide(KAFKAS, &world.state());
    assert_eq!(said(&decision), "restart-pods by cluster-accepted");
    assert_eq!(also(&decision), ["kafka-accepted", "none-ready"]);
}

#[test]
fn case_14_a_row_without_a_status_is_shown_and_is_for_the_control_plane() {
    let world = World::new().with(|world| world.clusters.push(count("", 1, 600)));
    let diagnosis = judge(OSD, &world.state());
    assert_eq!(
        said(&diagnosis.decision),
        "escalate control-plane by blank-status"
    );
    let idle = diagnosis
        .steps
        .iter()
        .find(|step| step.id == "clusters-idle")
        .unwrap();
    assert!(
        idle.evidence
            .iter()
            .any(|line| line.starts_with("1 (no status), oldest 10m")),
        "{idle:?}"
    );
    assert_eq!(
        step(&diagnosis, "clusters-idle"),
        (StepStatus::Fail, "1 without a status, no requests in progress")
    );
}

#[test]
fn case_16_the_year_s_turn_does_not_make_a_leader_old() {
    // the header has no year: the kubelet's time orders the lines
    let new_year: Timestamp = "2021-01-01T00:00:05Z".parse().unwrap();
    let patterns = LogPatterns::new(&PROFILE.leaders, &PROFILE.error_classes, "").unwrap();
    let mut reader = LineReader::new(Arc::new(patterns), source(SHORT[1]), 10);
    let (runs, beats) = (RUNS.to_lowercase(), BEATS.replace("00A]", "00a]"));
    let runs = runs
        .replace("running as", "Running as")
        .replace("workers.kafkamanager", "workers.KafkaManager");
    reader.push(
        format!(
            "2020-12-31T23:59:59Z I1231 23:59:59.000000       1 {}",
            &runs[1..]
        )
        .as_bytes(),
    );
    reader.push(
        format!(
            "2021-01-01T00:00:01Z I0101 00:00:01.000000       1 {}",
            &beats[1..]
        )
        .as_bytes(),
    );
    reader.caught_up();
    let mut state = State::default();
    state.apply(
        Observation::Pods(vec![service_pod(SHORT[1], 86_400 * 30)]),
        new_year,
    );
    state.apply(Observation::Log(reader.take(true).unwrap()), new_year);
    let diagnosis = diagnose(&state, &PROFILE, PROFILE.sop(KAFKAS).unwrap(), new_year);
    let leader = diagnosis
        .leaders
        .iter()
        .find(|one| one.log_type == KAFKA)
        .unwrap();
    assert_eq!(
        (leader.verdict, &*leader.log),
        (Verdict::One, "blf5h, heartbeat <10s ago")
    );
}
