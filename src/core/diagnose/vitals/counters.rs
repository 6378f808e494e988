//! Requests by the pods' own counters: the difference of two readings of one process.

use jiff::{SignedDuration, Timestamp};

use super::sign::{Part, missing};
use super::{Outbound, Requests, View, per_second};
use crate::observe::observation::{OutboundTotals, Pod, Scrape};
use crate::observe::source::SourceId;
use crate::observe::state::VITALS_EVERY;
use crate::safe;
use crate::text::{SafeText, duration};

/// What the source is called.
pub(super) const SOURCE: &str = "the pods' metrics";

/// Two readings of one process.
struct Between<'a> {
    first: &'a Scrape,
    last: &'a Scrape,
    span: SignedDuration,
    age: SignedDuration,
}

/// What a pod's process answered within the window, as far back as it was read.
pub(super) fn counted_by(view: &View<'_>, pod: &Pod) -> Part<Requests> {
    told(view, pod, |between| {
        requests(between.first, between.last, between.span)
    })
}

/// What a pod's process asked of others within the window, as far back as it was read.
pub(super) fn outbound_by(view: &View<'_>, pod: &Pod) -> Part<Vec<Outbound>> {
    told(view, pod, |between| {
        outbound(between.first, between.last, between.span)
    })
}

fn told<T>(view: &View<'_>, pod: &Pod, value: impl Fn(&Between<'_>) -> T) -> Part<T> {
    let name = safe!("metrics of {}", pod.short_name());
    if view.profile.service.metrics.is_none() {
        return missing(safe!("{SOURCE}: not in the profile"), false);
    }
    if !pod.is_ready() {
        return Part::Idle(safe!("{name}: it is not ready"));
    }
    let age = match view.hear(&SourceId::Scrape(pod.uid.clone()), &name) {
        Ok(age) => age,
        Err(part) => return part,
    };
    if let Some(ago) = restarted(view, pod) {
        let ago = duration::brief(ago);
        return missing(safe!("{name}: restarted {ago} ago, counters reset"), false);
    }
    match between(view, pod, age) {
        Some(between) => Part::Told {
            value: value(&between),
            covers: between.span,
            age: between.age,
        },
        None => missing(
            safe!(
                "{name}: needs a second sample ({})",
                duration::brief(VITALS_EVERY)
            ),
            false,
        ),
    }
}

/// How long ago the container restarted, if that was within the window.
fn restarted(view: &View<'_>, pod: &Pod) -> Option<SignedDuration> {
    let container = view.container(pod).filter(|container| container.restarts > 0)?;
    let crate::observe::observation::ContainerState::Running { since: Some(since) } = container.state else {
        return None;
    };
    let ago = view.age(since);
    (ago < view.window).then_some(ago)
}

/// The newest reading and the oldest within the window; where the clock is fast, the two newest.
fn between<'v>(view: &View<'v>, pod: &Pod, age: SignedDuration) -> Option<Between<'v>> {
    let since = view.since();
    let mut readings = view.state.vitals.counted(&pod.uid, pod.restarts).rev();
    let (last_at, last) = readings.next()?;
    let mut first = readings.next()?;
    for reading in readings.take_while(|(at, _)| *at >= since) {
        first = reading;
    }
    Some(Between {
        first: &first.1,
        last,
        span: last_at.duration_since(first.0),
        age,
    })
}

fn requests(first: &Scrape, last: &Scrape, span: SignedDuration) -> Requests {
    let (first, last) = (&first.inbound, &last.inbound);
    let more = |last: u64, first: u64| last.saturating_sub(first);
    let (answered, timed) = (more(last.count, first.count), more(last.timed, first.timed));
    Requests {
        answered,
        failed: more(last.failed, first.failed),
        timed,
        slow: timed.saturating_sub(more(last.within_100ms, first.within_100ms)),
        very_slow: timed.saturating_sub(more(last.within_1s, first.within_1s)),
        per_second: per_second(answered, span),
    }
}

fn outbound(first: &Scrape, last: &Scrape, span: SignedDuration) -> Vec<Outbound> {
    let since_first = |last: &OutboundTotals| {
        let first = first.outbound.iter().find(|first| first.service == last.service);
        let more = |of: fn(&OutboundTotals) -> u64| of(last).saturating_sub(first.map_or(0, of));
        let (sent, timed) = (more(|totals| totals.count), more(|totals| totals.timed));
        Outbound {
            service: last.service.clone(),
            sent,
            failed: more(|totals| totals.failed),
            refused: more(|totals| totals.refused),
            timed,
            very_slow: timed.saturating_sub(more(|totals| totals.within_1s)),
            per_second: per_second(sent, span),
        }
    };
    last.outbound.iter().map(since_first).collect()
}

/// Calls of the pods to one service between two moments that failed, and all of them; `None` where no pod was read before and after.
pub(super) fn calls_between(
    view: &View<'_>,
    pods: &[&Pod],
    service: &SafeText,
    (from, to): (Timestamp, Timestamp),
) -> Option<(u64, u64)> {
    let mut sum = None;
    for pod in pods {
        let readings = || view.state.vitals.counted(&pod.uid, pod.restarts);
        let at = |moment: Timestamp| readings().take_while(|(at, _)| *at <= moment).last();
        if let (Some((_, before)), Some((after_at, after))) = (at(from), at(to))
            && *after_at > from
        {
            let count = |scrape: &Scrape| {
                let totals = scrape.outbound.iter().find(|totals| totals.service == *service);
                totals.map_or((0, 0), |totals| (totals.failed, totals.count))
            };
            let (before, after) = (count(before), count(after));
            let known: &mut (u64, u64) = sum.get_or_insert((0, 0));
            known.0 += after.0.saturating_sub(before.0);
            known.1 += after.1.saturating_sub(before.1);
        }
    }
    sum
}
