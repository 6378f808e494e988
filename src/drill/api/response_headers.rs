//! The headers of every response: audit id, priority and fairness, length or chunks, warnings.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Response};
use http_body_util::{BodyExt as _, Empty};
use serde_json::Value;

use super::body::{self, Body, WholeBody};
use super::identity::{Identity, MASTERS};
use super::request::{Target, UrlQuery};

/// A body longer than this is sent in chunks, without its length.
const CHUNKED_BEYOND: usize = 4_096;
/// Flow schema and priority level of requests from people and service accounts.
const GLOBAL_DEFAULT: [&str; 2] = [
    "deb43d4a-7b1b-4f0e-9783-f6d49aa9c28a",
    "572e1dfe-900f-472e-9fb6-211fd7bf4c21",
];
/// Those of administrators, whose requests are never queued.
const EXEMPT: [&str; 2] = [
    "54d3cd31-7a39-4b6c-9d4a-2a6f7b1f4ad2",
    "9ae3b5f4-6d3e-4a0c-8a5e-6f4c6e6a1f77",
];

/// Gives each response of a server its headers and an audit id of its own.
#[derive(Debug, Default)]
pub struct ResponseHeaders {
    answered: AtomicU64,
}

impl ResponseHeaders {
    /// Adds the headers, and brings the body into the form that the request wants. `who` is `None` where nobody was logged in.
    pub fn add_to(&self, response: Response<Body>, parts: &Parts, who: Option<&Identity>) -> Response<Body> {
        let mut response = in_form(response, parts);
        let id = match parts.headers.get("audit-id") {
            Some(given) => given.clone(),
            None => self.audit_id(),
        };
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("audit-id"), id);
        if let Some(who) = who.filter(|_| !is_exempt_from_flows(parts)) {
            let [schema, level] = if who.is_in(MASTERS) {
                EXEMPT
            } else {
                GLOBAL_DEFAULT
            };
            for (name, uid) in [
                ("x-kubernetes-pf-flowschema-uid", schema),
                ("x-kubernetes-pf-prioritylevel-uid", level),
            ] {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(uid));
            }
        }
        response
    }

    /// An id in the shape of a random UUID. It follows from the count, so that a drill repeats itself.
    fn audit_id(&self) -> HeaderValue {
        let count = self.answered.fetch_add(1, Ordering::Relaxed) + 1;
        let high = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let low = (high ^ (high >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let text = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff,
        );
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Long-running requests (logs, exec, proxies) belong to no flow.
fn is_exempt_from_flows(parts: &Parts) -> bool {
    let long = |target: Target| {
        matches!(
            target.subresource.as_str(),
            "attach" | "exec" | "log" | "portforward" | "proxy"
        )
    };
    Target::of(parts.uri.path()).is_some_and(long)
}

/// Gives a body that is not streamed its final form: indented for `curl`, in chunks when it is long, none for HEAD.
fn in_form(mut response: Response<Body>, parts: &Parts) -> Response<Body> {
    let Some(WholeBody(bytes)) = response.extensions_mut().remove::<WholeBody>() else {
        return response;
    };
    let bytes = if wants_indented(parts) {
        indented(bytes)
    } else {
        bytes
    };
    let length = bytes.len();
    if length <= CHUNKED_BEYOND {
        let length = HeaderValue::from(length);
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    *response.body_mut() = if parts.method == Method::HEAD {
        Empty::new().map_err(|never| match never {}).boxed_unsync()
    } else if length > CHUNKED_BEYOND {
        body::chunked(stream::iter([Ok(bytes)]))
    } else {
        body::whole(bytes)
    };
    response
}

/// Whether the body is to be indented, by the server's rule: `?pretty` decides, else browsers and curl get it.
fn wants_indented(parts: &Parts) -> bool {
    let query = UrlQuery::of(parts.uri.query());
    if let Some(asked) = query.get("pretty") {
        return matches!(asked, "true" | "1");
    }
    let agent = parts
        .headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok());
    ["curl", "Wget", "Mozilla/5.0"]
        .iter()
        .any(|person| agent.is_some_and(|agent| agent.starts_with(person)))
}

fn indented(bytes: Bytes) -> Bytes {
    let value = serde_json::from_slice::<Value>(&bytes);
    let pretty = value.and_then(|value| serde_json::to_vec_pretty(&value));
    pretty.map_or(bytes, Bytes::from)
}

/// The header of a warning, as clients print it.
pub fn warning(text: &str) -> Option<HeaderValue> {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::try_from(format!("299 - \"{escaped}\"")).ok()
}
