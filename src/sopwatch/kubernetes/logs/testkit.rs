//! The readers of a log's bytes, for the fuzz targets.

use super::cursor::{Admit, Cursor};
use super::line_splitter::LineSplitter;

/// The longest line that is kept whole, bytes.
pub const LONGEST_LINE: usize = super::line_splitter::LONGEST;

/// The lines of a log, however its bytes are cut into chunks.
pub fn lines(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut splitter = LineSplitter::default();
    let mut found = Vec::new();
    for chunk in chunks {
        splitter.feed(chunk, |line| found.push(line.to_vec()));
    }
    splitter.finish(|line| found.push(line.to_vec()));
    found
}

/// How far a log was read.
#[derive(Debug, Default)]
pub struct LogPosition(Cursor);

impl LogPosition {
    /// From when a log is asked for after a cut; `None` from its start.
    pub fn since(&self) -> Option<jiff::Timestamp> {
        self.0.since()
    }

    /// The stream was cut, and another begins.
    pub fn reopen(&mut self) {
        self.0.reopen();
    }

    /// Whether the next line is new.
    pub fn takes(&mut self, line: &[u8]) -> bool {
        matches!(self.0.admit(line), Admit::New | Admit::NewAfterGap)
    }
}
