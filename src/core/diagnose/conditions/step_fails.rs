//! `step-fails`: a step of the SOP fails, and no other rule says what to do.

use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::steps::Check;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::SafeText;

/// A step of the SOP fails, and no other rule holds: the SOP's "otherwise". A step that the operator looks at and ticks does not count.
///
/// Where a rule about each of the failing steps can't be evaluated, that rule may be what holds, and what is missing has to be read first.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct StepFails {}

impl RuleCondition for StepFails {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        let having = |status| case.steps.iter().filter(move |(_, found)| found.status == status);
        if having(StepStatus::Fail).next().is_some() {
            if let Some(rule) = case.another_rule() {
                return Truth::holds_not(safe!("rule {} applies", rule.id));
            }
            if let Some(why) = calls_nobody(case) {
                return Truth::unknown(why);
            }
            let missing: Option<Vec<_>> = having(StepStatus::Fail)
                .map(|(check, _)| case.missing_for(check))
                .collect();
            return match missing.and_then(|missing| missing.into_iter().next()) {
                Some(missing) => Truth::unknown(missing),
                None => Truth::holds(case.failing_in_words()),
            };
        }
        // The alert tells that something is wrong, not what: without it the other steps tell as much as ever.
        let open = having(StepStatus::Unknown)
            .chain(having(StepStatus::Stale))
            .find(|(check, _)| !matches!(check, Check::Alert(_)));
        match open {
            Some((_, found)) => Truth::unknown(safe!("step {}: {}", found.title, found.value)),
            None => Truth::holds_not("no step fails"),
        }
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        "a step fails that no other rule covers".into()
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        "no step fails, or another rule applies".into()
    }

    fn rests_on_steps(&self) -> bool {
        true
    }

    fn is_unclear(&self, case: &Evaluation<'_>) -> bool {
        calls_nobody(case).is_some()
    }
}

/// What to do about steps that fail and alone call nobody, where no other fails.
fn calls_nobody(case: &Evaluation<'_>) -> Option<&'static str> {
    let failing = || {
        let steps = case.steps.iter();
        steps.filter(|(_, found)| found.status == StepStatus::Fail)
    };
    failing().next()?;
    // An alert looks back over its window, and fires for a while after its cause is gone.
    if failing().all(|(check, _)| matches!(check, Check::Alert(_))) {
        return Some(
            "the alert fires, and no step shows why: it may look back on what is over; see whether it resolves",
        );
    }
    // Issues are the whole service's, whichever SOP is open: they call nobody where the SOP's own alert is quiet, too.
    let of_tracker = failing().all(|(check, _)| matches!(check, Check::Tracker(_)));
    let has_alert = case
        .steps
        .iter()
        .any(|(check, _)| matches!(check, Check::Alert(_)));
    (of_tracker && has_alert).then_some(
        "the error tracker has a new or rising issue, and neither the alert nor another step shows its effect here: read it",
    )
}
