//! A console that is killed at any write of an incident: nothing that was written is lost, and what goes on with it finds the truth.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jiff::SignedDuration;
use sopwatch::journal::{index, reader};
use sopwatch_console::app::{App, Phase};
use sopwatch_console::dialogs::Dialog;
use sopwatch_core::record::{Entry, Line};
use sopwatch_core::remediate::command::{Command, CommandOutcome};

use crate::support::virtual_console::VirtualConsole;
use crate::support::virtual_disk::began;
use crate::support::virtual_time::{self, Breath};

/// A restart of all pods may be walked for so long; then it is over.
const OVER_AT: SignedDuration = SignedDuration::from_mins(8);

/// What a command without an outcome may take until the watch has told.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(40);

/// How often it is looked whether it is over.
const LOOK: SignedDuration = SignedDuration::from_secs(15);

/// So long after the end nothing else may happen.
const AFTERWARDS: SignedDuration = SignedDuration::from_secs(30);

/// Far more writes than an incident has.
const MOST_WRITES: usize = 2_000;

#[test]
fn a_console_that_is_killed_at_any_write_loses_nothing_and_is_gone_on_with() {
    let (next, over) = (AtomicUsize::new(1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let write = next.fetch_add(1, Ordering::Relaxed);
                    assert!(write < MOST_WRITES, "an incident without an end");
                    if !virtual_time::run(|breath| async move { killed_at(write, &breath).await }) {
                        over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let writes = next.load(Ordering::Relaxed);
    assert!(writes > 40, "only {writes} writes were met");
}

/// Whether the incident has so many writes.
async fn killed_at(write: usize, breath: &Breath) -> bool {
    let scenario = sopwatch_drill::scenario("no-kafka-leader").unwrap();
    let mut console = VirtualConsole::start(scenario, 1, breath).await;
    let first = began(console.app());
    let recorded = console.record();
    console.run_until(SignedDuration::from_secs(20)).await;
    let before = console.living().await;
    console.kill_at_write(write);
    console.press("c p a g e d enter 4 G space s e e n enter 1 R");
    console.run_until(SignedDuration::from_secs(22)).await;
    console.confirm();
    console.run_until(OVER_AT).await;
    if !console.is_killed() {
        return false;
    }
    let mut lines = vec![first];
    lines.extend(recorded.lock().unwrap().clone());
    let killed_at = lines.last().unwrap().at.duration_since(lines[0].at);
    assert_eq!(on_disk(&lines), lines, "killed at write {write}");

    console.go_on_with(lines.clone());
    knows(console.app(), &lines, write);
    console.run_until(killed_at + SEEN_WITHIN).await;
    knows(console.app(), &lines, write);
    let after = console.living().await;
    let mut deleted = BTreeSet::new();
    for change in &console.app().remediation.commands {
        let (Command::DeletePod { uid, .. }, Some((_, outcome))) = (&change.intent.command, &change.outcome)
        else {
            panic!("killed at write {write}: {}", change.words());
        };
        let there = after.contains(uid.0.as_str());
        match outcome {
            CommandOutcome::Applied { .. } => assert!(!there, "killed at write {write}: {}", change.words()),
            CommandOutcome::Failed { .. } => assert!(there, "killed at write {write}: {}", change.words()),
            other => panic!("killed at write {write}: {other:?}"),
        }
        deleted.insert(uid.0.as_str().to_owned());
    }
    let mut at = killed_at + SEEN_WITHIN;
    while !has_ended(console.app()) && at < killed_at + OVER_AT {
        at += LOOK;
        console.run_until(at).await;
    }
    console.run_until(at + AFTERWARDS).await;
    has_seen_the_end(console.app(), write);
    let after = console.living().await;
    let untouched: Vec<&String> = before.iter().filter(|uid| !deleted.contains(*uid)).collect();
    assert!(
        untouched.iter().all(|uid| after.contains(*uid)),
        "killed at write {write}: what nobody confirmed is gone"
    );
    true
}

/// Whether no change is watched any more.
fn has_ended(app: &App) -> bool {
    let watched = app
        .remediation
        .commands
        .iter()
        .rfind(|change| change.may_have_happened());
    watched.is_none_or(|change| change.stages.iter().any(|(_, _, good)| good.is_some()))
}

/// What was done is watched to its end, and nothing more is sent.
fn has_seen_the_end(app: &App, write: usize) {
    let Some(last) = app
        .remediation
        .commands
        .iter()
        .rfind(|change| change.may_have_happened())
    else {
        return;
    };
    let mut ends = last.stages.iter().filter(|(_, _, good)| good.is_some());
    let Some((_, words, good)) = ends.next_back() else {
        panic!("killed at write {write}: {:?}", last.stages);
    };
    // Of a part nobody says that it worked.
    let whole = last.not_sent() == 0;
    assert_eq!(*good, Some(whole), "killed at write {write}: {words}");
    assert_eq!(
        words.contains("pods restarted; "),
        !whole,
        "killed at write {write}: {words}"
    );
    assert!(
        whole || !words.contains("it worked"),
        "killed at write {write}: {words}"
    );
}

/// What is read again of a record whose next line was torn.
fn on_disk(lines: &[Line]) -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.jsonl");
    let text = index::encoded(lines).unwrap() + r#"{"at":"2026-11-22T09:0"#;
    std::fs::write(&file, text).unwrap();
    let contents = reader::read(&file).unwrap();
    assert!(contents.torn.is_some() && contents.broken.is_none());
    contents.lines
}

/// The console knows what the operator did in these lines, and nothing else was done.
fn knows(app: &App, lines: &[Line], write: usize) {
    assert_eq!(app.session.started_at, lines[0].at, "killed at write {write}");
    let count = |is: fn(&Entry) -> bool| lines.iter().filter(|line| is(&line.entry)).count();
    let told = (
        count(|entry| matches!(entry, Entry::Note { .. })),
        count(|entry| matches!(entry, Entry::Ticked { .. })),
        count(|entry| matches!(entry, Entry::Intent(_))),
    );
    let known = (
        app.incident.notes.len(),
        app.checklist.ticks.len(),
        app.remediation.commands.len(),
    );
    assert_eq!(known, told, "killed at write {write}: notes, ticks and changes");
}

/// Confirms what is asked.
fn confirm(console: &mut VirtualConsole) {
    console.confirm();
}

#[test]
fn one_key_restarts_the_pods_that_a_console_left_when_it_was_killed() {
    virtual_time::run(|breath| async move {
        let scenario = sopwatch_drill::scenario("no-kafka-leader").unwrap();
        let mut console = VirtualConsole::start(scenario, 1, &breath).await;
        let first = began(console.app());
        let recorded = console.record();
        console.run_until(SignedDuration::from_secs(20)).await;
        let before = console.living().await;
        console.press("1 R");
        console.run_until(SignedDuration::from_secs(22)).await;
        confirm(&mut console);
        console.run_until(SignedDuration::from_secs(24)).await;
        let mut lines = vec![first];
        lines.extend(recorded.lock().unwrap().clone());
        console.go_on_with(lines);
        console.run_until(SignedDuration::from_secs(30)).await;
        let words = console.app().interrupted_words();
        assert_eq!(
            words.as_deref(),
            Some("restart interrupted: 2 of 3 pods not restarted")
        );
        // The usual gate: not before the first has settled.
        console.press("U");
        let refusals = |console: &VirtualConsole| match console.app().dialog() {
            Some(Dialog::Confirm(confirm)) => confirm.gate.refusals.join("; "),
            other => panic!("{other:?}"),
        };
        assert!(!refusals(&console).is_empty());
        console.press("esc");
        console.run_until(SignedDuration::from_mins(6)).await;
        console.press("U");
        assert_eq!(refusals(&console), "");
        console.run_until(SignedDuration::from_secs(362)).await;
        confirm(&mut console);
        console.run_until(SignedDuration::from_mins(16)).await;
        let walk = console.app().remediation.execution.clone().unwrap();
        assert_eq!((walk.sent, walk.confirmed), (2, 2), "{}", walk.words);
        assert_eq!(walk.phase, Phase::Over(Some(true)), "{}", walk.words);
        let after = console.living().await;
        assert!(before.is_disjoint(&after), "every pod is another");
        assert_eq!(console.app().interrupted_words(), None);
    });
}
