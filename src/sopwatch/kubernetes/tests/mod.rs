//! The whole adapter on a scripted server: each fault, and how it heals. Time is paused: minutes of back-off take no time.

mod acting;
mod answers;
pub(super) mod clock;
mod connecting;
mod console;
mod fake;
mod faults;
mod logs;
mod many;
mod owners;
mod plugins;
mod reading;
mod tls;
mod vitals;
