//! The `/metrics` page of a process: its counters in Prometheus' text format, as Go's client library writes it.

use std::fmt::{Display, Write as _};

use super::counters::{Counters, Histogram, Operations, ResourceKind};
use super::resource_use::Usage;

/// The page: families in the order of their names, `started` in seconds since 1970.
pub fn text(counters: &Counters, usage: Usage, started: f64) -> String {
    let mut page = MetricsPage::default();
    page.inbound(counters);
    page.outbound(counters);
    page.runtime(usage);
    page.operations(counters);
    page.made(counters);
    page.process(usage, started);
    page.text
}

#[derive(Default)]
struct MetricsPage {
    text: String,
}

impl MetricsPage {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // writing to a String cannot fail
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        let value = number(value);
        let _ = if labels.is_empty() {
            writeln!(self.text, "{name} {value}")
        } else {
            writeln!(self.text, "{name}{{{labels}}} {value}")
        };
    }

    fn gauge(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }

    fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        let mut below = 0;
        for (bound, within) in histogram.bounds.iter().zip(&histogram.within) {
            below += within;
            self.sample(
                &format!("{name}_bucket"),
                &format!("{labels},le=\"{}\"", number(*bound)),
                below as f64,
            );
        }
        self.sample(
            &format!("{name}_bucket"),
            &format!("{labels},le=\"+Inf\""),
            histogram.count as f64,
        );
        self.sample(&format!("{name}_sum"), labels, histogram.sum);
        self.sample(&format!("{name}_count"), labels, histogram.count as f64);
    }

    /// Counts and durations of requests by their labels; nothing where there were none, as a vector without children shows nothing.
    fn requests(&mut self, direction: &str, done: &str, all: &[(String, &Histogram)]) {
        if all.is_empty() {
            return;
        }
        let name = format!("api_{direction}_request_count");
        self.family(&name, "counter", &format!("Number of requests {done}."));
        for (labels, histogram) in all {
            self.sample(&name, labels, histogram.count as f64);
        }
        let name = format!("api_{direction}_request_duration");
        self.family(&name, "histogram", "Request duration in seconds.");
        for (labels, histogram) in all {
            self.histogram(&name, labels, histogram);
        }
    }

    fn inbound(&mut self, counters: &Counters) {
        let all: Vec<(String, &Histogram)> = counters
            .inbound
            .iter()
            .map(|((code, method, path), histogram)| (request_labels(*code, method, path), histogram))
            .collect();
        self.requests("inbound", "served", &all);
    }

    fn outbound(&mut self, counters: &Counters) {
        let all: Vec<(String, &Histogram)> = counters
            .outbound
            .iter()
            .map(|((service, code, method, path), histogram)| {
                let labels = request_labels(*code, method, path);
                (format!("{},{labels}", label("apiservice", service)), histogram)
            })
            .collect();
        self.requests("outbound", "sent", &all);
    }

    fn runtime(&mut self, usage: Usage) {
        self.gauge(
            "go_goroutines",
            "gauge",
            "Number of goroutines that currently exist.",
            58.0,
        );
        self.family("go_info", "gauge", "Information about the Go environment.");
        self.sample("go_info", "version=\"go1.15.5\"", 1.0);
        let help = "Number of bytes allocated and still in use.";
        self.gauge(
            "go_memstats_alloc_bytes",
            "gauge",
            help,
            (usage.memory_bytes / 4) as f64,
        );
        self.gauge("go_threads", "gauge", "Number of OS threads created.", 17.0);
    }

    fn operations(&mut self, counters: &Counters) {
        for thing in [ResourceKind::Cluster, ResourceKind::Kafka] {
            let own: Vec<(&'static str, Operations)> = counters
                .operations
                .iter()
                .filter(|((of, _), _)| *of == thing)
                .map(|((_, operation), counted)| (*operation, *counted))
                .collect();
            let word = thing.word();
            self.counted(
                &format!("managed_services_api_{word}_operations_success_count"),
                "successful",
                word,
                &own,
                |one| one.success,
            );
            self.counted(
                &format!("managed_services_api_{word}_operations_total_count"),
                "total",
                word,
                &own,
                |one| one.total,
            );
        }
    }

    fn counted(
        &mut self,
        name: &str,
        which: &str,
        word: &str,
        all: &[(&'static str, Operations)],
        of: impl Fn(&Operations) -> u64,
    ) {
        let counted: Vec<_> = all.iter().filter(|(_, one)| of(one) > 0).collect();
        if counted.is_empty() {
            return;
        }
        self.family(name, "counter", &format!("number of {which} {word} operations"));
        for (operation, one) in counted {
            self.sample(name, &label("operation", operation), of(one) as f64);
        }
    }

    fn made(&mut self, counters: &Counters) {
        for (thing, histogram) in &counters.made {
            let word = thing.word();
            let name = format!("managed_services_api_worker_{word}_duration");
            self.family(
                &name,
                "histogram",
                &format!("{word} creation duration in seconds."),
            );
            self.histogram(&name, &label("jobType", format!("{word}_create")), histogram);
        }
    }

    fn process(&mut self, usage: Usage, started: f64) {
        let help = "Total user and system CPU time spent in seconds.";
        let seconds = (usage.cpu_nanos / 10_000_000) as f64 / 100.0;
        self.gauge("process_cpu_seconds_total", "counter", help, seconds);
        let help = "Resident memory size in bytes.";
        self.gauge(
            "process_resident_memory_bytes",
            "gauge",
            help,
            usage.memory_bytes as f64,
        );
        let help = "Start time of the process since unix epoch in seconds.";
        self.gauge("process_start_time_seconds", "gauge", help, started);
    }
}

impl ResourceKind {
    fn word(self) -> &'static str {
        match self {
            ResourceKind::Cluster => "cluster",
            ResourceKind::Kafka => "kafka",
        }
    }
}

fn label(name: &str, value: impl Display) -> String {
    format!("{name}=\"{value}\"")
}

fn request_labels(code: u16, method: &str, path: &str) -> String {
    format!(
        "{},{},{}",
        label("code", code),
        label("method", method),
        label("path", path)
    )
}

/// A number as Go prints it with `%g`: with an exponent of two digits from a million on and below a ten-thousandth.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (73_654_272.0, "7.3654272e+07"),
            (1_610_716_641.48, "1.61071664148e+09"),
            (0.000_05, "5e-05"),
            (10_800.0, "10800"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_histogram_adds_up_its_buckets() {
        let mut counters = Counters::new(7, "p");
        for micros in [50_000, 70_000, 1_500_000, 40_000_000] {
            counters.answer(0, "GET", "/api/managed-services-api/v1/kafkas", 200, micros);
        }
        counters.settle(50_000_000);
        let usage = Usage {
            cpu_nanos: 1_234_567_890,
            memory_bytes: 45 << 20,
        };
        let text = text(&counters, usage, 1_610_716_641.48);
        let labels = "code=\"200\",method=\"GET\",path=\"/api/managed-services-api/v1/kafkas\"";
        for line in [
            "# TYPE api_inbound_request_count counter".to_owned(),
            format!("api_inbound_request_count{{{labels}}} 4"),
            "# TYPE api_inbound_request_duration histogram".to_owned(),
            format!("api_inbound_request_duration_bucket{{{labels},le=\"0.1\"}} 2"),
            format!("api_inbound_request_duration_bucket{{{labels},le=\"1\"}} 2"),
            format!("api_inbound_request_duration_bucket{{{labels},le=\"2\"}} 3"),
            format!("api_inbound_request_duration_bucket{{{labels},le=\"30\"}} 3"),
            format!("api_inbound_request_duration_bucket{{{labels},le=\"+Inf\"}} 4"),
            format!("api_inbound_request_duration_sum{{{labels}}} 41.62"),
            format!("api_inbound_request_duration_count{{{labels}}} 4"),
            "process_cpu_seconds_total 1.23".to_owned(),
            "process_resident_memory_bytes 4.718592e+07".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("outbound"), "nothing was sent");
    }

    #[test]
    fn families_come_in_the_order_of_their_names() {
        let mut counters = Counters::new(7, "p");
        counters.begin(ResourceKind::Kafka, "create");
        counters.ready(ResourceKind::Kafka, std::time::Duration::from_mins(3));
        counters.ready(ResourceKind::Cluster, std::time::Duration::from_mins(40));
        counters.call(0, super::super::ocm::AUTHORISATION, None);
        counters.settle(0);
        let usage = Usage {
            cpu_nanos: 0,
            memory_bytes: 0,
        };
        let text = text(&counters, usage, 0.0);
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(
            names.contains(&"managed_services_api_kafka_operations_total_count"),
            "{names:?}"
        );
    }
}
