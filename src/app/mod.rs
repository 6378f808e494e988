//! Floor 1: the state machine. Synchronous; every effect answers with an outcome.

pub mod event;
