mod agree;
mod cases;
mod causes;
mod mended;
mod over;
mod reasons;
mod settle;
mod standby_behind;

use std::sync::LazyLock;

use jiff::SignedDuration;

use super::*;
use crate::diagnose::diagnose;
use crate::logparse::{
    ErrorCounts, ErrorSighting, ErrorTimes, LeaderLineKind, LogBatch, RequestCounts, bucket_of,
};
use crate::observe::observation::{
    ClusterEvent, Condition, Observation, Pod, Reading, Row, Standing, StandingRow, StatusCount,
    TableReading, UnderWay,
};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::testkit::{
    CLUSTER, KAFKA, SHORT, ago, built_in_profile, deployment, failing, id, log, now, pod, state, waiting_pod,
};
use crate::text::SafeText;

/// The built-in profile: its table is what is tested.
static PROFILE: LazyLock<Profile> = LazyLock::new(built_in_profile);

fn decide(sop: &str, state: &State) -> Decision {
    diagnose(state, &PROFILE, PROFILE.sop(sop).unwrap(), now()).decision
}

/// `restart-pods by no-leader`, `escalate ocm-support by ocm-errors`.
fn said(decision: &Decision) -> String {
    let Recommendation {
        action,
        contact,
        rule,
        ..
    } = &decision.recommendation;
    let action = serde_json::to_value(action).unwrap();
    let contact = contact
        .as_ref()
        .map_or(String::new(), |contact| format!(" {contact}"));
    let rule = rule.as_ref().map_or(String::new(), |rule| format!(" by {rule}"));
    format!("{}{contact}{rule}", action.as_str().unwrap())
}

fn also(decision: &Decision) -> Vec<&str> {
    decision
        .also
        .iter()
        .filter_map(|one| one.rule.as_deref())
        .collect()
}

fn open(decision: &Decision) -> Vec<&str> {
    decision
        .not_ruled_out
        .iter()
        .map(|one| one.rule.as_str())
        .collect()
}

/// What the world is like, as a test changes it.
struct World {
    pods: Vec<Pod>,
    kafka_leads: Option<&'static str>,
    cluster_leads: Option<&'static str>,
    clusters: Vec<StatusCount>,
    kafkas: Vec<StatusCount>,
    /// Those that a poll lists one by one.
    rows: Vec<(&'static str, StandingRow)>,
    more: Vec<Observation>,
    began: i64,
    events: bool,
}

impl World {
    /// All is well.
    fn new() -> Self {
        Self {
            pods: SHORT.map(|short| service_pod(short, 9_000)).to_vec(),
            kafka_leads: Some(SHORT[1]),
            cluster_leads: Some(SHORT[0]),
            clusters: vec![count("ready", 4, 9_000)],
            kafkas: vec![count("ready", 12, 9_000)],
            rows: Vec::new(),
            more: Vec::new(),
            began: 60,
            events: true,
        }
    }

    fn state(&self) -> State {
        let mut state = state(self.pods.clone());
        state.began_at = Some(ago(self.began));
        state.apply(Observation::Source(SourceId::Api, SourceState::Live), now());
        state.apply(Observation::Deployment(Some(deployment(3))), now());
        if self.events {
            state.apply(Observation::ClusterEvents(Vec::new()), now());
        }
        for pod in &self.pods {
            if pod.newest_start().is_some() {
                for (worker, leads) in [(KAFKA, self.kafka_leads), (CLUSTER, self.cluster_leads)] {
                    state.apply(Observation::Log(said_by(pod, worker, leads)), now());
                }
            }
        }
        state.apply(Observation::Database(self.reading()), now());
        for observation in &self.more {
            state.apply(observation.clone(), now());
        }
        state
    }

    fn reading(&self) -> Reading {
        let rows = |table: &str, failed: bool| {
            let rows = self.rows.iter().filter(move |(of, _)| *of == table);
            let rows = rows.filter(move |(_, row)| (&*row.status == "failed") == failed);
            rows.map(|(_, row)| row.clone()).collect()
        };
        let table = |name: &str, statuses: &Vec<StatusCount>| TableReading {
            table: name.into(),
            statuses: Ok(statuses.clone()),
            standing: Ok(Standing {
                rows: rows(name, true),
                more: false,
            }),
            under_way: Ok(UnderWay {
                rows: rows(name, false),
                ..UnderWay::default()
            }),
        };
        Reading {
            took_ms: 3,
            tables: vec![
                table("clusters", &self.clusters),
                table("kafka_requests", &self.kafkas),
            ],
            leases: Ok(Vec::new()),
            standby: None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn errors(self, class: &str, seconds_ago: &[i64], text: &str) -> Self {
        let sighting = |seconds: &i64| ErrorSighting {
            at: ago(*seconds),
            text: text.into(),
            line: "".into(),
        };
        let mut batch = log(SHORT[1], KAFKA, 8_000, &[]);
        batch.errors = vec![ErrorCounts {
            class: class.into(),
            count: seconds_ago.len() as u64,
            first_at: ago(seconds_ago[0]),
            last_at: ago(*seconds_ago.last().unwrap()),
            times: ErrorTimes::default(),
            newest: seconds_ago.iter().map(sighting).collect(),
        }];
        self.with(|world| world.more.push(Observation::Log(batch)))
    }

    fn requests(self, counts: &RequestCounts) -> Self {
        let mut batch = log(SHORT[2], KAFKA, 8_000, &[]);
        batch.requests = Some([(bucket_of(ago(60)), *counts)].into());
        self.with(|world| world.more.push(Observation::Log(batch)))
    }

    fn row(self, table: &'static str, status: &str, seconds: i64) -> Self {
        self.failed_for(table, status, seconds, "")
    }

    /// A row that says why it is in its status.
    fn failed_for(self, table: &'static str, status: &str, seconds: i64, reason: &str) -> Self {
        let known = PROFILE.table(table).unwrap().status(status);
        let is_listed = status == "failed" || known.is_none_or(|known| !known.is_settled());
        let counted = count(status, 1, seconds);
        let row = StandingRow {
            status: status.into(),
            clock_s: Some(seconds),
            row: Row {
                id: "1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ".into(),
                ocm_id: SafeText::default(),
                region: "aws/us-east-1".into(),
                idle_s: Some(seconds),
                age_s: Some(seconds),
                reason: reason.into(),
            },
        };
        self.with(|world| {
            if table == "clusters" {
                world.clusters.push(counted);
            } else {
                world.kafkas.push(counted);
            }
            if is_listed {
                world.rows.push((table, row));
            }
        })
    }
}

fn service_pod(short: &str, started: i64) -> Pod {
    pod(short, started)
}

/// As a poll counts: it says nothing of limits.
fn count(status: &str, count: u64, oldest: i64) -> StatusCount {
    StatusCount {
        status: status.into(),
        count,
        oldest_s: Some(oldest),
        over_limit: None,
    }
}

fn said_by(pod: &Pod, worker: &str, leads: Option<&str>) -> LogBatch {
    let short = pod.short_name();
    let kind = if leads == Some(short) {
        LeaderLineKind::Heartbeat
    } else {
        LeaderLineKind::NotLeader
    };
    let mut batch = log(short, worker, 8_000, &[(kind, 10)]);
    batch.sightings[0].line.worker_id = id(short);
    batch
}

fn event(reason: &str, kind: &str, message: &str, seconds: i64) -> Observation {
    Observation::ClusterEvent(ClusterEvent {
        uid: reason.into(),
        warning: true,
        reason: reason.into(),
        message: message.into(),
        object_kind: kind.into(),
        object_name: if kind == "ReplicaSet" {
            "msa-x"
        } else {
            "msa-x-2mgcp"
        }
        .into(),
        count: 3,
        first_at: Some(ago(seconds + 60)),
        last_at: Some(ago(seconds)),
    })
}

fn unschedulable() -> Vec<Pod> {
    let unscheduled = |short: &str| {
        let mut pod = waiting_pod(short, 600, "Pending");
        pod.containers[0].id = SafeText::default();
        pod.conditions.push(Condition {
            kind: "PodScheduled".into(),
            status: "False".into(),
            reason: "Unschedulable".into(),
            message: "0/3 nodes are available: 3 Insufficient cpu.".into(),
            since: None,
        });
        pod
    };
    SHORT.map(unscheduled).to_vec()
}

fn unpulled() -> Vec<Pod> {
    let unpulled = |short: &str| {
        let mut pod = waiting_pod(short, 600, "ImagePullBackOff");
        pod.containers[0].id = SafeText::default();
        pod
    };
    SHORT.map(unpulled).to_vec()
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn each_rule_of_the_table_decides_where_it_is_the_first_that_holds() {
    let ocm = "clusters_mgr.go:130] identifier is '400', code is 'CLUSTERS-MGMT-400'";
    let table: Vec<(&str, &str, World, &str)> = vec![
        ("all is well", "kafka-provisioning-latency", World::new(), "none"),
        (
            "a rollout 90 s ago",
            "kafka-provisioning-latency",
            World::new().with(|world| {
                world.pods[0] = service_pod(SHORT[0], 90);
                world.kafka_leads = None;
            }),
            "wait by settling",
        ),
        (
            "no place",
            "api-down",
            World::new().with(|world| world.pods = unschedulable()),
            "escalate ocm-support by down-by-cluster",
        ),
        (
            "no image",
            "api-down",
            World::new().with(|world| world.pods = unpulled()),
            "escalate control-plane by down-by-release",
        ),
        (
            "no pod",
            "api-down",
            World::new().with(|world| world.pods.clear()),
            "start-pods by down",
        ),
        (
            "no Kafka leader",
            "kafka-provisioning-latency",
            World::new().with(|world| world.kafka_leads = None),
            "restart-pods by no-leader",
        ),
        (
            "no Kafka leader is no matter of OSD",
            "osd-provisioning-latency",
            World::new().with(|world| world.kafka_leads = None),
            "none",
        ),
        (
            "no leader after a restart",
            "kafka-provisioning-latency",
            World::new().with(|world| {
                world.kafka_leads = None;
                world.pods = SHORT.map(|short| service_pod(short, 400)).to_vec();
                world.began = 900;
            }),
            "escalate control-plane by no-leader",
        ),
        (
            "OCM and an accepted row: the SOP's letter says restart",
            "osd-provisioning-latency",
            World::new()
                .row("clusters", "cluster_accepted", 600)
                .errors("ocm", &[70, 40, 10], ocm),
            "escalate ocm-support by ocm-errors",
        ),
        (
            "OCM errors that have passed",
            "osd-provisioning-latency",
            World::new().errors("ocm", &[300, 200, 100], ocm),
            "none",
        ),
        (
            "one OCM error that names the row",
            "osd-provisioning-latency",
            World::new().row("clusters", "cluster_accepted", 600).errors(
                "ocm",
                &[10],
                "failed to reconcile accepted cluster 1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ: x",
            ),
            "escalate ocm-support by ocm-errors",
        ),
        (
            "an accepted row of three minutes is not over",
            "osd-provisioning-latency",
            World::new().row("clusters", "cluster_accepted", 180),
            "none",
        ),
        (
            "one second more is",
            "osd-provisioning-latency",
            World::new().row("clusters", "cluster_accepted", 181),
            "restart-pods by cluster-accepted",
        ),
        (
            "a build of 45 minutes is not over",
            "osd-provisioning-latency",
            World::new().row("clusters", "cluster_provisioning", 2_700),
            "none",
        ),
        (
            "one second more is",
            "osd-provisioning-latency",
            World::new().row("clusters", "cluster_provisioning", 2_701),
            "escalate ocm-support by cluster-late",
        ),
        (
            "a cluster that failed 40 days ago is history",
            "osd-provisioning-correctness",
            World::new().with(|world| world.clusters.push(count("failed", 1, 3_456_000))),
            "none",
        ),
        (
            "a cluster that failed ten minutes ago",
            "osd-provisioning-correctness",
            World::new().row("clusters", "failed", 600),
            "escalate ocm-support by cluster-late",
        ),
        (
            "a Kafka that is provisioning for two days",
            "kafka-provisioning-latency",
            World::new().row("kafka_requests", "provisioning", 173_400),
            "escalate data-plane-or-mk-sre by kafka-late",
        ),
        (
            "the same while Observatorium fails",
            "kafka-provisioning-latency",
            World::new()
                .row("kafka_requests", "resource_creating", 3_000)
                .errors(
                    "observatorium",
                    &[40, 10],
                    "failed to get state from observatorium",
                ),
            "escalate control-plane by kafka-waits-for-others",
        ),
        (
            "a Kafka that no cluster takes",
            "kafka-provisioning-latency",
            World::new().row("kafka_requests", "accepted", 3_000),
            "escalate control-plane by kafka-accepted",
        ),
        (
            "a panic, and its pod is not ready again",
            "kafka-provisioning-latency",
            World::new()
                .errors(
                    "service",
                    &[400],
                    "E0115 a.go:1] x\npanic: runtime error: nil pointer\n\ngoroutine 1",
                )
                .with(|world| world.pods[0].conditions.clear()),
            "restart-pods by crashing",
        ),
        (
            "a panic whose process was started again and serves",
            "kafka-provisioning-latency",
            World::new().errors(
                "service",
                &[400],
                "panic: runtime error: nil pointer\n\ngoroutine 1",
            ),
            "none",
        ),
        (
            "the same panic again",
            "kafka-provisioning-latency",
            World::new().errors(
                "service",
                &[800, 400],
                "panic: runtime error: nil pointer\n\ngoroutine 1",
            ),
            "escalate control-plane by crashing",
        ),
        (
            "a node that is lost",
            "api-availability",
            World::new().with(|world| {
                world
                    .more
                    .push(event("NodeNotReady", "Node", "Node is not ready", 300));
            }),
            "escalate ocm-support by cluster-events",
        ),
        (
            "requests that are slow, and fail for it",
            "api-availability",
            World::new()
                .requests(&RequestCounts {
                    answered: 50,
                    failed: 10,
                    slow: 30,
                    very_slow: 12,
                })
                .errors(
                    "service",
                    &[300, 20],
                    "E0115 logger.go:84] MGD-SERV-API-9: context deadline exceeded",
                ),
            "scale-up by saturated",
        ),
        (
            "three slow requests of nineteen say nothing",
            "api-latency",
            World::new().requests(&RequestCounts {
                answered: 19,
                failed: 0,
                slow: 3,
                very_slow: 3,
            }),
            "none",
        ),
        (
            "errors of the service",
            "api-availability",
            World::new().errors("service", &[300, 20], "E0115 logger.go:84] MGD-SERV-API-9: what"),
            "restart-pods by service-errors",
        ),
        (
            "errors of SSO",
            "kafka-provisioning-latency",
            World::new().errors("sso", &[40, 10], "failed to create sso client"),
            "escalate control-plane by others-fail",
        ),
        (
            "a row without a status",
            "osd-provisioning-latency",
            World::new().with(|world| world.clusters.push(count("", 1, 600))),
            "escalate control-plane by blank-status",
        ),
        (
            "no cluster is ready",
            "osd-provisioning-latency",
            World::new().with(|world| world.clusters.clear()),
            "escalate control-plane by none-ready",
        ),
    ];
    for (what, sop, world, want) in table {
        let decision = decide(sop, &world.state());
        assert_eq!(said(&decision), want, "{what}: {decision:#?}");
    }
}

#[test]
fn what_also_holds_is_told_beside_it() {
    let world = World::new()
        .with(|world| world.kafka_leads = None)
        .row("clusters", "cluster_provisioning", 3_000)
        .row("kafka_requests", "provisioning", 3_000);
    let decision = decide("kafka-provisioning-latency", &world.state());
    assert_eq!(said(&decision), "restart-pods by no-leader");
    assert_eq!(also(&decision), ["cluster-late", "kafka-late"]);
}

#[test]
fn nothing_is_concluded_from_a_source_that_is_missing() {
    let gone = |id: SourceId| failing(id, ProblemKind::Refused, "gone");
    let long_ago = |world: World| {
        let state = world.state();
        (state, now() + SignedDuration::from_secs(60))
    };
    // every source is a minute old: all that rests on them is unknown
    let (state, later) = long_ago(World::new().with(|world| world.kafka_leads = None));
    let sop = PROFILE.sop("kafka-provisioning-latency").unwrap();
    let decision = diagnose(&state, &PROFILE, sop, later).decision;
    assert_eq!(said(&decision), "gather by unreadable");
    assert!(decision.also.is_empty(), "{:?}", decision.also);

    // the database alone is gone: rows can't be judged, and none may be said of them
    let mut state = World::new().state();
    state.apply(gone(SourceId::Database), now());
    let later = now() + SignedDuration::from_secs(16);
    for pod in SHORT {
        for worker in [KAFKA, CLUSTER] {
            let mut batch = log(pod, worker, 8_000, &[]);
            let kind = match (worker, pod) {
                (KAFKA, "blf5h") | (CLUSTER, "2mgcp") => LeaderLineKind::Heartbeat,
                _ => LeaderLineKind::NotLeader,
            };
            batch.sightings = log(pod, worker, 8_000, &[(kind, -10)]).sightings;
            state.apply(Observation::Log(batch), later);
        }
    }
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), later);
    let decision = diagnose(&state, &PROFILE, sop, later).decision;
    assert_eq!(said(&decision), "gather");
    assert!(
        open(&decision).contains(&"cluster-accepted"),
        "{:?}",
        open(&decision)
    );
    assert!(!open(&decision).contains(&"no-leader"), "{:?}", open(&decision));
}

#[test]
fn without_the_right_to_events_the_rest_is_judged_and_the_gap_is_named() {
    let leaderless = World::new().with(|world| {
        world.kafka_leads = None;
        world.events = false;
    });
    let decision = decide("kafka-provisioning-latency", &leaderless.state());
    assert_eq!(
        (said(&decision), open(&decision)),
        ("restart-pods by no-leader".to_owned(), vec![])
    );
    let accepted = World::new()
        .row("clusters", "cluster_accepted", 600)
        .with(|world| world.events = false);
    let decision = decide("osd-provisioning-latency", &accepted.state());
    assert_eq!(said(&decision), "restart-pods by cluster-accepted");
    assert_eq!(open(&decision), ["cluster-events"]);
}

#[test]
fn where_the_sop_s_words_say_otherwise_that_is_told() {
    let ocm = "clusters_mgr.go:130] identifier is '400', code is 'CLUSTERS-MGMT-400'";
    let both = World::new()
        .row("clusters", "cluster_accepted", 600)
        .errors("ocm", &[70, 40, 10], ocm);
    let decision = decide("osd-provisioning-latency", &both.state());
    let literal = decision.literal.expect("another reading");
    assert_eq!(
        (literal.action, literal.rule.as_deref()),
        (Advice::RestartPods, Some("literal-accepted"))
    );
    let leaderless = World::new().with(|world| world.kafka_leads = None);
    let decision = decide("kafka-provisioning-latency", &leaderless.state());
    assert_eq!(decision.literal, None, "the table and the words agree");
}
