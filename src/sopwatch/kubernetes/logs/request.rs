//! The requests for a log.

use futures::{Stream, StreamExt};
use http_body_util::BodyExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::client::Body;
use kube::core::{Request, Status};
use kube::{Error, Resource};

use super::cursor::time_of;
use crate::kubernetes::errors::{explain, is_no_such_log, no_log};
use crate::kubernetes::response;
use crate::kubernetes::task_context::ApiSession;
use sopwatch_core::logparse::ContainerKey;
use sopwatch_core::observe::source::Problem;

/// The most of a newest line that is read: it begins with its time.
const MAX_NEWEST: i64 = 256;

/// An answer that has begun.
pub(super) struct LogStream<S> {
    /// The server's clock when it answered.
    pub(super) at: Option<Timestamp>,
    /// The log, in chunks as they come.
    pub(super) bytes: S,
}

/// Bytes of a log as they come.
pub(super) type Chunk = Result<bytes::Bytes, Error>;

/// Asks for a log; returns when the answer begins.
pub(super) async fn open(
    session: &ApiSession,
    key: &ContainerKey,
    parameters: LogParams,
) -> Result<LogStream<impl Stream<Item = Chunk> + Unpin + use<>>, Error> {
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
        return Err(response::refusal(response).await);
    }
    Ok(LogStream {
        at: response::date(&response),
        bytes: response.into_body().into_data_stream(),
    })
}

/// The time of the newest line; `None` while there is no line. `doing` says what it is for.
///
/// Of a long line that the node wrote in pieces, it is the time of the last piece.
pub(super) async fn newest(
    session: &ApiSession,
    key: &ContainerKey,
    doing: &str,
) -> Result<Option<Timestamp>, Problem> {
    let parameters = LogParams {
        tail_lines: Some(1),
        limit_bytes: Some(MAX_NEWEST),
        ..LogParams::default()
    };
    let mut opened = open(session, key, parameters)
        .await
        .map_err(|error| explained(&error, doing))?;
    let mut line = Vec::new();
    while let Some(chunk) = opened.bytes.next().await {
        line.extend_from_slice(&chunk.map_err(|error| explained(&error, doing))?);
        if line.len() > MAX_NEWEST as usize {
            break;
        }
    }
    match time_of(&line) {
        None if !line.trim_ascii().is_empty() => Err(no_log(&line, doing)),
        at => Ok(at),
    }
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

/// What an error means. Kubelets refuse a log that they don't have as a bad request, or with a 200 and their words in place of it: that is
/// the same.
pub(super) fn explained(error: &Error, doing: &str) -> Problem {
    match error {
        Error::Api(status) if status.code == 400 && is_no_such_log(&status.message) => {
            no_log(status.message.as_bytes(), doing)
        }
        error => explain(error, doing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::observe::source::ProblemKind;

    #[test]
    fn a_container_that_waits_is_told_from_one_whose_log_the_node_does_not_have() {
        let refused =
            |message: &str| Error::Api(Box::new(Status::failure(message, "BadRequest").with_code(400)));
        let kind = |message: &str| explained(&refused(message), "read the log").kind;
        let waits = "container \"service\" in pod \"x\" is waiting to start: image can't be pulled";
        assert!(is_not_started(&refused(waits)));
        assert_eq!(kind(waits), ProblemKind::ServerError);
        for words in [
            "previous terminated container \"service\" in pod \"x\" not found",
            "unable to retrieve container logs for containerd://b91ca08d41b0",
        ] {
            assert!(!is_not_started(&refused(words)), "{words}");
            assert_eq!(kind(words), ProblemKind::NotFound, "{words}");
        }
    }
}
