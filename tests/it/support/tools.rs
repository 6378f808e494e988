//! Programs that tests run beside sopwatch. Where one is missing, a test that needs it fails in CI; elsewhere it is skipped, and counted.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Names the file that skipped tests are written to, a line each: `.ci/test` counts them.
pub const SKIPPED: &str = "SKIPPED_TESTS";

/// Whether a test can run a program of the search path.
pub fn has(program: &str) -> bool {
    is_met(program, is_on_path(program))
}

/// Whether a program is on the search path.
pub fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_program(&folder.join(program)))
}

/// Whether a test has what it needs. Where it doesn't: fails in CI, and notes elsewhere that the test is skipped.
pub fn is_met(need: &str, is_there: bool) -> bool {
    if is_there {
        return true;
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(
        !is_ci,
        "{test} needs {need}, which is missing: in CI no test is skipped (`.ci/setup test` installs it)"
    );
    // Not by a macro: what those print of a test that passes is not shown.
    #[expect(clippy::disallowed_methods, reason = "the words are the test's own")]
    let mut shown = std::io::stderr();
    let _ = writeln!(shown, "skipped: {test} needs {need}");
    if let Some(file) = std::env::var_os(SKIPPED) {
        let line = format!("{need}\t{test}\n");
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .expect("the list of skipped tests");
        file.write_all(line.as_bytes())
            .expect("a line for the skipped test");
    }
    false
}

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
