//! Every recorded answer, played back: what the adapter makes of it. Those that the adapter does not ask for are played in place of an
//! answer to a query: none of them may be taken for one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::super::alertmanager::Alertmanager;
use super::super::http_client::HttpClient;
use super::super::options::{AlertsOptions, TrackerOptions};
use super::super::poll_loop::Poll as _;
use super::super::prometheus::{Prometheus, QueryError};
use super::super::refusals::Refusal;
use super::super::rules::Rules;
use super::super::tracker::Tracker;
use super::server::{Exchange, Server};
use super::{endpoint, filter, located};
use sopwatch_core::observe::observation::{Answer, Observation};

/// The recordings by name: those that were recorded, or those that were written by hand.
fn recordings(by_hand: bool) -> BTreeMap<String, Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/monitoring");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = name.strip_suffix(".http") else {
            continue;
        };
        if name.ends_with(".example") == by_hand {
            let text = std::fs::read_to_string(&path).unwrap();
            found.insert(name.to_owned(), Exchange::read(&text));
        }
    }
    found
}

/// What was asked, as far as the adapter asks for it.
enum Ask {
    Query,
    Range,
    Rules,
    Alerts,
    Silence(String),
    Issues,
    Projects,
    /// Something that the adapter does not ask for.
    Nothing,
}

fn ask_of(exchange: &Exchange) -> (Ask, String) {
    let path = exchange.path.split('?').next().unwrap();
    let of_prometheus = [
        ("/api/v1/query", Ask::Query),
        ("/api/v1/query_range", Ask::Range),
        ("/api/v1/rules", Ask::Rules),
    ];
    for (end, ask) in of_prometheus {
        if let Some(prefix) = path.strip_suffix(end) {
            return (ask, prefix.to_owned());
        }
    }
    let ask = if path == "/api/v2/alerts" {
        Ask::Alerts
    } else if let Some(id) = path.strip_prefix("/api/v2/silence/") {
        Ask::Silence(id.to_owned())
    } else if path.starts_with("/api/0/organizations/") && path.ends_with("/issues/") {
        Ask::Issues
    } else if path.starts_with("/api/0/organizations/") && path.ends_with("/projects/") {
        Ask::Projects
    } else {
        Ask::Nothing
    };
    (ask, String::new())
}

fn refused(refusal: Refusal) -> String {
    let wait = refusal
        .wait
        .map(|wait| format!(" (left alone for {}s)", wait.as_secs()));
    format!(
        "{}: {}{}",
        refusal.problem.kind.in_words(),
        refusal.problem.what,
        wait.unwrap_or_default()
    )
}

fn failed(error: QueryError) -> String {
    match error {
        QueryError::Source(refusal) => format!("refused, {}", refused(refusal)),
        QueryError::Query(why) => format!("no figure: {why}"),
    }
}

fn answered(answer: Answer) -> String {
    let mut text = format!("{} rows", answer.rows.len());
    for row in answer.rows.iter().take(2) {
        let labels: Vec<_> = row
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let _ = write!(text, "; [{}] {}", labels.join(","), row.value.0);
    }
    for warning in answer.warnings {
        let _ = write!(text, "; warns: {warning}");
    }
    text
}

async fn played(exchange: &Exchange) -> String {
    let server = Server::always(exchange.clone()).await;
    let (ask, prefix) = ask_of(exchange);
    let client = || HttpClient::new(endpoint(&format!("{}{prefix}", server.address))).unwrap();
    let prometheus = || Prometheus {
        client: client(),
        tenancy: None,
    };
    let said = match ask {
        Ask::Query => prometheus().query("up").await.map_or_else(failed, answered),
        Ask::Nothing => match prometheus().query("up").await {
            Ok(answer) => panic!(
                "{} {} is no answer to a query: {answer:?}",
                exchange.method, exchange.path
            ),
            Err(error) => format!("not asked for; {}", failed(error)),
        },
        Ask::Range => {
            let at = Timestamp::UNIX_EPOCH;
            let range = prometheus().query_range("up", at, at, 60).await;
            range.map_or_else(failed, |(points, _)| {
                let numbers = points
                    .iter()
                    .filter(|(_, value)| value.finite().is_some())
                    .count();
                format!("{} points, {numbers} of them numbers", points.len())
            })
        }
        Ask::Rules => {
            let polled = Rules::new(prometheus(), filter()).poll().await;
            polled.map_or_else(refused, |observations| json(&observations))
        }
        Ask::Alerts | Ask::Silence(_) => {
            let options = AlertsOptions {
                server: located(&server.address),
                filter: filter(),
                always_firing: Vec::new(),
            };
            let alertmanager = Alertmanager::new(client(), &options);
            match ask {
                Ask::Silence(id) => format!("{:?}", alertmanager.silence(&id).await),
                _ => match alertmanager.alerts(&[]).await {
                    Ok(alerts) => {
                        let mut alertmanager = alertmanager;
                        let polled = alertmanager.poll().await;
                        format!(
                            "{} alerts; {}",
                            alerts.len(),
                            polled.map_or_else(refused, |all| json(&all))
                        )
                    }
                    Err(refusal) => refused(refusal),
                },
            }
        }
        Ask::Issues | Ask::Projects => {
            let options = TrackerOptions {
                server: located(&server.address),
                organisation: "managed-services".to_owned(),
                project: "managed-services-stage".to_owned(),
                environment: None,
            };
            let mut tracker = Tracker::new(client(), &options);
            if matches!(ask, Ask::Projects) {
                format!("{:?}", tracker.project().await.map_err(refused))
            } else {
                tracker
                    .read_issues(None)
                    .await
                    .map_or_else(refused, |reading| json(&[Observation::Tracker(reading)]))
            }
        }
    };
    let port = server.address.rsplit(':').next().unwrap();
    said.replace(&format!("127.0.0.1:{port}"), "SERVER")
}

fn json(observations: &[Observation]) -> String {
    let all: Vec<_> = observations
        .iter()
        .map(|observation| serde_json::to_string(observation).unwrap())
        .collect();
    all.join("\n    ")
}

async fn all_played(by_hand: bool) -> (usize, String) {
    let all = recordings(by_hand);
    let mut text = String::new();
    for (name, exchange) in &all {
        let _ = writeln!(
            text,
            "{name}\n  {} {}",
            exchange.status.as_u16(),
            played(exchange).await
        );
    }
    (all.len(), text)
}

#[tokio::test]
async fn every_recorded_answer_is_read_as_what_it_is() {
    let (count, text) = all_played(false).await;
    assert_eq!(count, 132);
    insta::assert_snapshot!("recorded", text);
}

#[tokio::test]
async fn every_answer_that_was_written_by_hand_is_read_as_what_it_is() {
    let (count, text) = all_played(true).await;
    assert_eq!(count, 30);
    insta::assert_snapshot!("written_by_hand", text);
}

#[tokio::test]
async fn nothing_of_a_person_is_read_from_the_tracker() {
    for (name, exchange) in recordings(false).into_iter().chain(recordings(true)) {
        if !name.starts_with("glitchtip") && !name.starts_with("sentry") {
            continue;
        }
        let said = played(&exchange).await;
        for personal in ["@", "assignedTo", "email", "ip_address", "Bearer"] {
            assert!(!said.contains(personal), "{name}: {personal} in {said}");
        }
    }
}
