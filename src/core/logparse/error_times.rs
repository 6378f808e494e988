//! When the errors of one class in one log were written: how many in each ten seconds, so that they are counted exactly although only the
//! newest of them are kept.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Seconds whose errors are counted together.
const SPAN: i64 = 10;

/// Spans with errors that are kept: of a flood without a pause the last hour.
const SPANS: usize = 360;

/// Errors by the span in which they were written, oldest first, spans without any left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorTimes(VecDeque<Span>);

/// The second of the first error in a span, and how many are in the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Span(i64, u64);

impl Span {
    fn number(self) -> i64 {
        self.0.div_euclid(SPAN)
    }
}

impl ErrorTimes {
    /// Counts an error; the place of its span, and whether the span is new.
    fn add(&mut self, at: Timestamp) -> (usize, bool) {
        let one = Span(at.as_second(), 1);
        self.join(one, |known| Span(known.0.min(one.0), known.1 + 1))
    }

    /// Takes in how many errors there were in some spans. A log that is read again says the same again.
    pub(crate) fn merge(&mut self, other: &Self) {
        for span in &other.0 {
            self.join(*span, |known| Span(known.0.min(span.0), known.1.max(span.1)));
        }
    }

    /// Puts a span in its place, joined with what is known of it; the place, and whether nothing was known of it.
    fn join(&mut self, span: Span, joined: impl FnOnce(Span) -> Span) -> (usize, bool) {
        let later = self.0.iter().rev();
        let later = later.take_while(|known| known.number() > span.number()).count();
        let end = self.0.len() - later;
        let known = end
            .checked_sub(1)
            .and_then(|place| Some((place, self.0.get_mut(place)?)));
        if let Some((place, known)) = known.filter(|(_, known)| known.number() == span.number()) {
            *known = joined(*known);
            return (place, false);
        }
        self.0.insert(end, span);
        if self.0.len() > SPANS {
            self.0.pop_front();
            return (end.saturating_sub(1), true);
        }
        (end, true)
    }

    /// When errors were written since a moment, each time with how many. Of a span in which the moment is, nothing counts unless all of it
    /// is later: no error is counted that is older.
    pub(crate) fn since(&self, since: Timestamp) -> impl Iterator<Item = (Timestamp, u64)> {
        let first = self.0.partition_point(|span| span.0 < since.as_second());
        let spans = self.0.range(first..);
        spans.filter_map(move |span| {
            // A second is cut off: an error of the second of `since` is not older.
            let at = Timestamp::from_second(span.0).ok()?;
            Some((at.max(since), span.1))
        })
    }

    /// All errors that are counted here.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|span| span.1).sum()
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the oldest of them was written.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.0.front()?.0).ok()
    }

    /// Whether the oldest that is known is older than a moment: what was dropped to stay within bounds is older still.
    pub(crate) fn reaches(&self, since: Timestamp) -> bool {
        self.0.front().is_some_and(|span| span.0 < since.as_second())
    }
}

/// The same while a log is read, with what changed since it was asked for.
#[derive(Debug, Default)]
pub(super) struct RunningTimes {
    times: ErrorTimes,
    /// Spans at the end that have changed, or may have.
    changed: usize,
}

impl RunningTimes {
    pub(super) fn add(&mut self, at: Timestamp) {
        let (place, is_new) = self.times.add(at);
        let spans = self.times.0.len();
        self.changed = (self.changed + usize::from(is_new)).max(spans - place).min(spans);
    }

    /// The spans that have changed since the last time, each with all of its errors.
    pub(super) fn drain(&mut self) -> ErrorTimes {
        let changed = std::mem::take(&mut self.changed);
        let first = self.times.0.len().saturating_sub(changed);
        ErrorTimes(self.times.0.range(first..).copied().collect())
    }
}

#[cfg(test)]
impl FromIterator<Timestamp> for ErrorTimes {
    fn from_iter<T: IntoIterator<Item = Timestamp>>(times: T) -> Self {
        let mut all = Self::default();
        for at in times {
            all.add(at);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_610_716_800 + second).unwrap()
    }

    fn counted(times: &ErrorTimes, since: i64) -> u64 {
        times.since(at(since)).map(|(_, count)| count).sum()
    }

    proptest! {
        #[test]
        fn batches_lead_to_what_is_known_at_their_source_also_when_they_come_twice(
            batches in proptest::collection::vec(proptest::collection::vec(0_i64..9_000, 0..60), 0..20),
        ) {
            let (mut running, mut merged, mut twice) = (RunningTimes::default(), ErrorTimes::default(), ErrorTimes::default());
            for batch in &batches {
                batch.iter().for_each(|second| running.add(at(*second)));
                let changed = running.drain();
                merged.merge(&changed);
                twice.merge(&changed);
                twice.merge(&changed);
            }
            prop_assert_eq!(&merged, &running.times);
            prop_assert_eq!(&twice, &merged);
            let all = batches.iter().flatten().count();
            let some = merged.0.front().map_or(0, |oldest| oldest.0 - at(0).as_second());
            let kept = batches.iter().flatten().filter(|second| **second >= some).count();
            prop_assert!(counted(&merged, -1) as usize <= kept && (merged.0.len() == SPANS || kept == all));
        }
    }

    #[test]
    fn no_error_counts_that_is_older_and_the_first_is_known_to_the_second() {
        let mut running = RunningTimes::default();
        for second in [3, 4, 14, 25, 25, 29] {
            running.add(at(second));
        }
        let times = running.drain();
        for (since, count, first) in [
            (0, 6, 3),
            (3, 6, 3),
            (4, 4, 14),
            (15, 3, 25),
            (25, 3, 25),
            (26, 0, 0),
        ] {
            let found: Vec<_> = times.since(at(since)).collect();
            assert_eq!(counted(&times, since), count, "{since}");
            if let Some((begin, _)) = found.first() {
                assert_eq!(*begin, at(first), "{since}");
            }
        }
        assert!(running.drain().is_empty());
    }

    #[test]
    fn a_flood_does_not_fill_the_memory_and_nothing_lately_is_lost() {
        let mut running = RunningTimes::default();
        (0..20_000).for_each(|second| running.add(at(second)));
        let times = running.drain();
        assert_eq!(times.0.len(), SPANS);
        assert_eq!(counted(&times, 20_000 - 1_800), 1_800);
        assert!(!times.reaches(at(0)) && times.reaches(at(20_000 - 1_800)));
    }
}
