//! What the tests share: a console on a drill that is driven by key strings and waited for by what its screen says.

pub mod harness;
pub mod leaders;
pub mod monitoring_settings;
#[expect(dead_code, reason = "the bench uses more of it")]
pub mod non_drill_cluster;
pub mod patience;
#[expect(dead_code, reason = "the tests of the database use more of it")]
pub mod postgres;
pub mod pty;
pub mod raw;
#[expect(dead_code, reason = "the bench uses more of it")]
pub mod soak;
pub mod stalled;
pub mod tmux;
pub mod tools;
pub mod virtual_console;
pub mod virtual_disk;
pub mod virtual_time;
pub mod world;
