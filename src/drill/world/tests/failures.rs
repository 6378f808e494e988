//! Containers that fail: probes, memory, migrations, back-off.

use super::*;

fn service_status(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

/// The seconds at which the service container of the first pod started, in the time given.
fn starts(world: &mut World, until: i64) -> Vec<i64> {
    let mut starts = Vec::new();
    let mut last = Value::Null;
    for second in 0..until {
        world.advance(after(second));
        let all = pods(world);
        let started = &service_status(&all[0])["state"]["running"]["startedAt"];
        if !started.is_null() && *started != last {
            last = started.clone();
            starts.push(second);
        }
    }
    starts
}

#[test]
fn probes_that_pass_leave_no_trace() {
    let mut world = world_of(&named("all-well"), 7);
    let before = world.store().version();
    world.advance(after(600));
    for resource in [Resource::Pods, Resource::Events, Resource::Deployments] {
        assert!(
            world.store().since(resource, before).unwrap().is_empty(),
            "{resource:?}"
        );
    }
}

#[test]
fn a_service_that_answers_no_probe_is_unready_after_three_and_killed_after_three() {
    let mut world = world_of(&named("all-well"), 7);
    let victim = uid(&pods(&world)[0]);
    let pod = |world: &World| pods(world).into_iter().find(|pod| uid(pod) == victim).unwrap();
    // The process is gone and the kubelet has not heard of it: nobody listens.
    world.service.kill(&victim);
    let mut seconds = 0;
    while service_status(&pod(&world))["state"]["running"].is_object() {
        seconds += 1;
        assert!(seconds < 60, "still running");
        world.advance(after(seconds));
    }
    // Three ticks of five seconds.
    assert!((10..=15).contains(&seconds), "killed after {seconds} s");
    let address = pod(&world)["status"]["podIP"].as_str().unwrap().to_owned();
    let words = format!(
        "Liveness probe failed: Get \"https://{address}:8000/api/managed-services-api\": dial tcp {address}:8000: connect: connection refused"
    );
    assert_eq!(counts(&world, "Unhealthy", &words), [3]);
    let killing = "Container service failed liveness probe, will be restarted";
    assert_eq!(counts(&world, "Killing", killing), [1]);
    assert_eq!(condition(&pod(&world), "Ready")["reason"], "ContainersNotReady");
    assert_eq!(
        condition(&pod(&world), "Ready")["message"],
        "containers with unready status: [service]"
    );
    world.advance(after(seconds + 3));
    let now = pod(&world);
    assert_eq!(service_status(&now)["restartCount"], 1);
    assert_eq!(service_status(&now)["lastState"]["terminated"]["exitCode"], 2);
    assert_eq!(service_status(&now)["started"], true);
    assert_eq!(ready(&world), 2);
    world.advance(after(seconds + 40));
    assert_eq!(ready(&world), 3);
}

#[test]
fn a_pod_that_fails_its_readiness_probe_is_unready_but_runs_on() {
    let mut world = world_of(&named("all-well"), 7);
    let victim = uid(&pods(&world)[0]);
    for run in world.pods.values_mut() {
        let container = run.containers.last_mut().unwrap();
        container
            .probes
            .retain(super::super::probes::ProbeRun::is_readiness);
    }
    world.service.kill(&victim);
    world.advance(after(45));
    let pod = pods(&world).into_iter().find(|pod| uid(pod) == victim).unwrap();
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(service_status(&pod)["ready"], false);
    assert_eq!(service_status(&pod)["restartCount"], 0);
    assert_eq!(condition(&pod, "ContainersReady")["status"], "False");
    assert_eq!(ready(&world), 2);
    assert_eq!(
        condition(&deployment(&world), "Available")["reason"],
        "MinimumReplicasUnavailable"
    );
    assert_eq!(
        condition(&deployment(&world), "Progressing")["reason"],
        "NewReplicaSetAvailable"
    );
}

#[test]
fn a_process_without_memory_ends_with_137() {
    let mut world = with_timeline("[[timeline]]\nat = '1s'\noom_pods = 1\n");
    world.advance(after(4));
    let all = pods(&world);
    let pod = all
        .iter()
        .find(|pod| service_status(pod)["restartCount"] == 1)
        .unwrap();
    let ended = &service_status(pod)["lastState"]["terminated"];
    assert_eq!(ended["exitCode"], 137);
    assert_eq!(ended["reason"], "OOMKilled");
    assert!(ended.get("message").is_none());
}

#[test]
fn a_crash_loop_waits_ten_seconds_and_twice_as_long_each_time_up_to_five_minutes() {
    let mut world = with_timeline("[[timeline]]\nat = '0s'\noom_after = '8s'\n");
    let starts = starts(&mut world, 1_700);
    let waits: Vec<i64> = starts.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
    // A run of 8 to 13 s, the back-off, and up to 13 s until the kubelet looks.
    for (wait, least) in waits.iter().zip([10, 20, 40, 80, 160, 300, 300]) {
        assert!((least + 8..least + 30).contains(wait), "{waits:?}");
    }
    assert!(waits.len() >= 7, "{waits:?}");
}

#[test]
fn a_container_that_ran_for_more_than_ten_minutes_resets_its_back_off() {
    let mut world = with_timeline(
        "[[timeline]]\nat = '1s'\noom_pods = 3\n[[timeline]]\nat = '60s'\noom_pods = 3\n[[timeline]]\nat = '800s'\noom_pods = 3\n",
    );
    world.advance(after(803));
    assert!(service_status(&pods(&world)[0])["state"]["running"].is_object());
    assert_eq!(service_status(&pods(&world)[0])["restartCount"], 3);
}

#[test]
fn the_states_of_a_crash_loop_are_those_recorded() {
    let mut world =
        with_timeline("[[timeline]]\nat = '1s'\noom_pods = 3\n[[timeline]]\nat = '10s'\noom_pods = 3\n");
    world.advance(after(11));
    let first = service_status(&pods(&world)[0]).clone();
    assert_eq!(first["state"]["terminated"]["reason"], "OOMKilled");
    assert_ne!(
        first["state"]["terminated"]["containerID"],
        first["lastState"]["terminated"]["containerID"]
    );
    assert_eq!(first["containerID"], first["state"]["terminated"]["containerID"]);
    world.advance(after(15));
    let all = pods(&world);
    let (name, uid) = (&all[0]["metadata"]["name"], &all[0]["metadata"]["uid"]);
    let pod = format!(
        "{}_{NAMESPACE}({})",
        name.as_str().unwrap(),
        uid.as_str().unwrap()
    );
    let then = service_status(&all[0]);
    assert_eq!(then["state"]["waiting"]["reason"], "CrashLoopBackOff");
    assert_eq!(
        then["state"]["waiting"]["message"],
        format!("back-off 10s restarting failed container=service pod={pod}").as_str()
    );
    assert_eq!(then["lastState"]["terminated"], first["state"]["terminated"]);
    assert_eq!(then["restartCount"], 1);
    assert_eq!(then["started"], false);
    let words = format!("Back-off restarting failed container service in pod {pod}");
    assert_eq!(counts(&world, "BackOff", &words), [2]);
}

#[test]
fn a_migration_that_fails_keeps_its_pods_in_init_and_says_why() {
    let world = world_of(&named("api-down-migration"), 7);
    assert_eq!((pods(&world).len(), ready(&world)), (3, 0));
    for pod in pods(&world) {
        assert_eq!(pod["status"]["phase"], "Pending");
        assert_eq!(
            service_status(&pod)["state"]["waiting"]["reason"],
            "PodInitializing"
        );
        assert_eq!(
            condition(&pod, "Initialized")["message"],
            "containers with incomplete status: [migration]"
        );
        let [id, migration] = [0, 1].map(|index| &pod["status"]["initContainerStatuses"][index]);
        assert_eq!(id["state"]["terminated"]["reason"], "Completed");
        assert_eq!(migration["state"]["waiting"]["reason"], "CrashLoopBackOff");
        assert_eq!(migration["lastState"]["terminated"]["exitCode"], 255);
        let restarts = migration["restartCount"].as_u64().unwrap();
        assert!(restarts >= 6, "{restarts}");
        let last = kubelet::instance(&uid(&pod), "migration", restarts as u32);
        let file = world.logs().file(&last).unwrap();
        let (lines, _) = file.read(file.first().line, 100);
        let last = String::from_utf8(lines.last().unwrap().bytes.to_vec()).unwrap();
        assert!(
            last.starts_with('F') && last.contains("Could not migrate: pq: "),
            "{last}"
        );
    }
}

#[test]
fn a_release_whose_migration_works_heals_the_pods() {
    let mut world = world_of(&named("api-down-migration"), 7);
    world.set_image(
        start(),
        "quay.io/app-sre/managed-services-api:9b598c7",
        &["initContainers", "containers"],
    );
    world.advance(after(60));
    assert_eq!((pods(&world).len(), ready(&world)), (3, 3));
}

#[test]
fn a_pod_whose_init_container_just_failed_is_in_error_before_it_backs_off() {
    let mut world = with_timeline(
        "[deployment]\nstrategy = 'Recreate'\n[releases]\nmigration_fails = ['i:bad']\n[[timeline]]\nat = '0s'\npromote = 'i:bad'\n",
    );
    let mut words = Vec::new();
    for tenth in 0..400 {
        world.advance(start() + SignedDuration::from_millis(tenth * 100));
        let all = pods(&world);
        let Some(pod) = all
            .iter()
            .find(|pod| pod["spec"]["containers"][0]["image"] == "i:bad")
        else {
            continue;
        };
        let state = &pod["status"]["initContainerStatuses"][1]["state"];
        for kind in ["waiting", "running", "terminated"] {
            let word = format!("{kind} {}", state[kind]["reason"].as_str().unwrap_or_default());
            if !state[kind].is_null() && words.last() != Some(&word) {
                words.push(word);
            }
        }
    }
    let expected = [
        "waiting PodInitializing",
        "running ",
        "terminated Error",
        "running ",
        "terminated Error",
        "waiting CrashLoopBackOff",
        "running ",
        "terminated Error",
        "waiting CrashLoopBackOff",
    ];
    assert_eq!(words, expected);
}

#[test]
fn several_containers_of_a_pod_are_started_one_after_the_other_and_all_must_be_ready() {
    let mut world = world_of(&named("all-well"), 7);
    let mut object = deployment(&world);
    let sidecar = serde_json::json!({"name": "envoy-sidecar", "image": "envoy:1", "resources": {}});
    let containers = &mut object["spec"]["template"]["spec"]["containers"];
    containers.as_array_mut().unwrap().push(sidecar);
    world.replace(start(), Resource::Deployments, object);
    world.advance(after(200));
    assert_eq!(ready(&world), 3);
    for pod in pods(&world) {
        let statuses = pod["status"]["containerStatuses"].as_array().unwrap();
        assert_eq!(statuses.len(), 2);
        assert!(
            statuses
                .iter()
                .all(|status| status["ready"] == true && status["restartCount"] == 0)
        );
    }
}

#[test]
fn the_pod_that_leads_can_be_deleted() {
    let mut world = with_timeline("[[timeline]]\nat = '1s'\ndelete_leader = 'kafka'\n");
    let leader = {
        let tables = world.tables.lock().unwrap();
        world.service.leader("kafka", &tables).unwrap()
    };
    world.advance(after(5));
    assert_eq!(pods(&world).len(), 3);
    assert!(pods(&world).iter().all(|pod| uid(pod) != leader));
}
