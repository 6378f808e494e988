//! Values and their types, as text and as bytes on the wire.

use std::cmp::Ordering;

use bytes::{BufMut, BytesMut};
use jiff::Timestamp;

use super::error::{SqlError, SqlResult};
use super::interval::Interval;
use super::numeric::Numeric;

/// The type of a column or an expression. `Unknown` is a quoted literal or a parameter without a type so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int4,
    Int8,
    Float8,
    Numeric,
    Text,
    Timestamptz,
    Interval,
    TextArray,
    Int8Array,
    Void,
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Numeric(Numeric),
    Text(String),
    Time(Timestamp),
    Interval(Interval),
    Array(Vec<Value>),
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Type::Bool => "boolean",
            Type::Int4 => "integer",
            Type::Int8 => "bigint",
            Type::Float8 => "double precision",
            Type::Numeric => "numeric",
            Type::Text => "text",
            Type::Timestamptz => "timestamp with time zone",
            Type::Interval => "interval",
            Type::TextArray => "text[]",
            Type::Int8Array => "bigint[]",
            Type::Void => "void",
            Type::Unknown => "unknown",
        }
    }

    /// The rank in int → bigint → numeric → double precision, if it is a number.
    pub fn rank(self) -> Option<u8> {
        match self {
            Type::Int4 => Some(0),
            Type::Int8 => Some(1),
            Type::Numeric => Some(2),
            Type::Float8 => Some(3),
            _ => None,
        }
    }

    /// The wire protocol's type id, and the size it announces.
    pub fn wire(self) -> (pgwire::api::Type, i16) {
        use pgwire::api::Type as Wire;
        match self {
            Type::Bool => (Wire::BOOL, 1),
            Type::Int4 => (Wire::INT4, 4),
            Type::Int8 => (Wire::INT8, 8),
            Type::Float8 => (Wire::FLOAT8, 8),
            Type::Numeric => (Wire::NUMERIC, -1),
            Type::Text | Type::Unknown => (Wire::TEXT, -1),
            Type::Timestamptz => (Wire::TIMESTAMPTZ, 8),
            Type::Interval => (Wire::INTERVAL, 16),
            Type::TextArray => (Wire::TEXT_ARRAY, -1),
            Type::Int8Array => (Wire::INT8_ARRAY, -1),
            Type::Void => (Wire::VOID, 4),
        }
    }

    pub fn from_wire(wire: &pgwire::api::Type) -> Option<Self> {
        use pgwire::api::Type as Wire;
        let known = [
            (Wire::BOOL, Type::Bool),
            (Wire::INT2, Type::Int4),
            (Wire::INT4, Type::Int4),
            (Wire::INT8, Type::Int8),
            (Wire::FLOAT4, Type::Float8),
            (Wire::FLOAT8, Type::Float8),
            (Wire::NUMERIC, Type::Numeric),
            (Wire::TEXT, Type::Text),
            (Wire::VARCHAR, Type::Text),
            (Wire::NAME, Type::Text),
            (Wire::TIMESTAMPTZ, Type::Timestamptz),
            (Wire::INTERVAL, Type::Interval),
            (Wire::TEXT_ARRAY, Type::TextArray),
            (Wire::VARCHAR_ARRAY, Type::TextArray),
            (Wire::INT8_ARRAY, Type::Int8Array),
            (Wire::INT4_ARRAY, Type::Int8Array),
        ];
        known
            .into_iter()
            .find(|(candidate, _)| candidate == wire)
            .map(|(_, ours)| ours)
    }
}

/// `.5` for 500,000 µs, nothing for none: PostgreSQL drops the zeros at the end.
pub fn fraction_text(micros: u64) -> String {
    if micros == 0 {
        return String::new();
    }
    format!(".{}", format!("{micros:06}").trim_end_matches('0'))
}

/// A float as PostgreSQL prints it: the shortest digits that read back the same.
fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let exponent: i32 = scientific
        .split_once('e')
        .map_or(0, |(_, exponent)| exponent.parse().unwrap_or(0));
    if (-4..15).contains(&exponent) {
        return value.to_string();
    }
    let mantissa = scientific.split_once('e').map_or("", |(mantissa, _)| mantissa);
    format!(
        "{mantissa}e{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

/// Microseconds since 1970.
pub fn micros_of(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub fn time_of(micros: i64) -> SqlResult<Timestamp> {
    Timestamp::from_microsecond(micros)
        .ok()
        .ok_or_else(|| SqlError::new("22008", "timestamp out of range"))
}

fn time_text(at: Timestamp) -> String {
    let micros = micros_of(at).rem_euclid(1_000_000).unsigned_abs();
    format!("{}{}+00", at.strftime("%Y-%m-%d %H:%M:%S"), fraction_text(micros))
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The text form; `None` for NULL.
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(value) => if *value { "t" } else { "f" }.to_owned(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => float_text(*value),
            Value::Numeric(value) => value.to_string(),
            Value::Text(value) => value.clone(),
            Value::Time(value) => time_text(*value),
            Value::Interval(value) => value.to_string(),
            Value::Array(values) => {
                let items: Vec<String> = values
                    .iter()
                    .map(|value| value.text().unwrap_or_else(|| "NULL".to_owned()))
                    .collect();
                format!("{{{}}}", items.join(","))
            }
        })
    }

    /// The binary form, by the column's type.
    pub fn put_binary(&self, ty: Type, out: &mut BytesMut) -> SqlResult<()> {
        match (self, ty) {
            (Value::Bool(value), _) => out.put_u8(u8::from(*value)),
            (Value::Int(value), Type::Int4) => out.put_i32(*value as i32),
            (Value::Int(value), _) => out.put_i64(*value),
            (Value::Float(value), _) => out.put_f64(*value),
            (Value::Numeric(value), _) => put_numeric(*value, out),
            (Value::Text(value), _) => out.put_slice(value.as_bytes()),
            (Value::Time(value), _) => out.put_i64(micros_of(*value) - POSTGRES_EPOCH_MICROS),
            (Value::Interval(value), _) => {
                out.put_i64(value.micros);
                out.put_i32(value.days);
                out.put_i32(value.months);
            }
            (Value::Null | Value::Array(_), _) => return Err(SqlError::unanswered("an array as a result")),
        }
        Ok(())
    }

    /// The order within one type; the caller handles NULLs.
    pub fn compare(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Numeric(a), Value::Numeric(b)) => a.compare(*b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Interval(a), Value::Interval(b)) => a.compare(*b),
            _ => Ordering::Equal,
        }
    }
}

/// 2000-01-01, where PostgreSQL's binary timestamps count from.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

fn put_numeric(value: Numeric, out: &mut BytesMut) {
    let (weight, groups) = value.groups();
    out.put_i16(groups.len() as i16);
    out.put_i16(weight as i16);
    out.put_u16(if value.units < 0 { 0x4000 } else { 0 });
    out.put_i16(value.scale as i16);
    for group in groups {
        out.put_u16(group);
    }
}

fn no_utf8(_: std::str::Utf8Error) -> SqlError {
    SqlError::new("22021", "invalid byte sequence for encoding \"UTF8\"")
}

fn fixed<const N: usize>(bytes: &[u8]) -> SqlResult<[u8; N]> {
    bytes
        .try_into()
        .ok()
        .ok_or_else(|| SqlError::new("22P03", "incorrect binary data format in bind parameter"))
}

/// A parameter's value from the bytes of a Bind message.
pub fn parameter(bytes: Option<&[u8]>, binary: bool, wire: &pgwire::api::Type, ty: Type) -> SqlResult<Value> {
    let Some(bytes) = bytes else {
        return Ok(Value::Null);
    };
    if !binary || ty == Type::Text {
        return super::cast::parse(std::str::from_utf8(bytes).map_err(no_utf8)?, ty);
    }
    binary_parameter(bytes, wire, ty)
}

fn binary_parameter(bytes: &[u8], wire: &pgwire::api::Type, ty: Type) -> SqlResult<Value> {
    Ok(match ty {
        Type::Bool => Value::Bool(bytes.first().is_some_and(|byte| *byte != 0)),
        Type::Int4 | Type::Int8 => Value::Int(match bytes.len() {
            2 => i16::from_be_bytes(fixed(bytes)?).into(),
            4 => i32::from_be_bytes(fixed(bytes)?).into(),
            _ => i64::from_be_bytes(fixed(bytes)?),
        }),
        Type::Float8 if bytes.len() == 4 => Value::Float(f32::from_be_bytes(fixed(bytes)?).into()),
        Type::Float8 => Value::Float(f64::from_be_bytes(fixed(bytes)?)),
        Type::Timestamptz => Value::Time(time_of(
            i64::from_be_bytes(fixed(bytes)?) + POSTGRES_EPOCH_MICROS,
        )?),
        Type::Interval => {
            let all: [u8; 16] = fixed(bytes)?;
            Value::Interval(Interval {
                micros: i64::from_be_bytes(fixed(&all[..8])?),
                days: i32::from_be_bytes(fixed(&all[8..12])?),
                months: i32::from_be_bytes(fixed(&all[12..])?),
            })
        }
        Type::TextArray | Type::Int8Array => binary_array(bytes, wire, ty)?,
        _ => {
            return Err(SqlError::unanswered(&format!(
                "a binary parameter of type {}",
                ty.name()
            )));
        }
    })
}

/// One dimension: count of dimensions, a flag, the element type, its length and lower bound, then the elements.
fn binary_array(bytes: &[u8], wire: &pgwire::api::Type, ty: Type) -> SqlResult<Value> {
    let element = if ty == Type::TextArray {
        Type::Text
    } else {
        Type::Int8
    };
    let word = |at: usize| -> SqlResult<i32> {
        Ok(i32::from_be_bytes(fixed(
            bytes.get(at..at + 4).unwrap_or_default(),
        )?))
    };
    if word(0)? == 0 {
        return Ok(Value::Array(Vec::new()));
    }
    let count = word(12)?;
    let mut at = 20;
    let mut values = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(word(at)?).ok();
        at += 4;
        let item = length.and_then(|length| bytes.get(at..at + length));
        values.push(parameter(item, element != Type::Text, wire, element)?);
        at += length.unwrap_or(0);
    }
    Ok(Value::Array(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_postgres_prints_them() {
        let at: Timestamp = "2026-11-22T09:04:01.55446Z".parse().unwrap();
        for (value, text) in [
            (Value::Time(at), "2026-11-22 09:04:01.55446+00"),
            (Value::Bool(true), "t"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(1e15), "1e+15"),
            (Value::Float(123_456_789_012_345.0), "123456789012345"),
            (Value::Float(1.5e-7), "1.5e-07"),
            (Value::Float(2.0), "2"),
        ] {
            assert_eq!(value.text().unwrap(), text);
        }
    }

    #[test]
    fn a_numeric_is_sent_in_groups_of_four_digits() {
        let mut out = BytesMut::new();
        Value::Numeric(Numeric::parse("431.123456").unwrap())
            .put_binary(Type::Numeric, &mut out)
            .unwrap();
        // recorded with COPY … BINARY: 3 groups, weight 0, +, scale 6, 431 1234 5600
        assert_eq!(
            out.to_vec(),
            [0, 3, 0, 0, 0, 0, 0, 6, 1, 0xaf, 4, 0xd2, 0x15, 0xe0]
        );
    }

    #[test]
    fn a_binary_text_array_is_read() {
        let mut bytes = BytesMut::new();
        for word in [1, 0, 25, 2, 1] {
            bytes.put_i32(word);
        }
        bytes.put_i32(5);
        bytes.put_slice(b"ready");
        bytes.put_i32(-1);
        let value = parameter(
            Some(&bytes),
            true,
            &pgwire::api::Type::TEXT_ARRAY,
            Type::TextArray,
        )
        .unwrap();
        assert_eq!(
            value,
            Value::Array(vec![Value::Text("ready".into()), Value::Null])
        );
    }
}
