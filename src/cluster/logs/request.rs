//! The requests for a log.

use futures::{Stream, StreamExt};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::client::Body;
use kube::core::{Request, Status};
use kube::{Error, Resource};

use super::place::time_of;
use crate::cluster::scope::Session;
use crate::incident::log::ContainerKey;

/// The most of an error's text that is read.
const MAX_ERROR: usize = 64 * 1024;

/// The most of a newest line that is read: its time stands at its start.
const MAX_NEWEST: i64 = 256;

/// An answer that has begun.
pub(super) struct Opened<S> {
    /// The server's clock when it answered.
    pub(super) at: Option<Timestamp>,
    pub(super) bytes: S,
}

/// Bytes of a log as they come.
pub(super) type Chunk = Result<bytes::Bytes, Error>;

/// Asks for a log; returns when the answer begins.
pub(super) async fn open(
    session: &Session,
    key: &ContainerKey,
    parameters: LogParams,
) -> Result<Opened<impl Stream<Item = Chunk> + Unpin + use<>>, Error> {
    let parameters = LogParams {
        container: Some(key.container.to_string()),
        timestamps: true,
        ..parameters
    };
    let path = Pod::url_path(&(), Some(&session.namespace));
    let request = Request::new(path)
        .logs(&key.pod, &parameters)
        .map_err(Error::BuildRequest)?;
    let response = session.client.send(request.map(Body::from)).await?;
    if !response.status().is_success() {
        return Err(refusal(response).await);
    }
    let at = response
        .headers()
        .get(http::header::DATE)
        .and_then(|date| date_of(date.to_str().ok()?));
    Ok(Opened {
        at,
        bytes: response.into_body().into_data_stream(),
    })
}

fn date_of(date: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

/// An answer that says no: as the server words it, or what else came in its place.
async fn refusal(response: http::Response<Body>) -> Error {
    let code = response.status().as_u16();
    let body = match Limited::new(response.into_body(), MAX_ERROR).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_cut_or_too_long) => bytes::Bytes::new(),
    };
    let status = serde_json::from_slice(&body)
        .unwrap_or_else(|_not_a_status| Status::failure(&String::from_utf8_lossy(&body), "").with_code(code));
    Error::Api(Box::new(status))
}

/// The time of the newest line; `None` while there is no line.
pub(super) async fn newest(session: &Session, key: &ContainerKey) -> Result<Option<Timestamp>, Error> {
    let parameters = LogParams {
        tail_lines: Some(1),
        limit_bytes: Some(MAX_NEWEST),
        ..LogParams::default()
    };
    let mut opened = open(session, key, parameters).await?;
    let mut line = Vec::new();
    while let Some(chunk) = opened.bytes.next().await {
        line.extend_from_slice(&chunk?);
        if line.len() > MAX_ERROR {
            break;
        }
    }
    Ok(time_of(&line))
}

/// Whether an error only says that the container has not started: the kubelet's words for it.
pub(super) fn is_not_started(error: &Error) -> bool {
    let waits = |status: &Status| {
        status.code == 400
            && ["waiting to start", "is not available"]
                .iter()
                .any(|words| status.message.contains(words))
    };
    matches!(error, Error::Api(status) if waits(status))
}

/// Whether an error says that there is no such instance any more.
pub(super) fn is_forgotten(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 400 && status.message.contains("previous terminated container"))
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

    #[test]
    fn a_container_that_waits_is_told_from_one_that_is_forgotten() {
        let refused =
            |message: &str| Error::Api(Box::new(Status::failure(message, "BadRequest").with_code(400)));
        let waits = refused("container \"service\" in pod \"x\" is waiting to start: image can't be pulled");
        let forgotten = refused("previous terminated container \"service\" in pod \"x\" not found");
        assert!(is_not_started(&waits) && !is_forgotten(&waits));
        assert!(is_forgotten(&forgotten) && !is_not_started(&forgotten));
    }
}
