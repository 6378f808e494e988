//! Floor 2: files, options and variables to values. Each value remembers where it comes from.

mod document;
mod nearest;
mod problem;

pub use self::document::Document;
pub use self::problem::{ConfigError, Problem};
