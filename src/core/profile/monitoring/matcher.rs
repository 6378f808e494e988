//! Matchers of labels, as Alertmanager and Prometheus write them: `service=~"api|web"`.

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;

use crate::text::SafeText;

/// One matcher.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub operator: Operator,
    /// The value, or the regular expression that the whole value must match.
    pub value: String,
    pattern: Option<Regex>,
}

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

impl Operator {
    const ALL: [(&'static str, Self); 4] = [
        ("=~", Self::Matches),
        ("!~", Self::MatchesNot),
        ("!=", Self::NotEqual),
        ("=", Self::Equal),
    ];

    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }
}

impl Matcher {
    /// Reads one such as `severity="deadman"`. The value stands in quotes: what is not quoted is read in surprising ways by some servers.
    ///
    /// # Errors
    /// It is no matcher, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (label, rest) = text.split_at(end.unwrap_or(text.len()));
        let rest = rest.trim_start();
        let sign = Operator::ALL.into_iter().find(|(sign, _)| rest.starts_with(sign));
        let (Some((sign, operator)), false) = (sign, label.is_empty()) else {
            return Err(format!(
                "`{text}` is not a matcher such as `severity=\"critical\"`"
            ));
        };
        let quoted = rest[sign.len()..].trim();
        let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let Some(value) = inner.and_then(unescape) else {
            return Err(format!("the value of `{text}` must stand in double quotes"));
        };
        let is_pattern = matches!(operator, Operator::Matches | Operator::MatchesNot);
        let pattern = if is_pattern {
            let whole = Regex::new(&format!("^(?:{value})$"));
            Some(whole.map_err(|_error| format!("`{value}` is not a regular expression"))?)
        } else {
            None
        };
        Ok(Self {
            label: label.to_owned(),
            operator,
            value,
            pattern,
        })
    }

    /// Whether an object with these labels is meant. A label that is not there counts as empty.
    pub fn matches(&self, labels: &BTreeMap<SafeText, SafeText>) -> bool {
        let value = labels.get(&SafeText::new(&self.label));
        let value = value.map_or("", |value| value.as_str());
        let is_alike = || match &self.pattern {
            Some(pattern) => pattern.is_match(value),
            None => value == self.value,
        };
        match self.operator {
            Operator::Equal | Operator::Matches => is_alike(),
            Operator::NotEqual | Operator::MatchesNot => !is_alike(),
        }
    }
}

impl fmt::Display for Matcher {
    /// As a server reads it: with the value quoted and escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "{}{}\"{value}\"", self.label, self.operator.sign())
    }
}

/// What stands between the quotes; `None` where a quote or a backslash inside is not escaped.
fn unescape(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => match characters.next()? {
                escaped @ ('"' | '\\') => value.push(escaped),
                other => {
                    value.push('\\');
                    value.push(other);
                }
            },
            plain => value.push(plain),
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<SafeText, SafeText> {
        let pair = |(name, value): &(&str, &str)| (SafeText::new(name), SafeText::new(value));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn matchers_are_read_and_compared_as_servers_do() {
        let api = labels(&[("service", "api"), ("severity", "critical")]);
        // the matcher, whether it means the labels above, as it is sent
        let table = [
            (r#"service="api""#, true, r#"service="api""#),
            (r#" service = "api" "#, true, r#"service="api""#),
            (r#"service!="api""#, false, r#"service!="api""#),
            (r#"service=~"ap.|web""#, true, r#"service=~"ap.|web""#),
            (r#"service=~"a""#, false, r#"service=~"a""#),
            (r#"service!~"a.*""#, false, r#"service!~"a.*""#),
            (r#"namespace="""#, true, r#"namespace="""#),
            (r#"namespace=~".+""#, false, r#"namespace=~".+""#),
            (r#"service="a\"b\\c""#, false, r#"service="a\"b\\c""#),
            (r#"service=~"a\\.b""#, false, r#"service=~"a\\.b""#),
        ];
        for (text, means, sent) in table {
            let matcher = Matcher::parse(text).unwrap();
            assert_eq!(matcher.matches(&api), means, "{text}");
            assert_eq!(matcher.to_string(), sent, "{text}");
        }
    }

    #[test]
    fn what_is_no_matcher_is_refused() {
        let wrong = [
            "",
            "service",
            "=\"api\"",
            "alertname==",
            "service=api",
            "service=\"api",
            "service=\"a\"b\"",
            "service=\"a\\\"",
            "service=~\"(\"",
            "service~\"api\"",
        ];
        for text in wrong {
            assert!(Matcher::parse(text).is_err(), "{text}");
        }
    }
}
