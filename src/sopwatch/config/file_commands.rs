//! The commands on configuration files: `config check`, `config paths` and `config init`.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::dirs::{UserDirs, read_text};
use super::errors::{ConfigError, ConfigProblem};
use super::load::{config_file, load};
use super::profiles;
use super::settings::Settings;
use crate::cli::Cli;

/// The file that `config init` writes: every key with its default, commented out.
pub const DEFAULT_FILE: &str = include_str!("../../../config/sopwatch.toml");

/// The text of `config check`, and whether all is well. `judge` is what only the screen knows: themes and keys.
pub fn check(
    cli: &Cli,
    variables: &BTreeMap<String, String>,
    dirs: &UserDirs,
    judge: impl Fn(&Settings) -> Result<(), ConfigError>,
) -> (String, bool) {
    let loaded = load(cli, variables, dirs);
    let judged = loaded.and_then(|settings| judge(&settings).map(|()| settings));
    let mut verdicts = vec![match judged {
        Ok(settings) => Ok(used(cli, variables, dirs, &settings)),
        Err(error) => Err(error),
    }];
    for name in profiles::built_in_names() {
        let checked = profiles::check_built_in(name);
        verdicts.push(checked.map(|()| format!("profile {name} (built in): ok")));
    }
    for file in dirs.profile_names().iter().filter_map(|name| dirs.profile(name)) {
        verdicts.push(check_profile(&file));
    }
    let well = verdicts.iter().all(Result::is_ok);
    let line =
        |verdict: Result<String, ConfigError>| verdict.unwrap_or_else(|error| error.to_string()) + "\n";
    (verdicts.into_iter().map(line).collect(), well)
}

fn used(cli: &Cli, variables: &BTreeMap<String, String>, dirs: &UserDirs, settings: &Settings) -> String {
    let file = config_file(&cli.common, variables, dirs);
    let file = match (&settings.document, file) {
        (Some(document), _) => format!("{}: ok", document.file()),
        (None, Some(file)) => format!("{}: not there, defaults count", file.value.display()),
        (None, None) => "no folder for a configuration file: defaults count".to_owned(),
    };
    format!("{file}\noptions and variables: ok")
}

fn check_profile(file: &Path) -> Result<String, ConfigError> {
    let name = file.display().to_string();
    let text = read_text(file)?;
    profiles::parse(&name, &text).map(|_| format!("{name}: ok"))
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
    let there = if path.exists() { "there" } else { "absent" };
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
        let problem = ConfigProblem::new("config init", "there is no home folder to write to");
        return Err(problem.hint("name a file: --config FILE").into());
    };
    write_new(&file).map_err(|error| init_problem(&file, &error))?;
    Ok(format!(
        "wrote {}: every key is commented out, with its default\n",
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
        let problem = ConfigProblem::new(name, "the file is there already, and is kept as it is");
        return problem.hint("edit it, or name another: --config FILE");
    }
    ConfigProblem::new(name, format!("the file can't be written: {error}"))
}
