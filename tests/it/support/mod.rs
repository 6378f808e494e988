//! What the tests share: a console on a drill that is driven by key strings and waited for by what its screen says.

pub mod harness;
pub mod pty;
pub mod tmux;
