//! The counters of a process, from zero at its start.
//!
//! Names, labels and bounds are those that the service registers: its middleware for requests that come in, the OCM SDK's for those
//! that go out, and its workers' own.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ocm::{OcmFailure, OcmRequest};
use crate::random::Random;

/// Upper bounds of the durations of requests that come in, seconds.
pub const INBOUND_BOUNDS: &[f64] = &[0.1, 1.0, 2.0, 5.0, 10.0, 30.0];
/// The same of those that go out.
pub const OUTBOUND_BOUNDS: &[f64] = &[0.1, 1.0, 10.0, 30.0];
/// The same of the making of Kafkas.
pub const KAFKA_BOUNDS: &[f64] = &[
    1.0, 30.0, 60.0, 120.0, 150.0, 180.0, 210.0, 240.0, 270.0, 300.0, 330.0, 360.0, 390.0, 420.0, 450.0,
    480.0, 510.0, 540.0, 570.0, 600.0, 1_200.0, 1_800.0, 2_400.0, 3_600.0, 4_800.0, 7_200.0,
];
/// The same of the building of clusters.
pub const CLUSTER_BOUNDS: &[f64] = &[1_800.0, 2_400.0, 3_600.0, 4_800.0, 7_200.0, 10_800.0];
/// How many unanswered requests may wait until the answered ones among them are counted.
const UNANSWERED: usize = 256;

/// A request that will be counted when it is over.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// When that is, µs since 1970.
    over: i64,
    request: CountedRequest,
    seconds: f64,
}

#[derive(Clone, Copy, Debug)]
enum CountedRequest {
    Inbound(InboundKey),
    OcmRequest(OutboundKey),
}

/// Code, method and path of requests that came in.
pub type InboundKey = (u16, &'static str, &'static str);
/// Service, code, method and path of requests that went out; code 0 is no response.
pub type OutboundKey = (&'static str, u16, &'static str, &'static str);

/// How long things took.
#[derive(Clone, Debug)]
pub struct Histogram {
    pub bounds: &'static [f64],
    /// By bound: those that took no longer, and longer than the bound before.
    pub within: Vec<u64>,
    pub count: u64,
    /// Seconds.
    pub sum: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            within: vec![0; bounds.len()],
            count: 0,
            sum: 0.0,
        }
    }

    fn observe(&mut self, seconds: f64) {
        if let Some(place) = self.bounds.iter().position(|bound| seconds <= *bound) {
            self.within[place] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

/// What the workers count of one kind of operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Operations {
    pub total: u64,
    pub success: u64,
}

/// What the workers make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    Cluster,
    Kafka,
}

/// All counters of one process.
#[derive(Clone, Debug)]
pub struct Counters {
    pub inbound: BTreeMap<InboundKey, Histogram>,
    pub outbound: BTreeMap<OutboundKey, Histogram>,
    /// By what is made and the operation.
    pub operations: BTreeMap<(ResourceKind, &'static str), Operations>,
    /// How long it took until a thing was ready.
    pub made: BTreeMap<ResourceKind, Histogram>,
    pending: Vec<Pending>,
    /// A generator of its own, so that counting does not change what is logged.
    random: Random,
}

impl Counters {
    pub fn new(seed: u64, process: &str) -> Self {
        Self {
            inbound: BTreeMap::new(),
            outbound: BTreeMap::new(),
            operations: BTreeMap::new(),
            made: BTreeMap::new(),
            pending: Vec::new(),
            random: Random::named(seed, &format!("{process}/metrics")),
        }
    }

    /// A request that came in at `at` and is answered `micros` later, when it is counted.
    pub fn answer(&mut self, at: i64, method: &'static str, url: &str, code: u16, micros: u64) {
        let request = CountedRequest::Inbound((code, method, path_label(url)));
        self.wait_for(at, request, Duration::from_micros(micros));
    }

    fn wait_for(&mut self, at: i64, request: CountedRequest, took: Duration) {
        if self.pending.len() >= UNANSWERED {
            self.settle(at);
        }
        self.pending.push(Pending {
            over: at + took.as_micros() as i64,
            request,
            seconds: took.as_secs_f64(),
        });
    }

    /// Counts what is answered by then.
    pub fn settle(&mut self, now: i64) {
        for pending in self.pending.extract_if(.., |pending| pending.over <= now) {
            let histogram = match pending.request {
                CountedRequest::Inbound(key) => {
                    let histogram = self.inbound.entry(key);
                    histogram.or_insert_with(|| Histogram::new(INBOUND_BOUNDS))
                }
                CountedRequest::OcmRequest(key) => {
                    let histogram = self.outbound.entry(key);
                    histogram.or_insert_with(|| Histogram::new(OUTBOUND_BOUNDS))
                }
            };
            histogram.observe(pending.seconds);
        }
    }

    /// A call to OCM that is over at `over`, and how it failed if it did.
    pub fn call(&mut self, over: i64, outbound: OcmRequest, failure: Option<OcmFailure>) {
        let code = failure.map_or(outbound.code, OcmFailure::code);
        let usual = Duration::from_millis(120 + self.random.below(700));
        let took = failure.and_then(OcmFailure::patience).unwrap_or(usual);
        let key = (outbound.service, code, outbound.method, outbound.path);
        let at = over - took.as_micros() as i64;
        self.wait_for(at, CountedRequest::OcmRequest(key), took);
    }

    /// An operation of a worker begins.
    pub fn begin(&mut self, thing: ResourceKind, operation: &'static str) {
        self.operations.entry((thing, operation)).or_default().total += 1;
    }

    /// An operation of a worker succeeds.
    pub fn succeed(&mut self, thing: ResourceKind, operation: &'static str) {
        self.operations.entry((thing, operation)).or_default().success += 1;
    }

    /// A resource is ready, so long after it was asked for.
    pub fn ready(&mut self, thing: ResourceKind, after: Duration) {
        self.succeed(thing, "create");
        let bounds = match thing {
            ResourceKind::Cluster => CLUSTER_BOUNDS,
            ResourceKind::Kafka => KAFKA_BOUNDS,
        };
        let histogram = self.made.entry(thing);
        histogram
            .or_insert_with(|| Histogram::new(bounds))
            .observe(after.as_secs_f64());
    }
}

/// The path of a URL as the label has it: without its query, and with `-` for ids.
fn path_label(url: &str) -> &'static str {
    let path = url.split('?').next().unwrap_or_default();
    match path.strip_prefix(super::requests::BASE) {
        None => "/api/managed-services-api",
        Some("/cloud_providers") => "/api/managed-services-api/v1/cloud_providers",
        Some("/kafkas") => "/api/managed-services-api/v1/kafkas",
        Some(_) => "/api/managed-services-api/v1/kafkas/-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::ocm::OcmCall;

    #[test]
    fn a_request_is_counted_when_it_is_answered_under_a_path_without_ids() {
        let mut counters = Counters::new(7, "p");
        for (url, path) in [
            ("/api/managed-services-api", "/api/managed-services-api"),
            (
                "/api/managed-services-api/v1/kafkas?page=1",
                "/api/managed-services-api/v1/kafkas",
            ),
            (
                "/api/managed-services-api/v1/kafkas/1n3",
                "/api/managed-services-api/v1/kafkas/-",
            ),
            (
                "/api/managed-services-api/v1/cloud_providers",
                "/api/managed-services-api/v1/cloud_providers",
            ),
        ] {
            counters.answer(0, "GET", url, 200, 1_500_000);
            counters.settle(1_499_999);
            assert!(!counters.inbound.contains_key(&(200, "GET", path)), "{path}");
            counters.settle(1_500_000);
            let counted = &counters.inbound[&(200, "GET", path)];
            assert_eq!(
                (counted.count, counted.within.as_slice()),
                (1, &[0, 0, 1, 0, 0, 0][..])
            );
        }
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket_and_what_is_longer_than_all_to_none() {
        let mut histogram = Histogram::new(OUTBOUND_BOUNDS);
        for seconds in [0.1, 0.2, 1.0, 30.0, 31.0] {
            histogram.observe(seconds);
        }
        assert_eq!(histogram.within, [1, 2, 0, 1]);
        assert_eq!(histogram.count, 5);
    }

    #[test]
    fn a_call_without_an_answer_has_code_0() {
        let mut counters = Counters::new(7, "p");
        for (failure, code) in [
            (None, 200),
            (Some(OcmFailure::Unavailable), 503),
            (Some(OcmFailure::Forbidden), 403),
            (Some(OcmFailure::NoToken), 0),
            (Some(OcmFailure::DialTimeout), 0),
            (Some(OcmFailure::Deadline), 0),
            (Some(OcmFailure::ConnectionClosed), 0),
        ] {
            let before = counters.clone();
            counters.call(0, OcmCall::Status.outbound(), failure);
            counters.settle(0);
            let key = (
                "ocm-clusters-service",
                code,
                "GET",
                "/api/clusters_mgmt/v1/clusters/-",
            );
            let count = |counters: &Counters| counters.outbound.get(&key).map_or(0, |found| found.count);
            assert_eq!(count(&counters), count(&before) + 1, "{failure:?}");
        }
    }
}
