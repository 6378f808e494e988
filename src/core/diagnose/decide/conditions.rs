//! Conditions: which function evaluates which, and those about leaders and sources.

use jiff::{SignedDuration, Timestamp};

use super::Truth;
use super::requests::Load;
use crate::diagnose::Evaluation;
use crate::diagnose::leaders::{LeaderReading, Verdict, pods_without_lease};
use crate::diagnose::step_result::SourceCheck;
use crate::observe::observation::short_name;
use crate::observe::source::SourceId;
use crate::profile::rule::{Condition, LeaderTrouble};
use crate::text::duration;

impl Evaluation<'_> {
    /// Whether a condition holds.
    pub(in crate::diagnose) fn holds(&self, condition: &Condition) -> Truth {
        match condition {
            Condition::Unreadable => self.unreadable(),
            Condition::Settling => self.settling(),
            Condition::NoPodReady { because } => self.no_pod_ready(*because),
            Condition::Leader { is, workers } => self.leader_trouble(*is, workers),
            Condition::Crashing => self.crashing(),
            Condition::Errors {
                classes,
                within,
                at_least,
            } => self.errors(classes, duration::of(*within), *at_least),
            Condition::Saturated {
                within,
                at_least,
                shares,
                cpu,
            } => self.saturated(&Load::of(*within, *at_least, *shares, *cpu)),
            Condition::Outbound {
                services,
                within,
                at_least,
                share,
            } => self.outbound(services, duration::of(*within), *at_least, *share),
            Condition::ClusterEvents => self.cluster_events(),
            Condition::OverLimit { table, roles } => self.over_limit(table, roles),
            Condition::NewlyFailed { table, classes } => self.newly_failed(table, classes),
            Condition::UnknownStatus { table, over } => self.unknown_status(table, over.map(duration::of)),
            Condition::Blank { table } => self.blank(table),
            Condition::NoneReady { table } => self.none_ready(table),
            Condition::StepFails => self.step_fails(),
            Condition::Led { workers } => self.led(workers),
            Condition::All { of } => Truth::all(of.iter().map(|one| self.holds(one))),
            Condition::Any { of, optional } => Truth::any_or_optional(
                of.iter().map(|one| self.holds(one)),
                optional.iter().map(|one| self.holds(one)),
            ),
            Condition::Not { of } => self.holds(of).not(),
        }
    }

    /// When a condition that can't be told yet can be, where nothing but time is missing: its leaders settle.
    pub(super) fn known_at(&self, condition: &Condition) -> Option<Timestamp> {
        let of_parts = |parts: &[Condition]| {
            let unknown = parts
                .iter()
                .filter(|one| matches!(self.holds(one), Truth::Unknown { .. }));
            let all: Option<Vec<_>> = unknown.map(|one| self.known_at(one)).collect();
            all?.into_iter().max()
        };
        match condition {
            Condition::Leader { workers, .. } | Condition::Led { workers } => {
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
            Condition::All { of } | Condition::Any { of, .. } => of_parts(of),
            Condition::Not { of } => self.known_at(of),
            _ => None,
        }
    }

    /// Whether a source without which nothing can be judged can't be read now.
    fn unreadable(&self) -> Truth {
        let pods = match self.hear(&SourceId::Pods, "pods") {
            SourceCheck::Current(_) => None,
            SourceCheck::Never(why) | SourceCheck::Stopped(_, why) => Some(why),
        };
        let logs = self.unread_logs();
        let database = match self.hear(&SourceId::Database, "database") {
            SourceCheck::Current(_) => None,
            SourceCheck::Never(why) | SourceCheck::Stopped(_, why) => Some(why),
        };
        match (pods, logs, database) {
            (Some(why), _, _) => Truth::holds([why]),
            (None, Some(logs), Some(database)) if self.needs_workers() => Truth::holds([logs, database]),
            _ => Truth::holds_not("the pods are read, and the logs or the database"),
        }
    }

    /// Whether any step of the SOP is about leaders or rows.
    fn needs_workers(&self) -> bool {
        use crate::profile::rule::Alert;
        matches!(self.alert, Alert::Osd | Alert::Kafka)
    }

    fn leader_trouble(&self, trouble: LeaderTrouble, workers: &[String]) -> Truth {
        Truth::any(
            self.readings(workers)
                .map(|reading| self.has_trouble(trouble, reading)),
        )
    }

    pub(in crate::diagnose) fn has_trouble(&self, trouble: LeaderTrouble, reading: &LeaderReading) -> Truth {
        let worker = &reading.worker;
        match (reading.verdict, trouble) {
            (Verdict::None, LeaderTrouble::None) => {
                let out = reading.lease.as_ref().filter(|lease| lease.ttl_s < 0);
                let out = out.map(|lease| {
                    let ago = SignedDuration::from_secs(lease.ttl_s.saturating_neg());
                    format!("its lease ran out {} ago", duration::brief(ago))
                });
                let said = format!("no {worker} leader: {}", reading.log);
                if let Some(why) = self.lease_out_of_reach(reading) {
                    return Truth::unknown(why);
                }
                let tried = match self.last_led(reading) {
                    Some(led) => self.restarted_since(led),
                    None => self.was_restarted(),
                };
                Truth::holds(std::iter::once(said).chain(out)).again(tried)
            }
            (Verdict::Many, LeaderTrouble::Many) => {
                Truth::holds([format!("more than one {worker} leader: {}", reading.log)])
            }
            (Verdict::Unknown, _) => Truth::unknown(self.who_leads(reading)),
            (Verdict::Settling { until }, _) => {
                Truth::unknown(format!("who leads {worker} is known in {}", self.left(until)))
            }
            (Verdict::One | Verdict::None | Verdict::Many, _) => Truth::holds_not(self.in_words(reading)),
        }
    }

    fn led(&self, workers: &[String]) -> Truth {
        Truth::all(self.readings(workers).map(|reading| match reading.verdict {
            Verdict::One => Truth::holds([self.in_words(reading)]),
            Verdict::None | Verdict::Many => Truth::holds_not(self.in_words(reading)),
            Verdict::Settling { .. } | Verdict::Unknown => Truth::unknown(self.who_leads(reading)),
        }))
    }

    /// What is said of a leader that is not known, by both witnesses.
    fn who_leads(&self, reading: &LeaderReading) -> String {
        let lease = match &reading.lease {
            Some(lease) if lease.live && lease.pod.is_none() => {
                "; its lease is held by none of their processes"
            }
            None if self.profile.leaders.lease_table.is_some() => "; no lease is read",
            Some(_) | None => "",
        };
        format!("who leads {}: {}{lease}", reading.worker, reading.log)
    }

    /// Why nobody leads, where that is neither the pods' fault nor mended by starting them again: they can't reach the lease, and neither
    /// can we. One that starts without its database does not even come up.
    fn lease_out_of_reach(&self, reading: &LeaderReading) -> Option<String> {
        let (SourceCheck::Never(why) | SourceCheck::Stopped(_, why)) =
            self.hear(&SourceId::Database, "database")
        else {
            return None;
        };
        let blocked = pods_without_lease(self.state, self.profile, &reading.log_type, self.now);
        (blocked > 0).then(|| {
            format!(
                "whether {} has no leader for any reason but the database, which {blocked} of the pods can't read either: {why}",
                reading.worker
            )
        })
    }

    /// When somebody was last known to lead: before the lease was out he had renewed it, or the logs told.
    fn last_led(&self, reading: &LeaderReading) -> Option<Timestamp> {
        let lease = reading.lease.as_ref().filter(|lease| lease.ttl_s < 0);
        let end = lease.and_then(|lease| self.now.checked_add(SignedDuration::from_secs(lease.ttl_s)).ok());
        let length = duration::of(self.profile.leaders.lease);
        let renewed = end.and_then(|end| end.checked_sub(length).ok());
        renewed.max(self.state.leaders.last_led(&reading.log_type))
    }

    fn in_words(&self, reading: &LeaderReading) -> String {
        let worker = &reading.worker;
        match (reading.verdict, &reading.pod) {
            (Verdict::One, Some(pod)) => format!("{} leads {worker}", short_name(pod)),
            (Verdict::One, None) => format!("one pod leads {worker}, by its lease"),
            (Verdict::Many, _) => format!("more than one pod leads {worker}"),
            (Verdict::None, _) => format!("no pod leads {worker}"),
            (Verdict::Settling { until }, _) => format!("{worker} settles, {} left", self.left(until)),
            (Verdict::Unknown, _) => format!("who leads {worker} is not known"),
        }
    }

    pub(in crate::diagnose) fn readings<'a>(
        &'a self,
        workers: &'a [String],
    ) -> impl Iterator<Item = &'a LeaderReading> {
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

    pub(super) fn left(&self, until: Timestamp) -> String {
        duration::brief(until.duration_since(self.now).max(SignedDuration::ZERO))
    }
}
