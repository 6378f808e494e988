//! A pod's volumes, which the kubelet mounts before it starts containers.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::World;
use super::event_recorder::Occurrence;
use super::resource::Resource;
use super::{PodStep, kubelet};

/// The wait after the first failed mount; it doubles up to the longest (`exponentialbackoff`, `pkg/util/goroutinemap`).
const FIRST_WAIT: SignedDuration = SignedDuration::from_millis(500);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(122);

impl World {
    /// Mounts the volumes, or says what is missing and tries again later.
    pub(super) fn mount(&mut self, at: Timestamp, uid: &str, attempt: u32) {
        let Some(pod) = self.pod_object(uid) else {
            return;
        };
        let missing = self.missing_secrets(&pod);
        if missing.is_empty() {
            self.start_container(at, uid, 0);
            return;
        }
        let host = pod["spec"]["nodeName"].as_str();
        for (volume, secret) in missing {
            let message =
                format!("MountVolume.SetUp failed for volume \"{volume}\" : secret \"{secret}\" not found");
            let occurrence = Occurrence {
                message,
                ..kubelet::about_pod(&pod, host, "Warning", "FailedMount")
            };
            self.record(at, &occurrence);
        }
        let wait = (FIRST_WAIT * (1 << attempt.min(8))).min(LONGEST_WAIT);
        self.schedule_step(at + wait, uid, PodStep::Mount(attempt + 1));
    }

    /// The pod's volumes whose secrets don't exist: volume and secret.
    fn missing_secrets(&self, pod: &Value) -> Vec<(String, String)> {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
        let volumes = pod["spec"]["volumes"].as_array();
        let wanted = volumes.into_iter().flatten().filter_map(|volume| {
            let source = volume.get("secret")?;
            let required = source["optional"] != Value::Bool(true);
            let secret = source["secretName"].as_str().filter(|_| required)?;
            Some((volume["name"].as_str()?.to_owned(), secret.to_owned()))
        });
        wanted
            .filter(|(_, secret)| self.store.get(Resource::Secrets, namespace, secret).is_none())
            .collect()
    }
}
