//! The decision table as a profile writes it: rules over a closed set of [conditions](crate::diagnose::conditions).

use serde::{Deserialize, Serialize};

use crate::diagnose::conditions::Condition;

/// What an SOP's alert is about: a rule applies to some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alert {
    /// No pod serves.
    Down,
    /// Requests fail or are slow.
    Requests,
    /// OSD clusters are not provisioned.
    Osd,
    /// Kafka clusters are not provisioned or deleted.
    Kafka,
}

/// One row of the decision table.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Names it: `no-leader`.
    pub id: String,
    /// What it says, in a few words.
    pub title: String,
    /// The alerts it applies to; none means all.
    #[serde(default)]
    pub applies: Vec<Alert>,
    /// When it holds.
    pub when: Condition,
    /// What to do then.
    pub then: RuleAdvice,
    /// What to do instead when the pods were restarted for it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<RuleAdvice>,
    /// What it rests on in the SOP.
    pub basis: String,
    /// Why it may say otherwise than the SOP's words, taken literally; empty where it never does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub differs: String,
}

impl Rule {
    /// Whether it is of use for this alert.
    pub fn applies_to(&self, alert: Alert) -> bool {
        self.applies.is_empty() || self.applies.contains(&alert)
    }
}

/// What to do, and the contact to turn to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleAdvice {
    /// What to do.
    pub action: Advice,
    /// For an escalation: the contact's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// What can be recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Nothing is wrong.
    None,
    /// Wait: something is settling.
    Wait,
    /// Get access to what cannot be read.
    Gather,
    /// Start pods: none runs.
    StartPods,
    /// Restart the pods.
    RestartPods,
    /// Run more pods.
    ScaleUp,
    /// Turn to somebody.
    Escalate,
}

impl Advice {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Wait,
        Self::Gather,
        Self::StartPods,
        Self::RestartPods,
        Self::ScaleUp,
        Self::Escalate,
    ];

    /// As files write it: `restart-pods`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Wait => "wait",
            Self::Gather => "gather",
            Self::StartPods => "start-pods",
            Self::RestartPods => "restart-pods",
            Self::ScaleUp => "scale-up",
            Self::Escalate => "escalate",
        }
    }

    /// As people say it: `restart the pods`.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "no action needed",
            Self::Wait => "wait",
            Self::Gather => "restore access",
            Self::StartPods => "start the pods",
            Self::RestartPods => "restart the pods",
            Self::ScaleUp => "run more pods",
            Self::Escalate => "escalate",
        }
    }

    /// Whether it changes the cluster.
    pub fn is_change(self) -> bool {
        matches!(self, Self::StartPods | Self::RestartPods | Self::ScaleUp)
    }
}
