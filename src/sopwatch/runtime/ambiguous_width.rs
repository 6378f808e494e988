//! Whether the terminal draws characters of ambiguous width, such as those of borders, two columns wide. The terminal is asked: it draws one
//! and says where its cursor is. Only terminals of East Asian locales do it, so only those are asked.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::read;
use rustix::stdio::stdin;

use crate::config;

/// A border's line, drawn in the first column, and the question where the cursor is after it.
const QUESTION: &[u8] = "\r─\x1b[6n".as_bytes();

/// How long the answer may take: the way to the terminal and back. One that comes later changes nothing.
const PATIENCE: Duration = Duration::from_millis(300);

/// The longest answer, bytes.
const LONGEST: usize = 64;

/// Whether the terminal is to be asked.
#[expect(
    clippy::disallowed_methods,
    reason = "the terminal is asked by a control sequence of our own"
)]
pub fn may_be_wide(variables: &BTreeMap<String, String>) -> bool {
    let east_asian = |locale: &str| {
        ["ja", "ko", "zh"]
            .iter()
            .any(|language| locale.starts_with(language))
    };
    config::locale(variables).is_some_and(|(_, locale)| east_asian(locale))
        && io::stdout().is_terminal()
        && io::stdin().is_terminal()
}

/// Asks the terminal. One that does not answer draws as others do.
pub fn is_wide() -> bool {
    if enable_raw_mode().is_err() {
        return false;
    }
    let column = ask().ok().flatten();
    let _ = disable_raw_mode();
    column.is_some_and(|column| column > 2)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the terminal is asked by a control sequence of our own"
)]
fn ask() -> io::Result<Option<u16>> {
    let mut out = io::stdout();
    out.write_all(QUESTION)?;
    out.flush()?;
    let deadline = Instant::now() + PATIENCE;
    let mut answer = Vec::new();
    while answer.len() < LONGEST && column_of(&answer).is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut waited = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
        if poll(&mut waited, Some(&left))? == 0 {
            break;
        }
        let mut buffer = [0; LONGEST];
        let count = read(stdin(), &mut buffer)?;
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..count]);
    }
    // What was drawn is taken back.
    out.write_all(b"\r\x1b[K")?;
    out.flush()?;
    Ok(column_of(&answer))
}

/// The column in `ESC [ row ; column R`; keys that were typed meanwhile may surround it.
fn column_of(answer: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(answer);
    text.match_indices("\x1b[").find_map(|(start, lead)| {
        let (place, _) = text[start + lead.len()..].split_once('R')?;
        let (row, column) = place.split_once(';')?;
        row.parse::<u16>().ok().and(column.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_is_found_among_keys() {
        let cases: [(&[u8], Option<u16>); 6] = [
            (b"\x1b[1;2R", Some(2)),
            (b"\x1b[24;3R", Some(3)),
            (b"q\x1b[A\x1b[1;3Rq", Some(3)),
            (b"\x1b[1;3", None),
            (b"qqq", None),
            (b"", None),
        ];
        for (answer, column) in cases {
            assert_eq!(column_of(answer), column, "{answer:?}");
        }
    }
}
