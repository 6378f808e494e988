//! The settings that the program runs with, each with its origin.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::errors::{ConfigError, ConfigProblem, all_or};
use super::monitoring::MonitoringSettings;
use super::origin::{Origin, Setting};
use super::profiles::ProfileSource;
use super::spanned_toml::TomlDocument;
use super::target;
use crate::cli::ColorChoice;
use crate::net::tls::TlsMode;
use sopwatch_core::profile::sop::Sop;
use sopwatch_core::profile::{Environment, Profile};

/// Everything that can be set. The profile has the user's changes in it already.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service, with the user's contacts, links, namespaces and thresholds.
    pub profile: Profile,
    /// The name it was chosen by.
    pub profile_name: Setting<String>,
    /// Where it was read.
    pub profile_source: ProfileSource,
    /// The environment that was chosen; otherwise it follows from the namespace: see [`Settings::environment_for`].
    pub environment: Option<Setting<String>>,
    /// The namespace; otherwise it is the context's.
    pub namespace: Option<Setting<String>>,
    /// The kubeconfig's context; otherwise its current one.
    pub context: Option<Setting<String>>,
    /// Kubeconfig files to merge, the first that has a value wins; otherwise `~/.kube/config`, or the pod's own account.
    pub kubeconfig: Option<Setting<Vec<PathBuf>>>,
    /// The user to act as.
    pub impersonate: Option<Setting<String>>,
    /// How long one request may take; zero for no limit.
    pub request_timeout: Option<Setting<Duration>>,
    /// The procedure to open with; it is one of the profile's.
    pub sop: Option<Setting<String>>,
    /// Whether every change is refused; [`Settings::is_read_only`] asks the environment too.
    pub read_only: Setting<bool>,
    /// How to draw.
    pub screen: ScreenSettings,
    /// How to reach the database.
    pub database: DatabaseSettings,
    /// The monitoring servers, by environment.
    pub monitoring: BTreeMap<String, MonitoringSettings>,
    /// What the user bound to keys.
    pub keys: Vec<KeySetting>,
    /// Where to write what the program does.
    pub log_file: Option<Setting<PathBuf>>,
    /// The user's file, if there is one.
    pub(super) document: Option<TomlDocument>,
    /// Where the user's changes to the profile come from, by key.
    pub(super) overrides: BTreeMap<String, Origin>,
}

/// How to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenSettings {
    /// Name of the theme; which there are, the screen knows: see [`Settings::check_theme`].
    pub theme: Setting<String>,
    /// ASCII characters only.
    pub ascii: Setting<bool>,
    /// Whether the terminal rings when the recommendation changes or an execution ends.
    pub bell: Setting<bool>,
    /// Whether to use colour.
    pub color: Setting<ColorChoice>,
}

/// How to reach the database. Credentials come from `url`, then `libpq`, then the profile's secret; `host` and `port`
/// replace those of the credentials, for a tunnel.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// Whether it is asked at all.
    pub enabled: Setting<bool>,
    /// The URL; only one from `SOPWATCH_DATABASE_URL` may hold a password.
    pub url: Option<Setting<SecretString>>,
    /// PostgreSQL's own variables that are set, by name; also `HOME` and `USER`, which their defaults hang on.
    pub libpq: BTreeMap<&'static str, SecretString>,
    /// The host instead of the credentials'.
    pub host: Option<Setting<String>>,
    /// The port instead of the credentials'.
    pub port: Option<Setting<u16>>,
    /// How the certificate is checked; otherwise as the credentials say.
    pub tls: Option<Setting<TlsMode>>,
    /// How often it is asked.
    pub poll: Setting<Duration>,
}

/// Keys that the user bound to an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetting {
    /// The action's name.
    pub action: String,
    /// The keys, as they are written.
    pub keys: Vec<String>,
    /// Where.
    pub origin: Origin,
}

impl Settings {
    /// The environment that was chosen, or the one whose namespace this is; `None` for a namespace that the profile does not know.
    pub fn environment_for(&self, namespace: &str) -> Option<&Environment> {
        match &self.environment {
            Some(chosen) => self
                .profile
                .environments
                .iter()
                .find(|known| known.name == chosen.value),
            None => self.profile.environment_of(namespace),
        }
    }

    /// Whether the environment that was chosen is the one of this namespace, which was found and not chosen: a drill's.
    ///
    /// # Errors
    /// It is another's: it would have two labels.
    pub fn check_namespace(&self, namespace: &str) -> Result<(), ConfigError> {
        let Some((chosen, known)) = self.environment.as_ref().zip(self.environment_for(namespace)) else {
            return Ok(());
        };
        if known.namespace == namespace {
            return Ok(());
        }
        let message = target::contradiction(&known.name, &known.namespace, namespace, &self.profile);
        let problem = problem_of(&chosen.origin, "environment", message, self.document.as_ref());
        let fitting = self.profile.environment_of(namespace);
        let hint = fitting.map_or("leave out the environment".to_owned(), |fitting| {
            format!("use -e {}", fitting.name)
        });
        Err(problem.hint(hint).into())
    }

    /// Whether nothing may be changed there.
    pub fn is_read_only(&self, environment: Option<&Environment>) -> bool {
        self.read_only.value || environment.is_some_and(|environment| environment.read_only)
    }

    /// A procedure of the profile, by the id that the operator gave.
    ///
    /// # Errors
    /// There is none of this id; the nearest is named.
    pub fn sop_named(&self, id: &str) -> Result<&Sop, ConfigError> {
        let unknown = || {
            let problem = ConfigProblem::new("sops", format!("the profile has no SOP `{id}`"));
            problem
                .hint_among(id, self.profile.sops.iter().map(|sop| sop.id.as_str()))
                .into()
        };
        self.profile.sop(id).ok_or_else(unknown)
    }

    /// Lets the keymap judge what the user bound: `check` is asked with each action and key.
    pub fn check_keys(&self, check: impl Fn(&str, &str) -> Result<(), String>) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        for binding in &self.keys {
            for (index, key) in binding.keys.iter().enumerate() {
                if let Err(message) = check(&binding.action, key) {
                    let path = format!("keys.{}", binding.action);
                    problems.push(self.key_problem(&path, index, message));
                }
            }
        }
        all_or(problems)
    }

    fn key_problem(&self, path: &str, index: usize, message: String) -> ConfigProblem {
        let Some(document) = &self.document else {
            return ConfigProblem::new(path, message);
        };
        let item = format!("{path}[{index}]");
        let path = if document.line_of(&item).is_some() {
            &item
        } else {
            path
        };
        document.problem(path, message)
    }

    /// Lets the screen judge the theme's name.
    pub fn check_theme<'a>(
        &self,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<(), ConfigError> {
        let theme = &self.screen.theme;
        if known.clone().into_iter().any(|known| known == theme.value) {
            return Ok(());
        }
        let message = format!("there is no theme `{}`", theme.value);
        let problem = problem_of(&theme.origin, "theme", message, self.document.as_ref());
        Err(problem.hint_among(&theme.value, known).into())
    }

    /// Where a value of the profile comes from: the user's file, or the profile.
    pub fn origin_of(&self, key: &str) -> Origin {
        let changed = self.overrides.get(key).cloned();
        changed.unwrap_or_else(|| Origin::Profile(self.profile.id.clone()))
    }
}

/// A problem with a value, at the place that the value comes from.
pub(super) fn problem_of(
    origin: &Origin,
    key: &str,
    message: String,
    document: Option<&TomlDocument>,
) -> ConfigProblem {
    match (origin, document) {
        (Origin::File { .. }, Some(document)) => document.problem(key, message),
        (origin, _) => ConfigProblem::new(origin.to_string(), message),
    }
}
