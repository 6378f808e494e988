//! Conditions and checks are written and read as ever: in profiles as TOML, in records as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::profile::Profile;
use crate::profile::rule::Rule;
use crate::profile::sop::Step;
use crate::testkit::built_in_profile;

/// Every condition that there is, with all its keys and with none that may be absent.
const CONDITIONS: [&str; 30] = [
    r#"{"kind":"unreadable"}"#,
    r#"{"kind":"settling"}"#,
    r#"{"kind":"no-pod-ready","because":null}"#,
    r#"{"kind":"no-pod-ready"}"#,
    r#"{"kind":"no-pod-ready","because":"cluster"}"#,
    r#"{"kind":"no-pod-ready","because":"release"}"#,
    r#"{"kind":"leader","is":"none","workers":["kafka"]}"#,
    r#"{"kind":"leader","is":"many","workers":[]}"#,
    r#"{"kind":"crashing"}"#,
    r#"{"kind":"errors","classes":["ocm",""],"within":90,"at-least":2}"#,
    r#"{"kind":"saturated","within":300,"at-least":20,"shares":{"slow":10,"very-slow":1},"cpu":95}"#,
    r#"{"kind":"saturated","within":300,"at-least":20,"shares":{"slow":10,"very-slow":1}}"#,
    r#"{"kind":"outbound","services":["ocm"],"within":120,"at-least":10,"share":30}"#,
    r#"{"kind":"outbound","within":120,"at-least":10,"share":30}"#,
    r#"{"kind":"cluster-events"}"#,
    r#"{"kind":"over-limit","table":"clusters","roles":["accepted","in-flight"]}"#,
    r#"{"kind":"newly-failed","table":"clusters","classes":["ocm"]}"#,
    r#"{"kind":"newly-failed","table":"clusters"}"#,
    r#"{"kind":"unknown-status","table":"clusters","over":2700}"#,
    r#"{"kind":"unknown-status","table":"clusters"}"#,
    r#"{"kind":"blank","table":"clusters"}"#,
    r#"{"kind":"none-ready","table":"clusters"}"#,
    r#"{"kind":"step-fails"}"#,
    r#"{"kind":"led","workers":["kafka"]}"#,
    r#"{"kind":"all","of":[{"kind":"settling"}]}"#,
    r#"{"kind":"any","of":[],"optional":[{"kind":"crashing"}]}"#,
    r#"{"kind":"any","of":[{"kind":"settling"}]}"#,
    r#"{"kind":"not","of":{"kind":"settling"}}"#,
    r#"{"of":{"kind":"not","of":{"kind":"led","workers":["kafka"]}},"kind":"not"}"#,
    r#"["leader","none",["kafka"]]"#,
];

const CHECKS: [&str; 14] = [
    r#"{"kind":"manual"}"#,
    r#"{"kind":"dashboard","shows":"requests"}"#,
    r#"{"kind":"dashboard","shows":"resources"}"#,
    r#"{"kind":"load","rule":"saturated"}"#,
    r#"{"kind":"tracker"}"#,
    r#"{"kind":"replicas"}"#,
    r#"{"kind":"pods-ready"}"#,
    r#"{"kind":"events"}"#,
    r#"{"kind":"log-errors"}"#,
    r#"{"kind":"leader","worker":"*workers.KafkaManager"}"#,
    r#"{"kind":"any-ready","table":"clusters"}"#,
    r#"{"kind":"limits","table":"clusters"}"#,
    r#"{"kind":"failed","table":"clusters"}"#,
    r#"["leader","*workers.KafkaManager"]"#,
];

/// A rule with a condition, as JSON.
fn rule(when: &str) -> String {
    format!(r#"{{"id":"r","title":"t","when":{when},"then":{{"action":"wait"}},"basis":"b"}}"#)
}

/// A step with a check, as JSON.
fn step(check: &str) -> String {
    format!(r#"{{"title":"t","check":{check},"text":"x"}}"#)
}

/// The same in TOML.
fn to_toml(json: &str) -> String {
    toml::to_string(&serde_json::from_str::<toml::Table>(json).unwrap()).unwrap()
}

/// What comes out of what is read, as JSON and as TOML.
fn both<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(json: &str) -> String {
    let read: T = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<T>(&written).unwrap(), read, "{json}");
    let as_toml = toml::to_string(&read).unwrap();
    assert_eq!(toml::from_str::<T>(&as_toml).unwrap(), read, "{json}");
    format!("{written}\n{as_toml}")
}

/// What is said to who writes a text wrongly, by JSON and by TOML.
fn mistake<T: DeserializeOwned>(json: &str) -> String {
    let of_json =
        serde_json::from_str::<T>(json).map_or_else(|error| error.to_string(), |_| "read".to_owned());
    let of_toml = toml::from_str::<T>(&to_toml(json))
        .map_or_else(|error| error.message().to_owned(), |_| "read".to_owned());
    format!("{json}\n  json: {of_json}\n  toml: {of_toml}")
}

#[test]
fn every_rule_and_check_of_the_built_in_profile_is_written_as_ever() {
    let profile = built_in_profile();
    let rules = profile.rules.iter().chain(&profile.literal_rules);
    let rules = rules.map(|rule| serde_json::to_string(rule).unwrap());
    let steps = profile.steps.values();
    let steps = steps.map(|step| serde_json::to_string(step).unwrap());
    let lines: Vec<_> = rules.chain(steps).collect();
    insta::assert_snapshot!("built_in", lines.join("\n"));
    insta::assert_snapshot!("built_in_toml", toml::to_string(&profile).unwrap());
    assert_eq!(
        toml::from_str::<Profile>(&toml::to_string(&profile).unwrap()).unwrap(),
        profile
    );
    let json = serde_json::to_string(&profile).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
}

#[test]
fn every_kind_of_condition_and_check_is_written_as_ever() {
    let conditions = CONDITIONS.iter().map(|when| both::<Rule>(&rule(when)));
    let checks = CHECKS.iter().map(|check| both::<Step>(&step(check)));
    let all: Vec<_> = conditions.chain(checks).collect();
    insta::assert_snapshot!("each_kind", all.join("\n"));
}

/// Texts with one key too many, one too few, or a value of another kind.
fn mistakes(text: &str) -> Vec<String> {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
    let mut more = fields.clone();
    more.insert("nope".to_owned(), serde_json::json!(1));
    let mut mistakes = vec![serde_json::to_string(&more).unwrap()];
    for key in fields.keys() {
        let mut fewer = fields.clone();
        fewer.remove(key);
        mistakes.push(serde_json::to_string(&fewer).unwrap());
        let mut odd = fields.clone();
        odd.insert(key.clone(), serde_json::json!("odd"));
        mistakes.push(serde_json::to_string(&odd).unwrap());
    }
    mistakes
}

#[test]
fn a_mistake_in_a_condition_or_a_check_names_the_key() {
    let objects = |texts: &'static [&str]| {
        texts
            .iter()
            .filter(|text| text.starts_with("{\"kind") && !text.contains("null"))
    };
    let conditions = objects(&CONDITIONS).flat_map(|when| mistakes(when));
    let conditions = conditions.map(|when| mistake::<Rule>(&rule(&when)));
    let checks = objects(&CHECKS).flat_map(|check| mistakes(check));
    let checks = checks.map(|check| mistake::<Step>(&step(&check)));
    let all: Vec<_> = conditions.chain(checks).collect();
    insta::assert_snapshot!("mistakes", all.join("\n"));
}
