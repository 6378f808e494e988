//! Pods that are not created, find no node, or can't start because something is missing.

use super::*;

fn pending(world: &World) -> Vec<Arc<Value>> {
    let all = pods(world).into_iter();
    all.filter(|pod| pod["status"]["phase"] == "Pending").collect()
}

fn set(world: &World) -> Arc<Value> {
    let sets: Vec<_> = world.store().all(Resource::ReplicaSets).cloned().collect();
    let current = sets.into_iter().find(|set| set["spec"]["replicas"] != 0);
    current.unwrap()
}

#[test]
fn a_pod_without_a_node_says_why_and_gets_one_when_there_is_room() {
    let mut world = with_timeline(
        "[[timeline]]\nat = '1s'\ncluster = { nodes_full = 'cpu' }\n[[timeline]]\nat = '2s'\nscale = 4\n[[timeline]]\nat = '20s'\ncluster = 'nodes_free'\n",
    );
    world.advance(after(10));
    let waiting = pending(&world);
    assert_eq!(waiting.len(), 1);
    let words = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.";
    let scheduled = condition(&waiting[0], "PodScheduled");
    assert_eq!(scheduled["status"], "False");
    assert_eq!(scheduled["reason"], "Unschedulable");
    assert_eq!(scheduled["message"], words);
    assert!(waiting[0]["status"].get("containerStatuses").is_none());
    assert_eq!(said(&world, "FailedScheduling"), [words]);
    world.advance(after(60));
    assert!(pending(&world).is_empty());
    assert_eq!(ready(&world), 4);
}

#[test]
fn the_scheduler_tries_again_every_five_minutes_and_counts_that() {
    let mut world = with_timeline(
        "[[timeline]]\nat = '1s'\ncluster = { nodes_full = 'memory' }\n[[timeline]]\nat = '2s'\nscale = 4\n",
    );
    world.advance(after(700));
    let events: Vec<_> = world.store().all(Resource::Events).cloned().collect();
    let refused = events
        .iter()
        .find(|event| event["reason"] == "FailedScheduling")
        .unwrap();
    assert_eq!(refused["series"]["count"], 3);
    assert_eq!(refused["type"], "Warning");
    assert_eq!(refused["action"], "Scheduling");
    assert_eq!(refused["reportingComponent"], "default-scheduler");
    assert!(refused.get("count").is_none() && refused["lastTimestamp"].is_null());
}

#[test]
fn more_pods_than_the_nodes_have_room_for_wait() {
    let mut world = with_timeline("[[timeline]]\nat = '1s'\nscale = 24\n");
    world.advance(after(60));
    // Seven pods of 200m fit into the 1400m that other namespaces leave on each of three nodes.
    assert_eq!(
        (pods(&world).len(), pending(&world).len(), ready(&world)),
        (24, 3, 21)
    );
}

#[test]
fn a_cordoned_node_gets_no_pods() {
    let mut world = world_of(&named("all-well"), 7);
    let node = world
        .store()
        .get(Resource::Nodes, "", super::super::nodes::NODES[0].0);
    let mut node = (**node.unwrap()).clone();
    node["spec"]["unschedulable"] = Value::from(true);
    world.replace(start(), Resource::Nodes, node);
    world.scale(start(), SERVICE, 9);
    world.advance(after(60));
    let there = |world: &World| {
        let all = pods(world);
        all.iter()
            .filter(|pod| pod["spec"]["nodeName"] == super::super::nodes::NODES[0].0)
            .count()
    };
    assert_eq!((there(&world), ready(&world)), (1, 9));
}

#[test]
fn a_quota_refuses_pods_with_the_servers_words_and_a_doubling_back_off() {
    let mut world = with_timeline(
        "[[timeline]]\nat = '1s'\ncluster = { quota_pods = 3 }\n[[timeline]]\nat = '2s'\nscale = 5\n[[timeline]]\nat = '200s'\ncluster = 'quota_lifted'\n",
    );
    world.advance(after(190));
    assert_eq!((pods(&world).len(), ready(&world)), (3, 3));
    let refusals = said(&world, "FailedCreate");
    let name = set(&world)["metadata"]["name"].as_str().unwrap().to_owned();
    let words = "is forbidden: exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3";
    assert_eq!(refusals.len(), 10);
    assert!(
        refusals[0].starts_with(&format!("Error creating: pods \"{name}-")),
        "{refusals:?}"
    );
    assert!(refusals.iter().all(|refusal| refusal.ends_with(words)));
    // Sixteen attempts, as 5 ms doubled fourteen times add up to 164 s; after nine different messages the recorder combines.
    let combined = counts(
        &world,
        "FailedCreate",
        "(combined from similar events): Error creating: pods ",
    );
    assert_eq!(combined, [7]);
    for object in [&*set(&world), &deployment(&world)] {
        let failure = condition(object, "ReplicaFailure");
        assert_eq!(
            (&failure["status"], &failure["reason"]),
            (&"True".into(), &"FailedCreate".into())
        );
        assert!(failure["message"].as_str().unwrap().starts_with("pods \""));
    }
    assert_eq!(deployment(&world)["status"]["unavailableReplicas"], 2);
    world.advance(after(250));
    assert_eq!(ready(&world), 5);
    assert!(condition(&deployment(&world), "ReplicaFailure").is_null());
}

#[test]
fn a_pod_waits_for_a_secret_it_mounts() {
    let mut world = with_timeline(
        "[[timeline]]\nat = '1s'\ncluster = { lose_secret = 'managed-services-api' }\n[[timeline]]\nat = '2s'\ndelete_pods = 1\n[[timeline]]\nat = '60s'\ncluster = 'secrets_return'\n",
    );
    world.advance(after(50));
    let waiting = pending(&world);
    assert_eq!((waiting.len(), ready(&world)), (1, 2));
    let words = "MountVolume.SetUp failed for volume \"service\" : secret \"managed-services-api\" not found";
    // After 0, 0.5, 1, 2, 4, 8 and 16 s; the next is after 32.
    assert_eq!(counts(&world, "FailedMount", words), [7]);
    let status = &waiting[0]["status"];
    assert_eq!(
        status["containerStatuses"][0]["state"]["waiting"]["reason"],
        "PodInitializing"
    );
    assert_eq!(
        condition(&waiting[0], "PodReadyToStartContainers")["status"],
        "False"
    );
    assert!(status.get("podIP").is_none());
    world.advance(after(110));
    assert_eq!(ready(&world), 3);
}

#[test]
fn a_pod_without_a_node_is_gone_as_soon_as_it_is_deleted() {
    let mut world = with_timeline(
        "[[timeline]]\nat = '1s'\ncluster = { nodes_full = 'cpu' }\n[[timeline]]\nat = '2s'\nscale = 4\n",
    );
    world.advance(after(10));
    let victim = uid(&pending(&world)[0]);
    world.delete_pod(after(10), &victim, 30);
    assert!(pods(&world).iter().all(|pod| uid(pod) != victim));
}
