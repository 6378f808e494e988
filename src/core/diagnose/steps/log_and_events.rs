//! What the events and the logs of the window say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::diagnose::Evaluation;
use crate::diagnose::decide::{ErrorLimit, Truth, is_of_the_cluster};
use crate::diagnose::evidence;
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::log_errors::ClassSummary;
use crate::observe::observation::{ClusterEvent, ContainerState};
use crate::observe::source::{Freshness, SourceId, SourceState};
use crate::profile::sop::StepStatus;
use crate::text::duration;

/// Lines of evidence that are shown of many.
const LINES: usize = 5;

/// A log whose first line is younger than its container by more than this has lost its beginning.
const FIRST_LINE_WITHIN: SignedDuration = SignedDuration::from_secs(5);

impl Evaluation<'_> {
    /// The warnings of the window among the service's events, by reason.
    pub(in crate::diagnose) fn events(&self) -> StepResult {
        let heard = self.hear(&SourceId::ClusterEvents, "events");
        if let SourceCheck::Never(why) = heard {
            return StepResult::unknown("events", "events not read", why);
        }
        let since = self.window();
        let lately = |event: &&ClusterEvent| event.last_at.is_none_or(|at| at >= since);
        let warnings = self.state.service_events().filter(|event| event.warning);
        let mut warnings: Vec<_> = warnings.filter(lately).collect();
        // What still counts first, of that the cluster's own, then the newest; one line an object and reason.
        warnings.sort_by_key(|event| {
            let newest = std::cmp::Reverse(event.last_at);
            (self.is_over(event), !is_of_the_cluster(event), newest)
        });
        let (past, open): (Vec<&ClusterEvent>, Vec<&ClusterEvent>) =
            warnings.iter().partition(|event| self.is_over(event));
        let newest = past.iter().filter_map(|event| event.last_at).max();
        let (status, value) = match (open.is_empty(), newest) {
            (false, _) => (StepStatus::Fail, by_reason(&open)),
            (true, Some(at)) => (
                StepStatus::Pass,
                format!("{}, none since {}", by_reason(&past), clock(at)),
            ),
            (true, None) => (StepStatus::Pass, by_reason(&past)),
        };
        let told = warnings.iter().take(LINES).map(|event| {
            let over = if self.is_over(event) { "over: " } else { "" };
            format!("{over}{}", self.event_in_words(event))
        });
        StepResult::new(status, "events")
            .value(value)
            .against(self.none_lately())
            .evidence(at_cluster_level(&open))
            .evidence(told)
            .evidence(more(warnings.len()))
            .heard(&heard)
    }

    /// `none within 30m`.
    pub(in crate::diagnose) fn none_lately(&self) -> String {
        let window = self.now.duration_since(self.window());
        format!("none within {}", duration::brief(window))
    }

    fn event_in_words(&self, event: &ClusterEvent) -> String {
        let ago = event.last_at.map_or(String::new(), |at| {
            format!(
                " {} ago",
                duration::brief(self.now.duration_since(at).max(SignedDuration::ZERO))
            )
        });
        let (kind, name) = (&event.object_kind, &event.object_name);
        let lead = format!("{} ×{}{ago} {kind}/{name}: ", event.reason, event.count);
        evidence::quoting(&lead, &event.message)
    }

    /// Errors in the logs by class, compared with the thresholds of the rules. Errors that are over pass, with the time of the last one.
    pub(in crate::diagnose) fn log_errors(&self) -> StepResult {
        let summaries = self.state.errors.summaries(self.window());
        let limits = self.error_limits();
        let too_many = limits
            .iter()
            .map(|limit| self.errors(&limit.classes, limit.within, limit.at_least));
        let stopped = match self.hear(&SourceId::Pods, "pods") {
            SourceCheck::Current(_) => self.has_stopped_log(),
            SourceCheck::Stopped(..) => true,
            SourceCheck::Never(_) => false,
        };
        let unread = self.unread_logs();
        let status = match Truth::any(too_many) {
            Truth::True { .. } if matches!(self.hear(&SourceId::Pods, "pods"), SourceCheck::Current(_)) => {
                StepStatus::Fail
            }
            Truth::True { .. } => StepStatus::Stale,
            Truth::False { .. } if unread.is_none() && !self.state.logs.is_empty() => StepStatus::Pass,
            _ if stopped => StepStatus::Stale,
            _ => StepStatus::Unknown,
        };
        let newest = summaries.iter().map(|summary| summary.newest.1.at).max();
        let value = match (status, newest) {
            (StepStatus::Pass, Some(at)) => {
                format!("{}, none since {}", self.by_class(&summaries), clock(at))
            }
            (_, Some(_)) => self.by_class(&summaries),
            (StepStatus::Pass, None) => "no error".to_owned(),
            (StepStatus::Stale, None) => "not known any more".to_owned(),
            (_, None) if unread.is_none() => "no log read".to_owned(),
            (_, None) => "not all logs read".to_owned(),
        };
        let mut answer = StepResult::new(status, "logs")
            .value(value)
            .against(self.limits_of_errors(&limits))
            .evidence(summaries.iter().map(|summary| self.class_in_words(summary)))
            .evidence(unread);
        answer.age = self.age_of_logs();
        match answer.status {
            StepStatus::Pass => answer.evidence(self.rotated_logs()),
            _ => answer,
        }
    }

    /// `fewer than 2 errors within 1m30s (OCM, Kafka); fewer than 2 errors within 10m (Service, unclassified)`.
    fn limits_of_errors(&self, limits: &[ErrorLimit]) -> String {
        let mut groups: Vec<(usize, SignedDuration, Vec<String>)> = Vec::new();
        for limit in limits {
            let same = |group: &&mut (usize, SignedDuration, Vec<String>)| {
                (group.0, group.1) == (limit.at_least, limit.within)
            };
            match groups.iter_mut().find(same) {
                Some((_, _, classes)) => classes.extend(limit.classes.iter().cloned()),
                None => groups.push((limit.at_least, limit.within, limit.classes.clone())),
            }
        }
        let words = groups.into_iter().map(|(at_least, within, mut classes)| {
            let mut seen = BTreeSet::new();
            classes.retain(|class| seen.insert(class.clone()));
            let titles: Vec<_> = classes.iter().map(|class| self.class_title(class)).collect();
            let (titles, within) = (titles.join(", "), duration::brief(within));
            match at_least {
                0 | 1 => format!("no error within {within} ({titles})"),
                some => format!("fewer than {some} errors within {within} ({titles})"),
            }
        });
        let words: Vec<_> = words.collect();
        if words.is_empty() {
            return self.none_lately();
        }
        words.join("; ")
    }

    /// Logs that begin within the window although their container ran before: what they said then can't be had any more.
    fn rotated_logs(&self) -> impl Iterator<Item = String> {
        let since = self.window();
        let living = self.state.logs.iter().filter_map(move |(source, log)| {
            let pod = self.state.pods.get(&source.pod_uid)?;
            let mut containers = pod.containers.iter();
            let container =
                containers.find(|one| *one.name == *source.container && one.restarts == source.restart)?;
            let ContainerState::Running { since: Some(started) } = container.state else {
                return None;
            };
            let first = log.progress.first_at?;
            let lost = first > since && first.duration_since(started) > FIRST_LINE_WITHIN;
            lost.then_some((source, first))
        });
        living.map(|(source, first)| {
            format!(
                "log of {}: begins {} ago, what was before can't be had",
                source.short_name(),
                duration::brief(self.since(first))
            )
        })
    }

    /// `OCM 6, database 2`.
    fn by_class(&self, summaries: &[ClassSummary<'_>]) -> String {
        let count = |summary: &ClassSummary<'_>| {
            let more = if summary.more { "+" } else { "" };
            format!("{} {}{more}", self.class_title(summary.class), summary.count)
        };
        summaries.iter().map(count).collect::<Vec<_>>().join(", ")
    }

    pub(in crate::diagnose) fn class_title(&self, id: &str) -> String {
        let class = self.profile.error_classes.iter().find(|class| class.id == id);
        match class {
            Some(class) => class.title.clone(),
            None if id.is_empty() => "unclassified".to_owned(),
            None => id.to_owned(),
        }
    }

    /// `OCM: 6, the first 12m ago, the last 4s ago by blf5h: E0115 …`.
    fn class_in_words(&self, summary: &ClassSummary<'_>) -> String {
        let ago = |at| duration::brief(self.now.duration_since(at).max(SignedDuration::ZERO));
        let (source, newest) = summary.newest;
        let lead = format!(
            "{}: {}{}, the first {} ago, the last {} ago by {}: ",
            self.class_title(summary.class),
            summary.count,
            if summary.more { " at least" } else { "" },
            ago(summary.first_at),
            ago(newest.at),
            source.short_name(),
        );
        evidence::quoting(&lead, newest.words())
    }

    fn logs_heard(&self) -> impl Iterator<Item = (&SourceId, Freshness)> {
        let logs = self.state.sources().filter(|(id, source)| {
            let followed = !matches!(source.state, SourceState::Ended | SourceState::Resting);
            matches!(id, SourceId::Log(_)) && followed
        });
        logs.map(|(id, _)| (id, self.state.freshness(id, self.now)))
    }

    fn has_stopped_log(&self) -> bool {
        self.logs_heard()
            .any(|(_, freshness)| matches!(freshness, Freshness::Stale(_)))
    }

    /// How long ago the log was heard that was heard longest ago.
    pub(in crate::diagnose) fn age_of_logs(&self) -> Option<SignedDuration> {
        let ages = self.logs_heard().filter_map(|(_, freshness)| match freshness {
            Freshness::Fresh(age) | Freshness::Stale(age) => Some(age),
            Freshness::Missing => None,
        });
        ages.max()
    }

    /// How a log's freshness bears on the leader's step.
    pub(in crate::diagnose) fn has_stopped_source(&self) -> bool {
        let bears = |id: &SourceId| matches!(id, SourceId::Pods | SourceId::Log(_) | SourceId::Database);
        let stopped = |id| matches!(self.state.freshness(id, self.now), Freshness::Stale(_));
        let mut sources = self.state.sources();
        sources.any(|(id, source)| bears(id) && source.state != SourceState::Resting && stopped(id))
    }
}

/// How many of the warnings are the cluster's and not the service's, if any: then it is for OCM support.
fn at_cluster_level(warnings: &[&ClusterEvent]) -> Option<String> {
    let count = warnings.iter().filter(|event| is_of_the_cluster(event)).count();
    let of = warnings.len();
    (count > 0).then(|| format!("{count} of {of} are of the cluster: scheduling, nodes, mounts or quotas"))
}

/// `6 warnings: BackOff 5, Unhealthy 1`.
fn by_reason(warnings: &[&ClusterEvent]) -> String {
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
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    match total {
        0 => "no warning".to_owned(),
        1 => format!("1 warning: {}", reasons.join(", ")),
        _ => format!("{total} warnings: {}", reasons.join(", ")),
    }
}

/// A time of day, as everywhere in UTC.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M").to_string()
}

fn more(count: usize) -> Option<String> {
    (count > LINES).then(|| format!("and {} more", count - LINES))
}
