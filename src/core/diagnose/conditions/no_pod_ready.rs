//! `no-pod-ready`: no pod serves, perhaps for a given cause.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::quoting;
use crate::diagnose::settle;
use crate::diagnose::settle::{condition, is_lost_with_node, unready_since};
use crate::diagnose::step_result::SourceCheck;
use crate::diagnose::steps::Check;
use crate::diagnose::waiting::{missing_volume, waiting_for};
use crate::observe::observation::{Container, ContainerState, Pod};
use crate::observe::source::SourceId;
use crate::profile::Profile;
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// Pods that are named of many.
const NAMED: usize = 3;

/// No pod is ready, or the deployment asks for none.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NoPodReady {
    /// Only for this cause.
    pub because: Option<DownCause>,
}

/// Why no pod is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DownCause {
    /// The cluster: scheduling, a node, a quota, a mount.
    Cluster,
    /// What was released: an image that can't be pulled, a configuration, a migration.
    Release,
}

impl RuleCondition for NoPodReady {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        if let Some(unread) = case.pods_unread() {
            return unread;
        }
        let ready = case.ready_pods();
        if ready > 0 {
            // These pods are left of a deployment that is gone: nobody makes others in their place.
            let gone = undeployed(case).filter(|_| self.because == Some(DownCause::Release));
            return gone.map_or_else(
                || Truth::holds_not(counted(ready, "pod is ready", "pods are ready")),
                |gone| Truth::holds([gone]),
            );
        }
        let unread = case.hear(&SourceId::Deployment, "deployment").trouble();
        let Some(cause) = self.because else {
            // How many pods the deployment asks for decides whether they are to be started.
            return unread.map_or_else(|| down(case), Truth::unknown);
        };
        let of_pods = case.living().filter_map(|pod| match cause {
            DownCause::Release => release_trouble(pod, case),
            DownCause::Cluster => cluster_trouble(pod, case),
        });
        let of_deployment = match cause {
            DownCause::Release => undeployed(case),
            DownCause::Cluster => denied(case),
        };
        let evidence: Vec<SafeText> = of_pods.chain(of_deployment).collect();
        match (evidence.is_empty(), unread) {
            (false, _) => {
                Truth::holds(std::iter::once(none_ready_because(case, &evidence[0])).chain(evidence))
            }
            (true, None) => Truth::holds_not("no pod is ready, for another reason"),
            (true, Some(why)) => Truth::unknown(why),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        match self.because {
            None => "no pod is ready",
            Some(DownCause::Cluster) => {
                "no pod is ready, and pods can't be scheduled or their nodes are lost"
            }
            Some(DownCause::Release) => "no pod is ready, and the new release doesn't start",
        }
        .into()
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        "a pod becomes ready".into()
    }

    fn threshold(&self, profile: &Profile, _window: SignedDuration) -> Vec<SafeText> {
        vec![none_ready_of(profile.service.replicas as usize)]
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        let pods = case.hear(&SourceId::Pods, "pods");
        let both = pods.and(case.hear(&SourceId::Deployment, "deployment"));
        ("deployment and pods", both.age())
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::PodsReady(_))
    }
}

/// No pod is ready: why each is not. Pods that came after the service was lost were started for it, and did not help.
fn down(case: &Evaluation<'_>) -> Truth {
    let named: Vec<_> = case
        .living()
        .take(NAMED)
        .map(|pod| case.trouble_of(pod))
        .collect();
    let head = named.first().map_or_else(
        || none_ready_in_words(case),
        |first| none_ready_because(case, first),
    );
    let because = std::iter::once(head).chain(named);
    let tried = match unavailable_since(case) {
        Some(lost) => case.restarted_since(lost),
        None => case.was_restarted(),
    };
    Truth::holds(because).again(tried)
}

/// `0 of 3 pods ready: exceeded quota: compute, requested: pods=1, used: pods=0, limited: pods=0`. The pod that it is about stays named, however
/// long its trouble is.
fn none_ready_because(case: &Evaluation<'_>, trouble: &str) -> SafeText {
    let of_pod = |(name, _): &(&str, &str)| case.living().any(|pod| pod.short_name() == *name);
    let head = none_ready_in_words(case);
    match trouble.split_once(": ").filter(of_pod) {
        Some((pod, trouble)) => safe!("{head}: {pod}: {}", quoting::gist(trouble)),
        None => safe!("{head}: {}", quoting::gist(trouble)),
    }
}

fn none_ready_of(pods: usize) -> SafeText {
    safe!("0 of {} ready", counted(pods, "pod", "pods"))
}

fn none_ready_in_words(case: &Evaluation<'_>) -> SafeText {
    match &case.state.deployment {
        Some(deployment) if deployment.replicas == 0 => "the deployment asks for 0 pods".into(),
        Some(deployment) => none_ready_of(deployment.replicas as usize),
        None => none_ready_of(case.living().count()),
    }
}

/// Since when the deployment has too few available pods, if it says so.
fn unavailable_since(case: &Evaluation<'_>) -> Option<Timestamp> {
    let conditions = &case.state.deployment.as_ref()?.conditions;
    let available = conditions
        .iter()
        .find(|condition| &*condition.kind == "Available")?;
    available.since.filter(|_| &*available.status == "False")
}

/// That there is nothing to start.
fn undeployed(case: &Evaluation<'_>) -> Option<SafeText> {
    let heard = case.hear(&SourceId::Deployment, "deployment");
    let none = case.state.deployment.is_none() && matches!(heard, SourceCheck::Current(_));
    none.then(|| safe!("the namespace has {}", case.missing_deployment()))
}

/// Pods that the cluster refuses to create, as far as is known now.
fn denied(case: &Evaluation<'_>) -> Option<SafeText> {
    let SourceCheck::Current(_) = case.hear(&SourceId::Deployment, "deployment") else {
        return None;
    };
    let deployment = case.state.deployment.as_ref()?;
    let failure = deployment
        .conditions
        .iter()
        .find(|condition| &*condition.kind == "ReplicaFailure")?;
    (&*failure.status == "True").then(|| quoting::quote(&safe!("{}: ", failure.reason), &failure.message))
}

/// A pod that waits for what was released, or whose init container fails.
fn release_trouble(pod: &Pod, case: &Evaluation<'_>) -> Option<SafeText> {
    let trouble = |container: &Container| match &container.state {
        ContainerState::Waiting { reason, message }
            if waiting_for(reason).is_some_and(|row| row.of_release) =>
        {
            Some(with_reason(reason, message))
        }
        _ if container.init => failed_init(container),
        _ => None,
    };
    let volume = || {
        let event = missing_volume(case.state, pod)?;
        Some(with_reason(&event.reason, &event.message))
    };
    let trouble = pod.containers.iter().find_map(trouble).or_else(volume)?;
    Some(quoting::quote(&safe!("{}: ", pod.short_name()), &trouble))
}

/// `ImagePullBackOff: Back-off pulling image`; the reason alone where no message says more.
fn with_reason(reason: &SafeText, message: &str) -> SafeText {
    if message.is_empty() {
        reason.clone()
    } else {
        safe!("{reason}: {message}")
    }
}

fn failed_init(container: &Container) -> Option<SafeText> {
    let failed = match &container.state {
        ContainerState::Terminated(ended) => Some(ended),
        ContainerState::Waiting { .. } => container.last.as_ref(),
        ContainerState::Running { .. } => None,
    };
    let failed = failed.filter(|ended| ended.exit_code != 0)?;
    Some(safe!(
        "init container {} ended with {} ({})",
        container.name,
        failed.reason,
        failed.exit_code
    ))
}

/// A pod that found no node, whose node is lost, or that its node can't give a volume or a network.
fn cluster_trouble(pod: &Pod, case: &Evaluation<'_>) -> Option<SafeText> {
    let scheduled = condition(pod, "PodScheduled").filter(|_| settle::is_unscheduled(pod));
    let trouble = if let Some(scheduled) = scheduled {
        with_reason(&scheduled.reason, &scheduled.message)
    } else if is_lost_with_node(pod) {
        let node = pod.node.as_deref().unwrap_or("of the pod");
        let since = unready_since(pod).map(|at| case.since(at));
        let since = since.filter(|since| *since >= SignedDuration::from_secs(1));
        let since = since.map_or(SafeText::default(), |since| {
            safe!(" for {}", duration::brief(since))
        });
        safe!("node {node} has not reported{since} (NodeNotReady)")
    } else {
        let event = case.start_trouble(pod)?;
        with_reason(&event.reason, &event.message)
    };
    Some(quoting::quote(&safe!("{}: ", pod.short_name()), &trouble))
}
