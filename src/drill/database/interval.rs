//! PostgreSQL's `interval`: months, days and microseconds kept apart.

use std::cmp::Ordering;

use super::error::{SqlError, SqlResult};
use super::numeric::Numeric;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

impl Interval {
    /// The difference of two moments as PostgreSQL gives it: whole days, then the rest.
    pub fn between_micros(micros: i64) -> Self {
        Self {
            months: 0,
            days: i32::try_from(micros / DAY).unwrap_or(i32::MAX),
            micros: micros % DAY,
        }
    }

    /// The interval in microseconds with months of 30 days, for comparisons.
    fn span(self) -> i128 {
        (i128::from(self.months) * 30 + i128::from(self.days)) * i128::from(DAY) + i128::from(self.micros)
    }

    pub fn compare(self, other: Self) -> Ordering {
        self.span().cmp(&other.span())
    }

    /// `extract(epoch from …)`: a year counts as 365.25 days and a month as 30.
    pub fn epoch(self) -> Numeric {
        let years = i128::from(self.months / 12) * 31_557_600 * i128::from(SECOND);
        let months = i128::from(self.months % 12) * 30 * i128::from(DAY);
        let rest = i128::from(self.days) * i128::from(DAY) + i128::from(self.micros);
        Numeric::new(years + months + rest, 6)
    }

    pub fn add(self, other: Self) -> Self {
        Self {
            months: self.months.saturating_add(other.months),
            days: self.days.saturating_add(other.days),
            micros: self.micros.saturating_add(other.micros),
        }
    }

    pub fn negated(self) -> Self {
        Self {
            months: self.months.saturating_neg(),
            days: self.days.saturating_neg(),
            micros: self.micros.saturating_neg(),
        }
    }

    /// Days and microseconds, for adding to a time; an interval with months can't be added here.
    pub fn fixed_micros(self) -> SqlResult<i64> {
        if self.months != 0 {
            return Err(SqlError::unanswered("months or years added to a timestamp"));
        }
        Ok(i64::from(self.days)
            .saturating_mul(DAY)
            .saturating_add(self.micros))
    }

    /// `interval * factor`, fractions of days going into the time.
    pub fn scaled(self, factor: f64) -> Self {
        let days = f64::from(self.days) * factor;
        let months = (f64::from(self.months) * factor).trunc();
        let micros = self.micros as f64 * factor + days.fract() * DAY as f64;
        Self {
            months: months as i32,
            days: days.trunc() as i32,
            micros: micros.round() as i64,
        }
    }

    /// Hours, minutes, whole seconds and microseconds of the time part; each carries the sign.
    pub fn clock(self) -> (i64, i64, i64, i64) {
        let micros = self.micros;
        (
            micros / HOUR,
            micros % HOUR / MINUTE,
            micros % MINUTE / SECOND,
            micros % SECOND,
        )
    }

    /// PostgreSQL's input: `45 min`, `1 day 02:03:04.5`, `2 hours 30 minutes ago`.
    pub fn parse(text: &str) -> SqlResult<Self> {
        let wrong = || {
            SqlError::new(
                "22007",
                format!("invalid input syntax for type interval: \"{text}\""),
            )
        };
        let lower = text.trim().to_ascii_lowercase();
        let (body, ago) = match lower.strip_suffix("ago") {
            Some(body) => (body, true),
            None => (lower.as_str(), false),
        };
        let tokens = tokens(body);
        let mut total = Self::default();
        let mut rest = tokens.as_slice();
        while let Some((first, tail)) = rest.split_first() {
            if first.contains(':') {
                total = total.add(clock_time(first).ok_or_else(wrong)?);
                rest = tail;
            } else {
                let (unit, tail) = tail
                    .split_first()
                    .map_or(("second", tail), |(unit, tail)| (unit.as_str(), tail));
                total = total.add(quantity(first, unit).ok_or_else(wrong)?);
                rest = tail;
            }
        }
        if tokens.is_empty() {
            return Err(wrong());
        }
        Ok(if ago { total.negated() } else { total })
    }
}

/// Numbers, words and clock times, also where nothing separates a number from its unit.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in text.chars() {
        let same = c.is_ascii_alphabetic() == last.is_ascii_alphabetic() && !last.is_whitespace();
        match tokens.last_mut() {
            _ if c.is_whitespace() => {}
            Some(token) if same => token.push(c),
            _ => tokens.push(c.to_string()),
        }
        last = c;
    }
    tokens
}

fn quantity(number: &str, unit: &str) -> Option<Interval> {
    let value: f64 = number.parse().ok()?;
    let one = match unit {
        "us" | "microsecond" | "microseconds" => Interval {
            micros: 1,
            ..Interval::default()
        },
        "ms" | "millisecond" | "milliseconds" => Interval {
            micros: 1_000,
            ..Interval::default()
        },
        "s" | "sec" | "secs" | "second" | "seconds" => Interval {
            micros: SECOND,
            ..Interval::default()
        },
        "m" | "min" | "mins" | "minute" | "minutes" => Interval {
            micros: MINUTE,
            ..Interval::default()
        },
        "h" | "hr" | "hrs" | "hour" | "hours" => Interval {
            micros: HOUR,
            ..Interval::default()
        },
        "d" | "day" | "days" => Interval {
            days: 1,
            ..Interval::default()
        },
        "w" | "week" | "weeks" => Interval {
            days: 7,
            ..Interval::default()
        },
        "mon" | "mons" | "month" | "months" => Interval {
            months: 1,
            ..Interval::default()
        },
        "y" | "year" | "years" => Interval {
            months: 12,
            ..Interval::default()
        },
        _ => return None,
    };
    Some(one.scaled(value))
}

fn clock_time(text: &str) -> Option<Interval> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut parts = text.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().map_or(Ok(0.0), str::parse).ok()?;
    let whole = hours
        .saturating_mul(HOUR)
        .saturating_add(minutes.saturating_mul(MINUTE));
    let micros = whole.saturating_add((seconds * SECOND as f64).round() as i64);
    parts.next().is_none().then_some(Interval {
        micros: micros.saturating_mul(sign),
        ..Interval::default()
    })
}

impl std::fmt::Display for Interval {
    /// `IntervalStyle = postgres`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        for (count, unit) in [
            (self.months / 12, "year"),
            (self.months % 12, "mon"),
            (self.days, "day"),
        ] {
            if count != 0 {
                parts.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
            }
        }
        if self.micros != 0 || parts.is_empty() {
            parts.push(self.clock_text());
        }
        f.write_str(&parts.join(" "))
    }
}

impl Interval {
    fn clock_text(self) -> String {
        let (hours, minutes, seconds, micros) = self.clock();
        let sign = if self.micros < 0 {
            "-"
        } else if self.days < 0 || self.months < 0 {
            "+"
        } else {
            ""
        };
        let fraction = super::value::fraction_text(micros.unsigned_abs());
        format!(
            "{sign}{:02}:{:02}:{:02}{fraction}",
            hours.abs(),
            minutes.abs(),
            seconds.abs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_as_postgres_reads_them() {
        for (text, shown) in [
            ("45 min", "00:45:00"),
            ("45min", "00:45:00"),
            ("1 day 02:03:04.5", "1 day 02:03:04.5"),
            ("2 hours 30 minutes ago", "-02:30:00"),
            ("80 days", "80 days"),
            ("1 year 2 mons -3 days", "1 year 2 mons -3 days"),
            ("90", "00:01:30"),
            ("1.5 days", "1 day 12:00:00"),
            ("-1 day 2 hours", "-1 days +02:00:00"),
        ] {
            let shown_days = Interval::parse(text).unwrap().to_string();
            assert_eq!(shown_days, shown, "{text}");
        }
        assert_eq!(Interval::parse("soon").unwrap_err().code, "22007");
        assert_eq!(Interval::parse("").unwrap_err().code, "22007");
    }

    #[test]
    fn a_difference_of_moments_has_days() {
        let interval = Interval::between_micros(80 * DAY + 7 * MINUTE + 250_000);
        assert_eq!(interval.to_string(), "80 days 00:07:00.25");
        assert_eq!(interval.epoch().to_string(), "6912420.250000");
    }
}
