//! A ReplicaSet as an observation.

use k8s_openapi::api::apps::v1::ReplicaSet as Source;

use super::{controller, text};
use sopwatch_core::observe::observation::{Controller, ReplicaSet};
use sopwatch_core::text::SafeText;

/// The label that a Deployment puts on its ReplicaSets and their pods.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// The ReplicaSet as the console knows it: whose it is.
pub fn replica_set(source: &Source) -> ReplicaSet {
    let metadata = &source.metadata;
    let labels = metadata.labels.as_ref();
    ReplicaSet {
        uid: text(metadata.uid.as_ref()),
        name: text(metadata.name.as_ref()),
        template_hash: labels
            .and_then(|labels| labels.get(TEMPLATE_HASH))
            .map(|hash| SafeText::new(hash)),
        controller: controller(source).map(|owner| Controller {
            kind: SafeText::new(&owner.kind),
            name: SafeText::new(&owner.name),
            uid: SafeText::new(&owner.uid),
        }),
    }
}
