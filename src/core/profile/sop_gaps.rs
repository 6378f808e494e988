//! Where the SOP itself is open or misleads: what the profile notes, and what is computed, so that it goes when it is filled in.

use super::sop::{Sop, Step};
use crate::profile::{Environment, Profile};

/// The gaps of a procedure apart from its steps: its own, and those of the procedure whose steps and handling it takes.
pub fn gaps_of_sop<'a>(profile: &'a Profile, sop: &'a Sop) -> Vec<&'a str> {
    let source = profile.source_of(sop);
    let referred = (source.id != sop.id).then_some(&source.gaps);
    let gaps = sop.gaps.iter().chain(referred.into_iter().flatten());
    gaps.map(String::as_str).collect()
}

/// The gaps of a step in one environment, or in all when none is given: what the profile notes, links that the SOP leaves to do, and
/// for a step that turns to somebody the contacts that nobody can reach.
pub fn gaps_of_step(profile: &Profile, step: &Step, environment: Option<&Environment>) -> Vec<String> {
    let links = step
        .links
        .iter()
        .filter_map(|key| open_link(profile, key, environment));
    let contacts = step.escalates.then(|| empty_contacts(profile)).flatten();
    let noted = step.gaps.iter().cloned();
    noted.chain(links).chain(contacts).collect()
}

/// How many gaps a procedure has, its steps included.
pub fn count(profile: &Profile, sop: &Sop, environment: Option<&Environment>) -> usize {
    let steps = profile.steps_of(sop).into_iter();
    let of_steps = steps.map(|(_, step)| gaps_of_step(profile, step, environment).len());
    gaps_of_sop(profile, sop).len() + of_steps.sum::<usize>()
}

/// A link that the SOP leaves to do.
fn open_link(profile: &Profile, key: &str, environment: Option<&Environment>) -> Option<String> {
    let environments = match environment {
        Some(environment) => std::slice::from_ref(environment),
        None => &profile.environments,
    };
    let open = environments
        .iter()
        .filter(|environment| !environment.links.contains_key(key));
    let names: Vec<_> = open.map(|environment| environment.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "No link {key} configured for {}: add it under [environments.NAME.links] of config.toml",
            listed(&names)
        )
    })
}

/// The contacts that neither the SOP nor the configuration says how to reach.
fn empty_contacts(profile: &Profile) -> Option<String> {
    let empty = profile
        .contacts
        .values()
        .filter(|contact| contact.reach.is_empty());
    let titles: Vec<_> = empty.map(|contact| contact.title.as_str()).collect();
    (!titles.is_empty()).then(|| {
        format!(
            "No contact configured for {}: add it under [contacts] of config.toml",
            listed(&titles)
        )
    })
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
