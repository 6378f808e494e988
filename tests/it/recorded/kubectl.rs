//! `kubectl`, with the recorded commands.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::LazyLock;

use serde_json::Value;
use sopwatch::runtime::clock::Clock;
use sopwatch_drill::{Drill, Options};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use super::allowed::PRINTED;
use super::judge::Judge;
use super::printed::{self, Said};
use super::stage::{QUIET, STEADY, scenario};
use super::troubles::{State, TROUBLES, Trouble};
use crate::support::patience::{Deadline, soon};
use crate::support::tools;

/// A drill on loopback, and a home for `kubectl`.
struct Bench {
    drill: Drill,
    /// RecordStatus words and those of the drill that take their part.
    parts: Vec<(String, String)>,
    folder: TempDir,
}

/// Which `kubectl` is installed: it may be another than the recorded one, and says so.
#[derive(Debug)]
struct Client {
    version: String,
    kustomize: String,
}

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let mut kubectl = std::process::Command::new("kubectl");
    let output = kubectl
        .args(["version", "--client", "-o", "json"])
        .output()
        .unwrap();
    Client::of(&serde_json::from_slice(&output.stdout).unwrap())
});

impl Client {
    /// What `kubectl version --client -o json` says.
    fn of(said: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            version: text(&said["clientVersion"]["gitVersion"]),
            kustomize: text(&said["kustomizeVersion"]),
        }
    }

    /// What was recorded, as this client would have said it.
    fn instead_of_the_recorded(&self, mut recorded: Said) -> Said {
        if recorded.arguments == "version" {
            let lines = recorded.out.lines().map(|line| match line.split_once(": ") {
                Some(("Client Version", _)) => format!("Client Version: {}\n", self.version),
                Some(("Kustomize Version", _)) => format!("Kustomize Version: {}\n", self.kustomize),
                _ => format!("{line}\n"),
            });
            recorded.out = lines.collect();
        }
        recorded
    }
}

#[test]
fn only_its_version_is_taken_from_the_installed_kubectl() {
    let said = serde_json::json!({
        "clientVersion": {"major": "1", "minor": "33", "gitVersion": "v1.33.9"},
        "kustomizeVersion": "v5.6.0",
    });
    let client = Client::of(&said);
    let recorded = Said::read("kubectl-version");
    let expected = client.instead_of_the_recorded(recorded.clone());
    assert_eq!(
        expected.out,
        "Client Version: v1.33.9\nKustomize Version: v5.6.0\nServer Version: v1.32.13+testbed\n"
    );
    assert_ne!(expected.out, recorded.out);
    let pods = Said::read("kubectl-get-pods");
    assert_eq!(client.instead_of_the_recorded(pods.clone()).out, pods.out);
}

impl Bench {
    async fn set(text: &str, speed: f64) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            scenario: scenario(text),
            start: Clock::system().now(),
            speed,
            seed: 7,
            folder: folder.path().to_owned(),
        };
        Self {
            drill: Drill::start(options).await.unwrap(),
            parts: Vec::new(),
            folder,
        }
    }

    fn command(&self, arguments: &str) -> Command {
        let cast = |text: String, (recorded, drill): &(String, String)| text.replace(recorded, drill);
        let arguments = self.parts.iter().fold(arguments.to_owned(), cast);
        let mut command = Command::new("kubectl");
        let cache: PathBuf = self.folder.path().join("cache");
        command
            .args(arguments.split_whitespace())
            .env("KUBECONFIG", self.drill.kubeconfig())
            .env("KUBECACHEDIR", cache)
            .env("HOME", self.folder.path())
            .env_remove("HTTPS_PROXY")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &str) -> Said {
        let output = self.command(arguments).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            arguments: arguments.to_owned(),
            exit: output.status.code().unwrap().to_string(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Runs the recorded command and holds what it says to what it said.
    async fn hold(&self, judge: &mut Judge, name: &str) {
        self.hold_with(judge, name, "").await;
    }

    async fn hold_with(&self, judge: &mut Judge, name: &str, more: &str) {
        let recorded = CLIENT.instead_of_the_recorded(Said::read(name));
        let said = self.run(&format!("{} {more}", recorded.arguments)).await;
        judge.fields(name, &recorded.fields(), &said.fields());
    }

    async fn pods(&self) -> Vec<Value> {
        let said = self.run("get pods -l app=managed-services-api -o json").await;
        let list: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.err));
        list["items"].as_array().unwrap().clone()
    }

    /// Waits until every pod is ready.
    async fn ready(&self) {
        let said = self
            .run("wait --for=condition=Ready pod -l app=managed-services-api --timeout=120s")
            .await;
        assert_eq!(said.exit, "0", "{}", said.err);
    }

    fn part(&mut self, recorded: &str, pod: &Value) {
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        self.parts
            .push((format!("managed-services-api-{recorded}"), name));
    }
}

/// The next line of a watch.
async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = soon("the watch says more", lines.next_line()).await.unwrap();
    line.expect("the watch goes on")
}

/// What is asked of a service in which nothing happens.
const STEADY_COMMANDS: &[&str] = &[
    "kubectl-can-i-delete",
    "kubectl-can-i-list",
    "kubectl-can-i-patch",
    "kubectl-describe-deploy",
    "kubectl-describe-pod",
    "kubectl-exec",
    "kubectl-get-deploy",
    "kubectl-get-deploy-wide",
    "kubectl-get-events",
    "kubectl-get-missing",
    "kubectl-get-pods",
    "kubectl-get-pods-labels",
    "kubectl-get-pods-wide",
    "kubectl-get-rs",
    "kubectl-get-secret",
    "kubectl-logs-all-containers",
    "kubectl-logs-bad-container",
    "kubectl-logs-previous-none",
    "kubectl-logs-selector-prefix",
    "kubectl-logs-tail",
    "kubectl-rollout-history",
    "kubectl-rollout-restart-forbidden",
    "kubectl-rollout-status",
    "kubectl-top",
    "kubectl-version",
    "kubectl-wait-ready",
];

const BAD_TOKEN: &str = "kubectl-bad-token";
const READER: &str = "kubectl-readonly-delete";
const RESTART: &str = "kubectl-rollout-restart-admin";
const RESTARTING: &str = "kubectl-rollout-status-during";
const WATCH: &str = "kubectl-get-pods-watch-during-delete";
const DELETE: &str = "kubectl-delete-pod-wait";
const SCALE_UP: &str = "kubectl-scale-4";
const SCALING: &str = "kubectl-get-deploy-scaling";
const SCALE_DOWN: &str = "kubectl-scale-3";
const TERMINATING: &str = "kubectl-get-pods-terminating";

/// Every recording that is held to here.
pub fn held() -> impl Iterator<Item = &'static str> {
    let single = [
        BAD_TOKEN,
        READER,
        RESTART,
        RESTARTING,
        WATCH,
        DELETE,
        SCALE_UP,
        SCALING,
        SCALE_DOWN,
        TERMINATING,
    ];
    let troubles = TROUBLES.iter().flat_map(|trouble| trouble.commands);
    STEADY_COMMANDS.iter().chain(troubles).copied().chain(single)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_says_what_it_said() {
    if !tools::has("kubectl") {
        return;
    }
    let mut judge = Judge::new(PRINTED);
    let troubles = TROUBLES.iter().map(in_trouble);
    let (quiet, deletion, others, troubles) = tokio::join!(
        nothing_happens(),
        a_pod_is_deleted(),
        by_others(),
        futures::future::join_all(troubles),
    );
    for found in [quiet, deletion, others].into_iter().chain(troubles) {
        judge.join(found);
    }
    judge.end();
}

/// What the reader is refused and the administrator does.
async fn by_others() -> Judge {
    let mut judge = Judge::new(PRINTED);
    let mut bench = Bench::set(QUIET, 12.0).await;
    let pods = bench.pods().await;
    bench.part("64d78545d9-zcd85", &pods[0]);
    bench.hold_with(&mut judge, READER, "--context=readonly").await;
    bench.hold_with(&mut judge, RESTART, "--context=admin").await;
    bench.hold(&mut judge, RESTARTING).await;
    judge
}

async fn nothing_happens() -> Judge {
    let mut judge = Judge::new(PRINTED);
    let mut bench = Bench::set(QUIET, 1.0).await;
    let pods = bench.pods().await;
    let quiet = pods
        .iter()
        .find(|pod| pod["status"]["containerStatuses"][0]["restartCount"] == 0)
        .unwrap();
    bench.part("64d78545d9-b8688", quiet);
    for name in STEADY_COMMANDS {
        bench.hold(&mut judge, name).await;
    }
    bench.hold_with(&mut judge, BAD_TOKEN, "--token=of-nobody").await;
    judge
}

/// A pod is deleted under the eyes of a watch; then the deployment is scaled up and down.
async fn a_pod_is_deleted() -> Judge {
    let mut judge = Judge::new(PRINTED);
    let mut bench = Bench::set(STEADY, 12.0).await;
    let pods = bench.pods().await;
    let victim = pods
        .iter()
        .find(|pod| pod["status"]["containerStatuses"][0]["restartCount"] == 2)
        .unwrap();
    bench.part("64d78545d9-b8688", victim);
    let victim = victim["metadata"]["name"].as_str().unwrap();
    let watched = Said::read(WATCH);
    let mut watch = bench
        .command(&watched.arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < 4 {
        seen.push(next(&mut lines).await);
    }
    bench.hold(&mut judge, DELETE).await;
    let old: Vec<String> = pods
        .iter()
        .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    let is_new = |line: &str| !old.iter().any(|name| line.starts_with(name.as_str()));
    let replaced = Deadline::until("the replacement is ready");
    while !seen
        .last()
        .is_some_and(|line| is_new(line) && line.contains("1/1"))
    {
        replaced.check();
        seen.push(next(&mut lines).await);
    }
    let there: Vec<&str> = watched.out.lines().collect();
    let here: Vec<&str> = seen.iter().map(String::as_str).collect();
    judge.same(
        WATCH,
        "lines",
        watch_lines(&there, "managed-services-api-64d78545d9-84zjh"),
        watch_lines(&here, victim),
    );
    bench.ready().await;
    scaling(&bench, &mut judge).await;
    judge
}

/// The deployment is scaled up by one pod and, when that is ready, down again.
async fn scaling(bench: &Bench, judge: &mut Judge) {
    bench.hold(judge, SCALE_UP).await;
    let updated = "wait --for=jsonpath={.status.updatedReplicas}=4 deploy/managed-services-api --timeout=60s";
    let said = bench.run(updated).await;
    assert_eq!(said.exit, "0", "{}", said.err);
    bench.hold(judge, SCALING).await;
    bench.ready().await;
    let recorded = Said::read(TERMINATING);
    let mut watch = bench
        .command(&format!("{} -w", recorded.arguments))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < 5 {
        seen.push(next(&mut lines).await);
    }
    bench.hold(judge, SCALE_DOWN).await;
    let ending = Deadline::until("a pod ends");
    let going = loop {
        ending.check();
        let line = next(&mut lines).await;
        seen.push(line.clone());
        if line.contains("Terminating") {
            break line;
        }
    };
    let going = going.split_whitespace().next().unwrap();
    let gone = format!("wait --for=delete pod/{going} --timeout=60s");
    let said = bench.run(&gone).await;
    assert_eq!(said.exit, "0", "{}", said.err);
    watch.start_kill().unwrap();
    let rest = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            seen.push(line);
        }
    };
    soon("the watch has ended", rest).await;
    // The recorded moment: the container has ended, and the pod is not gone yet.
    let ended = recorded
        .out
        .lines()
        .find(|line| line.contains(" Error "))
        .unwrap();
    let words = |line: &str| printed::cells(line)[1..4].join(" ");
    let there = seen
        .iter()
        .any(|line| line.starts_with(going) && words(line) == words(ended));
    judge.same(TERMINATING, "ended and not yet gone", true, there);
    judge.same(
        TERMINATING,
        "columns",
        recorded.out.lines().next().map(printed::cells),
        seen.first().map(|line| printed::cells(line)),
    );
}

async fn in_trouble(trouble: &Trouble) -> Judge {
    let mut judge = Judge::new(PRINTED);
    // The kubelet soon says something else of an image: slowly, so that it does not before the last command is run.
    let is_brief = matches!(trouble.state, State::Waits("ErrImagePull", _));
    let mut bench = Bench::set(trouble.scenario, if is_brief { 0.25 } else { 1.0 }).await;
    let deadline = Deadline::until("a pod is in trouble");
    let pod = loop {
        let pods = bench.pods().await;
        if let Some(pod) = pods.into_iter().find(|pod| trouble.state.is_of(pod)) {
            break pod;
        }
        deadline.pause_task().await;
    };
    bench.part(trouble.pod.strip_prefix("managed-services-api-").unwrap(), &pod);
    for name in trouble.commands {
        bench.hold(&mut judge, name).await;
    }
    judge
}

/// The lines of a watch from the deletion on: who, readiness and status. Repeats are left out, and how far the init containers are, as the
/// drill's service has two.
fn watch_lines(lines: &[&str], victim: &str) -> Vec<String> {
    let begin = lines
        .iter()
        .position(|line| line.contains("Terminating"))
        .unwrap();
    let mut said: Vec<String> = Vec::new();
    for line in &lines[begin..] {
        let cells = printed::cells(line);
        let who = if line.starts_with(victim) { "victim" } else { "new" };
        let status = if cells[2].starts_with("Init:") {
            "Init"
        } else {
            &cells[2]
        };
        let line = format!("{who} {} {status}", cells[1]);
        if !said.contains(&line) {
            said.push(line);
        }
    }
    said
}
