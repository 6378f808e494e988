//! Whether the pods are configured, started and ready.

use jiff::{SignedDuration, Timestamp};

use crate::diagnose::Evaluation;
use crate::diagnose::evidence;
use crate::diagnose::settle;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::{ClusterEvent, Container, ContainerState, Deployment, Ended, Pod};
use crate::observe::source::SourceId;
use crate::profile::sop::StepStatus;
use crate::text::duration;

/// Pods that are named of many.
const NAMED: usize = 6;

impl Evaluation<'_> {
    /// Whether the deployment is configured to as many pods as the profile wants; more are a scale-up, which the SOPs allow.
    pub(in crate::diagnose) fn replicas(&self) -> StepResult {
        let want = self.profile.service.replicas;
        let heard = self.hear(&SourceId::Deployment, "deployment");
        if let SourceCheck::Never(why) = heard {
            return StepResult::unknown("deployment", "deployment not read", why);
        }
        let Some(deployment) = &self.state.deployment else {
            return self.no_deployment("deployment").heard(&heard);
        };
        let enough = deployment.replicas >= want;
        let status = if enough {
            StepStatus::Pass
        } else {
            StepStatus::Fail
        };
        let mut answer = StepResult::new(status, "deployment")
            .value(format!("{} configured, want {want}", deployment.replicas))
            .against(want.to_string())
            .because(counts(deployment));
        if deployment.paused {
            answer = answer.because("its roll-out is paused");
        }
        answer.heard(&heard)
    }

    /// Whether so many pods are configured, started and ready. Where the deployment can't be read, the pods alone tell.
    pub(in crate::diagnose) fn pods_ready(&self) -> StepResult {
        let pods = self.hear(&SourceId::Pods, "pods");
        if let SourceCheck::Never(why) = pods {
            return StepResult::unknown("pods", "pods not read", why);
        }
        match self.hear(&SourceId::Deployment, "deployment") {
            SourceCheck::Never(why) => self.judge_pods(None, "pods").because(why).heard(&pods),
            heard => match &self.state.deployment {
                None => self.no_deployment("deployment and pods").heard(&heard.and(pods)),
                some => self
                    .judge_pods(some.as_ref(), "deployment and pods")
                    .heard(&heard.and(pods)),
            },
        }
    }

    fn no_deployment(&self, source: &'static str) -> StepResult {
        StepResult::new(StepStatus::Fail, source)
            .value(self.missing_deployment())
            .against(self.profile.service.replicas.to_string())
            .because(format!(
                "the namespace has no deployment {}",
                self.profile.service.deployment
            ))
            .evidence(self.other_pods())
    }

    /// That there is no deployment, and what runs pods with its label instead: `no deployment msa, found StatefulSet msa with 3 pods`.
    pub(in crate::diagnose) fn missing_deployment(&self) -> String {
        let name = &self.profile.service.deployment;
        match self.hear(&SourceId::Pods, "pods") {
            SourceCheck::Current(_) => format!("no deployment {name}, found {}", self.state.found_instead()),
            SourceCheck::Never(_) | SourceCheck::Stopped(..) => format!("no deployment {name}"),
        }
    }

    /// Pods that carry the service's label and do not count, named with whose they are.
    fn other_pods(&self) -> impl Iterator<Item = String> {
        let others = &self.state.other_pods;
        let named = others.values().take(NAMED).map(|pod| {
            let owner = self.state.owner_in_words(pod);
            let words = format!(
                "not counted: {} {}/{} {}, with the label but of {owner}",
                pod.name, pod.ready, pod.total, pod.status
            );
            evidence::line(&words)
        });
        let left = others.len().saturating_sub(NAMED);
        named.chain((left > 0).then(|| format!("not counted: {left} more pods with the label")))
    }

    fn judge_pods(&self, deployment: Option<&Deployment>, source: &'static str) -> StepResult {
        let want = self.profile.service.replicas;
        let configured = deployment.map_or(want, |deployment| deployment.replicas);
        let ready = self.ready_pods() as u32;
        let rolled_out = deployment.is_none_or(|deployment| deployment.observed);
        // Where no pod is ready, it is waited for only as long as the rules wait.
        let may_wait = ready > 0 || self.settles().is_ok();
        let status = if configured < want {
            StepStatus::Fail
        } else if ready >= configured && rolled_out {
            StepStatus::Pass
        } else if may_wait && (!rolled_out || self.others_are_coming()) {
            StepStatus::Waiting
        } else {
            StepStatus::Fail
        };
        let starting = if status == StepStatus::Waiting {
            ", starting"
        } else {
            ""
        };
        StepResult::new(status, source)
            .value(format!("{ready}/{configured} ready, want {want}{starting}"))
            .against(want.to_string())
            .evidence(self.troubled().take(NAMED).map(|pod| self.trouble_of(pod)))
            .evidence(more(self.troubled().count()))
            .evidence(deployment.and_then(roll_out))
            .evidence(self.other_pods())
    }

    /// Pods that are not ready, and those that are again after a crash of late.
    fn troubled(&self) -> impl Iterator<Item = &Pod> {
        let of_late = |pod: &Pod| pod.restarted_at.is_some_and(|at| at >= self.window());
        let pods = self.state.pods.values();
        pods.filter(move |pod| !pod.is_ready() || of_late(pod))
    }

    /// `lzxms: CrashLoopBackOff, 10 restarts: service ended with OOMKilled (137) 3m ago; Readiness probe failed: …`.
    pub(in crate::diagnose) fn trouble_of(&self, pod: &Pod) -> String {
        let going = if pod.deletion_at.is_some() {
            ", being deleted"
        } else {
            ""
        };
        let ready = if pod.is_ready() { ", ready again" } else { "" };
        let restarts = match pod.restarts {
            0 => String::new(),
            1 => ", 1 restart".to_owned(),
            many => format!(", {many} restarts"),
        };
        let why: Vec<String> = std::iter::once(pod.message.to_string())
            .chain(pod.containers.iter().filter_map(|one| self.trouble_in(one)))
            .chain(self.probe_trouble(pod))
            .filter(|why| !why.is_empty())
            .collect();
        let colon = if why.is_empty() { "" } else { ": " };
        let lead = format!(
            "{}: {}{ready}{going}{restarts}{colon}",
            pod.short_name(),
            pod.status
        );
        evidence::quoting(&lead, &why.join("; "))
    }

    /// Why a container does not run, or how it ended before.
    fn trouble_in(&self, container: &Container) -> Option<String> {
        let told = |ended: &Ended| {
            let at = ended.finished_at;
            let ago = at.map(|at| format!(" {} ago", duration::brief(self.since(at))));
            let words = Some(&ended.message).filter(|words| !words.is_empty());
            let why = words.map_or(String::new(), |words| format!(": {words}"));
            let init = if container.init { "init container " } else { "" };
            format!(
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
            .map(told);
        match &container.state {
            ContainerState::Terminated(ended) => (ended.exit_code != 0).then(|| told(ended)),
            // How it ended says more than that the kubelet waits before it starts it again.
            ContainerState::Waiting { message, .. } => {
                last.or_else(|| Some(message.to_string()).filter(|message| !message.is_empty()))
            }
            ContainerState::Running { .. } if container.init => {
                Some(format!("init container {} runs", container.name))
            }
            ContainerState::Running { .. } => last,
        }
    }

    /// What the newest failed probe of a pod that runs and is not ready said.
    fn probe_trouble(&self, pod: &Pod) -> Option<String> {
        let of_pod = |event: &&ClusterEvent| {
            let lately = event.last_at.is_some_and(|at| at >= self.window());
            lately && &*event.reason == "Unhealthy" && *event.object_name == *pod.name
        };
        let events = self.state.cluster_events.values().filter(of_pod);
        let newest = events
            .max_by_key(|event| event.last_at)
            .filter(|_| !pod.is_ready())?;
        Some(format!("{} ×{}", newest.message, newest.count))
    }

    /// How long ago something was; not at all where a clock is ahead.
    pub(in crate::diagnose) fn since(&self, at: Timestamp) -> SignedDuration {
        self.now.duration_since(at).max(SignedDuration::ZERO)
    }

    /// Whether every pod that is not ready is on its way, and at least one is, or one that goes makes place.
    fn others_are_coming(&self) -> bool {
        let pods = || self.state.pods.values().filter(|pod| !pod.is_over());
        let mut unready = pods()
            .filter(|pod| !pod.is_ready() && pod.deletion_at.is_none())
            .peekable();
        let coming = unready.peek().is_some() || pods().any(|pod| pod.deletion_at.is_some());
        let starts = |pod: &Pod| settle::is_starting(self.state, &self.profile.leaders, pod, self.now);
        coming && unready.all(starts)
    }
}

/// `deployment msa: spec.replicas 3; 3 pods, 3 ready, 3 updated, 3 available`.
fn counts(deployment: &Deployment) -> String {
    let Deployment {
        name,
        replicas,
        current,
        ready,
        updated,
        available,
        ..
    } = deployment;
    format!(
        "deployment {name}: spec.replicas {replicas}; {current} pods, {ready} ready, {updated} updated, {available} available"
    )
}

fn more(count: usize) -> Option<String> {
    (count > NAMED).then(|| format!("and {} more", count - NAMED))
}

/// What a roll-out that is not over is at.
fn roll_out(deployment: &Deployment) -> Option<String> {
    if !deployment.observed {
        return Some("the controller has not seen the newest spec yet".to_owned());
    }
    (deployment.updated < deployment.replicas).then(|| {
        format!(
            "roll-out: {} of {} pods updated",
            deployment.updated, deployment.replicas
        )
    })
}
