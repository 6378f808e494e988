//! The records on this machine: listed, summarised, found, closed and pruned.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::chain::{START, decode, encode};
use super::lock::is_in_use;
use super::reader::read;
use sopwatch_core::record::{Began, Entry, Line, Writer};
use sopwatch_core::remediate::applied_command;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// How long after its last line an open incident is offered to be resumed.
const OFFERED: SignedDuration = SignedDuration::from_hours(24);

/// The longest first line that is read, bytes: it holds the profile.
const LONGEST_FIRST: u64 = 4 << 20;

/// The summary of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSummary {
    /// Its name: the file's without its ending.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// What it is about.
    pub began: Began,
    /// The id of the SOP that was chosen last; empty where none was.
    pub sop: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last written to.
    pub last_at: Timestamp,
    /// Who wrote last.
    pub by: Writer,
    /// Whether it was not closed.
    pub open: bool,
    /// How many commands are in it.
    pub actions: usize,
    /// The last of them that was done, or may have been: when, and what.
    pub last_change: Option<(Timestamp, SafeText)>,
    /// Why it can't be read to its end, if it can't; all other fields then cover only its readable part.
    pub broken: Option<String>,
    /// Its size.
    pub bytes: u64,
}

/// The incidents of one place that are open on this machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenIncidents {
    /// The one that was written last, of those that no console writes now.
    pub newest: Option<RecordSummary>,
    /// The others, the newest first.
    pub others: Vec<RecordSummary>,
    /// Those that other consoles write now.
    pub in_use: Vec<RecordSummary>,
}

/// The records in a folder, the newest first, and the files that are no records, each with the reason. A missing folder has none.
pub fn list(folder: &Path) -> (Vec<RecordSummary>, Vec<(PathBuf, SafeText)>) {
    let (mut found, mut strange) = (Vec::new(), Vec::new());
    for path in files(folder) {
        match summary(&path) {
            Ok(summary) => found.push(summary),
            Err(why) => strange.push((path, why)),
        }
    }
    found.sort_by_key(|summary| std::cmp::Reverse(summary.began_at));
    (found, strange)
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
}

/// The summary of a record.
///
/// # Errors
/// Says why it can't be read, or is none.
pub fn summary(path: &Path) -> Result<RecordSummary, SafeText> {
    let contents = read(path)?;
    let no_record = || SafeText::new("it is not a record of an incident");
    let first = contents.lines.first().ok_or_else(no_record)?;
    let Entry::Began(began) = &first.entry else {
        return Err(no_record());
    };
    let mut by = began.by.clone();
    let mut sop = &began.sop;
    let mut changes = Vec::new();
    let mut open = true;
    for line in &contents.lines {
        match &line.entry {
            Entry::Joined(writer) => {
                by = writer.clone();
                open = true;
            }
            Entry::Closed(_) => open = false,
            Entry::Sop { id, .. } => sop = id,
            _ => applied_command::note(&mut changes, line),
        }
    }
    let last = changes.iter().rfind(|change| change.may_have_happened());
    Ok(RecordSummary {
        name: path
            .file_stem()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned()),
        file: path.to_owned(),
        began: (**began).clone(),
        sop: sop.clone(),
        began_at: first.at,
        last_at: contents
            .lines
            .iter()
            .map(|line| line.at)
            .max()
            .unwrap_or(first.at),
        by,
        open,
        actions: changes.len(),
        last_change: last.map(|change| (change.at, change.words())),
        broken: contents
            .broken
            .as_ref()
            .map(|_| contents.integrity_warning().unwrap_or_default()),
        bytes: fs::metadata(path).map_or(0, |metadata| metadata.len()),
    })
}

/// The file of a record that is named, or the file itself.
///
/// # Errors
/// Says that there is none of that name.
pub fn find(folder: &Path, name: &str) -> Result<PathBuf, SafeText> {
    let named = folder.join(format!("{name}.jsonl"));
    [named, folder.join(name), PathBuf::from(name)]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let folder = folder.display();
            safe!(
                "no record {name} in {folder}, and no file of that name: `sopwatch incidents` lists the records"
            )
        })
}

/// The record that began last.
pub fn newest(folder: &Path) -> Option<RecordSummary> {
    list(folder).0.into_iter().next()
}

/// The incidents that are still open for this service in this place; drills are over when they are left.
pub fn open_for(
    folder: &Path,
    server: &str,
    namespace: &str,
    profile: &str,
    now: Timestamp,
) -> OpenIncidents {
    let fits = |began: &Began| {
        let mode = (
            &*began.server,
            began.namespace.as_str(),
            began.profile.id.as_str(),
        );
        began.drill.is_none() && mode == (server, namespace, profile)
    };
    // A console starts with this: of most records a look at the file, or its first line, says enough.
    let records = files(folder)
        .filter(|path| written_at(path).is_none_or(|at| now.duration_since(at) < OFFERED))
        .filter(|path| first(path).is_some_and(|began| fits(&began)));
    let mut others: Vec<RecordSummary> = records
        .filter_map(|path| summary(&path).ok())
        .filter(|summary| summary.open && now.duration_since(summary.last_at) < OFFERED)
        .collect();
    others.sort_by_key(|summary| std::cmp::Reverse(summary.last_at));
    let in_use = others
        .extract_if(.., |summary| is_in_use(&summary.file))
        .collect();
    let newest = (!others.is_empty()).then(|| others.remove(0));
    OpenIncidents {
        newest,
        others,
        in_use,
    }
}

fn written_at(path: &Path) -> Option<Timestamp> {
    let written = fs::metadata(path).ok()?.modified().ok()?;
    Timestamp::try_from(written).ok()
}

/// How a record begins.
fn first(path: &Path) -> Option<Began> {
    let mut line = String::new();
    let file = File::open(path).ok()?.take(LONGEST_FIRST);
    BufReader::new(file).read_line(&mut line).ok()?;
    let (line, _chain) = decode(START, line.strip_suffix('\n')?).ok()?;
    match line.entry {
        Entry::Began(began) => Some(*began),
        _ => None,
    }
}

/// Says in the record that the incident is over; whether it was not before.
///
/// # Errors
/// Says why it can't be written.
pub fn close(path: &Path, at: Timestamp, by: Writer) -> Result<bool, SafeText> {
    if summary(path).is_ok_and(|summary| !summary.open) {
        return Ok(false);
    }
    let line = Line {
        at,
        entry: Entry::Closed(by),
    };
    super::writer::add(path, &line).map(|()| true)
}

/// Removes records whose last line is older than `before`: of drills, and of incidents that are over. One that breaks is removed only
/// where `broken` ones are to be, whatever it says; so is a file that is none. The files that were removed, or would be.
///
/// # Errors
/// Says which could not be removed, and why.
pub fn prune(
    folder: &Path,
    before: Timestamp,
    broken: bool,
    dry_run: bool,
) -> Result<Vec<PathBuf>, SafeText> {
    let (records, strange) = list(folder);
    let over = records.into_iter().filter(|summary| match summary.broken {
        Some(_) => broken && summary.last_at < before,
        None => (!summary.open || summary.began.drill.is_some()) && summary.last_at < before,
    });
    let strange = strange.into_iter().map(|(file, _why)| file);
    let none = strange.filter(|file| broken && written_at(file).is_some_and(|at| at < before));
    let mut removed = Vec::new();
    for file in over.map(|summary| summary.file).chain(none) {
        if is_in_use(&file) {
            continue;
        }
        let torn = file.with_extension("torn");
        for file in [&file, &torn] {
            if dry_run || !file.exists() {
                continue;
            }
            fs::remove_file(file).map_err(|why| safe!("can't remove {}: {why}", file.display()))?;
        }
        removed.push(file);
    }
    Ok(removed)
}

/// Writes lines as a record would hold them: for records that are made elsewhere.
///
/// # Errors
/// Where a line can't be written as JSON.
pub fn encoded(lines: &[Line]) -> serde_json::Result<String> {
    let mut chain = super::chain::START.to_owned();
    let mut text = String::new();
    for line in lines {
        let (line, next) = encode(&chain, line)?;
        text.push_str(&line);
        chain = next;
    }
    Ok(text)
}
