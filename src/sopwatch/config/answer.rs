//! The commands that are answered with a text: no cluster, no screen.

use std::collections::BTreeMap;

use super::files;
use super::folders::Folders;
use super::load::load;
use super::problem::{ConfigError, Problem};
use super::settings::Settings;
use super::show::show;
use crate::cli::{self, Cli, Command, ConfigCommand};
use sopwatch_core::profile::Environment;
use sopwatch_core::profile::sop_text::{sop_text, sops_list};
use sopwatch_core::text::SafeText;

/// A text for standard output, and what to exit with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What to print.
    pub text: String,
    /// What to exit with: 0, or 1 where `config check` found something.
    pub status: u8,
}

impl Answer {
    /// A text that quotes files, which anybody may have written.
    fn quoting(text: &str) -> Answer {
        Answer {
            text: SafeText::new(text).to_string(),
            status: 0,
        }
    }
}

/// The answer to a command that needs neither cluster nor screen; `None` for the console and the drill. `judge` is what only
/// the screen knows: [`Settings::check_keys`], [`Settings::check_theme`]; `scenarios` what only the drill does.
///
/// # Errors
/// What is wrong with the configuration, where the answer hangs on it: completions, the manual and the paths never do.
pub fn answer(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    folders: &Folders,
    judge: impl Fn(&Settings) -> Result<(), ConfigError>,
    scenarios: &[String],
) -> Result<Option<Answer>, ConfigError> {
    let text = match &cli.command {
        None
        | Some(
            Command::Drill(_)
            | Command::Check(_)
            | Command::Replay(_)
            | Command::Report(_)
            | Command::Incidents(_),
        ) => return Ok(None),
        Some(Command::Sops { id }) => sops(&load(cli, variables, folders)?, id.as_deref())?,
        Some(Command::Config { command }) => {
            return config(*command, cli, variables, folders, judge).map(Some);
        }
        // Ours alone, tabs and all.
        Some(Command::Completions { shell }) => {
            return written(Ok(cli::completions(*shell, scenarios))).map(Some);
        }
        Some(Command::Man) => return written(cli::manual()).map(Some),
    };
    Ok(Some(Answer::quoting(&text)))
}

fn config(
    command: ConfigCommand,
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    folders: &Folders,
    judge: impl Fn(&Settings) -> Result<(), ConfigError>,
) -> Result<Answer, ConfigError> {
    match command {
        ConfigCommand::Show => Ok(Answer::quoting(&show(&load(cli, variables, folders)?))),
        ConfigCommand::Paths => Ok(Answer::quoting(&files::paths(cli, variables, folders))),
        ConfigCommand::Init => files::init(cli, variables, folders).map(|text| Answer::quoting(&text)),
        ConfigCommand::Check => {
            let (text, well) = files::check(cli, variables, folders, judge);
            Ok(Answer {
                status: u8::from(!well),
                ..Answer::quoting(&text)
            })
        }
    }
}

fn sops(settings: &Settings, id: Option<&str>) -> Result<String, ConfigError> {
    match id {
        None => Ok(sops_list(&settings.profile, chosen_environment(settings))),
        Some(id) => Ok(sop_text(
            &settings.profile,
            settings.sop_named(id)?,
            chosen_environment(settings),
        )),
    }
}

/// The environment that options, variables or the file name; without one, the text is for all.
fn chosen_environment(settings: &Settings) -> Option<&Environment> {
    let namespace = settings
        .namespace
        .as_ref()
        .map_or("", |namespace| namespace.value.as_str());
    settings.environment_for(namespace)
}

fn written(bytes: std::io::Result<Vec<u8>>) -> Result<Answer, ConfigError> {
    let failed = |why: String| ConfigError::from(Problem::new("output", why));
    let bytes = bytes.map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.to_string()))?;
    Ok(Answer { text, status: 0 })
}
