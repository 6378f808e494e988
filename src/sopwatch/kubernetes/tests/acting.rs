//! Commands on a scripted server: what is sent, and what each answer says about whether it was done.

use std::io::ErrorKind;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::clock::run;
use super::console::Console;
use super::fake::{Fake, Reply, failure, refused};
use crate::kubernetes::{CommandReply, CommandRequest};
use sopwatch_core::observe::observation::PodUid;
use sopwatch_core::remediate::command::{Command, CommandOutcome};

const MARK: &str = "2026-11-22T09:30:00Z";

/// What the answer is, and what is told: the outcome's name, and a part of why.
type Case = (&'static str, fn() -> Reply, &'static str, &'static str);

fn delete() -> Command {
    Command::DeletePod {
        pod: "api-1".into(),
        uid: PodUid("uid-api-1".into()),
    }
}

fn roll_out() -> Command {
    Command::RestartDeployment {
        deployment: "api".into(),
        uid: "uid-deployment".into(),
        resource_version: "7".into(),
        mark: MARK.parse::<Timestamp>().unwrap(),
    }
}

fn scale() -> Command {
    Command::Scale {
        deployment: "api".into(),
        uid: "uid-deployment".into(),
        from: 3,
        to: 4,
        resource_version: "7".into(),
    }
}

/// A server, and the adapter at work on it.
async fn at_work() -> (Fake, Console) {
    let fake = Fake::new();
    let mut console = Console::on(&fake);
    console.settled().await;
    (fake, console)
}

async fn asked(console: &Console, command: Command, dry_run: bool) -> CommandOutcome {
    replied(console, command, dry_run).await.outcome
}

async fn replied(console: &Console, command: Command, dry_run: bool) -> CommandReply {
    let (reply, answer) = oneshot::channel();
    let request = CommandRequest {
        command,
        dry_run,
        reply,
    };
    console.commands.send(request).await.unwrap();
    answer.await.unwrap()
}

fn succeeded() -> Reply {
    Reply::Json(
        200,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}),
    )
}

fn changed() -> Reply {
    let metadata = json!({"name": "api", "uid": "uid-deployment", "resourceVersion": "8"});
    Reply::Json(200, json!({"metadata": metadata}))
}

#[test]
fn an_answer_tells_whether_it_was_done_and_no_answer_tells_nothing() {
    run(async {
        let cases: [Case; 13] = [
            ("done", succeeded, "applied", "accepted by the server"),
            (
                "not allowed",
                || refused(403, "Forbidden"),
                "refused",
                "forbidden (403)",
            ),
            (
                "already gone",
                || refused(404, "NotFound"),
                "refused",
                "not found (404)",
            ),
            (
                "another of its name",
                || refused(409, "Conflict"),
                "refused",
                "it has changed since it was read",
            ),
            ("not valid", || refused(422, "Invalid"), "refused", "422"),
            (
                "throttled",
                || refused(429, "TooManyRequests"),
                "refused",
                "throttles (429)",
            ),
            (
                "an error in the server",
                || refused(500, "InternalError"),
                "outcome unknown",
                "500",
            ),
            (
                "a time-out behind it",
                || refused(504, "Timeout"),
                "outcome unknown",
                "504",
            ),
            (
                "a proxy's page",
                || Reply::Text(200, "<html>".into()),
                "outcome unknown",
                "",
            ),
            (
                "no connection",
                || Reply::Fail(ErrorKind::ConnectionRefused),
                "failed",
                "refused",
            ),
            (
                "cut",
                || Reply::Fail(ErrorKind::ConnectionReset),
                "outcome unknown",
                "",
            ),
            (
                "an answer that TLS can't read",
                || Reply::Garbled,
                "outcome unknown",
                "TLS failed",
            ),
            ("no answer", || Reply::Hang, "outcome unknown", "no answer within"),
        ];
        for (what, reply, name, why) in cases {
            let (fake, console) = at_work().await;
            fake.always("DELETE", reply);
            let outcome = asked(&console, delete(), false).await;
            assert_eq!(outcome.name(), name, "{what}: {outcome:?}");
            assert!(outcome.reason().contains(why), "{what}: {outcome:?}");
            assert_eq!(fake.asked("DELETE").len(), 1, "{what}: asked once");
        }
    });
}

/// The one request of a kind: its line and its body.
fn sent(fake: &Fake, method: &str) -> (String, Value) {
    let asked = fake.asked(method);
    let [one] = &asked[..] else { panic!("{asked:?}") };
    (one.line.clone(), serde_json::from_str(&one.body).unwrap())
}

#[test]
fn each_command_names_one_object_as_it_was_seen() {
    run(async {
        let (fake, console) = at_work().await;
        fake.always("DELETE", succeeded);
        fake.always("PATCH", changed);
        let applied = asked(&console, delete(), false).await;
        assert_eq!(applied.name(), "applied");
        let (line, body) = sent(&fake, "DELETE");
        assert!(
            line.starts_with("DELETE /api/v1/namespaces/managed-services-stage/pods/api-1"),
            "{line}"
        );
        assert_eq!(body["preconditions"], json!({"uid": "uid-api-1"}));
        fake.forget_asked();
        assert_eq!(asked(&console, roll_out(), false).await.name(), "applied");
        let (line, body) = sent(&fake, "PATCH");
        assert!(line.contains("/deployments/api?"), "{line}");
        assert_eq!(
            body["metadata"],
            json!({"uid": "uid-deployment", "resourceVersion": "7"})
        );
        let annotations = &body["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(*annotations, json!({"kubectl.kubernetes.io/restartedAt": MARK}));
        fake.forget_asked();
        assert_eq!(asked(&console, scale(), false).await.name(), "applied");
        let (line, body) = sent(&fake, "PATCH");
        assert!(line.contains("/deployments/api/scale?"), "{line}");
        assert_eq!(
            body["metadata"],
            json!({"uid": "uid-deployment", "resourceVersion": "7"})
        );
        assert_eq!(body["spec"], json!({"replicas": 4}));
    });
}

#[test]
fn a_dry_run_is_the_same_request_marked_as_one() {
    run(async {
        let (fake, console) = at_work().await;
        fake.always("DELETE", succeeded);
        fake.always("PATCH", changed);
        for command in [delete(), roll_out(), scale()] {
            assert_eq!(asked(&console, command, true).await.name(), "applied");
        }
        let (_, body) = sent(&fake, "DELETE");
        assert_eq!(body["dryRun"], json!(["All"]));
        let patches = fake.asked("PATCH");
        assert_eq!(patches.len(), 2);
        for patch in patches {
            assert!(patch.line.contains("dryRun=All"), "{}", patch.line);
        }
    });
}

fn refused_saying(code: u16, message: &str) -> Reply {
    Reply::Json(code, failure(code, "BadRequest", message))
}

/// By the words of the API server, and only where it was asked for a dry run.
#[test]
fn what_the_server_cannot_try_is_told_from_what_it_refuses() {
    run(async {
        type Case = (fn() -> Reply, bool, bool);
        let cases: [Case; 4] = [
            (
                || refused_saying(400, r#"admission webhook "x" does not support dry run"#),
                true,
                true,
            ),
            (
                || refused_saying(400, r#"admission webhook "x" does not support dry run"#),
                false,
                false,
            ),
            (
                || refused_saying(400, "a dry run is not allowed here"),
                true,
                false,
            ),
            (
                || refused_saying(403, "pods is forbidden: the quota does not support dry run"),
                true,
                false,
            ),
        ];
        for (reply, dry_run, untriable) in cases {
            let (fake, console) = at_work().await;
            fake.always("DELETE", reply);
            let reply = replied(&console, delete(), dry_run).await;
            assert_eq!(reply.outcome.name(), "refused", "{reply:?}");
            assert_eq!(reply.is_untriable, untriable, "{reply:?}");
        }
    });
}

#[test]
fn who_may_only_update_the_scale_updates_it() {
    run(async {
        let (fake, console) = at_work().await;
        fake.always("PATCH", || refused(403, "Forbidden"));
        fake.always("PUT", changed);
        assert_eq!(asked(&console, scale(), false).await.name(), "applied");
        let (line, body) = sent(&fake, "PUT");
        assert!(line.contains("/deployments/api/scale?"), "{line}");
        assert_eq!(body["metadata"]["resourceVersion"], json!("7"));
        assert_eq!(body["spec"]["replicas"], json!(4));
        fake.always("PUT", || refused(403, "Forbidden"));
        let outcome = asked(&console, scale(), false).await;
        assert_eq!(outcome.name(), "refused", "{outcome:?}");
    });
}
