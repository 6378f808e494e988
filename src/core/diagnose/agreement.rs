//! Steps and rules agree: a rule that acts has a failing step, and a failing step has a rule.

use jiff::SignedDuration;

use super::{Evaluation, StepFinding, finding};
use crate::diagnose::decide::requests::Load;
use crate::diagnose::decide::{Decision, RuleFinding, Truth};
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::diagnose::vitals::Vitals;
use crate::observe::source::SourceId;
use crate::profile::rule::{Advice, Condition, Rule};
use crate::profile::sop;
use crate::profile::sop::{Check, StepStatus};
use crate::text::duration;

/// Failing steps that are named of many.
const NAMED: usize = 3;

/// Lines of evidence of one rule in the step that is added.
const LINES: usize = 3;

impl Evaluation<'_> {
    /// Whether a step of the SOP fails while no other rule holds. A step of the operator's never fails. Where a rule about each of the
    /// failing steps can't be evaluated, that may be what holds, and what is missing has to be read first.
    pub(super) fn step_fails(&self) -> Truth {
        let having = |status| self.steps.iter().filter(move |(_, found)| found.status == status);
        if having(StepStatus::Fail).next().is_some() {
            if let Some(rule) = self.another_rule() {
                return Truth::holds_not(format!("the rule {} says what to do", rule.id));
            }
            let missing: Option<Vec<String>> = having(StepStatus::Fail)
                .map(|(check, _)| self.missing_for(check))
                .collect();
            return match missing.and_then(|missing| missing.into_iter().next()) {
                Some(missing) => Truth::unknown(missing),
                None => Truth::holds(self.failing_in_words()),
            };
        }
        let open = having(StepStatus::Unknown)
            .chain(having(StepStatus::Stale))
            .next();
        match open {
            Some((_, found)) => Truth::unknown(format!("the step {}: {}", found.title, found.value)),
            None => Truth::holds_not("no step fails"),
        }
    }

    /// `Pods running: 2/3 ready, want 3`, a line each.
    pub(super) fn failing_in_words(&self) -> Vec<String> {
        let failing = self
            .steps
            .iter()
            .filter(|(_, found)| found.status == StepStatus::Fail);
        let words = failing.map(|(_, found)| format!("{}: {}", found.title, found.value));
        words.take(NAMED).collect()
    }

    /// The rules that apply, those about failing steps left out.
    fn other_rules(&self) -> impl Iterator<Item = &Rule> {
        let rules = self.profile.rules.iter();
        rules.filter(|rule| rule.applies_to(self.alert) && !rests_on_steps(&rule.when))
    }

    /// The first of them that holds.
    fn another_rule(&self) -> Option<&Rule> {
        self.other_rules().find(|rule| self.holds(&rule.when).is_true())
    }

    /// What is missing for a rule about what a step asks, if that can't be evaluated.
    fn missing_for(&self, check: &Check) -> Option<String> {
        self.other_rules().find_map(|rule| match self.holds(&rule.when) {
            Truth::Unknown { missing } => {
                let mut parts = self.possible_parts(&rule.when).into_iter();
                parts.any(|part| self.is_about(check, part)).then_some(missing)
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
        let (source, age) = self.source_of(parts.first().copied());
        let titles: Vec<_> = unshown.iter().map(|(found, _)| found.title.as_str()).collect();
        let mut answer = StepResult::new(StepStatus::Fail, source)
            .value(titles.join("; "))
            .against("no rule holds that the steps above do not show");
        answer.age = age;
        for (found, _) in &unshown {
            let several = unshown.len() > 1;
            answer = answer.evidence(several.then(|| format!("{}:", found.title)));
            answer = answer.evidence(evidence(found));
        }
        Some(finding(sop::OTHER, sop::other_step(), answer))
    }

    /// Whether a step with such a status shows a condition that holds.
    fn is_shown(&self, part: &Condition, shows: impl Fn(StepStatus) -> bool) -> bool {
        // That a step fails shows itself.
        let by_itself = matches!(part, Condition::StepFails);
        let shown =
            |(check, found): &(&Check, StepFinding)| shows(found.status) && self.is_about(check, part);
        by_itself || self.steps.iter().any(shown)
    }

    /// Whether a step asks for what a condition is about that holds or may hold, and so gives its evidence.
    fn is_about(&self, check: &Check, part: &Condition) -> bool {
        match (check, part) {
            (Check::PodsReady, Condition::NoPodReady { .. } | Condition::Crashing)
            | (Check::Events, Condition::ClusterEvents)
            | (Check::LogErrors, Condition::Errors { .. }) => true,
            (Check::Leader { worker }, Condition::Leader { is, workers }) => {
                let mut readings = self.readings(workers);
                readings.any(|reading| {
                    let not = matches!(self.has_trouble(*is, reading), Truth::False { .. });
                    reading.log_type == *worker && !not
                })
            }
            (Check::Load { rule }, Condition::Saturated { .. }) => {
                let rule = self.profile.rules.iter().find(|known| known.id == *rule);
                rule.is_some_and(|rule| Load::in_condition(&rule.when) == Load::in_condition(part))
            }
            (Check::AnyReady { table }, Condition::NoneReady { table: of })
            | (
                Check::Limits { table },
                Condition::OverLimit { table: of, .. }
                | Condition::Blank { table: of }
                | Condition::UnknownStatus { table: of, .. },
            )
            | (Check::Failed { table }, Condition::NewlyFailed { table: of, .. }) => table == of,
            _ => false,
        }
    }

    /// The parts of a condition that make it hold. That something else does not hold is none of them.
    fn true_parts<'c>(&self, condition: &'c Condition) -> Vec<&'c Condition> {
        match condition {
            one if !self.holds(one).is_true() => Vec::new(),
            Condition::All { of } => of.iter().flat_map(|one| self.true_parts(one)).collect(),
            Condition::Any { of, optional } => {
                let each = of.iter().chain(optional);
                each.flat_map(|one| self.true_parts(one)).collect()
            }
            Condition::Not { .. } => Vec::new(),
            one => vec![one],
        }
    }

    /// The parts of a condition that hold or may hold.
    fn possible_parts<'c>(&self, condition: &'c Condition) -> Vec<&'c Condition> {
        match condition {
            Condition::All { of } => of.iter().flat_map(|one| self.possible_parts(one)).collect(),
            Condition::Any { of, optional } => {
                let each = of.iter().chain(optional);
                each.flat_map(|one| self.possible_parts(one)).collect()
            }
            Condition::Not { .. } => Vec::new(),
            one if matches!(self.holds(one), Truth::False { .. }) => Vec::new(),
            one => vec![one],
        }
    }

    /// Which source a condition rests on, and how old what it told is.
    fn source_of(&self, part: Option<&Condition>) -> (&'static str, Option<SignedDuration>) {
        let age = |id: &SourceId, name| match self.hear(id, name) {
            SourceCheck::Current(age) | SourceCheck::Stopped(age, _) => Some(age),
            SourceCheck::Never(_) => None,
        };
        match part {
            Some(Condition::Errors { .. }) => ("logs", self.age_of_logs()),
            Some(Condition::ClusterEvents) => ("events", age(&SourceId::ClusterEvents, "events")),
            Some(Condition::Crashing) => ("pods and logs", age(&SourceId::Pods, "pods")),
            Some(Condition::NoPodReady { .. }) => {
                let pods = self.hear(&SourceId::Pods, "pods");
                let heard = pods.and(self.hear(&SourceId::Deployment, "deployment"));
                let age = match heard {
                    SourceCheck::Current(age) | SourceCheck::Stopped(age, _) => Some(age),
                    SourceCheck::Never(_) => None,
                };
                ("deployment and pods", age)
            }
            Some(Condition::Leader { workers, .. }) => {
                let as_of = self.readings(workers).filter_map(|reading| reading.as_of).min();
                ("logs and leases", as_of.map(|at| self.since(at)))
            }
            Some(Condition::Saturated { .. }) => ("request log", self.age_of_logs()),
            Some(Condition::Outbound { within, .. }) => {
                let vitals = Vitals::within(self.state, self.profile, self.now, duration::of(*within));
                let sign = vitals.together.outbound;
                let seconds = sign.age_s.and_then(|age| i64::try_from(age).ok());
                (sign.source, seconds.map(SignedDuration::from_secs))
            }
            Some(
                Condition::OverLimit { .. }
                | Condition::NewlyFailed { .. }
                | Condition::Blank { .. }
                | Condition::NoneReady { .. },
            ) => ("database", age(&SourceId::Database, "database")),
            _ => ("rules", None),
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

/// Whether a condition is about steps, in any of its parts.
pub(super) fn rests_on_steps(condition: &Condition) -> bool {
    match condition {
        Condition::StepFails => true,
        Condition::All { of } => of.iter().any(rests_on_steps),
        Condition::Any { of, optional } => of.iter().chain(optional).any(rests_on_steps),
        Condition::Not { of } => rests_on_steps(of),
        _ => false,
    }
}

fn evidence(rule: &RuleFinding) -> Vec<String> {
    match &rule.truth {
        Truth::True { because, .. } => because.iter().take(LINES).cloned().collect(),
        Truth::False { .. } | Truth::Unknown { .. } => Vec::new(),
    }
}
