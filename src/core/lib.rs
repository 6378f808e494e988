//! Floor 0: what is wrong and what to do. Pure values and functions: no I/O, no clock, no async, no UI.
//!
//! Adapters turn the world into [`observation::Observation`]s; [`observations::State`] is what is known now; [`diagnosis::diagnose`] judges it against a
//! [`profile::Profile`] at a moment that is given to it.

pub mod diagnose;
pub mod export;
pub mod logparse;
pub mod observe;
pub mod profile;
pub mod record;
pub mod remediate;
#[cfg(any(test, feature = "testkit"))]
#[allow(clippy::unwrap_used, reason = "what tests are made of")]
pub mod testkit;
pub mod text;
