//! A moment as an operator types it: a time of day, or how long ago.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// What can be typed.
pub(crate) const FORMS: &str = "13:05, 13:05:10 (UTC), 10m (ago) or 2021-01-15T13:05:00Z";

/// The moment that a text names. A time of day is the last such time before `now`, in UTC as the log shows it.
pub(crate) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Some(time) = time_of_day(text) {
        let today = now.to_zoned(TimeZone::UTC).date();
        let days = [Some(today), today.yesterday().ok()];
        let moments = days.into_iter().flatten();
        let moments = moments.filter_map(|day| day.to_datetime(time).to_zoned(TimeZone::UTC).ok());
        // A clock that is a little behind is no reason to go a day back.
        let latest = now.saturating_add(SignedDuration::from_mins(5)).unwrap_or(now);
        let found = moments.map(|at| at.timestamp()).find(|at| *at <= latest);
        return found.ok_or_else(|| format!("no such time: {FORMS}"));
    }
    let ago = text.trim_start_matches('-').trim_end_matches("ago").trim();
    match ago.parse::<SignedDuration>() {
        Ok(ago) if !text.is_empty() => now
            .checked_sub(ago.abs())
            .map_err(|_too_long| "that is too long ago".to_owned()),
        _ => Err(format!("a time is {FORMS}")),
    }
}

/// `13:05` or `13:05:10`.
fn time_of_day(text: &str) -> Option<Time> {
    let parts: Vec<i8> = text
        .split(':')
        .map(|part| part.parse().ok().filter(|_| part.len() <= 2))
        .collect::<Option<_>>()?;
    match parts[..] {
        [hour, minute] => Time::new(hour, minute, 0, 0).ok(),
        [hour, minute, second] => Time::new(hour, minute, second, 0).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_of_day_an_age_or_a_whole_time() {
        let now: Timestamp = "2021-01-15T13:20:00Z".parse().unwrap();
        let cases = [
            ("13:05", Some("2021-01-15T13:05:00Z")),
            (" 13:05:10 ", Some("2021-01-15T13:05:10Z")),
            // the last one there was
            ("23:00", Some("2021-01-14T23:00:00Z")),
            ("13:24", Some("2021-01-15T13:24:00Z")),
            ("13:26", Some("2021-01-14T13:26:00Z")),
            ("10m", Some("2021-01-15T13:10:00Z")),
            ("-10m", Some("2021-01-15T13:10:00Z")),
            ("1h 5m ago", Some("2021-01-15T12:15:00Z")),
            ("2021-01-15T12:00:00Z", Some("2021-01-15T12:00:00Z")),
            ("25:00", None),
            ("13:05:10:1", None),
            ("soon", None),
            ("", None),
        ];
        for (typed, want) in cases {
            let found = moment(typed, now).ok().map(|at| at.to_string());
            assert_eq!(found.as_deref(), want, "{typed}");
        }
    }
}
