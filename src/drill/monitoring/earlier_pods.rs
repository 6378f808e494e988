//! The pods before those that the world knows: what Prometheus has of the time before the world began.
//!
//! They ran well, under the usual load of the scenario, so that yesterday, last week and the beginning of a chart have figures. Their
//! counters are straight lines: nothing has to be stored.

use super::history::{INTERVAL, kubelet_labels, limits, own_labels, state_labels};
use super::series::{Sample, Series};
use crate::random::Random;
use crate::service::ResourceLimits;
use crate::world::{CONTAINER, SERVICE};

/// What of twenty requests of users a path gets: code, method, path, requests.
const USERS: [(&str, &str, &str, f64); 6] = [
    ("200", "GET", "/api/managed-services-api/v1/kafkas", 9.0),
    ("200", "GET", "/api/managed-services-api/v1/kafkas/-", 5.0),
    ("200", "GET", "/api/managed-services-api/v1/cloud_providers", 2.0),
    ("202", "POST", "/api/managed-services-api/v1/kafkas", 2.0),
    ("400", "POST", "/api/managed-services-api/v1/kafkas", 1.0),
    ("404", "GET", "/api/managed-services-api/v1/kafkas/-", 1.0),
];
/// Probes a minute and pod.
const PROBES: f64 = 11.0;
/// Calls of the leader a minute, to the service that builds clusters.
const CALLS: f64 = 2.0;
/// Cores that a pod used, and bytes of memory.
const USED: (f64, f64) = (0.006, 6.4e7);
/// Bytes a second that a pod received.
const RECEIVED: f64 = 650.0;
/// At most so many samples of a long window, but one a minute up to six hours: on a straight line they say as much.
const SAMPLES: i64 = 120;
const COARSEST: i64 = 60_000;
/// Windows that are longer have no more than that, ms.
const LONG: i64 = 6 * 3_600_000;
/// How long before their end they started, ms.
const AGE: i64 = 40 * 86_400_000;

/// The pods of one deployment, up to a moment.
#[derive(Debug)]
pub struct EarlierPods {
    pods: Vec<EarlierPod>,
    /// When the world's own pods were scraped first, ms since 1970.
    until: i64,
    requests_per_minute: f64,
    probes: bool,
}

#[derive(Debug)]
struct EarlierPod {
    name: String,
    instance: String,
    node: (String, String),
}

impl EarlierPods {
    /// As many pods, under this load of each.
    pub fn new(seed: u64, count: u32, until: i64, requests_per_minute: u32, probes: bool) -> Self {
        let mut random = Random::named(seed, "pods before the world");
        let set = random.hexadecimal(9);
        let pods = (0..count).map(|number| EarlierPod {
            name: format!("{SERVICE}-{set}-{}", random.name_suffix()),
            instance: format!("10.131.{}.{}:8080", number / 200, 40 + number % 200),
            node: ("worker-0".to_owned(), "10.0.128.10".to_owned()),
        });
        Self {
            pods: pods.collect(),
            until,
            requests_per_minute: f64::from(requests_per_minute),
            probes,
        }
    }

    /// The series of a metric, with the samples in a window.
    pub fn series(&self, metric: &str, from: i64, to: i64) -> Vec<Series> {
        let to = to.min(self.until - 1);
        if from >= self.until {
            return Vec::new();
        }
        let mut all = Vec::new();
        for (number, pod) in self.pods.iter().enumerate() {
            self.add_own(metric, pod, number == 0, (from, to), &mut all);
            self.add_container(metric, pod, (from, to), &mut all);
        }
        if metric.starts_with("kube_deployment_") {
            let count = self.pods.len() as f64;
            let labels = state_labels(metric, &[("deployment", SERVICE)]);
            all.push(Series {
                labels,
                samples: self.samples(from, to, &|_| count),
            });
        }
        all
    }

    fn add_own(
        &self,
        metric: &str,
        pod: &EarlierPod,
        leads: bool,
        (from, to): (i64, i64),
        all: &mut Vec<Series>,
    ) {
        let mut push = |extra: &[(&str, &str)], per_minute: f64| {
            let value = |seconds: f64| (seconds * per_minute / 60.0).floor();
            all.push(Series {
                labels: own_labels(metric, &pod.name, &pod.instance, extra),
                samples: self.samples(from, to, &value),
            });
        };
        if metric == "up" {
            let one = self.samples(from, to, &|_| 1.0);
            let labels = own_labels(metric, &pod.name, &pod.instance, &[]);
            all.push(Series { labels, samples: one });
            return;
        }
        let mut counted = |extra: &[(&str, &str)], per_minute: f64, bounds: &[&str], seconds: f64| {
            if metric.ends_with("_bucket") {
                for bound in bounds {
                    let mut extra = extra.to_vec();
                    extra.push(("le", bound));
                    let within = bound.parse::<f64>().is_ok_and(|bound| seconds <= bound);
                    push(&extra, if within { per_minute } else { 0.0 });
                }
            } else if metric.ends_with("_sum") {
                push(extra, per_minute * seconds);
            } else {
                push(extra, per_minute);
            }
        };
        if metric.starts_with("api_inbound_") {
            let bounds = ["0.1", "1", "2", "5", "10", "30", "+Inf"];
            if self.probes {
                let extra = [
                    ("code", "200"),
                    ("method", "GET"),
                    ("path", "/api/managed-services-api"),
                ];
                counted(&extra, PROBES, &bounds, 0.001);
            }
            for (code, method, path, share) in USERS.iter().filter(|_| self.requests_per_minute > 0.0) {
                let extra = [("code", *code), ("method", *method), ("path", *path)];
                counted(&extra, self.requests_per_minute * share / 20.0, &bounds, 0.04);
            }
        }
        if metric.starts_with("api_outbound_") && leads {
            let extra = [
                ("apiservice", "ocm-clusters-service"),
                ("code", "200"),
                ("method", "GET"),
                ("path", "/api/clusters_mgmt/v1/clusters/-"),
            ];
            counted(&extra, CALLS, &["0.1", "1", "10", "30", "+Inf"], 0.4);
        }
    }

    fn add_container(&self, metric: &str, pod: &EarlierPod, (from, to): (i64, i64), all: &mut Vec<Series>) {
        let (cpu, memory) = limits(ResourceLimits::default());
        let mut of_kubelet = |of_container: bool, value: &dyn Fn(f64) -> f64| {
            all.push(Series {
                labels: kubelet_labels(metric, &pod.name, &pod.node, of_container),
                samples: self.samples(from, to, value),
            });
        };
        match metric {
            "container_cpu_usage_seconds_total" => return of_kubelet(true, &|seconds| seconds * USED.0),
            "container_memory_working_set_bytes" => return of_kubelet(true, &|_| USED.1),
            "container_cpu_cfs_periods_total" => {
                return of_kubelet(true, &|seconds| (seconds * 10.0).floor());
            }
            "container_cpu_cfs_throttled_periods_total" => return of_kubelet(true, &|_| 0.0),
            "container_network_receive_bytes_total" => {
                return of_kubelet(false, &|seconds| (seconds * RECEIVED).floor());
            }
            "container_network_transmit_bytes_total" => {
                return of_kubelet(false, &|seconds| (seconds * RECEIVED * 1.7).floor());
            }
            "container_fs_writes_bytes_total" => {
                let logged = self.requests_per_minute * 10.0;
                return of_kubelet(false, &|seconds| (seconds * logged).floor());
            }
            flat if flat.starts_with("container_") => return of_kubelet(false, &|_| 0.0),
            _ => {}
        }
        let mut of_state = |extra: &[(&str, &str)], value: f64| {
            let mut with = vec![("container", CONTAINER), ("pod", pod.name.as_str())];
            with.extend(extra);
            all.push(Series {
                labels: state_labels(metric, &with),
                samples: self.samples(from, to, &|_| value),
            });
        };
        match metric {
            "kube_pod_container_resource_limits" => {
                of_state(&[("resource", "cpu"), ("unit", "core")], cpu);
                of_state(&[("resource", "memory"), ("unit", "byte")], memory);
            }
            "kube_pod_container_status_restarts_total" => of_state(&[], 0.0),
            _ => {}
        }
    }

    /// Samples of a function of their age in seconds, and the end of the series.
    fn samples(&self, from: i64, to: i64, value: &dyn Fn(f64) -> f64) -> Vec<Sample> {
        let born = self.until - AGE;
        let wanted = ((to - from) / SAMPLES / INTERVAL).max(1) * INTERVAL;
        let step = if to - from > LONG {
            wanted
        } else {
            wanted.min(COARSEST)
        };
        let first = from - from.rem_euclid(step) + step;
        let ticks = (0..).map(|n| first + n * step).take_while(|at| *at <= to);
        let mut samples: Vec<Sample> = ticks
            .filter(|at| *at > born)
            .map(|at| Sample {
                at,
                value: Some(value((at - born) as f64 / 1_000.0)),
            })
            .collect();
        if to == self.until - 1 && from < self.until {
            samples.push(Sample {
                at: self.until - 1,
                value: None,
            });
        }
        samples
    }
}
