//! Patterns of the profile that are compiled when they are first used, and then kept: an alert's SOP is asked for with every frame.

use std::fmt;
use std::sync::OnceLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::matcher::Matcher;

/// What a text is compiled to.
pub trait Pattern: Sized {
    /// Compiles a text; `None` where it is no such pattern, which is said when the profile is read.
    fn compile(text: &str) -> Option<Self>;
}

impl Pattern for Regex {
    fn compile(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }
}

impl Pattern for Matcher {
    fn compile(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

/// A pattern with its text, which alone is compared, written and read.
#[derive(Clone, Deserialize, Serialize)]
#[serde(from = "String", into = "String", bound = "P: Clone")]
pub struct Compiled<P> {
    text: String,
    pattern: OnceLock<Option<P>>,
}

impl<P: Pattern> Compiled<P> {
    /// The pattern; `None` where the text is none.
    pub fn pattern(&self) -> Option<&P> {
        self.pattern.get_or_init(|| P::compile(&self.text)).as_ref()
    }
}

impl<P> Compiled<P> {
    /// As it stands in the profile.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<P> AsRef<str> for Compiled<P> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<P> From<String> for Compiled<P> {
    fn from(text: String) -> Self {
        Self {
            text,
            pattern: OnceLock::new(),
        }
    }
}

impl<P> From<Compiled<P>> for String {
    fn from(compiled: Compiled<P>) -> Self {
        compiled.text
    }
}

impl<P> PartialEq for Compiled<P> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<P> fmt::Debug for Compiled<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_compiled_once_and_what_is_none_stays_none() {
        let name = Compiled::<Regex>::from("Down$".to_owned());
        let first: *const Regex = name.pattern().unwrap();
        assert!(std::ptr::eq(first, name.pattern().unwrap()));
        assert!(name.pattern().unwrap().is_match("ApiDown"));
        assert!(Compiled::<Regex>::from("(".to_owned()).pattern().is_none());
        assert!(
            Compiled::<Matcher>::from("severity".to_owned())
                .pattern()
                .is_none()
        );
    }
}
