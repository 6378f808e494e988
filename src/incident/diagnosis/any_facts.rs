//! Whatever is known: the judgement ends, is the same each time, answers every step, and nothing is changed on what is not known now.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Diagnosis, Truth, diagnose};
use crate::incident::fact::{
    ClusterEvent, Condition, ContainerState, Deployment, Ended, Fact, Lease, Pod, PodUid, Reading,
    StatusCount,
};
use crate::incident::facts::Facts;
use crate::incident::feed::{FeedId, FeedState, Freshness, Problem, ProblemKind};
use crate::incident::log::{
    CLUSTER, ErrorSighting, ErrorTally, KAFKA, LeaderLine, LeaderLineKind, LogBatch, RequestCounts, Sighting,
    bucket_of,
};
use crate::incident::profile::Profile;
use crate::incident::rule::Action;
use crate::incident::sample::{self, SHORT, ago, deployment, id, log, now, pod, source};
use crate::incident::sop::{Check, StepStatus};
use crate::incident::text::SafeText;

static PROFILE: LazyLock<Profile> = LazyLock::new(|| {
    let text = include_str!("../../../assets/profiles/managed-services-api.toml");
    toml::from_str(text).unwrap()
});

/// How a source is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Live,
    /// It told what it told a minute ago, and fails.
    Stale,
    /// It never told anything.
    Missing,
    /// It is switched off.
    Off,
}

/// What is observed and how each source is.
#[derive(Clone, Debug)]
struct World {
    began: Option<i64>,
    pods: Vec<Pod>,
    deployment: Option<Deployment>,
    /// One a pod of [`SHORT`]; the same number of batches.
    logs: Vec<Vec<LogBatch>>,
    events: Vec<ClusterEvent>,
    reading: Reading,
    how: Vec<How>,
}

/// The sources: the pods, the deployment, the events, the database, and the log of each pod.
const PODS: usize = 0;
const DEPLOYMENT: usize = 1;
const EVENTS: usize = 2;
const DATABASE: usize = 3;
const LOGS: usize = 4;
const SOURCES: usize = LOGS + SHORT.len();

fn feed_of(source_number: usize) -> FeedId {
    match source_number {
        PODS => FeedId::Pods,
        DEPLOYMENT => FeedId::Deployment,
        EVENTS => FeedId::ClusterEvents,
        DATABASE => FeedId::Database,
        log => FeedId::Log(source(SHORT[log - LOGS])),
    }
}

impl World {
    fn facts_of(&self, source_number: usize) -> Vec<Fact> {
        match source_number {
            PODS => vec![Fact::Pods(self.pods.clone())],
            DEPLOYMENT => vec![Fact::Deployment(self.deployment.clone())],
            EVENTS => vec![Fact::ClusterEvents(self.events.clone())],
            DATABASE => vec![Fact::Database(self.reading.clone())],
            log => self.logs[log - LOGS].iter().cloned().map(Fact::Log).collect(),
        }
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        facts.began_at = self.began.map(ago);
        for number in 0..SOURCES {
            let at = match self.how[number] {
                How::Live => now(),
                How::Stale => ago(60),
                How::Missing | How::Off => {
                    let state = match self.how[number] {
                        How::Off => FeedState::Off("switched off".into()),
                        _ => failing(),
                    };
                    facts.apply(Fact::Feed(feed_of(number), state), now());
                    continue;
                }
            };
            self.facts_of(number)
                .into_iter()
                .for_each(|fact| facts.apply(fact, at));
            if self.how[number] == How::Stale {
                facts.apply(Fact::Feed(feed_of(number), failing()), ago(60));
            }
        }
        facts.apply(Fact::Feed(FeedId::Api, FeedState::Live), now());
        facts
    }

    /// Whether no process of the service runs in a pod that stays: then nobody leads, whatever logs and leases say.
    fn nobody_runs(&self) -> bool {
        let runs = |pod: &Pod| {
            let running = |state: &ContainerState| matches!(state, ContainerState::Running { .. });
            let service = pod.containers.iter().find(|one| &*one.name == "service");
            service.map_or(&*pod.phase == "Running", |one| running(&one.state))
        };
        let mut staying = self
            .pods
            .iter()
            .filter(|pod| pod.deletion_at.is_none() && !pod.is_over());
        !staying.any(runs)
    }

    fn but(&self, numbers: &[usize], how: How) -> Self {
        let mut other = self.clone();
        numbers.iter().for_each(|number| other.how[*number] = how);
        other
    }

    /// Whether a pod's log is one that has to be read: it lives, and a process of the service runs or ran in it.
    fn needs_log(&self, number: usize) -> bool {
        self.pods.iter().any(|pod| {
            let service = pod
                .containers
                .iter()
                .any(|one| &*one.name == "service" && !one.id.is_empty());
            pod.uid == PodUid(SHORT[number - LOGS].into())
                && pod.deletion_at.is_none()
                && !pod.is_over()
                && service
        })
    }
}

fn failing() -> FeedState {
    FeedState::Failing {
        problem: Problem::new(ProblemKind::Refused, "it is gone"),
        attempt: 1,
        retry_in: Duration::from_secs(5),
    }
}

// ---- What may be observed ----------------------------------------------------------------------------------------------

/// Seconds before now, the future and the far past among them.
fn any_ago() -> impl Strategy<Value = i64> {
    select(vec![
        -4_000_000_000,
        -90_000,
        -31,
        -1,
        0,
        5,
        12,
        29,
        61,
        89,
        91,
        125,
        179,
        181,
        239,
        241,
        599,
        601,
        1_799,
        1_801,
        2_701,
        9_000,
        172_800,
        4_000_000_000,
    ])
}

/// What a column of the database may say.
fn any_seconds() -> impl Strategy<Value = i64> {
    prop_oneof![
        any_ago(),
        select(vec![
            i64::MIN,
            i64::MAX,
            180,
            2_700,
            -29,
            -45,
            -61,
            170,
            100_000_000
        ])
    ]
}

fn any_how() -> impl Strategy<Value = How> {
    prop_oneof![6 => Just(How::Live), 1 => Just(How::Stale), 1 => Just(How::Missing), 1 => Just(How::Off)]
}

fn any_state() -> impl Strategy<Value = ContainerState> {
    let waiting = select(vec![
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ContainerCreating",
        "CreateContainerConfigError",
        "",
    ]);
    prop_oneof![
        6 => option::of(any_ago()).prop_map(|since| ContainerState::Running { since: since.map(ago) }),
        1 => waiting.prop_map(|reason| ContainerState::Waiting { reason: reason.into(), message: "m".into() }),
        1 => any_ended().prop_map(ContainerState::Terminated),
    ]
}

fn any_ended() -> impl Strategy<Value = Ended> {
    (
        select(vec![("OOMKilled", 137), ("Error", 2), ("Completed", 0)]),
        option::of(any_ago()),
    )
        .prop_map(|((reason, exit_code), at)| Ended {
            reason: reason.into(),
            message: "".into(),
            exit_code,
            started_at: None,
            finished_at: at.map(ago),
        })
}

fn any_pod(short: &'static str) -> impl Strategy<Value = Pod> {
    let looks = (
        any_state(),
        select(vec![
            "Running",
            "Pending",
            "Init:0/1",
            "Init:Error",
            "CrashLoopBackOff",
            "ContainerCreating",
            "Evicted",
        ]),
        select(vec![
            "Running",
            "Running",
            "Running",
            "Pending",
            "Failed",
            "Succeeded",
            "Unknown",
        ]),
        select(vec!["service", "service", "service", "service", "other"]),
    );
    let times = (
        option::of(any_ago()),
        option::weighted(0.1, any_ago()),
        option::of(any_ago()),
        option::of(any_ended()),
    );
    let rest = (
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        select(vec![0_u32, 0, 1, 2, 9]),
    );
    (looks, times, rest).prop_map(
        move |((state, status, phase, name), (created, deletion, restarted, last), rest)| {
            let (ready, unscheduled, never_ran, restarts) = rest;
            let mut pod = pod(short, 9_000);
            pod.created_at = created.map(ago);
            pod.deletion_at = deletion.map(ago);
            (pod.restarted_at, pod.restarts) = (restarted.map(ago), restarts);
            (pod.status, pod.phase) = (status.into(), phase.into());
            let container = &mut pod.containers[0];
            (container.state, container.last, container.name) = (state, last, name.into());
            if never_ran {
                container.id = SafeText::default();
            }
            if !ready {
                pod.conditions.clear();
            }
            if unscheduled {
                pod.conditions.push(condition("PodScheduled", "False", None));
            }
            pod
        },
    )
}

fn condition(kind: &str, status: &str, since: Option<i64>) -> Condition {
    Condition {
        kind: kind.into(),
        status: status.into(),
        reason: "because".into(),
        message: "of this".into(),
        since: since.map(ago),
    }
}

fn any_deployment() -> impl Strategy<Value = Option<Deployment>> {
    let parts = (
        0..5_u32,
        any::<bool>(),
        any::<bool>(),
        option::of(any_ago()),
        prop::bool::weighted(0.2),
    );
    option::weighted(
        0.9,
        parts.prop_map(|(replicas, observed, paused, lost, denied)| {
            let mut deployment = deployment(replicas);
            (deployment.observed, deployment.paused) = (observed, paused);
            deployment
                .conditions
                .extend(lost.map(|at| condition("Available", "False", Some(at))));
            deployment
                .conditions
                .extend(denied.then(|| condition("ReplicaFailure", "True", None)));
            deployment
        }),
    )
}

fn any_line() -> impl Strategy<Value = (&'static str, LeaderLineKind, i64)> {
    use LeaderLineKind::{Gained, Heartbeat, LeaseFailed, LoopEnded, Lost, NotLeader};
    (
        select(vec![KAFKA, CLUSTER]),
        select(vec![
            Gained,
            Heartbeat,
            Heartbeat,
            NotLeader,
            NotLeader,
            NotLeader,
            Lost,
            LoopEnded,
            LeaseFailed,
        ]),
        any_ago(),
    )
}

fn any_errors() -> impl Strategy<Value = ErrorTally> {
    let classes = vec![
        "ocm",
        "service",
        "service",
        "sso",
        "database",
        "kafka",
        "observatorium",
        "",
        "strange",
    ];
    let texts = vec![
        "panic: nil",
        "F0115 x] y",
        "E0115 a.go:1] what",
        "failed 1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ",
    ];
    (select(classes), select(texts), vec(any_ago(), 1..4)).prop_map(|(class, text, mut at)| {
        at.sort_unstable_by_key(|seconds| std::cmp::Reverse(*seconds));
        let sighting = |seconds: &i64| ErrorSighting {
            at: ago(*seconds),
            text: text.into(),
        };
        ErrorTally {
            class: class.into(),
            count: at.len() as u64,
            first_at: ago(at[0]),
            last_at: ago(at[at.len() - 1]),
            newest: at.iter().map(sighting).collect(),
        }
    })
}

fn any_log(short: &'static str) -> impl Strategy<Value = Vec<LogBatch>> {
    let progress = (
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.9),
        option::of(any_ago()),
        option::of(any_ago()),
    );
    let requests = option::of((0..60_u64, 0..30_u64, any_ago()));
    let parts = (vec(any_line(), 0..6), vec(any_errors(), 0..3), requests, progress);
    parts.prop_map(
        move |(mut lines, errors, requests, (verbose, caught_up, first, last))| {
            lines.sort_by_key(|(_, _, at)| std::cmp::Reverse(*at));
            let mut batch = log(short, KAFKA, 300, &[]);
            batch.sightings = lines
                .into_iter()
                .map(|(worker, kind, at)| Sighting {
                    at: ago(at),
                    line: LeaderLine {
                        kind,
                        worker: worker.into(),
                        worker_id: id(short),
                    },
                })
                .collect();
            batch.errors = errors;
            batch.requests = requests.map(|(answered, slow, at)| {
                let counts = RequestCounts {
                    answered,
                    slow: slow.min(answered),
                    ..RequestCounts::default()
                };
                [(bucket_of(ago(at)), counts)].into()
            });
            (batch.progress.verbose, batch.progress.caught_up) = (verbose, caught_up);
            (batch.progress.first_at, batch.progress.last_at) = (first.map(ago), last.map(ago));
            vec![batch]
        },
    )
}

fn any_event() -> impl Strategy<Value = ClusterEvent> {
    let reasons = vec![
        "Unhealthy",
        "BackOff",
        "NodeNotReady",
        "FailedScheduling",
        "FailedCreate",
        "Pulled",
    ];
    (
        select(reasons),
        select(vec!["Pod", "Node", "ReplicaSet"]),
        any::<bool>(),
        option::of(any_ago()),
        any::<u32>(),
    )
        .prop_map(|(reason, kind, warning, at, count)| ClusterEvent {
            uid: reason.into(),
            warning,
            reason: reason.into(),
            message: "exceeded quota".into(),
            object_kind: kind.into(),
            object_name: "msa-x-2mgcp".into(),
            count,
            first_at: None,
            last_at: at.map(ago),
        })
}

fn any_lease() -> impl Strategy<Value = Lease> {
    (
        select(vec!["kafka", "cluster", "connector"]),
        option::of(select(vec!["2mgcp", "blf5h", "gone"])),
        any_seconds(),
    )
        .prop_map(|(kind, holder, ttl_s)| Lease {
            lease_type: kind.into(),
            holder: holder.map(id),
            ttl_s,
            expires: SafeText::new(&ttl_s.to_string()),
        })
}

fn any_counts() -> impl Strategy<Value = Vec<StatusCount>> {
    let statuses = vec![
        "cluster_accepted",
        "cluster_provisioning",
        "ready",
        "failed",
        "",
        "strange",
        "accepted",
        "provisioning",
        "deprovision",
    ];
    let count = (
        select(statuses),
        0..4_u64,
        option::of(any_seconds()),
        option::of(0..3_u64),
    );
    vec(
        count.prop_map(|(status, count, oldest_s, over)| StatusCount {
            status: status.into(),
            count,
            oldest_s,
            over_limit: over.map(|over| over.min(count)),
        }),
        0..4,
    )
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let unread = || prop::bool::weighted(0.1);
    (
        any_counts(),
        any_counts(),
        vec(any_lease(), 0..4),
        unread(),
        unread(),
        unread(),
    )
        .prop_map(|(clusters, kafkas, leases, no_clusters, no_leases, no_rows)| {
            let mut reading = sample::reading(None, &[]);
            let mut other = reading.tables[0].clone();
            other.table = "kafka_requests".into();
            other.statuses = Ok(kafkas);
            reading.tables[0].statuses = if no_clusters {
                Err("locked".into())
            } else {
                Ok(clusters)
            };
            if no_rows {
                reading.tables[0].standing = Err("locked".into());
            }
            reading.tables.push(other);
            reading.leases = if no_leases {
                Err("locked".into())
            } else {
                Ok(leases)
            };
            reading
        })
}

fn any_world() -> impl Strategy<Value = World> {
    let pods = (
        any_pod(SHORT[0]),
        any_pod(SHORT[1]),
        any_pod(SHORT[2]),
        0..4_usize,
    );
    let pods = pods.prop_map(|(a, b, c, count)| [a, b, c].into_iter().take(count).collect());
    let logs = (any_log(SHORT[0]), any_log(SHORT[1]), any_log(SHORT[2])).prop_map(|(a, b, c)| vec![a, b, c]);
    let parts = (
        option::of(any_ago()),
        pods,
        any_deployment(),
        logs,
        vec(any_event(), 0..4),
        any_reading(),
    );
    (parts, vec(any_how(), SOURCES)).prop_map(|((began, pods, deployment, logs, events, reading), how)| {
        World {
            began,
            pods,
            deployment,
            logs,
            events,
            reading,
            how,
        }
    })
}

/// A world in which much is well: from it single troubles stand out, and changes are recommended.
fn steady_world() -> impl Strategy<Value = World> {
    let troubles = (
        vec(any_line(), 0..3),
        vec(any_errors(), 0..2),
        any_reading(),
        0..3_usize,
        any_ago(),
        prop::bool::weighted(0.3),
    );
    let leader = (
        select(vec![None, Some(0_usize), Some(1)]),
        any_deployment(),
        vec(any::<bool>(), 3),
    );
    (troubles, leader).prop_map(
        |((lines, errors, reading, whose, started, started_late), (leads, deployment, ready))| {
            let started = if started_late { started } else { 9_000 };
            let mut pods: Vec<Pod> = SHORT.map(|short| pod(short, started)).to_vec();
            for (pod, ready) in pods.iter_mut().zip(ready) {
                if !ready {
                    pod.conditions.clear();
                }
            }
            let said = |number: usize| {
                let kind = if leads == Some(number) {
                    LeaderLineKind::Heartbeat
                } else {
                    LeaderLineKind::NotLeader
                };
                let mut batches = [KAFKA, CLUSTER]
                    .map(|worker| log(SHORT[number], worker, 8_000, &[(kind, 10)]))
                    .to_vec();
                if number == whose {
                    let line = |(worker, kind, at): &(&str, LeaderLineKind, i64)| Sighting {
                        at: ago(*at),
                        line: LeaderLine {
                            kind: *kind,
                            worker: (*worker).into(),
                            worker_id: id(SHORT[number]),
                        },
                    };
                    batches[0].sightings.extend(lines.iter().map(line));
                    batches[0].errors.clone_from(&errors);
                }
                batches
            };
            World {
                began: Some(60),
                logs: (0..SHORT.len()).map(said).collect(),
                pods,
                deployment,
                events: Vec::new(),
                reading,
                how: vec![How::Live; SOURCES],
            }
        },
    )
}

fn either_world() -> impl Strategy<Value = World> {
    prop_oneof![any_world(), steady_world()]
}

fn any_sop() -> impl Strategy<Value = &'static str> {
    select(vec![
        "api-down",
        "api-availability",
        "osd-provisioning-latency",
        "kafka-provisioning-latency",
        "kafka-deletion-correctness",
    ])
}

// ---- What must hold ----------------------------------------------------------------------------------------------------

fn judge(sop: &str, facts: &Facts) -> Diagnosis {
    diagnose(facts, &PROFILE, PROFILE.sop(sop).unwrap(), now())
}

/// The rules that hold and would have one change something.
fn changes(diagnosis: &Diagnosis) -> Vec<String> {
    let rules = diagnosis.decision.rules.iter();
    let holding = rules.filter(|rule| rule.truth.is_true() && rule.advice.action.is_change());
    holding.map(|rule| rule.id.clone()).collect()
}

/// What a rule that recommends a change rests on: without any set of these it may not hold.
fn rests_on(rule: &str, world: &World) -> Vec<Vec<usize>> {
    let logs: Vec<usize> = (LOGS..SOURCES).filter(|log| world.needs_log(*log)).collect();
    let all_logs: Vec<usize> = (LOGS..SOURCES).collect();
    let each = logs.iter().map(|log| vec![*log]);
    match rule {
        // A release or a quota may be what keeps them down.
        "down" => vec![vec![PODS], vec![DEPLOYMENT]],
        // Logs and lease are two witnesses: either may suffice.
        "no-leader" if world.nobody_runs() => vec![vec![PODS]],
        "no-leader" => vec![vec![PODS], [vec![DATABASE], all_logs].concat()],
        // That OCM does not fail is for every log to say.
        "cluster-accepted" => [vec![vec![PODS], vec![DATABASE]], each.collect()].concat(),
        // That no other pod panicked, or that it is not the same crash again, is for every log to say.
        "crashing" | "service-errors" => [vec![vec![PODS]], each.collect()].concat(),
        "saturated" => vec![],
        other => panic!("which sources {other} rests on is not said here"),
    }
}

fn is_current(facts: &Facts, number: usize) -> bool {
    matches!(facts.freshness(&feed_of(number), now()), Freshness::Fresh(_))
}

/// Whether a step's sources are current enough to pass or fail it.
fn may_be_answered(check: &Check, status: StepStatus, world: &World, facts: &Facts) -> bool {
    let logs = || LOGS..SOURCES;
    match check {
        Check::Replicas => is_current(facts, DEPLOYMENT),
        // Where the deployment was never read the pods alone tell.
        Check::PodsReady => is_current(facts, PODS) && !matches!(world.how[DEPLOYMENT], How::Stale),
        Check::Events => is_current(facts, EVENTS),
        Check::LogErrors => {
            let read = |log: usize| !world.needs_log(log) || is_current(facts, log);
            let any = logs().any(|log| is_current(facts, log));
            is_current(facts, PODS)
                && if status == StepStatus::Pass {
                    logs().all(read)
                } else {
                    any
                }
        }
        Check::Leader { .. } => {
            let leases = is_current(facts, DATABASE) && world.reading.leases.is_ok();
            let log = logs().any(|log| is_current(facts, log));
            is_current(facts, PODS) && (leases || log || world.nobody_runs())
        }
        Check::AnyReady { table } | Check::Limits { table } | Check::Failed { table } => {
            let read = facts.statuses(table).is_some_and(Result::is_ok);
            is_current(facts, DATABASE) && read
        }
        Check::Manual => status == StepStatus::Manual,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_has_one_answer_and_the_same_each_time(world in any_world(), sop in any_sop()) {
        let facts = world.facts();
        let first = judge(sop, &facts);
        let sop = PROFILE.sop(sop).unwrap();
        let ids: Vec<_> = PROFILE.steps_of(sop).into_iter().map(|(id, _)| id.to_owned()).collect();
        let answered: Vec<_> = first.steps.iter().map(|step| step.id.clone()).collect();
        prop_assert_eq!(answered, ids);
        prop_assert!(first.decision.rules.iter().all(|rule| !rule.flips.is_empty()));
        prop_assert_eq!(&judge(&sop.id, &facts), &first);
        let until = first.decision.recommendation.until;
        let longest = SignedDuration::from_secs(241 + 30);
        prop_assert!(until.is_none_or(|until| until.duration_since(now()) <= longest), "{:?}", until);
    }

    #[test]
    fn no_step_passes_or_fails_on_a_source_that_is_missing_or_stale(world in either_world(), sop in any_sop()) {
        let facts = world.facts();
        let diagnosis = judge(sop, &facts);
        let steps = PROFILE.steps_of(PROFILE.sop(sop).unwrap());
        for (found, (_, step)) in diagnosis.steps.iter().zip(steps) {
            if matches!(found.status, StepStatus::Pass | StepStatus::Fail) {
                prop_assert!(may_be_answered(&step.check, found.status, &world, &facts), "{found:?} {:?}", world.how);
            }
        }
    }

    #[test]
    fn nothing_to_do_is_said_only_where_every_rule_could_be_evaluated(world in either_world(), sop in any_sop()) {
        let decision = judge(sop, &world.facts()).decision;
        if decision.recommendation.action == Action::None {
            let unknown = decision.rules.iter().find(|rule| matches!(rule.truth, Truth::Unknown { .. }));
            prop_assert_eq!(unknown, None);
        }
    }

    #[test]
    fn no_change_is_recommended_without_what_it_rests_on(world in either_world(), sop in any_sop()) {
        let before = judge(sop, &world.facts());
        for rule in changes(&before) {
            for numbers in rests_on(&rule, &world) {
                for how in [How::Stale, How::Missing, How::Off] {
                    let after = judge(sop, &world.but(&numbers, how).facts());
                    prop_assert!(!changes(&after).contains(&rule), "{rule} without {numbers:?} ({how:?}): {:#?}", after.decision);
                }
            }
        }
    }

    #[test]
    fn knowing_less_never_makes_a_change_right(world in either_world(), sop in any_sop()) {
        let before = changes(&judge(sop, &world.facts()));
        for number in 0..SOURCES {
            let is_log = number >= LOGS;
            if is_log && !world.needs_log(number) {
                // Of a pod that is going: its process is not what would be changed.
                continue;
            }
            let after = changes(&judge(sop, &world.but(&[number], How::Missing).facts()));
            for rule in after {
                // Logs and lease are two witnesses of who leads: without the one the other decides alone.
                let other_witness = rule == "no-leader" && (is_log || number == DATABASE);
                // How many keep up is for all logs to say together.
                let load = rule == "saturated" && is_log;
                prop_assert!(before.contains(&rule) || other_witness || load, "{rule} without {:?}", feed_of(number));
            }
        }
    }
}
