//! The settings, read from options, variables and files: the first that has a value wins, in that order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use secrecy::SecretString;

use super::dirs::{UserDirs, read_text};
use super::env::{EnvVariables, LIBPQ};
use super::errors::{ConfigError, ConfigProblem};
use super::monitoring::{self, MonitoringSettings};
use super::origin::{Origin, Setting};
use super::overrides;
use super::profiles::{self, DEFAULT_PROFILE, ProfileSource};
use super::settings::{DatabaseSettings, KeySetting, ScreenSettings, Settings, problem_of};
use super::spanned_toml::TomlDocument;
use super::target;
use super::toml_mistakes::{self, PartialRead};
use super::user_file::{self, UserFile};
use crate::cli::{Cli, ColorChoice, Common};
use crate::net::postgres_url::{has_password, is_postgres};
use sopwatch_core::profile::Profile;

/// The theme when none is chosen.
pub const DEFAULT_THEME: &str = "dark";

/// How often the database is asked when nobody says, seconds.
pub const DEFAULT_POLL: u64 = 5;

/// Reads all settings. The same arguments and files give the same settings: nothing else is looked at.
///
/// # Errors
/// Every wrong or unknown key, option or variable, each with its place; nothing half-read is ever used.
pub fn load(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
) -> Result<Settings, ConfigError> {
    load_judged(cli, variables, dirs, |_| Ok(()))
}

/// The same; `judge` checks what only the screen knows: [`Settings::check_keys`], [`Settings::check_theme`].
///
/// # Errors
/// As of [`load`], with what `judge` finds.
pub fn load_judged(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
    judge: impl Fn(&Settings) -> Result<(), ConfigError>,
) -> Result<Settings, ConfigError> {
    let (settings, problems) = read_settings(cli, variables, dirs, judge);
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(ConfigError::of(problems)),
    }
}

/// All settings that could be read, and all that is wrong. Where anything is wrong, the settings are for further checks alone.
pub(super) fn read_settings(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
    judge: impl Fn(&Settings) -> Result<(), ConfigError>,
) -> (Option<Settings>, Vec<ConfigProblem>) {
    let (mut sources, mut problems) = ValueSources::read(&cli.common, variables, dirs);
    let settings = sources.settings(&mut problems);
    problems.extend(sources.variables.problems());
    if let Some(Err(error)) = settings.as_ref().map(judge) {
        problems.extend(error.problems);
    }
    (settings, problems)
}

/// The profile that was asked for and where it is, whatever is wrong with other settings.
pub(super) fn asked_profile(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
) -> (Setting<String>, Option<ProfileSource>) {
    let (sources, _) = ValueSources::read(&cli.common, variables, dirs);
    let name = sources.profile_name();
    let source = sources.profile_source(&name).ok();
    (name, source)
}

/// The value, or nothing with the problem noted.
fn noted<T, E: Into<ConfigError>>(found: Result<T, E>, problems: &mut Vec<ConfigProblem>) -> Option<T> {
    found.map_err(|error| problems.extend(error.into().problems)).ok()
}

/// The user's file: the one that is named, else the usual one.
pub(super) fn config_file(
    flags: &Common,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
) -> Option<Setting<PathBuf>> {
    if let Some(path) = &flags.config {
        let value = dirs.current.join(path);
        return Some(Setting {
            value,
            origin: Origin::Flag("--config"),
        });
    }
    if let Some(path) = variables.get("SOPWATCH_CONFIG").filter(|path| !path.is_empty()) {
        let value = dirs.resolve(path, &dirs.current);
        return Some(Setting {
            value,
            origin: Origin::Variable("SOPWATCH_CONFIG"),
        });
    }
    dirs.config_file().map(Setting::default_of)
}

/// The sources of all values: options, variables and the user's file.
struct ValueSources<'a> {
    flags: &'a Common,
    variables: EnvVariables<'a>,
    user: UserFile,
    document: Option<TomlDocument>,
    base: PathBuf,
    dirs: &'a UserDirs,
}

impl<'a> ValueSources<'a> {
    /// The sources as far as they can be read, and what is wrong with the file.
    fn read(
        flags: &'a Common,
        variables: &'a BTreeMap<String, String>,
        dirs: &'a UserDirs,
    ) -> (ValueSources<'a>, Vec<ConfigProblem>) {
        let mut problems = Vec::new();
        let file = config_file(flags, variables, dirs);
        let read = file
            .as_ref()
            .and_then(|file| noted(read_user_file(file), &mut problems).flatten());
        let (user, document) = match read {
            Some(read) => {
                problems.extend(read.problems);
                (read.value.unwrap_or_default(), Some(read.document))
            }
            None => (UserFile::default(), None),
        };
        let folder = file.and_then(|file| Some(file.value.parent()?.to_owned()));
        let sources = ValueSources {
            flags,
            variables: EnvVariables::new(variables),
            user,
            document,
            base: folder.unwrap_or_else(|| dirs.current.clone()),
            dirs,
        };
        (sources, problems)
    }

    /// All settings. What depends on a profile that can't be read is not judged.
    fn settings(&mut self, problems: &mut Vec<ConfigProblem>) -> Option<Settings> {
        let profile_name = self.profile_name();
        let read = noted(self.profile(&profile_name), problems);
        let is_read = read.is_some();
        let (profile_source, mut profile) = read.or_else(stand_in)?;
        let mut of_profile = Vec::new();
        let (overrides, wrong) = self.change(&mut profile);
        of_profile.extend(wrong);
        let target = target::find(&self.target_choices(), &profile, self.document.as_ref());
        let target = noted(target, &mut of_profile).unwrap_or_default();
        let sop = noted(self.sop(&profile), &mut of_profile).flatten();
        if is_read {
            problems.extend(of_profile);
        }
        Some(Settings {
            environment: target.environment,
            namespace: target.namespace,
            context: self.text(
                "--context",
                "SOPWATCH_CONTEXT",
                "context",
                |f| f.context.clone(),
                |u| u.context.clone(),
            ),
            kubeconfig: self.kubeconfig(),
            impersonate: self.flag("--as", self.flags.impersonate.clone()),
            request_timeout: self.flag("--request-timeout", self.flags.request_timeout),
            sop,
            read_only: self.read_only(),
            log_file: self.log_file(),
            keys: self.keys(),
            profile,
            profile_name,
            profile_source,
            screen: self.screen(),
            database: self.database(problems),
            monitoring: self.monitoring(problems),
            overrides,
            document: self.document.clone(),
        })
    }

    /// The value in effect, with its origin.
    fn pick<T>(
        &self,
        flag: Option<(T, &'static str)>,
        variable: Option<(T, &'static str)>,
        user: Option<(T, &str)>,
    ) -> Option<Setting<T>> {
        let flag = flag.map(|(value, name)| Setting {
            value,
            origin: Origin::Flag(name),
        });
        let variable = variable.map(|(value, name)| Setting {
            value,
            origin: Origin::Variable(name),
        });
        let user = user.map(|(value, key)| Setting {
            value,
            origin: self.in_file(key),
        });
        flag.or(variable).or(user)
    }

    fn in_file(&self, key: &str) -> Origin {
        let document = self.document.as_ref();
        Origin::File {
            path: document
                .map(|document| document.file().to_owned())
                .unwrap_or_default(),
            line: document.and_then(|document| document.line_of(key)).unwrap_or(1),
        }
    }

    fn flag<T>(&self, name: &'static str, value: Option<T>) -> Option<Setting<T>> {
        self.pick(value.map(|value| (value, name)), None, None)
    }

    fn text(
        &self,
        flag: &'static str,
        variable: &'static str,
        key: &str,
        of_flags: impl Fn(&Common) -> Option<String>,
        of_user: impl Fn(&UserFile) -> Option<String>,
    ) -> Option<Setting<String>> {
        self.pick(
            of_flags(self.flags).map(|value| (value, flag)),
            self.variables.text(variable).map(|value| (value, variable)),
            of_user(&self.user).map(|value| (value, key)),
        )
    }

    /// A switch that an option can only turn on.
    fn switch(
        &mut self,
        flag: (bool, &'static str),
        variable: &'static str,
        user: Option<bool>,
        key: &str,
    ) -> Setting<bool> {
        let set = self.variables.switch(variable).map(|value| (value, variable));
        let picked = self.pick(
            flag.0.then_some((true, flag.1)),
            set,
            user.map(|value| (value, key)),
        );
        picked.unwrap_or_else(|| Setting::default_of(false))
    }

    fn profile_name(&self) -> Setting<String> {
        let chosen = self.text(
            "--profile",
            "SOPWATCH_PROFILE",
            "profile",
            |f| f.profile.clone(),
            |u| u.profile.clone(),
        );
        chosen.unwrap_or_else(|| Setting::default_of(DEFAULT_PROFILE.to_owned()))
    }

    fn profile(&self, name: &Setting<String>) -> Result<(ProfileSource, Profile), ConfigError> {
        let source = self.profile_source(name)?;
        let profile = profiles::read(&source)?;
        Ok((source, profile))
    }

    fn profile_source(&self, name: &Setting<String>) -> Result<ProfileSource, ConfigProblem> {
        let in_file = matches!(name.origin, Origin::File { .. });
        let base = if in_file { &self.base } else { &self.dirs.current };
        profiles::find(&name.value, base, self.dirs).map_err(|known| {
            let message = format!("there is no profile `{}`", name.value);
            let problem = problem_of(&name.origin, "profile", message, self.document.as_ref());
            problem.hint_among(&name.value, known.iter().map(String::as_str))
        })
    }

    fn change(&self, profile: &mut Profile) -> (BTreeMap<String, Origin>, Vec<ConfigProblem>) {
        match &self.document {
            Some(document) => overrides::apply(profile, &self.user, document),
            None => (BTreeMap::new(), Vec::new()),
        }
    }

    fn target_choices(&self) -> target::Choices {
        let environment =
            |origin: Origin, value: &Option<String>| value.clone().map(|value| Setting { value, origin });
        target::Choices {
            environments: [
                environment(Origin::Flag("-e/--environment"), &self.flags.environment),
                environment(
                    Origin::Variable("SOPWATCH_ENVIRONMENT"),
                    &self.variables.text("SOPWATCH_ENVIRONMENT"),
                ),
                environment(self.in_file("environment"), &self.user.environment),
            ],
            namespaces: [
                environment(Origin::Flag("-n/--namespace"), &self.flags.namespace),
                environment(
                    Origin::Variable("SOPWATCH_NAMESPACE"),
                    &self.variables.text("SOPWATCH_NAMESPACE"),
                ),
                environment(self.in_file("namespace"), &self.user.namespace),
            ],
        }
    }

    fn kubeconfig(&self) -> Option<Setting<Vec<PathBuf>>> {
        let list = |text: String| -> Vec<PathBuf> {
            std::env::split_paths(&text)
                .filter(|path| !path.as_os_str().is_empty())
                .collect()
        };
        self.pick(
            self.flags
                .kubeconfig
                .as_ref()
                .map(|path| (vec![self.dirs.current.join(path)], "--kubeconfig")),
            self.variables
                .text("KUBECONFIG")
                .map(|text| (list(text), "KUBECONFIG")),
            self.user
                .kubeconfig
                .as_ref()
                .map(|path| (vec![self.dirs.resolve(path, &self.base)], "kubeconfig")),
        )
    }

    fn sop(&self, profile: &Profile) -> Result<Option<Setting<String>>, ConfigError> {
        let Some(sop) = self.text(
            "--sop",
            "SOPWATCH_SOP",
            "sop",
            |f| f.sop.clone(),
            |u| u.sop.clone(),
        ) else {
            return Ok(None);
        };
        if profile.sop(&sop.value).is_some() {
            return Ok(Some(sop));
        }
        let message = format!("the profile has no SOP `{}`", sop.value);
        let problem = problem_of(&sop.origin, "sop", message, self.document.as_ref());
        Err(problem
            .hint_among(&sop.value, profile.sops.iter().map(|sop| sop.id.as_str()))
            .into())
    }

    fn read_only(&mut self) -> Setting<bool> {
        let user = self.user.read_only;
        self.switch(
            (self.flags.read_only, "--read-only"),
            "SOPWATCH_READ_ONLY",
            user,
            "read-only",
        )
    }

    fn log_file(&self) -> Option<Setting<PathBuf>> {
        let variable = self.variables.text("SOPWATCH_LOG_FILE");
        self.pick(
            self.flags
                .log_file
                .as_ref()
                .map(|path| (self.dirs.current.join(path), "--log-file")),
            variable.map(|path| (self.dirs.resolve(&path, &self.dirs.current), "SOPWATCH_LOG_FILE")),
            None,
        )
    }

    fn screen(&mut self) -> ScreenSettings {
        let theme = self.text(
            "--theme",
            "SOPWATCH_THEME",
            "theme",
            |f| f.theme.clone(),
            |u| u.theme.clone(),
        );
        let user = self.user.ascii;
        let bell = self.pick(None, None, self.user.bell.map(|bell| (bell, "bell")));
        ScreenSettings {
            bell: bell.unwrap_or_else(|| Setting::default_of(false)),
            theme: theme.unwrap_or_else(|| Setting::default_of(DEFAULT_THEME.to_owned())),
            ascii: self.ascii(user),
            color: self.color(),
        }
    }

    /// Where nobody chose, a terminal whose locale is not UTF-8 gets ASCII.
    fn ascii(&mut self, user: Option<bool>) -> Setting<bool> {
        let chosen = self.switch((self.flags.ascii, "--ascii"), "SOPWATCH_ASCII", user, "ascii");
        match (&chosen.origin, self.variables.locale_without_utf8()) {
            (Origin::Default, Some(variable)) => Setting {
                value: true,
                origin: Origin::Variable(variable),
            },
            _ => chosen,
        }
    }

    fn color(&mut self) -> Setting<ColorChoice> {
        let own = self
            .variables
            .value("SOPWATCH_COLOR", "auto, always or never", |_: &Color| true);
        let own = own.map(|Color(color)| (color, "SOPWATCH_COLOR"));
        let none = self
            .variables
            .text("NO_COLOR")
            .map(|_| (ColorChoice::Never, "NO_COLOR"));
        let picked = self.pick(
            self.flags.color.map(|color| (color, "--color")),
            own.or(none),
            self.user.color.map(|color| (color, "color")),
        );
        picked.unwrap_or_else(|| Setting::default_of(ColorChoice::Auto))
    }

    fn database(&mut self, problems: &mut Vec<ConfigProblem>) -> DatabaseSettings {
        let user = self.user.database.clone();
        let port = self
            .variables
            .value("SOPWATCH_DATABASE_PORT", "a port from 1 to 65535", |port| {
                *port > 0_u16
            });
        let libpq = LIBPQ
            .into_iter()
            .filter_map(|name| Some((name, SecretString::from(self.variables.text(name)?))));
        let libpq = libpq.collect();
        DatabaseSettings {
            enabled: self.database_enabled(),
            url: noted(self.database_url(), problems).flatten(),
            libpq,
            host: self.text(
                "--database-host",
                "SOPWATCH_DATABASE_HOST",
                "database.host",
                |f| f.database_host.clone(),
                |u| u.database.host.clone(),
            ),
            port: self.pick(
                self.flags.database_port.map(|port| (port, "--database-port")),
                port.map(|port| (port, "SOPWATCH_DATABASE_PORT")),
                user.port.map(|port| (port, "database.port")),
            ),
            tls: self.pick(None, None, user.tls.map(|tls| (tls, "database.tls"))),
            poll: self.poll(),
        }
    }

    fn monitoring(&self, problems: &mut Vec<ConfigProblem>) -> BTreeMap<String, MonitoringSettings> {
        let Some(document) = &self.document else {
            return BTreeMap::new();
        };
        let place = monitoring::Place {
            document,
            variables: self.variables.all(),
            dirs: self.dirs,
            base: &self.base,
        };
        let (found, wrong) = monitoring::read(&self.user.environments, &place);
        problems.extend(wrong);
        found
    }

    fn database_enabled(&mut self) -> Setting<bool> {
        let variable = self.variables.switch("SOPWATCH_NO_DATABASE");
        let picked = self.pick(
            self.flags.no_database.then_some((false, "--no-database")),
            variable.map(|off| (!off, "SOPWATCH_NO_DATABASE")),
            self.user.database.enabled.map(|on| (on, "database.enabled")),
        );
        picked.unwrap_or_else(|| Setting::default_of(true))
    }

    fn database_url(&self) -> Result<Option<Setting<SecretString>>, ConfigError> {
        let url = self.text(
            "--database-url",
            "SOPWATCH_DATABASE_URL",
            "database.url",
            |f| f.database_url.clone(),
            |u| u.database.url.clone(),
        );
        let Some(url) = url else {
            return Ok(None);
        };
        let wrong = |message: &str| {
            problem_of(
                &url.origin,
                "database.url",
                message.to_owned(),
                self.document.as_ref(),
            )
        };
        if !is_postgres(&url.value) {
            return Err(wrong("not a PostgreSQL URL")
                .hint("write it as postgres://user@host:5432/database")
                .into());
        }
        if matches!(url.origin, Origin::Flag(_)) && has_password(&url.value) {
            let problem =
                wrong("the URL holds a password, and everybody on this machine can read command lines");
            return Err(problem
                .hint("set the URL in SOPWATCH_DATABASE_URL, or the password in PGPASSWORD")
                .into());
        }
        let secret = SecretString::from(url.value.clone());
        Ok(Some(url.with(secret)))
    }

    fn poll(&mut self) -> Setting<Duration> {
        let variable = self
            .variables
            .value("SOPWATCH_POLL", "a number from 1 to 3600", |poll| {
                (1..=3600_u64).contains(poll)
            });
        let picked = self.pick(
            self.flags.poll.map(|poll| (poll, "--poll")),
            variable.map(|poll| (poll, "SOPWATCH_POLL")),
            self.user.poll.map(|poll| (poll, "poll")),
        );
        let poll = picked.unwrap_or_else(|| Setting::default_of(DEFAULT_POLL));
        poll.with(Duration::from_secs(poll.value))
    }

    fn keys(&self) -> Vec<KeySetting> {
        let binding = |(action, keys): (&String, &user_file::KeyBinding)| KeySetting {
            action: action.clone(),
            keys: keys.all(),
            origin: self.in_file(&format!("keys.{action}")),
        };
        self.user.keys.iter().map(binding).collect()
    }
}

/// A colour choice as a variable spells it.
struct Color(ColorChoice);

impl FromStr for Color {
    type Err = String;

    fn from_str(text: &str) -> Result<Color, String> {
        ColorChoice::from_str(text, false).map(Color)
    }
}

/// The profile that checks go on with when the one that was asked for can't be read.
fn stand_in() -> Option<(ProfileSource, Profile)> {
    let profile = profiles::built_in(DEFAULT_PROFILE)?.ok()?;
    Some((ProfileSource::BuiltIn(DEFAULT_PROFILE), profile))
}

/// The user's file as far as it can be read; `None` for the usual one that is not there.
fn read_user_file(file: &Setting<PathBuf>) -> Result<Option<PartialRead<UserFile>>, ConfigProblem> {
    if matches!(file.origin, Origin::Default) && !file.value.exists() {
        return Ok(None);
    }
    let text = read_text(&file.value)?;
    let mut read: PartialRead<UserFile> = toml_mistakes::read_all(&file.value.display().to_string(), &text);
    read.problems = read.problems.into_iter().map(user_file::with_neighbour).collect();
    let found = read
        .value
        .as_ref()
        .map(|user| user_file::check(user, &read.document));
    read.extend(found.unwrap_or_default());
    Ok(Some(read))
}
