//! What an operator reads uses plain words: help, errors, scenarios, sample files, README, guide.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

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

/// What a source file is made of: comments and letters in quotes, which are passed over, and texts, raw and plain ones.
static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"//[^\n]*",
        r"/\*.*?\*/",
        r"'(?:\\.[^']*|[^'\\\n])'",
        r###"\bb?r##"(?<twice>.*?)"##"###,
        r##"\bb?r#"(?<once>.*?)"#"##,
        r#"\bb?r"(?<raw>[^"]*)""#,
        r#""(?<plain>(?:[^"\\]|\\.)*)""#,
    ];
    Regex::new(&format!("(?s){}", parts.join("|"))).unwrap()
});

/// The texts in quotes of a source file that are more than one word, apart from its tests and comments; each whole, on the line where it
/// begins.
fn texts_of(source: &str) -> String {
    let source = &source[..source.find("#[cfg(test)]\nmod tests {").unwrap_or(source.len())];
    let mut lines = vec![String::new(); source.lines().count() + 1];
    for found in PARTS.captures_iter(source) {
        let before = &source[..found.get_match().start()];
        let text = ["twice", "once", "raw", "plain"]
            .iter()
            .find_map(|name| found.name(name));
        let Some(text) = text else {
            continue;
        };
        // It is for whoever reads the code.
        if ["reason =", "expect("]
            .iter()
            .any(|end| before.trim_end().ends_with(end))
        {
            continue;
        }
        let text = text.as_str().replace("\\\n", "\n");
        let words: Vec<_> = text.split_whitespace().collect();
        if words.len() > 1 {
            lines[before.matches('\n').count()].extend([&*words.join(" "), " | "]);
        }
    }
    lines.join("\n")
}

#[test]
fn every_text_of_a_source_file_is_seen_whole() {
    // the source, and what is seen on each of its lines
    let cases = [
        (r#"a("one two"); b("three four");"#, "one two | three four | "),
        (r#"a("word");"#, ""),
        (
            "a(\"one \\\n    two\",\n\"three four\");",
            "one two | \n\nthree four | ",
        ),
        ("a(\"one\n two\");", "one two | \n"),
        (
            r#"a("say \"so long\" to"); // "not this""#,
            r#"say \"so long\" to | "#,
        ),
        ("/* \"not\n this\" */ a(\"one two\");", "\none two | "),
        (r"a('x', '\'', '\u{1b}', &'a ());", ""),
        (r#"a('"', "one two", '"');"#, "one two | "),
        (
            r##"a(r"one\ two", r#"three "four" five"#);"##,
            r#"one\ two | three "four" five | "#,
        ),
        (
            r#"#[expect(lint, reason = "not this")] a.expect("nor this");"#,
            "",
        ),
        (r#"a("http://one two");"#, "http://one two | "),
        (
            "a(\"one two\");\n#[cfg(test)]\nmod tests { \"not this\" }",
            "one two | \n",
        ),
    ];
    for (source, seen) in cases {
        let texts = texts_of(source);
        assert_eq!(
            texts.trim_end_matches('\n'),
            seen.trim_end_matches('\n'),
            "{source}"
        );
    }
    let source = "warn(\n    \"keep it \\\n     so \\\n     long\",\n);";
    assert_eq!(
        offences("a.rs", &texts_of(source), BANNED),
        ["a.rs:2: keep it so long |"]
    );
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
fn messages_of_the_program_its_console_and_the_drill_use_plain_words() {
    let mut wrong = Vec::new();
    let folders = ["src/sopwatch", "src/console", "src/core", "src/drill"];
    for path in folders.iter().flat_map(|folder| files(folder, "rs")) {
        let name = path.to_string_lossy().into_owned();
        // A file of tests says nothing to an operator; one file knows the library's words, to put others in their place; one has a list of
        // banned words of its own.
        let is_other = ["config/kinds.rs", "core/plain_words.rs"]
            .iter()
            .any(|file| name.ends_with(file));
        if name.contains("tests") || is_other {
            continue;
        }
        let texts = texts_of(&fs::read_to_string(&path).unwrap());
        wrong.extend(offences(&name, &texts, BANNED));
    }
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
}
