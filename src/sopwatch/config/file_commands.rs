//! The commands on configuration files: `config check`, `config paths` and `config init`.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::dirs::{UserDirs, read_text};
use super::errors::{ConfigError, ConfigProblem, without_number};
use super::load::{asked_profile, config_file, read_settings};
use super::origin::Origin;
use super::profiles::{self, ProfileSource};
use super::settings::Settings;
use crate::cli::Cli;

/// The file that `config init` writes: every key with its default, commented out.
pub const DEFAULT_FILE: &str = include_str!("../../../config/sopwatch.toml");

/// What `config check` asks others, because this room does not know it.
pub struct Judges<S, C> {
    /// What only the screen knows: themes and keys.
    pub screen: S,
    /// Whether the kubeconfig leads to a cluster, and to which one.
    pub cluster: C,
}

/// The text of `config check`, and whether all is well.
pub fn check(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
    judges: &Judges<
        impl Fn(&Settings) -> Result<(), ConfigError>,
        impl Fn(&Settings) -> Result<String, ConfigError>,
    >,
) -> (String, bool) {
    let (settings, problems) = read_settings(cli, variables, dirs, &judges.screen);
    let (name, source) = asked_profile(cli, variables, dirs);
    // Of the profile it is said further below, with everything that is wrong in it.
    let of_profile = source.as_ref().map(|source| format!("{}:", source.text()));
    let elsewhere = |problem: &ConfigProblem| {
        of_profile
            .as_ref()
            .is_none_or(|file| !format!("{}:", problem.at).starts_with(file.as_str()))
    };
    let problems: Vec<_> = problems.into_iter().filter(elsewhere).collect();
    let mut verdicts = vec![if problems.is_empty() {
        Ok(used(cli, variables, dirs))
    } else {
        Err(ConfigError::of(problems))
    }];
    verdicts.extend(source.as_ref().map(|source| check_profile(&name.value, source)));
    if name.origin == Origin::Default {
        verdicts.extend(other_profiles(dirs, source.as_ref()));
    }
    verdicts.extend(settings.as_ref().map(&judges.cluster));
    let well = verdicts.iter().all(Result::is_ok);
    let line =
        |verdict: Result<String, ConfigError>| verdict.unwrap_or_else(|error| error.to_string()) + "\n";
    (verdicts.into_iter().map(line).collect(), well)
}

/// The other profiles that can be chosen by a name.
fn other_profiles(dirs: &UserDirs, asked: Option<&ProfileSource>) -> Vec<Result<String, ConfigError>> {
    let built_in = profiles::built_in_names().map(|name| (name.to_owned(), ProfileSource::BuiltIn(name)));
    let names = dirs.profile_names().into_iter();
    let own = names.filter_map(|name| Some((name.clone(), ProfileSource::File(dirs.profile(&name)?))));
    built_in
        .chain(own)
        .filter(|(_, source)| Some(source) != asked)
        .map(|(name, source)| check_profile(&name, &source))
        .collect()
}

fn used(cli: &Cli, variables: &BTreeMap<String, String>, dirs: &UserDirs) -> String {
    let file = match config_file(&cli.common, variables, dirs) {
        Some(file) if file.value.exists() => format!("{}: ok", file.value.display()),
        Some(file) => format!("{}: does not exist, defaults apply", file.value.display()),
        None => "no folder for a configuration file: defaults apply".to_owned(),
    };
    format!("{file}\noptions and variables: ok")
}

fn check_profile(name: &str, source: &ProfileSource) -> Result<String, ConfigError> {
    match source {
        ProfileSource::BuiltIn(built_in) => profiles::check_built_in(built_in)?,
        ProfileSource::File(file) => {
            let text = read_text(file)?;
            profiles::parse(&file.display().to_string(), &text)?;
        }
    }
    Ok(format!("profile {name} ({}): ok", source.text()))
}

/// The text of `config paths`: what is looked at, and whether it is there.
pub fn paths(cli: &Cli, variables: &BTreeMap<String, String>, dirs: &UserDirs) -> String {
    let mut lines = Vec::new();
    if let Some(file) = config_file(&cli.common, variables, dirs) {
        lines.push(path_line("configuration", &file.value, &file.origin.to_string()));
    }
    if let Some(folder) = dirs.profiles() {
        lines.push(path_line("your profiles", &folder, "default"));
    }
    for name in profiles::built_in_names() {
        lines.push(format!("{:14}  built in  {name}", "profile"));
    }
    for (file, origin) in kubeconfigs(cli, variables, dirs) {
        lines.push(path_line("kubeconfig", &file, origin));
    }
    lines.join("\n") + "\n"
}

fn path_line(what: &str, path: &Path, origin: &str) -> String {
    let there = if path.exists() { "exists" } else { "missing" };
    format!("{what:14}  {there:8}  {}  ({origin})", path.display())
}

fn kubeconfigs(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
) -> Vec<(PathBuf, &'static str)> {
    if let Some(path) = &cli.common.kubeconfig {
        return vec![(dirs.current.join(path), "--kubeconfig")];
    }
    if let Some(list) = variables.get("KUBECONFIG").filter(|list| !list.is_empty()) {
        let files = std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty());
        return files.map(|path| (path, "KUBECONFIG")).collect();
    }
    let home = dirs
        .home
        .iter()
        .map(|home| (home.join(".kube/config"), "default"));
    home.collect()
}

/// Writes the commented default file; the text of `config init`. An existing file is kept.
pub fn init(cli: &Cli, variables: &BTreeMap<String, String>, dirs: &UserDirs) -> Result<String, ConfigError> {
    let file = config_file(&cli.common, variables, dirs);
    let Some(file) = file.map(|file| file.value) else {
        let problem = ConfigProblem::new(
            "config init",
            "no folder for a configuration file: HOME is not set",
        );
        return Err(problem.hint("choose a file with --config FILE").into());
    };
    write_new(&file).map_err(|error| init_problem(&file, &error))?;
    Ok(format!(
        "wrote {}: every key is in it, commented out, with its default\n",
        file.display()
    ))
}

fn write_new(file: &Path) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(file)?;
    file.write_all(DEFAULT_FILE.as_bytes())
}

fn init_problem(file: &Path, error: &std::io::Error) -> ConfigProblem {
    let name = file.display().to_string();
    if error.kind() == ErrorKind::AlreadyExists {
        let problem = ConfigProblem::new(name, "the file exists already and was not changed");
        return problem.hint("edit it, or choose another file with --config FILE");
    }
    ConfigProblem::new(
        name,
        format!("the file can't be written: {}", without_number(error)),
    )
}
