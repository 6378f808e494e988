//! `sopwatch check` as a shell, an alert hook and a pipe see it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// The program in an empty home, without a terminal.
fn command(home: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(SOPWATCH);
    command
        .arg("check")
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::null());
    command
}

/// Exit status, standard output, standard error.
fn check(arguments: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let output = command(&home, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn it_exits_as_monitoring_plugins_do_and_says_nothing_but_the_answer() {
    // (arguments, exit status, action, rule)
    let cases: [(&[&str], i32, &str, Value); 4] = [
        (&["--drill", "all-well"], 0, "none", Value::Null),
        (
            &["--drill", "killed-leader", "--after", "30s"],
            1,
            "wait",
            "settling".into(),
        ),
        (
            &["--drill", "no-kafka-leader"],
            2,
            "restart-pods",
            "no-leader".into(),
        ),
        (&["--drill", "pods-forbidden"], 3, "gather", "unreadable".into()),
    ];
    for (arguments, status, action, rule) in cases {
        let all = [arguments, &["-o", "json"]].concat();
        let (exit, out, error) = check(&all);
        let document: Value = serde_json::from_str(&out).unwrap();
        let found = &document["recommendation"];
        assert_eq!(
            (exit, &found["action"], &found["rule"]),
            (status, &action.into(), &rule),
            "{out}"
        );
        assert_eq!(error, "", "{arguments:?}");
        assert_eq!(document["incomplete"], Value::Array(Vec::new()), "{arguments:?}");
    }
}

#[test]
fn each_procedure_can_be_checked() {
    for sop in [
        "api-down",
        "api-availability",
        "api-latency",
        "osd-provisioning-latency",
        "osd-provisioning-correctness",
        "kafka-provisioning-latency",
        "kafka-provisioning-correctness",
        "kafka-deletion-correctness",
    ] {
        let (exit, out, error) = check(&[sop, "--drill", "api-down-migration", "-o", "json"]);
        let document: Value = serde_json::from_str(&out).unwrap();
        let found = &document["recommendation"];
        assert_eq!((exit, error.as_str()), (2, ""), "{sop}");
        assert_eq!(
            (&document["sop"], &found["rule"]),
            (&sop.into(), &"down-by-release".into())
        );
        assert_eq!(found["contact"], "control-plane");
    }
}

#[test]
fn a_pipe_gets_plain_text_and_no_secret_in_any_form() {
    for form in ["table", "markdown", "json", "line"] {
        let (exit, out, _) = check(&["--drill", "ocm-outage", "-o", form]);
        assert_eq!(exit, 2, "{out}");
        assert!(!out.contains('\u{1b}'), "{out}");
        assert!(out.contains("OCM support"), "{out}");
        for secret in ["Bearer", "dr1ll", "drill~"] {
            assert!(!out.contains(secret), "{secret} in {out}");
        }
    }
}

#[test]
fn one_line_fits_a_status_line_and_is_coloured_only_when_asked() {
    let arguments = ["--drill", "no-kafka-leader", "-o", "line"];
    let (exit, out, error) = check(&arguments);
    assert_eq!((exit, error.as_str()), (2, ""));
    let line = out.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n') && line.chars().count() <= 80, "{out}");
    assert!(!line.chars().any(char::is_control), "{out:?}");
    let action = "DRILL kafka-provisioning-latency: restart the pods: ";
    assert!(line.starts_with(action) && line.len() > action.len(), "{out}");
    let (_, out, _) = check(&[&arguments[..], &["--color", "always"]].concat());
    assert!(out.starts_with("\u{1b}[31m"), "{out:?}");
}

#[test]
fn a_watch_in_lines_begins_with_the_line_of_now_and_ends_with_its_status() {
    let mut watch = Watch::start(&["--drill", "rollout-under-way", "--watch", "-o", "line"]);
    let mut lines = BufReader::new(watch.child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(
        first.starts_with("DRILL kafka-provisioning-latency: wait"),
        "{first}"
    );
    assert_eq!(watch.end(), 1);
}

#[test]
fn the_text_to_hand_over_is_for_the_recommended_team_or_the_one_that_is_named() {
    let (exit, out, _) = check(&["--drill", "ocm-outage", "--hand-off"]);
    assert_eq!(exit, 2);
    assert!(out.contains("OCM support: ") && out.contains("DRILL"), "{out}");
    let (_, out, _) = check(&["--drill", "ocm-outage", "--hand-off=control-plane"]);
    assert!(out.contains("Control Plane team: "), "{out}");
    let (exit, out, error) = check(&["--drill", "all-well", "--hand-off"]);
    assert_eq!((exit, out.as_str()), (0, ""));
    assert!(
        error.contains("nothing to hand over") && error.contains("--hand-off="),
        "{error}"
    );
}

#[test]
fn what_was_not_meant_is_a_usage_error_with_a_hint_and_no_answer() {
    let cases: [(&[&str], &str); 5] = [
        (&["api-dwn", "--drill", "all-well"], "api-down"),
        (&["--drill", "all-wel"], "all-well"),
        (&[], "sopwatch check api-down"),
        (&["--drill", "all-well", "--hand-off=ocm"], "ocm-support"),
        (&["api-down", "--after", "5m"], "--drill"),
    ];
    for (arguments, hint) in cases {
        let (exit, out, error) = check(arguments);
        assert_eq!((exit, out.as_str()), (64, ""), "{arguments:?}: {error}");
        assert!(error.contains(hint), "{arguments:?}: {error}");
    }
}

#[test]
fn a_cluster_that_is_not_there_is_unknown_with_its_reason() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("kubeconfig");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: 'https://{nobody}'}}}}]\n\
         users: [{{name: u, user: {{token: t}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u, namespace: managed-services-stage}}}}]\n"
    );
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    for kubeconfig in [file, "/no/such/file"] {
        let (exit, out, _) = check(&[
            "api-down",
            "-o",
            "json",
            "--within",
            "1s",
            "--kubeconfig",
            kubeconfig,
        ]);
        let document: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (exit, &document["recommendation"]["action"]),
            (3, &"gather".into()),
            "{out}"
        );
        assert_ne!(document["troubles"][0]["problem"], Value::Null, "{out}");
        let because = document["recommendation"]["because"][0].as_str().unwrap();
        let cause = if kubeconfig == file {
            "refused"
        } else {
            "kubeconfig"
        };
        assert!(because.contains(cause), "the reason is what fails: {because}");
    }
    let (_, out, _) = check(&["api-down", "--within", "1s", "--kubeconfig", "/no/such/file"]);
    assert!(out.contains("not connected") && !out.contains("@ not"), "{out}");
    for line in out.lines() {
        assert!(!line.contains(", @"), "{out}");
    }
}

/// A check that goes on; ended with the test.
struct Watch {
    child: Child,
    _home: TempDir,
}

impl Watch {
    fn start(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let child = command(&home, arguments).stdout(Stdio::piped()).spawn().unwrap();
        Self { child, _home: home }
    }

    fn end(&mut self) -> i32 {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has ended already where all is well.
        let _ = self.child.kill();
    }
}

#[test]
fn a_watch_prints_what_changes_a_document_a_line_and_ends_with_the_last_status() {
    // a roll-out, in which pods come and go every few seconds
    let mut watch = Watch::start(&["--drill", "rollout-under-way", "--watch", "-o", "json"]);
    let mut lines = BufReader::new(watch.child.stdout.take().unwrap()).lines();
    let mut next = || {
        let line = lines.next().unwrap().unwrap();
        serde_json::from_str::<Value>(&line).unwrap()
    };
    let (first, second) = (next(), next());
    assert_eq!(first["recommendation"]["action"], "wait");
    assert_ne!(
        (&first["steps"], &first["pods"]),
        (&second["steps"], &second["pods"])
    );
    assert_eq!(watch.end(), 1);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = tempfile::tempdir().unwrap();
    let mut child = command(&home, &["--drill", "all-well"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((child.wait().unwrap().code(), error.as_str()), (Some(0), ""));
}

#[test]
fn a_drill_is_not_looked_at_as_another_environment_than_its_own() {
    let drill = ["--drill", "all-well"];
    let (status, out, error) = check(&[&drill[..], &["-e", "production"]].concat());
    assert_eq!((status, out.as_str()), (64, ""), "{error}");
    let both = "the namespace `managed-services-stage` is stage's, not production's";
    assert!(error.contains(both), "{error}");
    // In the configuration it is no mistake of the command line: it could not run.
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mine.toml");
    std::fs::write(&file, "environment = 'production'\n").unwrap();
    let named = ["--config", file.to_str().unwrap()];
    let (status, out, error) = check(&[&drill[..], &named].concat());
    assert_eq!((status, out.as_str()), (3, ""), "{error}");
    assert!(error.contains("mine.toml:1") && error.contains(both), "{error}");
    let (status, ..) = check(&[&drill[..], &named, &["-e", "stage"]].concat());
    assert_eq!(status, 0);
}
