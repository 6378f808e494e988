//! `sopwatch incidents`: the recorded incidents on this machine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, eyre};
use jiff::{SignedDuration, Timestamp};

use super::print;
use crate::cli::{IncidentsArgs, IncidentsCommand};
use crate::config::{self, UserDirs};
use crate::journal::index;
use crate::journal::index::RecordSummary;
use crate::journal::is_in_use;
use crate::journal::reader::read;
use crate::runtime::clock::Clock;
use sopwatch_core::record::Writer;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted};

/// Lists, verifies, closes and prunes records; the exit status.
pub fn incidents(dirs: &UserDirs, arguments: &IncidentsArgs) -> Result<u8> {
    let folder = folder(dirs)?;
    let now = Clock::system().now();
    let told = |why: SafeText| eyre!("{why}");
    match &arguments.command {
        Some(IncidentsCommand::Verify { record: Some(record) }) => {
            verify(&[index::find(&folder, record).map_err(told)?])
        }
        None if !arguments.verify => list(&folder),
        Some(IncidentsCommand::Verify { record: None }) | None => verify(&all(&folder)),
        Some(IncidentsCommand::Close { record }) => {
            let file = index::find(&folder, record).map_err(told)?;
            let way_on = |why: SafeText| match index::summary(&file) {
                Ok(record) if record.broken.is_none() => eyre!("{why}"),
                _ => eyre!("{why}; `sopwatch incidents prune --broken` removes damaged records"),
            };
            let closed = index::close(&file, now, writer()).map_err(way_on)?;
            let word = if closed { "is closed" } else { "is already closed" };
            print(&safe!("{} {word}\n", file.display())).map(|()| 0)
        }
        Some(IncidentsCommand::Prune {
            older_than,
            broken,
            dry_run,
        }) => {
            let before = now
                .checked_sub(SignedDuration::from_hours(24 * i64::from(*older_than)))
                .unwrap_or(now);
            prune(&folder, (*older_than, before), *broken, *dry_run)
        }
    }
}

/// Where records are kept.
pub(super) fn folder(dirs: &UserDirs) -> Result<PathBuf> {
    let state = dirs.state.as_ref();
    let state = state.ok_or_else(|| eyre!("no folder for records: set HOME or XDG_STATE_HOME"))?;
    Ok(state.join("incidents"))
}

/// Who writes: this process.
pub(super) fn writer() -> Writer {
    let variables = config::variables_of_this_process();
    let user = ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| variables.get(*name).filter(|value| !value.is_empty()));
    let user = user.cloned().unwrap_or_else(user_of_this_process);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Writer {
        user: SafeText::new(&user),
        host: SafeText::new(&host),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The user's name by the system's list; a number where it is not in there.
fn user_of_this_process() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = |line: &str| {
        let mut fields = line.split(':');
        let (name, found) = (fields.next()?, fields.nth(1)?);
        (found == uid && !name.is_empty()).then(|| name.to_owned())
    };
    users
        .lines()
        .find_map(name)
        .unwrap_or_else(|| format!("uid {uid}"))
}

fn list(folder: &Path) -> Result<u8> {
    let (records, strange) = index::list(folder);
    if records.is_empty() && strange.is_empty() {
        return print(&safe!("no incidents in {}\n", folder.display())).map(|()| 0);
    }
    let width = records.iter().map(|record| record.name.len()).max().unwrap_or(0);
    let mut text = format!(
        "{:<width$}  {:<20}  {:<13}  {:>7}  {:>8}  {:<30}  BY\n",
        "RECORD", "UPDATED", "STATE", "CHANGES", "SIZE", "SOP"
    );
    for record in &records {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{:<width$}  {:<20}  {:<13}  {:>7}  {:>8}  {:<30}  {}@{}",
            record.name,
            time(record.last_at),
            state(record),
            record.actions,
            size(record.bytes),
            if record.sop.is_empty() {
                "-"
            } else {
                record.sop.as_str()
            },
            record.by.user,
            record.by.host
        );
    }
    for record in &records {
        if let Some(why) = &record.broken {
            let _ = writeln!(text, "{}: {why}", record.name);
        }
    }
    for (file, why) in strange {
        let _ = writeln!(text, "{}: {why}", file.display());
    }
    print(&text.into()).map(|()| 0)
}

fn state(record: &RecordSummary) -> &'static str {
    if is_in_use(&record.file) {
        "in use"
    } else if record.broken.is_some() {
        "damaged"
    } else if record.began.drill.is_some() && !record.open {
        "drill, closed"
    } else if record.began.drill.is_some() {
        "drill"
    } else if record.open {
        "open"
    } else {
        "closed"
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn all(folder: &Path) -> Vec<PathBuf> {
    let (records, strange) = index::list(folder);
    let files = records.into_iter().map(|record| record.file);
    files.chain(strange.into_iter().map(|(file, _)| file)).collect()
}

fn verify(files: &[PathBuf]) -> Result<u8> {
    let mut text = String::new();
    let mut status = 0;
    for file in files {
        let word = match read(file) {
            Ok(contents) => {
                let count = contents.lines.len();
                status |= u8::from(contents.broken.is_some() || count == 0);
                contents.integrity_warning().unwrap_or_else(|| match count {
                    0 => "the file is empty".to_owned(),
                    _ => format!("OK, {}", counted(count, "line", "lines")),
                })
            }
            Err(why) => {
                status = 1;
                why.to_string()
            }
        };
        let _ = writeln!(text, "{}: {word}", file.display());
    }
    print(&text.into()).map(|()| status)
}

fn prune(folder: &Path, (days, before): (u32, Timestamp), broken: bool, dry_run: bool) -> Result<u8> {
    let files = index::prune(folder, before, broken, dry_run).map_err(|why| eyre!("{why}"))?;
    let verb = if dry_run { "would remove" } else { "removed" };
    let mut lines = String::new();
    for file in &files {
        // Writing to a string can't fail.
        let _ = writeln!(lines, "{verb} {}", file.display());
    }
    let text = if lines.is_empty() {
        let damaged = if broken {
            ""
        } else {
            "; --broken: damaged records, too"
        };
        format!("nothing to remove (only drills and closed incidents older than {days} days{damaged})\n")
    } else {
        lines
    };
    print(&text.into()).map(|()| 0)
}
