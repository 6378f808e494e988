//! A drill as a newcomer takes it: the list, a file of one's own, hints, an answer, `kubectl` beside it, the debriefing.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sopwatch::commands;
use sopwatch::config::profiles;
use sopwatch_drill::Scenario;

use super::support::pty::Pty;
use super::support::tools;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");
const DRILL_ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn sopwatch(arguments: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(SOPWATCH);
    command.args(arguments).env_clear().env("HOME", home.path());
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Runs kubectl on a drill; `None` where it is not installed.
fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Option<String> {
    if !tools::has("kubectl") {
        return None;
    }
    // what it caches goes nowhere else
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("kubectl");
    command
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", home.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn first_pod(kubeconfig: &Path) -> Option<String> {
    let names = kubectl(kubeconfig, &["get", "pods", "-o", "name"])?;
    names.lines().next().map(str::to_owned)
}

/// The kubeconfig of the drill that keeps its files in this folder, beside whatever else is there.
fn kubeconfig_in(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files = entries.map(|entry| entry.unwrap().path().join("kubeconfig"));
    files.find(|file| file.exists()).unwrap()
}

#[test]
fn the_scenarios_are_listed_completed_and_those_like_a_wrong_name_suggested() {
    let (status, list, _) = sopwatch(&["drill", "--list"]);
    let (_, short, _) = sopwatch(&["drill", "--list", "--short"]);
    let (_, bash, _) = sopwatch(&["completions", "bash"]);
    assert_eq!(status, 0);
    for id in commands::scenario_ids() {
        for (what, text) in [("list", &list), ("short list", &short), ("completions", &bash)] {
            assert!(text.contains(&id), "{id} is not in the {what}");
        }
    }
    let (status, out, error) = sopwatch(&["drill", "no-kafka-laeder"]);
    assert_eq!((status, out.as_str()), (64, ""), "{error}");
    assert!(error.contains("did you mean `no-kafka-leader`?"), "{error}");
}

#[test]
fn without_a_name_a_scenario_is_chosen_and_the_first_enter_starts_an_incident() {
    let mut pty = Pty::start(SOPWATCH, &["drill"], &[], (120, 40));
    pty.until_shows("choose a scenario");
    pty.until("the chosen scenario and its story are shown", |screen| {
        let shown = screen.contents();
        shown.contains("no-kafka-leader") && shown.contains("All three pods are healthy")
    });
    pty.type_keys("\r");
    pty.until("the console has begun", |screen| {
        let shown = screen.contents();
        shown.contains("DRILL") && !shown.contains("choose a scenario")
    });
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    assert!(!pty.screen().alternate_screen());
    let raw = String::from_utf8_lossy(&pty.raw).into_owned();
    assert!(
        raw.contains("# Debriefing: No Kafka leader"),
        "the debriefing is printed"
    );
}

#[test]
fn a_scenario_is_found_by_a_part_of_its_name_in_a_narrow_pane() {
    let mut pty = Pty::start(SOPWATCH, &["drill"], &[], (60, 24));
    pty.until_shows("choose a scenario");
    pty.type_keys("/quota");
    pty.until("only what was typed for is shown", |screen| {
        let shown = screen.contents();
        shown.contains("api-down-quota") && !shown.contains("no-kafka-leader")
    });
    pty.type_keys("\r");
    pty.until("the console has begun", |screen| {
        let shown = screen.contents();
        shown.contains("DRILL") && !shown.contains("choose a scenario")
    });
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn leaving_the_list_of_scenarios_gives_the_terminal_back() {
    let is_given_back = |pty: &Pty| !pty.screen().alternate_screen() && !pty.screen().hide_cursor();
    for keys in ["q", "\u{3}"] {
        let mut pty = Pty::start(SOPWATCH, &["drill"], &[], (80, 24));
        pty.until_shows("choose a scenario");
        pty.type_keys(keys);
        assert_eq!(pty.wait(), 0, "{keys:?}");
        assert!(is_given_back(&pty), "{keys:?}");
    }
    let mut pty = Pty::start(SOPWATCH, &["drill"], &[], (80, 24));
    pty.until_shows("choose a scenario");
    let pid = i32::try_from(pty.child.process_id().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    assert_eq!(pty.wait(), 143);
    assert!(is_given_back(&pty));
}

/// The part of the guide that is played step by step.
fn walk_through() -> String {
    let page = std::fs::read_to_string(format!("{DRILL_ROOT}/src/sopwatch/guide/drills.md")).unwrap();
    let (_, part) = page.split_once("## A drill, step by step").unwrap();
    part.split("\n## ").next().unwrap().to_owned()
}

#[test]
fn the_walk_through_of_the_guide_shows_the_words_that_it_quotes() {
    let page = walk_through();
    let arguments = ["drill", "no-kafka-leader", "--speed", "20"];
    let mut pty = Pty::start(SOPWATCH, &arguments, &[], (120, 60));
    // keys, what the screen shows then, and the part of the guide that says so
    let steps = [
        ("i", "KUBECONFIG", "Press `i`"),
        ("q", "YOUR CALL FIRST", "**YOUR CALL FIRST**"),
        ("H", "Hints  1 of ", "`H` gives a hint"),
        ("qT", "What would you do?", "`T` asks what you would do"),
        ("\r", "Enter again to confirm", "press `enter` twice"),
        ("\r", "RESTART", "Now the bar shows what the console recommends"),
        ("1R", "Dry run OK", "`1` for the Pods pane, `R`"),
        ("\u{1b}[C\r", "ELECTING", "**ELECTING**"),
        ("D", "Debriefing", "`D` shows the debriefing"),
    ];
    let mut rest = page.as_str();
    for (keys, shown, quoted) in steps {
        let at = rest.find(quoted);
        let at = at.unwrap_or_else(|| panic!("`{quoted}` is not in its place in the walk-through"));
        // What stands in one sentence may be quoted twice.
        rest = &rest[at..];
        pty.type_keys(keys);
        pty.until_shows(shown);
    }
    // The first closes the debriefing; while pods are being restarted the next one only warns.
    pty.type_keys("qqq");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn after_a_deletion_by_kubectl_the_bar_waits_as_the_guide_says() {
    assert!(walk_through().contains("the bar says **WAIT**"));
    let folder = tempfile::tempdir().unwrap();
    let variables = [("TMPDIR", folder.path().to_str().unwrap())];
    let mut pty = Pty::start(SOPWATCH, &["drill", "no-kafka-leader"], &variables, (120, 60));
    pty.until_shows("YOUR CALL FIRST");
    pty.type_keys("V");
    pty.until_shows("RESTART");
    let kubeconfig = kubeconfig_in(folder.path());
    if let Some(pod) = first_pod(&kubeconfig) {
        kubectl(&kubeconfig, &["delete", &pod, "--wait=false"]);
        pty.until_shows("WAIT");
        // "top" is one of the commands that work.
        kubectl(&kubeconfig, &["top", "pods"]);
    }
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn a_scenario_of_ones_own_is_opened_and_its_mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let path = file.to_str().unwrap();
    let text = "id = 'mine'\ntitle = 'My own title'\nstory = 's'\nsop = 'api-down'\n";
    std::fs::write(&file, text).unwrap();
    let picture = folder.path().join("picture.svg");
    let arguments = [
        "drill",
        path,
        "--screenshot",
        picture.to_str().unwrap(),
        "--keys",
        "?",
    ];
    let (status, _, error) = sopwatch(&arguments);
    assert_eq!(status, 0, "{error}");
    let picture = std::fs::read_to_string(picture).unwrap();
    assert!(picture.contains("My own title") && picture.contains("all keys"));
    assert!(
        !picture.contains("hint"),
        "it teaches nothing, so its keys are not there"
    );
    std::fs::write(&file, format!("{text}[service]\nverbosty = 1\n")).unwrap();
    let (status, out, error) = sopwatch(&["drill", path]);
    assert_eq!((status, out.as_str()), (1, ""));
    for word in [
        &format!("{path}:6: service.verbosty"),
        "did you mean `verbosity`?",
    ] {
        assert!(error.contains(word), "{word} is missing in\n{error}");
    }
}

#[test]
fn a_drill_is_taken_with_hints_an_answer_and_kubectl_and_ends_with_its_debriefing() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("TMPDIR", folder.path().to_str().unwrap())];
    let mut pty = Pty::start(SOPWATCH, &["drill", "all-well"], &variables, (120, 60));
    pty.until_shows("3 of 3 ready");
    let kubeconfig = kubeconfig_in(folder.path());
    pty.type_keys("H");
    pty.until_shows("Hints  1 of ");
    pty.type_keys("qT");
    pty.until_shows("What would you do?");
    pty.type_keys("\r");
    pty.until_shows("Enter again to confirm: do nothing");
    pty.type_keys("\r");
    pty.until_shows("answer saved: do nothing");
    let deleted = first_pod(&kubeconfig);
    if let Some(pod) = &deleted {
        kubectl(&kubeconfig, &["delete", pod, "--wait=false"]);
        pty.type_keys("D");
        pty.until_shows("kubectl deleted pod");
        pty.type_keys("q");
    }
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    assert!(!pty.screen().alternate_screen());
    let raw = String::from_utf8_lossy(&pty.raw).into_owned();
    let (_, told) = raw.rsplit_once("\u{1b}[?1049l").unwrap();
    for text in ["# Debriefing: All is well", "do nothing: right", "Hints: 1 of "] {
        assert!(told.contains(text), "`{text}` is missing in\n{told}");
    }
    if deleted.is_some() {
        assert!(told.contains("– harmful: a"), "{told}");
    }
}

#[test]
fn without_a_screen_the_debriefing_follows_the_interrupt() {
    let mut child = Command::new(SOPWATCH)
        .args(["drill", "all-well", "--serve"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    out.read_line(&mut lines).unwrap();
    let kubeconfig = lines.trim().strip_prefix("export KUBECONFIG='").unwrap();
    let kubeconfig = PathBuf::from(kubeconfig.trim_end_matches('\''));
    let deleted = first_pod(&kubeconfig);
    if let Some(pod) = &deleted {
        kubectl(&kubeconfig, &["delete", pod, "--wait=false"]);
    }
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(rest.contains("# Debriefing: All is well"), "{rest}");
    if deleted.is_some() {
        assert!(rest.contains("kubectl deleted pod"), "{rest}");
    }
}

/// Where keys are read, each as a scenario that has a key there which does not exist: the error names those that do.
const TABLES: &[(&str, &str)] = &[
    ("the top", "zzz = 1\n"),
    ("deployment", "[deployment]\nzzz = 1\n"),
    ("deployment.strategy", "[deployment]\nstrategy = 'zzz'\n"),
    ("registry", "[registry]\nzzz = 1\n"),
    ("releases", "[releases]\nzzz = 1\n"),
    ("rights", "[rights]\nzzz = 1\n"),
    ("service", "[service]\nzzz = 1\n"),
    ("database", "[database]\nzzz = 1\n"),
    ("database.clusters", "[[database.clusters]]\nzzz = 1\n"),
    ("database.kafkas", "[[database.kafkas]]\nzzz = 1\n"),
    ("database.leases", "[[database.leases]]\nzzz = 1\n"),
    (
        "database.clusters.stamp",
        "[[database.clusters]]\nstamp = 'zzz'\n",
    ),
    ("timeline", "[[timeline]]\nzzz = 1\n"),
    (
        "timeline.cluster",
        "[[timeline]]\nat = '1s'\ncluster = { zzz = true }\n",
    ),
    (
        "timeline.service",
        "[[timeline]]\nat = '1s'\nservice = { zzz = true }\n",
    ),
    (
        "timeline.service.ocm",
        "[[timeline]]\nat = '1s'\nservice = { ocm = 'zzz' }\n",
    ),
    (
        "timeline.service.recovers",
        "[[timeline]]\nat = '1s'\nservice = { recovers = 'zzz' }\n",
    ),
    (
        "timeline.service.start_fails",
        "[[timeline]]\nat = '1s'\nservice = { start_fails = 'zzz' }\n",
    ),
    ("timeline.database", "[[timeline]]\nat = '1s'\ndatabase = 'zzz'\n"),
    ("timeline.api", "[[timeline]]\nat = '1s'\napi = 'zzz'\n"),
    ("reaction", "[[reaction]]\nzzz = 1\n"),
    ("expect", "[[expect]]\nzzz = 1\n"),
    (
        "expect.recommendation",
        "[[expect]]\nat = '1s'\nrecommendation = { zzz = 1 }\n",
    ),
    ("alert", "[[alert]]\nzzz = 1\n"),
    (
        "alert.silenced",
        "[[alert]]\nname = 'ManagedServicesApiDown'\nsilenced = { zzz = 1 }\n",
    ),
    ("issue", "[[issue]]\nzzz = 1\n"),
    ("lesson", "[lesson]\nzzz = 1\n"),
    ("lesson.answer", "[lesson]\nanswer = { zzz = 1 }\n"),
];

#[test]
fn the_sample_scenario_is_right_and_has_every_key() {
    let file = format!("{DRILL_ROOT}/config/scenario.toml");
    let sample = std::fs::read_to_string(&file).unwrap();
    let profile = profiles::built_in("managed-services-api").unwrap().unwrap();
    commands::read_scenario(&file, &sample, &profile).unwrap_or_else(|problem| panic!("{problem}"));
    let words: BTreeSet<&str> = sample
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-')
        .collect();
    let least = "id = 'x'\ntitle = 't'\nstory = 's'\nsop = 'api-down'\n";
    for (table, text) in TABLES {
        let text = if *table == "the top" {
            format!("{text}{least}")
        } else {
            format!("{least}{text}")
        };
        let error = Scenario::parse("f", &text).unwrap_err().to_string();
        let (_, known) = error
            .split_once("expected")
            .unwrap_or_else(|| panic!("{table}: {error}"));
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        assert!(!known.is_empty(), "{table}: {error}");
        let missing: Vec<_> = known.iter().filter(|key| !words.contains(**key)).collect();
        assert!(
            missing.is_empty(),
            "config/scenario.toml says nothing of {missing:?} of {table}"
        );
    }
}

#[test]
fn on_a_fast_clock_the_sources_stay_current() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("picture.svg");
    let file = picture.to_str().unwrap();
    let (status, _, error) = sopwatch(&["drill", "all-well", "--speed", "20", "--screenshot", file]);
    assert_eq!(status, 0, "{error}");
    let picture = std::fs::read_to_string(picture).unwrap();
    // The picture is taken some seconds after the last step was answered: minutes by this clock.
    assert!(picture.contains("DRILL") && picture.contains("3 of 3 ready"));
    assert!(!picture.contains("stale"));
}
