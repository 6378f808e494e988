//! The output and exit codes of `kubectl`, compared with its recorded output against a real server.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::*;
use crate::patience::{Deadline, soon};
use crate::tools;

/// `kubectl` against one drill, with its caches in the drill's folder.
pub(super) struct Kubectl<'a> {
    drill: &'a Drill,
    home: &'a Path,
}

/// Exit status, standard output, standard error.
pub(super) type Said = (i32, String, String);

impl<'a> Kubectl<'a> {
    /// `None` where kubectl is not installed.
    pub(super) fn for_drill(drill: &'a Drill, home: &'a Path) -> Option<Self> {
        tools::has("kubectl").then_some(Self { drill, home })
    }

    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(line.split_whitespace())
            .env("KUBECONFIG", self.drill.kubeconfig())
            .env("KUBECACHEDIR", self.home.join("cache"))
            .env_remove("HTTPS_PROXY")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub(super) async fn run(&self, line: &str) -> Said {
        let output = self.command(line).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    pub(super) fn follow(&self, line: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
        let mut child = self.command(line).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    }
}

fn header(text: &str) -> Vec<&str> {
    text.lines()
        .next()
        .unwrap_or_default()
        .split("  ")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_prints_the_tables_of_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    for (line, columns) in [
        ("get pods", vec!["NAME", "READY", "STATUS", "RESTARTS", "AGE"]),
        (
            "get pods -o wide",
            vec![
                "NAME",
                "READY",
                "STATUS",
                "RESTARTS",
                "AGE",
                "IP",
                "NODE",
                "NOMINATED NODE",
                "READINESS GATES",
            ],
        ),
        (
            "get pods -l app=managed-services-api --show-labels",
            vec!["NAME", "READY", "STATUS", "RESTARTS", "AGE", "LABELS"],
        ),
        (
            "get deploy",
            vec!["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"],
        ),
        (
            "get deploy -o wide",
            vec![
                "NAME",
                "READY",
                "UP-TO-DATE",
                "AVAILABLE",
                "AGE",
                "CONTAINERS",
                "IMAGES",
                "SELECTOR",
            ],
        ),
        ("get rs", vec!["NAME", "DESIRED", "CURRENT", "READY", "AGE"]),
        (
            "get secret managed-services-api-rds",
            vec!["NAME", "TYPE", "DATA", "AGE"],
        ),
    ] {
        let (exit, out, err) = kubectl.run(line).await;
        assert_eq!((exit, header(&out)), (0, columns), "{line}: {err}");
    }
    let (_, out, _) = kubectl.run("get pods").await;
    assert_eq!(
        out.lines()
            .filter(|line| line.contains("1/1     Running   0          120m"))
            .count(),
        3,
        "{out}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_exits_and_prints_errors_as_with_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let pod = pod_names(&drill).await.remove(0);
    for (line, exit, words) in [
        ("auth can-i delete pods", 0, "yes"),
        ("auth can-i patch deployments", 1, "no"),
        (
            "auth can-i --list",
            0,
            "deployments.apps/scale                          []                  []                           [get update patch]",
        ),
        ("auth whoami", 0, "oncall@example.com"),
        ("version", 0, "Server Version: v1.32"),
        (
            "get pod no-such-pod",
            1,
            "Error from server (NotFound): pods \"no-such-pod\" not found",
        ),
        (
            "get secrets",
            1,
            "Error from server (Forbidden): secrets is forbidden: User \"oncall@example.com\" cannot list resource \"secrets\"",
        ),
        ("top pods --no-headers", 0, "Mi"),
        (
            "exec POD -- id",
            1,
            "cannot create resource \"pods/exec\" in API group \"\"",
        ),
        (
            "logs POD -c nope",
            1,
            "error: container nope is not valid for pod POD",
        ),
        (
            "logs POD --previous",
            1,
            "Error from server (BadRequest): previous terminated container \"service\" in pod \"POD\" not found",
        ),
        ("logs POD -c migration", 0, "migrate.go:52] Migration finished"),
        (
            "rollout restart deploy/managed-services-api",
            1,
            "error: failed to patch: deployments.apps \"managed-services-api\" is forbidden",
        ),
        (
            "rollout status deploy/managed-services-api",
            0,
            "deployment \"managed-services-api\" successfully rolled out",
        ),
        (
            "wait --for=condition=Ready pod -l app=managed-services-api --timeout=10s",
            0,
            "pod/POD condition met",
        ),
        (
            "describe pod POD",
            0,
            "Controlled By:  ReplicaSet/managed-services-api-",
        ),
        (
            "--token=wrong get pods",
            1,
            "error: You must be logged in to the server",
        ),
    ] {
        let (code, out, err) = kubectl.run(&line.replace("POD", &pod)).await;
        let said = format!("{out}{err}");
        assert_eq!(code, exit, "{line}: {said}");
        assert!(said.contains(&words.replace("POD", &pod)), "{line}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_watches_a_deleted_pod_and_its_replacement() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let victim = pod_names(&drill).await.remove(0);
    let (_watch, mut seen) = kubectl.follow("get pods -w --no-headers");
    for _ in 0..3 {
        seen.next_line().await.unwrap();
    }
    let (_logs, mut log) = kubectl.follow(&format!("logs -f {victim} --tail=1"));
    assert!(log.next_line().await.unwrap().is_some());
    let (exit, out, err) = kubectl.run(&format!("delete pod {victim}")).await;
    assert_eq!((exit, out), (0, format!("pod \"{victim}\" deleted\n")), "{err}");
    soon("the log ends with its pod", async {
        while log.next_line().await.unwrap().is_some() {}
    })
    .await;
    let (mut going, mut coming) = (Vec::new(), Vec::new());
    let deadline = Deadline::until("the replacement's second init container runs");
    while coming.last().map(String::as_str) != Some("Init:1/2") {
        deadline.check();
        let line = soon("the watch goes on", seen.next_line())
            .await
            .unwrap()
            .unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let states = if words[0] == victim {
            &mut going
        } else {
            &mut coming
        };
        if states.last().map(String::as_str) != Some(words[2]) {
            states.push(words[2].to_owned());
        }
    }
    assert_eq!(going, ["Terminating", "Error"]);
    assert_eq!(coming, ["Pending", "Init:0/2", "Init:1/2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_scales_to_zero_and_every_pod_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let (exit, out, err) = kubectl
        .run("scale deploy/managed-services-api --replicas=0")
        .await;
    assert_eq!(
        (exit, out.as_str()),
        (0, "deployment.apps/managed-services-api scaled\n"),
        "{err}"
    );
    let (exit, _, err) = kubectl
        .run("wait --for=delete pod -l app=managed-services-api --timeout=20s")
        .await;
    assert_eq!(exit, 0, "{err}");
    let (_, out, _) = kubectl.run("get events").await;
    assert!(
        out.contains("Scaled down replica set managed-services-api-"),
        "{out}"
    );
    assert!(out.contains("Stopping container service"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_removes_a_pod_by_force_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let victim = pod_names(&drill).await.remove(0);
    let (_watch, mut seen) = kubectl.follow("get events -w --no-headers");
    let line = format!("delete pod {victim} --grace-period=0 --force");
    let (exit, out, err) = kubectl.run(&line).await;
    assert_eq!(
        (exit, out),
        (0, format!("pod \"{victim}\" force deleted\n")),
        "{err}"
    );
    assert!(!pod_names(&drill).await.contains(&victim));
    let event = seen.next_line().await.unwrap().unwrap();
    assert!(event.contains(&format!("pod/{victim}")), "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_shows_why_no_pod_comes_up() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("api-down-image-pull", folder.path()).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let (_, out, _) = kubectl.run("get pods --no-headers").await;
    assert_eq!(
        out.lines()
            .filter(|line| line.contains(" ImagePullBackOff "))
            .count(),
        3,
        "{out}"
    );
    let (_, out, _) = kubectl.run("get events --field-selector type=Warning").await;
    assert!(
        out.contains("Error: ErrImagePull") && out.contains("Failed to pull image"),
        "{out}"
    );
}
