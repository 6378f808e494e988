//! The splitter of bytes into lines. It copies nothing for a line that lies within one chunk.

use memchr::memchr;

/// The longest line that is kept; of a longer one the rest is counted.
pub(super) const LONGEST: usize = 64 * 1024;

/// The line that a chunk left unfinished.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    partial: Vec<u8>,
    cut: usize,
}

impl LineSplitter {
    /// Takes in a chunk and gives each line that it completes, without the newline.
    pub(super) fn feed(&mut self, chunk: &[u8], mut line: impl FnMut(&[u8])) {
        let mut rest = chunk;
        while let Some(end) = memchr(b'\n', rest) {
            let (found, after) = (&rest[..end], &rest[end + 1..]);
            if self.partial.is_empty() && found.len() <= LONGEST {
                line(found);
            } else {
                self.keep(found);
                self.finish(&mut line);
            }
            rest = after;
        }
        self.keep(rest);
    }

    /// Gives the unfinished line, if there is one: right only where the log itself has ended.
    pub(super) fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if self.partial.is_empty() {
            return;
        }
        if self.cut > 0 {
            self.partial
                .extend_from_slice(format!(" … {} bytes cut", self.cut).as_bytes());
        }
        line(&self.partial);
        self.forget();
    }

    /// The unfinished line as far as it came; empty if there is none.
    pub(super) fn unfinished(&self) -> &[u8] {
        &self.partial
    }

    /// Drops the unfinished line: it will be read again.
    pub(super) fn forget(&mut self) {
        self.partial.clear();
        self.partial.shrink_to(LONGEST / 16);
        self.cut = 0;
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST - self.partial.len().min(LONGEST);
        let (kept, cut) = bytes.split_at(bytes.len().min(room));
        self.partial.extend_from_slice(kept);
        self.cut += cut.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = LineSplitter::default();
        let mut found = Vec::new();
        let mut take = |line: &[u8]| found.push(String::from_utf8_lossy(line).into_owned());
        for chunk in chunks {
            lines.feed(chunk, &mut take);
        }
        lines.finish(&mut take);
        found
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let text = b"one\n\ntwo \xff\r\nthree\nlast";
        let whole = lines_of(&[text]);
        assert_eq!(whole, ["one", "", "two \u{fffd}\r", "three", "last"]);
        for at in 0..text.len() {
            assert_eq!(lines_of(&[&text[..at], &text[at..]]), whole, "cut at {at}");
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_says_by_how_much() {
        let long = vec![b'x'; LONGEST + 1_000];
        let found = lines_of(&[&long, &long, b"\nnext\n"]);
        assert_eq!(found.len(), 2);
        assert!(
            found[0].ends_with(&format!(" … {} bytes cut", LONGEST + 2_000)),
            "{}",
            &found[0][LONGEST..]
        );
        assert_eq!(found[1], "next");
    }

    #[test]
    fn a_long_line_in_one_chunk_is_cut_too() {
        let mut chunk = vec![b'x'; LONGEST + 7];
        chunk.push(b'\n');
        assert!(lines_of(&[&chunk])[0].ends_with(" … 7 bytes cut"));
    }

    #[test]
    fn what_is_forgotten_does_not_come_back() {
        let mut lines = LineSplitter::default();
        lines.feed(b"half a li", |_| unreachable!());
        lines.forget();
        let mut found = Vec::new();
        lines.feed(b"half a line\n", |line| found.push(line.to_vec()));
        assert_eq!(found, [b"half a line".to_vec()]);
    }
}
