//! The metrics that the drill's Prometheus has.

/// Who exposes a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The service, on its own page.
    Own,
    /// The kubelets.
    Kubelet,
    /// kube-state-metrics.
    State,
}

/// Name, type and help of each metric; a histogram's parts are apart, as its series are.
pub const METRICS: &[(&str, &str, &str, Part)] = &[
    (
        "api_inbound_request_count",
        "counter",
        "Number of inbound requests served.",
        Part::Own,
    ),
    (
        "api_inbound_request_duration_bucket",
        "histogram",
        "Request duration in seconds.",
        Part::Own,
    ),
    (
        "api_inbound_request_duration_count",
        "histogram",
        "Request duration in seconds.",
        Part::Own,
    ),
    (
        "api_inbound_request_duration_sum",
        "histogram",
        "Request duration in seconds.",
        Part::Own,
    ),
    (
        "api_outbound_request_count",
        "counter",
        "Number of requests sent.",
        Part::Own,
    ),
    (
        "api_outbound_request_duration_bucket",
        "histogram",
        "Request duration in seconds.",
        Part::Own,
    ),
    (
        "api_outbound_request_duration_count",
        "histogram",
        "Request duration in seconds.",
        Part::Own,
    ),
    (
        "api_outbound_request_duration_sum",
        "histogram",
        "Request duration in seconds.",
        Part::Own,
    ),
    (
        "container_cpu_cfs_periods_total",
        "counter",
        "Number of elapsed enforcement period intervals.",
        Part::Kubelet,
    ),
    (
        "container_cpu_cfs_throttled_periods_total",
        "counter",
        "Number of throttled period intervals.",
        Part::Kubelet,
    ),
    (
        "container_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed in seconds.",
        Part::Kubelet,
    ),
    (
        "container_fs_reads_bytes_total",
        "counter",
        "Cumulative count of bytes read",
        Part::Kubelet,
    ),
    (
        "container_fs_writes_bytes_total",
        "counter",
        "Cumulative count of bytes written",
        Part::Kubelet,
    ),
    (
        "container_memory_working_set_bytes",
        "gauge",
        "Current working set in bytes.",
        Part::Kubelet,
    ),
    (
        "container_network_receive_bytes_total",
        "counter",
        "Cumulative count of bytes received",
        Part::Kubelet,
    ),
    (
        "container_network_receive_errors_total",
        "counter",
        "Cumulative count of errors encountered while receiving",
        Part::Kubelet,
    ),
    (
        "container_network_receive_packets_dropped_total",
        "counter",
        "Cumulative count of packets dropped while receiving",
        Part::Kubelet,
    ),
    (
        "container_network_transmit_bytes_total",
        "counter",
        "Cumulative count of bytes transmitted",
        Part::Kubelet,
    ),
    (
        "container_network_transmit_errors_total",
        "counter",
        "Cumulative count of errors encountered while transmitting",
        Part::Kubelet,
    ),
    (
        "container_network_transmit_packets_dropped_total",
        "counter",
        "Cumulative count of packets dropped while transmitting",
        Part::Kubelet,
    ),
    (
        "kube_deployment_spec_replicas",
        "gauge",
        "Number of desired pods for a deployment.",
        Part::State,
    ),
    (
        "kube_deployment_status_replicas_ready",
        "gauge",
        "The number of ready replicas per deployment.",
        Part::State,
    ),
    (
        "kube_pod_container_resource_limits",
        "gauge",
        "The number of requested limit resource by a container.",
        Part::State,
    ),
    (
        "kube_pod_container_status_last_terminated_reason",
        "gauge",
        "Describes the last reason the container was in terminated state.",
        Part::State,
    ),
    (
        "kube_pod_container_status_restarts_total",
        "counter",
        "The number of container restarts per container.",
        Part::State,
    ),
    ("up", "gauge", "", Part::Own),
];

/// Who exposes a metric; `None` where there is no such metric.
pub fn part(metric: &str) -> Option<Part> {
    let found = METRICS.iter().find(|(name, ..)| *name == metric);
    found.map(|(.., part)| *part)
}

/// The name under which metadata has a metric: a histogram's without the part.
pub fn family(metric: &str) -> &str {
    let parts = ["_bucket", "_count", "_sum"];
    let histogram = METRICS
        .iter()
        .any(|(name, kind, ..)| *name == metric && *kind == "histogram");
    let stripped = parts.iter().find_map(|part| metric.strip_suffix(part));
    stripped.filter(|_| histogram).unwrap_or(metric)
}
