//! The small part of SQL that the SOP and the console speak: SELECTs, and session statements.
//!
//! `parse` reads a statement and `compile` resolves its names and types, so that a prepared statement can be described before it has
//! parameters. `execute` runs a SELECT over the tables, and `eval` computes expressions. What a real server has and this one does not is
//! refused by name.

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
