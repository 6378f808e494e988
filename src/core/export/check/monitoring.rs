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
use crate::observe::state::State;
use crate::profile::monitoring::Figure;
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
    /// The source: `metrics`, or `cluster metrics` where a second one is configured for it.
    pub source: &'static str,
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
    let row = |(at, reading): &(Timestamp, FigureReading)| FigureRow {
        source: source_of(account.state, reading.figure),
        ..figure(*at, reading, account.now)
    };
    all.map(row).collect()
}

fn source_of(state: &State, figure: Figure) -> &'static str {
    let second = figure.is_of_cluster() && is_configured(state, &SourceId::ClusterMetrics);
    if second { "cluster metrics" } else { "metrics" }
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
        source: "metrics",
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
            id: Redacted::from(named),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::diagnose;
    use crate::export::check::Assessment;
    use crate::observe::observation::{
        AlertsReading, Answer, FiringAlert, Issue, Labels, Observation, Sample, TrackerReading, Value,
    };
    use crate::testkit::{ago, built_in_profile, now};
    use crate::text::SafeText;

    fn document(state: &State) -> serde_json::Value {
        let profile = built_in_profile();
        let sop = profile.sop("api-down").unwrap();
        let diagnosis = diagnose(state, &profile, sop, now());
        let account = CaseSnapshot {
            state,
            profile: &profile,
            sop,
            diagnosis: &diagnosis,
            environment: None,
            namespace: "n",
            drill: None,
            now: now(),
        };
        serde_json::to_value(Assessment::of(&account, 1, Vec::new())).unwrap()
    }

    #[test]
    fn what_is_not_configured_is_empty() {
        let json = document(&State::default());
        assert_eq!(json["alerts"], serde_json::json!([]));
        assert_eq!(json["metrics"], serde_json::json!([]));
        assert_eq!(json["tracker"], serde_json::Value::Null);
    }

    fn alerted() -> State {
        let mut state = State::default();
        state.began_at = Some(ago(60));
        let labels = Labels::from([
            ("alertname".into(), "ManagedServicesApiDown".into()),
            ("severity".into(), "critical".into()),
        ]);
        state.apply(
            Observation::Alerts(AlertsReading {
                alerts: vec![FiringAlert {
                    fingerprint: "f".into(),
                    labels,
                    annotations: Labels::from([("message".into(), "password=hunter2 is down".into())]),
                    starts_at: ago(120),
                    updated_at: ago(10),
                    ends_at: None,
                    silenced_by: Vec::new(),
                    inhibited: false,
                    expression: None,
                }],
                ..AlertsReading::default()
            }),
            now(),
        );
        state
    }

    fn measure(state: &mut State) {
        let rows = vec![
            Sample {
                labels: vec![("pod".into(), "p1".into())],
                value: Value(1.0),
            },
            Sample {
                labels: Vec::new(),
                value: Value(f64::NAN),
            },
        ];
        let up = FigureReading {
            figure: Figure::Up,
            window_s: None,
            answer: Ok(Answer {
                rows,
                ..Answer::default()
            }),
        };
        state.apply(Observation::Metrics(vec![up]), ago(5));
    }

    fn track(state: &mut State) {
        state.apply(
            Observation::Tracker(TrackerReading {
                project: "p".into(),
                confirmed: Some(Confirmed::Used),
                issues: vec![Issue {
                    id: "7".into(),
                    short_id: SafeText::default(),
                    title: "token=abcdefghijkl".into(),
                    culprit: SafeText::default(),
                    level: "error".into(),
                    count: 2,
                    first_at: Some(ago(30)),
                    last_at: Some(ago(10)),
                    link: "https://t.test/o/issues/7".into(),
                }],
                ..TrackerReading::default()
            }),
            now(),
        );
    }

    #[test]
    fn the_keys_of_monitoring_are_as_the_readme_says() {
        let mut state = alerted();
        measure(&mut state);
        track(&mut state);
        let json = document(&state);
        let alert = &json["alerts"][0];
        assert_eq!(
            (&alert["name"], &alert["sop"]),
            (&"ManagedServicesApiDown".into(), &"api-down".into())
        );
        assert_eq!(
            (&alert["state"], &alert["severity"]),
            (&"firing".into(), &"critical".into())
        );
        assert_eq!(alert["fires_at"], serde_json::Value::Null);
        let figure = &json["metrics"][0];
        assert_eq!(figure["figure"], "up");
        assert_eq!(figure["source"], "metrics");
        assert_eq!(figure["age_s"], 5);
        assert_eq!(figure["values"], serde_json::json!([["pod=p1", 1.0], ["", null]]));
        let tracker = &json["tracker"];
        assert_eq!(
            (&tracker["project"], &tracker["confirmed"]),
            (&"p".into(), &true.into())
        );
        assert_eq!(
            (&tracker["issues"][0]["id"], &tracker["issues"][0]["new"]),
            (&"7".into(), &true.into())
        );
        let text = json.to_string();
        assert!(
            !text.contains("hunter2") && !text.contains("abcdefghijkl"),
            "{text}"
        );
    }
}
