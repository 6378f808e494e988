//! What is told when all is well.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::clock::run;
use super::console::{Console, deployment, log_of, pod};
use super::fake::{Fake, Reply, STREAM, refused};
use crate::kubernetes::SecretRequest;
use crate::kubernetes::clock::sleep;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};

#[test]
fn everything_is_told_from_one_list_each() {
    run(async {
        let fake = Fake::new();
        fake.apply("deployments", deployment(3));
        fake.apply("pods", pod("api-1"));
        fake.apply(
            "events",
            json!({"metadata": {"uid": "e1", "name": "e1"}, "type": "Warning", "reason": "BackOff",
        "involvedObject": {"kind": "Pod", "name": "managed-services-api-1"}}),
        );
        fake.apply(
            "events",
            json!({"metadata": {"uid": "e2", "name": "e2"}, "type": "Warning", "reason": "BackOff",
        "involvedObject": {"kind": "Pod", "name": "somebody-else-1"}}),
        );
        fake.write("api-1", "2026-11-22T08:00:01Z the first line");
        let mut console = Console::on(&fake);
        console.line("the first line").await;
        console.settled().await;
        let told =
            |is_it: fn(&Observation) -> bool| console.told.iter().any(|(_, observation)| is_it(observation));
        assert!(told(
            |observation| matches!(observation, Observation::Deployment(Some(deployment)) if deployment.replicas == 3)
        ));
        assert!(told(
            |observation| matches!(observation, Observation::Pods(pods) if pods.len() == 1)
        ));
        assert!(told(
            |observation| matches!(observation, Observation::ClusterEvents(events) if events.len() == 1 && &*events[0].uid == "e1")
        ));
        assert!(told(
            |observation| matches!(observation, Observation::Access(access) if access.iter().all(|access| access.allowed == Some(true)))
        ));
        assert!(told(
            |observation| matches!(observation, Observation::Connection(connection)
        if &*connection.user == "oncall@example.com" && connection.version.as_deref() == Some("v1.32.13"))
        ));
        fake.forget_asked();
        console.listen(Duration::from_mins(9)).await;
        for kind in ["pods", "deployments", "events"] {
            let lists = fake
                .asked(&format!("/{kind}?"))
                .into_iter()
                .filter(|asked| !asked.has("watch=true"))
                .count();
            assert_eq!(lists, 0, "no list of {kind} after the first");
        }
    });
}

#[test]
fn changes_are_told_as_they_come() {
    run(async {
        let fake = Fake::new();
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.apply("pods", pod("api-1"));
        console
            .until(
                "a pod",
                |observation| matches!(observation, Observation::Pod(pod) if &*pod.name == "api-1"),
            )
            .await;
        fake.apply("deployments", deployment(0));
        console
            .until(
                "the deployment",
                |observation| matches!(observation, Observation::Deployment(Some(it)) if it.replicas == 0),
            )
            .await;
        let event = |name: &str, uid: &str| {
            json!({"metadata": {"uid": uid, "name": uid}, "type": "Normal", "reason": "Scheduled",
            "involvedObject": {"kind": "Pod", "name": name}})
        };
        fake.apply("events", event("somebody-else-1", "e1"));
        fake.apply("events", event("managed-services-api-1", "e2"));
        console
            .until(
                "an event of ours",
                |observation| matches!(observation, Observation::ClusterEvent(event) if &*event.uid == "e2"),
            )
            .await;
        assert!(!console.told.iter().any(
            |(_, observation)| matches!(observation, Observation::ClusterEvent(event) if &*event.uid == "e1")
        ));
        fake.delete("events", "e1");
        fake.delete("events", "e2");
        console
            .until("it expired", |observation| {
                *observation == Observation::ClusterEventGone("e2".into())
            })
            .await;
        fake.delete("pods", "uid-api-1");
        console
            .until(
                "it is gone",
                |observation| matches!(observation, Observation::PodGone(uid) if &*uid.0 == "uid-api-1"),
            )
            .await;
        fake.delete("deployments", "uid-deployment");
        console
            .until("none", |observation| {
                *observation == Observation::Deployment(None)
            })
            .await;
    });
}

#[test]
fn a_watch_that_ends_in_time_goes_on_where_it_was() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let mut console = Console::on(&fake);
        console.settled().await;
        console.listen(Duration::from_secs(10)).await;
        // The server ends it, and something happens before it is opened again.
        fake.always("pods? watch=true", || Reply::Hang);
        fake.send("pods", json!({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "101"}}}));
        fake.heal();
        fake.cut_watches("pods");
        fake.apply("pods", pod("api-2"));
        console
            .until(
                "the pod",
                |observation| matches!(observation, Observation::Pod(pod) if &*pod.name == "api-2"),
            )
            .await;
        assert_eq!(fake.asked("pods? limit").len(), 1, "one list");
    });
}

#[test]
fn an_init_containers_log_is_read_too() {
    run(async {
        let fake = Fake::new();
        let mut with_init = pod("api-1");
        with_init["spec"]["initContainers"] = json!([{"name": "migration", "image": "kas:1"}]);
        with_init["status"]["initContainerStatuses"] = json!([{"name": "migration", "ready": true, "restartCount": 0, "image": "",
        "imageID": "", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]);
        fake.always("log? container=migration", || {
            Reply::Text(200, "2026-11-22T08:00:00Z migrated".into())
        });
        fake.apply("pods", with_init);
        let mut console = Console::on(&fake);
        console.line("migrated").await;
        let ended = |observation: &Observation| matches!(observation, Observation::Source(SourceId::Log(key), SourceState::Ended) if &*key.container == "migration");
        console.until("its end", ended).await;
        console.listen(Duration::from_mins(2)).await;
        assert_eq!(fake.asked("log? container=migration").len(), 1, "it is read once");
    });
}

async fn ask(console: &Console, name: &str) -> Result<BTreeMap<String, SecretString>, Problem> {
    let (reply, answer) = oneshot::channel();
    console
        .secrets
        .send(SecretRequest {
            name: name.into(),
            reply,
        })
        .await
        .unwrap();
    answer.await.unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test compares it")]
fn a_secret_is_read_or_the_reason_is_said() {
    run(async {
        let fake = Fake::new();
        fake.always("secrets/rds", || {
            Reply::Json(200, json!({"metadata": {}, "data": {"db.user": "b2Nt"}}))
        });
        fake.always("secrets/odd", || {
            Reply::Json(200, json!({"metadata": {}, "data": {"db.user": "/////w=="}}))
        });
        fake.always("secrets/other", || refused(403, "Forbidden"));
        fake.always("secrets/none", || refused(404, "NotFound"));
        let console = Console::on(&fake);
        let values = ask(&console, "rds").await.unwrap();
        assert_eq!(values["db.user"].expose_secret(), "ocm");
        assert_eq!(
            ask(&console, "other").await.unwrap_err().kind,
            ProblemKind::Forbidden
        );
        assert_eq!(
            ask(&console, "none").await.unwrap_err().kind,
            ProblemKind::SecretMissing
        );
        let odd = ask(&console, "odd").await.unwrap_err();
        assert_eq!(odd.kind, ProblemKind::SecretIncomplete);
        assert!(odd.what.contains("db.user"), "{odd}");
    });
}

#[test]
fn a_secret_asked_for_without_a_connection_gets_the_connections_problem() {
    run(async {
        let fake = Fake::new();
        fake.always("", || Reply::Fail(std::io::ErrorKind::ConnectionRefused));
        let mut console = Console::on(&fake);
        console.fails(&SourceId::Api, ProblemKind::Refused).await;
        console.fails(&log_free(), ProblemKind::Refused).await;
        assert_eq!(ask(&console, "rds").await.unwrap_err().kind, ProblemKind::Refused);
    });
}

/// Any source but the API's.
fn log_free() -> SourceId {
    SourceId::Pods
}

#[test]
fn the_log_of_a_flood_is_caught_up_with() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let writer = fake.clone();
        let flood = tokio::spawn(async move {
            loop {
                writer.write("api-1", &format!("{} flood", writer.clock()));
                sleep(Duration::from_millis(1)).await;
            }
        });
        let mut console = Console::on(&fake);
        let caught_up = |observation: &Observation| matches!(observation, Observation::Log(batch) if batch.progress.caught_up);
        console.until("the end of the backlog", caught_up).await;
        let SourceId::Log(key) = log_of("api-1", 0) else {
            unreachable!()
        };
        let live = |observation: &Observation| matches!(observation, Observation::Log(batch) if batch.source == key && !batch.records.is_empty());
        console.until("lines as they come", live).await;
        flood.abort();
    });
}

#[test]
fn a_backlog_that_is_slow_to_begin_is_not_taken_for_live_lines() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let (sender, receiver) = mpsc::channel(STREAM);
        let mut stream = Some(receiver);
        fake.rule("log? follow=true", move |_| stream.take().map(Reply::Stream));
        let mut console = Console::on(&fake);
        // After a second of silence.
        console.live(&log_of("api-1", 0)).await;
        sender
            .try_send(Ok("2026-11-22T08:00:00Z first\n".into()))
            .unwrap();
        let batch = |observation: &Observation| matches!(observation, Observation::Log(batch) if !batch.progress.caught_up && batch.progress.lines == 1);
        console.until("a line of the backlog", batch).await;
        let caught_up = |observation: &Observation| matches!(observation, Observation::Log(batch) if batch.progress.caught_up);
        console.until("the end of the backlog", caught_up).await;
    });
}

#[test]
fn an_empty_log_is_caught_up_with() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let mut console = Console::on(&fake);
        let caught_up = |observation: &Observation| matches!(observation, Observation::Log(batch) if batch.progress.caught_up);
        console.until("the end of nothing", caught_up).await;
    });
}
