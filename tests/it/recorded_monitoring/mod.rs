//! The drill's monitoring held to recordings of real servers (`tests/monitoring`): the same requests are made of it, and status, content
//! type, and the fields of the answer with their types are compared. What is not asked of the drill is listed with its reason.

mod compare;
mod exchange;
mod stage;
mod untried;

use std::collections::BTreeSet;

use exchange::Exchange;
use sopwatch_drill::monitoring::{MonitoringFault, MonitoringServer};
use stage::Stage;

/// What is asked of a world with a few alerts, one of them silenced, and errors.
const BUSY: &[&str] = &[
    "am-alerts",
    "am-alerts-active-only",
    "am-alerts-bad-bool-means-false-200",
    "am-alerts-bad-filter-400",
    "am-alerts-bad-receiver-400",
    "am-alerts-by-receiver",
    "am-alerts-empty",
    "am-alerts-inhibited",
    "am-alerts-odd-filter-200-empty",
    "am-alerts-regex",
    "am-alerts-silenced",
    "am-alerts-warning-and-critical",
    "am-groups",
    "am-healthy",
    "am-receivers",
    "am-silence",
    "am-silence-not-a-uuid-422",
    "am-silence-unknown-404",
    "am-silences",
    "am-status",
    "glitchtip-bad-cursor-404",
    "glitchtip-issue",
    "glitchtip-org-issues",
    "glitchtip-org-issues-empty",
    "glitchtip-org-issues-environment",
    "glitchtip-org-issues-environment-in-query",
    "glitchtip-org-issues-level-in-query-200-empty",
    "glitchtip-org-issues-project",
    "glitchtip-org-issues-start",
    "glitchtip-org-issues-stats-period-ignored",
    "glitchtip-org-projects",
    "glitchtip-organizations",
    "glitchtip-project-issues",
    "glitchtip-projects",
    "glitchtip-query-with-an-open-quote-500",
    "glitchtip-unknown-issue-404",
    "glitchtip-unknown-org-200-empty",
    "glitchtip-unknown-status-200-empty",
    "prom-alerts",
    "prom-bad-query-400",
    "prom-bad-time-400",
    "prom-bad-timeout-400",
    "prom-buildinfo",
    "prom-healthy",
    "prom-label-names",
    "prom-label-values",
    "prom-metadata",
    "prom-method-405",
    "prom-no-query-400",
    "prom-not-an-endpoint-404",
    "prom-query-alerts-for-state",
    "prom-query-alerts-series",
    "prom-query-empty-no-such-metric",
    "prom-query-up",
    "prom-range-empty",
    "prom-range-end-before-start-400",
    "prom-range-too-many-points-400",
    "prom-range-zero-step-400",
    "prom-ready",
    "prom-rules-alert",
    "prom-rules-bad-type-400",
    "prom-rules-by-name",
    "prom-series",
    "prom-series-no-match-400",
    "prom-unknown-function-400",
];

/// What is asked of a world whose pods are gone.
const DOWN: &[&str] = &[
    "down-am-alerts",
    "down-am-alerts-resolved-gone",
    "down-prom-alerts-firing",
    "down-prom-query-absent",
    "down-prom-query-alerts-for-state",
    "down-prom-query-raw-empty",
];
/// The same while the alert is not a quarter of an hour old.
const PENDING: &[&str] = &["down-prom-alerts-pending"];
/// The same where the pods are there and do not answer.
const UNANSWERED: &[&str] = &["down-prom-query-up"];

/// The fault with which each of these is answered.
const FAULTS: &[(&str, MonitoringFault)] = &[
    ("glitchtip-no-scope-403", MonitoringFault::Forbidden),
    ("oauth-proxy-no-token-403.example", MonitoringFault::SignIn),
    ("ocp-alertmanager-forbidden-403", MonitoringFault::Forbidden),
    ("ocp-web-forbidden-403", MonitoringFault::Forbidden),
    ("prom-timeout-503", MonitoringFault::Slow),
];

/// Those that show another token, or none.
const LOGINS: &[(&str, Option<&str>)] = &[
    ("glitchtip-bad-token-403", Some("wrong")),
    ("glitchtip-no-token-403", None),
    ("ocp-web-bad-token-401", Some("wrong")),
    ("ocp-web-no-token-401", None),
];

#[tokio::test]
async fn answers_about_a_busy_world_have_the_recorded_form() {
    let stage = Stage::busy().await;
    let mut wrong = Vec::new();
    for name in BUSY {
        let exchange = Exchange::read(name);
        wrong.extend(compare::differences(&exchange, &stage.play(&exchange).await));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn answers_about_pods_that_are_down_have_the_recorded_form() {
    let mut wrong = Vec::new();
    for (scenario, lived, names) in [
        ("scaled-to-zero", 1_200, DOWN),
        ("scaled-to-zero", 60, PENDING),
        ("crash-loop-oom", 0, UNANSWERED),
    ] {
        let stage = Stage::of(scenario, lived).await;
        for name in names {
            let exchange = Exchange::read(name);
            wrong.extend(compare::differences(&exchange, &stage.play(&exchange).await));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn refusals_have_the_recorded_form() {
    let stage = Stage::busy().await;
    let mut wrong = Vec::new();
    for (name, token) in LOGINS {
        let exchange = Exchange::read(name);
        let answer = stage.play_with(&exchange, *token).await;
        wrong.extend(compare::differences(&exchange, &answer));
    }
    for (name, fault) in FAULTS {
        let exchange = Exchange::read(name);
        let monitoring = stage.drill.monitoring();
        monitoring.set_fault(exchange.server, Some(*fault));
        wrong.extend(compare::differences(&exchange, &stage.play(&exchange).await));
        monitoring.set_fault(exchange.server, None);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A query of the profile takes the place of the recorded one: what comes beside the rows is compared.
#[tokio::test]
async fn partial_data_come_with_warnings_as_recorded() {
    let stage = Stage::busy().await;
    let monitoring = stage.drill.monitoring();
    monitoring.set_fault(MonitoringServer::Metrics, Some(MonitoringFault::Partial));
    let mut wrong = Vec::new();
    for (name, query) in [
        ("prom-partial-with-warnings-200", "up"),
        ("prom-empty-with-warnings-200", "no_such_metric"),
    ] {
        let mut exchange = Exchange::read(name);
        exchange.path = format!("/api/v1/query?query={query}");
        wrong.extend(compare::differences(&exchange, &stage.play(&exchange).await));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_recording_is_played_or_left_out_with_a_reason() {
    let with_fault = FAULTS.iter().map(|(name, _)| *name);
    let with_login = LOGINS.iter().map(|(name, _)| *name);
    let played = [BUSY, DOWN, PENDING, UNANSWERED].into_iter().flatten().copied();
    let warned = ["prom-partial-with-warnings-200", "prom-empty-with-warnings-200"];
    let played = played.chain(with_fault).chain(with_login).chain(warned);
    let played: BTreeSet<&str> = played.collect();
    let there: BTreeSet<String> = exchange::names().collect();
    let mut wrong = Vec::new();
    for name in &there {
        match (played.contains(name.as_str()), untried::reason(name)) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(reason)) => wrong.push(format!("{name} is played, and left out: {reason}")),
            (false, None) => wrong.push(format!("{name} is neither played nor left out")),
        }
    }
    wrong.extend(
        played
            .iter()
            .filter(|name| !there.contains(**name))
            .map(|name| format!("there is no {name}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
