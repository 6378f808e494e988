//! Whether the service keeps up with its requests.

use std::time::Duration;

use jiff::SignedDuration;

use super::Truth;
use crate::diagnose::Evaluation;
use crate::diagnose::step_result::SourceCheck;
use crate::diagnose::vitals::{Requests, Sign, Vitals, sustained};
use crate::observe::source::SourceId;
use crate::profile::rule::{Condition, Shares};
use crate::text::duration;

/// What is too much, as a rule's condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnose) struct Load {
    /// How far back.
    pub(in crate::diagnose) within: SignedDuration,
    /// How many requests it takes.
    pub(in crate::diagnose) at_least: u64,
    /// What the objectives allow.
    pub(in crate::diagnose) shares: Shares,
    /// Percent of the CPU limits that is a reason of its own.
    pub(in crate::diagnose) cpu: Option<u64>,
}

impl Load {
    pub(super) fn of(within: Duration, at_least: u64, shares: Shares, cpu: Option<u64>) -> Self {
        Self {
            within: duration::of(within),
            at_least,
            shares,
            cpu,
        }
    }

    /// The first of a condition's parts that is about load.
    pub(in crate::diagnose) fn in_condition(condition: &Condition) -> Option<Self> {
        match condition {
            Condition::Saturated {
                within,
                at_least,
                shares,
                cpu,
            } => Some(Self::of(*within, *at_least, *shares, *cpu)),
            Condition::All { of } => of.iter().find_map(Self::in_condition),
            Condition::Any { of, optional } => of.iter().chain(optional).find_map(Self::in_condition),
            Condition::Not { of } => Self::in_condition(of),
            _ => None,
        }
    }

    /// Whether more are slow than is allowed, where there are enough to say.
    fn is_over(&self, requests: &Requests) -> bool {
        let over = |part: u64, percent: u64| part * 100 > requests.timed * percent;
        let slow = over(requests.slow, self.shares.slow) || over(requests.very_slow, self.shares.very_slow);
        requests.timed >= self.at_least && slow
    }
}

impl Evaluation<'_> {
    /// Whether the pods do not keep up. Each source that shows it is named; that it does not hold is for the request log to say.
    pub(in crate::diagnose) fn saturated(&self, load: &Load) -> Truth {
        // Which pods there are, and so what a sum over them is of, only a current list tells.
        if let SourceCheck::Never(why) | SourceCheck::Stopped(_, why) = self.hear(&SourceId::Pods, "pods") {
            return Truth::unknown(format!("how fast requests are answered: {why}"));
        }
        let vitals = Vitals::within(self.state, self.profile, self.now, load.within);
        let signs = [&vitals.together.logged, &vitals.together.counted];
        let slow = signs.into_iter().filter_map(|sign| {
            let requests = sign.value.as_ref().filter(|requests| load.is_over(requests))?;
            Some(in_words(sign, requests))
        });
        let cpu = self.cpu_over(load);
        let mut because: Vec<_> = slow.chain(cpu).collect();
        if !because.is_empty() {
            because.extend(self.cost());
            return Truth::holds(because);
        }
        let logged = &vitals.together.logged;
        match logged.complete() {
            Some(requests) => Truth::holds_not(in_words(logged, requests)),
            None => Truth::unknown(format!("how fast requests are answered: {}", logged.why())),
        }
    }

    /// The words for a CPU that is at its limit for long.
    fn cpu_over(&self, load: &Load) -> Option<String> {
        let limit = load.cpu?;
        let least = sustained(self.state, self.now, load.within)?.least_percent;
        (least >= limit).then(|| {
            let within = duration::brief(load.within);
            format!("metrics.k8s.io: the CPU of all pods was at {least} % of its limit or more for {within}")
        })
    }

    /// What one more pod costs, where the profile says.
    fn cost(&self) -> Option<String> {
        let each = u64::from(self.profile.service.database_connections_per_pod?);
        let now = u64::from(self.state.deployment.as_ref()?.replicas);
        let next = now + 1;
        Some(format!(
            "from {now} to {next} pods: each opens up to {each} connections to the database, up to {} then instead of {}",
            each * next,
            each * now
        ))
    }
}

/// `request log: 61 requests in 5m: 12 % failed, 80 % over 100 ms, 8 % over 1 s`.
pub(in crate::diagnose) fn in_words(sign: &Sign<Requests>, requests: &Requests) -> String {
    let share = |percent: Option<f64>| percent.map_or(0, |percent| percent as u64);
    let covers = i64::try_from(sign.covers_s.unwrap_or(0)).unwrap_or(i64::MAX);
    format!(
        "{}: {} requests in {}: {} % failed, {} % over 100 ms, {} % over 1 s",
        sign.source,
        requests.answered,
        duration::brief(SignedDuration::from_secs(covers)),
        share(requests.failed_percent()),
        share(requests.slow_percent()),
        share(requests.very_slow_percent())
    )
}
