//! Leader records older than the tail of a backlog that is kept: the log pane opens on them, however long ago they were written.

use std::collections::VecDeque;

use super::LeaderLineKind;
use crate::logparse::multiline::RawRecord;

/// Records kept; a leader changes rarely.
const MOST: usize = 256;

/// Leader records in the log's order. Of those that repeat (heartbeats, not-leader lines) only the newest of each worker stays.
#[derive(Debug, Default)]
pub(super) struct Told(VecDeque<RawRecord>);

impl Told {
    /// Keeps a record that says something about a leader; gives the others back.
    pub(super) fn keep(&mut self, record: RawRecord) -> Option<RawRecord> {
        let Some(line) = &record.leader else {
            return Some(record);
        };
        let repeats = !matches!(
            line.kind,
            LeaderLineKind::Gained | LeaderLineKind::Lost | LeaderLineKind::LoopEnded
        );
        let alike = |other: &RawRecord| other.leader.as_ref().is_some_and(|other| other == line);
        let earlier = self.0.iter().rposition(alike).filter(|_| repeats);
        let replaced = earlier.and_then(|place| self.0.remove(place));
        self.0.push_back(record);
        replaced.or_else(|| {
            if self.0.len() > MOST {
                self.0.pop_front()
            } else {
                None
            }
        })
    }

    /// Hands them out.
    pub(super) fn drain(&mut self) -> VecDeque<RawRecord> {
        std::mem::take(&mut self.0)
    }
}
