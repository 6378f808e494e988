//! The figures of the profile, computed from the samples as the profile's queries would.

use sopwatch_core::profile::monitoring::Figure;

use super::loaded::Loaded;
use super::series::{Labels, Series};
use super::vector::{Vector, both, divide, each, each_of, largest, map, max_by, or, sum_by, sum_of};

const DAY: i64 = 86_400_000;
/// The path of the kubelet's probe.
const PROBE_PATH: &str = "/api/managed-services-api";
const INBOUND: &str = "api_inbound_request_count";
const OUTBOUND: &str = "api_outbound_request_count";

/// How long before its moment a figure looks, besides its window, ms.
pub fn offset(figure: Figure) -> i64 {
    match figure {
        Figure::VolumeYesterday => DAY,
        Figure::VolumeLastWeek => 7 * DAY,
        _ => 0,
    }
}

/// A figure at a moment, both in ms; the moment is that of the query, before any offset.
pub fn compute(figure: Figure, window: i64, at: i64, data: &Loaded<'_>) -> Vector {
    let rate = |series: &[Series]| each(series, |one| one.rate(at, window));
    let total =
        |fits: fn(&Series) -> bool, at: i64| sum_of(&data.series(INBOUND), fits, |one| one.rate(at, window));
    let by_pod = |metric: &str| sum_by(&rate(&data.series(metric)), &["pod"]);
    match figure {
        Figure::Up => up(data, at),
        Figure::SampleAge => each(&data.series("up"), |one| {
            Some((at - one.instant(at)?.0) as f64 / 1_000.0)
        }),
        Figure::Volume | Figure::VolumeYesterday | Figure::VolumeLastWeek => {
            total(is_users, at - offset(figure))
        }
        Figure::Requests => sum_of(&data.series(INBOUND), is_users, |one| one.increase(at, window)),
        Figure::Probes => total(|one| !is_users(one), at),
        Figure::Errors => error_share(data, at, window),
        Figure::ErrorsByPath => {
            let fits = |one: &Series| is_users(one) && has_code_5(one);
            let failed = each_of(&data.series(INBOUND), fits, |one| one.rate(at, window));
            largest(sum_by(&failed, &["method", "path", "code"]), 5)
        }
        Figure::Slow => slow_share(data, at, window, "0.1"),
        Figure::VerySlow => slow_share(data, at, window, "1"),
        Figure::OutboundCalls => {
            let calls = each(&data.series(OUTBOUND), |one| one.increase(at, window));
            sum_by(&calls, &["apiservice"])
        }
        Figure::OutboundErrors => {
            let series = data.series(OUTBOUND);
            let fits = |one: &Series| label(one, "code") == "0" || has_code_5(one);
            let failed = each_of(&series, fits, |one| one.rate(at, window));
            let failed = sum_by(&failed, &["apiservice"]);
            let all = sum_by(&rate(&series), &["apiservice"]);
            divide(&or(failed, map(all.clone(), |_| 0.0)), &all)
        }
        Figure::Cpu => {
            let used = rate(&data.series("container_cpu_usage_seconds_total"));
            of_limit(&used, "cpu", at, data)
        }
        Figure::Throttled => throttled_share(data, at, window),
        Figure::Memory => {
            let used = each(&data.series("container_memory_working_set_bytes"), |one| {
                Some(one.instant(at)?.1)
            });
            of_limit(&used, "memory", at, data)
        }
        Figure::MemoryInAnHour => {
            let used = each(&data.series("container_memory_working_set_bytes"), |one| {
                one.predict(at, window, 3_600.0)
            });
            of_limit(&used, "memory", at, data)
        }
        Figure::Restarts => restarts(data, at, window),
        Figure::OomKilled => {
            let killed = each(
                &data.series("kube_pod_container_status_last_terminated_reason"),
                |one| Some(one.instant(at)?.1),
            );
            let mut restarts = restarts(data, at, window);
            restarts.retain(|_, count| *count > 0.0);
            both(&max_by(&killed, &["pod"]), &restarts, |killed, _| killed)
        }
        Figure::NetworkReceived => by_pod("container_network_receive_bytes_total"),
        Figure::NetworkSent => by_pod("container_network_transmit_bytes_total"),
        Figure::NetworkErrors => both(
            &by_pod("container_network_receive_errors_total"),
            &by_pod("container_network_transmit_errors_total"),
            |received, sent| received + sent,
        ),
        Figure::NetworkDrops => both(
            &by_pod("container_network_receive_packets_dropped_total"),
            &by_pod("container_network_transmit_packets_dropped_total"),
            |received, sent| received + sent,
        ),
        Figure::DiskReads => by_pod("container_fs_reads_bytes_total"),
        Figure::DiskWrites => by_pod("container_fs_writes_bytes_total"),
    }
}

/// `up`, with its name.
fn up(data: &Loaded<'_>, at: i64) -> Vector {
    let series = data.series("up");
    let found = series
        .iter()
        .filter_map(|one| Some((one.labels.clone(), one.instant(at)?.1)));
    found.collect()
}

/// The share of the requests of users with a 5xx code: one element, or none without any request.
pub fn error_share(data: &Loaded<'_>, at: i64, window: i64) -> Vector {
    let series = data.series(INBOUND);
    let rate = |one: &Series| one.rate(at, window);
    let failed = sum_of(&series, |one| has_code_5(one) && is_users(one), rate);
    let none = Vector::from([(Labels::new(), 0.0)]);
    divide(&or(failed, none), &sum_of(&series, is_users, rate))
}

/// The share of the answers to users that took longer than a bound.
pub fn slow_share(data: &Loaded<'_>, at: i64, window: i64, bound: &str) -> Vector {
    let rate = |one: &Series| one.rate(at, window);
    let answered = |one: &Series| is_users(one) && !has_code_5(one);
    let quick = sum_of(
        &data.series("api_inbound_request_duration_bucket"),
        |one| label(one, "le") == bound && answered(one),
        rate,
    );
    let all = sum_of(&data.series("api_inbound_request_duration_count"), answered, rate);
    map(divide(&quick, &all), |quick| 1.0 - quick)
}

/// The share of its periods in which each pod was throttled.
pub fn throttled_share(data: &Loaded<'_>, at: i64, window: i64) -> Vector {
    let by_pod = |metric: &str| {
        let rates = each(&data.series(metric), |one| one.rate(at, window));
        sum_by(&rates, &["pod"])
    };
    divide(
        &by_pod("container_cpu_cfs_throttled_periods_total"),
        &by_pod("container_cpu_cfs_periods_total"),
    )
}

fn restarts(data: &Loaded<'_>, at: i64, window: i64) -> Vector {
    let series = data.series("kube_pod_container_status_restarts_total");
    sum_by(&each(&series, |one| one.increase(at, window)), &["pod"])
}

/// What is used of a resource as a share of its limit, by pod.
fn of_limit(used: &Vector, resource: &str, at: i64, data: &Loaded<'_>) -> Vector {
    let limits = each_of(
        &data.series("kube_pod_container_resource_limits"),
        |one| label(one, "resource") == resource,
        |one| Some(one.instant(at)?.1),
    );
    let by = ["pod", "container"];
    max_by(&divide(&sum_by(used, &by), &sum_by(&limits, &by)), &["pod"])
}

fn label<'a>(series: &'a Series, name: &str) -> &'a str {
    series.labels.get(name).map_or("", String::as_str)
}

fn is_users(series: &Series) -> bool {
    label(series, "path") != PROBE_PATH
}

fn has_code_5(series: &Series) -> bool {
    let code = label(series, "code");
    code.len() == 3 && code.starts_with('5')
}
