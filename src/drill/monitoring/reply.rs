//! What the servers answer with, and what they are asked.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use crate::api::UrlQuery;

/// An answer, whole.
pub type Reply = Response<Full<Bytes>>;

/// One request to a monitoring server.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    /// Of the URL and, where there is one, of the form.
    pub query: UrlQuery,
    /// The URL with the query as it came.
    pub url: String,
    /// ms since 1970, by the drill's clock.
    pub now: i64,
}

/// An answer of this kind.
pub fn reply(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// JSON as `serde_json` writes it.
pub fn json(status: u16, value: &Value) -> Reply {
    reply(status, "application/json", value.to_string())
}

/// The same with the newline that Go's encoder ends with.
pub fn json_line(status: u16, value: &Value) -> Reply {
    reply(status, "application/json", format!("{value}\n"))
}

/// A text as Go's `http.Error` writes it.
pub fn text(status: u16, said: &str) -> Reply {
    let reply = reply(status, "text/plain; charset=utf-8", format!("{said}\n"));
    with(reply, "x-content-type-options", "nosniff")
}

/// A page that asks to sign in, as an oauth-proxy answers it.
pub fn sign_in() -> Reply {
    let page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>Log In</title></head>\n<body>\n\
        <form method=\"GET\" action=\"/oauth/start\"><button type=\"submit\">Log in with OpenShift</button></form>\n\
        </body>\n</html>\n";
    let reply = reply(403, "text/html; charset=utf-8", page);
    with(
        reply,
        "set-cookie",
        "_oauth_proxy=; Path=/; Expires=Sat, 28 Nov 2026 18:00:00 GMT; HttpOnly; Secure",
    )
}

/// The same with a header.
pub fn with(mut reply: Reply, name: &'static str, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(HeaderName::from_static(name), value);
    }
    reply
}
