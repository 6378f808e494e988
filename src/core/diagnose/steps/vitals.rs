//! Steps about the vital signs.

use jiff::SignedDuration;

use crate::diagnose::decide::Truth;
use crate::diagnose::decide::requests::{Load, in_words};
use crate::diagnose::step_result::StepResult;
use crate::diagnose::vitals::{Outbound, Requests, Sign, Usage, Vitals, WINDOW};
use crate::diagnose::{Evaluation, StepStatus};
use crate::observe::source::{Freshness, SourceId};
use crate::profile::sop::Shown;
use crate::text::duration;

impl Evaluation<'_> {
    /// What the console sees itself, beside a dashboard that the operator looks at.
    pub(in crate::diagnose) fn dashboard(&self, shows: Shown) -> StepResult {
        let vitals = Vitals::within(self.state, self.profile, self.now, WINDOW);
        let signs = &vitals.together;
        match shows {
            Shown::Requests => {
                let answer = StepResult::new(StepStatus::Manual, "operator, request log")
                    .value(value_of(&signs.logged, requests_in_brief))
                    .evidence(told(&signs.logged, in_words))
                    .evidence(told(&signs.counted, in_words))
                    .evidence(signs.outbound.value.iter().flatten().map(outbound_in_words));
                aged(answer, signs.logged.age_s)
            }
            Shown::Resources => {
                let answer = StepResult::new(StepStatus::Manual, "operator, metrics.k8s.io")
                    .value(value_of(&signs.usage, usage_in_brief))
                    .evidence(signs.usage.missing.iter().cloned())
                    .evidence(vitals.pods.iter().filter_map(|pod| {
                        let usage = pod.signs.usage.value.as_ref()?;
                        let short = crate::observe::observation::short_name(&pod.name);
                        Some(format!("{short}: {}", usage_in_words(usage)))
                    }));
                aged(answer, signs.usage.age_s)
            }
        }
    }

    fn pods_have_stopped(&self) -> bool {
        matches!(
            self.state.freshness(&SourceId::Pods, self.now),
            Freshness::Stale(_)
        )
    }

    /// Whether the pods keep up, as the rule of this id sees it.
    pub(in crate::diagnose) fn load(&self, rule: &str) -> StepResult {
        let rule = self.profile.rules.iter().find(|known| known.id == rule);
        let Some(load) = rule.and_then(|rule| Load::in_condition(&rule.when)) else {
            let why = "the profile's rule says nothing about load".to_owned();
            return StepResult::unknown("request log", "no threshold", why);
        };
        let vitals = Vitals::within(self.state, self.profile, self.now, load.within);
        let signs = &vitals.together;
        let (status, evidence) = match self.saturated(&load) {
            Truth::True { because, .. } => (StepStatus::Fail, because),
            Truth::False { because } => (StepStatus::Pass, vec![because]),
            Truth::Unknown { missing } if signs.logged.stale || self.pods_have_stopped() => {
                (StepStatus::Stale, vec![missing])
            }
            Truth::Unknown { missing } => (StepStatus::Unknown, vec![missing]),
        };
        let cpu = signs.usage.value.and_then(|usage| usage.cpu_percent);
        let cpu = cpu.map(|percent| format!(", CPU {percent} %"));
        let value = value_of(&signs.logged, requests_in_brief) + &cpu.unwrap_or_default();
        let answer = StepResult::new(status, "request log")
            .value(value)
            .against(threshold(&load))
            .evidence(evidence);
        aged(answer, signs.logged.age_s)
    }
}

/// `at most 10 % over 100 ms and 1 % over 1 s in 5m; CPU below 90 % of its limit`.
fn threshold(load: &Load) -> String {
    let cpu = load
        .cpu
        .map(|percent| format!("; CPU not at {percent} % of its limit all the time"));
    format!(
        "at most {} % over 100 ms and {} % over 1 s in {}{}",
        load.shares.slow,
        load.shares.very_slow,
        duration::brief(load.within),
        cpu.unwrap_or_default()
    )
}

fn aged(mut answer: StepResult, age_s: Option<u64>) -> StepResult {
    let seconds = age_s.map(|age| i64::try_from(age).unwrap_or(i64::MAX));
    answer.age = seconds.map(SignedDuration::from_secs);
    answer
}

fn value_of<T>(sign: &Sign<T>, words: impl Fn(&T) -> String) -> String {
    sign.value.as_ref().map_or_else(|| "not known".to_owned(), words)
}

/// What a sign says, and what is missing from it.
fn told<T>(sign: &Sign<T>, words: impl Fn(&Sign<T>, &T) -> String) -> Vec<String> {
    let value = sign.value.as_ref().map(|value| words(sign, value));
    value.into_iter().chain(sign.missing.iter().cloned()).collect()
}

/// `12.3/s, 5xx 0 %, >100ms 3 %, >1s 0 %`.
fn requests_in_brief(requests: &Requests) -> String {
    let share = |percent: Option<f64>| {
        percent.map_or_else(|| "–".to_owned(), |percent| format!("{} %", percent as u64))
    };
    format!(
        "{:.1}/s, 5xx {}, >100ms {}, >1s {}",
        requests.per_second,
        share(requests.failed_percent()),
        share(requests.slow_percent()),
        share(requests.very_slow_percent())
    )
}

/// `CPU 23 %, memory 41 %` of the limits.
fn usage_in_brief(usage: &Usage) -> String {
    let share = |percent: Option<u64>| {
        percent.map_or_else(|| "without a limit".to_owned(), |percent| format!("{percent} %"))
    };
    format!(
        "CPU {}, memory {}",
        share(usage.cpu_percent),
        share(usage.memory_percent)
    )
}

/// `CPU 230m (23 % of its limit), memory 420 MiB (41 %)`.
pub(crate) fn usage_in_words(usage: &Usage) -> String {
    let share = |percent: Option<u64>| {
        percent.map_or_else(
            || "no limit".to_owned(),
            |percent| format!("{percent} % of its limit"),
        )
    };
    format!(
        "CPU {}m ({}), memory {} MiB ({})",
        usage.cpu_millis,
        share(usage.cpu_percent),
        usage.memory_bytes >> 20,
        share(usage.memory_percent)
    )
}

/// `ocm-clusters-service: 40 calls, 12 without an answer or 5xx, 0 4xx`.
fn outbound_in_words(outbound: &Outbound) -> String {
    let Outbound {
        service,
        sent,
        failed,
        refused,
        ..
    } = outbound;
    format!("{service}: {sent} calls, {failed} without an answer or 5xx, {refused} 4xx")
}
