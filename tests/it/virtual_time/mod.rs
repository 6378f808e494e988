//! The drill in virtual time, where an hour passes in milliseconds and the same every time.

mod acted;
mod check;
mod day;
mod killed;
mod repeat;
pub mod replayed;
mod scenario;
mod taken_away;
mod unsteady;
