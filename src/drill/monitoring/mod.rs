//! The monitoring of the world: Prometheus, Alertmanager and an error tracker, each an HTTP server on loopback.
//!
//! All they know comes from the world: [`Monitoring`] is a part of it, scrapes the pods every 30 s of drill time, and takes the errors that
//! the service logs. The servers answer from that: `prometheus` (queries of the profile, rules), `alertmanager` (what fires, what is
//! silenced) and `tracker` (issues). Answers are compared with recordings of real servers: fields, types, status codes, content types and
//! wording.
//!
//! The drill's Prometheus knows no PromQL: `queries` has the closed set of queries that it answers, `figures` computes them.

mod alertmanager;
mod earlier_pods;
mod faults;
mod figures;
mod history;
mod issues;
mod loaded;
mod matchers;
mod metric_names;
mod prometheus;
mod queries;
mod reply;
mod rules;
mod series;
mod servers;
mod silences;
#[cfg(test)]
mod tests;
mod times;
mod tracker;
mod vector;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::random::Random;
use super::scenario::{Scenario, ScriptedIssue};
use earlier_pods::EarlierPods;
use history::History;
use issues::Issues;
use loaded::DataFault;
use rules::{Rules, ScriptedAlert};
use silences::Silence;

pub use alertmanager::SentAlert;
pub use faults::{MonitoringEvent, MonitoringFault, MonitoringServer};
pub use history::{ScrapedDeployment, ScrapedPod};
pub use rules::{names as alert_names, place_of};
pub use servers::MonitoringServers;
pub(crate) use servers::through_proxy;

/// The lasting fault of each server that has one.
pub type Faults = BTreeMap<MonitoringServer, MonitoringFault>;

/// How long before the world's start the first scrape is, at most: enough for the longest chart and its window.
const SCRAPED_BEFORE: SignedDuration = SignedDuration::from_hours(3);
/// The same with more pods than [`MANY`], of which nobody looks at a chart.
const SCRAPED_BEFORE_OF_MANY: SignedDuration = SignedDuration::from_mins(15);
const MANY: u32 = 30;
/// How long before the world's start the rules are evaluated first, at most, ms: several times the longest `for`.
const EVALUATED_BEFORE: i64 = 65 * 60_000;
/// How often a scripted issue has an event, if the scenario does not say so.
const USUALLY_EVERY: SignedDuration = SignedDuration::from_secs(45);
/// The world must be well so long before a condition of the scenario ends.
const WELL_FOR: i64 = 60_000;

/// What the monitoring knows of the world.
#[derive(Debug)]
pub struct Monitoring {
    history: History,
    rules: Rules,
    silences: Vec<Silence>,
    issues: Issues,
    scripted_issues: Vec<(ScriptedIssue, Timestamp)>,
    /// When the next scrape is.
    next_scrape: Timestamp,
    /// The world's start, ms since 1970: before it the scenario's troubles are not over.
    start: i64,
    /// Since when the world has been well.
    well_since: Option<i64>,
    faults: watch::Sender<Faults>,
    /// What the servers knew when they froze.
    frozen: Frozen,
}

/// What the frozen servers know.
#[derive(Debug, Default)]
struct Frozen {
    /// The last scrape.
    metrics: Option<i64>,
    alerts: Option<Vec<SentAlert>>,
    issues: Option<Vec<issues::Issue>>,
}

impl Monitoring {
    /// The monitoring of a scenario's world that starts then.
    pub fn of(scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        let replicas = scenario.deployment.replicas;
        let before = if replicas > MANY {
            SCRAPED_BEFORE_OF_MANY
        } else {
            SCRAPED_BEFORE
        };
        let phase = Random::named(seed, "scrapes").below(history::INTERVAL.unsigned_abs()) as i64;
        let first = start - before.min(scenario.deployment.pods_age) + SignedDuration::from_millis(phase);
        let started = start.as_millisecond();
        let earlier = EarlierPods::new(
            seed,
            replicas,
            first.as_millisecond(),
            scenario.service.requests_per_minute,
            scenario.service.probes,
        );
        let mut scripted = Vec::new();
        let mut silences = Vec::new();
        for alert in &scenario.alerts {
            let moment = |span: SignedDuration| (start + span).as_millisecond();
            if let (Some(rule), Some(since)) = (place_of(&alert.name), alert.since) {
                scripted.push(ScriptedAlert {
                    rule,
                    since: moment(since),
                    until: alert.until.map(moment),
                });
            }
            if let Some(silence) = &alert.silenced {
                silences.push(Silence::new(
                    (seed, silences.len()),
                    &alert.name,
                    (&silence.by, &silence.comment),
                    (moment(silence.since), moment(silence.until)),
                ));
            }
        }
        let issues = scenario.issues.iter();
        Self {
            history: History::after(earlier),
            rules: Rules::new(
                scripted,
                first.as_millisecond().max(started - EVALUATED_BEFORE) + rules::INTERVAL / 3,
            ),
            silences,
            issues: Issues::before(start),
            scripted_issues: issues.map(|issue| (issue.clone(), start + issue.since)).collect(),
            next_scrape: first,
            start: started,
            well_since: None,
            faults: watch::Sender::new(Faults::new()),
            frozen: Frozen::default(),
        }
    }

    /// When the pods are scraped next.
    pub fn next_scrape(&self) -> Timestamp {
        self.next_scrape
    }

    /// Takes in a scrape; `trouble` is whether anything in the world is wrong that the scenario's alerts are about.
    pub fn scrape(
        &mut self,
        at: Timestamp,
        pods: Vec<ScrapedPod>,
        deployment: ScrapedDeployment,
        trouble: bool,
    ) {
        self.next_scrape = at + Duration::from_millis(history::INTERVAL.unsigned_abs());
        let millis = at.as_millisecond();
        self.history.store(millis, pods, deployment);
        for (issue, next) in &mut self.scripted_issues {
            let every = issue.every.unwrap_or(USUALLY_EVERY);
            let is_over = |next: Timestamp| {
                let end = issue.until.map(|until| timestamp_after(self.start, until));
                end.is_some_and(|end| next >= end)
            };
            while *next <= at && !is_over(*next) {
                self.issues
                    .add(*next, "", &issue.title, &issue.culprit, &issue.level);
                *next += every;
            }
        }
        if trouble || millis < self.start {
            self.well_since = None;
        } else {
            let since = *self.well_since.get_or_insert(millis);
            if millis - since >= WELL_FOR && self.rules.waits_for_recovery() {
                self.rules.advance(millis, &self.history);
                self.rules.recover(millis);
            }
        }
    }

    /// Takes a line of the service's log.
    pub fn take_line(&mut self, at: Timestamp, line: &[u8]) {
        self.issues.take_line(at, line);
    }

    /// The faults, for the servers: they tell when these change.
    pub fn subscribe(&self) -> watch::Receiver<Faults> {
        self.faults.subscribe()
    }

    /// Begins a fault of a server in place of the one before, or (with `None`) ends it.
    pub fn set_fault(&mut self, at: Timestamp, server: MonitoringServer, fault: Option<MonitoringFault>) {
        let freezes = fault == Some(MonitoringFault::Frozen);
        let millis = at.as_millisecond();
        match server {
            MonitoringServer::Metrics => self.frozen.metrics = freezes.then_some(millis),
            MonitoringServer::Alerts => self.frozen.alerts = freezes.then(|| self.firing(millis)),
            MonitoringServer::Tracker => self.frozen.issues = freezes.then(|| self.issues.all()),
        }
        self.faults.send_modify(|faults| {
            let Some(fault) = fault.filter(|fault| fault.is_of(server)) else {
                faults.remove(&server);
                return;
            };
            faults.insert(server, fault);
        });
    }

    /// What is wrong with the samples that queries see.
    fn data_fault(&self) -> DataFault {
        let fault = self.faults.borrow().get(&MonitoringServer::Metrics).copied();
        DataFault {
            is_partial: fault == Some(MonitoringFault::Partial),
            frozen: self.frozen.metrics,
        }
    }

    /// Evaluates the rules up to a moment.
    fn rules_at(&mut self, at: i64) -> &Rules {
        self.rules.advance(at, &self.history);
        &self.rules
    }

    /// The alerts that were sent to Alertmanager and fire.
    fn firing(&mut self, at: i64) -> Vec<SentAlert> {
        self.rules.advance(at, &self.history);
        alertmanager::sent(&self.rules)
    }

    /// The names of the alerts that are pending or fire, except the one that always does.
    pub fn active_alerts(&mut self, at: Timestamp) -> Vec<&'static str> {
        let rules = self.rules_at(at.as_millisecond());
        let active = rules
            .each()
            .filter(|(rule, alerts)| rule.hold > 0 && !alerts.is_empty());
        active.map(|(rule, _)| rule.name).collect()
    }

    /// The tracker's issues.
    fn issues(&self) -> Vec<issues::Issue> {
        self.frozen.issues.clone().unwrap_or_else(|| self.issues.all())
    }
}

fn timestamp_after(start: i64, span: SignedDuration) -> Timestamp {
    times::timestamp(start) + span
}
