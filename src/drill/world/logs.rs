//! The log files of the containers: one per container instance, rotated as the kubelet rotates.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::sync::watch;

use super::packed_lines::PackedLines;

/// The size at which the kubelet rotates a container's log by default (`containerLogMaxSize`, 10Mi).
pub const ROTATE_AT: usize = 10 * 1024 * 1024;
/// What the runtime writes before each piece of a line in the file: time, stream, tag.
const PIECE_OVERHEAD: usize = 45;
/// The longest piece of a line that the runtime writes as one line of its file (containerd `max_container_log_line_size`, 16 KiB): the
/// kubelet joins the pieces again, but counts them as lines.
pub const PIECE: usize = 16 * 1024;

/// One container instance: a restart makes another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// The pod's uid.
    pub pod_uid: String,
    /// The container's name.
    pub container: String,
    /// How often the container had been restarted.
    pub restart: u32,
}

/// A line with the time at which the runtime took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// By the drill's clock.
    pub at: Timestamp,
    /// Without the final newline.
    pub bytes: Box<[u8]>,
}

impl LogLine {
    /// Into how many lines of the file the runtime cut it.
    pub(super) fn pieces(&self) -> usize {
        self.bytes.len().div_ceil(PIECE).max(1)
    }
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The number of the line.
    pub line: u64,
    /// The number of the piece within it.
    pub piece: u64,
}

/// The log file of one instance. Lines are numbered from the container's start.
#[derive(Debug, Default)]
pub struct LogFile {
    /// What the last rotation moved away: only a reader that had the file open still gets it.
    rotated: PackedLines,
    current: PackedLines,
    /// The number of the first line of `current`.
    current_from: u64,
    size: usize,
    closed: bool,
}

impl LogFile {
    fn append(&mut self, line: LogLine, rotate_at: usize) {
        self.size += line.bytes.len() + line.pieces() * PIECE_OVERHEAD;
        self.current.push(line);
        if self.size > rotate_at {
            self.current_from += self.current.len() as u64;
            self.rotated = std::mem::take(&mut self.current);
            self.size = 0;
        }
    }

    /// The first line that a new reader gets: it does not see what was rotated away.
    pub fn first(&self) -> Position {
        Position {
            line: self.current_from,
            piece: 0,
        }
    }

    /// Where a reader of the last `count` lines of the file begins, pieces of long lines counted as the file has them.
    pub fn tail(&self, count: u64) -> Position {
        let (line, piece) = self.current.tail(usize::try_from(count).unwrap_or(usize::MAX));
        Position {
            line: self.current_from + line as u64,
            piece: piece as u64,
        }
    }

    /// The number after the last line.
    pub fn end(&self) -> u64 {
        self.current_from + self.current.len() as u64
    }

    /// Whether the container has ended, so that nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Lines from number `from` on; what was rotated away twice is gone. Also the number after the last given one.
    pub fn read(&self, from: u64, limit: usize) -> (Vec<LogLine>, u64) {
        let rotated_from = self.current_from - self.rotated.len() as u64;
        let from = from.max(rotated_from);
        let skip = (from - rotated_from) as usize;
        let mut lines = self.rotated.read(skip, limit);
        let skip = skip.saturating_sub(self.rotated.len());
        lines.append(&mut self.current.read(skip, limit - lines.len()));
        let next = from + lines.len() as u64;
        (lines, next)
    }
}

/// All log files of the world.
pub struct Logs {
    files: BTreeMap<Instance, LogFile>,
    rotate_at: usize,
    writes: u64,
    changed: watch::Sender<u64>,
}

impl Default for Logs {
    fn default() -> Self {
        Self::rotating_at(ROTATE_AT)
    }
}

impl Logs {
    /// Logs on nodes whose kubelets rotate at that size.
    pub fn rotating_at(size: usize) -> Self {
        Self {
            files: BTreeMap::new(),
            rotate_at: size,
            writes: 0,
            changed: watch::Sender::new(0),
        }
    }

    /// Tells when something was written or a file was closed or removed.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// How many reads are under way.
    pub fn readers(&self) -> usize {
        self.changed.receiver_count()
    }

    /// A container starts: an empty file. As the kubelet does, only the file of the instance before is kept.
    pub fn open(&mut self, instance: Instance) {
        self.files.retain(|other, _| {
            other.pod_uid != instance.pod_uid
                || other.container != instance.container
                || other.restart + 1 >= instance.restart
        });
        self.files.insert(instance, LogFile::default());
        self.tell();
    }

    /// Appends a line; lines of instances without a file are dropped.
    pub fn append(&mut self, instance: &Instance, at: Timestamp, bytes: Vec<u8>) {
        if let Some(file) = self.files.get_mut(instance) {
            let bytes = bytes.into_boxed_slice();
            file.append(LogLine { at, bytes }, self.rotate_at);
        }
    }

    /// The container ended.
    pub fn close(&mut self, instance: &Instance) {
        if let Some(file) = self.files.get_mut(instance) {
            file.closed = true;
        }
        self.tell();
    }

    /// The kubelet cleared up after a removed pod.
    pub fn forget(&mut self, pod_uid: &str) {
        self.files.retain(|instance, _| instance.pod_uid != pod_uid);
        self.tell();
    }

    /// The file of an instance.
    pub fn file(&self, instance: &Instance) -> Option<&LogFile> {
        self.files.get(instance)
    }

    /// Wakes the readers.
    pub fn tell(&mut self) {
        self.writes += 1;
        self.changed.send_replace(self.writes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(restart: u32) -> Instance {
        Instance {
            pod_uid: "u".into(),
            container: "service".into(),
            restart,
        }
    }

    #[test]
    fn a_reader_continues_where_it_stopped() {
        let mut logs = Logs::default();
        logs.open(instance(0));
        for text in ["a", "b", "c"] {
            logs.append(&instance(0), Timestamp::UNIX_EPOCH, text.into());
        }
        let file = logs.file(&instance(0)).unwrap();
        let (first, next) = file.read(0, 2);
        assert_eq!(first.len(), 2);
        let (rest, next) = file.read(next, 10);
        assert_eq!((&*rest[0].bytes, next), (&b"c"[..], 3));
    }

    #[test]
    fn after_a_rotation_a_new_reader_gets_only_the_new_file_and_an_old_one_misses_nothing() {
        let mut logs = Logs::default();
        logs.open(instance(0));
        let big = vec![b'x'; ROTATE_AT / 2];
        for _ in 0..3 {
            logs.append(&instance(0), Timestamp::UNIX_EPOCH, big.clone());
        }
        let file = logs.file(&instance(0)).unwrap();
        assert_eq!((file.first().line, file.end()), (2, 3));
        assert_eq!(file.tail(100).line, 2, "the tail is of the current file");
        assert_eq!(file.read(1, 10).0.len(), 2);
        assert_eq!(file.read(file.first().line, 10).0.len(), 1);
    }

    #[test]
    fn a_tail_counts_the_pieces_of_a_long_line() {
        let mut logs = Logs::default();
        logs.open(instance(0));
        for length in [10, 2 * PIECE + 1, 0] {
            logs.append(&instance(0), Timestamp::UNIX_EPOCH, vec![b'x'; length]);
        }
        let file = logs.file(&instance(0)).unwrap();
        for (count, line, piece) in [
            (0, 3, 0),
            (1, 2, 0),
            (2, 1, 2),
            (3, 1, 1),
            (4, 1, 0),
            (5, 0, 0),
            (9, 0, 0),
        ] {
            assert_eq!(file.tail(count), Position { line, piece }, "{count}");
        }
    }

    #[test]
    fn two_instances_of_a_container_are_kept_and_no_more() {
        let mut logs = Logs::default();
        for restart in 0..3 {
            logs.open(instance(restart));
        }
        assert!(logs.file(&instance(0)).is_none());
        assert!(logs.file(&instance(1)).is_some());
    }

    #[test]
    fn the_size_at_which_a_log_is_rotated_can_be_chosen() {
        let mut logs = Logs::rotating_at(1_000);
        logs.open(instance(0));
        for _ in 0..3 {
            logs.append(&instance(0), Timestamp::UNIX_EPOCH, vec![b'x'; 400]);
        }
        assert_eq!(logs.file(&instance(0)).unwrap().read(0, 10).1, 3);
        let file = logs.file(&instance(0)).unwrap();
        assert_eq!(
            file.end() - file.rotated.len() as u64,
            0,
            "all three went with the rotation"
        );
        assert_eq!(file.current.len(), 0);
    }
}
