//! `log-errors`: the logs have no errors lately.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::conditions::{Errors, RuleCondition as _, errors_in_words};
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::{Evaluation, time_of_day};
use crate::diagnose::quoting;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::log_errors::ClassSummary;
use crate::observe::observation::ContainerState;
use crate::observe::source::{Freshness, SourceId};
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, duration};

/// How long errors count that no rule names.
const COUNTS: Duration = Duration::from_mins(10);

/// The logs have no error lately, whatever its class, or fewer than the rules allow. Errors that are over pass, with the time of the last
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct LogErrors {}

impl StepCheck for LogErrors {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let summaries = case.state.errors.summaries(case.window());
        let limits = error_limits(case);
        let too_many = limits.iter().map(|limit| limit.evaluate(case));
        let stopped = match case.hear(&SourceId::Pods, "pods") {
            SourceCheck::Current(_) => has_stopped_log(case),
            SourceCheck::Stopped(..) => true,
            SourceCheck::Never(_) => false,
        };
        let unread = case.unread_logs();
        let status = match Truth::any(too_many) {
            Truth::True { .. } if matches!(case.hear(&SourceId::Pods, "pods"), SourceCheck::Current(_)) => {
                StepStatus::Fail
            }
            Truth::True { .. } => StepStatus::Stale,
            Truth::False { .. } if unread.is_none() && !case.state.logs.is_empty() => StepStatus::Pass,
            _ if stopped => StepStatus::Stale,
            _ => StepStatus::Unknown,
        };
        let newest = summaries.iter().map(|summary| summary.newest.1.at).max();
        let value = match (status, newest) {
            (StepStatus::Pass, Some(at)) => {
                safe!("{}, none since {}", by_class(&summaries, case), time_of_day(at))
            }
            (_, Some(_)) => by_class(&summaries, case),
            (StepStatus::Pass, None) => "no errors".into(),
            (StepStatus::Stale, None) => "no current data".into(),
            (_, None) if unread.is_none() => "no log read".into(),
            (_, None) => "not all logs read".into(),
        };
        let mut answer = StepResult::new(status, "logs")
            .value(value)
            .against(limits_in_words(&limits, case))
            .evidence(summaries.iter().map(|summary| class_in_words(summary, case)))
            .evidence(unread);
        answer.age = case.age_of_logs();
        match answer.status {
            StepStatus::Pass => answer.evidence(rotated_logs(case)),
            _ => answer,
        }
    }
}

/// The `errors` conditions of the table's rules, for whatever alert. One error of a class that none of them names is too many.
fn error_limits(case: &Evaluation<'_>) -> Vec<Errors> {
    let mut limits: Vec<Errors> = Vec::new();
    let rules = case.profile.rules.iter();
    for limit in rules.flat_map(|rule| Errors::in_condition(&rule.when)) {
        if !limits.contains(limit) {
            limits.push(limit.clone());
        }
    }
    let since = case.window();
    let classes = case.state.errors.classes().into_iter();
    let seen = classes.filter(|class| case.state.errors.since(class, since).next().is_some());
    let is_named = |class: &String| limits.iter().any(|limit| limit.classes.contains(class));
    let unnamed: Vec<String> = seen
        .map(ToString::to_string)
        .filter(|class| !is_named(class))
        .collect();
    limits.extend(unnamed.into_iter().map(|class| Errors {
        classes: vec![class],
        within: COUNTS,
        at_least: 1,
    }));
    limits
}

/// `fewer than 2 errors in 1m30s (OCM, Kafka); fewer than 2 errors in 10m (service, unclassified)`.
fn limits_in_words(limits: &[Errors], case: &Evaluation<'_>) -> SafeText {
    let mut groups: Vec<(usize, SignedDuration, Vec<String>)> = Vec::new();
    for limit in limits {
        let same = |group: &&mut (usize, SignedDuration, Vec<String>)| {
            (group.0, group.1) == (limit.at_least, limit.span())
        };
        match groups.iter_mut().find(same) {
            Some((_, _, classes)) => classes.extend(limit.classes.iter().cloned()),
            None => groups.push((limit.at_least, limit.span(), limit.classes.clone())),
        }
    }
    let words = groups.into_iter().map(|(at_least, within, mut classes)| {
        let mut seen = BTreeSet::new();
        classes.retain(|class| seen.insert(class.clone()));
        let titles: Vec<_> = classes
            .iter()
            .map(|class| case.profile.class_title(class))
            .collect();
        let (titles, within) = (titles.join(", "), duration::brief(within));
        match at_least {
            0 | 1 => safe!("no error in {within} ({titles})"),
            some => safe!("fewer than {some} errors in {within} ({titles})"),
        }
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() {
        return case.none_lately("errors");
    }
    words.join("; ").into()
}

/// Logs that begin within the window although their container ran before: what they said before is lost.
fn rotated_logs(case: &Evaluation<'_>) -> impl Iterator<Item = SafeText> {
    let since = case.window();
    let living = case.state.logs.iter().filter_map(move |(source, log)| {
        let pod = case.state.pods.get(&source.pod_uid)?;
        let mut containers = pod.containers.iter();
        let container =
            containers.find(|one| *one.name == *source.container && one.restarts == source.restart)?;
        let ContainerState::Running { since: Some(started) } = container.state else {
            return None;
        };
        let first = log.progress.first_at?;
        (first > since && log.lost_its_beginning(started)).then_some((source, first))
    });
    living.map(|(source, first)| {
        safe!(
            "log of {}: begins {} ago, older lines are lost",
            source.short_name(),
            duration::brief(case.since(first))
        )
    })
}

/// `6 OCM errors, 2 database errors`.
fn by_class(summaries: &[ClassSummary<'_>], case: &Evaluation<'_>) -> SafeText {
    let all: Vec<_> = summaries.iter().map(|summary| in_short(summary, case)).collect();
    all.join(", ").into()
}

fn in_short(summary: &ClassSummary<'_>, case: &Evaluation<'_>) -> SafeText {
    let title = case.profile.class_title(summary.class);
    errors_in_words(summary.count, summary.more, title)
}

/// `6 OCM errors, first 12m ago, last 4s ago in blf5h: clusters_mgr.go:130] failed to …`.
fn class_in_words(summary: &ClassSummary<'_>, case: &Evaluation<'_>) -> SafeText {
    let ago = |at| duration::brief(case.since(at));
    let (source, newest) = summary.newest;
    let or_earlier = if summary.earlier { " or earlier" } else { "" };
    let lead = safe!(
        "{}, first {} ago{or_earlier}, last {} ago in {}: ",
        in_short(summary, case),
        ago(summary.first_at),
        ago(newest.at),
        source.short_name(),
    );
    quoting::quote(&lead, &newest.message_first())
}

fn has_stopped_log(case: &Evaluation<'_>) -> bool {
    case.logs_heard()
        .any(|(_, freshness)| matches!(freshness, Freshness::Stale(_)))
}
