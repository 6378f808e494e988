//! A diagnosis as a record keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::diagnose::leaders::Verdict;
use crate::diagnose::{Diagnosis, Recommendation};
use crate::profile::rule::Advice;
use crate::profile::sop::StepStatus;
use crate::text::SafeText;

/// What was found for one SOP.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Snapshot {
    /// The SOP's id.
    pub sop: String,
    /// What to do.
    pub recommendation: SnapshotAdvice,
    /// What also holds.
    pub also: Vec<SnapshotAdvice>,
    /// Rules above the one that decided that can't be evaluated, and what is missing.
    pub not_ruled_out: Vec<(String, SafeText)>,
    /// The steps, in the SOP's order.
    pub steps: Vec<SnapshotStep>,
    /// The leaders, in the profile's order.
    pub leaders: Vec<SnapshotLeader>,
}

/// One thing to do and why.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SnapshotAdvice {
    /// What.
    pub action: Advice,
    /// For an escalation: the contact's id.
    pub contact: Option<String>,
    /// The rule it follows from.
    pub rule: Option<String>,
    /// What shows it.
    pub because: Vec<SafeText>,
    /// For a wait: until when.
    pub until: Option<Timestamp>,
}

impl Default for SnapshotAdvice {
    fn default() -> Self {
        Self::of(&Recommendation::default())
    }
}

/// A step's answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SnapshotStep {
    /// Its id.
    pub id: String,
    /// The answer.
    pub status: StepStatus,
    /// What was seen.
    pub value: SafeText,
    /// The lines and rows it rests on.
    pub evidence: Vec<SafeText>,
}

/// A worker's leader.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SnapshotLeader {
    /// The worker, as it is logged.
    pub worker: String,
    /// Who leads.
    pub verdict: Verdict,
    /// The pod that leads.
    pub pod: Option<String>,
}

impl SnapshotAdvice {
    fn of(one: &Recommendation) -> Self {
        Self {
            action: one.action,
            contact: one.contact.clone(),
            rule: one.rule.clone(),
            because: one.because.clone(),
            until: one.until,
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.action, &self.contact, &self.rule) == (other.action, &other.contact, &other.rule)
    }
}

impl Snapshot {
    /// A diagnosis for an SOP.
    pub fn of(sop: &str, diagnosis: &Diagnosis) -> Self {
        let decision = &diagnosis.decision;
        let open = decision.not_ruled_out.iter();
        let steps = diagnosis.steps.iter().map(|step| SnapshotStep {
            id: step.id.clone(),
            status: step.status,
            value: step.value.clone(),
            evidence: step.evidence.clone(),
        });
        let leaders = diagnosis.leaders.iter().map(|leader| SnapshotLeader {
            worker: leader.log_type.clone(),
            verdict: leader.verdict,
            pod: leader.pod.as_ref().map(ToString::to_string),
        });
        Self {
            sop: sop.to_owned(),
            recommendation: SnapshotAdvice::of(&decision.recommendation),
            also: decision.also.iter().map(SnapshotAdvice::of).collect(),
            not_ruled_out: open
                .map(|open| (open.rule.clone(), open.missing.clone()))
                .collect(),
            steps: steps.collect(),
            leaders: leaders.collect(),
        }
    }

    /// Whether both say the same: SOP, recommendation with contact and rule, other true rules, unchecked rules, steps with status, leaders.
    /// Sentences, ages and numbers may differ: versions word them differently.
    pub fn is_like(&self, other: &Self) -> bool {
        let rules = |found: &Self| -> Vec<String> {
            found.not_ruled_out.iter().map(|(rule, _)| rule.clone()).collect()
        };
        let also = self.also.len() == other.also.len()
            && self
                .also
                .iter()
                .zip(&other.also)
                .all(|(one, other)| one.is_like(other));
        let steps = self.steps.iter().map(|step| (&step.id, step.status));
        let leaders = self
            .leaders
            .iter()
            .map(|leader| (&leader.worker, leader.verdict.name(), &leader.pod));
        self.sop == other.sop
            && self.recommendation.is_like(&other.recommendation)
            && also
            && rules(self) == rules(other)
            && steps.eq(other.steps.iter().map(|step| (&step.id, step.status)))
            && leaders.eq(other
                .leaders
                .iter()
                .map(|leader| (&leader.worker, leader.verdict.name(), &leader.pod)))
    }
}
