//! What an operator reads uses plain words: help, errors, scenarios, sample files, README, guide.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Words and turns of phrase that need a second reading.
const BANNED: &[&str] = &[
    "anew",
    "as it should",
    "beware",
    "by hand",
    "even so",
    "for want of",
    "gone on with",
    "hangs on",
    "held against",
    "let go",
    "looked at",
    "never heard",
    "nobody knows",
    "nobody leads",
    "out of order",
    "serve meanwhile",
    "since a while",
    "so long",
    "stands",
    "taken back",
    "told",
    "what is only",
    "what only",
    "whom",
    "whomever",
];

/// Types of Rust and the words of its libraries.
const RUST: &[&str] = &[
    "invalid type",
    "u16",
    "u32",
    "u64",
    "usize",
    "Option<",
    "serde",
    "unwrap",
];

fn offences(place: &str, text: &str, banned: &[&str]) -> Vec<String> {
    let words = banned.iter().map(|word| regex::escape(word)).collect::<Vec<_>>();
    let pattern = Regex::new(&format!(r"(?i)\b(?:{})(?:\b|$)", words.join("|"))).unwrap();
    let lines = text.lines().enumerate();
    let wrong = lines.filter(|(_, line)| pattern.is_match(line));
    wrong
        .map(|(number, line)| format!("{place}:{}: {}", number + 1, line.trim()))
        .collect()
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(path.to_str().unwrap(), extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found
}

/// The texts in quotes of a source file that are more than one word, apart from its tests and comments; each on the line that it has there.
fn texts_of(source: &str) -> String {
    let end = source.find("#[cfg(test)]\nmod tests {").unwrap_or(source.len());
    let quoted = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let texts = |line: &str| {
        if line.trim_start().starts_with("//") || line.contains("reason = ") || line.contains("expect(") {
            return String::new();
        }
        let found = quoted.captures_iter(line).map(|found| found[1].to_owned());
        found
            .filter(|text| text.contains(' '))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    source[..end].lines().map(|line| texts(line) + "\n").collect()
}

#[test]
fn help_says_what_each_option_does_in_plain_words() {
    let commands: &[&[&str]] = &[
        &[],
        &["drill"],
        &["check"],
        &["replay"],
        &["report"],
        &["incidents"],
        &["incidents", "verify"],
        &["incidents", "close"],
        &["incidents", "prune"],
        &["sops"],
        &["config"],
        &["config", "check"],
        &["completions"],
        &["doctor"],
        &["help"],
    ];
    let banned = [BANNED, RUST].concat();
    for command in commands {
        let output = Command::new(SOPWATCH)
            .args(*command)
            .arg("--help")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(offences("--help", &text, &banned), [""; 0], "{command:?}");
    }
}

#[test]
fn texts_that_teach_use_plain_words() {
    let mut texts = files("assets/scenarios", "toml");
    texts.extend(files("config", "toml"));
    texts.push(Path::new(ROOT).join("README.md"));
    texts.extend(files("src/sopwatch/guide", "md"));
    let wrong: Vec<_> = texts
        .iter()
        .flat_map(|path| {
            offences(
                &path.to_string_lossy(),
                &fs::read_to_string(path).unwrap(),
                BANNED,
            )
        })
        .collect();
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
}

#[test]
fn messages_of_the_program_and_the_drill_use_plain_words() {
    let mut wrong = Vec::new();
    for path in files("src/sopwatch", "rs")
        .into_iter()
        .chain(files("src/drill", "rs"))
    {
        let name = path.to_string_lossy().into_owned();
        // A file of tests says nothing to an operator; one file knows the library's words, to put others in their place.
        if name.contains("tests") || name.ends_with("config/kinds.rs") {
            continue;
        }
        let texts = texts_of(&fs::read_to_string(&path).unwrap());
        wrong.extend(offences(&name, &texts, BANNED));
    }
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
}
