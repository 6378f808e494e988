//! What errors are about: the profile's classes, compiled.

use std::cell::RefCell;
use std::ops::Range;

use regex::bytes::{RegexSet, RegexSetBuilder};

use super::line_format::is_panic;
use crate::profile::ErrorClass;
use crate::text::SafeText;

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
    fatal: bool,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The class's id; empty where no class knows it.
    pub(super) class: SafeText,
    /// The line that shows it, in bytes of the record.
    pub(super) line: Range<usize>,
}

/// How a stack begins below what is said of it.
const STACK: &[u8] = b"\ngoroutine ";

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

    /// The first line that matches for a class; the first of all where only several lines together do.
    fn line_of(&self, class: usize, text: &[u8]) -> Range<usize> {
        let first = line_at(text, 0);
        let next = |line: &Range<usize>| (line.end < text.len()).then(|| line_at(text, line.end + 1));
        let mut lines = std::iter::successors(Some(first.clone()), next);
        if first.end == text.len() {
            return first;
        }
        let matches = |line: &Range<usize>| {
            let found = self.set.matches(&text[line.clone()]);
            found.iter().any(|index| self.owners[index] == class)
        };
        lines.find(matches).unwrap_or(first)
    }
}

/// The line that begins at a byte, without its end.
fn line_at(text: &[u8], start: usize) -> Range<usize> {
    let length = memchr::memchr(b'\n', &text[start..]);
    start..length.map_or(text.len(), |length| start + length)
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
                    fatal: class.fatal,
                })
                .collect(),
        })
    }

    /// What a record that is an error is about; `None` for one that is part of normal work. A record that no class knows has the empty
    /// class. A panic is the service's own, and the stack below a line tells where it came about, not why.
    pub(super) fn of_error(&self, text: &[u8]) -> Option<Found> {
        let text = &text[..memchr::memmem::find(text, STACK).unwrap_or(text.len())];
        let first = line_at(text, 0);
        let own = self.classes.iter().find(|class| class.fatal);
        if let Some(own) = own.filter(|_| is_panic(&text[first.clone()])) {
            return Some(Found {
                class: own.id.clone(),
                line: first,
            });
        }
        let Some(index) = self.errors.first(text) else {
            return Some(Found {
                class: SafeText::default(),
                line: first,
            });
        };
        let class = &self.classes[index];
        (!class.harmless).then(|| Found {
            class: class.id.clone(),
            line: self.errors.line_of(index, text),
        })
    }

    /// What a record without a level of its own is about, if it is an error all the same.
    pub(super) fn of_raw(&self, text: &[u8]) -> Option<Found> {
        let index = self.raw.first(text)?;
        let class = &self.classes[index];
        (!class.harmless).then(|| Found {
            class: class.id.clone(),
            line: self.raw.line_of(index, text),
        })
    }
}

thread_local! {
    /// The classes that were compiled last: one profile is in force at a time.
    static COMPILED: RefCell<Option<(Vec<ErrorClass>, ErrorClasses)>> = const { RefCell::new(None) };
}

/// The class of what is said elsewhere than in a log, such as the reason in a row: the same patterns tell it. Empty where none does.
pub fn class_of(classes: &[ErrorClass], text: &str) -> String {
    COMPILED.with_borrow_mut(|compiled| {
        let current = compiled.take().filter(|(known, _)| known == classes);
        let current = current.or_else(|| Some((classes.to_vec(), ErrorClasses::new(classes).ok()?)));
        let found = current
            .as_ref()
            .and_then(|(_, known)| known.of_error(text.as_bytes()));
        *compiled = current;
        found.map_or(String::new(), |found| found.class.to_string())
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::logparse) fn classes() -> Vec<ErrorClass> {
        let class = |id: &str, patterns: &[&str], raw: &[&str], harmless| ErrorClass {
            id: id.into(),
            title: id.to_uppercase(),
            patterns: patterns.iter().map(|&pattern| pattern.into()).collect(),
            raw_patterns: raw.iter().map(|&pattern| pattern.into()).collect(),
            harmless,
            fatal: id == "service",
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
            let found = classes.of_error(text.as_bytes()).map(|found| found.class);
            assert_eq!(found.as_deref(), class, "{text}");
            if let Some(class) = class {
                assert_eq!(class_of(&self::classes(), text), class, "{text}");
            }
        }
    }

    #[test]
    fn a_panic_is_the_service_s_own_whatever_its_words_and_its_stack_name() {
        let classes = ErrorClasses::new(&classes()).unwrap();
        let stack = "goroutine 1 [running]:\nmain.pq: x(operation identifier is)\n\tpq.go:1";
        for line in [
            "panic: runtime error: invalid memory address",
            "panic: pq: the database is gone",
            "fatal error: concurrent map writes",
            "F0115 13:24:01.482913       1 a.go:1] no: pq: x",
            "2021/01/15 13:24:01 http: panic serving 10.0.0.1:1: nil",
            "E0115 13:24:01.482913       1 a.go:1] panic: nil",
            "E0115 13:24:01.482913       1 a.go:1] it failed",
        ] {
            let found = classes.of_error(format!("{line}\n{stack}").as_bytes()).unwrap();
            assert_eq!((&*found.class, found.line), ("service", 0..line.len()), "{line}");
        }
        let ocm = "E0115 13:24:01.482913       1 a.go:1] operation identifier is 'x': panic: theirs";
        assert_eq!(&*classes.of_error(ocm.as_bytes()).unwrap().class, "ocm");
    }

    #[test]
    fn the_line_that_matched_is_named() {
        let classes = ErrorClasses::new(&classes()).unwrap();
        let head = "E0115 13:24:01.482913       1 a.go:1] it failed:";
        let cause = " caused by: operation identifier is 'x'";
        let found = classes
            .of_error(format!("{head}\n{cause}\n and more").as_bytes())
            .unwrap();
        let line = head.len() + 1..head.len() + 1 + cause.len();
        assert_eq!((&*found.class, found.line), ("ocm", line));
        let found = classes.of_raw(format!("{head}\n{cause}").as_bytes()).unwrap();
        assert_eq!(found.line.start, head.len() + 1);
    }

    #[test]
    fn a_line_without_a_level_is_an_error_by_its_own_patterns_only() {
        let classes = ErrorClasses::new(&classes()).unwrap();
        let found = classes
            .of_raw(b"operation identifier is '1h'")
            .map(|found| found.class);
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
