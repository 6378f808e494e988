//! The tasks that read the sources: the cluster, and the database with the credentials that the cluster's secret holds.

use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};

use super::restartable_channel::RestartableChannel;
use super::tasks::Tasks;
use crate::kubernetes;
use crate::kubernetes::{CommandRequest, ConnectOptions, PathReply, PathRequest, Requests, SecretRequest};
use crate::monitoring;
use crate::monitoring::{MonitoringOptions, MonitoringRequest, ReadCluster};
use crate::postgres;
use crate::postgres::{DatabaseOptions, PollRequest, ReadSecret};
use sopwatch_console::app::event::Event;
use sopwatch_core::logparse::LogFocus;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::profile::{Database, Profile};

/// Requests that may wait for the cluster or the database.
const WAITING: usize = 16;

/// The sources to read.
#[derive(Clone)]
pub struct Sources {
    /// The service.
    pub profile: Arc<Profile>,
    /// Where the cluster is.
    pub connect: ConnectOptions,
    /// How the database is found, or why it is not read.
    pub database: Result<DatabaseOptions, &'static str>,
    /// The monitoring servers; `None` where none is configured.
    pub monitoring: Option<MonitoringOptions>,
}

/// The channels from the console to the tasks.
#[derive(Clone, Debug)]
pub struct TaskChannels {
    /// To the database poll.
    pub database: RestartableChannel<PollRequest>,
    /// To the cluster.
    pub commands: RestartableChannel<CommandRequest>,
    /// To the tasks that follow the logs.
    pub focus: Arc<watch::Sender<LogFocus>>,
    /// To the access review: how often the operator asked for one.
    pub reviews: Arc<watch::Sender<u64>>,
    /// To the tasks that ask the monitoring servers.
    pub monitoring: Arc<watch::Sender<MonitoringRequest>>,
}

/// Starts the tasks.
pub fn start(sources: Sources, tasks: &Tasks, events: &mpsc::Sender<Event>) -> TaskChannels {
    let requests = RequestSenders::default();
    start_cluster(&sources, tasks, events, requests.clone());
    start_monitoring(&sources, tasks, events, &requests);
    let database = start_database(sources, tasks, events, requests.secrets.clone());
    requests.channels(database)
}

/// Starts the tasks with a client that exists already, such as a drill's in this process; of [`Sources::connect`] only the time that a
/// request may take is used.
pub fn start_over(
    cluster: (kube::Client, kubernetes::Target),
    sources: Sources,
    tasks: &Tasks,
    events: &mpsc::Sender<Event>,
) -> TaskChannels {
    let requests = RequestSenders::default();
    let (profile, limit) = (sources.profile.clone(), sources.connect.request_timeout);
    let (sender, cancel) = (events.clone(), tasks.cancel.clone());
    let questions = requests.clone();
    tasks.supervise("the cluster", events.clone(), move || {
        let (sender, cancel) = (sender.clone(), cancel.clone());
        kubernetes::run_over(
            cluster.clone(),
            limit,
            profile.clone(),
            questions.listen(),
            sender,
            cancel,
        )
    });
    start_monitoring(&sources, tasks, events, &requests);
    let database = start_database(sources, tasks, events, requests.secrets.clone());
    requests.channels(database)
}

/// The sending ends of the cluster's requests.
#[derive(Clone)]
struct RequestSenders {
    secrets: RestartableChannel<SecretRequest>,
    paths: RestartableChannel<PathRequest>,
    commands: RestartableChannel<CommandRequest>,
    focus: Arc<watch::Sender<LogFocus>>,
    reviews: Arc<watch::Sender<u64>>,
    monitoring: Arc<watch::Sender<MonitoringRequest>>,
}

impl Default for RequestSenders {
    fn default() -> Self {
        Self {
            secrets: RestartableChannel::new(WAITING),
            paths: RestartableChannel::new(WAITING),
            commands: RestartableChannel::new(WAITING),
            focus: Arc::default(),
            reviews: Arc::default(),
            monitoring: Arc::default(),
        }
    }
}

impl RequestSenders {
    fn listen(&self) -> Requests {
        let mut focus = self.focus.subscribe();
        // The focus from before a restart of the tasks still holds.
        focus.mark_changed();
        Requests {
            secrets: self.secrets.listen(),
            paths: self.paths.listen(),
            commands: self.commands.listen(),
            focus,
            reviews: self.reviews.subscribe(),
        }
    }

    fn channels(self, database: RestartableChannel<PollRequest>) -> TaskChannels {
        TaskChannels {
            database,
            commands: self.commands,
            focus: self.focus,
            reviews: self.reviews,
            monitoring: self.monitoring,
        }
    }
}

fn start_monitoring(
    sources: &Sources,
    tasks: &Tasks,
    events: &mpsc::Sender<Event>,
    requests: &RequestSenders,
) {
    let Some(options) = sources.monitoring.clone() else {
        return;
    };
    let paths = requests.paths.clone();
    let (sender, cancel, requests) = (events.clone(), tasks.cancel.clone(), requests.monitoring.clone());
    tasks.supervise("the monitoring servers", events.clone(), move || {
        monitoring::run(
            options.clone(),
            read_cluster(paths.clone()),
            requests.subscribe(),
            sender.clone(),
            cancel.clone(),
        )
    });
}

/// Asks the cluster for a path, for the monitoring servers that are reached through it or found by it.
fn read_cluster(paths: RestartableChannel<PathRequest>) -> ReadCluster {
    Arc::new(move |path| {
        let paths = paths.clone();
        let asked = async move {
            let gone = || Problem::new(ProblemKind::Ended, "ask through the API server: interrupted");
            let (reply, answered) = oneshot::channel();
            let sent = paths.sender().send(PathRequest { path, reply }).await;
            sent.map_err(|_closed| gone())?;
            let PathReply {
                status,
                headers,
                body,
            } = answered.await.map_err(|_closed| gone())??;
            Ok((status, headers, body))
        };
        asked.boxed()
    })
}

fn start_database(
    sources: Sources,
    tasks: &Tasks,
    events: &mpsc::Sender<Event>,
    secrets: RestartableChannel<SecretRequest>,
) -> RestartableChannel<PollRequest> {
    let requests = RestartableChannel::new(WAITING);
    match (&sources.profile.database, sources.database) {
        (Some(database), Ok(options)) => {
            let start = DatabaseTask {
                profile: sources.profile.clone(),
                database: database.clone(),
                options,
            };
            start.spawn(tasks, events, secrets, requests.clone());
        }
        (None, _) => emit_off(events, "the profile has no database", &requests),
        (_, Err(reason)) => emit_off(events, reason, &requests),
    }
    requests
}

fn emit_off(events: &mpsc::Sender<Event>, reason: &str, requests: &RestartableChannel<PollRequest>) {
    requests.close();
    let observation = Observation::Source(SourceId::Database, SourceState::Off(reason.into()));
    // The channel is new and has room.
    let _ = events.try_send(Event::Observation(observation));
}

fn start_cluster(sources: &Sources, tasks: &Tasks, events: &mpsc::Sender<Event>, requests: RequestSenders) {
    let (profile, connect) = (sources.profile.clone(), sources.connect.clone());
    let (sender, cancel) = (events.clone(), tasks.cancel.clone());
    tasks.supervise("the cluster", events.clone(), move || {
        kubernetes::run(
            connect.clone(),
            profile.clone(),
            requests.listen(),
            sender.clone(),
            cancel.clone(),
        )
    });
}

struct DatabaseTask {
    profile: Arc<Profile>,
    database: Database,
    options: DatabaseOptions,
}

impl DatabaseTask {
    fn spawn(
        self,
        tasks: &Tasks,
        events: &mpsc::Sender<Event>,
        secrets: RestartableChannel<SecretRequest>,
        requests: RestartableChannel<PollRequest>,
    ) {
        let (sender, cancel) = (events.clone(), tasks.cancel.clone());
        let secret = read_secret(secrets);
        tasks.supervise("the database", events.clone(), move || {
            let (options, database, profile) =
                (self.options.clone(), self.database.clone(), self.profile.clone());
            let (secret, requests) = (secret.clone(), requests.listen());
            let (sender, cancel) = (sender.clone(), cancel.clone());
            async move {
                postgres::run(
                    options,
                    database,
                    &profile.leaders,
                    Some(secret),
                    requests,
                    sender,
                    cancel,
                )
                .await;
            }
        });
    }
}

/// Asks the cluster for a secret, for the database that knows nothing of clusters.
fn read_secret(secrets: RestartableChannel<SecretRequest>) -> ReadSecret {
    Arc::new(move |name| {
        let sender = secrets.sender();
        async move {
            let (reply, answer) = oneshot::channel();
            let unavailable = || {
                Problem::new(
                    ProblemKind::SecretMissing,
                    "the secret can't be read: no connection to the cluster",
                )
            };
            sender
                .send(SecretRequest { name, reply })
                .await
                .map_err(|_gone| unavailable())?;
            answer.await.map_err(|_gone| unavailable())?
        }
        .boxed()
    })
}
