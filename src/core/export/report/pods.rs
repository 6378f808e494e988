//! How many pods were ready at each point of a record.

use jiff::Timestamp;
use serde::Serialize;

use crate::observe::observation::{Observation, Pod};
use crate::observe::source::{SourceId, SourceState};
use crate::observe::state::State;
use crate::record::{Entry, Line};
use crate::safe;
use crate::text::SafeText;

/// The service's own pods, as they were known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PodsSeen {
    /// How many were ready.
    pub ready: usize,
    /// How many were there.
    pub known: usize,
    /// How many the deployment asked for, where it was read.
    pub asked: Option<u32>,
    /// Whether the source that told it had failed by then: they may have been others.
    pub stale: bool,
}

impl PodsSeen {
    /// `2 of 3 ready`; `2 of 2 ready, 3 wanted`.
    pub fn words(&self) -> SafeText {
        let asked = self.asked.filter(|asked| *asked as usize != self.known);
        let asked = asked.map_or(SafeText::default(), |asked| safe!(", {asked} wanted"));
        let stale = if self.stale {
            ", STALE: the pods were no longer readable"
        } else {
            ""
        };
        safe!("{} of {} ready{asked}{stale}", self.ready, self.known)
    }
}

/// The pods by line.
#[derive(Debug, Default)]
pub(super) struct PodsByLine {
    /// What changed, and at which line.
    changes: Vec<(usize, Option<PodsSeen>)>,
}

impl PodsByLine {
    pub(super) fn of(lines: &[Line]) -> Self {
        let (mut known, mut service) = (Known::default(), "");
        let mut changes = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let changed = match &line.entry {
                Entry::Observation(observation) => known.take(observation, line.at),
                Entry::Began(began) => {
                    service = &began.profile.service.deployment;
                    known = Known::of_service(service);
                    false
                }
                // A second console reads everything again.
                Entry::Joined(_) => {
                    known = Known::of_service(service);
                    true
                }
                _ => false,
            };
            if changed {
                changes.push((index, known.seen()));
            }
        }
        Self { changes }
    }

    /// As they were known at a line; `None` where they were not read.
    pub(super) fn at(&self, line: usize) -> Option<PodsSeen> {
        let after = self.changes.partition_point(|(index, _)| *index <= line);
        self.changes[..after].last()?.1
    }
}

#[derive(Default)]
struct Known {
    /// What tells whose a pod is.
    state: State,
    /// Whether the pods were read.
    read: bool,
    stale: bool,
}

impl Known {
    fn of_service(deployment: &str) -> Self {
        Self {
            state: State::of_service(deployment),
            ..Self::default()
        }
    }

    /// Whether the observation may change what is known of the pods.
    fn take(&mut self, observation: &Observation, at: Timestamp) -> bool {
        match observation {
            Observation::Pods(_) => {
                self.read = true;
                self.stale = false;
            }
            Observation::Pod(_) | Observation::PodGone(_) => self.read = true,
            Observation::Deployment(_)
            | Observation::ReplicaSets(_)
            | Observation::ReplicaSet(_)
            | Observation::ReplicaSetGone(_) => {}
            Observation::Source(SourceId::Pods, state) => {
                self.stale = !matches!(state, SourceState::Live);
                return true;
            }
            _ => return false,
        }
        self.state.apply(observation.clone(), at);
        true
    }

    fn seen(&self) -> Option<PodsSeen> {
        let state = &self.state;
        self.read.then(|| PodsSeen {
            ready: state.pods.values().filter(|pod: &&Pod| pod.is_ready()).count(),
            known: state.pods.len(),
            asked: state.deployment.as_ref().map(|one| one.replicas),
            stale: self.stale,
        })
    }
}
