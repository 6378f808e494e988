//! What a report tells of alerts, metrics and the error tracker.

use serde_json::Value as Json;

use super::tests::began;
use super::{json, markdown};
use crate::observe::observation::{
    AlertsReading, Alive, Answer, Confirmed, FigureReading, FiringAlert, Issue, Labels, Observation, Sample,
    Silence, TrackerReading, Value,
};
use crate::profile::monitoring::Figure;
use crate::record::{Entry, Line};
use crate::testkit::ago;

fn line(seconds_ago: i64, observation: Observation) -> Line {
    Line {
        at: ago(seconds_ago),
        entry: Entry::Observation(Box::new(observation)),
    }
}

fn alert(name: &str, started: i64, updated: i64) -> FiringAlert {
    FiringAlert {
        fingerprint: name.into(),
        labels: Labels::from([
            ("alertname".into(), name.into()),
            ("severity".into(), "critical".into()),
        ]),
        annotations: Labels::from([("message".into(), "slow, token=abcdefghijkl".into())]),
        starts_at: ago(started),
        updated_at: ago(updated),
        ends_at: None,
        silenced_by: Vec::new(),
        inhibited: false,
        expression: None,
    }
}

fn alerts(alerts: Vec<FiringAlert>, updated: i64) -> Observation {
    Observation::Alerts(AlertsReading {
        alerts,
        alive: Some(Alive {
            name: "Watchdog".into(),
            updated_at: ago(updated),
        }),
        ..AlertsReading::default()
    })
}

fn metrics(figure: Figure, share: f64) -> FigureReading {
    FigureReading {
        figure,
        window_s: Some(300),
        answer: Ok(Answer {
            rows: vec![Sample {
                labels: Vec::new(),
                value: Value(share),
            }],
            ..Answer::default()
        }),
    }
}

fn tracker(count: u64) -> Observation {
    Observation::Tracker(TrackerReading {
        project: "managed-services-stage".into(),
        confirmed: Some(Confirmed::Used),
        issues: vec![Issue {
            id: "7".into(),
            short_id: "MSS-7".into(),
            title: "unexpected error".into(),
            culprit: "".into(),
            level: "error".into(),
            count,
            first_at: Some(ago(590)),
            last_at: Some(ago(100)),
            link: "https://tracker.test/o/issues/7".into(),
        }],
        ..TrackerReading::default()
    })
}

/// An alert pages, the figures recover, an issue comes, the alert resolves.
fn incident() -> Vec<Line> {
    let name = "KafkaClusterProvisioningLatency";
    vec![
        Line {
            at: ago(600),
            entry: began(),
        },
        line(599, alerts(vec![alert(name, 900, 599)], 599)),
        Line {
            at: ago(598),
            entry: Entry::Sop {
                id: "kafka-provisioning-latency".to_owned(),
                alert: Some(name.into()),
            },
        },
        line(
            597,
            Observation::Metrics(vec![metrics(Figure::Errors, 0.31), metrics(Figure::Cpu, 0.5)]),
        ),
        line(300, tracker(2)),
        line(200, tracker(9)),
        line(60, Observation::Metrics(vec![metrics(Figure::Errors, 0.002)])),
        line(30, alerts(Vec::new(), 30)),
    ]
}

#[test]
fn a_report_says_which_alert_paged_the_figures_then_and_now_and_the_new_issues() {
    let text = markdown(&incident(), None).to_string();
    let time = |seconds: i64| ago(seconds).strftime("%F %T UTC").to_string();
    for words in [
        format!(
            "Paged by KafkaClusterProvisioningLatency (critical): condition since {0}, firing since {0}, resolved at {1}.",
            time(900),
            time(30)
        ),
        "## Alerts, metrics, error tracker".to_owned(),
        format!(
            "5xx in 5m: 31.0 % at {} -> 0.2 % at {} (metrics, 30s old at the end)",
            time(597),
            time(60)
        ),
        format!("CPU of its limit in 5m: 50.0 % at {} -> 50.0 %", time(597)),
        "new issue MSS-7: unexpected error (9 events".to_owned(),
        "SOP Kafka cluster provisioning latency selected by alert KafkaClusterProvisioningLatency".to_owned(),
    ] {
        let plain = text.replace('\\', "");
        assert!(plain.contains(&words), "{words} in\n{text}");
    }
    assert!(!text.contains("abcdefghijkl"), "{text}");
}

#[test]
fn the_document_has_them_by_name() {
    let document: Json = serde_json::from_str(&json(&incident(), None).unwrap()).unwrap();
    let seen = &document["monitoring"];
    assert_eq!(seen["paged_by"], "KafkaClusterProvisioningLatency");
    assert_eq!(seen["alerts"][0]["sop"], "kafka-provisioning-latency");
    assert_eq!(seen["alerts"][0]["resolved_at"], ago(30).to_string());
    let errors = &seen["figures"][0];
    assert_eq!(
        (&errors["figure"], &errors["window_s"], &errors["source"]),
        (&"errors".into(), &300.into(), &"metrics".into())
    );
    assert_eq!(
        (&errors["first"], &errors["last"], &errors["last_age_s"]),
        (&"31.0 %".into(), &"0.2 %".into(), &30.into())
    );
    assert_eq!(
        (&seen["issues"][0]["id"], &seen["issues"][0]["new"]),
        (&"MSS-7".into(), &true.into())
    );
}

#[test]
fn a_record_without_monitoring_says_nothing_of_it() {
    let lines = vec![Line {
        at: ago(600),
        entry: began(),
    }];
    let document: Json = serde_json::from_str(&json(&lines, None).unwrap()).unwrap();
    assert_eq!(document["monitoring"], Json::Null);
    let text = markdown(&lines, None).to_string();
    assert!(
        !text.contains("error tracker\n") && !text.contains("Paged by"),
        "{text}"
    );
}

#[test]
fn an_alert_that_fired_for_the_chosen_sop_paged_where_a_person_chose() {
    let mut lines = incident();
    lines.remove(2);
    let document: Json = serde_json::from_str(&json(&lines, None).unwrap()).unwrap();
    assert_eq!(
        document["monitoring"]["paged_by"],
        "KafkaClusterProvisioningLatency"
    );
}

#[test]
fn who_silenced_an_alert_is_not_in_the_report() {
    let mut silenced = alert("KafkaClusterProvisioningLatency", 900, 599);
    silenced.silenced_by = vec!["s1".into()];
    let silence = Silence {
        ends_at: ago(-3_600),
        by: "bob@example.test".into(),
        comment: "known".into(),
    };
    let reading = Observation::Alerts(AlertsReading {
        alerts: vec![silenced],
        silences: [("s1".into(), silence)].into(),
        ..AlertsReading::default()
    });
    let lines = vec![
        Line {
            at: ago(600),
            entry: began(),
        },
        line(599, reading),
    ];
    let both = format!("{}{}", markdown(&lines, None), json(&lines, None).unwrap());
    assert!(both.contains("silenced") && !both.contains("bob@"), "{both}");
}
