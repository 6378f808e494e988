//! The configuration: settings from files, options and variables. Each value remembers where it comes from.

mod dirs;
mod env;
mod errors;
mod file_commands;
mod kinds;
mod load;
mod monitoring;
mod origin;
mod overrides;
pub mod profiles;
mod settings;
mod show;
mod spanned_toml;
mod suggest;
mod target;
#[cfg(test)]
mod tests;
mod text_commands;
mod toml_mistakes;
mod user_file;

pub use self::dirs::{UserDirs, variables_of_this_process};
pub use self::env::{LIBPQ, VARIABLES, is_utf8, locale, unknown_variables};
pub use self::errors::{ConfigError, ConfigProblem, without_number};
pub use self::file_commands::{DEFAULT_FILE, Judges, check, init, paths};
pub use self::load::{DEFAULT_POLL, DEFAULT_THEME, load, load_judged};
pub use self::monitoring::{
    CredentialSetting, LocationSetting, MetricsSettings, MonitoringSettings, SecretFrom, ServerSettings,
    TrackerSettings,
};
pub use self::origin::{Origin, Setting};
pub use self::settings::{DatabaseSettings, KeySetting, ScreenSettings, Settings};
pub use self::show::show;
pub use self::spanned_toml::TomlDocument;
pub use self::text_commands::{OutputText, TextOutput, text_output};
pub use self::toml_mistakes::read_checked;
