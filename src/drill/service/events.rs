//! The events of a scenario that concern the service.

use jiff::SignedDuration;
use serde::Deserialize;

use super::election::WorkerKind;
use super::ocm::OcmFailure;
use crate::duration::span;

/// One event, as a scenario's timeline names it: `service = "builds_hang"`, `service = { ocm = "unavailable" }`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceEvent {
    /// gorm's many-line records on stdout begin or end.
    DatabaseErrors(bool),
    /// Every call to OCM fails in this way, until `recovers = "ocm"`.
    Ocm(OcmFailure),
    /// Calls to OCM for a cluster's DNS name fail in this way, until `recovers = "ocm"`.
    OcmDns(OcmFailure),
    /// Calls to OCM for syncsets fail in this way, until `recovers = "ocm"`.
    OcmSyncsets(OcmFailure),
    /// The first attempt of every call to OCM fails in this way and the SDK's second succeeds, so that the service has no error to
    /// log, until `recovers = "ocm"`.
    OcmRetried(OcmFailure),
    /// Clusters that OCM builds stay as they are, until `recovers = "builds"`.
    BuildsHang,
    /// Clusters that OCM builds end in its state `error` after some minutes, until `recovers = "builds"`.
    BuildsFail,
    /// OCM answers an empty DNS name, without an error, for a cluster whose add-on is ready. The leader that looks at such a row panics.
    /// Until `recovers = "dns_names"`.
    DnsNameEmpty,
    /// The SSO in which every Kafka gets its client is out of reach, until `recovers = "sso"`.
    SsoFails,
    /// Observatorium, which knows the state of Kafkas, is out of reach, until `recovers = "observatorium"`.
    ObservatoriumFails,
    /// Route53 takes no records, until `recovers = "route53"`.
    Route53Fails,
    /// Kafkas in the data plane don't come up, until `recovers = "data_plane"`.
    DataPlaneHangs,
    /// What failed works again.
    Recovers(Dependency),
    /// The loops of the processes that run now see the tables as they are now, and nothing newer: they read in a transaction that was
    /// never ended. A new process has a fresh one.
    StaleReads,
    /// The processes that run now answer every third request with 500, by a defect in what they hold in memory. A new process is well.
    RequestsFail,
    /// In the pod that holds the lease of this type, the first loop of a new leader waits for an answer that does not come, so that
    /// no lease is renewed while its older loops go on. Until `election_goes_on`, or until the pod is restarted.
    ElectionBlocks(WorkerKind),
    /// The blocked pod elects again.
    ElectionGoesOn,
    /// The process that holds the lease of this type is killed, as when it runs out of memory: it logs nothing more, and its lease stays.
    LeaderKilled(WorkerKind),
    /// Processes that start from now on end in this way, until `recovers = "start"`.
    StartFails(StartFailure),
    /// The running processes answer the readiness probe with 503 (the health server's maintenance switch), or again with 200.
    Maintenance(bool),
    /// The clock of one pod's node is off by so much, from now on.
    ClockSkew {
        /// The pod, counted by the start of its process from 0.
        pod: usize,
        /// How much its clock is ahead; negative is behind.
        #[serde(deserialize_with = "span")]
        by: SignedDuration,
    },
    /// Users send this many requests, and a process can answer that many.
    Load {
        /// Of all users together.
        requests_per_minute: u32,
        /// Of one process.
        capacity: u32,
    },
    /// Users send as many requests as `[service]` says again.
    LoadEnds,
}

/// What the service depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dependency {
    /// The calls to OCM.
    Ocm,
    /// The building of clusters.
    Builds,
    /// The DNS names of clusters.
    DnsNames,
    /// The SSO.
    Sso,
    /// Observatorium.
    Observatorium,
    /// Route53.
    Route53,
    /// Kafkas coming up.
    DataPlane,
    /// The start of processes.
    Start,
}

/// How a process that cannot start ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartFailure {
    /// A panic with its stack.
    Panic,
    /// glog's F line: the environment cannot be initialized.
    Environment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_a_timeline_names_them() {
        #[derive(Deserialize)]
        struct TimelineLine {
            service: ServiceEvent,
        }
        let read = |text: &str| toml::from_str::<TimelineLine>(text).map(|entry| entry.service);
        let table = [
            ("service = 'builds_hang'", ServiceEvent::BuildsHang),
            (
                "service = { ocm = 'unavailable' }",
                ServiceEvent::Ocm(OcmFailure::Unavailable),
            ),
            (
                "service = { recovers = 'route53' }",
                ServiceEvent::Recovers(Dependency::Route53),
            ),
            (
                "service = { election_blocks = 'kafka' }",
                ServiceEvent::ElectionBlocks(WorkerKind::Kafka),
            ),
            (
                "service = { clock_skew = { pod = 1, by = '-45s' } }",
                ServiceEvent::ClockSkew {
                    pod: 1,
                    by: SignedDuration::from_secs(-45),
                },
            ),
            (
                "service = { load = { requests_per_minute = 300, capacity = 80 } }",
                ServiceEvent::Load {
                    requests_per_minute: 300,
                    capacity: 80,
                },
            ),
        ];
        for (text, event) in table {
            assert_eq!(read(text).unwrap(), event, "{text}");
        }
        for wrong in [
            "service = 'no_such'",
            "service = { ocm = 'tired' }",
            "service = { election_blocks = 'x' }",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
