//! What alert sources say: the alerts of the service, their silences, and the rules that they come from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::SafeText;

/// Labels or annotations by name.
pub type Labels = BTreeMap<SafeText, SafeText>;

/// One poll of Alertmanager: the alerts that fire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct AlertsReading {
    /// The service's alerts.
    pub alerts: Vec<FiringAlert>,
    /// Alerts of the service that are not in it, because there were too many.
    #[serde(default)]
    pub left_out: u64,
    /// The silences that the alerts name, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub silences: BTreeMap<SafeText, Silence>,
    /// The always firing alert that shows that alerts arrive; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<Alive>,
}

/// The newest word of an alert that always fires.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Alive {
    /// Its name: `Watchdog`.
    pub name: SafeText,
    /// When the server last heard of it.
    pub updated_at: Timestamp,
}

/// An alert that Alertmanager has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FiringAlert {
    /// What tells it from all others.
    pub fingerprint: SafeText,
    /// Its labels, `alertname` among them.
    pub labels: Labels,
    /// Its annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Labels,
    /// When it began to fire: later than its condition began.
    pub starts_at: Timestamp,
    /// When the server last heard of it.
    pub updated_at: Timestamp,
    /// Until when it is taken to fire if the server hears no more of it: moves on with each word. Records of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Ids of the silences that keep it from being sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silenced_by: Vec<SafeText>,
    /// Whether another alert keeps it from being sent.
    #[serde(default)]
    pub inhibited: bool,
    /// The expression that it comes from, where the alert says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<SafeText>,
}

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Silence {
    /// Until when.
    pub ends_at: Timestamp,
    /// The person who silenced, as the silence names them.
    pub by: SafeText,
    /// Why, as they wrote it.
    pub comment: SafeText,
}

/// One poll of the alerting rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct RulesReading {
    /// The service's rules.
    pub rules: Vec<AlertRule>,
    /// Whether these are all rules of the service: where only queries are allowed, quiet ones can't be seen.
    pub complete: bool,
    /// Rules that are not in it, because there were too many.
    #[serde(default)]
    pub left_out: u64,
    /// What the source warns of: something may be missing from the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<SafeText>,
}

/// An alerting rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AlertRule {
    /// The alert's name.
    pub name: SafeText,
    /// The rule's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
    /// The rule's annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Labels,
    /// Its expression; empty where it can't be seen.
    #[serde(default)]
    pub expression: SafeText,
    /// How long its condition must hold before it fires, seconds; `None` where that can't be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<u64>,
    /// How often it is evaluated, seconds; `None` where that can't be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<u64>,
    /// When it was last evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluated_at: Option<Timestamp>,
    /// Why it can't be evaluated; `None` where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SafeText>,
    /// Whether the source said that it can be evaluated.
    #[serde(default)]
    pub healthy: bool,
    /// Where its condition holds now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<ActiveAlert>,
}

/// Where a rule's condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ActiveAlert {
    /// The alert's labels, those of the rule among them.
    pub labels: Labels,
    /// Whether it fires; else it is pending.
    pub firing: bool,
    /// Since when the condition holds; `None` where the source does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_at: Option<Timestamp>,
}
