//! What stands at a path of the API server, for whoever asks: a service behind its proxy, a route. The answer is handed on as it came.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::Error;
use kube::client::Body;
use tokio::sync::mpsc;

use super::PathRequest;
use super::clock::timeout;
use super::errors::frozen;
use super::response::{MAX_ANSWER, too_large};
use super::task_context::{ApiSession, CONNECTS_WITHIN, TaskContext};
use sopwatch_core::observe::source::Problem;

/// Questions that are under way at a time: one that hangs holds up no other.
const IN_FLIGHT: usize = 8;

/// An answer, whatever it says.
#[derive(Clone, Debug)]
pub struct PathReply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

/// Runs until nobody can ask any more; then stays, so as not to end the others.
pub(super) async fn run(requests: mpsc::Receiver<PathRequest>, context: TaskContext) {
    let requests = stream::unfold(requests, async |mut requests| {
        let request = requests.recv().await?;
        Some((request, requests))
    });
    let answers = requests.for_each_concurrent(IN_FLIGHT, |PathRequest { path, reply }| {
        let mut context = context.clone();
        async move {
            // Whoever asked may have given up.
            let _ = reply.send(answer(&path, &mut context).await);
        }
    });
    answers.await;
    std::future::pending::<()>().await;
}

async fn answer(path: &str, context: &mut TaskContext) -> Result<PathReply, Problem> {
    const DOING: &str = "ask through the API server";
    let session = match timeout(CONNECTS_WITHIN, context.connected()).await {
        Ok(session) => session?,
        Err(_elapsed) => {
            return Err(frozen(
                &format!("{DOING}: connect to the cluster"),
                CONNECTS_WITHIN,
            ));
        }
    };
    let answered = context.ask(&session, DOING, read(&session, path)).await?;
    answered.ok_or_else(|| too_large(DOING))
}

/// `None`: the answer is too large.
async fn read(session: &ApiSession, path: &str) -> Result<Option<PathReply>, Error> {
    let request = http::Request::get(path)
        .header(http::header::ACCEPT, "application/json")
        .body(Body::empty());
    let response = session.client.send(request.map_err(Error::HttpError)?).await?;
    let (parts, body) = response.into_parts();
    match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(body) => Ok(Some(PathReply {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        Err(error) => Err(Error::Service(error)),
    }
}
