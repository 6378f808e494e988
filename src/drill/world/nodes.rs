//! The nodes: their reports, the node controller's reaction when a node falls silent, and the eviction of pods.
//!
//! Conditions, taints and times are those of Kubernetes' node lifecycle and taint eviction controllers with their defaults.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::event_recorder::{Occurrence, seconds};
use super::kubelet::about_pod;
use super::node_status::{UNREACHABLE, WELL, add_taint, node_object, remove_taint, set_condition};
use super::pod_run::Disruption;
use super::resource::Resource;
use super::{Due, PodStep, World};

/// The nodes pods are spread over: name and address.
pub const NODES: [(&str, &str); 3] = [
    ("ip-10-0-134-21.ec2.internal", "10.0.134.21"),
    ("ip-10-0-159-87.ec2.internal", "10.0.159.87"),
    ("ip-10-0-172-140.ec2.internal", "10.0.172.140"),
];
/// What other namespaces' pods leave of each node: CPU in thousandths, memory in bytes.
pub const FREE_CPU: i64 = 1_400;
pub const FREE_MEMORY: i64 = 6 << 30;
/// How often a kubelet writes the status of its node when nothing changes (`nodeStatusReportFrequency`).
const REPORT: SignedDuration = SignedDuration::from_mins(5);
/// The node controller believes a silent node this long (`--node-monitor-grace-period`; 50 s from 1.32 on).
const GRACE: SignedDuration = SignedDuration::from_secs(40);
/// How long pods stay on a node that is lost: the toleration that the API server gives every pod.
const TOLERATION: SignedDuration = SignedDuration::from_mins(5);
/// How often a kubelet looks whether pods must be evicted.
const HOUSEKEEPING: SignedDuration = SignedDuration::from_secs(10);
const REBOOT: SignedDuration = SignedDuration::from_millis(1_300);
const DISK_PRESSURE: &str = "node.kubernetes.io/disk-pressure";
const SILENT: &str = "Kubelet stopped posting node status.";
/// The state of a node that its object does not hold.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: &'static str,
    /// Its internal address.
    pub address: &'static str,
    /// Since when the machine is off.
    pub stopped: Option<Timestamp>,
    /// Whether the node controller has noticed.
    lost: bool,
    disk_pressure: bool,
}

/// What falls due on a node.
#[derive(Clone, Copy, Debug)]
pub enum NodeStep {
    /// The kubelet writes the node's status.
    Report,
    /// The node controller gives up on a node that fell silent at that time.
    Lose(Timestamp),
    /// The pods' toleration of the loss ends.
    EvictAll(Timestamp),
    /// The kubelet reports in time again.
    Return,
    /// The kubelet evicts a pod, if the disk is still full.
    Reclaim,
}

impl Node {
    /// The nodes at a world's beginning.
    pub fn all() -> Vec<Self> {
        let node = |(name, address)| Self {
            name,
            address,
            stopped: None,
            lost: false,
            disk_pressure: false,
        };
        NODES.map(node).to_vec()
    }
}

impl World {
    /// Makes the objects of the nodes, which last reported at `begin`.
    pub(super) fn furnish_nodes(&mut self, created: Timestamp, begin: Timestamp) {
        for index in 0..self.nodes.len() {
            let uid = self.random.uuid();
            let node = node_object(
                (self.nodes[index].name, self.nodes[index].address),
                index,
                &uid,
                created,
                begin,
            );
            self.store.put(Resource::Nodes, node);
            let staggered = SignedDuration::from_secs(71 * (index as i64 + 1));
            self.schedule(begin + staggered, Due::Node(index, NodeStep::Report));
        }
    }

    fn node_index(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Whether the pod's machine is off.
    pub(super) fn is_off(&self, node: &str) -> bool {
        self.node_index(node)
            .is_some_and(|index| self.nodes[index].stopped.is_some())
    }

    /// The address of the node a pod is on, if that is off: its kubelet answers nobody.
    pub fn silent_node(&self, uid: &str) -> Option<&str> {
        let (name, address) = self.pods.get(uid)?.node.as_ref()?;
        self.is_off(name).then_some(address)
    }

    pub(super) fn node_step(&mut self, at: Timestamp, index: usize, step: NodeStep) {
        let stopped = self.nodes[index].stopped;
        match step {
            NodeStep::Report => {
                if stopped.is_none() {
                    self.report(at, index);
                    self.schedule(at + REPORT, Due::Node(index, NodeStep::Report));
                }
            }
            NodeStep::Lose(since) if stopped == Some(since) => self.lose_node(at, index),
            NodeStep::EvictAll(since) if stopped == Some(since) => self.evict_all(at, index),
            NodeStep::Lose(_) | NodeStep::EvictAll(_) => {}
            NodeStep::Return => self.end_delay(at, index),
            NodeStep::Reclaim => self.reclaim(at, index),
        }
    }

    fn report(&mut self, at: Timestamp, index: usize) {
        self.change_node(index, |node| {
            for condition in node["status"]["conditions"].as_array_mut().into_iter().flatten() {
                condition["lastHeartbeatTime"] = json!(seconds(at));
            }
        });
    }

    fn change_node(&mut self, index: usize, change: impl FnOnce(&mut Value)) {
        let Some(node) = self.store.get(Resource::Nodes, "", self.nodes[index].name) else {
            return;
        };
        let mut node = (**node).clone();
        change(&mut node);
        self.store.put(Resource::Nodes, node);
    }

    /// The machine stops: its processes are gone, but nobody has noticed yet.
    pub(super) fn stop_node(&mut self, at: Timestamp, name: &str) {
        let Some(index) = self.node_index(name) else {
            return;
        };
        if self.nodes[index].stopped.is_some() {
            return;
        }
        self.nodes[index].stopped = Some(at);
        for uid in self.uids_on(name) {
            self.service.kill(&uid);
            self.cancel_steps(&uid);
        }
        self.schedule(at + GRACE, Due::Node(index, NodeStep::Lose(at)));
    }

    fn uids_on(&self, node: &str) -> Vec<String> {
        let there = self.pods.values().filter(|run| run.node_name() == node);
        there.map(|run| run.uid.clone()).collect()
    }

    fn lose_node(&mut self, at: Timestamp, index: usize) {
        self.nodes[index].lost = true;
        self.change_node(index, |node| {
            for (kind, ..) in WELL {
                set_condition(node, at, kind, ("Unknown", "NodeStatusUnknown", SILENT));
            }
            add_taint(node, at, UNREACHABLE, "NoSchedule");
            add_taint(node, at, UNREACHABLE, "NoExecute");
        });
        self.node_event(
            at,
            index,
            "node-controller",
            "Normal",
            "NodeNotReady",
            "status is now: NodeNotReady",
        );
        for uid in self.uids_on(self.nodes[index].name) {
            self.lose_pod(at, &uid);
        }
        let since = self.nodes[index].stopped.unwrap_or(at);
        self.schedule(at + TOLERATION, Due::Node(index, NodeStep::EvictAll(since)));
    }

    /// Marks a pod of a lost node as not ready, if it was ready.
    fn lose_pod(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let was_ready = run.is_ready();
        run.lose();
        self.publish(at, uid);
        if let Some(pod) = self.pod_object(uid).filter(|_| was_ready) {
            let occurrence = Occurrence {
                message: "Node is not ready".to_owned(),
                component: "node-controller",
                ..about_pod(&pod, None, "Warning", "NodeNotReady")
            };
            self.record(at, &occurrence);
        }
    }

    /// The taint controller deletes the pods of a lost node; no kubelet is there to end them.
    fn evict_all(&mut self, at: Timestamp, index: usize) {
        for uid in self.uids_on(self.nodes[index].name) {
            let Some(run) = self.pods.get_mut(&uid).filter(|run| run.is_active()) else {
                continue;
            };
            run.disruption = Some(Disruption {
                reason: "DeletionByTaintManager",
                message: "Taint manager: deleting due to NoExecute taint".to_owned(),
            });
            let message = format!("Marking for deletion Pod {}/{}", run.namespace, run.name);
            self.publish(at, &uid);
            if let Some(pod) = self.pod_object(&uid) {
                let occurrence = Occurrence {
                    message,
                    component: "taint-eviction-controller",
                    ..about_pod(&pod, None, "Normal", "TaintManagerEviction")
                };
                self.record(at, &occurrence);
            }
            self.terminate(at, &uid, 30);
        }
    }

    /// The reports of all running nodes are late by so much; nothing on the nodes stops.
    pub(super) fn delay_nodes(&mut self, at: Timestamp, seconds: u32) {
        let back = at + SignedDuration::from_secs(seconds.into());
        for index in 0..self.nodes.len() {
            if self.nodes[index].stopped.is_none() && !self.nodes[index].lost {
                self.lose_node(at, index);
                self.schedule(back, Due::Node(index, NodeStep::Return));
            }
        }
    }

    /// The node is not lost: its kubelet writes the pods' conditions as it knows them, with the times that it knows.
    fn end_delay(&mut self, at: Timestamp, index: usize) {
        if self.nodes[index].stopped.is_some() || !std::mem::take(&mut self.nodes[index].lost) {
            return;
        }
        self.change_node(index, |node| {
            for (kind, status, reason, message) in WELL {
                set_condition(node, at, kind, (status, reason, message));
            }
            remove_taint(node, UNREACHABLE);
        });
        self.report(at, index);
        let ready = "status is now: NodeReady";
        self.node_event(at, index, "node-controller", "Normal", "NodeReady", ready);
        for uid in self.uids_on(self.nodes[index].name) {
            if let Some(run) = self.pods.get_mut(&uid) {
                run.find_again();
            }
            self.publish(at, &uid);
        }
        self.retry_scheduling(at);
    }

    /// The machine is up again: the kubelet reports, ends the deleted pods and restarts the others.
    pub(super) fn start_node(&mut self, at: Timestamp, name: &str) {
        let Some(index) = self.node_index(name) else {
            return;
        };
        if self.nodes[index].stopped.take().is_none() {
            return;
        }
        let was_lost = std::mem::take(&mut self.nodes[index].lost);
        let boot = self.random.uuid();
        self.change_node(index, |node| {
            node["status"]["nodeInfo"]["bootID"] = json!(boot);
            for (kind, status, reason, message) in WELL {
                set_condition(node, at, kind, (status, reason, message));
            }
            remove_taint(node, UNREACHABLE);
        });
        self.nodes[index].disk_pressure = false;
        self.say_of_boot(at, index, &boot, was_lost);
        self.report(at, index);
        self.schedule(at + REPORT, Due::Node(index, NodeStep::Report));
        for uid in self.uids_on(name) {
            self.revive(at, &uid);
        }
        self.retry_scheduling(at);
    }

    fn say_of_boot(&mut self, at: Timestamp, index: usize, boot: &str, was_lost: bool) {
        let rebooted = format!("has been rebooted, boot id: {boot}");
        self.node_event(at, index, "kubelet", "Warning", "Rebooted", &rebooted);
        if was_lost {
            self.node_event(
                at,
                index,
                "kubelet",
                "Normal",
                "NodeReady",
                "status is now: NodeReady",
            );
        }
    }

    fn revive(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        run.lost = false;
        if run.evicted.is_some() {
            self.publish(at, uid);
        } else if run.deleting.is_some() {
            self.schedule_step(at + REBOOT, uid, PodStep::Stop);
        } else if run.admitted.is_none() {
            self.schedule_step(at + REBOOT, uid, PodStep::Admit);
        } else {
            self.restart_container(at, uid);
        }
    }

    /// The pod's sandbox is gone with the machine's memory: all of its containers run again, in a new one.
    fn restart_container(&mut self, at: Timestamp, uid: &str) {
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        run.address = None;
        for container in &mut run.containers {
            container.lose(at);
        }
        let files: Vec<_> = run
            .containers
            .iter()
            .map(|container| super::kubelet::instance(uid, &container.name, container.restarts))
            .collect();
        for file in files {
            self.logs.close(&file);
        }
        self.publish(at, uid);
        if let Some(pod) = self.pod_object(uid) {
            let host = pod["spec"]["nodeName"].as_str();
            let occurrence = Occurrence {
                message: "Pod sandbox changed, it will be killed and re-created.".to_owned(),
                ..about_pod(&pod, host, "Normal", "SandboxChanged")
            };
            self.record(at, &occurrence);
        }
        self.schedule_step(at + REBOOT, uid, PodStep::Mount(0));
        self.start_probes(at, uid);
    }

    /// The node's disk fills up: the node takes no new pods, and the kubelet evicts the pods it has, one after the other.
    pub(super) fn fill_disk(&mut self, at: Timestamp, name: &str) {
        let Some(index) = self.node_index(name) else {
            return;
        };
        if self.nodes[index].stopped.is_some() {
            return;
        }
        self.nodes[index].disk_pressure = true;
        self.change_node(index, |node| {
            let pressure = ("True", "KubeletHasDiskPressure", "kubelet has disk pressure");
            set_condition(node, at, "DiskPressure", pressure);
            add_taint(node, at, DISK_PRESSURE, "NoSchedule");
        });
        let has = "status is now: NodeHasDiskPressure";
        self.node_event(at, index, "kubelet", "Normal", "NodeHasDiskPressure", has);
        self.schedule(at + HOUSEKEEPING, Due::Node(index, NodeStep::Reclaim));
    }

    /// The disk has room again.
    pub(super) fn free_disk(&mut self, at: Timestamp, name: &str) {
        let Some(index) = self.node_index(name) else {
            return;
        };
        if !std::mem::take(&mut self.nodes[index].disk_pressure) {
            return;
        }
        self.change_node(index, |node| {
            let (_, status, reason, message) = WELL[1];
            set_condition(node, at, "DiskPressure", (status, reason, message));
            remove_taint(node, DISK_PRESSURE);
        });
        let has = "status is now: NodeHasNoDiskPressure";
        self.node_event(at, index, "kubelet", "Normal", "NodeHasNoDiskPressure", has);
        self.retry_scheduling(at);
    }

    fn reclaim(&mut self, at: Timestamp, index: usize) {
        let node = &self.nodes[index];
        if !node.disk_pressure || node.stopped.is_some() {
            return;
        }
        let mut there = self.uids_on(node.name).into_iter();
        let victim = there.find(|uid| self.pods[uid].is_active());
        if let Some(uid) = victim {
            self.evict(at, &uid);
        }
        self.schedule(at + HOUSEKEEPING, Due::Node(index, NodeStep::Reclaim));
    }

    /// The kubelet ends the pod; its object stays, as `Failed`.
    fn evict(&mut self, at: Timestamp, uid: &str) {
        let used = 40_000 + self.random.below(20_000);
        let available = 9_000_000 + self.random.below(900_000);
        self.cancel_steps(uid);
        self.service.kill(uid);
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        let name = run
            .containers
            .get(run.inits)
            .map(|container| container.name.clone());
        let message = format!(
            "The node was low on resource: ephemeral-storage. Threshold quantity: 10727817420, available: {available}Ki. Container {} was using {used}Ki, request is 0, has larger consumption of ephemeral-storage. ",
            name.unwrap_or_default()
        );
        run.evicted = Some(message.clone());
        run.disruption = Some(Disruption {
            reason: "TerminationByKubelet",
            message: message.clone(),
        });
        self.say_stopping(at, uid);
        self.stop_containers(at, uid, 137);
        self.publish(at, uid);
        if let Some(pod) = self.pod_object(uid) {
            let host = pod["spec"]["nodeName"].as_str();
            let occurrence = Occurrence {
                message,
                ..about_pod(&pod, host, "Warning", "Evicted")
            };
            self.record(at, &occurrence);
        }
    }

    /// An event about a node: `Node NAME …`.
    fn node_event(
        &mut self,
        at: Timestamp,
        index: usize,
        component: &str,
        kind: &str,
        reason: &str,
        what: &str,
    ) {
        let name = self.nodes[index].name;
        let Some(node) = self.store.get(Resource::Nodes, "", name).cloned() else {
            return;
        };
        let occurrence = Occurrence {
            about: &node,
            field: None,
            kind,
            reason,
            message: format!("Node {name} {what}"),
            component,
            host: (component == "kubelet").then_some(name),
        };
        self.record(at, &occurrence);
    }
}
