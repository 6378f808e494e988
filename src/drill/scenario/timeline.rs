//! The timeline of a scenario: events that happen without the operator, and reactions to the operator's answer.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::database::DatabaseFault;
use crate::duration::maybe_span;
use crate::faults::ApiFault;
use crate::monitoring::MonitoringEvent;
use crate::service::ServiceEvent;
use sopwatch_core::profile::rule::Advice;

/// An entry of the timeline: a time and exactly one event.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "TimelineFields")]
pub struct TimelineEntry {
    /// After the start; negative is before it.
    pub at: SignedDuration,
    /// What happens.
    pub event: TimelineEvent,
}

/// The reaction of other people to an answer of the operator: a delay and exactly one event. A change that the operator makes to the
/// cluster (a pod deleted, a deployment scaled) needs no reaction: it changes the world by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "TimelineFields")]
pub struct Reaction {
    /// The answer that it follows.
    pub to: Trigger,
    /// After the answer.
    pub after: SignedDuration,
    /// What happens.
    pub event: TimelineEvent,
}

/// An answer of the operator: `restart-pods`, `escalate:ocm-support`; `escalate` alone is an escalation to any contact.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Trigger {
    /// What is to be done.
    pub action: Advice,
    /// For an escalation: the contact; `None` for any.
    pub contact: Option<String>,
}

impl Trigger {
    /// Whether it is this answer.
    pub fn is(&self, action: Advice, contact: Option<&str>) -> bool {
        self.action == action && (self.contact.is_none() || self.contact.as_deref() == contact)
    }
}

impl TryFrom<String> for Trigger {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (action, contact) = match text.split_once(':') {
            Some((action, contact)) => (action, Some(contact.to_owned())),
            None => (text.as_str(), None),
        };
        let known = Advice::ALL.into_iter().find(|known| known.name() == action);
        match known {
            Some(action) if contact.is_none() || action == Advice::Escalate => Ok(Self { action, contact }),
            _ => Err(format!(
                "\"{text}\" is not an answer: write one of {}, or escalate:CONTACT",
                Advice::ALL.map(Advice::name).join(", ")
            )),
        }
    }
}

/// An event of the timeline: something that happens without the operator.
#[derive(Clone, Debug, PartialEq)]
pub enum TimelineEvent {
    /// Somebody scales the deployment.
    Scale(u32),
    /// Somebody sets the image of the service's container.
    SetImage(String),
    /// Somebody promotes a release: the image of every container is set.
    Promote(String),
    /// That many pods are deleted, the oldest first.
    DeletePods(usize),
    /// The pod that holds the lease of this type (`cluster`, `kafka`) is deleted.
    DeleteLeader(String),
    /// That many service containers exit with an error.
    CrashPods(usize),
    /// The service containers of that many pods run out of memory, the oldest first.
    OomPods(usize),
    /// From now on, every service process runs out of memory after about so long.
    OomAfter(SignedDuration),
    /// Processes have enough memory again.
    OomEnds,
    /// Something about the cluster's nodes, quota, secrets or metrics server.
    Cluster(InfrastructureEvent),
    /// Something about the service itself.
    Service(ServiceEvent),
    /// A fault of the database begins, for the service and for all clients.
    Database(DatabaseFault),
    /// The database's fault ends.
    DatabaseHeals,
    /// A fault of the API server begins.
    Api(ApiFault),
    /// The API server's fault ends.
    ApiHeals,
    /// A fault of a monitoring server begins or ends.
    Monitoring(MonitoringEvent),
}

/// Something that happens to the cluster around the service. It is not a Kubernetes event.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InfrastructureEvent {
    /// The machine of this node goes off.
    NodeFails(String),
    /// The machine of this node boots again.
    NodeRecovers(String),
    /// The reports of all running nodes are late by so many seconds, as after an outage of the API server: the node controller marks the
    /// nodes as lost, and then their kubelets report again.
    NodesLate(u32),
    /// This node runs out of disk: its pods are evicted, and it takes no new ones.
    DiskFull(String),
    /// This node has disk again.
    DiskFreed(String),
    /// No node has any of this resource (`cpu`, `memory`) left for another pod.
    NodesFull(String),
    /// The nodes have room for pods again.
    NodesFree,
    /// A quota limits the pods of the namespace from now on; existing pods stay.
    QuotaPods(u64),
    /// The quota is removed.
    QuotaLifted,
    /// The secret of this name is deleted; running pods keep what they have mounted.
    LoseSecret(String),
    /// The deleted secrets are restored.
    SecretsReturn,
    /// The metrics server goes down: its API is registered and does not answer.
    MetricsFail,
    /// The metrics server is back, without what it had measured.
    MetricsReturn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimelineFields {
    #[serde(default, deserialize_with = "maybe_span")]
    at: Option<SignedDuration>,
    to: Option<Trigger>,
    #[serde(default, deserialize_with = "maybe_span")]
    after: Option<SignedDuration>,
    scale: Option<u32>,
    set_image: Option<String>,
    promote: Option<String>,
    delete_pods: Option<usize>,
    delete_leader: Option<String>,
    crash_pods: Option<usize>,
    oom_pods: Option<usize>,
    #[serde(default, deserialize_with = "maybe_span")]
    oom_after: Option<SignedDuration>,
    oom_ends: Option<bool>,
    cluster: Option<InfrastructureEvent>,
    service: Option<ServiceEvent>,
    database: Option<DatabaseFault>,
    database_heals: Option<bool>,
    api: Option<ApiFault>,
    api_heals: Option<bool>,
    monitoring: Option<MonitoringEvent>,
}

impl TimelineFields {
    /// Every key of an event, with the event if the key is there.
    fn named(self) -> Vec<(&'static str, Option<TimelineEvent>)> {
        let yes = |switch: Option<bool>, event: TimelineEvent| switch.filter(|on| *on).map(|_| event);
        vec![
            ("scale", self.scale.map(TimelineEvent::Scale)),
            ("set_image", self.set_image.map(TimelineEvent::SetImage)),
            ("promote", self.promote.map(TimelineEvent::Promote)),
            ("delete_pods", self.delete_pods.map(TimelineEvent::DeletePods)),
            (
                "delete_leader",
                self.delete_leader.map(TimelineEvent::DeleteLeader),
            ),
            ("crash_pods", self.crash_pods.map(TimelineEvent::CrashPods)),
            ("oom_pods", self.oom_pods.map(TimelineEvent::OomPods)),
            ("oom_after", self.oom_after.map(TimelineEvent::OomAfter)),
            ("oom_ends = true", yes(self.oom_ends, TimelineEvent::OomEnds)),
            ("cluster", self.cluster.map(TimelineEvent::Cluster)),
            ("service", self.service.map(TimelineEvent::Service)),
            ("database", self.database.map(TimelineEvent::Database)),
            (
                "database_heals = true",
                yes(self.database_heals, TimelineEvent::DatabaseHeals),
            ),
            ("api", self.api.map(TimelineEvent::Api)),
            ("api_heals = true", yes(self.api_heals, TimelineEvent::ApiHeals)),
            ("monitoring", self.monitoring.map(TimelineEvent::Monitoring)),
        ]
    }
}

impl TimelineFields {
    /// The only event; an error if there is none or more than one. `of` names the entry in the error.
    fn only(self, of: &str) -> Result<TimelineEvent, String> {
        let named = self.named();
        let keys: Vec<&str> = named.iter().map(|(key, _)| *key).collect();
        let mut events = named.into_iter().filter_map(|(_, event)| event);
        match (events.next(), events.next()) {
            (Some(event), None) => Ok(event),
            _ => Err(format!("{of} needs exactly one of {}", keys.join(", "))),
        }
    }
}

impl TryFrom<TimelineFields> for TimelineEntry {
    type Error = String;

    fn try_from(mut fields: TimelineFields) -> Result<Self, String> {
        match (fields.at.take(), fields.to.take(), fields.after.take()) {
            (Some(at), None, None) => fields
                .only("an entry of the timeline")
                .map(|event| Self { at, event }),
            (None, ..) => Err("an entry of the timeline needs `at`".to_owned()),
            (Some(_), ..) => {
                Err("`to` and `after` belong in [[reaction]]; an entry of the timeline has `at`".to_owned())
            }
        }
    }
}

impl TryFrom<TimelineFields> for Reaction {
    type Error = String;

    fn try_from(mut fields: TimelineFields) -> Result<Self, String> {
        match (fields.at.take(), fields.to.take(), fields.after.take()) {
            (None, Some(to), after) => {
                let after = after.unwrap_or_default();
                if after.is_negative() {
                    return Err("`after` must not be negative: a reaction follows its answer".to_owned());
                }
                fields.only("a reaction").map(|event| Self { to, after, event })
            }
            (None, None, _) => Err("a reaction needs `to`: the answer that triggers it".to_owned()),
            (Some(_), ..) => Err("`at` belongs in [[timeline]]; a reaction has `to` and `after`".to_owned()),
        }
    }
}
