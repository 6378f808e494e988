//! What the logs said about errors, by class, kept apart from the scroll-back so that noise can't evict it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;

use crate::logparse::{ContainerKey, ErrorCounts, ErrorSighting};
use crate::text::SafeText;

/// The newest errors that are kept of one class in one log.
pub(crate) const NEWEST: usize = 32;

/// Classes that are kept of one log; a profile has a handful.
const MAX_CLASSES: usize = 32;

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
    /// The newest, oldest first.
    pub newest: VecDeque<ErrorSighting>,
}

/// Errors of one class in all logs together, since a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassSummary<'a> {
    /// The class's id; empty where no class knows them.
    pub class: &'a SafeText,
    /// Records that are known.
    pub count: usize,
    /// Whether there may be more, of which only the newest were kept.
    pub more: bool,
    /// When the first of them was written.
    pub first_at: Timestamp,
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
        let is_full = |errors: &KnownErrors| {
            let oldest = errors.newest.front().map(|sighting| sighting.at);
            errors.newest.len() == NEWEST && oldest.is_some_and(|oldest| oldest >= since)
        };
        let of_class = self.by.values().filter_map(|classes| classes.get(class));
        Some(ClassSummary {
            class,
            count: self.since(class, since).count(),
            more: of_class.into_iter().any(is_full),
            first_at: self.since(class, since).map(|(_, sighting)| sighting.at).min()?,
            newest,
        })
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
            count: tally.count,
            first_at: tally.first_at,
            last_at: tally.last_at,
            newest: VecDeque::new(),
        }
    }

    fn add(&mut self, tally: &ErrorCounts) {
        self.count = tally.count;
        self.first_at = tally.first_at;
        self.last_at = self.last_at.max(tally.last_at);
        let known_until = self.newest.back().map(|sighting| sighting.at);
        let is_new = |sighting: &&ErrorSighting| known_until.is_none_or(|until| sighting.at > until);
        self.newest.extend(tally.newest.iter().filter(is_new).cloned());
        while self.newest.len() > NEWEST {
            self.newest.pop_front();
        }
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
        assert_eq!(told, [("sso", 1, ago(5), "blf5h"), ("ocm", 3, ago(100), "blf5h")]);
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
        assert_eq!((&**full.class, full.count, full.more), ("ocm", NEWEST, true));
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
