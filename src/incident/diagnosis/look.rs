//! Steps that the operator judges, with what there is to look at.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Case;
use super::answer::{Answer, Heard};
use crate::incident::fact::ClusterEvent;
use crate::incident::facts::LogKnown;
use crate::incident::feed::{Feed, FeedId, FeedState, Freshness};
use crate::incident::log::ContainerKey;
use crate::incident::sop::StepStatus;
use crate::incident::span;
use crate::incident::text::SafeText;

/// Lines of evidence that are shown of many.
const LINES: usize = 5;

/// Longest line of evidence, in characters.
const EVIDENCE: usize = 160;

impl Case<'_> {
    /// The warnings among the service's events, by reason.
    pub(super) fn events(&self) -> Answer {
        let heard = self.hear(&FeedId::ClusterEvents, "events");
        if let Heard::Never(why) = heard {
            return Answer::new(StepStatus::Manual, "events")
                .value("events not read")
                .because(why);
        }
        let mut warnings: Vec<_> = self
            .facts
            .cluster_events
            .values()
            .filter(|event| event.warning)
            .collect();
        warnings.sort_by_key(|event| std::cmp::Reverse(event.last_at));
        Answer::new(StepStatus::Manual, "events")
            .value(by_reason(&warnings))
            .evidence(
                warnings
                    .iter()
                    .take(LINES)
                    .map(|event| self.event_in_words(event)),
            )
            .evidence(more(warnings.len()))
            .heard(&heard)
    }

    fn event_in_words(&self, event: &ClusterEvent) -> String {
        let ago = event.last_at.map_or(String::new(), |at| {
            format!(
                " {} ago",
                span::brief(self.now.duration_since(at).max(SignedDuration::ZERO))
            )
        });
        let (kind, name) = (&event.object_kind, &event.object_name);
        let words = format!(
            "{} ×{}{ago} {kind}/{name}: {}",
            event.reason, event.count, event.message
        );
        SafeText::cut(&words.replace('\n', " "), EVIDENCE).to_string()
    }

    /// Records of severity error and worse in the logs.
    pub(super) fn log_errors(&self) -> Answer {
        let logs = self.hear_logs();
        let heard = logs.iter().cloned();
        let current: Vec<_> = logs
            .iter()
            .filter(|heard| matches!(heard, Heard::Current(_)))
            .collect();
        let answer = Answer::new(StepStatus::Manual, "logs").evidence(self.errors_by_log());
        if current.is_empty() {
            return match heard.reduce(Heard::and) {
                None => answer.value("no log read").because("logs: nothing heard yet"),
                Some(Heard::Never(why)) => answer.value("no log read").because(why),
                Some(stopped) => answer.value(self.count_errors()).heard(&stopped),
            };
        }
        let silent = logs.iter().filter_map(|heard| match heard {
            Heard::Never(why) | Heard::Stopped(_, why) => Some(why.clone()),
            Heard::Current(_) => None,
        });
        let oldest = heard
            .filter(|heard| matches!(heard, Heard::Current(_)))
            .reduce(Heard::and);
        let answer = answer.value(self.count_errors()).evidence(silent);
        oldest.map_or(Answer::new(StepStatus::Manual, "logs"), |oldest| {
            answer.heard(&oldest)
        })
    }

    /// How the logs are that are followed; where all have ended, how these are.
    fn hear_logs(&self) -> Vec<Heard> {
        let is_log = |(id, _): &(&FeedId, &Feed)| matches!(id, FeedId::Log(_));
        let (ended, followed): (Vec<_>, Vec<_>) = self
            .facts
            .feeds()
            .filter(is_log)
            .partition(|(_, feed)| feed.state == FeedState::Ended);
        let logs = if followed.is_empty() { ended } else { followed };
        logs.into_iter().map(|(id, _)| self.hear_log(id)).collect()
    }

    fn hear_log(&self, id: &FeedId) -> Heard {
        let name = match id {
            FeedId::Log(key) => format!("log of {}", key.short_name()),
            _ => "log".to_owned(),
        };
        self.hear(id, &name)
    }

    fn count_errors(&self) -> String {
        let errors: u64 = self.facts.logs.values().map(|log| log.progress.errors).sum();
        let logs = self.facts.logs.len();
        match errors {
            0 => format!("no error record in {logs} logs"),
            1 => format!("1 error record in {logs} logs"),
            _ => format!("{errors} error records in {logs} logs"),
        }
    }

    fn errors_by_log(&self) -> Vec<String> {
        let mut logs: Vec<_> = self
            .facts
            .logs
            .iter()
            .filter(|(_, log)| log.progress.errors > 0)
            .collect();
        logs.sort_by_key(|(_, log)| std::cmp::Reverse(log.progress.errors));
        let line = |(key, log): &(&ContainerKey, &LogKnown)| {
            let instance = if key.restart > 0 {
                format!(" #{}", key.restart)
            } else {
                String::new()
            };
            format!(
                "{} {}{instance}: {} error records",
                key.short_name(),
                key.container,
                log.progress.errors
            )
        };
        let over = more(logs.len());
        logs.iter().take(LINES).map(line).chain(over).collect()
    }

    /// How a log's freshness bears on the leader's step.
    pub(super) fn has_stopped_source(&self) -> bool {
        let bears = |id: &FeedId| matches!(id, FeedId::Pods | FeedId::Log(_) | FeedId::Database);
        let stopped = |id| matches!(self.facts.freshness(id, self.now), Freshness::Stale(_));
        self.facts.feeds().any(|(id, _)| bears(id) && stopped(id))
    }
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

fn more(count: usize) -> Option<String> {
    (count > LINES).then(|| format!("and {} more", count - LINES))
}
