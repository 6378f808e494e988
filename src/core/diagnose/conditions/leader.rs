//! `leader`: a worker has no leader, or more than one pod leads it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::leaders::{LeaderReading, Verdict, pods_without_lease};
use crate::diagnose::steps::Check;
use crate::observe::source::SourceId;
use crate::profile::Profile;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// At least one of these workers has no leader, or has several.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Leader {
    /// Which of the two.
    pub is: LeaderTrouble,
    /// The workers, by lease type.
    pub workers: Vec<String>,
}

/// What can be wrong with a worker's leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaderTrouble {
    /// Nobody leads.
    None,
    /// More than one pod leads.
    Many,
}

impl RuleCondition for Leader {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let mut readings: Vec<_> = case.readings(&self.workers).collect();
        // What only time will tell comes after what is missing: of several that are unknown the first is named.
        readings.sort_by_key(|reading| matches!(reading.verdict, Verdict::Settling { .. }));
        let readings = readings.into_iter();
        Truth::any(readings.map(|reading| self.has_trouble(reading, case)))
    }

    fn known_at(&self, case: &Evaluation<'_>) -> Option<Timestamp> {
        case.leaders_known_at(&self.workers)
    }

    fn turns_true(&self, case: &Evaluation<'_>) -> SafeText {
        match self.is {
            LeaderTrouble::None => self.lost(case),
            LeaderTrouble::Many => {
                safe!(
                    "two pods act as leader of {} at the same time",
                    case.titles(&self.workers)
                )
            }
        }
    }

    fn turns_false(&self, case: &Evaluation<'_>) -> SafeText {
        match self.is {
            LeaderTrouble::None => safe!(
                "the lease is renewed, or a pod logs that it leads {}",
                case.titles(&self.workers)
            ),
            LeaderTrouble::Many => "only one of them still acts as leader".into(),
        }
    }

    fn threshold(&self, _profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        vec![match self.is {
            LeaderTrouble::None => "no pod leads".into(),
            LeaderTrouble::Many => "more than one pod leads".into(),
        }]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        let readings = case.readings(&self.workers);
        let as_of = readings.filter_map(|reading| reading.as_of).min();
        ("logs and leases", as_of.map(|at| case.since(at)))
    }

    fn is_about(&self, check: &Check, case: &Evaluation<'_>) -> bool {
        let Check::Leader(one_leader) = check else {
            return false;
        };
        let mut readings = case.readings(&self.workers);
        readings.any(|reading| {
            let not = matches!(self.has_trouble(reading, case), Truth::False { .. });
            reading.log_type == one_leader.worker && !not
        })
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.lease_types(path, &self.workers);
    }
}

impl Leader {
    fn has_trouble(&self, reading: &LeaderReading, case: &Evaluation<'_>) -> Truth {
        let worker = &reading.worker;
        match (reading.verdict, self.is) {
            (Verdict::None, LeaderTrouble::None) => nobody_leads(reading, case),
            (Verdict::Many, LeaderTrouble::Many) => Truth::holds([safe!("{} of {worker}", reading.log)]),
            (Verdict::Unknown, _) => Truth::unknown(case.who_leads(reading)),
            (Verdict::Settling { until }, _) => Truth::unknown(case.leader_known_in(reading, until)),
            (Verdict::One | Verdict::None | Verdict::Many, _) => {
                Truth::holds_not(case.leader_in_words(reading))
            }
        }
    }

    fn lost(&self, case: &Evaluation<'_>) -> SafeText {
        let lease = |reading: &LeaderReading| {
            let lease = reading.lease.as_ref().filter(|lease| lease.ttl_s > 0)?;
            let left = duration::brief(SignedDuration::from_secs(lease.ttl_s));
            Some(safe!("{}: {left} left", reading.worker))
        };
        let left: Vec<_> = case.readings(&self.workers).filter_map(lease).collect();
        let left = if left.is_empty() {
            SafeText::default()
        } else {
            safe!(" ({})", left.join(", "))
        };
        safe!("a lease expires and no pod takes it{left}")
    }
}

fn nobody_leads(reading: &LeaderReading, case: &Evaluation<'_>) -> Truth {
    if let Some(why) = lease_out_of_reach(reading, case) {
        return Truth::unknown(why);
    }
    let expired = reading.lease.as_ref().filter(|lease| lease.ttl_s < 0);
    let since = expired.map(|lease| {
        let ago = SignedDuration::from_secs(lease.ttl_s.saturating_neg());
        safe!(" for {}", duration::brief(ago))
    });
    // Where no log tells, the lease alone shows it.
    let lease = match expired {
        Some(_) if !reading.log_tells => "lease expired, ",
        _ => "",
    };
    let said = format!(
        "no {} leader{}: {lease}{}",
        reading.worker,
        since.unwrap_or_default(),
        reading.log
    );
    let tried = match last_led(reading, case) {
        Some(led) => case.restarted_since(led),
        None => case.was_restarted(),
    };
    Truth::holds([said]).again(tried)
}

/// Why nobody leads, where that is neither the pods' fault nor mended by starting them again: they can't reach the lease, and neither can
/// we. A pod that starts without its database does not even come up.
fn lease_out_of_reach(reading: &LeaderReading, case: &Evaluation<'_>) -> Option<SafeText> {
    let why = case.hear(&SourceId::Database, "database").trouble()?;
    let blocked = pods_without_lease(case.state, case.profile, &reading.log_type, case.now);
    (blocked > 0).then(|| {
        safe!(
            "{} has no leader; {} can't read its lease, and sopwatch can't either: {why}",
            reading.worker,
            counted(blocked, "pod", "pods")
        )
    })
}

/// When a pod was last known to lead: it had renewed the lease before that ran out, or the logs named it.
fn last_led(reading: &LeaderReading, case: &Evaluation<'_>) -> Option<Timestamp> {
    let lease = reading.lease.as_ref().filter(|lease| lease.ttl_s < 0);
    let end = lease.and_then(|lease| case.now.checked_add(SignedDuration::from_secs(lease.ttl_s)).ok());
    let length = duration::of(case.profile.leaders.lease);
    let renewed = end.and_then(|end| end.checked_sub(length).ok());
    renewed.max(case.state.leaders.last_led(&reading.log_type))
}
