//! What a scenario expects to be found, for the tests, and what it teaches, for the debriefing.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::duration::span;
use sopwatch_core::diagnose::leaders::VerdictKind;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::profile::sop::StepStatus;

/// What should be found at one moment, if nobody has done anything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// After the start.
    #[serde(deserialize_with = "span")]
    pub at: SignedDuration,
    /// What the decision table recommends then.
    pub recommendation: Option<ExpectedAdvice>,
    /// The other rules that match, in the table's order.
    #[serde(default)]
    pub also: Vec<ExpectedAdvice>,
    /// By lease type (`cluster`, `kafka`): who leads.
    #[serde(default)]
    pub leaders: BTreeMap<String, VerdictKind>,
    /// By step id of the scenario's SOP: the step's status.
    #[serde(default)]
    pub steps: BTreeMap<String, StepStatus>,
    /// `ready/wanted` pods, as `kubectl get deployment` shows them.
    pub pods: Option<String>,
    /// By `table.status`: how many active rows there are.
    #[serde(default)]
    pub rows: BTreeMap<String, u32>,
    /// Words that decide, which the first screen shows whole.
    #[serde(default)]
    pub shown: Vec<String>,
}

/// A recommended action, and the contact of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAdvice {
    /// What to do.
    pub action: Advice,
    /// For an escalation: `ocm-support`, `data-plane-or-mk-sre`, `control-plane`.
    pub contact: Option<String>,
    /// The rule of the decision table it follows from.
    pub rule: Option<String>,
}

/// What a scenario teaches.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// The right thing to do.
    pub answer: CorrectAction,
    /// From a nudge to nearly the answer; they are shown one at a time.
    pub hints: Vec<String>,
    /// Why that is right, for the debriefing: a paragraph.
    pub because: String,
}

/// The right action, and the harmful ones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectAction {
    /// What to do.
    pub action: Advice,
    /// For an escalation: the contact.
    pub contact: Option<String>,
    /// What is as right, since the same evidence leaves room for it or at another moment asks for it.
    #[serde(default)]
    pub or: Vec<OtherAction>,
    /// Actions that do harm here.
    #[serde(default)]
    pub harmful: Vec<Advice>,
}

/// An action that is right beside the first one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherAction {
    /// What to do.
    pub action: Advice,
    /// For an escalation: the contact.
    pub contact: Option<String>,
}
