//! What the Kubernetes API says.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::safe;
use crate::text::{Redacted, SafeText, counted};

/// How far two clocks must be apart to be told so: less can't be measured through a busy network, and is below what is judged by.
pub const SKEW_MATTERS: SignedDuration = SignedDuration::from_secs(5);

/// A pod's `metadata.uid`: a replacement of the same name is another pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct PodUid(pub SafeText);

/// Who and where we are, read from the live connection and never from what a file says it should be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Connection {
    /// The API server's URL without credentials, such as `https://api.stage:6443`.
    pub server: Redacted,
    /// Context name of the kubeconfig; `None` in a cluster.
    pub context: Option<SafeText>,
    /// User as the server names us (`SelfSubjectReview`), else as the kubeconfig does.
    pub user: SafeText,
    /// Namespace that everything is read in.
    pub namespace: SafeText,
    /// `gitVersion` of the server.
    pub version: Option<SafeText>,
    /// When the token or the client certificate runs out, where it tells.
    pub expires_at: Option<Timestamp>,
    /// Whether the server's certificate is not verified (`insecure-skip-tls-verify`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unverified: bool,
}

/// A `status.conditions` entry of a pod or a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Condition {
    /// `Ready`, `PodScheduled`, `Available`, `Progressing`, …
    pub kind: SafeText,
    /// `True`, `False` or `Unknown`.
    pub status: SafeText,
    /// Why, in one CamelCase word; may be empty.
    pub reason: SafeText,
    /// Why, in words; may be empty.
    pub message: Redacted,
    /// When the status last changed.
    pub since: Option<Timestamp>,
}

/// An `apps/v1` Deployment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Deployment {
    /// `metadata.name`.
    pub name: SafeText,
    /// `metadata.uid`.
    pub uid: SafeText,
    /// `metadata.resourceVersion`.
    pub resource_version: SafeText,
    /// `spec.replicas`: how many are configured.
    pub replicas: u32,
    /// `status.replicas`: how many exist, surge included.
    pub current: u32,
    /// `status.readyReplicas`.
    pub ready: u32,
    /// `status.updatedReplicas`: how many have the newest template.
    pub updated: u32,
    /// `status.availableReplicas`.
    pub available: u32,
    /// Whether the controller has seen the newest spec (`observedGeneration` ≥ `generation`).
    pub observed: bool,
    /// `spec.paused`.
    pub paused: bool,
    /// When its pods were last restarted by a rollout: the template's annotation `kubectl.kubernetes.io/restartedAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<SafeText>,
    /// Images of the template by container name.
    pub images: Vec<(SafeText, SafeText)>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
}

impl Deployment {
    /// Whether its rollout has come to a stand: no progress within its `spec.progressDeadlineSeconds`, or no ReplicaSet could be made.
    pub fn is_stuck(&self) -> bool {
        let stands =
            |condition: &Condition| &*condition.kind == "Progressing" && &*condition.status == "False";
        self.conditions.iter().any(stands)
    }

    /// Whether a rollout is under way: its pods are not all of the newest template and available.
    pub fn is_rolling(&self) -> bool {
        !self.observed
            || self.updated < self.replicas
            || self.current > self.updated
            || self.available < self.updated
    }
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Pod {
    /// `metadata.uid`.
    pub uid: PodUid,
    /// `metadata.name`.
    pub name: SafeText,
    /// `metadata.resourceVersion`.
    pub resource_version: SafeText,
    /// `metadata.creationTimestamp`.
    pub created_at: Option<Timestamp>,
    /// `metadata.deletionTimestamp`: when the grace period ends of a pod that is being deleted.
    pub deletion_at: Option<Timestamp>,
    /// `status.phase`.
    pub phase: SafeText,
    /// The word that `kubectl get pods` prints under STATUS: `Running`, `Init:0/1`, `CrashLoopBackOff`, …
    pub status: SafeText,
    /// `status.message`, such as why a pod was evicted.
    pub message: Redacted,
    /// `spec.nodeName`; `None` while unscheduled.
    pub node: Option<SafeText>,
    /// Containers ready, of [`Pod::total`].
    pub ready: u32,
    /// Containers in the pod, init containers not counted.
    pub total: u32,
    /// Restarts as `kubectl` counts them.
    pub restarts: u32,
    /// When the newest restart's predecessor ended.
    pub restarted_at: Option<Timestamp>,
    /// `metadata.ownerReferences` controller: kind and name.
    pub owner: Option<(SafeText, SafeText)>,
    /// What else the pod says of its controller.
    #[serde(default, skip_serializing_if = "Origin::is_empty")]
    pub origin: Origin,
    /// Init containers first, then containers, in the order of the spec.
    pub containers: Vec<Container>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
}

impl Pod {
    /// Whether it was there at a moment, as far as its date tells; a pod without a date was. The cluster dates in whole seconds, by a clock
    /// from which ours may differ by [`SKEW_MATTERS`].
    pub fn is_from_before(&self, at: Timestamp) -> bool {
        self.created_at
            .is_none_or(|made_at| made_at.as_second() + SKEW_MATTERS.as_secs() < at.as_second())
    }

    /// The five characters after the last dash: what people call the pod.
    pub fn short_name(&self) -> &str {
        short_name(&self.name)
    }

    /// Whether the pod counts as ready: its `Ready` condition is `True` and it is not being deleted.
    pub fn is_ready(&self) -> bool {
        let condition = self
            .conditions
            .iter()
            .find(|condition| &*condition.kind == "Ready");
        self.deletion_at.is_none() && condition.is_some_and(|condition| &*condition.status == "True")
    }

    /// Whether the pod is over: it `Succeeded` or `Failed` and will not run again.
    pub fn is_over(&self) -> bool {
        matches!(&*self.phase, "Succeeded" | "Failed")
    }

    /// When its newest container (init containers aside) started.
    pub fn newest_start(&self) -> Option<Timestamp> {
        let started = |container: &Container| match container.state {
            ContainerState::Running { since } => since,
            ContainerState::Waiting { .. } | ContainerState::Terminated(_) => None,
        };
        self.containers
            .iter()
            .filter(|container| !container.init)
            .filter_map(started)
            .max()
    }
}

/// What a pod says of its controller besides kind and name. Records of older versions have none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Origin {
    /// The controller's uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_uid: Option<SafeText>,
    /// The label `pod-template-hash`, which a Deployment puts on its ReplicaSets and their pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_hash: Option<SafeText>,
    /// The annotation `openshift.io/deployment-config.name`, which a DeploymentConfig puts on its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_config: Option<SafeText>,
}

impl Origin {
    /// Whether the pod says nothing of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The controller of an object: the entry of `metadata.ownerReferences` with `controller: true`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Controller {
    /// `kind`.
    pub kind: SafeText,
    /// `name`.
    pub name: SafeText,
    /// `uid`.
    pub uid: SafeText,
}

/// An `apps/v1` ReplicaSet: the link between a pod and its deployment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ReplicaSet {
    /// `metadata.uid`.
    pub uid: SafeText,
    /// `metadata.name`.
    pub name: SafeText,
    /// The label `pod-template-hash`; `None` where no deployment made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_hash: Option<SafeText>,
    /// Its controller; `None` where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<Controller>,
}

/// An `autoscaling/v2` HorizontalPodAutoscaler that sets the deployment's number of pods.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Autoscaler {
    /// `metadata.name`.
    pub name: SafeText,
    /// `spec.minReplicas`.
    pub min: u32,
    /// `spec.maxReplicas`.
    pub max: u32,
    /// `status.currentReplicas`: how many pods it last saw.
    pub current: u32,
}

impl Autoscaler {
    /// What becomes of a number of pods that somebody else sets: `autoscaler msa will undo it: …`.
    pub fn undoes_it(&self) -> SafeText {
        let Self {
            name,
            min,
            max,
            current,
        } = self;
        safe!(
            "autoscaler {name} will undo it: it keeps {min} to {} (now {current})",
            counted(*max, "pod", "pods")
        )
    }
}

/// The part of a pod's name after the last dash.
pub fn short_name(name: &str) -> &str {
    name.rsplit('-').next().unwrap_or(name)
}

/// One container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Container {
    /// Its name in the spec.
    pub name: SafeText,
    /// Whether it is an init container.
    pub init: bool,
    /// The image of the spec.
    pub image: SafeText,
    /// `status.containerStatuses[].ready`.
    pub ready: bool,
    /// `restartCount`: names the instance, together with the pod's uid.
    pub restarts: u32,
    /// `containerID` of the current instance; empty before the first.
    pub id: SafeText,
    /// What it does now.
    pub state: ContainerState,
    /// How the instance before this one ended (`lastState.terminated`).
    pub last: Option<Ended>,
    /// What it may use (`resources.limits`).
    pub limits: Limits,
}

/// What a container may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Limits {
    /// Of a CPU, thousandths; `None` without a limit.
    pub cpu_millis: Option<u64>,
    /// Memory, bytes; `None` without a limit.
    pub memory_bytes: Option<u64>,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum ContainerState {
    /// Not started yet, or not again.
    Waiting {
        /// `ContainerCreating`, `ImagePullBackOff`, `CrashLoopBackOff`, …; may be empty.
        reason: SafeText,
        /// The same in words; may be empty.
        message: Redacted,
    },
    /// It runs.
    Running {
        /// `startedAt`.
        since: Option<Timestamp>,
    },
    /// It has ended.
    Terminated(Ended),
}

/// How a container instance ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Ended {
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: SafeText,
    /// In words; may be empty.
    pub message: Redacted,
    /// Exit code; 137 is SIGKILL, 143 SIGTERM.
    pub exit_code: i32,
    /// `startedAt`.
    pub started_at: Option<Timestamp>,
    /// `finishedAt`.
    pub finished_at: Option<Timestamp>,
}

/// What Kubernetes calls an Event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClusterEvent {
    /// `metadata.uid`.
    pub uid: SafeText,
    /// Whether `type` is anything but `Normal`.
    pub warning: bool,
    /// `reason`.
    pub reason: SafeText,
    /// `message` or `note`.
    pub message: Redacted,
    /// `involvedObject.kind`.
    pub object_kind: SafeText,
    /// `involvedObject.name`.
    pub object_name: SafeText,
    /// How often it was seen (`count` or `series.count`), at least 1.
    pub count: u32,
    /// First seen.
    pub first_at: Option<Timestamp>,
    /// Last seen.
    pub last_at: Option<Timestamp>,
}

/// Something one may be allowed to do in the namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct Permission {
    /// `get`, `list`, `watch`, `delete`, `patch`, `create`, …
    pub verb: SafeText,
    /// API group; empty for the core group.
    pub group: SafeText,
    /// Resource in the plural.
    pub resource: SafeText,
    /// Sub-resource; empty for none.
    pub subresource: SafeText,
    /// Name of one object; empty for all.
    pub name: SafeText,
}

impl Permission {
    /// Whether nothing fails without it: what it opens is shown where it can be read.
    pub fn is_optional(&self) -> bool {
        &*self.group == "metrics.k8s.io"
            || matches!(&*self.resource, "replicasets" | "horizontalpodautoscalers")
            || &*self.subresource == "proxy"
    }
}

/// An answer of the access review.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Access {
    /// What was asked.
    pub permission: Permission,
    /// The answer; `None` when the review itself could not be had.
    pub allowed: Option<bool>,
    /// The server's reason; may be empty.
    pub reason: Redacted,
}
