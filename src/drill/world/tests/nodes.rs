//! Nodes that fail and come back.

use super::*;

const FIRST: &str = super::super::nodes::NODES[0].0;

fn node(world: &World) -> Arc<Value> {
    Arc::clone(world.store().get(Resource::Nodes, "", FIRST).unwrap())
}

fn on_first(world: &World) -> Vec<Arc<Value>> {
    let all = pods(world).into_iter();
    all.filter(|pod| pod["spec"]["nodeName"] == FIRST).collect()
}

fn with_failure(more: &str) -> World {
    with_timeline(&format!(
        "[[timeline]]\nat = '0s'\ncluster = {{ node_fails = '{FIRST}' }}\n{more}"
    ))
}

#[test]
fn a_healthy_node_reports_every_five_minutes() {
    let mut world = world_of(&named("all-well"), 7);
    let beat = |world: &World| condition(&node(world), "Ready")["lastHeartbeatTime"].clone();
    let before = beat(&world);
    world.advance(after(301));
    assert_ne!(beat(&world), before);
    assert_eq!(condition(&node(&world), "Ready")["status"], "True");
    assert_eq!(on_first(&world).len(), 1, "pods are spread over the nodes");
}

#[test]
fn a_silent_node_is_lost_after_forty_seconds_and_its_pods_are_not_ready() {
    let mut world = with_failure("");
    world.advance(after(39));
    assert_eq!(condition(&node(&world), "Ready")["status"], "True");
    assert_eq!(ready(&world), 3);
    world.advance(after(41));
    let lost = node(&world);
    for kind in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
        let condition = condition(&lost, kind);
        assert_eq!(condition["status"], "Unknown");
        assert_eq!(condition["reason"], "NodeStatusUnknown");
        assert_eq!(condition["message"], "Kubelet stopped posting node status.");
    }
    let taints: Vec<String> = lost["spec"]["taints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|taint| {
            format!(
                "{}:{}",
                taint["key"].as_str().unwrap(),
                taint["effect"].as_str().unwrap()
            )
        })
        .collect();
    let unreachable = "node.kubernetes.io/unreachable";
    assert_eq!(
        taints,
        [
            format!("{unreachable}:NoSchedule"),
            format!("{unreachable}:NoExecute")
        ]
    );
    let pod = &on_first(&world)[0];
    // The node controller changes the condition and nothing else: the container still counts as ready.
    assert_eq!(condition(pod, "Ready")["status"], "False");
    assert!(condition(pod, "Ready").get("reason").is_none());
    assert_eq!(condition(pod, "ContainersReady")["status"], "True");
    assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true);
    assert_eq!(ready(&world), 2);
    let mut words = said(&world, "NodeNotReady");
    words.sort();
    assert_eq!(
        words,
        [
            format!("Node {FIRST} status is now: NodeNotReady"),
            "Node is not ready".to_owned()
        ]
    );
}

#[test]
fn after_five_minutes_the_pods_of_a_lost_node_are_deleted_replaced_and_never_end() {
    let mut world = with_failure("");
    world.advance(after(335));
    assert!(on_first(&world)[0]["metadata"].get("deletionTimestamp").is_none());
    world.advance(after(400));
    let going = &on_first(&world)[0];
    assert_eq!(going["metadata"]["deletionTimestamp"], "2026-11-22T09:06:10Z");
    let disruption = condition(going, "DisruptionTarget");
    assert_eq!(disruption["reason"], "DeletionByTaintManager");
    assert_eq!(
        disruption["message"],
        "Taint manager: deleting due to NoExecute taint"
    );
    let name = going["metadata"]["name"].as_str().unwrap();
    assert_eq!(
        said(&world, "TaintManagerEviction"),
        [format!("Marking for deletion Pod {NAMESPACE}/{name}")]
    );
    assert_eq!((pods(&world).len(), ready(&world)), (4, 3));
    world.advance(after(2_000));
    assert_eq!(on_first(&world).len(), 1);
    let victim = uid(&on_first(&world)[0]);
    world.delete_pod(after(2_000), &victim, 0);
    assert!(on_first(&world).is_empty());
}

#[test]
fn a_node_that_comes_back_ends_the_deleted_pods() {
    let back = format!("[[timeline]]\nat = '600s'\ncluster = {{ node_recovers = '{FIRST}' }}\n");
    let mut world = with_failure(&back);
    world.advance(after(605));
    assert!(on_first(&world).is_empty());
    assert_eq!(condition(&node(&world), "Ready")["status"], "True");
    assert!(node(&world)["spec"].get("taints").is_none());
    assert_eq!(pods(&world).len(), 3);
}

#[test]
fn a_node_that_comes_back_early_restarts_its_pods() {
    let back = format!("[[timeline]]\nat = '100s'\ncluster = {{ node_recovers = '{FIRST}' }}\n");
    let mut world = with_failure(&back);
    world.advance(after(160));
    let pod = &on_first(&world)[0];
    let service = &pod["status"]["containerStatuses"][0];
    assert_eq!(service["restartCount"], 1);
    assert_eq!(service["lastState"]["terminated"]["exitCode"], 255);
    assert_eq!(service["lastState"]["terminated"]["reason"], "Unknown");
    assert_eq!(pod["status"]["initContainerStatuses"][1]["restartCount"], 1);
    assert_eq!(ready(&world), 3);
    assert_eq!(
        said(&world, "SandboxChanged"),
        ["Pod sandbox changed, it will be killed and re-created."]
    );
}

#[test]
fn a_full_disk_evicts_the_nodes_pods_and_keeps_others_away() {
    let full = format!("[[timeline]]\nat = '0s'\ncluster = {{ disk_full = '{FIRST}' }}\n");
    let mut world = with_timeline(&full);
    world.advance(after(60));
    let evicted = &on_first(&world)[0];
    assert_eq!(evicted["status"]["phase"], "Failed");
    assert_eq!(evicted["status"]["reason"], "Evicted");
    let words = evicted["status"]["message"].as_str().unwrap();
    assert!(
        words.starts_with("The node was low on resource: ephemeral-storage. Threshold quantity: "),
        "{words}"
    );
    assert_eq!(said(&world, "Evicted"), [words]);
    assert_eq!(condition(evicted, "Ready")["reason"], "PodFailed");
    assert_eq!(condition(&node(&world), "DiskPressure")["status"], "True");
    assert_eq!(
        (pods(&world).len(), on_first(&world).len(), ready(&world)),
        (4, 1, 3)
    );
    let victim = uid(evicted);
    world.delete_pod(after(60), &victim, 30);
    assert!(on_first(&world).is_empty());
}

#[test]
fn a_cluster_without_nodes_leaves_the_service_without_pods() {
    let world = world_of(&named("api-down-node"), 7);
    assert_eq!(ready(&world), 0);
    let words = "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 2 node(s) had untolerated taint {node.kubernetes.io/unreachable: }. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
    assert_eq!(said(&world, "FailedScheduling").last().unwrap(), words);
    let going = pods(&world)
        .iter()
        .filter(|pod| pod["metadata"].get("deletionTimestamp").is_some())
        .count();
    assert_eq!((pods(&world).len(), going), (6, 2));
}

#[test]
fn the_kubelet_of_a_node_that_is_off_gives_no_logs() {
    let world = with_failure("");
    for pod in pods(&world) {
        let address = (pod["spec"]["nodeName"] == FIRST).then_some("10.0.134.21");
        assert_eq!(world.silent_node(&uid(&pod)), address);
    }
}

#[test]
fn nodes_that_are_late_for_a_moment_take_readiness_away_and_give_it_back_as_it_was() {
    let late = "[[timeline]]\nat = '10s'\ncluster = { nodes_late = 20 }\n";
    let mut world = with_timeline(late);
    world.advance(after(9));
    let before: Vec<Value> = pods(&world)
        .iter()
        .map(|pod| condition(pod, "Ready").clone())
        .collect();
    world.advance(after(11));
    assert_eq!(ready(&world), 0);
    for pod in pods(&world) {
        assert_eq!(condition(&pod, "Ready")["status"], "False");
        assert!(condition(&pod, "Ready").get("reason").is_none());
        assert_eq!(condition(&pod, "ContainersReady")["status"], "True");
    }
    assert_eq!(condition(&node(&world), "Ready")["status"], "Unknown");
    let of_pods = said(&world, "NodeNotReady");
    let of_pods = of_pods.iter().filter(|words| *words == "Node is not ready");
    assert_eq!(of_pods.count(), 3);
    world.advance(after(31));
    let again: Vec<Value> = pods(&world)
        .iter()
        .map(|pod| condition(pod, "Ready").clone())
        .collect();
    assert_eq!(again, before, "the kubelet writes the time that it knows");
    assert_eq!(condition(&node(&world), "Ready")["status"], "True");
    assert!(node(&world)["spec"].get("taints").is_none());
    for pod in pods(&world) {
        assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0);
    }
    world.advance(after(900));
    assert_eq!((pods(&world).len(), ready(&world)), (3, 3), "nobody evicts them");
}
