//! The cursor of a log: how far it was read, so that reading can go on after a cut without loss and without duplicates. Pure.
//!
//! The API can only be asked for lines from a second on. What comes then is in the order of the log: everything up to the line that was
//! read last has been seen, whatever its timestamp (lines of two streams may be a little out of order), everything after it is new.

use jiff::{Timestamp, Unit};

/// Hashes kept for lines of one and the same timestamp.
const MAX_TWINS: usize = 65_536;

/// What to do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admit {
    /// It is new.
    New,
    /// It is new, and lines between it and the last seen one may be missing.
    NewAfterGap,
    /// It was seen.
    Seen,
    /// It was seen, and it is the last that was: nothing is missing.
    LastSeen,
}

/// The position after the last line that was read.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// Timestamp of the last line, as it was written.
    stamp: Vec<u8>,
    /// The greatest timestamp, without its zone letter: so compared, bytes order as times do.
    newest: Vec<u8>,
    /// The lines at `stamp`, in order.
    twins: Vec<u64>,
    /// While looking for the last line: how many times it is still to come, and the greatest time.
    looking: Option<(usize, Option<Timestamp>)>,
}

impl Cursor {
    /// Timestamp of the newest line.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        parse(&[&self.newest, b"Z".as_slice()].concat())
    }

    /// From when to ask for lines: the last line's time, down to the second, since the API knows no finer. `None`: from the start.
    pub(super) fn since(&self) -> Option<Timestamp> {
        parse(&self.stamp).map(second_of)
    }

    /// The log is read again from [`Cursor::since`] on.
    pub(super) fn reopen(&mut self) {
        self.looking = self.twins.last().map(|last| {
            let times = self.twins.iter().filter(|twin| *twin == last).count();
            (times, self.newest())
        });
    }

    /// Whether the last seen line has not come again yet.
    pub(super) fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// Judges the next line and moves on.
    pub(super) fn admit(&mut self, line: &[u8]) -> Admit {
        let stamp = &line[..memchr::memchr(b' ', line).unwrap_or(line.len())];
        let hash = hash(line);
        let verdict = match self.looking {
            None => Admit::New,
            Some((times, newest)) => self.look(stamp, hash, times, newest),
        };
        if matches!(verdict, Admit::New | Admit::NewAfterGap) {
            self.advance(stamp, hash);
        }
        verdict
    }

    fn look(&mut self, stamp: &[u8], hash: u64, times: usize, newest: Option<Timestamp>) -> Admit {
        if stamp == self.stamp && self.twins.last() == Some(&hash) {
            self.looking = (times > 1).then_some((times - 1, newest));
            return if self.looking.is_some() {
                Admit::Seen
            } else {
                Admit::LastSeen
            };
        }
        match parse(stamp) {
            Some(at) if Some(at) > newest => {
                self.looking = None;
                Admit::NewAfterGap
            }
            // One without a time goes on with a line that came before.
            Some(_) | None => Admit::Seen,
        }
    }

    fn advance(&mut self, stamp: &[u8], hash: u64) {
        if !stamp.first().is_some_and(u8::is_ascii_digit) {
            return;
        }
        if stamp != self.stamp {
            self.stamp.clear();
            self.stamp.extend_from_slice(stamp);
            self.twins.clear();
        }
        if self.twins.len() < MAX_TWINS {
            self.twins.push(hash);
        }
        let without_zone = stamp.strip_suffix(b"Z").unwrap_or(stamp);
        if without_zone > self.newest.as_slice() {
            self.newest.clear();
            self.newest.extend_from_slice(without_zone);
        }
    }
}

/// The time at the start of a line.
pub(super) fn time_of(line: &[u8]) -> Option<Timestamp> {
    parse(&line[..memchr::memchr(b' ', line).unwrap_or(line.len())])
}

fn parse(stamp: &[u8]) -> Option<Timestamp> {
    std::str::from_utf8(stamp).ok()?.parse().ok()
}

/// The second a time is in.
fn second_of(at: Timestamp) -> Timestamp {
    let floor = jiff::TimestampRound::new()
        .smallest(Unit::Second)
        .mode(jiff::RoundMode::Floor);
    at.round(floor).unwrap_or(at)
}

/// Fast and good enough to tell lines of one timestamp apart: eight bytes a step.
fn hash(line: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(PRIME).rotate_left(29);
    let (words, rest) = line.as_chunks::<8>();
    let hash = words.iter().fold(line.len() as u64, |hash, word| {
        mix(hash, u64::from_le_bytes(*word))
    });
    rest.iter()
        .fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
        .wrapping_mul(PRIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: [&str; 7] = [
        "2026-11-22T09:06:22.9Z before",
        "2026-11-22T09:06:23.5Z a",
        "2026-11-22T09:06:23.5Z b",
        "2026-11-22T09:06:23.5Z a",
        "2026-11-22T09:06:23.5Z c",
        "2026-11-22T09:06:23.51Z d",
        "2026-11-22T09:06:24Z e",
    ];

    fn read(cursor: &mut Cursor, lines: &[&str]) -> Vec<Admit> {
        lines.iter().map(|line| cursor.admit(line.as_bytes())).collect()
    }

    fn is_new(admit: Admit) -> bool {
        matches!(admit, Admit::New | Admit::NewAfterGap)
    }

    #[test]
    fn a_log_that_is_cut_anywhere_is_read_once() {
        for cut in 1..=LOG.len() {
            let mut cursor = Cursor::default();
            assert!(read(&mut cursor, &LOG[..cut]).into_iter().all(is_new));
            let since = cursor.since().unwrap();
            cursor.reopen();
            let resent: Vec<_> = LOG
                .into_iter()
                .filter(|line| time_of(line.as_bytes()).unwrap() >= since)
                .collect();
            let admitted = read(&mut cursor, &resent);
            let new: Vec<_> = resent
                .iter()
                .zip(&admitted)
                .filter(|(_, admit)| is_new(**admit))
                .map(|(line, _)| *line)
                .collect();
            assert_eq!(new, LOG[cut..], "cut after {cut}");
            assert!(
                admitted.contains(&Admit::LastSeen) && !admitted.contains(&Admit::NewAfterGap),
                "cut after {cut}"
            );
        }
    }

    #[test]
    fn it_asks_from_the_start_of_the_second() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.since(), None);
        cursor.admit(b"2026-11-22T09:06:23.999999999Z x");
        assert_eq!(cursor.since(), Some("2026-11-22T09:06:23Z".parse().unwrap()));
        let mut elsewhere = Cursor::default();
        elsewhere.admit(b"2026-11-22T10:06:23.7+01:00 x");
        assert_eq!(elsewhere.since(), Some("2026-11-22T09:06:23Z".parse().unwrap()));
    }

    #[test]
    fn a_last_line_that_does_not_come_again_means_a_gap() {
        let mut cursor = Cursor::default();
        read(&mut cursor, &LOG[..4]);
        cursor.reopen();
        assert_eq!(read(&mut cursor, &LOG[6..]), [Admit::NewAfterGap]);
        assert!(!cursor.is_looking());
    }

    #[test]
    fn lines_out_of_order_are_neither_lost_nor_doubled() {
        let log = [
            "2026-11-22T09:06:23.5Z out",
            "2026-11-22T09:06:23.4Z err",
            "2026-11-22T09:06:23.45Z err",
        ];
        let mut cursor = Cursor::default();
        read(&mut cursor, &log[..2]);
        cursor.reopen();
        assert_eq!(
            read(&mut cursor, &log),
            [Admit::Seen, Admit::LastSeen, Admit::New]
        );
        assert_eq!(cursor.newest(), Some("2026-11-22T09:06:23.5Z".parse().unwrap()));
    }

    #[test]
    fn a_log_of_which_nothing_was_read_starts_from_its_first_line() {
        let mut cursor = Cursor::default();
        cursor.reopen();
        assert_eq!(read(&mut cursor, &LOG[..1]), [Admit::New]);
    }

    #[test]
    fn lines_without_a_time_do_not_move_the_place() {
        let mut cursor = Cursor::default();
        cursor.admit(b"2026-11-22T09:06:23.5Z x");
        assert_eq!(
            cursor.admit(b"unable to retrieve container logs for containerd://abc"),
            Admit::New
        );
        assert_eq!(cursor.since(), Some("2026-11-22T09:06:23Z".parse().unwrap()));
    }

    #[test]
    fn the_rest_of_a_line_that_began_before_the_second_is_not_new() {
        let mut cursor = Cursor::default();
        read(&mut cursor, &LOG[..6]);
        cursor.reopen();
        let resent = ["the rest of a long line", LOG[5], LOG[6]];
        assert_eq!(
            read(&mut cursor, &resent),
            [Admit::Seen, Admit::LastSeen, Admit::New]
        );
    }

    #[test]
    fn a_fraction_with_trailing_zeros_left_out_is_ordered_right() {
        let mut cursor = Cursor::default();
        read(
            &mut cursor,
            &[
                "2026-11-22T09:06:23.5Z x",
                "2026-11-22T09:06:23.51Z x",
                "2026-11-22T09:06:23.5Z x",
            ],
        );
        assert_eq!(cursor.newest(), Some("2026-11-22T09:06:23.51Z".parse().unwrap()));
    }
}
