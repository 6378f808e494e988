//! Casts between types, by PostgreSQL's rules.

use jiff::Timestamp;

use super::error::{SqlError, SqlResult};
use super::interval::Interval;
use super::numeric::Numeric;
use super::value::{Type, Value};

fn invalid(ty: Type, text: &str) -> SqlError {
    let code = if ty == Type::Timestamptz { "22007" } else { "22P02" };
    SqlError::new(
        code,
        format!("invalid input syntax for type {}: \"{text}\"", ty.name()),
    )
}

/// The error of a text that is no date: a field out of range if it begins like a date, else invalid syntax.
fn no_moment(text: &str) -> SqlError {
    let begins_as_date = text
        .chars()
        .zip("0000-00-00".chars())
        .all(|(c, like)| match like {
            '0' => c.is_ascii_digit(),
            _ => c == like,
        });
    if text.len() < 10 || !begins_as_date {
        return invalid(Type::Timestamptz, text);
    }
    let mut error = SqlError::new("22008", format!("date/time field value out of range: \"{text}\""));
    error.hint = Some("Perhaps you need a different \"datestyle\" setting.".to_owned());
    error
}

/// A literal's or a text parameter's value.
pub fn parse(text: &str, ty: Type) -> SqlResult<Value> {
    let trimmed = text.trim();
    let wrong = || invalid(ty, text);
    Ok(match ty {
        Type::Text | Type::Unknown | Type::Void => Value::Text(text.to_owned()),
        Type::Bool => Value::Bool(boolean(trimmed).ok_or_else(wrong)?),
        Type::Int4 | Type::Int8 => in_range(trimmed.parse().ok().ok_or_else(wrong)?, ty)?,
        Type::Float8 => Value::Float(trimmed.parse().ok().ok_or_else(wrong)?),
        Type::Numeric => Value::Numeric(Numeric::parse(trimmed).ok_or_else(wrong)?),
        Type::Timestamptz => Value::Time(timestamp(trimmed).ok_or_else(|| no_moment(trimmed))?),
        Type::Interval => Value::Interval(Interval::parse(text)?),
        Type::TextArray | Type::Int8Array => array(trimmed, ty)?,
    })
}

/// `on`, `yes`, `t`, `1` … as PostgreSQL reads them.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.replacen(' ', "T", 1);
    let day_only = !text.contains('T');
    let text = if day_only {
        format!("{text}T00:00:00")
    } else {
        text
    };
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

fn array(text: &str, ty: Type) -> SqlResult<Value> {
    let element = if ty == Type::TextArray {
        Type::Text
    } else {
        Type::Int8
    };
    let inner = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(|| SqlError::new("22P02", format!("malformed array literal: \"{text}\"")))?;
    if inner.is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    let items = inner.split(',').map(|item| match item.trim() {
        "NULL" => Ok(Value::Null),
        item => parse(item.trim_matches('"'), element),
    });
    Ok(Value::Array(items.collect::<SqlResult<_>>()?))
}

fn in_range(value: i64, ty: Type) -> SqlResult<Value> {
    if ty == Type::Int4 && i32::try_from(value).is_err() {
        return Err(SqlError::new("22003", "integer out of range"));
    }
    Ok(Value::Int(value))
}

/// Whether `from::to` exists at all.
pub fn exists(from: Type, to: Type) -> bool {
    let numbers = from.rank().is_some() && to.rank().is_some();
    let truth = (from == Type::Bool && to == Type::Int4) || (from == Type::Int4 && to == Type::Bool);
    from == to || numbers || truth || to == Type::Text || matches!(from, Type::Text | Type::Unknown)
}

/// The value in another type; `from` and `to` are known to be castable.
pub fn cast(value: Value, to: Type) -> SqlResult<Value> {
    Ok(match (value, to) {
        (Value::Null, _) => Value::Null,
        (Value::Bool(value), Type::Text) => Value::Text(value.to_string()),
        (Value::Bool(value), Type::Int4) => Value::Int(i64::from(value)),
        (Value::Int(value), Type::Bool) => Value::Bool(value != 0),
        (Value::Int(value), Type::Int4 | Type::Int8) => in_range(value, to)?,
        (Value::Int(value), Type::Numeric) => Value::Numeric(Numeric::from_int(value)),
        (Value::Int(value), Type::Float8) => Value::Float(value as f64),
        (Value::Numeric(value), Type::Int4 | Type::Int8) => in_range(value.to_int()?, to)?,
        (Value::Numeric(value), Type::Float8) => Value::Float(value.to_float()),
        (Value::Float(value), Type::Int4 | Type::Int8) => float_to_int(value, to)?,
        (Value::Float(value), Type::Numeric) => Value::Numeric(Numeric::from_float(value)?),
        (Value::Text(value), Type::Text) => Value::Text(value),
        (Value::Text(value), _) => parse(&value, to)?,
        (value, Type::Text) => value.text().map_or(Value::Null, Value::Text),
        (value, _) => value,
    })
}

fn float_to_int(value: f64, to: Type) -> SqlResult<Value> {
    let rounded = value.round_ties_even();
    if !(-9.2e18..9.2e18).contains(&rounded) {
        return Err(SqlError::new("22003", format!("{} out of range", to.name())));
    }
    in_range(rounded as i64, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_round_as_postgres_rounds() {
        let numeric = |text| Value::Numeric(Numeric::parse(text).unwrap());
        for (value, to, expected) in [
            (Value::Float(2.5), Type::Int8, Value::Int(2)),
            (numeric("2.5"), Type::Int8, Value::Int(3)),
            (numeric("-2.5"), Type::Int8, Value::Int(-3)),
            (Value::Text(" 7 ".into()), Type::Int8, Value::Int(7)),
            (Value::Bool(true), Type::Text, Value::Text("true".into())),
            (Value::Int(0), Type::Bool, Value::Bool(false)),
        ] {
            assert_eq!(cast(value, to).unwrap(), expected);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert_eq!(
            cast(Value::Int(3_000_000_000), Type::Int4).unwrap_err().code,
            "22003"
        );
        assert_eq!(
            cast(Value::Text("x".into()), Type::Int4).unwrap_err().code,
            "22P02"
        );
        assert!(!exists(Type::Interval, Type::Int8));
    }

    #[test]
    fn moments_are_read_with_and_without_a_zone() {
        let expected = Value::Time("2021-01-15T13:24:01Z".parse().unwrap());
        for text in [
            "2021-01-15 13:24:01+00",
            "2021-01-15T13:24:01Z",
            "2021-01-15 13:24:01",
        ] {
            assert_eq!(parse(text, Type::Timestamptz).unwrap(), expected, "{text}");
        }
    }
}
