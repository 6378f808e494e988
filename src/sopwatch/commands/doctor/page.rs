//! The page: sections of lines, each with its status. Pure.

use std::fmt::Write as _;

use sopwatch_core::observe::source::{Problem, Source, SourceState};
use sopwatch_core::text::{Redacted, SafeText};

/// How something is. A greater one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// It works.
    Works,
    /// It works, or is not used, and there is something to know.
    Note,
    /// Nobody knows.
    Unknown,
    /// It does not work.
    Fails,
}

impl Status {
    /// The worst of all lines.
    pub(super) fn worst(sections: &[Section]) -> Self {
        let lines = sections.iter().flat_map(|section| &section.lines);
        lines.map(|line| line.status).max().unwrap_or(Self::Works)
    }

    /// As `check` exits: 0 nothing wrong, 2 act, 3 unknown.
    pub(super) fn exit_status(self) -> u8 {
        match self {
            Self::Works | Self::Note => 0,
            Self::Fails => 2,
            Self::Unknown => 3,
        }
    }

    fn mark(self, ascii: bool) -> &'static str {
        match (self, ascii) {
            (Self::Works, false) => "✔",
            (Self::Works, true) => "ok",
            (Self::Note, _) => "-",
            (Self::Unknown, _) => "?",
            (Self::Fails, false) => "✘",
            (Self::Fails, true) => "!!",
        }
    }
}

/// One line, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) status: Status,
    pub(super) what: Redacted,
    pub(super) advice: Option<Redacted>,
}

/// What is said about one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) lines: Vec<Line>,
}

impl Section {
    pub(super) fn new(title: &'static str) -> Self {
        Self {
            title,
            lines: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, status: Status, what: impl AsRef<str>) {
        self.lines.push(Line {
            status,
            what: what.as_ref().into(),
            advice: None,
        });
    }

    pub(super) fn advise(&mut self, status: Status, what: impl AsRef<str>, advice: impl AsRef<str>) {
        self.lines.push(Line {
            status,
            what: what.as_ref().into(),
            advice: Some(advice.as_ref().into()),
        });
    }

    /// A problem of a source, in its own words.
    pub(super) fn problem(&mut self, problem: &Problem) {
        self.lines.push(Line {
            status: Status::Fails,
            what: problem.what.as_str().into(),
            advice: problem.advice.as_ref().map(|advice| advice.as_str().into()),
        });
    }

    /// How a source is; `works` says what is read of it.
    pub(super) fn source(&mut self, source: Option<&Source>, works: &str) {
        match source.map(|source| &source.state) {
            None | Some(SourceState::Connecting) => {
                self.add(Status::Unknown, format!("{works}: no answer yet"));
            }
            Some(SourceState::Failing { problem, .. }) => self.problem(problem),
            Some(SourceState::Off(why)) => self.add(Status::Note, format!("{works}: not used: {why}")),
            Some(SourceState::Live | SourceState::Ended | SourceState::Resting) => {
                self.add(Status::Works, works);
            }
        }
    }
}

/// The page as text.
pub(super) fn page(sections: &[Section], ascii: bool) -> SafeText {
    let mut text = String::new();
    for section in sections {
        let _ = writeln!(text, "{}", section.title);
        for line in &section.lines {
            let _ = writeln!(text, "  {:<2} {}", line.status.mark(ascii), line.what);
            if let Some(advice) = &line.advice {
                let _ = writeln!(text, "       {advice}");
            }
        }
    }
    let all = sections.iter().flat_map(|section| &section.lines);
    let count = |status: Status| all.clone().filter(|line| line.status == status).count();
    let (fails, unknown) = (count(Status::Fails), count(Status::Unknown));
    let end = match (fails, unknown) {
        (0, 0) => "All works from here.".to_owned(),
        (0, unknown) => format!("Unknown: {unknown}."),
        (fails, 0) => format!("Does not work: {fails}."),
        (fails, unknown) => format!("Does not work: {fails}. Unknown: {unknown}."),
    };
    let _ = writeln!(text, "\n{end}");
    SafeText::new(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_line_decides_the_exit_status() {
        let with = |statuses: &[Status]| {
            let mut section = Section::new("X");
            statuses.iter().for_each(|status| section.add(*status, "x"));
            Status::worst(&[section]).exit_status()
        };
        assert_eq!(with(&[]), 0);
        assert_eq!(with(&[Status::Works, Status::Note]), 0);
        assert_eq!(with(&[Status::Unknown, Status::Works]), 3);
        assert_eq!(with(&[Status::Unknown, Status::Fails, Status::Note]), 2);
    }

    #[test]
    fn no_secret_and_no_control_character_reaches_the_page() {
        let mut section = Section::new("Database");
        section.advise(
            Status::Fails,
            "postgres://u:s3cret@h/d \u{1b}[31mred",
            "Authorization: Bearer s3cret-token-of-mine",
        );
        for ascii in [true, false] {
            let text = page(std::slice::from_ref(&section), ascii);
            assert!(!text.contains("s3cret") && !text.contains('\u{1b}'), "{text}");
            assert!(text.ends_with("\nDoes not work: 1.\n"), "{text}");
            assert_eq!(ascii, text.is_ascii() || text.contains('␛') && ascii, "{text}");
        }
    }
}
