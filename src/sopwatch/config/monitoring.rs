//! The monitoring servers of each environment: where they are and how to sign in there. Secrets are named, never written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::dirs::UserDirs;
use super::errors::ConfigProblem;
use super::origin::{Origin, Setting};
use super::spanned_toml::TomlDocument;
use super::user_file::EnvironmentKeys;
use crate::net::is_loopback;

/// The monitoring servers of one environment; one that is `None` is not asked.
#[derive(Clone, Debug, Default)]
pub struct MonitoringSettings {
    /// Prometheus or Thanos.
    pub metrics: Option<MetricsSettings>,
    /// A second one, which has what the cluster counts of the pods.
    pub cluster_metrics: Option<MetricsSettings>,
    /// Alertmanager.
    pub alerts: Option<ServerSettings>,
    /// Sentry or GlitchTip.
    pub tracker: Option<TrackerSettings>,
}

/// A metrics source.
#[derive(Clone, Debug)]
pub struct MetricsSettings {
    /// Where it is.
    pub server: ServerSettings,
    /// Whether it is a tenancy port, which wants the namespace in each address.
    pub tenancy: bool,
    /// Whether its alerting rules are read.
    pub rules: bool,
    /// Where the rules are, if elsewhere: OpenShift's tenancy port for rules.
    pub rules_url: Option<String>,
}

/// An error tracker.
#[derive(Clone, Debug)]
pub struct TrackerSettings {
    /// Where it is.
    pub server: ServerSettings,
    /// The organisation's short name.
    pub organisation: String,
    /// The project's short name.
    pub project: String,
    /// The environment that events are tagged with.
    pub environment: Option<String>,
}

/// A server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where it is.
    pub location: Setting<LocationSetting>,
    /// How to sign in.
    pub credential: CredentialSetting,
    /// Certificates of authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocationSetting {
    /// At an address, without user and password.
    Url(String),
    /// A service of the cluster, behind the API server's service proxy.
    Service {
        /// Its namespace.
        namespace: String,
        /// As the proxy takes it: `NAME:PORT` or `https:NAME:PORT`.
        name: String,
        /// A path before the server's own; may be empty.
        path: String,
    },
    /// Behind a route of OpenShift, which the cluster is asked for.
    Route {
        /// Its namespace.
        namespace: &'static str,
        /// Its name.
        name: &'static str,
    },
}

impl LocationSetting {
    /// The key that says it, and how it is shown.
    pub fn shown(&self) -> (&'static str, String) {
        match self {
            Self::Url(url) => ("url", url.clone()),
            Self::Service {
                namespace,
                name,
                path,
            } => ("service", format!("{namespace}/{name}{path}")),
            Self::Route { namespace, name } => (
                "openshift",
                format!("the route {name} in {namespace}, read from the cluster"),
            ),
        }
    }
}

/// The namespace of OpenShift's own monitoring.
const OPENSHIFT_MONITORING: &str = "openshift-monitoring";

/// How to sign in at a server.
#[derive(Clone, Debug)]
pub enum CredentialSetting {
    /// Not at all.
    None,
    /// By a token.
    Token(SecretFrom),
    /// By the token that the kubeconfig signs in with.
    Kubeconfig,
    /// By a user's name and password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: SecretFrom,
    },
}

impl CredentialSetting {
    /// Where it comes from, without what it is.
    pub fn words(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Token(from) => format!("token from {}", from.words()),
            Self::Kubeconfig => "the kubeconfig's token".to_owned(),
            Self::Password { user, password } => format!("user {user}, password from {}", password.words()),
        }
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum SecretFrom {
    /// A file.
    File(PathBuf),
    /// A variable of the environment, with its value where it is set.
    Variable(String, Option<SecretString>),
}

impl SecretFrom {
    fn words(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Variable(name, Some(_)) => format!("{name} (set, not shown)"),
            Self::Variable(name, None) => format!("{name} (not set)"),
        }
    }
}

/// The keys of a section for a server, and those of its own.
macro_rules! server_keys {
    ($name:ident { $($own:ident: $kind:ty),* }) => {
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub(super) struct $name {
            url: Option<String>,
            token_file: Option<String>,
            token_variable: Option<String>,
            kubeconfig_token: Option<bool>,
            user: Option<String>,
            password_file: Option<String>,
            password_variable: Option<String>,
            ca_file: Option<String>,
            $($own: Option<$kind>,)*
        }

        impl $name {
            fn server(&self) -> ServerKeys<'_> {
                ServerKeys {
                    url: self.url.as_deref(),
                    service: None,
                    route: None,
                    token_file: self.token_file.as_deref(),
                    token_variable: self.token_variable.as_deref(),
                    kubeconfig_token: self.kubeconfig_token.unwrap_or(false),
                    user: self.user.as_deref(),
                    password_file: self.password_file.as_deref(),
                    password_variable: self.password_variable.as_deref(),
                    ca_file: self.ca_file.as_deref(),
                }
            }
        }
    };
}

server_keys!(MetricsKeys {
    service: String,
    openshift: bool,
    tenancy: bool,
    rules: bool,
    rules_url: String
});
server_keys!(ClusterMetricsKeys {
    service: String,
    openshift: bool,
    tenancy: bool
});
server_keys!(AlertsKeys {
    service: String,
    openshift: bool
});
server_keys!(TrackerKeys {
    organisation: String,
    project: String,
    environment: String
});
server_keys!(GrafanaKeys { data_source: String });

/// What every section for a server has.
struct ServerKeys<'k> {
    url: Option<&'k str>,
    service: Option<&'k str>,
    /// The route of OpenShift that is read.
    route: Option<&'static str>,
    token_file: Option<&'k str>,
    token_variable: Option<&'k str>,
    kubeconfig_token: bool,
    user: Option<&'k str>,
    password_file: Option<&'k str>,
    password_variable: Option<&'k str>,
    ca_file: Option<&'k str>,
}

impl<'k> ServerKeys<'k> {
    /// The same in the cluster: a service, or the route of this name where OpenShift's is wanted.
    fn or_in_cluster(self, service: Option<&'k str>, openshift: Option<bool>, route: &'static str) -> Self {
        Self {
            service,
            route: (openshift == Some(true)).then_some(route),
            ..self
        }
    }

    fn has_location(&self) -> bool {
        self.url.is_some() || self.service.is_some() || self.route.is_some()
    }
}

impl MetricsKeys {
    fn found(&self) -> ServerKeys<'_> {
        let service = self.service.as_deref();
        self.server()
            .or_in_cluster(service, self.openshift, "thanos-querier")
    }
}

impl ClusterMetricsKeys {
    fn found(&self) -> ServerKeys<'_> {
        let service = self.service.as_deref();
        self.server()
            .or_in_cluster(service, self.openshift, "thanos-querier")
    }
}

impl AlertsKeys {
    fn found(&self) -> ServerKeys<'_> {
        let service = self.service.as_deref();
        self.server()
            .or_in_cluster(service, self.openshift, "alertmanager-main")
    }
}

impl GrafanaKeys {
    /// Its address.
    pub(super) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// The servers of every environment that names any, and what is wrong.
pub(super) fn read(
    environments: &BTreeMap<String, EnvironmentKeys>,
    place: &Place<'_>,
) -> (BTreeMap<String, MonitoringSettings>, Vec<ConfigProblem>) {
    let mut problems = Vec::new();
    let mut found = BTreeMap::new();
    for (name, keys) in environments {
        let mut reader = Reader {
            place,
            path: format!("environments.{name}"),
            problems: &mut problems,
        };
        let settings = reader.environment(keys);
        let any = settings.metrics.is_some() || settings.cluster_metrics.is_some();
        if any || settings.alerts.is_some() || settings.tracker.is_some() {
            found.insert(name.clone(), settings);
        }
    }
    (found, problems)
}

/// What paths and variables are read against.
pub(super) struct Place<'a> {
    /// The user's file.
    pub(super) document: &'a TomlDocument,
    /// The environment.
    pub(super) variables: &'a BTreeMap<String, String>,
    /// The user's folders.
    pub(super) dirs: &'a UserDirs,
    /// The folder of the user's file.
    pub(super) base: &'a Path,
}

struct Reader<'a, 'p> {
    place: &'a Place<'a>,
    path: String,
    problems: &'p mut Vec<ConfigProblem>,
}

impl Reader<'_, '_> {
    fn environment(&mut self, keys: &EnvironmentKeys) -> MonitoringSettings {
        // A heading with nothing below it configures nothing.
        let grafana = keys.grafana.as_ref().filter(|keys| !is_empty(*keys));
        let of_metrics = keys.metrics.as_ref().filter(|keys| !is_empty(*keys));
        let own = of_metrics.is_some_and(|metrics| metrics.found().has_location());
        // Where the metrics have an address of their own, Grafana is for the links only.
        let by_grafana = grafana
            .filter(|grafana| !own || grafana.data_source.is_some())
            .and_then(|grafana| self.by_grafana(grafana));
        // Where Grafana passes queries on, a section without an address says only how they are asked.
        let server = match (of_metrics, by_grafana) {
            (Some(metrics), by_grafana) if own || by_grafana.is_none() => {
                self.server("metrics", &metrics.found())
            }
            (_, by_grafana) => by_grafana,
        };
        MonitoringSettings {
            metrics: server.map(|server| MetricsSettings {
                tenancy: self.tenancy("metrics", of_metrics.and_then(|metrics| metrics.tenancy), &server),
                rules: of_metrics.and_then(|metrics| metrics.rules).unwrap_or(true),
                rules_url: of_metrics
                    .and_then(|metrics| self.rules_url(metrics.rules_url.as_deref(), &server)),
                server,
            }),
            cluster_metrics: self.cluster_metrics(keys),
            alerts: keys
                .alerts
                .as_ref()
                .filter(|keys| !is_empty(*keys))
                .and_then(|alerts| self.server("alerts", &alerts.found())),
            tracker: keys
                .tracker
                .as_ref()
                .filter(|keys| !is_empty(*keys))
                .and_then(|tracker| self.tracker(tracker)),
        }
    }

    fn cluster_metrics(&mut self, keys: &EnvironmentKeys) -> Option<MetricsSettings> {
        let keys = keys.cluster_metrics.as_ref().filter(|keys| !is_empty(*keys))?;
        let server = self.server("cluster-metrics", &keys.found())?;
        Some(MetricsSettings {
            tenancy: self.tenancy("cluster-metrics", keys.tenancy, &server),
            rules: false,
            rules_url: None,
            server,
        })
    }

    /// Whether it is a tenancy port, which has no route.
    fn tenancy(&mut self, section: &str, tenancy: Option<bool>, server: &ServerSettings) -> bool {
        let tenancy = tenancy.unwrap_or(false);
        if tenancy && !matches!(server.location.value, LocationSetting::Url(_)) {
            let message = "a tenancy port is reached neither by a route nor through the API server";
            self.wrong(
                &format!("{section}.tenancy"),
                message,
                "add its url, with port 9092",
            );
        }
        tenancy
    }

    /// Another address of the same server, where its rules are: the same credential goes there.
    fn rules_url(&mut self, url: Option<&str>, server: &ServerSettings) -> Option<String> {
        let url = url?;
        let before = self.problems.len();
        self.check_private("metrics.rules-url", url, &server.credential);
        (self.problems.len() == before).then(|| url.to_owned())
    }

    /// A data source behind Grafana's proxy.
    fn by_grafana(&mut self, keys: &GrafanaKeys) -> Option<ServerSettings> {
        let server = self.server("grafana", &keys.server());
        let Some(uid) = keys.data_source.as_deref() else {
            self.wrong(
                "grafana",
                "Grafana needs the uid of its Prometheus data source",
                "add data-source = \"UID\"; Grafana shows it in the data source's address",
            );
            return None;
        };
        if !is_word(uid) {
            self.wrong(
                "grafana.data-source",
                "not a uid of letters, digits, `-` and `_`",
                "copy it from Grafana",
            );
            return None;
        }
        let mut server = server?;
        let (_, base) = server.location.value.shown();
        let base = base.trim_end_matches('/');
        server.location.value = LocationSetting::Url(format!("{base}/api/datasources/proxy/uid/{uid}"));
        Some(server)
    }

    fn tracker(&mut self, keys: &TrackerKeys) -> Option<TrackerSettings> {
        let server = self.server("tracker", &keys.server());
        let named = [("organisation", &keys.organisation), ("project", &keys.project)];
        let words = named.map(|(key, word)| match word.as_deref() {
            Some(word) if is_word(word) => Some(word.to_owned()),
            Some(_) => {
                let key = format!("tracker.{key}");
                self.wrong(
                    &key,
                    "not a short name of letters, digits, `-` and `_`",
                    "as in the tracker's addresses",
                );
                None
            }
            None => {
                let message = format!("the error tracker needs its {key}");
                self.wrong("tracker", &message, &format!("add {key} = \"SHORT-NAME\""));
                None
            }
        });
        let [Some(organisation), Some(project)] = words else {
            return None;
        };
        Some(TrackerSettings {
            server: server?,
            organisation,
            project,
            environment: keys.environment.clone(),
        })
    }

    fn server(&mut self, section: &str, keys: &ServerKeys<'_>) -> Option<ServerSettings> {
        let before = self.problems.len();
        let location = match (keys.url, keys.service, keys.route) {
            (Some(url), None, None) => LocationSetting::Url(url.to_owned()),
            (None, Some(service), None) => self.service(section, service)?,
            (None, None, Some(name)) => LocationSetting::Route {
                namespace: OPENSHIFT_MONITORING,
                name,
            },
            (None, None, None) => {
                self.wrong(section, "the server has no address", "add url = \"https://HOST\"");
                return None;
            }
            _ => {
                let hint = "keep one of url, service and openshift";
                self.wrong(section, "the server has several addresses", hint);
                return None;
            }
        };
        let mut credential = self.credential(section, keys);
        match &location {
            LocationSetting::Url(url) => self.check_private(&format!("{section}.url"), url, &credential),
            LocationSetting::Service { .. } => self.check_service(section, keys, &credential),
            // OpenShift's routes want the cluster's own token.
            LocationSetting::Route { .. } => {
                if matches!(credential, CredentialSetting::None) {
                    credential = CredentialSetting::Kubeconfig;
                }
            }
        }
        if self.problems.len() > before {
            return None;
        }
        let key = format!("{}.{section}.{}", self.path, location.shown().0);
        let document = self.place.document;
        Some(ServerSettings {
            location: Setting {
                value: location,
                origin: Origin::File {
                    path: document.file().to_owned(),
                    line: document.line_of(&key).unwrap_or(1),
                },
            },
            credential,
            ca_file: keys.ca_file.map(|path| self.file(path)),
        })
    }

    /// Checks an address, and that a credential stays secret on its way there.
    fn check_private(&mut self, key: &str, url: &str, credential: &CredentialSetting) {
        let host = self.check_url(key, url);
        let is_plain = url.starts_with("http://");
        if is_plain
            && !matches!(credential, CredentialSetting::None)
            && host.as_deref().is_some_and(|host| !is_loopback(host))
        {
            let message = "the credential would be readable on its way: the address is plain http";
            self.wrong(key, message, "use its https address");
        }
    }

    /// The API server signs in nowhere, and makes the connection itself.
    fn check_service(&mut self, section: &str, keys: &ServerKeys<'_>, credential: &CredentialSetting) {
        if !matches!(credential, CredentialSetting::None) {
            let message = "the API server's proxy passes on no credential";
            let hint = "remove the credential, or add the server's own url in place of service";
            self.wrong(section, message, hint);
        }
        if keys.ca_file.is_some() {
            let message = "the API server makes the connection, and asks for no certificate";
            self.wrong(&format!("{section}.ca-file"), message, "remove it");
        }
    }

    /// `NAMESPACE/[https:]NAME:PORT[/PATH]`.
    fn service(&mut self, section: &str, text: &str) -> Option<LocationSetting> {
        let found = service_of(text);
        if found.is_none() {
            let hint =
                "write it as \"NAMESPACE/NAME:PORT\", or \"NAMESPACE/https:NAME:PORT\" where it has TLS";
            self.wrong(&format!("{section}.service"), "not a service with its port", hint);
        }
        found
    }

    /// The host of an address that can be used.
    fn check_url(&mut self, key: &str, url: &str) -> Option<String> {
        let example = "write it as https://prometheus.example.com, with a path where it has one";
        let Ok(uri) = url.parse::<http::Uri>() else {
            self.wrong(key, "not an address", example);
            return None;
        };
        let authority = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default();
        if authority.contains('@') {
            let message = "the address holds a user or a password; no secret belongs in this file";
            self.wrong(
                key,
                message,
                "use user, password-file, password-variable, token-file or token-variable",
            );
            return None;
        }
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        if !is_web || authority.is_empty() || url.contains(['?', '#']) {
            self.wrong(key, "not an http(s) address without a query", example);
            return None;
        }
        uri.host().map(|host| host.trim_matches(['[', ']']).to_owned())
    }

    fn credential(&mut self, section: &str, keys: &ServerKeys<'_>) -> CredentialSetting {
        let token = self.secret(keys.token_file, keys.token_variable);
        let password = self.secret(keys.password_file, keys.password_variable);
        let ways = [
            keys.token_file.is_some(),
            keys.token_variable.is_some(),
            keys.kubeconfig_token,
            keys.user.is_some() || keys.password_file.is_some() || keys.password_variable.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() > 1 {
            let hint = "keep one of token-file, token-variable, kubeconfig-token, or user with a password";
            self.wrong(section, "the server has several credentials", hint);
            return CredentialSetting::None;
        }
        match (keys.user, password, token) {
            (Some(user), Some(password), _) => CredentialSetting::Password {
                user: user.to_owned(),
                password,
            },
            (Some(_), None, _) => {
                let hint = "add password-file or password-variable";
                self.wrong(section, "the user has no password", hint);
                CredentialSetting::None
            }
            (None, Some(_), _) => {
                self.wrong(section, "the password has no user", "add user = \"NAME\"");
                CredentialSetting::None
            }
            (None, None, Some(token)) => CredentialSetting::Token(token),
            (None, None, None) if keys.kubeconfig_token => CredentialSetting::Kubeconfig,
            (None, None, None) => CredentialSetting::None,
        }
    }

    fn secret(&self, file: Option<&str>, variable: Option<&str>) -> Option<SecretFrom> {
        let by_variable = |name: &str| {
            let value = self
                .place
                .variables
                .get(name)
                .filter(|value| !value.trim().is_empty());
            let value = value.map(|value| SecretString::from(value.trim().to_owned()));
            SecretFrom::Variable(name.to_owned(), value)
        };
        let by_file = file.map(|path| SecretFrom::File(self.file(path)));
        by_file.or_else(|| variable.map(by_variable))
    }

    fn file(&self, path: &str) -> PathBuf {
        self.place.dirs.resolve(path, self.place.base)
    }

    fn wrong(&mut self, key: &str, message: &str, hint: &str) {
        let path = format!("{}.{key}", self.path);
        self.problems
            .push(self.place.document.problem(&path, message).hint(hint));
    }
}

fn is_empty<T: Default + PartialEq>(keys: &T) -> bool {
    *keys == T::default()
}

/// A name as it stands in an address.
fn is_word(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !word.is_empty() && word.bytes().all(plain)
}

/// A service as the API server's proxy takes it; `None` where a part is no name of an object, no port, or no path.
fn service_of(text: &str) -> Option<LocationSetting> {
    let (namespace, rest) = text.split_once('/')?;
    let (name, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (scheme, object, port) = match *name.split(':').collect::<Vec<_>>() {
        [object, port] => ("", object, port),
        [scheme @ ("http" | "https"), object, port] => (scheme, object, port),
        _ => return None,
    };
    let is_name = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !name.is_empty() && name.bytes().all(plain)
    };
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let fits = is_name(namespace) && is_name(object) && is_name(port) && path.bytes().all(is_path);
    // Through `..` it would be another object of the API server.
    let climbs = path.split('/').any(|part| part == "..");
    (fits && !climbs).then(|| LocationSetting::Service {
        namespace: namespace.to_owned(),
        name: if scheme == "https" {
            name.to_owned()
        } else {
            format!("{object}:{port}")
        },
        path: path.trim_end_matches('/').to_owned(),
    })
}
