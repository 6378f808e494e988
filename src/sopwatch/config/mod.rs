//! Floor 2: files, options and variables to values. Each value remembers where it comes from.

mod answer;
mod database_url;
mod document;
mod files;
mod folders;
mod load;
mod nearest;
mod overrides;
mod place;
mod problem;
pub mod profiles;
mod setting;
mod settings;
mod show;
#[cfg(test)]
mod tests;
mod user_file;
mod variables;

pub use self::answer::{Answer, answer};
pub use self::database_url::without_password;
pub use self::document::Document;
pub use self::files::{DEFAULT_FILE, check, init, paths};
pub use self::folders::{Folders, variables_of_this_process};
pub use self::load::{DEFAULT_POLL, DEFAULT_THEME, load};
pub use self::problem::{ConfigError, Problem};
pub use self::setting::{Origin, Setting};
pub use self::settings::{DatabaseSettings, KeySetting, ScreenSettings, Settings};
pub use self::show::show;
pub use self::user_file::Tls;
pub use self::variables::{LIBPQ, VARIABLES};
