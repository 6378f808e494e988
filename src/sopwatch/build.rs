//! Which commit the program is built from, and of which day that commit is: `sopwatch --version` says both.
//!
//! Outside a checkout, as in a source archive, `SOPWATCH_COMMIT` and `SOPWATCH_DATE` may say them; else the version stands alone.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/sopwatch/build.rs");
    for name in ["SOPWATCH_COMMIT", "SOPWATCH_DATE"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    // An archive may lie in somebody else's checkout.
    let ours = is_our_checkout();
    let of_head = |arguments: &[&str]| git(arguments).filter(|_| ours);
    let commit = given("SOPWATCH_COMMIT").or_else(|| of_head(&["rev-parse", "--short=12", "HEAD"]));
    let date = given("SOPWATCH_DATE").or_else(|| of_head(&["show", "--no-patch", "--format=%cs", "HEAD"]));
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = match (commit, date) {
        (Some(commit), Some(date)) => format!("{version} ({commit} {date})"),
        _ => version,
    };
    println!("cargo::rustc-env=SOPWATCH_VERSION={version}");
    // A commit changes the file of its branch; `git` says where that is, also in a linked work tree.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let files = ["HEAD", "packed-refs"].into_iter().map(ToOwned::to_owned);
    for file in files.chain(branch) {
        let path = git(&["rev-parse", "--git-path", &file]);
        if let Some(path) = path.filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

fn is_our_checkout() -> bool {
    let top = git(&["rev-parse", "--show-toplevel"]).and_then(|top| Path::new(&top).canonicalize().ok());
    let here = env::var("CARGO_MANIFEST_DIR")
        .ok()
        .and_then(|here| Path::new(&here).canonicalize().ok());
    top.is_some() && top == here
}

fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What `git` answers; nothing where it is not there or this is no checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
