//! What the containers use, against their limits.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::sign::{Part, Sign, limited, missing, seconds, unknown};
use super::{Usage, View};
use crate::observe::observation::{Pod, PodUsage};
use crate::observe::source::SourceId;
use crate::observe::state::{State, VITALS_EVERY};
use crate::safe;
use crate::text::duration;

/// What the source is called.
pub(super) const SOURCE: &str = "metrics.k8s.io";

/// The window of a metrics server that does not tell it.
pub(super) const CPU_WINDOW: Duration = Duration::from_secs(30);

/// How old a window's end may be at least before it says nothing of now: metrics servers look once a minute or more often.
const OLD: SignedDuration = SignedDuration::from_mins(3);

/// How long a pod is there before the metrics server must know it.
const UNKNOWN_AT_FIRST: SignedDuration = SignedDuration::from_mins(2);

/// What a pod's containers used of late.
pub(super) fn used_by(view: &View<'_>, pod: &Pod) -> Part<Usage> {
    if let Err(part) = view.hear::<Usage>(&SourceId::Usage, SOURCE) {
        return part;
    }
    let short = pod.short_name();
    let newest = view.state.vitals.usage().next_back();
    let of_pod = newest.and_then(|(told, all)| Some((*told, usage_of(pod, all)?)));
    let Some((told, usage)) = of_pod else {
        let young = pod
            .newest_start()
            .is_none_or(|start| view.age(start) < UNKNOWN_AT_FIRST);
        return if young {
            Part::Idle(safe!("usage of {short}: not measured in a pod's first minutes"))
        } else {
            missing(safe!("usage of {short}: none from the metrics server"), false)
        };
    };
    let age = view.age(usage.at.unwrap_or(told));
    if is_old(view.state, usage, age) {
        let why = safe!(
            "usage of {short}: last measured {} ago by the metrics server",
            duration::brief(age)
        );
        return missing(why, true);
    }
    Part::Told {
        value: of_pod_against_limits(usage, pod),
        covers: window_of(usage),
        age,
    }
}

/// A measurement says nothing of now when its end is much longer ago than it lasted.
fn is_old(state: &State, usage: &PodUsage, age: SignedDuration) -> bool {
    let most = OLD.max(window_of(usage).saturating_mul(3));
    age > state.paced(most)
}

fn window_of(usage: &PodUsage) -> SignedDuration {
    let window = usage.window_s.map_or(CPU_WINDOW, Duration::from_secs);
    duration::of(window)
}

/// The container nearest to its limit stands for the pod: it is the one that is slowed down, or killed.
fn of_pod_against_limits(usage: &PodUsage, pod: &Pod) -> Usage {
    let mut sum = Usage::default();
    for (used, limits) in against_limits(usage, pod) {
        sum.cpu_millis += used.cpu_millis;
        sum.memory_bytes += used.memory_bytes;
        let cpu = limits
            .cpu_millis
            .and_then(|limit| limited(used.cpu_millis, limit));
        let memory = limits
            .memory_bytes
            .and_then(|limit| limited(used.memory_bytes, limit));
        sum.cpu_percent = sum.cpu_percent.max(cpu);
        sum.memory_percent = sum.memory_percent.max(memory);
    }
    sum
}

fn against_limits<'a>(
    usage: &'a PodUsage,
    pod: &'a Pod,
) -> impl Iterator<
    Item = (
        &'a crate::observe::observation::ContainerUsage,
        crate::observe::observation::Limits,
    ),
> {
    usage.containers.iter().map(|used| {
        let container = pod
            .containers
            .iter()
            .find(|container| container.name == used.name);
        (
            used,
            container.map(|container| container.limits).unwrap_or_default(),
        )
    })
}

/// What all pods use: of one with a limit against the sum of the limits.
pub(super) fn used_together(view: &View<'_>, pods: &[&Pod]) -> Sign<Usage> {
    let mut sign = unknown(SOURCE);
    let mut reasons = HashSet::new();
    for pod in pods {
        match used_by(view, pod) {
            Part::Told { covers, age, .. } => {
                let (covers, age) = (seconds(covers), seconds(age));
                sign.covers_s = Some(sign.covers_s.map_or(covers, |known: u64| known.min(covers)));
                sign.age_s = Some(sign.age_s.map_or(age, |known: u64| known.max(age)));
            }
            Part::Missing { why, stale } => {
                if reasons.insert(why.clone()) {
                    sign.missing.push(why);
                }
                sign.stale |= stale;
            }
            Part::Idle(_) => {}
        }
    }
    let newest = view.state.vitals.usage().next_back();
    // Only if one of them is current: what stopped is no value.
    if sign.covers_s.is_some() {
        sign.value = newest.and_then(|(told, all)| sum_at(view.state, pods, *told, all, view.now));
    }
    sign
}

/// What a pod used by one reading, which is sorted by the pods' names.
fn usage_of<'u>(pod: &Pod, all: &'u [PodUsage]) -> Option<&'u PodUsage> {
    let place = all.binary_search_by(|usage| usage.pod.cmp(&pod.name)).ok()?;
    all.get(place)
}

/// What the pods used by one reading, as it was at `now`; `None` where it has nothing current of them.
pub(super) fn sum_at(
    state: &State,
    pods: &[&Pod],
    told: Timestamp,
    all: &[PodUsage],
    now: Timestamp,
) -> Option<Usage> {
    let (mut sum, mut any) = (Usage::default(), false);
    let (mut cpu, mut memory) = (Share::default(), Share::default());
    for pod in pods {
        let Some(usage) = usage_of(pod, all) else {
            continue;
        };
        let age = now.duration_since(usage.at.unwrap_or(told));
        if is_old(state, usage, age) {
            continue;
        }
        any = true;
        for (used, limits) in against_limits(usage, pod) {
            sum.cpu_millis += used.cpu_millis;
            sum.memory_bytes += used.memory_bytes;
            cpu.add(used.cpu_millis, limits.cpu_millis);
            memory.add(used.memory_bytes, limits.memory_bytes);
        }
    }
    sum.cpu_percent = cpu.percent();
    sum.memory_percent = memory.percent();
    any.then_some(sum)
}

/// A sum of what has a limit, and of the limits.
#[derive(Default)]
struct Share {
    used: u64,
    limit: u64,
}

impl Share {
    fn add(&mut self, used: u64, limit: Option<u64>) {
        if let Some(limit) = limit {
            self.used += used;
            self.limit = self.limit.saturating_add(limit);
        }
    }

    fn percent(&self) -> Option<u64> {
        limited(self.used, self.limit)
    }
}

/// CPU near its limit for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sustained {
    /// The least percentage of the limits, of all pods together, that any reading within the window told.
    pub least_percent: u64,
}

/// What the CPU of all pods together never went below within the window; `None` where the readings don't reach back to its beginning, or
/// have no limit to compare with.
pub fn sustained(state: &State, now: Timestamp, window: SignedDuration) -> Option<Sustained> {
    let since = now.saturating_sub(window).ok()?;
    let pods: Vec<_> = state.pods.values().filter(|pod| super::lives(pod)).collect();
    let readings: Vec<_> = state.vitals.usage().collect();
    let begin = readings.iter().rposition(|(told, _)| *told <= since)?;
    let newest = readings.last()?;
    let longest = state.paced(VITALS_EVERY.saturating_mul(3));
    if now.duration_since(newest.0) > longest {
        return None;
    }
    let mut least = None;
    let mut last: Option<Timestamp> = None;
    for (told, all) in &readings[begin..] {
        // A gap between readings may hide anything.
        if last.is_some_and(|last| told.duration_since(last) > longest) {
            return None;
        }
        last = Some(*told);
        let percent = sum_at(state, &pods, *told, all, *told)?.cpu_percent?;
        least = Some(least.map_or(percent, |known: u64| known.min(percent)));
    }
    least.map(|least_percent| Sustained { least_percent })
}
