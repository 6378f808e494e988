//! The records of this machine.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::chain::{START, decode, encode};
use super::read::read;
use crate::incident::record::{Began, Entry, Line, Writer};
use crate::incident::text::SafeText;

/// How long an incident that nobody wrote to is offered to go on with.
const OFFERED: SignedDuration = SignedDuration::from_hours(24);

/// The longest first line that is looked at, bytes: the profile stands in it.
const LONGEST_FIRST: u64 = 4 << 20;

/// A record, in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its name: the file's without its ending.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// What it is about.
    pub began: Began,
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
    /// Its size.
    pub bytes: u64,
}

/// The records in a folder, the newest first, and those that are none, each with why. A folder that is not there has none.
pub fn list(folder: &Path) -> (Vec<Summary>, Vec<(PathBuf, SafeText)>) {
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

/// A record, in short.
///
/// # Errors
/// Says why it can't be read, or is none.
pub fn summary(path: &Path) -> Result<Summary, SafeText> {
    let contents = read(path)?;
    let no_record = || SafeText::new("it does not begin as a record");
    let first = contents.lines.first().ok_or_else(no_record)?;
    let Entry::Began(began) = &first.entry else {
        return Err(no_record());
    };
    let mut by = began.by.clone();
    let (mut open, mut actions) = (true, 0);
    for line in &contents.lines {
        match &line.entry {
            Entry::Joined(writer) => {
                by = writer.clone();
                open = true;
            }
            Entry::Closed(_) => open = false,
            Entry::Intent(_) => actions += 1,
            _ => {}
        }
    }
    Ok(Summary {
        name: path
            .file_stem()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned()),
        file: path.to_owned(),
        began: (**began).clone(),
        began_at: first.at,
        last_at: contents
            .lines
            .iter()
            .map(|line| line.at)
            .max()
            .unwrap_or(first.at),
        by,
        open,
        actions,
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
            SafeText::new(&format!(
                "no record {name}, neither in {folder} nor as a file: `sopwatch incidents` lists them"
            ))
        })
}

/// The record that began last.
pub fn newest(folder: &Path) -> Option<Summary> {
    list(folder).0.into_iter().next()
}

/// An incident that is still open for this service in this place; drills are over when they are left.
pub fn open_for(
    folder: &Path,
    server: &str,
    namespace: &str,
    profile: &str,
    now: Timestamp,
) -> Option<Summary> {
    let fits = |began: &Began| {
        let place = (
            &*began.server,
            began.namespace.as_str(),
            began.profile.id.as_str(),
        );
        began.drill.is_none() && place == (server, namespace, profile)
    };
    // A console starts with this: of most records a look at the file, or its first line, says enough.
    let records = files(folder)
        .filter(|path| written_at(path).is_none_or(|at| now.duration_since(at) < OFFERED))
        .filter(|path| first(path).is_some_and(|began| fits(&began)));
    let open = records
        .filter_map(|path| summary(&path).ok())
        .filter(|summary| summary.open && now.duration_since(summary.last_at) < OFFERED);
    open.max_by_key(|summary| summary.began_at)
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

/// Whether a console writes to it now.
pub fn is_in_use(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

/// Says in the record that the incident is over.
///
/// # Errors
/// Says why it can't be written.
pub fn close(path: &Path, at: Timestamp, by: Writer) -> Result<(), SafeText> {
    let line = Line {
        at,
        entry: Entry::Closed(by),
    };
    super::writer::add(path, &line)
}

/// Removes records whose last line is older than `before`: of drills, and of incidents that are over. The names of what was removed, or
/// would be.
///
/// # Errors
/// Says which could not be removed, and why.
pub fn prune(folder: &Path, before: Timestamp, dry_run: bool) -> Result<Vec<String>, SafeText> {
    let mut names = Vec::new();
    for summary in list(folder).0 {
        let over = !summary.open || summary.began.drill.is_some();
        if !over || summary.last_at >= before || is_in_use(&summary.file) {
            continue;
        }
        let torn = summary.file.with_extension("torn");
        for file in [&summary.file, &torn] {
            if dry_run || !file.exists() {
                continue;
            }
            fs::remove_file(file)
                .map_err(|why| SafeText::new(&format!("remove {}: {why}", file.display())))?;
        }
        names.push(summary.name);
    }
    Ok(names)
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
