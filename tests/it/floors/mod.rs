//! The floors of the house: every file is read whole, code and tests, and names only what its module may.

mod list;
mod scan;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use self::list::{FLOORS, Floor, HARMLESS};
use self::scan::{Named, Scan};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The names under which code names the crates it depends on.
fn crates() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(source().with_file_name("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let tables = ["dependencies", "dev-dependencies"].map(|name| manifest[name].as_table().unwrap());
    let names = tables.into_iter().flat_map(toml::Table::keys);
    names.map(|name| name.replace('-', "_")).collect()
}

static WHOLE_CRATE: LazyLock<Scan> = LazyLock::new(|| {
    let mut scan = Scan::new(crates());
    for root in ["lib.rs", "main.rs"] {
        scan.read(&source().join(root));
    }
    scan
});

/// What a module names and may not; one sentence each.
fn wrong(named: &BTreeSet<Named>) -> Vec<String> {
    named.iter().filter_map(objection).collect()
}

fn objection(named: &Named) -> Option<String> {
    let Named {
        module,
        is_test,
        what,
    } = named;
    let top = module.split("::").next().unwrap_or_default();
    let who = if *is_test { "the tests of " } else { "" };
    let Some(floor) = FLOORS.iter().find(|floor| floor.module == top) else {
        return Some(format!("{top} is on no floor"));
    };
    let may = may_name(floor, *is_test, what);
    (!may).then(|| format!("{who}{module} may not name {what}"))
}

fn may_name(floor: &Floor, is_test: bool, what: &str) -> bool {
    let is_among =
        |usual: &[&str], more: &[&str], name: &str| usual.contains(&name) || is_test && more.contains(&name);
    if let Some(module) = what.strip_prefix("crate::") {
        return module == floor.module || is_among(floor.modules, floor.test_modules, module);
    }
    let is_harmless = what
        .strip_prefix("std::")
        .is_some_and(|name| HARMLESS.contains(&name));
    is_harmless || is_among(floor.outside, floor.test_outside, what)
}

/// What is wrong with a text in `src/FILE`, a file of a module.
fn wrong_in(module: &str, file: &str, text: &str) -> Vec<String> {
    let mut scan = Scan::new(crates());
    let module = module.split("::").map(str::to_owned).collect();
    scan.text(&source().join(file), module, false, text);
    wrong(&scan.named)
}

#[test]
fn every_module_names_only_what_its_floor_allows() {
    let wrong = wrong(&WHOLE_CRATE.named);
    assert!(
        wrong.is_empty(),
        "tests/it/floors/list.rs says who may name whom:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_module_may_name_only_modules_of_lower_floors() {
    for (index, floor) in FLOORS.iter().enumerate() {
        let below: Vec<&str> = FLOORS[..index].iter().map(|lower| lower.module).collect();
        for module in floor.modules.iter().chain(floor.test_modules) {
            assert!(below.contains(module), "{} may name {module}", floor.module);
        }
    }
}

#[test]
fn no_file_is_left_unread() {
    fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(path);
            }
        }
    }
    let mut there = BTreeSet::new();
    files(&source(), &mut there);
    assert!(!there.is_empty());
    let unread: Vec<_> = there.difference(&WHOLE_CRATE.files).cloned().collect();
    assert!(unread.is_empty(), "no `mod` leads to {unread:?}");
}

/// Whatever a file holds, its last line is read.
#[test]
fn a_poisoned_import_is_found_at_the_end_of_every_file() {
    for file in &WHOLE_CRATE.files {
        let text = std::fs::read_to_string(file).unwrap();
        let mut scan = Scan::new(crates());
        let poisoned = format!("{text}\nuse crate::poison::Vial;\n");
        scan.text(file, vec!["incident".to_owned()], false, &poisoned);
        let is_found = scan.named.iter().any(|named| named.what == "crate::poison");
        assert!(is_found, "{}", file.display());
    }
}

/// What follows imports `view` into a module below it.
const POISONED: &[&str] = &[
    "use crate::view::Frame;",
    "use crate::{incident::sop::Step, view::Frame};",
    "pub use crate::{incident::{self, sop}, view};",
    "use super::super::view::Frame;",
    "use super::{super::view, feed};",
    "use sopwatch_console::view::Frame;",
    "use ::sopwatch_console::view::Frame;",
    "fn draw(frame: &mut crate::view::Frame<'_>) {}",
    "fn draw() { let words = crate::view::words(); }",
    "fn draw() { println!(\"{}\", crate::view::words()); }",
    "macro_rules! draw { () => { $crate::view::words() }; }",
    "#[derive(crate::view::Draw)] struct Frame;",
    "#[cfg(test)] mod tests {} use crate::view::Frame;",
    "#[cfg(test)] use std::fmt; use crate::view::Frame;",
    "#[cfg(test)] fn a<A, B>() {} fn b() { crate::view::words(); }",
    "#[cfg(not(test))] use crate::view::Frame;",
    "struct A { #[cfg(test)] a: u8, b: crate::view::Frame }",
];

#[test]
fn a_poisoned_import_is_found_however_it_is_written() {
    for text in POISONED {
        let wrong = wrong_in("incident::feed", "incident/feed.rs", text);
        assert_eq!(wrong, ["incident::feed may not name crate::view"], "{text}");
    }
}

#[test]
fn a_poisoned_import_is_found_in_tests() {
    for text in [
        "#[cfg(test)] mod tests { use crate::view::Frame; }",
        "#[cfg(test)] mod tests { use super::super::super::view::Frame; }",
        "#[cfg(all(test, unix))] mod tests { fn a() { super::super::super::view::words(); } }",
    ] {
        let wrong = wrong_in("incident::feed", "incident/feed.rs", text);
        let found = ["the tests of incident::feed::tests may not name crate::view"];
        assert_eq!(wrong, found, "{text}");
    }
}

/// Whoever has a name for the root can reach every module by it.
#[test]
fn the_root_of_the_crate_gets_no_other_name() {
    for text in [
        "use crate as root; use root::view::Frame;",
        "use crate::*;",
        "use crate::{self as root};",
        "use super::super::{self as root};",
        "use super::super::*;",
    ] {
        let wrong = wrong_in("incident::feed", "incident/feed.rs", text);
        assert_eq!(wrong, ["incident::feed may not name crate::*"], "{text}");
    }
}

#[test]
fn a_clock_a_file_and_another_crate_are_found_however_they_are_written() {
    for (text, what) in [
        ("fn a() { jiff::Timestamp::now(); }", "Timestamp::now"),
        (
            "fn a(clock: fn() -> Timestamp) { clock(Timestamp::now); }",
            "Timestamp::now",
        ),
        ("use std::time::{Duration, Instant};", "std::time::Instant"),
        ("use std::{fmt, fs::File};", "std::fs"),
        ("fn a() { std::env::var(\"A\"); }", "std::env"),
        ("async fn a() {}", "async"),
        ("fn a() { let b = async move {}; }", "async"),
        ("use tokio::time;", "tokio"),
        ("use kube as k8s;", "kube"),
        ("use tower::tower; fn a() { tower::b(); }", "tower"),
        ("use kube::{self, Api}; fn a() { kube::b(); }", "kube"),
        ("#[tokio::test] fn a() {}", "tokio"),
        ("mod a { type B = Vec<ratatui::Frame>; }", "ratatui"),
    ] {
        let wrong = wrong_in("incident", "incident/mod.rs", text);
        assert!(
            wrong
                .iter()
                .any(|one| one.ends_with(&format!("may not name {what}"))),
            "{text}: {wrong:?}"
        );
    }
    let wrong = wrong_in("view", "view/mod.rs", "fn a<'a>(app: &'a mut App) {}");
    assert_eq!(wrong, ["view may not name &mut App"]);
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for text in [
        "//! [`crate::view`] draws it.",
        "/// [`crate::view`] draws it.\nfn a() {}",
        "/* use crate::view; */ fn a() {}",
        "const A: &str = \"use crate::view::Frame; tokio::spawn\";",
        "const A: &str = r#\"crate::view \"#;",
        "pub(in crate::incident) fn a() {}",
        "use regex::bytes; fn a(b: bytes::Regex) {}",
        "mod tower { pub fn a() {} } fn b() { tower::a(); }",
        "fn a(http: u8) -> u64 { http as u64 }",
        "fn a() { self.kube.a(); }",
    ] {
        let wrong = wrong_in("incident", "incident/mod.rs", text);
        assert!(wrong.is_empty(), "{text}: {wrong:?}");
    }
}

/// What only the tests may name is refused to the code, and allowed to the tests wherever they are.
#[test]
fn tests_may_name_more_than_the_code_and_only_in_tests() {
    let import = "use proptest::prelude::*;";
    let code = wrong_in("incident", "incident/mod.rs", import);
    assert_eq!(code, ["incident may not name proptest"]);
    for text in [
        format!("#[cfg(test)] mod tests {{ {import} }}"),
        format!("#[cfg(test)] {import}"),
        format!("#![cfg(test)] {import}"),
        format!("#[cfg(test)] #[allow(unused)] mod tests {{ mod inner {{ {import} }} }}"),
    ] {
        assert!(
            wrong_in("incident", "incident/mod.rs", &text).is_empty(),
            "{text}"
        );
    }
}
