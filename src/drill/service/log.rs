//! The service's log: lines in glog's format, and lines without its header.

use std::fmt::Write as _;

use super::{OutputLine, Process};
use crate::database::tables::after;

pub const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Collects lines; times are microseconds since 1970.
#[derive(Debug, Default)]
pub struct Log {
    verbosity: u8,
    /// Lines with their order of writing, which decides between equal times.
    lines: Vec<(i64, OutputLine)>,
    /// The day of the last line, and its month and day as glog prints them.
    day: Option<(i64, String)>,
    /// How much the clocks of pods are ahead, by uid; those that are right are not here.
    skews: Vec<(String, i64)>,
}

/// The file and line of the service's source that log a line.
#[derive(Clone, Copy, Debug)]
pub struct CodeLocation(pub &'static str, pub u32);

impl Log {
    pub fn new(verbosity: u8) -> Self {
        Self {
            verbosity,
            ..Self::default()
        }
    }

    pub fn verbosity(&self) -> u8 {
        self.verbosity
    }

    /// A line of severity I, where the verbosity is at least `level`.
    pub fn info(&mut self, process: &Process, at: i64, level: u8, place: CodeLocation, text: &str) {
        if level <= self.verbosity {
            self.glog('I', process, at, place, text);
        }
    }

    /// A line of severity E, which no verbosity hides.
    pub fn error(&mut self, process: &Process, at: i64, place: CodeLocation, text: &str) {
        self.glog('E', process, at, place, text);
    }

    /// A line of severity F.
    pub fn fatal(&mut self, process: &Process, at: i64, place: CodeLocation, text: &str) {
        self.glog('F', process, at, place, text);
    }

    /// From now on the pod's clock is that much ahead.
    pub fn set_skew(&mut self, pod_uid: &str, micros: i64) {
        self.skews.retain(|(uid, _)| uid != pod_uid);
        self.skews.push((pod_uid.to_owned(), micros));
    }

    /// How much the pod's clock is ahead.
    pub fn skew(&self, pod_uid: &str) -> i64 {
        let found = self.skews.iter().find(|(uid, _)| uid == pod_uid);
        found.map_or(0, |(_, micros)| *micros)
    }

    fn glog(&mut self, severity: char, process: &Process, at: i64, place: CodeLocation, text: &str) {
        let local = at + self.skew(&process.pod_uid);
        let micros = local.rem_euclid(DAY);
        let (seconds, fraction) = (micros / SECOND, micros % SECOND);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let mut line = String::with_capacity(text.len() + 64);
        let day = self.day_text(local);
        // writing to a String cannot fail
        let _ = write!(
            line,
            "{severity}{day} {hours:02}:{minutes:02}:{seconds:02}.{fraction:06} {:>7} {}:{}] {text}",
            1, place.0, place.1
        );
        self.text(process, at, &line);
    }

    /// Text as it is, over as many lines as it has.
    pub fn text(&mut self, process: &Process, at: i64, text: &str) {
        for line in text.split('\n') {
            self.raw(process, at, line.as_bytes().to_vec());
        }
    }

    /// The month and day; looked up once a day.
    fn day_text(&mut self, at: i64) -> &str {
        let number = at.div_euclid(DAY);
        let (_, text) = match self.day.take() {
            Some(known) if known.0 == number => self.day.insert(known),
            _ => self.day.insert((number, time(at).strftime("%m%d").to_string())),
        };
        text
    }

    /// Bytes as they are, without glog's header.
    pub fn raw(&mut self, process: &Process, at: i64, bytes: Vec<u8>) {
        // the runtime takes its time from the same node
        let local = at + self.skew(&process.pod_uid);
        self.lines.push((
            at,
            OutputLine {
                process: process.clone(),
                at: time(local),
                bytes,
            },
        ));
    }

    /// The lines up to a moment, in order of time; later ones stay.
    pub fn take(&mut self, until: i64) -> Vec<OutputLine> {
        self.lines.sort_by_key(|(at, _)| *at);
        let split = self.lines.partition_point(|(at, _)| *at <= until);
        let later = self.lines.split_off(split);
        std::mem::replace(&mut self.lines, later)
            .into_iter()
            .map(|(_, line)| line)
            .collect()
    }

    /// Drops the lines that a process had not written when it ended.
    pub fn forget(&mut self, pod_uid: &str, ended: i64) {
        self.lines
            .retain(|(at, line)| *at <= ended || line.process.pod_uid != pod_uid);
    }

    pub fn next_due(&self) -> Option<i64> {
        self.lines.iter().map(|(at, _)| *at).min()
    }
}

pub fn time(micros: i64) -> jiff::Timestamp {
    let span = std::time::Duration::from_micros(micros.unsigned_abs());
    after(jiff::Timestamp::UNIX_EPOCH, span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_glogs_header() {
        let process = Process {
            pod_uid: "u".into(),
            pod_name: "p".into(),
            restart: 0,
        };
        let at: jiff::Timestamp = "2021-01-15T13:24:01.482913Z".parse().unwrap();
        let mut log = Log::new(1);
        log.info(
            &process,
            at.as_microsecond(),
            1,
            CodeLocation("leader_election_mgr.go", 80),
            "Running",
        );
        log.info(
            &process,
            at.as_microsecond(),
            5,
            CodeLocation("leader_election_mgr.go", 100),
            "not leader",
        );
        let lines = log.take(at.as_microsecond());
        assert_eq!(lines.len(), 1, "-v=1 hides V(5)");
        let text = String::from_utf8(lines[0].bytes.clone()).unwrap();
        assert_eq!(
            text,
            "I0115 13:24:01.482913       1 leader_election_mgr.go:80] Running"
        );
        assert_eq!(lines[0].at, at);
    }
}
