//! The drill in virtual time, where an hour passes in milliseconds and the same every time.

mod check;
mod database_requests;
mod day;
mod first_screen;
mod flaky_api;
mod killed;
mod monitoring_faults;
mod remediation;
mod repeat;
pub mod replayed;
mod scenario;
mod source_loss;
