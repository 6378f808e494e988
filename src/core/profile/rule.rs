//! The decision table as a profile writes it: rules over a closed set of conditions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::profile::Role;

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

/// What to do, and whom to turn to.
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
            Self::None => "nothing to do",
            Self::Wait => "wait",
            Self::Gather => "get access to what can't be read",
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

/// When a rule holds. Each is true, false, or unknown for want of evidence.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    tag = "kind"
)]
pub enum Condition {
    /// A source without which nothing can be judged can't be read: the pods, or, with workers, both the logs and the database.
    Unreadable,
    /// A restart or a rollout is under way, or happened less than the settle window ago.
    Settling,
    /// No pod is ready, or none is asked for.
    NoPodReady {
        /// Only for this cause.
        because: Option<DownCause>,
    },
    /// A worker has no leader, or several.
    Leader {
        /// Which of the two.
        is: LeaderTrouble,
        /// The workers, by lease type.
        workers: Vec<String>,
    },
    /// The service crashes: panics, fatal errors, or restarts that climb.
    Crashing,
    /// Errors of one of these classes were written lately.
    Errors {
        /// Their ids; empty names errors that no class knows.
        classes: Vec<String>,
        /// How lately.
        #[serde(with = "crate::profile::seconds")]
        within: Duration,
        /// How many it takes; one that names a row over its limit suffices.
        at_least: usize,
    },
    /// Requests are slower than the objectives allow, by the request log or by the pods' own counters, or the CPU is at its limit for
    /// long. The request log is the required source: with it, it can be said that this does not hold; the others only add evidence.
    Saturated {
        /// How far back.
        #[serde(with = "crate::profile::seconds")]
        within: Duration,
        /// How many requests it takes to say anything.
        at_least: u64,
        /// What the objectives allow.
        shares: Shares,
        /// Percent of its limits that the CPU of all pods together must not have been below at any time within the window, to be a reason
        /// without slow requests; without it the CPU is never one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpu: Option<u64>,
    },
    /// Calls to other services fail, by the pods' own counters.
    Outbound {
        /// Which, as the pods name them: `ocm-clusters-service`; none means all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        services: Vec<String>,
        /// How far back.
        #[serde(with = "crate::profile::seconds")]
        within: Duration,
        /// How many calls it takes to say anything.
        at_least: u64,
        /// Percent without an answer or with a status of 500 or more; as much is too much.
        share: u64,
    },
    /// Events of trouble in the cluster below the service, within the window.
    ClusterEvents,
    /// Living rows in one of these roles are over their status's limit.
    OverLimit {
        /// The table.
        table: String,
        /// The roles.
        roles: Vec<Role>,
    },
    /// Rows failed within the window.
    NewlyFailed {
        /// The table.
        table: String,
        /// The error classes of the reasons that count, by their patterns; empty names reasons that no class knows. None means any reason.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        classes: Vec<String>,
    },
    /// Living rows in a status that the profile does not know; blank ones are [`Condition::Blank`]'s.
    UnknownStatus {
        /// The table.
        table: String,
        /// Only those that have been in it for longer, strictly; without it, any.
        #[serde(
            default,
            with = "crate::profile::optional_seconds",
            skip_serializing_if = "Option::is_none"
        )]
        over: Option<Duration>,
    },
    /// Living rows with a blank status.
    Blank {
        /// The table.
        table: String,
    },
    /// No living row is ready.
    NoneReady {
        /// The table.
        table: String,
    },
    /// A step of the SOP fails, and no other rule holds: the SOP's "otherwise". What the operator looks at and ticks does not count.
    StepFails,
    /// Exactly one pod leads each of these workers.
    Led {
        /// The workers, by lease type.
        workers: Vec<String>,
    },
    /// All of these hold.
    All {
        /// Which.
        of: Vec<Condition>,
    },
    /// At least one of these holds.
    Any {
        /// Which.
        of: Vec<Condition>,
        /// More of them, by sources that need not be there: one that can't be told does not keep the others from saying that none holds.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        optional: Vec<Condition>,
    },
    /// It does not hold.
    Not {
        /// What.
        of: Box<Condition>,
    },
}

/// Shares of requests in percent; what is more is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Shares {
    /// Over 100 ms.
    pub slow: u64,
    /// Over 1 s.
    pub very_slow: u64,
}

/// Why no pod is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DownCause {
    /// The cluster: scheduling, a node, a quota, a mount.
    Cluster,
    /// What was released: an image that can't be pulled, a configuration, a migration.
    Release,
}

/// What can be wrong with a worker's leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaderTrouble {
    /// Nobody leads.
    None,
    /// More than one pod leads.
    Many,
}
