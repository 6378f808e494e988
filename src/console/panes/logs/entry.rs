//! An entry of the scroll-back, and which others it stands for.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};

use sopwatch_core::logparse::{ContainerKey, LeaderLineKind, LineParts, LogRecord, Severity};
use sopwatch_core::text::{Redacted, SafeText};

/// One entry of the scroll-back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose log.
    pub source: Arc<ContainerKey>,
    /// The record; a note of the console itself has severity `Plain`.
    pub record: LogRecord,
    /// Whether the console says this, not the container.
    pub note: bool,
    /// How many like it stand for it: of equal lines the newest is shown.
    pub repeats: u64,
    /// When the first of them was written.
    pub first_at: Timestamp,
    /// The other containers that wrote some of them.
    pub others: BTreeSet<Arc<ContainerKey>>,
    /// What equal entries have in common; found out when it is asked for.
    kind: OnceLock<u64>,
}

impl Entry {
    /// A record of a log.
    pub fn new(source: Arc<ContainerKey>, record: LogRecord) -> Self {
        Self {
            source,
            first_at: record.at,
            record,
            note: false,
            repeats: 1,
            others: BTreeSet::new(),
            kind: OnceLock::new(),
        }
    }

    /// Something the console itself has to say about a log.
    pub fn note(source: Arc<ContainerKey>, at: Timestamp, text: Redacted) -> Self {
        let record = LogRecord {
            at,
            severity: Severity::Plain,
            text,
            leader: None,
        };
        Self {
            note: true,
            ..Self::new(source, record)
        }
    }

    /// What a row shows of it, and the lines that go on below: what a search and a filter look at.
    pub fn visible_text(&self) -> String {
        if self.note {
            return self.record.text.to_string();
        }
        let mut text = LineParts::of(&self.record.text).visible();
        if let Some((_, rest)) = self.record.text.split_once('\n') {
            text.push('\n');
            text.push_str(rest);
        }
        text
    }

    /// Whether a plain text is in what a row shows. What is nowhere in the line as it was written need not be looked for in its parts,
    /// unless these unquote it.
    pub fn shows(&self, is_in: impl Fn(&str) -> bool) -> bool {
        let written = self.record.text.as_str();
        let has = |quote: u8| written.as_bytes().contains(&quote);
        let is_verbatim = !has(b'"') && !has(b'\'') && !written.starts_with('␛');
        (!is_verbatim || is_in(written)) && is_in(&self.visible_text())
    }

    /// A number that entries share which say the same but for ids, long numbers and durations, and are as bad.
    pub fn kind(&self) -> u64 {
        *self.kind.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            self.record.severity.hash(&mut hasher);
            LineParts::of(&self.record.text).shape().hash(&mut hasher);
            hasher.finish()
        })
    }

    /// A number for what it says, without its ids and its place.
    pub(super) fn said(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.record.severity.hash(&mut hasher);
        LineParts::of(&self.record.text).message.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether it is the same line of the same log.
    pub fn is_same_line(&self, other: &Self) -> bool {
        self.record.at == other.record.at
            && self.source == other.source
            && self.record.text == other.record.text
    }

    /// How far a moment is from the lines that it stands for; nothing where the moment is among them.
    pub(crate) fn distance(&self, at: Timestamp) -> SignedDuration {
        let nearest = at.clamp(self.first_at.min(self.record.at), self.record.at);
        nearest.duration_since(at).abs()
    }

    /// What makes two repeating leader lines the same.
    pub(super) fn repeat_key(&self) -> Option<(&ContainerKey, &SafeText, LeaderLineKind)> {
        let leader = self.record.leader.as_ref()?;
        let repeating = matches!(
            leader.kind,
            LeaderLineKind::Heartbeat | LeaderLineKind::NotLeader | LeaderLineKind::LeaseFailed
        );
        repeating.then_some((&*self.source, &leader.worker, leader.kind))
    }

    pub(super) fn repeats_like(&self, other: &Self) -> bool {
        self.repeat_key()
            .is_some_and(|key| other.repeat_key() == Some(key))
    }

    /// The newer of two, standing for both.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let (newer, older) = if other.record.at > self.record.at {
            (other, self)
        } else {
            (self, other)
        };
        let mut others = &newer.others | &older.others;
        others.insert(older.source.clone());
        others.remove(&newer.source);
        Self {
            repeats: newer.repeats + older.repeats,
            first_at: newer.first_at.min(older.first_at),
            others,
            ..newer.clone()
        }
    }
}
