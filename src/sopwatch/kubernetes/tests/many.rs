//! Many pods: streams and requests stay few, and every log is read in its turn.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::clock::run;
use super::console::{Console, log_of};
use super::fake::{Fake, Reply};
use sopwatch_core::logparse::LogFocus;
use sopwatch_core::observe::observation::{Observation, PodUid};
use sopwatch_core::observe::source::{SourceId, SourceState};

const MINUTE: Duration = Duration::from_mins(1);

/// Long enough for each of 500 logs to get a turn, while those that are followed are silent and checked.
const ALL_TURNS: Duration = Duration::from_mins(16);

fn name(number: usize) -> String {
    format!("api-{number:03}")
}

/// A pod that is ready or not; the higher its number, the newer.
fn pod(number: usize, ready: bool) -> Value {
    let name = name(number);
    let created = format!("2026-11-20T{:02}:{:02}:00Z", number / 60, number % 60);
    json!({
        "metadata": {"name": name, "uid": format!("uid-{name}"), "creationTimestamp": created,
            "labels": {"app": "managed-services-api", "pod-template-hash": "x"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "managed-services-api-x",
                "uid": "uid-set", "controller": true}]},
        "spec": {"containers": [{"name": "service", "image": "kas:1"}]},
        "status": {"phase": "Running",
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
            "containerStatuses": [{
                "name": "service", "ready": ready, "restartCount": 0, "image": "kas:1", "imageID": "", "containerID": "c",
                "state": {"running": {"startedAt": created}}, "lastState": {}}]}
    })
}

/// A service of so many pods whose logs have one line each and stay silent.
fn silent(pods: usize) -> Fake {
    let fake = Fake::new();
    for number in 0..pods {
        fake.apply("pods", pod(number, number != 7));
        fake.write(&name(number), &format!("2026-11-22T08:22:00Z of {number}"));
    }
    fake
}

/// The pods whose logs were asked for.
fn pods_asked(fake: &Fake) -> BTreeSet<String> {
    let asked = fake.asked("/log?").into_iter();
    let pod = |line: String| {
        let pod = line.split("/pods/").nth(1)?.split('/').next()?;
        Some(pod.to_owned())
    };
    asked.filter_map(|asked| pod(asked.line)).collect()
}

fn is_state(observation: &Observation, id: &SourceId, state: &SourceState) -> bool {
    matches!(observation, Observation::Source(of, known) if of == id && known == state)
}

#[test]
fn of_five_hundred_silent_logs_few_are_followed_and_each_gets_its_turn() {
    run(async {
        let fake = silent(500);
        let mut console = Console::on(&fake);
        console.settled().await;
        console.listen(MINUTE).await;
        assert_eq!(pods_asked(&fake).len(), 500, "each log is read at the start");
        assert_eq!(console.lines("").len(), 500);
        let leaders = BTreeSet::from([PodUid("uid-api-003".into())]);
        let chosen = BTreeSet::from([PodUid("uid-api-200".into())]);
        console.focus.send_replace(LogFocus { chosen, leaders });
        console.listen(MINUTE).await;

        fake.forget_asked();
        let resting = log_of(&name(100), 0);
        assert!(console.told.iter().any(|(_, observation)| is_state(
            observation,
            &resting,
            &SourceState::Resting
        )));
        for number in 0..500 {
            fake.write(&name(number), &format!("2026-11-22T09:03:00Z later of {number}"));
        }
        let mut requests = 0;
        for minute in 0..ALL_TURNS.as_secs() / MINUTE.as_secs() {
            console.listen(MINUTE).await;
            let followed: BTreeSet<_> = fake.followed().into_iter().collect();
            for kept in [3, 7, 200, 499] {
                assert!(
                    followed.contains(&name(kept)),
                    "minute {minute}: {kept} of {followed:?}"
                );
            }
            assert!(followed.len() > 50);
            let all = fake.asked("").len() - requests;
            assert!(all < 2 * 60, "{all} requests in minute {minute}");
            requests += all;
        }
        assert_eq!(
            pods_asked(&fake).len(),
            500,
            "each had its turn, or was followed and checked"
        );
        assert!(fake.most_open() <= 64, "{} streams", fake.most_open());
        // What was written while nobody followed came with the turn, once.
        for number in 0..500 {
            let want = [format!("of {number}"), format!("later of {number}")];
            assert_eq!(console.lines(&name(number)), want);
        }
        assert_eq!(
            console.notes(),
            [],
            "nothing was lost, and a turn is nobody's news"
        );
    });
}

#[test]
fn as_many_logs_as_there_are_streams_are_all_followed() {
    run(async {
        let fake = silent(64);
        let mut console = Console::on(&fake);
        console.settled().await;
        assert_eq!(fake.followed().len(), 64);
        fake.forget_asked();
        console.listen(10 * MINUTE).await;
        assert_eq!(fake.asked("/log? follow=true").len(), 0, "the streams are kept");
        let checks = fake.asked("/log?").len();
        assert!((500..=610).contains(&checks), "{checks} checks in ten minutes");
        assert_eq!(pods_asked(&fake).len(), 64);
    });
}

#[test]
fn a_log_that_was_rotated_between_two_turns_has_a_gap() {
    run(async {
        let fake = silent(120);
        let mut console = Console::on(&fake);
        console.settled().await;
        console.listen(MINUTE).await;
        let pod = name(20);
        assert!(!fake.followed().contains(&pod));
        fake.log(&pod, |log| log.lines.clear());
        fake.write(&pod, "2026-11-22T09:04:00Z after the rotation");
        console.line("after the rotation").await;
        console.listen(Duration::from_secs(1)).await;
        let notes = console.notes();
        assert!(
            matches!(&notes[..], [(1, text)] if text.contains("read again after") && text.contains("may be missing")),
            "{notes:?}"
        );
    });
}

#[test]
fn logs_of_ended_containers_are_read_once_and_hold_no_stream() {
    run(async {
        let fake = silent(3);
        for number in 100..300 {
            let mut over = pod(number, false);
            over["status"]["phase"] = json!("Failed");
            over["status"]["containerStatuses"][0]["state"] =
                json!({"terminated": {"exitCode": 1, "reason": "Error"}});
            fake.apply("pods", over);
            fake.write(
                &name(number),
                &format!("2026-11-22T08:22:00Z last words of {number}"),
            );
            fake.end_log(&name(number), false);
        }
        let mut console = Console::on(&fake);
        console.settled().await;
        console.listen(MINUTE).await;
        assert_eq!(fake.followed(), [name(0), name(1), name(2)]);
        for number in 100..300 {
            assert_eq!(console.lines(&name(number)), [format!("last words of {number}")]);
            assert_eq!(fake.asked(&format!("/{}/log?", name(number))).len(), 1);
        }
    });
}

#[test]
fn logs_of_ended_containers_that_no_node_has_leave_the_others_their_turns() {
    run(async {
        let fake = silent(0);
        for number in 0..150 {
            let mut crashed = pod(number, true);
            let status = &mut crashed["status"]["containerStatuses"][0];
            status["restartCount"] = json!(1);
            status["lastState"] = json!({"terminated": {"exitCode": 2, "reason": "Error"}});
            fake.apply("pods", crashed);
            fake.write(&name(number), &format!("2026-11-22T08:22:00Z of {number}"));
        }
        fake.always("previous=true", || {
            Reply::Text(
                200,
                "unable to retrieve container logs for containerd://b91ca08d41b0".into(),
            )
        });
        let mut console = Console::on(&fake);
        console.settled().await;
        console.listen(5 * MINUTE).await;
        assert_eq!(
            console.lines("").len(),
            150,
            "nothing but what the containers wrote"
        );
        for number in 0..150 {
            fake.write(&name(number), &format!("2026-11-22T09:06:00Z later of {number}"));
        }
        let mut requests = fake.asked("").len();
        for minute in 0..15 {
            console.listen(MINUTE).await;
            let all = fake.asked("").len() - requests;
            assert!(all < 2 * 60, "{all} requests in minute {minute}");
            requests += all;
        }
        assert_eq!(console.lines("").len(), 300, "each log had its turn");
    });
}
