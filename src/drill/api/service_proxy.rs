//! The proxy to a service: Prometheus, Alertmanager and the error tracker of the service's owners, which run in a namespace of their own. The
//! caller's token ends at the API server, and they ask for none there.

use bytes::Bytes;
use futures::FutureExt as _;
use http::Response;
use http_body_util::{BodyExt as _, Collected};

use super::ApiRequest;
use super::body::{self, Body, WholeBody};
use super::status::Refusal;
use crate::monitoring::{MonitoringServer, through_proxy};

/// Where the monitoring servers run.
pub const NAMESPACE: &str = "openshift-customer-monitoring";

/// A service there: its name, its port by number and by name, and the server behind it.
const SERVICES: [(&str, &str, &str, MonitoringServer); 3] = [
    ("prometheus-app-sre", "9090", "web", MonitoringServer::Metrics),
    ("alertmanager-app-sre", "9093", "web", MonitoringServer::Alerts),
    ("glitchtip", "8000", "web", MonitoringServer::Tracker),
];

/// Answers a request through the proxy.
pub async fn answer(request: &ApiRequest<'_>) -> Result<Response<Body>, Refusal> {
    let id = request.target.name.as_str();
    let (scheme, name, port) = match *id.split(':').collect::<Vec<_>>() {
        [name] => ("", name, ""),
        [name, port] => ("", name, port),
        [scheme @ ("" | "http" | "https"), name, port] => (scheme, name, port),
        _ => return Err(Refusal::bad_request(format!("invalid service request {id:?}"))),
    };
    let here = request.target.namespace == NAMESPACE;
    let known = SERVICES.iter().find(|(known, ..)| here && *known == name);
    let Some((_, number, named, server)) = known else {
        return Err(Refusal::not_found("", "services", name));
    };
    let unavailable = |message: String| Refusal::new(503, "ServiceUnavailable", message);
    if ![*number, *named].contains(&port) {
        return Err(unavailable(format!("no endpoints available for service {id:?}")));
    }
    let unreachable = |why: &str| unavailable(format!("error trying to reach service: {why}"));
    if scheme == "https" {
        return Err(unreachable("http: server gave HTTP response to HTTPS client"));
    }
    let path = request.parts.uri.path();
    let below = path.split_once("/proxy").map_or("", |(_, below)| below);
    let reply = through_proxy(*server, request.state, request.parts, below).await;
    let Some(reply) = reply else {
        let why = format!("dial tcp 10.128.2.11:{number}: connect: connection refused");
        return Err(unreachable(&why));
    };
    let (parts, whole) = reply.into_parts();
    // It is there already.
    let bytes = whole.collect().now_or_never().and_then(Result::ok);
    let bytes = bytes.map_or_else(Bytes::new, Collected::to_bytes);
    let mut response = Response::from_parts(parts, body::whole(bytes.clone()));
    response.extensions_mut().insert(WholeBody(bytes));
    Ok(response)
}
