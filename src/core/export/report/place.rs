//! Where an incident was.

use serde::Serialize;

use super::value;
use crate::observe::observation::{Connection, Observation};
use crate::record::{Began, Entry, Line};
use crate::text::Redacted;

/// Where an incident was, and which user looked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// The API server's URL, as the connection told it, else as the kubeconfig names it.
    pub server: Redacted,
    /// Whether a server was reached at all.
    pub connected: bool,
    /// The users as the server names them, in the order in which they came; empty where none was reached.
    pub users: Vec<Redacted>,
    /// The namespace.
    pub namespace: Redacted,
    /// The environment's name; `None` where the profile does not know the namespace.
    pub environment: Option<Redacted>,
    /// Whether a mistake there hurts customers.
    pub production: bool,
    /// The profile's id.
    pub profile: Redacted,
    /// The service's name as people say it.
    pub service: Redacted,
    /// The id of the SOP that was open last; empty where none was chosen.
    pub sop: Redacted,
    /// Whether the console that began it could change nothing.
    pub read_only: bool,
    /// Seconds of the drill's clock a second, where they were not one.
    pub speed: Option<f64>,
}

impl Place {
    pub(super) fn of(began: &Began, lines: &[Line], sop: Option<&str>) -> Self {
        let connections: Vec<_> = lines.iter().filter_map(connection).collect();
        let mut users: Vec<Redacted> = Vec::new();
        for connection in &connections {
            let user = value(&connection.user);
            if !users.contains(&user) {
                users.push(user);
            }
        }
        let last = connections.last();
        Self {
            server: value(last.map_or(&began.server, |known| &known.server)),
            connected: last.is_some(),
            users,
            namespace: value(last.map_or(&began.namespace, |known| &known.namespace)),
            environment: began.environment.as_ref().map(|known| value(&known.name)),
            production: began.environment.as_ref().is_some_and(|known| known.production),
            profile: value(&began.profile.id),
            service: value(&began.profile.title),
            sop: value(sop.unwrap_or(&began.sop)),
            read_only: began.read_only,
            speed: began.speed,
        }
    }
}

fn connection(line: &Line) -> Option<&Connection> {
    match &line.entry {
        Entry::Observation(observation) => match &**observation {
            Observation::Connection(connection) => Some(connection),
            _ => None,
        },
        _ => None,
    }
}
