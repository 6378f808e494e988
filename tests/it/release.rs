//! `.ci/release` on a machine of stubs: which files it makes, what it refuses, and that the versions it names agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::scripts::Machine;
use super::support::tools;

/// What the script uses beside the other scripts' programs.
const PROGRAMS: &[&str] = &[
    "find",
    "gzip",
    "sed",
    "sha256sum",
    "sort",
    "stat",
    "tail",
    "xargs",
];

/// What the builds make: `cargo` of the stubs.
const CARGO: &str = r#"case $1 in
zigbuild)
  mkdir -p target/x86_64-unknown-linux-gnu/dist
  cp program target/x86_64-unknown-linux-gnu/dist/sopwatch ;;
about) while [ "$1" != --output-file ]; do shift; done; echo licences >"$2" ;;
deb) touch target/release-files/sopwatch.deb ;;
generate-rpm) touch target/release-files/sopwatch.rpm ;;
esac"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifest() -> toml::Table {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    text.parse().unwrap()
}

fn version() -> String {
    let version = &manifest()["workspace"]["package"]["version"];
    version.as_str().unwrap().to_owned()
}

/// A checkout without changes, on a machine that has the tools.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.has(PROGRAMS);
    machine.has(&["cp", "touch"]);
    machine.takes(&[
        ".ci/release",
        ".ci/krew.yaml",
        "Cargo.toml",
        "CHANGELOG.md",
        "README.md",
        "LICENSE",
    ]);
    machine.takes(&["config/sopwatch.toml", "config/rbac.yaml", "config/scenario.toml"]);
    machine.stub(".ci/setup", "");
    machine.stub("bin/uname", "echo Linux x86_64");
    machine.stub("bin/git", "[ $1 = status ] || echo 1600000000");
    machine.stub("bin/cargo", CARGO);
    let says = format!(
        "[ $1 = --version ] && echo 'sopwatch {} (0a1b2c3d4e5f 2026-11-29)' || echo \"$*\"",
        version()
    );
    machine.stub("program", &says);
    needs(&machine, "2.28");
    machine
}

/// The program that is built needs this version of glibc for one of its symbols.
fn needs(machine: &Machine, glibc: &str) {
    let symbols = format!(
        "echo '0000000000000000      DF *UND*  0000000000000000 (GLIBC_2.2.5) malloc'\n\
         echo '0000000000000000      DF *UND*  0000000000000000 (GLIBC_{glibc}) fcntl64'\n\
         echo '0000000000000000      DF *UND*  0000000000000000 (GCC_3.0) _Unwind_Resume'"
    );
    machine.stub("bin/objdump", &symbols);
}

fn makes(machine: &Machine) -> String {
    let (status, text) = machine.run(".ci/release", &[], None);
    assert_eq!(status, 0, "{text}");
    text
}

fn refuses(machine: &Machine, why: &str) {
    let (status, text) = machine.run(".ci/release", &[], None);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains(why), "{why} is missing in\n{text}");
    let made = machine.path("target/release-files");
    assert!(!made.exists(), "files were made all the same");
}

#[test]
fn a_release_is_the_program_packages_archives_and_their_checksums() {
    let machine = machine();
    let text = makes(&machine);
    assert!(text.contains("nothing newer than GLIBC_2.28"), "{text}");
    let version = version();
    let folder = machine.path("target/release-files");
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let names: BTreeSet<_> = sums.lines().map(|line| line[66..].to_owned()).collect();
    let expected = [
        "CHANGELOG.md",
        "THIRD-PARTY-LICENSES",
        "completions/_sopwatch",
        "completions/sopwatch.bash",
        "completions/sopwatch.fish",
        &format!("kubectl-sopwatch-{version}-linux-amd64.tar.gz"),
        "sopwatch",
        &format!("sopwatch-{version}-linux-amd64.tar.gz"),
        "sopwatch.1.gz",
        "sopwatch.deb",
        "sopwatch.rpm",
        "sopwatch.yaml",
    ];
    assert_eq!(names, BTreeSet::from(expected.map(str::to_owned)));
    let mut check = Command::new("sha256sum");
    check
        .args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(&folder);
    assert!(check.status().unwrap().success());
}

#[test]
fn two_runs_make_the_same_files() {
    let sums = [(), ()].map(|()| {
        let machine = machine();
        makes(&machine);
        fs::read_to_string(machine.path("target/release-files/SHA256SUMS")).unwrap()
    });
    assert_eq!(sums[0], sums[1]);
}

#[test]
fn what_the_packages_hold_is_there_and_is_the_same_in_both() {
    let machine = machine();
    makes(&machine);
    let manifest = manifest();
    let metadata = &manifest["package"]["metadata"];
    let deb = metadata["deb"]["assets"].as_array().unwrap().iter();
    let deb: BTreeSet<_> = deb.map(|asset| asset[0].as_str().unwrap()).collect();
    let rpm = metadata["generate-rpm"]["assets"].as_array().unwrap().iter();
    let mut rpm: BTreeSet<_> = rpm.map(|asset| asset["source"].as_str().unwrap()).collect();
    for source in &rpm {
        assert!(machine.path(source).is_file(), "{source}");
    }
    // A .deb has it in its copyright file.
    assert!(rpm.remove("LICENSE"));
    assert_eq!(deb, rpm);
}

#[test]
fn a_program_that_needs_a_later_glibc_is_refused() {
    let machine = machine();
    needs(&machine, "2.29");
    refuses(&machine, "the program needs glibc 2.29, later than 2.28");
    // Versions are compared as numbers.
    needs(&machine, "2.9");
    makes(&machine);
}

#[test]
fn a_program_of_25_megabytes_is_refused() {
    let machine = machine();
    machine.stub("bin/stat", "echo 30000000");
    refuses(&machine, "the program has 30000000 bytes");
    machine.stub("bin/stat", "echo 24999999");
    makes(&machine);
}

#[test]
fn a_checkout_with_changes_makes_no_release() {
    let machine = machine();
    machine.stub("bin/git", "echo ' M src/core/lib.rs'");
    refuses(&machine, " M src/core/lib.rs");
}

#[test]
fn a_program_that_does_not_say_its_commit_is_refused() {
    let machine = machine();
    machine.stub("program", &format!("echo sopwatch {}", version()));
    refuses(&machine, "with its commit");
}

#[test]
fn a_tool_that_can_not_be_installed_ends_it() {
    let machine = machine();
    machine.takes(&[".ci/setup"]);
    machine.stub("bin/dpkg-query", "echo 'install ok installed'");
    machine.stub("bin/python3", "[ $1 = -c ]");
    refuses(&machine, "could not be installed: is there a network?");
}

/// The fields that krew asks for, as it checks them.
#[test]
fn krew_can_install_the_plugin_from_its_manifest() {
    let machine = machine();
    makes(&machine);
    let folder = machine.path("target/release-files");
    let text = fs::read_to_string(folder.join("sopwatch.yaml")).unwrap();
    assert!(!text.contains('@'), "{text}");
    let plugin: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(
        plugin["apiVersion"],
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(plugin["kind"], "Plugin");
    // The name of its file, too.
    assert_eq!(plugin["metadata"]["name"], "sopwatch");
    assert_eq!(plugin["spec"]["version"], format!("v{}", version()));
    let short = plugin["spec"]["shortDescription"].as_str().unwrap();
    assert!(!short.is_empty() && !short.contains('\n'), "{short}");
    let platform = &plugin["spec"]["platforms"][0];
    assert_eq!(platform["selector"]["matchLabels"]["os"], "linux");
    assert_eq!(platform["selector"]["matchLabels"]["arch"], "amd64");
    let uri = platform["uri"].as_str().unwrap();
    let (_, archive) = uri.rsplit_once('/').unwrap();
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let sum = platform["sha256"].as_str().unwrap();
    assert!(sums.contains(&format!("{sum}  {archive}\n")), "{uri}\n{sums}");
    let mut list = Command::new("tar");
    let listed = list.arg("tzf").arg(folder.join(archive)).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files = platform["files"].as_array().unwrap();
    for file in files {
        let name = file["from"].as_str().unwrap();
        assert!(listed.lines().any(|line| line == format!("./{name}")), "{listed}");
        assert_eq!(file["to"], ".");
    }
    // kubectl finds a plugin by this name.
    assert_eq!(platform["bin"], "kubectl-sopwatch");
    assert!(files.iter().any(|file| file["from"] == platform["bin"]));
}

#[test]
fn the_version_is_the_same_in_every_file() {
    let version = version();
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let members = lock["package"].as_array().unwrap().iter();
    let members: Vec<_> = members
        .filter(|package| package["name"].as_str().unwrap().starts_with("sopwatch"))
        .map(|package| package["version"].as_str().unwrap())
        .collect();
    assert_eq!(members, [version.as_str(); 4]);
    let changes = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let mut parts = changes.lines().filter_map(|line| line.strip_prefix("## "));
    let newest = parts.find(|part| *part != "Unreleased").unwrap();
    assert_eq!(newest, version);
}

#[test]
fn the_packages_ask_for_the_glibc_that_the_program_is_built_for() {
    let script = fs::read_to_string(root().join(".ci/release")).unwrap();
    let glibc = script
        .lines()
        .find_map(|line| line.strip_prefix("glibc="))
        .unwrap();
    let manifest = manifest();
    let metadata = &manifest["package"]["metadata"];
    let rpm = metadata["generate-rpm"]["requires"]["glibc"].as_str().unwrap();
    assert_eq!(rpm, format!(">= {glibc}"));
    let deb = metadata["deb"]["depends"].as_str().unwrap();
    assert!(deb.contains(&format!("libc6 (>= {glibc})")), "{deb}");
}

#[test]
fn kubectl_runs_it_as_a_plugin() {
    if !tools::has("kubectl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-sopwatch");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sopwatch"), plugin).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let folders = [folder.path().to_owned()].into_iter();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
    let kubectl = |arguments: &[&str]| {
        let mut kubectl = Command::new("kubectl");
        kubectl
            .args(arguments)
            .env("PATH", &path)
            .env("HOME", folder.path());
        let output = kubectl.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = kubectl(&["sopwatch", "--help"]);
    assert!(text.contains("Usage: kubectl sopwatch ["), "{text}");
    let text = kubectl(&["sopwatch", "drill", "--list", "--short"]);
    assert!(text.contains("no-kafka-leader"), "{text}");
}
