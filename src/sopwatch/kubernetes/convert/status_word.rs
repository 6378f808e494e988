//! The columns READY, STATUS and RESTARTS as `kubectl get pods` prints them: people compare the two screens.
//!
//! The rules are those of the API server's table printer for pods.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodStatus};

use super::at;

/// What the columns say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatusColumns {
    /// STATUS: `Running`, `CrashLoopBackOff`, …
    pub(super) word: String,
    /// READY: containers that are ready.
    pub(super) ready: u32,
    /// READY: containers in all.
    pub(super) total: u32,
    /// RESTARTS.
    pub(super) restarts: u32,
    /// When the newest restarted instance ended; `None` without a restart.
    pub(super) restarted_at: Option<Timestamp>,
}

/// Restarts and the end of the newest instance that was restarted.
#[derive(Clone, Copy, Default)]
struct Restarts {
    count: u32,
    at: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &ContainerStatus) {
        self.count += super::count(Some(status.restart_count));
        let last = status
            .last_state
            .as_ref()
            .and_then(|state| state.terminated.as_ref());
        self.at = self.at.max(last.and_then(|last| at(last.finished_at.as_ref())));
    }
}

/// The columns of a pod.
pub(super) fn read(pod: &Pod) -> StatusColumns {
    let empty = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&empty);
    let sidecars = sidecars(pod);
    let mut init = Init::read(pod, status, &sidecars);
    let mut word = init.word.take().unwrap_or_else(|| own_word(status));
    let mut restarts = init.all;
    let mut ready = init.ready;
    if !init.unfinished || has_condition(status, "Initialized") {
        restarts = init.sidecars;
        let statuses = status.container_statuses.as_deref().unwrap_or_default();
        for container in statuses {
            restarts.add(container);
        }
        ready += statuses.iter().filter(|container| is_running(container)).count() as u32;
        word = word_of_containers(word, status, statuses);
    }
    let containers = pod.spec.as_ref().map_or(0, |spec| spec.containers.len());
    StatusColumns {
        word: word_of_deletion(pod, status).unwrap_or(word),
        ready,
        total: (containers + sidecars.len()) as u32,
        restarts: restarts.count,
        restarted_at: restarts.at,
    }
}

/// Names of the init containers that keep running beside the others.
fn sidecars(pod: &Pod) -> Vec<&str> {
    let init = pod
        .spec
        .iter()
        .flat_map(|spec| spec.init_containers.iter().flatten());
    init.filter(|container| container.restart_policy.as_deref() == Some("Always"))
        .map(|container| container.name.as_str())
        .collect()
}

fn own_word(status: &PodStatus) -> String {
    let gated = |condition: &k8s_openapi::api::core::v1::PodCondition| {
        condition.type_ == "PodScheduled" && condition.reason.as_deref() == Some("SchedulingGated")
    };
    if status.conditions.iter().flatten().any(gated) {
        return "SchedulingGated".into();
    }
    let reason = status.reason.as_ref().filter(|reason| !reason.is_empty());
    reason.or(status.phase.as_ref()).cloned().unwrap_or_default()
}

fn has_condition(status: &PodStatus, kind: &str) -> bool {
    status
        .conditions
        .iter()
        .flatten()
        .any(|condition| condition.type_ == kind && condition.status == "True")
}

fn is_running(container: &ContainerStatus) -> bool {
    container.ready
        && container
            .state
            .as_ref()
            .is_some_and(|state| state.running.is_some())
}

/// What the init containers say.
#[derive(Default)]
struct Init {
    word: Option<String>,
    unfinished: bool,
    ready: u32,
    all: Restarts,
    sidecars: Restarts,
}

impl Init {
    /// Goes through them in order up to the first that has not done its part.
    fn read(pod: &Pod, status: &PodStatus, sidecars: &[&str]) -> Self {
        let total = pod
            .spec
            .iter()
            .flat_map(|spec| spec.init_containers.iter().flatten())
            .count();
        let mut init = Self::default();
        for (index, container) in status.init_container_statuses.iter().flatten().enumerate() {
            let sidecar = sidecars.contains(&container.name.as_str());
            init.all.add(container);
            if sidecar {
                init.sidecars.add(container);
            }
            let terminated = container
                .state
                .as_ref()
                .and_then(|state| state.terminated.as_ref());
            if terminated.is_some_and(|terminated| terminated.exit_code == 0) {
                continue;
            }
            if sidecar && container.started == Some(true) {
                init.ready += u32::from(container.ready);
                continue;
            }
            init.unfinished = true;
            init.word = Some(unfinished_word(container).unwrap_or_else(|| format!("Init:{index}/{total}")));
            break;
        }
        init
    }
}

/// Why an init container has not done its part, if it says.
fn unfinished_word(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref()?;
    if let Some(terminated) = &state.terminated {
        return Some(format!("Init:{}", end_word(terminated)));
    }
    let reason = state.waiting.as_ref()?.reason.as_deref()?;
    (!reason.is_empty() && reason != "PodInitializing").then(|| format!("Init:{reason}"))
}

/// How a container ended: its reason, else the signal, else the exit code.
fn end_word(terminated: &ContainerStateTerminated) -> String {
    let reason = terminated.reason.as_ref().filter(|reason| !reason.is_empty());
    match (reason, terminated.signal.unwrap_or(0)) {
        (Some(reason), _) => reason.clone(),
        (None, 0) => format!("ExitCode:{}", terminated.exit_code),
        (None, signal) => format!("Signal:{signal}"),
    }
}

/// The first container that has something to say wins.
fn word_of_containers(word: String, status: &PodStatus, containers: &[ContainerStatus]) -> String {
    let word = containers.iter().find_map(container_word).unwrap_or(word);
    let runs = containers.iter().any(is_running);
    match (word.as_str(), runs, has_condition(status, "Ready")) {
        ("Completed", true, true) => "Running".into(),
        ("Completed", true, false) => "NotReady".into(),
        _ => word,
    }
}

fn container_word(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref()?;
    let waiting = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone());
    waiting
        .filter(|reason| !reason.is_empty())
        .or_else(|| state.terminated.as_ref().map(end_word))
}

fn word_of_deletion(pod: &Pod, status: &PodStatus) -> Option<String> {
    pod.metadata.deletion_timestamp.as_ref()?;
    let over = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    match status.reason.as_deref() {
        Some("NodeLost") => Some("Unknown".into()),
        _ if over => None,
        _ => Some("Terminating".into()),
    }
}
