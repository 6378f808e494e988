//! `dashboard`: what a dashboard shows. A metrics source answers it; without one the operator looks and ticks, and the console shows what it
//! sees of it beside.

use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::monitoring::{Part, worst};
use crate::diagnose::step_result::StepResult;
use crate::diagnose::vital_words::{requests_in_brief, requests_in_words, value_of};
use crate::diagnose::vitals::{Outbound, Sign, Usage, WINDOW};
use crate::observe::observation::short_name;
use crate::profile::monitoring::Figure;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, counted};

/// The figures of a dashboard: judged where a metrics source is configured, else the operator looks and ticks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dashboard {
    /// Which part of it.
    pub shows: Shown,
}

/// Which of the vital signs the console shows beside a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Volume, errors, latency.
    Requests,
    /// CPU and memory.
    Resources,
}

impl StepCheck for Dashboard {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let seen = self.seen_beside(case);
        let (parts, source) = match self.shows {
            Shown::Requests => {
                let Some(monitoring) = case.metrics() else {
                    return seen;
                };
                let mut parts = case.request_parts(monitoring);
                parts.push(case.outbound_part(monitoring));
                (parts, case.source_name(Figure::Up))
            }
            Shown::Resources => {
                let Some(monitoring) = case.cluster_metrics() else {
                    return seen;
                };
                (case.resource_parts(monitoring), case.source_name(Figure::Cpu))
            }
        };
        judged(&parts, source).evidence(seen.evidence)
    }

    /// Where no metrics source is configured, and where it can't tell.
    fn is_manual(&self) -> bool {
        true
    }
}

impl Dashboard {
    /// What the console sees of it by other sources.
    fn seen_beside(&self, case: &Evaluation<'_>) -> StepResult {
        let vitals = case.vitals(WINDOW);
        let signs = &vitals.together;
        match self.shows {
            Shown::Requests => StepResult::new(StepStatus::Manual, "operator, request log")
                .value(value_of(&signs.logged, requests_in_brief))
                .evidence(value_and_missing(&signs.logged, requests_in_words))
                .evidence(value_and_missing(&signs.counted, requests_in_words))
                .evidence(signs.outbound.value.iter().flatten().map(outbound_in_words))
                .aged(signs.logged.age_s),
            Shown::Resources => StepResult::new(StepStatus::Manual, "operator, metrics.k8s.io")
                .value(value_of(&signs.usage, usage_in_brief))
                .evidence(signs.usage.missing.iter().cloned())
                .evidence(vitals.pods.iter().filter_map(|pod| {
                    let usage = pod.signs.usage.value.as_ref()?;
                    Some(safe!("{}: {}", short_name(&pod.name), usage_in_words(usage)))
                }))
                .aged(signs.usage.age_s),
        }
    }
}

/// The answer of several parts: the worst decides; those that are like it are said first.
fn judged(parts: &[Part], source: &'static str) -> StepResult {
    let status = worst(parts);
    let (deciding, others): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|part| part.status == status);
    let briefs: Vec<_> = deciding.iter().map(|part| part.brief.clone()).collect();
    let evidence = deciding
        .iter()
        .chain(&others)
        .flat_map(|part| part.evidence.clone());
    let mut result = StepResult::new(status, source)
        .value(briefs.join(", "))
        .evidence(evidence);
    result.age = parts.iter().filter_map(|part| part.age).max();
    result
}

/// What a sign says, and what is missing from it.
fn value_and_missing<T>(sign: &Sign<T>, words: impl Fn(&Sign<T>, &T) -> SafeText) -> Vec<SafeText> {
    let value = sign.value.as_ref().map(|value| words(sign, value));
    value.into_iter().chain(sign.missing.iter().cloned()).collect()
}

/// `CPU 23 %, memory 41 %` of the limits.
fn usage_in_brief(usage: &Usage) -> SafeText {
    let share = |percent: Option<u64>| {
        percent.map_or_else(|| "without a limit".into(), |percent| safe!("{percent} %"))
    };
    safe!(
        "CPU {}, memory {}",
        share(usage.cpu_percent),
        share(usage.memory_percent)
    )
}

/// `CPU 230m (23 % of its limit), memory 420 MiB (41 %)`.
fn usage_in_words(usage: &Usage) -> SafeText {
    let share = |percent: Option<u64>| {
        percent.map_or_else(|| "no limit".into(), |percent| safe!("{percent} % of its limit"))
    };
    safe!(
        "CPU {}m ({}), memory {} MiB ({})",
        usage.cpu_millis,
        share(usage.cpu_percent),
        usage.memory_bytes >> 20,
        share(usage.memory_percent)
    )
}

/// `12 of 40 calls to ocm-clusters-service failed (no answer or 5xx), 0 refused (4xx)`.
fn outbound_in_words(outbound: &Outbound) -> SafeText {
    let Outbound {
        service,
        sent,
        failed,
        refused,
        ..
    } = outbound;
    let calls = counted(*sent, "call", "calls");
    safe!("{failed} of {calls} to {service} failed (no answer or 5xx), {refused} refused (4xx)")
}
