//! What would turn a rule's answer: the observation to look out for.

use jiff::SignedDuration;

use super::{Truth, WINDOW};
use crate::diagnose::Evaluation;
use crate::diagnose::leaders::LeaderReading;
use crate::profile::Role;
use crate::profile::rule::{Condition, DownCause, LeaderTrouble};
use crate::text::duration;

impl Evaluation<'_> {
    /// Which observation would turn a rule's answer; where there is none yet, which would make it true once all is known.
    pub(super) fn flips(&self, when: &Condition, truth: &Truth) -> String {
        match truth {
            Truth::True { .. } => self.to_false(when),
            Truth::False { .. } => self.to_true(when),
            Truth::Unknown { .. } => format!("it can be read, and {}", self.to_true(when)),
        }
    }

    /// What would make a condition hold that does not.
    fn to_true(&self, condition: &Condition) -> String {
        match condition {
            Condition::Unreadable => {
                "the pods, or both a log and the database, can't be read any more".to_owned()
            }
            Condition::Settling => "a pod is started".to_owned(),
            Condition::NoPodReady { because } => match because {
                None => "no pod is ready any more".to_owned(),
                Some(DownCause::Cluster) => {
                    "no pod is ready any more, and pods can't be scheduled or their nodes are lost".to_owned()
                }
                Some(DownCause::Release) => {
                    "no pod is ready any more, and what was released does not start".to_owned()
                }
            },
            Condition::Leader { is, workers } => self.lost_or_doubled(*is, workers),
            Condition::Crashing => {
                "a process panics and is not ready again, or is restarted twice".to_owned()
            }
            Condition::Errors {
                classes,
                within,
                at_least,
            } => format!(
                "{at_least} {} errors come within {}, or one that names a row over its limit",
                self.kinds_in_words(classes),
                duration::brief(duration::of(*within))
            ),
            Condition::Saturated { shares, .. } => format!(
                "over {} % of the requests take over 100 ms, or over {} % over 1 s",
                shares.slow, shares.very_slow
            ),
            Condition::ClusterEvents => {
                "an event tells of trouble with a node, a mount, a quota or a place".to_owned()
            }
            Condition::OverLimit { table, roles } => self.next_over(table, roles),
            Condition::NewlyFailed { table, classes } => {
                format!("a row of {table} fails{}", self.for_a_reason(classes))
            }
            Condition::UnknownStatus { table, over } => {
                let longer = over.map_or(String::new(), |over| {
                    format!(" and stays for over {}", duration::clock(duration::of(over)))
                });
                format!("a row of {table} gets a status that the profile does not know{longer}")
            }
            Condition::Blank { table } => format!("a row of {table} loses its status"),
            Condition::NoneReady { table } => format!("no row of {table} is ready any more"),
            Condition::StepFails => "a step fails that no other rule is about".to_owned(),
            Condition::Led { workers } => {
                format!("exactly one pod leads {}", self.titles(workers))
            }
            Condition::All { of } => {
                let open = of.iter().filter(|one| !self.holds(one).is_true());
                join(open.map(|one| self.to_true(one)), ", and ")
            }
            Condition::Any { of, optional } => {
                join(of.iter().chain(optional).map(|one| self.to_true(one)), ", or ")
            }
            Condition::Outbound {
                services,
                within,
                share,
                ..
            } => format!(
                "{share} % of the calls to {} fail within {}",
                called(services),
                duration::brief(duration::of(*within))
            ),
            Condition::Not { of } => self.to_false(of),
        }
    }

    /// What would make a condition not hold that does.
    fn to_false(&self, condition: &Condition) -> String {
        match condition {
            Condition::Unreadable => "they can be read again".to_owned(),
            Condition::Settling => match self.settles() {
                Ok(settling) => format!("no other pod is started for {}", self.left(settling.until)),
                Err(_) => "no pod is started any more".to_owned(),
            },
            Condition::NoPodReady { .. } => "a pod becomes ready".to_owned(),
            Condition::Leader { is, workers } => match is {
                LeaderTrouble::None => format!(
                    "the lease row advances, or a pod logs that it leads {}",
                    self.titles(workers)
                ),
                LeaderTrouble::Many => "all but one of them fall silent".to_owned(),
            },
            Condition::Crashing => "every pod is ready, and none is restarted again".to_owned(),
            Condition::Errors { classes, within, .. } => format!(
                "no {} error comes for {}",
                self.kinds_in_words(classes),
                duration::brief(duration::of(*within))
            ),
            Condition::Saturated { within, .. } => format!(
                "requests are answered in time for {}",
                duration::brief(duration::of(*within))
            ),
            Condition::ClusterEvents => format!("no such event comes for {}", duration::brief(WINDOW)),
            Condition::OverLimit { table, .. } => {
                format!("no such row of {table} is over its limit any more")
            }
            Condition::NewlyFailed { table, classes } => format!(
                "no row of {table} fails{} for {}",
                self.for_a_reason(classes),
                duration::brief(WINDOW)
            ),
            Condition::UnknownStatus { table, .. } => {
                format!("every row of {table} is in a status that the profile knows")
            }
            Condition::Blank { table } => format!("every row of {table} has a status"),
            Condition::NoneReady { table } => format!("a row of {table} becomes ready"),
            Condition::StepFails => "no step fails any more, or another rule holds".to_owned(),
            Condition::Led { workers } => {
                format!("no pod, or more than one, leads {}", self.titles(workers))
            }
            Condition::All { of } => join(of.iter().map(|one| self.to_false(one)), ", or "),
            Condition::Outbound { services, within, .. } => format!(
                "the calls to {} are answered for {}",
                called(services),
                duration::brief(duration::of(*within))
            ),
            Condition::Any { of, optional } => {
                let true_ones = of.iter().chain(optional).filter(|one| self.holds(one).is_true());
                join(true_ones.map(|one| self.to_false(one)), ", and ")
            }
            Condition::Not { of } => self.to_true(of),
        }
    }

    fn lost_or_doubled(&self, trouble: LeaderTrouble, workers: &[String]) -> String {
        if trouble == LeaderTrouble::Many {
            return format!("two pods beat at the same time for {}", self.titles(workers));
        }
        let lease = |reading: &LeaderReading| {
            let lease = reading.lease.as_ref().filter(|lease| lease.ttl_s > 0)?;
            let left = duration::brief(SignedDuration::from_secs(lease.ttl_s));
            Some(format!("{}: {left} left", reading.worker))
        };
        let left: Vec<_> = self.readings(workers).filter_map(lease).collect();
        let left = if left.is_empty() {
            String::new()
        } else {
            format!(" ({})", left.join(", "))
        };
        format!("a lease runs out and no pod takes it{left}")
    }

    /// `a cluster_accepted row is older than 03:00 (oldest 02:10)`, for each status of these roles that has rows; else for all of them.
    fn next_over(&self, name: &str, roles: &[Role]) -> String {
        let Some(table) = self.profile.table(name) else {
            return format!("the profile has a table {name}");
        };
        let rows = match self.state.statuses(name) {
            Some(Ok(rows)) => &rows[..],
            _ => &[],
        };
        let limited = table
            .statuses
            .iter()
            .filter(|status| roles.contains(&status.role));
        let with_rows = limited.filter_map(|status| {
            let row = rows
                .iter()
                .find(|row| *row.status == *status.name && row.count > 0)?;
            let limit = duration::clock(duration::of(status.limit?));
            let oldest = row.oldest_s.map_or(String::new(), |oldest| {
                format!(" (oldest {})", duration::clock(SignedDuration::from_secs(oldest)))
            });
            Some(format!("a {} row is older than {limit}{oldest}", status.name))
        });
        let with_rows: Vec<_> = with_rows.collect();
        if with_rows.is_empty() {
            format!("a row of {name} comes and stays for longer than its limit")
        } else {
            with_rows.join(", or ")
        }
    }

    /// ` for a reason of SSO or DNS`; empty for any reason.
    fn for_a_reason(&self, classes: &[String]) -> String {
        if classes.is_empty() {
            return String::new();
        }
        format!(" for a reason of {}", self.kinds_in_words(classes))
    }

    fn titles(&self, workers: &[String]) -> String {
        let titles: Vec<_> = self
            .readings(workers)
            .map(|reading| reading.worker.as_str())
            .collect();
        titles.join(" or ")
    }
}

/// The services that are called, as the pods name them.
fn called(services: &[String]) -> String {
    if services.is_empty() {
        "any other service".to_owned()
    } else {
        services.join(" or ")
    }
}

fn join(parts: impl Iterator<Item = String>, with: &str) -> String {
    parts.collect::<Vec<_>>().join(with)
}
