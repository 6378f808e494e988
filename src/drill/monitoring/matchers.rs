//! Label matchers, as Prometheus' selectors and Alertmanager's filters write them.

use regex::Regex;

use super::series::{Labels, NAME};

/// `name="value"` and its like.
#[derive(Clone, Debug)]
pub struct LabelMatcher {
    pub name: String,
    pub operator: Operator,
    pub value: String,
    pattern: Option<Regex>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
}

impl Operator {
    /// The operator that a text begins with, and how long it is.
    fn at_start_of(text: &str) -> Option<(Self, usize)> {
        let signs = [
            ("=~", Self::Matches),
            ("!~", Self::MatchesNot),
            ("!=", Self::NotEqual),
            ("=", Self::Equal),
        ];
        let found = signs.iter().find(|(sign, _)| text.starts_with(sign))?;
        Some((found.1, found.0.len()))
    }
}

impl LabelMatcher {
    /// A matcher; `None` where its value is no regular expression and has to be one.
    pub fn new(name: &str, operator: Operator, value: &str) -> Option<Self> {
        let pattern = match operator {
            Operator::Matches | Operator::MatchesNot => Some(Regex::new(&format!("^(?s:{value})$")).ok()?),
            Operator::Equal | Operator::NotEqual => None,
        };
        Some(Self {
            name: name.to_owned(),
            operator,
            value: value.to_owned(),
            pattern,
        })
    }

    /// Whether it means these labels; a label that is not there is empty.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        let is_alike = match &self.pattern {
            Some(pattern) => pattern.is_match(value),
            None => value == self.value,
        };
        match self.operator {
            Operator::Equal | Operator::Matches => is_alike,
            Operator::NotEqual | Operator::MatchesNot => !is_alike,
        }
    }

    /// A filter of Alertmanager: its value may stand without quotes, so that a slip is a value and no error.
    ///
    /// # Errors
    /// Alertmanager's own words.
    pub fn of_filter(text: &str) -> Result<Self, String> {
        let bad = || format!("bad matcher format: {text}");
        let trimmed = text.trim();
        let length = name_length(trimmed);
        let (name, rest) = trimmed.split_at(length);
        let rest = rest.trim_start();
        let (operator, signs) = Operator::at_start_of(rest)
            .filter(|_| length > 0)
            .ok_or_else(bad)?;
        let value = rest[signs..].trim();
        let value = match value.strip_prefix('"') {
            Some(quoted) => {
                let inner = quoted
                    .strip_suffix('"')
                    .ok_or_else(|| format!("matcher value contains unescaped double quote: {value}"))?;
                unescape(inner)
            }
            None => value.to_owned(),
        };
        Self::new(name, operator, &value).ok_or_else(bad)
    }
}

/// The length of the label's or metric's name that a text begins with.
fn name_length(text: &str) -> usize {
    let is_name = |(index, byte): &(usize, u8)| {
        byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || (*index > 0 && byte.is_ascii_digit())
    };
    text.bytes().enumerate().take_while(is_name).count()
}

fn unescape(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => value.push('\n'),
                Some(escaped) => value.push(escaped),
                None => {}
            },
            plain => value.push(plain),
        }
    }
    value
}

/// A selector: a metric's name and matchers, `up{job="x"}`.
#[derive(Clone, Debug, Default)]
pub struct Selector(Vec<LabelMatcher>);

impl Selector {
    /// The name of the one metric that it is about.
    pub fn metric(&self) -> Option<&str> {
        let of_name = |matcher: &&LabelMatcher| matcher.name == NAME && matcher.operator == Operator::Equal;
        self.0.iter().find(of_name).map(|matcher| matcher.value.as_str())
    }

    /// Whether it means these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }

    /// Reads a selector; `Ok(None)` where the text is something else, as an expression with functions is.
    ///
    /// # Errors
    /// In Prometheus' words, where it begins as a selector and goes wrong.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let mut matchers = Vec::new();
        let trimmed = text.trim();
        let length = name_length(trimmed);
        let (name, rest) = trimmed.split_at(length);
        if length > 0 {
            matchers.extend(LabelMatcher::new(NAME, Operator::Equal, name));
        }
        let rest = rest.trim_start();
        if rest.is_empty() {
            return Ok((length > 0).then_some(Self(matchers)));
        }
        let Some(inside) = rest.strip_prefix('{') else {
            return Ok(None);
        };
        let offset = text.len() - trimmed.len() + trimmed.len() - inside.len();
        let Some(rest) = read_matchers(inside, offset, &mut matchers)? else {
            return Ok(None);
        };
        let is_whole = rest.trim().is_empty() && !matchers.is_empty();
        Ok(is_whole.then_some(Self(matchers)))
    }
}

/// Reads matchers up to the closing brace; the text after it. `offset` is how many characters come before.
fn read_matchers<'t>(
    inside: &'t str,
    offset: usize,
    matchers: &mut Vec<LabelMatcher>,
) -> Result<Option<&'t str>, String> {
    let mut rest = inside.trim_start();
    let place = |rest: &str| offset + inside.len() - rest.len() + 1;
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(Some(after));
        }
        let length = name_length(rest);
        if length == 0 {
            return Err(match rest.chars().next() {
                Some(odd) => format!(
                    "1:{}: parse error: unexpected character inside braces: '{odd}'",
                    place(rest)
                ),
                None => format!(
                    "1:{}: parse error: unexpected end of input inside braces",
                    place(rest)
                ),
            });
        }
        let (name, after) = rest.split_at(length);
        let after = after.trim_start();
        let Some((operator, signs)) = Operator::at_start_of(after) else {
            return Err(format!(
                "1:{}: parse error: unexpected end of input inside braces",
                place(after)
            ));
        };
        let after = after[signs..].trim_start();
        let Some((value, after)) = quoted(after) else {
            return Err(format!(
                "1:{}: parse error: unexpected identifier in label matching, expected string",
                place(after)
            ));
        };
        let matcher = LabelMatcher::new(name, operator, &value)
            .ok_or_else(|| format!("1:{}: parse error: error parsing regexp", place(after)))?;
        matchers.push(matcher);
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
}

/// The quoted text that a text begins with, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\'' | '`'))?;
    let inner = &text[1..];
    let mut escaped = false;
    for (index, character) in inner.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            end if end == quote => return Some((unescape(&inner[..index]), &inner[index + 1..])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::series::labels;
    use super::*;

    #[test]
    fn a_filter_is_read_as_alertmanager_reads_it() {
        let own = labels(&[("service", "api"), ("odd", "=")]);
        for (text, means) in [
            (r#"service="api""#, true),
            ("service=api", true),
            (r#"service=~"a.*|b""#, true),
            (r#"service!~"a.*""#, false),
            (r#"namespace="""#, true),
            ("service==", false),
            ("odd==", true),
        ] {
            assert_eq!(
                LabelMatcher::of_filter(text).unwrap().matches(&own),
                means,
                "{text}"
            );
        }
        assert_eq!(
            LabelMatcher::of_filter("alertname").unwrap_err(),
            "bad matcher format: alertname"
        );
    }

    #[test]
    fn a_selector_is_read_and_what_is_none_is_left_to_others() {
        let own = labels(&[(NAME, "up"), ("job", "x"), ("le", "1")]);
        for (text, means) in [
            ("up", true),
            (" up { job = \"x\" , } ", true),
            (r#"up{le=~"1(\\.0)?"}"#, true),
            ("down", false),
            (r#"{__name__=~"u.",job!="y"}"#, true),
        ] {
            let selector = Selector::parse(text).unwrap().unwrap();
            assert_eq!(selector.matches(&own), means, "{text}");
        }
        for text in ["sum(up)", "up == 1", "1", "", "{}", "up[5m]"] {
            assert!(Selector::parse(text).unwrap().is_none(), "{text}");
        }
        assert_eq!(
            Selector::parse("up{[5m]").unwrap_err(),
            "1:4: parse error: unexpected character inside braces: '['"
        );
    }
}
