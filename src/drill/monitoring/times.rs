//! How the servers write moments.

use jiff::Timestamp;

/// A moment from ms since 1970.
pub fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2026-11-28T19:26:23.779Z`, as Alertmanager writes it.
pub fn millis(at: i64) -> String {
    format!("{:.3}", timestamp(at))
}

/// `2026-11-28T19:26:23.779122826Z`, as Prometheus writes it.
pub fn nanos(at: i64) -> String {
    format!("{:.9}", timestamp(at))
}

/// `2026-11-28T19:23:56.823493Z`, as the tracker writes it.
pub fn micros(at: Timestamp) -> String {
    format!("{at:.6}")
}
