//! How many pods were ready at each point of a record.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::incident::fact::{Fact, PodUid};
use crate::incident::feed::{FeedId, FeedState};
use crate::incident::record::{Entry, Line};

/// The pods, as they were known.
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
    /// `2 of 3 ready, 3 asked for`.
    pub fn words(&self) -> String {
        let asked = self
            .asked
            .map_or(String::new(), |asked| format!(", {asked} asked for"));
        let stale = if self.stale {
            ", STALE: the pods could not be read any more"
        } else {
            ""
        };
        format!("{} of {} ready{asked}{stale}", self.ready, self.known)
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
        let mut known = Known::default();
        let mut changes = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let changed = match &line.entry {
                Entry::Fact(fact) => known.take(fact),
                // Another console reads everything anew.
                Entry::Joined(_) => {
                    known = Known::default();
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
    /// Whether each is ready; `None` until they are read.
    pods: Option<BTreeMap<PodUid, bool>>,
    asked: Option<u32>,
    stale: bool,
}

impl Known {
    /// Whether the fact tells of pods.
    fn take(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::Pods(pods) => {
                let ready = pods.iter().map(|pod| (pod.uid.clone(), pod.is_ready()));
                self.pods = Some(ready.collect());
                self.stale = false;
            }
            Fact::Pod(pod) => {
                let pods = self.pods.get_or_insert_default();
                pods.insert(pod.uid.clone(), pod.is_ready());
            }
            Fact::PodGone(uid) => {
                self.pods.get_or_insert_default().remove(uid);
            }
            Fact::Deployment(deployment) => self.asked = deployment.as_ref().map(|one| one.replicas),
            Fact::Feed(FeedId::Pods, state) => self.stale = !matches!(state, FeedState::Live),
            _ => return false,
        }
        true
    }

    fn seen(&self) -> Option<PodsSeen> {
        let pods = self.pods.as_ref()?;
        Some(PodsSeen {
            ready: pods.values().filter(|ready| **ready).count(),
            known: pods.len(),
            asked: self.asked,
            stale: self.stale,
        })
    }
}
