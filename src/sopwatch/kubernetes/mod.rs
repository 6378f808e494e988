//! The Kubernetes adapter: it reports where the cluster is, what runs there, what its containers log and what we may do, and sends commands.
//!
//! One task keeps the `connection`: it connects, probes the server every few seconds, and connects again when the credentials died or the
//! server was frozen. All others (the `watch`es, the `logs`, the `access` review, the `secrets`, the `metrics_api`, the
//! `scrape` of the pods) take their client from it, keep their own position (a resource version, a log cursor), and continue from it with the
//! next one. What they learn leaves as observations.

#![warn(missing_docs)]

mod access;
mod client;
mod clock;
mod connection;
mod convert;
mod credential_expiry;
mod credentials;
mod errors;
mod exec_plugin;
mod kubeconfig;
pub mod limits;
mod logs;
mod metrics_api;
mod open_stream;
mod own_pods;
mod probe;
mod quantity;
mod read_path;
mod response;
mod reviewed_source;
mod scrape;
mod secrets;
mod send_command;
mod task_context;
/// The inner readers of what a cluster sends, for the fuzz targets.
#[cfg(any(test, feature = "testkit"))]
pub mod testkit {
    pub use super::logs::testkit::{LONGEST_LINE, LogPosition, lines};
    pub use super::scrape::testkit::{text_sample, totals};
}
#[cfg(test)]
mod tests;
mod tls;
mod token;
mod watch;
mod watch_specs;
mod whoami;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub use self::read_path::PathReply;
pub use self::send_command::{CommandReply, CommandRequest};
pub use self::token::kubeconfig_token;
use sopwatch_console::app::event::Event;
use sopwatch_core::logparse::LogFocus;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::Problem;
use sopwatch_core::profile::Profile;
use sopwatch_core::text::Redacted;

/// How to find the cluster, as the command line says.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// How long one request may take.
    pub request_timeout: Duration,
}

/// What the kubeconfig (or the pod we run in) points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// URL of the API server, without credentials.
    pub server: Redacted,
    /// Context name; `None` in a cluster.
    pub context: Option<String>,
    /// The kubeconfig's name for the user.
    pub user: Option<String>,
    /// Namespace.
    pub namespace: String,
}

/// Asks for the values of a secret.
#[derive(Debug)]
pub struct SecretRequest {
    /// Name of the secret in the target's namespace.
    pub name: String,
    /// Where the answer goes: values by key, or why there are none.
    pub reply: oneshot::Sender<Result<BTreeMap<String, SecretString>, Problem>>,
}

/// Asks for what stands at a path of the API server.
#[derive(Debug)]
pub struct PathRequest {
    /// Path and query: `/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=up`.
    pub path: String,
    /// Where the answer goes, whatever its status; or why there is none.
    pub reply: oneshot::Sender<Result<PathReply, Problem>>,
}

/// The requests to this adapter's tasks.
#[derive(Debug)]
pub struct Requests {
    /// For secrets.
    pub secrets: mpsc::Receiver<SecretRequest>,
    /// For paths of the API server.
    pub paths: mpsc::Receiver<PathRequest>,
    /// To change something.
    pub commands: mpsc::Receiver<CommandRequest>,
    /// Which pods' logs matter most.
    pub focus: tokio::sync::watch::Receiver<LogFocus>,
    /// How often the operator asked what we may do.
    pub reviews: tokio::sync::watch::Receiver<u64>,
}

/// Reads where the cluster is, without any network.
///
/// # Errors
/// Says which file or context is wrong and what to do.
pub fn target(options: &ConnectOptions) -> Result<Target, Problem> {
    let env = kubeconfig::ProcessEnv::of_process();
    kubeconfig::resolve(options, &env).map(|resolved| resolved.target)
}

/// Runs until cancelled, or until nobody listens to `events` any more. Heals by itself.
pub async fn run(
    options: ConnectOptions,
    profile: Arc<Profile>,
    requests: Requests,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) {
    let limit = options.request_timeout;
    let connect = client::from_kubeconfig(options, kubeconfig::ProcessEnv::of_process());
    let all = run_with(connect, limit, profile, requests, events.clone());
    tokio::select! {
        () = cancel.cancelled() => {}
        () = events.closed() => {}
        () = all => {}
    }
}

/// The same over a client that is there already: no kubeconfig is read, and the same client is taken again after a failure.
pub async fn run_over(
    (client, target): (kube::Client, Target),
    request_timeout: Duration,
    profile: Arc<Profile>,
    requests: Requests,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) {
    let connect = client::always(client, target);
    let all = run_with(connect, request_timeout, profile, requests, events.clone());
    tokio::select! {
        () = cancel.cancelled() => {}
        () = events.closed() => {}
        () = all => {}
    }
}

/// The same with another way to connect.
async fn run_with(
    connect: client::Connect,
    limit: Duration,
    profile: Arc<Profile>,
    requests: Requests,
    events: mpsc::Sender<Event>,
) {
    /// Changes of pods that wait for the log supervisor; it takes them at once.
    const WAITING_CHANGES: usize = 64;
    let (publish, context) = task_context::TaskContext::new(events, limit);
    let (changes, changed) = mpsc::channel(WAITING_CHANGES);
    let (follow, followed) = mpsc::channel(WAITING_CHANGES);
    let (ready, are_ready) = tokio::sync::watch::channel(scrape::Ready::default());
    let (review, rights) = tokio::sync::watch::channel(access::Rights::default());
    tokio::join!(
        connection::run(connect, publish, context.clone()),
        watch::run(
            watch_specs::deployment(&profile, changes.clone()),
            context.clone()
        ),
        watch::run(
            watch_specs::replica_sets(&profile, changes.clone()),
            context.clone()
        ),
        watch::run(watch_specs::pods(&profile, changes), context.clone()),
        watch::run(watch_specs::autoscaler(&profile), context.clone()),
        watch::run(watch_specs::cluster_events(&profile), context.clone()),
        share_pods(&profile, changed, follow, ready),
        access::run(
            access::wanted(&profile),
            requests.reviews,
            review,
            context.clone()
        ),
        secrets::run(requests.secrets, context.clone()),
        read_path::run(requests.paths, context.clone()),
        send_command::run(requests.commands, context.clone()),
        metrics_api::run(&profile, rights.clone(), context.clone()),
        scrape::run(&profile, are_ready, rights, context.clone()),
        logs::run(&profile, followed, requests.focus, context),
    );
}

/// Hands the observations about the service's own pods on to who follows their logs, and keeps which are ready for who reads their metrics.
async fn share_pods(
    profile: &Profile,
    mut changed: mpsc::Receiver<Observation>,
    follow: mpsc::Sender<Observation>,
    ready: tokio::sync::watch::Sender<scrape::Ready>,
) {
    let mut own = own_pods::OwnPods::new(&profile.service.deployment);
    while let Some(observation) = changed.recv().await {
        let Some(observation) = own.take(observation) else {
            continue;
        };
        ready.send_if_modified(|ready| scrape::note_ready(ready, &observation));
        // Its end is ours: all tasks stop together.
        let _ = follow.send(observation).await;
    }
    std::future::pending::<()>().await;
}
