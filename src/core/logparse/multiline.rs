//! Joins the lines of one record.
//!
//! A record takes lines for a second after its first one, and only so many: what follows is shown as records of its own. However a log
//! goes on, each line of it is thus seen a second after it was written at the latest.

use jiff::{SignedDuration, Timestamp};

use super::line_format::{LineKind, Severity, continued_severity};
use super::{LeaderLine, LogRecord};
use crate::safe;
use crate::text::{Redacted, SafeText};

/// Lines of one record; the line after them begins another one.
pub const MAX_LINES: u32 = 200;

/// Bytes of one record: a line that has no room begins another one. Of a single line that is longer the rest is counted.
pub const MAX_BYTES: usize = 64 * 1024;

/// A line without a header belongs to a record only when it was written within this span of the record's first line.
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

    /// Whether `later` was written within `span` of this one; lines of two streams may be a little out of order. Two unreadable ones
    /// count as together.
    fn is_within(&self, later: &Self, span: SignedDuration) -> bool {
        let seconds = 0..19;
        if self.as_bytes().get(seconds.clone()) == later.as_bytes().get(seconds) {
            return true;
        }
        match (self.parse(), later.parse()) {
            (Some(first), Some(second)) => second.duration_since(first).abs() <= span,
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
    /// Whether its error was counted with the record that it goes on with.
    pub(super) counted: bool,
    /// Whether it goes on with a record that was full.
    pub(super) goes_on: bool,
    headed: bool,
    /// When the first line of the record was written that it is a part of.
    begun: Stamp,
    lines: u32,
    bytes_over: usize,
}

impl RawRecord {
    /// The record to show: secrets out, control sequences out. `before` is when the line before it came, for a record whose own time
    /// can't be read.
    pub(super) fn to_record(&self, before: Timestamp) -> LogRecord {
        let text = Redacted::from(SafeText::from_bytes(&self.text));
        let text = match self.over() {
            None => text,
            Some(over) => Redacted::from(safe!("{text}{over}")),
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
        (self.bytes_over > 0).then(|| format!(" ⟨{} more bytes not kept⟩", self.bytes_over))
    }

    /// Begins with a first line; the buffer is used again.
    fn begin(&mut self, stamp: Stamp, line: &[u8], kind: LineKind) {
        self.text.clear();
        (self.stamp, self.begun) = (stamp, stamp);
        (self.lines, self.bytes_over) = (1, 0);
        (self.counted, self.goes_on) = (false, false);
        self.leader = None;
        (self.headed, self.severity) = match kind {
            LineKind::Headed { severity, .. } => (true, severity),
            LineKind::Continuing if is_stack(line) => (true, Severity::Fatal),
            // Python's stack ends with the error itself, on a line without a header.
            LineKind::Continuing if continued_severity(line) >= Severity::Error => (true, Severity::Error),
            LineKind::Continuing | LineKind::Blank | LineKind::Bare => (false, continued_severity(line)),
        };
        self.put(line);
    }

    /// Makes it a part of a record that was full: as bad, and in the same second.
    fn go_on(&mut self, full: &Self) {
        self.begun = full.begun;
        self.goes_on = true;
        self.headed = full.headed;
        self.counted = full.severity >= Severity::Error;
        self.severity = self.severity.max(full.severity);
    }

    /// Whether a line is part of this record, as far as there is room.
    fn claims(&self, stamp: &Stamp, kind: LineKind) -> bool {
        let part = match kind {
            LineKind::Headed { .. } => false,
            LineKind::Continuing => true,
            LineKind::Blank | LineKind::Bare => self.headed,
        };
        part && self.begun.is_within(stamp, WRITTEN_TOGETHER)
    }

    /// Whether it has room for one more line.
    fn has_room(&self, line: &[u8]) -> bool {
        self.lines < MAX_LINES && self.text.len() + 1 + line.len() <= MAX_BYTES
    }

    fn extend(&mut self, line: &[u8]) {
        self.severity = self.severity.max(continued_severity(line));
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

/// The first line of a goroutine's stack.
fn is_stack(line: &[u8]) -> bool {
    line.starts_with(b"goroutine ")
}

/// Joins lines to records: what follows a headed line without a header of its own belongs to it. A log that has shown no header so far
/// is one record a line.
#[derive(Debug, Default)]
pub struct Joiner {
    open: Option<RawRecord>,
    /// A buffer to use again.
    spare: Option<RawRecord>,
    /// Whether any line had a header.
    seen_header: bool,
    /// Whether the newest line with a header was a process's last: the stacks that follow are those of the same crash.
    crashing: bool,
    /// Records begun so far.
    begun: u64,
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
        if let LineKind::Headed { severity, .. } = kind {
            (self.seen_header, self.crashing) = (true, severity == Severity::Fatal);
        }
        let mut open = self.open.take();
        // A stack begins a record where there is none that it is a part of.
        let stray = |open: &RawRecord| is_stack(line) && !open.headed;
        let claimed = open.as_mut();
        let claimed = claimed.filter(|open| open.claims(&stamp, kind) && !stray(open));
        let joins = claimed.is_some() && self.seen_header;
        if let Some(record) = claimed.filter(|_| joins) {
            // An empty line within a record separates nothing that the header does not.
            let fits = kind == LineKind::Blank || record.has_room(line);
            if fits {
                let was_error = record.severity >= Severity::Error;
                if kind != LineKind::Blank {
                    record.extend(line);
                }
                let error = !was_error && record.severity >= Severity::Error;
                self.open = open;
                return Joined {
                    complete: None,
                    error,
                };
            }
        }
        let full = open.as_ref().filter(|_| joins);
        if kind == LineKind::Blank {
            return Joined {
                complete: open,
                error: false,
            };
        }
        let mut next = self.spare.take().unwrap_or_default();
        next.begin(stamp, line, kind);
        next.leader = leader;
        next.counted = self.crashing && is_stack(line);
        self.crashing |= is_stack(line);
        self.seen_header |= is_stack(line);
        if let Some(full) = full {
            next.go_on(full);
        }
        let error = next.severity >= Severity::Error && !next.counted;
        self.open = Some(next);
        self.begun += 1;
        Joined {
            complete: open,
            error,
        }
    }

    /// The record that might have continued.
    pub(super) fn flush(&mut self) -> Option<RawRecord> {
        self.open.take()
    }

    /// The number of the record that may still go on, counted from 1; `None` while there is none.
    pub(super) fn open(&self) -> Option<u64> {
        self.open.as_ref().map(|_| self.begun)
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
    fn stacks_of_python_and_java_belong_to_their_errors() {
        let python = [
            (0, "2021-01-15 13:24:01,483 ERROR it failed"),
            (0, "Traceback (most recent call last):"),
            (0, "  File \"a.py\", line 1, in <module>"),
            (0, "ValueError: no"),
            (2, "Traceback (most recent call last):"),
            (2, "ValueError: alone"),
        ];
        let severities = |lines: &[(u32, &str)]| -> Vec<_> {
            let records = join(lines);
            records
                .iter()
                .map(|(severity, text)| (*severity, text.lines().count()))
                .collect()
        };
        assert_eq!(severities(&python), [(Severity::Error, 4), (Severity::Error, 2)]);
        let java = [
            (0, "Jan 15, 2021 1:24:01 PM c.e.Foo run"),
            (0, "SEVERE: it failed"),
            (2, "13:24:01.483 [main] ERROR c.e.Foo - it failed"),
            (2, "java.lang.IllegalStateException: no"),
            (2, "\tat c.e.Foo.run(Foo.java:7)"),
            (2, "Caused by: java.io.IOException: refused"),
            (2, "\t... 3 more"),
        ];
        let found = severities(&java);
        assert_eq!(found.last(), Some(&(Severity::Error, 5)), "{found:?}");
        assert!(
            found[..found.len() - 1]
                .iter()
                .any(|(severity, _)| *severity == Severity::Error)
        );
    }

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
    }

    #[test]
    fn what_has_no_room_in_a_record_is_shown_as_records_of_its_own() {
        let mut lines = vec![(0, E)];
        lines.extend(std::iter::repeat_n((0, " again"), 450));
        let counts: Vec<_> = join(&lines)
            .iter()
            .map(|(severity, text)| (*severity, text.lines().count()))
            .collect();
        assert_eq!(counts, [200, 200, 51].map(|count| (Severity::Error, count)));

        let long = "x".repeat(MAX_BYTES / 2);
        let records = join(&[(0, E), (0, &long), (0, &long), (0, &long)]);
        let whole: usize = records.iter().map(|(_, text)| text.matches('x').count()).sum();
        assert_eq!((records.len(), whole), (3, 3 * long.len()));
    }

    #[test]
    fn a_crash_of_many_records_is_one_error() {
        let mut joiner = Joiner::default();
        let mut errors = 0;
        let stack = |number: u32| {
            [
                format!("goroutine {number} [running]:"),
                "main.main()".into(),
                "\t/a.go:1".into(),
            ]
        };
        let lines = (1..300).flat_map(stack);
        for (number, line) in std::iter::once("panic: out of luck".to_owned())
            .chain(lines)
            .enumerate()
        {
            // It takes the process three seconds to write them.
            let stamp = format!("2021-01-15T13:00:{:02}.000000001Z", number / 300);
            let stamp = Stamp::new(stamp.as_bytes()).unwrap();
            let line = line.as_bytes();
            errors += u32::from(joiner.push(stamp, line, LineKind::of(line), None).error);
        }
        assert_eq!(errors, 1);
    }

    #[test]
    fn a_record_ends_a_second_after_its_first_line() {
        let mut lines = vec![(0, E)];
        lines.extend((0..50).map(|second| (second, "a plain line")));
        let records = join(&lines);
        assert_eq!(
            records[0].1.lines().count(),
            3,
            "those of its second and the next"
        );
        assert_eq!(records.len(), 1 + 48);
        assert!(
            records[1..]
                .iter()
                .all(|(severity, _)| *severity == Severity::Plain)
        );
    }

    #[test]
    fn a_log_without_any_header_is_one_record_a_line() {
        let plain = [(0, "one"), (0, "  two"), (0, "caused by: three"), (0, "\tfour")];
        assert_eq!(join(&plain).len(), 4);
        let mut headed = plain.to_vec();
        headed.extend([(1, E), (1, "  joined"), (1, "so is this")]);
        assert_eq!(join(&headed).len(), 5);
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
