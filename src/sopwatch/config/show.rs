//! The text of `config show`: every value and where it comes from, without any secret.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::monitoring::LocationSetting;
use super::origin::{Origin, Setting};
use super::settings::Settings;
use crate::cli::ColorChoice;
use crate::net::postgres_url::without_password;
use sopwatch_core::profile::{Database, Environment};
use sopwatch_core::text::SafeText;

/// One line: key, value, origin.
type ShownSetting = (String, String, String);

/// The text of `config show`.
pub fn show(settings: &Settings) -> SafeText {
    let mut lines = Vec::new();
    lines.extend(chosen(settings));
    lines.extend(screen(settings));
    lines.extend(database(settings));
    lines.extend(keys(settings));
    lines.extend(profile(settings));
    table(&lines).into()
}

/// The lines in columns.
fn table(lines: &[ShownSetting]) -> String {
    let width = |column: fn(&ShownSetting) -> &String, most: usize| {
        let longest = lines
            .iter()
            .map(|line| column(line).chars().count())
            .max()
            .unwrap_or(0);
        longest.min(most)
    };
    let (keys, values) = (width(|line| &line.0, 64), width(|line| &line.1, 48));
    let text = |(key, value, origin): &ShownSetting| format!("{key:keys$}  {value:values$}  {origin}\n");
    lines.iter().map(text).collect()
}

fn line(key: &str, value: impl Into<String>, origin: &Origin) -> ShownSetting {
    (key.to_owned(), value.into(), origin.to_string())
}

/// A value that may be absent, with what counts then.
fn optional<T>(
    key: &str,
    setting: Option<&Setting<T>>,
    text: impl Fn(&T) -> String,
    otherwise: &str,
) -> ShownSetting {
    match setting {
        Some(setting) => line(key, text(&setting.value), &setting.origin),
        None => (key.to_owned(), "-".to_owned(), otherwise.to_owned()),
    }
}

fn chosen(settings: &Settings) -> Vec<ShownSetting> {
    let source = settings.profile_source.text();
    let profile = &settings.profile_name;
    let word = |text: &String| text.clone();
    let files = |paths: &Vec<PathBuf>| {
        let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        paths.join(":")
    };
    vec![
        (
            "profile".to_owned(),
            profile.value.clone(),
            format!("{}; read from: {source}", profile.origin),
        ),
        optional(
            "environment",
            settings.environment.as_ref(),
            word,
            "follows from the namespace",
        ),
        optional(
            "namespace",
            settings.namespace.as_ref(),
            word,
            "from the kubeconfig's context",
        ),
        optional(
            "context",
            settings.context.as_ref(),
            word,
            "the kubeconfig's current context",
        ),
        optional(
            "kubeconfig",
            settings.kubeconfig.as_ref(),
            files,
            "~/.kube/config, or the pod's own account",
        ),
        optional("as", settings.impersonate.as_ref(), word, "no impersonation"),
        optional(
            "request-timeout",
            settings.request_timeout.as_ref(),
            |span| seconds(*span),
            "default: 10 s",
        ),
        optional("sop", settings.sop.as_ref(), word, "the console asks"),
        line(
            "read-only",
            settings.read_only.value.to_string(),
            &settings.read_only.origin,
        ),
        optional(
            "log-file",
            settings.log_file.as_ref(),
            |path| path.display().to_string(),
            "no log is written",
        ),
    ]
}

fn screen(settings: &Settings) -> Vec<ShownSetting> {
    let screen = &settings.screen;
    let color = match screen.color.value {
        ColorChoice::Auto => "auto",
        ColorChoice::Always => "always",
        ColorChoice::Never => "never",
    };
    vec![
        line("theme", screen.theme.value.clone(), &screen.theme.origin),
        line("ascii", screen.ascii.value.to_string(), &screen.ascii.origin),
        line("bell", screen.bell.value.to_string(), &screen.bell.origin),
        line("color", color, &screen.color.origin),
    ]
}

#[expect(
    clippy::disallowed_methods,
    reason = "a URL is shown without its password, and of the variables all but PGPASSWORD"
)]
fn database(settings: &Settings) -> Vec<ShownSetting> {
    let database = &settings.database;
    let credentials = "libpq variables, then the profile's secret";
    let mut lines = vec![
        line(
            "database.enabled",
            database.enabled.value.to_string(),
            &database.enabled.origin,
        ),
        optional(
            "database.url",
            database.url.as_ref(),
            |url| without_password(url.expose_secret()),
            credentials,
        ),
        optional(
            "database.host",
            database.host.as_ref(),
            Clone::clone,
            "from the credentials",
        ),
        optional(
            "database.port",
            database.port.as_ref(),
            u16::to_string,
            "from the credentials",
        ),
        optional(
            "database.tls",
            database.tls.as_ref(),
            |tls| tls.name().to_owned(),
            "from the credentials",
        ),
        line("poll", seconds(database.poll.value), &database.poll.origin),
    ];
    for (name, value) in database.libpq.iter().filter(|(name, _)| name.starts_with("PG")) {
        let shown = if *name == "PGPASSWORD" {
            "(set, not shown)"
        } else {
            value.expose_secret()
        };
        lines.push((
            format!("database.{name}"),
            shown.to_owned(),
            "environment".to_owned(),
        ));
    }
    lines
}

fn keys(settings: &Settings) -> Vec<ShownSetting> {
    let binding = |key: &super::settings::KeySetting| {
        line(&format!("keys.{}", key.action), key.keys.join(", "), &key.origin)
    };
    settings.keys.iter().map(binding).collect()
}

/// What the profile says and the user may change, with who said it.
fn profile(settings: &Settings) -> Vec<ShownSetting> {
    let profile = &settings.profile;
    let leaders = &profile.leaders;
    let said = |key: &str, value: String| line(key, value, &settings.origin_of(key));
    let mut lines = vec![
        said("service.deployment", profile.service.deployment.clone()),
        said("service.selector", profile.service.selector.clone()),
        said("service.container", profile.service.container.clone()),
        said("thresholds.replicas", profile.service.replicas.to_string()),
        said("thresholds.tick", seconds(leaders.tick)),
        said("thresholds.lease", seconds(leaders.lease)),
        said("thresholds.reconcile", seconds(leaders.reconcile)),
    ];
    if let Some(database) = &profile.database {
        lines.push(said("database.secret", database.secret.name.clone()));
        lines.extend(limits(settings, database));
    }
    for environment in &profile.environments {
        lines.extend(environment_lines(settings, environment));
    }
    for (team, contact) in &profile.contacts {
        let reach = if contact.reach.is_empty() {
            "(not in the SOP: add it under [contacts])".to_owned()
        } else {
            contact.reach.join(", ")
        };
        lines.push(said(&format!("contacts.{team}"), reach));
    }
    lines
}

fn limits(settings: &Settings, database: &Database) -> Vec<ShownSetting> {
    let statuses = |table: &'_ sopwatch_core::profile::Table| -> Vec<ShownSetting> {
        let limited = table
            .statuses
            .iter()
            .filter_map(|status| Some((status, status.limit?)));
        let limit = |(status, limit): (&sopwatch_core::profile::Status, Duration)| {
            let key = format!("thresholds.limits.{}.{}", table.name, status.name);
            line(&key, seconds(limit), &settings.origin_of(&key))
        };
        limited.map(limit).collect()
    };
    database.tables.iter().flat_map(statuses).collect()
}

fn environment_lines(settings: &Settings, environment: &Environment) -> Vec<ShownSetting> {
    let key = |name: &str| format!("environments.{}.{name}", environment.name);
    let said = |name: &str, value: String| line(&key(name), value, &settings.origin_of(&key(name)));
    let mut lines = vec![
        said("namespace", environment.namespace.clone()),
        said("read-only", environment.read_only.to_string()),
    ];
    for (name, link) in &environment.links {
        lines.push(said(&format!("links.{name}"), link.clone()));
    }
    lines.extend(monitoring_lines(settings, &environment.name));
    lines
}

/// The monitoring servers of an environment, and where their credentials come from.
fn monitoring_lines(settings: &Settings, environment: &str) -> Vec<ShownSetting> {
    let Some(servers) = settings.monitoring.get(environment) else {
        return Vec::new();
    };
    let metrics = servers.metrics.as_ref().map(|metrics| &metrics.server);
    let cluster_metrics = servers.cluster_metrics.as_ref().map(|metrics| &metrics.server);
    let tracker = servers.tracker.as_ref().map(|tracker| &tracker.server);
    let all = [
        ("metrics", metrics),
        ("cluster-metrics", cluster_metrics),
        ("alerts", servers.alerts.as_ref()),
        ("tracker", tracker),
    ];
    let mut lines = Vec::new();
    for (section, server) in all
        .into_iter()
        .filter_map(|(section, server)| Some((section, server?)))
    {
        let key = |name: &str| format!("environments.{environment}.{section}.{name}");
        let origin = &server.location.origin;
        let (name, location) = server.location.value.shown();
        lines.push(line(&key(name), location, origin));
        let credential = match &server.location.value {
            LocationSetting::Service { .. } => "the cluster's own login, to the API server".to_owned(),
            _ => server.credential.words(),
        };
        lines.push(line(&key("credential"), credential, origin));
        let ca_file = server.ca_file.as_ref();
        lines.extend(ca_file.map(|path| line(&key("ca-file"), path.display().to_string(), origin)));
    }
    if let Some(metrics) = &servers.metrics
        && let Some(url) = &metrics.rules_url
    {
        let key = format!("environments.{environment}.metrics.rules-url");
        lines.push(line(&key, url.clone(), &metrics.server.location.origin));
    }
    if let Some(tracker) = &servers.tracker {
        let key = format!("environments.{environment}.tracker.project");
        let project = format!("{}/{}", tracker.organisation, tracker.project);
        lines.push(line(&key, project, &tracker.server.location.origin));
    }
    lines
}

fn seconds(span: Duration) -> String {
    if span.subsec_millis() == 0 {
        format!("{} s", span.as_secs())
    } else {
        format!("{} ms", span.as_millis())
    }
}
