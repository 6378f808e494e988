//! What the pods and the deployment show: which pods live and are ready, since when their processes run, and what is wrong with one.

use jiff::Timestamp;

use super::decide::Truth;
use super::evaluation::Evaluation;
use super::quoting;
use super::settle;
use super::step_result::{SourceCheck, StepResult};
use crate::observe::observation::{ClusterEvent, Container, ContainerState, Ended, Pod};
use crate::observe::source::SourceId;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// Pods that do not count are named up to so many.
const NAMED: usize = 6;

impl Evaluation<'_> {
    /// ` (SOP expects 3)` where so many pods are not what the profile wants.
    pub(super) fn expected_unless(&self, configured: u32) -> String {
        match self.profile.service.replicas {
            want if want == configured => String::new(),
            want => format!(" (SOP expects {want})"),
        }
    }

    /// What is wrong with the watch of the pods, as a missing observation.
    pub(super) fn pods_unread(&self) -> Option<Truth> {
        let trouble = self.hear(&SourceId::Pods, "pods").trouble();
        trouble.map(Truth::unknown)
    }

    /// Pods that are neither over nor being deleted.
    pub(super) fn living(&self) -> impl Iterator<Item = &Pod> {
        settle::living(self.state)
    }

    /// How many of them are ready.
    pub(super) fn ready_pods(&self) -> usize {
        self.living().filter(|pod| pod.is_ready()).count()
    }

    /// When a pod came or its process started. Nobody restarted what starts again and again in a crash loop.
    fn started(&self, pod: &Pod) -> Option<Timestamp> {
        if settle::is_climbing(self.state, pod, self.now) {
            return pod.created_at;
        }
        settle::started(pod, self.now)
    }

    /// Whether every process that lives started after a cause: if that was after the trouble began, somebody restarted it for the trouble,
    /// and that did not help. A restart before the trouble was for something else.
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

    /// The failing answer where the namespace does not have the deployment.
    pub(super) fn no_deployment(&self, source: &'static str) -> StepResult {
        StepResult::new(StepStatus::Fail, source)
            .value(self.missing_deployment())
            .against(self.profile.service.replicas.to_string())
            .because(safe!(
                "the namespace has no deployment {}",
                self.profile.service.deployment
            ))
            .evidence(self.other_pods())
    }

    /// That there is no deployment, and what runs pods with its label instead: `no deployment msa, found StatefulSet msa with 3 pods`.
    pub(super) fn missing_deployment(&self) -> SafeText {
        let name = &self.profile.service.deployment;
        match self.hear(&SourceId::Pods, "pods") {
            SourceCheck::Current(_) => safe!("no deployment {name}, found {}", self.state.found_instead()),
            SourceCheck::Never(_) | SourceCheck::Stopped(..) => safe!("no deployment {name}"),
        }
    }

    /// Pods that carry the service's label and do not count, named with whose they are.
    pub(super) fn other_pods(&self) -> impl Iterator<Item = SafeText> {
        let others = &self.state.other_pods;
        let named = others.values().take(NAMED).map(|pod| {
            let owner = self.state.owner_in_words(pod);
            let words = safe!(
                "not counted: {} {}/{} {}, has the label but belongs to {owner}",
                pod.name,
                pod.ready,
                pod.total,
                pod.status
            );
            quoting::line(&words)
        });
        let left = others.len().saturating_sub(NAMED);
        named.chain((left > 0).then(|| {
            let pods = counted(left, "more pod", "more pods");
            safe!("not counted: {pods} with the label")
        }))
    }

    /// `lzxms: CrashLoopBackOff, 10 restarts: service ended with OOMKilled (137) 3m ago; Readiness probe failed: …`.
    pub(super) fn trouble_of(&self, pod: &Pod) -> SafeText {
        let going = if pod.deletion_at.is_some() {
            ", being deleted"
        } else {
            ""
        };
        let ready = if pod.is_ready() { ", ready again" } else { "" };
        let restarts = match pod.restarts {
            0 => SafeText::default(),
            many => safe!(", {}", counted(many, "restart", "restarts")),
        };
        let why: Vec<SafeText> = std::iter::once(SafeText::from(&pod.message))
            .chain(pod.containers.iter().filter_map(|one| self.trouble_in(one)))
            .chain(self.probe_trouble(pod))
            .filter(|why| !why.is_empty())
            .collect();
        let colon = if why.is_empty() { "" } else { ": " };
        let lead = safe!(
            "{}: {}{ready}{going}{restarts}{colon}",
            pod.short_name(),
            pod.status
        );
        quoting::quote(&lead, &why.join("; "))
    }

    /// Why a container does not run, or how it ended before.
    fn trouble_in(&self, container: &Container) -> Option<SafeText> {
        let in_words = |ended: &Ended| {
            let at = ended.finished_at;
            let ago = at.map(|at| safe!(" {} ago", duration::brief(self.since(at))));
            let words = Some(&ended.message).filter(|words| !words.is_empty());
            let why = words.map_or(SafeText::default(), |words| safe!(": {words}"));
            let init = if container.init { "init container " } else { "" };
            safe!(
                "{init}{} ended with {} ({}){}{why}",
                container.name,
                ended.reason,
                ended.exit_code,
                ago.unwrap_or_default()
            )
        };
        let last = container
            .last
            .as_ref()
            .filter(|ended| ended.exit_code != 0)
            .map(in_words);
        match &container.state {
            ContainerState::Terminated(ended) => (ended.exit_code != 0).then(|| in_words(ended)),
            // How it ended says more than that the kubelet waits before it starts it again.
            ContainerState::Waiting { message, .. } => {
                last.or_else(|| Some(message.into()).filter(|message: &SafeText| !message.is_empty()))
            }
            ContainerState::Running { .. } if container.init => {
                Some(safe!("init container {} still runs", container.name))
            }
            ContainerState::Running { .. } => last,
        }
    }

    /// What the newest failed probe of a pod that runs and is not ready said.
    fn probe_trouble(&self, pod: &Pod) -> Option<SafeText> {
        let of_pod = |event: &&ClusterEvent| {
            let lately = event.last_at.is_some_and(|at| at >= self.window());
            lately && &*event.reason == "Unhealthy" && *event.object_name == *pod.name
        };
        let events = self.state.cluster_events.values().filter(of_pod);
        let newest = events
            .max_by_key(|event| event.last_at)
            .filter(|_| !pod.is_ready())?;
        Some(safe!("{} ×{}", newest.message, newest.count))
    }
}
