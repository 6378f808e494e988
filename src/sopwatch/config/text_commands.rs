//! The commands that print a text and need neither a cluster nor a screen.

use std::collections::BTreeMap;

use super::dirs::UserDirs;
use super::errors::{ConfigError, ConfigProblem};
use super::file_commands::{self, Judges};
use super::load::load;
use super::settings::Settings;
use super::show::show;
use crate::cli::{self, Cli, Command, ConfigCommand};
use sopwatch_core::profile::Environment;
use sopwatch_core::profile::sop_text::{sop_text, sops_list};
use sopwatch_core::text::SafeText;

/// A text for standard output, and what to exit with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextOutput {
    /// What to print.
    pub text: OutputText,
    /// What to exit with: 0, or 1 where `config check` found something.
    pub status: u8,
}

/// What is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputText {
    /// Text that quotes files, which anybody may have written.
    Safe(SafeText),
    /// What a library makes of our own command line, tabs and all.
    Generated(Vec<u8>),
}

impl TextOutput {
    fn quoting(text: impl Into<SafeText>) -> TextOutput {
        TextOutput {
            text: OutputText::Safe(text.into()),
            status: 0,
        }
    }
}

/// The output of a command that needs neither cluster nor screen; `None` for all other commands. `judges` check what this room does not
/// know; `scenarios` are the drill's.
///
/// # Errors
/// What is wrong with the configuration, where the output depends on it: completions, the manual and the paths never do.
pub fn text_output(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
    judges: &Judges<
        impl Fn(&Settings) -> Result<(), ConfigError>,
        impl Fn(&Settings) -> Result<String, ConfigError>,
    >,
    scenarios: &[String],
) -> Result<Option<TextOutput>, ConfigError> {
    let text = match &cli.command {
        None
        | Some(
            Command::Drill(_)
            | Command::Check(_)
            | Command::Replay(_)
            | Command::Report(_)
            | Command::Incidents(_)
            | Command::Doctor(_)
            | Command::Help { .. },
        ) => return Ok(None),
        Some(Command::Sops { id }) => sops(&load(cli, variables, dirs)?, id.as_deref())?,
        Some(Command::Config { command }) => {
            return config(*command, cli, variables, dirs, judges).map(Some);
        }
        // Ours alone, tabs and all.
        Some(Command::Completions { shell }) => {
            return Ok(Some(generated(cli::completions(*shell, scenarios))));
        }
        Some(Command::Man) => {
            let failed = |why: std::io::Error| ConfigProblem::new("output", why.to_string());
            return Ok(Some(generated(cli::manual().map_err(failed)?)));
        }
    };
    Ok(Some(TextOutput::quoting(text)))
}

fn config(
    command: ConfigCommand,
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
    judges: &Judges<
        impl Fn(&Settings) -> Result<(), ConfigError>,
        impl Fn(&Settings) -> Result<String, ConfigError>,
    >,
) -> Result<TextOutput, ConfigError> {
    match command {
        ConfigCommand::Show => Ok(TextOutput::quoting(show(&load(cli, variables, dirs)?))),
        ConfigCommand::Paths => Ok(TextOutput::quoting(file_commands::paths(cli, variables, dirs))),
        ConfigCommand::Init => file_commands::init(cli, variables, dirs).map(TextOutput::quoting),
        ConfigCommand::Check => {
            let (text, well) = file_commands::check(cli, variables, dirs, judges);
            Ok(TextOutput {
                status: u8::from(!well),
                ..TextOutput::quoting(text)
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

fn generated(text: Vec<u8>) -> TextOutput {
    TextOutput {
        text: OutputText::Generated(text),
        status: 0,
    }
}
