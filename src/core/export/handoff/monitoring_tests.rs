//! What a hand-off tells of alerts, metrics and the error tracker.

use super::*;
use crate::diagnose::diagnose;
use crate::observe::observation::{
    AlertsReading, Answer, Confirmed, FigureReading, FiringAlert, Issue, Labels, Observation, Sample,
    TrackerReading, Value,
};
use crate::observe::state::State;
use crate::profile::monitoring::Figure;
use crate::testkit::{ago, built_in_profile, now};

fn text(state: &State) -> String {
    let profile = built_in_profile();
    let sop = profile.sop("api-availability").unwrap();
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
    hand_off(&account, "control-plane", &Done::default()).to_string()
}

fn errors(share: f64) -> Observation {
    Observation::Metrics(vec![FigureReading {
        figure: Figure::Errors,
        window_s: Some(300),
        answer: Ok(Answer {
            rows: vec![Sample {
                labels: Vec::new(),
                value: Value(share),
            }],
            ..Answer::default()
        }),
    }])
}

#[test]
fn a_hand_off_says_which_alert_fires_the_figures_and_the_new_issues() {
    let mut state = State::default();
    state.began_at = Some(ago(600));
    let alert = FiringAlert {
        fingerprint: "f".into(),
        labels: Labels::from([
            ("alertname".into(), "ManagedServicesApiAvailability".into()),
            ("severity".into(), "critical".into()),
        ]),
        annotations: Labels::from([("message".into(), "too many 5xx, password=hunter2".into())]),
        starts_at: ago(900),
        updated_at: ago(10),
        ends_at: None,
        silenced_by: Vec::new(),
        inhibited: false,
        expression: None,
    };
    let issue = Issue {
        id: "7".into(),
        short_id: "MSS-7".into(),
        title: "unexpected error".into(),
        culprit: "".into(),
        level: "error".into(),
        count: 9,
        first_at: Some(ago(590)),
        last_at: Some(ago(100)),
        link: "https://tracker.test/o/issues/7".into(),
    };
    state.apply(errors(0.05), ago(590));
    state.apply(errors(0.31), ago(12));
    state.apply(
        Observation::Alerts(AlertsReading {
            alerts: vec![alert],
            ..AlertsReading::default()
        }),
        now(),
    );
    state.apply(
        Observation::Tracker(TrackerReading {
            project: "p".into(),
            confirmed: Some(Confirmed::Used),
            issues: vec![issue],
            ..TrackerReading::default()
        }),
        now(),
    );
    let text = text(&state);
    let time = |seconds: i64| ago(seconds).strftime("%T UTC").to_string();
    for words in [
        format!(
            "alert ManagedServicesApiAvailability (critical) fires, since {0}, condition since {0}: too many 5xx",
            time(900)
        ),
        format!("5xx in 5m: 31.0 % (metrics, 12s ago), 5.0 % at {}", time(590)),
        "error tracker: new, 9 events, first 9m50s ago, last 1m40s ago: unexpected error https://tracker.test/o/issues/7"
            .to_owned(),
    ] {
        assert!(text.contains(&words), "{words} in\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn without_monitoring_a_hand_off_has_no_such_section() {
    let text = text(&State::default());
    assert!(!text.contains("Alerts, metrics, error tracker"), "{text}");
}
