//! The user's changes to the profile: who is called, where things are, and when it is too long.

use std::collections::BTreeMap;
use std::time::Duration;

use super::errors::ConfigProblem;
use super::monitoring::GrafanaKeys;
use super::origin::Origin;
use super::spanned_toml::TomlDocument;
use super::user_file::{EnvironmentKeys, Thresholds, UserFile};
use sopwatch_core::profile::validation::identifier::{is_link, is_object_name};
use sopwatch_core::profile::{Profile, Role, Table};

/// Puts the user's values into the profile; returns where each came from, and what is wrong.
pub(super) fn apply(
    profile: &mut Profile,
    user: &UserFile,
    document: &TomlDocument,
) -> (BTreeMap<String, Origin>, Vec<ConfigProblem>) {
    let mut changes = Changes {
        document,
        origins: BTreeMap::new(),
        problems: Vec::new(),
    };
    changes.contacts(profile, &user.contacts);
    changes.environments(profile, &user.environments);
    changes.thresholds(profile, &user.thresholds);
    (changes.origins, changes.problems)
}

struct Changes<'a> {
    document: &'a TomlDocument,
    origins: BTreeMap<String, Origin>,
    problems: Vec<ConfigProblem>,
}

impl Changes<'_> {
    fn note(&mut self, key: &str, written_as: &str) {
        let line = self.document.line_of(written_as).unwrap_or(1);
        let path = self.document.file().to_owned();
        self.origins.insert(key.to_owned(), Origin::File { path, line });
    }

    fn unknown<'k>(&mut self, path: &str, what: &str, word: &str, known: impl IntoIterator<Item = &'k str>) {
        let problem = self
            .document
            .problem(path, format!("the profile has no {what} `{word}`"));
        self.problems.push(problem.hint_among(word, known));
    }

    fn wrong(&mut self, path: &str, message: &str) {
        self.problems.push(self.document.problem(path, message));
    }

    fn contacts(&mut self, profile: &mut Profile, contacts: &BTreeMap<String, Vec<String>>) {
        for (team, reach) in contacts {
            let path = format!("contacts.{team}");
            match profile.contacts.get_mut(team) {
                Some(contact) => {
                    contact.reach.clone_from(reach);
                    self.note(&path, &path);
                }
                None => self.unknown(
                    &path,
                    "contact",
                    team,
                    profile.contacts.keys().map(String::as_str),
                ),
            }
        }
    }

    fn environments(&mut self, profile: &mut Profile, environments: &BTreeMap<String, EnvironmentKeys>) {
        for (name, keys) in environments {
            let path = format!("environments.{name}");
            if let Some(index) = profile.environments.iter().position(|known| known.name == *name) {
                // As it will be: two may change places.
                let others = profile.environments.iter().filter(|known| known.name != *name);
                let taken: Vec<String> = others
                    .map(|known| {
                        let keys = environments.get(&known.name);
                        let changed = keys.and_then(|keys| keys.namespace.clone());
                        changed.unwrap_or_else(|| known.namespace.clone())
                    })
                    .collect();
                self.environment(profile, index, &path, keys, &taken);
            } else {
                let known = profile.environments.iter().map(|known| known.name.as_str());
                self.unknown(&path, "environment", name, known);
            }
        }
    }

    fn environment(
        &mut self,
        profile: &mut Profile,
        index: usize,
        path: &str,
        keys: &EnvironmentKeys,
        taken: &[String],
    ) {
        if let Some(namespace) = &keys.namespace {
            let known = &mut profile.environments[index].namespace;
            self.namespace(known, &format!("{path}.namespace"), namespace, taken);
        }
        if let Some(read_only) = keys.read_only {
            profile.environments[index].read_only = read_only;
            let path = format!("{path}.read-only");
            self.note(&path, &path);
        }
        // That it is an address is checked with the monitoring servers.
        if let Some(grafana) = keys.grafana.as_ref().and_then(GrafanaKeys::url) {
            profile.environments[index].grafana = Some(grafana.to_owned());
        }
        for (key, link) in &keys.links {
            self.link(profile, index, &format!("{path}.links.{key}"), key, link);
        }
    }

    /// `taken`: those of the other environments.
    fn namespace(&mut self, known: &mut String, path: &str, namespace: &str, taken: &[String]) {
        if !is_object_name(namespace) {
            return self.wrong(path, "not a valid name of a namespace");
        }
        if taken.iter().any(|taken| taken == namespace) {
            return self.wrong(path, "another environment has this namespace already");
        }
        namespace.clone_into(known);
        self.note(path, path);
    }

    fn link(&mut self, profile: &mut Profile, index: usize, path: &str, key: &str, link: &str) {
        if !is_link(link) {
            return self.wrong(path, "must be an http(s) link without user and password");
        }
        if !profile.link_keys().any(|known| known == key) {
            return self.unknown(path, "step with the link", key, profile.link_keys());
        }
        profile.environments[index]
            .links
            .insert(key.to_owned(), link.to_owned());
        self.note(path, path);
    }

    fn thresholds(&mut self, profile: &mut Profile, thresholds: &Thresholds) {
        if let Some(replicas) = thresholds.replicas {
            profile.service.replicas = replicas;
            self.note("thresholds.replicas", "thresholds.replicas");
        }
        let leaders = &mut profile.leaders;
        let spans = [
            ("thresholds.tick", thresholds.tick, &mut leaders.tick),
            ("thresholds.lease", thresholds.lease, &mut leaders.lease),
            (
                "thresholds.reconcile",
                thresholds.reconcile,
                &mut leaders.reconcile,
            ),
        ];
        for (path, seconds, span) in spans {
            if let Some(seconds) = seconds {
                *span = Duration::from_secs(seconds);
                self.note(path, path);
            }
        }
        for (table, limits) in &thresholds.limits {
            self.limits(profile, table, limits);
        }
    }

    fn limits(&mut self, profile: &mut Profile, name: &str, limits: &BTreeMap<String, u64>) {
        let path = format!("thresholds.limits.{name}");
        let tables = profile.database.as_mut().map(|database| &mut database.tables);
        let tables = tables.into_iter().flatten().collect::<Vec<_>>();
        let known: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let Some(table) = tables.into_iter().find(|table| table.name == name) else {
            return self.unknown(&path, "table", name, known.iter().map(String::as_str));
        };
        // A status is more precise than a role, so it comes last and wins.
        let (statuses, roles): (Vec<_>, Vec<_>) =
            limits.iter().partition(|(key, _)| table.status(key).is_some());
        for (key, seconds) in roles.into_iter().chain(statuses) {
            self.limit(table, &format!("{path}.{key}"), key, *seconds);
        }
    }

    fn limit(&mut self, table: &mut Table, path: &str, key: &str, seconds: u64) {
        let is_status = table.status(key).is_some();
        let role = Role::named(key);
        let mut met = Vec::new();
        for status in &mut table.statuses {
            if (is_status && status.name == key) || (!is_status && Some(status.role) == role) {
                status.limit = Some(Duration::from_secs(seconds));
                met.push(status.name.clone());
            }
        }
        for status in &met {
            self.note(&format!("thresholds.limits.{}.{status}", table.name), path);
        }
        if met.is_empty() {
            let statuses = table.statuses.iter().map(|status| status.name.as_str());
            let known: Vec<&str> = statuses.chain(Role::NAMES).collect();
            self.unknown(path, "status or role", key, known);
        }
    }
}
