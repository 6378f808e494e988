//! The user's directories, and how a configuration file is read. The environment comes as an argument, so that the same arguments give the same
//! paths.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::errors::{ConfigProblem, without_number};

/// The folders of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserDirs {
    /// The user's home; `None` where there is none.
    pub home: Option<PathBuf>,
    /// The folder of this program's configuration.
    pub config: Option<PathBuf>,
    /// The folder of what this program leaves behind for its user.
    pub state: Option<PathBuf>,
    /// The folder that paths on the command line are relative to.
    pub current: PathBuf,
}

impl UserDirs {
    /// The folders of the user who runs the program: as the variables say, else as the system does.
    pub fn of(variables: &BTreeMap<String, String>) -> UserDirs {
        let base = directories::BaseDirs::new();
        let absolute = |name: &str| {
            variables
                .get(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = absolute("HOME").or_else(|| base.as_ref().map(|base| base.home_dir().to_owned()));
        let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(home.as_ref()?.join(".local/state")));
        UserDirs {
            home,
            config: config.map(|config| config.join("sopwatch")),
            state: state.map(|state| state.join("sopwatch")),
            current: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        }
    }

    /// The user's file, when no other is named.
    pub fn config_file(&self) -> Option<PathBuf> {
        Some(self.config.as_ref()?.join("config.toml"))
    }

    /// The user's own profile of this name.
    pub fn profile(&self, name: &str) -> Option<PathBuf> {
        Some(self.profiles()?.join(format!("{name}.toml")))
    }

    /// The folder of the user's own profiles.
    pub fn profiles(&self) -> Option<PathBuf> {
        Some(self.config.as_ref()?.join("profiles"))
    }

    /// The names of the user's own profiles; none where the folder can't be read.
    pub fn profile_names(&self) -> Vec<String> {
        let entries = self.profiles().and_then(|folder| fs::read_dir(folder).ok());
        let files = entries.into_iter().flatten().flatten().map(|entry| entry.path());
        let toml = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
        let mut names: Vec<String> = toml
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort();
        names
    }

    /// A path as it was written: `~/` is the home, and a relative one is relative to `base`.
    pub fn resolve(&self, path: &str, base: &Path) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => base.join(path),
        }
    }
}

/// The variables of this process that are text. What is not text can't be a setting.
pub fn variables_of_this_process() -> BTreeMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// Largest configuration file that is read, bytes.
const LARGEST: u64 = 1 << 20;

/// Reads a configuration file.
pub(super) fn read_text(path: &Path) -> Result<String, ConfigProblem> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        ConfigProblem::new(
            &name,
            format!("the file can't be read: {}", without_number(&error)),
        )
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(ConfigProblem::new(&name, "this is not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(ConfigProblem::new(
            &name,
            "the file is larger than 1 MiB: this is not a configuration file",
        ));
    }
    fs::read_to_string(path).map_err(unreadable)
}
