//! What Prometheus has scraped of the world: of each pod, the samples of its own page, of its kubelet and of kube-state-metrics.
//!
//! A value is stored when it changes; the times of the scrapes are stored apart. That is a small part of what all samples would need.

use std::collections::BTreeMap;

use super::earlier_pods::EarlierPods;
use super::metric_names::{self, Part};
use super::series::{Labels, NAME, Sample, Series, labels};
use crate::service::{Counters, Histogram, InboundKey, OutboundKey, ResourceLimits, Usage};
use crate::world::{CONTAINER, NAMESPACE, SERVICE};

/// How often everything is scraped, ms.
pub const INTERVAL: i64 = 30_000;
/// How long samples are kept, ms: the longest window of a rule, and the chart of an hour before it.
pub const KEPT: i64 = 7 * 3_600_000;
/// Share of its CPU limit from which on a container is throttled, in percent.
const THROTTLED_FROM: f64 = 0.9;
/// Periods of the CPU's quota in a second.
const PERIODS: f64 = 10.0;
/// Bytes a second that a pod receives and sends without requests, and bytes of a request and its answer.
const NETWORK: (f64, f64) = (420.0, 2_300.0);
/// Bytes of log that a request leaves on the disk.
const LOGGED: f64 = 520.0;

/// One pod as a scrape finds it.
#[derive(Clone, Debug)]
pub struct ScrapedPod {
    pub uid: String,
    pub name: String,
    /// The address of its own page.
    pub instance: String,
    /// The name and address of its node.
    pub node: (String, String),
    /// Its own counters; `None` where nothing answered.
    pub counters: Option<Counters>,
    /// What its container uses; `None` where it does not run or its kubelet does not answer.
    pub usage: Option<Usage>,
    pub limits: ResourceLimits,
    pub restarts: u32,
    /// Whether the last container that ended was killed for its memory.
    pub oom_killed: bool,
}

/// The deployment as a scrape finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScrapedDeployment {
    pub wanted: u32,
    pub ready: u32,
}

/// What is counted with a histogram, on the service's own page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    Inbound(InboundKey),
    Outbound(OutboundKey),
}

/// Counters of the container, which only grow.
#[derive(Clone, Copy, Debug, Default)]
struct ContainerPoint {
    at: i64,
    /// `None` where the kubelet does not know the container.
    used: Option<Usage>,
    periods: f64,
    throttled: f64,
    received: f64,
    sent: f64,
    written: f64,
    restarts: u32,
    oom_killed: bool,
}

/// One pod.
#[derive(Debug)]
struct Target {
    pod: String,
    instance: String,
    node: (String, String),
    limits: ResourceLimits,
    /// When each scrape was, and whether the pod's page came.
    scrapes: Vec<(i64, bool)>,
    counted: BTreeMap<Counted, Vec<(i64, Option<Histogram>)>>,
    container: Vec<ContainerPoint>,
    /// The first scrape that no longer found the pod.
    gone: Option<i64>,
}

/// All samples.
#[derive(Debug)]
pub struct History {
    targets: BTreeMap<String, Target>,
    deployment: Vec<(i64, ScrapedDeployment)>,
    earlier: EarlierPods,
}

impl History {
    /// A history that begins where the earlier pods end.
    pub fn after(earlier: EarlierPods) -> Self {
        Self {
            targets: BTreeMap::new(),
            deployment: Vec::new(),
            earlier,
        }
    }

    /// Takes in one scrape.
    pub fn store(&mut self, at: i64, pods: Vec<ScrapedPod>, deployment: ScrapedDeployment) {
        for (uid, target) in &mut self.targets {
            if target.gone.is_none() && pods.iter().all(|pod| pod.uid != *uid) {
                target.gone = Some(at);
            }
        }
        for pod in pods {
            let target = self
                .targets
                .entry(pod.uid.clone())
                .or_insert_with(|| Target::of(&pod));
            target.store(at, pod);
        }
        if self.deployment.last().is_none_or(|(_, last)| *last != deployment) {
            self.deployment.push((at, deployment));
        }
        let horizon = at - KEPT;
        self.targets
            .retain(|_, target| target.gone.is_none_or(|gone| gone > horizon));
        if at / INTERVAL % 64 == 0 {
            for target in self.targets.values_mut() {
                target.forget(horizon);
            }
            forget_before(&mut self.deployment, horizon);
        }
    }

    /// The series of a metric, with the samples in a window: those after `from` up to `to`, and what an instant before needs.
    pub fn series(&self, metric: &str, from: i64, to: i64) -> Vec<Series> {
        let Some(part) = metric_names::part(metric) else {
            return Vec::new();
        };
        let mut all = self.earlier.series(metric, from, to);
        if metric.starts_with("kube_deployment_") {
            all.extend(self.deployment_series(metric, from, to));
            return all;
        }
        for target in self.targets.values() {
            match part {
                Part::Own => target.own(metric, from, to, &mut all),
                Part::Kubelet => target.kubelet(metric, from, to, &mut all),
                Part::State => target.state(metric, from, to, &mut all),
            }
        }
        all.retain(|series| !series.samples.is_empty());
        all
    }

    fn deployment_series(&self, metric: &str, from: i64, to: i64) -> Option<Series> {
        let value = |one: &ScrapedDeployment| {
            f64::from(if metric.ends_with("replicas_ready") {
                one.ready
            } else {
                one.wanted
            })
        };
        let first = self.deployment.first()?.0;
        let first_tick = first.max(from - from.rem_euclid(INTERVAL) + first.rem_euclid(INTERVAL) - INTERVAL);
        let ticks = (0..)
            .map(|n| first_tick + n * INTERVAL)
            .take_while(|at| *at <= to);
        let samples = ticks.filter(|at| *at > from).filter_map(|at| {
            let until = self.deployment.partition_point(|(changed, _)| *changed <= at);
            let (_, known) = self.deployment.get(until.checked_sub(1)?)?;
            Some(Sample {
                at,
                value: Some(value(known)),
            })
        });
        Some(Series {
            labels: state_labels(metric, &[("deployment", SERVICE)]),
            samples: samples.collect(),
        })
    }
}

impl Target {
    fn of(pod: &ScrapedPod) -> Self {
        Self {
            pod: pod.name.clone(),
            instance: pod.instance.clone(),
            node: pod.node.clone(),
            limits: pod.limits,
            scrapes: Vec::new(),
            counted: BTreeMap::new(),
            container: Vec::new(),
            gone: None,
        }
    }

    fn store(&mut self, at: i64, pod: ScrapedPod) {
        self.scrapes.push((at, pod.counters.is_some()));
        let mut requests = 0;
        let counted = pod.counters.map(by_key).unwrap_or_default();
        for (key, points) in &mut self.counted {
            let known = points.last().is_some_and(|(_, last)| last.is_some());
            if known && !counted.contains_key(key) {
                points.push((at, None));
            }
        }
        for (key, histogram) in counted {
            let points = self.counted.entry(key).or_default();
            let last = points.last().and_then(|(_, last)| last.as_ref());
            let before = last.map_or(0, |last| last.count);
            requests += histogram.count.saturating_sub(before);
            if last.is_none_or(|last| last.count != histogram.count) {
                points.push((at, Some(histogram)));
            }
        }
        let last = self.container.last().copied();
        let point = next_point(last, at, pod.usage, pod.limits, requests as f64);
        self.container.push(ContainerPoint {
            restarts: pod.restarts,
            oom_killed: pod.oom_killed,
            ..point
        });
    }

    /// Forgets what is older, except the last of each value.
    fn forget(&mut self, horizon: i64) {
        self.scrapes.retain(|(at, _)| *at > horizon);
        self.container.retain(|point| point.at > horizon);
        for points in self.counted.values_mut() {
            forget_before(points, horizon);
        }
    }

    fn scrapes_within(&self, from: i64, to: i64) -> &[(i64, bool)] {
        let first = self.scrapes.partition_point(|(at, _)| *at <= from);
        let last = self.scrapes.partition_point(|(at, _)| *at <= to);
        self.scrapes.get(first..last).unwrap_or_default()
    }

    /// The end of a series in a window: the pod is gone.
    fn end(&self, from: i64, to: i64) -> Option<Sample> {
        let gone = self.gone.filter(|gone| *gone > from && *gone <= to)?;
        Some(Sample {
            at: gone,
            value: None,
        })
    }

    fn own_labels(&self, metric: &str, extra: &[(&str, &str)]) -> Labels {
        own_labels(metric, &self.pod, &self.instance, extra)
    }

    fn own(&self, metric: &str, from: i64, to: i64, all: &mut Vec<Series>) {
        if metric == "up" {
            let samples = self.scrapes_within(from, to).iter().map(|(at, up)| Sample {
                at: *at,
                value: Some(f64::from(u8::from(*up))),
            });
            all.push(Series {
                labels: self.own_labels(metric, &[]),
                samples: samples.chain(self.end(from, to)).collect(),
            });
            return;
        }
        for (key, points) in &self.counted {
            let (family, extra) = key.labels();
            let extra: Vec<_> = extra
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let Some(rest) = metric.strip_prefix(family) else {
                continue;
            };
            let mut push = |extra: &[(&str, &str)], value: &dyn Fn(&Histogram) -> f64| {
                let samples = self.counted_samples(points, value, from, to);
                if samples.iter().any(|sample| sample.value.is_some()) {
                    let labels = self.own_labels(metric, extra);
                    all.push(Series { labels, samples });
                }
            };
            match rest {
                "_request_count" | "_request_duration_count" => push(&extra, &|one| one.count as f64),
                "_request_duration_sum" => push(&extra, &|one| one.sum),
                "_request_duration_bucket" => {
                    let bounds = points.iter().find_map(|(_, one)| Some(one.as_ref()?.bounds));
                    for (place, bound) in bounds.unwrap_or_default().iter().enumerate() {
                        let bound = bound.to_string();
                        let mut extra = extra.clone();
                        extra.push(("le", &bound));
                        push(&extra, &|one| one.within[..=place].iter().sum::<u64>() as f64);
                    }
                    let mut extra = extra.clone();
                    extra.push(("le", "+Inf"));
                    push(&extra, &|one| one.count as f64);
                }
                _ => {}
            }
        }
    }

    /// A value at every scrape of a window: the last that was stored; the series ends at a scrape that failed.
    fn counted_samples(
        &self,
        points: &[(i64, Option<Histogram>)],
        value: &dyn Fn(&Histogram) -> f64,
        from: i64,
        to: i64,
    ) -> Vec<Sample> {
        let mut place = points.partition_point(|(at, _)| *at <= from);
        let mut samples: Vec<Sample> = Vec::new();
        for (at, up) in self.scrapes_within(from, to) {
            while points.get(place).is_some_and(|(changed, _)| changed <= at) {
                place += 1;
            }
            let known = place.checked_sub(1).and_then(|last| points[last].1.as_ref());
            let value = known.filter(|_| *up).map(value);
            if value.is_some() || known.is_some() || !samples.is_empty() {
                samples.push(Sample { at: *at, value });
            }
        }
        samples.extend(self.end(from, to));
        samples
    }

    fn container_samples(
        &self,
        value: &dyn Fn(&ContainerPoint) -> Option<f64>,
        from: i64,
        to: i64,
    ) -> Vec<Sample> {
        let first = self.container.partition_point(|point| point.at <= from);
        let last = self.container.partition_point(|point| point.at <= to);
        let points = self.container.get(first..last).unwrap_or_default().iter();
        let samples = points.map(|point| Sample {
            at: point.at,
            value: value(point),
        });
        samples.chain(self.end(from, to)).collect()
    }

    fn kubelet(&self, metric: &str, from: i64, to: i64, all: &mut Vec<Series>) {
        let Some((of_container, value)) = kubelet_value(metric) else {
            return;
        };
        let samples = self.container_samples(&value, from, to);
        if samples.iter().any(|sample| sample.value.is_some()) {
            all.push(Series {
                labels: kubelet_labels(metric, &self.pod, &self.node, of_container),
                samples,
            });
        }
    }

    fn state(&self, metric: &str, from: i64, to: i64, all: &mut Vec<Series>) {
        let mut push = |extra: &[(&str, &str)], value: &dyn Fn(&ContainerPoint) -> Option<f64>| {
            let mut with = vec![("container", CONTAINER), ("pod", self.pod.as_str())];
            with.extend(extra);
            let samples = self.container_samples(value, from, to);
            if samples.iter().any(|sample| sample.value.is_some()) {
                all.push(Series {
                    labels: state_labels(metric, &with),
                    samples,
                });
            }
        };
        match metric {
            "kube_pod_container_resource_limits" => {
                let (cpu, memory) = limits(self.limits);
                push(&[("resource", "cpu"), ("unit", "core")], &|_| Some(cpu));
                push(&[("resource", "memory"), ("unit", "byte")], &|_| Some(memory));
            }
            "kube_pod_container_status_restarts_total" => {
                push(&[], &|point| Some(f64::from(point.restarts)));
            }
            "kube_pod_container_status_last_terminated_reason" => {
                push(&[("reason", "OOMKilled")], &|point| {
                    point.oom_killed.then_some(1.0)
                });
            }
            _ => {}
        }
    }
}

/// The counters of the container after a scrape.
fn next_point(
    last: Option<ContainerPoint>,
    at: i64,
    used: Option<Usage>,
    limits: ResourceLimits,
    requests: f64,
) -> ContainerPoint {
    let Some(last) = last else {
        return ContainerPoint {
            at,
            used,
            ..ContainerPoint::default()
        };
    };
    let seconds = (at - last.at) as f64 / 1_000.0;
    let cores = match (last.used, used) {
        (Some(before), Some(now)) => {
            now.cpu_nanos.saturating_sub(before.cpu_nanos) as f64 / 1e9 / seconds.max(1e-3)
        }
        _ => 0.0,
    };
    let periods = if used.is_some() { PERIODS * seconds } else { 0.0 };
    let share = (cores / limits_of_cpu(limits) - THROTTLED_FROM) / (1.0 - THROTTLED_FROM);
    let bytes = NETWORK.0 * seconds + NETWORK.1 * requests;
    ContainerPoint {
        at,
        used,
        periods: last.periods + periods.round(),
        throttled: last.throttled + (periods * share.clamp(0.0, 0.85)).round(),
        received: last.received + bytes.round(),
        sent: last.sent + (bytes * 1.7).round(),
        written: last.written + (LOGGED * requests).round(),
        ..last
    }
}

fn limits_of_cpu(limits: ResourceLimits) -> f64 {
    limits.cpu_millis.max(1) as f64 / 1_000.0
}

/// Cores and bytes.
pub fn limits(limits: ResourceLimits) -> (f64, f64) {
    (limits_of_cpu(limits), limits.memory_bytes as f64)
}

/// Reads a value of a container; `None` where there is none.
type ReadPoint = fn(&ContainerPoint) -> Option<f64>;

/// How a metric of the kubelet is read, and whether it is of the container (or else of the whole pod).
fn kubelet_value(metric: &str) -> Option<(bool, ReadPoint)> {
    Some(match metric {
        "container_cpu_usage_seconds_total" => (true, |point| Some(point.used?.cpu_nanos as f64 / 1e9)),
        "container_memory_working_set_bytes" => (true, |point| Some(point.used?.memory_bytes as f64)),
        "container_cpu_cfs_periods_total" => (true, |point| point.used.map(|_| point.periods)),
        "container_cpu_cfs_throttled_periods_total" => (true, |point| point.used.map(|_| point.throttled)),
        "container_network_receive_bytes_total" => (false, |point| point.used.map(|_| point.received)),
        "container_network_transmit_bytes_total" => (false, |point| point.used.map(|_| point.sent)),
        "container_fs_writes_bytes_total" => (false, |point| point.used.map(|_| point.written)),
        "container_network_receive_errors_total"
        | "container_network_transmit_errors_total"
        | "container_network_receive_packets_dropped_total"
        | "container_network_transmit_packets_dropped_total"
        | "container_fs_reads_bytes_total" => (false, |point| point.used.map(|_| 0.0)),
        _ => return None,
    })
}

/// Forgets the values that were over before a moment.
pub fn forget_before<T>(points: &mut Vec<(i64, T)>, horizon: i64) {
    let keep_from = points.partition_point(|(at, _)| *at <= horizon).saturating_sub(1);
    points.drain(..keep_from);
}

fn by_key(counters: Counters) -> BTreeMap<Counted, Histogram> {
    let inbound = counters.inbound.into_iter();
    let inbound = inbound.map(|(key, histogram)| (Counted::Inbound(key), histogram));
    let outbound = counters.outbound.into_iter();
    let outbound = outbound.map(|(key, histogram)| (Counted::Outbound(key), histogram));
    inbound.chain(outbound).collect()
}

impl Counted {
    /// How the names of its metrics begin, and its labels.
    fn labels(self) -> (&'static str, Vec<(&'static str, String)>) {
        match self {
            Self::Inbound((code, method, path)) => (
                "api_inbound",
                vec![
                    ("code", code.to_string()),
                    ("method", method.to_owned()),
                    ("path", path.to_owned()),
                ],
            ),
            Self::Outbound((service, code, method, path)) => (
                "api_outbound",
                vec![
                    ("apiservice", service.to_owned()),
                    ("code", code.to_string()),
                    ("method", method.to_owned()),
                    ("path", path.to_owned()),
                ],
            ),
        }
    }
}

/// Labels of a series of the service's own page, as a ServiceMonitor makes them.
pub fn own_labels(metric: &str, pod: &str, instance: &str, extra: &[(&str, &str)]) -> Labels {
    let mut all = labels(&[
        (NAME, metric),
        ("container", CONTAINER),
        ("endpoint", "metrics"),
        ("instance", instance),
        ("job", "managed-services-api-metrics"),
        ("namespace", NAMESPACE),
        ("pod", pod),
        ("service", "managed-services-api-metrics"),
    ]);
    all.extend(labels(extra));
    all
}

/// Labels of a series of the kubelet. The network's and (as OpenShift keeps them) the disk's are of the whole pod.
pub fn kubelet_labels(metric: &str, pod: &str, node: &(String, String), of_container: bool) -> Labels {
    let instance = format!("{}:10250", node.1);
    let mut all = labels(&[
        (NAME, metric),
        ("endpoint", "https-metrics"),
        ("instance", &instance),
        ("job", "kubelet"),
        ("metrics_path", "/metrics/cadvisor"),
        ("namespace", NAMESPACE),
        ("node", &node.0),
        ("pod", pod),
        ("service", "kubelet"),
    ]);
    if of_container {
        all.extend(labels(&[("container", CONTAINER)]));
    } else if metric.starts_with("container_network_") {
        all.extend(labels(&[("interface", "eth0")]));
    }
    all
}

/// Labels of a series of kube-state-metrics.
pub fn state_labels(metric: &str, extra: &[(&str, &str)]) -> Labels {
    let mut all = labels(&[
        (NAME, metric),
        ("endpoint", "https-main"),
        ("instance", "10.128.0.9:8443"),
        ("job", "kube-state-metrics"),
        ("namespace", NAMESPACE),
        ("service", "kube-state-metrics"),
    ]);
    all.extend(labels(extra));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_longest_window_no_longer_needs_is_forgotten() {
        let mut history = History::after(EarlierPods::new(1, 0, 0, 0, false));
        let needed = KEPT / INTERVAL;
        for number in 0..3 * needed {
            let ready = (number % 2) as u32;
            let deployment = ScrapedDeployment { wanted: 3, ready };
            history.store(number * INTERVAL, Vec::new(), deployment);
        }
        let kept = history.deployment.len() as i64;
        assert!((needed..=needed + 64).contains(&kept), "{kept} of {needed}");
    }
}
