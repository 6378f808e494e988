//! What may be observed: anything at all, and worlds in which much is well.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{FOREIGN, How, SOURCES, World};
use crate::logparse::{
    ErrorCounts, ErrorSighting, ErrorTimes, LeaderLine, LeaderLineKind, LogBatch, RequestCounts, Sighting,
    bucket_of,
};
use crate::observe::observation::{
    ClusterEvent, Condition, ContainerState, Deployment, Ended, Lease, Pod, Reading, StatusCount,
};
use crate::testkit::{self, CLUSTER, KAFKA, SHORT, ago, deployment, id, log, pod};
use crate::text::SafeText;

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

fn any_errors() -> impl Strategy<Value = ErrorCounts> {
    let classes = vec![
        "ocm",
        "service",
        "service",
        "sso",
        "database",
        "kafka",
        "observatorium",
        "dns",
        "",
        "strange",
    ];
    let texts = vec![
        "panic: nil",
        "E0115 b.go:2] what\npanic: runtime error\n\tstrimzi.go:7",
        "fatal error: all goroutines are asleep",
        "F0115 x] y",
        "E0115 a.go:1] what",
        "failed 1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ",
    ];
    (select(classes), select(texts), vec(any_ago(), 1..4)).prop_map(|(class, text, mut at)| {
        at.sort_unstable_by_key(|seconds| std::cmp::Reverse(*seconds));
        let sighting = |seconds: &i64| ErrorSighting {
            at: ago(*seconds),
            text: text.into(),
            line: "".into(),
        };
        ErrorCounts {
            class: class.into(),
            count: at.len() as u64,
            first_at: ago(at[0]),
            last_at: ago(at[at.len() - 1]),
            times: ErrorTimes::default(),
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
        "FailedMount",
        "TaintManagerEviction",
        "DNSConfigForming",
        "Failed",
        "Pulled",
    ];
    (
        select(reasons),
        select(vec!["Pod", "Node", "ReplicaSet"]),
        select(vec!["msa-x-2mgcp", "msa-x-blf5h", "msa-x-gone", "n1"]),
        any::<bool>(),
        option::of(any_ago()),
        any::<u32>(),
    )
        .prop_map(|(reason, kind, name, warning, at, count)| ClusterEvent {
            uid: reason.into(),
            warning,
            reason: reason.into(),
            message: "exceeded quota".into(),
            object_kind: kind.into(),
            object_name: name.into(),
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
            let mut reading = testkit::reading(None, &[]);
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

pub(super) fn any_world() -> impl Strategy<Value = World> {
    let pods = (
        any_pod(SHORT[0]),
        any_pod(SHORT[1]),
        any_pod(SHORT[2]),
        0..4_usize,
    );
    let pods = (pods, foreign_pod()).prop_map(|((a, b, c, count), foreign)| {
        let own = [a, b, c].into_iter().take(count);
        own.chain(foreign).collect()
    });
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

/// A pod with the service's label that a Job or nobody made.
fn foreign_pod() -> impl Strategy<Value = Option<Pod>> {
    let owner = option::of(Just(("Job".into(), "migrate".into())));
    option::weighted(
        0.2,
        (any_pod(FOREIGN), owner).prop_map(|(mut pod, owner)| {
            pod.owner = owner;
            pod
        }),
    )
}

/// The database was away for less than a minute: whoever led stopped and took it again, and each wrote errors.
fn blip() -> impl Strategy<Value = Option<(Vec<ErrorCounts>, i64)>> {
    let since = select(vec![5_i64, 61, 95, 125, 241, 601, 1_500]);
    option::weighted(
        0.3,
        (since, 1..9_i64).prop_map(|(since, count)| {
            let sighting = |number| ErrorSighting {
                at: ago(since + count - number),
                text: "E0115 leader_election_mgr.go:95] failed to retrieve leader leases: pq: x".into(),
                line: "".into(),
            };
            let newest: Vec<_> = (0..count).map(sighting).collect();
            let errors = ErrorCounts {
                class: "database".into(),
                count: newest.len() as u64,
                first_at: newest[0].at,
                last_at: newest[newest.len() - 1].at,
                times: ErrorTimes::default(),
                newest,
            };
            (vec![errors], since)
        }),
    )
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
    let more = (blip(), vec(any_event(), 0..3), foreign_pod());
    let leader = (
        select(vec![None, Some(0_usize), Some(1)]),
        any_deployment(),
        vec(any::<bool>(), 3),
    );
    (troubles, leader, more).prop_map(
        |((lines, errors, reading, whose, started, started_late), (leads, deployment, ready), more)| {
            let (blip, events, foreign) = more;
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
                if let Some((errors, since)) = &blip {
                    batches[1].errors.extend(errors.iter().cloned());
                    if leads == Some(number) {
                        let line = |kind, seconds| Sighting {
                            at: ago(since + seconds),
                            line: LeaderLine {
                                kind,
                                worker: CLUSTER.into(),
                                worker_id: id(SHORT[number]),
                            },
                        };
                        let lines = [line(LeaderLineKind::Lost, 30), line(LeaderLineKind::Gained, 0)];
                        batches[1].sightings.splice(0..0, lines);
                    }
                }
                batches
            };
            let logs = (0..SHORT.len()).map(said).collect();
            pods.extend(foreign);
            World {
                began: Some(60),
                logs,
                pods,
                deployment,
                events,
                reading,
                how: vec![How::Live; SOURCES],
            }
        },
    )
}

pub(super) fn either_world() -> impl Strategy<Value = World> {
    prop_oneof![any_world(), steady_world()]
}

pub(super) fn any_sop() -> impl Strategy<Value = &'static str> {
    select(vec![
        "api-down",
        "api-availability",
        "api-latency",
        "osd-provisioning-latency",
        "osd-provisioning-correctness",
        "kafka-provisioning-latency",
        "kafka-provisioning-correctness",
        "kafka-deletion-correctness",
    ])
}
