//! What is asked of the cluster, at most and how often: the numbers that the guide names.

use std::time::Duration;

use super::{access, logs, metrics_api, probe, response, reviewed_source, scrape};

/// Streams of logs that are open at a time.
pub const LOG_STREAMS: usize = logs::MOST_STREAMS;

/// Ready pods that are asked for their counters in one round.
pub const PODS_OF_A_ROUND: usize = scrape::MOST_OF_A_ROUND;

/// Pods that are asked for their counters at the same time.
pub const PODS_AT_ONCE: usize = scrape::TOGETHER;

/// How long one pod's counters may take.
pub const COUNTERS_WITHIN: Duration = scrape::LIMIT;

/// The most of an answer that is read, bytes.
pub const LARGEST_ANSWER: usize = response::MAX_ANSWER;

/// How often the server is asked whether it answers.
pub const PROBE_EVERY: Duration = probe::EVERY;

/// How often it is asked what we may do.
pub const REVIEW_EVERY: Duration = access::EVERY;

/// How long after an answer that there is no metrics API it is asked for again.
pub const MISSING_AGAIN_AFTER: Duration = metrics_api::RARELY;

/// How long after a refusal an optional source is asked again, unless the review of the rights says otherwise before.
pub const FORBIDDEN_AGAIN_AFTER: Duration = reviewed_source::FORBIDDEN_AGAIN_AFTER;
