//! The judgement: the same observations, the same profile and the same moment give the same diagnosis.

mod agreement;
#[cfg(test)]
mod any_state;
mod decide;
mod evidence;
pub mod leaders;
pub mod overdue;
pub mod settle;
mod step_result;
mod steps;
#[cfg(test)]
mod tests;
pub mod vitals;
pub mod waiting;

use jiff::{SignedDuration, Timestamp};

use super::profile::Profile;
pub use crate::diagnose::decide::{Decision, NotRuledOut, Recommendation, RuleFinding, Truth, window};
use crate::diagnose::leaders::{LeaderReading, read_leaders};
use crate::diagnose::step_result::StepResult;
use crate::observe::state::State;
use crate::profile::rule::Alert;
use crate::profile::sop::{Check, Sop, Step, StepStatus};

/// What the observations say about one SOP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// One a step of the SOP, in order; last [`OTHER`](crate::profile::sop::OTHER), where a rule acts on something that none of them shows.
    pub steps: Vec<StepFinding>,
    /// One a worker of the profile, in order.
    pub leaders: Vec<LeaderReading>,
    /// What to do.
    pub decision: Decision,
}

impl Diagnosis {
    /// The step to look at first: the first that fails, else the first that is unknown, else stale, else waiting. `None` when all
    /// others pass or are the operator's.
    pub fn worst(&self) -> Option<&StepFinding> {
        use StepStatus::{Fail, Stale, Unknown, Waiting};
        let first = |status| self.steps.iter().find(|step| step.status == status);
        [Fail, Unknown, Stale, Waiting].into_iter().find_map(first)
    }
}

/// The answer to one step, with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct StepFinding {
    /// The step's id in the profile.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The answer.
    pub status: StepStatus,
    /// What was seen, in a few words; empty for nothing.
    pub value: String,
    /// What it was held against; empty for nothing.
    pub threshold: String,
    /// The lines and rows it rests on.
    pub evidence: Vec<String>,
    /// Which source told: `pods`, `deployment and pods`, `logs and leases`, `database`; `operator` where only a person can.
    pub source: &'static str,
    /// How old what the source told is; `None` when it told nothing.
    pub age: Option<SignedDuration>,
}

/// Judges every step of `sop`.
pub fn diagnose(state: &State, profile: &Profile, sop: &Sop, now: Timestamp) -> Diagnosis {
    let leaders = read_leaders(state, profile, now);
    let mut case = Evaluation {
        state,
        profile,
        leaders: &leaders,
        alert: sop.alert,
        now,
        steps: Vec::new(),
    };
    let of_sop = profile.steps_of(sop).into_iter();
    let steps = of_sop.map(|(id, step)| (&step.check, finding(id, step, case.answer(step))));
    case.steps = steps.collect();
    let decision = case.decide(sop.alert);
    let other = case.other(&decision);
    Diagnosis {
        steps: case
            .steps
            .into_iter()
            .map(|(_, found)| found)
            .chain(other)
            .collect(),
        leaders,
        decision,
    }
}

/// All that an answer may rest on.
struct Evaluation<'a> {
    state: &'a State,
    profile: &'a Profile,
    leaders: &'a [LeaderReading],
    alert: Alert,
    now: Timestamp,
    /// The SOP's steps, once they are answered.
    steps: Vec<(&'a Check, StepFinding)>,
}

impl Evaluation<'_> {
    fn answer(&self, step: &Step) -> StepResult {
        match &step.check {
            Check::Manual => StepResult::new(StepStatus::Manual, "operator"),
            Check::Dashboard { shows } => self.dashboard(*shows),
            Check::Load { rule } => self.load(rule),
            Check::Replicas => self.replicas(),
            Check::PodsReady => self.pods_ready(),
            Check::Events => self.events(),
            Check::LogErrors => self.log_errors(),
            Check::Leader { worker } => self.leader(worker),
            Check::AnyReady { table } => self.any_ready(table),
            Check::Limits { table } => self.limits(table),
            Check::Failed { table } => self.failed(table),
            Check::Other => StepResult::unknown(
                "rules",
                "not judged",
                "the rules answer it, after all other steps".to_owned(),
            ),
        }
    }
}

fn finding(id: &str, step: &Step, answer: StepResult) -> StepFinding {
    StepFinding {
        id: id.to_owned(),
        title: step.title.clone(),
        status: answer.status,
        value: answer.value,
        threshold: answer.threshold,
        evidence: answer.evidence,
        source: answer.source,
        age: answer.age,
    }
}
