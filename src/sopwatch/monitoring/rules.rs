//! The alerting rules of a metrics source; where only queries are allowed, what `ALERTS` and `ALERTS_FOR_STATE` show of them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::http_client::HttpClient;
use super::options::ServiceFilter;
use super::poll_loop::Poll;
use super::prometheus::{Alert, Prometheus, QueryError, Rule, RuleGroup, shown_labels};
use super::refusals::{Refusal, visible, visible_up_to};
use sopwatch_core::observe::observation::{
    ActiveAlert, AlertRule, Answer, Labels, Observation, RulesReading,
};
use sopwatch_core::observe::source::{ProblemKind, SourceId};
use sopwatch_core::observe::state::RULES_EVERY;
use sopwatch_core::text::SafeText;

/// Rules that are kept.
const MOST: usize = 200;

/// Characters of an expression that are kept.
const EXPRESSION: usize = 500;

/// Asks for the rules.
pub(super) struct Rules {
    prometheus: Prometheus,
    filter: ServiceFilter,
}

impl Rules {
    pub(super) fn new(prometheus: Prometheus, filter: ServiceFilter) -> Self {
        Self { prometheus, filter }
    }

    /// What queries show, where the rules themselves can't be had: those whose condition holds, and no quiet one.
    async fn by_queries(&self) -> Result<RulesReading, QueryError> {
        let mut rules: BTreeMap<SafeText, AlertRule> = BTreeMap::new();
        let mut warnings = Vec::new();
        for matchers in &self.filter.0 {
            let selector: Vec<_> = matchers.iter().map(ToString::to_string).collect();
            let selector = selector.join(",");
            let states = self.prometheus.query(&format!("ALERTS{{{selector}}}")).await?;
            let began = self
                .prometheus
                .query(&format!("ALERTS_FOR_STATE{{{selector}}}"))
                .await?;
            warnings.extend(states.warnings.iter().chain(&began.warnings).cloned());
            for (labels, firing) in alerts_of(&states) {
                let active_at = began_at(&began, &labels);
                let name = labels
                    .get(&SafeText::new("alertname"))
                    .cloned()
                    .unwrap_or_default();
                let rule = rules.entry(name.clone()).or_insert_with(|| unseen_rule(name));
                let alert = ActiveAlert {
                    labels,
                    firing,
                    active_at,
                };
                if !rule.active.contains(&alert) {
                    rule.active.push(alert);
                }
            }
        }
        Ok(RulesReading {
            rules: rules.into_values().collect(),
            complete: false,
            left_out: 0,
            warnings,
        })
    }
}

impl Poll for Rules {
    fn id(&self) -> SourceId {
        SourceId::AlertRules
    }

    fn every(&self) -> Duration {
        RULES_EVERY.unsigned_abs()
    }

    fn client(&self) -> &HttpClient {
        &self.prometheus.client
    }

    async fn poll(&mut self) -> Result<Vec<Observation>, Refusal> {
        let reading = match self.prometheus.rules().await {
            Ok((groups, warnings)) => Ok(of_groups(groups, warnings, &self.filter)),
            // The tenancy port of queries has no rules; a role may read metrics and not rules.
            Err(QueryError::Source(refusal)) if has_no_rules(refusal.problem.kind) => {
                match self.by_queries().await {
                    // The tenancy port of rules has no queries: why the rules can't be had is the reason.
                    Err(QueryError::Source(second)) if second.problem.kind == ProblemKind::NotFound => {
                        Err(QueryError::Source(refusal))
                    }
                    by_queries => by_queries,
                }
            }
            Err(error) => Err(error),
        };
        match reading {
            Ok(reading) => Ok(vec![Observation::AlertRules(reading)]),
            Err(QueryError::Source(refusal)) => Err(refusal),
            Err(QueryError::Query(why)) => {
                let client = &self.prometheus.client;
                Err(client
                    .problem(ProblemKind::ServerError, "read alert rules", &why)
                    .into())
            }
        }
    }
}

fn has_no_rules(kind: ProblemKind) -> bool {
    matches!(kind, ProblemKind::NotFound | ProblemKind::Forbidden)
}

/// The service's rules of all groups.
fn of_groups(groups: Vec<RuleGroup>, warnings: Vec<SafeText>, filter: &ServiceFilter) -> RulesReading {
    let mut rules: Vec<_> = groups
        .into_iter()
        .flat_map(|group| {
            let interval = group.interval;
            let rules = group.rules.into_iter();
            rules.map(move |rule| (interval, rule))
        })
        .filter(|(_, rule)| rule.kind != "recording")
        .map(|(interval, rule)| of_rule(interval, rule))
        .filter(|rule| {
            let by_alert = rule.active.iter().any(|alert| filter.matches(&alert.labels));
            by_alert || filter.matches(&with_name(rule))
        })
        .collect();
    let left_out = rules.len().saturating_sub(MOST) as u64;
    rules.truncate(MOST);
    RulesReading {
        rules,
        complete: true,
        left_out,
        warnings,
    }
}

fn with_name(rule: &AlertRule) -> Labels {
    let mut labels = rule.labels.clone();
    labels.insert("alertname".into(), rule.name.clone());
    labels
}

fn of_rule(interval: Option<f64>, rule: Rule) -> AlertRule {
    let active = |alert: Alert| ActiveAlert {
        labels: shown_labels(alert.labels),
        firing: alert.state.eq_ignore_ascii_case("firing"),
        active_at: alert.active_at,
    };
    let seconds = |span: f64| span.max(0.0).round() as u64;
    let error = rule.last_error.filter(|error| !error.trim().is_empty());
    AlertRule {
        name: visible(&rule.name),
        labels: shown_labels(rule.labels),
        annotations: shown_labels(rule.annotations),
        expression: visible_up_to(&rule.query, EXPRESSION),
        for_s: rule.duration.map(seconds),
        interval_s: interval.map(seconds),
        // A rule that was never evaluated has the year 1.
        evaluated_at: rule.last_evaluation.filter(|at| *at > Timestamp::UNIX_EPOCH),
        error: error.map(|error| visible_up_to(&error, 160)),
        healthy: rule.health.eq_ignore_ascii_case("ok"),
        active: rule.alerts.into_iter().map(active).collect(),
    }
}

/// The labels of each alert in `ALERTS`, and whether it fires.
fn alerts_of(answer: &Answer) -> impl Iterator<Item = (Labels, bool)> {
    answer.rows.iter().map(|row| {
        let firing = row.label("alertstate").is_some_and(|state| &**state == "firing");
        (own_labels(&row.labels), firing)
    })
}

/// When a condition began, by `ALERTS_FOR_STATE`.
fn began_at(answer: &Answer, labels: &Labels) -> Option<Timestamp> {
    let row = answer
        .rows
        .iter()
        .find(|row| own_labels(&row.labels) == *labels)?;
    let seconds = row.value.finite().filter(|seconds| *seconds > 0.0)?;
    Timestamp::from_second(seconds as i64).ok()
}

fn own_labels(labels: &[(SafeText, SafeText)]) -> Labels {
    let own = labels
        .iter()
        .filter(|(name, _)| !matches!(&**name, "__name__" | "alertstate"));
    own.cloned().collect()
}

/// A rule of which only its alerts can be seen.
fn unseen_rule(name: SafeText) -> AlertRule {
    AlertRule {
        name,
        labels: Labels::new(),
        annotations: Labels::new(),
        expression: SafeText::default(),
        for_s: None,
        interval_s: None,
        evaluated_at: None,
        error: None,
        healthy: false,
        active: Vec::new(),
    }
}
