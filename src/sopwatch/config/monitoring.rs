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
    /// Its address, without user and password.
    pub url: Setting<String>,
    /// How to sign in.
    pub credential: CredentialSetting,
    /// Certificates of authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

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
    tenancy: bool,
    rules: bool
});
server_keys!(AlertsKeys {});
server_keys!(TrackerKeys {
    organisation: String,
    project: String,
    environment: String
});
server_keys!(GrafanaKeys { data_source: String });

/// What every section for a server has.
struct ServerKeys<'k> {
    url: Option<&'k str>,
    token_file: Option<&'k str>,
    token_variable: Option<&'k str>,
    kubeconfig_token: bool,
    user: Option<&'k str>,
    password_file: Option<&'k str>,
    password_variable: Option<&'k str>,
    ca_file: Option<&'k str>,
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
        if settings.metrics.is_some() || settings.alerts.is_some() || settings.tracker.is_some() {
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
        let by_grafana = grafana.and_then(|grafana| self.by_grafana(grafana));
        let of_metrics = keys.metrics.as_ref().filter(|keys| !is_empty(*keys));
        let own = of_metrics.and_then(|metrics| {
            // Where Grafana passes queries on, a section without an address says only how they are asked.
            if metrics.url.is_none() && by_grafana.is_some() {
                return None;
            }
            self.server("metrics", &metrics.server())
        });
        let server = own.or(by_grafana);
        MonitoringSettings {
            metrics: server.map(|server| MetricsSettings {
                server,
                tenancy: of_metrics.and_then(|metrics| metrics.tenancy).unwrap_or(false),
                rules: of_metrics.and_then(|metrics| metrics.rules).unwrap_or(true),
            }),
            alerts: keys
                .alerts
                .as_ref()
                .filter(|keys| !is_empty(*keys))
                .and_then(|alerts| self.server("alerts", &alerts.server())),
            tracker: keys
                .tracker
                .as_ref()
                .filter(|keys| !is_empty(*keys))
                .and_then(|tracker| self.tracker(tracker)),
        }
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
        server.url.value = format!(
            "{}/api/datasources/proxy/uid/{uid}",
            server.url.value.trim_end_matches('/')
        );
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
        let Some(url) = keys.url else {
            self.wrong(section, "the server has no address", "add url = \"https://HOST\"");
            return None;
        };
        let before = self.problems.len();
        let host = self.check_url(section, url);
        let credential = self.credential(section, keys);
        let is_plain = url.starts_with("http://");
        if is_plain
            && !matches!(credential, CredentialSetting::None)
            && host.as_deref().is_some_and(|host| !is_loopback(host))
        {
            let message = "the credential would be readable on its way: the address is plain http";
            self.wrong(&format!("{section}.url"), message, "use its https address");
        }
        if self.problems.len() > before {
            return None;
        }
        let key = format!("{}.{section}.url", self.path);
        let document = self.place.document;
        Some(ServerSettings {
            url: Setting {
                value: url.to_owned(),
                origin: Origin::File {
                    path: document.file().to_owned(),
                    line: document.line_of(&key).unwrap_or(1),
                },
            },
            credential,
            ca_file: keys.ca_file.map(|path| self.file(path)),
        })
    }

    /// The host of an address that can be used.
    fn check_url(&mut self, section: &str, url: &str) -> Option<String> {
        let key = format!("{section}.url");
        let example = "write it as https://prometheus.example.com, with a path where it has one";
        let Ok(uri) = url.parse::<http::Uri>() else {
            self.wrong(&key, "not an address", example);
            return None;
        };
        let authority = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default();
        if authority.contains('@') {
            let message = "the address holds a user or a password; no secret belongs in this file";
            self.wrong(
                &key,
                message,
                "use user, password-file, password-variable, token-file or token-variable",
            );
            return None;
        }
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        if !is_web || authority.is_empty() || url.contains(['?', '#']) {
            self.wrong(&key, "not an http(s) address without a query", example);
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
