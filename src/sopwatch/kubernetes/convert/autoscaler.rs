//! A HorizontalPodAutoscaler as an observation.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Source;

use super::{count, text};
use sopwatch_core::observe::observation::Autoscaler;

/// Whether it sets the number of pods of the deployment of that name.
pub fn scales(source: &Source, deployment: &str) -> bool {
    source.spec.as_ref().is_some_and(|spec| {
        let target = &spec.scale_target_ref;
        target.kind == "Deployment" && target.name == deployment
    })
}

/// The autoscaler as the console knows it. An absent `spec.minReplicas` is 1, as the API server defaults it.
pub fn autoscaler(source: &Source) -> Autoscaler {
    let spec = source.spec.as_ref();
    let current = source.status.as_ref().and_then(|status| status.current_replicas);
    Autoscaler {
        name: text(source.metadata.name.as_ref()),
        min: count(Some(spec.and_then(|spec| spec.min_replicas).unwrap_or(1))),
        max: count(spec.map(|spec| spec.max_replicas)),
        current: count(current),
    }
}
