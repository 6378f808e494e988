//! The reasons for which a container waits, and what each of them means.

use crate::observe::observation::{ClusterEvent, ContainerState, Pod};
use crate::observe::state::State;

/// Why a container waits, in the kubelet's one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The word.
    pub reason: &'static str,
    /// Whether the container does not start however long one waits: somebody has to change something first.
    pub ends_wait: bool,
    /// Whether it comes with what was released: the image, its configuration or its command. A restart starts the same release.
    pub of_release: bool,
}

/// The words of the kubelet: of a start that goes well, of its image manager, and of its runtime manager. A volume that can't be mounted
/// has no word of its own: the container stays in `ContainerCreating`, and an event says why.
pub const REASONS: [Waiting; 17] = [
    row("ContainerCreating", false, false),
    row("PodInitializing", false, false),
    row("ErrImagePull", true, true),
    row("ImagePullBackOff", true, true),
    row("InvalidImageName", true, true),
    row("ErrImageNeverPull", true, true),
    row("ImageInspectError", true, true),
    row("RegistryUnavailable", true, true),
    row("SignatureValidationFailed", true, true),
    row("CreateContainerConfigError", true, true),
    row("CreateContainerError", true, true),
    // Before the process starts, the kubelet's own hooks give it its share of the node: CPUs, memory, devices.
    row("PreCreateHookError", true, false),
    row("PreStartHookError", true, false),
    row("PostStartHookError", true, true),
    // The runtime can't start the process: its command is not in the image, or may not be run.
    row("RunContainerError", true, true),
    // It ran and ended, which may have any cause.
    row("CrashLoopBackOff", true, false),
    row("RunInitContainerError", true, true),
];

const fn row(reason: &'static str, ends_wait: bool, of_release: bool) -> Waiting {
    Waiting {
        reason,
        ends_wait,
        of_release,
    }
}

/// What a reason means, if it is known.
pub fn waiting_for(reason: &str) -> Option<&'static Waiting> {
    REASONS.iter().find(|row| row.reason == reason)
}

/// The first reason of a pod's containers for which there is nothing to wait for.
pub fn stuck_in(pod: &Pod) -> Option<&'static Waiting> {
    let reason = |state: &ContainerState| match state {
        ContainerState::Waiting { reason, .. } => waiting_for(reason),
        ContainerState::Running { .. } | ContainerState::Terminated(_) => None,
    };
    let mut reasons = pod
        .containers
        .iter()
        .filter_map(|container| reason(&container.state));
    reasons.find(|row| row.ends_wait)
}

/// Whether an event tells that a config map, a secret or a key of one is missing that a pod mounts.
pub fn is_missing_volume(event: &ClusterEvent) -> bool {
    let message = &*event.message;
    let missing =
        (message.contains("configmap \"") || message.contains("secret \"")) && message.contains("not found");
    &*event.reason == "FailedMount" && (missing || message.contains("references non-existent"))
}

/// The newest event that tells why a pod's volumes can't be mounted for want of a config map or a secret, while none of its containers has
/// started.
pub fn missing_volume<'a>(state: &'a State, pod: &Pod) -> Option<&'a ClusterEvent> {
    let waits = |state: &ContainerState| matches!(state, ContainerState::Waiting { .. });
    if pod.containers.iter().any(|container| !waits(&container.state)) {
        return None;
    }
    let events = state.cluster_events.values();
    let of_pod = events.filter(|event| *event.object_name == *pod.name && is_missing_volume(event));
    of_pod.max_by_key(|event| event.last_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{pod, waiting_pod};

    #[test]
    fn each_reason_has_one_row_and_only_a_start_that_goes_well_is_worth_waiting_for() {
        for (index, row) in REASONS.iter().enumerate() {
            assert_eq!(
                REASONS.iter().position(|one| one.reason == row.reason),
                Some(index)
            );
            let goes_well = ["ContainerCreating", "PodInitializing"].contains(&row.reason);
            assert_eq!(row.ends_wait, !goes_well, "{}", row.reason);
            assert!(row.ends_wait || !row.of_release, "{}", row.reason);
        }
        assert_eq!(waiting_for("SomethingNew"), None);
    }

    #[test]
    fn a_pod_is_stuck_in_the_first_reason_that_ends_a_wait() {
        assert_eq!(stuck_in(&pod("x", 9)), None);
        assert_eq!(stuck_in(&waiting_pod("x", 9, "ContainerCreating")), None);
        let mut two = waiting_pod("x", 9, "ContainerCreating");
        two.containers
            .extend(waiting_pod("x", 9, "CreateContainerConfigError").containers);
        let stuck = stuck_in(&two).map(|row| row.reason);
        assert_eq!(stuck, Some("CreateContainerConfigError"));
    }
}
