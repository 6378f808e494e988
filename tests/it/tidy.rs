//! The house: sizes, and that what the README shows exists.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Longest file of code, lines.
const LONGEST: usize = 600;

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

#[test]
fn files_are_short_enough_to_be_about_one_thing() {
    let sources = files(&root().join("src"), "rs")
        .into_iter()
        .chain(files(&root().join("tests"), "rs"));
    let long = sources.filter(|path| fs::read_to_string(path).unwrap().lines().count() > LONGEST);
    let long: Vec<_> = long.map(|path| path.display().to_string()).collect();
    assert!(
        long.is_empty(),
        "longer than {LONGEST} lines: {}",
        long.join(", ")
    );
}

#[test]
fn every_picture_and_file_the_readme_links_to_exists() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let targets = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    let missing: Vec<_> = local.filter(|target| !root().join(target).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Holds a table of the README to what the program says; `UPDATE=1 cargo test` writes it anew.
fn generated(name: &str, table: &str) {
    // Two tests write the same file.
    static README: Mutex<()> = Mutex::new(());
    let _alone = README.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let marked = "the README marks where its tables begin and end";
    let (before, rest) = readme.split_once(&begin).expect(marked);
    let (told, after) = rest.split_once(&end).expect(marked);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(
            told, table,
            "the README's table of {name} is not the program's: UPDATE=1 cargo test"
        );
    }
}

#[test]
fn the_readme_names_the_keys_that_the_console_has() {
    generated("keys", &sopwatch::app::keymap::markdown());
}

#[test]
fn the_readme_names_the_scenarios_that_there_are() {
    generated("scenarios", &sopwatch::launch::scenario_table());
}
