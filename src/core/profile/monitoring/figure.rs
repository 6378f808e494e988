//! The figures that a metrics source is asked for: a closed set, because each has a meaning in the steps.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Windows;

/// Figures that look back this far are asked for less often.
const LONG_WINDOW: Duration = Duration::from_hours(1);

/// One figure. The profile has its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Whether each pod could be scraped: a row a pod, 1 or 0.
    Up,
    /// How old the newest scrape of each pod is, seconds: a row a pod.
    SampleAge,
    /// Requests a second, probes left out: one row.
    Volume,
    /// The same at this time yesterday.
    VolumeYesterday,
    /// The same at this time a week ago.
    VolumeLastWeek,
    /// Requests within the window, probes left out: one row, in general no whole number.
    Requests,
    /// Probe requests a second: one row. Where there are none, requests are not counted at all.
    Probes,
    /// Share of the requests with a 5xx code, 0 to 1: one row.
    Errors,
    /// 5xx answers a second of the methods and paths with most of them: a row each.
    ErrorsByPath,
    /// Share of the requests over 0.1 s, 0 to 1: one row.
    Slow,
    /// Share of the requests over 1 s, 0 to 1: one row.
    VerySlow,
    /// Calls to each other service within the window: a row a service.
    OutboundCalls,
    /// Share of those without an answer or with a 5xx code, 0 to 1: a row a service.
    OutboundErrors,
    /// CPU as a share of its limit, 0 to 1 and more: a row a pod.
    Cpu,
    /// Share of the CPU periods in which a pod was throttled, 0 to 1: a row a pod.
    Throttled,
    /// Memory as a share of its limit, 0 to 1 and more: a row a pod.
    Memory,
    /// The same in an hour, if it goes on as now.
    MemoryInAnHour,
    /// Restarts within the window: a row a pod.
    Restarts,
    /// Pods that restarted within the window and whose last container was killed for its memory: a row a pod, 1.
    OomKilled,
    /// Bytes a second received: a row a pod.
    NetworkReceived,
    /// Bytes a second sent: a row a pod.
    NetworkSent,
    /// Network errors a second: a row a pod.
    NetworkErrors,
    /// Packets dropped a second: a row a pod.
    NetworkDrops,
    /// Bytes a second read from disks: a row a pod.
    DiskReads,
    /// Bytes a second written to disks: a row a pod.
    DiskWrites,
}

impl Figure {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::Up,
        Self::SampleAge,
        Self::Volume,
        Self::VolumeYesterday,
        Self::VolumeLastWeek,
        Self::Requests,
        Self::Probes,
        Self::Errors,
        Self::ErrorsByPath,
        Self::Slow,
        Self::VerySlow,
        Self::OutboundCalls,
        Self::OutboundErrors,
        Self::Cpu,
        Self::Throttled,
        Self::Memory,
        Self::MemoryInAnHour,
        Self::Restarts,
        Self::OomKilled,
        Self::NetworkReceived,
        Self::NetworkSent,
        Self::NetworkErrors,
        Self::NetworkDrops,
        Self::DiskReads,
        Self::DiskWrites,
    ];

    /// Those that are drawn as a chart over the last hour.
    pub const CHARTS: [Self; 6] = [
        Self::Volume,
        Self::Errors,
        Self::Slow,
        Self::VerySlow,
        Self::Cpu,
        Self::Memory,
    ];

    /// As files write it: `very-slow`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::SampleAge => "sample-age",
            Self::Volume => "volume",
            Self::VolumeYesterday => "volume-yesterday",
            Self::VolumeLastWeek => "volume-last-week",
            Self::Requests => "requests",
            Self::Probes => "probes",
            Self::Errors => "errors",
            Self::ErrorsByPath => "errors-by-path",
            Self::Slow => "slow",
            Self::VerySlow => "very-slow",
            Self::OutboundCalls => "outbound-calls",
            Self::OutboundErrors => "outbound-errors",
            Self::Cpu => "cpu",
            Self::Throttled => "throttled",
            Self::Memory => "memory",
            Self::MemoryInAnHour => "memory-in-an-hour",
            Self::Restarts => "restarts",
            Self::OomKilled => "oom-killed",
            Self::NetworkReceived => "network-received",
            Self::NetworkSent => "network-sent",
            Self::NetworkErrors => "network-errors",
            Self::NetworkDrops => "network-drops",
            Self::DiskReads => "disk-reads",
            Self::DiskWrites => "disk-writes",
        }
    }

    /// A figure by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.name() == name)
    }

    /// As people say it: `over 1 s`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Up => "pods scraped",
            Self::SampleAge => "age of the samples",
            Self::Volume => "requests/s",
            Self::VolumeYesterday => "requests/s yesterday",
            Self::VolumeLastWeek => "requests/s a week ago",
            Self::Requests => "requests",
            Self::Probes => "probes/s",
            Self::Errors => "5xx",
            Self::ErrorsByPath => "5xx/s by path",
            Self::Slow => "over 100 ms",
            Self::VerySlow => "over 1 s",
            Self::OutboundCalls => "outbound calls",
            Self::OutboundErrors => "failed outbound calls",
            Self::Cpu => "CPU of its limit",
            Self::Throttled => "CPU throttled",
            Self::Memory => "memory of its limit",
            Self::MemoryInAnHour => "memory in an hour",
            Self::Restarts => "restarts",
            Self::OomKilled => "killed for memory",
            Self::NetworkReceived => "bytes/s received",
            Self::NetworkSent => "bytes/s sent",
            Self::NetworkErrors => "network errors/s",
            Self::NetworkDrops => "packets dropped/s",
            Self::DiskReads => "bytes/s read",
            Self::DiskWrites => "bytes/s written",
        }
    }

    /// Whether its value is a number of things, which has no decimals.
    pub fn counts(self) -> bool {
        matches!(self, Self::Restarts | Self::OomKilled)
    }

    /// Whether its value is a share, 0 to 1, which people read in percent.
    pub fn is_share(self) -> bool {
        matches!(
            self,
            Self::Errors
                | Self::Slow
                | Self::VerySlow
                | Self::OutboundErrors
                | Self::Cpu
                | Self::Throttled
                | Self::Memory
                | Self::MemoryInAnHour
        )
    }

    /// The windows that it is asked for, one query each; none where its query has no window. What burns a budget is looked for over
    /// longer ones, too: [`Monitoring::windows_of`](super::Monitoring::windows_of).
    pub fn windows(self, windows: &Windows) -> Vec<Duration> {
        match self {
            Self::Up | Self::SampleAge | Self::Memory => Vec::new(),
            Self::Requests => vec![windows.short, windows.quiet],
            Self::Errors | Self::Slow | Self::VerySlow => vec![windows.short, windows.long],
            Self::OutboundCalls | Self::OutboundErrors => vec![windows.outbound],
            Self::MemoryInAnHour | Self::Restarts | Self::OomKilled => vec![windows.restarts],
            Self::Volume
            | Self::VolumeYesterday
            | Self::VolumeLastWeek
            | Self::Probes
            | Self::ErrorsByPath
            | Self::Cpu
            | Self::Throttled
            | Self::NetworkReceived
            | Self::NetworkSent
            | Self::NetworkErrors
            | Self::NetworkDrops
            | Self::DiskReads
            | Self::DiskWrites => vec![windows.short],
        }
    }

    /// Whether the cluster counts it, and not the service: a second metrics source may have it.
    pub fn is_of_cluster(self) -> bool {
        matches!(
            self,
            Self::Cpu
                | Self::Throttled
                | Self::Memory
                | Self::MemoryInAnHour
                | Self::Restarts
                | Self::OomKilled
                | Self::NetworkReceived
                | Self::NetworkSent
                | Self::NetworkErrors
                | Self::NetworkDrops
                | Self::DiskReads
                | Self::DiskWrites
        )
    }

    /// Whether it is only shown beside what is judged: asked less often.
    pub fn is_only_shown(self) -> bool {
        matches!(
            self,
            Self::VolumeLastWeek
                | Self::MemoryInAnHour
                | Self::NetworkReceived
                | Self::NetworkSent
                | Self::DiskReads
                | Self::DiskWrites
        )
    }

    /// How long after one answer the next is asked for: the longer it looks back, the less it moves, and the more it costs the server.
    pub fn every(self, window: Option<Duration>) -> Duration {
        if window.is_some_and(|window| window >= LONG_WINDOW) {
            Duration::from_mins(5)
        } else if self.is_only_shown() || self == Self::VolumeYesterday {
            Duration::from_mins(2)
        } else {
            Duration::from_secs(30)
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
