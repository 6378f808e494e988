//! `load`: the pods keep up with their requests.

use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::conditions::{RuleCondition as _, Saturated};
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::step_result::StepResult;
use crate::diagnose::vital_words::{requests_in_brief, value_of};
use crate::observe::source::{Freshness, SourceId};
use crate::profile::Profile;
use crate::profile::sop::StepStatus;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::{SafeText, duration};

/// The pods keep up with their requests, as a rule with a `saturated` condition sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Load {
    /// The rule whose `saturated` condition says what is too much.
    pub rule: String,
}

impl Load {
    /// The rule's condition, if there is such a rule.
    pub(in crate::diagnose) fn condition<'p>(&self, profile: &'p Profile) -> Option<&'p Saturated> {
        let rule = profile.rules.iter().find(|known| known.id == self.rule)?;
        Saturated::in_condition(&rule.when)
    }
}

impl StepCheck for Load {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let Some(saturated) = self.condition(case.profile) else {
            let why = "the profile has no threshold for the load".to_owned();
            return StepResult::unknown("request log", "no threshold", why);
        };
        let vitals = case.vitals(saturated.span());
        let signs = &vitals.together;
        let (status, evidence) = match saturated.evaluate(case) {
            Truth::True { because, .. } => (StepStatus::Fail, because),
            Truth::False { because } => (StepStatus::Pass, vec![because]),
            Truth::Unknown { missing } if signs.logged.stale || pods_have_stopped(case) => {
                (StepStatus::Stale, vec![missing])
            }
            Truth::Unknown { missing } => (StepStatus::Unknown, vec![missing]),
        };
        let cpu = signs.usage.value.and_then(|usage| usage.cpu_percent);
        let cpu = cpu.map(|percent| safe!(", CPU {percent} %"));
        let value = safe!(
            "{}{}",
            value_of(&signs.logged, requests_in_brief),
            cpu.unwrap_or_default()
        );
        let source = if case.metrics().is_some() {
            "request log and metrics"
        } else {
            "request log"
        };
        StepResult::new(status, source)
            .value(value)
            .against(threshold(saturated))
            .evidence(evidence)
            .aged(signs.logged.age_s)
    }

    /// The rule must say what is too much.
    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        let rules = mistakes.profile.rules.iter();
        let rules = rules.filter(|rule| Saturated::in_condition(&rule.when).is_some());
        let known: Vec<_> = rules.map(|rule| rule.id.as_str()).collect();
        let what = "rule with a `saturated` condition";
        let path = format!("{path}.rule");
        mistakes.known(&path, what, &self.rule, known.iter().copied());
    }
}

fn pods_have_stopped(case: &Evaluation<'_>) -> bool {
    matches!(
        case.state.freshness(&SourceId::Pods, case.now),
        Freshness::Stale(_)
    )
}

/// `at most 10 % over 100 ms and 1 % over 1 s in 5m; CPU below 95 % of its limit`.
fn threshold(saturated: &Saturated) -> SafeText {
    let cpu = saturated
        .cpu
        .map(|percent| safe!("; CPU below {percent} % of its limit"));
    safe!(
        "at most {} % over 100 ms and {} % over 1 s in {}{}",
        saturated.shares.slow,
        saturated.shares.very_slow,
        duration::brief(saturated.span()),
        cpu.unwrap_or_default()
    )
}
