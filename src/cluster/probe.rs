//! The sign of life: `GET /version`, every few seconds, with a limit of its own.

use std::time::Duration;

use kube::Client;

use super::explain::{explain, frozen};
use crate::cluster::clock::timeout;
use crate::incident::feed::{Problem, ProblemKind};
use crate::incident::text::SafeText;

/// How long after an answer the next is asked for.
pub(super) const EVERY: Duration = Duration::from_secs(5);

/// How long an answer may take: with [`EVERY`], a frozen server is noticed within 10 s.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// What an answer means.
#[derive(Debug, PartialEq)]
pub(super) enum Sign {
    /// The server works for us; its version where it tells.
    Alive(Option<SafeText>),
    /// It lives and wants to be asked less.
    Throttled(Problem),
    /// It does not work for us.
    Dead(Problem),
}

/// Asks once. An answer that we may not know the version, or that there is none at this place, comes from a server that works.
pub(super) async fn ask(client: &Client, server: &str) -> Sign {
    let doing = format!("ask {server} for its version");
    let problem = match timeout(LIMIT, client.apiserver_version()).await {
        Ok(Ok(info)) => return Sign::Alive(Some(SafeText::new(&info.git_version))),
        Ok(Err(error)) => explain(&error, &doing),
        Err(_elapsed) => frozen(&doing, LIMIT),
    };
    match problem.kind {
        ProblemKind::Forbidden | ProblemKind::NotFound => Sign::Alive(None),
        ProblemKind::Throttled => Sign::Throttled(problem),
        _ => Sign::Dead(problem),
    }
}
