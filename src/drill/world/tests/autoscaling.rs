//! An autoscaler restores its number of pods; objects of other services don't change.

use super::*;

const AUTOSCALER: &str = r#"
[[objects]]
kind = "HorizontalPodAutoscaler"
apiVersion = "autoscaling/v2"
[objects.metadata]
name = "load"
[objects.spec]
scaleTargetRef = { apiVersion = "apps/v1", kind = "Deployment", name = "managed-services-api" }
minReplicas = 2
maxReplicas = 6
[objects.status]
desiredReplicas = 3
"#;

fn replicas(world: &World) -> u64 {
    deployment(world)["spec"]["replicas"].as_u64().unwrap()
}

#[test]
fn an_autoscaler_takes_back_another_number_and_leaves_nothing_alone() {
    let mut world = with_timeline(AUTOSCALER);
    world.scale(start(), SERVICE, 5);
    world.advance(after(20));
    assert_eq!(replicas(&world), 3);
    assert_eq!(
        said(&world, "SuccessfulRescale"),
        ["New size: 3; reason: All metrics below target"]
    );
    let autoscaler = world
        .store()
        .get(Resource::Autoscalers, NAMESPACE, "load")
        .unwrap();
    assert_eq!(autoscaler["status"]["desiredReplicas"], 3);
    world.scale(after(20), SERVICE, 0);
    world.advance(after(60));
    assert_eq!(replicas(&world), 0, "0 switches it off");
}

#[test]
fn pods_of_other_services_stay_and_their_controllers_create_none() {
    let mut world = world_of(&named("foreign-pods"), 7);
    world.advance(after(120));
    let with_label = pods(&world);
    let by = |kind: &str| {
        let owned = |pod: &&Arc<Value>| pod["metadata"]["ownerReferences"][0]["kind"] == *kind;
        with_label.iter().filter(owned).count()
    };
    assert_eq!((with_label.len(), by("Job"), by("ReplicaSet")), (6, 1, 4));
    let ready = with_label
        .iter()
        .filter(|pod| condition(pod, "Ready")["status"] == "True");
    assert_eq!(ready.count(), 3);
    assert_eq!(super::ready(&world), 0, "none of them is the deployment's");
    let canary = world
        .store()
        .get(Resource::Deployments, NAMESPACE, "managed-services-api-canary")
        .unwrap();
    assert_eq!(canary["status"]["readyReplicas"], 1);
}
