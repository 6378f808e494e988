//! What the sources say: observations with their time, the sources they come from, and the state that they add up to.

pub mod log_errors;
pub mod observation;
pub mod source;
pub mod state;
