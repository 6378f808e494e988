//! The API's own faults as a client meets them.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{DeleteParams, ListParams, WatchEvent, WatchParams};
use kube::{Api, Client, Error, ResourceExt as _};
use sopwatch_drill::{ApiFault, Drill};

use crate::support::virtual_console::{NAMESPACE, drill};
use crate::support::virtual_time;

fn pods(drill: &Drill) -> Api<Pod> {
    let client = Client::new(drill.api().in_process(), NAMESPACE);
    Api::namespaced(client, NAMESPACE)
}

async fn names(pods: &Api<Pod>) -> Result<Vec<String>, Error> {
    let list = pods.list(&ListParams::default()).await?;
    Ok(list.iter().map(kube::ResourceExt::name_any).collect())
}

#[test]
fn an_answer_that_is_lost_leaves_the_deed_done() {
    virtual_time::run(|breath| async move {
        let (drill, _folder) = drill(sopwatch_drill::scenario("all-well").unwrap(), 1, &breath).await;
        let pods = pods(&drill);
        drill.api().set_fault(Some(ApiFault::LoseAnswers));
        let victim = names(&pods).await.unwrap().remove(0);
        let answer = pods.delete(&victim, &DeleteParams::default()).await;
        assert!(matches!(answer, Err(Error::Service(_))), "{answer:?}");
        let pod = pods.get(&victim).await.unwrap();
        assert!(pod.metadata.deletion_timestamp.is_some(), "{}", pod.name_any());
    });
}

#[test]
fn a_server_that_restarts_is_away_then_knows_no_roles_and_is_well_again() {
    virtual_time::run(|breath| async move {
        let (drill, _folder) = drill(sopwatch_drill::scenario("all-well").unwrap(), 1, &breath).await;
        let pods = pods(&drill);
        drill.api().set_fault(Some(ApiFault::Restart(8)));
        let mut answers = Vec::new();
        for _ in 0..22 {
            let answer = match names(&pods).await {
                Ok(_) => "well".to_owned(),
                Err(Error::Api(status)) => status.code.to_string(),
                Err(_) => "away".to_owned(),
            };
            answers.push(answer);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let count = |what: &str| answers.iter().filter(|answer| *answer == what).count();
        assert_eq!(
            (count("away"), count("403"), count("well")),
            (16, 2, 4),
            "{answers:?}"
        );
        assert!(
            answers.is_sorted_by_key(|answer| ["away", "403", "well"].iter().position(|one| one == answer))
        );
    });
}

#[test]
fn a_watch_that_stalls_says_nothing_more_while_others_and_new_ones_go_on() {
    virtual_time::run(|breath| async move {
        let (drill, _folder) = drill(sopwatch_drill::scenario("all-well").unwrap(), 1, &breath).await;
        let pods = pods(&drill);
        let events = Api::<Event>::namespaced(Client::new(drill.api().in_process(), NAMESPACE), NAMESPACE);
        let version = pods
            .list(&ListParams::default())
            .await
            .unwrap()
            .metadata
            .resource_version
            .unwrap();
        let params = WatchParams::default().timeout(290);
        let mut stalled = pods.watch(&params, &version).await.unwrap().boxed();
        let mut of_events = events.watch(&params, &version).await.unwrap().boxed();
        drill.api().set_fault(Some(ApiFault::StallWatches("pods".into())));
        let mut newer = pods.watch(&params, &version).await.unwrap().boxed();
        let victim = names(&pods).await.unwrap().remove(0);
        pods.delete(&victim, &DeleteParams::default()).await.unwrap();
        let minute = Duration::from_mins(1);
        let news = tokio::time::timeout(minute, newer.next()).await.unwrap();
        assert!(matches!(news, Some(Ok(WatchEvent::Modified(pod))) if pod.name_any() == victim));
        assert!(
            tokio::time::timeout(minute, of_events.next())
                .await
                .unwrap()
                .unwrap()
                .is_ok()
        );
        let silence = tokio::time::timeout(minute, stalled.next()).await;
        assert!(silence.is_err(), "{silence:?}");
        drill.api().set_fault(Some(ApiFault::ResetStreams));
        let end = tokio::time::timeout(minute, stalled.next()).await.unwrap();
        assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    });
}

#[test]
fn a_lossy_network_carries_most_loses_some_and_does_so_the_same_each_time() {
    let outcomes = || {
        virtual_time::run(|breath| async move {
            let (drill, _folder) = drill(sopwatch_drill::scenario("all-well").unwrap(), 1, &breath).await;
            let pods = pods(&drill);
            drill.api().set_fault(Some(ApiFault::Lossy(40)));
            let mut outcomes = Vec::new();
            for _ in 0..100 {
                let asked = tokio::time::Instant::now();
                let outcome = match tokio::time::timeout(Duration::from_secs(15), names(&pods)).await {
                    Ok(Ok(_)) if asked.elapsed() > Duration::from_secs(2) => "late",
                    Ok(Ok(_)) => "well",
                    Ok(Err(Error::Api(_))) => "throttled",
                    Ok(Err(_)) => "cut",
                    Err(_) => "never",
                };
                outcomes.push(outcome);
            }
            outcomes
        })
    };
    let once = outcomes();
    for (what, least) in [
        ("well", 40),
        ("late", 1),
        ("throttled", 2),
        ("cut", 4),
        ("never", 2),
    ] {
        let count = once.iter().filter(|outcome| **outcome == what).count();
        assert!(count >= least, "{what}: {count} of {once:?}");
    }
    assert_eq!(once, outcomes());
}
