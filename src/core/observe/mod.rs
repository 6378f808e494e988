//! What the sources say: observations with their time, the sources they come from, and the state that they add up to. The
//! audit log of a drill's cluster is here too: the drill writes it, and the console reads it.

use jiff::SignedDuration;

pub mod audit;
pub mod log_errors;
pub mod observation;
pub mod source;
pub mod state;

/// How far the clocks of nodes, pods and the API server may be apart, and ahead of ours.
pub const SKEW: SignedDuration = SignedDuration::from_secs(30);
