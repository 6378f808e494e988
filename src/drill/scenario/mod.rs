//! A scenario, read from its TOML file: the world at the start, the timeline, what should be found, and what it teaches.

mod alerts;
mod built_in;
mod lesson;
mod timeline;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::database::SeedRows;
use super::service::Behaviour;
use crate::duration::span;
use built_in::names;

pub use alerts::{ScenarioAlert, ScenarioSilence, ScriptedIssue};
pub use built_in::{ScenarioInfo, ids, scenario, scenarios};
pub use lesson::{CorrectAction, Expectation, ExpectedAdvice, Lesson, OtherAction};
pub use timeline::{InfrastructureEvent, Reaction, TimelineEntry, TimelineEvent, Trigger};

/// One scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The name on the command line.
    pub id: String,
    /// A few words.
    pub title: String,
    /// What the operator finds, in a line or two.
    pub story: String,
    /// The id of the SOP to open.
    pub sop: String,
    /// The deployment before anything happens.
    #[serde(default)]
    pub deployment: Deployment,
    /// The image registry.
    #[serde(default)]
    pub registry: Registry,
    /// Releases with a fault.
    #[serde(default)]
    pub releases: Releases,
    /// What the operator may do.
    #[serde(default)]
    pub rights: RightsChange,
    /// What the service does.
    #[serde(default)]
    pub service: Behaviour,
    /// The rows of the database.
    #[serde(default)]
    pub database: SeedRows,
    /// Other objects of the namespace (`kind = "Pod"`, `"Event"`, …) as the API shows them. No controller changes them, but an autoscaler
    /// works. One with the name of an object of the service replaces that object.
    #[serde(default, deserialize_with = "objects")]
    pub objects: Vec<Value>,
    /// The API of the metrics server, `metrics.k8s.io`.
    #[serde(default)]
    pub metrics: MetricsApi,
    /// The alerts that page, or did.
    #[serde(default, rename = "alert")]
    pub alerts: Vec<ScenarioAlert>,
    /// Issues of the error tracker that are no errors of the log.
    #[serde(default, rename = "issue")]
    pub issues: Vec<ScriptedIssue>,
    /// What happens, before and after the start.
    #[serde(default)]
    pub timeline: Vec<TimelineEntry>,
    /// What other people do after the operator's answer.
    #[serde(default, rename = "reaction")]
    pub reactions: Vec<Reaction>,
    /// What should be found, and when.
    #[serde(default)]
    pub expect: Vec<Expectation>,
    /// What should be found, and when, where metrics, alerts and the error tracker are read too.
    #[serde(default, rename = "expect_monitored")]
    pub expect_monitored: Vec<Expectation>,
    /// What it teaches; some scenarios teach nothing.
    pub lesson: Option<Lesson>,
}

/// The service's deployment at the world's beginning.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deployment {
    /// Wanted pods.
    pub replicas: u32,
    /// How long ago it was created.
    #[serde(deserialize_with = "span")]
    pub age: SignedDuration,
    /// How long ago its pods were created: where the world's past begins.
    #[serde(deserialize_with = "span")]
    pub pods_age: SignedDuration,
    /// The image of the service's container.
    pub image: String,
    /// How a rollout replaces pods.
    pub strategy: Strategy,
    /// The size in bytes at which the kubelets rotate a container's log (`containerLogMaxSize`); theirs by default.
    pub log_max_size: Option<usize>,
}

/// How a rollout replaces pods, as a Deployment names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Strategy {
    /// A quarter at a time.
    #[default]
    RollingUpdate,
    /// All old pods go before a new one comes.
    Recreate,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            replicas: 3,
            age: SignedDuration::from_hours(80 * 24),
            pods_age: SignedDuration::from_hours(2),
            image: "quay.io/app-sre/managed-services-api:9b598c7".into(),
            strategy: Strategy::default(),
            log_max_size: None,
        }
    }
}

/// The image registry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    /// Images that cannot be pulled.
    pub missing: Vec<String>,
}

/// Releases with a fault, by image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Releases {
    /// Images whose database migration fails: the init container `migration` ends with an error.
    pub migration_fails: Vec<String>,
}

/// The changes to the on-call role, which is the operator's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RightsChange {
    /// Rights that are added: a resource (`pods/exec`) or one verb on it (`deployments:patch`).
    pub also: Vec<String>,
    /// Rights that are taken away: a resource (`events`, `pods/log`), one verb on it (`pods:delete`), or one object (`pods/log/NAME`; a
    /// number in place of the name is a pod's rank by age at the start, 1 the oldest).
    pub without: Vec<String>,
}

/// The API of the metrics server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsApi {
    /// It answers.
    #[default]
    Served,
    /// The cluster has none.
    Absent,
    /// It is registered, and its server does not answer.
    Down,
}

/// A scenario that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file has an error.
    #[error("scenario {file}: {reason}")]
    Invalid {
        /// The file.
        file: String,
        /// Line, column, key and what is wrong with it.
        reason: String,
    },
    /// No built-in scenario has this id.
    #[error("there is no scenario \"{0}\"; known: {names}", names = names())]
    Unknown(String),
}

impl Scenario {
    /// Reads a scenario; `file` is for the error.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error| ScenarioError::Invalid {
            file: file.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })
    }
}

/// The kinds of the other objects that a scenario may have.
const OTHER_KINDS: [&str; 6] = [
    "Pod",
    "Event",
    "Secret",
    "Deployment",
    "ReplicaSet",
    "HorizontalPodAutoscaler",
];

/// Reads the other objects; refuses kinds that the world does not store.
fn objects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    let objects = Vec::<Value>::deserialize(deserializer)?;
    let known = |object: &&Value| OTHER_KINDS.iter().any(|kind| object["kind"] == *kind);
    match objects.iter().find(|object| !known(object)) {
        Some(object) => Err(de::Error::custom(format!(
            "no object of kind {} can be made; known: {}",
            object["kind"],
            OTHER_KINDS.join(", ")
        ))),
        None => Ok(objects),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::ApiFault;
    use sopwatch_core::profile::rule::Advice;

    const LEAST: &str = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n";

    #[test]
    fn an_unknown_key_is_an_error_with_file_line_and_key() {
        let error =
            Scenario::parse("mine.toml", &format!("{LEAST}[deployment]\nreplicsa = 3\n")).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("mine.toml") && text.contains("line 6") && text.contains("replicsa"),
            "{text}"
        );
    }

    #[test]
    fn an_entry_with_two_happenings_is_an_error() {
        let text = format!("{LEAST}[[timeline]]\nat = '-5m'\nscale = 1\ndelete_pods = 1\n");
        assert!(
            Scenario::parse("f", &text)
                .unwrap_err()
                .to_string()
                .contains("exactly one")
        );
    }

    #[test]
    fn a_reaction_follows_an_answer() {
        let reaction = |keys: &str| Scenario::parse("f", &format!("{LEAST}[[reaction]]\n{keys}\n"));
        let scenario = reaction("to = 'escalate:ocm-support'\nafter = '5m'\ndatabase_heals = true").unwrap();
        let one = &scenario.reactions[0];
        assert_eq!(
            (one.after, &one.event),
            (SignedDuration::from_mins(5), &TimelineEvent::DatabaseHeals)
        );
        for (action, contact, follows) in [
            (Advice::Escalate, Some("ocm-support"), true),
            (Advice::Escalate, Some("control-plane"), false),
            (Advice::Escalate, None, false),
            (Advice::Wait, None, false),
        ] {
            assert_eq!(one.to.is(action, contact), follows, "{action:?} {contact:?}");
        }
        for (keys, why) in [
            ("scale = 3", "needs `to`"),
            (
                "to = 'restart-pods'\nat = '5m'\nscale = 3",
                "`at` belongs in [[timeline]]",
            ),
            ("to = 'restart'\nscale = 3", "restart-pods"),
            ("to = 'wait:ocm-support'\nscale = 3", "is not an answer"),
            ("to = 'wait'\nafter = '-5m'\nscale = 3", "must not be negative"),
            ("to = 'wait'", "exactly one of"),
        ] {
            let error = reaction(keys).unwrap_err().to_string();
            assert!(error.contains(why), "{keys}: {error}");
        }
    }

    #[test]
    fn objects_are_of_kinds_that_there_are() {
        let object =
            |kind: &str| format!("{LEAST}[[objects]]\nkind = '{kind}'\n[objects.metadata]\nname = 'x'\n");
        let scenario = Scenario::parse("f", &object("Event")).unwrap();
        assert_eq!(scenario.objects[0]["metadata"]["name"], "x");
        let wrong = Scenario::parse("f", &object("Evnt")).unwrap_err().to_string();
        assert!(wrong.contains("Evnt"), "{wrong}");
    }

    #[test]
    fn faults_of_the_api_are_named_as_they_are_and_unknown_ones_with_file_line_and_choice() {
        let with =
            |fault: &str| Scenario::parse("f", &format!("{LEAST}[[timeline]]\nat = '1s'\napi = {fault}\n"));
        for (text, fault) in [
            ("'lose_answers'", ApiFault::LoseAnswers),
            ("{ restart = 8 }", ApiFault::Restart(8)),
            ("{ lossy = 30 }", ApiFault::Lossy(30)),
            (
                "{ stall_watches = 'pods' }",
                ApiFault::StallWatches("pods".into()),
            ),
        ] {
            assert_eq!(with(text).unwrap().timeline[0].event, TimelineEvent::Api(fault));
        }
        let error = with("'freez'").unwrap_err().to_string();
        for part in ["scenario f", "line 7", "freez", "freeze", "expire_watches"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn an_entry_may_be_before_or_after_the_start() {
        let text =
            format!("{LEAST}[[timeline]]\nat = '-5m'\nscale = 0\n[[timeline]]\nat = '30s'\napi = 'freeze'\n");
        let scenario = Scenario::parse("f", &text).unwrap();
        assert_eq!(scenario.timeline[0].at, SignedDuration::from_mins(-5));
        assert_eq!(scenario.timeline[1].event, TimelineEvent::Api(ApiFault::Freeze));
    }
}
