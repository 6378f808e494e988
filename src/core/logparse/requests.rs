//! The service's request log, counted: how many requests, how many failed, how many were slow, by half minute.
//!
//! A request is two lines, asked and answered, joined by an operation id. The answer names the status, unless the handler set none, and
//! the time it took. Its text went through a printf, so the JSON may be broken: only these two keys are looked for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

/// Seconds of one bucket.
pub const BUCKET: i64 = 30;

/// Buckets that are kept: half an hour.
const BUCKETS: usize = 60;

/// Probes whose answers are awaited.
const PROBES: usize = 16;

/// Slower than this is slow, by the service's first objective.
pub const SLOW: Duration = Duration::from_millis(100);

/// Slower than this is very slow, by its second.
pub const VERY_SLOW: Duration = Duration::from_secs(1);

/// A key of the request log. To make its search ready takes longer than to search a line.
type SearchedKey = LazyLock<Finder<'static>>;

static URL: SearchedKey = LazyLock::new(|| Finder::new(b"\"request_url\":\""));
static ELAPSED: SearchedKey = LazyLock::new(|| Finder::new(b"\"elapsed\":\""));
static STATUS: SearchedKey = LazyLock::new(|| Finder::new(b"\"response_status\":"));
static OPERATION: SearchedKey = LazyLock::new(|| Finder::new(b"opid="));

/// Requests of one half minute that were answered, the kubelet's probes aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct RequestCounts {
    /// All.
    pub answered: u64,
    /// With a status of 500 or more.
    pub failed: u64,
    /// That took over 100 ms.
    pub slow: u64,
    /// That took over 1 s.
    pub very_slow: u64,
}

impl std::ops::AddAssign for RequestCounts {
    fn add_assign(&mut self, other: Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.slow += other.slow;
        self.very_slow += other.very_slow;
    }
}

/// Counts by the bucket's number since 1970.
pub type RequestBuckets = BTreeMap<i64, RequestCounts>;

/// The number of the bucket that a moment falls in.
pub fn bucket_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(BUCKET)
}

/// The request log of one container as it is read.
#[derive(Debug, Default)]
pub(super) struct Requests {
    buckets: RequestBuckets,
    probes: VecDeque<Vec<u8>>,
    changed: bool,
}

impl Requests {
    /// Looks at a line; `at` is asked for only where it is an answer.
    pub(super) fn push(&mut self, message: &[u8], probe: &str, at: impl FnOnce() -> Timestamp) {
        // Nearly every other line ends otherwise.
        if message.last() != Some(&b'}') {
            return;
        }
        if let Some(url) = value_of(message, &URL) {
            if !probe.is_empty() && url.starts_with(probe.as_bytes()) && url.get(probe.len()) == Some(&b'"') {
                self.remember(message);
            }
        } else if let Some(elapsed) = value_of(message, &ELAPSED).and_then(quoted_duration)
            && !self.is_probe(message)
        {
            self.count(bucket_of(at()), status_of(message), elapsed);
        }
    }

    fn remember(&mut self, message: &[u8]) {
        if self.probes.len() == PROBES {
            self.probes.pop_front();
        }
        self.probes.extend(operation(message).map(<[u8]>::to_vec));
    }

    fn is_probe(&mut self, message: &[u8]) -> bool {
        let place = operation(message).and_then(|id| self.probes.iter().position(|probe| probe == id));
        place.and_then(|place| self.probes.remove(place)).is_some()
    }

    fn count(&mut self, bucket: i64, status: u16, elapsed: Duration) {
        *self.buckets.entry(bucket).or_default() += RequestCounts {
            answered: 1,
            failed: u64::from(status >= 500),
            slow: u64::from(elapsed > SLOW),
            very_slow: u64::from(elapsed > VERY_SLOW),
        };
        while self.buckets.len() > BUCKETS {
            self.buckets.pop_first();
        }
        self.changed = true;
    }

    /// The buckets as they stand, if any changed since the last time.
    pub(super) fn take(&mut self) -> Option<RequestBuckets> {
        std::mem::take(&mut self.changed).then(|| self.buckets.clone())
    }
}

/// What follows a key.
fn value_of<'a>(message: &'a [u8], key: &Finder<'_>) -> Option<&'a [u8]> {
    let at = key.find(message)?;
    message.get(at + key.needle().len()..)
}

/// The id in `[opid=…]`.
fn operation(message: &[u8]) -> Option<&[u8]> {
    let id = value_of(message, &OPERATION)?;
    let end = id.iter().position(|byte| matches!(byte, b']' | b'\'' | b' '))?;
    Some(&id[..end])
}

/// No status means that the handler set none, which the client sees as 200.
fn status_of(message: &[u8]) -> u16 {
    let digits = value_of(message, &STATUS).unwrap_or_default();
    let digits: &[u8] = digits
        .split(|byte| !byte.is_ascii_digit())
        .next()
        .unwrap_or_default();
    let status = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok());
    status.unwrap_or(200)
}

/// The duration up to the closing quote.
fn quoted_duration(text: &[u8]) -> Option<Duration> {
    let end = text.iter().position(|byte| *byte == b'"')?;
    go_duration(std::str::from_utf8(&text[..end]).ok()?)
}

/// A duration as Go prints it: `41.412ms`, `850µs`, `1m3.2s`.
pub fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let unit_end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let seconds = match &unit[..unit_end] {
            "ns" => 1e-9,
            "µs" | "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        total += Duration::try_from_secs_f64(number * seconds).ok()?;
        rest = &unit[unit_end..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::now;

    fn read(lines: &[&str]) -> RequestCounts {
        let mut requests = Requests::default();
        for line in lines {
            requests.push(line.as_bytes(), "/api/managed-services-api", now);
        }
        requests
            .take()
            .unwrap_or_default()
            .values()
            .copied()
            .next()
            .unwrap_or_default()
    }

    #[test]
    fn answers_are_counted_by_status_and_time() {
        let counts = read(&[
            r#"[opid=a] {"request_method":"GET","request_url":"/api/managed-services-api/v1/kafkas?page=1"}"#,
            r#"[opid=a][tx_id=1] {"response_status":200,"elapsed":"41.412ms"}"#,
            r#"[opid=b][tx_id=2] {"response_status":500,"elapsed":"101ms"}"#,
            r#"[opid=c][tx_id=3] {"response_status":503,"response_body":{"x":1},"elapsed":"1m3.2s"}"#,
            r#"[opid=d][tx_id=4] {"elapsed":"850µs"}"#,
            "not a request }",
        ]);
        let want = RequestCounts {
            answered: 4,
            failed: 2,
            slow: 2,
            very_slow: 1,
        };
        assert_eq!(counts, want);
    }

    #[test]
    fn the_kubelet_s_probes_are_no_requests() {
        let counts = read(&[
            r#"[opid=p] {"request_method":"GET","request_url":"/api/managed-services-api","request_remote_ip":"10.131.0.1:4"}"#,
            r#"[opid=q] {"request_method":"GET","request_url":"/api/managed-services-api/v1/kafkas"}"#,
            r#"[opid=p][tx_id=1] {"response_status":200,"elapsed":"900µs"}"#,
            r#"[opid=q][tx_id=2] {"response_status":200,"elapsed":"2ms"}"#,
        ]);
        assert_eq!(counts.answered, 1);
    }

    #[test]
    fn durations_are_read_as_go_prints_them() {
        let table = [
            ("41.412ms\"", Some(41_412)),
            ("850µs\"", Some(850)),
            ("1m3.2s\"", Some(63_200_000)),
            ("1h0m0s\"", Some(3_600_000_000)),
            ("12 parsecs\"", None),
            ("5", None),
        ];
        for (text, micros) in table {
            let read = quoted_duration(text.as_bytes()).map(|span| span.as_micros());
            assert_eq!(read, micros, "{text}");
        }
    }

    #[test]
    fn half_an_hour_is_kept() {
        let mut requests = Requests::default();
        for minute in 0..200 {
            let at = now() + jiff::SignedDuration::from_mins(minute);
            requests.push(br#"{"elapsed":"1ms"}"#, "", || at);
        }
        let buckets = requests.take().unwrap();
        assert_eq!(buckets.len(), BUCKETS);
        assert_eq!(requests.take(), None);
    }
}
