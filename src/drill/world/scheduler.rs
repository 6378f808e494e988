//! The scheduler: it chooses a pod's node, or says why none fits.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::nodes::{FREE_CPU, FREE_MEMORY, Node};
use super::pod_run::PodRun;
use super::resource::Resource;
use super::{PodStep, World};

/// How long after a change in the cluster the scheduler tries again.
const RETRY: SignedDuration = SignedDuration::from_secs(1);
/// It tries again after this long even if nothing changed (`--pod-max-in-unschedulable-pods-duration`).
const FLUSH: SignedDuration = SignedDuration::from_mins(5);
const ADMISSION: SignedDuration = SignedDuration::from_millis(160);

/// What a pod asks of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceRequest {
    /// CPU in thousandths.
    pub cpu: i64,
    /// Memory in bytes.
    pub memory: i64,
}

/// Why a node does not fit a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unfit {
    /// For this reason, which the removal of other pods would not change.
    Never(String),
    /// There is too little of this resource.
    Insufficient(&'static str),
}

impl World {
    /// Tries to find the pod a node.
    pub(super) fn bind(&mut self, at: Timestamp, uid: &str) {
        let due = |run: &super::PodRun| run.node.is_none() && run.bind_at == Some(at);
        let Some(pod) = self
            .pod_object(uid)
            .filter(|_| self.pods.get(uid).is_some_and(due))
        else {
            return;
        };
        match self.choose_node(&pod) {
            Ok(index) => self.bind_to(at, uid, pod, index),
            Err(message) => self.refuse_to_schedule(at, uid, message),
        }
    }

    fn bind_to(&mut self, at: Timestamp, uid: &str, mut object: Value, index: usize) {
        let (name, address) = (self.nodes[index].name, self.nodes[index].address);
        self.next_node = index + 1;
        let Some(run) = self.pods.get_mut(uid) else {
            return;
        };
        run.node = Some((name.to_owned(), address.to_owned()));
        run.unschedulable = None;
        let status = run.status(at);
        self.record_scheduled(at, &object, name);
        object["spec"]["nodeName"] = json!(name);
        object["status"] = status;
        self.store.put(Resource::Pods, object);
        let notices = SignedDuration::from_millis(self.random.below(250) as i64);
        self.schedule_step(at + ADMISSION + notices, uid, PodStep::Admit);
    }

    fn refuse_to_schedule(&mut self, at: Timestamp, uid: &str, message: String) {
        if let Some(run) = self.pods.get_mut(uid) {
            run.unschedulable = Some(message.clone());
        }
        self.publish(at, uid);
        if let Some(pod) = self.pod_object(uid) {
            self.record_unschedulable(at, &pod, message);
        }
        self.plan_binding(at + FLUSH, uid);
    }

    /// Schedules the next attempt for the pod, in place of one that was scheduled before.
    pub(super) fn plan_binding(&mut self, at: Timestamp, uid: &str) {
        if let Some(run) = self.pods.get_mut(uid) {
            run.bind_at = Some(at);
        }
        self.schedule_step(at, uid, PodStep::Bind);
    }

    /// Retries waiting pods after a change that may make room for them.
    pub(super) fn retry_scheduling(&mut self, at: Timestamp) {
        let waiting = self.pods.values().filter(|run| run.unschedulable.is_some());
        let uids: Vec<String> = waiting.map(|run| run.uid.clone()).collect();
        for uid in uids {
            self.plan_binding(at + RETRY, &uid);
        }
    }

    /// The node with the fewest of the namespace's pods; among equals, the one whose turn it is.
    fn choose_node(&self, pod: &Value) -> Result<usize, String> {
        let count = self.nodes.len();
        let verdicts: Vec<Vec<Unfit>> = self.nodes.iter().map(|node| self.unfit(node, pod)).collect();
        let fit = (0..count).filter(|index| verdicts[*index].is_empty());
        let best = fit.min_by_key(|index| {
            let turn = (index + count - self.next_node % count) % count;
            (self.pods_on(self.nodes[*index].name).count(), turn)
        });
        best.ok_or_else(|| no_node(&verdicts))
    }

    /// The scheduler's filters in their order; a node is refused by the first that does so.
    fn unfit(&self, node: &Node, pod: &Value) -> Vec<Unfit> {
        let Some(object) = self.store.get(Resource::Nodes, "", node.name) else {
            return vec![Unfit::Never("node(s) were not found".to_owned())];
        };
        if object["spec"]["unschedulable"] == json!(true) {
            return vec![Unfit::Never("node(s) were unschedulable".to_owned())];
        }
        let taints = object["spec"]["taints"].as_array();
        let mut taints = taints.into_iter().flatten();
        if let Some(taint) = taints.find(|taint| taint["effect"] == "NoSchedule") {
            let key = taint["key"].as_str().unwrap_or_default();
            let value = taint["value"].as_str().unwrap_or_default();
            return vec![Unfit::Never(format!(
                "node(s) had untolerated taint {{{key}: {value}}}"
            ))];
        }
        let selector = pod["spec"]["nodeSelector"].as_object();
        let mut selector = selector.into_iter().flatten();
        if selector.any(|(key, value)| object["metadata"]["labels"][key] != *value) {
            let reason = "node(s) didn't match Pod's node affinity/selector";
            return vec![Unfit::Never(reason.to_owned())];
        }
        self.insufficient(node, pod)
    }

    fn insufficient(&self, node: &Node, pod: &Value) -> Vec<Unfit> {
        let asked = ResourceRequest::of(pod);
        let used = self.pods_on(node.name).map(|run| run.asks);
        let (cpu, memory) = used.fold((0, 0), |sum, used| (sum.0 + used.cpu, sum.1 + used.memory));
        let short = |resource: &str| self.short_of.as_deref() == Some(resource);
        let mut reasons = Vec::new();
        if asked.cpu > 0 && (short("cpu") || cpu + asked.cpu > FREE_CPU * self.node_size) {
            reasons.push(Unfit::Insufficient("cpu"));
        }
        if asked.memory > 0 && (short("memory") || memory + asked.memory > FREE_MEMORY * self.node_size) {
            reasons.push(Unfit::Insufficient("memory"));
        }
        reasons
    }

    /// The pods that take a node's resources.
    pub(super) fn pods_on(&self, node: &str) -> impl Iterator<Item = &PodRun> {
        self.pods.values().filter(move |run| {
            let name = run.node.as_ref().map(|(name, _)| name.as_str());
            name == Some(node) && run.evicted.is_none()
        })
    }
}

/// The scheduler's words, as `pkg/scheduler/framework/types.go` makes them.
fn no_node(verdicts: &[Vec<Unfit>]) -> String {
    let all = verdicts.len();
    let reasons = histogram(verdicts.iter().flatten().map(|unfit| match unfit {
        Unfit::Never(reason) => reason.clone(),
        Unfit::Insufficient(resource) => format!("Insufficient {resource}"),
    }));
    let preemption = histogram(verdicts.iter().map(|unfit| {
        let never = unfit.iter().any(|unfit| matches!(unfit, Unfit::Never(_)));
        let reason = if never {
            "Preemption is not helpful for scheduling"
        } else {
            "No preemption victims found for incoming pod"
        };
        reason.to_owned()
    }));
    format!("0/{all} nodes are available: {reasons}. preemption: 0/{all} nodes are available: {preemption}.")
}

/// Each reason with its number, in the order of the text that makes.
fn histogram(reasons: impl Iterator<Item = String>) -> String {
    let mut counts = BTreeMap::<String, usize>::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let mut texts: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    texts.sort();
    texts.join(", ")
}

impl ResourceRequest {
    /// The larger of the sum over the containers and the largest request of an init container.
    pub fn of(pod: &Value) -> Self {
        let each = |field: &str| {
            let list = pod["spec"][field].as_array().cloned().unwrap_or_default();
            list.into_iter().map(|container| {
                let requests = &container["resources"]["requests"];
                let cpu = thousandths(requests["cpu"].as_str().unwrap_or_default());
                let memory = bytes(requests["memory"].as_str().unwrap_or_default());
                Self { cpu, memory }
            })
        };
        let sum = each("containers").fold(Self::default(), |sum, one| Self {
            cpu: sum.cpu + one.cpu,
            memory: sum.memory + one.memory,
        });
        each("initContainers").fold(sum, |most, one| Self {
            cpu: most.cpu.max(one.cpu),
            memory: most.memory.max(one.memory),
        })
    }
}

/// CPU in thousandths: `200m`, `1`, `1.5`.
pub(super) fn thousandths(quantity: &str) -> i64 {
    match quantity.strip_suffix('m') {
        Some(number) => number.parse().unwrap_or(0),
        None => quantity
            .parse::<f64>()
            .map_or(0, |number| (number * 1_000.0).ceil() as i64),
    }
}

/// Memory in bytes: `512Mi`, `1Gi`, `1000000`.
pub(super) fn bytes(quantity: &str) -> i64 {
    const UNITS: [(&str, i64); 6] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
    ];
    let unit = UNITS.iter().find(|(unit, _)| quantity.ends_with(unit));
    let (number, factor) = unit.map_or((quantity, 1), |(unit, factor)| {
        (quantity.trim_end_matches(unit), *factor)
    });
    number.parse::<i64>().unwrap_or(0) * factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_refusal_count_the_nodes_by_reason() {
        let full = || vec![Unfit::Insufficient("cpu")];
        let lost = || {
            let taint = "node(s) had untolerated taint {node.kubernetes.io/unreachable: }";
            vec![Unfit::Never(taint.to_owned())]
        };
        assert_eq!(
            no_node(&[full(), full(), full()]),
            "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
        );
        assert_eq!(
            no_node(&[full(), lost(), full()]),
            "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 2 Insufficient cpu. preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
        );
    }

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        assert_eq!(
            [thousandths("200m"), thousandths("1"), thousandths("0.5")],
            [200, 1_000, 500]
        );
        assert_eq!(
            [bytes("512Mi"), bytes("1Gi"), bytes("2M"), bytes("7")],
            [512 << 20, 1 << 30, 2_000_000, 7]
        );
    }
}
