//! The built-in functions with fixed types that return NULL for a NULL argument.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::database::catalogue::{constraint_definition, index_definition, role, type_name};
use crate::database::error::{SqlError, SqlResult};
use crate::database::interval::Interval;
use crate::database::value::{Type, Value, micros_of, time_of};

/// A function with its argument types.
pub struct Builtin {
    pub name: &'static str,
    pub takes: &'static [Type],
    pub gives: Type,
    pub run: fn(&[Value]) -> SqlResult<Value>,
}

macro_rules! builtins {
    ($($name:literal ($($takes:ident),*) -> $gives:ident = $run:expr;)*) => {
        &[$(Builtin { name: $name, takes: &[$(Type::$takes),*], gives: Type::$gives, run: $run }),*]
    };
}

pub static BUILTINS: &[Builtin] = builtins! {
    "age" (Timestamptz, Timestamptz) -> Interval = |v| match v {
        [Value::Time(a), Value::Time(b)] => Ok(Value::Interval(age(civil(*a), civil(*b)))),
        _ => Ok(Value::Null),
    };
    "array_to_string" (TextArray, Text) -> Text = |v| match v {
        [Value::Array(items), Value::Text(between)] => {
            let items: Vec<String> = items.iter().filter_map(Value::text).collect();
            Ok(Value::Text(items.join(between)))
        }
        _ => Ok(Value::Null),
    };
    "format_type" (Int8, Int4) -> Text = |v| match v {
        [Value::Int(oid), Value::Int(modifier)] => Ok(Value::Text(type_name(*oid, *modifier))),
        _ => Ok(Value::Null),
    };
    "pg_encoding_to_char" (Int4) -> Text = |_| Ok(Value::Text("UTF8".to_owned()));
    "pg_get_constraintdef" (Int8, Bool) -> Text = |v| Ok(definition(v, constraint_definition));
    "pg_get_expr" (Text, Int8, Bool) -> Text = |v| Ok(v.first().cloned().unwrap_or(Value::Null));
    "pg_get_indexdef" (Int8, Int4, Bool) -> Text = |v| Ok(definition(v, index_definition));
    "pg_get_userbyid" (Int8) -> Text = |v| Ok(definition(v, |oid| Some(role(oid))));
    "pg_table_is_visible" (Int8) -> Bool = |_| Ok(Value::Bool(true));
    "btrim" (Text) -> Text = |v| Ok(text(v, |text| text.trim_matches(' ').to_owned()));
    "ltrim" (Text) -> Text = |v| Ok(text(v, |text| text.trim_start_matches(' ').to_owned()));
    "rtrim" (Text) -> Text = |v| Ok(text(v, |text| text.trim_end_matches(' ').to_owned()));
    "date_trunc" (Text, Timestamptz) -> Timestamptz = |v| match v {
        [Value::Text(unit), Value::Time(at)] => Ok(Value::Time(truncated(unit, *at)?)),
        _ => Ok(Value::Null),
    };
    "date_trunc" (Text, Interval) -> Interval = |v| match v {
        [Value::Text(unit), Value::Interval(span)] => Ok(Value::Interval(truncated_span(unit, *span)?)),
        _ => Ok(Value::Null),
    };
    "initcap" (Text) -> Text = |v| Ok(text(v, capitalized));
    "isfinite" (Timestamptz) -> Bool = |v| match v {
        // No table of the drill holds an infinite time.
        [Value::Time(_)] => Ok(Value::Bool(true)),
        _ => Ok(Value::Null),
    };
    "justify_days" (Interval) -> Interval = |v| Ok(span(v, justified_days));
    "justify_hours" (Interval) -> Interval = |v| Ok(span(v, justified_hours));
    "justify_interval" (Interval) -> Interval = |v| Ok(span(v, |span| justified_days(justified_hours(span))));
    "replace" (Text, Text, Text) -> Text = |v| match v {
        [Value::Text(text), Value::Text(from), Value::Text(to)] if !from.is_empty() => {
            Ok(Value::Text(text.replace(from.as_str(), to)))
        }
        [text, ..] => Ok(text.clone()),
        [] => Ok(Value::Null),
    };
    "reverse" (Text) -> Text = |v| Ok(text(v, |text| text.chars().rev().collect()));
    "split_part" (Text, Text, Int4) -> Text = |v| match v {
        [Value::Text(text), Value::Text(by), Value::Int(place)] => part(text, by, *place).map(Value::Text),
        _ => Ok(Value::Null),
    };
    "strpos" (Text, Text) -> Int4 = |v| match v {
        [Value::Text(text), Value::Text(part)] => {
            let before = text.find(part.as_str()).map(|at| text[..at].chars().count() + 1);
            Ok(Value::Int(before.unwrap_or(0) as i64))
        }
        _ => Ok(Value::Null),
    };
    "substr" (Text, Int4) -> Text = |v| match v {
        [Value::Text(text), Value::Int(from)] => Ok(Value::Text(piece(text, *from, i64::MAX))),
        _ => Ok(Value::Null),
    };
    "substr" (Text, Int4, Int4) -> Text = substring;
    "substring" (Text, Int4, Int4) -> Text = substring;
    "to_timestamp" (Float8) -> Timestamptz = |v| match v {
        [Value::Float(seconds)] => Ok(Value::Time(time_of((seconds * 1e6).round_ties_even() as i64)?)),
        _ => Ok(Value::Null),
    };
};

/// The definition of an object of the catalogue, by its oid.
fn definition(values: &[Value], of: impl Fn(i64) -> Option<String>) -> Value {
    match values {
        [Value::Int(oid), ..] => of(*oid).map_or(Value::Null, Value::Text),
        _ => Value::Null,
    }
}

fn text(values: &[Value], change: impl Fn(&str) -> String) -> Value {
    match values {
        [Value::Text(text)] => Value::Text(change(text)),
        _ => Value::Null,
    }
}

fn span(values: &[Value], change: impl Fn(Interval) -> Interval) -> Value {
    match values {
        [Value::Interval(span)] => Value::Interval(change(*span)),
        _ => Value::Null,
    }
}

fn substring(values: &[Value]) -> SqlResult<Value> {
    match values {
        [Value::Text(_), _, Value::Int(length)] if *length < 0 => {
            Err(SqlError::new("22011", "negative substring length not allowed"))
        }
        [Value::Text(text), Value::Int(from), Value::Int(length)] => {
            Ok(Value::Text(piece(text, *from, from.saturating_add(*length))))
        }
        _ => Ok(Value::Null),
    }
}

/// The characters from one position to before another, counted from 1.
fn piece(text: &str, from: i64, to: i64) -> String {
    let numbered = (1_i64..).zip(text.chars());
    numbered
        .filter(|(place, _)| (from..to).contains(place))
        .map(|(_, character)| character)
        .collect()
}

fn part(text: &str, by: &str, place: i64) -> SqlResult<String> {
    let parts: Vec<&str> = if by.is_empty() {
        vec![text]
    } else {
        text.split(by).collect()
    };
    let place = match place {
        0 => return Err(SqlError::new("22023", "field position must not be zero")),
        1.. => place - 1,
        _ => parts.len() as i64 + place,
    };
    let found = usize::try_from(place).ok().and_then(|place| parts.get(place));
    Ok(found.map_or(String::new(), |part| (*part).to_owned()))
}

fn capitalized(text: &str) -> String {
    let mut within = false;
    let change = |c: char| {
        let changed = if within {
            c.to_lowercase().to_string()
        } else {
            c.to_uppercase().to_string()
        };
        within = c.is_alphanumeric();
        changed
    };
    text.chars().map(change).collect()
}

fn civil(at: jiff::Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(at)
}

fn unknown_unit(unit: &str, ty: Type) -> SqlError {
    SqlError::new(
        "22023",
        format!("unit \"{unit}\" not recognized for type {}", ty.name()),
    )
}

/// Units of a fixed length in microseconds.
fn fixed(unit: &str) -> Option<i64> {
    Some(match unit {
        "microseconds" => 1,
        "milliseconds" => 1_000,
        "second" | "seconds" => 1_000_000,
        "minute" | "minutes" => 60_000_000,
        "hour" | "hours" => 3_600_000_000,
        _ => return None,
    })
}

fn truncated(unit: &str, at: jiff::Timestamp) -> SqlResult<jiff::Timestamp> {
    let unit = unit.to_lowercase();
    if let Some(length) = fixed(&unit) {
        let micros = micros_of(at);
        return time_of(micros - micros.rem_euclid(length));
    }
    let day = civil(at).date();
    let first = |date: Date| date.first_of_month();
    let date = match unit.as_str() {
        "day" => day,
        "week" => {
            let since = day.weekday().to_monday_zero_offset();
            day.saturating_sub(jiff::Span::new().days(since))
        }
        "month" => first(day),
        "year" => day.first_of_year(),
        _ => return Err(unknown_unit(&unit, Type::Timestamptz)),
    };
    let at = date.to_zoned(TimeZone::UTC).ok();
    at.map(|at| at.timestamp())
        .ok_or_else(|| SqlError::new("22008", "timestamp out of range"))
}

fn truncated_span(unit: &str, span: Interval) -> SqlResult<Interval> {
    let unit = unit.to_lowercase();
    if let Some(length) = fixed(&unit) {
        return Ok(Interval {
            micros: span.micros - span.micros % length,
            ..span
        });
    }
    let whole = Interval { micros: 0, ..span };
    match unit.as_str() {
        "day" => Ok(whole),
        "month" => Ok(Interval { days: 0, ..whole }),
        "year" => Ok(Interval {
            days: 0,
            months: span.months - span.months % 12,
            ..whole
        }),
        _ => Err(unknown_unit(&unit, Type::Interval)),
    }
}

const DAY: i64 = 86_400_000_000;

fn justified_hours(span: Interval) -> Interval {
    let total = i128::from(span.days) * i128::from(DAY) + i128::from(span.micros);
    let days = i32::try_from(total / i128::from(DAY)).unwrap_or(i32::MAX);
    Interval {
        days,
        micros: (total % i128::from(DAY)) as i64,
        ..span
    }
}

fn justified_days(span: Interval) -> Interval {
    let total = i64::from(span.months) * 30 + i64::from(span.days);
    Interval {
        months: i32::try_from(total / 30).unwrap_or(i32::MAX),
        days: (total % 30) as i32,
        ..span
    }
}

/// The difference in years, months, days and the rest, as `age` counts it.
fn age(a: DateTime, b: DateTime) -> Interval {
    if a < b {
        return age_forward(b, a, a).negated();
    }
    age_forward(a, b, b)
}

/// `lender` is the date from whose month days are borrowed.
fn age_forward(a: DateTime, b: DateTime, lender: DateTime) -> Interval {
    let of_day = |at: DateTime| {
        let time = at.time();
        let seconds =
            i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000
    };
    let mut months =
        (i32::from(a.year()) - i32::from(b.year())) * 12 + i32::from(a.month()) - i32::from(b.month());
    let mut days = i32::from(a.day()) - i32::from(b.day());
    let mut micros = of_day(a) - of_day(b);
    if micros < 0 {
        micros += DAY;
        days -= 1;
    }
    if days < 0 {
        days += i32::from(lender.date().days_in_month());
        months -= 1;
    }
    Interval { months, days, micros }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_borrows_from_the_month_of_the_earlier_moment() {
        let at = |text: &str| civil(text.parse().unwrap());
        for (a, b, expected) in [
            ("2021-01-15T13:24:01Z", "2020-11-14T14:00:00Z", "2 mons 23:24:01"),
            ("2021-03-01T00:00:00Z", "2021-02-28T00:00:00Z", "1 day"),
            (
                "2021-01-01T00:00:00Z",
                "2021-03-31T01:00:00Z",
                "-2 mons -30 days -01:00:00",
            ),
        ] {
            assert_eq!(age(at(a), at(b)).to_string(), expected, "{a} {b}");
        }
    }
}
