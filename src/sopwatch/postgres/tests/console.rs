//! The adapter as the runtime drives it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::postgres::{DATABASE, PASSWORD, Postgres, USER};
use crate::patience::{PATIENCE, soon};
use crate::postgres;
use crate::postgres::{DatabaseOptions, PollRequest, ReadSecret};
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::{
    DatabaseConnection, Observation, Reading, Rows, RowsOf, StatusCount,
};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::profile::{ClockBasis, Database, Role, Status, Table};
use sopwatch_core::testkit;

/// What the cluster's secret holds, or why it can't be read; a test changes it while the adapter runs.
pub(super) type Secret = Arc<Mutex<Result<BTreeMap<String, String>, Problem>>>;

/// The running adapter.
pub(super) struct Console {
    events: mpsc::Receiver<Event>,
    pub(super) requests: mpsc::Sender<PollRequest>,
    pub(super) cancel: CancellationToken,
    pub(super) task: JoinHandle<()>,
    /// Everything that was sent, as text: no password may be in it.
    pub(super) told: String,
}

impl Console {
    pub(super) fn start(options: DatabaseOptions, secret: Option<&Secret>) -> Self {
        Self::start_on(profile(), options, secret)
    }

    pub(super) fn start_on(profile: Database, options: DatabaseOptions, secret: Option<&Secret>) -> Self {
        let (event_sender, events) = mpsc::channel(64);
        let (requests, request_receiver) = mpsc::channel(16);
        let cancel = CancellationToken::new();
        let secret = secret.map(reader);
        let token = cancel.clone();
        let task = tokio::spawn(async move {
            let leaders = testkit::leaders();
            postgres::run(
                options,
                profile,
                &leaders,
                secret,
                request_receiver,
                event_sender,
                token,
            )
            .await;
        });
        Self {
            events,
            requests,
            cancel,
            task,
            told: String::new(),
        }
    }

    /// The next observation for which `pick` has something.
    pub(super) async fn until<T>(&mut self, what: &str, pick: impl Fn(Observation) -> Option<T>) -> T {
        let search = async {
            while let Some(event) = self.events.recv().await {
                writeln!(self.told, "{event:?}").expect("room");
                if let Event::Observation(observation) = event
                    && let Some(picked) = pick(observation)
                {
                    return picked;
                }
            }
            panic!("the adapter ended before: {what}");
        };
        let found = tokio::time::timeout(PATIENCE, search).await.ok();
        found.unwrap_or_else(|| panic!("in vain waited for: {what}; seen: {}", self.told))
    }

    pub(super) async fn connection(&mut self) -> DatabaseConnection {
        let pick = |observation| match observation {
            Observation::DatabaseConnection(connection) => Some(connection),
            _ => None,
        };
        self.until("a connection", pick).await
    }

    pub(super) async fn reading(&mut self) -> Reading {
        self.until("a reading", reading_of).await
    }

    /// A reading for which something holds.
    pub(super) async fn reading_where(&mut self, what: &str, holds: impl Fn(&Reading) -> bool) -> Reading {
        self.until(what, |observation| reading_of(observation).filter(&holds))
            .await
    }

    pub(super) async fn rows_of(&mut self, table: &str, status: &str) -> Rows {
        let of = RowsOf {
            table: table.into(),
            status: status.into(),
        };
        let request = PollRequest::WatchRows(Some(of.clone()));
        self.requests.send(request).await.expect("a listening adapter");
        let pick = |observation| match observation {
            Observation::Rows(rows) if rows.of == of => Some(rows),
            _ => None,
        };
        self.until("rows", pick).await
    }

    /// The next failure.
    pub(super) async fn problem(&mut self) -> Problem {
        self.until("a problem", problem_of).await
    }

    /// The next failure of a kind.
    pub(super) async fn problem_of_kind(&mut self, kind: ProblemKind) -> Problem {
        let pick = |observation| problem_of(observation).filter(|problem| problem.kind == kind);
        self.until(&format!("a problem of kind {kind:?}"), pick).await
    }

    /// Ends the adapter; everything that it sent.
    pub(super) async fn stop(mut self) -> String {
        self.cancel.cancel();
        soon("the adapter ends", self.task).await.expect("an orderly end");
        while let Some(event) = self.events.recv().await {
            writeln!(self.told, "{event:?}").expect("room");
        }
        self.told
    }
}

fn reading_of(observation: Observation) -> Option<Reading> {
    match observation {
        Observation::Database(reading) => Some(reading),
        _ => None,
    }
}

fn problem_of(observation: Observation) -> Option<Problem> {
    match observation {
        Observation::Source(SourceId::Database, SourceState::Failing { problem, .. }) => Some(problem),
        _ => None,
    }
}

fn reader(secret: &Secret) -> ReadSecret {
    let secret = Arc::clone(secret);
    Arc::new(move |name| {
        assert_eq!(name, "managed-services-api-rds");
        let data = secret.lock().expect("a whole lock").clone();
        let data = data.map(|data| data.into_iter().map(|(key, value)| (key, value.into())).collect());
        async move { data }.boxed()
    })
}

/// The secret that fits a server.
pub(super) fn secret_of(server: &Postgres) -> Secret {
    secret_with(server, &[])
}

/// The same with some keys otherwise; an empty value takes the key out.
pub(super) fn secret_with(server: &Postgres, changes: &[(&str, &str)]) -> Secret {
    let port = server.port().to_string();
    let password = format!("{PASSWORD}\n");
    let data = [
        ("db.host", "127.0.0.1"),
        ("db.port", &port),
        ("db.name", DATABASE),
        ("db.user", USER),
        ("db.password", &password),
        ("db.ca_cert", server.ca()),
    ];
    let data = data.iter().chain(changes);
    let mut data: BTreeMap<_, _> = data
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    data.retain(|_, value| !value.is_empty());
    Arc::new(Mutex::new(Ok(data)))
}

/// Changes one key of the secret.
pub(super) fn set(secret: &Secret, key: &str, value: &str) {
    let mut data = secret.lock().expect("a whole lock");
    if let Ok(data) = data.as_mut() {
        data.insert(key.to_owned(), value.to_owned());
    }
}

pub(super) fn variables(values: &[(&str, &str)]) -> BTreeMap<String, SecretString> {
    let values = values.iter();
    values
        .map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)))
        .collect()
}

/// Options of a test: polls once a second.
pub(super) fn options() -> DatabaseOptions {
    DatabaseOptions {
        poll: Duration::from_secs(1),
        ..DatabaseOptions::default()
    }
}

/// The counts of one table, which must have been readable.
pub(super) fn statuses<'a>(reading: &'a Reading, table: &str) -> &'a [StatusCount] {
    match &of_table(reading, table) {
        Ok(statuses) => statuses,
        Err(error) => panic!("{table}: {error}"),
    }
}

/// What one table told.
pub(super) fn of_table<'a>(
    reading: &'a Reading,
    table: &str,
) -> &'a Result<Vec<StatusCount>, sopwatch_core::text::Redacted> {
    let found = reading.tables.iter().find(|reading| &*reading.table == table);
    &found.expect("a table of the profile").statuses
}

pub(super) fn table(name: &str, statuses: Vec<Status>) -> Table {
    Table {
        name: name.into(),
        title: name.into(),
        ocm_id: Some("cluster_id".into()),
        reason: (name == "kafka_requests").then(|| "failed_reason".into()),
        statuses,
    }
}

/// The service's database as the tests know it.
pub(super) fn profile() -> Database {
    let status = |name: &str, role, clock, limit: Option<u64>| Status {
        name: name.into(),
        role,
        clock,
        limit: limit.map(Duration::from_secs),
    };
    let clusters = vec![
        status(
            "cluster_accepted",
            Role::Accepted,
            ClockBasis::UpdatedAt,
            Some(180),
        ),
        status(
            "cluster_provisioning",
            Role::InFlight,
            ClockBasis::CreatedAt,
            Some(2_700),
        ),
        status("ready", Role::Ready, ClockBasis::UpdatedAt, None),
    ];
    let kafkas = vec![
        status("accepted", Role::Accepted, ClockBasis::UpdatedAt, Some(180)),
        status("provisioning", Role::InFlight, ClockBasis::UpdatedAt, Some(2_700)),
        status("ready", Role::Ready, ClockBasis::UpdatedAt, None),
        status("failed", Role::Failed, ClockBasis::UpdatedAt, None),
    ];
    let mut database = testkit::profile().database.unwrap();
    database.name = DATABASE.into();
    database.secret.name = "managed-services-api-rds".into();
    database.secret.ca = Some("db.ca_cert".into());
    database.tables = vec![table("clusters", clusters), table("kafka_requests", kafkas)];
    database
}
