//! Joins the lines of one record.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::glog::{LineKind, Severity, continued_severity};
use super::{LeaderLine, LogRecord};
use crate::incident::redact::redact;
use crate::incident::text::SafeText;

/// Lines of one record that are kept; the others are counted.
pub const MAX_LINES: u32 = 200;

/// Bytes of one record that are kept; the others are counted.
pub const MAX_BYTES: usize = 64 * 1024;

/// A line without a header belongs to the record before it only when it was written in one go with it.
const WRITTEN_TOGETHER: SignedDuration = SignedDuration::from_secs(1);

/// Room for the kubelet's timestamp: nanoseconds and an offset.
const STAMP_BYTES: usize = 35;

/// A kubelet's timestamp as it came: it is parsed only where it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: [u8; STAMP_BYTES],
    len: u8,
}

impl Default for Stamp {
    fn default() -> Self {
        Self {
            bytes: [0; STAMP_BYTES],
            len: 0,
        }
    }
}

impl Stamp {
    /// Takes over the bytes if they fit.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let mut stamp = Self::default();
        stamp.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        stamp.len = bytes.len() as u8;
        Some(stamp)
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The time; `None` for none or one that is no time.
    pub(super) fn parse(&self) -> Option<Timestamp> {
        std::str::from_utf8(self.as_bytes()).ok()?.parse().ok()
    }

    /// Whether `later` was written within `span` after this one. Two unreadable ones count as together.
    fn is_within(&self, later: &Self, span: SignedDuration) -> bool {
        let seconds = 0..19;
        if self.as_bytes().get(seconds.clone()) == later.as_bytes().get(seconds) {
            return true;
        }
        match (self.parse(), later.parse()) {
            (Some(first), Some(second)) => second.duration_since(first) <= span,
            _ => true,
        }
    }
}

/// A record as it is put together, in raw bytes.
#[derive(Debug, Default)]
pub struct RawRecord {
    /// When its first line came.
    pub(super) stamp: Stamp,
    /// How bad it is so far.
    pub(super) severity: Severity,
    /// The lines that are kept, joined by `\n`.
    pub(super) text: Vec<u8>,
    /// What its first line says about a leader.
    pub(super) leader: Option<LeaderLine>,
    headed: bool,
    newest: Stamp,
    lines: u32,
    lines_over: u32,
    bytes_over: usize,
}

impl RawRecord {
    /// The record to show: secrets out, control sequences out. `before` is when the line before it came, for a record whose own time
    /// can't be read.
    pub(super) fn to_record(&self, before: Timestamp) -> LogRecord {
        let text = SafeText::from_bytes(&self.text);
        let redacted = match redact(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(redacted) => Some(redacted),
        };
        let over = self.over();
        let text = match (redacted, over) {
            (None, None) => text,
            (redacted, over) => {
                let text = redacted.as_deref().unwrap_or(&text);
                SafeText::new(&format!("{text}{}", over.unwrap_or_default()))
            }
        };
        LogRecord {
            at: self.stamp.parse().unwrap_or(before),
            severity: self.severity,
            text,
            leader: self.leader.clone(),
        }
    }

    /// What was not kept, in words.
    fn over(&self) -> Option<String> {
        match (self.lines_over, self.bytes_over) {
            (0, 0) => None,
            (0, bytes) => Some(format!(" ⟨{bytes} more bytes not kept⟩")),
            (lines, bytes) => Some(format!("\n⟨{lines} more lines, {bytes} bytes not kept⟩")),
        }
    }

    /// Begins anew with a first line; the buffer is used again.
    fn begin(&mut self, stamp: Stamp, line: &[u8], kind: LineKind) {
        self.text.clear();
        (self.stamp, self.newest) = (stamp, stamp);
        (self.lines, self.lines_over, self.bytes_over) = (1, 0, 0);
        self.leader = None;
        (self.headed, self.severity) = match kind {
            LineKind::Headed { severity, .. } => (true, severity),
            LineKind::Continuing if line.starts_with(b"goroutine ") => (true, Severity::Fatal),
            LineKind::Continuing | LineKind::Blank | LineKind::Bare => (false, continued_severity(line)),
        };
        self.put(line);
    }

    /// Whether a line is part of this record.
    fn takes(&self, stamp: &Stamp, kind: LineKind) -> bool {
        match kind {
            LineKind::Headed { .. } => false,
            LineKind::Continuing => self.newest.is_within(stamp, WRITTEN_TOGETHER),
            LineKind::Blank | LineKind::Bare => self.headed && self.newest.is_within(stamp, WRITTEN_TOGETHER),
        }
    }

    fn extend(&mut self, stamp: Stamp, line: &[u8]) {
        self.newest = stamp;
        self.severity = self.severity.max(continued_severity(line));
        if self.lines >= MAX_LINES || self.text.len() >= MAX_BYTES {
            self.lines_over += 1;
            self.bytes_over += line.len();
            return;
        }
        self.lines += 1;
        self.text.push(b'\n');
        self.put(line);
    }

    /// A line end inside a line would make two lines of it: the reader splits at line ends, so there is none.
    fn put(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let room = MAX_BYTES.saturating_sub(self.text.len()).min(line.len());
        self.text.extend_from_slice(&line[..room]);
        self.bytes_over += line.len() - room;
    }
}

/// Joins lines to records: what follows a headed line without a header of its own belongs to it.
#[derive(Debug, Default)]
pub struct Joiner {
    open: Option<RawRecord>,
    /// A buffer to use again.
    spare: Option<RawRecord>,
}

/// What became of a line.
#[derive(Debug)]
pub(super) struct Joined {
    /// The record that it showed to be complete.
    pub(super) complete: Option<RawRecord>,
    /// Whether its own record became an error with it.
    pub(super) error: bool,
}

impl Joiner {
    /// Takes a line in.
    pub(super) fn push(
        &mut self,
        stamp: Stamp,
        line: &[u8],
        kind: LineKind,
        leader: Option<LeaderLine>,
    ) -> Joined {
        if let Some(open) = self.open.as_mut().filter(|open| open.takes(&stamp, kind)) {
            let was_error = open.severity >= Severity::Error;
            // An empty line within a record separates nothing that the header does not.
            if kind != LineKind::Blank {
                open.extend(stamp, line);
            }
            let error = !was_error && open.severity >= Severity::Error;
            return Joined {
                complete: None,
                error,
            };
        }
        let complete = self.open.take();
        if kind == LineKind::Blank {
            return Joined {
                complete,
                error: false,
            };
        }
        let mut next = self.spare.take().unwrap_or_default();
        next.begin(stamp, line, kind);
        next.leader = leader;
        let error = next.severity >= Severity::Error;
        self.open = Some(next);
        Joined { complete, error }
    }

    /// The record that might have continued.
    pub(super) fn flush(&mut self) -> Option<RawRecord> {
        self.open.take()
    }

    /// Gives back a record that is not needed any more.
    pub(super) fn recycle(&mut self, record: RawRecord) {
        if record.text.capacity() <= 4096 {
            self.spare = Some(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joins lines that came at these seconds.
    fn join(lines: &[(u32, &str)]) -> Vec<(Severity, String)> {
        let mut joiner = Joiner::default();
        let mut records = Vec::new();
        for (second, line) in lines {
            let stamp = format!("2021-01-15T13:{:02}:{:02}.000000001Z", second / 60, second % 60);
            let stamp = Stamp::new(stamp.as_bytes()).unwrap();
            let line = line.as_bytes();
            records.extend(joiner.push(stamp, line, LineKind::of(line), None).complete);
        }
        records.extend(joiner.flush());
        let shown = |record: &RawRecord| record.to_record(Timestamp::UNIX_EPOCH);
        records
            .iter()
            .map(shown)
            .map(|record| (record.severity, record.text.to_string()))
            .collect()
    }

    const E: &str = "E0115 13:24:32.110457       1 clusters_mgr.go:130] failed";
    const I: &str = "I0115 13:24:33.000000       1 reconciler.go:22] Starting";

    #[test]
    fn a_cause_on_the_next_line_belongs_to_its_error() {
        let records = join(&[
            (0, E),
            (0, " caused by: identifier is '400'"),
            (0, "raw body"),
            (1, I),
        ]);
        assert_eq!(
            records,
            [
                (
                    Severity::Error,
                    format!("{E}\n caused by: identifier is '400'\nraw body")
                ),
                (Severity::Info, I.to_owned()),
            ]
        );
    }

    #[test]
    fn a_raw_line_that_comes_later_stands_alone() {
        let records = join(&[(0, I), (5, "a body"), (5, "another body"), (6, "  indented")]);
        let texts: Vec<_> = records.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, [I, "a body", "another body\n  indented"]);
    }

    #[test]
    fn a_panic_takes_its_stacks() {
        let stack = [
            (0, I),
            (0, "panic: runtime error: invalid memory address"),
            (0, "[signal SIGSEGV: segmentation violation]"),
            (0, ""),
            (0, "goroutine 7 [running]:"),
            (0, "main.main()"),
            (0, "\t/app/main.go:12 +0x1d"),
        ];
        let records = join(&stack);
        assert_eq!(records.len(), 2);
        assert_eq!(records[1].0, Severity::Fatal);
        assert!(
            records[1].1.ends_with("main.main()\n    /app/main.go:12 +0x1d"),
            "{}",
            records[1].1
        );
    }

    #[test]
    fn a_block_of_gorm_is_one_error_without_its_colours_lost() {
        let records = join(&[
            (0, I),
            (0, "\r"),
            (0, "\u{1b}[35m(/app/db.go:123)\u{1b}[0m "),
            (
                0,
                "\u{1b}[33m[2021-01-15 13:24:01]\u{1b}[0m \u{1b}[31;1m pq: too many connections \u{1b}[0m",
            ),
            (1, I),
        ]);
        assert_eq!(records.len(), 3);
        assert_eq!(records[0], (Severity::Info, I.to_owned()));
        assert_eq!(records[1].0, Severity::Error);
        assert!(records[1].1.contains("␛[31;1m pq: too many connections"));
    }

    #[test]
    fn a_record_is_bounded_and_says_what_is_missing() {
        let long = "x".repeat(MAX_BYTES + 10);
        let records = join(&[(0, &long)]);
        assert!(records[0].1.ends_with("x ⟨10 more bytes not kept⟩"));

        let mut lines = vec![(0, E)];
        lines.extend(std::iter::repeat_n((0, " again"), 300));
        let records = join(&lines);
        assert_eq!(records.len(), 1);
        assert!(
            records[0]
                .1
                .ends_with(" again\n⟨101 more lines, 606 bytes not kept⟩")
        );
        assert_eq!(records[0].1.lines().count(), MAX_LINES as usize + 1);
    }

    #[test]
    fn a_record_holds_no_secret() {
        let records = join(&[(
            0,
            "I0115 13:24:33.000000 1 logger.go:71] {\"Authorization\":[\"Bearer s3kret\"]}",
        )]);
        assert!(records[0].1.contains("⟨redacted⟩") && !records[0].1.contains("s3kret"));
    }

    #[test]
    fn plain_lines_that_follow_each_other_stay_apart() {
        assert_eq!(join(&[(0, "one"), (0, "two"), (0, "three")]).len(), 3);
    }
}
