//! What is known of the leaders of the workers that a condition names.

use jiff::Timestamp;

use super::evaluation::Evaluation;
use super::leaders::{LeaderReading, Verdict};
use crate::observe::observation::short_name;
use crate::safe;
use crate::text::SafeText;

impl Evaluation<'_> {
    /// The readings of workers by their lease types.
    pub(super) fn readings<'a>(&'a self, workers: &'a [String]) -> impl Iterator<Item = &'a LeaderReading> {
        let named = self
            .profile
            .leaders
            .workers
            .iter()
            .filter(|worker| workers.contains(&worker.lease_type));
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

    /// `blf5h leads KafkaManager`.
    pub(super) fn leader_in_words(&self, reading: &LeaderReading) -> SafeText {
        let worker = &reading.worker;
        match (reading.verdict, &reading.pod) {
            (Verdict::One, Some(pod)) => safe!("{} leads {worker}", short_name(pod)),
            (Verdict::One, None) => safe!("one pod leads {worker} (by its lease)"),
            (Verdict::Many, _) => safe!("more than one pod leads {worker}"),
            (Verdict::None, _) => safe!("no pod leads {worker}"),
            (Verdict::Settling { until }, _) => {
                safe!("{worker} is electing a leader, certain in {}", self.left(until))
            }
            (Verdict::Unknown, _) => safe!("{worker} leader unknown"),
        }
    }
}
