//! The Prometheus text format, line by line. Pure, and tolerant: it skips what it can't read.

use std::borrow::Cow;

/// One sample: a name, its labels, a value. Exemplars and timestamps are left out.
#[derive(Debug, PartialEq)]
pub(super) struct Sample<'a> {
    /// The name of the metric.
    pub(super) name: &'a str,
    labels: Vec<(&'a str, Cow<'a, str>)>,
    /// The value.
    pub(super) value: f64,
}

impl Sample<'_> {
    /// A label's value; empty where it has none, which the format holds for the same.
    pub(super) fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(label, _)| *label == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The name that a line begins with; empty for a comment or a blank line.
pub(super) fn name_of(line: &[u8]) -> &[u8] {
    let end = line
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')));
    &line[..end.unwrap_or(line.len())]
}

/// Reads a sample; `None` for anything else.
pub(super) fn sample(line: &str) -> Option<Sample<'_>> {
    let name = std::str::from_utf8(name_of(line.as_bytes())).ok()?;
    if name.is_empty() {
        return None;
    }
    let rest = line[name.len()..].trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample { name, labels, value })
}

/// What is between the braces, and what follows them.
type Labels<'a> = (Vec<(&'a str, Cow<'a, str>)>, &'a str);

fn labels(mut rest: &str) -> Option<Labels<'_>> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once('=')?;
        let quoted = after.trim_start().strip_prefix('"')?;
        let end = end_of_quoted(quoted)?;
        labels.push((name.trim(), unescaped(&quoted[..end])));
        rest = &quoted[end + 1..];
    }
}

/// Where the closing quote is.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            (other, false) => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_as_the_format_allows_them() {
        // (line, name, label `a`, value)
        let table = [
            ("up 1", "up", "", 1.0),
            ("up{} 1", "up", "", 1.0),
            (r#"x{a="b"} 2.5"#, "x", "b", 2.5),
            (r#"x{a="b",} 1e+06"#, "x", "b", 1e6),
            (r#"x { a = "b" , c="d" }  3"#, "x", "b", 3.0),
            (r#"x{c="}",a="say \"hi\"\\\n{,"} 4"#, "x", "say \"hi\"\\\n{,", 4.0),
            (r#"x{a="b"} 5 1395066363000"#, "x", "b", 5.0),
            (
                r#"x_bucket{a="b",le="+Inf"} 6 # {trace_id="KOO5S4vxi0o"} 0.67"#,
                "x_bucket",
                "b",
                6.0,
            ),
            ("x:y:z +Inf", "x:y:z", "", f64::INFINITY),
            ("x -0.5\r", "x", "", -0.5),
            (r#"x{a="ünï"} 7"#, "x", "ünï", 7.0),
        ];
        for (line, name, label, value) in table {
            let read = sample(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((read.name, read.label("a")), (name, label), "{line}");
            assert_eq!(
                read.value.to_bits(),
                f64::to_bits(value),
                "{line}: {}",
                read.value
            );
        }
        assert!(sample("x NaN").unwrap().value.is_nan());
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        for line in [
            "",
            "# HELP x y",
            "# TYPE x counter",
            "x",
            "x{",
            "x{a",
            r#"x{a="b"#,
            r#"x{a="b"}"#,
            r#"x{a="b\"} 1"#,
            "x{a=b} 1",
            "x one",
            "{a=\"b\"} 1",
            "<html>",
            "\u{fffd} 1",
        ] {
            assert_eq!(sample(line), None, "{line}");
        }
    }
}
