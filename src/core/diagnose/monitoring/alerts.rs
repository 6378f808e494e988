//! The service's alerts now, from Alertmanager and from the rules, and which SOP each is for.

use crate::safe;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::is_configured;
use crate::observe::observation::{ActiveAlert, AlertRule, FiringAlert, Labels, Silence};
use crate::observe::source::SourceId;
use crate::observe::state::State;
use crate::profile::Profile;
use crate::profile::monitoring::compiled::Compiled;
use crate::profile::monitoring::matcher::Matcher;
use crate::profile::monitoring::{Alerts, SopAlerts};
use crate::text::SafeText;
use crate::text::duration;

/// How much later than the server's our clock may be when it says that an alert has ended.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(30);

/// Annotations and labels that link to an alert's procedure.
const LINKS: [&str; 5] = ["runbook", "runbook_url", "sop_url", "sop", "link_url"];

/// An alert of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceAlert {
    /// Its name.
    pub name: SafeText,
    /// The id of the SOP that it is for; `None` where that can't be told.
    pub sop: Option<String>,
    /// Its severity; empty where it has none.
    pub severity: SafeText,
    /// How it is.
    pub state: AlertState,
    /// Since when its condition holds, as far as that is known.
    pub began_at: Option<Timestamp>,
    /// Since when it fires.
    pub firing_since: Option<Timestamp>,
    /// What it says; may be empty.
    pub message: SafeText,
    /// The expression that it comes from; empty where that can't be seen.
    pub expression: SafeText,
    /// Its place among the severities, the worst first.
    #[serde(skip)]
    rank: usize,
}

/// How an alert is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// It fires.
    Firing,
    /// Its condition holds, and it will fire if that lasts.
    Pending {
        /// When; `None` where that can't be told.
        fires_at: Option<Timestamp>,
    },
    /// It fires, and a silence keeps it from being sent.
    Silenced {
        /// The person who silenced; empty where the silence can't be read.
        by: SafeText,
        /// Why; may be empty.
        comment: SafeText,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// It fires, and another alert keeps it from being sent.
    Inhibited,
}

impl ServiceAlert {
    /// Whether it fires and nothing holds it back.
    pub fn is_firing(&self) -> bool {
        self.state == AlertState::Firing
    }

    /// `ManagedServicesApiDown fires for 12m (condition holds for 27m)`.
    pub fn words(&self, now: Timestamp) -> SafeText {
        let since = |at: Timestamp| duration::brief(now.duration_since(at).max(SignedDuration::ZERO));
        let name = &self.name;
        let held = self.began_at.map(since);
        match &self.state {
            AlertState::Firing => match (self.firing_since.map(since), held) {
                (Some(fires), Some(held)) if fires != held => {
                    safe!("{name} fires for {fires} (its condition holds for {held})")
                }
                (Some(fires), _) => safe!("{name} fires for {fires}"),
                (None, Some(held)) => safe!("{name} fires, its condition holds for {held}"),
                (None, None) => safe!("{name} fires"),
            },
            AlertState::Pending { fires_at } => {
                let held = held.map_or(SafeText::default(), |held| safe!(" for {held}"));
                let left =
                    fires_at.map(|at| duration::brief(at.duration_since(now).max(SignedDuration::ZERO)));
                let fires = left.map_or(SafeText::default(), |left| safe!(", fires in {left} if it lasts"));
                safe!("{name} pending: its condition holds{held}{fires}")
            }
            AlertState::Silenced { by, comment, until } => {
                let by = if by.is_empty() {
                    SafeText::default()
                } else {
                    safe!(" by {by}")
                };
                let until = until.map_or(SafeText::default(), |until| {
                    safe!(
                        " for another {}",
                        duration::brief(until.duration_since(now).max(SignedDuration::ZERO))
                    )
                });
                let why = if comment.is_empty() {
                    SafeText::default()
                } else {
                    safe!(": {comment}")
                };
                safe!("{name} fires, silenced{by}{until}{why}")
            }
            AlertState::Inhibited => safe!("{name} fires, held back by another alert"),
        }
    }
}

/// The service's alerts, those that fire first, the worst of them first. Empty where no source of alerts is configured, and where the
/// profile has none.
pub fn service_alerts(state: &State, profile: &Profile, now: Timestamp) -> Vec<ServiceAlert> {
    let Some(monitoring) = &profile.monitoring else {
        return Vec::new();
    };
    let mapping = Mapping::of(&monitoring.alerts);
    let rules: &[AlertRule] = match state.monitoring.rules() {
        Some((_, reading)) if state.is_fresh(&SourceId::AlertRules, now) => &reading.rules,
        _ => &[],
    };
    let manager = state.monitoring.alerts();
    let manager = manager.filter(|_| state.is_fresh(&SourceId::Alerts, now));
    let mut found = Vec::new();
    let sent = manager.map_or(&[] as &[FiringAlert], |(_, reading)| &reading.alerts);
    let sent: Vec<_> = sent
        .iter()
        .filter(|alert| is_current(alert, state, &monitoring.alerts, now))
        .collect();
    for alert in &sent {
        let silences = manager.map(|(_, reading)| &reading.silences);
        found.push(of_manager(alert, silences, rules, mapping));
    }
    for rule in rules {
        for active in &rule.active {
            let is_sent = sent.iter().any(|alert| is_same(active, alert));
            if !is_sent {
                found.push(of_rule(rule, active, mapping));
            }
        }
    }
    found.sort_by_key(|alert| {
        let order = match alert.state {
            AlertState::Firing => 0,
            AlertState::Pending { .. } => 1,
            AlertState::Inhibited => 2,
            AlertState::Silenced { .. } => 3,
        };
        (order, alert.rank, alert.began_at, alert.name.clone())
    });
    found
}

/// Whether an alert that Alertmanager has still fires. Prometheus sends it again at most once an evaluation of its rule, and these may be
/// minutes apart; each time its end moves four of them ahead. The end, not the last word, tells that nobody sends it any more.
fn is_current(alert: &FiringAlert, state: &State, alerts: &Alerts, now: Timestamp) -> bool {
    match alert.ends_at {
        Some(ends_at) => now.duration_since(ends_at) < state.paced(CLOCKS_DIFFER),
        None => now.duration_since(alert.updated_at) <= state.paced(duration::of(alerts.update_age)),
    }
}

/// The alert that chooses the SOP: where the alerts that fire are all for one SOP, the worst of them.
pub fn choosing_alert(alerts: &[ServiceAlert]) -> Option<&ServiceAlert> {
    let mut firing = alerts
        .iter()
        .filter(|alert| alert.is_firing() && alert.sop.is_some());
    let first = firing.next()?;
    firing.all(|other| other.sop == first.sop).then_some(first)
}

/// Whether any source of alerts is configured.
pub fn are_alerts_configured(state: &State) -> bool {
    is_configured(state, &SourceId::Alerts) || is_configured(state, &SourceId::AlertRules)
}

/// Whether Alertmanager shows by an always firing alert that alerts reach it.
pub fn is_alive(state: &State, profile: &Profile, now: Timestamp) -> bool {
    let Some(monitoring) = &profile.monitoring else {
        return false;
    };
    let limit = state.paced(duration::of(monitoring.alerts.update_age));
    state.monitoring.alerts().is_some_and(|(_, reading)| {
        reading
            .alive
            .as_ref()
            .is_some_and(|alive| now.duration_since(alive.updated_at) <= limit)
    })
}

/// The rules of an SOP.
pub(in crate::diagnose) fn rules_of<'r>(
    rules: &'r [AlertRule],
    profile: &Profile,
    sop: &str,
) -> Vec<&'r AlertRule> {
    let Some(monitoring) = &profile.monitoring else {
        return Vec::new();
    };
    let mapping = Mapping::of(&monitoring.alerts);
    let is_of = |rule: &&AlertRule| {
        let (name, labels) = (&rule.name, &rule.labels);
        mapping.sop_of(name, labels, &rule.annotations).as_deref() == Some(sop)
    };
    rules.iter().filter(is_of).collect()
}

fn of_manager(
    alert: &FiringAlert,
    silences: Option<&BTreeMap<SafeText, Silence>>,
    rules: &[AlertRule],
    mapping: Mapping<'_>,
) -> ServiceAlert {
    let name = label(&alert.labels, "alertname");
    let rule = rules.iter().find(|rule| rule.name == name);
    let active = rules
        .iter()
        .flat_map(|rule| &rule.active)
        .find(|active| is_same(active, alert));
    let of_rule = rule.and_then(|rule| {
        let held = SignedDuration::from_secs(i64::try_from(rule.for_s?).ok()?);
        alert.starts_at.checked_sub(held).ok()
    });
    let began_at = active.and_then(|active| active.active_at).or(of_rule);
    let silence = alert.silenced_by.first();
    let state = if let Some(id) = silence {
        let silence = silences.and_then(|silences| silences.get(id));
        AlertState::Silenced {
            by: silence.map(|silence| silence.by.clone()).unwrap_or_default(),
            comment: silence.map(|silence| silence.comment.clone()).unwrap_or_default(),
            until: silence.map(|silence| silence.ends_at),
        }
    } else if alert.inhibited {
        AlertState::Inhibited
    } else {
        AlertState::Firing
    };
    ServiceAlert {
        sop: mapping.sop_of(&name, &alert.labels, &alert.annotations),
        rank: mapping.rank(&alert.labels),
        severity: label(&alert.labels, "severity"),
        state,
        began_at: Some(began_at.unwrap_or(alert.starts_at)),
        firing_since: Some(alert.starts_at),
        message: message(&alert.annotations),
        expression: alert
            .expression
            .clone()
            .or_else(|| rule.map(|rule| rule.expression.clone()))
            .unwrap_or_default(),
        name,
    }
}

fn of_rule(rule: &AlertRule, active: &ActiveAlert, mapping: Mapping<'_>) -> ServiceAlert {
    let fires_at = rule.for_s.and_then(|held| {
        let held = SignedDuration::from_secs(i64::try_from(held).ok()?);
        active.active_at?.checked_add(held).ok()
    });
    let state = if active.firing {
        AlertState::Firing
    } else {
        AlertState::Pending { fires_at }
    };
    ServiceAlert {
        name: rule.name.clone(),
        sop: mapping.sop_of(&rule.name, &active.labels, &rule.annotations),
        rank: mapping.rank(&active.labels),
        severity: label(&active.labels, "severity"),
        firing_since: fires_at.filter(|_| active.firing),
        state,
        began_at: active.active_at,
        message: message(&rule.annotations),
        expression: rule.expression.clone(),
    }
}

/// Whether a rule's alert is one that Alertmanager has, which adds labels of its own.
fn is_same(active: &ActiveAlert, alert: &FiringAlert) -> bool {
    active.firing
        && active
            .labels
            .iter()
            .all(|(name, value)| alert.labels.get(name) == Some(value))
}

fn label(labels: &Labels, name: &str) -> SafeText {
    labels.get(&SafeText::new(name)).cloned().unwrap_or_default()
}

fn message(annotations: &Labels) -> SafeText {
    let named = ["message", "summary", "description"].map(|name| label(annotations, name));
    named
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// How to tell an alert's SOP.
#[derive(Clone, Copy)]
struct Mapping<'p> {
    alerts: &'p Alerts,
}

impl<'p> Mapping<'p> {
    fn of(alerts: &'p Alerts) -> Self {
        Self { alerts }
    }

    fn sop_of(self, name: &SafeText, labels: &Labels, annotations: &Labels) -> Option<String> {
        let linked = LINKS
            .iter()
            .flat_map(|link| [label(annotations, link), label(labels, link)]);
        let anchors: Vec<_> = linked
            .filter_map(|link| Some(link.rsplit_once('#')?.1.to_ascii_lowercase()))
            .collect();
        let by_link = |of_sop: &&SopAlerts| of_sop.anchors.iter().any(|anchor| anchors.contains(anchor));
        let by_name = |of_sop: &&SopAlerts| {
            let mut patterns = of_sop.names.iter().filter_map(Compiled::pattern);
            patterns.any(|pattern| pattern.is_match(name))
        };
        let by_labels = |of_sop: &&SopAlerts| {
            let holds = |one: &Compiled<Matcher>| one.pattern().is_some_and(|one| one.matches(labels));
            let all = |all: &Vec<_>| !all.is_empty() && all.iter().all(holds);
            of_sop.labels.iter().any(all)
        };
        let sops = || self.alerts.sops.iter();
        let found = sops()
            .find(by_link)
            .or_else(|| sops().find(by_name))
            .or_else(|| sops().find(by_labels));
        found.map(|of_sop| of_sop.sop.clone())
    }

    /// A severity's place; one that is not known comes last.
    fn rank(self, labels: &Labels) -> usize {
        let severity = label(labels, "severity");
        let known = self
            .alerts
            .severities
            .iter()
            .position(|known| **known == *severity);
        known.unwrap_or(self.alerts.severities.len())
    }
}
