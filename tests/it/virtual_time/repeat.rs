//! Two drills of one seed are the same drill; another seed makes another.

use jiff::SignedDuration;
use kube::Client;
use serde_json::Value;

use crate::support::virtual_console::{NAMESPACE, VirtualConsole};
use crate::support::virtual_time;

/// What is the same in two drills of one seed.
const PATHS: [&str; 4] = [
    "/api/v1/namespaces/managed-services-stage/pods",
    "/apis/apps/v1/namespaces/managed-services-stage/deployments",
    "/apis/apps/v1/namespaces/managed-services-stage/replicasets",
    "/api/v1/namespaces/managed-services-stage/events",
];
/// When it is looked at, seconds after the start.
const MOMENTS: [i64; 4] = [2, 30, 90, 180];

/// All that can be seen of a scenario, a text a moment.
fn run(scenario: &str, seed: u64) -> Vec<String> {
    let scenario = sopwatch_drill::scenario(scenario).unwrap();
    virtual_time::run(|breath| async move {
        let mut console = VirtualConsole::start(scenario, seed, &breath).await;
        let mut seen = Vec::new();
        for moment in MOMENTS {
            console.run_until(SignedDuration::from_secs(moment)).await;
            let app = console.app();
            let mut diagnosis = app.diagnosis.clone();
            // How old an answer is hangs on when the console asked again after a refusal, which is by chance.
            diagnosis.steps.iter_mut().for_each(|step| step.age = None);
            diagnosis
                .leaders
                .iter_mut()
                .for_each(|leader| leader.as_of = None);
            seen.push(format!("{moment} s, the diagnosis: {diagnosis:#?}"));
            let reading = app.state.reading.as_ref().map(|(at, reading)| {
                // How long a poll took is the machine's.
                (at, &reading.tables, &reading.leases)
            });
            seen.push(format!("{moment} s, the rows: {reading:#?}"));
            for object in objects(&console).await {
                seen.push(format!("{moment} s: {object:#}"));
            }
            for log in logs(&console).await {
                seen.push(format!("{moment} s: {log}"));
            }
        }
        seen
    })
}

async fn get(client: &Client, path: &str) -> String {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    client.request_text(request).await.unwrap()
}

async fn objects(console: &VirtualConsole) -> Vec<Value> {
    let client = Client::new(console.drill.api().in_process(), NAMESPACE);
    let mut objects = Vec::new();
    for path in PATHS {
        let list: Value = serde_json::from_str(&get(&client, path).await).unwrap();
        objects.push(list);
    }
    objects
}

async fn logs(console: &VirtualConsole) -> Vec<String> {
    let client = Client::new(console.drill.api().in_process(), NAMESPACE);
    let pods: Value = serde_json::from_str(&get(&client, PATHS[0]).await).unwrap();
    let mut logs = Vec::new();
    for pod in pods["items"].as_array().unwrap() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let path = format!(
            "{}/{name}/log?container=service&timestamps=true&sinceSeconds=200",
            PATHS[0]
        );
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        // A container that has not started has no log, and that is the same each time too.
        let log = client
            .request_text(request)
            .await
            .unwrap_or_else(|error| error.to_string());
        logs.push(format!("{name}\n{log}"));
    }
    logs
}

#[test]
fn the_same_seed_gives_the_same_drill_and_another_seed_another() {
    for scenario in ["no-kafka-leader", "api-down-image-pull", "panic-loop"] {
        let (first, second) = (run(scenario, 11), run(scenario, 11));
        assert_eq!(first.len(), second.len(), "{scenario}");
        for (first, second) in first.iter().zip(&second) {
            let differs = first
                .lines()
                .zip(second.lines())
                .find(|(first, second)| first != second);
            assert_eq!(
                differs,
                None,
                "{scenario}: {}",
                first.lines().next().unwrap_or_default()
            );
            assert_eq!(first, second, "{scenario}");
        }
        assert_ne!(first, run(scenario, 12), "{scenario}");
    }
}
