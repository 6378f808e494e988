//! Starts what is read: the cluster, and the database with the credentials that the cluster's secret holds.

use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};

use super::line::Line;
use super::tasks::Tasks;
use crate::cluster::{self, Asked, CommandRequest, ConnectOptions, SecretRequest};
use crate::database::{self, DatabaseOptions, ReadSecret, Request};
use sopwatch_console::app::event::Event;
use sopwatch_core::logparse::LogFocus;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::profile::{Database, Profile};

/// Requests that may wait for the cluster or the database.
const WAITING: usize = 16;

/// What is to be read.
#[derive(Clone)]
pub struct Sources {
    /// The service.
    pub profile: Arc<Profile>,
    /// Where the cluster is.
    pub connect: ConnectOptions,
    /// How the database is found; or why it is not read.
    pub database: Result<DatabaseOptions, &'static str>,
}

/// What the console asks of the tasks.
#[derive(Clone, Debug)]
pub struct Lines {
    /// To the database poll.
    pub database: Line<Request>,
    /// To the cluster.
    pub commands: Line<CommandRequest>,
    /// To those who follow the logs.
    pub focus: Arc<watch::Sender<LogFocus>>,
}

/// Starts the tasks.
pub fn start(sources: Sources, tasks: &Tasks, events: &mpsc::Sender<Event>) -> Lines {
    let asked = Questions::default();
    start_cluster(&sources, tasks, events, asked.clone());
    let database = start_database(sources, tasks, events, asked.secrets.clone());
    asked.lines(database)
}

/// The same where the cluster's client is there already, as that of a drill in this process; of [`Sources::connect`] only the time that
/// a request may take counts.
pub fn start_over(
    cluster: (kube::Client, cluster::Target),
    sources: Sources,
    tasks: &Tasks,
    events: &mpsc::Sender<Event>,
) -> Lines {
    let asked = Questions::default();
    let (profile, limit) = (sources.profile.clone(), sources.connect.request_timeout);
    let (sender, cancel) = (events.clone(), tasks.cancel.clone());
    let questions = asked.clone();
    tasks.supervise("the cluster", events.clone(), move || {
        let (sender, cancel) = (sender.clone(), cancel.clone());
        cluster::run_over(
            cluster.clone(),
            limit,
            profile.clone(),
            questions.listen(),
            sender,
            cancel,
        )
    });
    let database = start_database(sources, tasks, events, asked.secrets.clone());
    asked.lines(database)
}

/// What may be asked of the cluster's tasks, from our side.
#[derive(Clone)]
struct Questions {
    secrets: Line<SecretRequest>,
    commands: Line<CommandRequest>,
    focus: Arc<watch::Sender<LogFocus>>,
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            secrets: Line::new(WAITING),
            commands: Line::new(WAITING),
            focus: Arc::default(),
        }
    }
}

impl Questions {
    fn listen(&self) -> Asked {
        let mut focus = self.focus.subscribe();
        // What was said before the tasks started again holds.
        focus.mark_changed();
        Asked {
            secrets: self.secrets.listen(),
            commands: self.commands.listen(),
            focus,
        }
    }

    fn lines(self, database: Line<Request>) -> Lines {
        Lines {
            database,
            commands: self.commands,
            focus: self.focus,
        }
    }
}

fn start_database(
    sources: Sources,
    tasks: &Tasks,
    events: &mpsc::Sender<Event>,
    secrets: Line<SecretRequest>,
) -> Line<Request> {
    let requests = Line::new(WAITING);
    match (&sources.profile.database, sources.database) {
        (Some(database), Ok(options)) => {
            let start = DatabaseTask {
                profile: sources.profile.clone(),
                database: database.clone(),
                options,
            };
            start.spawn(tasks, events, secrets, requests.clone());
        }
        (None, _) => say_off(events, "the profile has no database", &requests),
        (_, Err(reason)) => say_off(events, reason, &requests),
    }
    requests
}

fn say_off(events: &mpsc::Sender<Event>, reason: &str, requests: &Line<Request>) {
    requests.hang_up();
    let observation = Observation::Source(SourceId::Database, SourceState::Off(reason.into()));
    // The channel is new and has room.
    let _ = events.try_send(Event::Observation(observation));
}

fn start_cluster(sources: &Sources, tasks: &Tasks, events: &mpsc::Sender<Event>, asked: Questions) {
    let (profile, connect) = (sources.profile.clone(), sources.connect.clone());
    let (sender, cancel) = (events.clone(), tasks.cancel.clone());
    tasks.supervise("the cluster", events.clone(), move || {
        cluster::run(
            connect.clone(),
            profile.clone(),
            asked.listen(),
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
        secrets: Line<SecretRequest>,
        requests: Line<Request>,
    ) {
        let (sender, cancel) = (events.clone(), tasks.cancel.clone());
        let secret = read_secret(secrets);
        tasks.supervise("the database", events.clone(), move || {
            let (options, database, profile) =
                (self.options.clone(), self.database.clone(), self.profile.clone());
            let (secret, requests) = (secret.clone(), requests.listen());
            let (sender, cancel) = (sender.clone(), cancel.clone());
            async move {
                database::run(
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
fn read_secret(secrets: Line<SecretRequest>) -> ReadSecret {
    Arc::new(move |name| {
        let sender = secrets.sender();
        async move {
            let (reply, answer) = oneshot::channel();
            let unavailable = || {
                Problem::new(
                    ProblemKind::SecretMissing,
                    "the secret can't be read: the cluster is not being read now",
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
