//! Execution of commands: each is sent, or tried by the server in a dry run, and its outcome is reported.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::clock::timeout;
use super::errors::{explain, frozen, is_of_connecting};
use super::task_context::{ApiSession, ConnectionState, TaskContext};
use sopwatch_core::observe::source::ProblemKind;
use sopwatch_core::remediate::command::{Command, CommandOutcome, restart_mark};
use sopwatch_core::safe;
use sopwatch_core::text::Redacted;

/// How long an answer is awaited where requests may take any time: after it, the watch shows what happened.
const LONGEST: Duration = Duration::from_secs(30);

/// The name under which the server notes our changes (`metadata.managedFields`).
const MANAGER: &str = "sopwatch";

/// Asks for a command to be carried out.
#[derive(Debug)]
pub struct CommandRequest {
    /// What.
    pub command: Command,
    /// Whether the server is only to try it.
    pub dry_run: bool,
    /// Where the answer goes.
    pub reply: oneshot::Sender<CommandReply>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandReply {
    /// What came of it.
    pub outcome: CommandOutcome,
    /// Whether it was refused because the server can't try it at all: an admission webhook has side effects. That says nothing of whether
    /// the server would do it.
    pub is_untriable: bool,
}

impl From<CommandOutcome> for CommandReply {
    fn from(outcome: CommandOutcome) -> Self {
        Self {
            outcome,
            is_untriable: false,
        }
    }
}

/// Runs until nobody can ask any more; then stays, so as not to end the others.
pub(super) async fn run(mut requests: mpsc::Receiver<CommandRequest>, mut context: TaskContext) {
    while let Some(request) = requests.recv().await {
        let reply = carry_out(&request, &mut context).await;
        // Whoever asked may be gone: the record holds the intent, and the watch shows the outcome.
        let _ = request.reply.send(reply);
    }
    std::future::pending::<()>().await;
}

async fn carry_out(request: &CommandRequest, context: &mut TaskContext) -> CommandReply {
    let session = match context.connection_state() {
        ConnectionState::Up(session) => session,
        ConnectionState::Down { problem, .. } => {
            return failed(safe!("not sent: {}", problem.what)).into();
        }
        ConnectionState::Connecting => return failed("not sent: not connected").into(),
    };
    let doing = format!("{} in {}", request.command.words(), session.namespace);
    let limit = context.limit.min(LONGEST);
    let sent = timeout(limit, send(request, &session)).await;
    let error = match sent {
        Ok(Ok(())) => {
            let how = "accepted by the server".into();
            return CommandOutcome::Applied { how }.into();
        }
        Ok(Err(error)) => error,
        Err(_elapsed) => return unknown(&frozen(&doing, limit).what).into(),
    };
    let problem = explain(&error, &doing);
    context.note(&session, &problem);
    let outcome = match (&error, problem.kind) {
        (kube::Error::Api(status), _) => answered(status, &problem.what),
        _ if is_unsent(&error, problem.kind) => failed(&problem.what),
        _ => unknown(&problem.what),
    };
    CommandReply {
        outcome,
        is_untriable: request.dry_run && is_untriable(&error),
    }
}

/// Whether no connection was made, so that nothing can have been sent. TLS may also fail later, when the answer is read.
fn is_unsent(error: &kube::Error, kind: ProblemKind) -> bool {
    match kind {
        ProblemKind::Refused | ProblemKind::Dns | ProblemKind::Unauthorized | ProblemKind::Configuration => {
            true
        }
        ProblemKind::Tls => {
            matches!(error, kube::Error::RustlsTls(_) | kube::Error::TlsRequired) || is_of_connecting(error)
        }
        _ => false,
    }
}

/// Whether the server could not try a command. It says so by the words of this message alone: `admission webhook "x" does not support dry
/// run` (`NewDryRunUnsupportedErr` of the API server).
fn is_untriable(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    status.code == 400 && status.message.contains("does not support dry run")
}

/// What an answer that is an error says about whether it was done.
fn answered(status: &Status, what: &Redacted) -> CommandOutcome {
    match status.code {
        409 => refused(safe!("it has changed since it was read: {what}")),
        400..=499 => refused(what),
        // It may have failed before or after it was done.
        _ => unknown(what),
    }
}

fn refused(why: impl Into<Redacted>) -> CommandOutcome {
    CommandOutcome::Refused { why: why.into() }
}

fn failed(why: impl Into<Redacted>) -> CommandOutcome {
    CommandOutcome::Failed { why: why.into() }
}

fn unknown(why: impl Into<Redacted>) -> CommandOutcome {
    CommandOutcome::Unknown { why: why.into() }
}

async fn send(request: &CommandRequest, session: &ApiSession) -> Result<(), kube::Error> {
    let patch = PatchParams {
        dry_run: request.dry_run,
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let deployments: Api<Deployment> = Api::namespaced(session.client.clone(), &session.namespace);
    match &request.command {
        Command::DeletePod { pod, uid } => {
            let pods: Api<Pod> = Api::namespaced(session.client.clone(), &session.namespace);
            let parameters = DeleteParams {
                dry_run: request.dry_run,
                preconditions: Some(Preconditions {
                    uid: Some(uid.0.to_string()),
                    resource_version: None,
                }),
                ..DeleteParams::default()
            };
            pods.delete(pod, &parameters).await.map(|_| ())
        }
        Command::RestartDeployment {
            deployment,
            uid,
            resource_version,
            mark,
        } => {
            let change = json!({
                "metadata": { "uid": &**uid, "resourceVersion": &**resource_version },
                "spec": { "template": { "metadata": { "annotations": {
                    "kubectl.kubernetes.io/restartedAt": restart_mark(*mark),
                } } } },
            });
            deployments
                .patch(deployment, &patch, &Patch::Strategic(change))
                .await
                .map(|_| ())
        }
        Command::Scale { .. } => scale(request, &deployments, &patch, session).await,
    }
}

/// Through the sub-resource, which an on-call role may change where it may not change the deployment: by a patch, or where only that is
/// allowed, by an update.
async fn scale(
    request: &CommandRequest,
    deployments: &Api<Deployment>,
    patch: &PatchParams,
    session: &ApiSession,
) -> Result<(), kube::Error> {
    let Command::Scale {
        deployment,
        uid,
        to,
        resource_version,
        ..
    } = &request.command
    else {
        return Ok(());
    };
    let metadata = json!({ "uid": &**uid, "resourceVersion": &**resource_version });
    let change = json!({ "metadata": metadata, "spec": { "replicas": to } });
    let patched = deployments
        .patch_scale(deployment, patch, &Patch::Merge(change))
        .await;
    match patched {
        Err(kube::Error::Api(status)) if status.code == 403 => {}
        other => return other.map(|_| ()),
    }
    let whole = json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {
            "name": &**deployment, "namespace": &*session.namespace,
            "uid": &**uid, "resourceVersion": &**resource_version,
        },
        "spec": { "replicas": to },
    });
    let parameters = PostParams {
        dry_run: request.dry_run,
        field_manager: Some(MANAGER.to_owned()),
    };
    let whole: Scale = serde_json::from_value(whole).map_err(kube::Error::SerdeError)?;
    deployments
        .replace_scale(deployment, &parameters, &whole)
        .await
        .map(|_| ())
}
