//! Ages as words that seldom change: an age that ticked every second would redraw cells for nothing.

use jiff::{SignedDuration, Timestamp};

use crate::incident::span;

/// An age: `<10s`, then tens of seconds, then minutes, then as [`span::brief`].
pub(super) fn age(of: SignedDuration) -> String {
    match of.as_secs() {
        ..10 => "<10s".to_owned(),
        seconds @ 10..60 => format!("{}s", seconds / 10 * 10),
        seconds => span::brief(SignedDuration::from_secs(seconds / 60 * 60)),
    }
}

/// How long ago a moment is.
pub(super) fn since(at: Timestamp, now: Timestamp) -> String {
    age(now.duration_since(at))
}

/// A span that is counted up to a second, for what is being waited for or has gone on too long.
pub(super) fn exact(from: Timestamp, to: Timestamp) -> String {
    span::clock(to.duration_since(from).max(SignedDuration::ZERO))
}

/// The time since the start of an incident: `00:14:32`, beyond a day the hours go on.
pub(super) fn incident_clock(of: SignedDuration) -> String {
    let seconds = of.as_secs().max(0);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_change_seldom() {
        let cases = [
            (-3, "<10s"),
            (9, "<10s"),
            (10, "10s"),
            (59, "50s"),
            (61, "1m"),
            (200, "3m"),
            (11_130, "3h05m"),
        ];
        for (seconds, words) in cases {
            assert_eq!(age(SignedDuration::from_secs(seconds)), words);
        }
        assert_eq!(incident_clock(SignedDuration::from_secs(90_061)), "25:01:01");
    }
}
