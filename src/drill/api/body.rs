//! Bodies of answers: whole or streamed.

use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use serde_json::Value;

/// The body of an answer. An error in it breaks the connection, as a server's crash does.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// The bytes of an answer that is not streamed. They travel as an extension of the response until its final form is chosen.
#[derive(Clone)]
pub struct WholeBody(pub Bytes);

/// An answer with a JSON body.
pub fn json(code: u16, value: &Value) -> Response<Body> {
    typed_json(code, value, "application/json")
}

/// An answer with a JSON body under a more exact media type.
pub fn typed_json(code: u16, value: &Value, media_type: &'static str) -> Response<Body> {
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    complete(code, media_type, Bytes::from(bytes))
}

fn complete(code: u16, media_type: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = answer(code, media_type, whole(bytes.clone()));
    response.extensions_mut().insert(WholeBody(bytes));
    response
}

/// A body of known length.
pub fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body sent in chunks.
pub fn chunked(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(stream.map(|item| item.map(Frame::data))).boxed_unsync()
}

/// An answer that goes on while the stream does.
pub fn streamed(
    media_type: &'static str,
    stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response<Body> {
    answer(200, media_type, chunked(stream))
}

fn answer(code: u16, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    if let Ok(code) = http::StatusCode::from_u16(code) {
        *response.status_mut() = code;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// A text of that media type.
pub fn plain(code: u16, media_type: &'static str, text: String) -> Response<Body> {
    complete(code, media_type, Bytes::from(text))
}

/// A plain text.
pub fn text(text: &'static str) -> Response<Body> {
    complete(
        200,
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    )
}
