//! What a world keeps after many hours.

use super::*;

/// A world in which a pod is deleted and another crashes in every hour.
fn restless(hours: i64) -> World {
    use std::fmt::Write as _;
    let mut timeline = String::new();
    for hour in 0..hours {
        // writing to a String cannot fail
        let _ = write!(
            timeline,
            "[[timeline]]\nat = '{}m'\ndelete_pods = 1\n[[timeline]]\nat = '{}m'\ncrash_pods = 1\n",
            60 * hour + 5,
            60 * hour + 20
        );
    }
    with_timeline(&timeline)
}

/// How many there are of what it keeps.
fn kept(world: &World) -> Vec<(&'static str, usize)> {
    let objects = [
        Resource::Pods,
        Resource::Events,
        Resource::ReplicaSets,
        Resource::Nodes,
    ];
    vec![
        ("similar events", world.similar.len()),
        ("pods", world.pods.len()),
        ("due", world.queue.len()),
        ("unattended", world.unattended.len()),
        ("refused", world.refused.len()),
        (
            "objects",
            objects.iter().map(|kind| world.store.all(*kind).count()).sum(),
        ),
    ]
}

#[test]
fn a_world_that_is_never_at_rest_keeps_no_more_after_twelve_hours_than_after_three() {
    let mut world = restless(13);
    let at = |hours: i64| start() + SignedDuration::from_mins(60 * hours + 50);
    world.advance(at(3));
    let before = kept(&world);
    world.advance(at(12));
    for (before, after) in before.iter().zip(kept(&world)) {
        assert!(after.1 <= before.1, "{before:?}, later {after:?}");
    }
}

#[test]
fn messages_that_are_combined_are_not_kept() {
    let mut world = with_timeline("");
    let pod = (*pods(&world)[0]).clone();
    for number in 0..100 {
        let occurrence = event_recorder::Occurrence {
            about: &pod,
            field: None,
            kind: "Warning",
            reason: "Unhealthy",
            message: format!("number {number}"),
            component: "kubelet",
            host: None,
        };
        world.record(after(number), &occurrence);
    }
    let most = world.similar.values().map(|(_, messages)| messages.len()).max();
    assert_eq!(most, Some(10));
    assert!(said(&world, "Unhealthy").contains(&"(combined from similar events): number 99".to_owned()));
}
