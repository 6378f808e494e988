//! The page of the sources: how each is, the database session, and what we may do.

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::dialogs::dialog_text::{DialogText, Tone};
use sopwatch_core::observe::observation::{Access, DatabaseConnection};
use sopwatch_core::observe::source::{Freshness, Source, SourceId, SourceState};
use sopwatch_core::text::{counted, duration};

impl App {
    pub(super) fn sources_page(&self) -> DialogText {
        let mut page = DialogText::titled("Sources");
        page.section("State");
        self.add_states(&mut page);
        self.add_other_logs(&mut page);
        if let Some(database) = &self.state.database {
            page.section("Database session");
            self.add_database_session(&mut page, database);
        }
        if !self.session.drill_shell_hints.is_empty() {
            page.section("The drill from another terminal");
            let hints = self.session.drill_shell_hints.iter();
            hints.for_each(|line| page.add(Tone::Code, line.as_str()));
        }
        page.section("Your permissions");
        self.add_permissions(&mut page);
        page
    }

    /// Each source, but for logs that are not followed: those are counted.
    fn add_states(&self, page: &mut DialogText) {
        let is_shown = |(id, source): &(&SourceId, &Source)| {
            !is_finished_log(id, source) && source.state != SourceState::Resting
        };
        for (id, source) in self.state.sources().filter(is_shown) {
            let (tone, text) = source_words(source, self.state.freshness(id, self.clock.now), self.clock.now);
            page.add(tone, format!("{:<34} {text}", self.state.source_name(id)));
            if let Some(advice) = source.problem().and_then(|problem| problem.advice.as_ref()) {
                page.add(Tone::Plain, format!("  → {advice}"));
            }
        }
    }

    /// Logs that are read in turns, and those that have ended.
    fn add_other_logs(&self, page: &mut DialogText) {
        let in_turns = self.state.sources().map(|(_, source)| source);
        let in_turns = in_turns.filter(|source| source.state == SourceState::Resting);
        if let Some(oldest) = in_turns.filter_map(|source| source.heard_at).min() {
            let logs = counted(self.state.logs_read().in_turns, "log", "logs");
            let age = self.clock.now.duration_since(oldest).max(SignedDuration::ZERO);
            let age = duration::brief(age);
            let text = format!("and {logs} read in turns, the oldest {age} ago");
            page.add(Tone::Doubtful, text);
        }
        let finished = self.state.sources();
        let finished = finished
            .filter(|(id, source)| is_finished_log(id, source))
            .count();
        if finished > 0 {
            let logs = counted(
                finished,
                "log of a finished container",
                "logs of finished containers",
            );
            page.add(Tone::Faint, format!("and {logs} (complete)"));
        }
    }

    fn add_database_session(&self, page: &mut DialogText, database: &DatabaseConnection) {
        let place = format!(
            "{}@{}:{}/{}",
            database.user, database.host, database.port, database.database
        );
        page.add(
            Tone::Plain,
            format!(
                "{place}, read-only, TLS {}, server {}",
                database.tls, database.version
            ),
        );
        let reading = self.state.reading.as_ref();
        if let Some(standby) = reading.and_then(|(_, reading)| reading.standby.as_ref()) {
            let (tone, end) = if standby.is_current() {
                (Tone::Plain, "")
            } else {
                (Tone::Bad, ": its leases and ages may be out of date")
            };
            page.add(tone, format!("this server is {}{end}", standby.words()));
        }
        page.add(Tone::Faint, format!("credentials from {}", database.origin));
    }

    fn add_permissions(&self, page: &mut DialogText) {
        if self.state.access.is_empty() {
            page.add(Tone::Doubtful, "not checked yet");
        }
        for access in &self.state.access {
            let (tone, word) = access_words(access);
            page.add(tone, format!("{word:<8} {}", permission_name(access)));
        }
    }
}

fn is_finished_log(id: &SourceId, source: &Source) -> bool {
    matches!(id, SourceId::Log(_)) && source.state == SourceState::Ended
}

fn source_words(source: &Source, freshness: Freshness, now: Timestamp) -> (Tone, String) {
    let age = match freshness {
        Freshness::Missing => "no data yet".to_owned(),
        Freshness::Fresh(age) | Freshness::Stale(age) => format!("{} ago", duration::brief(age)),
    };
    match &source.state {
        SourceState::Connecting => (Tone::Doubtful, "connecting".to_owned()),
        SourceState::Live if matches!(freshness, Freshness::Stale(_)) => {
            (Tone::Doubtful, format!("stale, last data {age}"))
        }
        SourceState::Live => (Tone::Good, format!("live, {age}")),
        SourceState::Ended => (Tone::Plain, "ended".to_owned()),
        SourceState::Resting => (Tone::Plain, format!("read in turns, {age}")),
        SourceState::Off(reason) => (Tone::Faint, format!("off: {reason}")),
        SourceState::Failing { problem, attempt, .. } => {
            let retry = source
                .retry_at
                .map(|at| at.duration_since(now))
                .filter(SignedDuration::is_positive);
            let retry = retry.map_or_else(
                || "retrying now".to_owned(),
                |span| format!("retry in {}", duration::brief(span)),
            );
            (
                Tone::Bad,
                format!("{problem} (failed {attempt}×, {retry}, {age})"),
            )
        }
    }
}

fn access_words(access: &Access) -> (Tone, &'static str) {
    match access.allowed {
        Some(true) => (Tone::Good, "yes"),
        Some(false) if access.permission.is_optional() => (Tone::Doubtful, "no"),
        Some(false) => (Tone::Bad, "no"),
        None => (Tone::Doubtful, "unknown"),
    }
}

fn permission_name(access: &Access) -> String {
    let permission = &access.permission;
    let mut resource = permission.resource.to_string();
    // The metrics of pods are `pods`, too.
    if !matches!(&*permission.group, "" | "apps") {
        resource = format!("{resource}.{}", permission.group);
    }
    if !permission.subresource.is_empty() {
        resource = format!("{resource}/{}", permission.subresource);
    }
    let name = if permission.name.is_empty() {
        String::new()
    } else {
        format!(" {}", permission.name)
    };
    let missed = access.allowed == Some(false) && permission.is_optional();
    let optional = if missed { " (optional)" } else { "" };
    format!("{} {resource}{name}{optional}", permission.verb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::observe::observation::Permission;

    #[test]
    fn a_right_is_named_so_that_the_pods_and_their_metrics_are_told_apart() {
        for (group, subresource, name) in [
            ("", "", "list pods"),
            ("", "log", "list pods/log"),
            ("metrics.k8s.io", "", "list pods.metrics.k8s.io"),
        ] {
            let permission = Permission {
                verb: "list".into(),
                group: group.into(),
                resource: "pods".into(),
                subresource: subresource.into(),
                name: "".into(),
            };
            let access = Access {
                permission,
                allowed: None,
                reason: "".into(),
            };
            assert_eq!(permission_name(&access), name);
        }
    }

    #[test]
    fn a_right_that_nothing_hangs_on_is_said_to_be_optional() {
        for (resource, name) in [
            (
                "horizontalpodautoscalers",
                "list horizontalpodautoscalers (optional)",
            ),
            ("replicasets", "list replicasets (optional)"),
            ("pods", "list pods"),
        ] {
            let permission = Permission {
                verb: "list".into(),
                group: "".into(),
                resource: resource.into(),
                subresource: "".into(),
                name: "".into(),
            };
            let access = Access {
                permission,
                allowed: Some(false),
                reason: "".into(),
            };
            assert_eq!(permission_name(&access), name);
        }
    }
}
