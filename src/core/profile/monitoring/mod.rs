//! How the service is seen from outside: the queries of its figures, what they are compared with, its alerts, and what counts in the
//! error tracker. Where the sources are is in the configuration, not here.

pub mod compiled;
mod figure;
pub mod matcher;
mod queries;

use std::collections::BTreeMap;
use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};

use self::compiled::Compiled;

pub use self::figure::Figure;
use self::matcher::Matcher;
pub use self::queries::{BUILT_IN_VARIABLES, MetricQuery, variables_in};
use super::seconds;

/// What the profile says about metrics, alerts and the error tracker.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Monitoring {
    /// Pieces of queries by name: a query writes `$name`. They may hold the built-in ones themselves.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// How far back the figures look.
    pub windows: Windows,
    /// Pairs of windows that show how fast the budget of failed or slow requests is used up; none in older profiles.
    #[serde(default)]
    pub burn: Vec<Burn>,
    /// The query of each figure, in PromQL. A figure without one is not known.
    pub queries: BTreeMap<Figure, String>,
    /// What the figures are compared with.
    pub thresholds: Thresholds,
    /// The service's alerts.
    pub alerts: Alerts,
    /// What counts in the error tracker.
    pub tracker: Tracker,
}

/// How far back the figures look, seconds in the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Windows {
    /// What is now.
    #[serde(with = "seconds")]
    pub short: Duration,
    /// What must hold too, before the console says that something fails.
    #[serde(with = "seconds")]
    pub long: Duration,
    /// How long without a request it takes to call the service silent.
    #[serde(with = "seconds")]
    pub quiet: Duration,
    /// For calls to other services.
    #[serde(with = "seconds")]
    pub outbound: Duration,
    /// For restarts, and what memory is extrapolated from.
    #[serde(with = "seconds")]
    pub restarts: Duration,
}

/// A pair of windows of an alert on the budget: it burns too fast where the share is over `factor` times what is allowed in both.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Burn {
    /// The short window, seconds in the file: it tells that it still burns.
    #[serde(with = "seconds")]
    pub short: Duration,
    /// The long window, seconds in the file: it tells that it is no blip.
    #[serde(with = "seconds")]
    pub long: Duration,
    /// How many times the allowed share.
    pub factor: f64,
}

impl Monitoring {
    /// The share of the requests that is allowed; `None` of a figure that has no such budget.
    pub fn allowed(&self, figure: Figure) -> Option<f64> {
        match figure {
            Figure::Errors => Some(self.thresholds.budget()),
            Figure::Slow => Some(self.thresholds.slow),
            Figure::VerySlow => Some(self.thresholds.very_slow),
            _ => None,
        }
    }

    /// The pairs of windows of a figure, each with the share that is too much. A share can't be over 1: pairs that ask for more are left out.
    pub fn burns(&self, figure: Figure) -> impl Iterator<Item = (Burn, f64)> {
        let allowed = self.allowed(figure);
        let limit = move |burn: &Burn| Some((*burn, burn.factor * allowed?));
        let all = self.burn.iter().filter_map(limit);
        all.filter(|(_, limit)| *limit < 1.0)
    }

    /// Every window that a figure is asked for, the shortest ones first; none where its query has no window.
    pub fn windows_of(&self, figure: Figure) -> Vec<Duration> {
        let mut windows = figure.windows(&self.windows);
        for (burn, _) in self.burns(figure) {
            for window in [burn.short, burn.long] {
                if !windows.contains(&window) {
                    windows.push(window);
                }
            }
        }
        windows
    }
}

/// What the figures are compared with. Shares are from 0 to 1.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Thresholds {
    /// The share of the requests that must not fail with a 5xx code.
    pub objective_availability: f64,
    /// More of the requests over 0.1 s is too much.
    pub slow: f64,
    /// More of the requests over 1 s is too much.
    pub very_slow: f64,
    /// Fewer requests in the short window prove nothing.
    pub least_requests: u64,
    /// Requests a second at this time yesterday, above which none now is a failure.
    pub usual_volume: f64,
    /// More failed calls to one other service is too much.
    pub outbound: Limits,
    /// Fewer calls to one other service prove nothing.
    pub least_calls: u64,
    /// CPU of its limit.
    pub cpu: Limits,
    /// Periods in which the CPU was throttled.
    pub throttled: Limits,
    /// Memory of its limit.
    pub memory: Limits,
    /// Network errors, or dropped packets, a second and pod: more is too much.
    pub network: f64,
    /// Samples that are older prove nothing, seconds.
    #[serde(with = "seconds")]
    pub sample_age: Duration,
}

impl Thresholds {
    /// The share of the requests that may fail.
    pub fn budget(&self) -> f64 {
        1.0 - self.objective_availability
    }
}

/// Two limits of a figure: between them it neither passes nor fails.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Less passes.
    pub pass: f64,
    /// More fails.
    pub fail: f64,
}

/// The service's alerts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Alerts {
    /// Which alerts are the service's: those that all matchers of one entry mean. `$namespace` is filled in.
    pub filters: Vec<Vec<String>>,
    /// Matchers of alerts that always fire: without one of them an empty list proves nothing.
    pub always_firing: Vec<String>,
    /// Severities, the worst first.
    pub severities: Vec<String>,
    /// How old the newest word of an always-firing alert may be, seconds: it is sent again and again. Of any other alert only where
    /// Alertmanager does not say until when it fires.
    #[serde(with = "seconds")]
    pub update_age: Duration,
    /// How to tell which SOP an alert is for: the first entry that fits counts, links before names before labels.
    pub sops: Vec<SopAlerts>,
}

/// How to tell that an alert is for an SOP: by a link to its heading, else by its name, else by its labels.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SopAlerts {
    /// The SOP's id.
    pub sop: String,
    /// Anchors of its heading, as the alert's runbook link ends.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// Regular expressions on the alert's name.
    #[serde(default)]
    pub names: Vec<Compiled<Regex>>,
    /// Matchers of labels, all of one entry must hold.
    #[serde(default)]
    pub labels: Vec<Vec<Compiled<Matcher>>>,
}

/// What counts in the error tracker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tracker {
    /// Levels that count: `fatal`, `error`.
    pub levels: Vec<String>,
    /// How long before the incident's beginning an issue may have been seen first and still be new, seconds.
    #[serde(with = "seconds")]
    pub before: Duration,
}
