//! What was done to the drill's cluster, by whomever, and what that was worth in the scenario.

use jiff::Timestamp;
use sopwatch_core::profile::rule::Advice;

use super::answer::Right;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// One request that changed something, or was to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// The client as people call it: `kubectl`, `oc`, `sopwatch`; else what it calls itself.
    pub agent: SafeText,
    /// As roles name it: `delete`.
    pub verb: SafeText,
    /// As `pods`.
    pub resource: SafeText,
    /// The object's; empty for all of them.
    pub name: SafeText,
    /// The HTTP status of the answer.
    pub code: u16,
    /// What it did.
    pub effect: ActEffect,
}

/// What an act did to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActEffect {
    /// Nothing that is judged.
    Other,
    /// Pods were told to end.
    Deleted {
        /// How many.
        pods: usize,
        /// When the youngest of them was created.
        youngest: Option<Timestamp>,
        /// How many of them were the service's and ready.
        ready: usize,
        /// How many ready pods of the service were left.
        ready_left: usize,
        /// How many of those that ended are not the service's.
        others: usize,
    },
    /// The deployment wants another number of pods.
    Scaled {
        /// Before.
        from: u64,
        /// After.
        to: u64,
    },
    /// The deployment rolls its pods out anew, unchanged.
    Restarted,
    /// The deployment's pods are to be others.
    Changed {
        /// Images before and after.
        images: Vec<(SafeText, SafeText)>,
    },
}

/// An act with what the console knew at the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The act.
    pub act: AuditEntry,
    /// Whether a leader was settling by what the screen showed; `None` without a screen.
    pub settling: Option<bool>,
}

/// What an act was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assessment {
    /// What the situation asked for.
    AsAsked,
    /// It helped nothing.
    Needless,
    /// It did harm, and how.
    Harmful(&'static str),
    /// It was not done.
    Refused,
    /// Not judged.
    Open,
}

const NO_POD_LEFT: &str = "no ready pod was left, so nothing answered until one came up";
const NOT_OURS: &str = "that pod is not the service's, and what it did is lost";
const NONE_WANTED: &str = "no pod was to run any more";
const RESTART_HARMS: &str = "a restart makes it worse here";
const SCALE_HARMS: &str = "more pods make it worse here";
const SETTLING: &str = "something was settling: a restart begins the wait anew";
const AGAIN: &str = "restarted again: one restart, then wait for what it does";

/// What the last of `acts` was worth, those before it considered; `began` is the drill's start.
pub fn worth(acts: &[Noted], right: &Right, began: Timestamp) -> Assessment {
    let Some((noted, before)) = acts.split_last() else {
        return Assessment::Open;
    };
    if noted.act.code >= 300 {
        return Assessment::Refused;
    }
    match &noted.act.effect {
        ActEffect::Other | ActEffect::Changed { .. } => Assessment::Open,
        ActEffect::Scaled { from, to } => scaled(*from, *to, before, right),
        ActEffect::Deleted { others, .. } if *others > 0 => Assessment::Harmful(NOT_OURS),
        ActEffect::Deleted {
            ready, ready_left: 0, ..
        } if *ready > 0 => Assessment::Harmful(NO_POD_LEFT),
        ActEffect::Deleted { youngest, .. } => {
            let young = youngest.is_some_and(|created| created >= began);
            restarted(young, noted.settling, right)
        }
        ActEffect::Restarted => restarted(before.iter().any(is_restart), noted.settling, right),
    }
}

fn is_restart(noted: &Noted) -> bool {
    matches!(noted.act.effect, ActEffect::Deleted { .. } | ActEffect::Restarted)
}

fn restarted(again: bool, settling: Option<bool>, right: &Right) -> Assessment {
    match right.choice.action {
        // Pods that do not run are started by their deployment: what ends them is as good as what starts them.
        Advice::RestartPods | Advice::StartPods if again => Assessment::Harmful(AGAIN),
        Advice::RestartPods | Advice::StartPods => Assessment::AsAsked,
        _ if right.harmful.contains(&Advice::RestartPods) => Assessment::Harmful(RESTART_HARMS),
        _ if settling == Some(true) => Assessment::Harmful(SETTLING),
        _ => Assessment::Needless,
    }
}

fn scaled(from: u64, to: u64, before: &[Noted], right: &Right) -> Assessment {
    let raised = |noted: &Noted| matches!(noted.act.effect, ActEffect::Scaled { from, to } if to > from);
    match right.choice.action {
        _ if to == 0 => Assessment::Harmful(NONE_WANTED),
        _ if to < from && before.iter().any(raised) => Assessment::Open,
        _ if to < from => Assessment::Needless,
        Advice::StartPods if from == 0 => Assessment::AsAsked,
        Advice::ScaleUp => Assessment::AsAsked,
        _ if right.harmful.contains(&Advice::ScaleUp) => Assessment::Harmful(SCALE_HARMS),
        _ => Assessment::Needless,
    }
}

/// The client as people call it, from what it calls itself.
pub fn agent_family(agent: &str) -> SafeText {
    let name = agent.split(['/', ' ']).next().unwrap_or_default();
    match name {
        "" => "another client".into(),
        "kubectl" | "oc" | "sopwatch" => name.into(),
        other => SafeText::cut(other, 40),
    }
}

impl AuditEntry {
    /// As a sentence without its end: `kubectl deleted pod managed-services-api-…`.
    pub fn words(&self) -> SafeText {
        let Self { agent, name, .. } = self;
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
            ActEffect::Deleted { pods: 1, .. } if !name.is_empty() => safe!("{agent} deleted pod {name}"),
            ActEffect::Deleted { pods, .. } => safe!("{agent} deleted {pods} pods"),
            ActEffect::Scaled { from, to } => safe!("{agent} scaled {name} from {from} to {to}"),
            ActEffect::Restarted => safe!("{agent} restarted the rollout of {name}"),
            ActEffect::Changed { images } => match images.first() {
                Some((_, image)) => safe!("{agent} set the image of {name} to {image}"),
                None => safe!("{agent} changed the pod template of {name}"),
            },
            ActEffect::Other => safe!("{agent}: {} {} {name}", self.verb, self.resource)
                .trim_end()
                .into(),
        }
    }
}

fn refusal_words(code: u16) -> String {
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
    format!("{word} ({code})")
}

impl Assessment {
    /// In a few words; `None` where nothing is to be said.
    pub fn words(self) -> Option<String> {
        match self {
            Self::AsAsked => Some("what the situation asked for".to_owned()),
            Self::Needless => Some("needless: it could help nothing".to_owned()),
            Self::Harmful(how) => Some(format!("harmful: {how}")),
            Self::Refused | Self::Open => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::Choice;
    use super::*;
    use sopwatch_core::testkit::{ago, now};

    fn noted(code: u16, effect: ActEffect, settling: Option<bool>) -> Noted {
        let act = AuditEntry {
            at: now(),
            agent: "kubectl".into(),
            verb: "delete".into(),
            resource: "pods".into(),
            name: "p".into(),
            code,
            effect,
        };
        Noted { act, settling }
    }

    /// A deletion of a pod that old, with so many ready pods left.
    fn delete(seconds_old: i64, ready: usize, ready_left: usize) -> ActEffect {
        ActEffect::Deleted {
            pods: 1,
            youngest: Some(ago(seconds_old)),
            ready,
            ready_left,
            others: 0,
        }
    }

    fn right(action: Advice, harmful: &[Advice]) -> Right {
        let contact = None;
        Right {
            choice: Choice { action, contact },
            harmful: harmful.to_vec(),
        }
    }

    #[test]
    fn acts_are_worth_what_the_scenario_asks_for() {
        use Advice::{Escalate, None as Nothing, RestartPods, ScaleUp, StartPods, Wait};
        use Assessment::{AsAsked, Harmful, Needless, Open};
        let scale = |from, to| ActEffect::Scaled { from, to };
        let changed = || ActEffect::Changed { images: Vec::new() };
        let calm = Some(false);
        let cases = [
            (RestartPods, &[][..], delete(900, 1, 2), calm, AsAsked),
            // One after the other: after the first, the leaders settle.
            (RestartPods, &[], delete(900, 1, 2), Some(true), AsAsked),
            (RestartPods, &[], delete(30, 1, 2), calm, Harmful(AGAIN)),
            (RestartPods, &[], delete(900, 1, 0), calm, Harmful(NO_POD_LEFT)),
            (RestartPods, &[], ActEffect::Restarted, calm, AsAsked),
            (StartPods, &[], scale(0, 3), calm, AsAsked),
            (StartPods, &[], delete(900, 0, 0), calm, AsAsked),
            (StartPods, &[], scale(3, 5), calm, Needless),
            (ScaleUp, &[], scale(3, 5), calm, AsAsked),
            (ScaleUp, &[], scale(3, 1), calm, Needless),
            (ScaleUp, &[], scale(3, 0), calm, Harmful(NONE_WANTED)),
            (Nothing, &[], delete(900, 1, 2), calm, Needless),
            (Nothing, &[], delete(900, 1, 2), None, Needless),
            (
                Nothing,
                &[RestartPods],
                delete(900, 1, 2),
                calm,
                Harmful(RESTART_HARMS),
            ),
            (Wait, &[], delete(900, 1, 2), Some(true), Harmful(SETTLING)),
            (Wait, &[], ActEffect::Restarted, Some(true), Harmful(SETTLING)),
            (Escalate, &[], delete(900, 0, 0), calm, Needless),
            (Escalate, &[ScaleUp], scale(3, 6), calm, Harmful(SCALE_HARMS)),
            (Escalate, &[], scale(3, 6), calm, Needless),
            (Escalate, &[], changed(), calm, Open),
            (Escalate, &[], ActEffect::Other, calm, Open),
        ];
        for (action, harmful, effect, settling, want) in cases {
            let what = format!("{action:?}: {effect:?}");
            let acts = [noted(200, effect, settling)];
            assert_eq!(worth(&acts, &right(action, harmful), ago(300)), want, "{what}");
        }
    }

    #[test]
    fn what_came_before_counts() {
        let restart = right(Advice::RestartPods, &[]);
        let twice = [
            noted(200, ActEffect::Restarted, None),
            noted(200, ActEffect::Restarted, None),
        ];
        assert_eq!(worth(&twice, &restart, ago(300)), Assessment::Harmful(AGAIN));
        let up_and_down = [
            noted(200, ActEffect::Scaled { from: 3, to: 5 }, None),
            noted(200, ActEffect::Scaled { from: 5, to: 3 }, None),
        ];
        assert_eq!(worth(&up_and_down, &restart, ago(300)), Assessment::Open);
        let refused = [noted(403, ActEffect::Other, None)];
        assert_eq!(worth(&refused, &restart, ago(300)), Assessment::Refused);
        assert_eq!(worth(&[], &restart, ago(300)), Assessment::Open);
    }

    #[test]
    fn to_end_a_pod_that_is_not_the_services_does_harm() {
        let other = ActEffect::Deleted {
            pods: 1,
            youngest: Some(ago(9_000)),
            ready: 0,
            ready_left: 2,
            others: 1,
        };
        let asked = right(Advice::RestartPods, &[]);
        let acts = [noted(200, other, None)];
        assert_eq!(worth(&acts, &asked, ago(300)), Assessment::Harmful(NOT_OURS));
    }

    #[test]
    fn acts_read_as_sentences() {
        let words = |code, effect| noted(code, effect, None).act.words();
        let images = vec![("a:1".into(), "a:2".into())];
        for (code, effect, sentence) in [
            (200, delete(9, 1, 2), "kubectl deleted pod p"),
            (
                200,
                ActEffect::Scaled { from: 3, to: 5 },
                "kubectl scaled p from 3 to 5",
            ),
            (200, ActEffect::Restarted, "kubectl restarted the rollout of p"),
            (
                200,
                ActEffect::Changed { images },
                "kubectl set the image of p to a:2",
            ),
            (200, ActEffect::Other, "kubectl: delete pods p"),
            (
                403,
                ActEffect::Other,
                "kubectl tried to delete pods p: forbidden (403)",
            ),
            (
                500,
                ActEffect::Other,
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
            assert_eq!(&*agent_family(agent), family, "{agent}");
        }
    }
}
