//! Whether the pods are configured, started and ready.

use jiff::SignedDuration;

use super::Case;
use super::answer::{Answer, Heard};
use crate::incident::fact::{ContainerState, Deployment, Pod};
use crate::incident::feed::FeedId;
use crate::incident::sop::StepStatus;
use crate::incident::span;
use crate::incident::text::SafeText;

/// Longest line of evidence, in characters.
const EVIDENCE: usize = 160;

impl Case<'_> {
    /// Whether the deployment is configured to as many pods as the profile wants; more are a scale-up, which the SOPs allow.
    pub(super) fn replicas(&self) -> Answer {
        let want = self.profile.service.replicas;
        let heard = self.hear(&FeedId::Deployment, "deployment");
        if let Heard::Never(why) = heard {
            return Answer::unknown("deployment", "deployment not read", why);
        }
        let Some(deployment) = &self.facts.deployment else {
            return self.no_deployment("deployment").heard(&heard);
        };
        let enough = deployment.replicas >= want;
        let status = if enough {
            StepStatus::Pass
        } else {
            StepStatus::Fail
        };
        let mut answer = Answer::new(status, "deployment")
            .value(format!("{} configured, want {want}", deployment.replicas))
            .against(want.to_string())
            .because(format!(
                "deployment {}: spec.replicas {}",
                deployment.name, deployment.replicas
            ));
        if deployment.paused {
            answer = answer.because("its roll-out is paused");
        }
        answer.heard(&heard)
    }

    /// Whether so many pods are configured, started and ready. Where the deployment can't be read, the pods alone tell.
    pub(super) fn pods_ready(&self) -> Answer {
        let pods = self.hear(&FeedId::Pods, "pods");
        if let Heard::Never(why) = pods {
            return Answer::unknown("pods", "pods not read", why);
        }
        match self.hear(&FeedId::Deployment, "deployment") {
            Heard::Never(why) => self.judge_pods(None, "pods").because(why).heard(&pods),
            heard => match &self.facts.deployment {
                None => self.no_deployment("deployment and pods").heard(&heard.and(pods)),
                some => self
                    .judge_pods(some.as_ref(), "deployment and pods")
                    .heard(&heard.and(pods)),
            },
        }
    }

    fn no_deployment(&self, source: &'static str) -> Answer {
        let name = &self.profile.service.deployment;
        Answer::new(StepStatus::Fail, source)
            .value(format!("no deployment {name}"))
            .against(self.profile.service.replicas.to_string())
            .because(format!("the namespace has no deployment {name}"))
    }

    fn judge_pods(&self, deployment: Option<&Deployment>, source: &'static str) -> Answer {
        let want = self.profile.service.replicas;
        let configured = deployment.map_or(want, |deployment| deployment.replicas);
        let ready = self.facts.pods.values().filter(|pod| pod.is_ready()).count() as u32;
        let rolled_out = deployment.is_none_or(|deployment| deployment.observed);
        let status = if configured < want {
            StepStatus::Fail
        } else if ready >= configured && rolled_out {
            StepStatus::Pass
        } else if !rolled_out || self.others_are_coming() {
            StepStatus::Waiting
        } else {
            StepStatus::Fail
        };
        let starting = if status == StepStatus::Waiting {
            ", starting"
        } else {
            ""
        };
        Answer::new(status, source)
            .value(format!("{ready}/{configured} ready, want {want}{starting}"))
            .against(want.to_string())
            .evidence(
                self.facts
                    .pods
                    .values()
                    .filter(|pod| !pod.is_ready())
                    .map(in_words),
            )
            .evidence(deployment.and_then(roll_out))
    }

    /// Whether every pod that is not ready is on its way, and at least one is, or one that goes makes place.
    fn others_are_coming(&self) -> bool {
        let pods = || self.facts.pods.values().filter(|pod| !pod.is_over());
        let mut unready = pods()
            .filter(|pod| !pod.is_ready() && pod.deletion_at.is_none())
            .peekable();
        let coming = unready.peek().is_some() || pods().any(|pod| pod.deletion_at.is_some());
        coming && unready.all(|pod| self.is_starting(pod))
    }

    /// Whether a pod starts as pods do: no longer than the settle window, and without a trouble in its status.
    fn is_starting(&self, pod: &Pod) -> bool {
        let age = |start| self.now.duration_since(start);
        let young = |age: SignedDuration| age < span::of(self.profile.leaders.settle());
        let normal = match &*pod.status {
            "Pending" | "ContainerCreating" | "PodInitializing" | "Running" => true,
            // `Init:0/1` counts init containers; `Init:Error` is trouble.
            other => other.starts_with("Init:") && other.contains('/'),
        };
        normal && pod.restarts == 0 && pod.created_at.map(age).is_some_and(young)
    }
}

/// `lzxms: ImagePullBackOff: Back-off pulling image …`.
fn in_words(pod: &Pod) -> String {
    let waits = pod
        .containers
        .iter()
        .find_map(|container| match &container.state {
            ContainerState::Waiting { message, .. } if !message.is_empty() => Some(message),
            _ => None,
        });
    let message = Some(&pod.message).filter(|message| !message.is_empty()).or(waits);
    let going = if pod.deletion_at.is_some() {
        ", being deleted"
    } else {
        ""
    };
    let why = message.map_or(String::new(), |message| format!(": {message}"));
    let restarts = if pod.restarts > 0 {
        format!(", {} restarts", pod.restarts)
    } else {
        String::new()
    };
    let words = format!("{}: {}{going}{restarts}{why}", pod.short_name(), pod.status);
    SafeText::cut(&words.replace('\n', " "), EVIDENCE).to_string()
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
