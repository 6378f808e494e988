//! Durations as a scenario writes them: `80d`, `2h30m`, `7m11s`, `-20m`.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};

/// The longest duration: more than any world needs, and safe to add to any of its times.
const LONGEST: i64 = 100 * 366 * 86_400;

/// For serde's `deserialize_with`; a span may be negative.
pub fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| {
        de::Error::custom(format!(
            "must be a duration such as 45s, 7m11s, 1h30m, 80d or -20m, not \"{text}\""
        ))
    })
}

/// For serde's `deserialize_with`, where the span may be left out.
pub fn maybe_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SignedDuration>, D::Error> {
    span(deserializer).map(Some)
}

/// For serde's `deserialize_with`, where a span may not be negative.
pub fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let span = parse(&text).and_then(|span| Duration::try_from(span).ok());
    span.ok_or_else(|| {
        de::Error::custom(format!(
            "must be a duration such as 45s, 7m11s, 1h30m or 80d, not \"{text}\""
        ))
    })
}

/// For serde's `deserialize_with`, where the length may be left out.
pub fn maybe_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    length(deserializer).map(Some)
}

fn parse(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (seconds < LONGEST).then(|| SignedDuration::from_secs(sign * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_operators_write_them() {
        let table = [
            ("7m11s", 431),
            ("80d", 80 * 86_400),
            ("1h30m", 5_400),
            ("-20m", -1_200),
            ("0s", 0),
        ];
        for (text, seconds) in table {
            assert_eq!(parse(text), Some(SignedDuration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in [
            "",
            "-",
            "7",
            "m",
            "7x",
            "1m2",
            "7 minutes",
            "é",
            "99999999999999999999d",
            "5000000d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
