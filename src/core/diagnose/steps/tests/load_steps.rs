//! Load and outbound calls, by table: what each source can show, and what none of them can hide.

use std::sync::LazyLock;

use super::*;
use crate::diagnose::Truth;
use crate::logparse::{RequestCounts, bucket_of};
use crate::observe::observation::{ContainerUsage, Limits, OutboundTotals, PodUsage, RequestTotals, Scrape};
use crate::testkit::{CLUSTER, built_in_profile};

/// The built-in profile: its rules and steps are what is tested.
static PROFILE: LazyLock<Profile> = LazyLock::new(built_in_profile);

/// What the sources show, as a test changes it.
#[derive(Clone, Copy)]
struct Seen {
    /// Requests and how many were slow, by the request log of each pod; `None`: not verbose.
    log: Option<(u64, u64)>,
    /// The same by the counters of each pod.
    counted: Option<(u64, u64)>,
    /// Percent of the CPU's limit, for longer than the window.
    cpu: Option<u64>,
    /// Calls to OCM and how many failed, of each pod.
    ocm: Option<(u64, u64)>,
}

const QUIET: Seen = Seen {
    log: Some((100, 1)),
    counted: None,
    cpu: None,
    ocm: None,
};

/// Living rows that are all well, in both tables.
fn both_tables() -> crate::observe::observation::Reading {
    let mut reading = reading(None, &[("ready", 4, Some(9_000), None)]);
    let mut kafkas = reading.tables[0].clone();
    kafkas.table = "kafka_requests".into();
    reading.tables.push(kafkas);
    reading
}

fn limited() -> Vec<Pod> {
    let mut pods = three_pods();
    for pod in &mut pods {
        pod.containers[0].limits = Limits {
            cpu_millis: Some(1_000),
            memory_bytes: None,
        };
    }
    pods
}

fn scrape((count, slow): (u64, u64), (sent, failed): (u64, u64)) -> Scrape {
    Scrape {
        inbound: RequestTotals {
            count,
            failed: 0,
            timed: count,
            within_100ms: count - slow,
            within_1s: count,
        },
        outbound: vec![OutboundTotals {
            service: "ocm-clusters-service".into(),
            count: sent,
            failed,
            refused: 0,
            timed: sent,
            within_1s: sent,
        }],
    }
}

impl Seen {
    fn state(self) -> State {
        let mut state = state(limited());
        state.began_at = Some(ago(60));
        state.apply(Observation::Source(SourceId::Api, SourceState::Live), now());
        state.apply(Observation::Deployment(Some(deployment(3))), now());
        state.apply(Observation::ClusterEvents(Vec::new()), now());
        state.apply(Observation::Database(both_tables()), now());
        for short in SHORT {
            for worker in [KAFKA, CLUSTER] {
                let kind = if short == SHORT[0] {
                    LeaderLineKind::Heartbeat
                } else {
                    LeaderLineKind::NotLeader
                };
                let mut batch = log(short, worker, 8_000, &[(kind, 10)]);
                batch.progress.verbose = self.log.is_some();
                batch.requests = self.log.map(|(answered, slow)| {
                    let counts = RequestCounts {
                        answered,
                        failed: 0,
                        slow,
                        very_slow: 0,
                    };
                    [(bucket_of(ago(60)), counts)].into()
                });
                state.apply(Observation::Log(batch), now());
            }
            if self.counted.is_some() || self.ocm.is_some() {
                let (counted, ocm) = (self.counted.unwrap_or_default(), self.ocm.unwrap_or_default());
                let uid = pod(short, 0).uid;
                for (seconds, scrape) in [(60, scrape((0, 0), (0, 0))), (0, scrape(counted, ocm))] {
                    let pod = uid.clone();
                    state.apply(Observation::Scrape { pod, scrape }, ago(seconds));
                }
            }
        }
        if let Some(percent) = self.cpu {
            for seconds in (0..=20).rev().map(|quarter| quarter * 15) {
                let usage = SHORT.map(|short| used(short, percent * 10, seconds));
                state.apply(Observation::Usage(usage.to_vec()), ago(seconds));
            }
        }
        state
    }
}

fn used(short: &str, cpu_millis: u64, seconds: i64) -> PodUsage {
    PodUsage {
        pod: pod(short, 0).name,
        at: Some(ago(seconds)),
        window_s: Some(15),
        containers: vec![ContainerUsage {
            name: "service".into(),
            cpu_millis,
            memory_bytes: 1,
        }],
    }
}

fn diagnosed(sop: &str, state: &State, now: Timestamp) -> Diagnosis {
    diagnose(state, &PROFILE, PROFILE.sop(sop).unwrap(), now)
}

fn rule<'d>(diagnosis: &'d Diagnosis, id: &str) -> &'d Truth {
    let mut rules = diagnosis.decision.rules.iter();
    &rules.find(|rule| rule.id == id).unwrap().truth
}

fn step(diagnosis: &Diagnosis, id: &str) -> StepFinding {
    diagnosis.steps.iter().find(|step| step.id == id).unwrap().clone()
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn pods_that_do_not_keep_up_are_seen_by_each_source_and_ruled_out_by_the_log() {
    let slow = Some((100, 50));
    let fast = Some((100, 1));
    // (what, seen, the answer of the step, the sources that are named)
    let table: [(&str, Seen, StepStatus, &[&str]); 9] = [
        ("nothing is slow", QUIET, Pass, &["requests failed in 5m"]),
        (
            "the log shows it",
            Seen { log: slow, ..QUIET },
            Fail,
            &[
                "50 % of 300 requests over 100 ms, 0 % failed",
                "requests failed in 5m",
            ],
        ),
        (
            "only the counters show it",
            Seen {
                counted: slow,
                ..QUIET
            },
            Fail,
            &[
                "50 % of 300 requests over 100 ms, 0 % failed",
                "(the pods' metrics)",
            ],
        ),
        (
            "both show it",
            Seen {
                log: slow,
                counted: slow,
                ..QUIET
            },
            Fail,
            &["requests over 100 ms", "(request log)", "(the pods' metrics)"],
        ),
        (
            "a busy CPU is no reason while requests are fast",
            Seen {
                cpu: Some(94),
                ..QUIET
            },
            Pass,
            &["requests failed in 5m"],
        ),
        (
            "a CPU at its limit all the time is one",
            Seen {
                cpu: Some(97),
                ..QUIET
            },
            Fail,
            &["CPU at 97 % of its limit or more for 5m (all pods, metrics.k8s.io)"],
        ),
        (
            "few requests say nothing",
            Seen {
                log: Some((6, 6)),
                ..QUIET
            },
            Pass,
            &["% of 18 requests failed"],
        ),
        (
            "without the log it can't be ruled out",
            Seen {
                log: None,
                counted: fast,
                ..QUIET
            },
            Unknown,
            &["no data on response times: log of 2mgcp: too terse (no request lines), and 2 more"],
        ),
        (
            "but be shown",
            Seen {
                log: None,
                counted: slow,
                ..QUIET
            },
            Fail,
            &["requests over 100 ms", "(the pods' metrics)"],
        ),
    ];
    for (what, seen, status, named) in table {
        let diagnosis = diagnosed("api-latency", &seen.state(), now());
        let step = step(&diagnosis, "scale-up");
        assert_eq!(step.status, status, "{what}: {step:#?}");
        for (line, named) in step.evidence.iter().zip(named) {
            assert!(line.contains(named), "{what}: {line}");
        }
        let cost = "from 3 to 4 pods: up to 50 more database connections (200 instead of 150)";
        let told = step.evidence.iter().any(|line| line == cost);
        assert_eq!(told, status == Fail, "{what}: {:?}", step.evidence);
        let lines = named.len() + usize::from(told);
        assert_eq!(step.evidence.len(), lines, "{what}: {:?}", step.evidence);
        let scales = diagnosis.decision.recommendation.rule.as_deref() == Some("saturated");
        assert_eq!(
            scales,
            status == Fail,
            "{what}: {:#?}",
            diagnosis.decision.recommendation
        );
    }
}

#[test]
fn the_load_step_shows_its_figures_and_turns_stale_with_the_logs() {
    let state = Seen {
        cpu: Some(40),
        ..QUIET
    }
    .state();
    let fresh = step(&diagnosed("api-latency", &state, now()), "scale-up");
    assert_eq!(fresh.value, "1.0/s, 5xx 0 %, >100ms 1 %, >1s 0 %, CPU 40 %");
    assert_eq!(
        fresh.threshold,
        "at most 10 % over 100 ms and 1 % over 1 s in 5m; CPU below 95 % of its limit"
    );
    assert_eq!(
        (fresh.source, fresh.age),
        ("request log", Some(SignedDuration::ZERO))
    );
    let later = step(&diagnosed("api-latency", &state, ago(-16)), "scale-up");
    assert_eq!((later.status, later.age), (Stale, None));
    assert!(later.evidence[0].contains("no answer"), "{:?}", later.evidence);
}

#[test]
fn the_dashboards_stay_the_operator_s_with_what_the_console_sees_beside_them() {
    let seen = Seen {
        counted: Some((30, 0)),
        ocm: Some((10, 2)),
        cpu: Some(40),
        ..QUIET
    };
    let diagnosis = diagnosed("api-availability", &seen.state(), now());
    let application = step(&diagnosis, "metrics-application");
    assert_eq!(application.status, StepStatus::Manual);
    assert_eq!(application.value, "1.0/s, 5xx 0 %, >100ms 1 %, >1s 0 %");
    assert_eq!(
        application.evidence,
        [
            "0 % of 300 requests failed in 5m, 1 % over 100 ms, 0 % over 1 s (request log)",
            "0 % of 90 requests failed in 1m, 0 % over 100 ms, 0 % over 1 s (the pods' metrics)",
            "6 of 30 calls to ocm-clusters-service failed (no answer or 5xx), 0 refused (4xx)",
        ]
    );
    let resources = step(&diagnosis, "metrics-resources");
    assert_eq!(resources.status, StepStatus::Manual);
    assert_eq!(resources.value, "CPU 40 %, memory without a limit");
    assert_eq!(
        resources.evidence[0],
        "2mgcp: CPU 400m (40 % of its limit), memory 0 MiB (no limit)"
    );
    let nothing = step(
        &diagnosed("api-availability", &QUIET.state(), now()),
        "metrics-resources",
    );
    assert_eq!(
        (nothing.status, nothing.value.as_str()),
        (StepStatus::Manual, "no data")
    );
    assert_eq!(nothing.evidence, ["metrics.k8s.io: no data yet"]);
}

#[test]
fn an_outage_of_ocm_is_seen_by_the_counters_before_the_log_says_so() {
    let letter = |truth: &Truth| match truth {
        Truth::True { .. } => 't',
        Truth::False { .. } => 'f',
        Truth::Unknown { .. } => 'u',
    };
    // calls and failures of each pod, whether the rule holds
    let table = [
        (Some((10, 5)), 't'),
        (Some((10, 3)), 't'),
        (Some((100, 29)), 'f'),
        (Some((2, 2)), 't'),
        (Some((1, 1)), 'f'),
        (Some((0, 0)), 'f'),
        (None, 'f'),
    ];
    for (ocm, holds) in table {
        let state = Seen { ocm, ..QUIET }.state();
        let diagnosis = diagnosed("osd-provisioning-latency", &state, now());
        let truth = rule(&diagnosis, "ocm-errors");
        assert_eq!(letter(truth), holds, "{ocm:?}: {truth:?}");
        let decided = diagnosis.decision.recommendation;
        let by = if holds == 't' { Some("ocm-errors") } else { None };
        assert_eq!(decided.rule.as_deref(), by, "{ocm:?}: {decided:?}");
    }
    let state = Seen {
        ocm: Some((10, 5)),
        ..QUIET
    }
    .state();
    let diagnosis = diagnosed("osd-provisioning-latency", &state, now());
    assert_eq!(
        diagnosis.decision.recommendation.because,
        [
            "15 of 30 calls to ocm-clusters-service failed in 1m (no answer or 5xx)",
            "15 of 30 outbound calls failed in 1m (the pods' metrics)"
        ]
    );
}

#[test]
fn an_optional_source_that_is_absent_leaves_nothing_open_and_is_said_to_be() {
    let diagnosis = diagnosed("osd-provisioning-latency", &QUIET.state(), now());
    let decision = &diagnosis.decision;
    assert_eq!(decision.recommendation.action, crate::profile::rule::Advice::None);
    let Truth::False { because } = rule(&diagnosis, "ocm-errors") else {
        panic!("{:?}", rule(&diagnosis, "ocm-errors"));
    };
    assert!(
        because.contains("no OCM error in 1m30s") && because.contains("s; no data on outbound calls: "),
        "{because}"
    );
    // the log itself must still be read to say so
    let mut state = QUIET.state();
    state.apply(
        failing(
            SourceId::Log(source(SHORT[0])),
            ProblemKind::Forbidden,
            "forbidden",
        ),
        now(),
    );
    let later = diagnosed("osd-provisioning-latency", &state, ago(-16));
    assert!(matches!(rule(&later, "ocm-errors"), Truth::Unknown { .. }));
}
