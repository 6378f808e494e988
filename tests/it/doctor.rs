//! `sopwatch doctor` and what the environment says: on a drill's world, and where nothing can be reached.

use std::process::{Command, Output, Stdio};

use super::support::pty::Pty;
use super::support::world::World;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

const ALL_WELL: &str = include_str!("../../assets/scenarios/all-well.toml");

/// The program in a home of its own, without a terminal.
fn run(
    home: &std::path::Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let output: Output = Command::new(SOPWATCH)
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The lines of one section.
fn section<'a>(page: &'a str, title: &str) -> Vec<&'a str> {
    let lines = page.lines().skip_while(|line| *line != title).skip(1);
    lines.take_while(|line| line.starts_with(' ')).collect()
}

fn has(lines: &[&str], mark: &str, words: &str) -> bool {
    lines
        .iter()
        .any(|line| line.trim_start().starts_with(mark) && line.contains(words))
}

#[test]
fn the_doctor_finds_all_well_on_a_drill_and_leaves_nothing_behind() {
    let world = World::start(ALL_WELL);
    let home = tempfile::tempdir().unwrap();
    let arguments = ["doctor", "--within", "60s", "--kubeconfig", world.kubeconfig()];
    let url = world.drill.database_url();
    let variables = [
        ("SOPWATCH_DATABASE_URL", url.as_str()),
        ("LC_ALL", "C.UTF-8"),
        ("SOPWATCH_PORT", "tcp://10.96.0.7:80"),
    ];
    let (status, page, said) = run(home.path(), &arguments, &variables);
    assert_eq!((status, said.as_str()), (Some(0), ""), "{page}");
    assert!(page.ends_with("\nAll works from here.\n"), "{page}");
    let expected = [
        ("Terminal", "-", "not a terminal"),
        ("Locale", "✔", "LC_ALL=C.UTF-8"),
        (
            "Configuration",
            "-",
            "ignored variables, which set nothing: SOPWATCH_PORT",
        ),
        ("Kubeconfig and credentials", "✔", "https://127.0.0.1:"),
        ("Rights", "✔", "that the console may use"),
        ("Clocks", "✔", "within 5s of the cluster's"),
        ("Logs", "✔", "9 of 9 are read"),
        ("Database", "✔", "2 of 2 tables read"),
        ("Disk", "✔", "free"),
    ];
    for (title, mark, words) in expected {
        let lines = section(&page, title);
        assert!(has(&lines, mark, words), "{title}: {lines:?}\n{page}");
    }
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        0,
        "it changes nothing"
    );
    let password = url
        .split_once(':')
        .and_then(|(_, rest)| rest.split_once(':')?.1.split_once('@'))
        .map(|(word, _)| word);
    assert!(password.is_none_or(|password| !page.contains(password)), "{page}");
}

#[test]
fn the_doctor_says_why_nothing_works_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let variables = [
        ("LC_ALL", "C"),
        ("SOPWATCH_DATABASE_URL", "postgres://u:s3cret@127.0.0.1:1/d"),
    ];
    let (status, page, _) = run(home.path(), &["doctor", "--within", "20s"], &variables);
    assert_eq!(status, Some(2), "{page}");
    assert!(page.is_ascii() && !page.contains("s3cret"), "{page}");
    let expected = [
        ("Locale", "-", "LC_ALL=C is not UTF-8: only ASCII is drawn"),
        ("Kubeconfig and credentials", "!!", "no kubeconfig: "),
        ("Rights", "?", "there is no connection"),
        ("Clocks", "?", "there is no connection"),
        ("Logs", "?", "there is no connection"),
        ("Database", "!!", "nothing listens at 127.0.0.1:1"),
    ];
    for (title, mark, words) in expected {
        let lines = section(&page, title);
        assert!(has(&lines, mark, words), "{title}: {lines:?}\n{page}");
    }
    let advice = section(&page, "Kubeconfig and credentials");
    assert!(advice.iter().any(|line| line.contains("oc login")), "{advice:?}");
}

#[test]
fn a_variable_that_sets_nothing_is_a_warning_and_no_end() {
    let home = tempfile::tempdir().unwrap();
    let variables = [
        ("SOPWATCH_PORT", "tcp://10.96.0.7:80"),
        ("SOPWATCH_READ_ONY", "1"),
    ];
    let (status, sops, said) = run(home.path(), &["sops"], &variables);
    assert_eq!(status, Some(0));
    assert!(sops.contains("api-down"), "{sops}");
    assert_eq!(
        said,
        "sopwatch: ignored variables, which set nothing: SOPWATCH_PORT, SOPWATCH_READ_ONY; did you mean SOPWATCH_READ_ONLY for SOPWATCH_READ_ONY?\n"
    );
    let (_, _, said) = run(home.path(), &["completions", "bash"], &variables);
    assert_eq!(said, "");
}

/// As for `kubectl`: without a CA in the kubeconfig the system's count, and `SSL_CERT_FILE` names them.
#[test]
fn the_systems_authorities_count_where_the_kubeconfig_names_none() {
    let world = World::start(ALL_WELL);
    let home = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(world.kubeconfig()).unwrap();
    let mut kubeconfig: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cluster = kubeconfig["clusters"][0]["cluster"].as_object_mut().unwrap();
    let data = cluster
        .remove("certificate-authority-data")
        .expect("the drill gives its CA");
    let (ca, config) = (home.path().join("ca.pem"), home.path().join("kubeconfig"));
    std::fs::write(&ca, base64_decoded(data.as_str().unwrap())).unwrap();
    std::fs::write(&config, kubeconfig.to_string()).unwrap();
    let arguments = [
        "doctor",
        "--no-database",
        "--within",
        "60s",
        "--kubeconfig",
        config.to_str().unwrap(),
    ];
    let (_, page, _) = run(home.path(), &arguments, &[]);
    let lines = section(&page, "Kubeconfig and credentials");
    assert!(
        has(&lines, "✘", "an authority that is not trusted here"),
        "{page}"
    );
    let (_, page, _) = run(
        home.path(),
        &arguments,
        &[("SSL_CERT_FILE", ca.to_str().unwrap())],
    );
    let lines = section(&page, "Kubeconfig and credentials");
    assert!(has(&lines, "✔", "as oncall@example.com"), "{page}");
}

fn base64_decoded(data: &str) -> Vec<u8> {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.decode(data).unwrap()
}

fn on_a_drill(variables: &[(&str, &str)]) -> Pty {
    Pty::start(SOPWATCH, &["drill", "all-well"], variables, (120, 40))
}

#[test]
fn a_locale_that_is_not_utf_8_switches_to_ascii_by_itself() {
    let mut pty = on_a_drill(&[("LC_ALL", "POSIX")]);
    pty.until_shows("1 Pods");
    let screen = pty.screen().contents();
    assert!(screen.is_ascii(), "{screen}");
    let mut chosen = on_a_drill(&[("LC_ALL", "POSIX"), ("SOPWATCH_ASCII", "0")]);
    chosen.until_shows("1 Pods");
    assert!(!chosen.screen().contents().is_ascii());
}

/// A terminal of an East Asian locale says where its cursor is after a border's line: in the third column where such a line is two wide.
#[test]
fn a_terminal_that_draws_borders_two_columns_wide_keeps_them() {
    const QUESTION: &[u8] = b"\x1b[6n";
    for (answer, ascii) in [("\x1b[1;3R", true), ("\x1b[1;2R", false)] {
        let mut pty = on_a_drill(&[("LC_ALL", "ja_JP.UTF-8")]);
        pty.until_writes(QUESTION);
        pty.type_keys(answer);
        pty.until_shows("1 Pods");
        let screen = pty.screen().contents();
        assert_eq!(screen.is_ascii(), ascii, "{screen}");
    }
}
