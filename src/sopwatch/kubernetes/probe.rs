//! The probe of the API server: `GET /version`, every few seconds, with a limit of its own.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use kube::{Client, Error};
use serde::Deserialize;

use super::clock::{now, timeout};
use super::errors::{explain, frozen};
use super::response;
use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::text::SafeText;

/// How long after an answer the next is asked for.
pub(super) const EVERY: Duration = Duration::from_secs(5);

/// How long an answer may take: with [`EVERY`], a frozen server is noticed within 10 s.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// An answer that took longer says too little about the server's clock.
const PROMPT: Duration = Duration::from_secs(2);

/// An answer gives the time in whole seconds: on average it is half a second later.
const HALF_A_SECOND: SignedDuration = SignedDuration::from_millis(500);

/// The most of an answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// The result of a probe.
#[derive(Debug, PartialEq)]
pub(super) enum ProbeResult {
    /// The server works for us; with its version and its clock where it gives them.
    Alive(Option<SafeText>, Option<Timestamp>),
    /// It lives and wants to be asked less.
    Throttled(Problem),
    /// It does not work for us.
    Dead(Problem),
}

/// Asks once. An answer that we may not know the version, or that there is none at this place, comes from a server that works.
pub(super) async fn ask(client: &Client, server: &str) -> ProbeResult {
    let doing = format!("API server {server}");
    let asked_at = now();
    let problem = match timeout(LIMIT, version(client)).await {
        Ok(Ok((version, clock))) => {
            let prompt = now() - asked_at <= PROMPT;
            return ProbeResult::Alive(Some(version), clock.filter(|_| prompt));
        }
        Ok(Err(error)) => explain(&error, &doing),
        Err(_elapsed) => frozen(&doing, LIMIT),
    };
    match problem.kind {
        ProblemKind::Forbidden | ProblemKind::NotFound => ProbeResult::Alive(None, None),
        ProblemKind::Throttled => ProbeResult::Throttled(problem),
        _ => ProbeResult::Dead(problem),
    }
}

async fn version(client: &Client) -> Result<(SafeText, Option<Timestamp>), Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        git_version: String,
    }
    let request = http::Request::get("/version").body(Body::empty());
    let response = client.send(request.map_err(Error::HttpError)?).await?;
    if !response.status().is_success() {
        return Err(response::refusal(response).await);
    }
    let clock = response::date(&response).and_then(|date| date.checked_add(HALF_A_SECOND).ok());
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(Error::Service)?.to_bytes();
    let info: Info = serde_json::from_slice(&body).map_err(Error::SerdeError)?;
    Ok((SafeText::cut(&info.git_version, 100), clock))
}
