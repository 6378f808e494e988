//! The console beside `kubectl` and `psql` on the same drill: they must tell the same story.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sopwatch_console::app::App;
use sopwatch_console::panes::logs::buffer::Entry;
use sopwatch_core::diagnose::leaders::Verdict;
use sopwatch_core::profile::sop::StepStatus::{Fail, Pass};
use tempfile::TempDir;

use super::support::harness::Harness;
use super::support::leaders::leader_on;
use super::support::tools;

/// Another client of the drill: what it leaves behind stays in its own folder.
struct Beside {
    kubeconfig: PathBuf,
    home: TempDir,
}

impl Beside {
    /// `None` where `kubectl` is not installed.
    fn kubectl_for(kubeconfig: &Path) -> Option<Self> {
        tools::has("kubectl").then(|| Self {
            kubeconfig: kubeconfig.to_owned(),
            home: tempfile::tempdir().unwrap(),
        })
    }

    /// What `kubectl` prints; it must succeed.
    async fn kubectl(&self, line: &str) -> String {
        let mut command = tokio::process::Command::new("kubectl");
        command
            .args(line.split_whitespace())
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.home.path())
            .env_remove("HTTPS_PROXY");
        let output = command.output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {line}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }
}

async fn beside(scenario: &str, speed: f64) -> Option<(Harness, Beside)> {
    let mut console = Harness::with(scenario, (120, 40), |options| options.speed = speed).await;
    let kubectl = Beside::kubectl_for(console.drill.kubeconfig())?;
    console
        .until("pods, logs and leaders are known", |app, _| {
            let logs = app.state.logs.values().filter(|log| log.progress.caught_up);
            app.state.pods.len() == 3
                && logs.count() == 9
                && app
                    .diagnosis
                    .leaders
                    .iter()
                    .any(|one| one.verdict == Verdict::One)
        })
        .await;
    Some((console, kubectl))
}

fn verdict(app: &App, worker: &str) -> Verdict {
    let of_worker =
        |reading: &&sopwatch_core::diagnose::leaders::LeaderReading| reading.worker.contains(worker);
    app.diagnosis.leaders.iter().find(of_worker).unwrap().verdict
}

fn has_status(app: &App, pod: &str, status: &str) -> bool {
    let mut pods = app.state.pods.values();
    pods.any(|known| *known.name == *pod && *known.status == *status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_and_the_console_list_the_same_pods() {
    for scenario in ["all-well", "api-down-image-pull"] {
        let mut console = Harness::start(scenario).await;
        let Some(kubectl) = Beside::kubectl_for(console.drill.kubeconfig()) else {
            return;
        };
        console
            .until("the pods are known", |app, _| app.state.pods.len() == 3)
            .await;
        let printed = kubectl.kubectl("get pods --no-headers").await;
        let screen = console.screen();
        let pods: Vec<String> = console.console.app.state.pods.values().map(pod_row).collect();
        for line in printed.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            assert!(
                pods.contains(&words[..4].join(" ")),
                "{line} is not among {pods:?}"
            );
            let begin = format!("{} {}", &words[0][words[0].len() - 5..], words[1]);
            let row = screen.lines().find(|row| row.contains(&begin));
            assert!(row.is_some_and(|row| row.contains(words[2])), "{line}\n{screen}");
        }
        assert_eq!(printed.lines().count(), pods.len(), "{printed}");
        console.stop().await;
    }
}

fn pod_row(pod: &sopwatch_core::observe::observation::Pod) -> String {
    let (name, ready, total, status) = (&pod.name, pod.ready, pod.total, &pod.status);
    format!("{name} {ready}/{total} {status} {}", pod.restarts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_and_the_console_read_the_same_lines_once_and_in_order() {
    let Some((mut console, kubectl)) = beside("no-kafka-leader", 1.0).await else {
        return;
    };
    console.press("A");
    let pods: Vec<_> = console.console.app.state.pods.values().cloned().collect();
    for pod in pods {
        let printed = kubectl.kubectl(&format!("logs {} -c service", pod.name)).await;
        let printed: Vec<&str> = printed.lines().collect();
        let last = *printed.last().unwrap();
        console
            .until("the last line that kubectl printed is there", |app, _| {
                lines_of(app, &pod.name).iter().any(|line| line == last)
            })
            .await;
        let mut kept = lines_of(&console.console.app, &pod.name);
        let end = kept.iter().rposition(|line| line == last).unwrap();
        kept.truncate(end + 1);
        let alike = kept.iter().rev().zip(printed.iter().rev());
        let alike = alike.take_while(|(kept, printed)| kept == *printed).count();
        assert!(
            alike >= 2_000,
            "only the last {alike} lines of {} are the same",
            pod.name
        );
        // What is older than the kept part is there only for the leaders.
        let older = &kept[..kept.len() - alike];
        let mut rest = printed[..printed.len() - alike].iter();
        for line in older {
            assert!(line.contains("leader") || line.contains("reconcil"), "{line}");
            assert!(rest.any(|printed| printed == line), "out of order: {line}");
        }
    }
    console.stop().await;
}

/// The lines of a pod's service in the scroll-back.
fn lines_of(app: &App, pod: &str) -> Vec<String> {
    let of_pod = |entry: &&std::sync::Arc<Entry>| {
        !entry.note && *entry.source.pod == *pod && &*entry.source.container == "service"
    };
    let entries = app.logs.buffer.shown().iter().filter(of_pod);
    entries
        .flat_map(|entry| entry.record.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_pod_goes_and_its_last_lines_stay() {
    let Some((mut console, kubectl)) = beside("all-well", 1.0).await else {
        return;
    };
    console.press("A");
    let before: BTreeSet<_> = console.console.app.state.pods.keys().cloned().collect();
    let pod = console
        .console
        .app
        .state
        .pods
        .values()
        .next()
        .unwrap()
        .name
        .clone();
    kubectl.kubectl(&format!("delete pod {pod} --wait=false")).await;
    console
        .until("the deletion shows", |app, _| {
            has_status(app, &pod, "Terminating") || !app.state.pods.values().any(|known| known.name == pod)
        })
        .await;
    console
        .until("a replacement runs and the pod is gone", |app, _| {
            let mut pods = app.state.pods.values();
            pods.clone().all(|known| known.name != pod)
                && pods.any(|known| !before.contains(&known.uid) && &*known.status == "Running")
        })
        .await;
    let app = &console.console.app;
    assert!(lines_of(app, &pod).len() > 100, "its last lines stay");
    let notes: Vec<_> = app
        .logs
        .buffer
        .shown()
        .iter()
        .filter(|entry| entry.note)
        .collect();
    assert!(notes.is_empty(), "a container that ended was not cut: {notes:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scaling_to_nothing_fails_the_step_and_back_heals_it() {
    let Some((mut console, kubectl)) = beside("all-well", 3.0).await else {
        return;
    };
    kubectl
        .kubectl("scale deploy/managed-services-api --replicas=0")
        .await;
    console
        .until("the scaling shows", |app, _| {
            let deployment = app.state.deployment.as_ref();
            deployment.is_some_and(|known| known.replicas == 0)
        })
        .await;
    let screen = console
        .until("there is no leader where no pod runs", |app, _| {
            app.state.pods.is_empty() && verdict(app, "Kafka") == Verdict::None
        })
        .await;
    assert!(screen.contains("0 of 0 ready"), "{screen}");
    assert!(screen.contains("no pod is up"), "{screen}");
    let steps = &console.console.app.diagnosis.steps;
    let failing = steps.iter().find(|step| step.status == Fail).unwrap();
    assert_eq!(failing.value, "0 of 0 ready (SOP expects 3)");
    kubectl
        .kubectl("scale deploy/managed-services-api --replicas=3")
        .await;
    console
        .until("the pods are back", |app, screen| {
            let mut steps = app.diagnosis.steps.iter();
            screen.contains("3 of 3 ready")
                && steps.any(|step| step.status == Pass && step.title.contains("Pods"))
        })
        .await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarting_the_pods_brings_the_kafka_leader_back() {
    let Some((mut console, kubectl)) = beside("no-kafka-leader", 1.0).await else {
        return;
    };
    console
        .until(
            "no Kafka leader, and the cluster leader's lease read",
            |app, screen| {
                verdict(app, "Kafka") == Verdict::None
                    && leader_on(screen, "Cluster").is_some_and(|(word, why)| {
                        word.starts_with('✔') && why.contains("lease") && !why.contains("can't read")
                    })
            },
        )
        .await;
    kubectl
        .kubectl("delete pod -l app=managed-services-api --wait=false")
        .await;
    let mut seen = Vec::new();
    console
        .until("there is one leader again", |app, _| {
            let now = verdict(app, "Kafka");
            let word = match now {
                Verdict::Settling { .. } => "settling",
                Verdict::None => "none",
                Verdict::One => "one",
                Verdict::Many => "many",
                Verdict::Unknown => "unknown",
            };
            if seen.last() != Some(&word) {
                seen.push(word);
            }
            now == Verdict::One
        })
        .await;
    assert!(seen.ends_with(&["settling", "one"]), "{seen:?}");
    assert!(!seen.contains(&"many") && !seen.contains(&"unknown"), "{seen:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_counts_what_the_grid_shows() {
    if !tools::has("psql") {
        return;
    }
    let mut console = Harness::start("no-kafka-leader").await;
    console
        .until("the database was read", |app, _| !app.grid().is_empty())
        .await;
    for table in ["clusters", "kafka_requests"] {
        let query = format!("select status, count(*) from {table} where deleted_at is null group by 1");
        let mut psql = tokio::process::Command::new("psql");
        psql.arg(console.drill.database_url()).args(["-XAtc", &query]);
        let output = psql.output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let statuses = console.console.app.state.statuses(table).unwrap();
        let known = statuses
            .as_ref()
            .unwrap()
            .iter()
            .filter(|status| status.count > 0);
        let known: BTreeSet<_> = known
            .map(|status| format!("{}|{}", status.status, status.count))
            .collect();
        assert_eq!(printed.lines().map(str::to_owned).collect::<BTreeSet<_>>(), known);
    }
    console.stop().await;
}

/// A drill without a screen, and what it printed.
struct Served {
    child: Child,
    kubeconfig: PathBuf,
    printed: String,
    home: TempDir,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sopwatch"))
            .args(["drill", "--serve"])
            .args(arguments)
            .env("HOME", home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines: Vec<_> = lines.take(2).map(Result::unwrap).collect();
        let kubeconfig = lines[0].strip_prefix("export KUBECONFIG='").unwrap();
        Self {
            child,
            kubeconfig: kubeconfig.trim_end_matches('\'').into(),
            printed: lines.join("\n"),
            home,
        }
    }

    fn end(mut self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
        self.child.wait().unwrap();
        let folder = self.kubeconfig.parent().unwrap();
        assert!(!folder.exists(), "{} is left behind", folder.display());
        let left = std::fs::read_dir(self.home.path()).unwrap().count();
        assert_eq!(left, 0, "the drill wrote into the user's home");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_served_drill_is_private_and_leaves_nothing() {
    for signal in [Signal::TERM, Signal::INT] {
        let served = Served::start(&["all-well"]);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let folder = served.kubeconfig.parent().unwrap();
        assert_eq!(mode(folder), 0o700);
        assert_eq!(mode(&served.kubeconfig), 0o600);
        assert_eq!(mode(&folder.join("env")), 0o600);
        assert!(
            std::fs::read_to_string(&served.kubeconfig)
                .unwrap()
                .contains("https://127.0.0.1:")
        );
        assert!(served.printed.contains("@127.0.0.1:"), "{}", served.printed);
        served.end(signal);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_names_the_same_pods() {
    let mut names = Vec::new();
    for seed in ["7", "7", "8"] {
        let served = Served::start(&["no-kafka-leader", "--seed", seed]);
        let Some(kubectl) = Beside::kubectl_for(&served.kubeconfig) else {
            return served.end(Signal::TERM);
        };
        names.push(kubectl.kubectl("get pods -o name").await);
        served.end(Signal::TERM);
    }
    assert_eq!(names[0], names[1]);
    assert_ne!(names[0], names[2]);
}
