//! Headers and severities of the formats that one container log mixes.
//!
//! One container writes glog, Go's standard log, gorm's coloured error blocks, JSON, panics and raw lines into one stream.
//! This module judges one line alone; [`crate::logparse::multiline`] joins the lines of an entry.

use memchr::memmem;
use serde::{Deserialize, Serialize};

/// How bad a record says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Severity {
    /// No level of its own.
    #[default]
    Plain,
    /// glog `I`, JSON `info`, `debug`.
    Info,
    /// glog `W`.
    Warning,
    /// glog `E`, a gorm error, JSON `error`.
    Error,
    /// glog `F`, a panic.
    Fatal,
}

/// What a line's own header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// How bad.
    pub severity: Severity,
    /// `file.go` and line, of glog.
    pub place: Option<(&'a str, u32)>,
    /// What follows the header.
    pub message: &'a str,
    /// The line without the time, the level and the process: from the place on where it has one, else the message.
    pub words: &'a str,
}

impl<'a> Header<'a> {
    /// The header of a record's first line; `None` where the line has none.
    pub fn parse(line: &'a str) -> Option<Self> {
        let kind = LineKind::of(line.as_bytes());
        let LineKind::Headed { severity, message_at } = kind else {
            return None;
        };
        let message = line.get(message_at..)?;
        let place = glog_place(line, message_at);
        let words = place.map_or(message, |(_, _, from)| from);
        Some(Self {
            severity,
            place: place.map(|(file, number, _)| (file, number)),
            message,
            words,
        })
    }

    /// A line without the time, the level and the process, which are shown separately: `clusters_mgr.go:130] failed to …`.
    pub fn words_of(line: &'a str) -> &'a str {
        Self::parse(line).map_or(line, |header| header.words)
    }
}

/// What a line is to the lines around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// It begins a record and says so.
    Headed {
        /// How bad.
        severity: Severity,
        /// Where its message begins, in bytes.
        message_at: usize,
    },
    /// It belongs to the line before, whatever that was: a stack, an indented line, a cause.
    Continuing,
    /// Nothing but blanks.
    Blank,
    /// It has no header: it belongs to a headed record that was just begun, or stands alone.
    Bare,
}

impl LineKind {
    /// Tells from the first bytes; most lines cost a few comparisons.
    pub(super) fn of(line: &[u8]) -> Self {
        let Some(first) = line.first() else {
            return Self::Blank;
        };
        let headed = match first {
            b'I' | b'W' | b'E' | b'F' => glog(line),
            b'0'..=b'9' => dated(line),
            b'{' => Some((json_severity(line), 0)),
            b'[' => envoy(line),
            0x1b => line.starts_with(GORM_PLACE).then_some((Severity::Plain, 0)),
            b'f' | b'p' | b'r' => crash(line),
            b't' | b'l' | b'm' => logfmt(line),
            _ => None,
        };
        let headed = headed.or_else(|| crash(line).filter(|_| *first == b'S'));
        let headed = headed.or_else(|| named_level(line));
        match headed {
            Some((severity, message_at)) => Self::Headed { severity, message_at },
            None if line.iter().all(u8::is_ascii_whitespace) => Self::Blank,
            None if is_continuing(line) => Self::Continuing,
            None => Self::Bare,
        }
    }
}

/// How gorm v1 colours the place of a statement, which begins a block.
const GORM_PLACE: &[u8] = b"\x1b[35m(";

/// How gorm v1 colours an error inside a block.
const GORM_ERROR: &[u8] = b"\x1b[31;1m";

/// What Python's stacks begin with.
const TRACEBACK: &[u8] = b"Traceback (most recent call last):";

/// The severity that a line adds to the record it continues.
pub(super) fn continued_severity(line: &[u8]) -> Severity {
    if line.starts_with(TRACEBACK) || line.starts_with(b"SEVERE: ") {
        return Severity::Error;
    }
    if line.first() == Some(&0x1b) && memmem::find(line, GORM_ERROR).is_some() {
        Severity::Error
    } else {
        Severity::Plain
    }
}

/// `Lmmdd hh:mm:ss.uuuuuu PPPPPPP file.go:line] message`.
fn glog(line: &[u8]) -> Option<(Severity, usize)> {
    let severity = match line.first()? {
        b'I' => Severity::Info,
        b'W' => Severity::Warning,
        b'E' => Severity::Error,
        _ => Severity::Fatal,
    };
    if !fits(line.get(1..22)?, b"0000 00:00:00.000000 ") {
        return None;
    }
    // The process id and the place are short: a `]` far away belongs to the message.
    let rest = &line[22..line.len().min(22 + 200)];
    let end = memchr::memchr(b']', rest)?;
    let place = rest[..end].trim_ascii_start();
    let pid = place.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if pid == 0 || place.get(pid) != Some(&b' ') {
        return None;
    }
    let message_at = 22 + end + 1;
    let blank = usize::from(line.get(message_at) == Some(&b' '));
    Some((severity, message_at + blank))
}

/// The `file.go:line` before a glog message, and the line from there on.
fn glog_place(line: &str, message_at: usize) -> Option<(&str, u32, &str)> {
    if !line.starts_with(['I', 'W', 'E', 'F']) {
        return None;
    }
    let header = line.get(..message_at)?.trim_end().strip_suffix(']')?;
    let from = header.rfind(' ').map_or(0, |blank| blank + 1);
    let (file, number) = header.get(from..)?.rsplit_once(':')?;
    Some((file, number.parse().ok()?, line.get(from..)?))
}

/// Whether a line is a panic's first, or a fatal one: what the process itself has come to, whatever its stack names. The HTTP server of
/// Go's library goes on after a panic in a request, and says so under a header of its own.
pub(super) fn is_panic(line: &[u8]) -> bool {
    let LineKind::Headed { severity, message_at } = LineKind::of(line) else {
        return false;
    };
    let message = line.get(message_at..).unwrap_or_default();
    let said: [&[u8]; 2] = [b"panic: ", b"http: panic serving "];
    severity == Severity::Fatal
        || (severity == Severity::Error && said.iter().any(|said| message.starts_with(said)))
}

/// Go's standard log, `2021/01/15 13:24:01 message`, and lines that begin with an RFC 3339 time and perhaps a level.
fn dated(line: &[u8]) -> Option<(Severity, usize)> {
    if line.len() >= 20 && fits(&line[..20], b"0000/00/00 00:00:00 ") {
        let message_at = if line[19..].starts_with(b" ") { 20 } else { 19 };
        let served = memmem::find(&line[20..line.len().min(80)], b"panic serving").is_some();
        let severity = if served { Severity::Error } else { Severity::Plain };
        return Some((severity, message_at));
    }
    let date = line.get(..10).is_some_and(|date| fits(date, b"0000-00-00"));
    if !date || !matches!(line.get(10), Some(b'T' | b' ')) {
        return None;
    }
    let words = line[11..].split(|byte| matches!(byte, b' ' | b'\t')).take(8);
    let mut words = words.filter(|word| word.first().is_some_and(|first| !first.is_ascii_digit()));
    let first = words.next().map_or(Severity::Plain, level_word);
    // Python and log4j name the logger or the thread before the level, in a column of its own.
    let upper = |word: &&[u8]| word.iter().all(u8::is_ascii_uppercase);
    let later = || {
        words
            .filter(upper)
            .map(level_severity)
            .find(|level| *level != Severity::Plain)
    };
    let severity = if first == Severity::Plain {
        later().unwrap_or_default()
    } else {
        first
    };
    Some((severity, 0))
}

/// Envoy: `[2021-04-13 12:00:00.000][1][info][main] message`.
fn envoy(line: &[u8]) -> Option<(Severity, usize)> {
    if !fits(line.get(1..11)?, b"0000-00-00") {
        return None;
    }
    let level = line.split(|byte| *byte == b'[').nth(3).unwrap_or_default();
    let end = memchr::memchr(b']', level).unwrap_or(level.len());
    Some((level_severity(&level[..end]), 0))
}

/// First lines of what the Go runtime prints when it gives up.
fn crash(line: &[u8]) -> Option<(Severity, usize)> {
    let words: [&[u8]; 6] = [
        b"panic: ",
        b"fatal error: ",
        b"runtime: goroutine stack exceeds",
        b"SIGQUIT: quit",
        b"SIGABRT: abort",
        b"runtime: out of memory",
    ];
    let crashed = words.iter().any(|word| line.starts_with(word));
    crashed.then_some((Severity::Fatal, 0))
}

/// `time=… level=error msg=…`, as slog and logrus write it.
fn logfmt(line: &[u8]) -> Option<(Severity, usize)> {
    let keys: [&[u8]; 5] = [b"time=", b"ts=", b"t=", b"level=", b"lvl="];
    let begins = keys.iter().any(|key| line.starts_with(key)) || line.starts_with(b"msg=");
    let line = &line[..line.len().min(4096)];
    if !begins || memmem::find(line, b"msg=").is_none() {
        return None;
    }
    let levels: [&[u8]; 2] = [b"level=", b"lvl="];
    let level = levels.iter().find_map(|key| {
        let at = memmem::find(line, key)?;
        (at == 0 || line[at - 1] == b' ').then(|| &line[at + key.len()..])
    });
    Some((level.map_or(Severity::Plain, level_word), 0))
}

/// `ERROR:root:message` of Python, `SEVERE: message` of Java, `ERRO[0012] message` of logrus, `TIME [main] ERROR …` without a date.
fn named_level(line: &[u8]) -> Option<(Severity, usize)> {
    let first = *line.first()?;
    if first.is_ascii_digit() && line.len() > 8 && fits(&line[..8], b"00:00:00") {
        let words = line[8..].split(|byte| *byte == b' ').take(8);
        let level = words.map(level_word).find(|level| *level != Severity::Plain);
        return level.map(|level| (level, 0));
    }
    if !first.is_ascii_uppercase() {
        return None;
    }
    if line.starts_with(b"Exception in thread ") {
        return Some((Severity::Error, 0));
    }
    let length = line.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let (word, rest) = line.split_at(length);
    let severity = level_severity(word);
    match rest {
        [b':', next, ..] if severity != Severity::Plain && !next.is_ascii_digit() => Some((severity, 0)),
        [b'[', digit, ..] if digit.is_ascii_digit() => {
            let levels: [(&[u8], Severity); 6] = [
                (b"DEBU", Severity::Info),
                (b"INFO", Severity::Info),
                (b"WARN", Severity::Warning),
                (b"ERRO", Severity::Error),
                (b"FATA", Severity::Fatal),
                (b"PANI", Severity::Fatal),
            ];
            let level = levels.iter().find(|(known, _)| *known == word)?;
            Some((level.1, 0))
        }
        _ => None,
    }
}

/// The level whose word bytes begin with, in quotes, in brackets or alone.
fn level_word(bytes: &[u8]) -> Severity {
    let word = match bytes.first() {
        Some(b'"' | b'[') => &bytes[1..],
        _ => bytes,
    };
    let end = word
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    level_severity(&word[..end])
}

/// The level that a line of JSON names under `level` or `severity`.
fn json_severity(line: &[u8]) -> Severity {
    let line = &line[..line.len().min(4096)];
    let keys: [&[u8]; 2] = [b"\"level\"", b"\"severity\""];
    let value = |key: &&[u8]| {
        let after = &line[memmem::find(line, key)? + key.len()..];
        let after = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        Some(after.strip_prefix(b"\"").unwrap_or(after))
    };
    let Some(value) = keys.iter().find_map(value) else {
        // klog's errors have no level, and no verbosity either.
        let has = |key: &[u8]| memmem::find(line, key).is_some();
        let failed = has(b"\"ts\"") && has(b"\"err\"") && !has(b"\"v\"");
        return if failed { Severity::Error } else { Severity::Plain };
    };
    let end = value
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    level_severity(&value[..end])
}

/// A level's word, or its number as bunyan and pino have it.
fn level_severity(word: &[u8]) -> Severity {
    let is = |words: &[&str]| {
        words
            .iter()
            .any(|other| word.eq_ignore_ascii_case(other.as_bytes()))
    };
    if is(&[
        "fatal",
        "panic",
        "dpanic",
        "critical",
        "crit",
        "alert",
        "emerg",
        "emergency",
        "60",
    ]) {
        Severity::Fatal
    } else if is(&["error", "err", "severe", "50"]) {
        Severity::Error
    } else if is(&["warning", "warn", "40"]) {
        Severity::Warning
    } else if is(&["info", "debug", "trace", "notice", "10", "20", "30"]) {
        Severity::Info
    } else {
        Severity::Plain
    }
}

/// Lines that make no sense alone: indented ones, goroutine stacks, the end of a JSON block, gorm's second and third line.
fn is_continuing(line: &[u8]) -> bool {
    let words: [&[u8]; 9] = [
        b"goroutine ",
        TRACEBACK,
        b"Caused by: ",
        b"... ",
        b"created by ",
        b"caused by: ",
        b"[signal ",
        b"\x1b[33m[",
        b"exit status ",
    ];
    matches!(line[0], b' ' | b'\t' | b'}' | b']') || words.iter().any(|word| line.starts_with(word))
}

/// Whether bytes have the shape of a sample in which `0` stands for any digit.
pub(super) fn fits(bytes: &[u8], sample: &[u8]) -> bool {
    let same = |(byte, want): (&u8, &u8)| {
        if *want == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == want
        }
    };
    bytes.len() == sample.len() && bytes.iter().zip(sample).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_tells_its_severity_place_and_message() {
        use Severity::{Error, Fatal, Info, Plain, Warning};
        let cases = [
            (
                "I0115 13:24:01.482913       1 leader_election_mgr.go:80] Running as the leader",
                Some((
                    Info,
                    Some(("leader_election_mgr.go", 80)),
                    "Running as the leader",
                )),
            ),
            (
                "E0115 13:24:32.110457   29044 clusters_mgr.go:130] failed: x] y",
                Some((Error, Some(("clusters_mgr.go", 130)), "failed: x] y")),
            ),
            (
                "W0115 13:24:32.110457 1 a.go:1] ",
                Some((Warning, Some(("a.go", 1)), "")),
            ),
            (
                "F0115 13:24:32.110457 1 main.go:9] no",
                Some((Fatal, Some(("main.go", 9)), "no")),
            ),
            ("2021/01/15 13:24:01 sent", Some((Plain, None, "sent"))),
            (
                "2021/01/15 13:24:01 http: panic serving 10.0.0.1:1: nil",
                Some((Error, None, "http: panic serving 10.0.0.1:1: nil")),
            ),
            (
                r#"{"level":"error","msg":"x"}"#,
                Some((Error, None, r#"{"level":"error","msg":"x"}"#)),
            ),
            (
                r#"{"severity" : "WARNING"}"#,
                Some((Warning, None, r#"{"severity" : "WARNING"}"#)),
            ),
            (r#"{"level":50}"#, Some((Error, None, r#"{"level":50}"#))),
            (r#"{"name":"kafka"}"#, Some((Plain, None, r#"{"name":"kafka"}"#))),
            ("panic: nil map", Some((Fatal, None, "panic: nil map"))),
            (
                "fatal error: out of memory",
                Some((Fatal, None, "fatal error: out of memory")),
            ),
            (
                "[2021-04-13 12:00:00.000][1][error][main] x",
                Some((Error, None, "[2021-04-13 12:00:00.000][1][error][main] x")),
            ),
            (
                "2021-04-13T12:00:00Z\tWARN\tx",
                Some((Warning, None, "2021-04-13T12:00:00Z\tWARN\tx")),
            ),
            ("ERROR:80 is a port", None),
            ("PODS: 3", None),
            ("Error in plain words", None),
            ("I0115 not a header", None),
            ("I0115 13:24:01.482913 x] no process id", None),
            ("", None),
        ];
        for (line, want) in cases {
            let header = Header::parse(line).map(|header| (header.severity, header.place, header.message));
            assert_eq!(header, want, "{line:?}");
        }
    }

    #[test]
    fn other_loggers_tell_their_severity() {
        use Severity::{Error, Plain, Warning};
        let cases = [
            (
                "time=2023-11-02T09:00:00Z level=ERROR msg=x",
                Some((Error, None, "time=2023-11-02T09:00:00Z level=ERROR msg=x")),
            ),
            (
                "level=warning msg=\"x\"",
                Some((Warning, None, "level=warning msg=\"x\"")),
            ),
            ("time=out level=error", None),
            (
                r#"{"ts":1580306777.04,"caller":"a.go:60","msg":"x","err":"y"}"#,
                Some((
                    Error,
                    None,
                    r#"{"ts":1580306777.04,"caller":"a.go:60","msg":"x","err":"y"}"#,
                )),
            ),
            (
                r#"{"ts":1580306777.04,"msg":"x","v":0}"#,
                Some((Plain, None, r#"{"ts":1580306777.04,"msg":"x","v":0}"#)),
            ),
            ("ERROR:root:x", Some((Error, None, "ERROR:root:x"))),
            ("ERRO[0012] x", Some((Error, None, "ERRO[0012] x"))),
            ("SEVERE: x", Some((Error, None, "SEVERE: x"))),
            (
                "13:24:01.483 [main] WARN c.e.Foo - x",
                Some((Warning, None, "13:24:01.483 [main] WARN c.e.Foo - x")),
            ),
            (
                "2021-01-15 13:24:01.483  ERROR 1 --- [main] c.e.Foo : x",
                Some((
                    Error,
                    None,
                    "2021-01-15 13:24:01.483  ERROR 1 --- [main] c.e.Foo : x",
                )),
            ),
            (
                "2021-01-15 13:24:01,483 - app - ERROR - x",
                Some((Error, None, "2021-01-15 13:24:01,483 - app - ERROR - x")),
            ),
            (
                "Exception in thread \"main\" java.lang.IllegalStateException: x",
                Some((
                    Error,
                    None,
                    "Exception in thread \"main\" java.lang.IllegalStateException: x",
                )),
            ),
        ];
        for (line, want) in cases {
            let header = Header::parse(line).map(|header| (header.severity, header.place, header.message));
            assert_eq!(header, want, "{line:?}");
        }
    }

    #[test]
    fn lines_without_a_header_tell_whether_they_can_stand_alone() {
        for (line, want) in [
            ("goroutine 1 [running]:", LineKind::Continuing),
            ("\tmain.go:12 +0x1d", LineKind::Continuing),
            (" caused by: identifier is '400'", LineKind::Continuing),
            ("\u{1b}[33m[2021-01-15 13:24:01]\u{1b}[0m", LineKind::Continuing),
            ("  ", LineKind::Blank),
            ("\r", LineKind::Blank),
            ("main.main()", LineKind::Bare),
        ] {
            assert_eq!(LineKind::of(line.as_bytes()), want, "{line:?}");
        }
    }
}
