//! What a profile must hold beyond its shape: names that exist, patterns that compile, references that end.
//!
//! It reads nothing but the profile. Each mistake names its key; whoever read the profile from a file adds the file and the line. What a
//! condition or a step check must hold is in its own file: see [`conditions`](crate::diagnose::conditions) and
//! [`steps`](crate::diagnose::steps).

mod database;
mod decision_table;
pub mod identifier;
mod leaders;
mod metrics;
mod monitoring;
mod procedures;
mod references;
mod service;

use std::collections::BTreeSet;

use crate::profile::Profile;

/// One mistake in a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The path of its key: `rules[2].then.contact`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// Where a word is not known: what may have been meant.
    pub unknown: Option<UnknownWord>,
}

/// A word that is not known, among those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// Those that would have been right.
    pub known: Vec<String>,
}

/// Everything that is wrong with a profile that has the right shape.
pub fn mistakes_in(profile: &Profile) -> Vec<Mistake> {
    let mut mistakes = Mistakes {
        profile,
        found: Vec::new(),
    };
    mistakes.service();
    mistakes.environments();
    mistakes.leaders();
    mistakes.database();
    mistakes.steps();
    mistakes.sops();
    mistakes.error_class_patterns();
    mistakes.rules();
    mistakes.contacts();
    mistakes.monitoring();
    mistakes.found
}

/// A profile, and the mistakes that were found in it so far.
pub(crate) struct Mistakes<'a> {
    pub(crate) profile: &'a Profile,
    found: Vec<Mistake>,
}

impl<'a> Mistakes<'a> {
    fn wrong(&mut self, path: &str, message: impl Into<String>) {
        self.found.push(Mistake {
            path: path.to_owned(),
            message: message.into(),
            unknown: None,
        });
    }

    /// Something that must hold.
    pub(crate) fn require(&mut self, holds: bool, path: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.wrong(path, message());
        }
    }

    /// A word that must be one of those that exist.
    pub(crate) fn known<'k>(
        &mut self,
        path: &str,
        what: &str,
        word: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        self.known_or(path, word, known, || format!("there is no {what} `{word}`"));
    }

    /// The same with a message of its own.
    fn known_or<'k>(
        &mut self,
        path: &str,
        word: &str,
        known: impl Iterator<Item = &'k str> + Clone,
        message: impl FnOnce() -> String,
    ) {
        if !known.clone().any(|known| known == word) {
            self.found.push(Mistake {
                path: path.to_owned(),
                message: message(),
                unknown: Some(UnknownWord {
                    word: word.to_owned(),
                    known: known.map(str::to_owned).collect(),
                }),
            });
        }
    }

    /// Words that must differ; `path` of the index of each.
    fn unique(&mut self, what: &str, words: impl Iterator<Item = &'a str>, path: impl Fn(usize) -> String) {
        let mut seen = BTreeSet::new();
        for (index, word) in words.enumerate() {
            let message = || format!("the {what} `{word}` is there twice");
            self.require(seen.insert(word), &path(index), message);
        }
    }
}

#[cfg(test)]
mod tests;
