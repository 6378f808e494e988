//! The alerting rules of the drill's Prometheus, and which of them are pending or firing.
//!
//! What the service's own counters can tell is computed from them. The counters of what the leaders make lag and can miss (they grow a few
//! times a day): there the scenario says since when the condition holds, and the world when it no longer does.

use std::collections::BTreeMap;

use super::figures;
use super::history::{History, KEPT, forget_before};
use super::loaded::{DataFault, Loaded};
use super::series::{Labels, NAME, Sample, Series, labels};
use super::vector::Vector;
use crate::world::NAMESPACE;

/// How often the rules are evaluated, ms.
pub const INTERVAL: i64 = 30_000;
/// The longest window of a rule, ms.
const LONGEST_WINDOW: i64 = 6 * 3_600_000;
const MINUTE: i64 = 60_000;
const RUNBOOK: &str = "https://example.test/sops/managed-services-api.md#";
const SERVICE_LABEL: (&str, &str) = ("service", "managed-services-api");

/// What a rule asks.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// It always fires.
    Always,
    /// No pod can be scraped.
    Down,
    /// The share of 5xx answers in both windows (minutes) is over a limit.
    Errors(i64, i64, f64),
    /// The share of answers over a bound in both windows (minutes) is over a limit.
    Slow(&'static str, i64, i64, f64),
    /// The CPU of a pod is throttled.
    Throttled,
    /// What the scenario says.
    Scenario,
}

impl Ask {
    /// What a share has to be over.
    fn limit(self) -> f64 {
        match self {
            Self::Errors(_, _, limit) | Self::Slow(_, _, _, limit) => limit,
            _ => 0.0,
        }
    }

    /// Whether the samples tell when it no longer holds.
    fn is_a_share(self) -> bool {
        matches!(self, Self::Errors(..) | Self::Slow(..))
    }
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `alertname`.
    pub name: &'static str,
    /// Its expression.
    pub query: String,
    /// `for`, ms.
    pub hold: i64,
    pub labels: Labels,
    pub annotations: Labels,
    ask: Ask,
}

/// An alert of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveAlert {
    /// With `alertname`.
    pub labels: Labels,
    /// When the condition began to hold, ms since 1970.
    pub active_at: i64,
    /// When it began to fire.
    pub fired_at: Option<i64>,
    pub value: f64,
}

/// An alert of the scenario: its condition holds from the one moment to the other, whatever the samples say.
#[derive(Clone, Debug)]
pub struct ScriptedAlert {
    /// The place of its rule.
    pub rule: usize,
    pub since: i64,
    /// Without it the condition ends when the world is well again.
    pub until: Option<i64>,
}

/// The rules and their alerts.
#[derive(Debug)]
pub struct Rules {
    all: Vec<Rule>,
    scripted: Vec<ScriptedAlert>,
    active: Vec<BTreeMap<Labels, ActiveAlert>>,
    /// When they are evaluated first and were evaluated last, ms since 1970.
    first: i64,
    last: Option<i64>,
    /// When `ALERTS` changed, and to what: for range queries and what was.
    changes: Vec<(i64, Vec<NotedAlert>)>,
}

/// An alert as it was at a moment: labels, since when its condition held, whether it fired.
type NotedAlert = (Labels, i64, bool);

/// What a query of this namespace's series is limited to.
const SHARES: &str = r#"namespace="managed-services-stage""#;

/// Every rule; the first of a name is the one that a scenario means.
fn all_rules() -> Vec<Rule> {
    let mut all = rules_on_requests();
    all.extend(rules_on_making());
    all.extend(other_rules());
    all
}

/// Those on the service's requests.
fn rules_on_requests() -> Vec<Rule> {
    let job = r#"job="managed-services-api-metrics",namespace="managed-services-stage""#;
    let errors = |window: &str| format!("managed_services_api:errors:ratio_rate{window}");
    let slow = |bound: &str, window: &str| format!("managed_services_api:latency_{bound}:ratio_rate{window}");
    let burn = |ratio: &dyn Fn(&str) -> String, short: &str, long: &str, limit: &str| {
        format!("{} > {limit} and {} > {limit}", ratio(short), ratio(long))
    };
    let in_namespace = ("namespace", NAMESPACE);
    let burn_labels = |severity: &'static str, short: &'static str, long: &'static str| {
        labels(&[
            in_namespace,
            SERVICE_LABEL,
            ("severity", severity),
            ("short_burnrate_window", short),
            ("long_burnrate_window", long),
        ])
    };
    vec![
        Rule {
            name: "ManagedServicesApiDown",
            query: format!("absent(up{{{job}}} == 1)"),
            hold: 15 * MINUTE,
            // an expression that is absent has no labels, so that the namespace is missing
            labels: labels(&[SERVICE_LABEL, ("severity", "critical")]),
            annotations: about(
                "No pod of Managed Services API can be scraped",
                "managed-services-api-down",
            ),
            ask: Ask::Down,
        },
        Rule {
            name: "ManagedServicesApiAvailability",
            query: burn(&errors, "5m", "1h", "13.44 * 0.01"),
            hold: 2 * MINUTE,
            labels: burn_labels("critical", "5m", "1h"),
            annotations: about(
                "Managed Services API answers too many 5xx",
                "managed-services-api-availability",
            ),
            ask: Ask::Errors(5, 60, 13.44 * 0.01),
        },
        Rule {
            name: "ManagedServicesApiAvailability",
            query: burn(&errors, "30m", "6h", "5.6 * 0.01"),
            hold: 15 * MINUTE,
            labels: burn_labels("warning", "30m", "6h"),
            annotations: about(
                "Managed Services API answers too many 5xx",
                "managed-services-api-availability",
            ),
            ask: Ask::Errors(30, 360, 5.6 * 0.01),
        },
        Rule {
            name: "ManagedServicesApiLatency1s",
            query: burn(&|window| slow("1s", window), "30m", "6h", "5.6 * 0.01"),
            hold: 15 * MINUTE,
            labels: burn_labels("warning", "30m", "6h"),
            annotations: about("Managed Services API is slow", "managed-services-api-latency"),
            ask: Ask::Slow("1", 30, 360, 5.6 * 0.01),
        },
        Rule {
            name: "ManagedServicesApiLatency100ms",
            query: burn(&|window| slow("100ms", window), "30m", "6h", "5.6 * 0.1"),
            hold: 15 * MINUTE,
            labels: burn_labels("warning", "30m", "6h"),
            annotations: about("Managed Services API is slow", "managed-services-api-latency"),
            ask: Ask::Slow("0.1", 30, 360, 5.6 * 0.1),
        },
    ]
}

/// Those on what the leaders make and delete.
fn rules_on_making() -> Vec<Rule> {
    let shares = SHARES;
    let made = |kind: &str, within: u32, least: f64| {
        format!(
            "sum(rate(managed_services_api_worker_{kind}_duration_bucket{{jobType=\"{kind}_create\",le=\"{within}\",{shares}}}[1h])) \
             / sum(rate(managed_services_api_worker_{kind}_duration_count{{jobType=\"{kind}_create\",{shares}}}[1h])) < {least}"
        )
    };
    let failed = |kind: &str, operation: &str| {
        format!(
            "1 - sum(increase(managed_services_api_{kind}_operations_success_count{{{shares},operation=\"{operation}\"}}[1h])) \
             / sum(increase(managed_services_api_{kind}_operations_total_count{{{shares},operation=\"{operation}\"}}[1h])) > 0.01"
        )
    };
    let in_namespace = ("namespace", NAMESPACE);
    let with = |severity: &str, extra: &[(&str, &str)]| {
        let mut all = labels(&[in_namespace, SERVICE_LABEL, ("severity", severity)]);
        all.extend(labels(extra));
        all
    };
    vec![
        Rule {
            name: "KafkaClusterProvisioningLatency",
            query: made("kafka", 360, 0.99),
            hold: 5 * MINUTE,
            labels: with("warning", &[("jobType", "kafka_create")]),
            annotations: about(
                "Kafka clusters are made too slowly",
                "kafka-cluster-provisioning-latency",
            ),
            ask: Ask::Scenario,
        },
        Rule {
            name: "KafkaClusterProvisioningCorrectness",
            query: failed("kafka", "create"),
            hold: 5 * MINUTE,
            labels: with("warning", &[("operation", "create")]),
            annotations: about(
                "The creation of Kafka clusters fails",
                "kafka-cluster-provisioning-correctness",
            ),
            ask: Ask::Scenario,
        },
        Rule {
            name: "KafkaClusterDeletionCorrectness",
            query: failed("kafka", "delete"),
            hold: 5 * MINUTE,
            labels: with("warning", &[("operation", "delete")]),
            annotations: about(
                "The deletion of Kafka clusters fails",
                "kafka-cluster-deletion-correctness",
            ),
            ask: Ask::Scenario,
        },
        Rule {
            name: "OsdClusterProvisioningLatency",
            query: made("cluster", 3_600, 0.9),
            hold: 15 * MINUTE,
            labels: with("warning", &[("jobType", "cluster_create")]),
            annotations: about(
                "OSD clusters are made too slowly",
                "osd-cluster-provisioning-latency",
            ),
            ask: Ask::Scenario,
        },
        Rule {
            name: "OsdClusterProvisioningCorrectness",
            query: failed("cluster", "create"),
            hold: 15 * MINUTE,
            labels: with("warning", &[]),
            annotations: about(
                "The creation of OSD clusters fails",
                "osd-cluster-provisioning-correctness",
            ),
            ask: Ask::Scenario,
        },
    ]
}

/// A note on a busy container, and the alert that always fires.
fn other_rules() -> Vec<Rule> {
    let shares = SHARES;
    vec![
        Rule {
            name: "ContainerCpuThrottled",
            query: format!(
                "sum by (namespace, pod, container) (rate(container_cpu_cfs_throttled_periods_total{{container=\"service\",{shares}}}[5m])) \
                 / sum by (namespace, pod, container) (rate(container_cpu_cfs_periods_total{{container=\"service\",{shares}}}[5m])) > 0.25"
            ),
            hold: MINUTE,
            labels: labels(&[("severity", "info")]),
            annotations: Labels::new(),
            ask: Ask::Throttled,
        },
        Rule {
            name: "Watchdog",
            query: "vector(1)".to_owned(),
            hold: 0,
            labels: labels(&[("severity", "none")]),
            annotations: Labels::new(),
            ask: Ask::Always,
        },
    ]
}

fn about(message: &str, anchor: &str) -> Labels {
    labels(&[("message", message), ("runbook", &format!("{RUNBOOK}{anchor}"))])
}

/// The places of the rules by their names: what a scenario may name.
pub fn place_of(name: &str) -> Option<usize> {
    all_rules().iter().position(|rule| rule.name == name)
}

/// The names that a scenario may use.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = all_rules().iter().map(|rule| rule.name).collect();
    names.dedup();
    names
}

impl Rules {
    /// The rules, evaluated from a moment on.
    pub fn new(scripted: Vec<ScriptedAlert>, first: i64) -> Self {
        let all = all_rules();
        Self {
            active: vec![BTreeMap::new(); all.len()],
            all,
            scripted,
            first,
            last: None,
            changes: Vec::new(),
        }
    }

    /// The rules, and the alerts of each.
    pub fn each(&self) -> impl Iterator<Item = (&Rule, Vec<&ActiveAlert>)> {
        let active = self.active.iter().map(|alerts| alerts.values().collect());
        self.all.iter().zip(active)
    }

    /// Their expressions.
    pub fn expressions(&self) -> Vec<String> {
        self.all.iter().map(|rule| rule.query.clone()).collect()
    }

    /// When they were evaluated last, ms since 1970.
    pub fn evaluated(&self) -> i64 {
        self.last.unwrap_or(self.first)
    }

    /// The world is well from a moment on: conditions of the scenario that last as long as its trouble end.
    pub fn recover(&mut self, at: i64) {
        let all = &self.all;
        for script in &mut self.scripted {
            if script.until.is_none() && !all[script.rule].ask.is_a_share() {
                script.until = Some(at);
            }
        }
    }

    /// Whether a condition of the scenario waits for the end of the trouble.
    pub fn waits_for_recovery(&self) -> bool {
        let waits =
            |script: &ScriptedAlert| script.until.is_none() && !self.all[script.rule].ask.is_a_share();
        self.scripted.iter().any(waits)
    }

    /// Evaluates the rules up to a moment, as often as they would have been.
    pub fn advance(&mut self, to: i64, history: &History) {
        let mut at = self.last.map_or(self.first, |last| last + INTERVAL);
        if at > to {
            return;
        }
        let data = Loaded::new(history, at, to, LONGEST_WINDOW, DataFault::default());
        while at <= to {
            for place in 0..self.all.len() {
                let found = self.holds(place, at, &data);
                self.take(place, at, &found);
            }
            self.last = Some(at);
            self.note(at);
            at += INTERVAL;
        }
    }

    /// The elements of a rule's expression at a moment.
    pub fn evaluate(&self, place: usize, at: i64, data: &Loaded<'_>) -> Vector {
        let Some(rule) = self.all.get(place) else {
            return Vector::new();
        };
        let over = |short: Vector, long: &dyn Fn() -> Vector, limit: f64| {
            let mut short = short;
            short.retain(|_, value| *value > limit);
            if short.is_empty() || long().values().all(|value| *value <= limit || value.is_nan()) {
                return Vector::new();
            }
            short
        };
        match rule.ask {
            Ask::Always => Vector::from([(Labels::new(), 1.0)]),
            Ask::Down => {
                let up = data.series("up");
                let is_up = up
                    .iter()
                    .any(|one| one.instant(at).is_some_and(|(_, value)| value > 0.5));
                if is_up {
                    Vector::new()
                } else {
                    Vector::from([(Labels::new(), 1.0)])
                }
            }
            Ask::Errors(short, long, limit) => over(
                figures::error_share(data, at, short * MINUTE),
                &|| figures::error_share(data, at, long * MINUTE),
                limit,
            ),
            Ask::Slow(bound, short, long, limit) => over(
                figures::slow_share(data, at, short * MINUTE, bound),
                &|| figures::slow_share(data, at, long * MINUTE, bound),
                limit,
            ),
            Ask::Throttled => {
                let mut shares = figures::throttled_share(data, at, 5 * MINUTE);
                shares.retain(|_, share| *share > 0.25);
                let with = labels(&[("namespace", NAMESPACE), ("container", "service")]);
                let named = shares.into_iter().map(|(mut pod, share)| {
                    pod.extend(with.clone());
                    (pod, share)
                });
                named.collect()
            }
            Ask::Scenario => Vector::new(),
        }
    }

    fn holds(&self, place: usize, at: i64, data: &Loaded<'_>) -> Vector {
        let found = self.evaluate(place, at, data);
        let of_scenario = |script: &&ScriptedAlert| {
            script.rule == place && script.since <= at && script.until.is_none_or(|until| at < until)
        };
        let Some(script) = self
            .scripted
            .iter()
            .find(of_scenario)
            .filter(|_| found.is_empty())
        else {
            return found;
        };
        // the scenario says that the long window is over its limit too, which would take longer than people practise
        let mut short = match self.all[place].ask {
            Ask::Errors(short, ..) if script.until.is_none() => {
                figures::error_share(data, at, short * MINUTE)
            }
            Ask::Slow(bound, short, ..) if script.until.is_none() => {
                figures::slow_share(data, at, short * MINUTE, bound)
            }
            _ => return Vector::from([(Labels::new(), 0.42)]),
        };
        let limit = self.all[place].ask.limit();
        short.retain(|_, share| *share > limit);
        short
    }

    fn take(&mut self, place: usize, at: i64, found: &Vector) {
        let rule = &self.all[place];
        let active = &mut self.active[place];
        active.retain(|labels, _| found.contains_key(labels));
        // where the scenario's condition is older than the first evaluation, so is the alert
        let earlier = self.scripted.iter().find(|script| script.rule == place);
        let earlier = earlier
            .map(|script| script.since)
            .filter(|since| *since < self.first);
        for (own, value) in found {
            let alert = active.entry(own.clone()).or_insert_with(|| {
                let mut labels = own.clone();
                labels.extend(rule.labels.clone());
                labels.insert("alertname".to_owned(), rule.name.to_owned());
                let first = at == self.first;
                ActiveAlert {
                    labels,
                    active_at: earlier.filter(|_| first).unwrap_or(at),
                    fired_at: None,
                    value: *value,
                }
            });
            alert.value = *value;
            if alert.fired_at.is_none() && at - alert.active_at >= rule.hold {
                alert.fired_at = Some(if at == self.first {
                    alert.active_at + rule.hold
                } else {
                    at
                });
            }
        }
    }

    /// Keeps which alerts there were, where that changed.
    fn note(&mut self, at: i64) {
        let alerts = self.active.iter().flat_map(BTreeMap::values);
        let now: Vec<_> = alerts
            .map(|alert| (alert.labels.clone(), alert.active_at, alert.fired_at.is_some()))
            .collect();
        if self.changes.last().is_none_or(|(_, last)| *last != now) {
            self.changes.push((at, now));
            forget_before(&mut self.changes, at - KEPT);
        }
    }

    /// `ALERTS` or `ALERTS_FOR_STATE`, which Prometheus keeps as series, in a window.
    pub fn series(&self, metric: &str, from: i64, to: i64) -> Vec<Series> {
        let mut all: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        let last = self.evaluated();
        let first = self.first + (from - self.first).max(0) / INTERVAL * INTERVAL;
        let ticks = (0..).map(|n| first + n * INTERVAL);
        for at in ticks.take_while(|at| *at <= to.min(last)).filter(|at| *at > from) {
            let until = self.changes.partition_point(|(changed, _)| *changed <= at);
            let known = until.checked_sub(1).map(|place| &self.changes[place].1);
            let mut there = Vec::new();
            for (own, active_at, fires) in known.into_iter().flatten() {
                let mut labels = own.clone();
                labels.insert(NAME.to_owned(), metric.to_owned());
                let value = if metric == "ALERTS" {
                    let state = if *fires { "firing" } else { "pending" };
                    labels.insert("alertstate".to_owned(), state.to_owned());
                    1.0
                } else {
                    (*active_at / 1_000) as f64
                };
                let value = Some(value);
                all.entry(labels.clone()).or_default().push(Sample { at, value });
                there.push(labels);
            }
            for (labels, samples) in &mut all {
                if !there.contains(labels) && samples.last().is_some_and(|last| last.value.is_some()) {
                    samples.push(Sample { at, value: None });
                }
            }
        }
        let series = all
            .into_iter()
            .map(|(labels, samples)| Series { labels, samples });
        series.collect()
    }
}
