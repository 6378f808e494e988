//! The first page and the guide: every link leads somewhere, every table is the program's, and the program shows each page by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use sopwatch::cli::Command as SopwatchCommand;
use sopwatch::cli::{CheckArgs, IncidentsArgs, IncidentsCommand};
use sopwatch::guide::TOPICS;
use sopwatch::kubernetes::limits;
use sopwatch::net::backoff;
use sopwatch::runtime::{still_screen, task_count};
use sopwatch_console::panes::leaders;
use sopwatch_console::screen::layout::SIDE_BY_SIDE;
use sopwatch_core::diagnose::vitals;
use sopwatch_core::export::check::exit_status;
use sopwatch_core::logparse;
use sopwatch_core::observe::observation::Standby;
use sopwatch_core::observe::state::{LOG_REQUESTS_EVERY, STALE_AFTER, VITALS_EVERY};
use sopwatch_core::profile::monitoring::Figure;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::record::recorder;

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

/// A small number as prose has it.
fn in_words(number: impl TryInto<usize>) -> String {
    const WORDS: [&str; 11] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    let number = number.try_into().unwrap_or(usize::MAX);
    WORDS.get(number).copied().unwrap_or("many").to_owned()
}

/// A text on one line, as its paragraphs are broken anywhere.
fn unbroken(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the command line means.
fn command(line: &str) -> SopwatchCommand {
    let cli = sopwatch::cli::parse(line.split(' ')).unwrap();
    cli.command.unwrap()
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn the_guide_names_the_numbers_that_the_program_has() {
    let SopwatchCommand::Check(CheckArgs { within, .. }) = command("sopwatch check") else {
        panic!("another command");
    };
    let SopwatchCommand::Incidents(IncidentsArgs {
        command: Some(IncidentsCommand::Prune { older_than, .. }),
        ..
    }) = command("sopwatch incidents prune")
    else {
        panic!("another command");
    };
    let every = |seconds: u64| match seconds / 60 {
        0 => format!("{} seconds", in_words(seconds)),
        minutes => format!("{} minutes", in_words(minutes)),
    };
    let poll = every(sopwatch::config::DEFAULT_POLL);
    let [stale, samples] = [STALE_AFTER, VITALS_EVERY].map(|span| span.as_secs().to_string());
    let probe = every(limits::PROBE_EVERY.as_secs());
    let review = every(limits::REVIEW_EVERY.as_secs());
    let streams = limits::LOG_STREAMS.to_string();
    let pods = in_words(limits::PODS_OF_A_ROUND);
    let [log_lines, later, errors] = [
        recorder::MOST_RECORDS,
        recorder::MOST_RECORDS_LATER,
        sopwatch_core::observe::log_errors::NEWEST,
    ]
    .map(|number| number.to_string());
    let held = every(recorder::HOLD.as_secs().unsigned_abs());
    // A standby counts as current as long as it is no further behind.
    let is_current = |seconds: &i64| {
        Standby {
            behind_s: Some(*seconds),
        }
        .is_current()
    };
    let behind = (0..600).take_while(is_current).last().unwrap().to_string();
    // the page, a sentence of it, and its numbers
    let table: &[(&str, &str, &[&str])] = &[
        ("sources", "turns stale within {} s", &[&stale]),
        ("screen", "turns stale within {} s", &[&stale]),
        ("sources", "streams, at most {} |", &[&streams]),
        ("sources", "at most {} log streams", &[&streams]),
        ("sources", "| one request every {} s |", &[&samples]),
        ("sources", "| every {} s, {} ready pods", &[&samples, &pods]),
        ("sources", "one request every {} |", &[&probe]),
        (
            "sources",
            "one request every {} checks that the server",
            &[&probe],
        ),
        ("sources", "every {} seconds one small request", &[&samples]),
        ("sources", "each of {} ready pods", &[&pods]),
        (
            "sources",
            "; {} s and {} MiB each, {} at a time)",
            &[
                &limits::COUNTERS_WITHIN.as_secs().to_string(),
                &(limits::LARGEST_ANSWER >> 20).to_string(),
                &in_words(limits::PODS_AT_ONCE),
            ],
        ),
        (
            "sources",
            "asked again after {} or {}",
            &[
                &in_words(limits::MISSING_AGAIN_AFTER.as_secs() / 60),
                &every(limits::FORBIDDEN_AGAIN_AFTER.as_secs()),
            ],
        ),
        ("sources", "at the start, every {} and on `r`", &[&review]),
        ("sources", "at its start, every {} and when", &[&review]),
        ("permissions", "at its start, every {} and when", &[&review]),
        (
            "sources",
            "at most {} request per second in total",
            &[&in_words(1 / LOG_REQUESTS_EVERY.as_secs())],
        ),
        (
            "sources",
            "retried at most {} per second",
            &[if backoff::FLOOR.as_secs() == 1 {
                "once"
            } else {
                "?"
            }],
        ),
        ("sources", "| one connection, every {} |", &[&poll]),
        ("sources", "every {} (`--poll`)", &[&poll]),
        ("database", "reads every {} (`--poll`)", &[&poll]),
        ("database", "more than {} s behind the primary", &[&behind]),
        (
            "records",
            "at most {} log lines and {} errors of each class from one log every {};",
            &[&log_lines, &errors, &held],
        ),
        (
            "records",
            "Once it holds {} MB of log lines, {} lines every {} follow",
            &[&(recorder::LOG_ROOM >> 20).to_string(), &later, &held],
        ),
        ("records", "older than {} days", &[&older_than.to_string()]),
        (
            "screen",
            "up to {} seconds late",
            &[&in_words(still_screen::CLOCK_FRAMES)],
        ),
        (
            "screen",
            "the last {} minutes (its step's page: the last hour)",
            &[&leaders::WINDOW.as_mins().to_string()],
        ),
        ("screen", "| {} columns and more |", &[&SIDE_BY_SIDE.to_string()]),
        (
            "vital-signs",
            "slower than {} ms and {} s",
            &[
                &logparse::SLOW.as_millis().to_string(),
                &logparse::VERY_SLOW.as_secs().to_string(),
            ],
        ),
        (
            "vital-signs",
            "over the last {}.",
            &[&every(vitals::WINDOW.as_secs().unsigned_abs())],
        ),
        ("scripts", "`--within` ({} s)", &[&within.as_secs().to_string()]),
        ("scripts", "(two samples, {} s apart)", &[&samples]),
        (
            "monitoring",
            "an hour and more are asked for every {}.",
            &[&every(
                Figure::Volume.every(Some(Duration::from_hours(1))).as_secs(),
            )],
        ),
        (
            "troubleshooting",
            "live tasks every {}:",
            &[&every(task_count::EVERY.as_secs())],
        ),
    ];
    for (topic, sentence, numbers) in table {
        let says = numbers.iter().fold((*sentence).to_owned(), |sentence, number| {
            sentence.replacen("{}", number, 1)
        });
        assert!(
            unbroken(&page(topic)).contains(&says),
            "{topic}.md does not say: {says}"
        );
    }
    assert_eq!(leaders::LONG_WINDOW.as_hours(), 1);
    assert!(unbroken(&readme()).contains(&format!("more than {streams} log streams")));
    let profile = sopwatch::guide::find("profile-file").unwrap().attached.unwrap();
    assert!(profile.contains("\nsample-age = 90\n") && page("monitoring").contains("older than 90 s"));
    let limit = sopwatch::commands::REQUEST_TIMEOUT.as_secs();
    let help = unbroken(&sopwatch(&["--help"]).1);
    assert!(
        help.contains(&format!("0 for no limit [default: {limit}s]")),
        "{help}"
    );
}

/// What `check` and `doctor` exit with, and what it means.
const EXIT_CODES: [(u8, &str, Option<&str>); 4] = [
    (0, "nothing wrong", Some("all works")),
    (1, "wait", None),
    (2, "act or escalate", Some("something doesn't work")),
    (3, "unknown", Some("unknown")),
];

#[test]
fn what_check_and_doctor_exit_with_is_the_same_wherever_it_is_said() {
    let listed = |meanings: [Option<&str>; 4]| {
        let codes = EXIT_CODES.map(|(code, ..)| code).into_iter().zip(meanings);
        let said = codes.filter_map(|(code, meaning)| Some(format!("{code} {}", meaning?)));
        said.collect::<Vec<_>>().join(", ")
    };
    let check = listed(EXIT_CODES.map(|(_, check, _)| Some(check)));
    let doctor = listed(EXIT_CODES.map(|(.., doctor)| doctor));
    let help = |command: &str| unbroken(&sopwatch(&[command, "--help"]).1);
    let texts = [
        (
            "sopwatch check --help",
            help("check"),
            format!("Exit codes: {check}"),
        ),
        (
            "sopwatch doctor --help",
            help("doctor"),
            format!("Exit codes: {doctor}"),
        ),
        (
            "scripts.md",
            unbroken(&page("scripts")),
            format!("{check} (all: "),
        ),
        (
            "cluster.md",
            unbroken(&page("cluster")),
            format!("Exit codes: {doctor}."),
        ),
    ];
    for (place, text, says) in texts {
        assert!(text.contains(&says), "{place} does not say: {says}");
    }
    let or_not_run = |code: u8, meaning: &str| match code {
        sopwatch::commands::CHECK_UNKNOWN => format!("{meaning}, or it could not run"),
        _ => meaning.to_owned(),
    };
    let row = |meanings: [Option<&str>; 4]| {
        let codes = EXIT_CODES.map(|(code, ..)| code).into_iter().zip(meanings);
        let cells =
            codes.map(|(code, meaning)| meaning.map_or("–".to_owned(), |said| or_not_run(code, said)));
        cells.collect::<Vec<_>>().join(" | ")
    };
    let exit_codes = page("exit-codes");
    for (command, meanings) in [
        ("check", EXIT_CODES.map(|(_, check, _)| Some(check))),
        ("doctor", EXIT_CODES.map(|(.., doctor)| doctor)),
    ] {
        let says = format!("\n| `{command}` | {} |\n", row(meanings));
        assert!(exit_codes.contains(&says), "exit-codes.md does not say: {says}");
    }
    let rows = EXIT_CODES.map(|(code, check, _)| format!("| {code} | {} |\n", or_not_run(code, check)));
    let usage = sopwatch::cli::USAGE;
    let says = format!(
        "| exit code | meaning |\n|---|---|\n{}| {usage} | wrong command line |\n",
        rows.concat()
    );
    assert!(readme().contains(&says), "README.md does not say: {says}");
    assert!(exit_codes.contains(&format!("\n{usage} is a wrong command line")));
    // And the program does as they say.
    for (advice, meaning) in [
        (Advice::None, "nothing wrong"),
        (Advice::Wait, "wait"),
        (Advice::StartPods, "act or escalate"),
        (Advice::RestartPods, "act or escalate"),
        (Advice::ScaleUp, "act or escalate"),
        (Advice::Escalate, "act or escalate"),
        (Advice::Gather, "unknown"),
    ] {
        let code = exit_status(advice);
        assert_eq!(EXIT_CODES[usize::from(code)].1, meaning, "{advice:?}");
    }
    let (status, _, error) = sopwatch(&["check", "--no-such-option"]);
    assert_eq!(status, i32::from(usage), "{error}");
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
