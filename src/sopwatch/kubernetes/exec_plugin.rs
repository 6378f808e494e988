//! Credential plugins of a kubeconfig (`exec`): run without a terminal, one at a time, and followed to their end.
//!
//! The client library would run a plugin twice for each connection, start another while one hangs, and leave it our terminal.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::config::ExecConfig;
use process_wrap::tokio::{CommandWrap, CommandWrapper, ProcessSession};
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::clock::{Instant, now, timeout, wall_time};
use super::errors::{PluginFailure, explain_plugin};
use crate::net::backoff::{RETRY, jitter};
use sopwatch_core::observe::source::Problem;

/// How long one waits for a plugin before that is said. It goes on, and is waited for again.
const SAID_AFTER: Duration = Duration::from_secs(10);

/// A plugin that takes longer is ended, so that a login that nobody can finish is begun again.
const LONGEST_RUN: Duration = Duration::from_mins(10);

/// The most of its output that is read, bytes.
const MOST_OUTPUT: usize = 1 << 20;

/// How much of what it says on standard error is kept, bytes: its last words.
const LAST_WORDS: usize = 4096;

/// How long the pipes of a plugin that has ended may stay open: something that it left running may hold them.
const PIPES_CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// What a plugin gives.
#[derive(Clone)]
pub(super) struct PluginCredential {
    /// A bearer token.
    pub(super) token: Option<SecretString>,
    /// A client certificate and its key, PEM.
    pub(super) certificate: Option<(String, SecretString)>,
    /// When they run out.
    pub(super) expires_at: Option<Timestamp>,
}

impl PluginCredential {
    fn is_over(&self) -> bool {
        self.expires_at.is_some_and(|at| at <= wall_time())
    }
}

type Outcome = Result<PluginCredential, Problem>;

/// The outcome of a run when it is there, and what it said so far.
type Joined = (watch::Receiver<Option<Outcome>>, Arc<Mutex<Vec<u8>>>);

/// Runs plugins, never two at a time.
pub(super) struct PluginRunner {
    slot: Mutex<Slot>,
    said_after: Duration,
}

impl Default for PluginRunner {
    fn default() -> Self {
        Self::patient_for(SAID_AFTER)
    }
}

#[derive(Default)]
struct Slot {
    /// Under way, or ended and not asked for yet.
    run: Option<Run>,
    failed: Option<Failed>,
    failures: u32,
}

struct Run {
    exec: ExecConfig,
    outcome: watch::Receiver<Option<Outcome>>,
    said: Arc<Mutex<Vec<u8>>>,
    _task: AbortOnDropHandle<()>,
}

/// The last failure. It stands for the next runs until it may be tried again.
struct Failed {
    command: Option<String>,
    args: Option<Vec<String>>,
    until: Instant,
    problem: Problem,
}

impl PluginRunner {
    /// One that says after so long that a plugin has not answered.
    pub(super) fn patient_for(said_after: Duration) -> Self {
        Self {
            slot: Mutex::default(),
            said_after,
        }
    }

    /// The credential of a plugin: of the run under way, if there is one, else of a new one.
    pub(super) async fn credential(&self, exec: &ExecConfig) -> Outcome {
        let (mut outcome, said) = self.join(exec)?;
        let ended = timeout(self.said_after, outcome.wait_for(Option::is_some)).await;
        let ended = ended.map(|ended| ended.ok().and_then(|outcome| outcome.clone()));
        match ended {
            Ok(Some(outcome)) => {
                self.take(exec, &outcome);
                outcome
            }
            Ok(None) => Err(explain_plugin(exec, &PluginFailure::Lost, "")),
            Err(_elapsed) => Err(explain_plugin(
                exec,
                &PluginFailure::StillRuns(self.said_after),
                &last_words(&said),
            )),
        }
    }

    /// The run under way or a new one; its output and its words so far.
    fn join(&self, exec: &ExecConfig) -> Result<Joined, Problem> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = slot.run.take_if(|run| !run.is_of(exec) || run.is_stale()) {
            drop(run);
        }
        if let Some(run) = &slot.run {
            return Ok((run.outcome.clone(), Arc::clone(&run.said)));
        }
        if let Some(failed) = &slot.failed
            && (&failed.command, &failed.args) == (&exec.command, &exec.args)
            && now() < failed.until
        {
            return Err(failed.problem.clone());
        }
        let run = Run::start(exec);
        let joined = (run.outcome.clone(), Arc::clone(&run.said));
        slot.run = Some(run);
        Ok(joined)
    }

    /// An outcome is used up by whoever takes it first: the next one who asks gets another run.
    fn take(&self, exec: &ExecConfig, outcome: &Outcome) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = |run: &mut Run| run.is_of(exec) && run.outcome.borrow().is_some();
        if slot.run.take_if(ended).is_none() {
            return;
        }
        match outcome {
            Ok(_) => (slot.failures, slot.failed) = (0, None),
            Err(problem) => {
                slot.failures = slot.failures.saturating_add(1);
                slot.failed = Some(Failed {
                    command: exec.command.clone(),
                    args: exec.args.clone(),
                    until: now() + RETRY.delay(slot.failures, jitter()),
                    problem: problem.clone(),
                });
            }
        }
    }
}

impl Run {
    fn start(exec: &ExecConfig) -> Self {
        let (publish, outcome) = watch::channel(None);
        let said = Arc::default();
        let (work, words) = (exec.clone(), Arc::clone(&said));
        let task = tokio::spawn(async move {
            let outcome = run(&work, &words).await;
            publish.send_replace(Some(outcome));
        });
        Self {
            exec: exec.clone(),
            outcome,
            said,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Whether it runs the same plugin: the kubeconfig may have changed meanwhile.
    fn is_of(&self, exec: &ExecConfig) -> bool {
        let of = |exec: &ExecConfig| (exec.command.clone(), exec.args.clone(), exec.env.clone());
        of(&self.exec) == of(exec)
    }

    /// Whether it ended with a credential that has run out since.
    fn is_stale(&self) -> bool {
        matches!(&*self.outcome.borrow(), Some(Ok(credential)) if credential.is_over())
    }
}

async fn run(exec: &ExecConfig, said: &Mutex<Vec<u8>>) -> Outcome {
    let failed = |failure: PluginFailure| explain_plugin(exec, &failure, &last_words(said));
    let mut child = start(exec).map_err(|error| failed(PluginFailure::NotStarted(error)))?;
    let mut group = Group::of(&child);
    let mut output = Vec::new();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reading = async { tokio::join!(read_all(stdout, &mut output), keep_last(stderr, said)) };
    let mut reading = Box::pin(reading);
    let to_its_end = async {
        tokio::select! {
            status = child.wait() => Some(status),
            _ = &mut reading => None,
        }
    };
    let ended = timeout(LONGEST_RUN, to_its_end).await;
    let status = match ended {
        Err(_elapsed) => return Err(failed(PluginFailure::Ended(LONGEST_RUN))),
        Ok(Some(status)) => {
            // What it left running may hold the pipes for ever.
            let _ = timeout(PIPES_CLOSE_WITHIN, reading).await;
            status
        }
        Ok(None) => {
            drop(reading);
            child.wait().await
        }
    };
    group.ended();
    match status {
        Ok(status) if status.success() => parse(&output).ok_or_else(|| failed(PluginFailure::NoCredential)),
        Ok(status) => Err(failed(PluginFailure::Status(status))),
        Err(error) => Err(failed(PluginFailure::NotStarted(error))),
    }
}

/// Starts it in a session of its own: without a controlling terminal it can neither draw over the screen nor take keys.
fn start(exec: &ExecConfig) -> io::Result<Child> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "the kubeconfig names no command");
    let mut command = Command::new(exec.command.as_deref().ok_or_else(missing)?);
    command.args(exec.args.iter().flatten());
    let variables = exec.env.iter().flatten();
    command.envs(variables.filter_map(|entry| Some((entry.get("name")?, entry.get("value")?))));
    command.env("KUBERNETES_EXEC_INFO", exec_info(exec)?);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.kill_on_drop(true);
    // Only the hook is needed of the wrapper: it calls `setsid` between fork and exec.
    ProcessSession.pre_spawn(&mut command, &CommandWrap::with_new("", |_| {}))?;
    command.spawn()
}

/// What the plugin is told: that it can't ask anybody, and of the cluster where the kubeconfig wants that.
fn exec_info(exec: &ExecConfig) -> io::Result<String> {
    let mut spec = serde_json::json!({"interactive": false});
    if exec.provide_cluster_info {
        spec["cluster"] = serde_json::to_value(&exec.cluster).map_err(io::Error::other)?;
    }
    let info = serde_json::json!({"apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec});
    Ok(info.to_string())
}

/// All processes of a plugin. They end with us, unless the plugin has come to its own end.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Its number may belong to somebody else now.
    fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended in this moment.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

async fn read_all(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(pipe) = pipe {
        // What was read until then counts.
        let _ = pipe.take(MOST_OUTPUT as u64).read_to_end(into).await;
    }
}

async fn keep_last(pipe: Option<impl AsyncRead + Unpin>, said: &Mutex<Vec<u8>>) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&buffer[..count]);
        let too_many = said.len().saturating_sub(LAST_WORDS);
        said.drain(..too_many);
    }
}

/// The last lines that it said on standard error, as one.
fn last_words(said: &Mutex<Vec<u8>>) -> String {
    /// As many as a device's login takes: where to go, and which code to enter there.
    const LINES: usize = 3;
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<_> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES)..].join(" / ")
}

/// Reads an `ExecCredential`, JSON or YAML. `None`: it is none, or holds neither a token nor a certificate with its key.
fn parse(output: &[u8]) -> Option<PluginCredential> {
    #[derive(Deserialize)]
    struct Credential {
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        expiration_timestamp: Option<String>,
        token: Option<String>,
        client_certificate_data: Option<String>,
        client_key_data: Option<String>,
    }
    let Credential { status } = serde_saphyr::from_slice(output).ok()?;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let key = given(status.client_key_data).map(SecretString::from);
    let credential = PluginCredential {
        token: given(status.token).map(SecretString::from),
        certificate: given(status.client_certificate_data).zip(key),
        expires_at: match given(status.expiration_timestamp) {
            Some(at) => Some(at.parse().ok()?),
            None => None,
        },
    };
    (credential.token.is_some() || credential.certificate.is_some()).then_some(credential)
}
