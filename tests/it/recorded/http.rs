//! Requests, each in the situation in which it was recorded.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use sopwatch_drill::ApiFault;

use super::allowed::ANSWERS;
use super::exchange::{Answer, Exchange};
use super::judge::Judge;
use super::stage::{PODS, QUIET, STEADY, Stage};
use super::troubles::TROUBLES;
use super::watches::Parts;
use super::{logs, normal, watches};

/// What is asked of a service in which nothing happens.
const STEADY_EXCHANGES: &[&str] = &[
    "api",
    "api-aggregated",
    "api-v1",
    "apis",
    "apis-apps-v1",
    "apis-authorization-v1",
    "delete-dry-run",
    "delete-wrong-rv",
    "delete-wrong-uid",
    "deployment-get",
    "deployment-get-table",
    "deployment-patch-forbidden",
    "events-for-pod",
    "events-list",
    "events-table",
    "metrics-api-absent",
    "not-a-resource",
    "patch-bad-content-type",
    "pod-get",
    "pod-get-table",
    "pod-not-found",
    "pod-proxy-forbidden",
    "pods-list",
    "pods-list-bad-fieldselector",
    "pods-list-fieldselector",
    "pods-list-future-rv",
    "pods-list-metadata",
    "pods-list-rv0",
    "pods-list-table",
    "replicasets-table",
    "scale-get",
    "scale-patch-conflict",
    "scale-patch-dry-run",
    "scale-patch-negative",
    "secret-get",
    "secret-list-forbidden",
    "secret-other-forbidden",
    "self-subject-review",
    "ssar-allowed",
    "ssar-denied",
    "ssrr",
    "unauthorized",
    "version",
];

const PAGES: [&str; 2] = ["pods-list-page-1", "pods-list-page-2"];
const STREAMS: &[&str] = &["watchlist", "watch-table"];
const TOO_OLD: &[&str] = &["watch-410", "list-continue-410"];
const REFUSED_TO_THE_READER: &[&str] = &["delete-forbidden", "events-forbidden"];
const FOLLOWED: &str = "log-follow";
/// What is seen of a deletion.
const DELETION: [&str; 4] = [
    "pods-watch-during-delete",
    "deployment-watch-during-delete",
    "events-watch-during-delete",
    "log-follow-of-a-deleted-pod",
];
const LOGS: &[&str] = &[
    "log-bad-container",
    "log-init",
    "log-limitbytes",
    "log-no-container-name",
    "log-previous-none",
    "log-since-bad",
    "log-sincetime",
    "log-tail",
    "log-timestamps",
];

/// Every recording that is held to here.
pub fn held() -> impl Iterator<Item = &'static str> {
    let several = [
        STEADY_EXCHANGES,
        &PAGES,
        STREAMS,
        TOO_OLD,
        REFUSED_TO_THE_READER,
        &[FOLLOWED],
        &DELETION,
        LOGS,
    ];
    let troubles = TROUBLES.iter().flat_map(|trouble| trouble.exchanges);
    several.into_iter().flatten().chain(troubles).copied()
}

/// The stage of a service in which nothing happens, and the pod that crashed twice in the part of the recorded one.
async fn steady() -> Stage {
    let mut stage = Stage::set(STEADY).await;
    let crashed = stage
        .pod("that crashed twice and is ready", |pod| {
            let status = &pod["status"]["containerStatuses"][0];
            status["restartCount"] == 2 && status["ready"] == true
        })
        .await;
    let text = |field: &str| crashed["metadata"][field].as_str().unwrap().to_owned();
    stage.part("managed-services-api-64d78545d9-84zjh", &text("name"));
    stage.part("660720f0-7ca1-4ab0-9d60-3a79610f3011", &text("uid"));
    // A few seconds before the requests are made, as there.
    stage.part("sinceTime=2026-11-22T09:06:22Z", "sinceTime=2026-11-22T09:06:10Z");
    stage
}

#[tokio::test(start_paused = true)]
async fn exchanges_are_as_recorded() {
    let mut judge = Judge::new(ANSWERS);
    let stage = steady().await;
    for name in STEADY_EXCHANGES {
        let exchange = Exchange::read(name);
        judge.answer(&exchange, &stage.play(&exchange).await);
    }
    logs_of_a_running_pod(&mut judge, &stage).await;
    let mut quiet = Stage::set(QUIET).await;
    pages(&mut judge, &mut quiet).await;
    streams(&mut judge, &quiet).await;
    what_is_too_old(&mut judge, &mut quiet).await;
    a_deletion(&mut judge).await;
    the_reader(&mut judge).await;
    for trouble in TROUBLES {
        trouble.hold(&mut judge).await;
    }
    judge.end();
}

/// A list in two pages: the token of the first goes into the second request.
async fn pages(judge: &mut Judge, stage: &mut Stage) {
    let [first, second] = PAGES.map(Exchange::read);
    let answer = stage.play(&first).await;
    judge.answer(&first, &answer);
    let token = |answer: &Answer| answer.json()["metadata"]["continue"].as_str().unwrap().to_owned();
    judge.same(
        &first.name,
        "continue token",
        token_shape(&token(&first.answer)),
        token_shape(&token(&answer)),
    );
    stage.part(&token(&first.answer), &token(&answer));
    judge.answer(&second, &stage.play(&second).await);
}

/// What is in a token, with the version and the names as words.
fn token_shape(token: &str) -> String {
    let bytes = STANDARD_NO_PAD.decode(token).unwrap();
    let mut value: Value = serde_json::from_slice(&bytes).unwrap();
    if value["rv"].as_i64().is_some_and(|version| version > 0) {
        value["rv"] = "a version".into();
    }
    normal::text(&value.to_string())
}

async fn logs_of_a_running_pod(judge: &mut Judge, stage: &Stage) {
    for name in LOGS {
        let exchange = Exchange::read(name);
        let answer = stage.play(&exchange).await;
        logs::hold(judge, &exchange, &answer);
        if *name == "log-init" {
            judge.same(
                name,
                "words",
                logs::words(&exchange.answer.body),
                logs::words(&answer.body),
            );
        }
    }
    let exchange = Exchange::read(FOLLOWED);
    let answer = stage.play_for(&exchange, Some(Duration::from_secs(6))).await;
    logs::hold(judge, &exchange, &answer);
    judge.same(
        FOLLOWED,
        "more came than was there",
        exchange.answer.body.lines().count() > 2,
        answer.body.lines().count() > 2,
    );
}

/// Watches that begin with what there is.
async fn streams(judge: &mut Judge, stage: &Stage) {
    for name in STREAMS {
        let exchange = Exchange::read(name);
        judge.answer(&exchange, &stage.play(&exchange).await);
    }
}

/// A watch and a list from a version that the server has forgotten.
async fn what_is_too_old(judge: &mut Judge, stage: &mut Stage) {
    let version = stage.get(PODS).await.json()["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.part("resourceVersion=7505", &format!("resourceVersion={version}"));
    let before = stage.pods().await;
    let doomed = before.last().unwrap()["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.delete(&doomed).await;
    stage
        .until("the deleted pod is replaced", |pods| {
            pods.len() == 3 && pods.iter().all(|pod| pod["metadata"]["name"] != doomed.as_str())
        })
        .await;
    stage.drill.api().set_fault(Some(ApiFault::ExpireWatches));
    for name in TOO_OLD {
        let exchange = Exchange::read(name);
        let answer = stage.play(&exchange).await;
        judge.answer(&exchange, &answer);
        if *name == "list-continue-410" {
            let token =
                |answer: &Answer| token_shape(answer.json()["metadata"]["continue"].as_str().unwrap());
            judge.same(name, "continue token", token(&exchange.answer), token(&answer));
        }
    }
}

/// Three watches and a followed log while a pod is deleted, three seconds after they began.
async fn a_deletion(judge: &mut Judge) {
    let mut stage = steady().await;
    let names = |pods: &[Value]| -> Vec<String> {
        pods.iter()
            .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = names(&stage.pods().await);
    let victim = stage.player("managed-services-api-64d78545d9-84zjh");
    let version = stage.get(PODS).await.json()["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.part("resourceVersion=6949", &format!("resourceVersion={version}"));
    let [pods, deployment, events, log] = DELETION.map(Exchange::read);
    let delete = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        stage.delete(&victim).await;
    };
    let (of_pods, of_deployment, of_events, of_log, ()) = tokio::join!(
        stage.play(&pods),
        stage.play(&deployment),
        stage.play(&events),
        stage.play(&log),
        delete
    );
    let new = names(&stage.pods().await)
        .into_iter()
        .find(|name| !before.contains(name))
        .unwrap();
    let there = Parts::from([
        ("managed-services-api-64d78545d9-84zjh".to_owned(), "victim"),
        ("managed-services-api-64d78545d9-j8f45".to_owned(), "new"),
    ]);
    let here = Parts::from([(victim, "victim"), (new, "new")]);
    for (exchange, answer) in [
        (&pods, &of_pods),
        (&deployment, &of_deployment),
        (&events, &of_events),
    ] {
        watches::hold(judge, &exchange.name, (&exchange.answer, &there), (answer, &here));
    }
    logs::hold(judge, &log, &of_log);
}

/// What is refused to somebody who may only read.
async fn the_reader(judge: &mut Judge) {
    let mut stage = Stage::set(&format!(
        "{STEADY}[rights]\nwithout = ['pods:delete', 'events']\n"
    ))
    .await;
    let pod = stage.pods().await[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.part("managed-services-api-64d78545d9-84zjh", &pod);
    for name in REFUSED_TO_THE_READER {
        let exchange = Exchange::read(name);
        judge.answer(&exchange, &stage.play(&exchange).await);
    }
}
