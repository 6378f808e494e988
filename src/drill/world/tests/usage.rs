//! The metrics of pods and nodes.

use super::*;
use crate::scenario::MetricsApi;

/// A world with a short past, in which this happens.
fn world_with(timeline: &str) -> World {
    with_timeline(&format!("[deployment]\npods_age = '6m'\n{timeline}"))
}

/// Thousandths of a CPU and MiB of each pod, by age; `None` for those it knows nothing of.
fn usage(world: &World) -> Vec<Option<(u64, u64)>> {
    let mut all = pods(world);
    all.sort_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str().unwrap().to_owned());
    let of = |pod: &Arc<Value>| {
        let averages = world.metrics().pod(&uid(pod))?;
        let (name, average) = &averages[0];
        assert_eq!((averages.len(), name.as_str()), (1, CONTAINER));
        Some((average.cpu_nanos / 1_000_000, average.memory_bytes >> 20))
    };
    all.iter().map(of).collect()
}

#[test]
fn idle_pods_use_little_and_overloaded_pods_use_all_of_their_limit() {
    for (load, cpu, memory) in [
        ("", 1..8, 38..70),
        (
            "service = { load = { requests_per_minute = 120, capacity = 80 } }",
            450..600,
            100..200,
        ),
        (
            "service = { load = { requests_per_minute = 300, capacity = 80 } }",
            950..1_001,
            220..400,
        ),
        (
            "service = { load = { requests_per_minute = 450, capacity = 80 } }",
            950..1_001,
            300..1_024,
        ),
    ] {
        let timeline = if load.is_empty() {
            String::new()
        } else {
            format!("[[timeline]]\nat = '-5m'\n{load}\n")
        };
        let world = world_with(&timeline);
        for used in usage(&world) {
            let (millis, mebi) = used.unwrap();
            assert!(
                cpu.contains(&millis) && memory.contains(&mebi),
                "{load}: {millis}m {mebi}Mi"
            );
        }
        let node = world.metrics().node("ip-10-0-134-21.ec2.internal").unwrap();
        let window = node.window.as_millis();
        assert!(node.cpu_nanos / 1_000_000 > 600, "{node:?}");
        assert!((13_000..=17_000).contains(&window), "{window} ms");
    }
}

#[test]
fn memory_that_leaks_approaches_its_limit_until_the_process_is_killed() {
    let mut world = world_with("[[timeline]]\nat = '-1s'\noom_after = '5m'\n");
    let mut figures = Vec::new();
    for minute in 1..5 {
        world.advance(after(60 * minute));
        figures.push(usage(&world)[0].unwrap().1);
    }
    assert!(figures.is_sorted(), "{figures:?}");
    assert!(
        figures[0] < 300 && (750..1_024).contains(&figures[3]),
        "{figures:?}"
    );
    world.advance(after(360));
    let (_, mebi) = usage(&world)[0].unwrap();
    assert!(mebi < 300, "{mebi}Mi after the restart");
}

#[test]
fn a_new_pod_has_no_metrics_at_first_and_a_deleted_one_has_none_after_the_next_scrape() {
    let mut world = world_with("[[timeline]]\nat = '60s'\ndelete_pods = 1\n");
    assert_eq!(usage(&world).iter().flatten().count(), 3);
    let gone = uid(&pods(&world)[0]);
    world.advance(after(66));
    assert_eq!(
        usage(&world).last(),
        Some(&None),
        "the replacement runs, and is young"
    );
    world.advance(after(110));
    assert_eq!(usage(&world).iter().flatten().count(), 3);
    let known = world.metrics().pod(&gone).is_some();
    assert_eq!(known, pods(&world).iter().any(|pod| uid(pod) == gone));
}

#[test]
fn a_node_that_is_off_and_its_pods_have_no_metrics() {
    let mut world =
        world_with("[[timeline]]\nat = '10s'\ncluster = { node_fails = 'ip-10-0-134-21.ec2.internal' }\n");
    world.advance(after(40));
    assert!(world.metrics().node("ip-10-0-134-21.ec2.internal").is_none());
    assert!(world.metrics().node("ip-10-0-159-87.ec2.internal").is_some());
    assert_eq!(usage(&world).iter().flatten().count(), 2);
}

#[test]
fn a_metrics_server_that_was_down_has_lost_its_measurements() {
    let mut world = world_with(
        "[[timeline]]\nat = '10s'\ncluster = 'metrics_fail'\n[[timeline]]\nat = '60s'\ncluster = 'metrics_return'\n",
    );
    for (second, state, known) in [
        (5, MetricsApi::Served, 3),
        (30, MetricsApi::Down, 0),
        (61, MetricsApi::Served, 0),
        (100, MetricsApi::Served, 3),
    ] {
        world.advance(after(second));
        assert_eq!(world.metrics().state, state, "{second} s");
        assert_eq!(usage(&world).iter().flatten().count(), known, "{second} s");
    }
}
