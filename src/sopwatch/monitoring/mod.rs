//! The monitoring adapter: it asks Prometheus or Thanos, Alertmanager, and Sentry or GlitchTip, and reports what they say.
//!
//! **Where they are** is configured by environment: a base address each, maybe with a path, so that OpenShift's routes, its tenancy ports and
//! Grafana's data source proxy are all reached in the same way; or a service of the cluster, which is asked through the API server's service
//! proxy; or OpenShift's own route, which the cluster is asked for. Which way it is shows only in what a refusal looks like.
//!
//! **What is sent.** Only reads: `query` and `query_range`, `rules`, `alerts`, `silence`, `projects` and `issues`. Never an event of the error
//! tracker, which would hold users, addresses and tokens, and never Alertmanager's status, which shows its configuration. A credential goes
//! to the configured scheme, host and port and nowhere else: redirects are not followed, and plain text is refused but on loopback.
//!
//! **What it costs.** Two queries in flight, each source polled at most every 30 s, one try at a time, twice as long a wait after each failure
//! (5 s up to 2 min), 5 min after a refusal of the credential unless it changes, and as long as a server asks for. A body is read up to 4 MiB.
//!
//! Sentry itself was not at hand when this was written: what is read of it is the common ground with GlitchTip, from its documentation.

#![warn(missing_docs)]

mod alertmanager;
mod history;
mod http_client;
mod locate;
mod metrics;
mod options;
mod poll_loop;
mod prometheus;
mod refusals;
mod rules;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
#[cfg(test)]
mod tests;
mod tracker;

pub use self::options::{
    AlertsOptions, ClusterRoute, ClusterService, Credential, Location, MetricsOptions, MonitoringOptions,
    Now, ReadCluster, ReadToken, RulesOptions, Secret, Server, ServiceFilter, TrackerOptions,
};
pub use self::poll_loop::{MonitoringRequest, run};
