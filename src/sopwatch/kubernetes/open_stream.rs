//! Streams that the API server keeps open, of changes and of log lines: when one works, and when one that ended has failed.

use std::time::Duration;

use super::clock::{Instant, now};

/// A stream that ended sooner, and brought nothing, failed.
const TOO_SOON: Duration = Duration::from_secs(5);

/// After a failure, a stream that stayed open for this long works again.
pub(super) const WORKS_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Whether a stream that ended by itself had worked until then.
pub(super) fn has_worked(opened_at: Instant, brought_something: bool) -> bool {
    brought_something || now() - opened_at >= TOO_SOON
}
