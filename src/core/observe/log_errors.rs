//! What the logs said about errors, by class, kept apart from the scroll-back so that noise can't evict it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::logparse::{ContainerKey, ErrorCounts, ErrorSighting, ErrorTimes};
use crate::text::SafeText;

/// The newest errors that are kept of one class in one log.
pub const NEWEST: usize = 32;

/// Classes that are kept of one log; a profile has a handful.
const MAX_CLASSES: usize = 32;

/// How close to the moment from which on errors count the first of them is where it need not be the first at all.
const EDGE: SignedDuration = SignedDuration::from_mins(1);

/// Logs of containers that are gone that are kept: what they said explains why they are gone.
const GONE_LOGS: usize = 16;

/// Errors by log and class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogErrors {
    by: BTreeMap<ContainerKey, BTreeMap<SafeText, KnownErrors>>,
    /// Logs of pods that are gone, in the order in which they went.
    gone: VecDeque<ContainerKey>,
}

/// Errors of one class in one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownErrors {
    /// Records since the first line that could be had.
    pub count: u64,
    /// When the first was written.
    pub first_at: Timestamp,
    /// When the newest was written.
    pub last_at: Timestamp,
    /// When they were written, as far back as that is kept.
    times: ErrorTimes,
    /// The newest, oldest first.
    pub newest: VecDeque<ErrorSighting>,
    /// From when on `newest` has all of them; none where it has all that there were.
    whole_since: Option<Timestamp>,
}

/// Errors of one class in all logs together, since a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassSummary<'a> {
    /// The class's id; empty where no class knows them.
    pub class: &'a SafeText,
    /// Records since the moment. Of a log with more than are kept, those of the ten seconds in which the moment is may be missing.
    pub count: u64,
    /// Whether there may be more, of which neither text nor time was kept.
    pub more: bool,
    /// When the first of them was written.
    pub first_at: Timestamp,
    /// Whether the class may have had errors right before it, too old to count or not kept.
    pub earlier: bool,
    /// The newest of them, and its log.
    pub newest: (&'a ContainerKey, &'a ErrorSighting),
}

impl LogErrors {
    /// Takes in what a log said. One that is read again from its beginning says the same again.
    pub fn apply(&mut self, source: &ContainerKey, tallies: &[ErrorCounts]) {
        if tallies.is_empty() {
            return;
        }
        let classes = self.by.entry(source.clone()).or_default();
        for tally in tallies {
            let known = classes.contains_key(&tally.class);
            if known || classes.len() < MAX_CLASSES {
                let errors = classes
                    .entry(tally.class.clone())
                    .or_insert_with(|| KnownErrors::of(tally));
                errors.add(tally);
            }
        }
    }

    /// The pod is gone: its errors stay for a while.
    pub fn pod_is_gone(&mut self, is_of_pod: impl Fn(&ContainerKey) -> bool) {
        let went = self
            .by
            .keys()
            .filter(|key| is_of_pod(key) && !self.gone.contains(key));
        let went: Vec<_> = went.cloned().collect();
        self.gone.extend(went);
        while self.gone.len() > GONE_LOGS {
            if let Some(oldest) = self.gone.pop_front() {
                self.by.remove(&oldest);
            }
        }
    }

    /// Forgets the logs of instances that are too old to matter.
    pub fn forget(&mut self, is_old: impl Fn(&ContainerKey) -> bool) {
        self.by.retain(|key, _| !is_old(key));
        self.gone.retain(|key| !is_old(key));
    }

    /// The ids of the classes with errors.
    pub fn classes(&self) -> BTreeSet<&SafeText> {
        self.by.values().flat_map(BTreeMap::keys).collect()
    }

    /// The classes with errors written at `since` or later, those with the newest first.
    pub fn summaries(&self, since: Timestamp) -> Vec<ClassSummary<'_>> {
        let of = |class| self.summary(class, since);
        let mut all: Vec<_> = self.classes().into_iter().filter_map(of).collect();
        all.sort_by_key(|summary| std::cmp::Reverse(summary.newest.1.at));
        all
    }

    fn summary<'a>(&'a self, class: &'a SafeText, since: Timestamp) -> Option<ClassSummary<'a>> {
        let newest = self.since(class, since).max_by_key(|(_, sighting)| sighting.at)?;
        let (mut count, mut first_at, mut more, mut began) = (0, newest.1.at, false, newest.1.at);
        for (_, errors) in self.of_class(class) {
            let (some, rest) = errors.count_since(since);
            count += some;
            more |= rest;
            first_at = errors.first_since(since).map_or(first_at, |at| first_at.min(at));
            began = began.min(errors.first_at);
        }
        Some(ClassSummary {
            class,
            count,
            more,
            first_at,
            earlier: began < since && (more || first_at.duration_since(since) < EDGE),
            newest,
        })
    }

    /// What is known of a class, by log.
    fn of_class<'a>(&'a self, class: &str) -> impl Iterator<Item = (&'a ContainerKey, &'a KnownErrors)> {
        let class = SafeText::new(class);
        let logs = self.by.iter();
        logs.filter_map(move |(key, classes)| Some((key, classes.get(&class)?)))
    }

    /// How many errors of a class each log has since a moment, and whether it may have more.
    pub fn counts<'a>(
        &'a self,
        class: &str,
        since: Timestamp,
    ) -> impl Iterator<Item = (&'a ContainerKey, u64, bool)> {
        let count = move |(key, errors): (&'a ContainerKey, &KnownErrors)| {
            let (count, more) = errors.count_since(since);
            (key, count, more)
        };
        self.of_class(class).map(count)
    }

    /// When errors of a class were written at `since` or later, each time with how many, by log. It knows of more than [`LogErrors::since`],
    /// which has the texts of the newest alone.
    pub fn times<'a>(
        &'a self,
        class: &str,
        since: Timestamp,
    ) -> impl Iterator<Item = (&'a ContainerKey, Timestamp, u64)> {
        let of_class = self.of_class(class).map(move |(key, errors)| {
            let times = errors.times_since(since).into_iter();
            times.map(move |(at, count)| (key, at, count))
        });
        of_class.flatten()
    }

    /// From when on [`LogErrors::times`] has all errors of a class, `since` at the earliest.
    pub fn times_known_from(&self, class: &str, since: Timestamp) -> Timestamp {
        let from = self
            .of_class(class)
            .map(|(_, errors)| errors.times_known_from(since));
        from.max().unwrap_or(since)
    }

    /// The errors of a class that are known, with their logs, written at `since` or later.
    pub fn since<'a>(
        &'a self,
        class: &'a str,
        since: Timestamp,
    ) -> impl Iterator<Item = (&'a ContainerKey, &'a ErrorSighting)> {
        let of_class = self.by.iter().filter_map(move |(key, classes)| {
            let errors = classes.get(&SafeText::new(class))?;
            Some(errors.newest.iter().map(move |sighting| (key, sighting)))
        });
        of_class
            .flatten()
            .filter(move |(_, sighting)| sighting.at >= since)
    }
}

impl KnownErrors {
    fn of(tally: &ErrorCounts) -> Self {
        Self {
            count: 0,
            first_at: tally.first_at,
            last_at: tally.last_at,
            times: ErrorTimes::default(),
            newest: VecDeque::new(),
            whole_since: None,
        }
    }

    fn add(&mut self, tally: &ErrorCounts) {
        let came = tally.count.saturating_sub(self.count);
        // A log that is read again from its beginning has as many only at its end.
        self.count = self.count.max(tally.count);
        self.first_at = self.first_at.min(tally.first_at);
        self.last_at = self.last_at.max(tally.last_at);
        self.times.merge(&tally.times);
        let known_until = self.newest.back().map(|sighting| sighting.at);
        let is_new = |sighting: &&ErrorSighting| known_until.is_none_or(|until| sighting.at > until);
        let kept = self.newest.len();
        self.newest.extend(tally.newest.iter().filter(is_new).cloned());
        if came > (self.newest.len() - kept) as u64 {
            // Those between what was kept before and these were not.
            let first = self.newest.get(kept).map_or(self.last_at, |sighting| sighting.at);
            self.whole_since = Some(first);
        }
        while self.newest.len() > NEWEST {
            self.newest.pop_front();
            let oldest = self.newest.front().map(|sighting| sighting.at);
            self.whole_since = self.whole_since.max(oldest);
        }
    }

    /// When they were written since a moment, each time with how many, as far as that is known.
    fn times_since(&self, since: Timestamp) -> Vec<(Timestamp, u64)> {
        let kept = self.newest.iter().filter(|sighting| sighting.at >= since);
        let kept: Vec<_> = kept.map(|sighting| (sighting.at, 1)).collect();
        let timed: Vec<_> = self.times.since(since).collect();
        let known: u64 = timed.iter().map(|(_, some)| some).sum();
        if kept.len() as u64 >= known { kept } else { timed }
    }

    /// From when on the times of all are known, `since` at the earliest.
    fn times_known_from(&self, since: Timestamp) -> Timestamp {
        let is_known = self.last_at < since || self.newest.len() as u64 >= self.count;
        if is_known || self.times.total() >= self.count || self.times.reaches(since) {
            return since;
        }
        let oldest = self.times.oldest();
        let from = oldest.into_iter().chain(self.whole_since).min();
        from.unwrap_or(since).max(since)
    }

    /// How many were written since a moment, and whether there may be more.
    fn count_since(&self, since: Timestamp) -> (u64, bool) {
        let known = self.times_since(since).iter().map(|(_, some)| some).sum();
        if self.times_known_from(since) == since {
            (known, false)
        } else if self.first_at >= since {
            // All of them count where the first does.
            (self.count.max(known), false)
        } else {
            (known, true)
        }
    }

    /// When the first was written since a moment, as far as that is known.
    fn first_since(&self, since: Timestamp) -> Option<Timestamp> {
        if self.first_at >= since {
            return Some(self.first_at);
        }
        self.times_since(since).first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ago, source};

    fn tally(class: &str, count: u64, seconds_ago: &[i64]) -> ErrorCounts {
        let sighting = |seconds: &i64| ErrorSighting {
            at: ago(*seconds),
            text: SafeText::new(&format!("{class} {seconds}")).into(),
            line: crate::text::Redacted::default(),
        };
        ErrorCounts {
            class: class.into(),
            count,
            first_at: ago(seconds_ago[0]),
            last_at: ago(*seconds_ago.last().unwrap()),
            times: ErrorTimes::default(),
            newest: seconds_ago.iter().map(sighting).collect(),
        }
    }

    #[test]
    fn classes_are_summed_over_the_logs() {
        let mut errors = LogErrors::default();
        errors.apply(
            &source("blf5h"),
            &[tally("ocm", 7, &[90, 30]), tally("sso", 1, &[5])],
        );
        errors.apply(&source("lzxms"), &[tally("ocm", 2, &[200, 100])]);
        let summaries = errors.summaries(ago(150));
        let told: Vec<_> = summaries
            .iter()
            .map(|summary| {
                (
                    &**summary.class,
                    summary.count,
                    summary.first_at,
                    summary.newest.0.short_name(),
                )
            })
            .collect();
        assert_eq!(told, [("sso", 1, ago(5), "blf5h"), ("ocm", 8, ago(100), "blf5h")]);
        assert_eq!(errors.since("ocm", ago(90)).count(), 2);
        assert_eq!(errors.since("dns", ago(900)).count(), 0);
    }

    #[test]
    fn a_log_that_is_read_again_counts_once() {
        let mut errors = LogErrors::default();
        for _ in 0..2 {
            errors.apply(&source("blf5h"), &[tally("ocm", 2, &[90, 30])]);
        }
        assert_eq!(errors.since("ocm", ago(900)).count(), 2);
        errors.apply(&source("blf5h"), &[tally("ocm", 3, &[10])]);
        assert_eq!(errors.since("ocm", ago(900)).count(), 3);
    }

    /// A log with an error every five seconds for so long, whose batches keep the newest 16.
    fn flood(seconds: i64, with_times: bool) -> ErrorCounts {
        let all: Vec<i64> = (1..=seconds / 5).map(|number| number * 5).rev().collect();
        let mut tally = tally("ocm", all.len() as u64, &all);
        if with_times {
            tally.times = all.iter().map(|seconds| ago(*seconds)).collect();
        }
        tally.newest.drain(..all.len().saturating_sub(16));
        tally
    }

    #[test]
    fn errors_that_no_batch_kept_are_counted_and_the_first_of_them_is_known() {
        // (the log's length, since, with times) -> (count, more, first, earlier)
        let table = [
            ((2_580, 1_800, true), (360, false, 1_800, true)),
            ((900, 1_800, true), (180, false, 900, false)),
            // what an older version recorded
            ((900, 1_800, false), (180, false, 900, false)),
            ((2_580, 1_800, false), (16, true, 80, true)),
            ((60, 1_800, false), (12, false, 60, false)),
            ((60, 30, false), (6, false, 30, true)),
        ];
        for ((length, since, with_times), want) in table {
            let mut errors = LogErrors::default();
            errors.apply(&source("blf5h"), &[flood(length, with_times)]);
            let summaries = errors.summaries(ago(since));
            let [one] = summaries.as_slice() else {
                unreachable!("{summaries:?}")
            };
            let first = ago(0).duration_since(one.first_at).as_secs();
            assert_eq!(
                (one.count, one.more, first, one.earlier),
                want,
                "{length} {since} {with_times}"
            );
        }
    }

    #[test]
    fn what_is_missing_between_two_batches_is_not_taken_for_nothing() {
        let mut errors = LogErrors::default();
        errors.apply(&source("blf5h"), &[tally("ocm", 2, &[3_000, 1_000])]);
        errors.apply(&source("blf5h"), &[tally("ocm", 90, &[20, 10])]);
        let summaries = errors.summaries(ago(1_800));
        assert_eq!((summaries[0].count, summaries[0].more), (3, true));
        assert_eq!(errors.times_known_from("ocm", ago(1_800)), ago(20));
        assert!(!errors.summaries(ago(20))[0].more);
    }

    #[test]
    fn no_log_fills_the_memory() {
        let mut errors = LogErrors::default();
        for number in (0..1_000).rev() {
            errors.apply(
                &source("blf5h"),
                &[tally("ocm", 1_000 - number as u64, &[number])],
            );
            errors.apply(&source("blf5h"), &[tally(&format!("c{number}"), 1, &[1])]);
        }
        assert_eq!(errors.since("ocm", ago(9_999)).count(), NEWEST);
        let summaries = errors.summaries(ago(9_999));
        let full = summaries
            .iter()
            .find(|summary| &**summary.class == "ocm")
            .unwrap();
        assert_eq!((full.count, full.more, full.first_at), (1_000, false, ago(999)));
        let summary = |since| errors.summary(full.class, since).unwrap();
        let some = summary(ago(500));
        assert_eq!((some.count, some.more, some.earlier), (NEWEST as u64, true, true));
        assert_eq!(errors.classes().len(), MAX_CLASSES);
        for number in 0..100 {
            let mut gone = source("blf5h");
            gone.restart = number;
            errors.apply(&gone, &[tally("ocm", 1, &[1])]);
            errors.pod_is_gone(|key| *key == gone);
        }
        assert_eq!(errors.by.len(), GONE_LOGS);
    }
}
