//! Conditions about the pods: whether any serves, whether they settle, and whether they crash.

use jiff::{SignedDuration, Timestamp};

use super::Truth;
use crate::incident::diagnosis::Case;
use crate::incident::diagnosis::answer::Heard;
use crate::incident::fact::{Container, ContainerState, Pod};
use crate::incident::feed::FeedId;
use crate::incident::rule::DownCause;
use crate::incident::span;
use crate::incident::text::SafeText;

/// After so long without a ready pod there is nothing to wait for: twice the service's delay until it is asked (20 s, then every 10 s).
const READY_SOON: SignedDuration = SignedDuration::from_mins(1);

/// Restarts of one container within the window that are a crash loop.
const CLIMBING: u32 = 2;

/// Reasons for which a container waits that come with what was released.
const RELEASE: [&str; 8] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
];

impl Case<'_> {
    /// What is wrong with the watch of the pods, as a missing fact.
    fn pods_unread(&self) -> Option<Truth> {
        match self.hear(&FeedId::Pods, "pods") {
            Heard::Current(_) => None,
            Heard::Never(why) | Heard::Stopped(_, why) => Some(Truth::unknown(why)),
        }
    }

    fn living(&self) -> impl Iterator<Item = &Pod> {
        let pods = self.facts.pods.values();
        pods.filter(|pod| pod.deletion_at.is_none() && !pod.is_over())
    }

    fn ready_pods(&self) -> usize {
        self.living().filter(|pod| pod.is_ready()).count()
    }

    /// Whether nothing can be concluded yet, for a pod is new.
    pub(super) fn settling(&self) -> Truth {
        if let Some(unread) = self.pods_unread() {
            return unread;
        }
        if self.ready_pods() == 0 && self.without_ready_pod().is_none_or(|span| span > READY_SOON) {
            return Truth::holds_not("no pod is ready, and none is about to be");
        }
        match self.settled_at() {
            // One that crashes again and again is always new: it never settles.
            Some(until) if until > self.now && !self.living().any(|pod| self.climbs(pod).is_some()) => {
                let left = span::brief(until.duration_since(self.now));
                Truth::holds([format!(
                    "the newest container started less than {} ago: settled in {left}",
                    span::brief(self.settle())
                )])
            }
            _ => Truth::holds_not("no container that lives on started within the settle window"),
        }
    }

    /// When the newest start is settled.
    pub(super) fn settled_at(&self) -> Option<Timestamp> {
        let newest = self.living().filter_map(Pod::newest_start).max()?;
        newest.checked_add(self.settle()).ok()
    }

    fn settle(&self) -> SignedDuration {
        span::of(self.profile.leaders.settle())
    }

    /// For how long no pod has been ready, as far as the newest pod tells.
    fn without_ready_pod(&self) -> Option<SignedDuration> {
        let newest = self.living().filter_map(|pod| pod.created_at).max()?;
        Some(self.now.duration_since(newest))
    }

    /// Whether no pod serves, perhaps for a given cause.
    pub(super) fn no_pod_ready(&self, because: Option<DownCause>) -> Truth {
        if let Some(unread) = self.pods_unread() {
            return unread;
        }
        let ready = self.ready_pods();
        if ready > 0 {
            return Truth::holds_not(format!("{ready} pods are ready"));
        }
        let Some(cause) = because else {
            return Truth::holds([self.none_ready_in_words()]);
        };
        let evidence: Vec<String> = match cause {
            DownCause::Release => self.living().filter_map(release_trouble).collect(),
            DownCause::Cluster => self
                .living()
                .filter_map(scheduling_trouble)
                .chain(self.denied())
                .collect(),
        };
        if evidence.is_empty() {
            return Truth::holds_not("no pod is ready, but not for this");
        }
        Truth::holds(std::iter::once(self.none_ready_in_words()).chain(evidence))
    }

    fn none_ready_in_words(&self) -> String {
        match &self.facts.deployment {
            Some(deployment) if deployment.replicas == 0 => "the deployment asks for 0 pods".to_owned(),
            Some(deployment) => format!("0 of {} pods ready", deployment.replicas),
            None => format!("0 of {} pods ready", self.living().count()),
        }
    }

    /// Pods that the cluster refuses to create.
    fn denied(&self) -> Option<String> {
        let deployment = self.facts.deployment.as_ref()?;
        let failure = deployment
            .conditions
            .iter()
            .find(|condition| &*condition.kind == "ReplicaFailure")?;
        (&*failure.status == "True").then(|| cut(&format!("{}: {}", failure.reason, failure.message)))
    }

    /// Whether every pod that lives started since the incident began: then they were restarted for it.
    pub(super) fn was_restarted(&self) -> bool {
        let Some(began) = self.facts.began_at else {
            return false;
        };
        let mut starts = self.living().map(Pod::newest_start).peekable();
        starts.peek().is_some() && starts.all(|start| start.is_some_and(|start| start > began))
    }

    /// Whether the service crashes.
    pub(super) fn crashing(&self) -> Truth {
        if let Some(unread) = self.pods_unread() {
            return unread;
        }
        let panics = self.panics();
        let climbing: Vec<String> = self.living().filter_map(|pod| self.climbs(pod)).collect();
        if panics.is_empty() && climbing.is_empty() {
            return match self.unread_logs() {
                Some(why) => Truth::unknown(format!("panics: {why}")),
                None => Truth::holds_not("no panic, and no restarts that climb"),
            };
        }
        let again = self.was_restarted() || repeats(&panics);
        // What the kubelet started again, and serves, was restarted already: once more would only cost its leaders.
        if climbing.is_empty() && !again && self.living().all(Pod::is_ready) {
            return Truth::holds_not("a process died, was started again, and is ready");
        }
        let newest = panics.last().map(|head| cut(head));
        Truth::holds(climbing.into_iter().chain(newest)).again(again)
    }

    /// A container that was restarted often, the last time within the window.
    fn climbs(&self, pod: &Pod) -> Option<String> {
        let recent = pod.restarted_at.is_some_and(|at| at >= self.window());
        let last = pod.containers.iter().find_map(last_end);
        (recent && pod.restarts >= CLIMBING).then(|| {
            let ended = last.map_or(String::new(), |ended| format!(", {ended}"));
            format!("{}: {} restarts{ended}", pod.short_name(), pod.restarts)
        })
    }
}

/// Whether the same was said before the process died more than once.
fn repeats(panics: &[String]) -> bool {
    let mut heads: Vec<&String> = panics.iter().collect();
    heads.sort();
    heads.windows(2).any(|pair| pair[0] == pair[1])
}

/// `service ended with OOMKilled (137)`.
fn last_end(container: &Container) -> Option<String> {
    let ended = container.last.as_ref()?;
    Some(format!(
        "{} ended with {} ({})",
        container.name, ended.reason, ended.exit_code
    ))
}

/// A container that waits for what was released, or whose init container fails.
fn release_trouble(pod: &Pod) -> Option<String> {
    let trouble = |container: &Container| match &container.state {
        ContainerState::Waiting { reason, message } if RELEASE.contains(&&**reason) => {
            Some(format!("{reason}: {message}"))
        }
        _ if container.init => failed_init(container),
        _ => None,
    };
    let trouble = pod.containers.iter().find_map(trouble)?;
    Some(cut(&format!("{}: {trouble}", pod.short_name())))
}

fn failed_init(container: &Container) -> Option<String> {
    let failed = match &container.state {
        ContainerState::Terminated(ended) => Some(ended),
        ContainerState::Waiting { .. } => container.last.as_ref(),
        ContainerState::Running { .. } => None,
    };
    let failed = failed.filter(|ended| ended.exit_code != 0)?;
    Some(format!(
        "init container {} ended with {} ({})",
        container.name, failed.reason, failed.exit_code
    ))
}

/// A pod that found no node.
fn scheduling_trouble(pod: &Pod) -> Option<String> {
    let unscheduled = |kind: &str, status: &str| kind == "PodScheduled" && status == "False";
    let condition = pod
        .conditions
        .iter()
        .find(|condition| unscheduled(&condition.kind, &condition.status))?;
    Some(cut(&format!(
        "{}: {}: {}",
        pod.short_name(),
        condition.reason,
        condition.message
    )))
}

/// Longest line of evidence, in characters.
const EVIDENCE: usize = 160;

pub(super) fn cut(text: &str) -> String {
    SafeText::cut(&text.replace('\n', " "), EVIDENCE).to_string()
}
