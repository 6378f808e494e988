//! The environment variables that set something, and how they are read.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::errors::ConfigProblem;
use super::suggest::nearest;

/// What the variables of this program begin with.
const PREFIX: &str = "SOPWATCH_";

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
pub const LIBPQ: [&str; 15] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGCONNECT_TIMEOUT",
    "PGTARGETSESSIONATTRS",
    "HOME",
    "USER",
];

/// Variables with this program's prefix that set nothing, as one line; `None` where there are none. They end nothing: for a service called
/// `sopwatch` Kubernetes puts seven of them into every pod of the namespace.
pub fn unknown_variables(all: &BTreeMap<String, String>) -> Option<String> {
    let known = || VARIABLES.iter().map(|(name, _)| *name);
    let means_nothing = |(name, value): &(&String, &String)| {
        name.starts_with(PREFIX) && (!known().any(|known| known == name.as_str()) || is_service_link(value))
    };
    let unknown: Vec<_> = all
        .iter()
        .filter(means_nothing)
        .map(|(name, _)| name.as_str())
        .collect();
    // Without the prefix: with it any two would be near.
    let own: Vec<_> = known().filter_map(|known| known.strip_prefix(PREFIX)).collect();
    let meant: Vec<_> = unknown
        .iter()
        .filter(|name| !is_service_link(&all[**name]))
        .filter_map(|name| {
            let near = nearest(name.strip_prefix(PREFIX)?, &own)?;
            Some(format!("{PREFIX}{near} for {name}"))
        })
        .collect();
    let names = unknown.join(", ");
    match (unknown.is_empty(), meant.is_empty()) {
        (true, _) => None,
        (false, true) => Some(format!("ignored variables, which set nothing: {names}")),
        (false, false) => Some(format!(
            "ignored variables, which set nothing: {names}; did you mean {}?",
            meant.join(", ")
        )),
    }
}

/// Whether Kubernetes wrote a value, for a service whose name leads to the same variable.
fn is_service_link(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme))
}

/// The locale's variable that decides which characters the terminal takes, and its value; `None` where none is set.
pub fn locale(all: &BTreeMap<String, String>) -> Option<(&'static str, &str)> {
    let set = |name: &'static str| {
        let value = all.get(name).filter(|value| !value.is_empty())?;
        Some((name, value.as_str()))
    };
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set)
}

/// Whether a locale's characters are those of UTF-8: `de_DE.UTF-8`, `C.utf8`; `C`, `POSIX` and `ja_JP.eucJP` are not.
pub fn is_utf8(locale: &str) -> bool {
    let charset = locale.split_once('.').map_or("", |(_, charset)| charset);
    let charset = charset.split('@').next().unwrap_or_default();
    matches!(charset.to_ascii_lowercase().as_str(), "utf-8" | "utf8")
}

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

    /// Looks at the environment.
    pub(super) fn new(all: &'a BTreeMap<String, String>) -> EnvVariables<'a> {
        EnvVariables {
            all,
            problems: Vec::new(),
        }
    }

    /// The variable of the locale that says that the terminal takes no UTF-8.
    pub(super) fn locale_without_utf8(&self) -> Option<&'static str> {
        locale(self.all)
            .filter(|(_, locale)| !is_utf8(locale))
            .map(|(name, _)| name)
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.all.get(name).filter(|value| !value.is_empty())?;
        let of_kubernetes = name.starts_with(PREFIX) && is_service_link(value);
        (!of_kubernetes).then(|| value.clone())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn variables_that_set_nothing_are_named_in_one_line() {
        let all = variables(&[
            ("SOPWATCH_PORT", "tcp://10.96.0.7:80"),
            ("SOPWATCH_SERVICE_HOST", "10.96.0.7"),
            ("SOPWATCH_DATABASE_PORT", "tcp://10.96.0.8:5432"),
            ("SOPWATCH_THEME", "dark"),
            ("OTHER", "x"),
        ]);
        assert_eq!(
            unknown_variables(&all).as_deref(),
            Some(
                "ignored variables, which set nothing: SOPWATCH_DATABASE_PORT, SOPWATCH_PORT, SOPWATCH_SERVICE_HOST"
            )
        );
        assert_eq!(EnvVariables::new(&all).text("SOPWATCH_DATABASE_PORT"), None);
        let typo = unknown_variables(&variables(&[("SOPWATCH_READ_ONY", "1")])).unwrap();
        assert!(
            typo.ends_with("did you mean SOPWATCH_READ_ONLY for SOPWATCH_READ_ONY?"),
            "{typo}"
        );
        assert_eq!(unknown_variables(&variables(&[("SOPWATCH_SOP", "x")])), None);
    }

    #[test]
    fn the_first_variable_of_the_locale_that_is_set_decides() {
        let all = variables(&[("LC_ALL", ""), ("LC_CTYPE", "C"), ("LANG", "de_DE.UTF-8")]);
        assert_eq!(locale(&all), Some(("LC_CTYPE", "C")));
        assert_eq!(locale(&variables(&[])), None);
        for locale in ["de_DE.UTF-8", "C.utf8", "en_US.UTF-8@euro"] {
            assert!(is_utf8(locale), "{locale}");
        }
        for locale in ["C", "POSIX", "ja_JP.eucJP", "de_DE", "de_DE.ISO-8859-15@euro"] {
            assert!(!is_utf8(locale), "{locale}");
        }
    }
}
