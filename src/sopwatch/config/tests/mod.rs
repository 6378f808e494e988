//! Which value wins, what is refused, and what is never shown.

mod files;
mod mistakes;
mod monitoring;
mod procedures;
mod values;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::cli;

/// A user with a file, options and variables.
struct User {
    folder: TempDir,
    variables: BTreeMap<String, String>,
    line: String,
}

impl User {
    fn new(file: &str, variables: &[(&str, &str)], line: &str) -> User {
        let user = User {
            folder: tempfile::tempdir().expect("a folder"),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            line: format!("sopwatch {line}"),
        };
        if !file.is_empty() {
            user.write("config.toml", file);
        }
        user
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
        path
    }

    fn dirs(&self) -> UserDirs {
        UserDirs {
            home: Some(PathBuf::from("/home/oncall")),
            config: Some(self.folder.path().to_owned()),
            state: None,
            current: PathBuf::from("/somewhere"),
        }
    }

    fn cli(&self) -> cli::Cli {
        cli::parse(self.line.split_whitespace()).expect("a good line")
    }

    fn load(&self) -> Result<Settings, ConfigError> {
        load(&self.cli(), &self.variables, &self.dirs())
    }

    fn settings(&self) -> Settings {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The error, with the folder's name taken out.
    fn error(&self) -> String {
        let error = self.load().map(|_| ()).expect_err("wrong settings").to_string();
        error.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// A value and its origin, as `config show` prints it.
fn shown(settings: &Settings, key: &str) -> (String, String) {
    let text = show(settings);
    let line = text
        .lines()
        .find(|line| line.split_whitespace().next() == Some(key));
    let line = line.unwrap_or_else(|| panic!("no {key} in\n{text}"));
    let mut parts = line
        .split("  ")
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .skip(1);
    let mut part = || parts.next().unwrap_or("").to_owned();
    (part(), part())
}
