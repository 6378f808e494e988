//! Image pulls, and the kubelet's back-off after a failed pull.

use jiff::{SignedDuration, Timestamp};

use super::failures::{SYNC, back_off};
use super::nodes::NODES;
use super::{PodStep, World};

const PULL_REFUSED: SignedDuration = SignedDuration::from_millis(450);
const PULL: SignedDuration = SignedDuration::from_millis(3_214);

impl World {
    /// Pulls the image of the next container, then starts the container.
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
        container.wait("ErrImagePull", Some(reason));
        self.container_event(at, uid, index, "Warning", "Failed", message);
        self.container_event(at, uid, index, "Warning", "Failed", "Error: ErrImagePull".into());
        self.publish(at, uid);
        self.schedule_step(at + SYNC, uid, PodStep::LookAtPull(index, 1));
    }

    /// The kubelet looks again, for the `look`th time since the failure: it reports the back-off, or pulls again when that is over.
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
        container.wait("ImagePullBackOff", Some(detail));
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
}

/// containerd's error when the registry does not know the tag.
fn refusal(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
    )
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
