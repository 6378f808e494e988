//! From raw lines to batches.

/// Reads lines.
#[derive(Debug, Default)]
pub struct LineReader {}
