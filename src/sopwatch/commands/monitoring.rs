//! The monitoring servers of the settings, with what the profile asks of them.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{
    CredentialSetting, MetricsSettings, MonitoringSettings, SecretFrom, ServerSettings, Setting, Settings,
    TrackerSettings,
};
use crate::kubernetes;
use crate::kubernetes::ConnectOptions;
use crate::monitoring::{
    AlertsOptions, Credential, Endpoint, MetricsOptions, MonitoringOptions, Now, Secret, ServiceFilter,
    TrackerOptions,
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
        url: Setting::default_of(drill.monitoring().url(server)),
        credential: CredentialSetting::Token(SecretFrom::File(drill.monitoring_token_file(server))),
        ca_file: None,
    };
    let (organisation, project, environment) = drill.monitoring().tracker_names();
    let servers = MonitoringSettings {
        metrics: Some(MetricsSettings {
            server: server(MonitoringServer::Metrics),
            tenancy: false,
            rules: true,
        }),
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
    let metrics = servers.metrics.as_ref().map(|metrics| MetricsOptions {
        endpoint: endpoint(&metrics.server, connect),
        tenancy: metrics.tenancy.then(|| namespace.to_owned()),
        queries: monitoring.queries(profile, namespace),
        rules: metrics.rules.then(|| filter.clone()),
    });
    let alerts = servers.alerts.as_ref().map(|server| AlertsOptions {
        endpoint: endpoint(server, connect),
        filter: filter.clone(),
        always_firing: matchers(&monitoring.alerts.always_firing, namespace),
    });
    let tracker = servers.tracker.as_ref().map(|tracker| TrackerOptions {
        endpoint: endpoint(&tracker.server, connect),
        organisation: tracker.organisation.clone(),
        project: tracker.project.clone(),
        environment: tracker.environment.clone(),
    });
    Some(MonitoringOptions {
        metrics,
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

fn endpoint(server: &ServerSettings, connect: &ConnectOptions) -> Endpoint {
    // It was checked when it was read.
    let base: http::Uri = server.url.value.parse().unwrap_or_default();
    Endpoint {
        proxy: ProxyVariables::from_environment().proxy_for(&base, None),
        base,
        credential: credential(&server.credential, connect),
        ca_file: server.ca_file.clone(),
        limit: LIMIT,
        through_cluster: None,
    }
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
