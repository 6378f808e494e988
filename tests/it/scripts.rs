//! The scripts that install what the tests need and run them, on a machine of stubs; and what a test does that lacks its tool.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::support::tools;

/// What the scripts use of a Debian system.
const USUAL: &[&str] = &[
    "basename", "bash", "cat", "cut", "dirname", "env", "grep", "id", "install", "mkdir", "mktemp", "rm",
    "sort", "tar", "tee", "uniq", "wc",
];

/// A machine that has the usual programs, and stubs of others; with a copy of the scripts.
pub(super) struct Machine {
    folder: TempDir,
}

impl Machine {
    pub(super) fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(machine.path("bin")).unwrap();
        machine.has(USUAL);
        machine.takes(&[".ci/drill", ".ci/setup", ".ci/test"]);
        machine
    }

    /// Programs of this machine.
    pub(super) fn has(&self, programs: &[&str]) {
        for program in programs {
            let own = self.path("bin").join(program);
            if !own.exists() {
                symlink(found(program), own).unwrap();
            }
        }
    }

    /// Copies of files of the repository, in the same places.
    pub(super) fn takes(&self, files: &[&str]) {
        for file in files {
            let own = self.path(file);
            fs::create_dir_all(own.parent().unwrap()).unwrap();
            fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(file), own).unwrap();
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program of a few lines of shell.
    pub(super) fn stub(&self, file: &str, lines: &str) {
        let path = self.path(file);
        // Not through a link, to a program of the real machine.
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, format!("#!/usr/bin/env bash\n{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(super) fn run(&self, script: &str, arguments: &[&str], ci: Option<&str>) -> (i32, String) {
        let mut command = Command::new(self.path(script));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", self.path("bin"))
            .envs(ci.map(|value| ("CI", value)));
        said(&command.output().unwrap())
    }
}

fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn found(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.find(|place| place.exists()).unwrap()
}

/// Debian's packages are there, but kubectl can't be fetched.
fn without_kubectl() -> Machine {
    let machine = Machine::new();
    machine.stub("bin/dpkg-query", "echo 'install ok installed'");
    machine.stub("bin/npm", "exit 1");
    let tools = [
        "unzip",
        "cargo",
        "psql",
        "initdb",
        "pgbouncer",
        "prometheus",
        "promtool",
        "prometheus-alertmanager",
        "tmux",
    ];
    for tool in tools {
        machine.stub(&format!("bin/{tool}"), "");
    }
    machine
}

#[test]
fn setup_fails_in_ci_where_a_tool_of_the_tests_is_missing() {
    let machine = without_kubectl();
    for ci in ["true", "1"] {
        let (status, text) = machine.run(".ci/setup", &["test"], Some(ci));
        assert_eq!(status, 1, "{text}");
        assert!(
            text.contains("setup: missing: kubectl. In CI every test must run"),
            "{text}"
        );
    }
}

#[test]
fn setup_warns_elsewhere_where_a_tool_of_the_tests_is_missing() {
    let machine = without_kubectl();
    for ci in [None, Some("")] {
        let (status, text) = machine.run(".ci/setup", &["test"], ci);
        assert_eq!(status, 0, "{text}");
        assert!(
            text.contains("setup: missing: kubectl. The tests that need it are skipped"),
            "{text}"
        );
    }
}

#[test]
fn setup_names_every_tool_that_is_missing_although_its_package_is_there() {
    let machine = without_kubectl();
    for tool in ["psql", "tmux"] {
        fs::remove_file(machine.path(&format!("bin/{tool}"))).unwrap();
    }
    let (status, text) = machine.run(".ci/setup", &["test"], Some("true"));
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("missing: kubectl psql tmux"), "{text}");
}

#[test]
fn setup_needs_no_tool_of_the_tests_to_build() {
    let machine = without_kubectl();
    assert_eq!(
        machine.run(".ci/setup", &["build"], Some("true")),
        (0, String::new())
    );
}

#[test]
fn a_user_who_can_install_nothing_is_told_what_is_missing() {
    let machine = without_kubectl();
    machine.stub(
        "bin/dpkg-query",
        "case ${!#} in tmux) exit 1;; *) echo 'install ok installed';; esac",
    );
    fs::remove_file(machine.path("bin/tmux")).unwrap();
    fs::remove_file(machine.path("bin/id")).unwrap();
    machine.stub("bin/id", "echo 1000");
    let (status, text) = machine.run(".ci/setup", &["test"], None);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("setup: tmux could not be installed"), "{text}");
    assert!(text.contains("setup: missing: kubectl tmux."), "{text}");
}

#[test]
fn the_test_run_counts_what_was_skipped_and_keeps_its_status() {
    let machine = without_kubectl();
    machine.stub(".ci/setup", "");
    let skips = r"printf 'kubectl\tone\nkubectl\ttwo\ntmux\ttwo\nkubectl\tone\n' >>$SKIPPED_TESTS; exit 3";
    machine.stub("bin/cargo", skips);
    let (status, text) = machine.run(".ci/test", &[], None);
    assert_eq!(status, 3, "{text}");
    assert!(
        text.contains("skipped: 2 tests, because a tool is missing:"),
        "{text}"
    );
    assert!(
        text.contains("2 kubectl\n") && text.contains("1 tmux\n"),
        "{text}"
    );
    machine.stub("bin/cargo", "echo \"cargo $*\"");
    let (status, text) = machine.run(".ci/test", &["--lib", "leader"], None);
    assert_eq!(status, 0, "{text}");
    assert_eq!(
        text,
        "cargo test --locked --workspace --lib leader\nno test was skipped for want of a tool\n"
    );
}

/// What cargo says on its standard error before it runs the tests of a crate.
fn runs(crates: &[&str]) -> String {
    crates.iter().fold(String::new(), |script, name| {
        script + &format!("echo '     Running unittests lib.rs (target/debug/deps/{name}-0a)' >&2\n")
    })
}

#[test]
fn the_test_run_fails_where_a_member_of_the_workspace_has_not_run() {
    let machine = without_kubectl();
    machine.stub(".ci/setup", "");
    for member in ["core", "drill", "sopwatch"] {
        fs::create_dir_all(machine.path("src").join(member)).unwrap();
    }
    let all = ["sopwatch_core", "sopwatch_drill", "sopwatch"];
    machine.stub("bin/cargo", &runs(&all));
    let (status, text) = machine.run(".ci/test", &[], None);
    assert_eq!(status, 0, "{text}");
    for (missing, name) in ["core", "drill", "sopwatch"].iter().enumerate() {
        let mut few = all.to_vec();
        few.remove(missing);
        machine.stub("bin/cargo", &runs(&few));
        let (status, text) = machine.run(".ci/test", &[], None);
        assert_eq!(status, 1, "{name}: {text}");
        assert!(
            text.contains(&format!("the tests of {name} did not run")),
            "{text}"
        );
    }
    // A part was asked for.
    let (status, text) = machine.run(".ci/test", &["--lib"], None);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn the_drill_shows_the_progress_of_its_build_and_opens_quietly() {
    let machine = without_kubectl();
    machine.stub("bin/cargo", "echo \"cargo $*\"");
    let (status, text) = machine.run(".ci/drill", &["all-well", "--ascii"], None);
    assert_eq!(status, 0, "{text}");
    assert_eq!(
        text,
        "cargo build --profile quick --locked\ncargo run --quiet --profile quick --locked -- drill all-well --ascii\n"
    );
}

/// Runs again in a process of its own, on a machine without the tool.
#[test]
fn child_that_needs_a_tool() {
    let asked = std::env::var_os("NEEDY_TEST_TOOL").is_some();
    assert!(!asked || !tools::has("kubectl"), "it is there");
}

fn needy_child(ci: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("skipped");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "scripts::child_that_needs_a_tool"])
        .env("NEEDY_TEST_TOOL", "1")
        .env("PATH", folder.path())
        .env("CI", ci)
        .env(tools::SKIPPED, &list);
    let (status, text) = said(&child.output().unwrap());
    (status, text, fs::read_to_string(list).unwrap_or_default())
}

#[test]
fn a_test_that_lacks_its_tool_fails_in_ci() {
    let (status, text, list) = needy_child("true");
    assert_ne!(status, 0, "{text}");
    let sentence = "scripts::child_that_needs_a_tool needs kubectl, which is missing";
    assert!(text.contains(sentence), "{text}");
    assert_eq!(list, "");
}

#[test]
fn a_test_that_lacks_its_tool_is_counted_as_skipped_elsewhere() {
    let (status, text, list) = needy_child("");
    assert_eq!(status, 0, "{text}");
    assert!(
        text.contains("skipped: scripts::child_that_needs_a_tool needs kubectl"),
        "{text}"
    );
    assert_eq!(list, "kubectl\tscripts::child_that_needs_a_tool\n");
}
