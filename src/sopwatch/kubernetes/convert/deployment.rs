//! A Deployment as an observation.

use k8s_openapi::api::apps::v1::{Deployment as Source, DeploymentCondition};

use super::{at, count, text, words};
use sopwatch_core::observe::observation::{Condition, Deployment};
use sopwatch_core::text::SafeText;

/// The deployment as the console knows it. Absent counts are 0, absent `spec.replicas` is 1, as the API server defaults it.
pub fn deployment(source: &Source) -> Deployment {
    let spec = source.spec.as_ref();
    let status = source.status.clone().unwrap_or_default();
    let generation = source.metadata.generation.unwrap_or(0);
    Deployment {
        name: text(source.metadata.name.as_ref()),
        uid: text(source.metadata.uid.as_ref()),
        resource_version: text(source.metadata.resource_version.as_ref()),
        replicas: count(Some(spec.and_then(|spec| spec.replicas).unwrap_or(1))),
        current: count(status.replicas),
        ready: count(status.ready_replicas),
        updated: count(status.updated_replicas),
        available: count(status.available_replicas),
        observed: status.observed_generation.unwrap_or(0) >= generation,
        paused: spec.and_then(|spec| spec.paused).unwrap_or(false),
        restarted_at: restarted_at(source),
        images: images(source),
        conditions: status.conditions.iter().flatten().map(condition).collect(),
    }
}

fn restarted_at(source: &Source) -> Option<SafeText> {
    let template = &source.spec.as_ref()?.template;
    let annotations = template.metadata.as_ref()?.annotations.as_ref()?;
    annotations
        .get("kubectl.kubernetes.io/restartedAt")
        .map(|at| SafeText::new(at))
}

fn images(source: &Source) -> Vec<(SafeText, SafeText)> {
    let template = source.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let containers = template
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    let image = |container: &k8s_openapi::api::core::v1::Container| {
        (SafeText::new(&container.name), text(container.image.as_ref()))
    };
    containers.iter().map(image).collect()
}

fn condition(source: &DeploymentCondition) -> Condition {
    Condition {
        kind: SafeText::new(&source.type_),
        status: SafeText::new(&source.status),
        reason: text(source.reason.as_ref()),
        message: words(source.message.as_ref()),
        since: at(source.last_transition_time.as_ref()),
    }
}
