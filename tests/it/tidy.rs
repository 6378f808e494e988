//! The house: how tests wait, and that what CONTRIBUTING names exists.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found
}

/// Files in whose tests time is waited out, and why: everywhere else a state is awaited, with a bound.
const SLEEPERS: &[(&str, &str)] = &[
    ("tests/it/virtual_time/", "virtual time: waiting is free"),
    (
        "tests/it/support/virtual_console.rs",
        "virtual time: waiting is free",
    ),
    ("tests/it/recorded/stage.rs", "virtual time, and a bound"),
    (
        "tests/it/recorded/http.rs",
        "virtual time: the recorded moment of a deletion",
    ),
    ("src/sopwatch/kubernetes/tests/", "a clock that stands still"),
];

/// The lines of tests: of a test's file all, of another what follows its first test module.
fn test_lines(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.to_string_lossy().into_owned();
    let is_test = ["tests/", "tests.rs"].iter().any(|part| name.contains(part));
    let begin = if is_test {
        0
    } else {
        text.find("#[cfg(test)]\nmod ").unwrap_or(text.len())
    };
    let before = text[..begin].lines().count();
    let lines = text[begin..].lines().enumerate();
    lines
        .map(|(index, line)| (before + index + 1, line.to_owned()))
        .collect()
}

fn in_tests(is_wrong: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let sources = files(&root().join("src"), "rs")
        .into_iter()
        .chain(files(&root().join("tests/it"), "rs"));
    let mut wrong = Vec::new();
    for path in sources {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let lines = test_lines(&path);
        let found = lines.iter().filter(|(_, line)| is_wrong(&name, line.trim()));
        wrong.extend(found.map(|(number, line)| format!("{name}:{number}: {}", line.trim())));
    }
    wrong
}

#[test]
fn no_test_sleeps_where_it_could_wait_for_a_state() {
    let sleeps = |name: &str, line: &str| {
        let call = ["sleep(", "sleep_until("].iter().any(|call| {
            let before = line.split(call).next().unwrap_or_default();
            line.contains(call) && !before.contains('"') && !before.ends_with("pg_")
        });
        call && !line.contains("fn ") && !SLEEPERS.iter().any(|(file, _)| name.starts_with(file))
    };
    let wrong = in_tests(sleeps);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A loop with nothing in it ends when what it asks for comes, or never.
#[test]
fn no_test_spins_without_a_bound() {
    let spins = |_: &str, line: &str| {
        let is_loop = line.contains("while ") && line.ends_with("{}") || line.contains("loop {}");
        is_loop && !line.starts_with("//") && !line.contains('"')
    };
    let wrong = in_tests(spins);
    // These end with the stream that they read, within a bound or with the runtime.
    let wrong: Vec<_> = wrong.iter().filter(|line| !line.contains("next")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// What a text has between backticks, blocks of code aside.
fn quoted(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    let quoted = prose.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

#[test]
fn the_files_and_tests_that_contributing_names_exist() {
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let quoted = quoted(&text);
    let is_path = |word: &&String| {
        let roots = ["src/", "tests/", "assets/", ".ci/"];
        roots.iter().any(|folder| word.starts_with(folder)) && !word.contains("NAME") && !word.contains(' ')
    };
    let paths: Vec<_> = quoted.iter().filter(is_path).collect();
    assert!(paths.len() > 20, "{paths:?}");
    let missing: Vec<_> = paths.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let is_test = |word: &&String| {
        let is_name = word
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit());
        is_name && word.matches('_').count() >= 3
    };
    let tests: Vec<_> = quoted.iter().filter(is_test).collect();
    assert!(tests.len() > 6, "{tests:?}");
    let sources = files(&root().join("src"), "rs")
        .into_iter()
        .chain(files(&root().join("tests/it"), "rs"));
    let sources: Vec<_> = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    let is_there = |name: &&&String| sources.iter().any(|text| text.contains(&format!("fn {name}(")));
    let missing: Vec<_> = tests.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
