//! What a change may not rest on, and when something counts as tried.

use std::time::Duration;

use super::*;
use crate::diagnose::Diagnosis;
use crate::logparse::ContainerKey;
use crate::observe::observation::{ContainerState, Ended};
use crate::observe::source::Problem;
use crate::profile::sop::StepStatus;
use crate::testkit::source;
use crate::text::Redacted;

const OSD: &str = "osd-provisioning-latency";
const KAFKAS: &str = "kafka-provisioning-latency";
const WHAT: &str = "E0115 logger.go:84] MGD-SERV-API-9: what";

/// All pods were started so long ago.
fn restarted(world: World, seconds: i64) -> World {
    world.with(|world| world.pods = SHORT.map(|short| service_pod(short, seconds)).to_vec())
}

fn judge_at(sop: &str, state: &State, at: Timestamp) -> Diagnosis {
    diagnose(state, &PROFILE, PROFILE.sop(sop).unwrap(), at)
}

#[test]
fn a_restart_counts_as_tried_for_what_was_wrong_before_it_and_for_nothing_else() {
    let again = "escalate control-plane by cluster-accepted";
    let first = "restart-pods by cluster-accepted";
    // pods started, the row's age, when we began to look
    for (started, row, began, want) in [
        (9_000, 600, 60, first),
        // restarted by whomever, before we began to look
        (400, 600, 60, again),
        (400, 600, 900, again),
        // an old restart, for something else
        (600, 400, 900, first),
        (600, 599, 900, first),
        (600, 601, 900, again),
    ] {
        let world = restarted(World::new(), started).row("clusters", "cluster_accepted", row);
        let world = world.with(|world| world.began = began);
        let decision = decide(OSD, &world.state());
        assert_eq!(
            said(&decision),
            want,
            "started {started}, row {row}, began {began}"
        );
    }
    // one pod alone is no restart
    let mut world = World::new().row("clusters", "cluster_accepted", 600);
    world.pods[0] = service_pod(SHORT[0], 400);
    assert_eq!(said(&decide(OSD, &world.state())), first);
}

#[test]
fn a_leader_that_was_lost_after_the_restart_is_lost_again() {
    let lost = |started: i64, out: i64| {
        let world = restarted(World::new(), started).with(|world| {
            world.kafka_leads = None;
            world.began = 5_000;
        });
        let mut state = world.state();
        let mut reading = world.reading();
        let lease = crate::testkit::reading(Some((Some("gone"), -out)), &[]).leases;
        reading.leases = lease;
        state.apply(Observation::Database(reading), now());
        said(&decide(KAFKAS, &state))
    };
    // the lease was last renewed three minutes before it ran out
    assert_eq!(lost(400, 600), "escalate control-plane by no-leader");
    assert_eq!(
        lost(400, 300),
        "escalate control-plane by no-leader",
        "nobody has led since"
    );
    assert_eq!(
        lost(1_000, 300),
        "restart-pods by no-leader",
        "one led after the restart, until 480 s ago"
    );
}

#[test]
fn errors_of_processes_that_were_restarted_are_no_reason_to_restart_again() {
    let errors = |at: &[i64]| {
        let world = restarted(World::new(), 300).errors("service", at, WHAT);
        said(&decide("api-availability", &world.state()))
    };
    assert_eq!(errors(&[500, 400]), "none", "it helped");
    assert_eq!(
        errors(&[500, 400, 200, 100]),
        "escalate control-plane by service-errors"
    );
    assert_eq!(errors(&[200, 100]), "restart-pods by service-errors");
}

#[test]
fn pods_that_are_down_are_started_once_and_only_where_the_deployment_is_known() {
    let down = |started: i64, change: &dyn Fn(&mut State)| {
        let mut world = restarted(World::new(), started);
        world.pods.iter_mut().for_each(|pod| pod.conditions.clear());
        let mut state = world.state();
        change(&mut state);
        decide("api-down", &state)
    };
    assert_eq!(said(&down(9_000, &|_| ())), "start-pods by down");
    let lost = |seconds: i64| {
        move |state: &mut State| {
            let mut deployment = deployment(3);
            deployment.conditions.push(Condition {
                kind: "Available".into(),
                status: "False".into(),
                reason: "MinimumReplicasUnavailable".into(),
                message: Redacted::default(),
                since: Some(ago(seconds)),
            });
            state.apply(Observation::Deployment(Some(deployment)), now());
        }
    };
    assert_eq!(said(&down(400, &lost(300))), "start-pods by down");
    assert_eq!(
        said(&down(400, &lost(900))),
        "escalate control-plane by down",
        "they came after it"
    );
    let none = |state: &mut State| state.apply(Observation::Deployment(None), now());
    let decision = down(9_000, &none);
    assert_eq!(said(&decision), "escalate control-plane by down-by-release");
    assert!(
        decision.recommendation.because[1].contains("has no deployment"),
        "{decision:#?}"
    );
    let mut unread = state(Vec::new());
    unread.apply(
        failing(
            SourceId::Deployment,
            ProblemKind::Forbidden,
            "deployments are forbidden",
        ),
        now(),
    );
    let decision = decide("api-down", &unread);
    assert_eq!(
        said(&decision),
        "gather",
        "whether a quota, a release or nobody's wish keeps them away is not known"
    );
    assert!(open(&decision).contains(&"down"), "{:?}", open(&decision));
}

#[test]
fn without_a_database_that_the_pods_can_t_reach_either_nobody_restarts_them() {
    let mut world = World::new();
    (world.kafka_leads, world.cluster_leads) = (None, None);
    world.pods = SHORT.map(|short| service_pod(short, 9_000)).to_vec();
    let failed = |short: &str, at: i64| {
        let mut batch = log(short, KAFKA, 8_990, &[]);
        batch.progress.first_at = Some(ago(9_000));
        for worker in [KAFKA, CLUSTER] {
            let lost = log(
                short,
                worker,
                300,
                &[(LeaderLineKind::Lost, at), (LeaderLineKind::LeaseFailed, 10)],
            );
            batch.sightings.extend(lost.sightings);
        }
        Observation::Log(batch)
    };
    let judged = |database: bool| {
        let mut state = state(world.pods.clone());
        state.apply(Observation::Deployment(Some(deployment(3))), now());
        state.apply(Observation::ClusterEvents(Vec::new()), now());
        for short in SHORT {
            state.apply(failed(short, 600), now());
        }
        state.apply(
            if database {
                Observation::Database(world.reading())
            } else {
                failing(SourceId::Database, ProblemKind::Refused, "nobody listens")
            },
            now(),
        );
        decide(KAFKAS, &state)
    };
    assert_eq!(
        said(&judged(true)),
        "restart-pods by no-leader",
        "it is there: they hang"
    );
    let decision = judged(false);
    assert_eq!(said(&decision), "gather");
    let missing = decision.recommendation.because.join("; ");
    assert!(missing.contains("nobody listens"), "{missing}");
}

#[test]
fn what_a_log_said_that_is_not_current_any_more_is_no_evidence() {
    let state = World::new().errors("service", &[40, 20], WHAT).state();
    assert_eq!(
        said(&decide("api-availability", &state)),
        "restart-pods by service-errors"
    );
    let mut cut = state.clone();
    cut.apply(
        failing(SourceId::Log(source(SHORT[1])), ProblemKind::Reset, "cut"),
        now(),
    );
    let later = now() + SignedDuration::from_secs(16);
    cut.apply(Observation::Source(SourceId::Api, SourceState::Live), later);
    for short in [SHORT[0], SHORT[2]] {
        cut.apply(
            Observation::Source(SourceId::Log(source(short)), SourceState::Live),
            later,
        );
    }
    let diagnosis = judge_at("api-availability", &cut, later);
    assert_eq!(said(&diagnosis.decision), "gather");
    let errors = diagnosis
        .steps
        .iter()
        .find(|step| step.id == "log-errors")
        .unwrap();
    assert_eq!(
        (errors.status, &*errors.value),
        (StepStatus::Stale, "2 service errors"),
        "{errors:?}"
    );
    // without the pods nobody knows whose logs there are
    let mut podless = state.clone();
    podless.apply(failing(SourceId::Pods, ProblemKind::Reset, "cut"), now());
    for short in SHORT {
        podless.apply(
            Observation::Source(SourceId::Log(source(short)), SourceState::Live),
            later,
        );
    }
    let errors = judge_at("api-availability", &podless, later).steps;
    let errors = errors.iter().find(|step| step.id == "log-errors").unwrap();
    assert_eq!(errors.status, StepStatus::Stale, "{errors:?}");
    // events that are not heard any more tell nothing of the cluster
    let node = World::new().with(|world| world.more.push(event("NodeNotReady", "Node", "not ready", 300)));
    let mut state = node.state();
    state.apply(failing(SourceId::ClusterEvents, ProblemKind::Reset, "cut"), now());
    let decision = judge_at("api-availability", &state, later).decision;
    assert!(
        decision
            .rules
            .iter()
            .all(|rule| rule.id != "cluster-events" || !rule.truth.is_true())
    );
}

#[test]
fn a_crash_that_may_be_the_same_again_is_read_about_first() {
    let crashing = |unread: bool| {
        let mut world = World::new();
        (world.pods[0].restarts, world.pods[0].restarted_at) = (4, Some(ago(200)));
        world.pods[0].conditions.clear();
        let mut state = world.state();
        if unread {
            let mut pods = world.pods.clone();
            pods[2].containers[0].restarts = 1;
            state.apply(Observation::Pods(pods), now());
        }
        decide("api-availability", &state)
    };
    assert_eq!(said(&crashing(false)), "restart-pods by crashing");
    let decision = crashing(true);
    assert_eq!(
        (said(&decision), open(&decision)[0]),
        ("gather".to_owned(), "crashing")
    );
}

#[test]
fn a_process_whose_last_words_nobody_could_read_is_not_said_to_have_had_no_error() {
    let what = "the node has no log of it: unable to retrieve container logs for containerd://b91c";
    let failing = SourceState::Failing {
        problem: Problem::new(ProblemKind::NotFound, what),
        attempt: 5,
        retry_in: Duration::from_secs(30),
    };
    // how long ago the process before this one ended, what is known of its log, and whether nothing is wrong
    for (ended, known, well) in [
        (600, Some(SourceState::Ended), true),
        (600, Some(SourceState::Live), true),
        (600, Some(SourceState::Connecting), false),
        (600, Some(failing.clone()), false),
        (600, None, false),
        (1_800, Some(failing.clone()), false),
        (1_801, Some(failing), true),
    ] {
        let mut world = World::new();
        let pod = &mut world.pods[2];
        (pod.restarts, pod.restarted_at) = (2, Some(ago(ended)));
        let container = &mut pod.containers[0];
        container.restarts = 2;
        container.state = ContainerState::Running {
            since: Some(ago(ended)),
        };
        container.last = Some(Ended {
            reason: "Error".into(),
            message: Redacted::default(),
            exit_code: 2,
            started_at: Some(ago(9_000)),
            finished_at: Some(ago(ended)),
        });
        let mut state = world.state();
        let of = |restart: u32| ContainerKey {
            restart,
            ..source(SHORT[2])
        };
        for worker in [KAFKA, CLUSTER] {
            let batch = said_by(&world.pods[2], worker, None);
            let source = of(2);
            state.apply(Observation::Log(LogBatch { source, ..batch }), now());
        }
        if matches!(known, Some(SourceState::Ended | SourceState::Live)) {
            let source = of(1);
            let batch = log(SHORT[2], KAFKA, 8_000, &[]);
            state.apply(Observation::Log(LogBatch { source, ..batch }), now());
        }
        if let Some(known) = &known {
            let id = SourceId::Log(of(1));
            state.apply(Observation::Source(id, known.clone()), now());
        }
        let case = format!("{known:?}, {ended} s ago");
        let diagnosis = judge_at("api-availability", &state, now());
        let want = if well { "none" } else { "gather" };
        assert_eq!(said(&diagnosis.decision), want, "{case}");
        let step = diagnosis
            .steps
            .iter()
            .find(|step| step.id == "log-errors")
            .unwrap();
        let status = if well {
            StepStatus::Pass
        } else {
            StepStatus::Unknown
        };
        assert_eq!(step.status, status, "{case}");
        assert_eq!(open(&diagnosis.decision).contains(&"crashing"), !well, "{case}");
        let named = step
            .evidence
            .iter()
            .any(|line| line.starts_with("log of lzxms before its restart: "));
        assert_eq!(named, !well, "{case}");
    }
}

#[test]
fn who_leads_is_waited_for_where_nothing_else_is_missing() {
    let world = World::new().with(|world| world.kafka_leads = None);
    let mut state = world.state();
    let mut reading = world.reading();
    reading.leases = crate::testkit::reading(Some((Some("gone"), 60)), &[]).leases;
    state.apply(Observation::Database(reading), now());
    let decision = decide(KAFKAS, &state);
    assert_eq!(
        (said(&decision), decision.recommendation.until),
        ("wait".to_owned(), Some(ago(-91)))
    );
    state.apply(
        failing(
            SourceId::ClusterEvents,
            ProblemKind::Forbidden,
            "events are forbidden",
        ),
        now(),
    );
    let without = World::new().with(|world| (world.kafka_leads, world.events) = (None, false));
    let mut state = without.state();
    let mut reading = without.reading();
    reading.leases = crate::testkit::reading(Some((Some("gone"), 60)), &[]).leases;
    state.apply(Observation::Database(reading), now());
    assert_eq!(
        said(&decide(KAFKAS, &state)),
        "gather",
        "time alone does not bring the events"
    );
}

#[test]
fn each_rule_tells_which_observation_would_turn_it() {
    let world = World::new().row("clusters", "cluster_accepted", 130);
    let decision = decide(OSD, &world.state());
    let flips = |id: &str| {
        let rule = decision.rules.iter().find(|rule| rule.id == id).unwrap();
        rule.flips.clone()
    };
    assert_eq!(
        flips("cluster-accepted"),
        "a row in cluster_accepted is older than 3m (oldest 2m10s)"
    );
    assert_eq!(
        flips("two-leaders"),
        "two pods act as leader of KafkaManager or ClusterManager at the same time"
    );
    assert_eq!(
        flips("ocm-errors"),
        "2 OCM errors come in 1m30s, or one that names an overdue row, or 30 % of the calls to other services fail in 2m"
    );
    let leaderless = World::new().with(|world| world.kafka_leads = None);
    let decision = decide(KAFKAS, &leaderless.state());
    let rule = decision.rules.iter().find(|rule| rule.id == "no-leader").unwrap();
    assert_eq!(
        rule.flips,
        "the lease is renewed, or a pod logs that it leads KafkaManager or ClusterManager"
    );
}

#[test]
fn the_advice_to_scale_says_that_an_autoscaler_undoes_it() {
    let slow = RequestCounts {
        answered: 50,
        failed: 10,
        slow: 30,
        very_slow: 12,
    };
    let mut state = World::new().requests(&slow).state();
    let because = |state: &State| decide("api-latency", state).recommendation.because.concat();
    assert!(!because(&state).contains("autoscaler"));
    let autoscaler = Autoscaler {
        name: "load".into(),
        min: 2,
        max: 6,
        current: 3,
    };
    state.apply(Observation::Autoscaler(Some(autoscaler)), now());
    assert_eq!(said(&decide("api-latency", &state)), "scale-up by saturated");
    assert!(
        because(&state).contains("autoscaler load will undo it"),
        "{}",
        because(&state)
    );
}

#[test]
fn without_a_deployment_nothing_is_restarted() {
    let mut state = World::new().state();
    assert_eq!(said(&decide("kafka-provisioning-latency", &state)), "none");
    state.apply(Observation::Deployment(None), now());
    for sop in ["api-down", "kafka-provisioning-latency"] {
        let decision = decide(sop, &state);
        assert_eq!(said(&decision), "escalate control-plane by down-by-release");
        let because = decision.recommendation.because.concat();
        assert!(
            because.contains("found ReplicaSet msa-x with 3 pods"),
            "{because}"
        );
    }
}
