//! The faults that the API server can play.

use serde::Deserialize;

/// A fault of the API server. A lasting fault holds until it is ended; the others happen once, when they are set.
///
/// In a scenario's timeline: `api = "freeze"`, `api = { answer = 503 }`, `api = { restart = 8 }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ApiFault {
    /// Lasting: nothing listens, and open connections are reset.
    Refuse,
    /// Lasting: connections are accepted and nothing is answered; open streams stall.
    Freeze,
    /// Lasting: every request is answered 401, as with an expired token.
    Unauthorized,
    /// Lasting: the on-call role lacks this right, as `pods/log` or `pods:delete`.
    Forbid(String),
    /// Lasting: every request is answered with this status: 429, 500 or 503.
    Answer(u16),
    /// Lasting: every answer comes this many real milliseconds late.
    Latency(u64),
    /// Lasting: answers come up to a second and a half late, and of a hundred requests so many go wrong: cut before or after they were
    /// carried out, answered many seconds late, answered 429, or never answered. Open streams are cut every minute or so.
    Lossy(u8),
    /// Lasting: what deletes or changes something is carried out, and the connection is reset before the answer.
    LoseAnswers,
    /// Lasting: the server has just started and knows no roles yet: it answers 403. After a real start this lasts a second.
    Starting,
    /// Once: the server goes away for so many seconds, and is then [`Starting`](Self::Starting) for one.
    Restart(u32),
    /// Once: every open stream is cut in the middle of its transfer.
    ResetStreams,
    /// Once: every open watch gets 410 (its resourceVersion is too old), and the history is forgotten.
    ExpireWatches,
    /// Once: every open log stream is cut in the middle of its transfer.
    CutLogs,
    /// Once: the open watches of a resource (`pods`) stall for good, though their connections live; later ones work.
    StallWatches(String),
}

impl ApiFault {
    /// Whether it holds until it is ended.
    pub fn is_lasting(&self) -> bool {
        !matches!(
            self,
            ApiFault::Restart(_)
                | ApiFault::ResetStreams
                | ApiFault::ExpireWatches
                | ApiFault::CutLogs
                | ApiFault::StallWatches(_)
        )
    }
}
