//! What settles: the verdict on the leaders, the rule, the step and the gate say the same.

use super::*;
use crate::diagnose::Diagnosis;
use crate::diagnose::leaders::Verdict;
use crate::diagnose::waiting::REASONS;
use crate::observe::observation::{ContainerState, Ended, PodUid};
use crate::profile::sop::StepStatus;
use crate::remediate::gate::{GateInput, gate};
use crate::remediate::plan::Plan;
use crate::testkit::look_at;
use crate::text::Redacted;

const KAFKAS: &str = "kafka-provisioning-latency";

/// A pod whose process started so long ago, after so many restarts.
fn started(short: &str, restarts: u32, age: i64, ready: bool) -> Pod {
    let mut pod = service_pod(short, age);
    if restarts > 0 {
        pod.created_at = Some(ago(9_000));
        (pod.restarts, pod.restarted_at) = (restarts, Some(ago(age)));
        let container = &mut pod.containers[0];
        container.restarts = restarts;
        container.state = ContainerState::Running {
            since: Some(ago(age)),
        };
        container.last = Some(Ended {
            reason: "Error".into(),
            message: Redacted::default(),
            exit_code: 2,
            started_at: Some(ago(age + 300)),
            finished_at: Some(ago(age)),
        });
    }
    if ready { pod } else { unready(pod, age) }
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

/// No Kafka leader, these pods, and what each of their processes says.
fn leaderless(pods: Vec<Pod>) -> State {
    let world = World::new().with(|world| (world.kafka_leads, world.pods) = (None, pods));
    let mut state = world.state();
    for pod in world.pods.iter().filter(|pod| pod.restarts > 0) {
        for (worker, leads) in [(KAFKA, None), (CLUSTER, world.cluster_leads)] {
            let mut batch = said_by(pod, worker, leads);
            batch.source.restart = pod.restarts;
            state.apply(Observation::Log(batch), now());
        }
    }
    state
}

fn judged(state: &State) -> Diagnosis {
    diagnose(state, &PROFILE, PROFILE.sop(KAFKAS).unwrap(), now())
}

/// What each of them says of the same observations: the verdict on the Kafka leader, the recommendation, and whether the gate refuses a restart
/// because something settles.
fn say(state: &State) -> (Verdict, String, bool) {
    let diagnosis = judged(state);
    let kafka = diagnosis
        .leaders
        .iter()
        .find(|one| one.log_type == KAFKA)
        .unwrap();
    let refused = look_at((state, &PROFILE, &diagnosis), now(), |account| {
        let situation = GateInput {
            account,
            past: &[],
            read_only: None,
        };
        let plan = Plan::restart_pod(account, &PodUid(SHORT[0].into())).unwrap();
        gate(&plan, &situation).refusals
    });
    let settles = refused.iter().any(|why| why.starts_with("wait "));
    (kafka.verdict, said(&diagnosis.decision), settles)
}

fn pods_ready(state: &State) -> (StepStatus, String) {
    let steps = judged(state).steps;
    let step = steps.into_iter().find(|step| step.id == "pods-ready").unwrap();
    (step.status, step.value.to_string())
}

fn wait(seconds: i64) -> (Verdict, String, bool) {
    let until = ago(-seconds);
    (Verdict::Settling { until }, "wait by settling".to_owned(), true)
}

fn act(what: &str) -> (Verdict, String, bool) {
    (Verdict::None, what.to_owned(), false)
}

#[test]
fn beside_two_ready_pods_all_of_them_wait_for_a_start_and_none_for_a_crash_loop() {
    for ready in [true, false] {
        for restarts in 0..=4 {
            for age in [20, 239, 240, 241] {
                let pods = vec![
                    service_pod(SHORT[0], 9_000),
                    service_pod(SHORT[1], 9_000),
                    started(SHORT[2], restarts, age, ready),
                ];
                let want = if restarts < 2 && age < 240 {
                    wait(240 - age)
                } else {
                    act("restart-pods by no-leader")
                };
                let state = leaderless(pods);
                assert_eq!(say(&state), want, "{restarts} restarts, {age} s, ready: {ready}");
                let crashing = judged(&state).decision.rules.into_iter();
                let crashing = crashing.filter(|rule| rule.id == "crashing" && rule.truth.is_true());
                assert_eq!(
                    crashing.count(),
                    usize::from(restarts >= 2),
                    "{restarts} restarts, {age} s"
                );
            }
        }
    }
}

#[test]
fn without_a_ready_pod_all_of_them_wait_until_a_process_had_its_time() {
    for restarts in 0..=4 {
        for age in [20, 59, 60, 61, 239, 241] {
            let state = leaderless(SHORT.map(|short| started(short, restarts, age, false)).to_vec());
            let waits = restarts < 2 && age < 60;
            let want = if waits {
                wait(60 - age)
            } else {
                act("start-pods by down")
            };
            assert_eq!(say(&state), want, "{restarts} restarts, {age} s");
            let status = if waits {
                StepStatus::Waiting
            } else {
                StepStatus::Fail
            };
            assert_eq!(pods_ready(&state).0, status, "{restarts} restarts, {age} s");
        }
    }
}

#[test]
fn a_minute_into_an_outage_nobody_waits_for_what_is_missing() {
    for row in REASONS {
        let mut state = leaderless(SHORT.map(|short| waiting_pod(short, 55, row.reason)).to_vec());
        state.began_at = Some(ago(30));
        let want = match (row.ends_wait, row.of_release) {
            (false, _) => "wait by settling",
            (true, true) => "escalate control-plane by down-by-release",
            (true, false) => "start-pods by down",
        };
        let (verdict, said, refused) = say(&state);
        assert_eq!(said, want, "{}", row.reason);
        assert_eq!(refused, !row.ends_wait, "{}", row.reason);
        assert_eq!(verdict == Verdict::None, row.ends_wait, "{}", row.reason);
        let (status, _) = pods_ready(&state);
        assert_eq!(status == StepStatus::Waiting, !row.ends_wait, "{}", row.reason);
    }
    let young = unschedulable().into_iter().map(|mut pod| {
        pod.created_at = Some(ago(55));
        pod
    });
    let state = leaderless(young.collect());
    assert_eq!(say(&state), act("escalate ocm-support by down-by-cluster"));
    assert_eq!(pods_ready(&state).0, StepStatus::Fail);
}

#[test]
fn a_volume_is_the_release_s_where_nobody_made_it_and_the_cluster_s_where_it_can_t_be_had() {
    let mount = |message: &str| {
        let mut state = leaderless(
            SHORT
                .map(|short| waiting_pod(short, 300, "ContainerCreating"))
                .to_vec(),
        );
        state.apply(event("FailedMount", "Pod", message, 15), now());
        said(&judged(&state).decision)
    };
    assert_eq!(
        mount("MountVolume.SetUp failed for volume \"c\" : configmap \"msa\" not found"),
        "escalate control-plane by down-by-release"
    );
    assert_eq!(
        mount("Unable to attach or mount volumes: timed out waiting for the condition"),
        "escalate ocm-support by down-by-cluster"
    );
}

#[test]
fn pods_that_are_lost_with_their_nodes_are_a_matter_of_the_cluster() {
    let all =
        |age: i64, since: i64| leaderless(SHORT.map(|short| lost(service_pod(short, age), since)).to_vec());
    // young or old, they do not start
    for age in [100, 9_000] {
        let state = all(age, 50);
        let decision = judged(&state).decision;
        assert_eq!(
            said(&decision),
            "escalate ocm-support by down-by-cluster",
            "{age}"
        );
        assert!(
            decision.recommendation.because[1].contains("node n1 has not reported for 50s"),
            "{decision:#?}"
        );
        assert_eq!(
            pods_ready(&state),
            (StepStatus::Fail, "0 of 3 ready".to_owned()),
            "{age}"
        );
    }
    // nodes that are late for a moment only
    assert_eq!(say(&all(9_000, 49)), wait(1));
    // the kubelet says itself that they are not ready: nothing is known of their nodes
    for age in [100, 9_000] {
        let state = leaderless(SHORT.map(|short| unready(service_pod(short, age), 10)).to_vec());
        assert_eq!(say(&state), act("start-pods by down"), "{age}");
        assert_eq!(
            pods_ready(&state),
            (StepStatus::Fail, "0 of 3 ready".to_owned()),
            "{age}"
        );
    }
}

#[test]
fn pods_are_not_started_because_the_api_server_was_away() {
    let after = |back: i64| {
        let mut state = leaderless(SHORT.map(|short| unready(service_pod(short, 9_000), 5)).to_vec());
        state.api_back_at = Some(ago(back));
        say(&state)
    };
    assert_eq!(after(15), wait(35));
    assert_eq!(after(50), act("start-pods by down"));
}
