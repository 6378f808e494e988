//! A record's first line in the order in which a person reads it: what it says, then where and with which ids it was said.
//!
//! One log mixes many formats, so each line is read alone. What no format explains stays as it came.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::line_format::Header;

/// What a record's first line says, and its details.
///
/// Time and level are in neither: a row shows them in columns of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineParts<'a> {
    /// What it says. The cause that a structured line gives under a key of its own (`err`, `error`) ends it.
    pub message: Cow<'a, str>,
    /// Its place in the code, its ids and its other fields, in the order of the line: `clusters_mgr.go:130`, `opid=1n2Qx`.
    pub details: Vec<Cow<'a, str>>,
}

impl<'a> LineParts<'a> {
    /// The parts of a record's text: its first line, and of gorm's coloured blocks the line that says what happened.
    pub fn of(text: &'a str) -> Self {
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or(text);
        if let Some(parts) = glog(line).or_else(|| json(line)).or_else(|| gorm(text)) {
            return parts;
        }
        if let Some(parts) = logfmt(line) {
            return parts;
        }
        text_format(line).unwrap_or_else(|| Self::from_message(line))
    }

    /// The message and the details as a row shows them. A search and a filter look at this text.
    pub fn visible(&self) -> String {
        let mut text = self.message.to_string();
        for detail in &self.details {
            text.push(' ');
            text.push_str(detail);
        }
        text
    }

    /// Equal for messages that differ only in ids, in numbers of four digits or more, and in durations. A status of three digits counts.
    pub fn shape(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hash_shape(&self.message, &mut hasher);
        hasher.finish()
    }

    /// A message whose beginning may be ids in brackets or fields in quotes, which become details.
    fn from_message(line: &'a str) -> Self {
        let mut parts = Self::default();
        let mut rest = line;
        while let Some((detail, after)) = bracketed(rest).or_else(|| quoted_field(rest)) {
            parts.details.push(detail);
            rest = after;
        }
        // Fields alone are what the line says.
        if rest.trim().is_empty() {
            return Self {
                message: line.into(),
                details: Vec::new(),
            };
        }
        if let Some((before, id)) = ends_with_id(rest) {
            parts.details.push(id.into());
            rest = before;
        }
        parts.message = rest.into();
        parts
    }

    fn before(mut self, detail: impl Into<Cow<'a, str>>) -> Self {
        let detail = detail.into();
        if !detail.is_empty() {
            self.details.insert(0, detail);
        }
        self
    }
}

/// `[opid=1n2Qx]` or `[opid=1n2Qx tx_id=7] ` at the beginning, and what follows. A bracket without `=` is a word of the message.
fn bracketed(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (inside, after) = text.strip_prefix('[')?.split_once(']')?;
    let is_field = |word: &str| {
        word.split_once('=')
            .is_some_and(|(key, _)| !key.is_empty() && key.chars().all(is_key))
    };
    let fields = inside.split(' ').all(is_field);
    (fields && !inside.contains('[')).then(|| (inside.into(), after.trim_start()))
}

/// `user='anna' ` at the beginning, and what follows.
fn quoted_field(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (key, rest) = text.split_once("='")?;
    let (value, after) = rest.split_once('\'')?;
    let fits = !key.is_empty() && key.chars().all(is_key);
    (fits && after.starts_with(' ')).then(|| (format!("{key}={value}").into(), after.trim_start()))
}

/// `… [6f0f2f0e-6a3e-4b6f-9f0b-1a5d3c1b7a11]`: the words before an id, and the id.
fn ends_with_id(text: &str) -> Option<(&str, &str)> {
    let (before, id) = text.strip_suffix(']')?.rsplit_once(" [")?;
    let is_id = id.len() >= 4
        && id.bytes().any(|byte| byte.is_ascii_digit())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_id && !before.trim().is_empty()).then_some((before, id))
}

fn is_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/')
}

/// glog and klog: the place goes behind; klog's structured messages are `"what" key="value"`.
fn glog(line: &str) -> Option<LineParts<'_>> {
    let header = Header::parse(line)?;
    header.place?;
    let place = header.words.split_once(']').map_or("", |(place, _)| place);
    let parts = match klog_fields(header.message) {
        Some(parts) => parts,
        None => LineParts::from_message(header.message),
    };
    Some(with_last(parts, place))
}

/// Puts the place in front of the other details.
fn with_last<'a>(parts: LineParts<'a>, place: &'a str) -> LineParts<'a> {
    parts.before(place)
}

/// `"Failed to sync" pod="a/b" err="timeout"`.
fn klog_fields(message: &str) -> Option<LineParts<'_>> {
    if !message.starts_with('"') {
        return None;
    }
    let (said, rest) = quoted(message)?;
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    if rest.is_empty() {
        return Some(LineParts {
            message: said.into(),
            details: Vec::new(),
        });
    }
    Some(assemble(Some(said), pairs(rest)?))
}

/// A quoted string with Go's escapes at the beginning, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut said = String::new();
    let mut letters = text.strip_prefix('"')?.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((said, &text[at + 2..])),
            '\\' => match letters.next()?.1 {
                'n' => said.push('\n'),
                't' => said.push(' '),
                other => said.push(other),
            },
            other => said.push(other),
        }
    }
    None
}

/// `key=value key="quoted value" …` to its end; `None` where it is anything else.
fn pairs(text: &str) -> Option<Vec<(&str, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        if key.is_empty() || !key.chars().all(is_key) {
            return None;
        }
        let bare = || {
            let (value, after) = after.split_once(' ').unwrap_or((after, ""));
            (value.to_owned(), after)
        };
        let (value, after) = quoted(after).unwrap_or_else(bare);
        found.push((key, value));
        rest = after.trim_start();
    }
    Some(found)
}

/// Keys whose value is what a line says.
const MESSAGE_KEYS: [&str; 4] = ["msg", "message", "MESSAGE", "event"];

/// Keys whose value is why.
const CAUSE_KEYS: [&str; 5] = ["err", "error", "exception", "cause", "reason"];

/// Keys whose value says where in the code.
const PLACE_KEYS: [&str; 4] = ["caller", "source", "file", "logger"];

/// Keys of time and level, which a row shows in columns of their own, and of stacks, which the page shows.
const LEFT_OUT: [&str; 14] = [
    "time",
    "ts",
    "t",
    "timestamp",
    "@timestamp",
    "level",
    "severity",
    "lvl",
    "levelname",
    "v",
    "stack",
    "stacktrace",
    "stack_trace",
    "@version",
];

/// Puts the fields of a structured line where a person looks for them.
fn assemble(message: Option<String>, fields: Vec<(&str, String)>) -> LineParts<'static> {
    let (mut message, mut causes) = (message, Vec::new());
    let (mut places, mut details): (Vec<Cow<'static, str>>, Vec<Cow<'static, str>>) = Default::default();
    for (key, value) in fields {
        if LEFT_OUT.contains(&key) || value.is_empty() {
            continue;
        }
        if message.is_none() && MESSAGE_KEYS.contains(&key) {
            message = Some(value);
        } else if CAUSE_KEYS.contains(&key) {
            causes.push(value);
        } else if PLACE_KEYS.contains(&key) {
            places.push(value.into());
        } else {
            details.push(format!("{key}={value}").into());
        }
    }
    let mut words = message.unwrap_or_default();
    for cause in causes {
        // Many a logger writes the cause into the message, too.
        if words.is_empty() {
            words = cause;
        } else if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    if words.is_empty() {
        words = details.join(" ");
        details.clear();
    }
    places.append(&mut details);
    LineParts {
        message: words.replace('\n', " ").into(),
        details: places,
    }
}

/// A line of JSON: klog, zap, logrus, slog, bunyan, Python's and Java's encoders.
fn json(line: &str) -> Option<LineParts<'static>> {
    let trimmed = line.trim();
    if !trimmed.starts_with('{') || !trimmed.ends_with('}') {
        return None;
    }
    let map: Map<String, Value> = serde_json::from_str(trimmed).ok()?;
    // What a service says in JSON of its own, such as a request, has no message: it stays as it came.
    let says = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
    if !says(&MESSAGE_KEYS) && !says(&CAUSE_KEYS) {
        return None;
    }
    let fields = map.iter().map(|(key, value)| (key.as_str(), plain(value)));
    Some(assemble(None, fields.collect()))
}

/// A value in words: strings without quotes, slog's source as `file:line`.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(map) => match (map.get("file"), map.get("line")) {
            (Some(Value::String(file)), Some(line)) => {
                format!("{}:{line}", file.rsplit('/').next().unwrap_or(file))
            }
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// `time=… level=INFO msg="…" key=value`: slog and logrus.
fn logfmt(line: &str) -> Option<LineParts<'static>> {
    let (first, _) = line.split_once('=')?;
    if !LEFT_OUT.contains(&first) && !MESSAGE_KEYS.contains(&first) {
        return None;
    }
    let fields = pairs(line)?;
    let has = |keys: &[&str]| fields.iter().any(|(key, _)| keys.contains(key));
    (has(&MESSAGE_KEYS) || has(&CAUSE_KEYS)).then(|| assemble(None, fields))
}

/// What the escape character shows as in a record.
const ESCAPE: char = '␛';

/// A block of gorm v1: `(/path/file.go:123)` in colour, then the time and the error in colour.
fn gorm(text: &str) -> Option<LineParts<'_>> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    if !first.trim_start().starts_with(ESCAPE) {
        return None;
    }
    let mut words = text.lines().map(without_colour).filter(|line| !line.is_empty());
    let place = words.next()?;
    let place = place.strip_prefix('(')?.strip_suffix(')')?;
    let place = place.rsplit('/').next().unwrap_or(place).to_owned();
    let said = words.next()?;
    let said = said
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or(said.as_str(), |(_, rest)| rest.trim());
    Some(LineParts {
        message: said.to_owned().into(),
        details: vec![place.into()],
    })
}

/// A line without the sequences that colour it.
fn without_colour(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(ESCAPE) {
        plain.push_str(before);
        rest = after
            .strip_prefix('[')
            .and_then(|codes| codes.split_once('m'))
            .filter(|(codes, _)| codes.chars().all(|code| code.is_ascii_digit() || code == ';'))
            .map_or(after, |(_, after)| after);
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

/// Formats of plain text that begin with a time or a level. Each has the groups `message` and, where the format has them, `place` and
/// `other`.
static TEXT_FORMATS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    const DATE: &str = r"(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?";
    const LEVEL: &str =
        r"(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|DPANIC|PANIC)";
    let patterns = [
        // Envoy: `[2021-04-13 12:00:00.000][1][info][main] [source/server.cc:1] message`
        r"^\[\d{4}-\d\d-\d\d [^\]]*\]\[\d+\]\[\w+\]\[(?P<place>[^\]]*)\] (?P<message>.+)$".to_owned(),
        // Spring: `TIME  INFO 1 --- [main] c.e.Foo : message`
        format!(
            r"^{DATE}\s+{LEVEL}\s+\d+ --- \[\s*(?P<other>[^\]]*)\]\s+(?P<place>\S+)\s*: (?P<message>.+)$"
        ),
        // Logback, log4j: `TIME [main] ERROR c.e.Foo - message`
        format!(r"^{DATE}\s+\[(?P<other>[^\]]+)\]\s+{LEVEL}\s+(?P<place>\S+)\s+-\s+(?P<message>.+)$"),
        // Python: `TIME - name - ERROR - message`
        format!(r"^{DATE} - (?P<place>\S+) - {LEVEL} - (?P<message>.+)$"),
        // zap's console: `TIME ⇥ LEVEL ⇥ [logger ⇥] caller ⇥ message [⇥ JSON]`, its tabs shown as blanks
        format!(
            r"^{DATE}\s+{LEVEL}\s+(?:\S+\s+)??(?P<place>[\w./-]+\.go:\d+)\s+(?P<message>.+?)(?:\s+(?P<other>\{{.*\}}))?$"
        ),
        // Anything with a time and a level
        format!(r"^\[?{DATE}\]?\s+(?:\[\d+\]\s+)?\[?{LEVEL}\]?:?\s+(?P<message>.+)$"),
        // Go's standard log: `2021/01/15 13:24:01 [file.go:12: ]message`
        r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:(?P<place>[\w./-]+\.go:\d+): )?(?P<message>.+)$"
            .to_owned(),
        // A time alone
        format!(r"^{DATE}\s+(?P<message>.+)$"),
        // logrus on a terminal: `ERRO[0012] message`
        r"^(?:TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[\d+\] (?P<message>.+)$".to_owned(),
        // Python's basic form: `ERROR:root:message`
        r"^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<place>[\w.]+):(?P<message>.+)$".to_owned(),
        // Java's util.logging, its second line: `SEVERE: message`
        r"^(?:SEVERE|WARNING|INFO|CONFIG|FINE): (?P<message>.+)$".to_owned(),
    ];
    patterns
        .iter()
        .filter_map(|pattern| Regex::new(pattern).ok())
        .collect()
});

/// A line in one of the formats of plain text.
fn text_format(line: &str) -> Option<LineParts<'_>> {
    let begins = line.as_bytes().first()?;
    if !(begins.is_ascii_digit() || begins.is_ascii_uppercase() || *begins == b'[') {
        return None;
    }
    let found = TEXT_FORMATS.iter().find_map(|format| format.captures(line))?;
    let group = |name| found.name(name).map_or("", |part| part.as_str().trim());
    let mut parts = LineParts::from_message(group("message"));
    for detail in ["other", "place"] {
        parts = parts.before(group(detail));
    }
    Some(parts)
}

/// Hashes a message with what varies between its repetitions left out.
fn hash_shape(message: &str, hasher: &mut impl Hasher) {
    let bytes = message.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            bytes[at].hash(hasher);
            at += 1;
            continue;
        }
        let length = bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        let word = &bytes[at..at + length];
        if varies(word) {
            b'#'.hash(hasher);
        } else {
            word.hash(hasher);
        }
        at += length;
    }
}

/// Whether a word is an id, a long number or a duration: it has a digit and is long, or mixes digits and letters from its first digit on.
fn varies(word: &[u8]) -> bool {
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits > 0 && (word.len() >= 4 || digits < word.len() && word[0].is_ascii_digit())
}

/// The lines of an entry for its page: JSON with a line for each field, later lines without the indentation that they share.
pub fn whole_lines(text: &str) -> Vec<String> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    // A line may be JSON after a header; a brace inside a sentence is not.
    let json = first.find('{').and_then(|at| {
        let value: Value = serde_json::from_str(first[at..].trim()).ok()?;
        let pretty = serde_json::to_string_pretty(&value).ok()?;
        Some((first[..at].trim_end(), pretty))
    });
    let mut whole = match json {
        Some((head, pretty)) => {
            let head = (!head.is_empty()).then(|| head.to_owned());
            head.into_iter()
                .chain(pretty.lines().map(ToOwned::to_owned))
                .collect()
        }
        None => vec![first.to_owned()],
    };
    let rest: Vec<&str> = lines.collect();
    let blanks = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let filled = rest.iter().filter(|line| !line.trim().is_empty());
    let shared = filled.map(blanks).min().unwrap_or(0);
    whole.extend(
        rest.iter()
            .map(|line| format!("  {}", line.get(shared..).unwrap_or_default())),
    );
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line, what it says, and its details.
    type Case = (&'static str, &'static str, &'static [&'static str]);

    fn check(cases: &[Case]) {
        for (line, message, details) in cases {
            let parts = LineParts::of(line);
            assert_eq!(parts.message, *message, "{line}");
            assert_eq!(parts.details, *details, "{line}");
        }
    }

    #[test]
    fn glog_and_klog_say_their_message_first() {
        check(&[
            (
                "E0115 13:24:05.041877       1 logger.go:84] [opid=1n2Qx][tx_id=918273] MGD-SERV-API-9: broken",
                "MGD-SERV-API-9: broken",
                &["logger.go:84", "opid=1n2Qx", "tx_id=918273"],
            ),
            (
                "E0115 13:24:05.041877       1 clusters_mgr.go:130] failed: 503",
                "failed: 503",
                &["clusters_mgr.go:130"],
            ),
            (
                "I0115 13:24:05.041877       1 a.go:80] Running as the leader [6f0f2f0e-6a3e]",
                "Running as the leader",
                &["a.go:80", "6f0f2f0e-6a3e"],
            ),
            (
                "I0115 13:24:05.041877       1 a.go:80] took [all of it]",
                "took [all of it]",
                &["a.go:80"],
            ),
            ("I0115 13:24:05.0 no header", "I0115 13:24:05.0 no header", &[]),
            (
                "I0115 13:24:05.041877       1 logger.go:71] user='anna' action='list' said it",
                "said it",
                &["logger.go:71", "user=anna", "action=list"],
            ),
            (
                "E0115 13:24:05.041877       1 a.go:1] \"Failed to sync\" pod=\"ns/a\" err=\"time \\\"out\\\"\"",
                "Failed to sync: time \"out\"",
                &["a.go:1", "pod=ns/a"],
            ),
            (
                "{\"ts\":1580306777.04728,\"caller\":\"a.go:60\",\"msg\":\"Failed to sync\",\"err\":\"timeout\"}",
                "Failed to sync: timeout",
                &["a.go:60"],
            ),
        ]);
    }

    #[test]
    fn structured_lines_give_message_and_cause() {
        check(&[
            // slog, text and JSON
            (
                "time=2023-11-02T09:00:00.000Z level=ERROR source=main.go:12 msg=\"can't list\" err=\"EOF\" n=3",
                "can't list: EOF",
                &["main.go:12", "n=3"],
            ),
            (
                "{\"time\":\"2023-11-02T09:00:00Z\",\"level\":\"ERROR\",\"source\":{\"function\":\"main\",\"file\":\"/a/main.go\",\"line\":12},\"msg\":\"can't list\"}",
                "can't list",
                &["main.go:12"],
            ),
            // zap, JSON and console
            (
                "{\"level\":\"error\",\"ts\":1610717041.4,\"caller\":\"a/b.go:7\",\"msg\":\"no\",\"error\":\"refused\",\"stacktrace\":\"main\\n\"}",
                "no: refused",
                &["a/b.go:7"],
            ),
            (
                "2021-01-15T13:24:01.483Z ERROR a/b.go:7 it failed {\"error\": \"refused\"}",
                "it failed",
                &["a/b.go:7", "{\"error\": \"refused\"}"],
            ),
            // logrus, text, terminal and JSON
            (
                "time=\"2021-01-15T13:24:01Z\" level=error msg=\"it failed\" error=\"refused\" id=7",
                "it failed: refused",
                &["id=7"],
            ),
            ("ERRO[0012] it failed", "it failed", &[]),
            (
                "{\"error\":\"refused\",\"level\":\"error\",\"msg\":\"it failed: refused\",\"time\":\"2021-01-15T13:24:01Z\"}",
                "it failed: refused",
                &[],
            ),
        ]);
    }

    #[test]
    fn formats_of_plain_text_lose_time_and_level() {
        check(&[
            ("2021/01/15 13:24:01 sent", "sent", &[]),
            ("2021/01/15 13:24:01 a.go:12: sent", "sent", &["a.go:12"]),
            ("2021-01-15 13:24:01,483 ERROR it failed", "it failed", &[]),
            (
                "2021-01-15 13:24:01,483 - app.db - ERROR - it failed",
                "it failed",
                &["app.db"],
            ),
            ("ERROR:root:it failed", "it failed", &["root"]),
            (
                "2021-01-15 13:24:01.483  INFO 1 --- [  main] c.e.Foo       : it runs",
                "it runs",
                &["c.e.Foo", "main"],
            ),
            (
                "13:24:01.483 [pool-1] ERROR c.e.Foo - it failed",
                "it failed",
                &["c.e.Foo", "pool-1"],
            ),
            ("SEVERE: it failed", "it failed", &[]),
            (
                "[2021-04-13 12:00:00.000][1][warning][main] over the limit",
                "over the limit",
                &["main"],
            ),
            (
                "␛[35m(/go/src/dao/kafka.go:123)␛[0m \n␛[33m[2021-01-15 13:24:01]␛[0m ␛[31;1m pq: no such host ␛[0m",
                "pq: no such host",
                &["kafka.go:123"],
            ),
        ]);
    }

    #[test]
    fn what_no_format_explains_stays_as_it_came() {
        for line in [
            "",
            "   ",
            "plain words",
            "{\"request_method\":\"GET\",\"request_url\":\"/api\"}",
            "{not json}",
            "[Errno 2] No such file",
            "[opid=1]",
            "key=value",
            "a = b",
            "12 bottles",
        ] {
            let parts = LineParts::of(line);
            assert_eq!((&*parts.message, parts.details.len()), (line, 0), "{line}");
        }
    }

    #[test]
    fn the_shape_leaves_out_ids_long_numbers_and_durations() {
        let shape = |line| LineParts::of(line).shape();
        let alike = [
            (
                "failed to reconcile accepted cluster 3Mlv1zUdnBpzGk7jRJGWPuVN3c1: 503",
                "failed to reconcile accepted cluster 3MlvwDHm0ZzQ2hVBcgKq7bq6Pdu: 503",
            ),
            ("took 41.412ms", "took 3s"),
            ("from 10.131.0.1:43210", "from 10.131.0.7:9999"),
            (
                "[opid=1][tx_id=918273] MGD-SERV-API-9: x",
                "[opid=2][tx_id=1] MGD-SERV-API-9: x",
            ),
            (
                "worker 6f0f2f0e-6a3e-4b6f-9f0b-1a5d3c1b7a11 stopped",
                "worker 7f0f2f0e-6a3e-4b6f-9f0b-1a5d3c1b7a12 stopped",
            ),
        ];
        for (one, other) in alike {
            assert_eq!(shape(one), shape(other), "{one}");
        }
        let different = [
            ("status 503", "status 500"),
            ("MGD-SERV-API-9: x", "MGD-SERV-API-8: x"),
            ("failed to create", "failed to delete"),
            ("1 of 3", "2 of 3"),
        ];
        for (one, other) in different {
            assert_ne!(shape(one), shape(other), "{one}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_parts_that_lose_no_word_of_a_plain_line(text in "\\PC*") {
            let parts = LineParts::of(&text);
            let _ = parts.shape();
            proptest::prop_assert!(parts.visible().len() <= text.len() * 2 + 2);
        }
    }
}
