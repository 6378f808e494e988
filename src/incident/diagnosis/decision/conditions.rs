//! Conditions: which function evaluates which, and those about leaders and sources.

use jiff::{SignedDuration, Timestamp};

use super::Truth;
use super::requests::Load;
use crate::incident::diagnosis::Case;
use crate::incident::diagnosis::answer::Heard;
use crate::incident::fact::short_name;
use crate::incident::feed::FeedId;
use crate::incident::leader::{LeaderReading, Verdict};
use crate::incident::rule::{Condition, LeaderTrouble};
use crate::incident::span;

impl Case<'_> {
    /// Whether a condition holds.
    pub(super) fn holds(&self, condition: &Condition) -> Truth {
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
            } => self.errors(classes, span::of(*within), *at_least),
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
            } => self.outbound(services, span::of(*within), *at_least, *share),
            Condition::ClusterEvents => self.cluster_events(),
            Condition::OverLimit { table, roles } => self.over_limit(table, roles),
            Condition::NewlyFailed { table } => self.newly_failed(table),
            Condition::Blank { table } => self.blank(table),
            Condition::NoneReady { table } => self.none_ready(table),
            Condition::Led { workers } => self.led(workers),
            Condition::All { of } => Truth::all(of.iter().map(|one| self.holds(one))),
            Condition::Any { of, optional } => Truth::any_or_optional(
                of.iter().map(|one| self.holds(one)),
                optional.iter().map(|one| self.holds(one)),
            ),
            Condition::Not { of } => self.holds(of).not(),
        }
    }

    /// Whether a source without which nothing can be judged can't be read now.
    fn unreadable(&self) -> Truth {
        let pods = match self.hear(&FeedId::Pods, "pods") {
            Heard::Current(_) => None,
            Heard::Never(why) | Heard::Stopped(_, why) => Some(why),
        };
        let logs = self.unread_logs();
        let database = match self.hear(&FeedId::Database, "database") {
            Heard::Current(_) => None,
            Heard::Never(why) | Heard::Stopped(_, why) => Some(why),
        };
        match (pods, logs, database) {
            (Some(why), _, _) => Truth::holds([why]),
            (None, Some(logs), Some(database)) if self.needs_workers() => Truth::holds([logs, database]),
            _ => Truth::holds_not("the pods are read, and the logs or the database"),
        }
    }

    /// Whether any step of the SOP is about leaders or rows.
    fn needs_workers(&self) -> bool {
        use crate::incident::rule::Alert;
        matches!(self.alert, Alert::Osd | Alert::Kafka)
    }

    fn leader_trouble(&self, trouble: LeaderTrouble, workers: &[String]) -> Truth {
        Truth::any(
            self.readings(workers)
                .map(|reading| self.has_trouble(trouble, reading)),
        )
    }

    fn has_trouble(&self, trouble: LeaderTrouble, reading: &LeaderReading) -> Truth {
        let worker = &reading.worker;
        match (reading.verdict, trouble) {
            (Verdict::None, LeaderTrouble::None) => {
                let out = reading.lease.as_ref().filter(|lease| lease.ttl_s < 0);
                let out = out.map(|lease| {
                    let ago = SignedDuration::from_secs(lease.ttl_s.saturating_neg());
                    format!("its lease ran out {} ago", span::brief(ago))
                });
                let said = format!("no {worker} leader: {}", reading.log);
                Truth::holds(std::iter::once(said).chain(out)).again(self.was_restarted())
            }
            (Verdict::Many, LeaderTrouble::Many) => {
                Truth::holds([format!("more than one {worker} leader: {}", reading.log)])
            }
            (Verdict::Unknown, _) => Truth::unknown(format!("who leads {worker}: {}", reading.log)),
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
            Verdict::Settling { .. } | Verdict::Unknown => {
                Truth::unknown(format!("who leads {}: {}", reading.worker, reading.log))
            }
        }))
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

    fn readings<'a>(&'a self, workers: &'a [String]) -> impl Iterator<Item = &'a LeaderReading> {
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

    fn left(&self, until: Timestamp) -> String {
        span::brief(until.duration_since(self.now).max(SignedDuration::ZERO))
    }
}
