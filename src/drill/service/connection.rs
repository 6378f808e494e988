//! The service's connections to its database, and how they fail: in the words of pq and gorm.

use super::log::time;
use crate::database::DatabaseFault;

const HOST: &str = "managed-services-api-stage.c0o2vbzqhwwk.us-east-1.rds.amazonaws.com";

/// How the database answers a statement on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    Works,
    /// An error.
    Fails(&'static str),
    /// No answer.
    Hangs,
}

/// The state of a process's open connections. The pool keeps them, so a fault that only refuses new ones does no harm.
pub fn session(fault: Option<DatabaseFault>) -> ConnectionState {
    match fault {
        Some(DatabaseFault::Refused) => {
            ConnectionState::Fails("dial tcp 10.0.143.27:5432: connect: connection refused")
        }
        Some(DatabaseFault::Starting) => ConnectionState::Fails("pq: the database system is starting up"),
        Some(DatabaseFault::LockWait | DatabaseFault::Stalled) => ConnectionState::Hangs,
        _ => ConnectionState::Works,
    }
}

/// The error of a statement on a connection that was cut.
pub const CUT: &str = "driver: bad connection";

/// The state of a new process's first connection.
pub fn new_session(fault: Option<DatabaseFault>) -> ConnectionState {
    match fault {
        Some(DatabaseFault::WrongPassword) => {
            ConnectionState::Fails("pq: password authentication failed for user \"managed_services_api\"")
        }
        Some(DatabaseFault::TooManyConnections) => ConnectionState::Fails(
            "pq: remaining connection slots are reserved for non-replication superuser connections",
        ),
        Some(DatabaseFault::LockWait) => ConnectionState::Works,
        other => session(other),
    }
}

/// The text with which a process panics when it gets no connection at its start.
pub fn panic_text(reason: &str) -> String {
    format!(
        "failed to connect to postgres database managed-services-api with connection string: host={HOST} port=5432 \
         user=managed_services_api password='<REDACTED>' dbname=managed-services-api sslmode=disable\nError: {reason}"
    )
}

/// One error of gorm v1 on stdout: it begins with CR LF and is coloured.
pub fn gorm(at: i64, place: &str, reason: &str) -> [Vec<u8>; 3] {
    let when = time(at).strftime("%Y-%m-%d %H:%M:%S").to_string();
    [
        b"\r".to_vec(),
        format!("\x1b[35m(/go/src/managed-services-api/pkg/{place})\x1b[0m ").into_bytes(),
        format!("\x1b[33m[{when}]\x1b[0m \x1b[31;1m {reason} \x1b[0m ").into_bytes(),
    ]
}
