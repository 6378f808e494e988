//! Steps and rules agree: a rule that acts has a failing step, and a failing step has a rule.

use super::evaluation::Evaluation;
use super::{StepFinding, finding};
use crate::diagnose::conditions::{Condition, Parts};
use crate::diagnose::decide::{Decision, RuleFinding, Truth};
use crate::diagnose::step_result::StepResult;
use crate::diagnose::steps::Check;
use crate::profile::rule::{Advice, Rule};
use crate::profile::sop;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::SafeText;

/// Failing steps that are named of many.
const NAMED: usize = 3;

/// Lines of evidence of one rule in the step that is added.
const LINES: usize = 3;

impl Evaluation<'_> {
    /// `Pods running: 2 of 3 ready (SOP expects 3)`, a line each.
    pub(super) fn failing_in_words(&self) -> Vec<SafeText> {
        let failing = self
            .steps
            .iter()
            .filter(|(_, found)| found.status == StepStatus::Fail);
        let words = failing.map(|(_, found)| safe!("{}: {}", found.title, found.value));
        words.take(NAMED).collect()
    }

    /// The rules that apply, those about failing steps left out.
    fn other_rules(&self) -> impl Iterator<Item = &Rule> {
        let rules = self.profile.rules.iter();
        rules.filter(|rule| rule.applies_to(self.alert) && !rule.when.kind().rests_on_steps())
    }

    /// The first of them that holds.
    pub(super) fn another_rule(&self) -> Option<&Rule> {
        self.other_rules()
            .find(|rule| rule.when.kind().evaluate(self).is_true())
    }

    /// What is missing for a rule about what a step asks, if that can't be evaluated.
    pub(super) fn missing_for(&self, check: &Check) -> Option<SafeText> {
        self.other_rules()
            .find_map(|rule| match rule.when.kind().evaluate(self) {
                Truth::Unknown { missing } => {
                    let mut parts = self.possible_parts(&rule.when).into_iter();
                    parts
                        .any(|part| part.kind().is_about(check, self))
                        .then_some(missing)
                }
                Truth::True { .. } | Truth::False { .. } => None,
            })
    }

    /// The step that is added for what holds and no other step shows; `None` where there is nothing of the kind.
    pub(super) fn other(&self, decision: &Decision) -> Option<StepFinding> {
        // While one waits, or while a source can't be read, a step may be as undecided as the advice.
        let undecided = !acts(decision.recommendation.action);
        let shows = |status| {
            status == StepStatus::Fail
                || undecided
                    && matches!(
                        status,
                        StepStatus::Waiting | StepStatus::Unknown | StepStatus::Stale
                    )
        };
        let applying = self
            .profile
            .rules
            .iter()
            .filter(|rule| rule.applies_to(self.alert));
        let unshown: Vec<_> = applying
            .zip(&decision.rules)
            .filter(|(_, found)| found.truth.is_true() && acts(found.advice.action))
            .map(|(rule, found)| (found, self.true_parts(&rule.when)))
            .filter(|(_, parts)| !parts.iter().any(|part| self.is_shown(part, shows)))
            .collect();
        let (_, parts) = unshown.first()?;
        let (source, age) = parts
            .first()
            .map_or(("rules", None), |part| part.kind().source(self));
        let titles: Vec<_> = unshown.iter().map(|(found, _)| found.title.as_str()).collect();
        let mut answer = StepResult::new(StepStatus::Fail, source)
            .value(titles.join("; "))
            .against("no rule matches without a failing step above");
        answer.age = age;
        for (found, _) in &unshown {
            let several = unshown.len() > 1;
            answer = answer.evidence(several.then(|| safe!("{}:", found.title)));
            answer = answer.evidence(evidence(found));
        }
        Some(finding(sop::OTHER, sop::other_step(), answer))
    }

    /// Whether a step with such a status shows a condition that holds.
    fn is_shown(&self, part: &Condition, shows: impl Fn(StepStatus) -> bool) -> bool {
        // That a step fails shows itself.
        let by_itself = part.kind().rests_on_steps();
        let shown =
            |(check, found): &(&Check, StepFinding)| shows(found.status) && part.kind().is_about(check, self);
        by_itself || self.steps.iter().any(shown)
    }

    /// The parts of a condition that make it hold. That something else does not hold is none of them.
    fn true_parts<'c>(&self, condition: &'c Condition) -> Vec<&'c Condition> {
        let kind = condition.kind();
        if !kind.evaluate(self).is_true() {
            return Vec::new();
        }
        match kind.parts() {
            Parts::None => vec![condition],
            Parts::Joined(parts) => parts.into_iter().flat_map(|one| self.true_parts(one)).collect(),
            Parts::Negated(_) => Vec::new(),
        }
    }

    /// The parts of a condition that hold or may hold.
    fn possible_parts<'c>(&self, condition: &'c Condition) -> Vec<&'c Condition> {
        let kind = condition.kind();
        match kind.parts() {
            Parts::None if matches!(kind.evaluate(self), Truth::False { .. }) => Vec::new(),
            Parts::None => vec![condition],
            Parts::Joined(parts) => parts
                .into_iter()
                .flat_map(|one| self.possible_parts(one))
                .collect(),
            Parts::Negated(_) => Vec::new(),
        }
    }
}

/// Whether an action is one that somebody has to take because something is wrong.
fn acts(action: Advice) -> bool {
    match action {
        Advice::StartPods | Advice::RestartPods | Advice::ScaleUp | Advice::Escalate => true,
        Advice::None | Advice::Wait | Advice::Gather => false,
    }
}

fn evidence(rule: &RuleFinding) -> Vec<SafeText> {
    match &rule.truth {
        Truth::True { because, .. } => because.iter().take(LINES).cloned().collect(),
        Truth::False { .. } | Truth::Unknown { .. } => Vec::new(),
    }
}
