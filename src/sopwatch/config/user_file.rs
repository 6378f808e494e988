//! The user's configuration file, as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::errors::ConfigProblem;
use super::monitoring::{AlertsKeys, ClusterMetricsKeys, GrafanaKeys, MetricsKeys, TrackerKeys};
use super::spanned_toml::TomlDocument;
use super::suggest::nearest;
use crate::cli::ColorChoice;
use crate::net::postgres_url::{has_password, is_postgres};
use crate::net::tls::TlsMode;

/// Every key is optional; what is not there comes from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct UserFile {
    pub profile: Option<String>,
    pub environment: Option<String>,
    pub namespace: Option<String>,
    pub context: Option<String>,
    pub kubeconfig: Option<String>,
    pub sop: Option<String>,
    pub theme: Option<String>,
    pub ascii: Option<bool>,
    pub bell: Option<bool>,
    pub color: Option<ColorChoice>,
    pub read_only: Option<bool>,
    pub poll: Option<u64>,
    pub database: DatabaseKeys,
    pub contacts: BTreeMap<String, Vec<String>>,
    pub environments: BTreeMap<String, EnvironmentKeys>,
    pub keys: BTreeMap<String, KeyBinding>,
    pub thresholds: Thresholds,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct DatabaseKeys {
    pub enabled: Option<bool>,
    pub url: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub tls: Option<TlsMode>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct EnvironmentKeys {
    pub namespace: Option<String>,
    pub read_only: Option<bool>,
    pub links: BTreeMap<String, String>,
    pub metrics: Option<MetricsKeys>,
    pub cluster_metrics: Option<ClusterMetricsKeys>,
    pub alerts: Option<AlertsKeys>,
    pub tracker: Option<TrackerKeys>,
    pub grafana: Option<GrafanaKeys>,
}

/// One key, or several that do the same.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "must be a key such as \"q\", or a list of keys")]
pub(super) enum KeyBinding {
    One(String),
    Many(Vec<String>),
}

impl KeyBinding {
    pub(super) fn all(&self) -> Vec<String> {
        match self {
            KeyBinding::One(key) => vec![key.clone()],
            KeyBinding::Many(keys) => keys.clone(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Thresholds {
    pub replicas: Option<u32>,
    pub tick: Option<u64>,
    pub lease: Option<u64>,
    pub reconcile: Option<u64>,
    /// By table, then by status or role.
    pub limits: BTreeMap<String, BTreeMap<String, u64>>,
}

/// The tables of the file with keys of their own; the first is the file itself.
const TABLES: [(&str, &[&str]); 3] = [
    (
        "",
        &[
            "profile",
            "environment",
            "namespace",
            "context",
            "kubeconfig",
            "sop",
            "theme",
            "ascii",
            "color",
            "bell",
            "read-only",
            "poll",
        ],
    ),
    ("database", &["enabled", "url", "host", "port", "tls"]),
    ("thresholds", &["replicas", "tick", "lease", "reconcile"]),
];

/// The same problem; where a key is right and stands in the wrong table, with the table that it belongs in.
pub(super) fn with_neighbour(problem: ConfigProblem) -> ConfigProblem {
    if problem.key == "environment" && problem.message.starts_with("must be a text") && is_heading(&problem) {
        return problem.hint("did you mean [environments.NAME]?");
    }
    let is_unknown = problem.message.starts_with("unknown key");
    let slip = problem
        .hint
        .as_deref()
        .is_some_and(|hint| hint.starts_with("did you mean"));
    if !is_unknown || slip {
        return problem;
    }
    let (_, key) = problem.key.rsplit_once('.').unwrap_or(("", &problem.key));
    let known: Vec<&str> = TABLES.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
    let Some(near) = nearest(key, &known) else {
        return problem;
    };
    let table = TABLES.iter().find(|(_, keys)| keys.contains(&near));
    match table.map_or("", |(table, _)| *table) {
        "" => problem.hint(format!(
            "`{near}` belongs at the top of the file, above the first [table]"
        )),
        table => problem.hint(format!("`{near}` belongs under [{table}]")),
    }
}

/// Whether the line of the problem is a heading: `[environment.stage]`.
fn is_heading(problem: &ConfigProblem) -> bool {
    let line = problem.line.as_deref();
    line.is_some_and(|(_, line)| line.starts_with('['))
}

/// What is wrong with the values, apart from their kind.
pub(super) fn check(user: &UserFile, document: &TomlDocument) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if let Some(url) = &user.database.url {
        problems.extend(check_url(url, document));
    }
    if user.poll.is_some_and(|poll| !(1..=3600).contains(&poll)) {
        problems.push(document.problem(
            "poll",
            "must be a whole number of seconds from 1 to 3600, e.g. poll = 5",
        ));
    }
    if user.database.port == Some(0) {
        problems.push(document.problem(
            "database.port",
            "must be a port from 1 to 65535, e.g. port = 15432",
        ));
    }
    let thresholds = &user.thresholds;
    let spans = [
        ("tick", thresholds.tick),
        ("lease", thresholds.lease),
        ("reconcile", thresholds.reconcile),
    ];
    let spans = spans
        .into_iter()
        .chain([("replicas", thresholds.replicas.map(u64::from))]);
    for (key, _) in spans.filter(|(_, value)| *value == Some(0)) {
        problems.push(document.problem(&format!("thresholds.{key}"), "must be at least 1"));
    }
    for (table, limits) in &thresholds.limits {
        for (key, _) in limits.iter().filter(|(_, seconds)| **seconds == 0) {
            problems
                .push(document.problem(&format!("thresholds.limits.{table}.{key}"), "must be at least 1"));
        }
    }
    problems
}

fn check_url(url: &str, document: &TomlDocument) -> Option<ConfigProblem> {
    let path = "database.url";
    if has_password(url) {
        let problem = document.problem(path, "the URL holds a password; no password belongs in this file");
        return Some(problem.hint(
            "remove the password: it comes from the service's secret, PGPASSWORD or SOPWATCH_DATABASE_URL",
        ));
    }
    let foreign = || {
        document
            .problem(path, "not a PostgreSQL URL")
            .hint("write it as postgres://user@host:5432/database")
    };
    (!is_postgres(url)).then(foreign)
}
