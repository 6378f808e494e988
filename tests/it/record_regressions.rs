//! Incidents that were recorded once, in `tests/incidents`: they can still be read, and what they lead to now is written beside each.
//!
//! The record itself is never rewritten. `UPDATE=1 cargo test --test it record_regressions::` rewrites the file beside it, which needs a reason for
//! every change of a finding.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use sopwatch::journal::reader::read;
use sopwatch_console::app::App;
use sopwatch_console::app::apply_record::Mismatch;
use sopwatch_console::keymap::Keymap;
use sopwatch_core::diagnose::Recommendation;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::profile::Profile;
use sopwatch_core::record::{Entry, Line, Snapshot};

/// What stands beside a record.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
struct Expected {
    /// The changes of findings since it was recorded: `step pods-ready: pass → fail`.
    #[serde(default)]
    changed: BTreeMap<String, Changed>,
    /// The findings of today, by their line.
    findings: Vec<String>,
}

/// A finding that is meant to be another one now.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
struct Changed {
    /// Why.
    reason: String,
    /// The lines of the record that found it otherwise.
    lines: Vec<usize>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents")
}

fn kept() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files
}

fn lines_of(file: &Path) -> Vec<Line> {
    let contents = read(file).unwrap();
    assert_eq!(contents.integrity_warning(), None, "{}", file.display());
    contents.lines
}

fn began(lines: &[Line]) -> (&Line, &Profile) {
    match &lines[0].entry {
        Entry::Began(began) => (&lines[0], &began.profile),
        other => panic!("it begins with {}", other.name()),
    }
}

/// What is found otherwise than it was recorded, by the index of its line; and how many findings there are.
pub fn differing(lines: &[Line]) -> (Vec<(usize, Mismatch)>, usize) {
    let Entry::Began(first) = &lines[0].entry else {
        panic!("it begins with {}", lines[0].entry.name());
    };
    let mut app = App::recorded(first, &lines[0], Keymap::default());
    let mut differing = Vec::new();
    let mut found = 0;
    for (index, line) in (1..).zip(&lines[1..]) {
        found += usize::from(matches!(line.entry, Entry::Snapshot(_)));
        differing.extend(app.follow(line).map(|differs| (index, differs)));
    }
    (differing, found)
}

/// A finding in one line, without sentences.
fn in_short(number: usize, found: &Snapshot) -> String {
    let advice = |one: &Recommendation| {
        let to = one.contact.as_deref().map(|contact| format!(" to {contact}"));
        let by = one.rule.as_deref().map(|rule| format!(" by {rule}"));
        format!(
            "{}{}{}",
            one.action.name(),
            to.unwrap_or_default(),
            by.unwrap_or_default()
        )
    };
    let list = |name: &str, list: Vec<String>| {
        let words = format!("; {name} {}", list.join(", "));
        if list.is_empty() { String::new() } else { words }
    };
    let also = list("also", found.also.iter().map(advice).collect());
    let open = found.not_ruled_out.iter().map(|(rule, _)| rule.clone());
    let open = list("unchecked", open.collect());
    let steps = found
        .steps
        .iter()
        .map(|step| format!("{} {:?}", step.id, step.status));
    let steps = list("steps", steps.collect());
    let leaders = found.leaders.iter().map(|leader| {
        let pod = leader.pod.as_deref().map(|pod| format!(" {pod}"));
        format!(
            "{} {}{}",
            leader.worker,
            leader.verdict.name(),
            pod.unwrap_or_default()
        )
    });
    let leaders = list("leaders", leaders.collect());
    let advised = advice(&found.recommendation);
    format!("{number} {}: {advised}{also}{open}{steps}{leaders}", found.sop)
}

/// What a record leads to now; a reason that is known for a change is kept.
fn expected_of(lines: &[Line], known: &Expected) -> Expected {
    let (_, profile) = began(lines);
    let (differing, found) = differing(lines);
    assert!(found > 0, "nothing to compare");
    let differing: BTreeMap<usize, Mismatch> = differing.into_iter().collect();
    let mut expected = Expected::default();
    for (index, line) in lines.iter().enumerate() {
        let Entry::Snapshot(recorded) = &line.entry else {
            continue;
        };
        let number = index + 1;
        let differs = differing.get(&index);
        for (what, before, now) in differs.into_iter().flat_map(|differs| differs.changes(profile)) {
            let what = format!("{what}: {before} → {now}");
            let reason = known.changed.get(&what).map(|changed| changed.reason.clone());
            let changed = expected.changed.entry(what).or_insert_with(|| Changed {
                reason: reason.unwrap_or_default(),
                lines: Vec::new(),
            });
            changed.lines.push(number);
        }
        let found = differs.map_or(&**recorded, |differs| &differs.found);
        expected.findings.push(in_short(number, found));
    }
    expected
}

#[test]
fn a_kept_record_is_read_and_leads_to_the_findings_beside_it() {
    let update = std::env::var_os("UPDATE").is_some();
    let files = kept();
    assert!(files.len() > 1, "only {}", files.len());
    let mut unreasoned = Vec::new();
    for file in files {
        let (name, beside) = (file.display(), file.with_extension("expected.toml"));
        let known: Expected = match std::fs::read_to_string(&beside) {
            Ok(text) => toml::from_str(&text).unwrap(),
            Err(_) => Expected::default(),
        };
        let found = expected_of(&lines_of(&file), &known);
        if update {
            std::fs::write(&beside, toml::to_string_pretty(&found).unwrap()).unwrap();
        } else {
            let how = "where it is meant: UPDATE=1 cargo test --test it record_regressions::";
            assert_eq!(found.findings, known.findings, "{name}: {how}");
            assert_eq!(found.changed, known.changed, "{name}: {how}");
        }
        let without = found
            .changed
            .iter()
            .filter(|(_, changed)| changed.reason.is_empty());
        unreasoned.extend(without.map(|(what, _)| format!("{}: {what}", beside.display())));
    }
    assert!(unreasoned.is_empty(), "give the reasons: {unreasoned:#?}");
}

#[test]
fn each_record_is_in_the_list_of_what_it_is_good_for() {
    let list = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for file in kept() {
        let name = file.file_name().unwrap().to_string_lossy();
        assert!(list.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn no_record_was_changed() {
    let sums = std::fs::read_to_string(folder().join("SHA256SUMS")).unwrap();
    for file in kept() {
        let hash = sha2::Sha256::digest(std::fs::read(&file).unwrap());
        let hash = hash
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let name = file.file_name().unwrap().to_string_lossy();
        assert!(
            sums.lines().any(|line| line == format!("{hash}  {name}")),
            "{name} is not as it was recorded"
        );
    }
}

/// The kinds of entries and of observations that the version of the frozen records wrote.
const KINDS: &str = "began clock-ahead closed fact/Access fact/ClusterEvent fact/ClusterEventGone fact/ClusterEvents fact/Connection \
                     fact/Database fact/DatabaseConnection fact/Deployment fact/Feed fact/Log fact/LogNote fact/Pod fact/PodGone \
                     fact/Pods fact/Rows fact/Scrape fact/Usage found hand-off intent joined left left-out lost note outcome sop stage \
                     ticked unticked";

#[test]
fn the_kept_records_have_every_kind_of_entry_and_observation() {
    let mut kinds = BTreeSet::new();
    for line in kept().iter().flat_map(|file| lines_of(file)) {
        let name = line.entry.name();
        match &line.entry {
            Entry::Observation(observation) => kinds.insert(format!("{name}/{}", kind_of(observation))),
            _ => kinds.insert(name.to_owned()),
        };
    }
    let missing: Vec<&str> = KINDS
        .split_whitespace()
        .filter(|kind| !kinds.contains(*kind))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// As a record writes it.
fn kind_of(observation: &Observation) -> String {
    match serde_json::to_value(observation).unwrap() {
        serde_json::Value::Object(fields) => fields.keys().next().unwrap().clone(),
        other => other.to_string(),
    }
}
