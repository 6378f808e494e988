//! How the service is doing: what its pods use, and what they count themselves.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::SafeText;

/// What a pod used of late, as `metrics.k8s.io` tells it: averaged over a window that ended at a moment, both the metrics server's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PodUsage {
    /// The pod's name: this API knows no uid.
    pub pod: SafeText,
    /// When the window ended.
    pub at: Option<Timestamp>,
    /// How long the window was, seconds.
    pub window_s: Option<u64>,
    /// One a running container.
    pub containers: Vec<ContainerUsage>,
}

/// What one container used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ContainerUsage {
    /// Its name.
    pub name: SafeText,
    /// Of a CPU, thousandths.
    pub cpu_millis: u64,
    /// Working set, bytes.
    pub memory_bytes: u64,
}

/// One reading of a pod's own `/metrics`: counters since its process started, which start at zero with the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Scrape {
    /// Requests that it answered (`api_inbound_request_count`, `api_inbound_request_duration`).
    pub inbound: RequestTotals,
    /// Requests that it made, one a service that it calls (`api_outbound_request_count` by `apiservice`).
    pub outbound: Vec<OutboundTotals>,
}

/// Requests since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct RequestTotals {
    /// All.
    pub count: u64,
    /// With a status of 500 or more.
    pub failed: u64,
    /// Whose duration was measured.
    pub timed: u64,
    /// Of those, in 0.1 s or less.
    pub within_100ms: u64,
    /// Of those, in 1 s or less.
    pub within_1s: u64,
}

/// Requests to one service since the process started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct OutboundTotals {
    /// `ocm-clusters-service`, `ocm-accounts-service`, …
    pub service: SafeText,
    /// All.
    pub count: u64,
    /// Without an answer (code `0`) or with a status of 500 or more.
    pub failed: u64,
    /// With a status of 400 to 499.
    pub refused: u64,
    /// Whose duration was measured.
    pub timed: u64,
    /// Of those, in 1 s or less.
    pub within_1s: u64,
}
