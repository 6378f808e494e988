//! A recorded drill, played on the real screen and judged again without one.

use std::path::PathBuf;
use std::process::Command;

use jiff::SignedDuration;
use sopwatch::journal::index::encoded;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::record::{Entry, Line};
use tempfile::TempDir;

use super::support::pty::Pty;
use super::virtual_time::replayed::recorded;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// How long the drill was watched.
const WATCHED: SignedDuration = SignedDuration::from_secs(15);

fn drill() -> Vec<Line> {
    let text = recorded("no-kafka-leader", WATCHED);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A file of its own with this text.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// Where a replay is and where its record ends, as its line says: `10s of 15s`.
fn position(screen: &vt100::Screen) -> Option<(String, String)> {
    let text = screen.contents();
    let line = text
        .lines()
        .find(|line| line.contains(" of ") && line.contains('×'))?;
    let (before, after) = line.split_once(" of ")?;
    Some((
        before.split_whitespace().next_back()?.to_owned(),
        after.split_whitespace().next()?.to_owned(),
    ))
}

#[test]
fn a_record_plays_stands_steps_and_seeks_on_the_screen() {
    let (_folder, path) = file(&encoded(&drill()).unwrap());
    let mut pty = Pty::start(SOPWATCH, &["replay", path.to_str().unwrap()], &[], (120, 40));
    let at = |place: &'static str| {
        move |screen: &vt100::Screen| position(screen).is_some_and(|(now, _)| now == place)
    };
    pty.until("the record is open", |screen| {
        position(screen).is_some_and(|(_, end)| end.len() == 3 && end.starts_with('1'))
    });
    pty.until_shows("REPLAY");
    let runs = |screen: &vt100::Screen| screen.contents().contains("×1 ") && !at("0s")(screen);
    pty.until("its clock runs", runs);
    pty.type_keys(" 0");
    pty.until("it stands at the beginning", |screen| {
        screen.contents().contains("paused") && at("0s")(screen)
    });
    pty.type_keys(".");
    pty.until_shows("found: ");
    pty.type_keys("0\u{1b}[C");
    pty.until("it stands ten seconds on", at("10s"));
    pty.type_keys("}");
    pty.until("it stands at the end", |screen| {
        position(screen).is_some_and(|(now, end)| now == end)
    });
    pty.type_keys("{");
    pty.until("it stands at the beginning again", at("0s"));
    pty.type_keys("r");
    pty.until_shows("replay: actions are disabled");
    pty.type_keys("$D");
    pty.until_shows("findings match");
    pty.type_keys("qq");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn a_check_without_a_screen_says_whether_all_is_as_recorded() {
    let lines = drill();
    let record = encoded(&lines).unwrap();
    let doctored = encoded(&doctored(lines)).unwrap();
    let torn = format!("{record}{{\"chain\":\"0123");
    let middle = record.lines().nth(record.lines().count() / 2).unwrap();
    let broken = record.replacen(middle, &middle.replacen("\"at\"", "\"At\"", 1), 1);
    let cases: [(&str, &str, i32, &[&str]); 4] = [
        ("as it was", &record, 0, &[" match"]),
        (
            "doctored",
            &doctored,
            1,
            &["recommendation", "recorded  run more pods", "1 differ"],
        ),
        ("torn", &torn, 0, &["the last line is incomplete", " match"]),
        ("broken", &broken, 1, &["is damaged"]),
    ];
    for (what, text, status, words) in cases {
        let (_folder, path) = file(text);
        let output = Command::new(SOPWATCH)
            .arg("replay")
            .arg(&path)
            .arg("--check")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(status), "{what}: {said}");
        for word in words {
            assert!(said.contains(word), "{what}: `{word}` is missing in\n{said}");
        }
    }
    let output = Command::new(SOPWATCH)
        .args(["replay", "nowhere", "--check"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no record nowhere"));
}

/// The record, with another advice in its first finding.
fn doctored(mut lines: Vec<Line>) -> Vec<Line> {
    let found = lines.iter_mut().find_map(|line| match &mut line.entry {
        Entry::Snapshot(found) => Some(found),
        _ => None,
    });
    found.unwrap().recommendation.action = Advice::ScaleUp;
    lines
}
