//! The embedded world: a Kubernetes API server, the service in its pods, and its database.
//!
//! A [`Drill`] is a whole world on loopback: `kubectl` reaches the cluster by the drill's own kubeconfig, `psql` the database
//! by its URL, and the console both as it would in production. What happens in it is a [`Scenario`].

pub mod api;
pub mod clock;
pub mod database;
mod duration;
pub mod faults;
mod kubeconfig;
mod random;
pub mod scenario;
pub mod service;
mod world;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use api::{ApiServer, ApiState, AuditEntry, Rights, Tokens};
use clock::Clock;
use database::{Credentials, DatabaseServer, Tables};
use world::World;

use sopwatch_core::profile::rule::Advice;

pub use faults::ApiFault;
use scenario::Reaction;
pub use scenario::{Scenario, ScenarioError, ScenarioInfo, scenario, scenarios};

/// How a drill is started.
pub struct Options {
    /// What happens in it.
    pub scenario: Scenario,
    /// The moment at which its clock starts.
    pub start: Timestamp,
    /// Drill seconds a second.
    pub speed: f64,
    /// The same seed gives the same world.
    pub seed: u64,
    /// The drill's own folder, which must exist: the kubeconfig and the variables for a shell are written there.
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
    #[error("cannot write the drill's {}: {source}", path.display())]
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
    clock: Clock,
    kubeconfig: PathBuf,
    variables: PathBuf,
    password: String,
    /// Those whose answer has not been given yet.
    reactions: Mutex<Vec<Reaction>>,
}

impl Drill {
    /// Makes the world and serves it on loopback.
    pub async fn start(options: Options) -> Result<Self, DrillError> {
        Self::start_lived(options, Duration::ZERO).await
    }

    /// The same with a world that has lived for so long since `options.start` when it is first looked at.
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
        let api = ApiServer::start(Arc::new(state)).await.map_err(failed)?;
        let drill = Self {
            api,
            database,
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
        kubeconfig::write_variables(&self.variables, &self.kubeconfig, &self.database_url())
            .map_err(failed(&self.variables))
    }

    /// The kubeconfig by which `kubectl` and the console find the cluster.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A file that a shell reads (`. file`) to set `KUBECONFIG` and `SOPWATCH_DATABASE_URL`.
    pub fn variables(&self) -> &Path {
        &self.variables
    }

    /// The database for `psql`, with the password percent-encoded.
    pub fn database_url(&self) -> String {
        self.database_url_at("127.0.0.1")
    }

    /// The same by the Unix socket in the drill's folder; `None` where that folder's path is too long for one.
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

    /// The API server: its faults, what was asked of it, and the server without sockets.
    pub fn api(&self) -> &ApiServer {
        &self.api
    }

    /// What was done to the cluster through its API and tried, by whomever, oldest first; the receiver changes with each act.
    pub fn audit(&self) -> watch::Receiver<Vec<AuditEntry>> {
        self.api.audit()
    }

    /// Takes in what the operator would do: whoever is told does their part, each once however often it is said.
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

/// A password with every character that breaks careless URLs. It guards nothing but the drill.
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
