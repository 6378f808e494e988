//! Changes to the cluster: each names one object and holds the preconditions under which it may happen, so that what was seen is what is
//! changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::observe::observation::PodUid;
use crate::profile::rule::Advice;
use crate::safe;
use crate::text::{Redacted, SafeText, counted};

/// A change to one object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Command {
    /// Deletes a pod; the deployment makes another in its place.
    DeletePod {
        /// Its name.
        pod: SafeText,
        /// Only the pod with this uid: its replacement may have the same name.
        uid: PodUid,
    },
    /// Restarts the deployment by a rollout, as `kubectl rollout restart` does.
    RestartDeployment {
        /// Its name.
        deployment: SafeText,
        /// Only the deployment with this uid.
        uid: SafeText,
        /// Only while it is as it was seen.
        resource_version: SafeText,
        /// The time that its template is marked with, which makes it another template.
        mark: Timestamp,
    },
    /// Changes how many pods the deployment wants, through its `scale` sub-resource.
    Scale {
        /// Its name.
        deployment: SafeText,
        /// Only the deployment with this uid.
        uid: SafeText,
        /// How many it wanted when it was looked at.
        from: u32,
        /// How many it is to want.
        to: u32,
        /// Only while it is as it was seen.
        resource_version: SafeText,
    },
}

/// As a template is marked with a restart: what `kubectl rollout restart` writes.
pub fn restart_mark(at: Timestamp) -> SafeText {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

impl Command {
    /// What is changed: `pod managed-services-api-…`.
    pub fn object(&self) -> SafeText {
        match self {
            Self::DeletePod { pod, .. } => safe!("pod {pod}"),
            Self::RestartDeployment { deployment, .. } | Self::Scale { deployment, .. } => {
                safe!("deployment {deployment}")
            }
        }
    }

    /// As people say it: `delete pod …`.
    pub fn words(&self) -> SafeText {
        let object = self.object();
        match self {
            Self::DeletePod { .. } => safe!("delete {object}"),
            Self::RestartDeployment { .. } => safe!("rollout restart {object}"),
            Self::Scale { from, to, .. } => {
                safe!("scale {object} from {from} to {}", counted(*to, "pod", "pods"))
            }
        }
    }

    /// What it did, as people say it afterwards: `deleted pod 2mgcp`.
    pub fn past_words(&self) -> SafeText {
        let object = self.object();
        match self {
            Self::DeletePod { .. } => safe!("deleted {object}"),
            Self::RestartDeployment { .. } => safe!("restarted {object} by a rollout"),
            Self::Scale { from, to, .. } => {
                safe!("scaled {object} from {from} to {}", counted(*to, "pod", "pods"))
            }
        }
    }

    /// The command that does the same by hand, as far as one can: `oc` knows no uid.
    pub fn by_hand(&self, namespace: &str) -> SafeText {
        match self {
            Self::DeletePod { pod, .. } => safe!("oc -n {namespace} delete pod {pod}"),
            Self::RestartDeployment { deployment, .. } => {
                safe!("oc -n {namespace} rollout restart deployment/{deployment}")
            }
            Self::Scale {
                deployment, from, to, ..
            } => safe!(
                "oc -n {namespace} scale deployment/{deployment} --current-replicas={from} --replicas={to}"
            ),
        }
    }

    /// What the operator types to confirm it where a mistake hurts customers: the object's name, whole.
    pub fn to_type(&self) -> &str {
        match self {
            Self::DeletePod { pod, .. } => pod,
            Self::RestartDeployment { deployment, .. } | Self::Scale { deployment, .. } => deployment,
        }
    }
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum CommandOutcome {
    /// The server says that it did it, or it was seen to be done.
    Applied {
        /// By what that is known: `accepted by the server`.
        how: Redacted,
    },
    /// The server, or the console before it, says no: nothing was changed.
    Refused {
        /// Why.
        why: Redacted,
    },
    /// It never reached the server: nothing was changed.
    Failed {
        /// Why.
        why: Redacted,
    },
    /// It left, and no answer came: it may have happened or not, until the cluster shows which.
    Unknown {
        /// Why.
        why: Redacted,
    },
}

impl CommandOutcome {
    /// As a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "outcome unknown",
        }
    }

    /// What came of it and why: `applied: accepted by the server`.
    pub fn words(&self) -> String {
        format!("{}: {}", self.name(), self.reason())
    }

    /// Why, or how it is known.
    pub fn reason(&self) -> &Redacted {
        match self {
            Self::Applied { how } => how,
            Self::Refused { why } | Self::Failed { why } | Self::Unknown { why } => why,
        }
    }
}

/// What the operator sets out to do with one or several commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// Restart one pod.
    RestartPod,
    /// Restart all pods, one after the other.
    RestartAll,
    /// Restart the pods that an interrupted restart of all did not reach, one after the other.
    RestartRest,
    /// Restart the deployment by a rollout.
    RollOut,
    /// Start pods where none runs.
    Start,
    /// Run more pods.
    ScaleUp,
    /// Run fewer pods.
    ScaleDown,
}

impl PlanKind {
    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::RestartPod => "restart one pod",
            Self::RestartAll => "restart all pods, one by one",
            Self::RestartRest => "restart the remaining pods, one by one",
            Self::RollOut => "restart by a rollout",
            Self::Start => "start the pods",
            Self::ScaleUp => "run more pods",
            Self::ScaleDown => "run fewer pods",
        }
    }

    /// The same where there is little room.
    pub fn short_words(self) -> &'static str {
        match self {
            Self::RestartPod => "restart",
            Self::RestartAll => "restart all",
            Self::RestartRest => "restart remaining",
            Self::RollOut => "roll out",
            Self::Start => "start",
            Self::ScaleUp => "scale up",
            Self::ScaleDown => "scale down",
        }
    }

    /// The advice that it follows.
    pub fn answers(self) -> Advice {
        match self {
            Self::RestartPod | Self::RestartAll | Self::RestartRest | Self::RollOut => Advice::RestartPods,
            Self::Start => Advice::StartPods,
            Self::ScaleUp => Advice::ScaleUp,
            Self::ScaleDown => Advice::None,
        }
    }

    /// Whether the leaders are taken away by it.
    pub fn is_restart(self) -> bool {
        matches!(
            self,
            Self::RestartPod | Self::RestartAll | Self::RestartRest | Self::RollOut
        )
    }
}
