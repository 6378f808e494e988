//! Whether the service keeps up with its requests.

use jiff::SignedDuration;

use super::Truth;
use crate::incident::diagnosis::Case;
use crate::incident::log::{BUCKET, RequestCounts, bucket_of};
use crate::incident::rule::Shares;
use crate::incident::span;

impl Case<'_> {
    /// Whether more requests are slow than the objectives allow.
    pub(super) fn saturated(&self, within: SignedDuration, at_least: u64, shares: &Shares) -> Truth {
        let counts = self.requests(within);
        let words = in_words(&counts, within);
        let over = |part: u64, percent: u64| part * 100 > counts.answered * percent;
        let slow = over(counts.slow, shares.slow) || over(counts.very_slow, shares.very_slow);
        if counts.answered >= at_least && slow {
            return Truth::holds([words]);
        }
        match self.unread_logs() {
            Some(why) => Truth::unknown(format!("how fast requests are answered: {why}")),
            None if !self.logs_requests() => {
                Truth::unknown("how fast requests are answered: the logs are not verbose enough to tell")
            }
            None => Truth::holds_not(words),
        }
    }

    /// Requests answered lately, by all pods.
    fn requests(&self, within: SignedDuration) -> RequestCounts {
        let newest = bucket_of(self.now);
        let oldest = newest - within.as_secs() / BUCKET;
        let mut counts = RequestCounts::default();
        for buckets in self.facts.requests.values() {
            for bucket in buckets.range(oldest..=newest) {
                counts += *bucket.1;
            }
        }
        counts
    }

    /// Whether any log has lines of the verbosity at which requests are logged.
    fn logs_requests(&self) -> bool {
        self.facts.logs.values().any(|log| log.progress.verbose)
    }
}

/// `61 requests within 5m: 12 % failed, 80 % over 100 ms, 8 % over 1 s`.
fn in_words(counts: &RequestCounts, within: SignedDuration) -> String {
    let share = |part: u64| part * 100 / counts.answered.max(1);
    format!(
        "{} requests within {}: {} % failed, {} % over 100 ms, {} % over 1 s",
        counts.answered,
        span::brief(within),
        share(counts.failed),
        share(counts.slow),
        share(counts.very_slow)
    )
}
