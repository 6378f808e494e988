//! Scenarios by name or file: which one is meant, whether it fits the profile, and how a list shows them.

use std::fmt::Write as _;
use std::path::Path;

use crate::config::{self, ConfigError, ConfigProblem, TomlDocument};
use sopwatch_console::dialogs::scenario_choice::ScenarioItem;
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::sop::{OTHER, Sop};
use sopwatch_drill::scenario::ExpectedAdvice;
use sopwatch_drill::{Scenario, ScenarioInfo};

/// The scenario of a drill without a screen when none was named.
pub const UNNAMED: &str = "all-well";

/// The scenario that is chosen first where one is chosen on the screen: an incident.
pub const CHOSEN_FIRST: &str = "no-kafka-leader";

/// Columns of the list.
const COLUMNS: usize = 80;

/// How many names are suggested.
const SUGGESTED: usize = 6;

/// The names of the built-in scenarios.
pub fn ids() -> Vec<String> {
    sopwatch_drill::scenario::ids().map(str::to_owned).collect()
}

/// The built-in scenario of that name, or the one in a file of the operator's own: a name with a `/` or that ends in `.toml`.
pub fn find(name: &str, profile: &Profile) -> Result<Scenario, ConfigError> {
    let is_file = name.contains('/') || Path::new(name).extension().is_some_and(|end| end == "toml");
    if is_file {
        let text = std::fs::read_to_string(name).map_err(|problem| {
            ConfigProblem::new(
                name,
                format!("the file can't be read: {}", config::without_number(&problem)),
            )
        })?;
        return read(name, &text, profile);
    }
    sopwatch_drill::scenario(name).map_err(|_unknown| unknown(name).into())
}

/// The error where a scenario can only be named.
pub fn unnamed() -> ConfigError {
    ConfigProblem::new(
        "drill",
        "name a scenario: without a terminal none can be chosen from the list",
    )
    .hint(format!("`sopwatch drill {CHOSEN_FIRST}`"))
    .into()
}

/// The scenarios in the order of the list, by SOP.
pub fn items(profile: &Profile) -> Vec<ScenarioItem> {
    let scenarios = sopwatch_drill::scenarios();
    let of_sop = |sop: &Sop| {
        let mine = scenarios.iter().filter(|one| one.sop == sop.id);
        let item = |one: &ScenarioInfo| ScenarioItem {
            id: one.id.clone(),
            title: one.title.clone(),
            story: one.story.clone(),
            sop: format!("{} ({})", sop.title, sop.id),
        };
        mine.map(item).collect::<Vec<_>>()
    };
    profile.sops.iter().flat_map(of_sop).collect()
}

fn unknown(name: &str) -> ConfigProblem {
    let ids = ids();
    let problem = ConfigProblem::new("drill", format!("there is no scenario `{name}`"));
    let shares = |id: &&String| {
        name.split('-')
            .any(|word| id.split('-').any(|other| word == other))
    };
    let alike: Vec<&str> = ids
        .iter()
        .filter(shares)
        .take(SUGGESTED)
        .map(String::as_str)
        .collect();
    let guessed = problem.clone().hint_among(name, ids.iter().map(String::as_str));
    match &guessed.hint {
        Some(hint) if hint.starts_with("did you mean") => guessed,
        _ if alike.is_empty() => problem.hint("`sopwatch drill --list` shows them"),
        _ => problem.hint(format!(
            "similar: {}; `sopwatch drill --list` shows all",
            alike.join(", ")
        )),
    }
}

/// Reads a scenario; an error names file, line and key.
pub fn read(file: &str, text: &str, profile: &Profile) -> Result<Scenario, ConfigError> {
    config::read_checked(file, text, |scenario, document| {
        misfits(scenario, profile, document)
    })
}

/// Names of the profile that the scenario has and the profile has not: with one of them nothing could be found or answered.
fn misfits(scenario: &Scenario, profile: &Profile, document: &TomlDocument) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    let mut check = |path: String, word: &str, known: Vec<&str>| {
        if !known.contains(&word) {
            let problem = document.problem(&path, format!("the profile has no `{word}`"));
            problems.push(problem.hint_among(word, known));
        }
    };
    let sops = profile.sops.iter().map(|sop| sop.id.as_str()).collect();
    check("sop".to_owned(), &scenario.sop, sops);
    let contacts = || profile.contacts.keys().map(String::as_str).collect();
    let lesson = scenario.lesson.iter();
    for contact in lesson.filter_map(|lesson| lesson.answer.contact.as_deref()) {
        check("lesson.answer.contact".to_owned(), contact, contacts());
    }
    let others = scenario
        .lesson
        .iter()
        .flat_map(|lesson| lesson.answer.or.iter().enumerate());
    for (index, contact) in others.filter_map(|(index, one)| Some((index, one.contact.as_deref()?))) {
        check(format!("lesson.answer.or[{index}].contact"), contact, contacts());
    }
    for (index, reaction) in scenario.reactions.iter().enumerate() {
        if let Some(contact) = &reaction.to.contact {
            check(format!("reaction[{index}].to"), contact, contacts());
        }
    }
    let plain = scenario.expect.iter().enumerate();
    let monitored = scenario.expect_monitored.iter().enumerate();
    let expectations = plain.map(|one| ("expect", one));
    for (table, (index, expected)) in expectations.chain(monitored.map(|one| ("expect_monitored", one))) {
        let at = |key: &str| format!("{table}[{index}].{key}");
        for step in expected.steps.keys() {
            let own = profile.steps.keys().map(String::as_str);
            let known = own.chain([OTHER]).collect();
            check(at("steps"), step, known);
        }
        for lease in expected.leaders.keys() {
            let workers = profile.leaders.workers.iter();
            let known = workers.map(|worker| worker.lease_type.as_str()).collect();
            check(at("leaders"), lease, known);
        }
        let advice = expected.recommendation.iter().chain(&expected.also);
        for contact in advice.filter_map(|advice: &ExpectedAdvice| advice.contact.as_deref()) {
            check(at("recommendation"), contact, contacts());
        }
    }
    problems
}

/// The scenarios by SOP; `short` is one line each.
pub fn list(profile: &Profile, short: bool) -> String {
    let items = items(profile);
    let widest = items.iter().map(|one| one.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for of_sop in items.chunk_by(|one, next| one.sop == next.sop) {
        let rows: String = of_sop.iter().map(|one| row(one, widest, short)).collect();
        let _ = writeln!(text, "{}\n{rows}", of_sop[0].sop);
    }
    text + "`sopwatch drill` shows this list to choose from, `sopwatch drill ID` opens one,\n\
            `sopwatch drill FILE` opens one of your own.\n"
}

fn row(one: &ScenarioItem, widest: usize, short: bool) -> String {
    let line = format!("  {:<widest$}  {}\n", one.id, one.title);
    if short {
        return line;
    }
    format!("{line}{}", indented(&one.story))
}

/// A text in rows that are indented and fit.
fn indented(text: &str) -> String {
    const INDENT: &str = "      ";
    let mut rows = String::new();
    let mut row = String::new();
    for word in text.split_whitespace() {
        if !row.is_empty() && INDENT.len() + row.chars().count() + 1 + word.chars().count() > COLUMNS {
            let _ = writeln!(rows, "{INDENT}{row}");
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row += word;
    }
    rows + &format!("{INDENT}{row}\n")
}

/// The scenarios as a Markdown table, for the guide.
pub fn markdown() -> String {
    let mut text = String::from("| scenario | SOP | what the pager says |\n|---|---|---|\n");
    for one in sopwatch_drill::scenarios() {
        let _ = writeln!(text, "| `{}` | {} | {} |", one.id, one.sop, one.story);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::testkit::built_in_profile;

    #[test]
    fn the_built_in_scenarios_fit_the_built_in_profile() {
        for id in ids() {
            let path = format!("{}/assets/scenarios/{id}.toml", env!("CARGO_MANIFEST_DIR"));
            let scenario = find(&path, &built_in_profile()).unwrap_or_else(|problem| panic!("{problem}"));
            assert_eq!(scenario.id, id);
            let right = scenario.lesson.expect("each teaches something").answer;
            let escalates = right.action == sopwatch_core::profile::rule::Advice::Escalate;
            assert_eq!(
                right.contact.is_some(),
                escalates,
                "{id}: an escalation goes to somebody"
            );
        }
    }

    #[test]
    fn a_file_of_ones_own_is_read_and_its_mistakes_are_named_with_line_and_key() {
        let head = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n";
        let read = |rest: &str| read("mine.toml", &format!("{head}{rest}"), &built_in_profile());
        assert_eq!(read("").map(|scenario| scenario.id).expect("right"), "x");
        let cases = [
            (
                "[deployment]\nreplicsa = 1",
                "mine.toml:6: deployment.replicsa: unknown key",
            ),
            (
                "[[timeline]]\nat = '5x'\nscale = 1",
                "mine.toml:6: timeline[0].at: must be a duration such as",
            ),
            (
                "[[timeline]]\nat = '5m'",
                "mine.toml:5: timeline[0]: an entry of the timeline needs",
            ),
            (
                "[[reaction]]\nto = 'escalate:ocm'\nscale = 1",
                "mine.toml:6: reaction[0].to: the profile has no `ocm`",
            ),
            (
                "[[expect]]\nat = '1m'\nsteps = { replica = 'pass' }",
                "mine.toml:7: expect[0].steps: the profile has no `replica`",
            ),
            (
                "[[expect]]\nat = '1m'\nleaders = { kafak = 'one' }",
                "mine.toml:7: expect[0].leaders: the profile has no `kafak`",
            ),
        ];
        for (rest, want) in cases {
            let problem = read(rest).map(|_| ()).expect_err(rest).to_string();
            assert!(problem.starts_with(want), "{rest}\n{problem}");
        }
    }

    #[test]
    fn all_mistakes_of_a_file_of_ones_own_are_named_at_once() {
        // no title and no story, a key that is spelt wrong, a value of the wrong kind, and an SOP that the profile does not have
        let text = "id = 'x'\nsop = 'api-dwon'\n[deployment]\nreplicsa = 1\n[service]\nverbosity = 'much'\n";
        let error = read("mine.toml", text, &built_in_profile())
            .map(|_| ())
            .expect_err("wrong");
        let text = error.to_string();
        for mistake in [
            "mine.toml: title: the key `title` is missing",
            "mine.toml: story: the key `story` is missing",
            "mine.toml:2: sop: the profile has no `api-dwon`",
            "mine.toml:4: deployment.replicsa: unknown key `replicsa`",
            "mine.toml:6: service.verbosity: must be a whole number",
        ] {
            assert_eq!(text.matches(mistake).count(), 1, "{mistake}\n{text}");
        }
        assert_eq!(error.problems.len(), 5, "{text}");
    }

    #[test]
    fn a_name_that_is_none_is_answered_with_those_like_it() {
        for (name, hint) in [
            ("no-kafka-laeder", "did you mean `no-kafka-leader`?"),
            ("kafka", "no-kafka-leader"),
            ("xyzzy", "`sopwatch drill --list` shows them"),
        ] {
            let problem = find(name, &built_in_profile()).map(|_| ()).expect_err(name);
            assert!(problem.is_usage());
            let text = problem.to_string();
            assert!(
                text.contains(&format!("no scenario `{name}`")) && text.contains(hint),
                "{text}"
            );
        }
        let problem = find("./no/such.toml", &built_in_profile())
            .map(|_| ())
            .expect_err("no file");
        assert!(
            !problem.is_usage() && problem.to_string().contains("./no/such.toml"),
            "{problem}"
        );
    }

    #[test]
    fn the_list_to_choose_from_has_every_scenario_and_its_first_is_an_incident() {
        let items = items(&built_in_profile());
        assert_eq!(items.len(), ids().len());
        let first = items.iter().find(|item| item.id == CHOSEN_FIRST);
        assert!(first.is_some());
        assert_ne!(CHOSEN_FIRST, "all-well");
    }

    #[test]
    fn the_list_fits_80_columns_with_every_scenario_under_its_sop() {
        for short in [false, true] {
            let text = list(&built_in_profile(), short);
            for line in text.lines() {
                assert!(line.chars().count() <= COLUMNS, "{line}");
            }
            for id in ids() {
                assert_eq!(text.matches(&format!("\n  {id} ")).count(), 1, "{id}\n{text}");
            }
        }
        let (short, long) = (list(&built_in_profile(), true), list(&built_in_profile(), false));
        assert!(short.lines().count() < long.lines().count());
    }
}
