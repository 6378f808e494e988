//! The API server before `kubectl`, kube's client and plain requests.

mod audit;
mod autoscalers;
mod faults;
mod kubectl;
mod kubectl_writes;
mod lists;
mod logs;
mod metrics;
mod service_proxy;
mod views;
mod wire;
mod writes;

use std::path::Path;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;

use super::Body;
use crate::{Drill, Options, Scenario, scenario};

const PODS: &str = "/api/v1/namespaces/managed-services-stage/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/managed-services-stage/deployments";

fn start() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

async fn drill_of(scenario: Scenario, folder: &Path, speed: f64) -> Drill {
    let options = Options {
        scenario,
        start: start(),
        speed,
        seed: 7,
        folder: folder.to_owned(),
    };
    Drill::start(options).await.unwrap()
}

async fn drill(id: &str, folder: &Path) -> Drill {
    fast_drill(id, folder, 1.0).await
}

/// A drill whose clock runs `speed` times as fast as ours.
async fn fast_drill(id: &str, folder: &Path, speed: f64) -> Drill {
    drill_of(scenario(id).unwrap(), folder, speed).await
}

/// A request in process; `extra` are headers.
async fn send(drill: &Drill, method: &str, path: &str, extra: &[(&str, &str)], body: &str) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in extra {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    drill.api().in_process().oneshot(request).await.unwrap()
}

/// The status and the whole body of an answer.
async fn whole(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

async fn ask(drill: &Drill, method: &str, path: &str, extra: &[(&str, &str)], body: &str) -> (u16, Value) {
    let (status, text) = whole(send(drill, method, path, extra, body).await).await;
    (status, serde_json::from_str(&text).unwrap())
}

async fn get(drill: &Drill, path: &str) -> (u16, Value) {
    ask(drill, "GET", path, &[], "").await
}

/// The header by which a request is this user's: `on_call`, `read_only` or `admin`.
fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// The names of the pods, in order.
async fn pod_names(drill: &Drill) -> Vec<String> {
    let (_, list) = get(drill, PODS).await;
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}
