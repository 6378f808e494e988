//! The first page and the guide: every link leads somewhere, every table is the program's, and the program shows each page by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use regex::Regex;
use serde_json::Value;
use sopwatch::guide::TOPICS;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// The first page is for a first look: what is longer belongs in the guide.
const LINES_OF_README: usize = 130;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> PathBuf {
    root().join("src/sopwatch/guide")
}

fn page(name: &str) -> String {
    fs::read_to_string(pages().join(format!("{name}.md"))).unwrap()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// Runs the program in an empty home and an empty folder, without a terminal: exit status, standard output, standard error.
fn sopwatch(arguments: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(SOPWATCH);
    command.args(arguments).env_clear().env("HOME", home.path());
    let output = command
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// What of a text is neither a block of code nor code in a line.
fn prose(text: &str) -> String {
    let outside: String = text.split("```").step_by(2).collect();
    outside.split('`').step_by(2).collect()
}

/// The anchor that a heading has on the web: words in small letters, with hyphens between them.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let outside: String = text.split("```").step_by(2).collect();
    let headings = outside.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(&line.trim_start_matches('#').replace('`', "")))
        .collect()
}

/// The files that people read.
fn documents() -> Vec<PathBuf> {
    let of_guide = TOPICS
        .iter()
        .map(|topic| pages().join(format!("{}.md", topic.name)));
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(|name| root().join(name))
        .into_iter()
        .chain(of_guide)
        .collect()
}

/// Addresses of links: in a line, and of definitions.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let in_line = Regex::new(r"\]\(([^)]*)\)").unwrap();
    let defined = Regex::new(r"(?m)^\[[^\]]+\]: (\S+)$").unwrap();
    let found = in_line.captures_iter(&prose).chain(defined.captures_iter(&prose));
    found.map(|found| found[1].to_owned()).collect()
}

#[test]
fn the_first_page_is_short_and_begins_with_its_two_commands() {
    let readme = readme();
    let lines = readme.lines().count();
    assert!(lines <= LINES_OF_README, "README.md has {lines} lines");
    let headings: Vec<_> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(
        headings,
        [
            "Two commands",
            "A drill in a minute",
            "On your cluster",
            "The screen",
            "Acting safely",
            "Without a screen",
            "Records",
            "Other services",
            "Troubleshooting",
            "More",
        ]
    );
    let code = readme.split("```sh\n").nth(1).unwrap();
    let commands: Vec<_> = code
        .lines()
        .take(2)
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(commands, [".ci/drill", ".ci/test"]);
    for command in commands {
        assert!(root().join(command).is_file(), "{command}");
    }
}

#[test]
fn every_link_leads_to_a_file_and_an_anchor_that_there_are() {
    let mut seen = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in targets(&text) {
            if target.contains("://") {
                continue;
            }
            seen += 1;
            let (file, wanted) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() {
                document.clone()
            } else {
                document.parent().unwrap().join(file)
            };
            assert!(file.exists(), "{}: {target}", document.display());
            if !wanted.is_empty() {
                let anchors = anchors(&fs::read_to_string(&file).unwrap());
                assert!(anchors.contains(wanted), "{}: {target}", document.display());
            }
        }
    }
    assert!(seen > 50, "{seen} links");
}

#[test]
fn every_page_says_where_each_of_its_links_leads_here_and_in_the_crates_documentation() {
    let shortcut = Regex::new(r"\[([^\]\s]+)\]").unwrap();
    let definition = Regex::new(r"(?m)^\[([^\]]+)\]: (\S+)$").unwrap();
    let links = page("links");
    let in_documentation: BTreeMap<_, _> = definition
        .captures_iter(&links)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    for topic in TOPICS {
        let module = format!("super::{}", topic.name.replace('-', "_"));
        assert_eq!(in_documentation.get(topic.name), Some(&module), "links.md");
        let text = prose(topic.text);
        let defined: BTreeMap<_, _> = definition
            .captures_iter(&text)
            .map(|found| (found[1].to_owned(), found[2].to_owned()))
            .collect();
        let used: BTreeSet<_> = shortcut
            .captures_iter(&definition.replace_all(&text, ""))
            .map(|found| found[1].to_owned())
            .collect();
        let named: BTreeSet<_> = defined.keys().cloned().collect();
        assert_eq!(
            used, named,
            "{}.md: links, and what they are defined as",
            topic.name
        );
        for (name, file) in defined {
            assert_eq!(file, format!("{name}.md"), "{}.md", topic.name);
        }
    }
    assert_eq!(in_documentation.len(), TOPICS.len(), "links.md");
}

#[test]
fn every_file_of_the_guide_is_a_topic_and_its_blocks_of_code_say_their_language() {
    let names: BTreeSet<String> = fs::read_dir(pages())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| name != "links")
        .collect();
    let topics: BTreeSet<String> = TOPICS.iter().map(|topic| topic.name.to_owned()).collect();
    assert_eq!(names, topics);
    for topic in TOPICS {
        let fences = topic.text.lines().filter(|line| line.starts_with("```"));
        for (number, fence) in fences.enumerate() {
            // Without a language it would be tried as Rust.
            assert_eq!(number % 2 == 0, fence.len() > 3, "{}.md: {fence}", topic.name);
        }
        let is_code_by_indent = |line: &&str| line.starts_with("    ");
        let prose: String = topic.text.split("```").step_by(2).collect();
        assert_eq!(prose.lines().find(is_code_by_indent), None, "{}.md", topic.name);
    }
}

#[test]
fn the_first_page_leads_to_every_part_of_the_guide_that_an_operator_needs_first() {
    let linked: BTreeSet<_> = targets(&readme()).into_iter().collect();
    // These are reached from a page that the first page links to.
    let further = ["exit-codes", "report-json", "profile-file", "scenario-file"];
    for topic in TOPICS.iter().filter(|topic| !further.contains(&topic.name)) {
        let target = format!("src/sopwatch/guide/{}.md", topic.name);
        assert!(linked.contains(&target), "README.md does not link to {target}");
    }
}

#[test]
fn the_program_alone_shows_the_whole_guide() {
    let (status, list, _) = sopwatch(&["help"]);
    assert_eq!(status, 0);
    for topic in TOPICS {
        assert!(list.contains(&format!("\n  {} ", topic.name)), "{}", topic.name);
        let (status, text, error) = sopwatch(&["help", topic.name]);
        assert_eq!((status, error.as_str()), (0, ""), "{}", topic.name);
        assert!(text.lines().count() > 5, "{text}");
    }
    let (status, text, _) = sopwatch(&["help", "check"]);
    assert_eq!((status, text), (0, sopwatch(&["check", "--help"]).1));
    let (status, out, error) = sopwatch(&["help", "kyes"]);
    assert_eq!((status, out.as_str()), (64, ""));
    assert!(error.contains("did you mean `keys`?"), "{error}");
}

#[test]
fn the_files_that_pages_end_with_can_be_saved_as_the_pages_say() {
    let cases = [
        ("permissions", "apiVersion", "config/rbac.yaml"),
        (
            "profile-file",
            "id = ",
            "assets/profiles/managed-services-api.toml",
        ),
        ("scenario-file", "id = ", "config/scenario.toml"),
    ];
    for (topic, begins, file) in cases {
        let says = format!("sopwatch help {topic} | sed -n '/^{begins}/,$p' >");
        assert!(page(topic).contains(&says), "{topic}");
        let (_, text, _) = sopwatch(&["help", topic]);
        let from = |text: &str| {
            let lines = text.lines().skip_while(|line| !line.starts_with(begins));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let saved = from(&text);
        assert!(saved.len() > 20, "{topic}");
        assert_eq!(
            saved,
            from(&fs::read_to_string(root().join(file)).unwrap()),
            "{topic}"
        );
    }
}

/// Holds a table of the guide to what the program says; `UPDATE=1 cargo test` writes it again.
fn generated(topic: &str, name: &str, table: &str) {
    // Tests write at the same time.
    static PAGES: Mutex<()> = Mutex::new(());
    let _alone = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let path = pages().join(format!("{topic}.md"));
    let text = page(topic);
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let marked = "the page marks where its table begins and ends";
    let (before, rest) = text.split_once(&begin).expect(marked);
    let (written, after) = rest.split_once(&end).expect(marked);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(
            written, table,
            "the guide's table of {name} is not the program's: UPDATE=1 cargo test"
        );
    }
}

#[test]
fn the_guide_names_the_keys_that_the_console_has() {
    generated("keys", "keys", &sopwatch_console::keymap::markdown());
}

#[test]
fn the_guide_names_the_scenarios_that_there_are() {
    generated("scenarios", "scenarios", &sopwatch::commands::scenario_table());
}

#[test]
fn the_guide_names_the_variables_that_the_program_reads() {
    let rows = sopwatch::config::VARIABLES.map(|(name, sets)| format!("| `{name}` | {sets} |\n"));
    let table = format!("| variable | what it sets |\n|---|---|\n{}", rows.concat());
    generated("configuration", "variables", &table);
}

/// The rows of a page's table of keys: each key of the document, and the row that describes it.
fn described(topic: &str) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for row in page(topic).lines().filter(|line| line.starts_with("| `")) {
        let first = row.split('|').nth(1).unwrap();
        for name in first.split('`').skip(1).step_by(2) {
            let name = name.trim_end_matches("[]");
            // What a row is about twice (`actions[]` in a part of its own) is described by both.
            let text: &mut String = keys.entry(name.to_owned()).or_default();
            text.push_str(row);
        }
    }
    keys
}

fn nested(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                nested(value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| nested(value, names)),
        _ => {}
    }
}

/// Holds a page to documents: it describes each key that one has. `shared` says of a row that parts of it are described in a row of their
/// own.
fn describes(topic: &str, documents: &[Value], shared: &[&str]) {
    let described = described(topic);
    let everything: String = described.values().map(String::as_str).collect();
    let (mut seen, mut missing) = (BTreeSet::new(), BTreeSet::new());
    for document in documents {
        for (key, value) in document.as_object().unwrap() {
            seen.insert(key.clone());
            let row = described.get(key).map_or("", String::as_str);
            let mut names = BTreeSet::new();
            nested(value, &mut names);
            let is_in = |text: &str, name: &str| {
                text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}[]`"))
            };
            let refers = shared.iter().any(|part| row.contains(part));
            let is_there = |name: &String| is_in(row, name) || refers && is_in(&everything, name);
            let unsaid = names.into_iter().filter(|name| !is_there(name));
            missing.extend(unsaid.map(|name| format!("{key}.{name}")));
        }
    }
    assert_eq!(missing, BTreeSet::new(), "{topic}.md says nothing of these");
    let of_rows: BTreeSet<_> = described.into_keys().collect();
    let undescribed: Vec<_> = seen.difference(&of_rows).collect();
    assert!(
        undescribed.is_empty(),
        "{topic}.md says nothing of {undescribed:?}"
    );
}

#[test]
fn the_guide_describes_every_key_of_the_diagnosis() {
    let scenarios = ["foreign-pods", "tracker-names-the-cause"];
    let documents = scenarios.map(|scenario| {
        let (_, out, error) = sopwatch(&["check", "--drill", scenario, "-o", "json"]);
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{error}"))
    });
    describes("check-json", &documents, &["the same keys"]);
}

#[test]
fn the_guide_describes_every_key_of_the_report() {
    let records = [
        "all-pods-restarted-and-resumed",
        "crash-loop-oom",
        "a-pod-restarted-by-a-console-that-was-killed",
    ];
    let documents = records.map(|record| {
        let file = root().join(format!("tests/incidents/{record}.jsonl"));
        let (_, out, error) = sopwatch(&["report", file.to_str().unwrap(), "-o", "json"]);
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{error}"))
    });
    let shared = ["`first_change`", "the same keys"];
    describes("report-json", &documents, &shared);
}
