//! The environment and the namespace that were chosen, where one follows from the other.

use super::errors::ConfigProblem;
use super::origin::Setting;
use super::settings::problem_of;
use super::spanned_toml::TomlDocument;
use sopwatch_core::profile::{Environment, Profile};

/// The choices, the strongest source first.
pub(super) struct Choices {
    pub environments: [Option<Setting<String>>; 3],
    pub namespaces: [Option<Setting<String>>; 3],
}

/// The target that follows from the choices. Both are `None` when nothing was chosen: then the kubeconfig's context decides.
#[derive(Debug, Default)]
pub(super) struct ChosenTarget {
    pub environment: Option<Setting<String>>,
    pub namespace: Option<Setting<String>>,
}

/// The stronger of the two choices wins, and the other follows from it. Two of the same strength must not contradict each
/// other: stage's rules on production's pods would be the surprise that hurts.
pub(super) fn find(
    choices: &Choices,
    profile: &Profile,
    document: Option<&TomlDocument>,
) -> Result<ChosenTarget, ConfigProblem> {
    let environment = choices.environments.iter().flatten().next();
    let namespace = choices.namespaces.iter().flatten().next();
    let known = match environment {
        Some(chosen) => Some(known_environment(chosen, profile, document)?),
        None => None,
    };
    match (environment.zip(known), namespace) {
        (None, namespace) => Ok(target(None, namespace.cloned())),
        (Some((chosen, known)), None) => Ok(target(Some(chosen), Some(chosen.with(known.namespace.clone())))),
        (Some((chosen, known)), Some(namespace)) => {
            let (by_environment, by_namespace) = (chosen.origin.rank(), namespace.origin.rank());
            if by_environment < by_namespace {
                return Ok(target(Some(chosen), Some(chosen.with(known.namespace.clone()))));
            }
            if by_namespace < by_environment {
                return Ok(target(None, Some(namespace.clone())));
            }
            agree(chosen, known, namespace, profile, document)?;
            Ok(target(Some(chosen), Some(namespace.clone())))
        }
    }
}

fn target(environment: Option<&Setting<String>>, namespace: Option<Setting<String>>) -> ChosenTarget {
    ChosenTarget {
        environment: environment.cloned(),
        namespace,
    }
}

fn known_environment<'p>(
    chosen: &Setting<String>,
    profile: &'p Profile,
    document: Option<&TomlDocument>,
) -> Result<&'p Environment, ConfigProblem> {
    let known = profile
        .environments
        .iter()
        .find(|known| known.name == chosen.value);
    known.ok_or_else(|| {
        let message = format!("the profile has no environment `{}`", chosen.value);
        let names = profile.environments.iter().map(|known| known.name.as_str());
        problem_of(&chosen.origin, "environment", message, document).hint_among(&chosen.value, names)
    })
}

/// A namespace that is not the environment's would have two labels: that of the environment on one page, and another on the next.
fn agree(
    chosen: &Setting<String>,
    known: &Environment,
    namespace: &Setting<String>,
    profile: &Profile,
    document: Option<&TomlDocument>,
) -> Result<(), ConfigProblem> {
    if namespace.value == known.namespace {
        return Ok(());
    }
    let message = contradiction(&known.name, &known.namespace, &namespace.value, profile);
    let problem = problem_of(&namespace.origin, "namespace", message, document);
    Err(problem.hint(format!(
        "leave out one of the two, or set environments.{}.namespace in the configuration",
        chosen.value
    )))
}

/// The message about a namespace that contradicts the chosen environment.
pub(super) fn contradiction(name: &str, its: &str, namespace: &str, profile: &Profile) -> String {
    match profile.environment_of(namespace) {
        Some(other) => format!("the namespace `{namespace}` is {}'s, not {name}'s", other.name),
        None => format!("the namespace `{namespace}` is not {name}'s, which is `{its}`"),
    }
}
