//! Two answers: status, content type, and the fields of the body with their types.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

use super::exchange::{Answer, Exchange};

/// The types found at each path; elements of a list share one.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

/// Maps with names of their own: only what is in them is compared.
const MAPS: [&str; 4] = ["metric", "labels", "annotations", "metadata"];
/// Texts that are compared word for word.
const WORDS: [&str; 4] = ["status", "errorType", "resultType", "error"];
/// What may be missing, or of another type, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "glitchtip-.*",
        r".*assignedTo(\..*)?",
        "one issue of the drill belongs to somebody, so that leaks are found",
    ),
    (
        "glitchtip-.*projects",
        r".*firstEvent",
        "both projects of the drill have events",
    ),
    (
        "glitchtip-org-issues-stats-period-ignored",
        ".*",
        "the recording has four fields of each issue",
    ),
    (
        "prom-rules-by-name",
        r".*\.alerts\[\].*",
        "the recording has one rule, which was quiet",
    ),
    (
        "prom-query-alerts-series",
        r"data\.result.*",
        "the recorded world had two alerts that fire",
    ),
];

/// What differs.
pub fn differences(recorded: &Exchange, drill: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    let there = &recorded.answer;
    let mut differ = |what: &str, there: &str, here: &str| {
        wrong.push(format!("{}: {what}: {there} there, {here} here", recorded.name));
    };
    if there.status != drill.status {
        differ(
            "status",
            &there.status.to_string(),
            &format!("{} {}", drill.status, drill.body),
        );
    }
    if there.content_type != drill.content_type {
        differ("content type", &there.content_type, &drill.content_type);
    }
    if there.content_type != "application/json" {
        if there.content_type.starts_with("text/plain") && words(&there.body) != words(&drill.body) {
            differ("body", &there.body, &drill.body);
        }
        return wrong;
    }
    let read = |body: &str| serde_json::from_str::<Value>(body).map_err(|error| error.to_string());
    let (expected, found) = match (read(&there.body), read(&drill.body)) {
        (Ok(expected), Ok(found)) => (shape_of(&expected), shape_of(&found)),
        (expected, found) => {
            differ(
                "JSON",
                &format!("{:?}", expected.err()),
                &format!("{:?}", found.err()),
            );
            return wrong;
        }
    };
    let paths: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    for path in paths {
        if is_allowed(&recorded.name, path) {
            continue;
        }
        match (expected.get(path), found.get(path)) {
            (Some(there), Some(here)) if there == here => {}
            (Some(there), Some(here)) => differ(path, &format!("{there:?}"), &format!("{here:?}")),
            (Some(there), None) => differ(path, &format!("{there:?}"), "nothing"),
            (None, _) if recorded.is_reduced => {}
            (None, here) => differ(path, "nothing", &format!("{here:?}")),
        }
    }
    let said = |body: &str, key: &str| read(body).ok().map(|value| value[key].clone());
    for key in WORDS {
        let (there, here) = (said(&there.body, key), said(&drill.body, key));
        if there != here {
            differ(key, &format!("{there:?}"), &format!("{here:?}"));
        }
    }
    wrong
}

/// A plain text without the name of who asked.
fn words(text: &str) -> String {
    let user = Regex::new(r"user=[^,]*").unwrap();
    user.replace(text.trim_end(), "user=").into_owned()
}

fn is_allowed(name: &str, path: &str) -> bool {
    let whole = |pattern: &str, text: &str| Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(text);
    ALLOWED
        .iter()
        .any(|(recordings, paths, _)| whole(recordings, name) && whole(paths, path))
}

fn shape_of(value: &Value) -> Shape {
    let mut shape = Shape::new();
    add(&mut shape, "", value);
    shape
}

fn add(shape: &mut Shape, path: &str, value: &Value) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(elements) => {
            for element in elements {
                add(shape, &format!("{path}[]"), element);
            }
            "list"
        }
        Value::Object(fields) => {
            let last = path.rsplit('.').next().unwrap_or_default();
            for (name, value) in fields {
                let name = if MAPS.contains(&last) { "*" } else { name };
                let dot = if path.is_empty() { "" } else { "." };
                add(shape, &format!("{path}{dot}{name}"), value);
            }
            "map"
        }
    };
    shape.entry(path.to_owned()).or_default().insert(kind);
}
