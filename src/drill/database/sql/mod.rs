//! The small part of SQL that the SOP and the console speak: SELECTs, and session statements.
//!
//! `parse` gives statements with names and types resolved, so that a prepared statement can be described before it
//! has parameters; `execute` evaluates a SELECT over the tables.

mod builtins;
mod compile;
mod eval;
mod execute;
mod expr;
mod from;
mod functions;
mod parse;
mod predicates;
mod query;
mod scope;
mod select;
mod to_char;
mod types;

pub use eval::{Context, Row};
pub use functions::SERVER_VERSION;
#[cfg(test)]
pub use parse::parse;
pub use parse::{Statement, UnresolvedStatement, split};
pub use query::Query;

#[cfg(test)]
mod any_input;
#[cfg(test)]
mod tests;
