//! `to_char` of intervals and timestamps, as PostgreSQL does it: days stay out of the hours.

use jiff::civil::Weekday;

use crate::database::error::{SqlError, SqlResult};
use crate::database::interval::Interval;
use crate::database::value::{Value, micros_of};

/// The fields that patterns print.
struct TimeFields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    weekday: Option<&'static str>,
}

fn of_interval(interval: Interval) -> TimeFields {
    let (hour, minute, second, micros) = interval.clock();
    TimeFields {
        year: i64::from(interval.months / 12),
        month: i64::from(interval.months % 12),
        day: i64::from(interval.days),
        hour,
        minute,
        second,
        micros,
        weekday: None,
    }
}

fn of_time(at: jiff::Timestamp) -> TimeFields {
    let civil = at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    TimeFields {
        year: civil.year().into(),
        month: civil.month().into(),
        day: civil.day().into(),
        hour: civil.hour().into(),
        minute: civil.minute().into(),
        second: civil.second().into(),
        micros: micros_of(at).rem_euclid(1_000_000),
        weekday: Some(match civil.date().weekday() {
            Weekday::Monday => "Monday",
            Weekday::Tuesday => "Tuesday",
            Weekday::Wednesday => "Wednesday",
            Weekday::Thursday => "Thursday",
            Weekday::Friday => "Friday",
            Weekday::Saturday => "Saturday",
            Weekday::Sunday => "Sunday",
        }),
    }
}

/// A field with its sign before the zeros: `-01`.
fn padded(value: i64, width: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{:0width$}", value.abs())
}

pub fn format(value: &Value, pattern: &str) -> SqlResult<String> {
    let fields = match value {
        Value::Interval(interval) => of_interval(*interval),
        Value::Time(at) => of_time(*at),
        _ => return Err(SqlError::unanswered("to_char of this type")),
    };
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some((text, tail)) = quoted(rest) {
            out.push_str(text);
            rest = tail;
        } else if let Some((text, tail)) = field(&fields, rest) {
            out.push_str(&text);
            rest = tail;
        } else if first.is_ascii_alphabetic() {
            return Err(SqlError::unanswered(&format!("the to_char pattern \"{rest}\"")));
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(out)
}

fn quoted(rest: &str) -> Option<(&str, &str)> {
    rest.strip_prefix('"')?.split_once('"')
}

fn field<'a>(fields: &TimeFields, rest: &'a str) -> Option<(String, &'a str)> {
    let twelve = match fields.hour % 12 {
        0 => 12,
        hour => hour,
    };
    if let Some(found) = word(fields, rest) {
        return Some(found);
    }
    let known = [
        ("HH24", fields.hour, 2),
        ("HH12", twelve, 2),
        ("HH", twelve, 2),
        ("MI", fields.minute, 2),
        ("SS", fields.second, 2),
        ("MS", fields.micros / 1000, 3),
        ("US", fields.micros, 6),
        ("YYYY", fields.year, 4),
        ("MM", fields.month, 2),
        ("DD", fields.day, 2),
    ];
    known.into_iter().find_map(|(name, value, width)| {
        let head = rest.get(..name.len())?;
        head.eq_ignore_ascii_case(name)
            .then(|| (padded(value, width), &rest[name.len()..]))
    })
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Names of months and days, and the half of the day.
fn word<'a>(fields: &TimeFields, rest: &'a str) -> Option<(String, &'a str)> {
    let half = if fields.hour < 12 { "AM" } else { "PM" };
    let month = usize::try_from(fields.month - 1)
        .ok()
        .and_then(|place| MONTHS.get(place));
    let known = [
        ("AM", Some(half.to_owned())),
        ("PM", Some(half.to_owned())),
        ("Month", month.map(|name| format!("{name:9}"))),
        ("Mon", month.map(|name| name[..3].to_owned())),
        ("Day", fields.weekday.map(|name| format!("{name:9}"))),
        ("Dy", fields.weekday.map(|name| name[..3].to_owned())),
    ];
    known
        .into_iter()
        .find_map(|(name, text)| Some((text?, rest.strip_prefix(name)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(interval: &str, pattern: &str) -> String {
        format(&Value::Interval(Interval::parse(interval).unwrap()), pattern).unwrap()
    }

    #[test]
    fn intervals_lose_their_days_and_keep_their_sign() {
        assert_eq!(shown("80 days", "HH24:MI"), "00:00");
        assert_eq!(shown("2 days 00:10", "HH24:MI"), "00:10");
        assert_eq!(shown("00:45:59", "HH24:MI"), "00:45");
        assert_eq!(shown("-20 seconds", "HH24:MI"), "00:00");
        assert_eq!(shown("-65 min", "HH24:MI"), "-01:-05");
        assert_eq!(
            shown("3 days 04:05:06.007", "DD \"d\" HH24:MI:SS.MS"),
            "03 d 04:05:06.007"
        );
    }

    #[test]
    fn a_pattern_it_does_not_know_is_refused() {
        let error = format(&Value::Interval(Interval::default()), "J").unwrap_err();
        assert_eq!(error.code, "0A000");
    }
}
