//! Logs of pods in every state, long lines among them.

use super::*;

const LEAST: &str = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n[deployment]\npods_age = '3m'\n";

/// A pod that is not the service's, with two containers; `node` is empty for one that is not scheduled.
fn sidecar(node: &str) -> String {
    format!(
        "{LEAST}[[objects]]\nkind = 'Pod'\napiVersion = 'v1'\nmetadata = {{ name = 'p' }}\n\
         spec = {{ nodeName = '{node}', containers = [{{ name = 'a' }}, {{ name = 'b' }}], initContainers = [{{ name = 'i' }}] }}\n"
    )
}

async fn read(text: &str, query: &str) -> (u16, String) {
    let folder = tempfile::tempdir().unwrap();
    let scenario = Scenario::parse("x", text).unwrap();
    let drill = drill_of(scenario, folder.path(), 1.0).await;
    whole(send(&drill, "GET", &format!("{PODS}/p/log?{query}"), &[], "").await).await
}

#[tokio::test]
async fn of_several_containers_one_must_be_named() {
    let (code, text) = read(&sidecar("node-1"), "").await;
    let message = "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]";
    assert_eq!(code, 400);
    assert!(text.contains(message), "{text}");
    assert_eq!(
        read(&sidecar("node-1"), "container=b").await,
        (200, String::new())
    );
}

#[tokio::test]
async fn a_pod_on_no_node_has_no_log() {
    assert_eq!(read(&sidecar(""), "container=a").await, (204, String::new()));
}

#[tokio::test]
async fn a_long_line_is_joined_and_its_pieces_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = Scenario::parse("x", &format!("{LEAST}[service]\nhostile = true\n")).unwrap();
    let drill = drill_of(scenario, folder.path(), 1.0).await;
    let log = format!("{PODS}/{}/log", pod_names(&drill).await[0]);
    let raw = async |query: &str| {
        let response = send(&drill, "GET", &format!("{log}?{query}"), &[], "").await;
        response.into_body().collect().await.unwrap().to_bytes()
    };
    let all = raw("").await;
    let lines: Vec<&[u8]> = all.split(|byte| *byte == b'\n').collect();
    let long = lines.iter().rposition(|line| line.len() > 70_000).unwrap();
    // From the end of the file to within the long line: its last piece is shorter than 16 KiB.
    let after = lines.len() - 1 - long - 1;
    let tail = raw(&format!("tailLines={}&timestamps=true", after + 2)).await;
    let first = tail.split(|byte| *byte == b'\n').next().unwrap();
    let stamp = "2026-11-22T09:00:00.000000000Z ".len();
    assert_eq!(first.len(), stamp + 16 * 1024 + lines[long].len() % (16 * 1024));
    assert!(std::str::from_utf8(&all).is_err(), "bytes pass as they are");
}
