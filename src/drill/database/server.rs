//! The database server: its listener, its faults, and what its connections share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use pgwire::api::ConnectionManager;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::client;
use super::listener::Listener;
use super::session::SessionEnvironment;
use super::tables::Tables;
use crate::clock::Clock;

/// The user and the database that the server accepts.
#[derive(Clone)]
pub struct Credentials {
    pub user: String,
    pub password: String,
    pub database: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Credentials({} at {}, password not shown)",
            self.user, self.database
        )
    }
}

/// A fault of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseFault {
    /// The password was changed: new sessions are refused with 28P01, open ones go on.
    WrongPassword,
    /// All connections but those reserved for the superuser are taken: new sessions are refused with 53300, open ones go on.
    TooManyConnections,
    /// The port is closed (ECONNREFUSED), and open sessions are cut.
    Refused,
    /// A restart: open sessions are cut, new ones are refused with 57P03.
    Starting,
    /// Somebody holds locks on the tables: SELECTs on them wait until `lock_timeout` (55P03) or the fault's end.
    LockWait,
    /// Connections are accepted and nothing is answered, on open ones neither; everything continues when the fault ends.
    Stalled,
    /// Open sessions are cut once; new ones are served.
    Cut,
    /// A server under load: every statement takes this much longer.
    Slow {
        /// How much.
        milliseconds: u32,
    },
    /// A lossy network: one statement in `every` finds its connection cut.
    Lossy {
        /// Counted over all sessions; 1 is every statement.
        every: u32,
    },
}

/// How a fault ends open sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// The server is stopped: clients get 57P01.
    ByCommand,
    /// The network fails: clients get nothing.
    Silently,
}

impl DatabaseFault {
    /// How the fault ends open sessions, if it does.
    fn cut(self) -> Option<Disconnect> {
        match self {
            DatabaseFault::Refused | DatabaseFault::Starting => Some(Disconnect::ByCommand),
            DatabaseFault::Cut => Some(Disconnect::Silently),
            _ => None,
        }
    }
}

/// The fault in effect, how often all sessions were cut so far, and how the last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultState {
    pub fault: Option<DatabaseFault>,
    pub cuts: u64,
    pub cut: Option<Disconnect>,
}

/// What the connections share.
#[derive(Debug)]
pub struct DatabaseState {
    pub environment: SessionEnvironment,
    pub credentials: Credentials,
    pub connections: Arc<ConnectionManager>,
    next_pid: AtomicI32,
    /// Statements that met a lossy network.
    sent: AtomicU32,
    /// How many messages all clients have sent so far.
    pub heard: Arc<AtomicU64>,
}

impl DatabaseState {
    /// The state before the first connection.
    pub fn new(environment: SessionEnvironment, credentials: Credentials) -> Self {
        Self {
            environment,
            credentials,
            connections: Arc::new(ConnectionManager::new()),
            next_pid: AtomicI32::new(4_001),
            sent: AtomicU32::new(0),
            heard: Arc::default(),
        }
    }

    pub fn next_pid(&self) -> i32 {
        self.next_pid.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether a lossy network loses this statement: one in `every`.
    pub fn is_lost(&self, every: u32) -> bool {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        number.is_multiple_of(every.max(1))
    }
}

/// A PostgreSQL server on a loopback port and a Unix socket, serving the drill's tables. It ends, with all its connections, when
/// dropped.
#[derive(Debug)]
pub struct DatabaseServer {
    port: u16,
    socket: Option<PathBuf>,
    state: watch::Sender<FaultState>,
    heard: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl DatabaseServer {
    /// Serves on a loopback TCP port the OS chooses, and on a Unix socket in a folder.
    ///
    /// # Errors
    /// When no port can be had, or the folder takes no socket.
    pub async fn start(
        tables: Arc<Mutex<Tables>>,
        clock: Clock,
        credentials: Credentials,
        folder: &Path,
    ) -> std::io::Result<DatabaseServer> {
        let listener = Listener::open_in(folder).await?;
        let (port, socket) = (listener.port(), listener.path().map(Path::to_owned));
        let (state, receiver) = watch::channel(FaultState::default());
        let environment = SessionEnvironment {
            tables,
            clock,
            state: receiver.clone(),
        };
        let shared = Arc::new(DatabaseState::new(environment, credentials));
        let heard = shared.heard.clone();
        let task = tokio::spawn(serve(listener, shared, receiver));
        Ok(DatabaseServer {
            port,
            socket,
            state,
            heard,
            task,
        })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The Unix socket; `None` where its path would be too long for one.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// How many messages clients have sent so far; it goes on counting while clients and server talk.
    pub fn heard(&self) -> Arc<AtomicU64> {
        self.heard.clone()
    }

    /// Begins a fault; `None` ends it.
    pub fn set_fault(&self, fault: Option<DatabaseFault>) {
        self.state.send_modify(|state| {
            state.fault = fault;
            if let Some(cut) = fault.and_then(DatabaseFault::cut) {
                state.cuts += 1;
                state.cut = Some(cut);
            }
        });
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut listener: Listener, shared: Arc<DatabaseState>, mut state: watch::Receiver<FaultState>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            stream = listener.next() => {
                sessions.spawn(client::serve(stream, shared.clone()));
            }
            Some(_) = sessions.join_next() => {}
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                let fault = state.borrow_and_update().fault;
                if fault == Some(DatabaseFault::Refused) { listener.shut() } else { listener.open() }
            }
        }
    }
}
