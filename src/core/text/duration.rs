//! Spans of time as people read them: one way everywhere, `7m19s`, `2d 0h`. A clock's `07:19` is a time of day.

use std::time::Duration;

use jiff::SignedDuration;

/// The longest span of a profile that is reckoned with, so that sums stay in range.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// A span of a profile, to reckon with: a year at most.
pub fn of(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span.min(LONGEST)).unwrap_or(SignedDuration::ZERO)
}

/// A span in its largest units, two at most: `2s`, `7m19s`, `45m`, `3h05m`, `2d 0h`, from ten days on `80d`.
pub fn brief(span: SignedDuration) -> String {
    let Parts {
        sign,
        days,
        hours,
        minutes,
        seconds,
    } = Parts::of(span);
    match (days, hours, minutes, seconds) {
        (0, 0, 0, _) => format!("{sign}{seconds}s"),
        (0, 0, _, 0) => format!("{sign}{minutes}m"),
        (0, 0, ..) => format!("{sign}{minutes}m{seconds:02}s"),
        (0, _, 0, _) => format!("{sign}{hours}h"),
        (0, ..) => format!("{sign}{hours}h{minutes:02}m"),
        (1..10, ..) => format!("{sign}{days}d {hours}h"),
        _ => format!("{sign}{days}d"),
    }
}

/// An age that a database told, in seconds, as [`brief`]: `7m19s`. A time that is yet to come has none: `1h04m ahead`.
pub fn age(seconds: i64) -> String {
    told(seconds, brief)
}

/// The same as [`exact`].
pub fn exact_age(seconds: i64) -> String {
    told(seconds, exact)
}

fn told(seconds: i64, words: fn(SignedDuration) -> String) -> String {
    let span = words(SignedDuration::from_secs(seconds.saturating_abs()));
    if seconds < 0 {
        format!("{span} ahead")
    } else {
        span
    }
}

/// A span to the second, for comparing it with a log or a row: `12s`, `7m11s`, `1h00m07s`, `2d 0h10m07s`.
pub fn exact(span: SignedDuration) -> String {
    let Parts {
        sign,
        days,
        hours,
        minutes,
        seconds,
    } = Parts::of(span);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{seconds}s"),
        (0, 0, _) => format!("{sign}{minutes}m{seconds:02}s"),
        (0, ..) => format!("{sign}{hours}h{minutes:02}m{seconds:02}s"),
        _ => format!("{sign}{days}d {hours}h{minutes:02}m{seconds:02}s"),
    }
}

/// A span, split.
struct Parts {
    sign: &'static str,
    days: u64,
    hours: u64,
    minutes: u64,
    seconds: u64,
}

impl Parts {
    fn of(span: SignedDuration) -> Self {
        let seconds = span.as_secs().unsigned_abs();
        Self {
            sign: if span.is_negative() && seconds > 0 {
                "-"
            } else {
                ""
            },
            days: seconds / 86_400,
            hours: seconds / 3_600 % 24,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_yet_to_come_has_no_age() {
        for (seconds, in_brief, to_the_second) in [
            (0, "0s", "0s"),
            (439, "7m19s", "7m19s"),
            (-3_840, "1h04m ahead", "1h04m00s ahead"),
            (
                i64::MIN,
                "106751991167300d ahead",
                "106751991167300d 15h30m07s ahead",
            ),
        ] {
            assert_eq!(
                (age(seconds).as_str(), exact_age(seconds).as_str()),
                (in_brief, to_the_second)
            );
        }
    }

    #[test]
    fn every_span_is_written_one_way_and_to_the_second_where_that_is_asked() {
        let cases = [
            (0, "0s", "0s"),
            (59, "59s", "59s"),
            (92, "1m32s", "1m32s"),
            (180, "3m", "3m00s"),
            (365, "6m05s", "6m05s"),
            (2_701, "45m01s", "45m01s"),
            (3_600, "1h", "1h00m00s"),
            (11_100, "3h05m", "3h05m00s"),
            (86_399, "23h59m", "23h59m59s"),
            (86_400, "1d 0h", "1d 0h00m00s"),
            (173_407, "2d 0h", "2d 0h10m07s"),
            (863_999, "9d 23h", "9d 23h59m59s"),
            (80 * 86_400, "80d", "80d 0h00m00s"),
            (-65, "-1m05s", "-1m05s"),
            (-173_400, "-2d 0h", "-2d 0h10m00s"),
        ];
        for (seconds, in_brief, to_the_second) in cases {
            let span = SignedDuration::from_secs(seconds);
            assert_eq!(
                (brief(span).as_str(), exact(span).as_str()),
                (in_brief, to_the_second),
                "{seconds} s"
            );
        }
    }
}
