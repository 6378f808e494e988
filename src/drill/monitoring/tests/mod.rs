//! The servers, asked over HTTP as clients ask them.

mod answers;
mod faults;
mod worlds;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::MonitoringServer;
use crate::{Drill, Options, Scenario, scenario};

fn start() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

async fn drill_of(scenario: Scenario, folder: &Path, lived: Duration) -> Drill {
    let options = Options {
        scenario,
        start: start(),
        speed: 1.0,
        seed: 7,
        folder: folder.to_owned(),
    };
    Drill::start_lived(options, lived).await.unwrap()
}

/// A drill that has gone on for so many seconds.
async fn drill(id: &str, folder: &Path, lived: u64) -> Drill {
    drill_of(scenario(id).unwrap(), folder, Duration::from_secs(lived)).await
}

/// An answer: status, headers by name in lower case, body.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn content_type(&self) -> &str {
        self.headers.get("content-type").map_or("", String::as_str)
    }
}

async fn send(
    drill: &Drill,
    server: MonitoringServer,
    method: &str,
    path: &str,
    token: Option<&str>,
    form: &str,
) -> std::io::Result<Answer> {
    let url = drill.monitoring().url(server);
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await?;
    let login = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: drill\r\nConnection: close\r\n{login}Content-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default().split(' ').nth(1);
    let headers = lines.filter_map(|line| line.split_once(": "));
    Ok(Answer {
        status: status.and_then(|code| code.parse().ok()).unwrap_or(0),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    })
}

/// A GET by somebody who may ask.
async fn get(drill: &Drill, server: MonitoringServer, path: &str) -> Answer {
    let token = drill.monitoring().token(server).to_owned();
    send(drill, server, "GET", path, Some(&token), "").await.unwrap()
}

/// A query's rows: labels and value.
async fn query(drill: &Drill, text: &str) -> Vec<(Value, f64)> {
    let token = drill.monitoring().token(MonitoringServer::Metrics).to_owned();
    let form = format!("query={}", escaped(text));
    let answer = send(
        drill,
        MonitoringServer::Metrics,
        "POST",
        "/api/v1/query",
        Some(&token),
        &form,
    );
    let answer = answer.await.unwrap();
    assert_eq!(answer.status, 200, "{text}: {}", answer.body);
    let rows = answer.json()["data"]["result"].as_array().unwrap().clone();
    rows.into_iter()
        .map(|row| {
            let value = row["value"][1].as_str().unwrap().parse().unwrap();
            (row["metric"].clone(), value)
        })
        .collect()
}

fn escaped(text: &str) -> String {
    let escaped = text.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    escaped.collect()
}

/// The rows of a figure of the profile.
async fn figure(drill: &Drill, name: &str) -> Vec<(Value, f64)> {
    let text = super::queries::text_of(name).unwrap();
    query(drill, &text).await
}

/// The only value of a figure.
async fn value(drill: &Drill, name: &str) -> f64 {
    let rows = figure(drill, name).await;
    assert_eq!(rows.len(), 1, "{name}: {rows:?}");
    rows[0].1
}
