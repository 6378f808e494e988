//! Steps and advice say one thing: what acts has a failing step, and a failing step has an advice.

use super::*;
use crate::diagnose::{Diagnosis, StepFinding};
use crate::profile::Profile;
use crate::profile::sop::{OTHER, StepStatus};
use crate::text::SafeText;

fn judge(sop: &str, world: &World) -> Diagnosis {
    diagnose(&world.state(), &PROFILE, PROFILE.sop(sop).unwrap(), now())
}

fn step<'a>(diagnosis: &'a Diagnosis, id: &str) -> Option<&'a StepFinding> {
    diagnosis.steps.iter().find(|step| step.id == id)
}

fn failing(diagnosis: &Diagnosis) -> Vec<&str> {
    let failing = diagnosis
        .steps
        .iter()
        .filter(|step| step.status == StepStatus::Fail);
    failing.map(|step| step.id.as_str()).collect()
}

const OSD: &str = "osd-provisioning-latency";
const KAFKAS: &str = "kafka-provisioning-latency";

#[test]
fn what_no_step_of_the_sop_shows_fails_a_last_step_with_the_rule_s_title_and_evidence() {
    let twice = "panic: runtime error: nil pointer\n\ngoroutine 1";
    let sso = "failed to create sso client";
    let own = "E0115 logger.go:84] MGD-SERV-API-9: what";
    let table: [(&str, World, &str, &str, &str, &str); 6] = [
        (
            OSD,
            World::new().errors("service", &[800, 400], twice),
            "escalate control-plane by crashing",
            "The service crashes",
            "panic: runtime error",
            "pods and logs",
        ),
        (
            "api-down",
            World::new().errors("sso", &[40, 10], sso),
            "escalate control-plane by others-fail",
            "SSO, DNS, Observatorium or the database fail",
            "sso client",
            "logs",
        ),
        (
            "api-down",
            World::new().errors("service", &[300, 20], own),
            "restart-pods by service-errors",
            "The service itself logs errors",
            "MGD-SERV-API-9",
            "logs",
        ),
        (
            "api-latency",
            World::new().with(|world| {
                world
                    .more
                    .push(event("NodeNotReady", "Node", "Node is not ready", 30));
            }),
            "escalate ocm-support by cluster-events",
            "The OSD cluster reports problems",
            "NodeNotReady",
            "events",
        ),
        (
            // Its step looks at the Kafka worker only.
            KAFKAS,
            World::new().with(|world| world.cluster_leads = None),
            "restart-pods by no-leader",
            "No leader",
            "no ClusterManager leader",
            "logs and leases",
        ),
        (
            // OSD has no step about the rows of the other table.
            OSD,
            World::new().with(|world| world.kafkas.push(count("", 1, 600))),
            "escalate control-plane by blank-status",
            "A row has no status, so no worker looks at it",
            "1 row without a status in kafka_requests",
            "database",
        ),
    ];
    for (sop, world, want, title, evidence, source) in table {
        let diagnosis = judge(sop, &world);
        assert_eq!(said(&diagnosis.decision), want, "{sop}");
        assert_eq!(failing(&diagnosis), [OTHER], "{sop}: {want}");
        let other = diagnosis.steps.last().unwrap();
        assert_eq!(
            (other.title.as_str(), other.value.as_str(), other.source),
            ("Anything else", title, source)
        );
        assert!(other.age.is_some(), "{sop}: {other:?}");
        assert!(
            other.evidence.iter().any(|line| line.contains(evidence)),
            "{sop}: {other:?}"
        );
    }
}

#[test]
fn where_a_step_shows_it_none_is_added() {
    let sso = "failed to create sso client";
    let worlds = [
        (KAFKAS, World::new().errors("sso", &[40, 10], sso), "log-errors"),
        (
            KAFKAS,
            World::new().with(|world| world.kafka_leads = None),
            "leader-kafka",
        ),
        (
            OSD,
            World::new().row("clusters", "cluster_accepted", 600),
            "clusters-idle",
        ),
        (
            OSD,
            World::new().row("clusters", "failed", 600),
            "clusters-failed",
        ),
        (
            OSD,
            World::new().with(|world| world.clusters.clear()),
            "clusters-ready",
        ),
        (
            "api-down",
            World::new().with(|world| world.pods = unpulled()),
            "pods-ready",
        ),
    ];
    for (sop, world, shown_by) in worlds {
        let diagnosis = judge(sop, &world);
        assert!(failing(&diagnosis).contains(&shown_by), "{sop}: {diagnosis:#?}");
        assert_eq!(step(&diagnosis, OTHER), None, "{sop} {shown_by}");
        assert!(
            !also(&diagnosis.decision).contains(&"step-fails"),
            "{sop} {shown_by}"
        );
    }
    assert_eq!(
        step(&judge(KAFKAS, &World::new()), OTHER),
        None,
        "nothing is to be said"
    );
}

#[test]
fn of_several_rules_each_has_its_step() {
    let world = World::new()
        .errors("sso", &[40, 10], "failed to create sso client")
        .with(|world| world.kafkas.push(count("", 1, 600)));
    let diagnosis = judge(KAFKAS, &world);
    assert_eq!(said(&diagnosis.decision), "escalate control-plane by others-fail");
    assert_eq!(failing(&diagnosis), ["log-errors", "kafkas-idle"]);
    let rows = step(&diagnosis, "kafkas-idle").unwrap();
    assert!(rows.value.starts_with("1 without a status"), "{rows:?}");
}

#[test]
fn errors_that_are_over_pass_with_a_note() {
    let ids = |world: World| {
        let diagnosis = judge(KAFKAS, &world);
        let log = step(&diagnosis, "log-errors").unwrap();
        (log.status, log.value.clone(), said(&diagnosis.decision))
    };
    let blip = |newest: i64| World::new().errors("database", &[newest + 9, newest + 5, newest], "pq: x");
    assert_eq!(
        ids(blip(3_356 - 1_800)),
        (
            StepStatus::Pass,
            "3 database errors, none since 13:34 UTC".into(),
            "none".to_owned()
        )
    );
    // Fresh is three loops of a leader, and ten minutes of anything else: either side of both.
    let is = |class: &str, seconds: i64| {
        let world = World::new().errors(class, &[seconds, seconds], "E0115 a.go:1] what");
        let (status, _, said) = ids(world);
        assert_eq!(status == StepStatus::Fail, said != "none", "{class} {seconds}");
        status
    };
    for (class, fresh) in [
        ("database", 90),
        ("ocm", 90),
        ("kafka", 90),
        ("service", 600),
        ("", 600),
    ] {
        assert_eq!(is(class, fresh), StepStatus::Fail, "{class}");
        assert_eq!(is(class, fresh + 1), StepStatus::Pass, "{class}");
    }
    // One error of a class that takes two is too little for both.
    let one = World::new().errors("ocm", &[20], "E0115 a.go:1] what");
    assert_eq!(ids(one).0, StepStatus::Pass);
}

#[test]
fn a_step_that_fails_where_no_rule_holds_is_the_control_plane_s() {
    let fewer = World::new().with(|world| world.pods[2].conditions.clear());
    for sop in ["api-down", "api-availability", OSD, KAFKAS] {
        let diagnosis = judge(sop, &fewer);
        assert_eq!(
            said(&diagnosis.decision),
            "escalate control-plane by step-fails",
            "{sop}"
        );
        let because = &diagnosis.decision.recommendation.because;
        assert!(
            because[0].starts_with("Pods running: 2 of 3 ready"),
            "{because:?}"
        );
        assert_eq!(step(&diagnosis, OTHER), None, "{sop}");
    }
    // Errors of a class on which no rule of the alert acts.
    let kafka = World::new().errors("kafka", &[40, 10], "strimzi");
    assert_eq!(
        said(&judge(OSD, &kafka).decision),
        "escalate control-plane by step-fails"
    );
}

#[test]
fn a_failing_step_whose_rule_can_t_be_evaluated_asks_to_read_first() {
    let fewer = || World::new().with(|world| world.pods[2].conditions.clear());
    let of = |world: World| {
        let diagnosis = judge("api-availability", &world);
        assert_eq!(failing(&diagnosis), ["pods-ready"]);
        said(&diagnosis.decision)
    };
    // Whether it crashes is not known: one log is not read.
    let unread = fewer().with(|world| world.pods[1].containers[0].restarts = 1);
    let mut state = World::new().state();
    state.apply(Observation::Pods(unread.pods.clone()), now());
    let sop = PROFILE.sop("api-availability").unwrap();
    let decision = diagnose(&state, &PROFILE, sop, now()).decision;
    assert_eq!(said(&decision), "gather", "{decision:#?}");
    assert!(!decision.recommendation.unclear, "a source is missing");
    // That events can't be read says nothing of it.
    let blind = fewer().with(|world| world.events = false);
    assert_eq!(of(blind), "escalate control-plane by step-fails");
    assert_eq!(of(fewer()), "escalate control-plane by step-fails");
}

#[test]
fn while_one_waits_a_failing_step_asks_for_nothing_else() {
    let world = World::new().with(|world| {
        world.pods[0] = service_pod(SHORT[0], 90);
        world.pods[2].conditions.clear();
    });
    let diagnosis = judge(KAFKAS, &world);
    assert_eq!(said(&diagnosis.decision), "wait by settling");
    assert!(
        also(&diagnosis.decision).is_empty(),
        "{:?}",
        diagnosis.decision.also
    );
}

#[test]
fn nothing_to_do_needs_an_answer_to_every_step() {
    let mut state = World::new().state();
    state.apply(
        crate::testkit::failing(
            SourceId::Deployment,
            ProblemKind::Forbidden,
            "deployments are forbidden",
        ),
        now(),
    );
    let later = now() + SignedDuration::from_secs(16);
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), later);
    state.apply(Observation::ClusterEvents(Vec::new()), later);
    let sop = PROFILE.sop("api-down").unwrap();
    let diagnosis = diagnose(&state, &PROFILE, sop, later);
    assert_eq!(step(&diagnosis, "replicas").unwrap().status, StepStatus::Stale);
    let rules = &diagnosis.decision.rules;
    let last = rules.iter().find(|rule| rule.id == "step-fails").unwrap();
    assert_eq!(
        last.truth,
        Truth::unknown("step Deployment asks for 3 pods: 3 configured")
    );
    assert_eq!(said(&diagnosis.decision), "gather", "{:#?}", diagnosis.decision);
}

#[test]
fn a_profile_without_a_rule_for_failing_steps_never_says_nothing_to_do_beside_one() {
    let mut profile: Profile = PROFILE.clone();
    profile.rules.retain(|rule| rule.id != "step-fails");
    let fewer = World::new().with(|world| world.pods[2].conditions.clear());
    let sop = profile.sop(KAFKAS).unwrap();
    let decision = diagnose(&fewer.state(), &profile, sop, now()).decision;
    assert_eq!(said(&decision), "gather");
    assert!(
        decision.recommendation.unclear,
        "everything was read: {decision:?}"
    );
    assert_eq!(decision.recommendation.in_words(&profile), "check yourself");
    assert!(
        decision.recommendation.because[0].starts_with("Pods running: 2 of 3"),
        "{decision:?}"
    );
}

#[test]
fn with_no_pod_ready_and_none_to_wait_for_the_pods_step_fails_as_the_rule_says() {
    let world = World::new().with(|world| {
        world.pods = SHORT.map(|short| service_pod(short, 120)).to_vec();
        world.pods.iter_mut().for_each(|pod| pod.conditions.clear());
    });
    let diagnosis = judge("api-down", &world);
    assert_eq!(diagnosis.decision.recommendation.action, Advice::StartPods);
    let pods = step(&diagnosis, "pods-ready").unwrap();
    assert_eq!(pods.status, StepStatus::Fail, "{pods:?}");
}

#[test]
fn a_warning_about_a_pod_that_is_ready_again_or_gone_is_over() {
    let status = |name: &str, seconds: i64, change: fn(&mut World)| {
        let mut observation = event("BackOff", "Pod", "restarting", seconds);
        if let Observation::ClusterEvent(event) = &mut observation {
            event.object_name = name.into();
        }
        let world = World::new()
            .with(|world| world.more.push(observation))
            .with(change);
        let diagnosis = judge("api-down", &world);
        let events = step(&diagnosis, "events").unwrap();
        let none = diagnosis.decision.recommendation.action == Advice::None;
        assert_eq!(events.status == StepStatus::Pass, none, "{diagnosis:#?}");
        (events.status, events.value.clone())
    };
    let as_it_is = |_: &mut World| {};
    let pass = |value: &str| (StepStatus::Pass, SafeText::from(value));
    assert_eq!(
        status("msa-x-2mgcp", 91, as_it_is),
        pass("3 warnings: 3 BackOff, none since 13:58 UTC")
    );
    assert_eq!(status("msa-x-2mgcp", 90, as_it_is).0, StepStatus::Fail);
    assert_eq!(status("msa-x-gone", 5, as_it_is).0, StepStatus::Pass);
    let again = |world: &mut World| world.pods[0].conditions[0].since = Some(ago(4));
    assert_eq!(status("msa-x-2mgcp", 5, again).0, StepStatus::Pass);
    let unready = |world: &mut World| world.pods[0].conditions.clear();
    assert_eq!(status("msa-x-2mgcp", 900, unready).0, StepStatus::Fail);
}
