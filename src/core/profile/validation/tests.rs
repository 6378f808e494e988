//! Each mistake in a profile has the key, the message and the words that are known.

use super::*;
use crate::testkit::{BUILT_IN_PROFILE, built_in_profile};

/// The mistakes in the built-in profile where a text in it is another.
fn mistakes(from: &str, to: &str) -> Vec<Mistake> {
    assert!(BUILT_IN_PROFILE.contains(from), "{from} is not in the profile");
    let profile: Profile = toml::from_str(&BUILT_IN_PROFILE.replacen(from, to, 1)).unwrap();
    mistakes_in(&profile)
}

/// The mistakes in the built-in profile with one more rule, which has this condition: `rules[0].when`.
fn mistakes_of_condition(when: &str) -> Vec<(String, String)> {
    let mut profile = built_in_profile();
    let rule = format!(r#"{{"id":"r","title":"t","when":{when},"then":{{"action":"wait"}},"basis":"b"}}"#);
    profile.rules.insert(0, serde_json::from_str(&rule).unwrap());
    pairs(mistakes_in(&profile))
}

/// The mistakes in the built-in profile with one more step, which has this check: `steps.a`.
fn mistakes_of_check(check: &str) -> Vec<(String, String)> {
    let mut profile = built_in_profile();
    let step = format!(r#"{{"title":"t","check":{check},"text":"x"}}"#);
    let step = serde_json::from_str(&step).unwrap();
    profile.steps.insert("a".to_owned(), step);
    pairs(mistakes_in(&profile))
}

fn pairs(mistakes: Vec<Mistake>) -> Vec<(String, String)> {
    let pair = |mistake: Mistake| (mistake.path, mistake.message);
    mistakes.into_iter().map(pair).collect()
}

#[test]
fn the_built_in_profile_has_no_mistake() {
    assert_eq!(mistakes("title", "title"), []);
}

#[test]
fn an_unknown_word_comes_with_those_that_are_known() {
    let found = mistakes(
        "steps-from = \"api-availability\"",
        "steps-from = \"api-availabilty\"",
    );
    let [mistake] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(mistake.path, "sops[2].steps-from");
    assert_eq!(mistake.message, "there is no SOP `api-availabilty`");
    let unknown = mistake.unknown.as_ref().unwrap();
    assert_eq!(unknown.word, "api-availabilty");
    assert_eq!(unknown.known.len(), 8);
    assert!(unknown.known.contains(&"api-availability".to_owned()));
}

#[test]
fn a_mistake_that_is_no_word_has_nothing_to_compare_with() {
    let found = mistakes("replicas = 3", "replicas = 0");
    let expected = Mistake {
        path: "service.replicas".to_owned(),
        message: "at least one pod is needed".to_owned(),
        unknown: None,
    };
    assert_eq!(found, [expected]);
}

#[test]
fn all_mistakes_are_found_at_once_and_in_the_order_of_the_profile() {
    let text = BUILT_IN_PROFILE
        .replace("id = \"dns\"", "id = \"sso\"")
        .replace("tick = 30", "tick = 0")
        .replace("replicas = 3", "replicas = 0");
    let found = mistakes_in(&toml::from_str(&text).unwrap());
    let paths: Vec<_> = found.iter().map(|mistake| mistake.path.as_str()).collect();
    assert_eq!(
        paths[..3],
        ["service.replicas", "leaders.tick", "error-classes[3].id"]
    );
}

const NO_TABLE: &str = "there is no table `cluster`";
const NO_CLASS: &str = "there is no error class `ocn`";
const NO_WORKER: &str = "there is no worker with the lease type `kafkas`";

/// A condition or a check, and what is wrong with it: the path below its own, and the message.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

const CONDITIONS: &[Case] = &[
    (r#"{"kind":"unreadable"}"#, &[]),
    (r#"{"kind":"settling"}"#, &[]),
    (r#"{"kind":"no-pod-ready"}"#, &[]),
    (r#"{"kind":"crashing"}"#, &[]),
    (r#"{"kind":"cluster-events"}"#, &[]),
    (r#"{"kind":"step-fails"}"#, &[]),
    (
        r#"{"kind":"leader","is":"none","workers":["kafkas","kafka"]}"#,
        &[(".workers", NO_WORKER)],
    ),
    (
        r#"{"kind":"led","workers":["kafka","kafkas"]}"#,
        &[(".workers", NO_WORKER)],
    ),
    (
        r#"{"kind":"errors","classes":["ocn","","ocm"],"within":90,"at-least":2}"#,
        &[(".classes", NO_CLASS)],
    ),
    (
        r#"{"kind":"over-limit","table":"cluster","roles":[]}"#,
        &[(".table", NO_TABLE)],
    ),
    (
        r#"{"kind":"newly-failed","table":"cluster","classes":["ocn",""]}"#,
        &[(".table", NO_TABLE), (".classes", NO_CLASS)],
    ),
    (
        r#"{"kind":"unknown-status","table":"cluster"}"#,
        &[(".table", NO_TABLE)],
    ),
    (r#"{"kind":"blank","table":"cluster"}"#, &[(".table", NO_TABLE)]),
    (
        r#"{"kind":"none-ready","table":"cluster"}"#,
        &[(".table", NO_TABLE)],
    ),
    (
        r#"{"kind":"saturated","within":300,"at-least":20,"shares":{"slow":100,"very-slow":100},"cpu":0}"#,
        &[
            (".shares.slow", "100 % is not from 0 to 99"),
            (".shares.very-slow", "100 % is not from 0 to 99"),
            (".cpu", "0 % is not from 1 to 100"),
        ],
    ),
    (
        r#"{"kind":"outbound","within":120,"at-least":0,"share":101}"#,
        &[
            (".share", "101 % is not from 1 to 100"),
            (".at-least", "must be at least 1"),
        ],
    ),
    (
        r#"{"kind":"all","of":[{"kind":"settling"},{"kind":"blank","table":"cluster"}]}"#,
        &[(".of[1].table", NO_TABLE)],
    ),
    (
        r#"{"kind":"any","of":[],"optional":[{"kind":"blank","table":"cluster"}]}"#,
        &[
            ("", "`of` is empty: at least one condition must not be optional"),
            (".optional[0].table", NO_TABLE),
        ],
    ),
    (
        r#"{"kind":"not","of":{"kind":"any","of":[{"kind":"led","workers":["kafkas"]}]}}"#,
        &[(".of.of[0].workers", NO_WORKER)],
    ),
];

#[test]
fn each_condition_says_what_is_wrong_with_it() {
    for (when, expected) in CONDITIONS {
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, message)| (format!("rules[0].when{path}"), (*message).to_owned()))
            .collect();
        assert_eq!(mistakes_of_condition(when), expected, "{when}");
    }
}

#[test]
fn calls_are_only_counted_where_the_profile_says_what_the_metrics_are_called() {
    let mut profile = built_in_profile();
    profile.service.metrics = None;
    let found = pairs(mistakes_in(&profile));
    let message =
        "outbound calls are counted only by the pods' metrics: add `[service.metrics]` to the profile";
    assert!(
        !found.is_empty() && found.iter().all(|(_, found)| found == message),
        "{found:?}"
    );
}

#[test]
fn each_check_says_what_is_wrong_with_it() {
    let table: &[Case] = &[
        (r#"{"kind":"manual"}"#, &[]),
        (r#"{"kind":"dashboard","shows":"requests"}"#, &[]),
        (r#"{"kind":"replicas"}"#, &[]),
        (r#"{"kind":"pods-ready"}"#, &[]),
        (r#"{"kind":"events"}"#, &[]),
        (r#"{"kind":"log-errors"}"#, &[]),
        (
            r#"{"kind":"load","rule":"down"}"#,
            &[(".rule", "there is no rule with a `saturated` condition `down`")],
        ),
        (
            r#"{"kind":"leader","worker":"kafka"}"#,
            &[(".worker", "there is no worker `kafka`")],
        ),
        (
            r#"{"kind":"any-ready","table":"cluster"}"#,
            &[(".table", NO_TABLE)],
        ),
        (r#"{"kind":"limits","table":"cluster"}"#, &[(".table", NO_TABLE)]),
        (r#"{"kind":"failed","table":"cluster"}"#, &[(".table", NO_TABLE)]),
    ];
    for (check, expected) in table {
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, message)| (format!("steps.a.check{path}"), (*message).to_owned()))
            .collect();
        assert_eq!(mistakes_of_check(check), expected, "{check}");
    }
}
