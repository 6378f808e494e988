//! Ages as words that seldom change: an age that ticked every second would redraw cells for nothing.

use jiff::{SignedDuration, Timestamp};

use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

/// An age: `<10s`, then tens of seconds, then minutes, then as [`duration::brief`].
pub(crate) fn age(of: SignedDuration) -> SafeText {
    match of.as_secs() {
        ..10 => "<10s".into(),
        seconds @ 10..60 => safe!("{}s", seconds / 10 * 10),
        seconds => duration::brief(SignedDuration::from_secs(seconds / 60 * 60)).into(),
    }
}

/// The age of an object with the units of `kubectl`'s AGE column, so that the two can be compared: `50s`, `110s`, `3m20s`, `120m`,
/// `3h5m`, `47h`, `7d4h`, `80d`. Seconds are told in tens.
pub(crate) fn of_object(of: SignedDuration) -> SafeText {
    let seconds = of.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let with_rest = |whole: i64, unit: char, rest: i64, of: char| match rest {
        0 => safe!("{whole}{unit}"),
        _ => safe!("{whole}{unit}{rest}{of}"),
    };
    match seconds {
        ..10 => "<10s".into(),
        10..120 => safe!("{}s", seconds / 10 * 10),
        120..600 => with_rest(minutes, 'm', seconds % 60 / 10 * 10, 's'),
        600..10_800 => safe!("{minutes}m"),
        10_800..28_800 => with_rest(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => safe!("{hours}h"),
        172_800..691_200 => with_rest(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => safe!("{days}d"),
        _ => with_rest(days / 365, 'y', days % 365, 'd'),
    }
}

/// How long ago a moment is.
pub(crate) fn since(at: Timestamp, now: Timestamp) -> SafeText {
    age(now.duration_since(at))
}

/// The time since the start of an incident, to the second: `14m32s`, `1h05m09s`; beyond a day the hours go on.
pub(crate) fn incident_clock(of: SignedDuration) -> SafeText {
    let seconds = of.as_secs().max(0);
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => safe!("{rest}s"),
        (0, _) => safe!("{minutes}m{rest:02}s"),
        _ => safe!("{hours}h{minutes:02}m{rest:02}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_s_age_has_the_units_of_kubectl() {
        const HOUR: i64 = 3_600;
        const DAY: i64 = 24 * HOUR;
        let cases = [
            (-3, "<10s"),
            (59, "50s"),
            (119, "110s"),
            (120, "2m"),
            (207, "3m20s"),
            (600, "10m"),
            (2 * HOUR, "120m"),
            (3 * HOUR, "3h"),
            (3 * HOUR + 300, "3h5m"),
            (47 * HOUR + 300, "47h"),
            (2 * DAY, "2d"),
            (7 * DAY + 4 * HOUR, "7d4h"),
            (80 * DAY, "80d"),
            (2 * 365 * DAY + 3 * DAY, "2y3d"),
        ];
        for (seconds, words) in cases {
            assert_eq!(of_object(SignedDuration::from_secs(seconds)), words);
        }
    }

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
        assert_eq!(incident_clock(SignedDuration::from_secs(90_061)), "25h01m01s");
    }
}
