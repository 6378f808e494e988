//! The faults of the monitoring servers, and the events of a timeline that begin and end them.

use serde::Deserialize;

/// A monitoring server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitoringServer {
    /// Prometheus.
    Metrics,
    /// Alertmanager.
    Alerts,
    /// The error tracker.
    Tracker,
}

impl MonitoringServer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Metrics, Self::Alerts, Self::Tracker];

    /// As files and variables name it: `metrics`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Alerts => "alerts",
            Self::Tracker => "tracker",
        }
    }
}

/// A lasting fault of a monitoring server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitoringFault {
    /// Nothing listens.
    Down,
    /// Answers take longer than anybody waits; Prometheus then says that the query timed out.
    Slow,
    /// What it knows is as old as the fault: Prometheus scrapes no more, Alertmanager and the tracker hear of nothing new.
    Frozen,
    /// The token is known and has no rights.
    Forbidden,
    /// An HTML page asks to sign in.
    SignIn,
    /// Every value is `NaN`. Of metrics only.
    Nan,
    /// A store does not answer: half of the pods are missing, and each answer has a warning. Of metrics only.
    Partial,
}

impl MonitoringFault {
    /// Whether a server can have it.
    pub fn is_of(self, server: MonitoringServer) -> bool {
        server == MonitoringServer::Metrics || !matches!(self, Self::Nan | Self::Partial)
    }
}

/// An event of the timeline: `monitoring = { metrics = "partial" }`, `monitoring = { works = "metrics" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "EventFields")]
pub struct MonitoringEvent {
    /// The server.
    pub server: MonitoringServer,
    /// The fault that begins; `None` ends the one before.
    pub fault: Option<MonitoringFault>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum EventFields {
    Metrics(MonitoringFault),
    Alerts(MonitoringFault),
    Tracker(MonitoringFault),
    Works(MonitoringServer),
}

impl TryFrom<EventFields> for MonitoringEvent {
    type Error = String;

    fn try_from(fields: EventFields) -> Result<Self, String> {
        let (server, fault) = match fields {
            EventFields::Metrics(fault) => (MonitoringServer::Metrics, Some(fault)),
            EventFields::Alerts(fault) => (MonitoringServer::Alerts, Some(fault)),
            EventFields::Tracker(fault) => (MonitoringServer::Tracker, Some(fault)),
            EventFields::Works(server) => (server, None),
        };
        if fault.is_some_and(|fault| !fault.is_of(server)) {
            let name = server.name();
            return Err(format!(
                "{name} cannot have this fault: only metrics can be nan or partial"
            ));
        }
        Ok(Self { server, fault })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Line {
        monitoring: MonitoringEvent,
    }

    fn read(text: &str) -> Result<MonitoringEvent, String> {
        let line = toml::from_str::<Line>(text);
        line.map(|line| line.monitoring)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn events_are_read_as_a_timeline_names_them() {
        use MonitoringServer::{Alerts, Metrics, Tracker};
        for (text, server, fault) in [
            ("{ metrics = 'partial' }", Metrics, Some(MonitoringFault::Partial)),
            ("{ alerts = 'sign_in' }", Alerts, Some(MonitoringFault::SignIn)),
            ("{ tracker = 'frozen' }", Tracker, Some(MonitoringFault::Frozen)),
            ("{ works = 'metrics' }", Metrics, None),
        ] {
            let found = read(&format!("monitoring = {text}")).unwrap();
            assert_eq!(found, MonitoringEvent { server, fault }, "{text}");
        }
    }

    #[test]
    fn a_fault_that_a_server_cannot_have_is_refused() {
        for (text, why) in [
            ("{ alerts = 'nan' }", "only metrics can be nan or partial"),
            ("{ tracker = 'partial' }", "only metrics can be nan or partial"),
            ("{ metrics = 'tired' }", "tired"),
            ("{ works = 'grafana' }", "grafana"),
        ] {
            let said = read(&format!("monitoring = {text}")).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
