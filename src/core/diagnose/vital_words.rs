//! The vital signs in words, as the steps and conditions about load say them.

use jiff::SignedDuration;

use super::vitals::{Requests, Sign};
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// `12 % of 61 requests failed in 5m, 80 % over 100 ms, 8 % over 1 s (request log)`.
pub(super) fn requests_in_words(sign: &Sign<Requests>, requests: &Requests) -> SafeText {
    let share = |percent: Option<f64>| percent.map_or(0, |percent| percent as u64);
    let covers = i64::try_from(sign.covers_s.unwrap_or(0)).unwrap_or(i64::MAX);
    safe!(
        "{} % of {} failed in {}, {} % over 100 ms, {} % over 1 s ({})",
        share(requests.failed_percent()),
        counted(requests.answered, "request", "requests"),
        duration::brief(SignedDuration::from_secs(covers)),
        share(requests.slow_percent()),
        share(requests.very_slow_percent()),
        sign.source
    )
}

/// `12.3/s, 5xx 0 %, >100ms 3 %, >1s 0 %`.
pub(super) fn requests_in_brief(requests: &Requests) -> SafeText {
    let share =
        |percent: Option<f64>| percent.map_or_else(|| "–".into(), |percent| safe!("{} %", percent as u64));
    safe!(
        "{:.1}/s, 5xx {}, >100ms {}, >1s {}",
        requests.per_second,
        share(requests.failed_percent()),
        share(requests.slow_percent()),
        share(requests.very_slow_percent())
    )
}

/// What a sign says, in the given words.
pub(super) fn value_of<T>(sign: &Sign<T>, words: impl Fn(&T) -> SafeText) -> SafeText {
    sign.value.as_ref().map_or_else(|| "no data".into(), words)
}
