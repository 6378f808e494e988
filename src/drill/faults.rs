//! What the API server can be made to do wrong.

use serde::Deserialize;

/// A misbehaviour of the API server. Lasting ones hold until the fault is taken back; the others happen once, when they are set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ApiFault {
    /// Lasting: nothing listens, and open connections are reset.
    Refuse,
    /// Lasting: connections are accepted and nothing is ever answered; open streams stand still.
    Freeze,
    /// Lasting: every request is answered 401, as with an expired token.
    Unauthorized,
    /// Lasting: the right is missing, as `pods/log` or `pods:delete`.
    Forbid(String),
    /// Lasting: every request is answered with this status: 429, 500 or 503.
    Answer(u16),
    /// Lasting: every answer comes this many real milliseconds late.
    Latency(u64),
    /// Once: every open stream is cut in the middle of its transfer.
    ResetStreams,
    /// Once: every open watch is told that its resourceVersion is too old, and the history is forgotten.
    ExpireWatches,
    /// Once: every open log stream is cut in the middle of its transfer.
    CutLogs,
}

impl ApiFault {
    /// Whether it holds until it is taken back.
    pub fn is_lasting(&self) -> bool {
        !matches!(
            self,
            ApiFault::ResetStreams | ApiFault::ExpireWatches | ApiFault::CutLogs
        )
    }
}
