//! A TOML file whose every key knows its line.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::{ConfigError, ConfigProblem};
use super::kinds;
use super::toml_mistakes::{self, Place};
use sopwatch_core::text::SafeText;

/// A TOML file, parsed, with the place of every key.
#[derive(Clone, Debug, PartialEq)]
pub struct TomlDocument {
    file: String,
    text: String,
    whole: Range<usize>,
    key_spans: Vec<KeySpan>,
}

#[derive(Clone, Debug, PartialEq)]
struct KeySpan {
    path: String,
    key: Range<usize>,
    value: Range<usize>,
    /// Whether it is a text that could do harm on a terminal.
    harmful: bool,
}

impl KeySpan {
    fn touches(&self, span: &Range<usize>) -> bool {
        self.key == *span || self.value == *span
    }

    fn contains(&self, span: &Range<usize>) -> bool {
        let whole = self.key.start.min(self.value.start)..self.key.end.max(self.value.end);
        whole.start <= span.start && span.end <= whole.end
    }

    fn len(&self) -> usize {
        self.value.end.saturating_sub(self.value.start)
    }
}

impl TomlDocument {
    /// Reads TOML; `file` is what messages call it.
    ///
    /// # Errors
    /// Everything that is not TOML, and texts that hold hidden characters.
    pub fn parse(file: impl Into<String>, text: impl Into<String>) -> Result<TomlDocument, ConfigError> {
        let (document, problems, _) = TomlDocument::parse_with_mistakes(file, text);
        if problems.is_empty() {
            Ok(document)
        } else {
            Err(ConfigError::of(problems))
        }
    }

    /// Reads TOML as far as it is TOML, with what is wrong, and whether the values can be trusted to stand where they were meant to.
    pub(super) fn parse_with_mistakes(
        file: impl Into<String>,
        text: impl Into<String>,
    ) -> (TomlDocument, Vec<ConfigProblem>, bool) {
        let mut document = TomlDocument {
            file: file.into(),
            text: text.into(),
            whole: 0..0,
            key_spans: Vec::new(),
        };
        let mut key_spans = Vec::new();
        let (table, errors) = DeTable::parse_recoverable(&document.text);
        collect_table("", table.get_ref(), &mut key_spans);
        let whole = table.span();
        drop(table);
        document.whole = whole;
        document.key_spans = key_spans;
        let mut problems: Vec<_> = errors
            .iter()
            .map(|error| document.syntax_problem(error))
            .collect();
        // One slip may be several errors to the parser.
        problems.dedup_by(|next, first| next.at == first.at);
        let can_be_read = problems.iter().all(is_of_one_value);
        let harmful = document.key_spans.iter().filter(|key_span| key_span.harmful);
        let of_text = |key_span: &KeySpan| {
            document.problem(&key_span.path, "the text holds control or invisible characters")
        };
        problems.extend(harmful.map(of_text));
        (document, problems, can_be_read)
    }

    /// Reads the values.
    ///
    /// # Errors
    /// Every unknown key, missing key and value of another kind.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).or_else(|_| toml_mistakes::read_all(&self.file, &self.text).whole())
    }

    /// What messages call the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line of a key, from 1; `None` for a key that is not there.
    pub fn line_of(&self, path: &str) -> Option<usize> {
        let key_span = self.key_spans.iter().find(|key_span| key_span.path == path)?;
        Some(self.line_at(key_span.key.start))
    }

    /// A problem with the value of a key; where the key is not there, with what it would be in.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> ConfigProblem {
        let line = ancestors(path).find_map(|path| self.line_of(path));
        self.problem_at(line, path, message.into())
    }

    fn problem_at(&self, line: Option<usize>, path: &str, message: String) -> ConfigProblem {
        let at = match line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        };
        ConfigProblem {
            at: at.into(),
            key: path.into(),
            message: message.into(),
            line: line.and_then(|line| Some(Box::new((line, self.shown_line(line)?.into())))),
            hint: None,
        }
    }

    fn syntax_problem(&self, error: &toml::de::Error) -> ConfigProblem {
        let line = error.span().map(|span| self.line_at(span.start));
        self.problem_at(line, "", error.message().trim_end().to_owned())
    }

    /// What the library's error is about.
    pub(super) fn wrong_value(&self, error: &toml::de::Error) -> WrongValue {
        let span = error.span().filter(|span| *span != self.whole);
        let key_span = span.as_ref().and_then(|span| self.key_span_of(span));
        let line = span.as_ref().map(|span| self.line_at(span.start));
        let path = key_span.map_or("", |key_span| key_span.path.as_str());
        let place = key_span.map(|key_span| Place {
            key: key_span.key.clone(),
            value: key_span.value.clone(),
        });
        let explained = Explained::of(error.message(), path);
        let missing = explained.missing;
        let problem = self.problem_at(
            line,
            &joined(path, missing.as_deref().unwrap_or_default()),
            explained.words,
        );
        let known = explained.known.iter().map(String::as_str);
        WrongValue {
            problem: problem.hint_among(&explained.word, known),
            path: path.to_owned(),
            missing,
            place,
        }
    }

    fn key_span_of(&self, span: &Range<usize>) -> Option<&KeySpan> {
        // An array of one table and that table have the same span: the inner one comes later.
        let exact = self.key_spans.iter().rfind(|key_span| key_span.touches(span));
        exact.or_else(|| {
            let around = self.key_spans.iter().filter(|key_span| key_span.contains(span));
            around.min_by_key(|key_span| key_span.len())
        })
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    /// The line as written, unless it may hold a secret: then its key only.
    fn shown_line(&self, number: usize) -> Option<String> {
        let line = self.text.lines().nth(number.checked_sub(1)?)?.trim();
        let safe: String = line.chars().filter(|c| !c.is_control()).take(160).collect();
        let lower = safe.to_ascii_lowercase();
        let named = ["passw", "token", "secret"]
            .iter()
            .any(|word| lower.contains(word));
        let secret = named || (lower.contains("://") && lower.contains('@'));
        match safe.split_once('=') {
            Some((key, _)) if secret => Some(format!("{key}= …")),
            None if secret => Some("…".to_owned()),
            _ => Some(safe),
        }
    }
}

/// Whether a syntax error spoils one value alone: after a broken heading or an open bracket, keys stand where they were not meant to.
fn is_of_one_value(problem: &ConfigProblem) -> bool {
    let line = problem.line.as_deref().map_or("", |(_, line)| line.as_str());
    !line.starts_with('[') && !problem.message.contains("unclosed")
}

/// A value that is wrong, or a table that lacks a key.
#[derive(Debug)]
pub(super) struct WrongValue {
    /// What to say.
    pub(super) problem: ConfigProblem,
    /// The path of the value, or of the table that lacks a key; empty for the file itself.
    pub(super) path: String,
    /// The key that the table lacks.
    pub(super) missing: Option<String>,
    /// Where the value is; `None` for the file itself.
    pub(super) place: Option<Place>,
}

/// The library's message in the words of the operator.
struct Explained {
    words: String,
    missing: Option<String>,
    /// The word that is wrong, and those that would be right.
    word: String,
    known: Vec<String>,
}

impl Explained {
    fn of(message: &str, path: &str) -> Explained {
        let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
        let word = quoted.next().unwrap_or_default();
        let (words, missing, is_choice) = if message.starts_with("unknown field") {
            (format!("unknown key `{word}`"), None, true)
        } else if message.starts_with("unknown variant") {
            (format!("`{word}` is not one of its values"), None, true)
        } else if message.starts_with("missing field") {
            (format!("the key `{word}` is missing"), Some(word.clone()), false)
        } else {
            (kinds::plain(message, path), None, false)
        };
        let known = if is_choice { quoted.collect() } else { Vec::new() };
        Explained {
            words,
            missing,
            word,
            known,
        }
    }
}

pub(super) fn joined(path: &str, key: &str) -> String {
    match (path, key) {
        (path, "") => path.to_owned(),
        ("", key) => key.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}

/// A path and what it is in, innermost first: `a[1].b`, `a[1]`, `a`.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        let cut = path.rfind(['.', '['])?;
        Some(&path[..cut])
    })
}

/// Whether a path is another one, or is in it.
pub(super) fn is_within(path: &str, outer: &str) -> bool {
    outer.is_empty()
        || path
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn collect_table(path: &str, table: &DeTable<'_>, key_spans: &mut Vec<KeySpan>) {
    for (key, value) in table {
        let path = joined(path, key.get_ref());
        key_spans.push(KeySpan {
            path: path.clone(),
            key: key.span(),
            value: value.span(),
            harmful: is_harmful(key.get_ref()) || holds_harm(value.get_ref()),
        });
        collect_value(&path, value, key_spans);
    }
}

fn holds_harm(value: &DeValue<'_>) -> bool {
    matches!(value, DeValue::String(text) if is_harmful(text))
}

/// Texts of the configuration reach the screen and the shell, so nothing hidden may be in them.
fn is_harmful(text: &str) -> bool {
    *SafeText::new(text) != *text
}

fn collect_value(path: &str, value: &Spanned<DeValue<'_>>, key_spans: &mut Vec<KeySpan>) {
    match value.get_ref() {
        DeValue::Table(table) => collect_table(path, table, key_spans),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                key_spans.push(KeySpan {
                    path: path.clone(),
                    key: item.span(),
                    value: item.span(),
                    harmful: holds_harm(item.get_ref()),
                });
                collect_value(&path, item, key_spans);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Menu {
        #[expect(dead_code, reason = "only read by serde")]
        dish: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only read by serde")]
        drinks: Vec<Drink>,
        #[serde(default)]
        #[expect(dead_code, reason = "only read by serde")]
        prices: BTreeMap<String, Drink>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Drink {
        #[expect(dead_code, reason = "only read by serde")]
        name: String,
        #[expect(dead_code, reason = "only read by serde")]
        size: Option<Size>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Size {
        Small,
        Large,
    }

    fn error(text: &str) -> String {
        match TomlDocument::parse("menu.toml", text) {
            Ok(document) => document.read::<Menu>().map(|_| ()).expect_err(text).to_string(),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn every_kind_of_mistake_names_file_line_and_key() {
        let cases = [
            (
                "dish = 1",
                "menu.toml:1: dish: must be a text in quotes, e.g. dish = \"1\"",
            ),
            (
                "dish = 'a'\n\ndsih = 2",
                "menu.toml:3: dsih: unknown key `dsih`\n     3 | dsih = 2\n       = did you mean `dish`?",
            ),
            (
                "[[drinks]]\nname = 'tea'\n",
                "menu.toml: dish: the key `dish` is missing",
            ),
            (
                "dish = 'a'\n[[drinks]]\nname = 'a'\n[[drinks]]\nnme = 'b'",
                "menu.toml:5: drinks[1].nme: unknown key `nme`",
            ),
            (
                "dish = 'a'\n[[drinks]]\nname = 'a'\nsize = 'big'",
                "menu.toml:4: drinks[0].size: `big` is not one of its values\n     4 | size = 'big'\n       = known: small, large",
            ),
            (
                "dish = 'a'\ndrinks = [{ name = 'a' },\n  { name = true }]",
                "menu.toml:3: drinks[1].name: must be a text in quotes",
            ),
            (
                "dish = 'a'\n[[drinks]]\nsize = 'small'",
                "menu.toml:2: drinks[0].name: the key `name` is missing",
            ),
            (
                "dish = 'a'\n[prices.tea]\nsize = 'small'",
                "menu.toml:2: prices.tea.name: the key `name` is missing",
            ),
            (
                "dish = 'a'\n[[drinks]]\nname = \"\\u001b[2J\"",
                "menu.toml:3: drinks[0].name: the text holds control",
            ),
            ("dish = 'a'\ndish = 'b'", "menu.toml:2: duplicate key"),
            ("dish = 'a'\nprices = [", "menu.toml:2: unclosed array"),
        ];
        for (text, expected) in cases {
            let error = error(text);
            assert!(
                error.starts_with(expected),
                "{text}\n--- got\n{error}\n--- expected\n{expected}"
            );
        }
    }

    #[test]
    fn lines_that_may_hold_a_secret_are_not_shown() {
        for line in [
            "password = 'hunter2'",
            "url = 'postgres://a:hunter2@b/c'",
            "'://a:hunter2@b",
        ] {
            let error = error(&format!("dish = 'a'\n{line}"));
            assert!(error.contains("menu.toml:2"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_key_knows_its_line() {
        let text = "a = 1\n[b]\nc = [\n  { d = 2 },\n]\n";
        let document = TomlDocument::parse("x", text).expect("TOML");
        let cases = [
            ("a", Some(1)),
            ("b", Some(2)),
            ("b.c", Some(3)),
            ("b.c[0].d", Some(4)),
            ("z", None),
        ];
        for (path, line) in cases {
            assert_eq!(document.line_of(path), line, "{path}");
        }
        assert_eq!(document.problem("b.c[0].e", "odd").at, "x:4");
    }
}
