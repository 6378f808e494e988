//! The totals of a pod's requests, from its metrics. Pure.
//!
//! The answer may be half a megabyte, of which a few lines matter: lines of other families are passed over by their first bytes.

use std::collections::BTreeMap;

use memchr::memchr;

use super::text::{Sample, name_of, sample};
use sopwatch_core::observe::observation::{OutboundTotals, RequestTotals, Scrape};
use sopwatch_core::profile::Metrics;
use sopwatch_core::text::SafeText;

/// A longer line is passed over.
const MAX_LINE: usize = 16 * 1024;

/// Called services that are counted apart; the others are summed.
const MAX_SERVICES: usize = 16;

/// Characters of a called service's name.
const MAX_NAME: usize = 80;

/// What the services beyond [`MAX_SERVICES`] are called.
const OTHERS: &str = "(others)";

/// The totals as they are read.
pub(super) struct Totals<'a> {
    metrics: &'a Metrics,
    /// The path of the kubelet's probes: they are no requests of users.
    probe: &'a str,
    /// The beginning of a line that has not ended.
    line: Vec<u8>,
    /// Whether the line is too long: the rest of it is passed over.
    passed_over: bool,
    inbound: Sums,
    outbound: BTreeMap<String, Sums>,
    /// Whether any of the families is there: one without requests so far is not, but where none is, the names may be wrong.
    found: bool,
}

/// Sums over the labels that don't matter.
#[derive(Default)]
struct Sums {
    count: f64,
    failed: f64,
    refused: f64,
    timed: f64,
    within_100ms: Option<f64>,
    within_1s: Option<f64>,
}

/// Which family a line is of.
#[derive(Clone, Copy)]
enum Family {
    InboundCount,
    InboundBucket,
    OutboundCount,
    OutboundBucket,
}

impl<'a> Totals<'a> {
    /// Totals of nothing, for metrics with these names; requests for the path `probe` are not counted.
    pub(super) fn new(metrics: &'a Metrics, probe: &'a str) -> Self {
        Self {
            metrics,
            probe: probe.trim_end_matches('/'),
            line: Vec::new(),
            passed_over: false,
            inbound: Sums::default(),
            outbound: BTreeMap::new(),
            found: false,
        }
    }

    /// Takes in bytes as they come.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr(b'\n', bytes) {
            let (head, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.line.is_empty() && !self.passed_over {
                self.take(head);
            } else {
                self.keep(head);
                let line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.passed_over) {
                    self.take(&line);
                }
            }
            bytes = rest;
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > MAX_LINE {
            self.passed_over = true;
            self.line.clear();
        } else if !self.passed_over {
            self.line.extend_from_slice(bytes);
        }
    }

    fn take(&mut self, line: &[u8]) {
        let Some(family) = self.family_of(name_of(line)) else {
            return;
        };
        let text = String::from_utf8_lossy(line);
        if let Some(sample) = sample(&text).filter(|sample| sample.value.is_finite() && sample.value >= 0.0) {
            self.add(family, &sample);
        }
    }

    fn family_of(&self, name: &[u8]) -> Option<Family> {
        let is = |family: &str| name == family.as_bytes();
        let bucket_of = |family: &str| name.strip_suffix(b"_bucket") == Some(family.as_bytes());
        let metrics = self.metrics;
        match name {
            _ if is(&metrics.inbound_count) => Some(Family::InboundCount),
            _ if bucket_of(&metrics.inbound_duration) => Some(Family::InboundBucket),
            _ if is(&metrics.outbound_count) => Some(Family::OutboundCount),
            _ if bucket_of(&metrics.outbound_duration) => Some(Family::OutboundBucket),
            _ => None,
        }
    }

    fn add(&mut self, family: Family, sample: &Sample<'_>) {
        let is_inbound = matches!(family, Family::InboundCount | Family::InboundBucket);
        self.found = true;
        if is_inbound {
            let path = sample.label(&self.metrics.path_label).trim_end_matches('/');
            if !self.probe.is_empty() && path == self.probe {
                return;
            }
        }
        let code = sample.label(&self.metrics.code_label).parse().ok();
        let le = sample.label("le").parse().ok();
        let sums = if is_inbound {
            &mut self.inbound
        } else {
            of_service(&mut self.outbound, sample.label(&self.metrics.service_label))
        };
        match family {
            Family::InboundCount => sums.add_count(code, sample.value, false),
            Family::OutboundCount => sums.add_count(code, sample.value, true),
            Family::InboundBucket | Family::OutboundBucket => sums.add_bucket(le, sample.value),
        }
    }

    /// What was read; `None` where none of the families is there.
    pub(super) fn finish(mut self) -> Option<Scrape> {
        self.feed(b"\n");
        let outbound = self.outbound.iter().map(|(service, sums)| OutboundTotals {
            service: SafeText::cut(service, MAX_NAME),
            count: sums.count as u64,
            failed: sums.failed as u64,
            refused: sums.refused as u64,
            timed: sums.within_1s.map_or(0, |_| sums.timed as u64),
            within_1s: sums.within_1s.unwrap_or_default() as u64,
        });
        let sums = &self.inbound;
        // A histogram without one of the two limits says nothing of what is slow: not that all is.
        let limits = sums.within_100ms.zip(sums.within_1s);
        let (within_100ms, within_1s) = limits.unwrap_or_default();
        self.found.then(|| Scrape {
            inbound: RequestTotals {
                count: sums.count as u64,
                failed: sums.failed as u64,
                timed: limits.map_or(0, |_| sums.timed as u64),
                within_100ms: within_100ms as u64,
                within_1s: within_1s as u64,
            },
            outbound: outbound.collect(),
        })
    }
}

impl Sums {
    /// A code of 0 is a call without an answer.
    fn add_count(&mut self, code: Option<u16>, value: f64, zero_fails: bool) {
        self.count += value;
        match code {
            Some(500..) => self.failed += value,
            Some(0) if zero_fails => self.failed += value,
            Some(400..500) => self.refused += value,
            _ => {}
        }
    }

    fn add_bucket(&mut self, le: Option<f64>, value: f64) {
        let Some(le) = le else { return };
        let is = |limit: f64| (le - limit).abs() < 1e-9;
        if le.is_infinite() {
            self.timed += value;
        } else if is(0.1) {
            *self.within_100ms.get_or_insert(0.0) += value;
        } else if is(1.0) {
            *self.within_1s.get_or_insert(0.0) += value;
        }
    }
}

fn of_service<'s>(services: &'s mut BTreeMap<String, Sums>, name: &str) -> &'s mut Sums {
    let known = services.contains_key(name) || services.len() < MAX_SERVICES;
    let name = if known { name } else { OTHERS };
    services.entry(name.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use sopwatch_core::testkit;

    fn metrics() -> Metrics {
        Metrics {
            inbound_count: "api_inbound_request_count".into(),
            inbound_duration: "api_inbound_request_duration".into(),
            outbound_count: "api_outbound_request_count".into(),
            outbound_duration: "api_outbound_request_duration".into(),
            ..testkit::metrics()
        }
    }

    fn read_by(chunk: usize, text: &str) -> Option<Scrape> {
        let metrics = metrics();
        let mut totals = Totals::new(&metrics, "/api/managed-services-api");
        text.as_bytes().chunks(chunk).for_each(|bytes| totals.feed(bytes));
        totals.finish()
    }

    const TEXT: &str = r#"# HELP api_inbound_request_count Number of requests served.
# TYPE api_inbound_request_count counter
api_inbound_request_count{code="200",method="GET",path="/api/managed-services-api"} 5000
api_inbound_request_count{code="200",method="GET",path="/api/managed-services-api/v1/kafkas"} 40
api_inbound_request_count{code="404",method="GET",path="/api/managed-services-api/v1/kafkas/-"} 3
api_inbound_request_count{code="500",method="POST",path="/api/managed-services-api/v1/kafkas"} 2
api_inbound_request_duration_bucket{code="200",method="GET",path="/api/managed-services-api",le="0.1"} 5000
api_inbound_request_duration_bucket{code="200",method="GET",path="/api/managed-services-api",le="+Inf"} 5000
api_inbound_request_duration_bucket{code="200",method="GET",path="/v1/kafkas",le="0.1"} 30
api_inbound_request_duration_bucket{code="200",method="GET",path="/v1/kafkas",le="1.0"} 39
api_inbound_request_duration_bucket{code="200",method="GET",path="/v1/kafkas",le="30"} 40
api_inbound_request_duration_bucket{code="200",method="GET",path="/v1/kafkas",le="+Inf"} 40
api_inbound_request_duration_sum{code="200",method="GET",path="/v1/kafkas"} 12.5
api_outbound_request_count{apiservice="ocm-clusters-service",code="0",method="GET",path="/x"} 4
api_outbound_request_count{apiservice="ocm-clusters-service",code="200",method="GET",path="/x"} 1.2e+01
api_outbound_request_count{apiservice="ocm-clusters-service",code="503",method="GET",path="/x"} 1
api_outbound_request_count{apiservice="ocm-accounts-service",code="401",method="GET",path="/y"} 2
api_outbound_request_duration_bucket{apiservice="ocm-clusters-service",code="200",le="1"} 11
api_outbound_request_duration_bucket{apiservice="ocm-clusters-service",code="200",le="+Inf"} 12
go_goroutines 57
"#;

    #[test]
    fn totals_are_summed_over_the_labels_that_do_not_matter_without_the_probes() {
        let outbound = |service: &str, [count, failed, refused, timed, within_1s]: [u64; 5]| OutboundTotals {
            service: service.into(),
            count,
            failed,
            refused,
            timed,
            within_1s,
        };
        let want = Scrape {
            inbound: RequestTotals {
                count: 45,
                failed: 2,
                timed: 40,
                within_100ms: 30,
                within_1s: 39,
            },
            outbound: vec![
                outbound("ocm-accounts-service", [2, 0, 2, 0, 0]),
                outbound("ocm-clusters-service", [17, 5, 0, 12, 11]),
            ],
        };
        for chunk in [1, 7, 100, 1_000_000] {
            assert_eq!(read_by(chunk, TEXT).as_ref(), Some(&want), "in pieces of {chunk}");
        }
        assert_eq!(read_by(64, &TEXT.replace('\n', "\r\n")).as_ref(), Some(&want));
        assert_eq!(read_by(64, TEXT.trim_end()).as_ref(), Some(&want));
    }

    #[test]
    fn what_has_none_of_the_families_says_nothing() {
        for text in ["", "<html>login</html>", "go_goroutines 57\n"] {
            assert_eq!(read_by(10, text), None, "{text}");
        }
        let called = "api_outbound_request_count{apiservice=\"ocm\",code=\"200\"} 3\n";
        let scrape = read_by(10, called).unwrap();
        assert_eq!(
            (scrape.inbound, scrape.outbound[0].count),
            (RequestTotals::default(), 3)
        );
    }

    #[test]
    fn a_histogram_without_the_limits_of_the_objectives_says_nothing_of_what_is_slow() {
        let text = "api_inbound_request_count{code=\"200\"} 9\napi_inbound_request_duration_bucket{le=\"5\"} 9\napi_inbound_request_duration_bucket{le=\"+Inf\"} 9\n";
        let inbound = read_by(10, text).unwrap().inbound;
        assert_eq!((inbound.count, inbound.timed), (9, 0));
    }

    #[test]
    fn neither_a_long_line_nor_many_services_fill_the_memory() {
        let mut text = format!("x{{a=\"{}\"}} 1\n", "y".repeat(1 << 20));
        text.push_str("api_inbound_request_count{code=\"200\"} 1\n");
        for service in 0..1_000 {
            writeln!(
                text,
                "api_outbound_request_count{{apiservice=\"s{service}\",code=\"200\"}} 1"
            )
            .unwrap();
        }
        let metrics = metrics();
        let mut totals = Totals::new(&metrics, "");
        for bytes in text.as_bytes().chunks(100) {
            totals.feed(bytes);
            assert!(totals.line.len() <= MAX_LINE);
        }
        let scrape = totals.finish().unwrap();
        assert_eq!(scrape.outbound.len(), MAX_SERVICES + 1);
        let all: u64 = scrape.outbound.iter().map(|totals| totals.count).sum();
        assert_eq!((scrape.inbound.count, all), (1, 1_000));
    }
}
