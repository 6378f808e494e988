//! Monitoring servers in the cluster: behind the API server's service proxy, with the cluster's own login, and behind OpenShift's routes.

use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::support::world::World;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

const SILENCED: &str = include_str!("../../assets/scenarios/alert-silenced.toml");

const BY_PROXY: &str = "
[environments.stage.metrics]
service = 'openshift-customer-monitoring/prometheus-app-sre:9090'

[environments.stage.alerts]
service = 'openshift-customer-monitoring/alertmanager-app-sre:9093'
";

/// A home with this configuration.
fn home(configuration: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("config/sopwatch");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), configuration).unwrap();
    home
}

/// What the program prints; `world` gives the cluster.
fn output(world: &World, home: &TempDir, arguments: &[&str]) -> String {
    let output = Command::new(SOPWATCH)
        .args(arguments)
        .args(["--kubeconfig", world.kubeconfig(), "--no-database"])
        .env_clear()
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path().join("config"))
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.is_empty(), "{said}");
    text
}

/// The lines of the doctor about monitoring.
fn monitoring_of(page: &str) -> Vec<&str> {
    let lines = page.lines().skip_while(|line| *line != "Monitoring").skip(1);
    lines.take_while(|line| line.starts_with(' ')).collect()
}

#[test]
fn metrics_and_alerts_are_read_through_the_api_server_with_the_cluster_s_login() {
    let world = World::start(SILENCED);
    let home = home(BY_PROXY);
    let text = output(
        &world,
        &home,
        &[
            "check",
            "kafka-provisioning-correctness",
            "-o",
            "json",
            "--within",
            "60s",
        ],
    );
    let check: Value = serde_json::from_str(&text).unwrap();
    let figures = check["metrics"].as_array().unwrap();
    let up = figures.iter().find(|figure| figure["figure"] == "up").unwrap();
    assert_eq!(up["values"].as_array().unwrap().len(), 3, "{up}");
    assert_eq!(check["alerts"][0]["state"], "silenced", "{}", check["alerts"]);
    let asked: Vec<_> = world
        .drill
        .api()
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    let through =
        "/api/v1/namespaces/openshift-customer-monitoring/services/prometheus-app-sre:9090/proxy/api/v1/";
    for path in ["query?query=up", "rules?type=alert"] {
        let wanted = format!("{through}{path}");
        assert!(
            asked.iter().any(|path| path.starts_with(&wanted)),
            "{wanted} in {asked:#?}"
        );
    }
}

#[test]
fn the_doctor_names_the_right_that_the_proxy_needs() {
    let world = World::start(SILENCED);
    let home = home(BY_PROXY);
    let page = output(
        &world,
        &home,
        &["doctor", "--within", "60s", "--context", "readonly"],
    );
    let lines = monitoring_of(&page).join("\n");
    assert!(
        lines.contains(
            "read metrics from the service prometheus-app-sre:9090 in openshift-customer-monitoring: 403"
        ),
        "{page}"
    );
    assert!(
        lines.contains("ask for the right `get services/proxy` there"),
        "{page}"
    );
}

#[test]
fn a_route_that_may_not_be_read_says_so_and_what_to_configure() {
    let world = World::start(SILENCED);
    let home = home("[environments.stage.metrics]\nopenshift = true\n");
    let page = output(&world, &home, &["doctor", "--within", "60s"]);
    let lines = monitoring_of(&page).join("\n");
    assert!(
        lines.contains("read the route thanos-querier in openshift-monitoring: 403"),
        "{page}"
    );
    assert!(
        lines.contains("ask for `get routes` in openshift-monitoring"),
        "{page}"
    );
}
