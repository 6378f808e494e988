//! Faults of the server and of the way to it.

use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use super::clock::run;
use super::console::{Console, deployment, pod};
use super::fake::{Fake, Reply, failure, refused};
use crate::kubernetes::clock::now;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{ProblemKind, SourceId, SourceState};

const SECOND: Duration = Duration::from_secs(1);
const WATCHED: [(&str, SourceId); 3] = [
    ("pods?", SourceId::Pods),
    ("deployments?", SourceId::Deployment),
    ("events?", SourceId::ClusterEvents),
];

/// No two requests that have these words came within a second.
fn is_calm(fake: &Fake, needle: &str) {
    let pauses = fake.pauses(needle);
    assert!(
        pauses.iter().all(|pause| *pause >= SECOND),
        "{needle}: {pauses:?}"
    );
}

#[test]
fn a_server_that_is_down_is_named_everywhere_and_heals_by_itself() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        fake.always("", || Reply::Fail(ErrorKind::ConnectionRefused));
        let mut console = Console::on(&fake);
        for (_, id) in WATCHED {
            console.fails(&id, ProblemKind::Refused).await;
        }
        console.fails(&SourceId::Api, ProblemKind::Refused).await;
        console.fails(&SourceId::Access, ProblemKind::Refused).await;
        console.listen(Duration::from_mins(1)).await;
        for needle in ["pods?", "deployments?", "events?", "/version"] {
            is_calm(&fake, needle);
        }
        fake.heal();
        let healed_at = now();
        console
            .until(
                "pods",
                |observation| matches!(observation, Observation::Pods(pods) if pods.len() == 1),
            )
            .await;
        assert!(
            (now() - healed_at) < Duration::from_secs(8),
            "{:?}",
            (now() - healed_at)
        );
        console.settled().await;
    });
}

#[test]
fn a_frozen_server_is_noticed_in_time_and_nothing_is_lost() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        fake.write("api-1", "2026-11-22T09:00:00.1Z one");
        let mut console = Console::on(&fake);
        console.settled().await;
        console.listen(Duration::from_secs(3)).await;
        fake.always("", || Reply::Hang);
        let frozen_at = now();
        console.fails(&SourceId::Api, ProblemKind::Frozen).await;
        assert!(
            (now() - frozen_at) <= Duration::from_secs(15),
            "{:?}",
            (now() - frozen_at)
        );
        for (_, id) in WATCHED {
            console.fails(&id, ProblemKind::Frozen).await;
        }
        fake.write_unseen("api-1", "2026-11-22T09:00:30Z two");
        console.listen(Duration::from_secs(30)).await;
        is_calm(&fake, "/version");
        fake.heal();
        console.line("two").await;
        console.settled().await;
        assert_eq!(console.lines("api-1"), ["one", "two"]);
        assert_eq!(fake.asked("pods? limit").len(), 1, "no second list");
        assert_eq!(
            console.connects.load(Ordering::SeqCst),
            2,
            "dead connections are left behind"
        );
    });
}

#[test]
fn a_watch_that_died_behind_a_server_that_lives_is_noticed_and_nothing_is_lost() {
    run(async {
        for (needle, id) in WATCHED {
            let closely = matches!(id, SourceId::Pods | SourceId::Deployment);
            let limit = Duration::from_secs(if closely { 30 } else { 80 });
            let fake = Fake::new();
            let (alive, dead) = mpsc::channel(1);
            let mut dead = Some(dead);
            let first = format!("{needle} watch=true");
            fake.rule(&first, move |_| dead.take().map(Reply::Stream));
            let mut console = Console::on(&fake);
            console
                .since(0, "a connection", |observation| {
                    matches!(observation, Observation::Connection(_))
                })
                .await;
            console.listen(Duration::from_secs(1)).await;
            let since = now();
            fake.apply("pods", pod("api-1"));
            fake.apply("deployments", deployment(3));
            let problem = console.fails(&id, ProblemKind::Frozen).await;
            assert!(now() - since <= limit, "{id:?}: {:?}", now() - since);
            assert!(problem.advice.is_some(), "{problem}");
            console.live(&id).await;
            assert_eq!(console.failures(&SourceId::Api), 0);
            assert_eq!(fake.asked(&format!("{needle} limit")).len(), 1, "no second list");
            drop(alive);
        }
    });
}

#[test]
fn a_console_at_rest_asks_less_than_once_in_two_seconds() {
    run(async {
        let fake = Fake::new();
        for name in ["api-1", "api-2", "api-3"] {
            fake.apply("pods", pod(name));
        }
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.forget_asked();
        let minutes = 10;
        for _ in 0..minutes * 60 / 5 {
            for name in ["api-1", "api-2", "api-3"] {
                fake.write(name, &format!("{:.9} at work", fake.clock()));
            }
            console.listen(Duration::from_secs(5)).await;
        }
        let asked = fake.asked("").len();
        assert!(asked < minutes * 60 / 2, "{asked} requests in {minutes} minutes");
    });
}

#[test]
fn a_reset_watch_goes_on_without_a_list() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.cut_watches("pods");
        fake.apply("pods", pod("api-2"));
        console.fails(&SourceId::Pods, ProblemKind::Reset).await;
        console
            .until(
                "the pod",
                |observation| matches!(observation, Observation::Pod(pod) if &*pod.name == "api-2"),
            )
            .await;
        assert_eq!(fake.asked("pods? limit").len(), 1);
        is_calm(&fake, "pods? watch=true");
    });
}

#[test]
fn dead_credentials_are_replaced_at_most_once_a_second_until_they_work() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.forget_asked();
        fake.always("", || refused(401, "Unauthorized"));
        fake.cut_watches("pods");
        let problem = console.fails(&SourceId::Api, ProblemKind::Unauthorized).await;
        assert!(problem.advice.is_some_and(|advice| advice.contains("oc login")));
        console.fails(&SourceId::Pods, ProblemKind::Unauthorized).await;
        console.listen(Duration::from_mins(1)).await;
        is_calm(&fake, "/version");
        is_calm(&fake, "pods?");
        let connects = console.connects.load(Ordering::SeqCst);
        assert!((3..30).contains(&connects), "{connects} connections");
        fake.heal();
        let healed = console.told.len();
        console.live(&SourceId::Pods).await;
        console.live(&SourceId::Api).await;
        console
            .since(healed, "rights of the new credentials", |observation| {
                matches!(observation, Observation::Access(_))
            })
            .await;
    });
}

#[test]
fn credentials_that_only_the_streams_see_refused_are_replaced_too() {
    run(async {
        let fake = Fake::new();
        fake.always("pods?", || refused(401, "Unauthorized"));
        let mut console = Console::on(&fake);
        console.fails(&SourceId::Pods, ProblemKind::Unauthorized).await;
        console.fails(&SourceId::Api, ProblemKind::Unauthorized).await;
        console.listen(Duration::from_mins(1)).await;
        is_calm(&fake, "pods?");
        let connects = console.connects.load(Ordering::SeqCst);
        assert!((2..30).contains(&connects), "{connects} connections");
    });
}

#[test]
fn what_is_forbidden_says_so_and_the_rest_works() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        fake.always("events?", || refused(403, "Forbidden"));
        let mut console = Console::on(&fake);
        let problem = console
            .fails(&SourceId::ClusterEvents, ProblemKind::Forbidden)
            .await;
        assert!(
            problem
                .what
                .starts_with("list events in managed-services-stage: forbidden"),
            "{problem}"
        );
        console.listen(Duration::from_mins(2)).await;
        is_calm(&fake, "events?");
        assert!(fake.is_watched("pods") && fake.is_watched("deployments"));
        assert_eq!(console.failures(&SourceId::Pods), 0);
        fake.heal();
        console.live(&SourceId::ClusterEvents).await;
    });
}

#[test]
fn a_version_too_old_is_read_again_from_a_list() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.send(
            "pods",
            json!({"type": "ERROR", "object": failure(410, "Expired", "too old resource version: 1 (2)")}),
        );
        console.fails(&SourceId::Pods, ProblemKind::Gone).await;
        console
            .until("all pods again", |observation| {
                matches!(observation, Observation::Pods(_))
            })
            .await;
        console.live(&SourceId::Pods).await;
        assert_eq!(fake.asked("pods? limit").len(), 2);
    });
}

#[test]
fn a_storm_of_old_versions_stays_calm() {
    run(async {
        let fake = Fake::new();
        fake.always("pods? watch=true", || {
            let (sender, receiver) = mpsc::channel(1);
            let event = json!({"type": "ERROR", "object": failure(410, "Expired", "too old")});
            sender.try_send(Ok(format!("{event}\n").into())).unwrap();
            Reply::Stream(receiver)
        });
        let mut console = Console::on(&fake);
        console.fails(&SourceId::Pods, ProblemKind::Gone).await;
        fake.forget_asked();
        console.listen(Duration::from_mins(2)).await;
        assert!(!fake.asked("pods?").is_empty());
        is_calm(&fake, "pods?");
    });
}

#[test]
fn a_list_whose_pages_grew_too_old_starts_over() {
    run(async {
        let fake = Fake::new();
        fake.rule("pods? limit", |asked| {
            let page =
                json!({"metadata": {"resourceVersion": "100", "continue": "abc"}, "items": [pod("api-1")]});
            let last = asked.has("continue=abc");
            Some(if last {
                refused(410, "Expired")
            } else {
                Reply::Json(200, page)
            })
        });
        let mut console = Console::on(&fake);
        console.fails(&SourceId::Pods, ProblemKind::Gone).await;
        console.listen(Duration::from_secs(30)).await;
        assert!(!fake.is_watched("pods"), "half a list is none");
        fake.heal();
        console
            .until(
                "all pods",
                |observation| matches!(observation, Observation::Pods(pods) if pods.is_empty()),
            )
            .await;
    });
}

#[test]
fn a_server_that_accepts_and_closes_is_not_hammered() {
    run(async {
        let fake = Fake::new();
        fake.always("watch=true", || Reply::Text(200, String::new()));
        let mut console = Console::on(&fake);
        console.fails(&SourceId::Pods, ProblemKind::Ended).await;
        fake.forget_asked();
        console.listen(Duration::from_mins(2)).await;
        for (needle, id) in WATCHED {
            is_calm(&fake, needle);
            assert!(console.failures(&id) > 3, "{id:?} says so");
        }
        fake.heal();
        console.live(&SourceId::Pods).await;
    });
}

#[test]
fn a_watch_that_says_one_thing_and_closes_is_not_hammered() {
    run(async {
        let fake = Fake::new();
        let event = json!({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "101"}}});
        fake.always("watch=true", move || Reply::Text(200, format!("{event}\n")));
        let mut console = Console::on(&fake);
        console.live(&SourceId::Pods).await;
        console.listen(Duration::from_secs(20)).await;
        is_calm(&fake, "pods? watch=true");
    });
}

#[test]
fn a_web_page_in_place_of_the_api_is_said_to_be_one() {
    run(async {
        let fake = Fake::new();
        fake.always("pods?", || {
            Reply::Text(503, "<html><body>Service Unavailable</body></html>".into())
        });
        let mut console = Console::on(&fake);
        let problem = console.fails(&SourceId::Pods, ProblemKind::ServerError).await;
        assert!(
            problem.what.contains("503") && problem.what.contains("web page"),
            "{problem}"
        );
        fake.always("pods?", || Reply::Text(200, "<html>login</html>".into()));
        let problem = console.fails(&SourceId::Pods, ProblemKind::ServerError).await;
        assert!(
            problem.what.contains("can't be read") || problem.what.contains("web page"),
            "{problem}"
        );
    });
}

#[test]
fn a_server_that_throttles_is_asked_less_and_stays_up() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.always("/version", || refused(429, "TooManyRequests"));
        console.fails(&SourceId::Api, ProblemKind::Throttled).await;
        fake.apply("pods", pod("api-2"));
        console
            .until(
                "the pod",
                |observation| matches!(observation, Observation::Pod(pod) if &*pod.name == "api-2"),
            )
            .await;
        assert_eq!(console.failures(&SourceId::Pods), 0);
        is_calm(&fake, "/version");
    });
}

#[test]
fn a_secret_in_the_reason_of_a_review_is_taken_out() {
    run(async {
        let fake = Fake::new();
        fake.always("selfsubjectaccessreviews", || {
            let reason = "webhook said: Authorization: Bearer hunter2hunter2\u{1b}[2J";
            let status = json!({"allowed": false, "reason": reason});
            Reply::Json(201, json!({"metadata": {}, "spec": {}, "status": status}))
        });
        let mut console = Console::on(&fake);
        let told = console
            .until("rights", |observation| {
                matches!(observation, Observation::Access(_))
            })
            .await;
        let Observation::Access(access) = told else {
            unreachable!("{told:?}")
        };
        assert!(!access.is_empty());
        for one in access {
            assert_eq!(one.allowed, Some(false));
            assert_eq!(one.reason, "webhook said: Authorization: Bearer ⟨redacted⟩");
        }
    });
}

#[test]
fn a_review_that_fails_leaves_the_rights_open_and_is_tried_again() {
    run(async {
        let fake = Fake::new();
        fake.always("selfsubjectaccessreviews", || refused(500, "InternalError"));
        let mut console = Console::on(&fake);
        console.fails(&SourceId::Access, ProblemKind::ServerError).await;
        assert!(
            !console
                .told
                .iter()
                .any(|(_, observation)| matches!(observation, Observation::Access(_)))
        );
        fake.heal();
        console
            .until("rights", |observation| {
                matches!(observation, Observation::Access(_))
            })
            .await;
        let told_live =
            |observation: &Observation| *observation == Observation::Source(SourceId::Api, SourceState::Live);
        console.until("a sign of life", told_live).await;
    });
}
