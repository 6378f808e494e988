//! What the pods use and count, on a server that serves it, refuses it, or has none of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::clock::run;
use super::console::{Console, pod, profile};
use super::fake::{Fake, Reply, failure, refused};
use sopwatch_core::observe::observation::{Observation, PodUid, PodUsage, Scrape};
use sopwatch_core::observe::source::{ProblemKind, SourceId, SourceState};
use sopwatch_core::profile::Profile;
use sopwatch_core::testkit::metrics;

const USAGE: &str = "metrics.k8s.io";
const SCRAPE: &str = "/proxy/metrics";

/// What a pod answers.
type Answer = Box<dyn Fn() -> Reply + Send>;

/// A service whose pods serve metrics.
fn measured() -> Profile {
    let mut profile = profile();
    profile.service.metrics = Some(metrics());
    profile
}

fn ready(name: &str) -> Value {
    let mut pod = pod(name);
    pod["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    pod
}

fn usage_of(pod: &str) -> Reply {
    Reply::Json(
        200,
        json!({"kind": "PodMetricsList", "metadata": {}, "items": [{
            "metadata": {"name": pod}, "timestamp": "2026-11-22T08:59:48Z", "window": "15s",
            "containers": [{"name": "service", "usage": {"cpu": "12m", "memory": "45Mi"}}]}]}),
    )
}

fn counted(requests: u64) -> Reply {
    Reply::Text(200, format!("in_count{{code=\"200\"}} {requests}\n"))
}

fn id(pod: &str) -> SourceId {
    SourceId::Scrape(PodUid(format!("uid-{pod}").into()))
}

async fn usage(console: &mut Console) -> Vec<PodUsage> {
    match console
        .until("usage", |observation| {
            matches!(observation, Observation::Usage(_))
        })
        .await
    {
        Observation::Usage(usage) => usage,
        _ => unreachable!(),
    }
}

async fn scrape(console: &mut Console) -> Scrape {
    let what = |observation: &Observation| matches!(observation, Observation::Scrape { .. });
    match console.until("a scrape", what).await {
        Observation::Scrape { scrape, .. } => scrape,
        _ => unreachable!(),
    }
}

/// Waits until a source is told not to be used, and why.
async fn off(console: &mut Console, id: &SourceId) -> String {
    let mut why = None;
    console
        .until(&format!("{id:?} is off"), |observation| {
            if let Observation::Source(of, SourceState::Off(reason)) = observation
                && of == id
            {
                why = Some(reason.to_string());
            }
            why.is_some()
        })
        .await;
    why.unwrap()
}

/// How many seconds lie between the requests.
fn pauses(fake: &Fake, needle: &str) -> Vec<u64> {
    let pauses = fake.pauses(needle);
    pauses.iter().map(Duration::as_secs).collect()
}

#[test]
fn what_the_pods_use_and_count_is_asked_every_fifteen_seconds() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", ready("api-1"));
        fake.apply("pods", pod("api-2"));
        fake.always(USAGE, || usage_of("api-1"));
        fake.always(SCRAPE, || counted(7));
        let mut console = Console::with(&fake, measured());
        let told = usage(&mut console).await;
        assert_eq!((&*told[0].pod, told[0].containers[0].cpu_millis), ("api-1", 12));
        console
            .since(0, "a scrape", |observation| {
                matches!(observation, Observation::Scrape { pod, scrape } if &*pod.0 == "uid-api-1" && scrape.inbound.count == 7)
            })
            .await;
        console.listen(Duration::from_secs(70)).await;
        for needle in [USAGE, SCRAPE] {
            let pauses = pauses(&fake, needle);
            assert!(
                pauses.len() >= 3 && pauses.iter().all(|pause| *pause == 15),
                "{needle}: {pauses:?}"
            );
        }
        let lines = fake.asked(SCRAPE);
        assert_eq!(
            lines[0].line,
            "GET /api/v1/namespaces/managed-services-stage/pods/api-1:8080/proxy/metrics"
        );
        assert!(
            lines.iter().all(|asked| asked.line == lines[0].line),
            "a pod that is not ready is left alone"
        );
        let asked = &fake.asked(USAGE)[0];
        assert!(
            asked.has("metrics labelSelector=app%3Dmanaged-services-api"),
            "{}",
            asked.line
        );
    });
}

#[test]
fn a_cluster_without_a_metrics_server_is_asked_rarely_and_found_when_it_gets_one() {
    run(async {
        let fake = Fake::new();
        let mut console = Console::on(&fake);
        let why = off(&mut console, &SourceId::Usage).await;
        assert!(why.contains("does not serve metrics.k8s.io"), "{why}");
        console.listen(Duration::from_mins(9)).await;
        assert_eq!(pauses(&fake, USAGE), [300]);
        fake.always(USAGE, || usage_of("api-1"));
        usage(&mut console).await;
    });
}

#[test]
fn a_metrics_server_that_is_down_says_so_and_is_asked_ever_less_often() {
    run(async {
        let fake = Fake::new();
        fake.always(USAGE, || Reply::Text(503, "service unavailable\n".into()));
        let mut console = Console::on(&fake);
        let problem = console.fails(&SourceId::Usage, ProblemKind::ServerError).await;
        assert!(
            problem.what.contains("not available (503): service unavailable"),
            "{problem}"
        );
        assert!(
            problem
                .advice
                .is_some_and(|advice| advice.contains("v1beta1.metrics.k8s.io"))
        );
        console.listen(Duration::from_mins(6)).await;
        let pauses = pauses(&fake, USAGE);
        assert!(
            pauses[0] >= 15 && pauses[1] >= 30 && pauses.len() <= 5,
            "{pauses:?}"
        );
        fake.heal();
        fake.always(USAGE, || usage_of("api-1"));
        usage(&mut console).await;
    });
}

#[test]
fn what_the_review_forbids_is_not_asked_until_it_allows_it() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", ready("api-1"));
        let allowed = Arc::new(AtomicBool::new(false));
        let answer = Arc::clone(&allowed);
        fake.always("selfsubjectaccessreviews", move || {
            let allowed = answer.load(Ordering::SeqCst);
            Reply::Json(
                201,
                json!({"metadata": {}, "spec": {}, "status": {"allowed": allowed}}),
            )
        });
        fake.always(USAGE, || usage_of("api-1"));
        fake.always(SCRAPE, || counted(7));
        let mut console = Console::with(&fake, measured());
        assert_eq!(
            off(&mut console, &id("api-1")).await,
            "not allowed: get pods/proxy"
        );
        console
            .since(0, "usage is off", |observation| {
                matches!(observation, Observation::Source(SourceId::Usage, SourceState::Off(why)) if why.contains("list pods.metrics"))
            })
            .await;
        console.listen(Duration::from_mins(4)).await;
        assert_eq!((fake.asked(USAGE).len(), fake.asked(SCRAPE).len()), (0, 0));
        allowed.store(true, Ordering::SeqCst);
        // the review is repeated every ten minutes
        console.listen(Duration::from_mins(7)).await;
        assert!(!fake.asked(USAGE).is_empty() && !fake.asked(SCRAPE).is_empty());
        scrape(&mut console).await;
    });
}

#[test]
fn a_refusal_of_the_server_ends_the_asking_and_one_of_the_pod_does_not() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", ready("api-1"));
        fake.always(SCRAPE, || refused(403, "Forbidden"));
        let mut console = Console::with(&fake, measured());
        let why = off(&mut console, &id("api-1")).await;
        assert!(why.contains("forbidden (403)"), "{why}");
        console.listen(Duration::from_mins(5)).await;
        assert_eq!(fake.asked(SCRAPE).len(), 1);
        // the same code from the pod itself, in a second console; its 401 says nothing of our credentials
        for code in [403, 401, 404] {
            let fake = Fake::new();
            fake.apply("pods", ready("api-1"));
            fake.always(SCRAPE, move || Reply::Text(code, "no\n".into()));
            let mut console = Console::with(&fake, measured());
            let problem = console.fails(&id("api-1"), ProblemKind::ServerError).await;
            assert!(
                problem.what.contains(&format!("the pod answers {code}")),
                "{problem}"
            );
            console.listen(Duration::from_secs(40)).await;
            assert_eq!(pauses(&fake, SCRAPE), [15, 15]);
            assert_eq!(
                console.connects.load(Ordering::SeqCst),
                1,
                "no other connection is needed"
            );
        }
    });
}

#[test]
fn a_pod_that_does_not_answer_or_answers_something_else_fails_alone() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", ready("api-1"));
        fake.apply("pods", ready("api-2"));
        fake.always(SCRAPE, || counted(7));
        let unreachable =
            "error trying to reach service: dial tcp 10.1.1.1:8080: connect: connection refused";
        let large = format!("{}\n", "x".repeat(1 << 20)).repeat(5);
        let answers: [(Answer, &str); 4] = [
            (
                Box::new(move || Reply::Json(503, failure(503, "ServiceUnavailable", unreachable))),
                "connection refused",
            ),
            (Box::new(|| Reply::Hang), "no answer within 5 s"),
            (
                Box::new(|| Reply::Text(200, "<html>login</html>".into())),
                "has neither in_count nor out_count",
            ),
            (
                Box::new(move || Reply::Text(200, large.clone())),
                "larger than 4 MiB",
            ),
        ];
        let mut console = Console::with(&fake, measured());
        for (answer, why) in answers {
            fake.always("api-2:8080/proxy/metrics", answer);
            let mut found = None;
            console
                .until(why, |observation| {
                    if let Observation::Source(of, SourceState::Failing { problem, .. }) = observation
                        && *of == id("api-2")
                    {
                        found = problem.what.contains(why).then(|| problem.clone());
                    }
                    found.is_some()
                })
                .await;
            assert_eq!(
                scrape(&mut console).await.inbound.count,
                7,
                "the other is read: {why}"
            );
        }
    });
}
