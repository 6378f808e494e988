//! The user's configuration file, as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::errors::ConfigProblem;
use super::spanned_toml::TomlDocument;
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
}

/// One key, or several that do the same.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "give a key such as \"q\", or a list of keys")]
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

/// What is wrong with the values, apart from their kind.
pub(super) fn check(user: &UserFile, document: &TomlDocument) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    if let Some(url) = &user.database.url {
        problems.extend(check_url(url, document));
    }
    if user.poll.is_some_and(|poll| !(1..=3600).contains(&poll)) {
        problems.push(document.problem("poll", "give seconds from 1 to 3600"));
    }
    if user.database.port == Some(0) {
        problems.push(document.problem("database.port", "give a port from 1 to 65535"));
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
        problems.push(document.problem(&format!("thresholds.{key}"), "at least 1 is needed"));
    }
    for (table, limits) in &thresholds.limits {
        for (key, _) in limits.iter().filter(|(_, seconds)| **seconds == 0) {
            problems.push(document.problem(
                &format!("thresholds.limits.{table}.{key}"),
                "at least 1 is needed",
            ));
        }
    }
    problems
}

fn check_url(url: &str, document: &TomlDocument) -> Option<ConfigProblem> {
    let path = "database.url";
    if has_password(url) {
        let problem = document.problem(path, "the URL holds a password, and this file is no place for one: files are copied, backed up and shown");
        return Some(problem.hint(
            "leave the password out; it comes from the service's secret, PGPASSWORD or SOPWATCH_DATABASE_URL",
        ));
    }
    let foreign = || {
        document
            .problem(path, "not a PostgreSQL URL")
            .hint("such as postgres://user@host:5432/database")
    };
    (!is_postgres(url)).then(foreign)
}
