//! kubectl and kube's own client as judges.

use std::process::Output;

use jiff::Timestamp;

use crate::drill::{Drill, Options, Scenario, scenarios};

fn start() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn scenario(id: &str) -> Scenario {
    scenarios().unwrap().into_iter().find(|scenario| scenario.id == id).unwrap()
}

async fn drill(id: &str, folder: &std::path::Path) -> Drill {
    Drill::start(Options { scenario: scenario(id), start: start(), speed: 1.0, seed: 7, folder: folder.to_owned() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn playground() {
    let folder = tempfile::tempdir().unwrap();
    let t = std::time::Instant::now();
    let drill = drill(&std::env::var("SCEN").unwrap(), folder.path()).await;
    eprintln!("started in {:?}", t.elapsed());
    let output: Output = tokio::process::Command::new("bash").arg("-c").arg(std::env::var("CMD").unwrap()).env("KUBECONFIG", drill.kubeconfig()).env("KUBECACHEDIR", folder.path()).output().await.unwrap();
    eprintln!("{}\n--- stderr\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if std::env::var("REQ").is_ok() { for r in drill.api().requests() { eprintln!("{} {}", r.method, r.path); } }
}
