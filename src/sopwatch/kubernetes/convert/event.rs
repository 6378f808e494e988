//! An Event as an observation.

use k8s_openapi::api::core::v1::Event;

use super::{at, at_micro, text, words};
use sopwatch_core::observe::observation::ClusterEvent;

/// Objects whose warnings concern every service of the namespace.
const SHARED_KINDS: [&str; 5] = [
    "Namespace",
    "Node",
    "ResourceQuota",
    "LimitRange",
    "ClusterResourceQuota",
];

/// Whether an event concerns the service: it is about the deployment or what is named after it (replica sets, pods), or it warns of
/// something that all services share, or says that a node reports again. The service's display name never occurs in events.
pub fn concerns(event: &Event, deployment: &str) -> bool {
    let object = &event.involved_object;
    let name = object.name.as_deref().unwrap_or_default();
    let is_ours = name
        .strip_prefix(deployment)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    is_ours
        || is_node_ready(event)
        || is_warning(event)
            && object
                .kind
                .as_deref()
                .is_some_and(|kind| SHARED_KINDS.contains(&kind))
}

fn is_node_ready(event: &Event) -> bool {
    event.involved_object.kind.as_deref() == Some("Node") && event.reason.as_deref() == Some("NodeReady")
}

fn is_warning(event: &Event) -> bool {
    event.type_.as_deref() != Some("Normal")
}

/// The event as the console knows it. Old emitters count in `count` and `lastTimestamp`, new ones in `series` and `eventTime`.
pub fn event(event: &Event) -> ClusterEvent {
    let series = event.series.as_ref();
    let occurred_at = at_micro(event.event_time.as_ref());
    let first_at = at(event.first_timestamp.as_ref())
        .or(occurred_at)
        .or(at(event.metadata.creation_timestamp.as_ref()));
    let last_at = series
        .and_then(|series| at_micro(series.last_observed_time.as_ref()))
        .or(at(event.last_timestamp.as_ref()))
        .or(occurred_at)
        .or(first_at);
    let count = series.and_then(|series| series.count).or(event.count);
    ClusterEvent {
        uid: text(event.metadata.uid.as_ref()),
        warning: is_warning(event),
        reason: text(event.reason.as_ref()),
        message: words(event.message.as_ref()),
        object_kind: text(event.involved_object.kind.as_ref()),
        object_name: text(event.involved_object.name.as_ref()),
        count: super::count(count).max(1),
        first_at,
        last_at,
    }
}
