//! What monitoring servers showed of an incident: which alert paged, how the figures were first and last, and which issues came with it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::names::Names;
use super::{since, value};
use crate::diagnose::monitoring::alerts::{AlertState, ServiceAlert, service_alerts};
use crate::diagnose::monitoring::tracker::suspects;
use crate::export::figure_words;
use crate::observe::observation::Observation;
use crate::observe::source::SourceId;
use crate::observe::state::State;
use crate::profile::Profile;
use crate::record::{Entry, Line};
use crate::safe;
use crate::text::{Redacted, SafeText, counted, duration};

/// Alerts and issues that a report lists at most.
const MOST: usize = 50;

/// What monitoring servers showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MonitoringSeen {
    /// The name of the alert that paged: the one that chose the SOP, else the first that fired for it.
    pub paged_by: Option<Redacted>,
    /// The service's alerts, in the order in which they were seen.
    pub alerts: Vec<AlertSeen>,
    /// The figures that were answered.
    pub figures: Vec<FigureSeen>,
    /// Issues of the error tracker that were new or rose.
    pub issues: Vec<IssueSeen>,
}

/// An alert, as it was seen last.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertSeen {
    /// Its name.
    pub name: Redacted,
    /// The id of the SOP that it is for; `None` where that is not known.
    pub sop: Option<String>,
    /// Its severity; empty where it has none.
    pub severity: Redacted,
    /// `firing`, `pending`, `silenced` or `inhibited`: how it was when it was last there.
    pub state: &'static str,
    /// Since when its condition held.
    pub began_at: Option<Timestamp>,
    /// Since when it fired.
    pub firing_since: Option<Timestamp>,
    /// Until when it was silenced.
    pub silenced_until: Option<Timestamp>,
    /// When a poll first had it no more; `None` while it was there.
    pub resolved_at: Option<Timestamp>,
    /// What it said; may be empty.
    pub message: Redacted,
}

/// A figure, as it was first and last.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureSeen {
    /// Its name: `errors`.
    pub figure: &'static str,
    /// Its name for people, with its window: `5xx in 5m`.
    pub title: Redacted,
    /// How far back, seconds; `None` where it has no window.
    pub window_s: Option<u64>,
    /// `metrics` or `cluster metrics`.
    pub source: Redacted,
    /// When the first answer came.
    pub first_at: Timestamp,
    /// What it was.
    pub first: Redacted,
    /// When the last answer came.
    pub last_at: Timestamp,
    /// What it was.
    pub last: Redacted,
    /// How old that was at the record's end, seconds.
    pub last_age_s: i64,
}

/// An issue of the error tracker, as it was seen last.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IssueSeen {
    /// Its name for people, else its number.
    pub id: Redacted,
    /// Its first line.
    pub title: Redacted,
    /// Its level.
    pub level: Redacted,
    /// Whether it came with the incident; else it rose.
    pub new: bool,
    /// How many events it had.
    pub count: u64,
    /// When its first event came.
    pub first_at: Option<Timestamp>,
    /// When its newest event came.
    pub last_at: Option<Timestamp>,
    /// Its page.
    pub link: Redacted,
}

/// What the lines tell; `None` where no monitoring server was heard.
pub(super) fn of(lines: &[Line], names: &Names<'_>, sop: Option<&str>) -> Option<MonitoringSeen> {
    let profile = names.profile()?;
    let first = lines.first()?.at;
    let end = lines.iter().map(|line| line.at).max()?;
    let mut state = State::default();
    state.began_at = Some(first);
    let mut seen = MonitoringSeen::default();
    let mut heard = false;
    let mut chose = None;
    for line in lines {
        match &line.entry {
            Entry::Sop { alert, .. } => chose.clone_from(alert),
            Entry::Observation(observation) if is_of_monitoring(observation) => {
                heard |= !matches!(**observation, Observation::Source(..));
                state.apply((**observation).clone(), line.at);
                seen.take(observation, &state, profile, line.at);
            }
            _ => {}
        }
    }
    if !heard {
        return None;
    }
    for alert in &mut seen.alerts {
        alert.resolved_at = state.monitoring.ended_at(&SafeText::new(&alert.name));
    }
    seen.paged_by = chose
        .map(|name| value(&name))
        .or_else(|| first_that_fired(&seen.alerts, sop?).map(|alert| alert.name.clone()));
    let figure = |reported: figure_words::ReportedFigure| FigureSeen {
        figure: reported.figure.name(),
        title: value(&reported.title()),
        window_s: reported.window_s,
        source: value(&reported.source),
        first_at: reported.first.0,
        first: value(&reported.first.1),
        last_at: reported.last.0,
        last: value(&reported.last.1),
        last_age_s: since(reported.last.0, end).as_secs(),
    };
    seen.figures = figure_words::reported(&state).into_iter().map(figure).collect();
    Some(seen)
}

fn is_of_monitoring(observation: &Observation) -> bool {
    match observation {
        Observation::Metrics(_)
        | Observation::ClusterMetrics(_)
        | Observation::Alerts(_)
        | Observation::AlertRules(_)
        | Observation::Tracker(_) => true,
        Observation::Source(id, _) => matches!(
            id,
            SourceId::Metrics
                | SourceId::ClusterMetrics
                | SourceId::Alerts
                | SourceId::AlertRules
                | SourceId::Tracker
        ),
        _ => false,
    }
}

fn first_that_fired<'a>(alerts: &'a [AlertSeen], sop: &str) -> Option<&'a AlertSeen> {
    let fired = alerts
        .iter()
        .filter(|alert| alert.sop.as_deref() == Some(sop) && alert.firing_since.is_some());
    fired.min_by_key(|alert| alert.firing_since)
}

impl MonitoringSeen {
    /// Takes in what an observation changed.
    fn take(&mut self, observation: &Observation, state: &State, profile: &Profile, at: Timestamp) {
        match observation {
            Observation::Alerts(_) | Observation::AlertRules(_) => {
                for alert in service_alerts(state, profile, at) {
                    let seen = AlertSeen::of(&alert);
                    put(&mut self.alerts, seen, |one, other| one.name == other.name);
                }
            }
            Observation::Tracker(_) => {
                for one in suspects(state, profile, at) {
                    let issue = one.issue;
                    let named = if issue.short_id.is_empty() {
                        &issue.id
                    } else {
                        &issue.short_id
                    };
                    let seen = IssueSeen {
                        id: value(named),
                        title: value(&issue.title),
                        level: value(&issue.level),
                        new: one.new,
                        count: issue.count,
                        first_at: issue.first_at,
                        last_at: issue.last_at,
                        link: value(&issue.link),
                    };
                    put(&mut self.issues, seen, |one, other| one.id == other.id);
                }
            }
            _ => {}
        }
    }

    /// The alert that paged.
    fn paged(&self) -> Option<&AlertSeen> {
        let name = self.paged_by.as_ref()?;
        self.alerts.iter().find(|alert| alert.name == *name)
    }

    /// `Paged by ManagedServicesApiDown (critical): condition since 19:28:38, firing since 19:43:38, resolved at 19:59:10.`
    pub(super) fn sentence(&self) -> Option<SafeText> {
        match (self.paged(), &self.paged_by) {
            (Some(alert), _) => Some(safe!("Paged by {}.", alert.words())),
            (None, Some(name)) => Some(safe!("Paged by {name}.")),
            (None, None) => None,
        }
    }

    /// A line for each alert, figure and issue.
    pub(super) fn lines(&self) -> Vec<SafeText> {
        let alerts = self.alerts.iter().map(|alert| {
            let message = if alert.message.is_empty() {
                SafeText::default()
            } else {
                safe!(": {}", alert.message)
            };
            safe!("alert {}{message}", alert.words())
        });
        let figures = self.figures.iter().map(|figure| {
            let age = duration::brief(SignedDuration::from_secs(figure.last_age_s));
            safe!(
                "{}: {} at {} -> {} at {} ({}, {age} old at the end)",
                figure.title,
                figure.first,
                time(figure.first_at),
                figure.last,
                time(figure.last_at),
                figure.source
            )
        });
        let issues = self.issues.iter().map(|issue| {
            let kind = if issue.new { "new" } else { "rising" };
            let seen = issue.first_at.zip(issue.last_at);
            let seen = seen.map(|(first, last)| safe!(", first {}, last {}", time(first), time(last)));
            safe!(
                "{kind} issue {}: {} ({}{}) {}",
                issue.id,
                issue.title,
                counted(issue.count, "event", "events"),
                seen.unwrap_or_default(),
                issue.link
            )
        });
        alerts.chain(figures).chain(issues).collect()
    }
}

impl AlertSeen {
    fn of(alert: &ServiceAlert) -> Self {
        let (state, silenced_until) = match &alert.state {
            AlertState::Firing => ("firing", None),
            AlertState::Pending { .. } => ("pending", None),
            AlertState::Silenced { until, .. } => ("silenced", *until),
            AlertState::Inhibited => ("inhibited", None),
        };
        Self {
            name: value(&alert.name),
            sop: alert.sop.clone(),
            severity: value(&alert.severity),
            state,
            began_at: alert.began_at,
            firing_since: alert.firing_since,
            silenced_until,
            resolved_at: None,
            message: value(&alert.message),
        }
    }

    /// `ManagedServicesApiDown (critical): condition since 19:28:38, firing since 19:43:38, resolved at 19:59:10`.
    fn words(&self) -> SafeText {
        let mut parts: Vec<SafeText> = Vec::new();
        parts.extend(self.began_at.map(|at| safe!("condition since {}", time(at))));
        parts.extend(self.firing_since.map(|at| safe!("firing since {}", time(at))));
        parts.extend(self.silenced_until.map(|at| safe!("silenced until {}", time(at))));
        match self.resolved_at {
            Some(at) => parts.push(safe!("resolved at {}", time(at))),
            None => parts.push(safe!("{} when last seen", self.state)),
        }
        let severity = if self.severity.is_empty() {
            SafeText::default()
        } else {
            safe!(" ({})", self.severity)
        };
        safe!("{}{severity}: {}", self.name, parts.join(", "))
    }
}

/// Replaces the same one, or adds it where there is room.
fn put<T>(all: &mut Vec<T>, one: T, is_same: impl Fn(&T, &T) -> bool) {
    match all.iter().position(|known| is_same(known, &one)) {
        Some(place) => all[place] = one,
        None if all.len() < MOST => all.push(one),
        None => {}
    }
}

/// With its day: an alert may have begun on another.
fn time(at: Timestamp) -> SafeText {
    at.strftime("%F %T UTC").to_string().into()
}
