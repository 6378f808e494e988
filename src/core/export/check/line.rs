//! The document in one line, for a status line: which SOP, what to do, why.

use super::Assessment;
use crate::text::SafeText;

/// Columns.
const WIDTH: usize = 80;

impl Assessment {
    /// The SOP, what to do and the first reason, in one line of at most 80 columns without any control character; with `ascii`, in ASCII
    /// alone. What is cut is the end of the reason.
    pub fn line(&self, ascii: bool) -> SafeText {
        let one = &self.recommendation;
        let drill = self.drill.as_ref().map(|_| "DRILL ").unwrap_or_default();
        let why = one.because.first().map(|why| format!(": {why}"));
        let text = format!("{drill}{}: {}{}", self.sop, one.words, why.unwrap_or_default());
        let words: Vec<&str> = text.split_whitespace().collect();
        let line = SafeText::cut(&words.join(" "), WIDTH);
        if ascii { in_ascii(&line) } else { line }
    }

    /// The line where it says something else than `before`; `None` where only ages and numbers moved.
    pub fn new_line(&self, before: &Self, ascii: bool) -> Option<SafeText> {
        let line = self.line(ascii);
        let is_news = !self.changes_since(before).is_empty() && line != before.line(ascii);
        is_news.then_some(line)
    }
}

/// The same text in ASCII.
pub(super) fn in_ascii(text: &SafeText) -> SafeText {
    let plain = |c: char| match c {
        '–' => '-',
        '×' => 'x',
        '…' => '.',
        c if c.is_ascii() => c,
        _ => '?',
    };
    text.chars().map(plain).collect::<String>().into()
}
