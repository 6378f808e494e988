//! The state of a container's instances, and of which of them the API can give the log. Pure.

use sopwatch_core::logparse::ContainerKey;
use sopwatch_core::observe::observation::{Container, ContainerState, Pod};
use sopwatch_core::text::SafeText;

/// The newest instance of a container, as its pod last reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InstanceState {
    /// `restartCount`.
    pub(super) restart: u32,
    /// How far it is.
    pub(super) phase: Phase,
}

/// How far an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not started: there is no log.
    Waiting,
    /// It runs.
    Runs,
    /// It has ended.
    Over,
    /// It has ended, and the next one waits (`CrashLoopBackOff`): the newest log and the previous are both its own.
    BacksOff,
    /// Its pod is gone.
    Gone,
}

/// How the log of one instance can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogAccess {
    /// It is the newest; it may still write.
    Follow,
    /// It is the one before the newest: `previous=true`.
    Previous,
    /// Not yet.
    NotYet,
    /// Not any more.
    Lost,
}

impl InstanceState {
    /// The newest instance of a container whose pod exists.
    pub(super) fn of(container: &Container) -> Self {
        let phase = match (&container.state, &container.last) {
            (ContainerState::Running { .. }, _) => Phase::Runs,
            (ContainerState::Terminated(_), _) => Phase::Over,
            (ContainerState::Waiting { .. }, Some(_)) => Phase::BacksOff,
            (ContainerState::Waiting { .. }, None) => Phase::Waiting,
        };
        Self {
            restart: container.restarts,
            phase,
        }
    }

    /// How to read the instance with this restart count. The kubelet keeps the newest and the one before it.
    pub(super) fn access(self, restart: u32) -> LogAccess {
        match (self.phase, self.restart.checked_sub(restart)) {
            (Phase::Gone, _) => LogAccess::Lost,
            (Phase::Waiting, Some(0)) | (_, None) => LogAccess::NotYet,
            (_, Some(0)) => LogAccess::Follow,
            (Phase::Runs | Phase::Over, Some(1)) => LogAccess::Previous,
            _ => LogAccess::Lost,
        }
    }

    /// Whether the instance will write no more.
    pub(super) fn is_over(self, restart: u32) -> bool {
        self.restart > restart || matches!(self.phase, Phase::Over | Phase::BacksOff | Phase::Gone)
    }
}

/// The key of a container's current instance.
pub(super) fn key_of(pod: &Pod, container: &Container) -> ContainerKey {
    ContainerKey {
        pod_uid: pod.uid.clone(),
        pod: pod.name.clone(),
        container: SafeText::clone(&container.name),
        restart: container.restarts,
    }
}

/// The key of the instance before it, where its log can be had as `previous`. While a crashed container waits, the newest log is that of
/// the instance that crashed, and `previous` gives the same.
pub(super) fn previous_of(pod: &Pod, container: &Container) -> Option<ContainerKey> {
    let waits = matches!(container.state, ContainerState::Waiting { .. });
    if waits || container.last.is_none() {
        return None;
    }
    let restart = container.restarts.checked_sub(1)?;
    Some(ContainerKey {
        restart,
        ..key_of(pod, container)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_log_and_the_one_before_can_be_read() {
        let now = |restart, phase| InstanceState { restart, phase };
        let cases = [
            (now(0, Phase::Waiting), 0, LogAccess::NotYet),
            (now(0, Phase::Runs), 0, LogAccess::Follow),
            (now(0, Phase::Over), 0, LogAccess::Follow),
            (now(1, Phase::Runs), 0, LogAccess::Previous),
            (now(1, Phase::Over), 1, LogAccess::Follow),
            (now(1, Phase::BacksOff), 1, LogAccess::Follow),
            (now(1, Phase::BacksOff), 0, LogAccess::Lost),
            (now(2, Phase::Runs), 0, LogAccess::Lost),
            (now(1, Phase::Gone), 1, LogAccess::Lost),
            (now(0, Phase::Runs), 1, LogAccess::NotYet),
        ];
        for (now, restart, access) in cases {
            assert_eq!(now.access(restart), access, "{now:?}, instance {restart}");
        }
    }
}
