//! Errors of one log by class: how many, since when, and the newest, bounded, so that no log can fill the memory with them.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::glog::Header;
use super::joiner::RawRecord;
use crate::incident::redact::redact;
use crate::incident::text::SafeText;

/// The newest errors of one class that are kept between two batches.
const NEWEST: usize = 16;

/// Characters of one that are kept: enough for ids, the operation at OCM and the head of a stack.
const MOST: usize = 800;

/// Bytes that are looked at for them: a secret must not be cut in two before it is found.
const MOST_BYTES: usize = 4 * MOST;

/// Errors of one class in one log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorTally {
    /// The class's id in the profile; empty where no class knows them.
    pub class: SafeText,
    /// Records since the first line that could be had.
    pub count: u64,
    /// When the first was written.
    pub first_at: Timestamp,
    /// When the newest was written.
    pub last_at: Timestamp,
    /// The newest since the batch before, oldest first.
    pub newest: Vec<ErrorSighting>,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorSighting {
    /// When the kubelet took it in.
    pub at: Timestamp,
    /// The record, redacted and cut.
    pub text: SafeText,
}

impl ErrorSighting {
    /// Its first words without the time and the level, which are told beside it: `clusters_mgr.go:130] failed to …`.
    pub fn words(&self) -> String {
        match Header::parse(&self.text) {
            Some(Header {
                place: Some((file, line)),
                message,
                ..
            }) => format!("{file}:{line}] {message}"),
            Some(Header { message, .. }) => message.to_owned(),
            None => self.text.to_string(),
        }
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
    /// As they came: most are pushed out before anybody asks for them.
    newest: VecDeque<(Timestamp, Vec<u8>)>,
    changed: bool,
}

impl Tallies {
    /// Counts a record of a class; `before` is when the line before it came, for a record whose own time can't be read.
    pub(super) fn add(&mut self, class: SafeText, record: &RawRecord, before: Timestamp) {
        let at = record.stamp.parse().unwrap_or(before);
        let running = self.0.entry(class).or_insert_with(|| Running {
            count: 0,
            first_at: at,
            last_at: at,
            newest: VecDeque::new(),
            changed: false,
        });
        running.count += 1;
        running.last_at = running.last_at.max(at);
        running.changed = true;
        if running.newest.len() == NEWEST {
            running.newest.pop_front();
        }
        let head = &record.text[..record.text.len().min(MOST_BYTES)];
        running.newest.push_back((at, head.to_vec()));
    }

    /// The classes with errors since the last time.
    pub(super) fn drain(&mut self) -> Vec<ErrorTally> {
        let changed = self.0.iter_mut().filter(|(_, running)| running.changed);
        changed
            .map(|(class, running)| {
                running.changed = false;
                ErrorTally {
                    class: class.clone(),
                    count: running.count,
                    first_at: running.first_at,
                    last_at: running.last_at,
                    newest: running.newest.drain(..).map(sighting).collect(),
                }
            })
            .collect()
    }
}

/// Secrets out, control sequences out.
fn sighting((at, head): (Timestamp, Vec<u8>)) -> ErrorSighting {
    let text = SafeText::from_bytes(&head);
    ErrorSighting {
        at,
        text: SafeText::cut(&redact(&text), MOST),
    }
}
