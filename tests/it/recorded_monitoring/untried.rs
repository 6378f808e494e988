//! The recordings that are not asked of the drill, and why.

use regex::Regex;

/// Patterns of whole names, and the reason.
const UNTRIED: &[(&str, &str)] = &[
    (
        "(sentry|grafana|kube-service-proxy|label-proxy|thanos)-.*",
        "by hand, and of servers that the drill does not play",
    ),
    (
        "ocp-tenancy-.*",
        "the drill plays the route for the whole cluster, not the ports for one namespace",
    ),
    (
        "am-silence-create",
        "nothing is silenced through the drill: a scenario has its silences",
    ),
    (
        "am-v1-alerts-old",
        "the drill plays 0.27, where the first API is gone",
    ),
    (
        "glitchtip-issue-(latest-event|tags)",
        "nobody may ask for what is in events: the drill has none",
    ),
    ("prom-gzip", "the drill does not pack its answers"),
    (
        "(down-)?prom-targets",
        "no figure and no rule needs targets: the drill refuses them",
    ),
    ("prom-rules-record", "the drill has no recording rules"),
    (
        "prom-(many-to-many|timeout-in-select|too-many-samples)-422",
        "the drill knows no PromQL: its queries cannot fail half-way",
    ),
    (
        "(down-)?prom-(query|range)-.*|ocp-web-ok",
        "a query that the profile does not ask: the drill refuses it",
    ),
];

/// Why a recording is not played; `None` where nothing speaks against it.
pub fn reason(name: &str) -> Option<&'static str> {
    if super::BUSY.contains(&name) || super::DOWN.contains(&name) || super::UNANSWERED.contains(&name) {
        return None;
    }
    let whole = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(name);
    let found = UNTRIED.iter().find(|(pattern, _)| whole(pattern));
    found.map(|(_, reason)| *reason)
}
