//! Polls, waits and wishes of the console, against a server that answers as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::super::options::{
    AlertsOptions, Credential, MetricsOptions, MonitoringOptions, Now, RulesOptions, Secret, TrackerOptions,
};
use super::super::poll_loop::{MonitoringRequest, run};
use super::server::{Asked, Exchange, Server};
use super::{filter, located, no_cluster};
use crate::patience::soon;
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::{Confirmed, Observation};
use sopwatch_core::observe::source::{ProblemKind, SourceId, SourceState};
use sopwatch_core::profile::monitoring::matcher::Matcher;
use sopwatch_core::profile::monitoring::{Figure, MetricQuery};

const ONE: &str =
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}"#;

/// The tasks, and what they send.
struct Running {
    events: mpsc::Receiver<Event>,
    requests: watch::Sender<MonitoringRequest>,
    cancel: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Running {
    fn start(options: MonitoringOptions) -> Self {
        let (sender, events) = mpsc::channel(64);
        let (requests, listens) = watch::channel(MonitoringRequest::default());
        let cancel = CancellationToken::new();
        tokio::spawn(run(options, no_cluster(), listens, sender, cancel.clone()));
        Self {
            events,
            requests,
            cancel,
        }
    }

    /// Waits for an observation that fits.
    async fn until<T>(&mut self, fits: impl Fn(&Observation) -> Option<T>) -> T {
        let wait = async {
            loop {
                let Some(Event::Observation(observation)) = self.events.recv().await else {
                    continue;
                };
                if let Some(found) = fits(&observation) {
                    return found;
                }
            }
        };
        soon("the observation comes", wait).await
    }

    async fn failing(&mut self, id: SourceId) -> (ProblemKind, String, u32, Duration) {
        self.until(|observation| match observation {
            Observation::Source(
                of,
                SourceState::Failing {
                    problem,
                    attempt,
                    retry_in,
                },
            ) if *of == id => Some((problem.kind, problem.what.to_string(), *attempt, *retry_in)),
            _ => None,
        })
        .await
    }
}

fn nothing() -> MonitoringOptions {
    MonitoringOptions {
        metrics: None,
        cluster_metrics: None,
        alerts: None,
        tracker: None,
        now: Now(Arc::new(|| Timestamp::UNIX_EPOCH)),
    }
}

fn metrics(address: &str) -> MetricsOptions {
    let query = |figure: Figure, text: &str| MetricQuery {
        figure,
        window: None,
        text: text.to_owned(),
    };
    MetricsOptions {
        server: located(address),
        tenancy: None,
        queries: vec![query(Figure::Up, "up"), query(Figure::Volume, "volume")],
        rules: None,
    }
}

fn only_metrics(metrics: MetricsOptions) -> MonitoringOptions {
    MonitoringOptions {
        metrics: Some(metrics),
        ..nothing()
    }
}

#[tokio::test]
async fn each_query_of_a_round_is_answered_or_says_why_not() {
    let server = Server::answering(Arc::new(|asked: &Asked| {
        if asked.path.contains("query=volume") {
            let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
            return Exchange::json(error).status(400);
        }
        Exchange::json(ONE)
    }))
    .await;
    let mut running = Running::start(only_metrics(metrics(&server.address)));
    let readings = running
        .until(|observation| match observation {
            Observation::Metrics(readings) => Some(readings.clone()),
            _ => None,
        })
        .await;
    assert_eq!(readings.len(), 2);
    assert_eq!(readings[0].answer.as_ref().unwrap().rows.len(), 1);
    let why = readings[1].answer.as_ref().unwrap_err();
    assert_eq!(&**why, "the server refuses the query: parse error");
}

#[tokio::test]
async fn a_source_that_answers_nothing_fails_and_waits_longer_each_time() {
    let server = Server::always(Exchange::json("down").status(500)).await;
    let mut running = Running::start(only_metrics(metrics(&server.address)));
    let (kind, what, attempt, wait) = running.failing(SourceId::Metrics).await;
    assert_eq!((kind, attempt), (ProblemKind::ServerError, 1));
    assert!(what.contains("500") && what.contains("down"), "{what}");
    assert!(
        wait >= Duration::from_secs(5) && wait < Duration::from_secs(7),
        "{wait:?}"
    );
}

#[tokio::test]
async fn a_round_in_which_every_query_fails_is_a_failure_of_the_source() {
    let error = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    let server = Server::always(Exchange::json(error).status(503)).await;
    let mut running = Running::start(only_metrics(metrics(&server.address)));
    let (_, what, ..) = running.failing(SourceId::Metrics).await;
    assert!(what.contains("timed out"), "{what}");
}

#[tokio::test]
async fn a_refused_token_waits_for_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "old").unwrap();
    let server = Server::answering(Arc::new(|asked: &Asked| {
        if asked.authorization.as_deref() == Some("Bearer new") {
            Exchange::json(ONE)
        } else {
            Exchange::json("Unauthorized\n")
                .status(401)
                .header("content-type", "text/plain")
        }
    }))
    .await;
    let mut options = metrics(&server.address);
    options.server.credential = Credential::Bearer(Secret::File(file.clone()));
    let mut running = Running::start(only_metrics(options));
    let (kind, _, _, wait) = running.failing(SourceId::Metrics).await;
    assert_eq!((kind, wait), (ProblemKind::Unauthorized, Duration::from_mins(5)));
    std::fs::write(&file, "new").unwrap();
    running
        .until(|observation| matches!(observation, Observation::Metrics(_)).then_some(()))
        .await;
}

#[tokio::test]
async fn rules_that_may_not_be_read_are_seen_by_queries() {
    let server = Server::answering(Arc::new(|asked: &Asked| {
        if asked.path.starts_with("/api/v1/rules") {
            return Exchange::json("Forbidden").status(403).header("content-type", "text/plain");
        }
        let (name, value) = if asked.path.contains("ALERTS_FOR_STATE") {
            ("ALERTS_FOR_STATE", "1795894118")
        } else {
            ("ALERTS", "1")
        };
        let state = if name == "ALERTS" { r#","alertstate":"pending""# } else { "" };
        let row = format!(
            r#"{{"metric":{{"__name__":"{name}","alertname":"Down","service":"managed-services-api"{state}}},"value":[1,"{value}"]}}"#
        );
        Exchange::json(&format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{row}]}}}}"#
        ))
    }))
    .await;
    let mut options = metrics(&server.address);
    options.rules = Some(RulesOptions {
        server: options.server.clone(),
        filter: filter(),
    });
    let mut running = Running::start(only_metrics(options));
    let reading = running
        .until(|observation| match observation {
            Observation::AlertRules(reading) => Some(reading.clone()),
            _ => None,
        })
        .await;
    assert!(!reading.complete, "quiet rules can't be seen");
    let [rule] = reading.rules.as_slice() else {
        panic!("{reading:?}");
    };
    let [alert] = rule.active.as_slice() else {
        panic!("one alert, whichever filter finds it: {reading:?}");
    };
    assert_eq!(&*rule.name, "Down");
    let began = Timestamp::from_second(1_795_894_118).unwrap();
    assert_eq!((alert.firing, alert.active_at), (false, Some(began)));
}

#[tokio::test]
async fn charts_are_asked_for_only_while_somebody_looks() {
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0,"2"],[60,"3"]]}]}}"#;
    let server = Server::answering(Arc::new(move |asked: &Asked| {
        let range = asked.path.contains("query_range");
        Exchange::json(if range { matrix } else { ONE })
    }))
    .await;
    let mut running = Running::start(only_metrics(metrics(&server.address)));
    running
        .until(|observation| matches!(observation, Observation::Metrics(_)).then_some(()))
        .await;
    assert!(
        !server
            .asked()
            .iter()
            .any(|asked| asked.path.contains("query_range"))
    );
    running.requests.send_modify(|request| request.charts = true);
    let histories = running
        .until(|observation| match observation {
            Observation::MetricsHistory(histories) => Some(histories.clone()),
            _ => None,
        })
        .await;
    let figures: Vec<_> = histories.iter().map(|history| history.figure).collect();
    assert_eq!(figures, [Figure::Volume], "no query is there for the others");
    assert_eq!(histories[0].points.as_ref().unwrap().len(), 2);
    let asked = server.asked();
    let range = asked
        .iter()
        .find(|asked| asked.path.contains("query_range"))
        .unwrap();
    assert!(range.path.contains("start=-3600&end=0&step=60"), "{range:?}");
}

#[tokio::test]
async fn alerts_come_with_their_silences_and_a_sign_of_life() {
    let alert = |name: &str, print: &str, silenced: &str| {
        format!(
            r#"{{"labels":{{"alertname":"{name}"}},"fingerprint":"{print}","startsAt":"2026-11-28T19:28:08Z",
            "updatedAt":"2026-11-28T19:28:09Z","status":{{"state":"active","silencedBy":[{silenced}],"inhibitedBy":[]}},
            "generatorURL":"http://inside:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"}}"#
        )
    };
    let server = Server::answering(Arc::new(move |asked: &Asked| {
        if asked.path.contains("/silence/") {
            let silence =
                r#"{"id":"s1","createdBy":"controlplane","comment":"known","endsAt":"2026-11-28T20:00:00Z"}"#;
            return Exchange::json(silence);
        }
        if asked.path.contains("Watchdog") {
            return Exchange::json(&format!("[{}]", alert("Watchdog", "w", "")));
        }
        Exchange::json(&format!("[{}]", alert("Down", "d", r#""s1""#)))
    }))
    .await;
    let alerts = AlertsOptions {
        server: located(&server.address),
        filter: filter(),
        always_firing: vec![Matcher::parse(r#"alertname="Watchdog""#).unwrap()],
    };
    let mut running = Running::start(MonitoringOptions {
        alerts: Some(alerts),
        ..nothing()
    });
    let reading = running
        .until(|observation| match observation {
            Observation::Alerts(reading) => Some(reading.clone()),
            _ => None,
        })
        .await;
    let [alert] = reading.alerts.as_slice() else {
        panic!("the same alert of both filters: {reading:?}");
    };
    assert_eq!(alert.expression.as_deref(), Some("up == 0"));
    assert!(!format!("{reading:?}").contains("inside"), "no internal host");
    assert_eq!(&*reading.silences["s1"].by, "controlplane");
    assert_eq!(&*reading.alive.unwrap().name, "Watchdog");
    let filters: Vec<_> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.path.starts_with("/api/v2/alerts?filter="))
        .map(|asked| asked.path)
        .collect();
    assert_eq!(filters.len(), 3, "two filters and the sign of life: {filters:?}");
}

#[tokio::test]
async fn an_alert_says_until_when_it_fires_where_the_server_does() {
    // What the server says, and the end that is read.
    for (said, read) in [
        (
            r#","endsAt":"2026-11-28T19:32:08.779Z""#,
            Some("2026-11-28T19:32:08.779Z"),
        ),
        (r#","endsAt":"0001-01-01T00:00:00.000Z""#, None),
        (r#","endsAt":null"#, None),
        ("", None),
    ] {
        let alert = format!(
            r#"[{{"labels":{{"alertname":"Down"}},"fingerprint":"d","startsAt":"2026-11-28T19:28:08Z",
            "updatedAt":"2026-11-28T19:28:09Z"{said}}}]"#
        );
        let server = Server::always(Exchange::json(&alert)).await;
        let alerts = AlertsOptions {
            server: located(&server.address),
            filter: filter(),
            always_firing: Vec::new(),
        };
        let mut running = Running::start(MonitoringOptions {
            alerts: Some(alerts),
            ..nothing()
        });
        let reading = running
            .until(|observation| match observation {
                Observation::Alerts(reading) => Some(reading.clone()),
                _ => None,
            })
            .await;
        let ends_at = reading.alerts[0].ends_at.map(|at| at.to_string());
        assert_eq!(ends_at.as_deref(), read, "{said}");
    }
}

#[tokio::test]
async fn issues_are_asked_for_by_the_projects_number() {
    let server = Server::answering(Arc::new(|asked: &Asked| {
        if asked.path.contains("/projects/") {
            return Exchange::json(r#"[{"id":"7","slug":"msa","firstEvent":"2026-11-28T19:00:00Z"}]"#);
        }
        Exchange::json(
            r#"[{"id":"1","title":"t","level":"error","count":"3","project":{"slug":"msa"}},
                {"id":"2","title":"of another","level":"error","count":"3","project":{"slug":"web"}}]"#,
        )
    }))
    .await;
    let tracker = |project: &str| TrackerOptions {
        server: located(&server.address),
        organisation: "org".to_owned(),
        project: project.to_owned(),
        environment: Some("stage".to_owned()),
    };
    let read = async |project: &str| {
        let mut running = Running::start(MonitoringOptions {
            tracker: Some(tracker(project)),
            ..nothing()
        });
        running
            .until(|observation| match observation {
                Observation::Tracker(reading) => Some(reading.clone()),
                _ => None,
            })
            .await
    };
    let reading = read("msa").await;
    assert_eq!(reading.confirmed, Some(Confirmed::Used));
    let [issue] = reading.issues.as_slice() else {
        panic!("{reading:?}");
    };
    assert_eq!(issue.count, 3);
    assert!(issue.link.ends_with("/org/issues/1"), "{}", issue.link);
    let asked = server.asked().pop().unwrap().path;
    assert!(
        asked.contains("project=7") && asked.contains("environment=stage"),
        "{asked}"
    );
    let before = server.asked().len();
    let reading = read("msb").await;
    assert_eq!(
        (reading.confirmed, reading.issues.len()),
        (Some(Confirmed::Missing), 0)
    );
    assert_eq!(
        server.asked().len(),
        before + 1,
        "no issues of a project that is not there"
    );
}

#[tokio::test]
async fn a_wish_for_a_poll_is_taken_up_before_its_turn() {
    let down = Arc::new(AtomicBool::new(true));
    let state = down.clone();
    let flaky = Server::answering(Arc::new(move |_: &Asked| {
        if state.load(Ordering::SeqCst) {
            return Exchange::json("Unauthorized")
                .status(401)
                .header("content-type", "text/plain");
        }
        Exchange::json(ONE)
    }))
    .await;
    let mut running = Running::start(only_metrics(metrics(&flaky.address)));
    running.failing(SourceId::Metrics).await;
    down.store(false, Ordering::SeqCst);
    // The credential stays the same: only the wish brings the next try, five minutes before its turn.
    running.requests.send_modify(|request| request.polls += 1);
    running
        .until(|observation| matches!(observation, Observation::Metrics(_)).then_some(()))
        .await;
}
