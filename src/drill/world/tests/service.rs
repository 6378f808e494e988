//! The world and its service together: how events of the timeline change both.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::scenario::scenario;
use crate::world::*;

fn start() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

fn world_of(scenario: &Scenario) -> World {
    let tables = Arc::new(Mutex::new(Tables::seeded(&scenario.database, start())));
    World::new(scenario, 7, start(), tables, &[("db.host", "127.0.0.1".into())])
}

fn with(text: &str) -> World {
    let text = format!("id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n{text}");
    world_of(&Scenario::parse("test", &text).unwrap())
}

/// All lines of all service containers that a new reader gets, with the restarts of their instances.
fn lines(world: &World) -> Vec<(u32, String)> {
    let pods = world.store().all(Resource::Pods);
    let uids = pods.filter_map(|pod| pod["metadata"]["uid"].as_str());
    let mut all = Vec::new();
    for uid in uids {
        let newest = world.restarts(uid, CONTAINER).map_or(0, |(restarts, _)| restarts);
        for restart in 0..=newest {
            let file = world.logs().file(&kubelet::instance(uid, CONTAINER, restart));
            let texts = file
                .into_iter()
                .flat_map(|file| file.read(0, usize::MAX).0)
                .map(|line| (restart, String::from_utf8_lossy(&line.bytes).into_owned()));
            all.extend(texts);
        }
    }
    all
}

fn count(world: &World, text: &str) -> usize {
    lines(world)
        .iter()
        .filter(|(_, line)| line.contains(text))
        .count()
}

#[test]
fn a_database_outage_fails_the_service_until_it_ends() {
    let mut world = with(
        "[[timeline]]\nat = '10s'\ndatabase = 'refused'\n[[timeline]]\nat = '45s'\ndatabase_heals = true\n",
    );
    assert_eq!(count(&world, "failed to acquire leader lease"), 0);
    world.advance(after(44));
    assert!(
        count(&world, "connect: connection refused") >= 6,
        "both workers of three pods"
    );
    assert_eq!(count(&world, "No longer the leader"), 2);
    let gained = count(&world, "Running as the leader");
    world.advance(after(90));
    assert_eq!(count(&world, "Running as the leader"), gained + 2);
}

#[test]
fn a_process_that_panics_is_restarted_and_its_last_lines_are_kept() {
    let world = world_of(&scenario("panic-loop").unwrap());
    let restarts: u32 = world
        .store()
        .all(Resource::Pods)
        .filter_map(|pod| world.restarts(pod["metadata"]["uid"].as_str()?, CONTAINER))
        .map(|(restarts, _)| restarts)
        .sum();
    assert!(
        (5..=12).contains(&restarts),
        "one about every three minutes for 25: {restarts}"
    );
    assert!(count(&world, "panic: runtime error: invalid memory address") >= 3);
}

#[test]
fn a_small_log_loses_its_first_lines_and_keeps_the_later_ones() {
    let world = world_of(&scenario("leader-line-rotated").unwrap());
    for pod in world.store().all(Resource::Pods) {
        let uid = pod["metadata"]["uid"].as_str().unwrap();
        let file = world.logs().file(&kubelet::instance(uid, CONTAINER, 0)).unwrap();
        let all = file.end();
        let kept = all - file.read(0, usize::MAX).0.len() as u64;
        assert!(all > 1_000 && kept < all, "{kept} of {all}");
    }
    let whole = world_of(&scenario("all-well").unwrap());
    assert_eq!(count(&whole, "Running as the leader"), 2);
    assert!(count(&world, "Starting reconciliation loop") > 100);
}
