//! Requests by the request log.

use jiff::{SignedDuration, Timestamp};

use super::sign::{Part, missing};
use super::{Requests, View, per_second};
use crate::logparse::{BUCKET, ContainerKey, RequestCounts, bucket_of};
use crate::observe::observation::Pod;
use crate::observe::source::{SourceId, SourceState};
use crate::safe;

/// What the source is called.
pub(super) const SOURCE: &str = "request log";

/// What the log of a pod's container says of the window. What an earlier instance of the container logged is left out: the covered part
/// of the window begins with the instance's first line.
pub(super) fn logged_by(view: &View<'_>, pod: &Pod) -> Part<Requests> {
    let name = safe!("log of {}", pod.short_name());
    let source = match readable(view, pod, &name) {
        Ok(source) => source,
        Err(part) => return part,
    };
    let age = match view.hear(&SourceId::Log(source.clone()), &name) {
        Ok(age) => age,
        Err(part) => return part,
    };
    let known = &view.state.logs[source].progress;
    let ended = is_ended(view, source);
    if !known.caught_up && !ended {
        return missing(safe!("{name}: still reading older lines"), false);
    }
    if !known.verbose {
        return if pod.is_ready() {
            missing(safe!("{name}: too terse (no request lines)"), false)
        } else {
            Part::Idle(safe!("{name}: no request yet"))
        };
    }
    let newest = bucket_of(view.now);
    let oldest = bucket_of(view.since());
    let mut counts = RequestCounts::default();
    if let Some(buckets) = view.state.requests.get(source) {
        for (_, bucket) in buckets.range(oldest..=newest) {
            counts += *bucket;
        }
    }
    let begins = begin_of(oldest).max(known.first_at.unwrap_or(view.now));
    let covers = view.age(begins);
    Part::Told {
        value: requests(counts, covers),
        covers: covers.min(view.window),
        age,
    }
}

/// The log of the container's instance that runs now.
fn readable<'v>(view: &View<'v>, pod: &Pod, name: &str) -> Result<&'v ContainerKey, Part<Requests>> {
    let Some(container) = view.container(pod) else {
        let service = &view.profile.service.container;
        return Err(missing(safe!("{name}: it has no container {service}"), false));
    };
    if container.id.is_empty() {
        return Err(Part::Idle(safe!("{name}: the container has not started")));
    }
    let is_it = |key: &&ContainerKey| {
        key.pod_uid == pod.uid && key.container == container.name && key.restart == container.restarts
    };
    let source = view.state.logs_of(&pod.uid).map(|(key, _)| key).find(is_it);
    source.ok_or_else(|| {
        let of_pod = |id: &&SourceId| matches!(id, SourceId::Log(key) if is_it(&key));
        let id = view.state.sources().map(|(id, _)| id).find(of_pod);
        let told = id.and_then(|id| view.hear(id, name).err());
        told.unwrap_or_else(|| missing(safe!("{name}: no data yet"), false))
    })
}

fn is_ended(view: &View<'_>, source: &ContainerKey) -> bool {
    let source = view.state.source(&SourceId::Log(source.clone()));
    source.is_some_and(|source| source.state == SourceState::Ended)
}

fn requests(counts: RequestCounts, covers: SignedDuration) -> Requests {
    Requests {
        answered: counts.answered,
        failed: counts.failed,
        timed: counts.answered,
        slow: counts.slow,
        very_slow: counts.very_slow,
        per_second: per_second(counts.answered, covers),
    }
}

fn begin_of(bucket: i64) -> Timestamp {
    Timestamp::from_second(bucket * BUCKET).unwrap_or(Timestamp::MIN)
}

/// What was logged in one half minute by those of the pods whose log covers it; `None` where none does.
pub(super) fn logged_in(view: &View<'_>, pods: &[&Pod], bucket: i64) -> Option<RequestCounts> {
    let mut counts = None;
    for (source, log) in pods.iter().flat_map(|pod| view.state.logs_of(&pod.uid)) {
        let covered = log
            .progress
            .first_at
            .is_some_and(|first| first <= begin_of(bucket));
        let heard = log.progress.last_at.is_some_and(|last| bucket_of(last) >= bucket);
        if covered && heard && log.progress.verbose && *source.container == *view.profile.service.container {
            let buckets = view.state.requests.get(source);
            let told = buckets.and_then(|buckets| buckets.get(&bucket)).copied();
            *counts.get_or_insert_with(RequestCounts::default) += told.unwrap_or_default();
        }
    }
    counts
}
