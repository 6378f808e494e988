//! Incidents that were recorded once, in `tests/incidents`: they can still be read, and lead to what they led to.

use std::path::{Path, PathBuf};

use sopwatch::app::App;
use sopwatch::app::follow::Differs;
use sopwatch::app::keymap::Keymap;
use sopwatch::incident::record::{Entry, Line};
use sopwatch::journal::read::read;
use sopwatch::journal::shelf::encoded;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents")
}

fn kept() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files
}

/// What is found otherwise than it was recorded, by the index of its line; and how many findings there are.
pub fn differing(lines: &[Line]) -> (Vec<(usize, Differs)>, usize) {
    let [first, rest @ ..] = lines else {
        panic!("no line")
    };
    let Entry::Began(began) = &first.entry else {
        panic!("it begins with {}", first.entry.name());
    };
    let mut app = App::recorded(began, first, Keymap::default());
    let mut differing = Vec::new();
    let mut found = 0;
    for (index, line) in (1..).zip(rest) {
        found += usize::from(matches!(line.entry, Entry::Found(_)));
        differing.extend(app.follow(line).map(|differs| (index, differs)));
    }
    (differing, found)
}

#[test]
fn what_was_recorded_once_is_read_and_found_again() {
    let files = kept();
    assert!(!files.is_empty());
    for file in files {
        let contents = read(&file).unwrap();
        assert_eq!(contents.doubt(), None, "{}", file.display());
        let mut lines = contents.lines;
        let (differing, found) = differing(&lines);
        assert!(found > 0, "{} has nothing to compare", file.display());
        if std::env::var_os("UPDATE").is_some() {
            for (index, differs) in differing {
                lines[index].entry = Entry::Found(Box::new(differs.found));
            }
            std::fs::write(&file, encoded(&lines).unwrap()).unwrap();
        } else if let Some((index, differs)) = differing.first() {
            panic!(
                "{}, line {}, and {} more: {differs:#?}\nwhere it is meant: UPDATE=1 cargo test --test it kept::",
                file.display(),
                index + 1,
                differing.len() - 1
            );
        }
    }
}

#[test]
fn each_record_is_in_the_list_of_what_it_is_good_for() {
    let list = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for file in kept() {
        let name = file.file_name().unwrap().to_string_lossy();
        assert!(list.contains(&format!("| `{name}` |")), "{name}");
    }
}
