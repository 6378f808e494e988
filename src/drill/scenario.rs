//! A scenario: the world at the start, and what happens in it.

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::database::Seed;
use super::faults::ApiFault;
use super::service::Plan;

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
    /// What the operator may do.
    #[serde(default)]
    pub rights: Rights,
    /// What the service does.
    #[serde(default)]
    pub service: Plan,
    /// The rows of the database.
    #[serde(default)]
    pub database: Seed,
    /// Other objects of the namespace (`kind = "Pod"`, `"Event"`, …) as the API shows them: nobody looks after them. One that has the
    /// name of an object of the service takes its place.
    #[serde(default, deserialize_with = "objects")]
    pub objects: Vec<Value>,
    /// What happens, before and after the start.
    #[serde(default)]
    pub timeline: Vec<Entry>,
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
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            replicas: 3,
            age: SignedDuration::from_hours(80 * 24),
            pods_age: SignedDuration::from_hours(2),
            image: "quay.io/app-sre/managed-services-api:9b598c7".into(),
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

/// The operator's rights, as differences from the on-call role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rights {
    /// Taken away: a resource (`events`, `pods/log`) or one verb on it (`pods:delete`).
    pub without: Vec<String>,
}

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
    api: Option<ApiFault>,
    api_heals: Option<bool>,
}

impl TryFrom<EntryFields> for Entry {
    type Error = String;

    fn try_from(fields: EntryFields) -> Result<Self, String> {
        let named = [
            fields.scale.map(Happening::Scale),
            fields.set_image.map(Happening::SetImage),
            fields.delete_pods.map(Happening::DeletePods),
            fields.crash_pods.map(Happening::CrashPods),
            fields.api.map(Happening::Api),
            fields
                .api_heals
                .filter(|heals| *heals)
                .map(|_| Happening::ApiHeals),
        ];
        let mut named = named.into_iter().flatten();
        match (named.next(), named.next()) {
            (Some(happening), None) => Ok(Self { at: fields.at, happening }),
            _ => Err("an entry of the timeline needs exactly one of scale, set_image, delete_pods, crash_pods, api, api_heals = true".into()),
        }
    }
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
    #[error("there is no scenario \"{0}\"; there are {names}", names = names())]
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

/// What a list of scenarios says of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioInfo {
    /// The name on the command line.
    pub id: String,
    /// A few words.
    pub title: String,
    /// What the operator finds.
    pub story: String,
    /// The id of the SOP to open.
    pub sop: String,
}

const BUILT_IN: [(&str, &str); 3] = [
    ("all-well", include_str!("../../assets/scenarios/all-well.toml")),
    (
        "no-kafka-leader",
        include_str!("../../assets/scenarios/no-kafka-leader.toml"),
    ),
    (
        "api-down-image-pull",
        include_str!("../../assets/scenarios/api-down-image-pull.toml"),
    ),
];

/// The scenarios that come with the program, in the order in which they are best practised.
pub fn scenarios() -> Vec<ScenarioInfo> {
    let built_in = BUILT_IN.iter().filter_map(|(id, _)| scenario(id).ok());
    built_in
        .map(|scenario| ScenarioInfo {
            id: scenario.id,
            title: scenario.title,
            story: scenario.story,
            sop: scenario.sop,
        })
        .collect()
}

fn names() -> String {
    let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// The built-in scenario with this id.
pub fn scenario(id: &str) -> Result<Scenario, ScenarioError> {
    let (name, text) = BUILT_IN
        .iter()
        .find(|(name, _)| *name == id)
        .ok_or_else(|| ScenarioError::Unknown(id.to_owned()))?;
    Scenario::parse(&format!("{name}.toml"), text)
}

/// Objects of kinds that the world has.
fn objects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    let objects = Vec::<Value>::deserialize(deserializer)?;
    let known = |object: &&Value| {
        ["Pod", "Event", "Secret"]
            .iter()
            .any(|kind| object["kind"] == *kind)
    };
    match objects.iter().find(|object| !known(object)) {
        Some(object) => Err(de::Error::custom(format!(
            "an object of kind {}: there are Pod, Event and Secret",
            object["kind"]
        ))),
        None => Ok(objects),
    }
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_span(&text).ok_or_else(|| {
        de::Error::custom(format!(
            "\"{text}\" is not a span of time like 80d, 7m11s or -20m"
        ))
    })
}

/// Spans as operators write them: `80d`, `2h30m`, `7m11s`, `-20m`.
fn parse_span(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut seconds = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| SignedDuration::from_secs(sign * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n";

    #[test]
    fn the_built_in_scenarios_are_valid_and_named_after_their_files() {
        for (id, _) in BUILT_IN {
            assert_eq!(scenario(id).unwrap().id, id);
        }
        assert_eq!(scenarios().len(), BUILT_IN.len());
    }

    #[test]
    fn an_unknown_scenario_is_named() {
        let error = scenario("no-such").unwrap_err();
        let named =
            "there is no scenario \"no-such\"; there are all-well, no-kafka-leader, api-down-image-pull";
        assert_eq!(error.to_string(), named);
    }

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
    fn objects_are_of_kinds_that_there_are() {
        let object =
            |kind: &str| format!("{LEAST}[[objects]]\nkind = '{kind}'\n[objects.metadata]\nname = 'x'\n");
        let scenario = Scenario::parse("f", &object("Event")).unwrap();
        assert_eq!(scenario.objects[0]["metadata"]["name"], "x");
        let wrong = Scenario::parse("f", &object("Evnt")).unwrap_err().to_string();
        assert!(wrong.contains("Evnt"), "{wrong}");
    }

    #[test]
    fn an_entry_may_be_before_or_after_the_start() {
        let text =
            format!("{LEAST}[[timeline]]\nat = '-5m'\nscale = 0\n[[timeline]]\nat = '30s'\napi = 'freeze'\n");
        let scenario = Scenario::parse("f", &text).unwrap();
        assert_eq!(scenario.timeline[0].at, SignedDuration::from_mins(-5));
        assert_eq!(scenario.timeline[1].happening, Happening::Api(ApiFault::Freeze));
    }

    #[test]
    fn spans_are_read_as_operators_write_them() {
        assert_eq!(parse_span("7m11s"), Some(SignedDuration::from_secs(431)));
        assert_eq!(parse_span("80d"), Some(SignedDuration::from_hours(1920)));
        for wrong in ["", "7", "m", "7x", "1m2"] {
            assert_eq!(parse_span(wrong), None, "{wrong}");
        }
    }
}
