//! What a record survives: being cut anywhere, a changed byte, a full disk, a second console.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{oneshot, watch};

use super::chain::START;
use super::index;
use super::index::encoded;
use super::reader::{parse, read};
use super::writer::{Disk, RecordWriter as DiskWriter};
use super::{NewRecord, OpenMode, RecordHandle, WriteRequest, WriteState, is_in_use, open};
use crate::patience::Deadline;
use sopwatch_core::observe::observation::{Observation, PodUid};
use sopwatch_core::observe::source::{SourceId, SourceState};
use sopwatch_core::record::{Began, Entry, Intent, Line, VERSION, Writer};
use sopwatch_core::remediate::command::{Command, CommandOutcome, PlanKind};
use sopwatch_core::testkit::{ago, now, profile};

fn by(user: &str) -> Writer {
    Writer {
        user: user.into(),
        host: "bastion".into(),
        pid: 7,
        version: "1".to_owned(),
    }
}

fn line(seconds: i64, entry: Entry) -> Line {
    Line {
        at: ago(1_000 - seconds),
        entry,
    }
}

fn began(drill: Option<&str>) -> Line {
    let began = Began {
        record: VERSION,
        by: by("anna"),
        profile: profile(),
        environment: None,
        namespace: "msa-stage".to_owned(),
        server: "https://api.stage:6443".into(),
        sop: "api-down".to_owned(),
        drill: drill.map(str::to_owned),
        speed: None,
        read_only: false,
    };
    line(0, Entry::Began(Box::new(began)))
}

fn note(seconds: i64, text: &str) -> Line {
    line(seconds, Entry::Note { text: text.into() })
}

/// A short incident: what was seen, an intent, its outcome, what the operator wrote.
fn incident() -> Vec<Line> {
    let command = Command::DeletePod {
        pod: "msa-x-2mgcp".into(),
        uid: PodUid("2mgcp".into()),
    };
    let intent = Intent {
        id: 1,
        command,
        aim: PlanKind::RestartPod,
        cause: Some("no-leader".to_owned()),
        user: "oncall@example.com".into(),
        part: None,
        advice: None,
        rest: Vec::new(),
    };
    let outcome = CommandOutcome::Applied {
        how: "accepted by the server".into(),
    };
    vec![
        began(None),
        line(
            1,
            Entry::Observation(Box::new(Observation::Source(SourceId::Pods, SourceState::Live))),
        ),
        line(2, Entry::Intent(Box::new(intent))),
        line(3, Entry::Outcome { id: 1, outcome }),
        note(4, "a Pod is new"),
        line(5, Entry::LeftOut { records: 3 }),
    ]
}

fn new(folder: &Path, name: &str, began: Line) -> OpenMode {
    OpenMode::New(NewRecord {
        folder: folder.to_owned(),
        name: name.to_owned(),
        began,
    })
}

fn old(file: &Path, seconds: i64) -> OpenMode {
    OpenMode::Resume {
        file: file.to_owned(),
        joined: line(seconds, Entry::Joined(by("berta"))),
        otherwise: NewRecord {
            folder: file.parent().unwrap().to_owned(),
            name: "another".to_owned(),
            began: began(None),
        },
    }
}

/// Writes lines into a record and waits until it is closed.
fn write(mode: OpenMode, lines: Vec<Line>) -> super::OpenedRecord {
    let RecordHandle {
        mut journal,
        opened,
        thread,
        ..
    } = open(mode);
    let opened = opened.blocking_recv().unwrap();
    journal.write(lines);
    drop(journal);
    thread.join().unwrap();
    opened
}

#[test]
fn a_record_that_is_cut_anywhere_keeps_every_whole_line_and_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let text = encoded(&incident()).unwrap();
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    // every byte but the long first line's, of which the last thousand will do
    for cut in ends[0] - 1_000..=text.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let contents = parse(&text.as_bytes()[..cut]);
        assert_eq!(contents.lines, incident()[..whole], "cut at {cut}");
        assert_eq!(contents.broken, None, "cut at {cut}");
        assert_eq!(contents.torn.is_some(), !ends.contains(&cut), "cut at {cut}");
    }
    for cut in ends.iter().flat_map(|end| [end - 1, *end, end + 40]) {
        let cut = cut.min(text.len());
        let whole = ends.iter().filter(|end| **end <= cut).count();
        if whole == 0 {
            continue;
        }
        let file = folder.path().join(format!("at-{cut}.jsonl"));
        fs::write(&file, &text.as_bytes()[..cut]).unwrap();
        let opened = write(old(&file, 10), vec![note(11, "and on")]);
        assert_eq!((opened.file.as_path(), &opened.instead), (file.as_path(), &None));
        assert_eq!(opened.lines, incident()[..whole]);
        let contents = read(&file).unwrap();
        assert_eq!((contents.broken, contents.torn), (None, None), "cut at {cut}");
        assert_eq!(contents.lines.len(), whole + 2);
        let torn = fs::read(file.with_extension("torn")).unwrap_or_default();
        let expected = &text.as_bytes()[ends[whole - 1]..cut];
        assert_eq!(torn.strip_suffix(b"\n").unwrap_or(&torn), expected);
    }
}

#[test]
fn a_changed_byte_is_found_in_its_line() {
    let text = encoded(&incident()).unwrap();
    let mut number = 1;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\n' {
            number += 1;
            continue;
        }
        // of the long first line every hundredth byte
        if number == 1 && at > 200 && !at.is_multiple_of(100) {
            continue;
        }
        let mut changed = text.clone().into_bytes();
        changed[at] = if byte == b'0' { b'1' } else { b'0' };
        let broken = parse(&changed).broken;
        assert_eq!(broken.map(|broken| broken.line), Some(number), "byte {at}");
    }
}

#[test]
fn a_line_that_is_missing_or_in_another_place_is_found() {
    let text = encoded(&incident()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for gone in 0..lines.len() - 1 {
        let mut rest = lines.clone();
        rest.remove(gone);
        let broken = parse(rest.concat().as_bytes()).broken.unwrap();
        assert_eq!(broken.line, gone + 1);
        let mut swapped = lines.clone();
        swapped.swap(gone, gone + 1);
        let broken = parse(swapped.concat().as_bytes()).broken.unwrap();
        assert_eq!(broken.line, gone + 1);
    }
}

#[test]
fn only_its_owner_reads_a_record_and_its_folder() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("state/incidents");
    let opened = write(new(&folder, "one", began(None)), incident()[1..].to_vec());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&opened.file), mode(&folder)), (0o600, 0o700));
    assert_eq!(read(&opened.file).unwrap().lines, incident());
    // a name that is taken is not written over
    let second = write(new(&folder, "one", began(None)), Vec::new());
    assert_eq!(second.file.file_name().unwrap(), "one-2.jsonl");
}

#[test]
fn a_copy_is_closed_to_others_when_it_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copied.jsonl");
    fs::write(&file, encoded(&incident()).unwrap()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    write(old(&file, 10), Vec::new());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_copy_with_other_line_ends_is_told_so() {
    let text = encoded(&incident()).unwrap().replace('\n', "\r\n");
    let broken = parse(text.as_bytes()).broken.unwrap();
    assert_eq!(broken.line, 1);
    assert!(broken.why.contains("copy the file again"), "{}", broken.why);
}

#[test]
fn a_second_console_begins_a_record_of_its_own_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(new(folder.path(), "one", began(None)));
    let file = first.opened.blocking_recv().unwrap().file;
    let second = write(old(&file, 10), vec![note(11, "from the second")]);
    assert_eq!(second.file.file_name().unwrap(), "another.jsonl");
    let why = second.instead.unwrap();
    assert!(why.contains("another console writes the record"), "{why}");
    assert!(is_in_use(&file));
    drop(first.journal);
    first.thread.join().unwrap();
    assert!(!is_in_use(&file));
    assert_eq!(read(&file).unwrap().lines, [began(None)]);
}

#[test]
fn a_record_that_breaks_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.jsonl");
    let text = encoded(&incident())
        .unwrap()
        .replace("a Pod is new", "a Pod is old");
    fs::write(&file, &text).unwrap();
    let opened = write(old(&file, 10), Vec::new());
    let why = opened.instead.unwrap();
    assert!(why.contains("line 5 is damaged"), "{why}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "it is left as it is");
}

#[test]
fn a_record_of_a_newer_format_is_neither_believed_nor_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("newer.jsonl");
    let mut lines = incident();
    if let Entry::Began(began) = &mut lines[0].entry {
        began.record += 1;
    }
    let text = encoded(&lines).unwrap();
    fs::write(&file, &text).unwrap();
    let contents = read(&file).unwrap();
    assert!(contents.lines.is_empty());
    let integrity_warning = contents.integrity_warning().unwrap();
    assert!(
        integrity_warning.contains(&format!("its format is {}", VERSION + 1)),
        "{integrity_warning}"
    );
    assert!(index::close(&file, ago(0), by("anna")).is_err());
    assert!(write(old(&file, 10), Vec::new()).instead.is_some());
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn of_several_open_incidents_the_newest_is_offered_and_the_others_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, lines: &[Line]| {
        let file = folder.path().join(format!("{name}.jsonl"));
        fs::write(&file, encoded(lines).unwrap()).unwrap();
        file
    };
    let open = || {
        let server = "https://api.stage:6443";
        index::open_for(folder.path(), server, "msa-stage", "managed-services-api", now())
    };
    let names =
        |all: &[index::RecordSummary]| -> Vec<String> { all.iter().map(|one| one.name.clone()).collect() };
    make("changed", &incident());
    let newest = make("newest", &[began(None), note(100, "later")]);
    let found = open();
    assert_eq!(found.newest.as_ref().unwrap().name, "newest");
    assert_eq!(names(&found.others), ["changed"]);
    let (_, words) = found.others[0].last_change.clone().unwrap();
    assert!(
        words.starts_with("delete pod msa-x-2mgcp for rule no-leader: applied"),
        "{words}"
    );
    let writing = fs::File::open(&newest).unwrap();
    writing.try_lock().unwrap();
    let found = open();
    assert_eq!(found.newest.as_ref().unwrap().name, "changed");
    assert_eq!(names(&found.in_use), ["newest"]);
    let text = encoded(&incident())
        .unwrap()
        .replace("a Pod is new", "a Pod is old");
    fs::write(folder.path().join("changed.jsonl"), text).unwrap();
    let broken = open().newest.unwrap().broken.unwrap();
    assert!(broken.contains("line 5 is damaged"), "{broken}");
}

#[test]
fn where_no_record_can_be_begun_an_intent_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let RecordHandle {
        journal,
        mut state,
        thread,
        ..
    } = open(new(&file.join("incidents"), "one", began(None)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(journal.commit(note(1, "intent")));
    let why = answer.unwrap_err();
    assert!(why.contains("can't create a record in"), "{why}");
    assert!(
        state
            .borrow_and_update()
            .failing
            .as_ref()
            .unwrap()
            .contains("Not a directory")
    );
    // as soon as it can, it is begun, and says what it lacks
    fs::remove_file(&file).unwrap();
    let deadline = Deadline::until("the record is begun");
    while runtime.block_on(journal.commit(note(2, "intent"))).is_err() {
        deadline.pause();
    }
    drop(journal);
    thread.join().unwrap();
    let lines = read(&file.join("incidents/one.jsonl")).unwrap().lines;
    let kinds: Vec<_> = lines.iter().map(|line| line.entry.name()).collect();
    assert_eq!(kinds, ["began", "lost", "note"]);
}

/// A disk that fails so often, each time after some bytes of a line.
#[derive(Clone, Default)]
struct Failing(Arc<Mutex<Failures>>);

#[derive(Default)]
struct Failures {
    written: Vec<u8>,
    /// So many writes fail half way.
    writes: usize,
    /// So many cuts fail.
    cuts: usize,
    /// No sync succeeds.
    syncs: bool,
}

impl Disk for Failing {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        if disk.writes > 0 {
            disk.writes -= 1;
            disk.written.extend(&bytes[..bytes.len() / 2]);
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.written.extend(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.0.lock().unwrap().syncs {
            return Err(io::Error::other("the disk does not answer"));
        }
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        if disk.cuts > 0 {
            disk.cuts -= 1;
            return Err(io::Error::other("the disk does not answer"));
        }
        disk.written.truncate(length as usize);
        Ok(())
    }
}

#[test]
fn a_full_disk_is_said_refuses_intents_and_leaves_a_whole_chain_that_tells_what_is_lost() {
    let disk = Failing::default();
    let (publish, state) = watch::channel(WriteState::default());
    let mut writer = DiskWriter {
        disk: disk.clone(),
        chain: START.to_owned(),
        good: 0,
        torn: false,
        lost: 0,
        unsaid: 0,
        publish,
    };
    let mut commit = |line: Line| {
        let (answer, told) = oneshot::channel();
        writer.take(WriteRequest::Commit(line, answer));
        told.blocking_recv().unwrap()
    };
    assert_eq!(commit(began(None)), Ok(()));
    disk.0.lock().unwrap().writes = 1;
    let why = commit(note(1, "intent")).unwrap_err();
    assert!(why.contains("no storage space"), "{why}");
    assert_eq!(state.borrow().failing.as_ref(), Some(&why));
    // half a line that can't be cut off: nothing is written behind it
    (disk.0.lock().unwrap().writes, disk.0.lock().unwrap().cuts) = (1, 2);
    assert!(commit(note(2, "intent")).is_err());
    assert!(commit(note(2, "intent")).is_err());
    assert_eq!(commit(note(3, "intent")), Ok(()));
    assert_eq!((state.borrow().failing.clone(), state.borrow().lost), (None, 3));
    disk.0.lock().unwrap().syncs = true;
    assert!(
        commit(note(4, "intent")).is_err(),
        "what is not synced is not on disk"
    );
    let contents = parse(&disk.0.lock().unwrap().written);
    assert_eq!((contents.broken, contents.torn), (None, None));
    let Entry::Lost { entries, .. } = &contents.lines[1].entry else {
        panic!("{:?}", contents.lines[1]);
    };
    assert_eq!(*entries, 3);
    assert_eq!(contents.lines[2], note(3, "intent"));
}

#[test]
fn secrets_are_taken_out_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = [
        "Authorization: Bearer abc.def.ghi",
        "postgres://user:dr1ll@host/db refused",
        "password=hunter2 was wrong",
        "sha256~AbCdEf0123456789",
    ];
    let notes = secrets.iter().map(|text| note(1, text)).collect();
    let opened = write(new(folder.path(), "one", began(None)), notes);
    let text = fs::read_to_string(&opened.file).unwrap();
    for secret in ["abc.def", "dr1ll", "hunter2", "AbCdEf0123456789"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(read(&opened.file).unwrap().lines.len(), 5);
}

#[test]
fn the_shelf_offers_what_is_open_here_and_removes_only_what_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let make =
        |name: &str, drill: Option<&str>| write(new(folder.path(), name, began(drill)), Vec::new()).file;
    let (first, drill) = (make("first", None), make("drill", Some("No leader")));
    let at = |seconds: i64| -> Timestamp { now().checked_add(SignedDuration::from_secs(seconds)).unwrap() };
    let offered = |server: &str, namespace: &str, now: Timestamp| {
        let open = index::open_for(folder.path(), server, namespace, "managed-services-api", now);
        open.newest.map(|open| open.name)
    };
    let server = "https://api.stage:6443";
    assert_eq!(offered(server, "msa-stage", now()).as_deref(), Some("first"));
    assert_eq!(
        offered(server, "msa-stage", at(90_000)),
        None,
        "a day later nobody remembers"
    );
    assert_eq!(offered(server, "msa-production", now()), None);
    assert_eq!(offered("https://other", "msa-stage", now()), None);
    let prune = |broken: bool, dry_run: bool| {
        let removed = index::prune(folder.path(), at(0), broken, dry_run).unwrap();
        let mut names: Vec<_> = removed
            .iter()
            .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(prune(false, true), ["drill"]);
    assert!(drill.exists());
    assert!(index::close(&first, ago(10), by("anna")).unwrap());
    assert!(
        !index::close(&first, ago(5), by("anna")).unwrap(),
        "it was closed already"
    );
    assert_eq!(offered(server, "msa-stage", now()), None);
    let broken = make("broken", None);
    let text = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, format!("{text}not a line\n")).unwrap();
    let strange = folder.path().join("strange.jsonl");
    fs::write(&strange, "not a record\n").unwrap();
    let modified = std::time::SystemTime::UNIX_EPOCH;
    fs::File::options()
        .write(true)
        .open(&strange)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_eq!(prune(true, true), ["broken", "drill", "first", "strange"]);
    assert_eq!(prune(false, false), ["drill", "first"]);
    assert!(broken.exists(), "open or not, it may be evidence");
    assert!(!first.exists() && !drill.exists());
    assert!(index::find(folder.path(), "first").is_err());
}
