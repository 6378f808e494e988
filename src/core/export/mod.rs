//! What leaves the program: the answer of `check`, the hand-off message, the report.

pub mod case_snapshot;
pub mod check;
mod figure_words;
pub mod handoff;
pub mod report;
