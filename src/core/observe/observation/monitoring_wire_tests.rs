//! What monitoring servers said is written and read as ever: names on disk don't follow renames in the code.

use super::*;
use crate::profile::monitoring::Figure;

/// One observation of each kind, as a record has it.
const LINES: [&str; 10] = [
    r#"{"Metrics":[{"figure":"errors","window_s":300,"answer":{"Ok":{"rows":[{"value":"NaN"}],"left_out":3,"warnings":["a store did not answer"]}}},{"figure":"up","answer":{"Err":"timed out"}},{"figure":"cpu","window_s":300,"answer":{"Ok":{"rows":[{"labels":[["pod","msa-1"]],"value":"0.25"}]}}}]}"#,
    r#"{"MetricsHistory":[{"figure":"volume","points":{"Ok":[["2026-11-28T19:28:17Z","2.5"]]},"warnings":["w"]},{"figure":"slow","points":{"Err":"timed out"}}]}"#,
    r#"{"Alerts":{"alerts":[{"fingerprint":"6728f62f","labels":{"alertname":"A"},"annotations":{"message":"m"},"starts_at":"2026-11-28T19:28:08Z","updated_at":"2026-11-28T19:28:09Z","silenced_by":["s1"],"inhibited":true,"expression":"up == 0"}],"left_out":2,"silences":{"s1":{"ends_at":"2026-11-28T20:00:00Z","by":"controlplane","comment":"known"}},"alive":{"name":"Watchdog","updated_at":"2026-11-28T19:28:00Z"}}}"#,
    r#"{"Alerts":{"alerts":[{"fingerprint":"6728f62f","labels":{"alertname":"A"},"starts_at":"2026-11-28T19:28:08Z","updated_at":"2026-11-28T19:28:09Z","ends_at":"2026-11-28T19:32:08Z","inhibited":false}],"left_out":0}}"#,
    r#"{"AlertRules":{"rules":[{"name":"A","labels":{"severity":"critical"},"annotations":{"message":"m"},"expression":"up == 0","for_s":900,"interval_s":30,"evaluated_at":"2026-11-28T19:28:08Z","error":"broken","healthy":true,"active":[{"labels":{"alertname":"A"},"firing":true,"active_at":"2026-11-28T19:13:08Z"}]}],"complete":true,"left_out":1,"warnings":["w"]}}"#,
    r#"{"Tracker":{"project":"managed-services-stage","confirmed":"used","issues":[{"id":"4","short_id":"MSS-3","title":"t","culprit":"server.Run","level":"fatal","count":1,"first_at":"2026-11-28T19:23:56Z","last_at":"2026-11-28T19:23:57Z","link":"https://tracker.test/o/issues/4"}],"total":5,"more":true}}"#,
    r#"{"Feed":["Metrics","Live"]}"#,
    r#"{"ClusterMetrics":[{"figure":"cpu","window_s":300,"answer":{"Ok":{"rows":[{"labels":[["pod","msa-1"]],"value":"0.25"}]}}}]}"#,
    r#"{"Feed":["ClusterMetrics","Live"]}"#,
    r#"{"Feed":["Tracker",{"Off":"not configured"}]}"#,
];

#[test]
fn every_observation_of_monitoring_is_written_as_ever() {
    for line in LINES {
        let read: Observation = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
    }
}

#[test]
fn what_may_be_absent_is_read_without_it() {
    let sparse = [
        r#"{"Alerts":{"alerts":[]}}"#,
        r#"{"AlertRules":{"rules":[{"name":"A"}],"complete":false}}"#,
        r#"{"Tracker":{"project":"p","confirmed":null,"issues":[{"id":"1","title":"t"}]}}"#,
        r#"{"Metrics":[{"figure":"up","answer":{"Ok":{"rows":[]}}}]}"#,
    ];
    for line in sparse {
        let read = serde_json::from_str::<Observation>(line);
        assert!(read.is_ok(), "{line}: {read:?}");
    }
}

#[test]
fn numbers_that_json_has_not_survive() {
    for text in ["NaN", "inf", "-inf", "0.1", "1795894097.507"] {
        let value: Value = serde_json::from_str(&format!("\"{text}\"")).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), format!("\"{text}\""));
    }
    let of_prometheus: Value = serde_json::from_str("\"+Inf\"").unwrap();
    assert_eq!(of_prometheus.finite(), None);
    assert!(serde_json::from_str::<Value>("\"one\"").is_err());
}

#[test]
fn every_figure_is_named_in_files_as_it_names_itself() {
    for figure in Figure::ALL {
        let named: Figure = serde_json::from_str(&format!("\"{figure}\"")).unwrap();
        assert_eq!(named, figure);
    }
}
