//! What is kept of monitoring servers, and for how long it counts.

use std::time::Duration;

use jiff::SignedDuration;

use crate::observe::observation::{
    AlertsReading, Alive, Answer, FigureReading, FiringAlert, Issue, Labels, Observation, Sample,
    TrackerReading, Value,
};
use crate::observe::source::SourceId;
use crate::observe::source::{Freshness, Problem, ProblemKind, SourceState};
use crate::observe::state::State;
use crate::profile::monitoring::Figure;
use crate::testkit::{ago, now};
use crate::text::SafeText;

fn up(value: f64) -> FigureReading {
    FigureReading {
        figure: Figure::Up,
        window_s: None,
        answer: Ok(Answer {
            rows: vec![Sample {
                labels: Vec::new(),
                value: Value(value),
            }],
            ..Answer::default()
        }),
    }
}

fn alert(name: &str) -> FiringAlert {
    FiringAlert {
        fingerprint: name.into(),
        labels: Labels::from([("alertname".into(), name.into())]),
        annotations: Labels::new(),
        starts_at: ago(600),
        updated_at: ago(10),
        ends_at: None,
        silenced_by: Vec::new(),
        inhibited: false,
        expression: None,
    }
}

fn alerts(names: &[&str], is_alive: bool) -> AlertsReading {
    AlertsReading {
        alerts: names.iter().map(|name| alert(name)).collect(),
        alive: is_alive.then(|| Alive {
            name: "Watchdog".into(),
            updated_at: ago(10),
        }),
        ..AlertsReading::default()
    }
}

fn issues(counts: &[(&str, u64)]) -> TrackerReading {
    let issue = |(id, count): &(&str, u64)| Issue {
        id: (*id).into(),
        short_id: SafeText::default(),
        title: "t".into(),
        culprit: SafeText::default(),
        level: "error".into(),
        count: *count,
        first_at: None,
        last_at: None,
        link: SafeText::default(),
    };
    TrackerReading {
        issues: counts.iter().map(issue).collect(),
        ..TrackerReading::default()
    }
}

#[test]
fn the_newest_answer_of_each_figure_and_window_is_kept() {
    let mut state = State::default();
    state.apply(Observation::Metrics(vec![up(1.0)]), ago(30));
    state.apply(Observation::Metrics(vec![up(0.0)]), now());
    let (at, reading) = state.monitoring.figure(Figure::Up, None).unwrap();
    assert_eq!((*at, reading), (now(), &up(0.0)));
    let other = state.monitoring.figure(Figure::Up, Some(Duration::from_mins(5)));
    assert_eq!(other, None);
}

#[test]
fn an_answer_counts_for_three_polls_and_less_where_polls_fail() {
    let failing = SourceState::Failing {
        problem: Problem::new(ProblemKind::Frozen, "no answer"),
        attempt: 1,
        retry_in: Duration::from_secs(5),
    };
    // seconds since the answer, whether polls fail since then, whether it still counts
    let table = [
        (90, false, true),
        (91, false, false),
        (45, true, true),
        (46, true, false),
    ];
    for (seconds, fails, counts) in table {
        let mut state = State::default();
        state.apply(Observation::Metrics(vec![up(1.0)]), ago(seconds));
        if fails {
            state.apply(
                Observation::Source(SourceId::Metrics, failing.clone()),
                ago(seconds - 1),
            );
        }
        let fresh = matches!(state.freshness(&SourceId::Metrics, now()), Freshness::Fresh(_));
        assert_eq!(fresh, counts, "{seconds} s, fails: {fails}");
    }
    let mut state = State::default();
    state.apply(Observation::Tracker(TrackerReading::default()), ago(180));
    assert!(state.is_fresh(&SourceId::Tracker, now()));
    let later = now().checked_add(SignedDuration::from_secs(1)).unwrap();
    assert!(!state.is_fresh(&SourceId::Tracker, later));
}

#[test]
fn an_alert_is_over_only_where_the_list_is_alive() {
    let name = SafeText::new("Down");
    let mut state = State::default();
    state.apply(Observation::Alerts(alerts(&["Down", "Slow"], true)), ago(90));
    state.apply(Observation::Alerts(alerts(&["Slow"], false)), ago(60));
    assert_eq!(state.monitoring.ended_at(&name), None);
    state.apply(Observation::Alerts(alerts(&["Down"], true)), ago(40));
    state.apply(Observation::Alerts(alerts(&[], true)), ago(30));
    assert_eq!(state.monitoring.ended_at(&name), Some(ago(30)));
    state.apply(Observation::Alerts(alerts(&["Down"], true)), now());
    assert_eq!(state.monitoring.ended_at(&name), None, "it fires again");
}

#[test]
fn an_issue_rises_when_its_count_does_between_two_polls() {
    let mut state = State::default();
    state.apply(Observation::Tracker(issues(&[("1", 5), ("2", 5)])), ago(120));
    assert_eq!(state.monitoring.rose_at(&"1".into()), None, "seen once");
    state.apply(Observation::Tracker(issues(&[("1", 6), ("2", 5)])), ago(60));
    state.apply(Observation::Tracker(issues(&[("1", 6), ("2", 5)])), now());
    assert_eq!(state.monitoring.rose_at(&"1".into()), Some(ago(60)));
    assert_eq!(state.monitoring.rose_at(&"2".into()), None);
}
