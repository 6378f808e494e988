//! What monitoring servers show, judged: figures against the profile's thresholds, alerts, issues. A server that is not configured says
//! nothing, and nothing here is asked of it.

pub mod alerts;
mod burn;
mod figures;
mod outbound;
mod own_rows;
mod requests;
mod resources;
#[cfg(test)]
mod tests;
pub mod tracker;

use crate::text::SafeText;
use jiff::SignedDuration;

pub(crate) use self::figures::source_of;
pub(super) use self::own_rows::OwnPods;
use super::evaluation::Evaluation;
use crate::observe::source::{SourceId, SourceState};
use crate::observe::state::State;
use crate::profile::monitoring::{Figure, Monitoring};
use crate::profile::sop::StepStatus;

/// The verdict on one of several things that a step looks at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// The verdict.
    pub(super) status: StepStatus,
    /// The same in a few words, for a row: `5xx 0.2 %`.
    pub(super) brief: SafeText,
    /// What it rests on: values, windows, thresholds, source.
    pub(super) evidence: Vec<SafeText>,
    /// How old the oldest of that is.
    pub(super) age: Option<SignedDuration>,
}

impl Part {
    fn new(status: StepStatus, brief: impl Into<SafeText>, evidence: impl Into<SafeText>) -> Self {
        Self {
            status,
            brief: brief.into(),
            evidence: vec![evidence.into()],
            age: None,
        }
    }

    fn aged(mut self, age: Option<SignedDuration>) -> Self {
        self.age = age;
        self
    }

    fn noting(mut self, line: impl Into<SafeText>) -> Self {
        self.evidence.push(line.into());
        self
    }
}

/// The verdict on all parts together: what fails is said whatever is missing, and nothing passes while something is missing.
pub(super) fn worst(parts: &[Part]) -> StepStatus {
    let order = [
        StepStatus::Fail,
        StepStatus::Stale,
        StepStatus::Unknown,
        StepStatus::Waiting,
        StepStatus::Pass,
    ];
    let has = |status: &StepStatus| parts.iter().any(|part| part.status == *status);
    order.into_iter().find(has).unwrap_or(StepStatus::Unknown)
}

/// Whether a monitoring source is configured: one that is off, or was never spoken of, is not.
pub fn is_configured(state: &State, id: &SourceId) -> bool {
    state
        .source(id)
        .is_some_and(|source| !matches!(source.state, SourceState::Off(_)))
}

impl Evaluation<'_> {
    /// What the profile says about monitoring, where the metrics source is configured.
    pub(super) fn metrics(&self) -> Option<&Monitoring> {
        let monitoring = self.profile.monitoring.as_ref()?;
        is_configured(self.state, &SourceId::Metrics).then_some(monitoring)
    }

    /// The same for what the cluster counts, where either metrics source is configured.
    pub(super) fn cluster_metrics(&self) -> Option<&Monitoring> {
        let monitoring = self.profile.monitoring.as_ref()?;
        let source = source_of(self.state, Figure::Cpu);
        is_configured(self.state, &source).then_some(monitoring)
    }

    /// The name of the metrics source that a figure comes from.
    pub(super) fn source_name(&self, figure: Figure) -> &'static str {
        if source_of(self.state, figure) == SourceId::ClusterMetrics {
            "cluster metrics"
        } else {
            "metrics"
        }
    }
}
