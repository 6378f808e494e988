//! `events`: the service has no warning events lately.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::{Evaluation, time_of_day};
use crate::diagnose::event_evidence::is_of_the_cluster;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::ClusterEvent;
use crate::observe::source::SourceId;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::SafeText;

/// Lines of evidence that are shown of many.
const LINES: usize = 5;

/// What a pass does not know: the API server keeps the events of objects without a namespace in `default`.
const UNREAD: &str = "only events of this namespace are read, not those of nodes";

/// The service has no warning event within the window, but for trouble that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Events {}

impl StepCheck for Events {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let heard = case.hear(&SourceId::ClusterEvents, "events");
        if let SourceCheck::Never(why) = heard {
            return StepResult::unknown("events", "events not read", why);
        }
        let since = case.window();
        let lately = |event: &&ClusterEvent| event.last_at.is_none_or(|at| at >= since);
        let warnings = case.state.service_events().filter(|event| event.warning);
        let mut warnings: Vec<_> = warnings.filter(lately).collect();
        // What still counts first, of that the cluster's own, then the newest; one line an object and reason.
        warnings.sort_by_key(|event| {
            let newest = std::cmp::Reverse(event.last_at);
            (case.is_over(event), !is_of_the_cluster(event), newest)
        });
        let (past, open): (Vec<&ClusterEvent>, Vec<&ClusterEvent>) =
            warnings.iter().partition(|event| case.is_over(event));
        let newest = past.iter().filter_map(|event| event.last_at).max();
        let (status, value) = match (open.is_empty(), newest) {
            (false, _) => (StepStatus::Fail, by_reason(&open)),
            (true, Some(at)) => (
                StepStatus::Pass,
                safe!("{}, none since {}", by_reason(&past), time_of_day(at)),
            ),
            (true, None) => (StepStatus::Pass, by_reason(&past)),
        };
        let shown = warnings.iter().take(LINES).map(|event| {
            let over = if case.is_over(event) { "over: " } else { "" };
            safe!("{over}{}", case.event_in_words(event))
        });
        StepResult::new(status, "events")
            .value(value)
            .against(case.none_lately("warnings"))
            .evidence(at_cluster_level(&open))
            .evidence(shown)
            .evidence(more(warnings.len()))
            .evidence((status == StepStatus::Pass).then_some(UNREAD))
            .heard(&heard)
    }
}

/// How many of the warnings are the cluster's and not the service's, if any: then OCM support is to act.
fn at_cluster_level(warnings: &[&ClusterEvent]) -> Option<SafeText> {
    // As often as they happened, as in `by_reason`.
    let times = |event: &ClusterEvent| u64::from(event.count);
    let of: u64 = warnings.iter().map(|event| times(event)).sum();
    let counted = warnings.iter().filter(|event| is_of_the_cluster(event));
    let count: u64 = counted.map(|event| times(event)).sum();
    let share = if count == of {
        format!("all {of}")
    } else {
        format!("{count} of {of}")
    };
    (count > 0).then(|| safe!("{share} are cluster problems (scheduling, node, mount, quota)"))
}

/// `6 warnings: 5 BackOff, 1 Unhealthy`.
fn by_reason(warnings: &[&ClusterEvent]) -> SafeText {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for event in warnings {
        *counts.entry(&event.reason).or_default() += u64::from(event.count);
    }
    let total: u64 = counts.values().sum();
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let reasons: Vec<_> = counts
        .iter()
        .take(LINES)
        .map(|(reason, count)| safe!("{count} {reason}"))
        .collect();
    match total {
        0 => "no warning".into(),
        1 => safe!(
            "1 warning: {}",
            counts.iter().map(|(reason, _)| *reason).collect::<String>()
        ),
        _ => safe!("{total} warnings: {}", reasons.join(", ")),
    }
}

fn more(count: usize) -> Option<SafeText> {
    (count > LINES).then(|| safe!("and {} more", count - LINES))
}
