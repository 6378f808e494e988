//! Conditions about the pods: whether any serves, whether they settle, and whether they crash.

use jiff::{SignedDuration, Timestamp};

use super::Truth;
use crate::diagnose::Evaluation;
use crate::diagnose::evidence;
use crate::diagnose::settle;
use crate::diagnose::settle::{Settled, Settling, condition, is_lost_with_node, unready_since};
use crate::diagnose::step_result::SourceCheck;
use crate::diagnose::waiting::{missing_volume, waiting_for};
use crate::observe::observation::{Condition, Container, ContainerState, Pod};
use crate::observe::source::SourceId;
use crate::profile::rule::DownCause;
use crate::text::duration;

/// Pods that are named of many.
const NAMED: usize = 3;

impl Evaluation<'_> {
    /// What is wrong with the watch of the pods, as a missing observation.
    fn pods_unread(&self) -> Option<Truth> {
        match self.hear(&SourceId::Pods, "pods") {
            SourceCheck::Current(_) => None,
            SourceCheck::Never(why) | SourceCheck::Stopped(_, why) => Some(Truth::unknown(why)),
        }
    }

    pub(super) fn living(&self) -> impl Iterator<Item = &Pod> {
        settle::living(self.state)
    }

    pub(in crate::diagnose) fn ready_pods(&self) -> usize {
        self.living().filter(|pod| pod.is_ready()).count()
    }

    /// Whether nothing can be concluded yet.
    pub(in crate::diagnose) fn settling(&self) -> Truth {
        if let Some(unread) = self.pods_unread() {
            return unread;
        }
        match self.settles() {
            Ok(settling) => Truth::holds([settling.why]),
            Err(settled) => Truth::holds_not(settled.words()),
        }
    }

    /// Until when nothing can be concluded.
    pub(in crate::diagnose) fn settles(&self) -> Result<Settling, Settled> {
        settle::settling(self.state, &self.profile.leaders, self.now)
    }

    /// When a pod came or its process started. What starts again and again in a crash loop was not restarted by anybody.
    fn started(&self, pod: &Pod) -> Option<Timestamp> {
        if settle::is_climbing(self.state, pod, self.now) {
            return pod.created_at;
        }
        settle::started(pod, self.now)
    }

    /// Whether no pod serves, perhaps for a given cause.
    pub(in crate::diagnose) fn no_pod_ready(&self, because: Option<DownCause>) -> Truth {
        if let Some(unread) = self.pods_unread() {
            return unread;
        }
        let ready = self.ready_pods();
        if ready > 0 {
            // Those that are left of a deployment that is gone: nobody makes others in their place.
            let gone = self.undeployed().filter(|_| because == Some(DownCause::Release));
            return gone.map_or_else(
                || Truth::holds_not(format!("{ready} pods are ready")),
                |gone| Truth::holds([gone]),
            );
        }
        let heard = self.hear(&SourceId::Deployment, "deployment");
        let Some(cause) = because else {
            // Whether they are to be started hangs on how many are asked for.
            return match heard {
                SourceCheck::Current(_) => self.down(),
                SourceCheck::Never(why) | SourceCheck::Stopped(_, why) => Truth::unknown(why),
            };
        };
        let of_pods = self.living().filter_map(|pod| match cause {
            DownCause::Release => self.release_trouble(pod),
            DownCause::Cluster => self.cluster_trouble(pod),
        });
        let of_deployment = match cause {
            DownCause::Release => self.undeployed(),
            DownCause::Cluster => self.denied(),
        };
        let evidence: Vec<String> = of_pods.chain(of_deployment).collect();
        match (evidence.is_empty(), heard) {
            (false, _) => Truth::holds(std::iter::once(self.none_ready_in_words()).chain(evidence)),
            (true, SourceCheck::Current(_)) => Truth::holds_not("no pod is ready, but not for this"),
            (true, SourceCheck::Never(why) | SourceCheck::Stopped(_, why)) => Truth::unknown(why),
        }
    }

    /// No pod is ready: why each is not. Pods that came after the service was lost were started for it, and did not help.
    fn down(&self) -> Truth {
        let named = self.living().take(NAMED).map(|pod| self.trouble_of(pod));
        let because = std::iter::once(self.none_ready_in_words()).chain(named);
        let tried = match self.unavailable_since() {
            Some(lost) => self.restarted_since(lost),
            None => self.was_restarted(),
        };
        Truth::holds(because).again(tried)
    }

    /// Since when the deployment has too few available pods, if it says so.
    fn unavailable_since(&self) -> Option<Timestamp> {
        let conditions = &self.state.deployment.as_ref()?.conditions;
        let available = conditions
            .iter()
            .find(|condition| &*condition.kind == "Available")?;
        available.since.filter(|_| &*available.status == "False")
    }

    /// That there is nothing to start.
    fn undeployed(&self) -> Option<String> {
        let none = self.state.deployment.is_none();
        none.then(|| format!("the namespace has {}", self.missing_deployment()))
            .filter(|_| {
                matches!(
                    self.hear(&SourceId::Deployment, "deployment"),
                    SourceCheck::Current(_)
                )
            })
    }

    fn none_ready_in_words(&self) -> String {
        match &self.state.deployment {
            Some(deployment) if deployment.replicas == 0 => "the deployment asks for 0 pods".to_owned(),
            Some(deployment) => format!("0 of {} pods ready", deployment.replicas),
            None => format!("0 of {} pods ready", self.living().count()),
        }
    }

    /// Pods that the cluster refuses to create, as far as is known now.
    fn denied(&self) -> Option<String> {
        let SourceCheck::Current(_) = self.hear(&SourceId::Deployment, "deployment") else {
            return None;
        };
        let deployment = self.state.deployment.as_ref()?;
        let failure = deployment
            .conditions
            .iter()
            .find(|condition| &*condition.kind == "ReplicaFailure")?;
        (&*failure.status == "True")
            .then(|| evidence::quoting(&format!("{}: ", failure.reason), &failure.message))
    }

    /// Whether every process that lives started since: if that was after what is wrong began, it was restarted for it, by whomever, and
    /// that did not help. One that was restarted before, for something else, was not.
    pub(super) fn restarted_since(&self, cause: Timestamp) -> bool {
        let mut starts = self.living().map(|pod| self.started(pod)).peekable();
        starts.peek().is_some() && starts.all(|start| start.is_some_and(|start| start > cause))
    }

    /// The same where nobody knows since when it is wrong: since the incident began, as far as we know.
    pub(super) fn was_restarted(&self) -> bool {
        self.state
            .began_at
            .is_some_and(|began| self.restarted_since(began))
    }

    /// Whether rows that have been so for so many seconds are older than every process that lives.
    pub(super) fn was_restarted_for_rows(&self, oldest_s: Option<i64>) -> bool {
        let Some((read_at, _)) = &self.state.reading else {
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
        let first = panics.first().map(|(at, _)| *at).or(self.state.began_at);
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
        let newest = panics.last().map(|(_, head)| evidence::line(head));
        Truth::holds(climbing.into_iter().chain(newest)).again(again)
    }

    /// A pod in a crash loop.
    fn climbs(&self, pod: &Pod) -> Option<String> {
        let last = pod.containers.iter().find_map(last_end);
        settle::is_climbing(self.state, pod, self.now).then(|| {
            let ended = last.map_or(String::new(), |ended| format!(", {ended}"));
            format!("{}: {} restarts{ended}", pod.short_name(), pod.restarts)
        })
    }

    /// A pod that waits for what was released, or whose init container fails.
    fn release_trouble(&self, pod: &Pod) -> Option<String> {
        let trouble = |container: &Container| match &container.state {
            ContainerState::Waiting { reason, message }
                if waiting_for(reason).is_some_and(|row| row.of_release) =>
            {
                Some(format!("{reason}: {message}"))
            }
            _ if container.init => failed_init(container),
            _ => None,
        };
        let volume = || {
            let event = missing_volume(self.state, pod)?;
            Some(format!("{}: {}", event.reason, event.message))
        };
        let trouble = pod.containers.iter().find_map(trouble).or_else(volume)?;
        Some(evidence::quoting(&format!("{}: ", pod.short_name()), &trouble))
    }

    /// A pod that found no node, whose node is lost, or that its node can't give a volume or a network.
    fn cluster_trouble(&self, pod: &Pod) -> Option<String> {
        let trouble = if let Some(scheduled) = unscheduled(pod) {
            format!("{}: {}", scheduled.reason, scheduled.message)
        } else if is_lost_with_node(pod) {
            let node = pod.node.as_deref().unwrap_or("of the pod");
            let since = unready_since(pod).map_or(String::new(), |at| {
                format!(" for {}", duration::brief(self.since(at)))
            });
            format!("NodeNotReady: node {node} has not reported{since}")
        } else {
            let event = self.start_trouble(pod)?;
            format!("{}: {}", event.reason, event.message)
        };
        Some(evidence::quoting(&format!("{}: ", pod.short_name()), &trouble))
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

fn unscheduled(pod: &Pod) -> Option<&Condition> {
    condition(pod, "PodScheduled").filter(|_| settle::is_unscheduled(pod))
}
