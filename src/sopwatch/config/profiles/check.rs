//! What a profile must hold beyond its shape: names that exist, patterns that compile, references that end.

use std::collections::BTreeSet;

use regex::bytes::Regex;

use crate::config::errors::ConfigProblem;
use crate::config::identifier::{is_column, is_key, is_link, is_object_name, is_selector};
use crate::config::spanned_toml::TomlDocument;
use sopwatch_core::logparse::expression;
use sopwatch_core::profile::sop::{Check, OTHER, PLACEHOLDERS, Sop, Step};
use sopwatch_core::profile::{Database, Environment, Leaders, Profile, Table};

/// Everything that is wrong with a profile that has the right shape.
pub(super) fn check(profile: &Profile, document: &TomlDocument) -> Vec<ConfigProblem> {
    let mut checker = Checker {
        profile,
        document,
        problems: Vec::new(),
    };
    checker.service();
    checker.environments();
    checker.leaders(&profile.leaders);
    if let Some(database) = &profile.database {
        checker.database(database);
    }
    for (id, step) in &profile.steps {
        checker.step(id, step);
    }
    checker.sops();
    checker.error_classes();
    checker.rules();
    checker.contacts();
    checker.problems
}

pub(super) struct Checker<'a> {
    pub(super) profile: &'a Profile,
    document: &'a TomlDocument,
    problems: Vec<ConfigProblem>,
}

impl<'a> Checker<'a> {
    pub(super) fn wrong(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(self.document.problem(path, message));
    }

    pub(super) fn require(&mut self, holds: bool, path: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.wrong(path, message());
        }
    }

    /// A word that must be one of those that exist.
    pub(super) fn known<'k>(
        &mut self,
        path: &str,
        what: &str,
        word: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        if !known.clone().any(|known| known == word) {
            let problem = self
                .document
                .problem(path, format!("there is no {what} `{word}`"));
            self.problems.push(problem.hint_among(word, known));
        }
    }

    /// StyledText that must differ; `path` of the index of each.
    pub(super) fn unique(
        &mut self,
        what: &str,
        words: impl Iterator<Item = &'a str>,
        path: impl Fn(usize) -> String,
    ) {
        let mut seen = BTreeSet::new();
        for (index, word) in words.enumerate() {
            let message = || format!("the {what} `{word}` is there twice");
            self.require(seen.insert(word), &path(index), message);
        }
    }

    fn service(&mut self) {
        let (id, service) = (&self.profile.id, &self.profile.service);
        self.require(is_key(id), "id", || {
            format!("`{id}` is not a name of lower-case letters, digits and `-`")
        });
        self.object_name("service.deployment", &service.deployment);
        self.object_name("service.container", &service.container);
        let selector = &service.selector;
        self.require(is_selector(selector), "service.selector", || {
            format!("`{selector}` is not a label selector such as `app=name`")
        });
        self.require(service.replicas > 0, "service.replicas", || {
            "at least one pod is needed".to_owned()
        });
        if let Some(metrics) = &service.metrics {
            self.metrics(metrics);
        }
    }

    fn object_name(&mut self, path: &str, name: &str) {
        self.require(is_object_name(name), path, || {
            format!("`{name}` is not a name of a Kubernetes object")
        });
    }

    fn column(&mut self, path: &str, name: &str) {
        self.require(is_column(name), path, || {
            format!("`{name}` is not a plain name of the database: a-z, 0-9 and `_`, 63 at most")
        });
    }

    fn environments(&mut self) {
        let environments = &self.profile.environments;
        self.require(!environments.is_empty(), "environments", || {
            "there is no environment".to_owned()
        });
        self.unique(
            "environment",
            environments.iter().map(|environment| environment.name.as_str()),
            |index| format!("environments[{index}].name"),
        );
        self.unique(
            "namespace",
            environments
                .iter()
                .map(|environment| environment.namespace.as_str()),
            |index| format!("environments[{index}].namespace"),
        );
        for (index, environment) in environments.iter().enumerate() {
            self.environment(&format!("environments[{index}]"), environment);
        }
    }

    fn environment(&mut self, path: &str, environment: &Environment) {
        let name = &environment.name;
        self.require(is_key(name), &format!("{path}.name"), || {
            format!("`{name}` is not a name of lower-case letters, digits and `-`")
        });
        self.object_name(&format!("{path}.namespace"), &environment.namespace);
        for (key, link) in &environment.links {
            let path = format!("{path}.links.{key}");
            self.require(is_link(link), &path, || {
                "not an http(s) link without user and password".to_owned()
            });
            self.known(&path, "step with the link", key, link_keys(self.profile));
        }
    }

    fn leaders(&mut self, leaders: &'a Leaders) {
        let lines = &leaders.lines;
        let named = [
            ("gained", &lines.gained),
            ("lost", &lines.lost),
            ("heartbeat", &lines.heartbeat),
            ("loop-ended", &lines.loop_ended),
            ("not-leader", &lines.not_leader),
        ];
        for (key, pattern) in named {
            self.leader_pattern(&format!("leaders.lines.{key}"), pattern);
        }
        self.pattern("leaders.lines.lease-failed", &lines.lease_failed);
        self.pattern("leaders.grep", &leaders.grep);
        self.pattern("leaders.verbose", &leaders.verbose);
        if let Some(table) = &leaders.lease_table {
            self.column("leaders.lease-table", table);
        }
        let spans = [
            ("tick", leaders.tick),
            ("lease", leaders.lease),
            ("reconcile", leaders.reconcile),
        ];
        for (key, span) in spans {
            self.require(!span.is_zero(), &format!("leaders.{key}"), || {
                "at least 1 second is needed".to_owned()
            });
        }
        self.workers(leaders);
    }

    fn workers(&mut self, leaders: &'a Leaders) {
        let workers = &leaders.workers;
        self.require(!workers.is_empty(), "leaders.workers", || {
            "there is no worker".to_owned()
        });
        self.unique(
            "worker",
            workers.iter().map(|worker| worker.log_type.as_str()),
            |index| format!("leaders.workers[{index}].log-type"),
        );
        self.unique(
            "lease type",
            workers.iter().map(|worker| worker.lease_type.as_str()),
            |index| format!("leaders.workers[{index}].lease-type"),
        );
    }

    /// A pattern must compile.
    fn pattern(&mut self, path: &str, pattern: &str) -> Option<Regex> {
        match expression(pattern) {
            Ok(regex) => Some(regex),
            Err(error) => {
                self.wrong(
                    path,
                    format!("not a regular expression: {}", last_line(&error.to_string())),
                );
                None
            }
        }
    }

    /// A leader pattern must also name the worker and its id, or nobody knows whom it is about.
    fn leader_pattern(&mut self, path: &str, pattern: &str) {
        let Some(regex) = self.pattern(path, pattern) else {
            return;
        };
        for group in ["worker", "id"] {
            let named = regex.capture_names().flatten().any(|name| name == group);
            self.require(named, path, || {
                format!("the pattern lacks the group `(?P<{group}>…)`")
            });
        }
    }

    fn database(&mut self, database: &'a Database) {
        self.object_name("database.secret.name", &database.secret.name);
        self.require(!database.tables.is_empty(), "database.tables", || {
            "there is no table".to_owned()
        });
        self.unique(
            "table",
            database.tables.iter().map(|table| table.name.as_str()),
            |index| format!("database.tables[{index}].name"),
        );
        for (index, table) in database.tables.iter().enumerate() {
            self.table(&format!("database.tables[{index}]"), table);
        }
    }

    fn table(&mut self, path: &str, table: &'a Table) {
        self.column(&format!("{path}.name"), &table.name);
        let columns = [("ocm-id", &table.ocm_id), ("reason", &table.reason)];
        for (key, column) in columns {
            if let Some(column) = column {
                self.column(&format!("{path}.{key}"), column);
            }
        }
        self.unique(
            "status",
            table.statuses.iter().map(|status| status.name.as_str()),
            |index| format!("{path}.statuses[{index}].name"),
        );
        for (index, status) in table.statuses.iter().enumerate() {
            let path = format!("{path}.statuses[{index}].name");
            self.require(!status.name.is_empty(), &path, || {
                "a blank status is always shown, and can't have a role".to_owned()
            });
        }
    }

    fn step(&mut self, id: &str, step: &Step) {
        let path = format!("steps.{id}");
        self.require(is_key(id), &path, || {
            format!("`{id}` is not a name of lower-case letters, digits and `-`")
        });
        self.require(id != OTHER, &path, || {
            format!("`{id}` is the step that is added for what no step of an SOP shows: choose another name")
        });
        match &step.check {
            Check::Leader { worker } => {
                let workers = self
                    .profile
                    .leaders
                    .workers
                    .iter()
                    .map(|worker| worker.log_type.as_str());
                self.known(&format!("{path}.check.worker"), "worker", worker, workers);
            }
            Check::AnyReady { table } | Check::Limits { table } | Check::Failed { table } => {
                let tables = self.profile.database.iter().flat_map(|database| &database.tables);
                let tables = tables.map(|table| table.name.as_str());
                self.known(&format!("{path}.check.table"), "table", table, tables);
            }
            Check::Load { rule } => self.load(&format!("{path}.check.rule"), rule),
            Check::Manual
            | Check::Dashboard { .. }
            | Check::Replicas
            | Check::PodsReady
            | Check::Events
            | Check::LogErrors
            | Check::Other => {}
        }
        for (index, link) in step.links.iter().enumerate() {
            self.link(&format!("{path}.links[{index}]"), link);
        }
        for (index, command) in step.commands.iter().enumerate() {
            self.placeholders(&format!("{path}.commands[{index}]"), command);
        }
        self.placeholders(&format!("{path}.text"), &step.text);
    }

    /// What a contact can do something about must exist.
    pub(super) fn contacts(&mut self) {
        let profile = self.profile;
        let tables = profile.database.iter().flat_map(|database| &database.tables);
        let tables = tables.map(|table| table.name.as_str());
        let classes = profile.error_classes.iter().map(|class| class.id.as_str());
        let rules = profile.rules.iter().chain(&profile.literal_rules);
        let rules = rules.map(|rule| rule.id.as_str());
        for (id, contact) in &profile.contacts {
            for table in &contact.tables {
                self.known(&format!("contacts.{id}.tables"), "table", table, tables.clone());
            }
            for class in &contact.error_classes {
                let path = format!("contacts.{id}.error-classes");
                self.known(&path, "error class", class, classes.clone());
            }
            for rule in contact.asks.keys() {
                self.known(&format!("contacts.{id}.asks.{rule}"), "rule", rule, rules.clone());
            }
        }
    }

    /// A link must be somewhere, or be said to be open.
    fn link(&mut self, path: &str, key: &str) {
        let environments = &self.profile.environments;
        let somewhere = environments
            .iter()
            .flat_map(|environment| environment.links.keys());
        let known = somewhere.chain(&self.profile.open_links).map(String::as_str);
        if !known.clone().any(|known| known == key) {
            let message = format!("no environment has the link `{key}`, and `open-links` does not name it");
            let problem = self.document.problem(path, message);
            self.problems.push(problem.hint_among(key, known));
        }
    }

    fn placeholders(&mut self, path: &str, text: &str) {
        for word in words_in_braces(text) {
            self.known(path, "placeholder", word, PLACEHOLDERS.into_iter());
        }
    }

    fn sops(&mut self) {
        let sops = &self.profile.sops;
        self.require(!sops.is_empty(), "sops", || "there is no SOP".to_owned());
        self.unique("SOP", sops.iter().map(|sop| sop.id.as_str()), |index| {
            format!("sops[{index}].id")
        });
        for (index, sop) in sops.iter().enumerate() {
            self.sop(&format!("sops[{index}]"), sop);
        }
    }

    fn sop(&mut self, path: &str, sop: &'a Sop) {
        let id = &sop.id;
        self.require(is_key(id), &format!("{path}.id"), || {
            format!("`{id}` is not a name of lower-case letters, digits and `-`")
        });
        self.unique("step", sop.steps.iter().map(String::as_str), |index| {
            format!("{path}.steps[{index}]")
        });
        for (index, step) in sop.steps.iter().enumerate() {
            let steps = self.profile.steps.keys().map(String::as_str);
            self.known(&format!("{path}.steps[{index}]"), "step", step, steps);
        }
        match &sop.steps_from {
            Some(other) => self.reference(&format!("{path}.steps-from"), sop, other),
            None => self.require(!sop.steps.is_empty(), &format!("{path}.steps"), || {
                "the SOP has no steps: give `steps` or `steps-from`".to_owned()
            }),
        }
    }

    /// A reference to another SOP must end at one that has steps.
    fn reference(&mut self, path: &str, sop: &Sop, other: &str) {
        let ids = self.profile.sops.iter().map(|sop| sop.id.as_str());
        self.known(path, "SOP", other, ids);
        self.require(sop.steps.is_empty(), path, || {
            "the SOP has `steps` of its own: keep one of the two".to_owned()
        });
        let end = self.profile.source_of(sop);
        self.require(
            end.steps_from.is_none() || self.profile.sop(other).is_none(),
            path,
            || "the reference leads in a circle".to_owned(),
        );
    }

    fn error_classes(&mut self) {
        let classes = &self.profile.error_classes;
        self.unique(
            "error class",
            classes.iter().map(|class| class.id.as_str()),
            |index| format!("error-classes[{index}].id"),
        );
        for (index, class) in classes.iter().enumerate() {
            let path = format!("error-classes[{index}].patterns");
            self.require(!class.patterns.is_empty(), &path, || {
                "there is no pattern".to_owned()
            });
            for (pattern_index, pattern) in class.patterns.iter().enumerate() {
                self.pattern(&format!("{path}[{pattern_index}]"), pattern);
            }
            for (pattern_index, pattern) in class.raw_patterns.iter().enumerate() {
                let path = format!("error-classes[{index}].raw-patterns[{pattern_index}]");
                self.pattern(&path, pattern);
            }
        }
    }
}

/// The link keys that steps name.
pub(in crate::config) fn link_keys(profile: &Profile) -> impl Iterator<Item = &str> + Clone {
    profile
        .steps
        .values()
        .flat_map(|step| step.links.iter().map(String::as_str))
}

/// The last line of a regex error says what is wrong; the lines before it draw it.
fn last_line(text: &str) -> &str {
    let line = text.lines().last().unwrap_or(text).trim();
    line.strip_prefix("error: ").unwrap_or(line)
}

/// The words in braces that look like placeholders: lower-case letters only.
fn words_in_braces(text: &str) -> impl Iterator<Item = &str> {
    let closed = text
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0));
    closed.filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}
