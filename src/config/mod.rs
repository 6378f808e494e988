//! Floor 2: files, options and variables to values. Each value remembers where it comes from.

mod document;
mod folders;
mod identifier;
mod nearest;
mod problem;
pub mod profiles;

pub use self::document::Document;
pub use self::folders::{Folders, variables_of_this_process};
pub use self::problem::{ConfigError, Problem};
