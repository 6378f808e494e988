//! Where the monitoring servers are, and how to sign in there.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode, Uri};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::net::is_loopback;
use crate::net::proxy::ProxyVariables;
use sopwatch_core::observe::observation::Labels;
use sopwatch_core::observe::source::Problem;
use sopwatch_core::profile::monitoring::MetricQuery;
use sopwatch_core::profile::monitoring::matcher::Matcher;

/// What is asked: a source that is not configured is `None`.
#[derive(Clone, Debug)]
pub struct MonitoringOptions {
    /// Prometheus or Thanos.
    pub metrics: Option<MetricsOptions>,
    /// A second one, which has what the cluster counts of the pods.
    pub cluster_metrics: Option<MetricsOptions>,
    /// Alertmanager.
    pub alerts: Option<AlertsOptions>,
    /// Sentry or GlitchTip.
    pub tracker: Option<TrackerOptions>,
    /// Reads the clock, for the range of a chart.
    pub now: Now,
}

/// Reads a clock.
#[derive(Clone)]
pub struct Now(pub Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Now")
    }
}

/// A metrics source.
#[derive(Clone, Debug)]
pub struct MetricsOptions {
    /// Where it is; `/api/v1/…` is added.
    pub server: Server,
    /// The namespace that a tenancy port wants in each address.
    pub tenancy: Option<String>,
    /// What to ask for.
    pub queries: Vec<MetricQuery>,
    /// Which rules are the service's, and where they are asked for; `None` where they are not.
    pub rules: Option<RulesOptions>,
}

/// The alerting rules.
#[derive(Clone, Debug)]
pub struct RulesOptions {
    /// Where they are: the metrics source, or OpenShift's tenancy port for rules.
    pub server: Server,
    /// Which rules are the service's.
    pub filter: ServiceFilter,
}

/// An Alertmanager.
#[derive(Clone, Debug)]
pub struct AlertsOptions {
    /// Where it is; `/api/v2/…` is added.
    pub server: Server,
    /// Which alerts are the service's.
    pub filter: ServiceFilter,
    /// Alerts that always fire, each of which would do.
    pub always_firing: Vec<Matcher>,
}

/// An error tracker.
#[derive(Clone, Debug)]
pub struct TrackerOptions {
    /// Where it is; `/api/0/…` is added.
    pub server: Server,
    /// The organisation's short name.
    pub organisation: String,
    /// The project's short name.
    pub project: String,
    /// The environment that events are tagged with; `None` for all.
    pub environment: Option<String>,
}

/// Which alerts are a service's: those that all matchers of one entry mean.
#[derive(Clone, Debug, Default)]
pub struct ServiceFilter(pub Vec<Vec<Matcher>>);

impl ServiceFilter {
    /// Whether an object with these labels is meant.
    pub fn matches(&self, labels: &Labels) -> bool {
        let all = |matchers: &Vec<Matcher>| matchers.iter().all(|matcher| matcher.matches(labels));
        self.0.iter().any(all)
    }
}

/// A server: where it is, and how to sign in there.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it is.
    pub location: Location,
    /// How to sign in.
    pub credential: Credential,
    /// Certificates of authorities that are trusted besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// The proxies of the environment, for what is asked directly.
    pub proxies: ProxyVariables,
    /// How long one request may take.
    pub limit: Duration,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub enum Location {
    /// At an address: scheme, host, port and maybe a path, no user and no password.
    At(Uri),
    /// A service of the cluster, reached through the API server with the cluster's own login.
    Service(ClusterService),
    /// Behind a route of OpenShift, which the cluster is asked for.
    Route(ClusterRoute),
}

/// A service of the cluster behind the API server's proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterService {
    /// Its namespace.
    pub namespace: String,
    /// Its name as the proxy takes it: `NAME:PORT` or `https:NAME:PORT`.
    pub name: String,
    /// A path before the server's own: empty, or with a `/` at its beginning and none at its end.
    pub path: String,
}

/// A route of OpenShift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRoute {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Asks the cluster's API server for a path with its query, and gives what comes back, whatever its status.
pub type ReadCluster =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<(StatusCode, HeaderMap, Bytes), Problem>> + Send + Sync>;

/// A server that was found.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// Scheme, host, port and maybe a path: `https://grafana.test/api/datasources/proxy/uid/P5DC`. No user, no password. Of a service
    /// behind the API server only the path there.
    pub(super) base: Uri,
    /// How to sign in.
    pub(super) credential: Credential,
    /// Certificates of authorities that are trusted besides the system's, PEM.
    pub(super) ca_file: Option<PathBuf>,
    /// A proxy on the way.
    pub(super) proxy: Option<String>,
    /// How long one request may take.
    pub(super) limit: Duration,
    /// The API server that sends in place of this program's own connection.
    pub(super) through_cluster: Option<ThroughCluster>,
}

/// A service, and the API server before it.
#[derive(Clone)]
pub(super) struct ThroughCluster {
    /// The service.
    pub(super) service: ClusterService,
    /// Asks the API server.
    pub(super) read: ReadCluster,
}

impl Endpoint {
    /// Host and port, for messages.
    pub(super) fn host(&self) -> String {
        if let Some(through) = &self.through_cluster {
            let ClusterService { namespace, name, .. } = &through.service;
            return format!("the service {name} in {namespace}");
        }
        let host = self.base.host().unwrap_or("nowhere");
        match self.base.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether what is sent stays secret on its way: by TLS, or on this machine.
    pub(super) fn is_private(&self) -> bool {
        let host = self.base.host().unwrap_or_default().trim_matches(['[', ']']);
        self.base.scheme_str() == Some("https") || is_loopback(host)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("base", &self.base)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

/// How to sign in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Not at all.
    None,
    /// By a token.
    Bearer(Secret),
    /// By a user's name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// Where a token or a password comes from.
#[derive(Clone)]
pub enum Secret {
    /// From a file, which is read again before each poll.
    File(PathBuf),
    /// From a variable of the environment, by its name.
    Variable(String, SecretString),
    /// From the kubeconfig.
    Kubeconfig(ReadToken),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Variable(name, _) => f.debug_tuple("Variable").field(name).finish(),
            Self::Kubeconfig(_) => f.write_str("Kubeconfig"),
        }
    }
}

/// Reads the token that the kubeconfig signs in with.
pub type ReadToken = Arc<dyn Fn() -> BoxFuture<'static, Result<SecretString, Problem>> + Send + Sync>;
