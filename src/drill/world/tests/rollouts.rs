//! The Deployment controller.

use serde_json::json;

use super::*;

const REVISION: &str = "deployment.kubernetes.io/revision";

fn change(world: &mut World, at: i64, change: impl FnOnce(&mut Value)) {
    let mut object = deployment(world);
    change(&mut object);
    world.replace(after(at), Resource::Deployments, object);
}

/// What `kubectl rollout restart` patches.
fn restart(world: &mut World, at: i64) {
    change(world, at, |object| {
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": at.to_string()});
        object["spec"]["template"]["metadata"]["annotations"] = annotations;
    });
}

fn sets(world: &World) -> Vec<Arc<Value>> {
    world.store().all(Resource::ReplicaSets).cloned().collect()
}

fn active_set(world: &World) -> Arc<Value> {
    sets(world)
        .into_iter()
        .find(|set| set["spec"]["replicas"] != 0)
        .unwrap()
}

fn revision(object: &Value) -> &Value {
    &object["metadata"]["annotations"][REVISION]
}

#[test]
fn a_restart_makes_new_pods_of_the_same_image_and_counts_the_generation() {
    let mut world = world_of(&named("all-well"), 7);
    let old: Vec<String> = pods(&world).iter().map(|pod| uid(pod)).collect();
    let generation = deployment(&world)["metadata"]["generation"].as_u64().unwrap();
    restart(&mut world, 0);
    assert_eq!(deployment(&world)["metadata"]["generation"], generation + 1);
    world.advance(after(200));
    assert_eq!((pods(&world).len(), ready(&world)), (3, 3));
    assert!(pods(&world).iter().all(|pod| !old.contains(&uid(pod))));
    assert_eq!(revision(&deployment(&world)), "8");
    assert_eq!(deployment(&world)["status"]["observedGeneration"], generation + 1);
    assert_eq!(
        condition(&deployment(&world), "Progressing")["reason"],
        "NewReplicaSetAvailable"
    );
}

#[test]
fn a_return_to_an_earlier_template_takes_its_set_with_a_new_revision() {
    let mut world = world_of(&named("all-well"), 7);
    let first = active_set(&world);
    world.set_image(
        start(),
        "quay.io/app-sre/managed-services-api:new",
        &["containers"],
    );
    world.advance(after(200));
    assert_ne!(active_set(&world)["metadata"]["uid"], first["metadata"]["uid"]);
    let template = {
        let mut template = first["spec"]["template"].clone();
        let labels = template["metadata"]["labels"].as_object_mut().unwrap();
        labels.remove("pod-template-hash");
        template
    };
    change(&mut world, 200, |object| object["spec"]["template"] = template);
    world.advance(after(400));
    let now = active_set(&world);
    assert_eq!(now["metadata"]["uid"], first["metadata"]["uid"]);
    assert_eq!(
        (revision(&now), revision(&deployment(&world))),
        (&json!("9"), &json!("9"))
    );
    assert_eq!(
        now["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"],
        "7"
    );
    assert_eq!(ready(&world), 3);
}

#[test]
fn a_paused_deployment_rolls_nothing_out_but_is_scaled() {
    let mut world = world_of(&named("all-well"), 7);
    let before = active_set(&world)["metadata"]["uid"].clone();
    change(&mut world, 0, |object| {
        object["spec"]["paused"] = json!(true);
        object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:new");
        object["spec"]["replicas"] = json!(4);
    });
    world.advance(after(100));
    assert_eq!(
        (ready(&world), &active_set(&world)["metadata"]["uid"]),
        (4, &before)
    );
    assert_eq!(
        condition(&deployment(&world), "Progressing")["reason"],
        "DeploymentPaused"
    );
    change(&mut world, 100, |object| {
        object["spec"].as_object_mut().unwrap().remove("paused");
    });
    world.advance(after(400));
    assert_ne!(active_set(&world)["metadata"]["uid"], before);
    assert_eq!(ready(&world), 4);
}

#[test]
fn the_recreate_strategy_starts_no_new_pod_before_the_last_old_one_is_gone() {
    let mut world = with_timeline("[deployment]\nstrategy = 'Recreate'\n");
    restart(&mut world, 0);
    let old: Vec<String> = pods(&world).iter().map(|pod| uid(pod)).collect();
    let mut fewest = 3;
    for step in 0..3_000 {
        world.advance(start() + SignedDuration::from_millis(step * 20));
        let all = pods(&world);
        let (before, now): (Vec<_>, Vec<_>) = all.iter().partition(|pod| old.contains(&uid(pod)));
        let ended = before.iter().all(|pod| pod["status"]["phase"] == "Failed");
        assert!(now.is_empty() || ended, "old and new pods run at once");
        fewest = fewest.min(ready(&world));
    }
    assert_eq!((fewest, ready(&world)), (0, 3));
}

#[test]
fn a_rollout_keeps_to_a_strategy_in_numbers() {
    let mut world = world_of(&named("all-well"), 7);
    change(&mut world, 0, |object| {
        object["spec"]["strategy"]["rollingUpdate"] = json!({"maxSurge": 0, "maxUnavailable": 2});
    });
    restart(&mut world, 1);
    let (mut most, mut least) = (0, 3);
    for second in 1..200 {
        world.advance(after(second));
        let active = pods(&world)
            .into_iter()
            .filter(|pod| pod["metadata"].get("deletionTimestamp").is_none());
        most = most.max(active.count());
        least = least.min(ready(&world));
    }
    assert_eq!((most, least, ready(&world)), (3, 1, 3));
}

#[test]
fn a_pod_is_available_when_it_was_ready_for_long_enough() {
    let mut world = world_of(&named("all-well"), 7);
    change(&mut world, 0, |object| {
        object["spec"]["minReadySeconds"] = json!(60);
    });
    restart(&mut world, 1);
    world.advance(after(60));
    let status = deployment(&world)["status"].clone();
    assert_eq!(
        (&status["readyReplicas"], &status["availableReplicas"]),
        (&json!(4), &json!(3))
    );
    world.advance(after(100));
    assert_eq!(deployment(&world)["status"]["updatedReplicas"], 2);
    world.advance(after(400));
    assert_eq!(
        condition(&deployment(&world), "Progressing")["reason"],
        "NewReplicaSetAvailable"
    );
}

#[test]
fn no_more_revisions_are_kept_than_the_history_allows() {
    let mut world = world_of(&named("all-well"), 7);
    change(&mut world, 0, |object| {
        object["spec"]["revisionHistoryLimit"] = json!(2);
    });
    for round in 0..3 {
        restart(&mut world, round * 200);
        world.advance(after((round + 1) * 200));
    }
    let mut revisions: Vec<String> = sets(&world)
        .iter()
        .map(|set| revision(set).as_str().unwrap().to_owned())
        .collect();
    revisions.sort();
    assert_eq!(revisions, ["10", "8", "9"]);
}

#[test]
fn pods_that_serve_least_are_deleted_first() {
    let mut world = with_timeline(
        "[[timeline]]\nat = '1s'\ncluster = { nodes_full = 'cpu' }\n[[timeline]]\nat = '2s'\nscale = 4\n[[timeline]]\nat = '10s'\nscale = 3\n",
    );
    let old: Vec<String> = pods(&world).iter().map(|pod| uid(pod)).collect();
    world.advance(after(15));
    let left: Vec<String> = pods(&world).iter().map(|pod| uid(pod)).collect();
    assert_eq!(left, old, "the pending pod goes");
}

#[test]
fn among_ready_pods_one_on_a_crowded_node_is_deleted_first() {
    let mut world =
        with_timeline("[[timeline]]\nat = '1s'\nscale = 4\n[[timeline]]\nat = '60s'\nscale = 3\n");
    world.advance(after(70));
    let nodes: std::collections::BTreeSet<String> = pods(&world)
        .iter()
        .map(|pod| pod["spec"]["nodeName"].to_string())
        .collect();
    assert_eq!((pods(&world).len(), nodes.len()), (3, 3));
}

#[test]
fn scaling_during_a_stuck_rollout_grows_both_sets() {
    let mut world = with_timeline(
        "[registry]\nmissing = ['i:bad']\n[[timeline]]\nat = '1s'\nset_image = 'i:bad'\n[[timeline]]\nat = '60s'\nscale = 6\n",
    );
    world.advance(after(100));
    let scaled = said(&world, "ScalingReplicaSet");
    // 3 and 1 of at most 4 become 6 and 2 of at most 8.
    for step in ["from 3 to 6", "from 1 to 2"] {
        assert!(scaled.iter().any(|message| message.ends_with(step)), "{scaled:?}");
    }
}

#[test]
fn a_set_belongs_to_its_controller_by_reference_and_not_by_name() {
    let mut world = world_of(&named("all-well"), 7);
    let name = active_set(&world)["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let foreign = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {
        "name": format!("{name}-zzzzz"), "namespace": NAMESPACE, "uid": "foreign"}, "spec": {}, "status": {}});
    world.replace(start(), Resource::Pods, foreign);
    world.advance(after(10));
    assert_eq!(active_set(&world)["status"]["replicas"], 3);
    assert_eq!(pods(&world).len(), 4);
}
