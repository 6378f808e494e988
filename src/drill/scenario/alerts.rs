//! What a scenario says of its alerts and of the error tracker's issues.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::duration::{maybe_length, maybe_span, span};
use crate::monitoring::{alert_names, place_of};

/// An alert of the scenario, `[[alert]]`: one that pages, or did.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "AlertFields")]
pub struct ScenarioAlert {
    /// The rule's name.
    pub name: String,
    /// Since when its condition holds, after the start. Without it the drill's samples alone decide.
    pub since: Option<SignedDuration>,
    /// When the condition ends. Without it: when the world is well again.
    pub until: Option<SignedDuration>,
    /// Who silenced it.
    pub silenced: Option<ScenarioSilence>,
}

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioSilence {
    /// The person who silenced.
    pub by: String,
    /// Why.
    pub comment: String,
    /// From when on, after the start.
    #[serde(deserialize_with = "span")]
    pub since: SignedDuration,
    /// Up to when, after the start.
    #[serde(deserialize_with = "span")]
    pub until: SignedDuration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertFields {
    name: String,
    #[serde(default, deserialize_with = "maybe_span")]
    since: Option<SignedDuration>,
    #[serde(default, deserialize_with = "maybe_span")]
    until: Option<SignedDuration>,
    silenced: Option<ScenarioSilence>,
}

impl TryFrom<AlertFields> for ScenarioAlert {
    type Error = String;

    fn try_from(fields: AlertFields) -> Result<Self, String> {
        let AlertFields {
            name,
            since,
            until,
            silenced,
        } = fields;
        if place_of(&name).is_none() {
            let known = alert_names().join(", ");
            return Err(format!("there is no alert \"{name}\"; known: {known}"));
        }
        if until.is_some_and(|until| since.is_none_or(|since| until <= since)) {
            return Err(format!("the alert \"{name}\" needs a `since` before its `until`"));
        }
        if silenced
            .as_ref()
            .is_some_and(|silence| silence.until <= silence.since)
        {
            return Err(format!("the silence of \"{name}\" ends before it begins"));
        }
        Ok(Self {
            name,
            since,
            until,
            silenced,
        })
    }
}

/// An issue of the error tracker that is no error of the log, `[[issue]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedIssue {
    /// Its title.
    pub title: String,
    /// The function that failed.
    pub culprit: String,
    /// `fatal`, `error`, `warning`.
    pub level: String,
    /// Its first event, after the start.
    #[serde(deserialize_with = "span")]
    pub since: SignedDuration,
    /// No event comes from here on.
    #[serde(default, deserialize_with = "maybe_span")]
    pub until: Option<SignedDuration>,
    /// How often it has an event; every 45 s by default.
    #[serde(default, deserialize_with = "whole_length")]
    pub every: Option<SignedDuration>,
}

/// A length that is not zero: an event every moment would never end.
fn whole_length<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SignedDuration>, D::Error> {
    let length = maybe_length(deserializer)?.filter(|length| !length.is_zero());
    length
        .and_then(|length| SignedDuration::try_from(length).ok())
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom("`every` must be longer than 0s"))
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    const LEAST: &str = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n";

    #[test]
    fn an_alert_is_one_of_the_drills_rules() {
        let read = |keys: &str| Scenario::parse("mine.toml", &format!("{LEAST}[[alert]]\n{keys}\n"));
        let scenario = read("name = 'ManagedServicesApiDown'\nsince = '-20m'\nuntil = '2m'").unwrap();
        assert_eq!(scenario.alerts[0].name, "ManagedServicesApiDown");
        for (keys, why) in [
            (
                "name = 'Down'",
                "there is no alert \"Down\"; known: ManagedServicesApiDown,",
            ),
            ("name = 'ManagedServicesApiDown'\nuntil = '2m'", "needs a `since`"),
            (
                "name = 'ManagedServicesApiDown'\nsince = '3m'\nuntil = '2m'",
                "before its `until`",
            ),
            (
                "name = 'ManagedServicesApiDown'\nsilenced = { by = 'x', comment = 'y', since = '1m', until = '1m' }",
                "ends before it begins",
            ),
        ] {
            let error = read(keys).unwrap_err().to_string();
            assert!(
                error.contains(why) && error.contains("mine.toml"),
                "{keys}: {error}"
            );
        }
    }

    #[test]
    fn an_issue_has_events_at_some_distance() {
        let read = |every: &str| {
            let keys = "title = 'x'\nculprit = 'y'\nlevel = 'error'\nsince = '-1m'";
            Scenario::parse("f", &format!("{LEAST}[[issue]]\n{keys}\nevery = '{every}'\n"))
        };
        assert!(read("20s").is_ok());
        assert!(read("0s").unwrap_err().to_string().contains("longer than 0s"));
    }
}
