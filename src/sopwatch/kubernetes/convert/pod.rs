//! A Pod as an observation.

use k8s_openapi::api::core::v1::{
    Container as Spec, ContainerState as State, ContainerStateTerminated, ContainerStatus, Pod as Source,
    PodCondition,
};

use super::replica_set::TEMPLATE_HASH;
use super::status_word::{StatusColumns, read};
use super::{at, controller, text, words};
use crate::kubernetes::quantity;
use sopwatch_core::observe::observation::{
    Condition, Container, ContainerState, Ended, Limits, Origin, Pod, PodUid,
};
use sopwatch_core::text::SafeText;

/// The pod as the console knows it.
pub fn pod(source: &Source) -> Pod {
    let StatusColumns {
        word,
        ready,
        total,
        restarts,
        restarted_at,
    } = read(source);
    let metadata = &source.metadata;
    let status = source.status.as_ref();
    Pod {
        uid: PodUid(text(metadata.uid.as_ref())),
        name: text(metadata.name.as_ref()),
        resource_version: text(metadata.resource_version.as_ref()),
        created_at: at(metadata.creation_timestamp.as_ref()),
        deletion_at: at(metadata.deletion_timestamp.as_ref()),
        phase: text(status.and_then(|status| status.phase.as_ref())),
        status: SafeText::new(&word),
        message: words(status.and_then(|status| status.message.as_ref())),
        node: node(source),
        ready,
        total,
        restarts,
        restarted_at,
        owner: controller(source).map(|owner| (SafeText::new(&owner.kind), SafeText::new(&owner.name))),
        origin: origin(source),
        containers: containers(source),
        conditions: status
            .and_then(|status| status.conditions.as_ref())
            .into_iter()
            .flatten()
            .map(condition)
            .collect(),
    }
}

fn node(source: &Source) -> Option<SafeText> {
    let name = source.spec.as_ref()?.node_name.as_ref()?;
    (!name.is_empty()).then(|| SafeText::new(name))
}

fn origin(source: &Source) -> Origin {
    let metadata = &source.metadata;
    let label = |key: &str| Some(SafeText::new(metadata.labels.as_ref()?.get(key)?));
    let annotation = |key: &str| Some(SafeText::new(metadata.annotations.as_ref()?.get(key)?));
    Origin {
        owner_uid: controller(source).map(|owner| SafeText::new(&owner.uid)),
        template_hash: label(TEMPLATE_HASH),
        deployment_config: annotation("openshift.io/deployment-config.name"),
    }
}

fn containers(source: &Source) -> Vec<Container> {
    let Some(spec) = source.spec.as_ref() else {
        return Vec::new();
    };
    let status = source.status.as_ref();
    let init_statuses = status.and_then(|status| status.init_container_statuses.as_ref());
    let statuses = status.and_then(|status| status.container_statuses.as_ref());
    let init = spec
        .init_containers
        .iter()
        .flatten()
        .map(|spec| container(spec, true, init_statuses));
    init.chain(
        spec.containers
            .iter()
            .map(|spec| container(spec, false, statuses)),
    )
    .collect()
}

fn container(spec: &Spec, init: bool, statuses: Option<&Vec<ContainerStatus>>) -> Container {
    let status = statuses
        .into_iter()
        .flatten()
        .find(|status| status.name == spec.name);
    let last = status.and_then(|status| status.last_state.as_ref()?.terminated.as_ref());
    Container {
        name: SafeText::new(&spec.name),
        init,
        image: text(spec.image.as_ref()),
        ready: status.is_some_and(|status| status.ready),
        restarts: super::count(status.map(|status| status.restart_count)),
        id: text(status.and_then(|status| status.container_id.as_ref())),
        state: state(status.and_then(|status| status.state.as_ref())),
        last: last.map(ended),
        limits: limits(spec),
    }
}

fn limits(spec: &Spec) -> Limits {
    let limits = spec
        .resources
        .as_ref()
        .and_then(|resources| resources.limits.as_ref());
    let of = |name| limits.and_then(|limits| limits.get(name));
    Limits {
        cpu_millis: of("cpu").and_then(|limit| quantity::millis(&limit.0)),
        memory_bytes: of("memory").and_then(|limit| quantity::ones(&limit.0)),
    }
}

/// A state that is not given is "waiting" by the API's definition.
fn state(source: Option<&State>) -> ContainerState {
    let waiting = source.and_then(|state| state.waiting.as_ref());
    let running = source.and_then(|state| state.running.as_ref());
    let terminated = source.and_then(|state| state.terminated.as_ref());
    match (running, terminated) {
        (Some(running), _) => ContainerState::Running {
            since: at(running.started_at.as_ref()),
        },
        (None, Some(terminated)) => ContainerState::Terminated(ended(terminated)),
        (None, None) => ContainerState::Waiting {
            reason: text(waiting.and_then(|waiting| waiting.reason.as_ref())),
            message: words(waiting.and_then(|waiting| waiting.message.as_ref())),
        },
    }
}

fn ended(source: &ContainerStateTerminated) -> Ended {
    Ended {
        reason: text(source.reason.as_ref()),
        message: words(source.message.as_ref()),
        exit_code: source.exit_code,
        started_at: at(source.started_at.as_ref()),
        finished_at: at(source.finished_at.as_ref()),
    }
}

fn condition(source: &PodCondition) -> Condition {
    Condition {
        kind: SafeText::new(&source.type_),
        status: SafeText::new(&source.status),
        reason: text(source.reason.as_ref()),
        message: words(source.message.as_ref()),
        since: at(source.last_transition_time.as_ref()),
    }
}
