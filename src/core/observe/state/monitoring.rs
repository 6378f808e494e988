//! What monitoring servers said last: the newest answer of each figure, the alerts, the rules, and the issues.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::observe::observation::{
    AlertsReading, FigureHistory, FigureReading, FiringAlert, Observation, RulesReading, TrackerReading,
};
use crate::observe::source::SourceId;
use crate::profile::monitoring::Figure;
use crate::text::SafeText;

/// How long after one round of metrics the next is asked for.
pub const METRICS_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// How long after one poll of Alertmanager the next is asked for.
pub const ALERTS_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// How long after one poll of the alerting rules the next is asked for.
pub const RULES_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How long after one poll of the error tracker the next is asked for.
pub const TRACKER_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Issues whose counts are remembered from poll to poll.
const MOST_ISSUES: usize = 100;

/// Alerts that ended and are remembered.
const MOST_ENDED: usize = 50;

/// How often a monitoring source is polled; `None` for any other source.
pub(super) fn polled_every(id: &SourceId) -> Option<SignedDuration> {
    match id {
        SourceId::Metrics | SourceId::ClusterMetrics => Some(METRICS_EVERY),
        SourceId::Alerts => Some(ALERTS_EVERY),
        SourceId::AlertRules => Some(RULES_EVERY),
        SourceId::Tracker => Some(TRACKER_EVERY),
        _ => None,
    }
}

/// What monitoring servers said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MonitoringKnown {
    figures: BTreeMap<(Figure, Option<u64>), (Timestamp, FigureReading)>,
    /// The first answer of each figure: how it was when the console began to look.
    first: BTreeMap<(Figure, Option<u64>), (Timestamp, FigureReading)>,
    history: BTreeMap<Figure, (Timestamp, FigureHistory)>,
    alerts: Option<(Timestamp, AlertsReading)>,
    rules: Option<(Timestamp, RulesReading)>,
    tracker: Option<(Timestamp, TrackerReading)>,
    /// Alerts that fired and are gone, by name, and since when.
    ended: BTreeMap<SafeText, Timestamp>,
    /// How the counts of issues move, by id.
    counts: BTreeMap<SafeText, IssueCount>,
}

/// How an issue's count moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssueCount {
    /// As the newest poll has it.
    pub now: u64,
    /// When a poll last found it higher than the one before.
    pub rose_at: Option<Timestamp>,
}

impl MonitoringKnown {
    /// Takes in what a monitoring server said; the source that was heard.
    pub(super) fn apply(&mut self, observation: Observation, now: Timestamp) -> Option<SourceId> {
        match observation {
            Observation::Metrics(readings) => {
                self.add_metrics(readings, now);
                Some(SourceId::Metrics)
            }
            Observation::ClusterMetrics(readings) => {
                self.add_metrics(readings, now);
                Some(SourceId::ClusterMetrics)
            }
            Observation::MetricsHistory(histories) => {
                self.add_history(histories, now);
                None
            }
            Observation::Alerts(reading) => {
                self.add_alerts(reading, now);
                Some(SourceId::Alerts)
            }
            Observation::AlertRules(reading) => {
                self.rules = Some((now, reading));
                Some(SourceId::AlertRules)
            }
            Observation::Tracker(reading) => {
                self.add_tracker(reading, now);
                Some(SourceId::Tracker)
            }
            _ => None,
        }
    }

    fn add_metrics(&mut self, readings: Vec<FigureReading>, now: Timestamp) {
        for reading in readings {
            let key = (reading.figure, reading.window_s);
            if reading.answer.is_ok() {
                self.first.entry(key).or_insert_with(|| (now, reading.clone()));
            }
            self.figures.insert(key, (now, reading));
        }
    }

    fn add_history(&mut self, histories: Vec<FigureHistory>, now: Timestamp) {
        for history in histories {
            self.history.insert(history.figure, (now, history));
        }
    }

    fn add_alerts(&mut self, reading: AlertsReading, now: Timestamp) {
        let name = |alert: &FiringAlert| alert.labels.get(&SafeText::new("alertname")).cloned();
        let names: Vec<_> = reading.alerts.iter().filter_map(name).collect();
        let before = self.alerts.iter().flat_map(|(_, before)| &before.alerts);
        // An empty list without a sign of life is no end of anything.
        let is_whole = reading.alive.is_some() && reading.left_out == 0;
        let gone = before.filter_map(name).filter(|name| !names.contains(name));
        let gone: Vec<_> = gone.filter(|_| is_whole).collect();
        for name in gone {
            self.ended.insert(name, now);
        }
        self.ended.retain(|name, _| !names.contains(name));
        while self.ended.len() > MOST_ENDED {
            self.ended.pop_first();
        }
        self.alerts = Some((now, reading));
    }

    fn add_tracker(&mut self, reading: TrackerReading, now: Timestamp) {
        let known = std::mem::take(&mut self.counts);
        for issue in reading.issues.iter().take(MOST_ISSUES) {
            let before = known.get(&issue.id);
            let rose = before.is_some_and(|before| issue.count > before.now);
            let rose_at = rose.then_some(now).or(before.and_then(|before| before.rose_at));
            let now = issue.count;
            self.counts.insert(issue.id.clone(), IssueCount { now, rose_at });
        }
        self.tracker = Some((now, reading));
    }

    /// Every moment at which something came.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let figures = self.figures.values_mut().chain(self.first.values_mut());
        let figures = figures.map(|(at, _)| at);
        let history = self.history.values_mut().map(|(at, _)| at);
        let alerts = self.alerts.iter_mut().map(|(at, _)| at);
        let rules = self.rules.iter_mut().map(|(at, _)| at);
        let tracker = self.tracker.iter_mut().map(|(at, _)| at);
        let rises = self
            .counts
            .values_mut()
            .filter_map(|count| count.rose_at.as_mut());
        let all = figures.chain(history).chain(alerts).chain(rules).chain(tracker);
        all.chain(self.ended.values_mut()).chain(rises)
    }

    /// The newest answer of a figure, and when it came.
    pub fn figure(&self, figure: Figure, window: Option<Duration>) -> Option<&(Timestamp, FigureReading)> {
        self.figures.get(&(figure, window.map(|window| window.as_secs())))
    }

    /// Whether the same was answered before.
    pub fn has(&self, reading: &FigureReading) -> bool {
        self.figures.contains_key(&(reading.figure, reading.window_s))
    }

    /// The first answer of a figure, and when it came.
    pub fn first(&self, figure: Figure, window_s: Option<u64>) -> Option<&(Timestamp, FigureReading)> {
        self.first.get(&(figure, window_s))
    }

    /// Every figure that was answered, in the order of the figures, and when.
    pub fn figures(&self) -> impl Iterator<Item = &(Timestamp, FigureReading)> {
        self.figures.values()
    }

    /// How a figure moved over the last hour, and when that was told.
    pub fn history(&self, figure: Figure) -> Option<&(Timestamp, FigureHistory)> {
        self.history.get(&figure)
    }

    /// The newest poll of Alertmanager, and when it came.
    pub fn alerts(&self) -> Option<&(Timestamp, AlertsReading)> {
        self.alerts.as_ref()
    }

    /// The newest poll of the alerting rules, and when it came.
    pub fn rules(&self) -> Option<&(Timestamp, RulesReading)> {
        self.rules.as_ref()
    }

    /// The newest poll of the error tracker, and when it came.
    pub fn tracker(&self) -> Option<&(Timestamp, TrackerReading)> {
        self.tracker.as_ref()
    }

    /// Since when an alert that fired is over, as far as a poll showed it.
    pub fn ended_at(&self, name: &SafeText) -> Option<Timestamp> {
        self.ended.get(name).copied()
    }

    /// Every alert that fired and is over, and since when.
    pub fn ended(&self) -> impl Iterator<Item = (&SafeText, Timestamp)> {
        self.ended.iter().map(|(name, at)| (name, *at))
    }

    /// When an issue's count last rose.
    pub fn rose_at(&self, issue: &SafeText) -> Option<Timestamp> {
        self.counts.get(issue)?.rose_at
    }
}
