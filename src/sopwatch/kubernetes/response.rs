//! The parts of a response besides its content: the server's clock, and why it refuses.

use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::Error;
use kube::client::Body;
use kube::core::Status;

/// The most of an error's text that is read.
const MAX_ERROR: usize = 64 * 1024;

/// The server's clock when it answered, cut to the second.
pub(super) fn date(response: &http::Response<Body>) -> Option<Timestamp> {
    let date = response.headers().get(http::header::DATE)?;
    date_of(date.to_str().ok()?)
}

fn date_of(date: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

/// A refusal, as the server words it, or whatever came instead.
pub(super) async fn refusal(response: http::Response<Body>) -> Error {
    let code = response.status().as_u16();
    let body = match Limited::new(response.into_body(), MAX_ERROR).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_cut_or_too_long) => bytes::Bytes::new(),
    };
    let status = serde_json::from_slice(&body)
        .unwrap_or_else(|_not_a_status| Status::failure(&String::from_utf8_lossy(&body), "").with_code(code));
    Error::Api(Box::new(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_date_is_understood() {
        let at = date_of("Sun, 22 Nov 2026 09:06:33 GMT");
        assert_eq!(at, Some("2026-11-22T09:06:33Z".parse().unwrap()));
        assert_eq!(date_of("yesterday"), None);
    }
}
