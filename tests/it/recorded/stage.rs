//! The situations of the recordings, played by a drill in virtual time.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use sopwatch_drill::scenario::MetricsApi;
use sopwatch_drill::{Drill, Options, Scenario};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::exchange::{Answer, Exchange};

pub const PODS: &str = "/api/v1/namespaces/managed-services-stage/pods";

/// The moment at which every stage is set.
pub const START: &str = "2026-11-22T09:06:20Z";

/// Three pods of four minutes.
pub const QUIET: &str = "
id = 'recorded'
title = 'As recorded'
story = 'Three pods, and nothing happens.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '208s'
";

/// The same, but one of them crashed, and could not start at once.
pub const STEADY: &str = "
id = 'recorded'
title = 'As recorded'
story = 'Three pods, one of which crashed and could not start at once.'
sop = 'api-down'
[deployment]
age = '75m'
pods_age = '208s'
[[timeline]]
at = '-200s'
crash_pods = 1
[[timeline]]
at = '-200s'
service = { start_fails = 'environment' }
[[timeline]]
at = '-190s'
service = { recovers = 'start' }
";

/// A drill on which recorded requests are made.
pub struct Stage {
    pub drill: Drill,
    /// RecordStatus words and those of the drill that take their part.
    parts: Vec<(String, String)>,
    _folder: TempDir,
}

/// The scenario of a text, with the pods that were beside the service's in the recordings.
pub fn scenario(text: &str) -> Scenario {
    let mut scenario = Scenario::parse("recorded.toml", text).unwrap();
    scenario.objects.extend(neighbours());
    // where it was recorded there was no metrics server, and the role knew neither that, nor the pods' own metrics, nor
    // autoscalers
    scenario.metrics = MetricsApi::Absent;
    let rights = ["pods.metrics.k8s.io", "pods/proxy", "horizontalpodautoscalers"].map(str::to_owned);
    scenario.rights.without.extend(rights);
    scenario
}

/// The recorded pods that are not the service's: nobody looks after them here either. Of the proxy only the name was recorded, so that
/// one of the service's pods lends it the rest.
fn neighbours() -> Vec<Value> {
    let list = Exchange::read("pods-list-page-2").answer.json();
    let (own, other): (Vec<Value>, Vec<Value>) = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .partition(|pod| pod["metadata"]["labels"]["app"] == "managed-services-api");
    let mut proxy = own[0].clone();
    proxy["metadata"]["name"] = PROXY.into();
    proxy["metadata"]["generateName"] = "observability-proxy-6f46d4f88f-".into();
    proxy["metadata"]["labels"]["app"] = "observability-proxy".into();
    proxy["metadata"]["ownerReferences"][0]["name"] = "observability-proxy-6f46d4f88f".into();
    proxy["metadata"]["creationTimestamp"] = other[0]["metadata"]["creationTimestamp"].clone();
    let mut neighbours = other;
    neighbours.push(proxy);
    for pod in &mut neighbours {
        pod["kind"] = "Pod".into();
        pod["apiVersion"] = "v1".into();
    }
    neighbours
}

const PROXY: &str = "observability-proxy-6f46d4f88f-42gcp";

impl Stage {
    /// The drill of a scenario's text, and which pod stands for which, by name.
    pub async fn set(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options {
            scenario: scenario(text),
            start: START.parse().unwrap(),
            speed: 1.0,
            seed: 7,
            folder: folder.path().to_owned(),
        };
        Self {
            drill: Drill::start(options).await.unwrap(),
            parts: Vec::new(),
            _folder: folder,
        }
    }

    /// RecordStatus words are these of the drill from now on.
    pub fn part(&mut self, recorded: &str, drill: &str) {
        self.parts.push((recorded.to_owned(), drill.to_owned()));
    }

    /// Who plays a recorded part.
    pub fn player(&self, recorded: &str) -> String {
        self.cast(recorded)
    }

    /// The on-call user deletes a pod.
    pub async fn delete(&self, pod: &str) {
        let answer = self.ask("DELETE", &format!("{PODS}/{pod}"), &[], "", None).await;
        assert_eq!(answer.code, 200, "{}", answer.body);
    }

    fn cast(&self, text: &str) -> String {
        let cast = |text: String, (recorded, drill): &(String, String)| text.replace(recorded, drill);
        self.parts.iter().fold(text.to_owned(), cast)
    }

    /// The pods of the service.
    pub async fn pods(&self) -> Vec<Value> {
        let list = self
            .get(&format!("{PODS}?labelSelector=app%3Dmanaged-services-api"))
            .await;
        list.json()["items"].as_array().unwrap().clone()
    }

    /// The first pod of the service of which this is so.
    pub async fn pod(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let pods = self.pods().await;
        let found = pods.iter().find(|pod| is_so(pod));
        found
            .unwrap_or_else(|| panic!("no pod {what}: {pods:#?}"))
            .clone()
    }

    /// Waits, in virtual time, until a pod is so.
    pub async fn until(&self, what: &str, is_so: impl Fn(&[Value]) -> bool) {
        for _ in 0..600 {
            if is_so(&self.pods().await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("not within five minutes: {what}\n{:#?}", self.pods().await);
    }

    /// A get by the on-call user.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "", None).await
    }

    /// Makes the recorded request.
    pub async fn play(&self, exchange: &Exchange) -> Answer {
        self.play_for(exchange, None).await
    }

    /// Makes the recorded request, and hangs up after a while.
    pub async fn play_for(&self, exchange: &Exchange, patience: Option<Duration>) -> Answer {
        let mut headers = exchange.headers.clone();
        if exchange.user == "badtoken" {
            headers.push(("Authorization".to_owned(), "Bearer of-nobody".to_owned()));
        }
        let (path, body) = (self.cast(&exchange.path), self.cast(&exchange.body));
        self.ask(&exchange.method, &path, &headers, &body, patience).await
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &str,
        patience: Option<Duration>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("Host", "127.0.0.1:6443")
            .header("User-Agent", "curl/8.5.0");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let response = self.drill.api().in_process().oneshot(request).await.unwrap();
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)));
        let mut answer = Answer {
            code: response.status().as_u16(),
            headers: headers.collect(),
            body: String::new(),
        };
        let mut frames = response.into_body();
        let reading = async {
            while let Some(frame) = frames.frame().await {
                let data = frame.unwrap().into_data().unwrap();
                answer.body.push_str(&String::from_utf8_lossy(&data));
            }
        };
        match patience {
            Some(patience) => {
                let _cut = tokio::time::timeout(patience, reading).await;
            }
            None => reading.await,
        }
        answer
    }
}
