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

/// How far a node's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// Pods that are named of many.
const NAMED: usize = 3;

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

    pub(super) fn living(&self) -> impl Iterator<Item = &Pod> {
        let pods = self.facts.pods.values();
        pods.filter(|pod| pod.deletion_at.is_none() && !pod.is_over())
    }

    pub(in crate::incident::diagnosis) fn ready_pods(&self) -> usize {
        self.living().filter(|pod| pod.is_ready()).count()
    }

    /// Whether nothing can be concluded yet, for a pod is new.
    pub(in crate::incident::diagnosis) fn settling(&self) -> Truth {
        if let Some(unread) = self.pods_unread() {
            return unread;
        }
        let soon = self.without_ready_pod().is_some_and(|span| span <= READY_SOON);
        let coming = |pod: &Pod| {
            &*pod.status != "Running" && self.is_starting(pod) && scheduling_trouble(pod).is_none()
        };
        if self.ready_pods() == 0 && !soon && !self.living().any(coming) {
            return Truth::holds_not("no pod is ready, and none is about to be");
        }
        match self.settled_at() {
            // One that crashes again and again is always new: it never settles.
            Some(until) if until > self.now && !self.living().any(|pod| self.climbs(pod).is_some()) => {
                let left = span::brief(until.duration_since(self.now));
                Truth::holds([format!(
                    "the newest pod started less than {} ago: settled in {left}",
                    span::brief(self.settle())
                )])
            }
            _ => Truth::holds_not("no pod that lives on started within the settle window"),
        }
    }

    /// When the newest start is settled.
    pub(super) fn settled_at(&self) -> Option<Timestamp> {
        let newest = self.living().filter_map(|pod| self.started(pod)).max()?;
        newest.checked_add(self.settle()).ok()
    }

    /// When a pod came or its process started, whichever was later. What a clock tells that is ahead of ours is not believed: it would
    /// make everybody wait for it.
    fn started(&self, pod: &Pod) -> Option<Timestamp> {
        let past = |at: &Timestamp| at.duration_since(self.now) <= SKEW;
        pod.newest_start().filter(past).max(pod.created_at.filter(past))
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
    pub(in crate::incident::diagnosis) fn no_pod_ready(&self, because: Option<DownCause>) -> Truth {
        if let Some(unread) = self.pods_unread() {
            return unread;
        }
        let ready = self.ready_pods();
        if ready > 0 {
            return Truth::holds_not(format!("{ready} pods are ready"));
        }
        let heard = self.hear(&FeedId::Deployment, "deployment");
        let Some(cause) = because else {
            // Whether they are to be started hangs on how many are asked for.
            return match heard {
                Heard::Current(_) => self.down(),
                Heard::Never(why) | Heard::Stopped(_, why) => Truth::unknown(why),
            };
        };
        let of_pods = self.living().filter_map(match cause {
            DownCause::Release => release_trouble,
            DownCause::Cluster => scheduling_trouble,
        });
        let of_deployment = match cause {
            DownCause::Release => self.undeployed(),
            DownCause::Cluster => self.denied(),
        };
        let evidence: Vec<String> = of_pods.chain(of_deployment).collect();
        match (evidence.is_empty(), heard) {
            (false, _) => Truth::holds(std::iter::once(self.none_ready_in_words()).chain(evidence)),
            (true, Heard::Current(_)) => Truth::holds_not("no pod is ready, but not for this"),
            (true, Heard::Never(why) | Heard::Stopped(_, why)) => Truth::unknown(why),
        }
    }

    /// No pod is ready: why each is not. Pods that came after the service was lost were started for it, and did not help.
    fn down(&self) -> Truth {
        let named = self.living().take(NAMED).map(|pod| cut(&self.trouble_of(pod)));
        let because = std::iter::once(self.none_ready_in_words()).chain(named);
        let tried = match self.unavailable_since() {
            Some(lost) => self.restarted_since(lost),
            None => self.was_restarted(),
        };
        Truth::holds(because).again(tried)
    }

    /// Since when the deployment has too few available pods, if it says so.
    fn unavailable_since(&self) -> Option<Timestamp> {
        let conditions = &self.facts.deployment.as_ref()?.conditions;
        let available = conditions
            .iter()
            .find(|condition| &*condition.kind == "Available")?;
        available.since.filter(|_| &*available.status == "False")
    }

    /// That there is nothing to start.
    fn undeployed(&self) -> Option<String> {
        let name = &self.profile.service.deployment;
        let none = self.facts.deployment.is_none();
        none.then(|| format!("the namespace has no deployment {name}"))
            .filter(|_| matches!(self.hear(&FeedId::Deployment, "deployment"), Heard::Current(_)))
    }

    fn none_ready_in_words(&self) -> String {
        match &self.facts.deployment {
            Some(deployment) if deployment.replicas == 0 => "the deployment asks for 0 pods".to_owned(),
            Some(deployment) => format!("0 of {} pods ready", deployment.replicas),
            None => format!("0 of {} pods ready", self.living().count()),
        }
    }

    /// Pods that the cluster refuses to create, as far as is known now.
    fn denied(&self) -> Option<String> {
        let Heard::Current(_) = self.hear(&FeedId::Deployment, "deployment") else {
            return None;
        };
        let deployment = self.facts.deployment.as_ref()?;
        let failure = deployment
            .conditions
            .iter()
            .find(|condition| &*condition.kind == "ReplicaFailure")?;
        (&*failure.status == "True").then(|| cut(&format!("{}: {}", failure.reason, failure.message)))
    }

    /// Whether every process that lives started since: if that was after what is wrong began, it was restarted for it, by whomever, and
    /// that did not help. One that was restarted before, for something else, was not.
    pub(super) fn restarted_since(&self, cause: Timestamp) -> bool {
        let mut starts = self.living().map(|pod| self.started(pod)).peekable();
        starts.peek().is_some() && starts.all(|start| start.is_some_and(|start| start > cause))
    }

    /// The same where nobody knows since when it is wrong: since the incident began, as far as we know.
    pub(super) fn was_restarted(&self) -> bool {
        self.facts
            .began_at
            .is_some_and(|began| self.restarted_since(began))
    }

    /// Whether rows that have been so for so many seconds are older than every process that lives.
    pub(super) fn was_restarted_for_rows(&self, oldest_s: Option<i64>) -> bool {
        let Some((read_at, _)) = &self.facts.reading else {
            return false;
        };
        let since = oldest_s.and_then(|age| read_at.checked_sub(SignedDuration::from_secs(age)).ok());
        since.map_or_else(|| self.was_restarted(), |since| self.restarted_since(since))
    }

    /// Whether every pod that lives was created since. A process that the kubelet starts again was not restarted by anybody.
    fn recreated_since(&self, cause: Timestamp) -> bool {
        let mut created = self.living().map(|pod| pod.created_at).peekable();
        created.peek().is_some() && created.all(|at| at.is_some_and(|at| at > cause))
    }

    /// Whether the service crashes.
    pub(super) fn crashing(&self) -> Truth {
        if let Some(unread) = self.pods_unread() {
            return unread;
        }
        let panics = self.panics();
        let climbing: Vec<String> = self.living().filter_map(|pod| self.climbs(pod)).collect();
        let first = panics.first().map(|(at, _)| *at).or(self.facts.began_at);
        let again = first.is_some_and(|first| self.recreated_since(first)) || repeats(&panics);
        let nothing = panics.is_empty() && climbing.is_empty();
        if let Some(why) = self.unread_logs().filter(|_| nothing || !again) {
            // What can't be read may tell of a panic, or that it is the same again.
            return Truth::unknown(format!("panics: {why}"));
        }
        if nothing {
            return Truth::holds_not("no panic, and no restarts that climb");
        }
        // What the kubelet started again, and serves, was restarted already: once more would only cost its leaders.
        if climbing.is_empty() && !again && self.living().all(Pod::is_ready) {
            return Truth::holds_not("a process died, was started again, and is ready");
        }
        let newest = panics.last().map(|(_, head)| cut(head));
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
fn repeats(panics: &[(Timestamp, String)]) -> bool {
    let mut heads: Vec<&String> = panics.iter().map(|(_, head)| head).collect();
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
