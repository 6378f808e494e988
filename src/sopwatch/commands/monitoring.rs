//! The monitoring servers of the settings, with what the profile asks of them.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{
    CredentialSetting, LocationSetting, MetricsSettings, MonitoringSettings, SecretFrom, ServerSettings,
    Setting, Settings, TrackerSettings,
};
use crate::kubernetes;
use crate::kubernetes::ConnectOptions;
use crate::monitoring::{
    AlertsOptions, ClusterRoute, ClusterService, Credential, Location, MetricsOptions, MonitoringOptions,
    Now, RulesOptions, Secret, Server, ServiceFilter, TrackerOptions,
};
use crate::net::proxy::ProxyVariables;
use crate::runtime::clock::Clock;
use futures::FutureExt;
use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::monitoring::Monitoring;
use sopwatch_core::profile::monitoring::matcher::Matcher;
use sopwatch_drill::Drill;
use sopwatch_drill::monitoring::MonitoringServer;

/// How long one request may take: more than the server is given for a query.
const LIMIT: Duration = Duration::from_secs(8);

/// What is asked of the environment's servers; `None` where none is configured, or the profile knows nothing of monitoring.
pub(super) fn options(
    settings: &Settings,
    namespace: &str,
    connect: &ConnectOptions,
    clock: &Clock,
) -> Option<MonitoringOptions> {
    let environment = settings.environment_for(namespace)?;
    let servers = settings.monitoring.get(&environment.name)?;
    of_servers(&settings.profile, servers, namespace, connect, clock)
}

/// The same of a drill's servers: all three.
pub(super) fn of_drill(
    profile: &Profile,
    drill: &Drill,
    namespace: &str,
    connect: &ConnectOptions,
    clock: &Clock,
) -> Option<MonitoringOptions> {
    let server = |server: MonitoringServer| ServerSettings {
        location: Setting::default_of(LocationSetting::Url(drill.monitoring().url(server))),
        credential: CredentialSetting::Token(SecretFrom::File(drill.monitoring_token_file(server))),
        ca_file: None,
    };
    let (organisation, project, environment) = drill.monitoring().tracker_names();
    let servers = MonitoringSettings {
        metrics: Some(MetricsSettings {
            server: server(MonitoringServer::Metrics),
            tenancy: false,
            rules: true,
            rules_url: None,
        }),
        cluster_metrics: None,
        alerts: Some(server(MonitoringServer::Alerts)),
        tracker: Some(TrackerSettings {
            server: server(MonitoringServer::Tracker),
            organisation: organisation.to_owned(),
            project: project.to_owned(),
            environment: Some(environment.to_owned()),
        }),
    };
    of_servers(profile, &servers, namespace, connect, clock)
}

/// The same for given servers.
fn of_servers(
    profile: &Profile,
    servers: &MonitoringSettings,
    namespace: &str,
    connect: &ConnectOptions,
    clock: &Clock,
) -> Option<MonitoringOptions> {
    let monitoring = profile.monitoring.as_ref()?;
    let filter = service_filter(monitoring, namespace);
    let metrics_of = |metrics: &MetricsSettings, queries| MetricsOptions {
        server: server(&metrics.server, connect),
        tenancy: metrics.tenancy.then(|| namespace.to_owned()),
        queries,
        rules: metrics.rules.then(|| RulesOptions {
            server: rules_server(metrics, connect),
            filter: filter.clone(),
        }),
    };
    // What the cluster counts is asked of the second source, where there is one, and then of no other.
    let (of_cluster, of_service): (Vec<_>, Vec<_>) = monitoring
        .queries(profile, namespace)
        .into_iter()
        .partition(|query| servers.cluster_metrics.is_some() && query.figure.is_of_cluster());
    let metrics = servers
        .metrics
        .as_ref()
        .map(|metrics| metrics_of(metrics, of_service));
    let cluster_metrics = servers
        .cluster_metrics
        .as_ref()
        .map(|metrics| metrics_of(metrics, of_cluster));
    let alerts = servers.alerts.as_ref().map(|alerts| AlertsOptions {
        server: server(alerts, connect),
        filter: filter.clone(),
        always_firing: matchers(&monitoring.alerts.always_firing, namespace),
    });
    let tracker = servers.tracker.as_ref().map(|tracker| TrackerOptions {
        server: server(&tracker.server, connect),
        organisation: tracker.organisation.clone(),
        project: tracker.project.clone(),
        environment: tracker.environment.clone(),
    });
    Some(MonitoringOptions {
        metrics,
        cluster_metrics,
        alerts,
        tracker,
        now: {
            let clock = clock.clone();
            Now(Arc::new(move || clock.now()))
        },
    })
}

/// The service's alerts in a namespace. What the profile's checks let through can be read.
fn service_filter(monitoring: &Monitoring, namespace: &str) -> ServiceFilter {
    let all = monitoring.alerts.filters.iter();
    ServiceFilter(all.map(|one| matchers(one, namespace)).collect())
}

fn matchers(texts: &[String], namespace: &str) -> Vec<Matcher> {
    let read = |text: &String| Matcher::parse(&Monitoring::in_namespace(text, namespace)).ok();
    texts.iter().filter_map(read).collect()
}

fn server(settings: &ServerSettings, connect: &ConnectOptions) -> Server {
    let location = match settings.location.value.clone() {
        // It was checked when it was read.
        LocationSetting::Url(url) => Location::At(url.parse().unwrap_or_default()),
        LocationSetting::Service {
            namespace,
            name,
            path,
        } => Location::Service(ClusterService {
            namespace,
            name,
            path,
        }),
        LocationSetting::Route { namespace, name } => Location::Route(ClusterRoute {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }),
    };
    Server {
        location,
        credential: credential(&settings.credential, connect),
        ca_file: settings.ca_file.clone(),
        proxies: ProxyVariables::from_environment(),
        limit: LIMIT,
    }
}

/// Where the rules of a metrics source are: there, or at the address that is configured for them.
fn rules_server(metrics: &MetricsSettings, connect: &ConnectOptions) -> Server {
    let mut settings = metrics.server.clone();
    if let Some(url) = &metrics.rules_url {
        settings.location.value = LocationSetting::Url(url.clone());
    }
    server(&settings, connect)
}

fn credential(setting: &CredentialSetting, connect: &ConnectOptions) -> Credential {
    match setting {
        CredentialSetting::None => Credential::None,
        CredentialSetting::Token(from) => Credential::Bearer(secret(from)),
        CredentialSetting::Kubeconfig => {
            let connect = connect.clone();
            Credential::Bearer(Secret::Kubeconfig(Arc::new(move || {
                kubernetes::kubeconfig_token(connect.clone()).boxed()
            })))
        }
        CredentialSetting::Password { user, password } => Credential::Basic {
            user: user.clone(),
            password: secret(password),
        },
    }
}

fn secret(from: &SecretFrom) -> Secret {
    match from {
        SecretFrom::File(path) => Secret::File(path.clone()),
        SecretFrom::Variable(name, Some(value)) => Secret::Variable(name.clone(), value.clone()),
        SecretFrom::Variable(name, None) => {
            let what = format!("sign in: the variable {name} is not set");
            let problem = Problem::new(ProblemKind::SecretMissing, &what);
            let problem = problem.advise("set it and start sopwatch again, or configure token-file");
            Secret::Kubeconfig(Arc::new(move || std::future::ready(Err(problem.clone())).boxed()))
        }
    }
}
