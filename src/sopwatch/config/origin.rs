//! The origin of a setting, and a value that remembers it.

use std::fmt;

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in effect.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// The same place, another value.
    pub fn with<U>(&self, value: U) -> Setting<U> {
        Setting {
            value,
            origin: self.origin.clone(),
        }
    }

    /// A value that nobody chose.
    pub fn default_of(value: T) -> Setting<T> {
        Setting {
            value,
            origin: Origin::Default,
        }
    }
}

/// Where a value comes from. The first of these that has it wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// The user's file.
    File {
        /// Its path.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// The profile, by name.
    Profile(String),
    /// The program.
    Default,
}

impl Origin {
    /// How strong it is: a smaller number wins.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Origin::Flag(_) => 0,
            Origin::Variable(_) => 1,
            Origin::File { .. } => 2,
            Origin::Profile(_) => 3,
            Origin::Default => 4,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) | Origin::Variable(name) => out.write_str(name),
            Origin::File { path, line } => write!(out, "{path}:{line}"),
            Origin::Profile(name) => write!(out, "profile {name}"),
            Origin::Default => out.write_str("default"),
        }
    }
}
