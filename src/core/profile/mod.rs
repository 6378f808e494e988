//! One service's names, thresholds, statuses, workers, SOPs and links: everything that differs from service to service.

pub mod dashboard_links;
pub mod monitoring;
pub mod rule;
pub mod sop;
pub mod sop_gaps;
pub mod sop_text;
pub mod validation;
#[cfg(test)]
mod wire_form_tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::profile::monitoring::Monitoring;
use crate::profile::rule::{Advice, Rule};
use crate::profile::sop::{ALERT, OTHER, Sop, Step, alert_step, other_step};
use crate::safe;
use crate::text::{SafeText, counted};

/// A service as its profile describes it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// Names the profile, such as `managed-services-api`.
    pub id: String,
    /// The service's name as people say it.
    pub title: String,
    /// Where it runs.
    pub service: Service,
    /// Stage, production, …: the namespace tells which one it is.
    pub environments: Vec<Environment>,
    /// How its workers choose their leader.
    pub leaders: Leaders,
    /// Where its state is, if it has a database.
    pub database: Option<Database>,
    /// Steps by id: what each looks at.
    pub steps: BTreeMap<String, Step>,
    /// One a alert.
    pub sops: Vec<Sop>,
    /// Whom to escalate to.
    #[serde(default)]
    pub contacts: BTreeMap<String, Contact>,
    /// What every SOP's escalation section says.
    #[serde(default)]
    pub escalations: Vec<String>,
    /// Link keys that steps name and that the SOP leaves open in every environment.
    #[serde(default)]
    pub open_links: Vec<String>,
    /// What errors in the logs are about; the first class that matches a record is its class.
    #[serde(default)]
    pub error_classes: Vec<ErrorClass>,
    /// The decision table: the first rule that holds is what to do.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The same as the SOP's words have it, to show where the table differs from them.
    #[serde(default)]
    pub literal_rules: Vec<Rule>,
    /// Its figures, alerts and errors as monitoring servers have them; without it no such server is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<Monitoring>,
}

/// What an error in the logs is about.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ErrorClass {
    /// Names it in rules: `ocm`.
    pub id: String,
    /// As people say it.
    pub title: String,
    /// Regular expressions on the joined record; one that matches suffices.
    pub patterns: Vec<String>,
    /// The same for records without a level of their own, such as what a library prints past the log: only these make an error of one.
    #[serde(default)]
    pub raw_patterns: Vec<String>,
    /// Whether such a record is part of normal work and proves nothing.
    #[serde(default)]
    pub harmless: bool,
    /// Whether panics and fatal lines are of this class, whatever words they and their stacks hold: they are the service's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fatal: bool,
}

/// The deployment and its pods.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Service {
    /// Name of the Deployment.
    pub deployment: String,
    /// Label selector of its pods, as `kubectl -l` takes it.
    pub selector: String,
    /// The container that does the work.
    pub container: String,
    /// How many pods there should be.
    pub replicas: u32,
    /// How many of them must stay ready while the console restarts pods; all but one unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_ready: Option<u32>,
    /// The path of its requests that the kubelet's probes ask for, so that they are not taken for users'; empty for none.
    #[serde(default)]
    pub probe_path: String,
    /// How many connections to the database one pod opens at most (`DB_MAX_OPEN_CONNS` of the service's template): what another pod
    /// costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_connections_per_pod: Option<u32>,
    /// Where its pods count their own requests; without it they are not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

impl Service {
    /// How many pods must stay ready while one is restarted.
    pub fn least_ready(&self) -> u32 {
        self.keep_ready.unwrap_or_else(|| self.replicas.saturating_sub(1))
    }
}

/// What a pod's own metrics are called, in the text format of Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Metrics {
    /// The container's port that serves them.
    pub port: u16,
    /// Their path, `/metrics` unless it is said otherwise.
    #[serde(default = "default_metrics_path")]
    pub path: String,
    /// Whether the port speaks TLS.
    #[serde(default)]
    pub tls: bool,
    /// Counter of the requests that it answered, by `path-label` and `code-label`.
    pub inbound_count: String,
    /// Histogram of how long they took, seconds: its `_bucket` of 0.1 and 1.
    pub inbound_duration: String,
    /// Counter of the requests that it made, by `service-label` and `code-label`; a code of 0 is one without an answer.
    pub outbound_count: String,
    /// Histogram of how long those took, seconds: its `_bucket` of 1.
    pub outbound_duration: String,
    /// Label of the service that it called: `apiservice`.
    pub service_label: String,
    /// Label of the status that was answered.
    #[serde(default = "default_code_label")]
    pub code_label: String,
    /// Label of the path that was asked for: the kubelet's probes are left out by it.
    #[serde(default = "default_path_label")]
    pub path_label: String,
}

fn default_metrics_path() -> String {
    "/metrics".to_owned()
}

fn default_code_label() -> String {
    "code".to_owned()
}

fn default_path_label() -> String {
    "path".to_owned()
}

/// One environment.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment {
    /// `stage`, `production`.
    pub name: String,
    /// The namespace the service has there.
    pub namespace: String,
    /// Whether a mistake here hurts customers.
    #[serde(default)]
    pub production: bool,
    /// Whether the console may change anything here.
    #[serde(default)]
    pub read_only: bool,
    /// Links by key; a key that a step names and that is not here is one the SOP leaves open.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    /// The address of Grafana, whose dashboards among the links are opened at the incident's time; in general of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grafana: Option<String>,
}

/// How leaders are chosen and what they log.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Leaders {
    /// What the SOP greps for: the lines the log pane opens on.
    pub grep: String,
    /// Patterns of leader lines; each may name the groups `worker` and `id`.
    pub lines: LeaderPatterns,
    /// A pattern that only lines of verbosity 1 and higher match.
    pub verbose: String,
    /// The workers that are judged; rows and lines of others are shown, never judged.
    pub workers: Vec<Worker>,
    /// The table of leases, if there is one.
    pub lease_table: Option<String>,
    /// How often a pod looks at the lease.
    #[serde(with = "seconds")]
    pub tick: Duration,
    /// How long a lease lasts.
    #[serde(with = "seconds")]
    pub lease: Duration,
    /// How often a leader starts its loop.
    #[serde(with = "seconds")]
    pub reconcile: Duration,
}

impl Leaders {
    /// How long after a start or a restart nothing can be concluded: a lease, a tick and a loop.
    pub fn settle(&self) -> Duration {
        self.lease + self.tick + self.reconcile
    }
}

/// Regular expressions of the leader lines.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LeaderPatterns {
    /// Leadership was won.
    pub gained: String,
    /// Leadership was lost.
    pub lost: String,
    /// The leader's loop started.
    pub heartbeat: String,
    /// The leader's loop ended.
    pub loop_ended: String,
    /// Another pod leads.
    pub not_leader: String,
    /// The lease could not be read or renewed.
    pub lease_failed: String,
}

/// A worker type.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Worker {
    /// As people say it: `KafkaManager`.
    pub title: String,
    /// As the service logs it: `*workers.KafkaManager`.
    pub log_type: String,
    /// As the lease table names it: `kafka`.
    pub lease_type: String,
}

/// The service's database.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Database {
    /// Database name, as `\c` takes it.
    pub name: String,
    /// The secret that holds the credentials, and its keys.
    pub secret: SecretKeys,
    /// The tables to count by status.
    pub tables: Vec<Table>,
}

/// Where the credentials are in the secret.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretKeys {
    /// Name of the secret.
    pub name: String,
    /// Key of the host.
    pub host: String,
    /// Key of the port.
    pub port: String,
    /// Key of the database name.
    pub database: String,
    /// Key of the user.
    pub user: String,
    /// Key of the password.
    pub password: String,
    /// Key of the CA certificate, PEM; the key may be absent.
    pub ca: Option<String>,
}

/// A table whose rows have a status. It has the columns `id`, `status`, `created_at`, `updated_at` and `deleted_at`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Table {
    /// Its name in the database.
    pub name: String,
    /// What a row is, as people say it: `OSD cluster`.
    pub title: String,
    /// Column with the cluster's id at OCM.
    pub ocm_id: Option<String>,
    /// Column with the reason of a failure.
    pub reason: Option<String>,
    /// The statuses, in the order of a row's life. Others are shown as unknown.
    pub statuses: Vec<Status>,
}

impl Table {
    /// A status by its stored value.
    pub fn status(&self, name: &str) -> Option<&Status> {
        self.statuses.iter().find(|status| status.name == name)
    }

    /// So many rows, as people say it: `1 OSD cluster`, `2 OSD clusters`.
    pub fn rows_in_words(&self, count: u64) -> SafeText {
        counted(count, &self.title, &format!("{}s", self.title))
    }
}

/// One status of a table.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Status {
    /// As stored.
    pub name: String,
    /// What it means for a row to be in it.
    pub role: Role,
    /// What its age is counted from.
    #[serde(default)]
    pub clock: ClockBasis,
    /// The age above which (strictly) the SOP asks for something.
    #[serde(default, with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub limit: Option<Duration>,
}

impl Status {
    /// Whether rows stay in it for good: nobody waits for them to leave.
    pub fn is_settled(&self) -> bool {
        let stays = matches!(self.role, Role::Ready | Role::Failed | Role::Suspended);
        stays && self.limit.is_none() && self.clock != ClockBasis::FirstSeen
    }
}

/// What a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Recorded, not begun.
    Accepted,
    /// Being worked on.
    InFlight,
    /// Done and good.
    Ready,
    /// Over and bad.
    Failed,
    /// Being deleted.
    Deleting,
    /// Put aside on purpose.
    Suspended,
}

impl Role {
    /// The names of all roles, as a profile writes them.
    pub const NAMES: [&'static str; 6] = [
        "accepted",
        "in-flight",
        "ready",
        "failed",
        "deleting",
        "suspended",
    ];

    /// As a profile writes it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Accepted => "accepted",
            Role::InFlight => "in-flight",
            Role::Ready => "ready",
            Role::Failed => "failed",
            Role::Deleting => "deleting",
            Role::Suspended => "suspended",
        }
    }

    /// A role by its name.
    pub fn named(name: &str) -> Option<Role> {
        let all = [
            Role::Accepted,
            Role::InFlight,
            Role::Ready,
            Role::Failed,
            Role::Deleting,
            Role::Suspended,
        ];
        all.into_iter().find(|role| role.name() == name)
    }
}

/// What an age is counted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockBasis {
    /// `updated_at`: right where the service writes the row on a change of status only.
    #[default]
    UpdatedAt,
    /// `created_at`: where the service rewrites the row in every loop.
    CreatedAt,
    /// When the console first saw the row in the status: where the row is rewritten in every loop and `created_at` says nothing of the
    /// status. It tells how long a row is there at least.
    FirstSeen,
}

/// A team that can be called.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Contact {
    /// The team's name.
    pub title: String,
    /// How to reach it: a channel, an address, a page. Empty where the SOP leaves it open.
    #[serde(default)]
    pub reach: Vec<String>,
    /// What a hand-off asks of it, where [`Contact::asks`] has nothing for the rule.
    #[serde(default)]
    pub ask: String,
    /// What a hand-off asks of it on account of a rule, by the rule's id.
    #[serde(default)]
    pub asks: BTreeMap<String, String>,
    /// The tables whose rows it can do something about. Without these and error classes it gets everything.
    #[serde(default)]
    pub tables: Vec<String>,
    /// The error classes that it can do something about.
    #[serde(default)]
    pub error_classes: Vec<String>,
}

impl Contact {
    /// Whether it is told everything.
    pub fn gets_all(&self) -> bool {
        self.tables.is_empty() && self.error_classes.is_empty()
    }
}

impl Profile {
    /// The environment whose namespace this is.
    pub fn environment_of(&self, namespace: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.namespace == namespace)
    }

    /// An SOP by id.
    pub fn sop(&self, id: &str) -> Option<&Sop> {
        self.sops.iter().find(|sop| sop.id == id)
    }

    /// The advice as people say it: `restart the pods`, `escalate to OCM support`.
    pub fn advice_in_words(&self, action: Advice, contact: Option<&str>) -> SafeText {
        let title = |id: &str| {
            self.contacts
                .get(id)
                .map_or_else(|| id.to_owned(), |contact| contact.title.clone())
        };
        match contact {
            Some(contact) => safe!("{} to {}", action.words(), title(contact)),
            None => action.words().into(),
        }
    }

    /// What an error class is called, also where no class has this id.
    pub fn class_title<'a>(&'a self, id: &'a str) -> &'a str {
        let class = self.error_classes.iter().find(|class| class.id == id);
        match class {
            Some(class) => &class.title,
            None if id.is_empty() => "unclassified",
            None => id,
        }
    }

    /// A table by name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.database
            .as_ref()?
            .tables
            .iter()
            .find(|table| table.name == name)
    }

    /// The SOP whose steps and handling count: this one, or the one it refers to at the end of the chain.
    pub fn source_of<'a>(&'a self, sop: &'a Sop) -> &'a Sop {
        let next = |sop: &&'a Sop| sop.steps_from.as_deref().and_then(|id| self.sop(id));
        let chain = std::iter::successors(Some(sop), next);
        chain.take(self.sops.len().max(1)).last().unwrap_or(sop)
    }

    /// The steps of an SOP in order, where it refers to another's, that one's.
    pub fn steps_of<'a>(&'a self, sop: &'a Sop) -> Vec<(&'a str, &'a Step)> {
        let step = |id: &'a String| self.steps.get(id).map(|step| (id.as_str(), step));
        self.source_of(sop).steps.iter().filter_map(step).collect()
    }

    /// The keys of the links that steps name.
    pub fn link_keys(&self) -> impl Iterator<Item = &str> + Clone {
        let steps = self.steps.values();
        steps.flat_map(|step| step.links.iter().map(String::as_str))
    }

    /// A step by its id, be it one that is added to an SOP's own.
    pub fn step(&self, id: &str) -> Option<&Step> {
        let added = || match id {
            OTHER => Some(other_step()),
            ALERT => Some(alert_step()),
            _ => None,
        };
        self.steps.get(id).or_else(added)
    }

    /// The handling rules of an SOP, where it refers to another's, its own first and then that one's.
    pub fn handling_of<'a>(&'a self, sop: &'a Sop) -> Vec<&'a str> {
        let source = self.source_of(sop);
        let referred = (source.id != sop.id).then_some(&source.handle);
        let rules = sop.handle.iter().chain(referred.into_iter().flatten());
        rules.map(String::as_str).collect()
    }
}

/// Durations as whole seconds in the file.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }

    pub(crate) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(span.as_secs())
    }
}

/// The same for a span that may be absent.
pub(super) mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<u64>::deserialize(deserializer).map(|seconds| seconds.map(Duration::from_secs))
    }

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => serializer.serialize_u64(span.as_secs()),
            None => serializer.serialize_none(),
        }
    }
}
