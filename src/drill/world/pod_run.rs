//! What the kubelet knows of a pod, and the status it publishes from that.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::container_run::ContainerRun;
use super::event_recorder::seconds;
use super::scheduler::ResourceRequest;

/// Why a pod is disrupted: its condition `DisruptionTarget`.
#[derive(Clone, Debug)]
pub struct Disruption {
    /// As `DeletionByTaintManager`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
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
    /// The uid of its controller; empty if it has none.
    pub owner: String,
    /// When the API server accepted it.
    pub created: Timestamp,
    /// What it asks of its node.
    pub asks: ResourceRequest,
    /// `Burstable` and the like.
    pub qos: String,
    /// Why the scheduler finds no node for it.
    pub unschedulable: Option<String>,
    /// Whether the node controller marked it as not ready, since its node is lost.
    pub lost: bool,
    /// The kubelet's last word on its readiness, while the node controller's is another.
    own_readiness: Option<(bool, Timestamp)>,
    /// The kubelet's message, if it evicted the pod.
    pub evicted: Option<String>,
    /// What disrupts it, if anything.
    pub disruption: Option<Disruption>,
    /// The node's name and address, once scheduled.
    pub node: Option<(String, String)>,
    /// When the kubelet took it over.
    pub admitted: Option<Timestamp>,
    /// When the scheduler looks at it next.
    pub bind_at: Option<Timestamp>,
    /// The pod's address, once its sandbox is up.
    pub address: Option<String>,
    /// Init containers first.
    pub containers: Vec<ContainerRun>,
    /// How many of them are init containers.
    pub inits: usize,
    /// When it was deleted.
    pub deleting: Option<Timestamp>,
    /// Whether all its containers were stopped.
    pub stopped: bool,
    conditions: BTreeMap<&'static str, (bool, Timestamp)>,
}

impl PodRun {
    /// A pod as the API server accepted it.
    pub fn of(pod: &Value, created: Timestamp) -> Self {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
        let list = |field: &str| {
            let list = pod["spec"][field].as_array();
            list.map(Vec::as_slice).unwrap_or_default()
        };
        let waits = if list("initContainers").is_empty() {
            "ContainerCreating"
        } else {
            "PodInitializing"
        };
        let containers = |field: &str| -> Vec<ContainerRun> {
            let each = list(field).iter();
            each.map(|container| ContainerRun::of(container, waits)).collect()
        };
        let mut all = containers("initContainers");
        let inits = all.len();
        all.extend(containers("containers"));
        Self {
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            owner: controller_of(pod),
            created,
            asks: ResourceRequest::of(pod),
            qos: pod["status"]["qosClass"].as_str().unwrap_or_default().to_owned(),
            unschedulable: None,
            lost: false,
            own_readiness: None,
            evicted: None,
            disruption: None,
            node: None,
            bind_at: None,
            admitted: None,
            address: None,
            containers: all,
            inits,
            deleting: None,
            stopped: false,
            conditions: BTreeMap::new(),
        }
    }

    /// The node controller marks the pod as not ready.
    pub fn lose(&mut self) {
        self.lost = true;
        self.own_readiness = self.conditions.get("Ready").copied();
    }

    /// Its kubelet reports again and restores the readiness, with its time.
    pub fn find_again(&mut self) {
        self.lost = false;
        if let Some(own) = self.own_readiness.take() {
            self.conditions.insert("Ready", own);
        }
    }

    /// Whether all containers pass their probes, and its node is not lost.
    pub fn is_ready(&self) -> bool {
        !self.lost && self.containers_ready()
    }

    fn containers_ready(&self) -> bool {
        let mut mains = self.containers[self.inits..].iter();
        !self.stopped && mains.all(|container| container.ready)
    }

    /// Since when it is ready, as its condition says.
    pub fn ready_since(&self) -> Option<Timestamp> {
        let (ready, since) = self.conditions.get("Ready")?;
        ready.then_some(*since)
    }

    /// The most restarts of a container.
    pub fn most_restarts(&self) -> u32 {
        let restarts = self.containers.iter().map(|container| container.restarts);
        restarts.max().unwrap_or(0)
    }

    /// Whether its ReplicaSet counts it: it is neither being deleted nor ended.
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

    /// As `Pending`.
    pub fn phase(&self) -> &'static str {
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
        let mut status = json!({"phase": self.phase(), "qosClass": self.qos});
        let Some((_, host)) = self.node.clone() else {
            if let Some(message) = self.unschedulable.clone() {
                let reason = Some(("Unschedulable", Some(message)));
                status["conditions"] = json!([self.condition("PodScheduled", false, reason, at)]);
            }
            return status;
        };
        let Some(admitted) = self.admitted else {
            status["conditions"] = json!([self.condition("PodScheduled", true, None, at)]);
            return status;
        };
        status["conditions"] = self.conditions(at);
        if let Some(message) = &self.evicted {
            status["reason"] = json!("Evicted");
            status["message"] = json!(message);
        }
        status["hostIP"] = json!(host);
        status["hostIPs"] = json!([{ "ip": host }]);
        status["startTime"] = json!(seconds(admitted));
        if let Some(address) = &self.address {
            status["podIP"] = json!(address);
            status["podIPs"] = json!([{ "ip": address }]);
        }
        let (inits, mains) = self.containers.split_at(self.inits);
        if !inits.is_empty() {
            status["initContainerStatuses"] = inits.iter().map(|container| container.status(true)).collect();
        }
        status["containerStatuses"] = mains.iter().map(|container| container.status(false)).collect();
        status
    }

    fn conditions(&mut self, at: Timestamp) -> Value {
        let uninitialized = format!(
            "containers with incomplete status: [{}]",
            self.names(..self.inits, |run| !run.ready)
        );
        let uninitialized = Some(("ContainersNotInitialized", Some(uninitialized)));
        let unready = Some(self.unready());
        // The node controller changes nothing but the condition's status.
        let lost = if self.containers_ready() {
            None
        } else {
            unready.clone()
        };
        let sandbox = self.address.is_some() && !self.stopped;
        let (initialized, containers_ready, ready) =
            (self.initialized(), self.containers_ready(), self.is_ready());
        let mut conditions = vec![
            self.condition("PodReadyToStartContainers", sandbox, None, at),
            self.condition("Initialized", initialized, uninitialized, at),
            self.condition("Ready", ready, lost, at),
            self.condition("ContainersReady", containers_ready, unready, at),
            self.condition("PodScheduled", true, None, at),
        ];
        if let Some(Disruption { reason, message }) = self.disruption.clone() {
            let mut condition = self.condition("DisruptionTarget", true, None, at);
            condition["reason"] = json!(reason);
            condition["message"] = json!(message);
            conditions.push(condition);
        }
        Value::from(conditions)
    }

    /// Why its containers are not ready.
    fn unready(&self) -> (&'static str, Option<String>) {
        if self.stopped {
            return ("PodFailed", None);
        }
        let names = self.names(self.inits.., |run| !run.ready);
        (
            "ContainersNotReady",
            Some(format!("containers with unready status: [{names}]")),
        )
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

/// The uid of an object's controller; empty if it has none.
pub fn controller_of(object: &Value) -> String {
    let owners = object["metadata"]["ownerReferences"].as_array();
    let mut owners = owners.into_iter().flatten();
    let owner = owners.find(|owner| owner["controller"] == json!(true));
    let uid = owner.and_then(|owner| owner["uid"].as_str());
    uid.unwrap_or_default().to_owned()
}
