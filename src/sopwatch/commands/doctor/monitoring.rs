//! The monitoring servers: metrics, alerts with their rules, and the error tracker.

use super::facts::Facts;
use super::page::{Section, Status};
use sopwatch_core::diagnose::monitoring::is_configured;
use sopwatch_core::observe::source::SourceId;

/// Each server that is configured. One that is not changes no answer.
pub(super) fn monitoring(facts: &Facts) -> Section {
    let mut section = Section::new("Monitoring");
    let sources = [
        (SourceId::Metrics, "metrics"),
        (SourceId::ClusterMetrics, "cluster metrics"),
        (SourceId::Alerts, "alerts"),
        (SourceId::AlertRules, "alert rules"),
        (SourceId::Tracker, "error tracker"),
    ];
    let mut configured = false;
    for (id, name) in sources {
        if is_configured(&facts.state, &id) {
            configured = true;
            section.source(facts.state.source(&id), name);
        }
    }
    if !configured {
        section.advise(
            Status::Note,
            "no server is configured: metrics, alerts and the error tracker stay for you to look at",
            "set [environments.NAME.metrics], .alerts and .tracker in the configuration",
        );
    }
    section
}
