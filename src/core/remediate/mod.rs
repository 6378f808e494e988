//! What is done about it: plans, the commands they consist of, the gate before them, and what came of them.

pub mod applied_command;
#[cfg(test)]
mod applied_command_limit_tests;
#[cfg(test)]
mod applied_command_tests;
pub mod command;
#[cfg(test)]
mod command_tests;
pub mod execution;
#[cfg(test)]
mod execution_progress_tests;
#[cfg(test)]
mod execution_tests;
pub mod gate;
#[cfg(test)]
mod gate_limit_tests;
#[cfg(test)]
mod gate_tests;
pub mod interrupted;
#[cfg(test)]
mod interrupted_tests;
pub mod plan;
#[cfg(test)]
mod plan_risk_tests;
#[cfg(test)]
mod plan_tests;
pub mod recovery_check;
#[cfg(test)]
mod recovery_check_tests;
