//! A recorded drill, played on the real screen and judged anew without one.

use std::path::PathBuf;
use std::process::Command;

use jiff::SignedDuration;
use serde_json::Value;
use tempfile::TempDir;

use super::support::pty::Pty;
use super::virtual_time::replayed::recorded;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// How long the drill was watched.
const WATCHED: SignedDuration = SignedDuration::from_secs(75);

fn drill() -> String {
    recorded("no-kafka-leader", WATCHED)
}

/// A file of its own with this text.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn a_record_plays_stands_steps_and_seeks_on_the_screen() {
    let (_folder, path) = file(&drill());
    let mut pty = Pty::start(SOPWATCH, &["replay", path.to_str().unwrap()], &[], (120, 40));
    let at = |place: &'static str| move |screen: &vt100::Screen| screen.contents().contains(place);
    pty.until("the record is open", at(" of 00:01:1"));
    pty.until_shows("REPLAY");
    let runs = |screen: &vt100::Screen| {
        let text = screen.contents();
        text.contains("×1 ") && !text.contains("00:00:00 of")
    };
    pty.until("its clock runs", runs);
    pty.type_keys(" 0");
    pty.until("it stands at the beginning", |screen| {
        at("paused")(screen) && at("00:00:00 of")(screen)
    });
    pty.type_keys(".");
    pty.until_shows("found: ");
    pty.type_keys("0\u{1b}[C");
    pty.until_shows("00:00:10 of");
    pty.type_keys("}");
    pty.until_shows("00:01:10 of");
    pty.type_keys("{");
    pty.until_shows("00:00:10 of");
    pty.type_keys("r");
    pty.until_shows("this is a replay");
    pty.type_keys("$D");
    pty.until_shows("all as recorded");
    pty.type_keys("qq");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn a_check_without_a_screen_says_whether_all_is_as_recorded() {
    let record = drill();
    let doctored = doctored(&record);
    let torn = format!("{record}{{\"at\":\"2026-11-22T0");
    let middle = record.lines().count() / 2;
    let broken: String = record
        .lines()
        .enumerate()
        .map(|(index, line)| {
            if index == middle {
                "{}\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    let cases: [(&str, &str, i32, &[&str]); 4] = [
        ("as it was", &record, 0, &["all as recorded"]),
        (
            "doctored",
            &doctored,
            1,
            &["recommendation", "recorded  run more pods", "1 differ"],
        ),
        (
            "torn",
            &torn,
            0,
            &["the last line was not written whole: 21 bytes", "all as recorded"],
        ),
        (
            "broken",
            &broken,
            1,
            &["the record is broken at line", "all as recorded"],
        ),
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
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no record `nowhere`"));
}

/// The record, with another advice in its first finding.
fn doctored(record: &str) -> String {
    let line = record
        .lines()
        .find(|line| line.contains(r#""kind":"found""#))
        .unwrap();
    let mut value: Value = serde_json::from_str(line).unwrap();
    value["entry"]["what"]["recommendation"]["action"] = "scale-up".into();
    record.replacen(line, &value.to_string(), 1)
}
