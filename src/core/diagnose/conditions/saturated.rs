//! `saturated`: the pods do not keep up with their requests.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Condition, RuleCondition};
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::monitoring::Part;
use crate::diagnose::quoting;
use crate::diagnose::steps::Check;
use crate::diagnose::vital_words::requests_in_words;
use crate::diagnose::vitals::{Requests, sustained};
use crate::observe::source::SourceId;
use crate::profile::Profile;
use crate::profile::sop::StepStatus;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::{SafeText, counted, duration, noun};

/// Requests are slower than the objectives allow, by the request log or by the pods' own counters, or the CPU is at its limit for
/// long. The request log is the required source: with it, it can be said that this does not hold; the others only add evidence.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Saturated {
    /// How far back.
    #[serde(with = "crate::profile::seconds")]
    pub within: Duration,
    /// How many requests it takes to say anything.
    pub at_least: u64,
    /// What the objectives allow.
    pub shares: Shares,
    /// Percent of its limits that the CPU of all pods together must not have been below at any time within the window, to be a reason
    /// without slow requests; without it the CPU is never one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u64>,
}

/// Shares of requests in percent; what is more is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Shares {
    /// Over 100 ms.
    pub slow: u64,
    /// Over 1 s.
    pub very_slow: u64,
}

impl RuleCondition for Saturated {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        // Only a current list shows which pods there are, and so what a sum over them is of.
        if let Some(why) = case.hear(&SourceId::Pods, "pods").trouble() {
            return Truth::unknown(safe!("no data on response times: {why}"));
        }
        let vitals = case.vitals(self.span());
        let signs = [&vitals.together.logged, &vitals.together.counted];
        let slow: Vec<_> = signs
            .into_iter()
            .filter_map(|sign| {
                Some((
                    sign,
                    sign.value.as_ref().filter(|requests| self.is_over(requests))?,
                ))
            })
            .collect();
        let head = slow
            .first()
            .map(|(_, requests)| in_short(requests, case, self.span()));
        let slow = slow
            .iter()
            .map(|(sign, requests)| requests_in_words(sign, requests));
        let measured = measured(case);
        let over = measured
            .iter()
            .flat_map(|load| load.over.iter().flatten().cloned());
        let mut because: Vec<_> = head
            .into_iter()
            .chain(slow)
            .chain(self.cpu_over(case))
            .chain(over)
            .collect();
        if !because.is_empty() {
            because.extend(cost_of_a_pod(case));
            return Truth::holds(because);
        }
        let logged = &vitals.together.logged;
        let Some(requests) = logged.complete() else {
            return Truth::unknown(safe!("no data on response times: {}", logged.why()));
        };
        // A metrics source that is configured and can't tell is missing.
        match measured.and_then(|load| load.missing) {
            Some(why) => Truth::unknown(safe!("no data on load: {why}")),
            None => Truth::holds_not(requests_in_words(logged, requests)),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        let Shares { slow, very_slow } = self.shares;
        safe!("over {slow} % of the requests take over 100 ms, or over {very_slow} % over 1 s")
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        safe!("requests are fast enough for {}", duration::brief(self.span()))
    }

    fn threshold(&self, _profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        let Shares { slow, very_slow } = self.shares;
        vec![safe!(
            "over {slow} % of requests above 100 ms, or over {very_slow} % above 1 s, in {}",
            duration::brief(self.span())
        )]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("request log", case.age_of_logs())
    }

    fn is_about(&self, check: &Check, case: &Evaluation<'_>) -> bool {
        let Check::Load(load) = check else {
            return false;
        };
        load.condition(case.profile) == Some(self)
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        let shares = [
            ("shares.slow", Some(self.shares.slow), 0..=99),
            ("shares.very-slow", Some(self.shares.very_slow), 0..=99),
            ("cpu", self.cpu, 1..=100),
        ];
        for (key, percent, range) in shares {
            if let Some(percent) = percent {
                mistakes.require(range.contains(&percent), &format!("{path}.{key}"), || {
                    format!("{percent} % is not from {} to {}", range.start(), range.end())
                });
            }
        }
    }
}

impl Saturated {
    /// The condition of the profile's first rule that has one: its thresholds are those of the vital signs.
    pub fn of_profile(profile: &Profile) -> Option<&Self> {
        profile
            .rules
            .iter()
            .find_map(|rule| Self::in_condition(&rule.when))
    }

    /// The first `saturated` condition in a condition, wherever in it.
    pub(in crate::diagnose) fn in_condition(condition: &Condition) -> Option<&Self> {
        if let Condition::Saturated(saturated) = condition {
            return Some(saturated);
        }
        let parts = condition.kind().parts().all();
        parts.into_iter().find_map(Self::in_condition)
    }

    /// How far back it looks.
    pub(in crate::diagnose) fn span(&self) -> SignedDuration {
        duration::of(self.within)
    }

    /// Whether more are slow than is allowed, where there are enough to say.
    fn is_over(&self, requests: &Requests) -> bool {
        let over = |part: u64, percent: u64| part * 100 > requests.timed * percent;
        let slow = over(requests.slow, self.shares.slow) || over(requests.very_slow, self.shares.very_slow);
        requests.timed >= self.at_least && slow
    }

    /// The words for a CPU that is at its limit for long.
    fn cpu_over(&self, case: &Evaluation<'_>) -> Option<SafeText> {
        let limit = self.cpu?;
        let least = sustained(case.state, case.now, self.span())?.least_percent;
        (least >= limit).then(|| {
            let within = duration::brief(self.span());
            safe!("CPU at {least} % of its limit or more for {within} (all pods, metrics.k8s.io)")
        })
    }
}

/// What the metrics source says of the load.
struct Measured {
    /// What shows that requests fail or are slow while the CPU has nothing left; `None` where that is not so.
    over: Option<Vec<SafeText>>,
    /// Why it can't be told.
    missing: Option<SafeText>,
}

/// The load by the metrics source, where it is configured: more pods help only where requests suffer and the CPU is the reason.
fn measured(case: &Evaluation<'_>) -> Option<Measured> {
    let monitoring = case.metrics()?;
    let requests = case.request_parts(monitoring);
    // The first is the volume, which is no reason for more pods.
    let suffering = requests.iter().skip(1);
    let cpu = case.cpu_part(monitoring);
    let failing: Vec<_> = suffering
        .clone()
        .filter(|part| part.status == StepStatus::Fail)
        .collect();
    let is_over = cpu.status == StepStatus::Fail && !failing.is_empty();
    let over = is_over.then(|| {
        let parts = failing.iter().copied().chain([&cpu]);
        parts.flat_map(|part| part.evidence.clone()).collect()
    });
    let unknown = |part: &&Part| matches!(part.status, StepStatus::Unknown | StepStatus::Stale);
    // Where neither side can be ruled out, it may be so.
    let requests_well = suffering
        .clone()
        .all(|part| matches!(part.status, StepStatus::Pass | StepStatus::Waiting));
    let cpu_well = matches!(cpu.status, StepStatus::Pass | StepStatus::Waiting);
    let missing = (!is_over && !requests_well && !cpu_well)
        .then(|| suffering.chain([&cpu]).find(unknown))
        .flatten();
    Some(Measured {
        over,
        missing: missing.and_then(|part| part.evidence.first().cloned()),
    })
}

/// `98 % of 1423 requests over 100 ms, 22 % failed (last error: context deadline exceeded)`.
fn in_short(requests: &Requests, case: &Evaluation<'_>, within: SignedDuration) -> SafeText {
    let share = |percent: Option<f64>| percent.map_or(0, |percent| percent as u64);
    let slow = safe!(
        "{} % of {} over 100 ms",
        share(requests.slow_percent()),
        counted(requests.answered, "request", "requests")
    );
    let failed = share(requests.failed_percent());
    let Some(why) = newest_error(case, within).filter(|_| failed > 0) else {
        return safe!("{slow}, {failed} % failed");
    };
    safe!("{slow}, {failed} % failed (last error: {why})")
}

/// The innermost cause of the newest error in the logs.
fn newest_error(case: &Evaluation<'_>, within: SignedDuration) -> Option<String> {
    let since = case.now.checked_sub(within).ok()?;
    let summaries = case.state.errors.summaries(since);
    let (_, newest) = summaries.first()?.newest;
    Some(quoting::innermost(&newest.message()))
}

/// What one more pod costs, where the profile says.
fn cost_of_a_pod(case: &Evaluation<'_>) -> Option<SafeText> {
    let each = u64::from(case.profile.service.database_connections_per_pod?);
    let now = u64::from(case.state.deployment.as_ref()?.replicas);
    let next = now + 1;
    Some(safe!(
        "from {now} to {}: up to {each} more database {} ({} instead of {})",
        counted(next, "pod", "pods"),
        noun(each, "connection", "connections"),
        each * next,
        each * now
    ))
}
