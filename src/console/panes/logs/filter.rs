//! What narrows the lines that show: a pattern that keeps or hides them, and one pod or container.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use sopwatch_core::logparse::ContainerKey;
use sopwatch_core::observe::observation::PodUid;
use sopwatch_core::text::SafeText;

/// Bytes that a compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;

/// A regular expression over what a row shows. Without an upper-case letter in it, case does not matter.
#[derive(Clone, Debug)]
pub struct LineFilter {
    text: String,
    pattern: Regex,
}

impl LineFilter {
    /// A filter by an expression; what is wrong with it, where it is none.
    pub fn new(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text)
            .size_limit(PATTERN_SIZE)
            .case_insensitive(ignores_case(text))
            .build();
        match built {
            Ok(pattern) => Ok(Self {
                text: text.to_owned(),
                pattern,
            }),
            Err(problem) => Err(problem_of(&problem)),
        }
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a row shows what it looks for.
    pub fn is_in(&self, visible: &str) -> bool {
        self.pattern.is_match(visible)
    }

    /// Where in a text, in bytes.
    pub fn places_in(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        self.pattern.find_iter(text).map(|found| found.range())
    }
}

/// Whether upper and lower case are the same to a search: unless an upper-case letter was typed. One after a backslash is a class.
pub(crate) fn ignores_case(text: &str) -> bool {
    let mut escaped = false;
    !text.chars().any(|letter| {
        let counts = !escaped && letter.is_uppercase();
        escaped = letter == '\\' && !escaped;
        counts
    })
}

/// The last line of the library's error says what is wrong; the rest draws arrows.
fn problem_of(problem: &regex::Error) -> String {
    let text = problem.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// The one pod, or the one container of it, whose lines show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlySource {
    /// The pod.
    pub pod_uid: PodUid,
    /// Its name.
    pub pod: SafeText,
    /// One of its containers, with the instances before; `None` for all.
    pub container: Option<SafeText>,
}

impl OnlySource {
    /// A whole pod.
    pub fn pod(pod_uid: PodUid, pod: SafeText) -> Self {
        Self {
            pod_uid,
            pod,
            container: None,
        }
    }

    /// The container of a log.
    pub fn container(source: &ContainerKey) -> Self {
        Self {
            pod_uid: source.pod_uid.clone(),
            pod: source.pod.clone(),
            container: Some(source.container.clone()),
        }
    }

    /// Whether a log is one of its.
    pub fn has(&self, source: &ContainerKey) -> bool {
        let container = self.container.as_ref();
        source.pod_uid == self.pod_uid && container.is_none_or(|container| *container == source.container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_once_an_upper_case_letter_is_typed() {
        let cases = [
            ("timeout", "Timeout", true),
            ("Timeout", "timeout", false),
            ("Timeout", "Timeout", true),
            // a class is no letter
            (r"\Stimeout", "xTIMEOUT", true),
            (r"\\Stimeout", r"\stimeout", false),
            ("^a.c$", "ABC", true),
        ];
        for (typed, line, found) in cases {
            assert_eq!(
                LineFilter::new(typed).unwrap().is_in(line),
                found,
                "{typed} {line}"
            );
        }
    }

    #[test]
    fn a_wrong_expression_is_explained_on_one_line() {
        assert_eq!(LineFilter::new("(a").unwrap_err(), "unclosed group");
    }
}
