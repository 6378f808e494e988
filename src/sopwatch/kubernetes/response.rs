//! The parts of a response besides its content: the server's clock, why it refuses, and how long it asks to wait.

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::Error;
use kube::client::Body;
use kube::core::Status;
use kube::core::response::StatusDetails;
use tower::BoxError;

use super::clock::wall_time;
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// The most of an answer that is read.
pub(super) const MAX_ANSWER: usize = 4 << 20;

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

/// An answer that is larger than [`MAX_ANSWER`]. `doing` says what was asked for.
pub(super) fn too_large(doing: &str) -> Problem {
    let what = format!("{doing}: the answer is larger than {} MiB", MAX_ANSWER >> 20);
    Problem::new(ProblemKind::ServerError, &what)
}

/// A refusal, as the server words it, or whatever came instead.
pub(super) async fn refusal(response: http::Response<Body>) -> Error {
    let code = response.status();
    Error::Api(Box::new(status_of(code, response.into_body()).await))
}

async fn status_of<B>(code: StatusCode, body: B) -> Status
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let body = match Limited::new(body, MAX_ERROR).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_cut_or_too_long) => Bytes::new(),
    };
    serde_json::from_slice(&body).unwrap_or_else(|_not_a_status| {
        Status::failure(&String::from_utf8_lossy(&body), "").with_code(code.as_u16())
    })
}

/// The reason of an answer that sends us elsewhere.
pub(super) const REDIRECTED: &str = "Redirected";

/// The answer with its own kind of content.
pub(super) type Answer = http::Response<UnsyncBoxBody<Bytes, BoxError>>;

/// An answer as the rest of the client can read it. The client library reads the content of a refusal alone: what a header says (how long to
/// wait, where a login page is) is put there.
pub(super) async fn named<B>(answer: http::Response<B>) -> Answer
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let code = answer.status();
    let wait = retry_after(answer.headers(), wall_time());
    if code.is_redirection() {
        let status = Status::failure(&destination(answer.headers()), REDIRECTED);
        return refused(StatusCode::BAD_GATEWAY, status.with_code(code.as_u16()));
    }
    let waits = matches!(
        code,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    let Some(seconds) = wait.filter(|_| waits) else {
        return answer.map(|body| body.map_err(Into::into).boxed_unsync());
    };
    let mut status = status_of(code, answer.into_body()).await;
    let details = status.details.get_or_insert_with(|| StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: 0,
    });
    details.retry_after_seconds = details.retry_after_seconds.max(seconds);
    refused(code, status)
}

fn refused(code: StatusCode, status: Status) -> Answer {
    let body = serde_json::to_vec(&status).unwrap_or_default();
    let body = Full::new(Bytes::from(body))
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut answer = http::Response::new(body);
    *answer.status_mut() = code;
    answer
}

/// The host that a redirection leads to. The rest of the address may hold a login's state.
fn destination(headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let uri = location.and_then(|location| location.parse::<http::Uri>().ok());
    let host = uri.as_ref().and_then(|uri| uri.host());
    host.unwrap_or_default().to_owned()
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<u32>() {
        Ok(seconds) => seconds,
        Err(_not_a_number) => {
            let until = date_of(text)?.duration_since(now).as_secs();
            u32::try_from(until.max(0)).ok()?
        }
    };
    (seconds > 0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_wish_is_read_in_seconds_or_as_a_date() {
        let now = "2026-11-22T09:06:33Z".parse().unwrap();
        let cases = [
            ("30", Some(30)),
            (" 30 ", Some(30)),
            ("Sun, 22 Nov 2026 09:07:33 GMT", Some(60)),
            ("Sun, 22 Nov 2026 09:06:33 GMT", None),
            ("0", None),
            ("-1", None),
            ("soon", None),
        ];
        for (text, seconds) in cases {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), seconds, "{text}");
        }
    }

    #[test]
    fn the_servers_date_is_understood() {
        let at = date_of("Sun, 22 Nov 2026 09:06:33 GMT");
        assert_eq!(at, Some("2026-11-22T09:06:33Z".parse().unwrap()));
        assert_eq!(date_of("yesterday"), None);
    }
}
