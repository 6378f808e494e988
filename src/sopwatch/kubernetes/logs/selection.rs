//! The selection of logs: which are followed at the same time, and whose turn it is to be read. Pure.
//!
//! Each followed log is an open stream. As long as there are few logs, all are followed. Where there are many, those that matter most
//! are, and the others are read in turns: from where the last turn ended to the log's end, and closed.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::kubernetes::clock::Instant;

/// The most streams of logs that are open at a time.
pub(in crate::kubernetes) const MOST: usize = 64;

/// How many of them are for turns, where not every log has a stream of its own.
pub(super) const IN_TURNS: usize = 8;

/// How a log is read at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// Not at all: it waits for its turn.
    #[default]
    Rest,
    /// To its end, once.
    Once,
    /// Over a stream that stays open.
    Follow,
}

/// Why a log is followed before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The operator looks at its pod.
    Chosen,
    /// Its pod leads.
    Leads,
    /// Its pod is not ready, or is being deleted.
    Failing,
    /// Nothing of these: the newer its pod, the sooner.
    Other,
}

/// A log that is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// How important it is.
    pub(super) rank: Rank,
    /// When its pod was created.
    pub(super) created_at: Option<Timestamp>,
    /// Whether its container writes no more: what is left is read once.
    pub(super) over: bool,
    /// How it is read now.
    pub(super) mode: ReadMode,
    /// When its last turn was over.
    pub(super) read_at: Option<Instant>,
    /// Whether it could not be read then.
    pub(super) failed: bool,
}

/// What is to be done, by the indices of the candidates.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// To be followed, the most important first.
    pub(super) follow: Vec<usize>,
    /// To be read once, in this order: those that are being read first.
    pub(super) turns: Vec<usize>,
    /// How many of these at a time.
    pub(super) at_once: usize,
    /// Whether each log has a stream of its own: nothing waits for anything.
    pub(super) all: bool,
}

/// Chooses. Of equals, those that are followed already stay so.
pub(super) fn select(candidates: &[Candidate]) -> Selection {
    let all = candidates.len() <= MOST;
    let room = if all { MOST } else { MOST - IN_TURNS };
    let indices = || 0..candidates.len();
    // One that has ended while it was followed is about to be closed.
    let (mut follow, mut others): (Vec<_>, Vec<_>) = indices().partition(|index| {
        let candidate = &candidates[*index];
        candidate.over && candidate.mode == ReadMode::Follow
    });
    let mut running: Vec<_> = others.extract_if(.., |index| !candidates[*index].over).collect();
    running.sort_by_key(|index| {
        let candidate = &candidates[*index];
        let followed = candidate.mode == ReadMode::Follow;
        (candidate.rank, Reverse(candidate.created_at), !followed, *index)
    });
    let free = room.saturating_sub(follow.len()).min(running.len());
    let resting = running.split_off(free);
    follow.extend(running);
    others.extend(resting);
    let mut turns = others;
    // The last words of a log that was read before come first, then what was never read, then what was read the longest ago.
    turns.sort_by_key(|index| {
        let candidate = &candidates[*index];
        let reading = candidate.mode == ReadMode::Once;
        let last_words = candidate.over && candidate.read_at.is_some() && !candidate.failed;
        let kind = (candidate.rank, candidate.over);
        (!reading, !last_words, candidate.read_at, kind, *index)
    });
    Selection {
        follow,
        turns,
        at_once: if all { MOST } else { IN_TURNS },
        all,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::kubernetes::clock::now;

    fn others(count: usize) -> Vec<Candidate> {
        let created = |second: usize| Timestamp::from_second(second as i64).unwrap();
        let candidate = |index| Candidate {
            rank: Rank::Other,
            created_at: Some(created(index)),
            over: false,
            mode: ReadMode::Rest,
            read_at: None,
            failed: false,
        };
        (0..count).map(candidate).collect()
    }

    #[test]
    fn few_logs_are_all_followed_and_one_more_makes_turns() {
        let few = select(&others(MOST));
        assert!(few.all && few.turns.is_empty());
        assert_eq!(few.follow.len(), MOST);
        let many = select(&others(MOST + 1));
        assert!(!many.all);
        assert_eq!(
            (many.follow.len(), many.turns.len()),
            (MOST - IN_TURNS, IN_TURNS + 1)
        );
        assert!(many.follow.len() + many.at_once <= MOST);
    }

    #[test]
    fn chosen_leading_and_failing_pods_go_before_the_newest() {
        let mut candidates = others(500);
        candidates[3].rank = Rank::Failing;
        candidates[2].rank = Rank::Leads;
        candidates[1].rank = Rank::Chosen;
        let follow = select(&candidates).follow;
        assert_eq!(follow[..5], [1, 2, 3, 499, 498]);
        candidates
            .iter_mut()
            .skip(100)
            .for_each(|one| one.rank = Rank::Failing);
        assert_eq!(select(&candidates).follow[..4], [1, 2, 499, 498]);
    }

    #[test]
    fn equals_that_are_followed_stay_so() {
        let mut candidates = others(200);
        for (index, candidate) in candidates.iter_mut().enumerate() {
            candidate.created_at = None;
            candidate.mode = if index >= 100 {
                ReadMode::Follow
            } else {
                ReadMode::Rest
            };
        }
        assert!(select(&candidates).follow.iter().all(|index| *index >= 100));
    }

    #[test]
    fn what_has_ended_is_read_once_and_holds_no_stream() {
        let mut candidates = others(70);
        candidates[69].over = true;
        candidates[69].read_at = Some(now());
        candidates[68].over = true;
        // Its stream was open when it ended, and is about to end.
        candidates[68].mode = ReadMode::Follow;
        let selection = select(&candidates);
        assert_eq!((selection.follow[0], selection.turns[0]), (68, 69));
        assert!(!selection.follow.contains(&69));
        assert_eq!(selection.follow.len(), MOST - IN_TURNS);
    }

    #[test]
    fn last_words_come_first_unless_they_could_not_be_read() {
        let mut candidates = others(70);
        let start = now();
        for (second, candidate) in candidates[..14].iter_mut().enumerate() {
            candidate.read_at = Some(start + Duration::from_secs(second as u64));
        }
        for (index, failed) in [(12, true), (13, false)] {
            candidates[index].over = true;
            candidates[index].failed = failed;
        }
        let turns = select(&candidates).turns;
        assert_eq!((turns[0], turns.last()), (13, Some(&12)));
    }

    #[test]
    fn each_log_gets_its_turn() {
        let mut candidates = others(300);
        let mut read = BTreeSet::new();
        let start = now();
        for turn in 0..300 {
            let selection = select(&candidates);
            for index in &selection.follow {
                candidates[*index].mode = ReadMode::Follow;
            }
            let index = selection.turns[0];
            candidates[index].read_at = Some(start + Duration::from_secs(turn));
            read.insert(index);
        }
        assert_eq!(read.len(), 300 - (MOST - IN_TURNS));
    }
}
