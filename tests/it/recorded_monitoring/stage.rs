//! A drill of which the recorded requests are made.

use std::time::Duration;

use sopwatch_drill::monitoring::MonitoringServer;
use sopwatch_drill::{Drill, Options, Scenario};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::exchange::{Answer, Exchange};

/// Alerts as in the recordings: two that fire, one of them silenced, and one that inhibits what it is the cause of.
const BUSY: &str = "
id = 'recorded'
title = 'As recorded'
story = 'More requests than the pods can answer, and errors.'
sop = 'api-availability'
[[alert]]
name = 'ManagedServicesApiAvailability'
[[alert]]
name = 'KafkaClusterProvisioningCorrectness'
since = '-40m'
until = '2h'
silenced = { by = 'controlplane', comment = 'SLO inactive', since = '-3d', until = '27d' }
[[alert]]
name = 'KafkaClusterProvisioningLatency'
since = '-30m'
until = '2h'
[[timeline]]
at = '-30m'
service = { load = { requests_per_minute = 300, capacity = 80 } }
";

/// A drill, and its folder.
pub struct Stage {
    pub drill: Drill,
    _folder: TempDir,
}

impl Stage {
    /// The world that most of the recordings were made in.
    pub async fn busy() -> Self {
        Self::start(Scenario::parse("recorded.toml", BUSY).unwrap(), 300).await
    }

    /// A scenario that has gone on for so many seconds.
    pub async fn of(scenario: &str, lived: u64) -> Self {
        Self::start(sopwatch_drill::scenario(scenario).unwrap(), lived).await
    }

    async fn start(scenario: Scenario, lived: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            scenario,
            start: "2026-11-28T19:22:00Z".parse().unwrap(),
            speed: 1.0,
            seed: 7,
            folder: folder.path().to_owned(),
        };
        let drill = Drill::start_lived(options, Duration::from_secs(lived)).await;
        Self {
            drill: drill.unwrap(),
            _folder: folder,
        }
    }

    /// Makes the request as somebody who may.
    pub async fn play(&self, exchange: &Exchange) -> Answer {
        let token = self.drill.monitoring().token(exchange.server).to_owned();
        self.play_with(exchange, Some(&token)).await
    }

    /// Makes the request with a token.
    pub async fn play_with(&self, exchange: &Exchange, token: Option<&str>) -> Answer {
        let path = self.path(exchange).await;
        self.send(exchange, &path, token).await
    }

    /// The recorded path with the names and moments of this world.
    async fn path(&self, exchange: &Exchange) -> String {
        let mut path = exchange.path.clone();
        let recorded_silence = "3760f876-26df-4743-b90d-1e502943c5e3";
        if path.contains(recorded_silence) {
            let list = self.get(MonitoringServer::Alerts, "/api/v2/silences").await;
            let id = list[0]["id"].as_str().unwrap().to_owned();
            path = path.replace(recorded_silence, &id);
        }
        if exchange.name == "prom-series" {
            let up = self
                .get(MonitoringServer::Metrics, "/api/v1/query?query=up")
                .await;
            let pod = up["data"]["result"][0]["metric"]["pod"]
                .as_str()
                .unwrap()
                .to_owned();
            path = path.replace("2mgcp", &pod[pod.len() - 5..]);
        }
        // moments of the recordings are not those of this world
        if exchange.answer.status == 200 {
            for parameter in ["time=", "start=1", "end=1"] {
                let cut = path.split('&').filter(|part| !part.starts_with(parameter));
                if exchange.name != "prom-range-empty" {
                    path = cut.collect::<Vec<_>>().join("&");
                }
            }
        }
        for (there, here) in [
            ("project=1", "project=23"),
            ("project=2&", "project=27&"),
            ("/issues/5/", "/issues/1/"),
            ("environment:development", "environment:stage"),
        ] {
            path = path.replace(there, here);
        }
        path
    }

    async fn get(&self, server: MonitoringServer, path: &str) -> serde_json::Value {
        let exchange = Exchange {
            name: String::new(),
            server,
            method: "GET".to_owned(),
            path: path.to_owned(),
            form: String::new(),
            is_reduced: false,
            answer: Answer::default(),
        };
        let token = self.drill.monitoring().token(server).to_owned();
        let answer = self.send(&exchange, path, Some(&token)).await;
        serde_json::from_str(&answer.body).unwrap()
    }

    async fn send(&self, exchange: &Exchange, path: &str, token: Option<&str>) -> Answer {
        let url = self.drill.monitoring().url(exchange.server);
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap())
            .await
            .unwrap();
        let login = token.map_or(String::new(), |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        let Exchange { method, form, .. } = exchange;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: drill\r\nConnection: close\r\n{login}Content-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        Answer::parse(&text.replace("\r\n", "\n"))
    }
}
