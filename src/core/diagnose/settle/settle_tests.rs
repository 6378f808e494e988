//! The settle window, by its limits: each from both sides.

use super::*;
use crate::diagnose::waiting::REASONS;
use crate::observe::observation::{ClusterEvent, Ended, Observation};
use crate::profile::Profile;
use crate::testkit::{SHORT, ago, deployment, now, pod, profile, state, waiting_pod};

const DAY: i64 = 86_400;

fn settles(state: &State) -> Result<Settling, Settled> {
    let Profile { leaders, .. } = profile();
    settling(state, &leaders, now())
}

/// In how many seconds everything is settled, or why there is nothing to wait for.
fn left(pods: Vec<Pod>) -> Result<i64, Settled> {
    left_of(&state(pods))
}

fn left_of(state: &State) -> Result<i64, Settled> {
    let settling = settles(state)?;
    Ok(settling.until.duration_since(now()).as_secs())
}

fn three(of: impl Fn(&str) -> Pod) -> Vec<Pod> {
    SHORT.map(of).to_vec()
}

/// Two pods that have been ready for a day, and another.
fn beside(third: Pod) -> Vec<Pod> {
    vec![pod(SHORT[0], DAY), pod(SHORT[1], DAY), third]
}

/// A pod whose process started so long ago, after so many restarts.
fn restarted(short: &str, restarts: u32, age: i64) -> Pod {
    let mut pod = pod(short, age);
    if restarts > 0 {
        pod.created_at = Some(ago(DAY));
        (pod.restarts, pod.restarted_at) = (restarts, Some(ago(age)));
        pod.containers[0].restarts = restarts;
    }
    pod
}

/// The same pod, not ready for so long, as its kubelet says it.
fn unready(mut pod: Pod, since: i64) -> Pod {
    pod.ready = 0;
    pod.containers[0].ready = false;
    pod.conditions[0].status = "False".into();
    pod.conditions[0].reason = "ContainersNotReady".into();
    pod.conditions[0].since = Some(ago(since));
    pod
}

/// The same pod as the node controller leaves it whose node has been late for so long.
fn lost(mut pod: Pod, since: i64) -> Pod {
    pod.conditions[0].status = "False".into();
    pod.conditions[0].since = Some(ago(since));
    pod
}

#[test]
fn beside_ready_pods_a_start_is_waited_for_as_long_as_a_lease_a_tick_and_a_loop() {
    for (age, want) in [(0, Ok(240)), (239, Ok(1)), (240, Err(Settled::LongAgo))] {
        assert_eq!(left(beside(restarted(SHORT[2], 0, age))), want, "{age}");
        assert_eq!(
            left(beside(restarted(SHORT[2], 1, age))),
            want,
            "{age}, restarted once"
        );
        assert_eq!(
            left(beside(unready(restarted(SHORT[2], 0, age), age))),
            want,
            "{age}, not ready"
        );
        assert_eq!(
            left(beside(restarted(SHORT[2], 2, age))),
            Err(Settled::LongAgo),
            "{age}, in a crash loop"
        );
    }
}

#[test]
fn a_start_that_lies_ahead_by_more_than_the_clocks_may_differ_is_not_waited_for() {
    assert_eq!(left(beside(restarted(SHORT[2], 1, -30))), Ok(270));
    assert_eq!(left(beside(restarted(SHORT[2], 1, -31))), Err(Settled::LongAgo));
}

#[test]
fn a_crash_loop_is_two_restarts_within_the_window() {
    let climbs = |pod: Pod| {
        let state = state(vec![pod]);
        is_climbing(&state, state.pods.values().next().unwrap(), now())
    };
    assert!(!climbs(restarted(SHORT[0], 1, 20)));
    assert!(climbs(restarted(SHORT[0], 2, 20)));
    assert!(climbs(restarted(SHORT[0], 2, 1_800)));
    assert!(
        !climbs(restarted(SHORT[0], 2, 1_801)),
        "the last was before the window"
    );
    // nine restarts in a year, and the process before this one had run for long
    let ended = |started: Option<i64>| {
        let mut pod = restarted(SHORT[0], 9, 20);
        pod.containers[0].last = Some(Ended {
            reason: "Error".into(),
            message: "".into(),
            exit_code: 2,
            started_at: started.map(ago),
            finished_at: Some(ago(20)),
        });
        pod
    };
    assert!(climbs(ended(Some(1_800))));
    assert!(!climbs(ended(Some(1_801))), "the one restart within the window");
    assert!(climbs(ended(None)), "nobody knows how long it had run");
    // an incident that began earlier looks back further
    let mut earlier = state(vec![restarted(SHORT[0], 2, 1_801)]);
    earlier.began_at = Some(ago(2_000));
    assert!(is_climbing(
        &earlier,
        earlier.pods.values().next().unwrap(),
        now()
    ));
}

#[test]
fn without_a_ready_pod_a_process_is_waited_for_no_longer_than_it_takes_to_be_ready() {
    for restarts in [0, 1] {
        let all = |age| left(three(|short| unready(restarted(short, restarts, age), age)));
        assert_eq!(all(20), Ok(40));
        assert_eq!(all(59), Ok(1));
        assert_eq!(all(60), Err(Settled::Hopeless));
    }
    let crashing = three(|short| unready(restarted(short, 2, 20), 20));
    assert_eq!(left(crashing), Err(Settled::Hopeless));
    // one of them is enough
    let mut one = three(|short| unready(restarted(short, 2, 20), 20));
    one[1] = unready(restarted(SHORT[1], 0, 20), 20);
    assert_eq!(left(one), Ok(40));
}

#[test]
fn a_pod_that_was_ready_after_its_start_does_not_start() {
    // its process started 40 s ago
    let turned = |since| left(three(|short| unready(restarted(short, 0, 40), since)));
    assert_eq!(turned(35), Ok(20), "dated by whole seconds, and a look later");
    assert_eq!(turned(34), Err(Settled::Hopeless), "a probe fails");
}

#[test]
fn a_container_that_waits_for_what_is_missing_ends_the_wait() {
    for row in REASONS {
        let all = left(three(|short| waiting_pod(short, 50, row.reason)));
        let want = if row.ends_wait {
            Err(Settled::Hopeless)
        } else {
            Ok(190)
        };
        assert_eq!(all, want, "{}", row.reason);
        let mut one_comes = three(|short| waiting_pod(short, 50, row.reason));
        one_comes[0] = waiting_pod(SHORT[0], 50, "ContainerCreating");
        assert_eq!(left(one_comes), Ok(190), "{}", row.reason);
    }
    // an init container waits for its image
    let init = three(|short| {
        let mut pod = waiting_pod(short, 50, "PodInitializing");
        let mut init = waiting_pod(short, 50, "ErrImagePull").containers.remove(0);
        init.init = true;
        pod.containers.insert(0, init);
        pod.status = "Init:ErrImagePull".into();
        pod
    });
    assert_eq!(left(init), Err(Settled::Hopeless));
    // pods without a node
    let unscheduled = three(|short| {
        let mut pod = waiting_pod(short, 50, "Pending");
        pod.conditions.push(Condition {
            kind: "PodScheduled".into(),
            status: "False".into(),
            reason: "Unschedulable".into(),
            message: "0/3 nodes are available".into(),
            since: Some(ago(49)),
        });
        pod
    });
    assert_eq!(left(unscheduled), Err(Settled::Hopeless));
}

#[test]
fn a_volume_that_nobody_made_ends_the_wait() {
    let event = |message: &str, pod: &str| {
        Observation::ClusterEvent(ClusterEvent {
            uid: pod.into(),
            warning: true,
            reason: "FailedMount".into(),
            message: message.into(),
            object_kind: "Pod".into(),
            object_name: format!("msa-x-{pod}").as_str().into(),
            count: 5,
            first_at: Some(ago(45)),
            last_at: Some(ago(15)),
        })
    };
    let with = |message: &str| {
        let mut state = state(three(|short| waiting_pod(short, 50, "ContainerCreating")));
        for short in SHORT {
            state.apply(event(message, short), now());
        }
        left_of(&state)
    };
    let missing = [
        "MountVolume.SetUp failed for volume \"config\" : configmap \"msa-config\" not found",
        "MountVolume.SetUp failed for volume \"rds\" : secret \"msa-rds\" not found",
        "MountVolume.SetUp failed for volume \"rds\" : references non-existent secret key: db.host",
    ];
    for message in missing {
        assert_eq!(with(message), Err(Settled::Hopeless), "{message}");
    }
    let slow = "Unable to attach or mount volumes: timed out waiting for the condition";
    assert_eq!(with(slow), Ok(190));
}

#[test]
fn a_node_that_is_late_is_waited_for_no_longer_than_nodes_may_be_late() {
    for (since, want) in [(0, Ok(50)), (49, Ok(1)), (50, Err(Settled::Hopeless))] {
        assert_eq!(left(three(|short| lost(pod(short, DAY), since))), want, "{since}");
    }
    for (since, want) in [(49, Ok(1)), (50, Err(Settled::LongAgo))] {
        assert_eq!(
            left(beside(lost(pod(SHORT[2], DAY), since))),
            want,
            "{since}, one of three"
        );
    }
    // young pods of a lost node do not start
    assert_eq!(
        left(three(|short| lost(pod(short, 100), 55))),
        Err(Settled::Hopeless)
    );
    let named = settles(&state(three(|short| lost(pod(short, DAY), 10)))).unwrap();
    assert!(
        named.why.contains("its node stopped reporting 10s ago"),
        "{}",
        named.why
    );
    // a kubelet that takes readiness away reports
    assert_eq!(
        left(three(|short| unready(pod(short, DAY), 10))),
        Err(Settled::Hopeless)
    );
}

#[test]
fn pods_that_turned_when_the_api_server_came_back_are_given_the_time_of_a_late_node() {
    let after = |back: i64, turned: i64| {
        let mut state = state(three(|short| unready(pod(short, DAY), turned)));
        state.api_back_at = Some(ago(back));
        left_of(&state)
    };
    assert_eq!(after(10, 8), Ok(40));
    assert_eq!(after(49, 47), Ok(1));
    assert_eq!(after(50, 48), Err(Settled::Hopeless));
    assert_eq!(after(10, 60), Ok(40), "during the outage");
    assert_eq!(after(10, 61), Err(Settled::Hopeless), "before it");
    let mut crashed = state(three(|short| unready(restarted(short, 2, 8), 8)));
    crashed.api_back_at = Some(ago(10));
    assert_eq!(left_of(&crashed), Err(Settled::Hopeless));
}

#[test]
fn pods_that_still_go_are_waited_for_where_others_are_to_come() {
    let going = |lost_too: bool, wanted: u32| {
        let pods = three(|short| {
            let mut pod = pod(short, DAY);
            pod.deletion_at = Some(ago(-20));
            if lost_too { lost(pod, 400) } else { pod }
        });
        let mut state = state(pods);
        state.apply(Observation::Deployment(Some(deployment(wanted))), now());
        left_of(&state)
    };
    assert_eq!(going(false, 3), Ok(20));
    assert_eq!(going(false, 0), Err(Settled::Hopeless), "none is asked for");
    assert_eq!(going(true, 3), Err(Settled::Hopeless), "nobody ends them");
}

#[test]
fn whether_a_restart_helped_is_known_at_once_where_no_pod_will_be_ready() {
    let Profile { leaders, .. } = profile();
    let until = |pods: Vec<Pod>, restarted: i64| {
        let until = settled_after(ago(restarted), &state(pods), &leaders, now())?;
        Some(until.duration_since(now()).as_secs())
    };
    let well = || three(|short| pod(short, DAY));
    assert_eq!(until(well(), 239), Some(1));
    assert_eq!(until(well(), 240), None);
    let stuck = || three(|short| waiting_pod(short, 50, "ImagePullBackOff"));
    assert_eq!(until(stuck(), 60), Some(180), "they may still come");
    assert_eq!(until(stuck(), 61), None);
}

#[test]
fn why_there_is_something_to_wait_for_or_nothing_is_said() {
    let why = |state: &State| settles(state).map(|settling| settling.why);
    let started = beside(pod(SHORT[2], 200));
    assert_eq!(
        why(&state(started)).unwrap(),
        "a pod started 3m20s ago; electing a leader can take 4m"
    );
    let mut killed = restarted(SHORT[2], 1, 21);
    assert_eq!(
        why(&state(beside(killed.clone()))).unwrap(),
        "pod lzxms restarted 21s ago; electing a leader can take 4m",
        "its pod is a day old"
    );
    killed.containers[0].last = Some(Ended {
        reason: "OOMKilled".into(),
        message: "".into(),
        exit_code: 137,
        started_at: Some(ago(DAY)),
        finished_at: Some(ago(21)),
    });
    assert_eq!(
        why(&state(beside(killed))).unwrap(),
        "pod lzxms restarted 21s ago (OOMKilled); electing a leader can take 4m"
    );
    let unready_yet = three(|short| unready(pod(short, 20), 20));
    assert_eq!(
        why(&state(unready_yet)).unwrap(),
        "no pod is ready yet; the newest may be ready in 40s"
    );
    let late = beside(lost(pod(SHORT[2], DAY), 10));
    assert_eq!(
        why(&state(late)).unwrap(),
        "lzxms is not ready: its node stopped reporting 10s ago, and a live node reports again within 40s"
    );
    let mut away = state(three(|short| unready(pod(short, DAY), 8)));
    away.api_back_at = Some(ago(10));
    assert_eq!(
        why(&away).unwrap(),
        "the API server was away until 10s ago; nodes can look lost for up to 50s after it"
    );
    let words = |state: &State| settles(state).unwrap_err().words(&crate::testkit::leaders());
    assert_eq!(
        words(&state(three(|short| pod(short, DAY)))),
        "no pod started in the last 4m"
    );
    assert_eq!(words(&State::default()), "no pod is ready, and none is starting");
}

#[test]
fn the_newest_start_is_of_a_pod_in_a_crash_loop_only_where_there_is_no_other() {
    let newest = |pods: Vec<Pod>| newest_start(&state(pods), now());
    assert_eq!(newest(Vec::new()), None);
    assert_eq!(newest(beside(pod(SHORT[2], 500))), Some(ago(500)));
    let climbing = |short: &str| restarted(short, 2, 20);
    assert_eq!(newest(beside(climbing(SHORT[2]))), Some(ago(DAY)));
    assert_eq!(newest(three(climbing)), Some(ago(20)));
}

#[test]
fn a_pod_starts_within_the_settle_window_and_while_its_init_containers_are_counted() {
    let Profile { leaders, .. } = profile();
    let starts = |age: i64, status: &str| {
        let pod = waiting_pod(SHORT[0], age, "ContainerCreating");
        let pod = Pod {
            status: status.into(),
            ..pod
        };
        is_starting(&State::default(), &leaders, &pod, now())
    };
    assert!(starts(239, "ContainerCreating") && !starts(240, "ContainerCreating"));
    for (status, normal) in [
        ("Pending", true),
        ("Init:0/1", true),
        ("Init:Error", false),
        ("Error 1/2", false),
        ("Error", false),
    ] {
        assert_eq!(starts(10, status), normal, "{status}");
    }
}

#[test]
fn a_pod_is_lost_with_its_node_where_its_containers_still_count_as_ready() {
    // how many containers are ready, of how many; the reason why the pod is not
    for (ready, total, reason, is_lost) in [
        (1, 1, "", true),
        (0, 1, "", false),
        (0, 0, "", false),
        (0, 1, "NodeNotReady", true),
        (1, 1, "ContainersNotReady", false),
    ] {
        let mut pod = lost(pod(SHORT[0], DAY), 10);
        (pod.ready, pod.total) = (ready, total);
        pod.conditions[0].reason = reason.into();
        assert_eq!(is_lost_with_node(&pod), is_lost, "{ready} of {total}, {reason:?}");
    }
    assert!(!is_lost_with_node(&pod(SHORT[0], DAY)), "it is ready");
}

#[test]
fn pods_that_go_are_not_waited_for_where_they_are_over_or_another_is_there() {
    let goes = |mut pod: Pod| {
        pod.deletion_at = Some(ago(-20));
        pod
    };
    assert_eq!(left(three(|short| goes(pod(short, DAY)))), Ok(20));
    let over = three(|short| {
        let mut pod = goes(pod(short, DAY));
        pod.phase = "Failed".into();
        pod
    });
    assert_eq!(left(over), Err(Settled::Hopeless));
    let mut one_is_stuck = three(|short| goes(pod(short, DAY)));
    one_is_stuck[0] = waiting_pod(SHORT[0], 50, "ImagePullBackOff");
    assert_eq!(left(one_is_stuck), Err(Settled::Hopeless));
}

#[test]
fn one_pod_that_did_not_turn_with_the_others_says_that_it_was_not_the_server() {
    let after = |third: Pod| {
        let mut pods = three(|short| unready(pod(short, DAY), 8));
        pods[2] = third;
        let mut state = state(pods);
        state.api_back_at = Some(ago(10));
        left_of(&state)
    };
    assert_eq!(after(unready(pod(SHORT[2], DAY), 8)), Ok(40));
    let earlier = unready(pod(SHORT[2], DAY), 500);
    assert_eq!(after(earlier), Err(Settled::Hopeless));
    let mut ended = unready(pod(SHORT[2], DAY), 8);
    ended.status = "Error".into();
    assert_eq!(after(ended), Err(Settled::Hopeless));
    // It was ready between two crashes.
    let crashes = unready(restarted(SHORT[2], 2, 30), 8);
    assert_eq!(after(crashes), Err(Settled::Hopeless));
    let ready = after(pod(SHORT[2], DAY));
    assert_eq!(ready, Err(Settled::LongAgo), "a pod that is ready");
}
