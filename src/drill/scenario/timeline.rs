//! The timeline of a scenario: what happens to the world without the operator.

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use crate::drill::database::Fault;
use crate::drill::faults::ApiFault;
use crate::drill::service::ServiceHappening;
use crate::drill::span::span;

/// One line of the timeline: a time and exactly one thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "EntryFields")]
pub struct Entry {
    /// After the start; negative is before it.
    pub at: SignedDuration,
    /// What happens.
    pub happening: Happening,
}

/// Something that happens to the world without the operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
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
    /// The service containers of that many pods are killed for want of memory, the oldest first.
    OomPods(usize),
    /// From now on, every service process is killed for want of memory when it has run for about so long.
    OomAfter(SignedDuration),
    /// Processes have enough memory again.
    OomEnds,
    /// Something about the cluster's nodes, quota or secrets.
    Cluster(ClusterHappening),
    /// Something about the service itself.
    Service(ServiceHappening),
    /// The database misbehaves, for the service and for everybody else.
    Database(Fault),
    /// The database behaves again.
    DatabaseHeals,
    /// The API server misbehaves.
    Api(ApiFault),
    /// The API server behaves again.
    ApiHeals,
}

/// Something that happens to the cluster around the service.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterHappening {
    /// The node of this name goes off with all that runs on it.
    NodeFails(String),
    /// The node of this name boots again.
    NodeRecovers(String),
    /// The node of this name runs out of disk: its pods are evicted, and it takes no new ones.
    DiskFull(String),
    /// The node of this name has disk again.
    DiskFreed(String),
    /// No node has any of this resource (`cpu`, `memory`) left for another pod.
    NodesFull(String),
    /// The nodes have room for pods again.
    NodesFree,
    /// The namespace may have so many pods from now on; those that there are stay.
    QuotaPods(u64),
    /// The namespace may have any number of pods again.
    QuotaLifted,
    /// The secret of this name is deleted; pods that run keep what they have mounted.
    LoseSecret(String),
    /// The deleted secrets are made again.
    SecretsReturn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryFields {
    #[serde(deserialize_with = "span")]
    at: SignedDuration,
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
    cluster: Option<ClusterHappening>,
    service: Option<ServiceHappening>,
    database: Option<Fault>,
    database_heals: Option<bool>,
    api: Option<ApiFault>,
    api_heals: Option<bool>,
}

fn maybe_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SignedDuration>, D::Error> {
    span(deserializer).map(Some)
}

impl EntryFields {
    /// What is named, with the key that names it.
    fn named(self) -> Vec<(&'static str, Option<Happening>)> {
        let yes = |switch: Option<bool>, happening: Happening| switch.filter(|on| *on).map(|_| happening);
        vec![
            ("scale", self.scale.map(Happening::Scale)),
            ("set_image", self.set_image.map(Happening::SetImage)),
            ("promote", self.promote.map(Happening::Promote)),
            ("delete_pods", self.delete_pods.map(Happening::DeletePods)),
            ("delete_leader", self.delete_leader.map(Happening::DeleteLeader)),
            ("crash_pods", self.crash_pods.map(Happening::CrashPods)),
            ("oom_pods", self.oom_pods.map(Happening::OomPods)),
            ("oom_after", self.oom_after.map(Happening::OomAfter)),
            ("oom_ends = true", yes(self.oom_ends, Happening::OomEnds)),
            ("cluster", self.cluster.map(Happening::Cluster)),
            ("service", self.service.map(Happening::Service)),
            ("database", self.database.map(Happening::Database)),
            (
                "database_heals = true",
                yes(self.database_heals, Happening::DatabaseHeals),
            ),
            ("api", self.api.map(Happening::Api)),
            ("api_heals = true", yes(self.api_heals, Happening::ApiHeals)),
        ]
    }
}

impl TryFrom<EntryFields> for Entry {
    type Error = String;

    fn try_from(fields: EntryFields) -> Result<Self, String> {
        let at = fields.at;
        let named = fields.named();
        let keys: Vec<&str> = named.iter().map(|(key, _)| *key).collect();
        let mut happenings = named.into_iter().filter_map(|(_, happening)| happening);
        match (happenings.next(), happenings.next()) {
            (Some(happening), None) => Ok(Self { at, happening }),
            _ => Err(format!(
                "an entry of the timeline needs exactly one of {}",
                keys.join(", ")
            )),
        }
    }
}
