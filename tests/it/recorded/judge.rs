//! What differs from the recordings and may, and the report of what may not.

use std::collections::BTreeSet;

use regex::Regex;

use super::compare::{self, Fields};
use super::exchange::{Answer, Exchange};

/// A difference that is as it should be.
pub struct Allowed {
    /// The recordings it is met in, as a pattern of the whole name.
    pub recordings: &'static str,
    /// Where, as a pattern of the whole path.
    pub path: &'static str,
    /// Why the drill is right to differ.
    pub why: &'static str,
}

/// Collects what differs.
pub struct Judge {
    allowed: Vec<(Regex, Regex, &'static Allowed)>,
    used: BTreeSet<usize>,
    found: Vec<String>,
}

impl Judge {
    pub fn new(allowed: &'static [Allowed]) -> Self {
        let whole = |pattern: &str| Regex::new(&format!("^({pattern})$")).unwrap();
        let compiled = allowed
            .iter()
            .map(|one| (whole(one.recordings), whole(one.path), one));
        Self {
            allowed: compiled.collect(),
            used: BTreeSet::new(),
            found: Vec::new(),
        }
    }

    /// Holds an answer to the recorded one.
    pub fn answer(&mut self, exchange: &Exchange, answer: &Answer) {
        let recorded = compare::fields_of(&exchange.answer);
        self.fields(&exchange.name, &recorded, &compare::fields_of(answer));
    }

    pub fn fields(&mut self, name: &str, recorded: &Fields, drill: &Fields) {
        for (path, said) in compare::differences(recorded, drill) {
            self.difference(name, &path, &said);
        }
    }

    /// Notes a difference, unless it may be.
    pub fn difference(&mut self, name: &str, path: &str, said: &str) {
        let may = self
            .allowed
            .iter()
            .position(|(recordings, paths, _)| recordings.is_match(name) && paths.is_match(path));
        match may {
            Some(index) => {
                self.used.insert(index);
            }
            None => self.found.push(format!("{name}: {path}: {said}")),
        }
    }

    /// Holds something to be equal.
    pub fn same<T: PartialEq + std::fmt::Debug>(&mut self, name: &str, what: &str, recorded: T, drill: T) {
        if recorded != drill {
            self.difference(name, what, &format!("{recorded:?} there, {drill:?} here"));
        }
    }

    /// Takes over what another judge found, who has the same list.
    pub fn join(&mut self, other: Judge) {
        self.used.extend(other.used);
        self.found.extend(other.found);
    }

    /// Fails if anything differs that may not, or if something may that nothing needs.
    pub fn end(mut self) {
        for (index, (_, _, allowed)) in self.allowed.iter().enumerate() {
            let is_pending = allowed.why.starts_with("until");
            if !is_pending && !self.used.contains(&index) {
                let Allowed {
                    recordings,
                    path,
                    why,
                } = allowed;
                self.found.push(format!(
                    "nothing differs any more in {recordings} at {path} ({why})"
                ));
            }
        }
        assert!(
            self.found.is_empty(),
            "{} differences\n{}",
            self.found.len(),
            self.found.join("\n")
        );
    }
}
