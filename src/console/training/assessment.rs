//! What the requests that changed the drill's cluster were worth in the scenario, whoever sent them.

use jiff::Timestamp;
use sopwatch_core::observe::audit::{AuditEffect, AuditEntry};
use sopwatch_core::profile::rule::Advice;

use super::answer::Right;

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

const NO_POD_LEFT: &str = "no ready pod was left to answer until one came up";
const NOT_OURS: &str = "that pod belongs to another service";
const NONE_WANTED: &str = "no pod was left to run";
const RESTART_HARMS: &str = "a restart makes it worse here";
const SCALE_HARMS: &str = "more pods make it worse here";
const SETTLING: &str = "a pod had just restarted: another restart starts the wait again";
const AGAIN: &str = "restarted again: restart once, then wait";

/// What the last of `acts` was worth, those before it considered; `began` is the drill's start.
pub fn worth(acts: &[Noted], right: &Right, began: Timestamp) -> Assessment {
    let Some((noted, before)) = acts.split_last() else {
        return Assessment::Open;
    };
    if noted.act.code >= 300 {
        return Assessment::Refused;
    }
    match &noted.act.effect {
        AuditEffect::Other | AuditEffect::Changed { .. } => Assessment::Open,
        AuditEffect::Scaled { from, to } => scaled(*from, *to, before, right),
        AuditEffect::Deleted { others, .. } if *others > 0 => Assessment::Harmful(NOT_OURS),
        AuditEffect::Deleted {
            ready, ready_left: 0, ..
        } if *ready > 0 => Assessment::Harmful(NO_POD_LEFT),
        AuditEffect::Deleted { youngest, .. } => {
            let young = youngest.is_some_and(|created| created >= began);
            restarted(young, noted.settling, right)
        }
        AuditEffect::Restarted => restarted(before.iter().any(is_restart), noted.settling, right),
    }
}

fn is_restart(noted: &Noted) -> bool {
    matches!(
        noted.act.effect,
        AuditEffect::Deleted { .. } | AuditEffect::Restarted
    )
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
    let raised = |noted: &Noted| matches!(noted.act.effect, AuditEffect::Scaled { from, to } if to > from);
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

impl Assessment {
    /// In a few words; `None` where nothing is to be said.
    pub fn words(self) -> Option<String> {
        match self {
            Self::AsAsked => Some("correct action".to_owned()),
            Self::Needless => Some("not needed: it could not help".to_owned()),
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

    fn noted(code: u16, effect: AuditEffect, settling: Option<bool>) -> Noted {
        let act = AuditEntry {
            at: now(),
            agent: "kubectl".into(),
            verb: "delete",
            resource: "pods".into(),
            name: "p".into(),
            code,
            effect,
        };
        Noted { act, settling }
    }

    /// A deletion of a pod that old, with so many ready pods left.
    fn delete(seconds_old: i64, ready: usize, ready_left: usize) -> AuditEffect {
        AuditEffect::Deleted {
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
            or: Vec::new(),
            harmful: harmful.to_vec(),
        }
    }

    #[test]
    fn acts_are_worth_what_the_scenario_asks_for() {
        use Advice::{Escalate, None as Nothing, RestartPods, ScaleUp, StartPods, Wait};
        use Assessment::{AsAsked, Harmful, Needless, Open};
        let scale = |from, to| AuditEffect::Scaled { from, to };
        let changed = || AuditEffect::Changed { images: Vec::new() };
        let calm = Some(false);
        let cases = [
            (RestartPods, &[][..], delete(900, 1, 2), calm, AsAsked),
            // One after the other: after the first, the leaders settle.
            (RestartPods, &[], delete(900, 1, 2), Some(true), AsAsked),
            (RestartPods, &[], delete(30, 1, 2), calm, Harmful(AGAIN)),
            (RestartPods, &[], delete(900, 1, 0), calm, Harmful(NO_POD_LEFT)),
            (RestartPods, &[], AuditEffect::Restarted, calm, AsAsked),
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
            (Wait, &[], AuditEffect::Restarted, Some(true), Harmful(SETTLING)),
            (Escalate, &[], delete(900, 0, 0), calm, Needless),
            (Escalate, &[ScaleUp], scale(3, 6), calm, Harmful(SCALE_HARMS)),
            (Escalate, &[], scale(3, 6), calm, Needless),
            (Escalate, &[], changed(), calm, Open),
            (Escalate, &[], AuditEffect::Other, calm, Open),
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
            noted(200, AuditEffect::Restarted, None),
            noted(200, AuditEffect::Restarted, None),
        ];
        assert_eq!(worth(&twice, &restart, ago(300)), Assessment::Harmful(AGAIN));
        let up_and_down = [
            noted(200, AuditEffect::Scaled { from: 3, to: 5 }, None),
            noted(200, AuditEffect::Scaled { from: 5, to: 3 }, None),
        ];
        assert_eq!(worth(&up_and_down, &restart, ago(300)), Assessment::Open);
        let refused = [noted(403, AuditEffect::Other, None)];
        assert_eq!(worth(&refused, &restart, ago(300)), Assessment::Refused);
        assert_eq!(worth(&[], &restart, ago(300)), Assessment::Open);
    }

    #[test]
    fn to_end_a_pod_that_is_not_the_services_does_harm() {
        let other = AuditEffect::Deleted {
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
}
