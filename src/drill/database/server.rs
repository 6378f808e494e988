//! The listener, the faults it can play, and its connections.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pgwire::api::ConnectionManager;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::session::Surroundings;
use super::tables::Tables;
use super::wire::{Connection, Handlers};
use crate::drill::clock::Clock;

/// Who may come in, and to which database.
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

/// What can be wrong with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The password was changed: new sessions are refused with 28P01, open ones go on.
    WrongPassword,
    /// New sessions are refused with 53300, open ones go on.
    TooManyConnections,
    /// Nobody listens (ECONNREFUSED), and open sessions are cut.
    Refused,
    /// A restart: open sessions are cut, new ones are refused with 57P03.
    Starting,
    /// Somebody holds locks on the tables: SELECTs on them wait until `lock_timeout` (55P03) or the fault's end.
    LockWait,
    /// Connections are accepted and nothing is answered, open ones too; all goes on when the fault ends.
    Stalled,
    /// Open sessions are cut once; new ones are served.
    Cut,
}

/// The fault of the moment, and how often everybody was cut off so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub fault: Option<Fault>,
    pub cuts: u64,
}

/// What the connections share.
#[derive(Debug)]
pub struct Shared {
    pub around: Surroundings,
    pub credentials: Credentials,
    pub connections: Arc<ConnectionManager>,
    next_pid: AtomicI32,
}

impl Shared {
    pub fn next_pid(&self) -> i32 {
        self.next_pid.fetch_add(1, Ordering::Relaxed)
    }
}

/// A PostgreSQL server on a loopback port, serving the drill's tables. It ends, with all its connections, when dropped.
#[derive(Debug)]
pub struct DatabaseServer {
    port: u16,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl DatabaseServer {
    /// Serves on a loopback TCP port the OS chooses.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(
        tables: Arc<Mutex<Tables>>,
        clock: Clock,
        credentials: Credentials,
    ) -> std::io::Result<DatabaseServer> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (state, receiver) = watch::channel(State::default());
        let shared = Arc::new(Shared {
            around: Surroundings {
                tables,
                clock,
                state: receiver.clone(),
            },
            credentials,
            connections: Arc::new(ConnectionManager::new()),
            next_pid: AtomicI32::new(4_001),
        });
        let task = tokio::spawn(serve(
            Door {
                port,
                listener: Some(listener),
                closed: None,
            },
            shared,
            receiver,
        ));
        Ok(DatabaseServer { port, state, task })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Begins a fault, or ends it.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.state.send_modify(|state| {
            state.fault = fault;
            state.cuts += u64::from(matches!(
                fault,
                Some(Fault::Refused | Fault::Starting | Fault::Cut)
            ));
        });
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The port: listened on, or kept bound without listening, so that the kernel refuses and nobody else takes it.
struct Door {
    port: u16,
    listener: Option<TcpListener>,
    closed: Option<TcpSocket>,
}

impl Door {
    fn bound(&self) -> std::io::Result<TcpSocket> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(([127, 0, 0, 1], self.port).into())?;
        Ok(socket)
    }

    fn shut(&mut self) {
        if self.listener.take().is_some() {
            self.closed = self.bound().ok();
        }
    }

    fn open(&mut self) {
        if self.listener.is_none() {
            let socket = self.closed.take().map_or_else(|| self.bound(), Ok);
            self.listener = socket.and_then(|socket| socket.listen(128)).ok();
        }
    }

    async fn next(&self) -> TcpStream {
        loop {
            let Some(listener) = &self.listener else {
                std::future::pending().await
            };
            match listener.accept().await {
                Ok((stream, _)) => return stream,
                // out of descriptors, say: it passes
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

async fn serve(mut door: Door, shared: Arc<Shared>, mut state: watch::Receiver<State>) {
    let mut sessions = JoinSet::new();
    let mut cuts = 0;
    loop {
        tokio::select! {
            stream = door.next() => {
                sessions.spawn(session(stream, shared.clone()));
            }
            Some(_) = sessions.join_next() => {}
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = *state.borrow_and_update();
                if now.fault == Some(Fault::Refused) { door.shut() } else { door.open() }
                if now.cuts != cuts {
                    cuts = now.cuts;
                    sessions.abort_all();
                }
            }
        }
    }
}

async fn session(stream: TcpStream, shared: Arc<Shared>) {
    let mut state = shared.around.state.clone();
    if state
        .wait_for(|state| state.fault != Some(Fault::Stalled))
        .await
        .is_err()
    {
        return;
    }
    // a client that hangs up is no business of ours
    let _ = pgwire::tokio::process_socket(stream, None, Handlers(Arc::new(Connection::new(shared)))).await;
}
