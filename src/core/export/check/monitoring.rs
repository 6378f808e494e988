//! What monitoring servers say, as the document has it.

use jiff::Timestamp;
use serde::Serialize;

use super::moment;
use crate::diagnose::monitoring::alerts::{AlertState, ServiceAlert, service_alerts};
use crate::diagnose::monitoring::is_configured;
use crate::diagnose::monitoring::tracker::suspects;
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{Confirmed, FigureReading};
use crate::observe::source::SourceId;
use crate::text::Redacted;

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertRow {
    /// Its name.
    pub name: Redacted,
    /// The SOP that it is for; `None` where that can't be told.
    pub sop: Option<String>,
    /// Its severity; empty where it has none.
    pub severity: Redacted,
    /// `firing`, `pending`, `silenced` or `inhibited`.
    pub state: &'static str,
    /// Since when its condition holds.
    pub began_at: Option<Redacted>,
    /// Since when it fires.
    pub firing_since: Option<Redacted>,
    /// When it fires, if it lasts; of a pending one.
    pub fires_at: Option<Redacted>,
    /// Until when it is silenced.
    pub silenced_until: Option<Redacted>,
    /// What it says; may be empty.
    pub message: Redacted,
}

/// A figure of the metrics source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureRow {
    /// Its name: `errors`.
    pub figure: &'static str,
    /// How far back, seconds; `None` where it has no window.
    pub window_s: Option<u64>,
    /// How old the answer is, seconds.
    pub age_s: u64,
    /// Its values, one a row with what the row is about; a value is `None` where it is no number.
    pub values: Vec<(Redacted, Option<f64>)>,
    /// Why there is none, or what the source warns of; empty where all is well.
    pub trouble: Redacted,
}

/// The error tracker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackerRow {
    /// The project.
    pub project: Redacted,
    /// Whether the tracker has it and ever got an event of it; `None` where that is not known.
    pub confirmed: Option<bool>,
    /// The issues that may explain the incident.
    pub issues: Vec<IssueRow>,
}

/// An issue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IssueRow {
    /// Its name for people, else its number.
    pub id: Redacted,
    /// Its first line.
    pub title: Redacted,
    /// Its level.
    pub level: Redacted,
    /// Whether it is new; else it rises.
    pub new: bool,
    /// How many events it has.
    pub count: u64,
    /// When its first event came.
    pub first_at: Option<Redacted>,
    /// When its newest event came.
    pub last_at: Option<Redacted>,
    /// Its page.
    pub link: Redacted,
}

pub(super) fn alerts(account: &CaseSnapshot<'_>) -> Vec<AlertRow> {
    let all = service_alerts(account.state, account.profile, account.now);
    all.into_iter().map(alert).collect()
}

fn alert(alert: ServiceAlert) -> AlertRow {
    let (state, fires_at, until) = match &alert.state {
        AlertState::Firing => ("firing", None, None),
        AlertState::Pending { fires_at } => ("pending", *fires_at, None),
        AlertState::Silenced { until, .. } => ("silenced", None, *until),
        AlertState::Inhibited => ("inhibited", None, None),
    };
    AlertRow {
        name: Redacted::from(&*alert.name),
        sop: alert.sop,
        severity: Redacted::from(&*alert.severity),
        state,
        began_at: alert.began_at.map(moment),
        firing_since: alert.firing_since.map(moment),
        fires_at: fires_at.map(moment),
        silenced_until: until.map(moment),
        message: Redacted::from(&*alert.message),
    }
}

pub(super) fn metrics(account: &CaseSnapshot<'_>) -> Vec<FigureRow> {
    let all = account.state.monitoring.figures();
    all.map(|(at, reading)| figure(*at, reading, account.now))
        .collect()
}

fn figure(at: Timestamp, reading: &FigureReading, now: Timestamp) -> FigureRow {
    let age = now.duration_since(at).as_secs();
    let answer = reading.answer.as_ref();
    let values = answer.map_or_else(
        |_| Vec::new(),
        |answer| {
            let rows = answer.rows.iter().map(|row| {
                let labels: Vec<_> = row
                    .labels
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                (Redacted::from(labels.join(",").as_str()), row.value.finite())
            });
            rows.collect()
        },
    );
    let trouble = match &reading.answer {
        Err(why) => Redacted::from(&**why),
        Ok(answer) => answer
            .warnings
            .first()
            .map_or_else(|| Redacted::from(""), |warning| Redacted::from(&**warning)),
    };
    FigureRow {
        figure: reading.figure.name(),
        window_s: reading.window_s,
        age_s: u64::try_from(age).unwrap_or(0),
        values,
        trouble,
    }
}

pub(super) fn tracker(account: &CaseSnapshot<'_>) -> Option<TrackerRow> {
    if !is_configured(account.state, &SourceId::Tracker) {
        return None;
    }
    let (_, reading) = account.state.monitoring.tracker()?;
    let issues = suspects(account.state, account.profile, account.now);
    let issues = issues.into_iter().map(|one| {
        let issue = one.issue;
        let named = if issue.short_id.is_empty() {
            &issue.id
        } else {
            &issue.short_id
        };
        IssueRow {
            id: Redacted::from(&*named),
            title: Redacted::from(&*issue.title),
            level: Redacted::from(&*issue.level),
            new: one.new,
            count: issue.count,
            first_at: issue.first_at.map(moment),
            last_at: issue.last_at.map(moment),
            link: Redacted::from(&*issue.link),
        }
    });
    Some(TrackerRow {
        project: Redacted::from(&*reading.project),
        confirmed: reading.confirmed.map(|confirmed| confirmed == Confirmed::Used),
        issues: issues.collect(),
    })
}
