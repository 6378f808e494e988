//! What the kubelet knows of a pod, and the status it publishes from that.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::seconds;
use super::random::Random;

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

/// What a container is doing.
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
}

/// One pod on its node.
#[derive(Clone, Debug)]
pub struct PodRun {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// The node's name and address, once scheduled.
    pub node: Option<(String, String)>,
    /// When the kubelet took it over.
    pub admitted: Option<Timestamp>,
    /// The pod's address, once its sandbox is up.
    pub address: Option<String>,
    /// Init containers first.
    pub containers: Vec<ContainerRun>,
    /// How many of them are init containers.
    pub inits: usize,
    /// When it was asked to go.
    pub deleting: Option<Timestamp>,
    /// All its containers were stopped.
    pub stopped: bool,
    conditions: BTreeMap<&'static str, (bool, Timestamp)>,
}

impl PodRun {
    /// A pod as the API server accepted it.
    pub fn of(pod: &Value) -> Self {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
        let containers = |field: &str| -> Vec<ContainerRun> {
            let list = pod["spec"][field]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            list.iter().map(ContainerRun::of).collect()
        };
        let mut all = containers("initContainers");
        let inits = all.len();
        all.extend(containers("containers"));
        Self {
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            node: None,
            admitted: None,
            address: None,
            containers: all,
            inits,
            deleting: None,
            stopped: false,
            conditions: BTreeMap::new(),
        }
    }

    /// Whether all containers pass their probes.
    pub fn is_ready(&self) -> bool {
        !self.stopped
            && self.containers[self.inits..]
                .iter()
                .all(|container| container.ready)
    }

    /// Whether it is neither going nor gone, so that its ReplicaSet counts it.
    pub fn is_active(&self) -> bool {
        self.deleting.is_none() && !self.stopped
    }

    /// The node's name; empty until it is scheduled.
    pub fn node_name(&self) -> String {
        self.node
            .as_ref()
            .map(|(name, _)| name.clone())
            .unwrap_or_default()
    }

    fn initialized(&self) -> bool {
        self.containers[..self.inits]
            .iter()
            .all(|container| container.ready)
    }

    fn phase(&self) -> &'static str {
        let started = |container: &ContainerRun| container.id.is_some();
        if self.stopped {
            "Failed"
        } else if self.initialized() && self.containers[self.inits..].iter().any(started) {
            "Running"
        } else {
            "Pending"
        }
    }

    /// The pod's status now.
    pub fn status(&mut self, at: Timestamp) -> Value {
        let mut status = json!({"phase": self.phase(), "qosClass": "Burstable"});
        let Some((_, host)) = self.node.clone() else {
            return status;
        };
        let Some(admitted) = self.admitted else {
            status["conditions"] = json!([self.condition("PodScheduled", true, None, at)]);
            return status;
        };
        status["conditions"] = self.conditions(at);
        status["hostIP"] = json!(host);
        status["hostIPs"] = json!([{ "ip": host }]);
        status["startTime"] = json!(seconds(admitted));
        if let Some(address) = &self.address {
            status["podIP"] = json!(address);
            status["podIPs"] = json!([{ "ip": address }]);
        }
        let (inits, mains) = self.containers.split_at(self.inits);
        status["initContainerStatuses"] = inits.iter().map(|container| container.status(true)).collect();
        status["containerStatuses"] = mains.iter().map(|container| container.status(false)).collect();
        status
    }

    fn conditions(&mut self, at: Timestamp) -> Value {
        let ready = self.is_ready();
        let unready_reason = if self.stopped {
            ("PodFailed", None)
        } else {
            let message = format!(
                "containers with unready status: [{}]",
                self.names(self.inits.., |run| !run.ready)
            );
            ("ContainersNotReady", Some(message))
        };
        let uninitialized = format!(
            "containers with incomplete status: [{}]",
            self.names(..self.inits, |run| !run.ready)
        );
        let sandbox = self.address.is_some() && !self.stopped;
        let initialized = self.initialized();
        json!([
            self.condition("PodReadyToStartContainers", sandbox, None, at),
            self.condition(
                "Initialized",
                initialized,
                Some(("ContainersNotInitialized", Some(uninitialized))),
                at
            ),
            self.condition("Ready", ready, Some(unready_reason.clone()), at),
            self.condition("ContainersReady", ready, Some(unready_reason), at),
            self.condition("PodScheduled", true, None, at),
        ])
    }

    fn names(
        &self,
        range: impl std::slice::SliceIndex<[ContainerRun], Output = [ContainerRun]>,
        which: impl Fn(&ContainerRun) -> bool,
    ) -> String {
        let names: Vec<&str> = self.containers[range]
            .iter()
            .filter(|container| which(container))
            .map(|container| container.name.as_str())
            .collect();
        names.join(" ")
    }

    fn condition(
        &mut self,
        kind: &'static str,
        holds: bool,
        otherwise: Option<(&str, Option<String>)>,
        at: Timestamp,
    ) -> Value {
        let entry = self.conditions.entry(kind).or_insert((holds, at));
        if entry.0 != holds {
            *entry = (holds, at);
        }
        let mut condition = json!({
            "type": kind,
            "status": if holds { "True" } else { "False" },
            "lastProbeTime": null,
            "lastTransitionTime": seconds(entry.1),
        });
        if let (false, Some((reason, message))) = (holds, otherwise) {
            condition["reason"] = json!(reason);
            if let Some(message) = message {
                condition["message"] = json!(message);
            }
        }
        condition
    }
}

impl ContainerRun {
    fn of(container: &Value) -> Self {
        let text = |field: &str| container[field].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            image: text("image"),
            mounts: mounts_in_status(&container["volumeMounts"]),
            state: ContainerState::Waiting("PodInitializing".into(), None),
            last: None,
            ready: false,
            restarts: 0,
            id: None,
            failures: 0,
            pull_failures: 0,
        }
    }

    /// How this instance ends now; `None` when it does not run.
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

    fn status(&self, init: bool) -> Value {
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
        let running = matches!(self.state, ContainerState::Running(_));
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
    format!("sha256:{}", Random::seeded(seed).hexadecimal(64))
}
