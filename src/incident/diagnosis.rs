//! The judgement: the same facts, the same profile and the same moment give the same diagnosis.

use jiff::{SignedDuration, Timestamp};

use super::facts::Facts;
use super::leader::{LeaderReading, read_leaders};
use super::profile::Profile;
use super::sop::{Sop, StepStatus};

/// What the facts say about one SOP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// One a step of the SOP, in order.
    pub steps: Vec<StepFinding>,
    /// One a worker of the profile, in order.
    pub leaders: Vec<LeaderReading>,
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
    /// Which source told: `pods`, `logs and leader_leases`, `database`.
    pub source: &'static str,
    /// How old what the source told is; `None` when it told nothing.
    pub age: Option<SignedDuration>,
}

/// Judges every step of `sop`.
pub fn diagnose(facts: &Facts, profile: &Profile, _sop: &Sop, now: Timestamp) -> Diagnosis {
    let leaders = read_leaders(facts, profile, now);
    Diagnosis {
        steps: Vec::new(),
        leaders,
    }
}
