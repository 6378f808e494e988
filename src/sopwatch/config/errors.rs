//! The errors of the configuration: where a setting is wrong, which, why, and what was probably meant.

use std::fmt;

use super::suggest::{did_you_mean, did_you_mean_this};
use sopwatch_core::text::{Redacted, SafeText};

/// One wrong setting, for the operator. Files and variables may hold anything: every text of it is safe, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The file and its line (`config.toml:12`), or the option or variable.
    pub at: SafeText,
    /// The key's path (`database.port`); empty where there is none.
    pub key: SafeText,
    /// What is wrong.
    pub message: Redacted,
    /// The line as written, with its number.
    pub line: Option<Box<(usize, Redacted)>>,
    /// What to do.
    pub hint: Option<Redacted>,
}

impl ConfigProblem {
    /// A problem that is not in a file: of an option, a variable or a path.
    pub fn new(at: impl Into<SafeText>, message: impl Into<Redacted>) -> ConfigProblem {
        ConfigProblem {
            at: at.into(),
            key: SafeText::default(),
            message: message.into(),
            line: None,
            hint: None,
        }
    }

    /// The same with what to do.
    pub fn hint(mut self, hint: impl Into<Redacted>) -> ConfigProblem {
        self.hint = Some(hint.into());
        self
    }

    /// The same with the nearest of the words that would have been right, or all of them.
    pub fn hint_among<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> ConfigProblem {
        match did_you_mean(word, known) {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

impl ConfigProblem {
    /// The line of the file; `None` where it is not of a line.
    pub(super) fn line_number(&self) -> Option<usize> {
        self.line.as_deref().map(|(number, _)| *number)
    }

    /// Whether the hint says that this word was meant.
    pub(super) fn suggests(&self, word: &str) -> bool {
        self.hint == Some(did_you_mean_this(word).into())
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.at)?;
        if !self.key.is_empty() {
            write!(out, "{}: ", self.key)?;
        }
        out.write_str(&self.message)?;
        if let Some((number, line)) = self.line.as_deref() {
            write!(out, "\n  {number:>4} | {line}")?;
        }
        match &self.hint {
            Some(hint) => write!(out, "\n       = {hint}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// One or more.
    pub problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// Everything that is wrong; in a file from the first line to the last.
    pub(super) fn of(mut problems: Vec<ConfigProblem>) -> ConfigError {
        let place = |problem: &ConfigProblem| {
            let file = problem.at.rsplit_once(':').map_or("", |(file, _)| file);
            (problem.line.is_none(), file.to_owned(), problem.line_number())
        };
        problems.sort_by_key(place);
        problems.dedup();
        ConfigError { problems }
    }

    /// Whether nothing but the command line is wrong.
    pub fn is_usage(&self) -> bool {
        let commands = ["sops", "drill", "check", "help"];
        let typed =
            |problem: &ConfigProblem| problem.at.starts_with('-') || commands.contains(&problem.at.as_str());
        self.problems.iter().all(typed)
    }
}

impl From<ConfigProblem> for ConfigError {
    fn from(problem: ConfigProblem) -> ConfigError {
        ConfigError {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.problems.iter().map(ConfigProblem::to_string).collect();
        out.write_str(&texts.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// `Ok` when nothing is wrong.
pub(super) fn all_or(problems: Vec<ConfigProblem>) -> Result<(), ConfigError> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::of(problems))
    }
}

/// What the system says of a file, without the number of its error.
pub fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error")
        .map_or(text.clone(), |(words, _)| words.to_owned())
}
