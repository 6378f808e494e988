//! What goes wrong in a pod: images that cannot be pulled, containers that crash, and the kubelet's back-off.

use jiff::{SignedDuration, Timestamp};

use super::kubelet::{NODES, instance};
use super::objects::CONTAINER;
use super::pod_run::ContainerState;
use super::{PodStep, World};
use crate::drill::service::Exit;

/// The kubelet's back-off, for pulls and for crashes: 10 s, doubling, at most 5 min.
const FIRST_BACK_OFF: i64 = 10;
const LONGEST_BACK_OFF: i64 = 300;
/// A container that ran this long starts its back-off afresh.
const FORGIVEN_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// How often the kubelet looks at a pod that waits: each look is one more `BackOff` event.
const SYNC: SignedDuration = SignedDuration::from_millis(12_500);
const PULL_REFUSED: SignedDuration = SignedDuration::from_millis(450);
const PULL: SignedDuration = SignedDuration::from_millis(3_214);
const RESTART: SignedDuration = SignedDuration::from_millis(800);

/// The wait after so many failures in a row.
pub fn back_off(failures: u32) -> SignedDuration {
    let doubled = FIRST_BACK_OFF << failures.saturating_sub(1).min(5);
    SignedDuration::from_secs(doubled.min(LONGEST_BACK_OFF))
}

impl World {
    /// Gets the image of the next container, then starts it.
    pub(super) fn start_container(&mut self, at: Timestamp, uid: &str, index: usize) {
        let address = format!("10.131.{}.{}", self.random.below(4), 2 + self.random.below(250));
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        run.address.get_or_insert(address);
        let (image, node) = (run.containers[index].image.clone(), run.node_name());
        if self.images.is_present(&node, &image) {
            let message = format!("Container image \"{image}\" already present on machine");
            self.container_event(at, uid, index, "Normal", "Pulled", message);
            self.run_container(at, uid, index);
            return;
        }
        self.container_event(
            at,
            uid,
            index,
            "Normal",
            "Pulling",
            format!("Pulling image \"{image}\""),
        );
        if self.images.is_missing(&image) {
            self.schedule_step(at + PULL_REFUSED, uid, PodStep::FailPull(index));
        } else {
            self.schedule_step(at + PULL, uid, PodStep::Pulled(index));
        }
    }

    pub(super) fn finish_pull(&mut self, at: Timestamp, uid: &str, index: usize) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        run.containers[index].pull_failures = 0;
        let (image, node) = (run.containers[index].image.clone(), run.node_name());
        let message = format!(
            "Successfully pulled image \"{image}\" in 3.214s (3.214s including waiting). Image size: 164210304 bytes."
        );
        self.images.keep(&node, &image);
        self.container_event(at, uid, index, "Normal", "Pulled", message);
        self.run_container(at, uid, index);
    }

    pub(super) fn fail_pull(&mut self, at: Timestamp, uid: &str, index: usize) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let container = &mut run.containers[index];
        container.pull_failures += 1;
        let reason = refusal(&container.image);
        let message = format!("Failed to pull image \"{}\": {reason}", container.image);
        container.state = ContainerState::Waiting("ErrImagePull".into(), Some(reason));
        self.container_event(at, uid, index, "Warning", "Failed", message);
        self.container_event(at, uid, index, "Warning", "Failed", "Error: ErrImagePull".into());
        self.publish(at, uid);
        self.schedule_step(at + SYNC, uid, PodStep::LookAtPull(index, 1));
    }

    /// The kubelet looks again, for the `look`th time since the failure: within the back-off it says so, after it it tries again.
    pub(super) fn look_at_pull(&mut self, at: Timestamp, uid: &str, index: usize, look: i32) {
        let failures = self
            .pods
            .get(uid)
            .map_or(0, |run| run.containers[index].pull_failures);
        if SYNC * look >= back_off(failures) {
            self.start_container(at, uid, index);
        } else {
            self.say_pull_back_off(at, uid, index);
            self.schedule_step(at + SYNC, uid, PodStep::LookAtPull(index, look + 1));
        }
    }

    fn say_pull_back_off(&mut self, at: Timestamp, uid: &str, index: usize) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let container = &mut run.containers[index];
        let message = format!("Back-off pulling image \"{}\"", container.image);
        let detail = format!("{message}: ErrImagePull: {}", refusal(&container.image));
        container.state = ContainerState::Waiting("ImagePullBackOff".into(), Some(detail));
        self.container_event(at, uid, index, "Normal", "BackOff", message);
        self.container_event(
            at,
            uid,
            index,
            "Warning",
            "Failed",
            "Error: ImagePullBackOff".into(),
        );
        self.publish(at, uid);
    }

    /// The service's process ended by itself.
    pub(super) fn process_ended(&mut self, exit: &Exit) {
        let uid = &exit.process.pod_uid;
        let index = self.pods.get(uid).and_then(|run| {
            let mut containers = run.containers.iter();
            containers.position(|container| container.name == CONTAINER)
        });
        if let Some(index) = index {
            self.end_container(exit.at, uid, index, (exit.code, exit.reason));
        }
    }

    /// The container's process ended with an error.
    pub(super) fn crash(&mut self, at: Timestamp, uid: &str, index: usize) {
        self.end_container(at, uid, index, (2, "Error"));
    }

    fn end_container(&mut self, at: Timestamp, uid: &str, index: usize, (code, reason): (i32, &str)) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let container = &mut run.containers[index];
        let Some(end) = container.ended(code, reason, at) else {
            return;
        };
        if end.finished.duration_since(end.started) >= FORGIVEN_AFTER {
            container.failures = 0;
        }
        container.failures += 1;
        container.ready = false;
        let (restart, failures) = (container.restarts, container.failures);
        let file = instance(uid, &container.name, restart);
        container.last = Some(end.clone());
        container.state = ContainerState::Terminated(end);
        self.service.kill(uid);
        self.logs.close(&file);
        self.publish(at, uid);
        // The first failure is answered at once; the back-off begins with the second.
        let wait = if failures == 1 {
            RESTART
        } else {
            back_off(failures - 1)
        };
        self.schedule_step(at + wait, uid, PodStep::Restart(index));
        if failures > 1 {
            self.schedule_step(at + RESTART, uid, PodStep::BackOffCrash(index, restart));
        }
    }

    pub(super) fn back_off_crash(&mut self, at: Timestamp, uid: &str, index: usize, restart: u32) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let pod = format!("{}_{}({})", run.name, run.namespace, run.uid);
        let container = &mut run.containers[index];
        if container.restarts != restart || matches!(container.state, ContainerState::Running(_)) {
            return;
        }
        let name = container.name.clone();
        let wait = back_off(container.failures.saturating_sub(1));
        let text = short_duration(wait);
        let message = format!("back-off {text} restarting failed container={name} pod={pod}");
        container.state = ContainerState::Waiting("CrashLoopBackOff".into(), Some(message));
        let message = format!("Back-off restarting failed container {name} in pod {pod}");
        self.container_event(at, uid, index, "Warning", "BackOff", message);
        self.publish(at, uid);
        self.schedule_step(at + SYNC, uid, PodStep::BackOffCrash(index, restart));
    }

    pub(super) fn restart_container(&mut self, at: Timestamp, uid: &str, index: usize) {
        if let Some(run) = self.pods.get_mut(uid) {
            run.containers[index].restarts += 1;
        }
        self.start_container(at, uid, index);
    }
}

/// What containerd says when the registry does not know the tag.
fn refusal(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
    )
}

/// As Go prints whole durations: `10s`, `1m20s`, `5m0s`.
fn short_duration(span: SignedDuration) -> String {
    match span.as_secs() {
        seconds if seconds < 60 => format!("{seconds}s"),
        seconds => format!("{}m{}s", seconds / 60, seconds % 60),
    }
}

/// Which images the nodes have, and which the registry lost.
#[derive(Debug, Default)]
pub struct Images {
    present: std::collections::BTreeSet<(String, String)>,
    missing: std::collections::BTreeSet<String>,
}

impl Images {
    /// Every node has the image.
    pub fn keep_everywhere(&mut self, image: &str) {
        for (node, _) in NODES {
            self.keep(node, image);
        }
    }

    /// The registry does not have these.
    pub fn lose(&mut self, images: &[String]) {
        self.missing.extend(images.iter().cloned());
    }

    fn keep(&mut self, node: &str, image: &str) {
        self.present.insert((node.to_owned(), image.to_owned()));
    }

    fn is_present(&self, node: &str, image: &str) -> bool {
        self.present.contains(&(node.to_owned(), image.to_owned()))
    }

    fn is_missing(&self, image: &str) -> bool {
        self.missing.contains(image)
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
