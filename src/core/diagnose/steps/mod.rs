//! The steps of an SOP: what can answer one, one kind a file.
//!
//! To add a kind: write its file with a struct, its serde form and its `StepCheck`, then add a variant to [`Check`] and its line to
//! `Check::kind`. Nothing else lists the kinds.
//!
//! A kind without keys of its own ignores any key, as it always did: its struct does without `deny_unknown_fields`.

mod alert;
mod any_ready;
mod dashboard;
mod events;
mod failed;
mod limits;
mod load;
mod log_errors;
mod manual;
mod one_leader;
mod other;
mod pods_ready;
mod replicas;
#[cfg(test)]
mod tests;
mod tracker;

use serde::{Deserialize, Serialize};

pub use self::alert::FiringAlert;
pub use self::any_ready::AnyReady;
pub use self::dashboard::{Dashboard, Shown};
pub use self::events::Events;
pub use self::failed::Failed;
pub use self::limits::WithinLimits;
pub use self::load::Load;
pub use self::log_errors::LogErrors;
pub use self::manual::Manual;
pub use self::one_leader::OneLeader;
pub use self::other::Other;
pub use self::pods_ready::PodsReady;
pub use self::replicas::Replicas;
pub use self::tracker::TrackerIssues;
use super::evaluation::Evaluation;
use super::step_result::StepResult;
use crate::profile::validation::Mistakes;

/// What answers a step: a closed set; the profile chooses one for each step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Check {
    /// The operator looks and ticks.
    Manual(Manual),
    /// The operator looks at a dashboard and ticks.
    Dashboard(Dashboard),
    /// The pods keep up with their requests.
    Load(Load),
    /// No issue of the error tracker is new or rising; without a tracker, the operator looks and ticks.
    Tracker(TrackerIssues),
    /// The deployment is configured to the profile's number of pods.
    Replicas(Replicas),
    /// So many pods are configured, started and ready.
    PodsReady(PodsReady),
    /// The service has no warning events lately.
    Events(Events),
    /// The logs have no errors lately.
    LogErrors(LogErrors),
    /// Exactly one pod leads a worker.
    Leader(OneLeader),
    /// At least one row of a table is ready.
    AnyReady(AnyReady),
    /// No row of a table is older than the limit of its status.
    Limits(WithinLimits),
    /// No row of a table failed lately.
    Failed(Failed),
    /// The SOP's alert does not fire. Only the added step has it, never a profile's.
    #[serde(skip)]
    Alert(FiringAlert),
    /// No rule acts on what no other step shows. Only the added step has it, never a profile's.
    #[serde(skip)]
    Other(Other),
}

/// What every kind of check does for its step.
pub(crate) trait StepCheck {
    /// Answers the step.
    fn judge(&self, case: &Evaluation<'_>) -> StepResult;

    /// Whether the operator answers it.
    fn is_manual(&self) -> bool {
        false
    }

    /// Adds what is wrong with it in a profile; `path` is its own key path.
    fn validate(&self, _path: &str, _mistakes: &mut Mistakes<'_>) {}
}

impl Check {
    /// The check as its kind: the one place that lists the kinds.
    pub(crate) fn kind(&self) -> &dyn StepCheck {
        match self {
            Self::Manual(kind) => kind,
            Self::Dashboard(kind) => kind,
            Self::Load(kind) => kind,
            Self::Tracker(kind) => kind,
            Self::Alert(kind) => kind,
            Self::Replicas(kind) => kind,
            Self::PodsReady(kind) => kind,
            Self::Events(kind) => kind,
            Self::LogErrors(kind) => kind,
            Self::Leader(kind) => kind,
            Self::AnyReady(kind) => kind,
            Self::Limits(kind) => kind,
            Self::Failed(kind) => kind,
            Self::Other(kind) => kind,
        }
    }

    /// Whether the operator answers it.
    pub fn is_manual(&self) -> bool {
        self.kind().is_manual()
    }
}
