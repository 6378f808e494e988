//! The audit log: every request that changed the cluster or tried to. The debriefing of a drill is made from it.
//!
//! Requests of all clients count, except reads, access reviews and dry runs, which change nothing. The effect of a request is read from
//! the world before and after it, so that it does not depend on the verb or the kind of patch.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, header};
use jiff::Timestamp;
use serde_json::Value;
use sopwatch_core::observe::audit::{AuditEffect, AuditEntry};
use sopwatch_core::text::SafeText;
use tokio::sync::watch;

use super::request::{self, Target, UrlQuery};
use super::state::ApiState;
use crate::world::{NAMESPACE, Resource, SERVICE, World};

/// How many entries are kept: more than anybody makes in a drill. The first ones are kept, since they matter most.
const KEPT: usize = 1_000;

/// Longest text of an entry that a client chose, in characters.
const TEXT: usize = 200;

/// The annotation that a rollout restart sets in the pod template.
const RESTARTED_AT: &str = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";

/// The entries so far. Subscribers are woken by each new one.
#[derive(Debug)]
pub struct AuditLog(watch::Sender<Vec<AuditEntry>>);

impl Default for AuditLog {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl AuditLog {
    /// The entries so far, oldest first, at most the first 1,000; the receiver changes with each.
    pub fn subscribe(&self) -> watch::Receiver<Vec<AuditEntry>> {
        self.0.subscribe()
    }

    fn note(&self, entry: AuditEntry) {
        self.0.send_if_modified(|entries| {
            let room = entries.len() < KEPT;
            if room {
                entries.push(entry);
            }
            room
        });
    }
}

/// A request that may change something, before it is carried out.
pub struct PendingChange {
    agent: SafeText,
    verb: &'static str,
    target: Target,
    before: ClusterSnapshot,
}

/// Notes the state before a request; `None` for a request that only reads.
pub fn change(state: &ApiState, parts: &Parts, body: &Bytes) -> Option<PendingChange> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let target = Target::of(parts.uri.path())?;
    let query = UrlQuery::of(parts.uri.query());
    // The groups of reviews: `authorization.k8s.io`, `authentication.k8s.io`.
    if target.group.starts_with("auth") || is_dry(&query, body) {
        return None;
    }
    let agent = parts
        .headers
        .get(header::USER_AGENT)
        .map(|value| text(&String::from_utf8_lossy(value.as_bytes())));
    Some(PendingChange {
        agent: agent.unwrap_or_default(),
        verb: request::verb(&parts.method, &target, &query),
        target,
        before: ClusterSnapshot::of(&state.world()),
    })
}

fn text(outside: &str) -> SafeText {
    SafeText::cut(outside, TEXT)
}

fn is_dry(query: &UrlQuery, body: &Bytes) -> bool {
    let options = || serde_json::from_slice::<Value>(body).ok();
    query.get("dryRun").is_some()
        || options().is_some_and(|options| options["dryRun"].as_array().is_some_and(|dry| !dry.is_empty()))
}

impl PendingChange {
    /// Adds the entry, with the effect that the request had.
    pub fn note(self, state: &ApiState, code: u16) {
        let after = ClusterSnapshot::of(&state.world());
        let effect = if (200..300).contains(&code) {
            effect(&self.before, &after)
        } else {
            AuditEffect::Other
        };
        state.audit().note(AuditEntry {
            at: state.clock().now(),
            agent: self.agent,
            verb: self.verb,
            resource: text(&self.target.resource_path()),
            name: text(&self.target.name),
            code,
            effect,
        });
    }
}

/// The part of the world from which effects are read.
struct ClusterSnapshot {
    pods: Vec<PodState>,
    /// The service's; `None` once it is deleted.
    deployment: Option<Value>,
}

#[derive(Clone, PartialEq, Eq)]
struct PodState {
    uid: String,
    /// Whether it is the service's: the drill's kubelets look after no other pods.
    own: bool,
    created: Option<Timestamp>,
    ready: bool,
}

impl ClusterSnapshot {
    fn of(world: &World) -> Self {
        let pods = world.store().all(Resource::Pods);
        let deployment = world.store().get(Resource::Deployments, NAMESPACE, SERVICE);
        Self {
            pods: pods.filter_map(|pod| pod_state(pod, world)).collect(),
            deployment: deployment.map(|deployment| (**deployment).clone()),
        }
    }

    fn ready(&self) -> usize {
        self.pods.iter().filter(|pod| pod.ready && pod.own).count()
    }
}

/// The state of a pod; `None` for one that is being deleted.
fn pod_state(pod: &Value, world: &World) -> Option<PodState> {
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        return None;
    }
    let conditions = pod["status"]["conditions"].as_array();
    let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    let uid = pod["metadata"]["uid"].as_str()?;
    Some(PodState {
        uid: uid.to_owned(),
        own: world.is_attended(uid),
        created: pod["metadata"]["creationTimestamp"]
            .as_str()
            .and_then(|at| at.parse().ok()),
        ready: conditions.into_iter().flatten().any(ready),
    })
}

fn effect(before: &ClusterSnapshot, after: &ClusterSnapshot) -> AuditEffect {
    let stays = |pod: &&PodState| after.pods.iter().any(|left| left.uid == pod.uid);
    let gone: Vec<_> = before.pods.iter().filter(|pod| !stays(pod)).collect();
    let (Some(old), Some(new)) = (&before.deployment, &after.deployment) else {
        return AuditEffect::Other;
    };
    let replicas = |deployment: &Value| deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    if replicas(old) != replicas(new) {
        let (from, to) = (replicas(old), replicas(new));
        return AuditEffect::Scaled { from, to };
    }
    if old["spec"]["template"] != new["spec"]["template"] {
        return template_effect(old, new);
    }
    if gone.is_empty() {
        return AuditEffect::Other;
    }
    AuditEffect::Deleted {
        pods: gone.len(),
        youngest: gone.iter().filter_map(|pod| pod.created).max(),
        ready: gone.iter().filter(|pod| pod.ready && pod.own).count(),
        ready_left: after.ready(),
        others: gone.iter().filter(|pod| !pod.own).count(),
    }
}

fn template_effect(old: &Value, new: &Value) -> AuditEffect {
    let containers = |deployment: &Value| -> Vec<String> {
        let template = &deployment["spec"]["template"]["spec"];
        ["initContainers", "containers"]
            .iter()
            .filter_map(|kind| template[*kind].as_array())
            .flatten()
            .map(|container| container["image"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    if old.pointer(RESTARTED_AT) != new.pointer(RESTARTED_AT)
        && old["spec"]["template"]["spec"] == new["spec"]["template"]["spec"]
    {
        return AuditEffect::Restarted;
    }
    let mut images: Vec<_> = containers(old)
        .into_iter()
        .zip(containers(new))
        .filter(|(old, new)| old != new)
        .map(|(old, new)| (text(&old), text(&new)))
        .collect();
    images.dedup();
    AuditEffect::Changed { images }
}
