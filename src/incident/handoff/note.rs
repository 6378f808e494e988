//! The text as it is put together: safe, redacted and bounded.

use crate::incident::redact::redact;
use crate::incident::text::SafeText;

/// Longest text, in characters. A chat takes more in one message (Slack cuts at 40,000 and takes 12,000 as one block), nobody reads more.
pub(super) const LONGEST: usize = 8_000;

/// Longest line, in characters.
const LINE: usize = 300;

/// Longest quotation of a log, in characters: OCM tells its reason last.
const QUOTATION: usize = 600;

/// Kept free for what ends the text: what was left out, and who wrote it when.
const END: usize = 600;

/// A line of text from wherever: one line, without secrets, without control sequences, and not long.
pub(super) fn clean(text: &str) -> String {
    clean_to(text, LINE)
}

fn clean_to(text: &str, longest: usize) -> String {
    let one_line = SafeText::new(&redact(text)).replace('\n', " ");
    SafeText::cut(&one_line, longest).to_string()
}

/// One line of a section.
#[derive(Debug)]
enum Line {
    /// An entry of a list.
    Item(String),
    /// Kept as it is: tables, and what comes from outside.
    Code(String),
}

/// A heading with what stands under it.
#[derive(Debug)]
pub(super) struct Section {
    title: String,
    lines: Vec<Line>,
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            lines: Vec::new(),
        }
    }

    /// An entry in the program's words and the profile's.
    pub(super) fn item(&mut self, text: impl AsRef<str>) {
        self.lines.push(Line::Item(clean(text.as_ref())));
    }

    /// A line that is kept as it is.
    pub(super) fn code(&mut self, text: impl AsRef<str>) {
        self.kept(text.as_ref(), LINE);
    }

    /// A record of a log.
    pub(super) fn quotation(&mut self, text: impl AsRef<str>) {
        self.kept(text.as_ref(), QUOTATION);
    }

    fn kept(&mut self, text: &str, longest: usize) {
        // A block of code ends at three of them.
        let text = clean_to(text, longest).replace('`', "'");
        self.lines.push(Line::Code(text));
    }

    /// The first `most` as lines that are kept as they are, and how many more there are.
    pub(super) fn listed<T>(&mut self, all: &[T], most: usize, words: impl Fn(&T) -> String) {
        all.iter().take(most).for_each(|one| self.code(words(one)));
        self.and_more(all.len().saturating_sub(most));
    }

    pub(super) fn and_more(&mut self, count: usize) {
        if count > 0 {
            self.item(format!("and {count} more"));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn text(&self) -> String {
        let mut text = format!("*{}*\n", clean(&self.title));
        let mut in_block = false;
        for line in &self.lines {
            let is_code = matches!(line, Line::Code(_));
            if is_code != in_block {
                text.push_str("```\n");
                in_block = is_code;
            }
            let (mark, words) = match line {
                Line::Item(words) => ("- ", words),
                Line::Code(words) => ("", words),
            };
            text.extend([mark, words, "\n"]);
        }
        if in_block {
            text.push_str("```\n");
        }
        text
    }
}

/// The text, section by section, the most needed first: what does not fit is named at the end.
#[derive(Debug, Default)]
pub(super) struct Note {
    text: String,
    left_out: Vec<String>,
}

impl Note {
    /// A line that nobody overlooks.
    pub(super) fn banner(&mut self, words: &str) {
        self.paragraph(&format!("*** {words} ***"));
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        self.text.push_str(&SafeText::new(&redact(words)));
        self.text.push_str("\n\n");
    }

    pub(super) fn add(&mut self, section: Section) {
        if section.is_empty() {
            return;
        }
        let text = section.text();
        if self.text.chars().count() + text.chars().count() + END > LONGEST {
            self.left_out.push(section.title);
        } else {
            self.text.push_str(&text);
            self.text.push('\n');
        }
    }

    pub(super) fn add_all(&mut self, sections: impl IntoIterator<Item = Section>) {
        sections.into_iter().for_each(|section| self.add(section));
    }

    /// The whole text, with who wrote it when.
    pub(super) fn finish(mut self, signature: &str) -> String {
        if !self.left_out.is_empty() {
            let left_out = self.left_out.join(", ");
            self.paragraph(&format!(
                "Left out for length, ask us for it: {}.",
                clean(&left_out)
            ));
        }
        self.text.push_str(signature);
        self.text.push('\n');
        self.text
    }
}
