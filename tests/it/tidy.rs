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

/// Files in whose tests time is waited out or measured, and why: everywhere else a state is awaited, with a bound, or the test has a paused
/// clock.
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
    (
        "tests/it/support/patience.rs",
        "the pause between two questions, within a bound",
    ),
    (
        "tests/it/support/stalled.rs",
        "what never returns is known by the time it takes",
    ),
    ("src/sopwatch/kubernetes/tests/", "a clock that stands still"),
];

fn is_sleeper(name: &str) -> bool {
    SLEEPERS.iter().any(|(file, _)| name.starts_with(file))
}

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

/// The same without tests on a paused clock: there a wait costs nothing, and a duration is exact.
fn real_time_lines(path: &Path) -> Vec<(usize, String)> {
    without_paused_tests(test_lines(path))
}

fn without_paused_tests(lines: Vec<(usize, String)>) -> Vec<(usize, String)> {
    let (mut of_test, mut paused) = (false, false);
    let is_in_real_time = |(_, line): &(usize, String)| {
        let line = line.trim_start();
        if line.starts_with("#[test") || line.starts_with("#[tokio::test") {
            (of_test, paused) = (true, line.contains("start_paused = true"));
        } else if ["fn ", "async fn ", "pub"]
            .iter()
            .any(|begin| line.starts_with(begin))
        {
            paused &= std::mem::take(&mut of_test);
        }
        !paused
    };
    lines.into_iter().filter(is_in_real_time).collect()
}

fn in_tests(
    lines_of: impl Fn(&Path) -> Vec<(usize, String)>,
    is_wrong: impl Fn(&str, &str) -> bool,
) -> Vec<String> {
    let sources = files(&root().join("src"), "rs")
        .into_iter()
        .chain(files(&root().join("tests/it"), "rs"));
    let mut wrong = Vec::new();
    for path in sources {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let lines = lines_of(&path);
        let found = lines.iter().filter(|(_, line)| is_wrong(&name, line.trim()));
        wrong.extend(found.map(|(number, line)| format!("{name}:{number}: {}", line.trim())));
    }
    wrong
}

#[test]
fn only_a_test_with_a_paused_clock_may_wait_and_measure() {
    let text = "#[tokio::test(start_paused = true)]\n#[expect(x)]\nasync fn paused() {\n    a;\n}\n\nfn helper() {\n    b;\n}\n\n\
        #[tokio::test]\nasync fn real() {\n    c;\n}";
    let lines = text.lines().map(str::to_owned).enumerate().collect();
    let left = without_paused_tests(lines);
    let left: Vec<_> = left.iter().map(|(_, line)| line.trim()).collect();
    let is_left = |line: &str| left.contains(&line);
    assert!(!is_left("a;") && is_left("b;") && is_left("c;"), "{left:?}");
}

#[test]
fn no_test_sleeps_where_it_could_wait_for_a_state() {
    let sleeps = |name: &str, line: &str| {
        let call = ["sleep(", "sleep_until("].iter().any(|call| {
            let before = line.split(call).next().unwrap_or_default();
            line.contains(call) && !before.contains('"') && !before.ends_with("pg_")
        });
        call && !line.contains("fn ") && !is_sleeper(name)
    };
    let wrong = in_tests(real_time_lines, sleeps);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a line compares the time that something took, outside of its strings.
fn compares_a_duration(line: &str) -> bool {
    let line = line.replace("\\\"", "");
    let code: String = line.split('"').step_by(2).collect();
    let is_comparison = |rest: &str| {
        let mut words = rest.split_whitespace().peekable();
        // What the time is converted by: `.as_secs()`.
        words.next_if(|word| word.starts_with('.'));
        let operators = ["<", "<=", ">", ">="];
        words.next().is_some_and(|word| operators.contains(&word))
    };
    let times = ["elapsed()", "took"];
    let compares = times
        .iter()
        .any(|time| code.split(time).skip(1).any(is_comparison));
    compares && !code.trim_start().starts_with("//")
}

#[test]
fn comparisons_of_durations_are_told_from_other_lines() {
    for (line, expected) in [
        ("assert!(began.elapsed() < Duration::from_secs(4));", true),
        ("began.elapsed() <= LIMIT,", true),
        ("assert!(began.elapsed().as_secs() > 4);", true),
        ("took >= Duration::from_millis(2_900),", true),
        ("while since.elapsed() < BRIEF {", true),
        ("assert_eq!(began.elapsed(), Duration::from_secs(3));", false),
        ("let took = began.elapsed();", false),
        ("\"elapsed() < 4\",", false),
        ("// elapsed() < 4", false),
        ("took.push(Vec::<u8>::new());", false),
    ] {
        assert_eq!(compares_a_duration(line), expected, "{line}");
    }
}

/// An upper bound fails on a busy machine, and a lower one costs its time in each run: on a paused clock a duration is exact.
#[test]
fn no_test_asserts_a_duration() {
    let asserts = |name: &str, line: &str| compares_a_duration(line) && !is_sleeper(name);
    let wrong = in_tests(real_time_lines, asserts);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A loop with nothing in it ends when what it asks for comes, or never.
#[test]
fn no_test_spins_without_a_bound() {
    let spins = |_: &str, line: &str| {
        let is_loop = line.contains("while ") && line.ends_with("{}") || line.contains("loop {}");
        is_loop && !line.starts_with("//") && !line.contains('"')
    };
    let wrong = in_tests(test_lines, spins);
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
