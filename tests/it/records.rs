//! The record of an incident: killed, gone on with, shared, and without a place to be.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sopwatch::journal::reader::read;
use sopwatch_core::record::{Entry, Line};

use super::support::patience::PATIENCE;
use super::support::pty::Pty;
use super::support::tools;
use super::support::world::World;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

const SCENARIO: &str = include_str!("../../assets/scenarios/no-kafka-leader.toml");

fn console(world: &World, state: &str, more: &[&str]) -> Pty {
    let url = world.drill.database_url();
    let fixed = [
        "--kubeconfig",
        world.kubeconfig(),
        "--sop",
        "kafka-provisioning-latency",
    ];
    let arguments = [&fixed[..], more].concat();
    Pty::start(
        SOPWATCH,
        &arguments,
        &[("XDG_STATE_HOME", state), ("SOPWATCH_DATABASE_URL", &url)],
        (120, 40),
    )
}

fn records(state: &str) -> Vec<PathBuf> {
    let folder = Path::new(state).join("sopwatch/incidents");
    let files = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect()
}

/// Waits until the record says something.
fn until(pty: &mut Pty, file: &Path, what: &str, is_so: impl Fn(&[Line]) -> bool) -> Vec<Line> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let lines = read(file).unwrap().lines;
        if is_so(&lines) {
            return lines;
        }
        assert!(Instant::now() < deadline, "the record never said: {what}");
        // what the console draws has to go somewhere
        if let Ok(bytes) = pty.output.recv_timeout(Duration::from_millis(50)) {
            pty.show(&bytes);
        }
    }
}

fn kill(pty: &mut Pty) {
    let pid = i32::try_from(pty.child.process_id().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    pty.child.wait().unwrap();
}

/// `kubectl` sees the pod ending or gone, and no other.
fn assert_only_ends(world: &World, pod: &str) {
    let asked = [
        "--kubeconfig",
        world.kubeconfig(),
        "get",
        "pods",
        "-o",
        "jsonpath={range .items[*]}{.metadata.name} {.metadata.deletionTimestamp}{\"\\n\"}{end}",
    ];
    let seen = Command::new("kubectl")
        .args(asked)
        .env("HOME", world.folder.path())
        .output()
        .unwrap();
    let seen = String::from_utf8(seen.stdout).unwrap();
    let ending: Vec<&str> = seen
        .lines()
        .filter(|line| !line.ends_with(' '))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        ending.is_empty() && !seen.contains(pod) || ending == [pod],
        "{seen}"
    );
}

#[test]
fn a_console_that_is_killed_after_an_intent_goes_on_and_sees_what_came_of_it() {
    if !tools::has("kubectl") {
        return;
    }
    let world = World::start(SCENARIO);
    let state = world.file("state");
    let mut first = console(&world, &state, &[]);
    first.until_shows("a apply");
    first.type_keys("cit began at lunch\r");
    first.until_shows("note saved");
    first.type_keys("1X");
    first.until_shows("Dry run OK");
    let [file] = &records(&state)[..] else {
        panic!("{:?}", records(&state));
    };
    first.confirm();
    let lines = until(&mut first, file, "an outcome", |lines| {
        lines
            .iter()
            .any(|line| matches!(line.entry, Entry::Outcome { .. }))
    });
    kill(&mut first);
    let Some(Entry::Intent(intent)) = lines
        .iter()
        .map(|line| &line.entry)
        .find(|entry| matches!(entry, Entry::Intent(_)))
    else {
        panic!("no intent");
    };
    let pod = intent.command.object().strip_prefix("pod ").unwrap().to_owned();
    // as if it had been killed before the answer came
    let text = std::fs::read_to_string(file).unwrap();
    let end = text.find(r#""kind":"intent""#).unwrap();
    let end = end + text[end..].find('\n').unwrap() + 1;
    std::fs::write(file, &text[..end + 30]).unwrap();
    let mut second = console(&world, &state, &[]);
    second.until_shows("An incident is open here");
    second.until_shows("1 change to the cluster");
    second.type_keys("\r");
    second.until_shows("resumed, started");
    second.type_keys("I");
    second.until_shows("it began at lunch");
    second.until_shows("applied: the watch shows");
    assert!(file.with_extension("torn").exists());
    assert_only_ends(&world, &pod);
    // a second console on the same record begins one of its own, and says why
    let name = file.file_stem().unwrap().to_str().unwrap();
    let mut third = console(&world, &state, &["--incident", name]);
    third.until_shows("another console writes the record");
    third.type_keys("q");
    third.wait();
    second.type_keys("qe");
    second.until_shows("the report is in");
    second.type_keys("q");
    assert_eq!(second.wait(), 0);
    let contents = read(file).unwrap();
    assert_eq!((contents.broken, contents.torn), (None, None));
    let report = std::fs::read_to_string(file.with_extension("md")).unwrap();
    assert!(
        report.contains("it began at lunch") && report.contains(&pod),
        "{report}"
    );
    let verified = sopwatch(&state, &["incidents", "--verify"]);
    assert!(verified.status.success(), "{verified:?}");
    let replayed = sopwatch(&state, &["replay", name, "--check"]);
    assert!(replayed.status.success(), "{replayed:?}");
    // what was done there can't be followed in another place
    let elsewhere = [
        "--kubeconfig",
        world.kubeconfig(),
        "-n",
        "elsewhere",
        "--incident",
        name,
    ];
    let refused = sopwatch(&state, &elsewhere);
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && why.contains("this console is for"),
        "{why}"
    );
}

#[test]
fn without_a_sop_the_console_asks_and_the_record_says_when_one_was_chosen() {
    let world = World::start(SCENARIO);
    let state = world.file("state");
    let url = world.drill.database_url();
    let mut pty = Pty::start(
        SOPWATCH,
        &["--kubeconfig", world.kubeconfig()],
        &[("XDG_STATE_HOME", &state), ("SOPWATCH_DATABASE_URL", &url)],
        (120, 40),
    );
    pty.until_shows("Choose the SOP of the alert");
    // what each would advise, the right one among them
    pty.until_shows("restart the pods");
    pty.type_keys("\u{1b}");
    pty.until("the picker is closed", |screen| {
        !screen.contents().contains("Choose the SOP of the alert")
    });
    pty.type_keys("1R");
    pty.until_shows("choose an SOP first: s chooses");
    let [file] = &records(&state)[..] else {
        panic!("{:?}", records(&state));
    };
    let name = file.file_stem().unwrap().to_str().unwrap();
    let report = |text: &str| {
        let report = sopwatch(&state, &["report", name]);
        let told = String::from_utf8_lossy(&report.stdout).into_owned();
        assert!(report.status.success() && told.contains(text), "{told}");
    };
    report("unknown: no SOP selected");
    pty.type_keys("sG\u{1b}[A\u{1b}[A");
    pty.until_shows("kafka-provisioning-latency:");
    pty.type_keys("\r");
    pty.until_shows("a apply");
    until(&mut pty, file, "a finding", |lines| {
        lines.iter().any(|line| matches!(line.entry, Entry::Snapshot(_)))
    });
    pty.type_keys("q");
    assert_eq!(pty.wait(), 0);
    report("(SOP kafka-provisioning-latency)");
    let lines = read(file).unwrap().lines;
    let is = |kind: fn(&Entry) -> bool| lines.iter().position(|line| kind(&line.entry));
    let (chosen, found) = (
        is(|entry| matches!(entry, Entry::Sop { .. })),
        is(|entry| matches!(entry, Entry::Snapshot(_))),
    );
    assert!(
        chosen.is_some() && chosen < found,
        "nothing is found by an SOP that nobody chose"
    );
    let replayed = sopwatch(&state, &["replay", name, "--check"]);
    assert!(replayed.status.success(), "{replayed:?}");
    let listed = sopwatch(&state, &["incidents"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("kafka-provisioning-latency"), "{listed}");
}

fn sopwatch(state: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(SOPWATCH);
    command.args(arguments).env("XDG_STATE_HOME", state);
    command.output().unwrap()
}

#[test]
fn where_nothing_can_be_written_nothing_is_changed() {
    let world = World::start(SCENARIO);
    let nowhere = world.file("a-file");
    std::fs::write(&nowhere, "").unwrap();
    let mut pty = console(&world, &nowhere, &[]);
    pty.until_shows("NOT RECORDED");
    pty.until_shows("a apply");
    pty.type_keys("1X");
    pty.until_shows("nothing can be recorded: ");
    pty.confirm();
    pty.type_keys("\u{1b}");
    pty.until_shows("3 Database");
    pty.type_keys("I");
    pty.until_shows("no changes from this console");
    pty.type_keys("qq");
    assert_eq!(pty.wait(), 0);
    let acts = world.drill.audit().borrow().clone();
    assert!(acts.is_empty(), "{acts:?}");
}
