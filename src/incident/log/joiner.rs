//! Joins the lines of one record.

/// Joins lines to records.
#[derive(Debug, Default)]
pub struct Joiner {}
