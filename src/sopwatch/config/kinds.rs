//! The words for a value of the wrong kind: what it must be, with an example to copy. The library's own words name types of Rust, and quote
//! the value, which may be a secret.

use std::time::Duration;

/// Keys whose value is a number of seconds, each with its usual value.
const SECONDS: [(&str, u64); 5] = [
    ("poll", 5),
    ("tick", 30),
    ("lease", 180),
    ("reconcile", 30),
    ("limit", 2700),
];

/// The path that all limits of the user's file are under: seconds, too.
const LIMITS: &str = "thresholds.limits.";

/// What the library says of a value, in plain words; `path` is the key's.
pub(super) fn plain(message: &str, path: &str) -> String {
    let message = message.trim_end();
    let key = last_key(path);
    if message == "wanted string or table" {
        return "must be one word in quotes".to_owned();
    }
    let told = ["invalid type: ", "invalid value: "]
        .into_iter()
        .find_map(|lead| message.strip_prefix(lead))
        .and_then(|rest| rest.rsplit_once(", expected "));
    match told {
        Some((found, expected)) => must_be(expected, &Found(found), path, key),
        None => message.to_owned(),
    }
}

fn must_be(expected: &str, found: &Found<'_>, path: &str, key: &str) -> String {
    let example = |value: &str| match key {
        "" => String::new(),
        _ => format!(", e.g. {key} = {value}"),
    };
    let expected = expected.strip_prefix("a nonzero ").unwrap_or(expected);
    match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => {
            whole(found, path, key)
        }
        "f32" | "f64" => format!("must be a number{}", example("1.5")),
        "a boolean" => format!("must be true or false{}", example("true")),
        "a string" | "a borrowed string" | "string" => {
            let value = found.scalar().unwrap_or("…");
            format!("must be a text in quotes{}", example(&format!("\"{value}\"")))
        }
        "a sequence" => format!("must be a list{}", example("[\"…\"]")),
        _ if expected == "a map" || expected.starts_with("struct ") || expected.contains(" tagged enum ") => {
            format!("must be a table: [{path}] with its keys below it")
        }
        _ if expected.starts_with("enum ") || expected == "variant identifier" => {
            "must be one word in quotes".to_owned()
        }
        other => format!("must be {other}"),
    }
}

fn whole(found: &Found<'_>, path: &str, key: &str) -> String {
    if key == "port" {
        return "must be a port from 1 to 65535, e.g. port = 15432".to_owned();
    }
    let usual = SECONDS.iter().find(|(name, _)| *name == key);
    let span = found.span().filter(|seconds| *seconds > 0);
    if usual.is_some() || path.starts_with(LIMITS) {
        let value = span.or_else(|| usual.map(|(_, usual)| *usual)).unwrap_or(2700);
        return format!("must be a whole number of seconds, e.g. {key} = {value}");
    }
    let value = span.unwrap_or(3);
    match key {
        "" => "must be a whole number, 0 or more".to_owned(),
        _ => format!("must be a whole number, 0 or more, e.g. {key} = {value}"),
    }
}

/// What the library says that it found: `string "5s"`, `` integer `-3` ``, `map`.
struct Found<'a>(&'a str);

impl<'a> Found<'a> {
    /// The number or switch as it was written without quotes.
    fn scalar(&self) -> Option<&'a str> {
        let quoted = self.0.split_once('`')?.1;
        quoted.strip_suffix('`')
    }

    /// The seconds that were probably meant: `"5s"`, `"2m"`, `"5"`, `2.5`, `-3`.
    fn span(&self) -> Option<u64> {
        let text = self
            .0
            .strip_prefix("string \"")
            .and_then(|text| text.strip_suffix('"'));
        let text = text.or_else(|| self.scalar())?.trim().trim_start_matches('-');
        let whole = text.split('.').next().unwrap_or(text);
        whole.parse().ok().or_else(|| {
            let span: jiff::SignedDuration = text.parse().ok()?;
            Duration::try_from(span).ok().map(|span| span.as_secs())
        })
    }
}

/// The key that a path ends with: `port` of `database.port`; of an entry of a list, the list's.
fn last_key(path: &str) -> &str {
    let key = path.rsplit('.').next().unwrap_or(path);
    key.split('[').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_wrong_kind_is_explained_without_a_word_of_rust() {
        let cases = [
            (
                "invalid type: string \"5s\", expected u64",
                "poll",
                "must be a whole number of seconds, e.g. poll = 5",
            ),
            (
                "invalid type: string \"2m\", expected u64",
                "thresholds.lease",
                "must be a whole number of seconds, e.g. lease = 120",
            ),
            (
                "invalid type: string \"often\", expected u64",
                "poll",
                "must be a whole number of seconds, e.g. poll = 5",
            ),
            (
                "invalid type: floating point `2.5`, expected u64",
                "poll",
                "must be a whole number of seconds, e.g. poll = 2",
            ),
            (
                "invalid value: integer `-45`, expected u64",
                "thresholds.limits.clusters.deleting",
                "must be a whole number of seconds, e.g. deleting = 45",
            ),
            (
                "invalid value: integer `70000`, expected u16",
                "database.port",
                "must be a port from 1 to 65535, e.g. port = 15432",
            ),
            (
                "invalid value: integer `-3`, expected u32",
                "service.replicas",
                "must be a whole number, 0 or more, e.g. replicas = 3",
            ),
            (
                "invalid type: string \"yes\", expected a boolean",
                "database.enabled",
                "must be true or false, e.g. enabled = true",
            ),
            (
                "invalid type: integer `3`, expected a string",
                "namespace",
                "must be a text in quotes, e.g. namespace = \"3\"",
            ),
            (
                "invalid type: string \"x\", expected a sequence",
                "contacts.ocm-support",
                "must be a list, e.g. ocm-support = [\"…\"]",
            ),
            (
                "invalid type: string \"x\", expected struct DatabaseKeys",
                "database",
                "must be a table: [database] with its keys below it",
            ),
            ("wanted string or table", "color", "must be one word in quotes"),
            ("\"5x\" is no span of time", "at", "\"5x\" is no span of time"),
        ];
        for (message, path, expected) in cases {
            assert_eq!(plain(message, path), expected, "{message}");
        }
    }

    #[test]
    fn the_value_itself_is_not_quoted_because_it_may_be_a_secret() {
        let text = plain("invalid type: string \"hunter2\", expected u16", "database.port");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
