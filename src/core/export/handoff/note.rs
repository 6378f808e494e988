//! The text as it is put together: safe, redacted and bounded.

use crate::safe;
use crate::text::markdown::{Section, clean};
use crate::text::{Redacted, SafeText};

/// Longest text, in characters. A chat takes more in one message (Slack cuts at 40,000 and takes 12,000 as one block), nobody reads more.
pub(super) const LONGEST: usize = 8_000;

/// Kept free for what ends the text: what was left out, and who wrote it when.
const END: usize = 600;

/// The text, section by section, the most needed first: what does not fit is named at the end.
#[derive(Debug, Default)]
pub(super) struct Note {
    text: String,
    left_out: Vec<String>,
}

impl Note {
    /// A line that nobody overlooks.
    pub(super) fn banner(&mut self, words: &str) {
        self.paragraph(&safe!("*** {words} ***"));
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        self.text.push_str(&Redacted::from(words));
        self.text.push_str("\n\n");
    }

    pub(super) fn add(&mut self, section: Section) {
        if section.is_empty() {
            return;
        }
        let text = section.text();
        if self.text.chars().count() + text.chars().count() + END > LONGEST {
            self.left_out.push(section.title().to_owned());
        } else {
            self.text.push_str(&text);
            self.text.push('\n');
        }
    }

    pub(super) fn add_all(&mut self, sections: impl IntoIterator<Item = Section>) {
        sections.into_iter().for_each(|section| self.add(section));
    }

    /// The whole text, with who wrote it when.
    pub(super) fn finish(mut self, signature: &str) -> SafeText {
        if !self.left_out.is_empty() {
            let left_out = self.left_out.join(", ");
            self.paragraph(&safe!(
                "Left out for length, available on request: {}.",
                clean(&left_out)
            ));
        }
        self.text.push_str(signature);
        self.text.push('\n');
        self.text.into()
    }
}
