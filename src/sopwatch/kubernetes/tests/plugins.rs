//! Credential plugins: without a terminal, one at a time, named when they fail.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kube::config::{ExecConfig, ExecInteractiveMode};
use rustix::process::{Pid, Signal, kill_process, test_kill_process_group};
use secrecy::ExposeSecret;

use super::connecting::{Running, kubeconfig, serve};
use crate::kubernetes::exec_plugin::PluginRunner;
use crate::patience::Deadline;
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// A plugin that is this script; it notes each of its runs.
fn plugin(folder: &Path, script: &str) -> ExecConfig {
    let file = folder.join("get-token");
    std::fs::write(
        &file,
        format!(
            "#!/bin/sh\necho run >> '{}'\n{script}\n",
            folder.join("runs").display()
        ),
    )
    .unwrap();
    ExecConfig {
        api_version: Some("client.authentication.k8s.io/v1".into()),
        command: Some("/bin/sh".into()),
        args: Some(vec![file.display().to_string(), "--client-secret=s3cret".into()]),
        ..ExecConfig::default()
    }
}

fn runs(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("runs"))
        .unwrap_or_default()
        .lines()
        .count()
}

/// The process that the script noted.
fn noted_pid(folder: &Path) -> Pid {
    let noted = std::fs::read_to_string(folder.join("pid")).unwrap();
    Pid::from_raw(noted.trim().parse().unwrap()).unwrap()
}

fn impatient() -> PluginRunner {
    PluginRunner::patient_for(Duration::from_millis(20))
}

/// Asks until it says so.
async fn until_it_says(runner: &PluginRunner, exec: &ExecConfig, words: &str) -> Problem {
    let deadline = Deadline::until("the plugin says so");
    loop {
        deadline.check();
        let problem = runner.credential(exec).await.err().expect("no credential");
        if problem.what.contains(words) {
            return problem;
        }
        assert_eq!(problem.kind, ProblemKind::Frozen, "{problem}");
    }
}

const TOKEN: &str = r#"printf '{"status": {"token": "of-plugin"}}'"#;

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test compares it")]
async fn a_plugin_has_no_controlling_terminal_and_no_input() {
    let folder = tempfile::tempdir().unwrap();
    // The sixth field of its own `stat` is its session: one that it leads has no terminal yet.
    let script = format!(
        "read -r _ _ _ _ _ session _ < /proc/$$/stat; [ \"$session\" = $$ ] || exit 5\nread -r line && exit 3\n{TOKEN}"
    );
    let credential = PluginRunner::default()
        .credential(&plugin(folder.path(), &script))
        .await
        .unwrap();
    assert_eq!(credential.token.unwrap().expose_secret(), "of-plugin");
}

#[tokio::test]
async fn a_plugin_runs_once_for_each_connection() {
    let folder = tempfile::tempdir().unwrap();
    let exec = plugin(folder.path(), TOKEN);
    let user = serde_json::json!({"exec": exec}).to_string();
    let file = folder.path().join("config");
    let server = format!("http://{}", serve("of-plugin").await);
    std::fs::write(&file, kubeconfig(&server, &user)).unwrap();
    assert_eq!(&*Running::on(&file).connection().await.user, "oncall");
    assert_eq!(runs(folder.path()), 1);
}

#[tokio::test]
async fn a_plugin_that_hangs_is_waited_for_and_named_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo secret; echo first >&2; echo 'open https://sso.example/device' >&2; echo 'and enter ABCD-EFGH' >&2; exec sleep 600";
    let (exec, runner) = (plugin(folder.path(), script), impatient());
    let problem = until_it_says(&runner, &exec, "and enter ABCD-EFGH").await;
    assert_eq!(
        &*problem.what,
        "no credentials: the credential plugin sh has not answered for 0 s, and is waited for: first / open https://sso.example/device / and enter ABCD-EFGH"
    );
    assert!(problem.advice.unwrap().contains("log in with it in a shell"));
    for _ in 0..5 {
        runner.credential(&exec).await.err().unwrap();
    }
    assert_eq!(runs(folder.path()), 1, "never a second copy while one runs");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test compares it")]
async fn another_plugin_in_the_kubeconfig_ends_the_one_that_hangs() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = format!(
        "echo $$ > '{}'; echo started >&2; sleep 600",
        first.path().join("pid").display()
    );
    let runner = impatient();
    until_it_says(&runner, &plugin(first.path(), &script), "started").await;
    let other = plugin(second.path(), TOKEN);
    let answers = Deadline::until("the other plugin gives its credential");
    let credential = loop {
        answers.check();
        match runner.credential(&other).await {
            Ok(credential) => break credential,
            Err(problem) => assert_eq!(problem.kind, ProblemKind::Frozen, "{problem}"),
        }
    };
    assert_eq!(credential.token.unwrap().expose_secret(), "of-plugin");
    let pid = noted_pid(first.path());
    let gone = Deadline::until("the whole of it has ended");
    while test_kill_process_group(pid).is_ok() {
        gone.pause_task().await;
    }
}

#[tokio::test]
async fn a_plugin_that_fails_is_not_run_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let exec = plugin(folder.path(), "echo 'session expired' >&2; exit 7");
    let runner = PluginRunner::default();
    for _ in 0..3 {
        let problem = runner.credential(&exec).await.err().unwrap();
        assert_eq!(problem.kind, ProblemKind::Unauthorized);
        assert_eq!(
            &*problem.what,
            "no credentials: the credential plugin sh failed (exit status: 7): session expired"
        );
    }
    assert_eq!(runs(folder.path()), 1);
}

#[tokio::test]
async fn a_plugin_that_is_missing_is_named_with_the_kubeconfigs_hint() {
    let exec = |hint: Option<&str>| ExecConfig {
        command: Some("sopwatch-no-such-plugin".into()),
        install_hint: hint.map(str::to_owned),
        ..ExecConfig::default()
    };
    let runner = PluginRunner::default();
    let problem = runner
        .credential(&exec(Some("get it from the wiki")))
        .await
        .err()
        .unwrap();
    assert_eq!(
        &*problem.what,
        "no credentials: the credential plugin sopwatch-no-such-plugin is not installed, or not in PATH"
    );
    assert_eq!(problem.advice.as_deref(), Some("get it from the wiki"));
    let problem = PluginRunner::default()
        .credential(&exec(None))
        .await
        .err()
        .unwrap();
    assert!(problem.advice.unwrap().contains("install it"));
}

#[tokio::test]
async fn what_a_plugin_prints_and_how_it_is_called_stay_secret() {
    let cases = [
        (
            "echo secret-token: [",
            "client.authentication.k8s.io/v1",
            "run it in a shell",
        ),
        (
            r#"printf '{"status": {"tok": "secret-token"}}'"#,
            "client.authentication.k8s.io/v1",
            "run it in a shell",
        ),
        (
            r#"printf '{"status": {"token": "secret\\ntoken"}}'"#,
            "client.authentication.k8s.io/v1alpha1",
            "update the plugin",
        ),
        ("exit 1", "client.authentication.k8s.io/v1alpha1", "out of use"),
    ];
    for (script, version, advice) in cases {
        let folder = tempfile::tempdir().unwrap();
        let exec = ExecConfig {
            api_version: Some(version.into()),
            ..plugin(folder.path(), script)
        };
        let Err(problem) = PluginRunner::default().credential(&exec).await else {
            continue;
        };
        assert!(
            !format!("{problem:?}").contains("s3cret"),
            "{script}: {problem:?}"
        );
        assert!(
            !format!("{problem:?}").contains("secret"),
            "{script}: {problem:?}"
        );
        assert!(
            problem.advice.as_deref().unwrap().contains(advice),
            "{script}: {problem:?}"
        );
    }
}

#[tokio::test]
async fn a_plugin_that_wants_a_terminal_is_told_that_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let script = "case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) exit 9;; esac";
    let exec = ExecConfig {
        interactive_mode: Some(ExecInteractiveMode::Always),
        ..plugin(folder.path(), script)
    };
    let problem = PluginRunner::default().credential(&exec).await.err().unwrap();
    assert!(problem.what.contains("exit status: 9"), "{problem}");
    assert!(problem.advice.unwrap().contains("interactiveMode: Always"));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test compares it")]
async fn a_plugin_that_leaves_a_process_behind_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("{TOKEN}; sleep 600 & echo $! > '{}'; exit 0", pid.display());
    let exec = plugin(folder.path(), &script);
    let runner = Arc::new(PluginRunner::default());
    let credential = runner.credential(&exec).await;
    kill_process(noted_pid(folder.path()), Signal::KILL).expect("it still runs");
    assert_eq!(credential.unwrap().token.unwrap().expose_secret(), "of-plugin");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test compares it")]
async fn a_plugin_may_answer_in_yaml_and_with_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let script = "cat <<E\nkind: ExecCredential\nstatus:\n  clientCertificateData: C\n  clientKeyData: K\n  expirationTimestamp: 2031-03-09T00:00:00Z\nE";
    let credential = PluginRunner::default()
        .credential(&plugin(folder.path(), script))
        .await
        .unwrap();
    let (certificate, key) = credential.certificate.unwrap();
    assert_eq!((certificate.as_str(), key.expose_secret()), ("C", "K"));
    assert_eq!(credential.expires_at, "2031-03-09T00:00:00Z".parse().ok());
}

/// Inputs that other clients are reported to trip over, and `kubectl` does not.
#[tokio::test]
async fn a_plugin_learns_of_the_cluster_and_its_expiry_may_have_an_offset() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("get-token");
    std::fs::write(
        &script,
        r#"printf '%s' "$KUBERNETES_EXEC_INFO" > "$0.info"
printf '{"apiVersion": "x", "kind": "ExecCredential", "spec": {}, "status": {"token": "of-plugin", "expirationTimestamp": "2031-03-09T02:00:00+02:00", "clientCertificateData": ""}}'"#,
    )
    .unwrap();
    let server = format!("http://{}", serve("of-plugin").await);
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}'], env: null, provideClusterInfo: true, interactiveMode: IfAvailable}}}}",
        script.display()
    );
    let text = kubeconfig(&server, &user).replace(
        &format!("server: '{server}'"),
        &format!(
            "server: '{server}', extensions: [{{name: client.authentication.k8s.io/exec, extension: {{role: cluster-admin}}}}]"
        ),
    );
    let file = folder.path().join("config");
    std::fs::write(&file, text).unwrap();
    let connection = Running::on(&file).connection().await;
    assert_eq!(connection.expires_at, "2031-03-09T00:00:00Z".parse().ok());
    let info = std::fs::read_to_string(folder.path().join("get-token.info")).unwrap();
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(info["spec"]["cluster"]["server"], server.as_str());
    assert_eq!(info["spec"]["cluster"]["config"]["role"], "cluster-admin");
}

#[tokio::test]
async fn a_login_that_needs_a_terminal_is_quoted_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let said = "Error: devicelogin is not supported if interactiveMode is 'never'";
    let exec = plugin(folder.path(), &format!("echo \"{said}\" >&2; exit 1"));
    let problem = PluginRunner::default().credential(&exec).await.err().unwrap();
    assert!(problem.what.ends_with(said), "{problem}");
    assert!(problem.advice.unwrap().contains("kubectl get pods"));
}
