//! Spans of time as people read them.

use std::time::Duration;

use jiff::SignedDuration;

/// The longest span of a profile that is reckoned with, so that sums stay in range.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// A span of a profile, to reckon with: a year at most.
pub fn of(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span.min(LONGEST)).unwrap_or(SignedDuration::ZERO)
}

/// A span as a clock: `07:12`, `1:07:12`, from a day on `2d 00:10`. Never wraps.
pub fn clock(span: SignedDuration) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let seconds = span.as_secs().unsigned_abs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{sign}{minutes:02}:{:02}", seconds % 60),
        (0, _) => format!("{sign}{hours}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("{sign}{days}d {hours:02}:{minutes:02}"),
    }
}

/// A span as a clock that keeps its seconds beyond a day: `2d 00:10:07`.
pub fn full_clock(span: SignedDuration) -> String {
    let seconds = span.as_secs().unsigned_abs();
    if seconds < 86_400 {
        return clock(span);
    }
    format!("{}:{:02}", clock(span), seconds % 60)
}

/// A span in its largest units, two at most: `2s`, `1m32s`, `3h05m`, `80d`.
pub fn brief(span: SignedDuration) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let seconds = span.as_secs().unsigned_abs();
    let text = match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 if (seconds / 60).is_multiple_of(60) => format!("{}h", seconds / 3_600),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        86_400..864_000 if !(seconds / 3_600).is_multiple_of(24) => {
            format!("{}d{}h", seconds / 86_400, seconds / 3_600 % 24)
        }
        _ => format!("{}d", seconds / 86_400),
    };
    format!("{sign}{text}")
}

/// A span to the second, for who compares it with a log: `12s`, `7m 11s`, `2d 0h 10m 0s`.
pub fn exact(span: SignedDuration) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let seconds = span.as_secs().unsigned_abs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let rest = seconds % 60;
    match seconds {
        0..60 => format!("{sign}{rest}s"),
        60..3_600 => format!("{sign}{minutes}m {rest}s"),
        3_600..86_400 => format!("{sign}{hours}h {minutes}m {rest}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_span_keeps_every_second() {
        let cases = [
            (0, "0s"),
            (59, "59s"),
            (431, "7m 11s"),
            (2_701, "45m 1s"),
            (3_600, "1h 0m 0s"),
            (173_400, "2d 0h 10m 0s"),
            (-61, "-1m 1s"),
        ];
        for (seconds, words) in cases {
            assert_eq!(exact(SignedDuration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn spans_read_as_people_say_them() {
        let cases = [
            (0, "00:00", "0s"),
            (92, "01:32", "1m32s"),
            (180, "03:00", "3m"),
            (2_701, "45:01", "45m01s"),
            (11_100, "3:05:00", "3h05m"),
            (173_400, "2d 00:10", "2d"),
            (80 * 86_400, "80d 00:00", "80d"),
            (-65, "-01:05", "-1m05s"),
        ];
        for (seconds, as_clock, as_brief) in cases {
            let span = SignedDuration::from_secs(seconds);
            assert_eq!(
                (clock(span).as_str(), brief(span).as_str()),
                (as_clock, as_brief),
                "{seconds} s"
            );
        }
    }

    #[test]
    fn what_is_handed_on_is_told_to_the_second() {
        let exact = |seconds| full_clock(SignedDuration::from_secs(seconds));
        assert_eq!(
            [92, 11_100, 173_407, -173_407].map(exact),
            ["01:32", "3:05:00", "2d 00:10:07", "-2d 00:10:07"]
        );
    }
}
