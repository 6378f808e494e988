//! A page of the guide as text for a terminal: paragraphs, lists and tables wrapped to its width, links as what to type.
//!
//! It reads what the guide's pages use of Markdown and no more. Every character of them takes one column.

use super::{Topic, find};

/// Prose is not wider: longer lines are hard to read.
const PROSE: usize = 100;

/// A table's columns are not made narrower than this where words allow it.
const NARROWEST: usize = 12;

/// Columns between two of a table's.
const GAP: usize = 2;

/// The page of a topic, `columns` wide; a file that follows it is written as it is, so that it can be saved.
pub fn rendered(topic: &Topic, columns: usize) -> String {
    let mut page = Page {
        columns: columns.max(20),
        text: String::new(),
    };
    let mut lines = topic.text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            while let Some(code) = lines.next().filter(|line| !line.starts_with("```")) {
                page.line("    ", code);
            }
            page.blank();
        } else if line.starts_with('|') {
            let mut rows = vec![line];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(row);
            }
            page.table(&rows);
        } else if line.starts_with('#') {
            page.heading(line);
        } else if !is_silent(line) {
            let mut block = line.trim().to_owned();
            while let Some(more) = lines.next_if(|line| continues(line)) {
                block.push(' ');
                block.push_str(more.trim());
            }
            page.prose(&block, lines.peek().is_some_and(|next| marker_of(next) > 0));
        }
    }
    let mut text = page.text.trim_end().to_owned();
    text.push('\n');
    if let Some(file) = topic.attached {
        text.push('\n');
        text.push_str(file);
    }
    text
}

/// Blank lines, comments, and what says where a link leads.
fn is_silent(line: &str) -> bool {
    let is_definition = line.starts_with('[') && line.contains("]: ");
    line.trim().is_empty() || line.starts_with("<!--") || is_definition
}

/// Whether a line belongs to the paragraph or the item before it.
fn continues(line: &str) -> bool {
    let begins = line.starts_with(['#', '|']) || line.starts_with("```") || marker_of(line) > 0;
    !begins && !is_silent(line)
}

/// The length of what an item of a list begins with: `- ` or `1. `; else 0.
fn marker_of(line: &str) -> usize {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    match (digits, &line[digits..]) {
        (0, rest) if rest.starts_with("- ") => 2,
        (1.., rest) if rest.starts_with(". ") => digits + 2,
        _ => 0,
    }
}

struct Page {
    columns: usize,
    text: String,
}

impl Page {
    fn line(&mut self, indent: &str, line: &str) {
        let line = format!("{indent}{line}");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn heading(&mut self, line: &str) {
        let level = line.chars().take_while(|letter| *letter == '#').count();
        let title = inline(line[level..].trim());
        let rule = if level == 1 { "=" } else { "-" };
        self.blank();
        self.line("", &title);
        self.line("", &rule.repeat(title.chars().count()));
        self.blank();
    }

    /// A paragraph, or an item of a list: an item that another follows has no blank line after it.
    fn prose(&mut self, block: &str, item_follows: bool) {
        let marker = marker_of(block);
        let hanging = " ".repeat(marker);
        let width = self.columns.min(PROSE) - marker;
        for (number, row) in wrapped(&inline(&block[marker..]), width).iter().enumerate() {
            let indent = if number == 0 { &block[..marker] } else { &hanging };
            self.line(indent, row);
        }
        if marker == 0 || !item_follows {
            self.blank();
        }
    }

    fn table(&mut self, rows: &[&str]) {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .filter(|row| !row.starts_with("|---"))
            .map(|row| cells(row))
            .collect();
        let widths = widths(&rows, self.columns);
        for (number, row) in rows.iter().enumerate() {
            let columns: Vec<Vec<String>> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| wrapped(cell, *width))
                .collect();
            let height = columns.iter().map(Vec::len).max().unwrap_or(0);
            for part in 0..height {
                let pieces = columns.iter().zip(&widths).map(|(cell, width)| {
                    let piece = cell.get(part).map_or("", String::as_str);
                    format!("{piece:<width$}")
                });
                let line = pieces.collect::<Vec<_>>().join(&" ".repeat(GAP));
                self.line("", &line);
            }
            if number == 0 {
                let rules = widths.iter().map(|width| "-".repeat(*width));
                self.line("", &rules.collect::<Vec<_>>().join(&" ".repeat(GAP)));
            }
        }
        self.blank();
    }
}

/// The cells of a table's row. What is nothing but code needs no backticks to be told from words.
fn cells(row: &str) -> Vec<String> {
    let inner = row.trim().trim_start_matches('|').trim_end_matches('|');
    inner
        .split('|')
        .map(|cell| {
            let cell = cell.trim();
            let outside: String = cell.split('`').step_by(2).collect();
            if outside.trim().is_empty() {
                cell.replace('`', "")
            } else {
                inline(cell)
            }
        })
        .collect()
}

/// How wide each column is: as wide as its cells, and where that is too much the widest are made narrower.
fn widths(rows: &[Vec<String>], columns: usize) -> Vec<usize> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let of_column = |at: usize| rows.iter().filter_map(move |row| row.get(at));
    let mut widths: Vec<usize> = (0..count)
        .map(|at| of_column(at).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let least: Vec<usize> = (0..count)
        .map(|at| {
            let words = of_column(at).flat_map(|cell| cell.split_whitespace());
            words
                .map(|word| word.chars().count())
                .max()
                .unwrap_or(0)
                .min(NARROWEST)
        })
        .collect();
    let room = columns.saturating_sub(GAP * count.saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        let spare = |at: &usize| widths[*at] > least[*at];
        let Some(widest) = (0..count).filter(spare).max_by_key(|at| widths[*at]) else {
            break;
        };
        widths[widest] -= 1;
    }
    widths
}

/// Words in rows of at most `width` columns; a word that is longer is broken.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut letters: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + letters.len() > width {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        while letters.len() > width.max(1) {
            let rest = letters.split_off(width.max(1));
            rows.push(letters.into_iter().collect());
            letters = rest;
        }
        if used > 0 {
            row.push(' ');
            used += 1;
        }
        used += letters.len();
        row.extend(letters);
    }
    if used > 0 || rows.is_empty() {
        rows.push(row);
    }
    rows
}

/// A line without Markdown's signs: bold is plain, and a link to a topic is the command that shows it.
fn inline(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (number, part) in text.split('`').enumerate() {
        if number % 2 == 1 {
            plain.push('`');
            plain.push_str(part);
            plain.push('`');
        } else {
            plain.push_str(&links(&part.replace("**", "")));
        }
    }
    plain
}

/// Replaces `[topic]`, and of `[words](address)` keeps the words, and the address where it is one of the web.
fn links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((words, after)) = after.split_once(']') else {
            break;
        };
        plain.push_str(before);
        rest = after;
        if let Some((address, after)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            plain.push_str(words);
            if address.contains("://") {
                plain.push_str(" (");
                plain.push_str(address);
                plain.push(')');
            }
            rest = after;
        } else if find(words).is_some() {
            plain.push_str("`sopwatch help ");
            plain.push_str(words);
            plain.push('`');
        } else {
            plain.push('[');
            plain.push_str(words);
            plain.push(']');
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::super::TOPICS;
    use super::*;

    fn page(text: &'static str, columns: usize) -> String {
        let topic = Topic {
            name: "sample",
            about: "",
            text,
            attached: None,
        };
        rendered(&topic, columns)
    }

    #[test]
    fn headings_paragraphs_lists_and_code_are_readable_without_markdown() {
        let text = "# The title\n\nOne **bold** word, see [keys], and [the\nweb](https://example.com).\n\n- first of\n  two\n- second\n\n\
                    ```sh\nsopwatch   check\n```\n\n1. one\n\n## More\n\n<!-- a -->\nEnd of it.\n\n[keys]: keys.md\n";
        let want = "The title\n=========\n\nOne bold word, see `sopwatch help keys`,\nand the web (https://example.com).\n\n\
                    - first of two\n- second\n\n    sopwatch   check\n\n1. one\n\nMore\n----\n\nEnd of it.\n";
        assert_eq!(page(text, 40), want);
    }

    #[test]
    fn a_table_is_as_wide_as_the_terminal_and_its_widest_column_wraps() {
        let text = "| key | what it does |\n|---|---|\n| `?` `f1` | all keys |\n| `a` | apply the `x` advice, asks first |\n";
        let wide = "key   what it does\n----  ---------------------------------\n? f1  all keys\na     apply the `x` advice, asks first\n";
        assert_eq!(page(text, 80), wide.replace("-----\n?", "----\n?"));
        let narrow = "key   what it does\n----  ----------------\n? f1  all keys\na     apply the `x`\n      advice, asks\n      first\n";
        assert_eq!(page(text, 22), narrow);
    }

    #[test]
    fn a_word_that_is_too_long_is_broken_and_nothing_is_lost() {
        for (text, width, want) in [
            ("abcdef", 3, vec!["abc", "def"]),
            ("a bcdef", 3, vec!["a", "bcd", "ef"]),
            ("abc", 3, vec!["abc"]),
            ("ab c", 3, vec!["ab", "c"]),
            ("a b", 3, vec!["a b"]),
            ("", 3, vec![""]),
        ] {
            assert_eq!(wrapped(text, width), want, "{text} in {width}");
        }
    }

    #[test]
    fn every_page_fits_into_80_columns_but_for_its_code() {
        for topic in TOPICS {
            let text = rendered(
                &Topic {
                    attached: None,
                    ..*topic
                },
                80,
            );
            for line in text.lines().filter(|line| !line.starts_with("    ")) {
                assert!(line.chars().count() <= 80, "{}: {line}", topic.name);
                assert!(!line.contains("]:"), "{}: {line}", topic.name);
            }
        }
    }

    #[test]
    fn a_file_that_follows_a_page_is_written_as_it_is() {
        for topic in TOPICS.iter().filter(|topic| topic.attached.is_some()) {
            let file = topic.attached.expect("one that has a file");
            assert!(rendered(topic, 40).ends_with(file), "{}", topic.name);
        }
    }
}
