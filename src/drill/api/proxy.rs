//! The proxy to a pod: the service's answer, or the error, in the words of the API server and of Go's transport.

use http::Response;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::ApiRequest;
use super::body::{self, Body};
use super::request::Target;
use super::status::Refusal;
use super::write;
use crate::world::Resource;

/// Where the service serves its metrics, without TLS.
const METRICS: u16 = 8_080;
/// Where it serves its API and its health, with TLS.
const WITH_TLS: [u16; 2] = [8_000, 8_083];
const TEXT: &str = "text/plain; charset=utf-8";
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A proxy's name: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
struct Address<'a> {
    tls: bool,
    name: &'a str,
    port: &'a str,
}

impl<'a> Address<'a> {
    fn of(id: &'a str) -> Option<Self> {
        let (tls, name, port) = match *id.split(':').collect::<Vec<&str>>() {
            [name] => (false, name, ""),
            [name, port] | ["" | "http", name, port] => (false, name, port),
            ["https", name, port] => (true, name, port),
            _ => return None,
        };
        (!name.is_empty()).then_some(Self { tls, name, port })
    }

    /// The port it names; else the first that a container of the pod names, or the scheme's own.
    fn port_of(&self, pod: &Value) -> String {
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        let mut first = containers.map(|container| &container["ports"][0]["containerPort"]);
        match (self.port, first.find_map(Value::as_u64), self.tls) {
            ("", Some(first), _) => first.to_string(),
            ("", None, false) => "80".to_owned(),
            ("", None, true) => "443".to_owned(),
            (port, ..) => port.to_owned(),
        }
    }
}

/// Answers a request through the proxy.
pub fn answer(request: &ApiRequest<'_>) -> Result<Response<Body>, Refusal> {
    let id = request.target.name.as_str();
    let invalid = || Refusal::bad_request(format!("invalid pod request {id:?}"));
    let address = Address::of(id).ok_or_else(invalid)?;
    let world = request.state.world();
    let target = Target {
        name: address.name.to_owned(),
        ..request.target.clone()
    };
    let pod = write::find(&world, Resource::Pods, &target)?;
    let Some(ip) = pod["status"]["podIP"].as_str().filter(|ip| !ip.is_empty()) else {
        return Err(Refusal::bad_request("address not allowed"));
    };
    let port = address.port_of(&pod);
    let unreachable = |why: &str| {
        let message = format!("error trying to reach service: {why}");
        Refusal::new(503, "ServiceUnavailable", message)
    };
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    if world.silent_node(uid).is_some() {
        return Err(unreachable(&format!("dial tcp {ip}:{port}: i/o timeout")));
    }
    let Some(metrics) = world.own_metrics(uid, request.state.clock().now()) else {
        return Err(unreachable(&refused(ip, &port)));
    };
    match port.parse() {
        Ok(METRICS) if address.tls => Err(unreachable("http: server gave HTTP response to HTTPS client")),
        Ok(METRICS) => Ok(of_metrics_server(request.parts.uri.path(), metrics)),
        Ok(port) if WITH_TLS.contains(&port) => Ok(of_tls_server(address.tls)),
        _ => Err(unreachable(&refused(ip, &port))),
    }
}

fn refused(ip: &str, port: &str) -> String {
    format!("dial tcp {ip}:{port}: connect: connection refused")
}

fn of_metrics_server(path: &str, metrics: String) -> Response<Body> {
    let below = path.split_once("/proxy").map_or("", |(_, below)| below);
    if below == "/metrics" {
        body::plain(200, EXPOSITION, metrics)
    } else {
        not_found()
    }
}

/// The port with TLS: Go's server refuses plain HTTP, and the API behind it is not served here, since its users need a token.
fn of_tls_server(tls: bool) -> Response<Body> {
    if tls {
        not_found()
    } else {
        let text = "Client sent an HTTP request to an HTTPS server.\n";
        body::plain(400, TEXT, text.to_owned())
    }
}

fn not_found() -> Response<Body> {
    let mut response = body::plain(404, TEXT, "404 page not found\n".to_owned());
    let name = HeaderName::from_static("x-content-type-options");
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static("nosniff"));
    response
}
