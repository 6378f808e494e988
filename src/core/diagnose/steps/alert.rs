//! `alert`: whether the SOP's own alert fires. Only the step that is added in front has it, where a source of alerts is configured.

use crate::safe;
use crate::text::SafeText;
use jiff::SignedDuration;

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::monitoring::alerts::{AlertState, ServiceAlert, is_alive, rules_of, service_alerts};
use crate::diagnose::monitoring::is_configured;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::AlertRule;
use crate::observe::source::SourceId;
use crate::profile::sop::StepStatus;
use crate::text::duration;

/// Evaluations that a rule may miss before its answer counts no more.
const MISSED: u64 = 3;

const SOURCE: &str = "alerts";

/// The SOP's own alert: it fires, it is about to, it is silenced, or its rule is there and quiet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiringAlert {}

impl StepCheck for FiringAlert {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let heard = sources(case);
        if let Some(Err(why)) = heard.iter().find(|heard| heard.is_err())
            && heard.iter().all(Result::is_err)
        {
            return StepResult::unknown(SOURCE, "no data", why.clone());
        }
        let age = heard.iter().flatten().max().copied();
        let alerts = service_alerts(case.state, case.profile, case.now);
        let own: Vec<_> = alerts
            .iter()
            .filter(|alert| alert.sop.as_deref() == Some(case.sop))
            .collect();
        let mut result = match own.first() {
            Some(alert) => active(alert, case),
            None => quiet(case),
        };
        let message = own.first().map(|alert| alert.message.clone());
        let message = message.filter(|message| !message.is_empty());
        // What the first one does is the step's value already, but for who silenced it and why.
        let is_said =
            |alert: &&ServiceAlert| matches!(alert.state, AlertState::Firing | AlertState::Pending { .. });
        let said = usize::from(own.first().is_some_and(is_said));
        let others = own.iter().skip(said).map(|alert| alert.words(case.now));
        let evidence = others.chain(message);
        result = result.evidence(evidence).against("the alert does not fire");
        result = result.evidence(heard.into_iter().filter_map(Result::err));
        result.age = age;
        result
    }
}

/// How old each source of alerts is that is configured, or why it can't be read now.
fn sources(case: &Evaluation<'_>) -> Vec<Result<SignedDuration, SafeText>> {
    let both = [
        (SourceId::Alerts, "alerts"),
        (SourceId::AlertRules, "alert rules"),
    ];
    let configured = both.into_iter().filter(|(id, _)| is_configured(case.state, id));
    let heard = configured.map(|(id, name)| match case.hear(&id, name) {
        SourceCheck::Current(age) => Ok(age),
        SourceCheck::Never(why) | SourceCheck::Stopped(_, why) => Err(why),
    });
    heard.collect()
}

/// One of its alerts is there.
fn active(alert: &ServiceAlert, case: &Evaluation<'_>) -> StepResult {
    let (status, value) = match &alert.state {
        AlertState::Firing => (StepStatus::Fail, alert.words(case.now)),
        AlertState::Pending { .. } => (StepStatus::Waiting, alert.words(case.now)),
        AlertState::Silenced { until, .. } => {
            let until = until.map_or(SafeText::default(), |until| {
                let left = until.duration_since(case.now).max(SignedDuration::ZERO);
                safe!(" for another {}", duration::brief(left))
            });
            (StepStatus::Unknown, safe!("{} silenced{until}", alert.name))
        }
        AlertState::Inhibited => (
            StepStatus::Unknown,
            safe!("{} held back by another alert", alert.name),
        ),
    };
    StepResult::new(status, SOURCE).value(value)
}

/// None of its alerts is there: that is well only where its rule is there too, and works.
fn quiet(case: &Evaluation<'_>) -> StepResult {
    let reading = case.state.monitoring.rules();
    let Some((_, reading)) = reading.filter(|_| case.state.is_fresh(&SourceId::AlertRules, case.now)) else {
        let alive = is_alive(case.state, case.profile, case.now);
        let why = if alive {
            "no alert of this SOP fires; whether it has one can't be seen without the alert rules"
        } else {
            "no alert of this SOP is there, and no always firing alert shows that alerts arrive"
        };
        return StepResult::unknown(SOURCE, "none fires", why.to_owned());
    };
    if let Some(warning) = reading.warnings.first() {
        let why = safe!("alert rules: the source warns that data may be missing ({warning})");
        return StepResult::unknown(SOURCE, "rules incomplete", why);
    }
    let rules = rules_of(&reading.rules, case.profile, case.sop);
    if rules.is_empty() {
        let why = if reading.complete {
            SafeText::from("no alert rule is for this SOP")
        } else {
            SafeText::from("no alert of this SOP fires; quiet rules can't be seen here")
        };
        return StepResult::unknown(SOURCE, "no rule found", why);
    }
    let troubled = rules.iter().find_map(|rule| trouble(rule, case));
    if let Some(why) = troubled {
        return StepResult::unknown(SOURCE, "rule not evaluated", why);
    }
    if let Some(why) = doubt(case) {
        return StepResult::unknown(SOURCE, "its rule is quiet", why);
    }
    let names: Vec<_> = rules.iter().map(|rule| rule.name.to_string()).collect();
    StepResult::new(StepStatus::Pass, SOURCE)
        .value("does not fire")
        .because(safe!("quiet: {}", names.join(", ")))
}

/// Why quiet rules alone prove nothing: Alertmanager is configured and can't be heard, or the rules look at old samples.
fn doubt(case: &Evaluation<'_>) -> Option<SafeText> {
    if is_configured(case.state, &SourceId::Alerts) {
        if let SourceCheck::Never(why) | SourceCheck::Stopped(_, why) = case.hear(&SourceId::Alerts, "alerts")
        {
            return Some(why);
        }
        if !is_alive(case.state, case.profile, case.now) {
            return Some("no always firing alert shows that alerts arrive".into());
        }
    }
    case.old_samples()
}

/// Why a rule's silence proves nothing.
fn trouble(rule: &AlertRule, case: &Evaluation<'_>) -> Option<SafeText> {
    let name = &rule.name;
    if let Some(error) = &rule.error {
        return Some(safe!("rule {name} can't be evaluated: {error}"));
    }
    if !rule.healthy {
        return Some(safe!("rule {name} was not evaluated yet"));
    }
    let Some(evaluated_at) = rule.evaluated_at else {
        return Some(safe!("when rule {name} was evaluated is not known"));
    };
    let interval = rule.interval_s.unwrap_or(60).saturating_mul(MISSED);
    let interval = SignedDuration::from_secs(i64::try_from(interval).unwrap_or(i64::MAX));
    let age = case.since(evaluated_at);
    let known = case.state.monitoring.rules().map_or(case.now, |(at, _)| *at);
    // By its own clock: how old the evaluation was when it was read.
    let old = known.duration_since(evaluated_at) > case.state.paced(interval);
    old.then(|| safe!("rule {name} was last evaluated {} ago", duration::brief(age)))
}
