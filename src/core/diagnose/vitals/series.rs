//! How the signs moved: one value a half minute.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::counters::calls_between;
use super::requests::logged_in;
use super::usage::sum_at;
use super::{View, percent};
use crate::logparse::{BUCKET, bucket_of};
use crate::observe::observation::Pod;
use crate::observe::state::State;
use crate::profile::Profile;
use crate::text::SafeText;

/// Half minutes of a plot: the window, the running one left out because it is not over.
pub const SLOTS: usize = 10;

/// Values of the window's half minutes, the oldest first; `None` where a half minute is not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Series {
    /// Requests, by the request log.
    pub requests: Vec<Option<f64>>,
    /// Percent of them that failed; `None` also without a request.
    pub failed: Vec<Option<f64>>,
    /// Percent slower than 100 ms.
    pub slow: Vec<Option<f64>>,
    /// Percent of the CPU limits.
    pub cpu: Vec<Option<f64>>,
    /// Percent of the memory limits.
    pub memory: Vec<Option<f64>>,
    /// Percent of the calls to a service that failed.
    pub outbound: Vec<(SafeText, Vec<Option<f64>>)>,
}

impl Series {
    /// How the signs of all pods together moved.
    pub fn of_all(state: &State, profile: &Profile, now: Timestamp) -> Self {
        let view = View::of(state, profile, now);
        Self::of(&view, &view.living())
    }

    pub(super) fn of(view: &View<'_>, pods: &[&Pod]) -> Self {
        let newest = bucket_of(view.now);
        let slots = newest - SLOTS as i64..newest;
        let mut series = Self::default();
        for slot in slots.clone() {
            let counts = logged_in(view, pods, slot);
            series.requests.push(counts.map(|counts| counts.answered as f64));
            let share = |of: fn(&crate::logparse::RequestCounts) -> u64| {
                counts.and_then(|counts| percent(of(&counts), counts.answered))
            };
            series.failed.push(share(|counts| counts.failed));
            series.slow.push(share(|counts| counts.slow));
            let usage = usage_in(view, pods, slot);
            series.cpu.push(usage.and_then(|(cpu, _)| cpu));
            series.memory.push(usage.and_then(|(_, memory)| memory));
        }
        series.outbound = services(view, pods)
            .into_iter()
            .map(|service| {
                let failed = slots.clone().map(|slot| {
                    let calls = calls_between(view, pods, &service, bounds(slot));
                    calls.and_then(|(failed, all)| percent(failed, all))
                });
                let failed = failed.collect();
                (service, failed)
            })
            .collect();
        series
    }
}

/// When a half minute begins and ends.
fn bounds(slot: i64) -> (Timestamp, Timestamp) {
    let at = |slot: i64| Timestamp::from_second(slot * BUCKET).unwrap_or(Timestamp::MIN);
    (at(slot), at(slot + 1))
}

/// The last reading of a half minute, in percent of the limits.
fn usage_in(view: &View<'_>, pods: &[&Pod], slot: i64) -> Option<(Option<f64>, Option<f64>)> {
    let mut readings = view.state.vitals.usage().rev();
    let (told, all) = readings.find(|(told, _)| bucket_of(*told) == slot)?;
    let usage = sum_at(view.state, pods, *told, all, *told)?;
    let share = |percent: Option<u64>| percent.map(|percent| percent as f64);
    Some((share(usage.cpu_percent), share(usage.memory_percent)))
}

/// The services that the pods call, by name.
fn services(view: &View<'_>, pods: &[&Pod]) -> Vec<SafeText> {
    let newest = pods.iter().filter_map(|pod| {
        let (at, scrape) = view.state.vitals.counted(&pod.uid, pod.restarts).next_back()?;
        let recent = view.now.duration_since(*at) <= view.window.max(SignedDuration::from_mins(5));
        recent.then_some(scrape)
    });
    let mut services: Vec<_> = newest
        .flat_map(|scrape| scrape.outbound.iter().map(|totals| totals.service.clone()))
        .collect();
    services.sort();
    services.dedup();
    services
}
