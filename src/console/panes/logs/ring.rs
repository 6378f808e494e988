//! A bounded list of entries in the order of time, in which equal entries may stand for each other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::Entry;
use sopwatch_core::logparse::ContainerKey;

/// Bytes of text kept in one ring.
pub const BYTES_CAPACITY: usize = 12 << 20;

/// How many of the newest entries are looked at one by one for the place of another.
const NEWEST: usize = 64;

/// Which entries stand for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Folding {
    /// None.
    #[default]
    None,
    /// Leader lines that repeat.
    Leaders,
    /// All equal entries, whichever container wrote them.
    Kinds,
    /// Entries of a container that say just the same, with nothing else of it between them.
    Runs,
}

/// Entries in the order of time, the oldest dropped first.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// How many were dropped to stay within bounds.
    pub dropped: u64,
    folding: Folding,
    /// How many entries of a kind there are, where kinds are folded.
    kinds: HashMap<u64, usize>,
    /// What each container said last, where runs are folded.
    last: HashMap<Arc<ContainerKey>, u64>,
}

impl Ring {
    pub(super) fn folding(folding: Folding) -> Self {
        Self {
            folding,
            ..Self::default()
        }
    }

    pub(super) fn entries(&self) -> &VecDeque<Arc<Entry>> {
        &self.entries
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes in an entry at its time.
    pub(super) fn insert(&mut self, entry: &Arc<Entry>, capacity: usize) {
        match self.folding {
            Folding::None => self.insert_in_time(Arc::clone(entry), capacity),
            Folding::Leaders => self.insert_repeating(entry, capacity),
            Folding::Kinds | Folding::Runs if entry.note => self.insert_in_time(Arc::clone(entry), capacity),
            Folding::Kinds => {
                let is_same = |other: &Arc<Entry>| !other.note && other.kind() == entry.kind();
                let known = self.kinds.contains_key(&entry.kind());
                let place = known.then(|| self.entries.iter().rposition(is_same)).flatten();
                self.insert_folded(entry, place, capacity);
            }
            Folding::Runs => {
                let said = entry.said();
                let before = self.last.insert(entry.source.clone(), said);
                let is_last = |other: &Arc<Entry>| !other.note && other.source == entry.source;
                let known = before == Some(said);
                let place = known.then(|| self.entries.iter().rposition(is_last)).flatten();
                self.insert_folded(entry, place, capacity);
            }
        }
    }

    /// Takes in entries, each at its time, as [`Ring::insert`] would one by one: what comes after them is moved once, not once for each.
    pub(super) fn insert_all(&mut self, mut entries: Vec<Arc<Entry>>, capacity: usize) {
        if self.folding != Folding::None {
            return entries.iter().for_each(|entry| self.insert(entry, capacity));
        }
        entries.sort_by_key(|entry| entry.record.at);
        let Some(first) = entries.first() else { return };
        let mut later = self.entries.split_off(self.place_of(first.record.at)).into_iter();
        let mut next = later.next();
        for entry in entries {
            while let Some(other) = next.take_if(|other| other.record.at <= entry.record.at) {
                self.entries.push_back(other);
                next = later.next();
            }
            self.bytes += entry.record.text.len();
            self.entries.push_back(entry);
        }
        self.entries.extend(next.into_iter().chain(later));
        self.keep_within(capacity);
    }

    /// Takes in an entry; the newer of it and of the one in this place stands for both.
    fn insert_folded(&mut self, entry: &Arc<Entry>, place: Option<usize>, capacity: usize) {
        match place.and_then(|place| self.take_out(place)) {
            Some(other) => self.insert_in_time(Arc::new(entry.joined(&other)), capacity),
            None => self.insert_in_time(Arc::clone(entry), capacity),
        }
    }

    fn insert_in_time(&mut self, entry: Arc<Entry>, capacity: usize) {
        self.insert_at(self.place_of(entry.record.at), entry, capacity);
    }

    /// After what was written until this time. Many a log is read in turns, and its lines are older than thousands of others.
    fn place_of(&self, at: Timestamp) -> usize {
        // Nearly always it is among the newest: there a search of the whole would look at memory all over.
        let newest = self.entries.len().saturating_sub(NEWEST);
        let is_newest = |place: usize| self.entries.get(place).is_none_or(|other| other.record.at <= at);
        if is_newest(newest) {
            let later = self.entries.iter().rev().take_while(|other| other.record.at > at);
            self.entries.len() - later.count()
        } else {
            self.entries.partition_point(|other| other.record.at <= at)
        }
    }

    /// The same among entries that stand for others, which keep their place when their time moves on.
    fn insert_among_repeating(&mut self, entry: Arc<Entry>, capacity: usize) {
        let newest = self.entries.iter().rev();
        let later = newest
            .take_while(|other| other.record.at > entry.record.at)
            .count();
        self.insert_at(self.entries.len() - later, entry, capacity);
    }

    fn insert_at(&mut self, place: usize, entry: Arc<Entry>, capacity: usize) {
        self.bytes += entry.record.text.len();
        if self.folding == Folding::Kinds && !entry.note {
            *self.kinds.entry(entry.kind()).or_default() += 1;
        }
        self.entries.insert(place, entry);
        self.keep_within(capacity);
    }

    /// Drops the oldest entries that are too many.
    fn keep_within(&mut self, capacity: usize) {
        while self.entries.len() > capacity || self.bytes > BYTES_CAPACITY {
            if self.take_out(0).is_none() {
                break;
            }
            self.dropped += 1;
        }
    }

    fn take_out(&mut self, place: usize) -> Option<Arc<Entry>> {
        let entry = self.entries.remove(place)?;
        self.bytes -= entry.record.text.len();
        if self.folding == Folding::Kinds && !entry.note {
            let kind = entry.kind();
            let left = self.kinds.get_mut(&kind).map_or(0, |count| {
                *count -= 1;
                *count
            });
            if left == 0 {
                self.kinds.remove(&kind);
            }
        }
        Some(entry)
    }

    /// Takes in an entry that may repeat another, which it then stands for: in its place while only such entries follow, so that a
    /// screen at rest stays as it is; else at its own time.
    fn insert_repeating(&mut self, entry: &Arc<Entry>, capacity: usize) {
        let is_same = |other: &Arc<Entry>| entry.repeats_like(other);
        let place = self.entries.iter().rposition(is_same);
        let Some((place, other)) = place.and_then(|place| Some((place, self.take_out(place)?))) else {
            return self.insert_among_repeating(Arc::clone(entry), capacity);
        };
        let mut joined = Entry::clone(entry);
        joined.repeats += other.repeats;
        joined.first_at = joined.first_at.min(other.first_at);
        let rests = self
            .entries
            .range(place..)
            .all(|later| later.repeat_key().is_some());
        if rests {
            self.insert_at(place, Arc::new(joined), capacity);
        } else {
            self.insert_among_repeating(Arc::new(joined), capacity);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use sopwatch_core::logparse::{LogRecord, Severity};
    use sopwatch_core::observe::observation::PodUid;

    fn entry(at: i64, number: usize) -> Arc<Entry> {
        let source = ContainerKey {
            pod_uid: PodUid("a".into()),
            pod: "api-a".into(),
            container: "service".into(),
            restart: 0,
        };
        let record = LogRecord {
            at: Timestamp::from_second(at).unwrap(),
            severity: Severity::Info,
            text: format!("line {number}").as_str().into(),
            leader: None,
        };
        Arc::new(Entry::new(Arc::new(source), record))
    }

    proptest! {
        #[test]
        fn many_entries_at_once_are_put_where_each_alone_would_be(
            batches in proptest::collection::vec(proptest::collection::vec(0_i64..40, 0..12), 0..20),
            capacity in 1_usize..60,
        ) {
            let (mut at_once, mut one_by_one) = (Ring::default(), Ring::default());
            for (number, batch) in batches.into_iter().enumerate() {
                let entries: Vec<_> = batch.into_iter().map(|at| entry(at, number)).collect();
                entries.iter().for_each(|entry| one_by_one.insert(entry, capacity));
                at_once.insert_all(entries, capacity);
            }
            prop_assert_eq!(at_once.entries(), one_by_one.entries());
            prop_assert_eq!((at_once.bytes(), at_once.dropped), (one_by_one.bytes(), one_by_one.dropped));
        }
    }
}
