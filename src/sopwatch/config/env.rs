//! The environment variables that set something, and how they are read.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::errors::ConfigProblem;

/// The variables of this program and what they set.
pub const VARIABLES: [(&str, &str); 16] = [
    ("SOPWATCH_CONFIG", "the configuration file"),
    ("SOPWATCH_PROFILE", "profile"),
    ("SOPWATCH_ENVIRONMENT", "environment"),
    ("SOPWATCH_NAMESPACE", "namespace"),
    ("SOPWATCH_CONTEXT", "context"),
    ("SOPWATCH_SOP", "sop"),
    ("SOPWATCH_THEME", "theme"),
    ("SOPWATCH_ASCII", "ascii"),
    ("SOPWATCH_COLOR", "color"),
    ("SOPWATCH_READ_ONLY", "read-only"),
    ("SOPWATCH_POLL", "poll, seconds"),
    (
        "SOPWATCH_DATABASE_URL",
        "database.url; this one may hold a password",
    ),
    ("SOPWATCH_DATABASE_HOST", "database.host"),
    ("SOPWATCH_DATABASE_PORT", "database.port"),
    ("SOPWATCH_NO_DATABASE", "database.enabled = false"),
    ("SOPWATCH_LOG_FILE", "the log file"),
];

/// PostgreSQL's own variables, as `psql` reads them, and the two that their defaults hang on.
pub const LIBPQ: [&str; 11] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "HOME",
    "USER",
];

/// The environment, asked by name. An empty variable counts as absent.
pub(super) struct EnvVariables<'a> {
    all: &'a BTreeMap<String, String>,
    problems: Vec<ConfigProblem>,
}

impl<'a> EnvVariables<'a> {
    /// The whole environment, for variables that the user's file names.
    pub(super) fn all(&self) -> &'a BTreeMap<String, String> {
        self.all
    }

    /// Looks at the environment; a variable with this program's prefix that does not exist is a problem.
    pub(super) fn new(all: &'a BTreeMap<String, String>) -> EnvVariables<'a> {
        let known = || VARIABLES.iter().map(|(name, _)| *name);
        let own = all.keys().filter(|name| name.starts_with("SOPWATCH_"));
        let unknown = own.filter(|name| !known().any(|known| known == name.as_str()));
        let problem = |name: &String| {
            ConfigProblem::new(name, "sopwatch has no such variable").hint_among(name, known())
        };
        let problems = unknown.map(problem).collect();
        EnvVariables { all, problems }
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.all.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A number or a word; `kind` says what is expected.
    pub(super) fn value<T: FromStr>(
        &mut self,
        name: &'static str,
        kind: &str,
        holds: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok().filter(holds);
        if value.is_none() {
            self.problems
                .push(ConfigProblem::new(name, format!("`{text}` is not {kind}")));
        }
        value
    }

    /// A switch: 1 or true, 0 or false.
    pub(super) fn switch(&mut self, name: &'static str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "0" | "false" | "no" => Some(false),
            other => {
                self.problems
                    .push(ConfigProblem::new(name, format!("must be 1 or 0, not `{other}`")));
                None
            }
        }
    }

    /// What is wrong with all that was asked for so far.
    pub(super) fn problems(&self) -> Vec<ConfigProblem> {
        self.problems.clone()
    }
}
