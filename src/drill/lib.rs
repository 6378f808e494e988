//! The embedded world of the console: a Kubernetes API server, a service in its pods, the service's PostgreSQL database,
//! and its monitoring.
//!
//! # What it is for
//!
//! A [`Drill`] runs an incident on loopback. The console reads it through its real client libraries, as it reads production; `kubectl`
//! uses the drill's kubeconfig and `psql` its database URL, so that the SOP's commands work in the next pane. A [`Scenario`] says how the
//! world is at the start, what happens in it, and what should be found. People train on drills, and the tests run on them.
//!
//! # What it never does
//!
//! - It does not know who asks: neither the console nor its adapters are named here, and no answer depends on the client but by its rights.
//! - It reads no clock and no chance but its own: time is [`clock`], and one seed gives the same world, line by line.
//! - It listens on loopback only, and a token or a password guards each server.
//! - It has what the console, the SOP's commands and the guide need, and no more. It refuses the rest plainly, in the words of a real
//!   server.
//!
//! # Where to begin
//!
//! | to see how … | look into |
//! |---|---|
//! | a scenario is read | [`mod@scenario`]; `scenario::timeline` has its events, `assets/scenarios` the built-in files |
//! | a pod is scheduled, started, probed and deleted | `world`: `scheduler`, `kubelet`, `probes`, `removal` |
//! | the controllers work | `world`: `deployments`, `replicasets`, `nodes`, `autoscaling` |
//! | the service logs, elects a leader and moves rows | [`service`]: `worker`, `election`, `clusters`, `kafkas` |
//! | an outage of the service changes it | [`service`]: `events` names the events, `outages` holds those in effect |
//! | an API request is answered | [`api::handle`]; then `api::read`, `watch`, `write`, `delete`, `logs` |
//! | a right is judged | `api::rights` |
//! | a fault of the API server is played | [`faults`] names them, `api::faults` plays them |
//! | what was done to the cluster is noted | `api::audit` |
//! | a client of the database is served | [`database`]: `listener`, `client`, `wire`, `session` |
//! | SQL is run | `database::sql`: `parse`, `compile`, `execute` |
//! | the pods are scraped, and what alerts come of it | [`mod@monitoring`]: `history`, `figures`, `rules` |
//! | Prometheus, Alertmanager and the error tracker answer | `monitoring`: `servers`, then `prometheus`, `alertmanager`, `tracker` |
//!
//! To add an event of the timeline, add it to `scenario::timeline` (or to `service::events`) and handle it where the compiler asks for
//! it. To add a field of an API object, compare with a recording of a real server first: the answers are tested against recordings.

mod accepting;
pub mod api;
pub mod clock;
pub mod database;
mod duration;
pub mod faults;
mod kubeconfig;
pub mod monitoring;
mod random;
pub mod scenario;
pub mod service;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
mod world;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use api::{ApiServer, ApiState, Rights, Tokens};
use clock::Clock;
use database::{Credentials, DatabaseServer, Tables};
use monitoring::{MonitoringServer, MonitoringServers};
use world::World;

use sopwatch_core::observe::audit::AuditEntry;
use sopwatch_core::profile::rule::Advice;

pub use faults::ApiFault;
use scenario::Reaction;
pub use scenario::{Scenario, ScenarioError, ScenarioInfo, scenario, scenarios};

/// How a drill is started.
pub struct Options {
    /// What happens in it.
    pub scenario: Scenario,
    /// The time at which its clock starts.
    pub start: Timestamp,
    /// How many seconds of the drill pass in a second.
    pub speed: f64,
    /// The same seed gives the same world.
    pub seed: u64,
    /// The drill's own folder, which must exist. The kubeconfig and the variables for a shell are written there.
    pub folder: PathBuf,
}

/// A drill that could not start.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// No loopback port could be had, or no certificate made.
    #[error("the drill's {server} could not start: {source}")]
    Server {
        /// Which server.
        server: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// A file of its folder could not be written.
    #[error("can't write the drill's {}: {source}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A running drill. Its servers and tasks end when it is dropped.
pub struct Drill {
    api: ApiServer,
    database: Arc<DatabaseServer>,
    monitoring: MonitoringServers,
    clock: Clock,
    kubeconfig: PathBuf,
    variables: PathBuf,
    password: String,
    /// The reactions that wait for their answer.
    reactions: Mutex<Vec<Reaction>>,
}

impl Drill {
    /// Makes the world and serves it on loopback.
    pub async fn start(options: Options) -> Result<Self, DrillError> {
        Self::start_lived(options, Duration::ZERO).await
    }

    /// The same with a world that has already run for a time since `options.start`.
    pub async fn start_lived(options: Options, lived: Duration) -> Result<Self, DrillError> {
        let Options {
            scenario,
            start,
            speed,
            seed,
            folder,
        } = options;
        let clock = Clock::starting_at(start.saturating_add(lived).unwrap_or(start), speed);
        let password = password(seed);
        let tables = Arc::new(Mutex::new(Tables::seeded(&scenario.database, start)));
        let database = DatabaseServer::start(
            Arc::clone(&tables),
            clock.clone(),
            credentials(&password),
            &folder,
        )
        .await
        .map_err(|source| DrillError::Server {
            server: "database",
            source,
        })?;
        let database = Arc::new(database);
        let secret = secret_values(database.port(), &password);
        let world = World::new(&scenario, seed, start, tables, &secret);
        let rights = Rights::new(&scenario.rights.without, &scenario.rights.also, world.store());
        let failed = |source| DrillError::Server {
            server: "API server",
            source,
        };
        let tokens = Tokens {
            on_call: token().map_err(failed)?,
            read_only: token().map_err(failed)?,
            admin: token().map_err(failed)?,
        };
        let state = ApiState::new(world, clock.clone(), rights, tokens, Arc::clone(&database));
        let state = Arc::new(state);
        let api = ApiServer::start(Arc::clone(&state)).await.map_err(failed)?;
        let monitoring =
            MonitoringServers::start(state, token)
                .await
                .map_err(|source| DrillError::Server {
                    server: "monitoring",
                    source,
                })?;
        let drill = Self {
            api,
            database,
            monitoring,
            clock,
            kubeconfig: folder.join("kubeconfig"),
            variables: folder.join("env"),
            password,
            reactions: Mutex::new(scenario.reactions),
        };
        drill.write_files()?;
        Ok(drill)
    }

    fn write_files(&self) -> Result<(), DrillError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| DrillError::File { path, source }
        };
        kubeconfig::write(&self.kubeconfig, &self.api).map_err(failed(&self.kubeconfig))?;
        let mut monitoring = Vec::new();
        for server in MonitoringServer::ALL {
            let token = self.monitoring_token_file(server);
            let header = token.with_extension("header");
            kubeconfig::write_token(&token, &header, self.monitoring.token(server))
                .map_err(failed(&token))?;
            monitoring.push((server, self.monitoring.url(server), header));
        }
        kubeconfig::write_variables(
            &self.variables,
            &self.kubeconfig,
            &self.database_url(),
            &monitoring,
        )
        .map_err(failed(&self.variables))
    }

    /// The file with the token of a monitoring server, for a configuration.
    pub fn monitoring_token_file(&self, server: MonitoringServer) -> PathBuf {
        self.variables.with_file_name(format!("{}.token", server.name()))
    }

    /// Prometheus, Alertmanager and the error tracker: their addresses, tokens and faults.
    pub fn monitoring(&self) -> &MonitoringServers {
        &self.monitoring
    }

    /// The kubeconfig by which `kubectl` and the console find the cluster.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The file that a shell reads (`. file`) to set `KUBECONFIG` and `SOPWATCH_DATABASE_URL`.
    pub fn variables(&self) -> &Path {
        &self.variables
    }

    /// The URL of the database, with the password percent-encoded.
    pub fn database_url(&self) -> String {
        self.database_url_at("127.0.0.1")
    }

    /// The same for the Unix socket in the drill's folder; `None` if that folder's path is too long for one.
    pub fn socket_url(&self) -> Option<String> {
        let folder = self.database.socket()?.parent()?.to_str()?;
        Some(self.database_url_at(&percent_encoded(folder)))
    }

    fn database_url_at(&self, host: &str) -> String {
        format!(
            "postgres://{DATABASE_USER}:{}@{host}:{}/{}",
            percent_encoded(&self.password),
            self.database.port(),
            world::SERVICE,
        )
    }

    /// The drill's clock.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The API server: its faults, the requests it received, and the server without sockets.
    pub fn api(&self) -> &ApiServer {
        &self.api
    }

    /// The audit log: what any client did to the cluster through its API or tried to, oldest first. The receiver changes with each entry.
    pub fn audit(&self) -> watch::Receiver<Vec<AuditEntry>> {
        self.api.audit()
    }

    /// Takes the operator's answer and schedules the reactions to it. Each reaction comes once, however often the answer is given.
    pub fn answer(&self, action: Advice, contact: Option<&str>) {
        let mut waiting = self.reactions.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let (due, others) = std::mem::take(&mut *waiting)
            .into_iter()
            .partition(|reaction: &Reaction| reaction.to.is(action, contact));
        *waiting = others;
        let due: Vec<Reaction> = due;
        for reaction in due {
            self.api.schedule(now + reaction.after, reaction.event);
        }
    }

    /// The database server, for its faults.
    pub fn database(&self) -> &DatabaseServer {
        &self.database
    }
}

const DATABASE_USER: &str = "managed_services_api";

fn credentials(password: &str) -> Credentials {
    Credentials {
        user: DATABASE_USER.to_owned(),
        password: password.to_owned(),
        database: world::SERVICE.to_owned(),
    }
}

fn secret_values(port: u16, password: &str) -> [(&'static str, String); 5] {
    [
        ("db.host", "127.0.0.1".to_owned()),
        ("db.port", port.to_string()),
        ("db.name", world::SERVICE.to_owned()),
        ("db.user", DATABASE_USER.to_owned()),
        ("db.password", password.to_owned()),
    ]
}

/// A password with the characters that break careless URLs. It guards the drill only.
fn password(seed: u64) -> String {
    format!("dr1ll:{seed:x}/with odd@chars%")
}

/// A fresh token, so that nobody else on the machine can drive the drill.
fn token() -> std::io::Result<String> {
    let mut bytes = [0_u8; 24];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_failed| std::io::Error::other("the system gives no random bytes for its token"))?;
    let hexadecimal: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("drill~{}", hexadecimal.concat()))
}

fn percent_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    encoded.collect()
}

/// How long tests wait.
#[cfg(test)]
#[allow(dead_code, reason = "the tests of each crate use some of it")]
#[path = "../../tests/it/support/patience.rs"]
mod patience;
/// Programs that tests need.
#[cfg(test)]
#[allow(dead_code, reason = "the tests of each crate use some of it")]
#[path = "../../tests/it/support/tools.rs"]
mod tools;
