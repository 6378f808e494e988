//! The floors of the house: every file is read whole, code and tests, and names only what its module may.

mod list;
mod scan;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use self::list::{EVERY, FLOORS, Floor, HARMLESS};
use self::scan::{Named, Scan};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The crates of the workspace, with their manifests and roots.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("core", "src/core/Cargo.toml", &["core/lib.rs"]),
    ("console", "src/console/Cargo.toml", &["console/lib.rs"]),
    ("drill", "src/drill/Cargo.toml", &["drill/lib.rs"]),
    ("sopwatch", "Cargo.toml", &["sopwatch/lib.rs", "sopwatch/main.rs"]),
];

/// The names under which the code of a crate names the crates it depends on.
fn crates(manifest: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest);
    let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let tables = ["dependencies", "dev-dependencies"].map(|name| manifest[name].as_table().unwrap());
    let names = tables.into_iter().flat_map(toml::Table::keys);
    names.map(|name| name.replace('-', "_")).collect()
}

static WHOLE_HOUSE: LazyLock<Scan> = LazyLock::new(|| {
    let mut house = Scan::new([]);
    for (of_crate, manifest, roots) in CRATES {
        let mut scan = Scan::new(crates(manifest));
        for root in *roots {
            scan.read(of_crate, &source().join(root));
        }
        house.named.append(&mut scan.named);
        house.files.append(&mut scan.files);
    }
    house
});

/// What a module names and may not; one sentence each.
fn wrong(named: &BTreeSet<Named>) -> Vec<String> {
    named.iter().filter_map(objection).collect()
}

fn objection(named: &Named) -> Option<String> {
    let Named {
        of_crate,
        module,
        is_test,
        what,
    } = named;
    let top = module.split("::").next().unwrap_or_default();
    let who = if *is_test { "the tests of " } else { "" };
    let mut floors = FLOORS
        .iter()
        .filter(|floor| [*of_crate, EVERY].contains(&floor.of_crate));
    // A crate of one floor has no list of its modules.
    let is_one = ["core", "console", "drill"].contains(of_crate);
    let floor = floors
        .clone()
        .find(|floor| floor.module == top)
        .or_else(|| floors.find(|floor| is_one && floor.module.is_empty()));
    let Some(floor) = floor else {
        return Some(format!("{top} of {of_crate} is on no floor"));
    };
    let place = [*of_crate, module.as_str()].join("::");
    let place = place.trim_end_matches("::");
    let may = is_one && what.starts_with("crate::") && what != "crate::*" || may_name(floor, *is_test, what);
    (!may).then(|| format!("{who}{place} may not name {what}"))
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

/// What is wrong with a text in the file of a module: `sopwatch::kubernetes::logs`.
fn wrong_in(place: &str, text: &str) -> Vec<String> {
    let (name, module) = place.split_once("::").unwrap_or((place, ""));
    let (of_crate, manifest, _) = CRATES.iter().find(|(of_crate, ..)| *of_crate == name).unwrap();
    let mut scan = Scan::new(crates(manifest));
    let file = format!("{}.rs", place.replace("::", "/"));
    let module = module.split("::").filter(|name| !name.is_empty());
    let module = module.map(str::to_owned).collect();
    scan.text(&source().join(file), (*of_crate, module), false, text);
    wrong(&scan.named)
}

#[test]
fn every_module_names_only_what_its_floor_allows() {
    let wrong = wrong(&WHOLE_HOUSE.named);
    assert!(
        wrong.is_empty(),
        "tests/it/floors/list.rs says which module may name which:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_module_may_name_only_modules_of_lower_floors() {
    for (index, floor) in FLOORS.iter().enumerate() {
        let is_beside = |lower: &&Floor| [floor.of_crate, EVERY].contains(&lower.of_crate);
        let lower = FLOORS[..index].iter().filter(is_beside);
        let below: Vec<&str> = lower.map(|lower| lower.module).collect();
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
    // The build script is a program of its own.
    there.remove(&source().join("sopwatch/build.rs"));
    assert!(!there.is_empty());
    let unread: Vec<_> = there.difference(&WHOLE_HOUSE.files).cloned().collect();
    assert!(unread.is_empty(), "no `mod` leads to {unread:?}");
}

/// Whatever a file holds, its last line is read.
#[test]
fn a_poisoned_import_is_found_at_the_end_of_every_file() {
    for file in &WHOLE_HOUSE.files {
        let text = std::fs::read_to_string(file).unwrap();
        let mut scan = Scan::new([]);
        let poisoned = format!("{text}\nuse crate::poison::Vial;\n");
        scan.text(file, ("core", vec!["record".to_owned()]), false, &poisoned);
        let is_found = scan.named.iter().any(|named| named.what == "crate::poison");
        assert!(is_found, "{}", file.display());
    }
}

/// What follows imports `runtime` into a module below it.
const POISONED: &[&str] = &[
    "use crate::runtime::Frame;",
    "use crate::{kubernetes::Scope, runtime::Frame};",
    "pub use crate::{kubernetes::{self, logs}, runtime};",
    "use super::super::runtime::Frame;",
    "use super::{super::runtime, feed};",
    "use sopwatch::runtime::Frame;",
    "use ::sopwatch::runtime::Frame;",
    "fn draw(frame: &mut crate::runtime::Frame<'_>) {}",
    "fn draw() { let words = crate::runtime::words(); }",
    "fn draw() { println!(\"{}\", crate::runtime::words()); }",
    "macro_rules! draw { () => { $crate::runtime::words() }; }",
    "#[derive(crate::runtime::Draw)] struct Frame;",
    "#[cfg(test)] mod tests {} use crate::runtime::Frame;",
    "#[cfg(test)] use std::fmt; use crate::runtime::Frame;",
    "#[cfg(test)] fn a<A, B>() {} fn b() { crate::runtime::words(); }",
    "#[cfg(not(test))] use crate::runtime::Frame;",
    "struct A { #[cfg(test)] a: u8, b: crate::runtime::Frame }",
];

#[test]
fn a_poisoned_import_is_found_however_it_is_written() {
    for text in POISONED {
        let wrong = wrong_in("sopwatch::kubernetes::logs", text);
        assert_eq!(
            wrong,
            ["sopwatch::kubernetes::logs may not name crate::runtime"],
            "{text}"
        );
    }
}

#[test]
fn a_poisoned_import_is_found_in_tests() {
    for text in [
        "#[cfg(test)] mod tests { use crate::runtime::Frame; }",
        "#[cfg(test)] mod tests { use super::super::super::runtime::Frame; }",
        "#[cfg(all(test, unix))] mod tests { fn a() { super::super::super::runtime::words(); } }",
    ] {
        let wrong = wrong_in("sopwatch::kubernetes::logs", text);
        let found = ["the tests of sopwatch::kubernetes::logs::tests may not name crate::runtime"];
        assert_eq!(wrong, found, "{text}");
    }
}

/// Whoever has a name for the root can reach every module by it.
#[test]
fn the_root_of_the_crate_gets_no_other_name() {
    for text in [
        "use crate as root; use root::runtime::Frame;",
        "use crate::*;",
        "use crate::{self as root};",
        "use super::super::{self as root};",
        "use super::super::*;",
    ] {
        let wrong = wrong_in("sopwatch::kubernetes::logs", text);
        assert_eq!(
            wrong,
            ["sopwatch::kubernetes::logs may not name crate::*"],
            "{text}"
        );
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
        ("use std::{fmt, process::Command};", "std::process"),
        ("fn a() { std::env::var(\"A\"); }", "std::env"),
        ("use hyper::body;", "hyper"),
        ("use kube as k8s;", "kube"),
        ("use tower::tower; fn a() { tower::b(); }", "tower"),
        ("use kube::{self, Api}; fn a() { kube::b(); }", "kube"),
        ("#[sqlx::test] fn a() {}", "sqlx"),
        ("mod a { type B = Vec<ratatui::Frame>; }", "ratatui"),
    ] {
        let wrong = wrong_in("sopwatch::journal::index", text);
        assert!(
            wrong
                .iter()
                .any(|one| one.ends_with(&format!("may not name {what}"))),
            "{text}: {wrong:?}"
        );
    }
    let wrong = wrong_in("console::screen", "fn a<'a>(app: &'a mut App) {}");
    assert_eq!(wrong, ["console::screen may not name &mut App"]);
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for text in [
        "//! [`crate::runtime`] draws it.",
        "/// [`crate::runtime`] draws it.\nfn a() {}",
        "/* use crate::runtime; */ fn a() {}",
        "const A: &str = \"use crate::runtime::Frame; tokio::spawn\";",
        "const A: &str = r#\"crate::runtime \"#;",
        "pub(in crate::record) fn a() {}",
        "use regex::bytes; fn a(b: bytes::Regex) {}",
        "mod tower { pub fn a() {} } fn b() { tower::a(); }",
        "fn a(http: u8) -> u64 { http as u64 }",
        "fn a() { self.kube.a(); }",
    ] {
        let wrong = wrong_in("core::record", text);
        assert!(wrong.is_empty(), "{text}: {wrong:?}");
    }
}

/// What only the tests may name is refused to the code, and allowed to the tests wherever they are.
#[test]
fn tests_may_name_more_than_the_code_and_only_in_tests() {
    let import = "use proptest::prelude::*;";
    let code = wrong_in("core::record", import);
    assert_eq!(code, ["core::record may not name proptest"]);
    for text in [
        format!("#[cfg(test)] mod tests {{ {import} }}"),
        format!("#[cfg(test)] {import}"),
        format!("#![cfg(test)] {import}"),
        format!("#[cfg(test)] #[allow(unused)] mod tests {{ mod inner {{ {import} }} }}"),
    ] {
        assert!(wrong_in("core::record", &text).is_empty(), "{text}");
    }
}
