//! Errors of one log by class: how many, since when, and the newest, bounded, so that no log can fill the memory with them.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::line_format::{Header, Severity};
use super::line_parts::LineParts;
use crate::logparse::error_classes::Found;
use crate::logparse::error_times::{ErrorTimes, RunningTimes};
use crate::logparse::multiline::RawRecord;
use crate::text::{Redacted, SafeText};

/// The newest errors of one class that are kept between two batches.
const NEWEST: usize = 16;

/// Characters of one that are kept: enough for ids, the operation at OCM and the head of a stack.
const MOST: usize = 800;

/// Characters that are kept of the line that matched.
const MOST_OF_LINE: usize = 400;

/// Bytes that are looked at for them: a secret must not be cut in two before it is found.
const MOST_BYTES: usize = 4 * MOST;

/// Errors of one class in one log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorCounts {
    /// The class's id in the profile; empty where no class knows them.
    pub class: SafeText,
    /// Records since the first line that could be had.
    pub count: u64,
    /// When the first was written.
    pub first_at: Timestamp,
    /// When the newest was written.
    pub last_at: Timestamp,
    /// When they were written: the spans with new ones since the batch before, each with all of its errors. Old records have none.
    #[serde(default, skip_serializing_if = "ErrorTimes::is_empty")]
    pub times: ErrorTimes,
    /// The newest since the batch before, oldest first.
    pub newest: Vec<ErrorSighting>,
}

impl ErrorCounts {
    /// Takes in what a later batch says of the same class, of which so many of the newest are kept.
    pub(crate) fn join(&mut self, later: &Self, most: usize) {
        let (mut times, mut newest) = (std::mem::take(&mut self.times), std::mem::take(&mut self.newest));
        times.merge(&later.times);
        newest.extend(later.newest.iter().cloned());
        newest.drain(..newest.len().saturating_sub(most));
        *self = Self {
            class: later.class.clone(),
            count: later.count,
            first_at: later.first_at,
            last_at: later.last_at,
            times,
            newest,
        };
    }
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorSighting {
    /// When the kubelet took it in.
    pub at: Timestamp,
    /// The record from where it is about the error, redacted and cut.
    pub text: Redacted,
    /// The line that makes it an error of its class, redacted, its middle left out where it is long. Empty where it is the first of `text`
    /// and whole there.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub line: Redacted,
}

/// As serde asks it.
fn is_empty(text: &Redacted) -> bool {
    text.as_str().is_empty()
}

impl ErrorSighting {
    /// The line that matched, as it was written.
    fn matched(&self) -> &str {
        let first = self.text.lines().next().unwrap_or_default();
        if self.line.is_empty() { first } else { &self.line }
    }

    /// The line that matched, without the time and the level, which are shown separately: `clusters_mgr.go:130] failed to …`.
    pub fn words(&self) -> &str {
        Header::words_of(self.matched())
    }

    /// The same with what it says first: `failed to … (clusters_mgr.go:130 opid=1n2Q)`.
    pub fn message_first(&self) -> String {
        let parts = LineParts::of(self.matched());
        if parts.details.is_empty() {
            parts.message.into_owned()
        } else {
            format!("{} ({})", parts.message, parts.details.join(" "))
        }
    }

    /// What it says alone.
    pub fn message(&self) -> String {
        LineParts::of(self.matched()).message.into_owned()
    }

    /// All that is kept of it.
    pub fn texts(&self) -> [&str; 2] {
        [&self.text, &self.line]
    }

    /// What a process said when it died: the line of a panic, or one of the level F.
    pub fn last_words(&self) -> Option<&str> {
        let fatal = |line| Header::parse(line).filter(|header| header.severity == Severity::Fatal);
        Some(self.text.lines().find_map(fatal)?.message)
    }
}

/// The tallies of one log.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<SafeText, Running>);

#[derive(Debug)]
struct Running {
    count: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    times: RunningTimes,
    /// As they came: most are pushed out before anybody asks for them.
    newest: VecDeque<Raw>,
    changed: bool,
}

/// An error as it came.
#[derive(Debug)]
struct Raw {
    at: Timestamp,
    text: Vec<u8>,
    /// The line that matched, where `text` does not begin with all of it.
    line: Vec<u8>,
}

impl Tallies {
    /// Counts a record of a class, which is about the error from a byte on; `before` is when the line before it came, for a record whose
    /// own time can't be read.
    pub(super) fn add(&mut self, found: Found, begins: usize, record: &RawRecord, before: Timestamp) {
        let Found { class, line } = found;
        let at = record.stamp.parse().unwrap_or(before);
        let running = self.0.entry(class).or_insert_with(|| Running {
            count: 0,
            first_at: at,
            last_at: at,
            times: RunningTimes::default(),
            newest: VecDeque::new(),
            changed: false,
        });
        running.count += 1;
        running.last_at = running.last_at.max(at);
        running.times.add(at);
        running.changed = true;
        if running.newest.len() == NEWEST {
            running.newest.pop_front();
        }
        let text = &record.text[begins..];
        let whole = line.start == begins && line.len() <= MOST;
        running.newest.push_back(Raw {
            at,
            text: text[..text.len().min(MOST_BYTES)].to_vec(),
            line: if whole {
                Vec::new()
            } else {
                both_ends(&record.text[line])
            },
        });
    }

    /// The classes with errors since the last time.
    pub(super) fn drain(&mut self) -> Vec<ErrorCounts> {
        let changed = self.0.iter_mut().filter(|(_, running)| running.changed);
        changed
            .map(|(class, running)| {
                running.changed = false;
                ErrorCounts {
                    class: class.clone(),
                    count: running.count,
                    first_at: running.first_at,
                    last_at: running.last_at,
                    times: running.times.drain(),
                    newest: running.newest.drain(..).map(sighting).collect(),
                }
            })
            .collect()
    }
}

/// A line; of a very long one its two ends. Of the word in which its second end begins nothing is left: it could be half a secret.
fn both_ends(line: &[u8]) -> Vec<u8> {
    if line.len() <= 2 * MOST_BYTES {
        return line.to_vec();
    }
    let tail = &line[line.len() - MOST_BYTES..];
    let word = tail
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(tail.len());
    [&line[..MOST_BYTES], "…".as_bytes(), &tail[word..]].concat()
}

/// Secrets out, control sequences out.
fn sighting(raw: Raw) -> ErrorSighting {
    let Raw { at, text, line } = raw;
    let (text, line) = (SafeText::from_bytes(&text), SafeText::from_bytes(&line));
    ErrorSighting {
        at,
        text: Redacted::cut(&text, MOST),
        line: Redacted::shortened(&line, MOST_OF_LINE),
    }
}
