//! The command line as a shell sees it: what is written where, and the exit status.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::support::pty::Pty;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// The program in a home of its own, without a terminal.
struct Shell {
    home: TempDir,
}

impl Shell {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(SOPWATCH);
        let config = self.home.path().join("config");
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", config)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        parts(self.command(arguments).output().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn parts(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn has(text: &str, wanted: &[&str]) {
    for word in wanted {
        assert!(text.contains(word), "`{word}` is missing in\n{text}");
    }
}

#[test]
fn a_wrong_command_line_exits_64_and_says_what_was_meant() {
    let shell = Shell::new();
    let cases: [(&[&str], &[&str]); 6] = [
        (&["--nope"], &["--nope", "Usage"]),
        (&["nope"], &["nope", "Usage"]),
        (&["--poll", "0"], &["--poll"]),
        (&["--sop", "api-dwn"], &["--sop", "api-dwn", "api-down"]),
        (&["sops", "nope"], &["nope", "kafka-provisioning-latency"]),
        (&["--no-database", "--database-host", "h"], &["--database-host"]),
    ];
    for (arguments, words) in cases {
        let (status, out, error) = shell.run(arguments);
        assert_eq!((status, out.as_str()), (64, ""), "{arguments:?}: {error}");
        has(&error, words);
    }
}

#[test]
fn help_and_version_are_answers() {
    let shell = Shell::new();
    let (status, out, error) = shell.run(&["--help"]);
    assert_eq!((status, error.as_str()), (0, ""));
    has(
        &out,
        &["drill", "sops", "config", "--context", "--namespace", "Examples"],
    );
    let (status, out, _) = shell.run(&["--version"]);
    // In a checkout its commit and that commit's day follow.
    let version = concat!("sopwatch ", env!("CARGO_PKG_VERSION"));
    let built_from = out
        .trim()
        .strip_prefix(version)
        .unwrap_or_else(|| panic!("{out}"));
    let pattern = regex::Regex::new(r"^(?: \([0-9a-f]{12} \d{4}-\d\d-\d\d\))?$").unwrap();
    assert!(status == 0 && pattern.is_match(built_from), "{out}");
}

#[test]
fn the_procedures_are_listed_and_printed_whole() {
    let shell = Shell::new();
    let (status, out, _) = shell.run(&["sops"]);
    assert_eq!((status, out.lines().count()), (0, 8));
    for line in out.lines() {
        let id = line.split_whitespace().next().unwrap();
        let (status, text, _) = shell.run(&["sops", id]);
        assert_eq!(status, 0);
        has(&text, &[id, "Impact", "Steps"]);
    }
}

#[test]
fn completions_and_the_manual_are_printed() {
    let shell = Shell::new();
    for name in ["bash", "zsh", "fish"] {
        let (status, out, _) = shell.run(&["completions", name]);
        assert_eq!(status, 0);
        has(&out, &["sopwatch", "drill"]);
    }
    let (status, out, _) = shell.run(&["man"]);
    assert_eq!(status, 0);
    has(&out, &[".TH sopwatch 1", "kubeconfig"]);
}

#[test]
fn a_configuration_is_written_once_and_is_right_as_written() {
    let shell = Shell::new();
    let (status, out, _) = shell.run(&["config", "init"]);
    assert_eq!(status, 0);
    let file = shell.home.path().join("config/sopwatch/config.toml");
    has(&out, &[file.to_str().unwrap()]);
    let written = std::fs::read_to_string(&file).unwrap();
    let (status, _, error) = shell.run(&["config", "init"]);
    assert_eq!(status, 1);
    has(&error, &["exists already"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    let (status, out, _) = shell.run(&["config", "check"]);
    assert_eq!(status, 1, "a kubeconfig is missing");
    has(&out, &["config.toml: ok", ".kube/config does not exist"]);
    shell.write(".kube/config", DEAD);
    let (status, out, _) = shell.run(&["config", "check"]);
    assert_eq!(status, 0, "{out}");
    has(
        &out,
        &["kubeconfig: ok, context s, server https://127.0.0.1:1, namespace n"],
    );
    let (_, paths, _) = shell.run(&["config", "paths"]);
    has(&paths, &["exists", file.to_str().unwrap()]);
}

#[test]
fn a_wrong_file_is_named_with_line_and_key() {
    let shell = Shell::new();
    let file = shell.write("wrong.toml", "# mine\n[database]\nenabled = true\nprot = 1\n");
    for arguments in [["config", "check"], ["config", "show"], ["sops", "api-down"]] {
        let (status, out, error) = shell.run(&[&arguments[..], &["--config", &file]].concat());
        assert_eq!(status, 1, "{arguments:?}");
        // Of a check the problems are the answer.
        has(&(out + &error), &[&format!("{file}:4"), "database.prot", "port"]);
    }
}

#[test]
fn no_secret_is_shown_with_the_settings() {
    let shell = Shell::new();
    let url = "postgresql://u:se%2Fcret@h/d";
    let output = shell
        .command(&["config", "show"])
        .env("SOPWATCH_DATABASE_URL", url)
        .env("PGPASSWORD", "other-secret")
        .output();
    let (status, out, error) = parts(output.unwrap());
    assert_eq!(status, 0, "{error}");
    has(&out, &["SOPWATCH_DATABASE_URL"]);
    for secret in ["se%2Fcret", "se/cret", "other-secret"] {
        assert!(!out.contains(secret) && !error.contains(secret), "{out}{error}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let shell = Shell::new();
    for arguments in [&["sops"][..], &["man"], &["completions", "bash"], &["--help"]] {
        let mut child = shell
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut reader = BufReader::with_capacity(1, child.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        drop(reader);
        let (status, _, error) = parts(child.wait_with_output().unwrap());
        assert_eq!((status, error.as_str()), (0, ""), "{arguments:?}");
    }
}

const DEAD: &str = r#"{"current-context": "s", "contexts": [{"name": "s", "context": {"cluster": "c", "user": "u", "namespace": "n"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}], "users": [{"name": "u", "user": {"token": "t-o-k-e-n"}}]}"#;

#[test]
fn a_kubeconfig_that_can_not_be_used_is_said_before_the_screen() {
    let shell = Shell::new();
    let broken = shell.write(
        "broken",
        "apiVersion: v1\nusers: [{name: u, user: {token: \"t-o-k-e-n\n",
    );
    let dead = shell.write("dead", DEAD);
    let cases: [(&[&str], &[&str]); 5] = [
        (&[], &["no kubeconfig", ".kube/config does not exist", "oc login"]),
        (
            &["--kubeconfig", "/no/such/file"],
            &["/no/such/file", "No such file"],
        ),
        (&["--kubeconfig", &broken], &[&broken, "not a kubeconfig", "line"]),
        (
            &["--kubeconfig", &dead, "--context", "x"],
            &["no context x", "there are: s"],
        ),
        (&["--kubeconfig", &dead, "-n", "../x"], &["`../x`", "namespace"]),
    ];
    for (arguments, words) in cases {
        let (status, out, error) = shell.run(arguments);
        assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}: {error}");
        has(&error, words);
        assert!(!error.contains("t-o-k-e-n"), "{error}");
    }
}

#[test]
fn without_a_terminal_the_console_refuses_and_writes_nothing() {
    let shell = Shell::new();
    let dead = shell.write("dead", DEAD);
    for arguments in [&["--kubeconfig", &dead][..], &["drill", "all-well"]] {
        let (status, out, error) = shell.run(arguments);
        assert_eq!((status, out.as_str()), (1, ""), "{error}");
        has(&error, &["terminal"]);
    }
}

#[test]
fn without_a_terminal_a_drill_without_a_name_prints_the_list_and_asks_for_a_name() {
    let shell = Shell::new();
    let (status, out, error) = shell.run(&["drill"]);
    assert_eq!(status, 64, "{error}");
    has(&out, &["no-kafka-leader", "all-well", "Kafka"]);
    has(&error, &["name a scenario", "sopwatch drill no-kafka-leader"]);
}

/// Frames in a file and keys from the terminal would be a screen that nobody sees.
#[test]
fn with_its_output_sent_elsewhere_the_console_refuses_even_on_a_terminal() {
    let shell = Shell::new();
    let dead = shell.write("dead", DEAD);
    let file = shell.home.path().join("output");
    let script = format!("{SOPWATCH} --kubeconfig {dead} > {}", file.display());
    let mut pty = Pty::start("/bin/sh", &["-c", &script], &[], (80, 24));
    assert_eq!(pty.wait(), 1);
    has(&pty.screen().contents(), &["standard output is not a terminal"]);
    assert!(is_empty(&file));
}

fn is_empty(file: &Path) -> bool {
    std::fs::metadata(file).unwrap().len() == 0
}
