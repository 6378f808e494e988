//! What should be found in a scenario, and what it teaches: for the tests, and for the debriefing.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::duration::span;
use sopwatch_core::diagnose::leaders::VerdictKind;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::profile::sop::StepStatus;

/// What holds at one moment, if nobody has done anything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// After the start.
    #[serde(deserialize_with = "span")]
    pub at: SignedDuration,
    /// What the decision table recommends then.
    pub recommendation: Option<ExpectedAdvice>,
    /// What else holds, in the table's order.
    #[serde(default)]
    pub also: Vec<ExpectedAdvice>,
    /// By lease type (`cluster`, `kafka`): who leads.
    #[serde(default)]
    pub leaders: BTreeMap<String, VerdictKind>,
    /// By step id of the scenario's SOP: its answer.
    #[serde(default)]
    pub steps: BTreeMap<String, StepStatus>,
    /// `ready/wanted` pods, as `kubectl get deployment` shows them.
    pub pods: Option<String>,
    /// By `table.status`: how many living rows there are.
    #[serde(default)]
    pub rows: BTreeMap<String, u32>,
}

/// What to do, and whom to turn to.
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
    /// From a nudge to nearly the answer, shown one at a time.
    pub hints: Vec<String>,
    /// Why that is right, for the debriefing: a paragraph.
    pub because: String,
}

/// The right thing to do, and what counts against the operator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectAction {
    /// What to do.
    pub action: Advice,
    /// For an escalation: whom to turn to.
    pub contact: Option<String>,
    /// Actions that do harm here.
    #[serde(default)]
    pub harmful: Vec<Advice>,
}
