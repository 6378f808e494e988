//! Samples of what the pods use and count, as far back as the vital signs look.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::observe::observation::{PodUid, PodUsage, RequestTotals, Scrape};

/// How far back samples are kept: what a condition may look back, and some more.
const KEPT: SignedDuration = SignedDuration::from_mins(15);

/// Samples that are kept at most of one source: one every 15 s for a quarter of an hour.
const MOST: usize = 64;

/// Samples that stay however old they are: a rate takes two.
const LEAST: usize = 2;

/// What was told of late, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VitalSamples {
    usage: VecDeque<(Timestamp, Vec<PodUsage>)>,
    scrapes: BTreeMap<PodUid, Counted>,
}

/// Readings of one process's counters.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counted {
    /// Restarts of the container when they were read: names the process, together with the pod.
    restarts: u32,
    samples: VecDeque<(Timestamp, Scrape)>,
}

impl VitalSamples {
    /// Takes in what all pods use.
    pub(super) fn add_usage(&mut self, mut usage: Vec<PodUsage>, now: Timestamp) {
        usage.sort_by(|a, b| a.pod.cmp(&b.pod));
        push(&mut self.usage, usage, now);
    }

    /// Takes in a reading of a pod's counters. They begin at zero again with the container, and with a process that the container replaced by
    /// itself: then one of them is lower than it was.
    pub(super) fn add_scrape(&mut self, pod: PodUid, restarts: u32, scrape: Scrape, now: Timestamp) {
        let counted = self.scrapes.entry(pod).or_default();
        let last = counted.samples.back();
        let another = counted.restarts != restarts || last.is_some_and(|(_, last)| !goes_on(last, &scrape));
        if another {
            counted.samples.clear();
            counted.restarts = restarts;
        }
        push(&mut counted.samples, scrape, now);
    }

    /// Forgets a pod's counters.
    pub(super) fn forget(&mut self, pod: &PodUid) {
        self.scrapes.remove(pod);
    }

    /// Every moment that it holds.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let usage = self.usage.iter_mut().map(|(at, _)| at);
        let scrapes = self
            .scrapes
            .values_mut()
            .flat_map(|counted| counted.samples.iter_mut());
        usage.chain(scrapes.map(|(at, _)| at))
    }

    /// What the pods used, by the pod's name, and when it was told, oldest first.
    pub fn usage(&self) -> impl DoubleEndedIterator<Item = &(Timestamp, Vec<PodUsage>)> {
        self.usage.iter()
    }

    /// What a pod's process has counted, and when it was read, oldest first: never of two processes. `restarts` is that of the
    /// container now: what an earlier one counted is left out.
    pub fn counted(
        &self,
        pod: &PodUid,
        restarts: u32,
    ) -> impl DoubleEndedIterator<Item = &(Timestamp, Scrape)> {
        let counted = self.scrapes.get(pod);
        let counted = counted.filter(|counted| counted.restarts == restarts);
        counted.into_iter().flat_map(|counted| &counted.samples)
    }
}

fn push<T>(samples: &mut VecDeque<(Timestamp, T)>, sample: T, now: Timestamp) {
    samples.push_back((now, sample));
    let is_old = |(at, _): &(Timestamp, T)| now.duration_since(*at) > KEPT;
    while samples.len() > MOST || (samples.len() > LEAST && samples.front().is_some_and(is_old)) {
        samples.pop_front();
    }
}

/// Whether one process can have counted first this and then that: no counter goes back.
fn goes_on(last: &Scrape, next: &Scrape) -> bool {
    let inbound = |totals: &RequestTotals| [totals.count, totals.failed, totals.timed];
    let grows = |last: &[u64], next: &[u64]| last.iter().zip(next).all(|(last, next)| last <= next);
    grows(&inbound(&last.inbound), &inbound(&next.inbound))
        && last.outbound.iter().all(|last| {
            let next = next.outbound.iter().find(|next| next.service == last.service);
            next.is_some_and(|next| {
                grows(
                    &[last.count, last.failed, last.timed],
                    &[next.count, next.failed, next.timed],
                )
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::observation::OutboundTotals;
    use crate::testkit::{SHORT, ago, now, pod};

    fn scrape(count: u64, outbound: &[(&str, u64)]) -> Scrape {
        let inbound = RequestTotals {
            count,
            timed: count,
            ..RequestTotals::default()
        };
        let outbound = outbound.iter().map(|(service, count)| OutboundTotals {
            service: (*service).into(),
            count: *count,
            failed: 0,
            refused: 0,
            timed: *count,
            within_1s: *count,
        });
        Scrape {
            inbound,
            outbound: outbound.collect(),
        }
    }

    fn counts(samples: &VitalSamples, restarts: u32) -> Vec<u64> {
        let uid = pod(SHORT[0], 0).uid;
        let counted = samples.counted(&uid, restarts);
        counted.map(|(_, scrape)| scrape.inbound.count).collect()
    }

    #[test]
    fn counters_of_two_processes_are_never_compared() {
        let ocm = |count| vec![("ocm", count)];
        // what is read one after the other, with the container's restarts, and what is kept of it at the end
        let table = [
            (
                "it counts on",
                vec![(0, 10, ocm(1)), (0, 10, ocm(1)), (0, 12, ocm(2))],
                vec![10, 10, 12],
            ),
            (
                "the container restarted",
                vec![(0, 10, ocm(1)), (1, 11, ocm(1)), (1, 12, ocm(1))],
                vec![11, 12],
            ),
            (
                "a counter went back",
                vec![(0, 10, ocm(1)), (0, 9, ocm(1))],
                vec![9],
            ),
            (
                "a counter of a called service went back",
                vec![(0, 10, ocm(5)), (0, 11, ocm(4))],
                vec![11],
            ),
            (
                "a called service is gone",
                vec![(0, 10, ocm(5)), (0, 11, vec![])],
                vec![11],
            ),
            (
                "a service is called for the first time",
                vec![(0, 10, vec![]), (0, 11, ocm(3))],
                vec![10, 11],
            ),
        ];
        for (what, read, kept) in table {
            let mut samples = VitalSamples::default();
            let mut restarts = 0;
            for (restart, count, outbound) in read {
                samples.add_scrape(pod(SHORT[0], 0).uid, restart, scrape(count, &outbound), now());
                restarts = restart;
            }
            assert_eq!(counts(&samples, restarts), kept, "{what}");
            assert!(counts(&samples, restarts + 1).is_empty(), "{what}");
        }
    }

    #[test]
    fn a_day_of_samples_does_not_fill_the_memory() {
        let mut samples = VitalSamples::default();
        let uid = pod(SHORT[0], 0).uid;
        for minute in (0..1_440).rev() {
            for quarter in [45, 30, 15, 0] {
                let at = ago(minute * 60 + quarter);
                samples.add_scrape(uid.clone(), 0, scrape(1, &[]), at);
                samples.add_usage(Vec::new(), at);
            }
        }
        assert_eq!(samples.usage().count(), 61);
        assert_eq!(counts(&samples, 0).len(), 61);
    }

    #[test]
    fn two_samples_far_apart_stay_for_a_rate() {
        let mut samples = VitalSamples::default();
        for minutes in [90, 60, 30] {
            let at = ago(minutes * 60);
            samples.add_scrape(pod(SHORT[0], 0).uid, 0, scrape(minutes as u64, &[]), at);
        }
        assert_eq!(counts(&samples, 0), [30]);
        samples.add_scrape(pod(SHORT[0], 0).uid, 0, scrape(31, &[]), now());
        assert_eq!(counts(&samples, 0), [30, 31]);
    }
}
