//! The world in virtual time.

mod autoscaling;
mod failures;
mod growth;
mod nodes;
mod refusals;
mod rollouts;
mod service;
mod usage;

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::objects::SERVICE;
use super::*;
use crate::scenario::scenario;

fn start() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

fn world_of(scenario: &Scenario, seed: u64) -> World {
    let tables = Arc::new(Mutex::new(Tables::seeded(&scenario.database, start())));
    World::new(
        scenario,
        seed,
        start(),
        tables,
        &[("db.host", "127.0.0.1".into())],
    )
}

fn named(id: &str) -> Scenario {
    scenario(id).unwrap()
}

fn with_timeline(timeline: &str) -> World {
    let text = format!("id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n{timeline}");
    world_of(&Scenario::parse("test", &text).unwrap(), 7)
}

fn pods(world: &World) -> Vec<Arc<Value>> {
    world.store().all(Resource::Pods).cloned().collect()
}

fn ready(world: &World) -> u64 {
    let deployment = world
        .store()
        .get(Resource::Deployments, NAMESPACE, SERVICE)
        .unwrap();
    deployment["status"]["readyReplicas"].as_u64().unwrap_or(0)
}

fn deployment(world: &World) -> Value {
    let deployment = world.store().get(Resource::Deployments, NAMESPACE, SERVICE);
    (**deployment.unwrap()).clone()
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
        .unwrap_or(&Value::Null)
}

/// The messages of the events with this reason.
fn said(world: &World, reason: &str) -> Vec<String> {
    let events = world.store().all(Resource::Events);
    let events = events.filter(|event| event["reason"] == reason);
    events
        .map(|event| event["message"].as_str().unwrap().to_owned())
        .collect()
}

fn uid(pod: &Value) -> String {
    pod["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn counts(world: &World, reason: &str, message: &str) -> Vec<u64> {
    let events = world.store().all(Resource::Events);
    events
        .filter(|event| event["reason"] == reason && event["message"].as_str().unwrap().starts_with(message))
        .map(|event| event["count"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_world_begins_with_three_ready_pods_of_the_given_age_and_no_events_older_than_an_hour() {
    let world = world_of(&named("all-well"), 7);
    assert_eq!((pods(&world).len(), ready(&world)), (3, 3));
    assert_eq!(
        pods(&world)[0]["metadata"]["creationTimestamp"],
        "2026-11-22T07:00:00Z"
    );
    assert_eq!(world.store().all(Resource::Events).count(), 0);
}

#[test]
fn the_same_seed_makes_the_same_world_and_another_makes_another() {
    let objects = |seed| -> Vec<Arc<Value>> {
        let mut world = world_of(&named("api-down-image-pull"), seed);
        world.advance(after(600));
        Resource::ALL
            .into_iter()
            .flat_map(|resource| world.store().all(resource).cloned().collect::<Vec<_>>())
            .collect()
    };
    assert_eq!(objects(1), objects(1));
    assert_ne!(objects(1), objects(2));
}

#[test]
fn it_does_not_matter_in_how_many_steps_time_passes() {
    for scenario in [
        "all-well",
        "api-down-image-pull",
        "api-down-migration",
        "api-down-node",
        "api-down-quota",
        "crash-loop-oom",
        "rollout-under-way",
    ] {
        let mut one = world_of(&named(scenario), 7);
        let mut many = world_of(&named(scenario), 7);
        one.advance(after(120));
        for half_second in 1..=240 {
            many.advance(start() + SignedDuration::from_millis(half_second * 500));
        }
        let objects = |world: &World| -> Vec<Arc<Value>> {
            Resource::ALL
                .into_iter()
                .flat_map(|resource| world.store().all(resource).cloned().collect::<Vec<_>>())
                .collect()
        };
        assert_eq!(objects(&one), objects(&many), "{scenario}");
    }
}

#[test]
fn a_deleted_pod_ends_within_two_seconds_and_its_replacement_is_ready_after_the_readiness_delay() {
    let mut world = world_of(&named("all-well"), 7);
    let victim = uid(&pods(&world)[0]);
    world.delete_pod(start(), &victim, 30);
    let going = pods(&world).into_iter().find(|pod| uid(pod) == victim).unwrap();
    assert_eq!(going["metadata"]["deletionTimestamp"], "2026-11-22T09:00:30Z");
    world.advance(after(2));
    assert!(pods(&world).iter().all(|pod| uid(pod) != victim));
    assert_eq!(pods(&world).len(), 3);
    world.advance(after(20));
    assert_eq!(ready(&world), 2);
    // The readiness probe ticks every 10 s from the pod's admission on; the service starts three seconds later and is first asked 20 s after.
    world.advance(after(29));
    assert_eq!(ready(&world), 2);
    world.advance(after(32));
    assert_eq!(ready(&world), 3);
}

#[test]
fn a_deleted_pod_is_terminating_then_failed_then_gone_as_on_a_real_cluster() {
    let mut world = world_of(&named("all-well"), 7);
    let victim = uid(&pods(&world)[0]);
    let before = world.store().version();
    world.delete_pod(start(), &victim, 30);
    world.advance(after(5));
    let changes = world.store().since(Resource::Pods, before).unwrap();
    let seen: Vec<(ChangeKind, String, Value)> = changes
        .iter()
        .filter(|change| uid(&change.object) == victim)
        .map(|change| {
            let object = &change.object;
            let phase = object["status"]["phase"].as_str().unwrap().to_owned();
            (
                change.kind,
                phase,
                object["metadata"]["deletionGracePeriodSeconds"].clone(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (ChangeKind::Modified, "Running".into(), Value::from(30)),
            (ChangeKind::Modified, "Failed".into(), Value::from(30)),
            (ChangeKind::Modified, "Failed".into(), Value::from(0)),
            (ChangeKind::Deleted, "Failed".into(), Value::from(0)),
        ]
    );
}

#[test]
fn a_scale_to_zero_and_back_leaves_new_pods() {
    let mut world = world_of(&named("all-well"), 7);
    let old: Vec<String> = pods(&world).iter().map(|pod| uid(pod)).collect();
    assert!(world.scale(start(), SERVICE, 0));
    world.advance(after(3));
    assert!(pods(&world).is_empty());
    world.scale(after(3), SERVICE, 3);
    world.advance(after(40));
    assert_eq!(ready(&world), 3);
    assert!(pods(&world).iter().all(|pod| !old.contains(&uid(pod))));
    assert!(!world.scale(after(40), "other", 1));
}

#[test]
fn a_rollout_has_four_pods_at_most_and_three_ready_at_least() {
    let mut world =
        with_timeline("[[timeline]]\nat = '1s'\nset_image = 'quay.io/app-sre/managed-services-api:new'\n");
    for tenth in 0..2_000 {
        world.advance(start() + SignedDuration::from_millis(tenth * 100));
        let active = pods(&world)
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .count();
        assert!(
            active <= 4 && ready(&world) >= 3,
            "at {tenth}: {active} pods, {} ready",
            ready(&world)
        );
    }
    let images: Vec<Value> = pods(&world)
        .iter()
        .map(|pod| pod["spec"]["containers"][0]["image"].clone())
        .collect();
    assert_eq!(
        images,
        vec![Value::from("quay.io/app-sre/managed-services-api:new"); 3]
    );
    let deployment = world
        .store()
        .get(Resource::Deployments, NAMESPACE, SERVICE)
        .unwrap();
    assert_eq!(
        deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "8"
    );
    assert_eq!(
        deployment["status"]["observedGeneration"],
        deployment["metadata"]["generation"]
    );
}

#[test]
fn a_rollout_that_cannot_go_on_is_said_to_have_timed_out() {
    let mut world =
        with_timeline("[registry]\nmissing = ['i:bad']\n[[timeline]]\nat = '1s'\nset_image = 'i:bad'\n");
    world.advance(after(500));
    let reason = |world: &World| {
        let deployment = world
            .store()
            .get(Resource::Deployments, NAMESPACE, SERVICE)
            .unwrap()
            .clone();
        let conditions = deployment["status"]["conditions"].as_array().unwrap().clone();
        conditions
            .into_iter()
            .find(|condition| condition["type"] == "Progressing")
            .unwrap()["reason"]
            .clone()
    };
    assert_eq!(reason(&world), "ReplicaSetUpdated");
    assert_eq!(ready(&world), 3);
    world.advance(after(700));
    assert_eq!(reason(&world), "ProgressDeadlineExceeded");
}

#[test]
fn a_missing_image_is_pulled_again_with_a_doubling_back_off() {
    let mut world =
        with_timeline("[registry]\nmissing = ['i:bad']\n[[timeline]]\nat = '0s'\nset_image = 'i:bad'\n");
    let mut attempts = Vec::new();
    for second in 0..1_500 {
        world.advance(after(second));
        let tried = counts(&world, "Pulling", "Pulling image")
            .first()
            .copied()
            .unwrap_or(0);
        if tried > attempts.len() as u64 {
            attempts.push(second);
        }
    }
    let waits: Vec<i64> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The kubelet looks every 12 or 13 seconds: it tries at the first look after 10, 20, 40, 80, 160 and 300 seconds.
    for (wait, least) in waits.iter().zip([10, 20, 40, 80, 160, 300, 300]) {
        assert!((least..least + 15).contains(wait), "{waits:?}");
    }
    assert!(waits.len() >= 6, "{waits:?}");
}

#[test]
fn a_crashed_container_is_restarted_and_its_last_lines_are_kept() {
    let mut world = with_timeline("[[timeline]]\nat = '1s'\ncrash_pods = 1\n");
    world.advance(after(3));
    let all = pods(&world);
    let pod = all
        .iter()
        .find(|pod| pod["status"]["containerStatuses"][0]["restartCount"] == 1)
        .unwrap();
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 2);
    assert!(status["state"]["running"].is_object());
    let previous = kubelet::instance(&uid(pod), CONTAINER, 0);
    let file = world.logs().file(&previous).unwrap();
    let lines = file.read(0, usize::MAX).0;
    let said = |start: &[u8]| lines.iter().any(|line| line.bytes.starts_with(start));
    assert!(file.is_closed() && said(b"fatal error: concurrent map writes") && said(b"goroutine "));
}

#[test]
fn a_container_that_crashes_again_waits_longer_each_time() {
    let mut world =
        with_timeline("[[timeline]]\nat = '1s'\ncrash_pods = 3\n[[timeline]]\nat = '5s'\ncrash_pods = 3\n");
    world.advance(after(10));
    let state = |world: &World| pods(world)[0]["status"]["containerStatuses"][0]["state"].clone();
    assert_eq!(state(&world)["waiting"]["reason"], "CrashLoopBackOff");
    assert!(
        state(&world)["waiting"]["message"]
            .as_str()
            .unwrap()
            .starts_with("back-off 10s restarting failed container=service")
    );
    // The kubelet looks every 12 to 13 s, so it finds the 10 s over at its third look.
    world.advance(after(23));
    assert!(state(&world)["running"].is_object());
}

#[test]
fn events_expire_an_hour_after_they_were_last_repeated() {
    let mut world = world_of(&named("all-well"), 7);
    let victim = uid(&pods(&world)[0]);
    world.delete_pod(start(), &victim, 30);
    world.advance(after(60));
    assert!(world.store().all(Resource::Events).count() > 5);
    world.advance(after(3_700));
    assert_eq!(world.store().all(Resource::Events).count(), 0);
}
