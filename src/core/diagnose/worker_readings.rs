//! What is known of the leaders of the workers that a condition names.

use jiff::Timestamp;

use super::evaluation::Evaluation;
use super::leaders::{Awaited, LeaderReading, Verdict};
use crate::observe::observation::short_name;
use crate::safe;
use crate::text::SafeText;

impl Evaluation<'_> {
    /// The readings of workers by their lease types, in the order in which these are named: what an SOP or a rule is about comes first.
    pub(super) fn readings<'a>(&'a self, workers: &'a [String]) -> impl Iterator<Item = &'a LeaderReading> {
        let of_type = |lease_type: &'a String| {
            let all = self.profile.leaders.workers.iter();
            all.filter(move |worker| worker.lease_type == *lease_type)
        };
        let named = workers.iter().flat_map(of_type);
        named.filter_map(|worker| {
            self.leaders
                .iter()
                .find(|reading| reading.log_type == worker.log_type)
        })
    }

    /// Their names as people say them: `ClusterManager or KafkaManager`.
    pub(super) fn titles(&self, workers: &[String]) -> SafeText {
        let titles: Vec<_> = self
            .readings(workers)
            .map(|reading| reading.worker.as_str())
            .collect();
        titles.join(" or ").into()
    }

    /// When it will be known who leads each of these workers, where only time is missing: all that are not known yet settle.
    pub(super) fn leaders_known_at(&self, workers: &[String]) -> Option<Timestamp> {
        let open = self
            .readings(workers)
            .filter_map(|reading| match reading.verdict {
                Verdict::Settling { until } => Some(Some(until)),
                Verdict::Unknown => Some(None),
                Verdict::One | Verdict::Many | Verdict::None => None,
            });
        let all: Option<Vec<_>> = open.collect();
        all?.into_iter().max()
    }

    /// That a leader is not known, with what both witnesses say.
    pub(super) fn who_leads(&self, reading: &LeaderReading) -> SafeText {
        let lease = match &reading.lease {
            Some(lease) if lease.live && lease.pod.is_none() => "; its lease has an unknown holder",
            None if self.profile.leaders.lease_table.is_some() => "; no lease data",
            Some(_) | None => "",
        };
        safe!("{} leader unknown: {}{lease}", reading.worker, reading.log)
    }

    /// What is known of a leader until it is certain: `KafkaManager is electing a leader, certain in 2m5s`.
    pub(super) fn leader_known_in(&self, reading: &LeaderReading, until: Timestamp) -> SafeText {
        let worker = &reading.worker;
        let known = match reading.awaited {
            Awaited::Election => safe!("{worker} is electing a leader"),
            Awaited::Leader => safe!("{worker} leader not confirmed"),
            Awaited::Pod => safe!("no pod is up to lead {worker}"),
        };
        safe!("{known}, certain in {}", self.left(until))
    }

    /// `blf5h leads KafkaManager`.
    pub(super) fn leader_in_words(&self, reading: &LeaderReading) -> SafeText {
        let worker = &reading.worker;
        match (reading.verdict, &reading.pod) {
            (Verdict::One, Some(pod)) => safe!("{} leads {worker}", short_name(pod)),
            (Verdict::One, None) => safe!("one pod leads {worker} (by its lease)"),
            (Verdict::Many, _) => safe!("more than one pod leads {worker}"),
            (Verdict::None, _) => safe!("no pod leads {worker}"),
            (Verdict::Settling { until }, _) => self.leader_known_in(reading, until),
            (Verdict::Unknown, _) => safe!("{worker} leader unknown"),
        }
    }
}
