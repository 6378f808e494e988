//! The specifications of the watches: what is watched, and which observations it makes.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Resource;
use kube::api::ListParams;
use tokio::sync::mpsc;

use super::convert;
use super::watch::{Change, WatchSpec};
use sopwatch_core::observe::observation::{Observation, PodUid};
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::profile::Profile;
use sopwatch_core::text::SafeText;

/// The deployment, by name. Each change also goes to `also`, which tells the service's own pods from others.
pub(super) fn deployment(profile: &Profile, also: mpsc::Sender<Observation>) -> WatchSpec<Deployment> {
    let name = &profile.service.deployment;
    WatchSpec {
        id: SourceId::Deployment,
        what: format!("the deployment {name}"),
        list: ListParams::default().fields(&format!("metadata.name={name}")),
        concerns: Box::new(|_| true),
        snapshot: Box::new(|all| Observation::Deployment(all.first().map(convert::deployment))),
        change: Box::new(|change| match change {
            Change::Applied(deployment) => Observation::Deployment(Some(convert::deployment(deployment))),
            Change::Gone(_) => Observation::Deployment(None),
        }),
        also: Some(also),
        optional: false,
    }
}

/// The ReplicaSets that carry the label of the service's pods, as those of its deployment do.
pub(super) fn replica_sets(profile: &Profile, also: mpsc::Sender<Observation>) -> WatchSpec<ReplicaSet> {
    WatchSpec {
        id: SourceId::ReplicaSets,
        what: "ReplicaSets".into(),
        list: ListParams::default().labels(&profile.service.selector),
        concerns: Box::new(|_| true),
        snapshot: Box::new(|all| Observation::ReplicaSets(all.iter().map(convert::replica_set).collect())),
        change: Box::new(|change| match change {
            Change::Applied(set) => Observation::ReplicaSet(convert::replica_set(set)),
            Change::Gone(set) => Observation::ReplicaSetGone(uid(set)),
        }),
        also: Some(also),
        optional: true,
    }
}

/// The autoscaler that sets the deployment's number of pods, if there is one. No selector finds it: it names its target.
pub(super) fn autoscaler(profile: &Profile) -> WatchSpec<HorizontalPodAutoscaler> {
    let deployment = profile.service.deployment.clone();
    WatchSpec {
        id: SourceId::Autoscaler,
        what: "autoscalers".into(),
        list: ListParams::default(),
        concerns: Box::new(move |autoscaler| convert::scales(autoscaler, &deployment)),
        snapshot: Box::new(|all| Observation::Autoscaler(all.first().map(convert::autoscaler))),
        change: Box::new(|change| match change {
            Change::Applied(autoscaler) => Observation::Autoscaler(Some(convert::autoscaler(autoscaler))),
            Change::Gone(_) => Observation::Autoscaler(None),
        }),
        also: None,
        optional: true,
    }
}

/// The pods, by the profile's selector. Each change also goes to `also`, for the logs.
pub(super) fn pods(profile: &Profile, also: mpsc::Sender<Observation>) -> WatchSpec<Pod> {
    WatchSpec {
        id: SourceId::Pods,
        what: "pods".into(),
        list: ListParams::default().labels(&profile.service.selector),
        concerns: Box::new(|_| true),
        snapshot: Box::new(|all| Observation::Pods(all.iter().map(convert::pod).collect())),
        change: Box::new(|change| match change {
            Change::Applied(pod) => Observation::Pod(convert::pod(pod)),
            Change::Gone(pod) => Observation::PodGone(PodUid(uid(pod))),
        }),
        also: Some(also),
        optional: false,
    }
}

/// The events of the namespace, of which those are taken that concern the service.
pub(super) fn cluster_events(profile: &Profile) -> WatchSpec<Event> {
    let ours = profile.service.deployment.clone();
    WatchSpec {
        id: SourceId::ClusterEvents,
        what: "events".into(),
        list: ListParams::default(),
        concerns: Box::new(move |event| convert::concerns(event, &ours)),
        snapshot: Box::new(|all| Observation::ClusterEvents(all.iter().map(convert::event).collect())),
        change: Box::new(|change| match change {
            Change::Applied(event) => Observation::ClusterEvent(convert::event(event)),
            Change::Gone(event) => Observation::ClusterEventGone(uid(event)),
        }),
        also: None,
        optional: false,
    }
}

fn uid(object: &impl Resource) -> SafeText {
    SafeText::new(object.meta().uid.as_deref().unwrap_or_default())
}
