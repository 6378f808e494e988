//! What the kubelet knows of a container, and the status it publishes from that.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event_recorder::seconds;
use super::probes::ProbeRun;
use crate::random::Random;

/// How a container ended.
#[derive(Clone, Debug)]
pub struct Termination {
    /// Exit code.
    pub exit: i32,
    /// `Completed`, `Error`, `OOMKilled`.
    pub reason: String,
    /// When it had started.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The runtime's id of the instance.
    pub id: String,
}

/// The state of a container.
#[derive(Clone, Debug)]
pub enum ContainerState {
    /// Not running, with reason and perhaps a message.
    Waiting(String, Option<String>),
    /// Running since.
    Running(Timestamp),
    /// Ended.
    Terminated(Termination),
}

/// One container of a pod.
#[derive(Clone, Debug)]
pub struct ContainerRun {
    /// Its name.
    pub name: String,
    /// The image the pod asks for.
    pub image: String,
    /// Volume mounts, as the status repeats them.
    pub mounts: Value,
    /// What it does now.
    pub state: ContainerState,
    /// How the instance before ended.
    pub last: Option<Termination>,
    /// The readiness probe passed (init containers: completed).
    pub ready: bool,
    /// Restarts so far.
    pub restarts: u32,
    /// The runtime's id of the newest instance.
    pub id: Option<String>,
    /// Crashes in a row that count for the back-off.
    pub failures: u32,
    /// Failed pulls in a row.
    pub pull_failures: u32,
    /// The probes it has.
    pub probes: Vec<ProbeRun>,
}

impl ContainerRun {
    /// A container of a new pod, waiting for that reason.
    pub fn of(container: &Value, waits: &str) -> Self {
        let text = |field: &str| container[field].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            image: text("image"),
            mounts: mounts_in_status(&container["volumeMounts"]),
            state: ContainerState::Waiting(waits.to_owned(), None),
            last: None,
            ready: false,
            restarts: 0,
            id: None,
            failures: 0,
            pull_failures: 0,
            probes: ProbeRun::all_of(container),
        }
    }

    /// Whether an instance runs.
    pub fn is_running(&self) -> bool {
        matches!(self.state, ContainerState::Running(_))
    }

    /// The container waits to be created again: the end of the last instance becomes its last state.
    pub fn wait(&mut self, reason: &str, message: Option<String>) {
        let waiting = ContainerState::Waiting(reason.to_owned(), message);
        if let ContainerState::Terminated(end) = std::mem::replace(&mut self.state, waiting) {
            self.last = Some(end);
        }
    }

    /// When the newest instance ended; `None` while it runs or if there was none.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match &self.state {
            ContainerState::Running(_) => None,
            ContainerState::Terminated(end) => Some(end.finished),
            ContainerState::Waiting(..) => self.last.as_ref().map(|end| end.finished),
        }
    }

    /// Whether the kubelet has not started it yet in this sandbox.
    pub fn is_new(&self) -> bool {
        let new = |reason: &str| ["PodInitializing", "ContainerCreating"].contains(&reason);
        matches!(&self.state, ContainerState::Waiting(reason, _) if new(reason))
    }

    /// Whether it has a readiness probe; otherwise it is ready when it runs.
    pub fn has_readiness_probe(&self) -> bool {
        self.probes.iter().any(ProbeRun::is_readiness)
    }

    /// Its machine went off: nobody saw how the container ended.
    pub fn lose(&mut self, at: Timestamp) {
        if let Some(end) = self.ended(255, "Unknown", at) {
            self.state = ContainerState::Terminated(end);
        }
        self.wait("PodInitializing", None);
        self.ready = false;
    }

    /// A new instance begins.
    pub fn begin(&mut self, at: Timestamp, id: String) {
        self.wait("", None);
        self.restarts += u32::from(self.id.is_some());
        self.state = ContainerState::Running(at);
        self.id = Some(id);
        self.ready = false;
    }

    /// Ends the instance now; `None` when it does not run.
    pub fn ended(&self, exit: i32, reason: &str, at: Timestamp) -> Option<Termination> {
        let ContainerState::Running(started) = self.state else {
            return None;
        };
        Some(Termination {
            exit,
            reason: reason.to_owned(),
            started,
            finished: at,
            id: self.id.clone().unwrap_or_default(),
        })
    }

    /// Its status in the pod's.
    pub fn status(&self, init: bool) -> Value {
        let state = match &self.state {
            ContainerState::Waiting(reason, None) => json!({"waiting": {"reason": reason}}),
            ContainerState::Waiting(reason, Some(message)) => {
                json!({"waiting": {"reason": reason, "message": message}})
            }
            ContainerState::Running(since) => json!({"running": {"startedAt": seconds(*since)}}),
            ContainerState::Terminated(end) => json!({"terminated": end.value()}),
        };
        let last = self
            .last
            .as_ref()
            .map_or_else(|| json!({}), |end| json!({"terminated": end.value()}));
        let running = self.is_running();
        let mut status = json!({
            "name": self.name,
            "state": state,
            "lastState": last,
            "ready": self.ready,
            "restartCount": self.restarts,
            "image": self.image,
            "imageID": if self.id.is_some() { image_id(&self.image) } else { String::new() },
            "started": running && !init,
            "volumeMounts": self.mounts,
        });
        if let Some(id) = &self.id {
            status["containerID"] = json!(id);
        }
        status
    }
}

impl Termination {
    fn value(&self) -> Value {
        json!({
            "exitCode": self.exit,
            "reason": self.reason,
            "startedAt": seconds(self.started),
            "finishedAt": seconds(self.finished),
            "containerID": self.id,
        })
    }
}

fn mounts_in_status(mounts: &Value) -> Value {
    let mut mounts = mounts.clone();
    for mount in mounts.as_array_mut().into_iter().flatten() {
        if mount["readOnly"] == json!(true) {
            mount["recursiveReadOnly"] = json!("Disabled");
        }
    }
    mounts
}

fn image_id(image: &str) -> String {
    let seed = image
        .bytes()
        .fold(7_u64, |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte));
    format!("sha256:{}", Random::of_cluster(seed).hexadecimal(64))
}
