//! Containers that fail, and the kubelet's back-off before it starts them again.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::container_run::ContainerState;
use super::kubelet::instance;
use super::objects::{CONTAINER, INIT_CONTAINERS};
use super::{PodStep, World};
use crate::scenario::Releases;
use crate::service::Exit;

/// The kubelet's back-off, for pulls and for crashes: 10 s, doubling, at most 5 min.
const FIRST_BACK_OFF: i64 = 10;
const LONGEST_BACK_OFF: i64 = 300;
/// The back-off of a container that ran this long is reset (twice the longest back-off).
const FORGIVEN_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// How often the kubelet looks at a pod that waits, on the average of its 10 to 15 s.
pub(super) const SYNC: SignedDuration = SignedDuration::from_millis(12_500);
/// From a container's end to the kubelet's first look at it, and from that to the second.
const FIRST_LOOK: SignedDuration = SignedDuration::from_millis(800);
const SECOND_LOOK: SignedDuration = SignedDuration::from_millis(3_200);
/// The exit code and reason of a process that needs more memory than its limit.
const OUT_OF_MEMORY: (i32, &str) = (137, "OOMKilled");
/// The exit code and reason of a process that glog ends: `glog.Fatalf`.
const FATAL: (i32, &str) = (255, "Error");

/// The wait after so many failures in a row.
pub fn back_off(failures: u32) -> SignedDuration {
    let doubled = FIRST_BACK_OFF << failures.saturating_sub(1).min(5);
    SignedDuration::from_secs(doubled.min(LONGEST_BACK_OFF))
}

/// Releases with a fault, and memory that runs out.
#[derive(Debug, Default)]
pub struct ContainerFaults {
    migration_fails: BTreeSet<String>,
    /// How long a process lives until it is out of memory.
    pub out_of_memory_after: Option<SignedDuration>,
}

impl ContainerFaults {
    pub fn of(releases: &Releases) -> Self {
        Self {
            migration_fails: releases.migration_fails.iter().cloned().collect(),
            out_of_memory_after: None,
        }
    }
}

impl World {
    /// The service's process ended by itself.
    pub(super) fn process_ended(&mut self, exit: &Exit) {
        let uid = &exit.process.pod_uid;
        if let Some(index) = self.service_container(uid) {
            self.end_container(exit.at, uid, index, (exit.code, exit.reason));
        }
    }

    fn service_container(&self, uid: &str) -> Option<usize> {
        let mut containers = self.pods.get(uid)?.containers.iter();
        containers.position(|container| container.name == CONTAINER)
    }

    /// The kernel kills the service's process, since memory ran out.
    pub(super) fn kill_for_memory(&mut self, at: Timestamp, uid: &str) {
        if let Some(index) = self.service_container(uid) {
            self.end_container(at, uid, index, OUT_OF_MEMORY);
        }
    }

    /// From now on the service's processes run out of memory after about that long; `None` ends it.
    pub(super) fn set_out_of_memory(&mut self, at: Timestamp, after: Option<SignedDuration>) {
        self.faults.out_of_memory_after = after;
        let uids: Vec<String> = self.pods.keys().cloned().collect();
        for uid in uids {
            self.plan_out_of_memory(at, &uid);
        }
    }

    pub(super) fn plan_out_of_memory(&mut self, at: Timestamp, uid: &str) {
        let (Some(after), Some(index)) = (self.faults.out_of_memory_after, self.service_container(uid))
        else {
            self.service.leak(uid, None);
            return;
        };
        let restart = self.pods.get(uid).map_or(0, |run| run.containers[index].restarts);
        let more = SignedDuration::from_millis(self.random.below(5_000) as i64);
        self.service.leak(uid, Some((at, at + after + more)));
        self.schedule_step(at + after + more, uid, PodStep::OutOfMemory(index, restart));
    }

    pub(super) fn run_out_of_memory(&mut self, at: Timestamp, uid: &str, index: usize, restart: u32) {
        let same = |run: &super::PodRun| run.containers[index].restarts == restart;
        if self.faults.out_of_memory_after.is_some() && self.pods.get(uid).is_some_and(same) {
            self.kill_for_memory(at, uid);
        }
    }

    /// The kubelet finds that a container ended with an error.
    pub(super) fn end_container(&mut self, at: Timestamp, uid: &str, index: usize, how: (i32, &str)) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let container = &mut run.containers[index];
        let Some(end) = container.ended(how.0, how.1, at) else {
            return;
        };
        if end.finished.duration_since(end.started) >= FORGIVEN_AFTER {
            container.failures = 0;
        }
        container.failures += 1;
        container.ready = false;
        container.state = ContainerState::Terminated(end);
        let restart = container.restarts;
        let file = instance(uid, &container.name, restart);
        if container.name == CONTAINER {
            self.service.kill(uid);
        }
        self.logs.close(&file);
        self.publish(at, uid);
        self.schedule_step(at + FIRST_LOOK, uid, PodStep::LookAtCrash(index, restart, 0));
    }

    /// The kubelet looks at a container that ended: it starts the container again, or reports the back-off. After the first failure it
    /// starts the container at once; the back-off begins with the second. The status shows the back-off from the second look on.
    pub(super) fn look_at_crash(&mut self, at: Timestamp, uid: &str, index: usize, restart: u32, look: u32) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let pod = format!("{}_{}({})", run.name, run.namespace, run.uid);
        let container = &mut run.containers[index];
        let Some(ended) = container.ended_at().filter(|_| container.restarts == restart) else {
            return;
        };
        let wait = back_off(container.failures.saturating_sub(1));
        if container.failures < 2 || at.duration_since(ended) >= wait {
            self.start_container(at, uid, index);
            return;
        }
        let name = container.name.clone();
        if look > 0 {
            let text = short_duration(wait);
            let message = format!("back-off {text} restarting failed container={name} pod={pod}");
            container.wait("CrashLoopBackOff", Some(message));
        }
        let message = format!("Back-off restarting failed container {name} in pod {pod}");
        self.container_event(at, uid, index, "Warning", "BackOff", message);
        self.publish(at, uid);
        let next = if look == 0 { SECOND_LOOK } else { SYNC };
        self.schedule_step(at + next, uid, PodStep::LookAtCrash(index, restart, look + 1));
    }

    /// The end of an init container; an error if it is a migration that fails.
    pub(super) fn migration_failure(&self, uid: &str, index: usize) -> Option<(i32, &'static str)> {
        let container = self.pods.get(uid)?.containers.get(index)?;
        let fails =
            container.name == INIT_CONTAINERS[1] && self.faults.migration_fails.contains(&container.image);
        fails.then_some(FATAL)
    }
}

/// As Go prints whole durations: `10s`, `1m20s`, `5m0s`.
fn short_duration(span: SignedDuration) -> String {
    match span.as_secs() {
        seconds if seconds < 60 => format!("{seconds}s"),
        seconds => format!("{}m{}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_from_ten_seconds_to_five_minutes() {
        let waits: Vec<i64> = (1..=8).map(|failures| back_off(failures).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    }
}
