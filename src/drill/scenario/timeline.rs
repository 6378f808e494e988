//! The timeline of a scenario: what happens to the world without the operator.

use jiff::SignedDuration;
use serde::Deserialize;

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
    /// That many pods are deleted, the oldest first.
    DeletePods(usize),
    /// That many service containers exit with an error.
    CrashPods(usize),
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryFields {
    #[serde(deserialize_with = "span")]
    at: SignedDuration,
    scale: Option<u32>,
    set_image: Option<String>,
    delete_pods: Option<usize>,
    crash_pods: Option<usize>,
    service: Option<ServiceHappening>,
    database: Option<Fault>,
    database_heals: Option<bool>,
    api: Option<ApiFault>,
    api_heals: Option<bool>,
}

impl EntryFields {
    /// What is named, with the key that names it.
    fn named(self) -> Vec<(&'static str, Option<Happening>)> {
        let yes = |switch: Option<bool>, happening: Happening| switch.filter(|on| *on).map(|_| happening);
        vec![
            ("scale", self.scale.map(Happening::Scale)),
            ("set_image", self.set_image.map(Happening::SetImage)),
            ("delete_pods", self.delete_pods.map(Happening::DeletePods)),
            ("crash_pods", self.crash_pods.map(Happening::CrashPods)),
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
