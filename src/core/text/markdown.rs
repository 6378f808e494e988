//! Text for people, as Markdown that also reads well as it is: what comes from outside stands in blocks of code, without secrets, without
//! control sequences, and not long, so that nothing in it becomes markup or calls people.

use super::{Redacted, SafeText};
use crate::safe;

/// Longest line, in characters.
const LINE: usize = 300;

/// Longest quotation of a log, in characters: OCM tells its reason last.
const QUOTATION: usize = 800;

/// A line of text from wherever: one line, without secrets, without control sequences, and not long: a long one loses its middle.
pub(crate) fn clean(text: &str) -> Redacted {
    clean_to(text, LINE)
}

/// The same, no longer than so many characters.
pub(crate) fn clean_to(text: &str, longest: usize) -> Redacted {
    let one_line = Redacted::from(text).replace('\n', " ");
    // What was redacted is not redacted again.
    Redacted(SafeText::shortened(&one_line, longest))
}

/// One line of a section.
#[derive(Debug)]
enum Line {
    /// An entry of a list.
    Item(Redacted),
    /// Kept as it is: tables, and what comes from outside; redacted as well.
    Code(SafeText),
}

/// A heading with what stands under it.
#[derive(Debug)]
pub(crate) struct Section {
    title: SafeText,
    lines: Vec<Line>,
}

impl Section {
    pub(crate) fn new(title: impl Into<SafeText>) -> Self {
        Self {
            title: title.into(),
            lines: Vec::new(),
        }
    }

    /// An entry in the program's words and the profile's.
    pub(crate) fn item(&mut self, text: impl AsRef<str>) {
        self.lines.push(Line::Item(clean(text.as_ref())));
    }

    /// A line that is kept as it is.
    pub(crate) fn code(&mut self, text: impl AsRef<str>) {
        self.kept(text.as_ref(), LINE);
    }

    /// A record of a log.
    pub(crate) fn quotation(&mut self, text: impl AsRef<str>) {
        self.kept(text.as_ref(), QUOTATION);
    }

    /// A line that is kept as it is, no longer than so many characters.
    pub(crate) fn kept(&mut self, text: &str, longest: usize) {
        // A block of code ends at three of them.
        let text = clean_to(text, longest).replace('`', "'");
        self.lines.push(Line::Code(text.into()));
    }

    /// The first `most` as lines that are kept as they are, and how many more there are.
    pub(crate) fn listed<T, W: AsRef<str>>(&mut self, all: &[T], most: usize, words: impl Fn(&T) -> W) {
        all.iter().take(most).for_each(|one| self.code(words(one)));
        self.and_more(all.len().saturating_sub(most));
    }

    pub(crate) fn and_more(&mut self, count: usize) {
        if count > 0 {
            self.item(format!("and {count} more"));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// The whole, its title as a line of a chat has it.
    pub(crate) fn text(&self) -> SafeText {
        safe!("*{}*\n{}", clean(&self.title), self.body())
    }

    /// What stands under the title.
    pub(crate) fn body(&self) -> SafeText {
        let mut text = String::new();
        let mut in_block = false;
        for line in &self.lines {
            let is_code = matches!(line, Line::Code(_));
            if is_code != in_block {
                text.push_str("```\n");
                in_block = is_code;
            }
            let (mark, words) = match line {
                Line::Item(words) => ("- ", words.as_str()),
                Line::Code(words) => ("", words.as_str()),
            };
            text.extend([mark, words, "\n"]);
        }
        if in_block {
            text.push_str("```\n");
        }
        text.into()
    }
}

/// Text that Markdown does not take for its own: marks escaped, on one line.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            safe.push('\\');
        }
        safe.push(if c == '\n' { ' ' } else { c });
    }
    safe
}
