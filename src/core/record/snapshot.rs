//! A diagnosis as a record keeps it.

use serde::{Deserialize, Serialize};

use crate::diagnose::leaders::{LeaderReading, Verdict};
use crate::diagnose::{Diagnosis, Recommendation, StepFinding};
use crate::profile::rule::Advice;
use crate::profile::sop::StepStatus;
use crate::text::SafeText;

/// What was found for one SOP.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Snapshot {
    /// The SOP's id.
    pub sop: String,
    /// What to do.
    pub recommendation: Recommendation,
    /// What also holds.
    pub also: Vec<Recommendation>,
    /// Rules above the one that decided that can't be evaluated, and what is missing.
    pub not_ruled_out: Vec<(String, SafeText)>,
    /// The steps, in the SOP's order.
    pub steps: Vec<SnapshotStep>,
    /// The leaders, in the profile's order.
    pub leaders: Vec<SnapshotLeader>,
}

/// A [`StepFinding`] as a record keeps it. The record has the profile, which names the step and its threshold, and the observations, which
/// have its age: both are left out here.
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

/// A [`LeaderReading`] as a record keeps it: the verdict alone. What it rests on is in the record's observations.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SnapshotLeader {
    /// The worker, as it is logged.
    pub worker: String,
    /// Who leads.
    pub verdict: Verdict,
    /// The pod that leads.
    pub pod: Option<String>,
}

impl From<&StepFinding> for SnapshotStep {
    fn from(step: &StepFinding) -> Self {
        Self {
            id: step.id.clone(),
            status: step.status,
            value: step.value.clone(),
            evidence: step.evidence.clone(),
        }
    }
}

impl From<&LeaderReading> for SnapshotLeader {
    fn from(reading: &LeaderReading) -> Self {
        Self {
            worker: reading.log_type.clone(),
            verdict: reading.verdict,
            pod: reading.pod.as_ref().map(ToString::to_string),
        }
    }
}

impl Snapshot {
    /// A diagnosis for an SOP.
    pub fn of(sop: &str, diagnosis: &Diagnosis) -> Self {
        let decision = &diagnosis.decision;
        let open = decision.not_ruled_out.iter();
        Self {
            sop: sop.to_owned(),
            recommendation: decision.recommendation.clone(),
            also: decision.also.clone(),
            not_ruled_out: open
                .map(|open| (open.rule.to_string(), open.missing.clone()))
                .collect(),
            steps: diagnosis.steps.iter().map(SnapshotStep::from).collect(),
            leaders: diagnosis.leaders.iter().map(SnapshotLeader::from).collect(),
        }
    }

    /// Whether both say the same: SOP, recommendation with contact and rule, other true rules, unchecked rules, steps with status, leaders.
    /// Sentences, ages and numbers may differ: versions word them differently.
    pub fn is_like(&self, other: &Self) -> bool {
        self.sop == other.sop
            && self.advice().eq(other.advice())
            && self.unchecked().eq(other.unchecked())
            && self.answers().eq(other.answers())
            && self.verdicts().eq(other.verdicts())
    }

    /// The recommendation and what also holds, without sentences.
    fn advice(&self) -> impl Iterator<Item = (Advice, Option<&str>, Option<&str>)> {
        let all = std::iter::once(&self.recommendation).chain(&self.also);
        all.map(|one| (one.action, one.contact.as_deref(), one.rule.as_deref()))
    }

    fn unchecked(&self) -> impl Iterator<Item = &str> {
        self.not_ruled_out.iter().map(|(rule, _)| rule.as_str())
    }

    fn answers(&self) -> impl Iterator<Item = (&str, StepStatus)> {
        self.steps.iter().map(|step| (step.id.as_str(), step.status))
    }

    fn verdicts(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        let leaders = self.leaders.iter();
        leaders.map(|leader| {
            (
                leader.worker.as_str(),
                leader.verdict.name(),
                leader.pod.as_deref(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::{Decision, NotRuledOut};
    use crate::testkit::{self, now};
    use jiff::SignedDuration;

    /// One step, one leader, two recommendations and a rule that is not checked.
    fn diagnosis() -> Diagnosis {
        let wait = Recommendation {
            action: Advice::Wait,
            rule: Some("settling".to_owned()),
            because: vec!["blf5h started 1m ago".into()],
            until: Some(now()),
            ..Recommendation::default()
        };
        let escalate = Recommendation {
            action: Advice::Escalate,
            contact: Some("ocm-support".to_owned()),
            ..Recommendation::default()
        };
        Diagnosis {
            steps: vec![StepFinding {
                id: "pods".to_owned(),
                title: "Pods".into(),
                status: StepStatus::Pass,
                value: "3/3".into(),
                threshold: "3".into(),
                evidence: vec!["blf5h: ready".into()],
                source: "pods",
                age: Some(SignedDuration::from_secs(1)),
            }],
            leaders: vec![testkit::leader("KafkaManager", Verdict::One, "msa-x-blf5h")],
            decision: Decision {
                recommendation: wait,
                also: vec![escalate],
                not_ruled_out: vec![NotRuledOut {
                    rule: "ocm-errors".into(),
                    missing: "the log of lzxms".into(),
                }],
                ..Decision::default()
            },
        }
    }

    #[test]
    fn a_snapshot_is_written_as_all_versions_write_it() {
        let written = serde_json::to_string(&Snapshot::of("api-down", &diagnosis())).unwrap();
        let expected = concat!(
            r#"{"sop":"api-down","recommendation":{"action":"wait","contact":null,"rule":"settling","#,
            r#""because":["blf5h started 1m ago"],"until":"2021-01-15T14:00:00Z"},"#,
            r#""also":[{"action":"escalate","contact":"ocm-support","rule":null,"because":[],"until":null}],"#,
            r#""not_ruled_out":[["ocm-errors","the log of lzxms"]],"#,
            r#""steps":[{"id":"pods","status":"pass","value":"3/3","evidence":["blf5h: ready"]}],"#,
            r#""leaders":[{"worker":"*workers.KafkaManager","verdict":"one","pod":"msa-x-blf5h"}]}"#
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn snapshots_are_alike_whatever_their_sentences_say() {
        let one = Snapshot::of("api-down", &diagnosis());
        let mut other = one.clone();
        other.recommendation.because.clear();
        other.recommendation.until = None;
        other.not_ruled_out[0].1 = SafeText::default();
        other.steps[0].value = SafeText::default();
        other.steps[0].evidence.clear();
        assert!(one.is_like(&other));
        let edits: [fn(&mut Snapshot); 6] = [
            |found| found.sop.clear(),
            |found| found.recommendation.rule = None,
            |found| found.also.clear(),
            |found| found.not_ruled_out.clear(),
            |found| found.steps[0].status = StepStatus::Fail,
            |found| found.leaders[0].pod = None,
        ];
        for edit in edits {
            let mut other = one.clone();
            edit(&mut other);
            assert!(!one.is_like(&other), "{other:?}");
        }
    }
}
