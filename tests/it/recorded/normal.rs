//! What differs between any two clusters is put into words, so that the rest can be compared.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Patterns and the words for them, in the order in which they are replaced.
static WORDS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"managed-services-api-[0-9a-z]{8,10}-[0-9a-z]{5}", "POD"),
        (r"managed-services-api-[0-9a-f]{8,10}\b", "SET"),
        (r"(POD|SET|managed-services-api)\.[0-9a-f]{16}\b", "$1.NANOSECOND"),
        (
            r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
            "UID",
        ),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", "TIME9"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME6"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|[+-]\d{4})", "DATE"),
        (
            r"(testbed\.local/kas-fleet-manager|quay\.io/app-sre/managed-services-api)(:[\w.-]+|@sha256:[0-9a-f]{64})",
            "IMAGE",
        ),
        (r"\b(containerd|cri-o)://[0-9a-f]{64}", "RUNTIME"),
        (r"\bsha256:[0-9a-f]{64}", "DIGEST"),
        (r"\bIMAGE@DIGEST", "DIGEST"),
        (r"\btb-node-\d+\b|\bip-10-0-[0-9-]+\.ec2\.internal\b", "NODE"),
        (r"\b10\.\d+\.\d+\.\d+\b", "ADDRESS"),
        (r"\b127\.0\.0\.1:\d+\b|ADDRESS:6444\b", "SERVER"),
        (
            r"system:serviceaccount:managed-services-stage:incident-readonly",
            "oncall@example.com",
        ),
        (r"too old resource version: \d+ \(\d+\)", "too old resource version: N (N)"),
        (r"current: \d+", "current: N"),
        (r"in record \(\d+\)", "in record (N)"),
        (r"hash=[0-9a-f]{8,10}\b", "hash=HASH"),
    ]
    .into_iter()
    .map(|(pattern, word)| (Regex::new(pattern).unwrap(), word))
    .collect()
});

static AGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b\d+(s|m\d+s|m|h\d+m|h|d\d+h|d|y\d+d|y)(\b|$)").unwrap());

/// Names, times, addresses and the like as words.
pub fn text(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, word) in WORDS.iter() {
        text = pattern.replace_all(&text, *word).into_owned();
    }
    text
}

/// What a cell or a line of `kubectl` says, without ages.
pub fn printed(said: &str) -> String {
    AGE.replace_all(&text(said), "AGE").into_owned()
}

/// Fields whose value says nothing about the server: only that they are there, and of which type, is compared.
const VOLATILE: [&str; 9] = [
    "resourceVersion",
    "generation",
    "observedGeneration",
    "pod-template-hash",
    "deployment.kubernetes.io/revision",
    "f:pod-template-hash",
    "continue",
    "lastProbeTime",
    "kubernetes.io/initial-events-list-blueprint",
];

/// A value as it is compared.
pub fn value(field: &str, value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(_) if VOLATILE.contains(&field) => "a string".to_owned(),
        Value::Number(_) if VOLATILE.contains(&field) => "a number".to_owned(),
        Value::String(words) => format!("{:?}", text(words)),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        other => other.to_string(),
    }
}
