//! The three things that are watched, and the facts they make.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Resource;
use kube::api::ListParams;
use tokio::sync::mpsc;

use super::convert;
use super::watch::{Change, Subject};
use crate::incident::fact::{Fact, PodUid};
use crate::incident::feed::FeedId;
use crate::incident::profile::Profile;
use crate::incident::text::SafeText;

/// The deployment, by name.
pub(super) fn deployment(profile: &Profile) -> Subject<Deployment> {
    let name = &profile.service.deployment;
    Subject {
        id: FeedId::Deployment,
        what: format!("the deployment {name}"),
        list: ListParams::default().fields(&format!("metadata.name={name}")),
        concerns: Box::new(|_| true),
        snapshot: Box::new(|all| Fact::Deployment(all.first().map(convert::deployment))),
        change: Box::new(|change| match change {
            Change::Applied(deployment) => Fact::Deployment(Some(convert::deployment(deployment))),
            Change::Gone(_) => Fact::Deployment(None),
        }),
        also: None,
    }
}

/// The pods, by the profile's selector. Who follows their logs hears of each change too.
pub(super) fn pods(profile: &Profile, also: mpsc::Sender<Fact>) -> Subject<Pod> {
    Subject {
        id: FeedId::Pods,
        what: "pods".into(),
        list: ListParams::default().labels(&profile.service.selector),
        concerns: Box::new(|_| true),
        snapshot: Box::new(|all| Fact::Pods(all.iter().map(convert::pod).collect())),
        change: Box::new(|change| match change {
            Change::Applied(pod) => Fact::Pod(convert::pod(pod)),
            Change::Gone(pod) => Fact::PodGone(PodUid(uid(pod))),
        }),
        also: Some(also),
    }
}

/// The events of the namespace, of which those are taken that concern the service.
pub(super) fn cluster_events(profile: &Profile) -> Subject<Event> {
    let ours = profile.service.deployment.clone();
    Subject {
        id: FeedId::ClusterEvents,
        what: "events".into(),
        list: ListParams::default(),
        concerns: Box::new(move |event| convert::concerns(event, &ours)),
        snapshot: Box::new(|all| Fact::ClusterEvents(all.iter().map(convert::event).collect())),
        change: Box::new(|change| match change {
            Change::Applied(event) => Fact::ClusterEvent(convert::event(event)),
            Change::Gone(event) => Fact::ClusterEventGone(uid(event)),
        }),
        also: None,
    }
}

fn uid(object: &impl Resource) -> SafeText {
    SafeText::new(object.meta().uid.as_deref().unwrap_or_default())
}
