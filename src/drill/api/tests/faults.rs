//! Faults behave as a real server in that state.

use std::time::Duration;

use super::*;
use crate::ApiFault;
use crate::patience::Deadline;

async fn frames(response: &mut Response<Body>) -> Option<Result<Bytes, std::io::Error>> {
    let frame = response.body_mut().frame().await?;
    Some(frame.map(|frame| frame.into_data().unwrap()))
}

#[tokio::test]
async fn lasting_faults_answer_until_they_heal() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    for (fault, code) in [
        (ApiFault::Unauthorized, 401),
        (ApiFault::Answer(429), 429),
        (ApiFault::Answer(500), 500),
        (ApiFault::Answer(503), 503),
        (ApiFault::Forbid("pods:list".into()), 403),
    ] {
        drill.api().set_fault(Some(fault));
        assert_eq!(get(&drill, PODS).await.0, code);
        drill.api().set_fault(None);
        assert_eq!(get(&drill, PODS).await.0, 200);
    }
}

#[tokio::test]
async fn one_forbidden_resource_leaves_the_others_readable() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    drill.api().set_fault(Some(ApiFault::Forbid("events".into())));
    assert_eq!(
        get(&drill, "/api/v1/namespaces/managed-services-stage/events")
            .await
            .0,
        403
    );
    assert_eq!(get(&drill, PODS).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_server_answers_nothing_and_its_streams_stall_until_the_fault_ends() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let log = format!(
        "{PODS}/{}/log?follow=true&tailLines=0",
        pod_names(&drill).await[0]
    );
    let mut open = send(&drill, "GET", &log, &[], "").await;
    drill.api().set_fault(Some(ApiFault::Freeze));
    let minute = Duration::from_mins(1);
    assert!(tokio::time::timeout(minute, frames(&mut open)).await.is_err());
    assert!(tokio::time::timeout(minute, get(&drill, PODS)).await.is_err());
    drill.api().set_fault(None);
    assert!(frames(&mut open).await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_reset_breaks_watches_and_logs_and_a_log_cut_only_logs() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let log = format!(
        "{PODS}/{}/log?follow=true&tailLines=0",
        pod_names(&drill).await[0]
    );
    let watch = format!(
        "{PODS}?watch=true&resourceVersion={}",
        get(&drill, PODS).await.1["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
    );
    let mut logs = send(&drill, "GET", &log, &[], "").await;
    let mut watching = send(&drill, "GET", &watch, &[], "").await;
    drill.api().set_fault(Some(ApiFault::CutLogs));
    assert!(frames(&mut logs).await.unwrap().is_err());
    let still = tokio::time::timeout(Duration::from_secs(20), frames(&mut watching)).await;
    assert!(still.is_err());
    drill.api().set_fault(Some(ApiFault::ResetStreams));
    assert!(frames(&mut watching).await.unwrap().is_err());
}

#[tokio::test]
async fn a_server_that_refuses_comes_back_on_the_same_port() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let address = drill.api().url().trim_start_matches("https://").to_owned();
    assert!(tokio::net::TcpStream::connect(&address).await.is_ok());
    drill.api().set_fault(Some(ApiFault::Refuse));
    let refuses = Deadline::until("the port refuses");
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        refuses.pause_task().await;
    }
    drill.api().set_fault(None);
    let listens = Deadline::until("the port listens again");
    while tokio::net::TcpStream::connect(&address).await.is_err() {
        listens.pause_task().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_timeline_can_make_the_server_fail_and_heal() {
    let folder = tempfile::tempdir().unwrap();
    let text = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n[[timeline]]\nat = '100s'\napi.answer = 503\n[[timeline]]\nat = '300s'\napi_heals = true\n";
    let drill = drill_of(Scenario::parse("test", text).unwrap(), folder.path(), 1.0).await;
    for (seconds, code) in [(0, 200), (101, 503), (200, 200)] {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        assert_eq!(get(&drill, PODS).await.0, code);
    }
}

#[tokio::test]
async fn every_request_is_kept_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    get(&drill, &format!("{PODS}?limit=1")).await;
    let seen = drill.api().requests();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str()),
        ("GET", format!("{PODS}?limit=1").as_str())
    );
    assert!(seen[0].at >= start());
}

#[tokio::test]
async fn a_client_that_asks_to_close_gets_the_whole_log_over_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let path = format!("{PODS}/{}/log?container=service", pod_names(&drill).await[0]);
    let (_, in_process) = whole(send(&drill, "GET", &path, &[], "").await).await;
    let kubeconfig = kube::config::Kubeconfig::read_from(drill.kubeconfig()).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    config.proxy_url = None;
    let client = kube::Client::try_from(config).unwrap();
    let request = Request::get(&path)
        .header("connection", "close")
        .body(Vec::new())
        .unwrap();
    let over_the_wire = client.request_text(request).await.unwrap();
    assert!(over_the_wire.len() > 10_000 && over_the_wire.starts_with(&in_process));
}
