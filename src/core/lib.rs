//! Floor 0: what is wrong and what to do. Pure values and functions: no I/O, no clock, no async, no UI.
//!
//! Adapters turn the world into [`fact::Fact`]s; [`facts::Facts`] is what is known now; [`diagnosis::diagnose`] judges it against a
//! [`profile::Profile`] at a moment that is given to it.

pub mod account;
pub mod assessment;
pub mod change;
#[cfg(test)]
mod change_limit_tests;
#[cfg(test)]
mod change_tests;
pub mod command;
pub mod diagnosis;
pub mod errors;
pub mod fact;
pub mod facts;
pub mod feed;
pub mod gaps;
pub mod gate;
#[cfg(test)]
mod gate_limit_tests;
#[cfg(test)]
mod gate_tests;
pub mod handoff;
pub mod interrupted;
#[cfg(test)]
mod interrupted_tests;
pub mod leader;
pub mod log;
pub mod overdue;
pub mod plan;
#[cfg(test)]
mod plan_tests;
pub mod profile;
mod prose;
pub mod record;
pub mod redact;
pub mod report;
pub mod rule;
pub mod settle;
pub mod sop;
pub mod sop_text;
pub mod span;
#[cfg(any(test, feature = "testkit"))]
#[allow(clippy::unwrap_used, reason = "what tests are made of")]
pub mod testkit;
pub mod text;
pub mod vitals;
pub mod waiting;
