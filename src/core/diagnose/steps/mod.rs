//! The steps of a SOP: one check a step, and its finding.

pub(crate) mod leader;
pub(crate) mod log_and_events;
pub(crate) mod pods;
pub(crate) mod rows;
pub(crate) mod vitals;
