//! From raw lines to batches.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::line_format::{LineKind, Severity, fits};
use super::patterns::LogPatterns;
use super::requests::Requests;
use super::{ContainerKey, LeaderLine, LeaderLineKind, LogBatch, LogProgress, Sighting};
use crate::logparse::error_classes::Found;
use crate::logparse::error_counts::Tallies;
use crate::logparse::kept_leader_lines::Told;
use crate::logparse::leader_lines::Sightings;
use crate::logparse::multiline::{Joiner, RawRecord, Stamp};

/// Bytes of backlog that are held for each record that may be kept: long records must not fill the memory.
const BYTES_A_RECORD: usize = 512;

/// Records that are held from one batch to the next once the backlog is read.
const HELD_LATER: usize = 64;

/// Reads the lines of one container instance's log.
///
/// While the backlog is read, every line is searched for what it says about leaders, but only the newest records are held for the
/// scroll-back; a line that is neither costs no allocation.
#[derive(Debug)]
pub struct LineReader {
    patterns: Arc<LogPatterns>,
    source: ContainerKey,
    keep: usize,
    progress: LogProgress,
    /// The newest line's timestamp.
    newest: Stamp,
    /// The newest timestamp that was parsed.
    parsed: Option<Timestamp>,
    /// Whether a line of glog or of Go's standard log was seen: in such a log, other lines are not the service's own words.
    headed: bool,
    joiner: Joiner,
    held: VecDeque<RawRecord>,
    held_bytes: usize,
    /// Leader records that the tail has left behind.
    told: Told,
    sightings: Sightings,
    errors: Tallies,
    requests: Requests,
    /// When a lease could not be read, until the log says whose.
    failed_at: Option<Timestamp>,
    changed: bool,
}

impl LineReader {
    /// A reader at the beginning of a log. `keep` is how many of the backlog's newest records are kept for the scroll-back.
    pub fn new(patterns: Arc<LogPatterns>, source: ContainerKey, keep: usize) -> Self {
        Self {
            patterns,
            source,
            keep,
            progress: LogProgress::default(),
            newest: Stamp::default(),
            parsed: None,
            headed: false,
            joiner: Joiner::default(),
            held: VecDeque::new(),
            held_bytes: 0,
            told: Told::default(),
            sightings: Sightings::default(),
            errors: Tallies::default(),
            requests: Requests::default(),
            failed_at: None,
            changed: false,
        }
    }

    /// Takes one line without its newline, as the kubelet sends it with `timestamps=true`: RFC 3339 time, a blank, the bytes.
    ///
    /// A line without a readable timestamp takes the one before; before the first there is none, and its record is dated 1970.
    pub fn push(&mut self, line: &[u8]) {
        self.changed = true;
        self.progress.lines += 1;
        self.progress.bytes += line.len() as u64 + 1;
        let body = self.take_stamp(line);
        let kind = LineKind::of(body);
        self.progress.verbose = self.progress.verbose || self.patterns.is_verbose(body);
        let leader = self.leader_line(body, kind);
        self.count_request(body, kind);
        let failed = |line: &LeaderLine| line.kind == LeaderLineKind::LeaseFailed;
        self.progress.errors += u64::from(leader.as_ref().is_some_and(failed));
        if let Some(line) = &leader {
            let at = self.newest_time();
            let line = line.clone();
            self.whose_lease_failed(&line, at);
            self.sightings.push(Sighting { at, line });
        }
        let joined = self.joiner.push(self.newest, body, kind, leader);
        self.progress.errors += u64::from(joined.error);
        if let Some(record) = joined.complete {
            self.hold(record);
        }
    }

    fn count_request(&mut self, body: &[u8], kind: LineKind) {
        if let LineKind::Headed { message_at, .. } = kind {
            let (newest, parsed) = (self.newest, self.parsed);
            let at = || newest.parse().or(parsed).unwrap_or(Timestamp::UNIX_EPOCH);
            let message = body.get(message_at..).unwrap_or_default();
            self.requests.push(message, &self.patterns.probe_path, at);
        }
    }

    /// Splits the timestamp off and remembers it.
    fn take_stamp<'a>(&mut self, line: &'a [u8]) -> &'a [u8] {
        let Some((stamp, body)) = split_stamp(line) else {
            return line;
        };
        self.newest = stamp;
        if self.progress.first_at.is_none() {
            self.progress.first_at = stamp.parse();
        }
        body
    }

    /// What the line says about a leader. Where the service writes headers, lines without one are bodies of requests and the like:
    /// anybody's words.
    fn leader_line(&mut self, body: &[u8], kind: LineKind) -> Option<LeaderLine> {
        let message_at = match kind {
            LineKind::Headed { message_at, .. } => message_at,
            LineKind::Bare => 0,
            LineKind::Continuing | LineKind::Blank => return None,
        };
        self.headed |= message_at > 0;
        let own = message_at > 0 || !self.headed;
        own.then(|| self.patterns.leader_line(body, message_at)).flatten()
    }

    /// A failure to read a lease names no worker. One goroutine looks after the workers in turn, and says next of the same one that it
    /// does not lead or no longer does.
    fn whose_lease_failed(&mut self, line: &LeaderLine, at: Timestamp) {
        match line.kind {
            LeaderLineKind::LeaseFailed => self.failed_at = line.worker.is_empty().then_some(at),
            LeaderLineKind::NotLeader | LeaderLineKind::Lost => {
                if let Some(at) = self.failed_at.take() {
                    let kind = LeaderLineKind::LeaseFailed;
                    let line = LeaderLine { kind, ..line.clone() };
                    self.sightings.push(Sighting { at, line });
                }
            }
            LeaderLineKind::Gained | LeaderLineKind::Heartbeat | LeaderLineKind::LoopEnded => {}
        }
    }

    /// The newest line's time, or the newest readable one before it.
    fn newest_time(&mut self) -> Timestamp {
        self.parsed = self.newest.parse().or(self.parsed);
        self.parsed.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Counts a complete record that is an error, by class.
    fn tally(&mut self, record: &RawRecord) {
        if record.counted {
            return;
        }
        let classes = &self.patterns.classes;
        let lease_failed =
            (record.leader.as_ref()).is_some_and(|line| line.kind == LeaderLineKind::LeaseFailed);
        let text = &record.text[..];
        // Where the error begins: a line that says nothing of it is no part of it.
        let (found, begins) = match record.severity {
            Severity::Error | Severity::Fatal => (classes.of_error(text), 0),
            _ if lease_failed => (classes.of_error(text), 0),
            Severity::Plain => (classes.of_raw(text), usize::MAX),
            Severity::Info | Severity::Warning if record.goes_on => (classes.of_raw(text), usize::MAX),
            // What is printed past the log within a second of a line of it is taken for a part of that.
            Severity::Info | Severity::Warning => {
                let past = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
                let found = classes.of_raw(&text[past..]).map(|found| Found {
                    line: past + found.line.start..past + found.line.end,
                    ..found
                });
                (found, usize::MAX)
            }
        };
        if let Some(found) = found {
            let before = self.newest_time();
            let begins = begins.min(found.line.start);
            self.errors.add(found, begins, record, before);
        }
    }

    fn hold(&mut self, record: RawRecord) {
        self.tally(&record);
        self.held_bytes += record.text.len();
        self.held.push_back(record);
        while !self.progress.caught_up && self.is_over_full() {
            if let Some(old) = self.held.pop_front() {
                self.held_bytes -= old.text.len();
                if let Some(spare) = self.told.keep(old) {
                    self.joiner.recycle(spare);
                }
            }
        }
    }

    fn is_over_full(&self) -> bool {
        self.held.len() > self.keep || (self.held.len() > 1 && self.held_bytes > self.keep * BYTES_A_RECORD)
    }

    /// The backlog is read: from now on every record is kept as it comes.
    pub fn caught_up(&mut self) {
        self.changed |= !self.progress.caught_up;
        self.progress.caught_up = true;
    }

    /// What is new since the last batch; `None` when nothing is. `flush` also completes the record that might continue.
    ///
    /// While the backlog is read, a batch holds what was seen of leaders and the progress, and no records: these come when it is read.
    pub fn take(&mut self, flush: bool) -> Option<LogBatch> {
        if flush && let Some(record) = self.joiner.flush() {
            self.changed = true;
            self.hold(record);
        }
        let records = if self.progress.caught_up {
            self.held_bytes = 0;
            let mut records = self.told.drain();
            records.append(&mut self.held);
            // A backlog is far longer than what comes later.
            self.held.shrink_to(HELD_LATER);
            records
        } else {
            VecDeque::new()
        };
        if !std::mem::take(&mut self.changed) && records.is_empty() {
            return None;
        }
        let newest = self.newest_time();
        let before = self.parsed.or(self.progress.first_at).unwrap_or(newest);
        self.progress.last_at = self.parsed;
        Some(LogBatch {
            source: self.source.clone(),
            records: records.iter().map(|record| record.to_record(before)).collect(),
            sightings: self.sightings.drain(),
            errors: self.errors.drain(),
            requests: self.requests.take(),
            progress: self.progress.clone(),
        })
    }

    /// The number of the record that may still go on, counted from 1; `None` while there is none.
    pub fn open_record(&self) -> Option<u64> {
        self.joiner.open()
    }

    /// When the newest line was written.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.newest.parse().or(self.parsed)
    }
}

/// Splits `2021-01-15T13:24:01.483011872Z text` at its first blank; the time is not parsed yet.
fn split_stamp(line: &[u8]) -> Option<(Stamp, &[u8])> {
    if !fits(line.get(..19)?, b"0000-00-00T00:00:00") || !is_in_range(line) {
        return None;
    }
    let rest = &line[19..];
    let end = memchr::memchr(b' ', &rest[..rest.len().min(20)]);
    // A line of nothing may come without its blank.
    let end = end.or((rest.len() < 20).then_some(rest.len()))?;
    let zoned = rest[..end].iter().any(|byte| matches!(byte, b'Z' | b'+' | b'-'));
    let stamp = Stamp::new(&line[..19 + end]).filter(|_| zoned)?;
    Some((stamp, rest.get(end + 1..).unwrap_or_default()))
}

/// Whether month, day, hour, minute and second can be what they say.
fn is_in_range(stamp: &[u8]) -> bool {
    let at_most = |at: usize, most: &[u8; 2]| stamp[at..at + 2] <= most[..];
    let parts = [(5, b"12"), (8, b"31"), (11, b"23"), (14, b"59"), (17, b"60")];
    parts.iter().all(|(at, most)| at_most(*at, most))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::super::LogRecord;
    use super::*;
    use crate::logparse::error_classes::tests::classes;
    use crate::logparse::leader_lines::NEWEST;
    use crate::observe::observation::PodUid;
    use crate::testkit::{CLUSTER, KAFKA, leaders};

    const ID: &str = "6f0f2f0e-6a3e-4b6f-9f0b-1a5d3c1b7a11";

    static PATTERNS: LazyLock<Arc<LogPatterns>> =
        LazyLock::new(|| Arc::new(LogPatterns::new(&leaders(), &classes(), "").unwrap()));

    fn reader(keep: usize) -> LineReader {
        let source = ContainerKey {
            pod_uid: PodUid("u1".into()),
            pod: "msa-x-blf5h".into(),
            container: "service".into(),
            restart: 0,
        };
        LineReader::new(Arc::clone(&PATTERNS), source, keep)
    }

    /// A line of glog as the kubelet sends it, so many seconds after 13:00.
    fn line(second: u32, severity: char, message: &str) -> String {
        let clock = format!("13:{:02}:{:02}", second / 60, second % 60);
        format!("2021-01-15T{clock}.483011872Z {severity}0115 {clock}.482913       1 a.go:80] {message}")
    }

    fn push_all<'a>(reader: &mut LineReader, lines: impl IntoIterator<Item = &'a str>) {
        lines.into_iter().for_each(|line| reader.push(line.as_bytes()));
    }

    fn messages(records: &[LogRecord]) -> Vec<&str> {
        records
            .iter()
            .map(|record| record.text.rsplit("] ").next().unwrap())
            .collect()
    }

    #[test]
    fn a_backlog_hands_out_its_newest_records_when_it_is_read() {
        let mut reader = reader(3);
        for second in 0..100 {
            reader.push(line(second, 'I', &format!("m{second}")).as_bytes());
        }
        let early = reader.take(false).unwrap();
        assert_eq!(
            (
                early.records.len(),
                early.progress.lines,
                early.progress.caught_up
            ),
            (0, 100, false)
        );
        assert_eq!(
            early.progress.first_at.unwrap().to_string(),
            "2021-01-15T13:00:00.483011872Z"
        );
        assert_eq!(reader.take(false), None);

        reader.caught_up();
        let batch = reader.take(false).unwrap();
        assert_eq!(messages(&batch.records), ["m96", "m97", "m98"]);
        assert!(batch.progress.caught_up);
        let last = reader.take(true).unwrap();
        assert_eq!(messages(&last.records), ["m99"]);
        assert_eq!(last.progress.last_at, reader.last_at());
        assert_eq!(reader.take(true), None);
    }

    #[test]
    fn what_is_said_of_leaders_comes_with_every_batch_however_old() {
        let mut reader = reader(1);
        reader.push(
            line(
                0,
                'I',
                &format!("Running as the leader and starting worker {KAFKA} [{ID}]"),
            )
            .as_bytes(),
        );
        push_all(&mut reader, ["2021-01-15T13:00:01Z noise"; 50]);
        reader.push(
            line(
                30,
                'I',
                &format!("not currently leader, skipping reconcile {CLUSTER} [{ID}]"),
            )
            .as_bytes(),
        );
        let batch = reader.take(false).unwrap();
        let kinds: Vec<_> = batch
            .sightings
            .iter()
            .map(|sighting| (sighting.line.kind, &*sighting.line.worker))
            .collect();
        assert_eq!(
            kinds,
            [
                (LeaderLineKind::Gained, KAFKA),
                (LeaderLineKind::NotLeader, CLUSTER)
            ]
        );
        assert_eq!(
            batch.sightings[1].at.to_string(),
            "2021-01-15T13:00:30.483011872Z"
        );
        assert!(batch.progress.verbose);
    }

    #[test]
    fn leader_records_older_than_the_kept_tail_are_handed_out_too() {
        let mut reader = reader(2);
        let gained = format!("Running as the leader and starting worker {KAFKA} [{ID}]");
        let beat = format!("Starting reconciliation loop for {KAFKA} [{ID}]");
        reader.push(line(0, 'I', &gained).as_bytes());
        for second in 1..50 {
            reader.push(line(second, 'I', &beat).as_bytes());
        }
        for second in 50..60 {
            reader.push(line(second, 'I', &format!("m{second}")).as_bytes());
        }
        reader.caught_up();
        let batch = reader.take(true).unwrap();
        let times: Vec<_> = batch
            .records
            .iter()
            .map(|record| record.at.to_string()[14..19].to_owned())
            .collect();
        assert_eq!(times, ["00:00", "00:49", "00:57", "00:58", "00:59"]);
    }

    #[test]
    fn a_lease_that_can_t_be_read_is_that_of_the_worker_named_next() {
        let mut reader = reader(8);
        for text in [
            format!("not currently leader, skipping reconcile {CLUSTER} [{ID}]"),
            "failed to acquire leader lease: pq: x".to_owned(),
            format!("Starting reconciliation loop for {CLUSTER} [{ID}]"),
            format!("not currently leader, skipping reconcile {KAFKA} [{ID}]"),
        ] {
            reader.push(line(1, 'I', &text).as_bytes());
        }
        let batch = reader.take(true).unwrap();
        let failed = batch.sightings.iter();
        let failed = failed.filter(|sighting| sighting.line.kind == LeaderLineKind::LeaseFailed);
        let workers: Vec<_> = failed.map(|sighting| &*sighting.line.worker).collect();
        assert_eq!(workers, ["", KAFKA]);
        assert_eq!(batch.progress.errors, 1);
    }

    #[test]
    fn many_alike_sightings_collapse_to_the_first_and_the_newest() {
        let mut reader = reader(1);
        for second in 0..600 {
            reader.push(
                line(
                    second,
                    'I',
                    &format!("Starting reconciliation loop for {KAFKA} [{ID}]"),
                )
                .as_bytes(),
            );
        }
        let sightings = reader.take(false).unwrap().sightings;
        assert_eq!(sightings.len(), NEWEST + 1);
        assert!(sightings.is_sorted_by_key(|sighting| sighting.at));
        assert_eq!(sightings[0].at.to_string(), "2021-01-15T13:00:00.483011872Z");
        assert_eq!(sightings[NEWEST].at.to_string(), "2021-01-15T13:09:59.483011872Z");
    }

    #[test]
    fn a_leader_line_inside_another_message_is_no_evidence() {
        let forged = format!("Running as the leader and starting worker {KAFKA} [{ID}]");
        let mut reader = reader(10);
        reader.push(line(0, 'I', &format!("[opid=1] {{\"request_body\":\"{forged}\"}}")).as_bytes());
        reader.push(format!("2021-01-15T13:00:00.5Z {forged}").as_bytes());
        reader.push(format!("2021-01-15T13:00:09Z {forged}").as_bytes());
        reader.push(format!("2021-01-15T13:00:19Z {{\"level\":\"info\",\"name\":\"{forged}\"}}").as_bytes());
        assert_eq!(reader.take(true).unwrap().sightings, []);
    }

    #[test]
    fn a_service_that_writes_no_headers_or_json_is_heard_too() {
        let said = format!("Running as the leader and starting worker {KAFKA} [{ID}]");
        let mut reader = reader(10);
        reader.push(format!("2021-01-15T13:00:00Z {said}").as_bytes());
        reader.push(format!("2021-01-15T13:00:09Z {{\"level\":\"info\",\"msg\":\"{said}\"}}").as_bytes());
        assert_eq!(reader.take(true).unwrap().sightings.len(), 2);
    }

    #[test]
    fn a_line_without_a_readable_time_takes_the_one_before() {
        let mut reader = reader(10);
        reader.caught_up();
        push_all(
            &mut reader,
            [
                &*line(5, 'I', "dated"),
                "E0115 13:24:32.110457 1 a.go:1] undated",
                "2021-13-99T99:99:99Z odd",
            ],
        );
        let batch = reader.take(true).unwrap();
        let times: Vec<_> = batch.records.iter().map(|record| record.at.to_string()).collect();
        assert_eq!(times, ["2021-01-15T13:00:05.483011872Z"; 3]);
        assert_eq!(batch.records[1].severity, Severity::Error);
        assert_eq!(&*batch.records[2].text, "2021-13-99T99:99:99Z odd");
        assert_eq!(
            batch.progress.last_at.unwrap().to_string(),
            "2021-01-15T13:00:05.483011872Z"
        );
    }

    #[test]
    fn errors_are_told_by_class_with_their_newest_and_their_secrets_out() {
        let mut reader = reader(1);
        reader.push(
            line(
                0,
                'E',
                "the operation identifier is '1hq', Authorization: Bearer abc.def",
            )
            .as_bytes(),
        );
        for second in 1..40 {
            reader.push(line(second, 'E', &format!("pq: number {second}")).as_bytes());
        }
        reader.push(line(40, 'E', "lost the race").as_bytes());
        reader.push(b"2021-01-15T13:00:43Z operation identifier is '2x'");
        reader.push(line(43, 'I', "harmless").as_bytes());
        reader.push(b"2021-01-15T13:00:43.9Z operation identifier is '3x'");
        reader.push(
            line(
                42,
                'I',
                "failed to acquire leader lease: failed to retrieve leader leases: EOF",
            )
            .as_bytes(),
        );
        let told = reader.take(true).unwrap().errors;
        let counts: Vec<_> = told
            .iter()
            .map(|tally| (&*tally.class, tally.count, tally.newest.len()))
            .collect();
        assert_eq!(counts, [("database", 40, 16), ("ocm", 3, 3)]);
        assert!(
            !told[1].newest[0].text.contains("abc.def"),
            "{}",
            told[1].newest[0].text
        );
        assert!(told[0].newest[15].text.contains("retrieve leader leases"));
        assert_eq!(told[0].first_at.to_string(), "2021-01-15T13:00:01.483011872Z");

        reader.push(line(50, 'E', "pq: again").as_bytes());
        let told = reader.take(true).unwrap().errors;
        assert_eq!((told.len(), told[0].count, told[0].newest.len()), (1, 41, 1));
    }

    #[test]
    fn errors_are_counted_also_where_they_are_not_kept() {
        let mut reader = reader(1);
        push_all(
            &mut reader,
            [
                &*line(0, 'E', "one"),
                "2021-01-15T13:00:00.5Z  caused by: still one",
                "2021-01-15T13:00:01Z \x1b[35m(/a.go:1)\x1b[0m ",
                "2021-01-15T13:00:01Z \x1b[33m[2021]\x1b[0m \x1b[31;1m pq: two \x1b[0m",
                "2021-01-15T13:00:02Z panic: three",
                &*line(3, 'W', "no error"),
            ],
        );
        assert_eq!(reader.take(false).unwrap().progress.errors, 3);
    }

    #[test]
    fn the_years_turn_is_ordered_by_the_kubelets_time() {
        let mut reader = reader(10);
        reader.caught_up();
        push_all(
            &mut reader,
            [
                "2020-12-31T23:59:59.9Z I1231 23:59:59.900000 1 a.go:1] old year",
                "2021-01-01T00:00:00.1Z I0101 00:00:00.100000 1 a.go:1] new year",
            ],
        );
        let batch = reader.take(true).unwrap();
        assert!(batch.records[0].at < batch.records[1].at);
        assert_eq!(messages(&batch.records), ["old year", "new year"]);
    }

    #[test]
    fn long_records_do_not_fill_the_memory() {
        let mut reader = reader(100);
        let long = format!(
            "2021-01-15T13:00:00Z I0115 13:24:32.110457 1 a.go:1] {}",
            "x".repeat(60_000)
        );
        for _ in 0..1_000 {
            reader.push(long.as_bytes());
        }
        assert!(
            reader.held_bytes <= 100 * BYTES_A_RECORD + 60_100,
            "{}",
            reader.held_bytes
        );
    }

    #[test]
    fn a_backlog_that_was_read_leaves_no_room_behind() {
        let mut reader = reader(1_000);
        for _ in 0..1_000 {
            reader.push(b"2021-01-15T13:00:00Z I0115 13:24:32.110457 1 a.go:1] one");
        }
        assert!(reader.held.capacity() >= 900, "{}", reader.held.capacity());
        reader.caught_up();
        assert_eq!(reader.take(true).unwrap().records.len(), 1_000);
        assert!(reader.held.capacity() <= HELD_LATER, "{}", reader.held.capacity());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_every_line_is_counted(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..40)) {
            let mut reader = reader(5);
            reader.caught_up();
            for line in &lines {
                reader.push(line);
            }
            let read = reader.take(true).map_or(0, |batch| batch.progress.lines);
            if !lines.is_empty() {
                prop_assert_eq!(read, lines.len() as u64);
            }
        }
    }
}
