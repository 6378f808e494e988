//! Lines of a log in memory: a kubelet has them on disk, and hours of them must not fill this process.
//!
//! The newest lines are kept as they are, for those who follow. Older ones are compressed in blocks.

use std::collections::VecDeque;

use jiff::Timestamp;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec;

use super::logs::LogLine;

/// Lines of one block.
const BLOCK: usize = 1_000;

/// Bytes of lines that one block has at most, but for its last line.
const BLOCK_BYTES: usize = 256 * 1024;

/// How hard the compressor tries, from 0 to 10: log lines repeat themselves, and most of it is won at once.
const LEVEL: u8 = 2;

/// Compressed lines.
#[derive(Debug)]
struct Block {
    lines: usize,
    /// Pieces into which the runtime cut them.
    pieces: usize,
    packed: Vec<u8>,
}

/// Lines in the order of writing.
#[derive(Debug, Default)]
pub(super) struct PackedLines {
    blocks: VecDeque<Block>,
    /// Lines in the blocks.
    in_blocks: usize,
    newest: VecDeque<LogLine>,
    newest_bytes: usize,
}

impl PackedLines {
    pub(super) fn len(&self) -> usize {
        self.in_blocks + self.newest.len()
    }

    pub(super) fn push(&mut self, line: LogLine) {
        self.newest_bytes += line.bytes.len();
        self.newest.push_back(line);
        // One block's lines stay as they are: most readers are at the end.
        if self.newest.len() >= 2 * BLOCK || self.newest_bytes >= 2 * BLOCK_BYTES {
            self.pack_half();
        }
    }

    fn pack_half(&mut self) {
        let count = (self.newest.len() / 2).max(1);
        let lines: Vec<LogLine> = self.newest.drain(..count).collect();
        self.newest_bytes -= lines.iter().map(|line| line.bytes.len()).sum::<usize>();
        let mut plain = Vec::new();
        for line in &lines {
            plain.extend_from_slice(&line.at.as_nanosecond().to_le_bytes());
            plain.extend_from_slice(&(line.bytes.len() as u64).to_le_bytes());
            plain.extend_from_slice(&line.bytes);
        }
        self.in_blocks += lines.len();
        self.blocks.push_back(Block {
            lines: lines.len(),
            pieces: lines.iter().map(LogLine::pieces).sum(),
            packed: compress_to_vec(&plain, LEVEL),
        });
    }

    /// Lines from a place on, so many at most.
    pub(super) fn read(&self, from: usize, limit: usize) -> Vec<LogLine> {
        let mut found = Vec::new();
        let mut first = 0;
        for block in &self.blocks {
            let end = first + block.lines;
            if found.len() >= limit {
                return found;
            }
            if from < end {
                let skip = from.saturating_sub(first);
                let room = limit - found.len();
                found.extend(block.unpacked().into_iter().skip(skip).take(room));
            }
            first = end;
        }
        let skip = from.saturating_sub(first);
        let room = limit - found.len();
        found.extend(self.newest.iter().skip(skip).take(room).cloned());
        found
    }

    /// The place of the line with which the last `count` pieces begin, and which piece of it that is.
    pub(super) fn tail(&self, count: usize) -> (usize, usize) {
        let mut back = Back {
            place: self.len(),
            missing: count,
        };
        if let Some(found) = back.over(self.newest.iter().rev()) {
            return found;
        }
        for block in self.blocks.iter().rev() {
            if block.pieces <= back.missing {
                back.place -= block.lines;
                back.missing -= block.pieces;
            } else if let Some(found) = back.over(block.unpacked().iter().rev()) {
                return found;
            }
        }
        (0, 0)
    }
}

/// A way back over lines, until so many pieces are passed.
struct Back {
    place: usize,
    missing: usize,
}

impl Back {
    /// Goes over lines from the newest; where it ends, if it ends among them.
    fn over<'a>(&mut self, lines: impl Iterator<Item = &'a LogLine>) -> Option<(usize, usize)> {
        for pieces in lines.map(LogLine::pieces) {
            if self.missing == 0 {
                return Some((self.place, 0));
            }
            self.place -= 1;
            if pieces > self.missing {
                return Some((self.place, pieces - self.missing));
            }
            self.missing -= pieces;
        }
        None
    }
}

impl Block {
    fn unpacked(&self) -> Vec<LogLine> {
        // What was packed here can be unpacked.
        let plain = decompress_to_vec(&self.packed).unwrap_or_default();
        let mut lines = Vec::with_capacity(self.lines);
        let mut rest = &plain[..];
        while let Some((line, after)) = next_line(rest) {
            lines.push(line);
            rest = after;
        }
        lines
    }
}

/// The first line of unpacked bytes, and the rest.
fn next_line(bytes: &[u8]) -> Option<(LogLine, &[u8])> {
    let (at, rest) = bytes.split_first_chunk::<16>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (line, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
    let line = LogLine {
        at: Timestamp::from_nanosecond(i128::from_le_bytes(*at)).ok()?,
        bytes: line.into(),
    };
    Some((line, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::logs::PIECE;

    fn lines(count: usize) -> Vec<LogLine> {
        let line = |number: usize| LogLine {
            at: Timestamp::from_nanosecond(1_600_000_000_000_000_000 + number as i128).unwrap(),
            bytes: format!("line {number} of a log that says the same again and again")
                .into_bytes()
                .into(),
        };
        (0..count).map(line).collect()
    }

    #[test]
    fn packed_lines_are_read_from_any_place_as_they_were_written() {
        let written = lines(5 * BLOCK + 17);
        let mut packed = PackedLines::default();
        for line in &written {
            packed.push(line.clone());
        }
        assert_eq!(packed.len(), written.len());
        assert!(packed.blocks.len() >= 3, "{}", packed.blocks.len());
        for from in [
            0,
            1,
            BLOCK - 1,
            BLOCK,
            3 * BLOCK + 5,
            written.len() - 1,
            written.len(),
        ] {
            for limit in [0, 1, BLOCK, 2 * BLOCK + 3, written.len()] {
                let end = (from + limit).min(written.len());
                assert_eq!(packed.read(from, limit), written[from..end], "{from} {limit}");
            }
        }
        let bytes: usize = packed.blocks.iter().map(|block| block.packed.len()).sum();
        assert!(bytes * 4 < 5 * BLOCK * 50, "{bytes}");
    }

    #[test]
    fn a_tail_goes_back_over_blocks_piece_by_piece() {
        let mut written = lines(4 * BLOCK);
        written[10].bytes = vec![b'x'; 3 * PIECE].into();
        let mut packed = PackedLines::default();
        let pieces: usize = written.iter().map(LogLine::pieces).sum();
        for line in &written {
            packed.push(line.clone());
        }
        assert_eq!(packed.tail(0), (written.len(), 0));
        assert_eq!(packed.tail(BLOCK), (3 * BLOCK, 0));
        assert_eq!(packed.tail(pieces - 10), (10, 0));
        assert_eq!(packed.tail(pieces - 11), (10, 1));
        assert_eq!(packed.tail(pieces - 12), (10, 2));
        assert_eq!(packed.tail(pieces + 5), (0, 0));
    }
}
