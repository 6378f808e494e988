//! The judgement: the same observations, the same profile and the same moment give the same diagnosis.

mod agreement;
#[cfg(test)]
mod any_state;
pub mod conditions;
mod decide;
mod evaluation;
mod event_evidence;
pub mod leaders;
mod log_evidence;
pub mod monitoring;
pub mod overdue;
mod pod_evidence;
pub mod quoting;
mod row_evidence;
pub mod settle;
mod status_counts;
mod step_result;
pub mod steps;
mod vital_words;
pub mod vitals;
pub mod waiting;
mod worker_readings;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::vitals::{Vitals, WINDOW};
use super::profile::Profile;
pub use crate::diagnose::decide::{Decision, NotRuledOut, Recommendation, RuleFinding, Truth};
use crate::diagnose::evaluation::{Evaluation, Reckoned};
use crate::diagnose::leaders::{LeaderReading, read_leaders};
use crate::diagnose::monitoring::alerts::are_alerts_configured;
pub(crate) use crate::diagnose::row_evidence::named_once;
pub use crate::diagnose::settle::window;
use crate::diagnose::step_result::StepResult;
use crate::observe::state::State;
use crate::profile::sop;
use crate::profile::sop::{Sop, Step, StepStatus};
use crate::text::SafeText;

/// What the observations say about one SOP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// First [`ALERT`](crate::profile::sop::ALERT), where a source of alerts is configured; one a step of the SOP, in order; last [`OTHER`](crate::profile::sop::OTHER), where a rule acts on something that none of them shows.
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

    /// Whether another recommends the same for the same reasons and has the same answers to the same steps, however old they are.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.decision, &other.decision);
        ours.recommendation == theirs.recommendation
            && ours.also == theirs.also
            && self.answers().eq(other.answers())
    }

    fn answers(&self) -> impl Iterator<Item = (&str, StepStatus, &SafeText)> {
        self.steps
            .iter()
            .map(|step| (&*step.id, step.status, &step.value))
    }
}

/// The answer to one step, with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct StepFinding {
    /// The step's id in the profile.
    pub id: String,
    /// Its title.
    pub title: SafeText,
    /// The answer.
    pub status: StepStatus,
    /// What was seen, in a few words; empty for nothing.
    pub value: SafeText,
    /// What that was compared with; empty for nothing.
    pub threshold: SafeText,
    /// The lines and rows it rests on.
    pub evidence: Vec<SafeText>,
    /// Which source it rests on: `pods`, `deployment and pods`, `logs and leases`, `database`; `operator` where only a person can.
    pub source: &'static str,
    /// How old the newest of the source is; `None` when it said nothing.
    pub age: Option<SignedDuration>,
}

/// What the judgements of all SOPs at one moment rest on, reckoned once for them together.
#[derive(Debug)]
pub struct Grounds {
    now: Timestamp,
    leaders: Vec<LeaderReading>,
    reckoned: Reckoned,
}

impl Grounds {
    /// The grounds at a moment: they are of this state and profile, and of no other.
    pub fn of(state: &State, profile: &Profile, now: Timestamp) -> Self {
        Self {
            now,
            leaders: read_leaders(state, profile, now),
            reckoned: Reckoned::default(),
        }
    }

    /// What the leaders are.
    pub fn leaders(&self) -> &[LeaderReading] {
        &self.leaders
    }

    /// The vital signs over [`WINDOW`], if a judgement asked for them.
    pub fn vitals(&self) -> Option<Arc<Vitals>> {
        self.reckoned.vitals(WINDOW)
    }
}

/// Judges every step of `sop`.
pub fn diagnose(state: &State, profile: &Profile, sop: &Sop, now: Timestamp) -> Diagnosis {
    diagnose_by(&Grounds::of(state, profile, now), state, profile, sop)
}

/// Judges every step of `sop` by grounds that other SOPs are judged by, too.
pub fn diagnose_by(grounds: &Grounds, state: &State, profile: &Profile, sop: &Sop) -> Diagnosis {
    let mut case = Evaluation {
        state,
        profile,
        leaders: &grounds.leaders,
        alert: sop.alert,
        sop: &sop.id,
        now: grounds.now,
        steps: Vec::new(),
        reckoned: &grounds.reckoned,
    };
    let alert = are_alerts_configured(state).then(|| (sop::ALERT, sop::alert_step()));
    let steps = alert.into_iter().chain(profile.steps_of(sop));
    let steps = steps.map(|(id, step)| {
        let result = step.check.kind().judge(&case);
        (&step.check, finding(id, step, result))
    });
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
        leaders: grounds.leaders.clone(),
        decision,
    }
}

fn finding(id: &str, step: &Step, answer: StepResult) -> StepFinding {
    StepFinding {
        id: id.to_owned(),
        title: step.title.as_str().into(),
        status: answer.status,
        value: answer.value,
        threshold: answer.threshold,
        evidence: answer.evidence,
        source: answer.source,
        age: answer.age,
    }
}
