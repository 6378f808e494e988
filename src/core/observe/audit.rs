//! The audit log of a cluster: each request that changed it or tried to, as a drill's API server notes it and its debriefing tells it.

use jiff::Timestamp;

use crate::safe;
use crate::text::{SafeText, counted};

/// One request that changed something, or was to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, by the cluster's clock.
    pub at: Timestamp,
    /// What the client calls itself (`User-Agent`); empty when it does not say.
    pub agent: SafeText,
    /// As roles name it: `delete`, `patch`, `create`.
    pub verb: &'static str,
    /// As `pods` or `deployments/scale`.
    pub resource: SafeText,
    /// The object's; empty for a collection.
    pub name: SafeText,
    /// The HTTP status of the answer.
    pub code: u16,
    /// What it did.
    pub effect: AuditEffect,
}

/// What a request did to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditEffect {
    /// None of the effects below: the request was refused, or it is about something else.
    Other,
    /// Pods were deleted.
    Deleted {
        /// How many.
        pods: usize,
        /// When the youngest of them was created.
        youngest: Option<Timestamp>,
        /// How many of them were the service's and ready.
        ready: usize,
        /// How many ready pods of the service were left.
        ready_left: usize,
        /// How many of the deleted pods are not the service's.
        others: usize,
    },
    /// The deployment wants another number of pods.
    Scaled {
        /// Before.
        from: u64,
        /// After.
        to: u64,
    },
    /// The deployment replaces its pods; their template is unchanged but for the restart annotation.
    Restarted,
    /// The deployment's pod template changed: another image, another revision.
    Changed {
        /// The images before, then after, of the containers that differ; empty where something else differs.
        images: Vec<(SafeText, SafeText)>,
    },
}

impl AuditEntry {
    /// As a sentence without its end: `kubectl deleted pod managed-services-api-…`.
    pub fn words(&self) -> SafeText {
        let name = &self.name;
        let agent = agent_family(&self.agent);
        if self.code >= 300 {
            let object = [&*self.resource, &**name].join(" ");
            return safe!(
                "{agent} tried to {} {}: {}",
                self.verb,
                object.trim_end(),
                refusal_words(self.code)
            );
        }
        match &self.effect {
            AuditEffect::Deleted { pods: 1, .. } if !name.is_empty() => safe!("{agent} deleted pod {name}"),
            AuditEffect::Deleted { pods, .. } => {
                safe!("{agent} deleted {}", counted(*pods, "pod", "pods"))
            }
            AuditEffect::Scaled { from, to } => safe!("{agent} scaled {name} from {from} to {to}"),
            AuditEffect::Restarted => safe!("{agent} restarted the rollout of {name}"),
            AuditEffect::Changed { images } => match images.first() {
                Some((_, image)) => safe!("{agent} set the image of {name} to {image}"),
                None => safe!("{agent} changed the pod template of {name}"),
            },
            AuditEffect::Other => safe!("{agent}: {} {} {name}", self.verb, self.resource)
                .trim_end()
                .into(),
        }
    }
}

/// The client as people call it (`kubectl`, `oc`, `sopwatch`), from what it calls itself.
fn agent_family(agent: &str) -> SafeText {
    let name = agent.split(['/', ' ']).next().unwrap_or_default();
    match name {
        "" => "another client".into(),
        "kubectl" | "oc" | "sopwatch" => name.into(),
        other => SafeText::cut(other, 40),
    }
}

fn refusal_words(code: u16) -> SafeText {
    let word = match code {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not found",
        405 => "not allowed",
        409 => "conflict",
        422 => "invalid",
        429 => "too many requests",
        _ => "failed",
    };
    safe!("{word} ({code})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ago, now};

    fn words(code: u16, effect: AuditEffect) -> SafeText {
        let entry = AuditEntry {
            at: now(),
            agent: "kubectl/v1.33.1 (linux/amd64) kubernetes/8adc0f0".into(),
            verb: "delete",
            resource: "pods".into(),
            name: "p".into(),
            code,
            effect,
        };
        entry.words()
    }

    #[test]
    fn entries_read_as_sentences() {
        let images = vec![("a:1".into(), "a:2".into())];
        let deleted = AuditEffect::Deleted {
            pods: 1,
            youngest: Some(ago(9)),
            ready: 1,
            ready_left: 2,
            others: 0,
        };
        for (code, effect, sentence) in [
            (200, deleted, "kubectl deleted pod p"),
            (
                200,
                AuditEffect::Scaled { from: 3, to: 5 },
                "kubectl scaled p from 3 to 5",
            ),
            (200, AuditEffect::Restarted, "kubectl restarted the rollout of p"),
            (
                200,
                AuditEffect::Changed { images },
                "kubectl set the image of p to a:2",
            ),
            (200, AuditEffect::Other, "kubectl: delete pods p"),
            (
                403,
                AuditEffect::Other,
                "kubectl tried to delete pods p: forbidden (403)",
            ),
            (
                500,
                AuditEffect::Other,
                "kubectl tried to delete pods p: failed (500)",
            ),
        ] {
            assert_eq!(words(code, effect), sentence);
        }
    }

    #[test]
    fn clients_are_called_as_people_call_them() {
        for (agent, family) in [
            ("kubectl/v1.33.1 (linux/amd64) kubernetes/8adc0f0", "kubectl"),
            ("oc/4.18.0 (linux/amd64)", "oc"),
            ("sopwatch/0.1.0", "sopwatch"),
            ("curl/8.5.0", "curl"),
            ("\u{1b}[2J/1", "␛[2J"),
            ("", "another client"),
        ] {
            assert_eq!(&*agent_family(&SafeText::new(agent)), family, "{agent}");
        }
    }
}
