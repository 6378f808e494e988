//! Leader lines seen since the last batch, collapsed so that no log can fill the memory with them.

use std::collections::{BTreeMap, VecDeque};

use super::{LeaderLine, LeaderLineKind, Sighting};
use crate::text::SafeText;

/// The newest sightings that are kept of one worker, id and kind, besides the first: at one every half minute they reach back further
/// than the strip of leaders over time.
pub(super) const NEWEST: usize = 48;

/// Different workers, ids and kinds that are kept; a service has a handful.
const MAX_RUNS: usize = 256;

/// Sightings by what they say, each with its place in the log.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    runs: BTreeMap<(LeaderLineKind, SafeText, SafeText), Run>,
    seen: u64,
}

#[derive(Debug)]
struct Run {
    first: (u64, Sighting),
    newest: VecDeque<(u64, Sighting)>,
}

impl Sightings {
    /// Adds one; of many alike the first and the newest stay.
    pub(super) fn push(&mut self, sighting: Sighting) {
        self.seen += 1;
        let LeaderLine {
            kind,
            worker,
            worker_id,
        } = sighting.line.clone();
        let numbered = (self.seen, sighting);
        let key = (kind, worker, worker_id);
        if let Some(run) = self.runs.get_mut(&key) {
            if run.newest.len() == NEWEST {
                run.newest.pop_front();
            }
            run.newest.push_back(numbered);
        } else if self.runs.len() < MAX_RUNS {
            self.runs.insert(
                key,
                Run {
                    first: numbered,
                    newest: VecDeque::new(),
                },
            );
        }
    }

    /// What was seen, in the log's order.
    pub(super) fn drain(&mut self) -> Vec<Sighting> {
        let runs = std::mem::take(&mut self.runs).into_values();
        let mut all: Vec<_> = runs
            .flat_map(|run| std::iter::once(run.first).chain(run.newest))
            .collect();
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, sighting)| sighting).collect()
    }
}
