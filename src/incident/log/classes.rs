//! What errors are about: the profile's classes, compiled.

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::incident::profile::ErrorClass;
use crate::incident::text::SafeText;

/// The profile's error classes. The first that matches a record is its class, so the innermost cause stands first.
#[derive(Debug)]
pub struct ErrorClasses {
    classes: Vec<Class>,
    errors: Patterns,
    raw: Patterns,
}

#[derive(Debug)]
struct Class {
    id: SafeText,
    harmless: bool,
}

/// Expressions of all classes in one search, each with its class.
#[derive(Debug)]
struct Patterns {
    set: RegexSet,
    owners: Vec<usize>,
}

impl Patterns {
    fn new(key: &str, patterns: &[(usize, &String)]) -> Result<Self, String> {
        let set = RegexSetBuilder::new(patterns.iter().map(|(_, pattern)| pattern))
            .unicode(false)
            .build()
            .map_err(|error| format!("error-classes: {key}: {error}"))?;
        Ok(Self {
            set,
            owners: patterns.iter().map(|(owner, _)| *owner).collect(),
        })
    }

    /// The first class that has a match.
    fn first(&self, text: &[u8]) -> Option<usize> {
        let matches = self.set.matches(text);
        matches.iter().map(|index| self.owners[index]).min()
    }
}

impl ErrorClasses {
    /// Compiles them; the error says what is wrong with which expression.
    pub fn new(classes: &[ErrorClass]) -> Result<Self, String> {
        let all = |patterns: fn(&ErrorClass) -> &Vec<String>| -> Vec<(usize, &String)> {
            let each = classes.iter().enumerate();
            each.flat_map(|(index, class)| patterns(class).iter().map(move |pattern| (index, pattern)))
                .collect()
        };
        Ok(Self {
            errors: Patterns::new("patterns", &all(|class| &class.patterns))?,
            raw: Patterns::new("raw-patterns", &all(|class| &class.raw_patterns))?,
            classes: classes
                .iter()
                .map(|class| Class {
                    id: SafeText::new(&class.id),
                    harmless: class.harmless,
                })
                .collect(),
        })
    }

    /// The class of a record that is an error; `None` for one that is part of normal work. A record that no class knows has the empty
    /// class.
    pub(super) fn of_error(&self, text: &[u8]) -> Option<SafeText> {
        match self.errors.first(text).map(|index| &self.classes[index]) {
            Some(class) if class.harmless => None,
            Some(class) => Some(class.id.clone()),
            None => Some(SafeText::default()),
        }
    }

    /// The class of a record without a level of its own, if it is an error all the same.
    pub(super) fn of_raw(&self, text: &[u8]) -> Option<SafeText> {
        let class = &self.classes[self.raw.first(text)?];
        (!class.harmless).then(|| class.id.clone())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::incident::log) fn classes() -> Vec<ErrorClass> {
        let class = |id: &str, patterns: &[&str], raw: &[&str], harmless| ErrorClass {
            id: id.into(),
            title: id.to_uppercase(),
            patterns: patterns.iter().map(|&pattern| pattern.into()).collect(),
            raw_patterns: raw.iter().map(|&pattern| pattern.into()).collect(),
            harmless,
        };
        vec![
            class("normal", &["lost the race"], &[], true),
            class(
                "database",
                &["(?i)pq: ", "failed to retrieve leader leases"],
                &[],
                false,
            ),
            class(
                "ocm",
                &["operation identifier is"],
                &["operation identifier is"],
                false,
            ),
            class("service", &["panic:", r"(?m)^E\d{4} "], &[], false),
        ]
    }

    #[test]
    fn the_first_class_that_matches_is_a_record_s() {
        let classes = ErrorClasses::new(&classes()).unwrap();
        let table = [
            (
                "E0115 a.go:1] operation identifier is 'x': pq: late",
                Some("database"),
            ),
            ("E0115 a.go:1] the operation identifier is 'x'", Some("ocm")),
            ("E0115 a.go:1] what", Some("service")),
            ("lost the race: pq: x", None),
            ("F words of nobody", Some("")),
        ];
        for (text, class) in table {
            let found = classes.of_error(text.as_bytes());
            assert_eq!(found.as_deref(), class, "{text}");
        }
    }

    #[test]
    fn a_line_without_a_level_is_an_error_by_its_own_patterns_only() {
        let classes = ErrorClasses::new(&classes()).unwrap();
        let found = classes.of_raw(b"operation identifier is '1h'");
        assert_eq!(found.as_deref(), Some("ocm"));
        assert_eq!(classes.of_raw(b"pq: in somebody's words"), None);
    }

    #[test]
    fn a_wrong_expression_is_named() {
        let mut wrong = classes();
        wrong[1].raw_patterns = vec!["(".into()];
        let error = ErrorClasses::new(&wrong).unwrap_err();
        assert!(error.starts_with("error-classes: raw-patterns: "), "{error}");
    }
}
