//! The report of a record as a file beside it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::journal::Journal;
use crate::journal::reader::read;
use sopwatch_console::app::event::{Event, Outcome};
use sopwatch_core::export::report::markdown;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Writes the report of a record beside it, and says where.
pub(super) async fn write(journal: Option<Journal>, file: Option<PathBuf>, events: mpsc::Sender<Event>) {
    let outcome = match (journal, file) {
        (Some(journal), Some(file)) => {
            journal.flush().await;
            let written = tokio::task::spawn_blocking(move || write_report(&file)).await;
            match written {
                Ok(Ok(file)) => Outcome::Reported { file },
                Ok(Err(what)) => Outcome::Failed { what },
                Err(_panicked) => Outcome::Failed {
                    what: "the report could not be written".into(),
                },
            }
        }
        _ => Outcome::Failed {
            what: "no record to report on".into(),
        },
    };
    // A console that is gone needs no answer.
    let _ = events.send(Event::Outcome(outcome)).await;
}

fn write_report(record: &Path) -> Result<PathBuf, SafeText> {
    let contents = read(record)?;
    let text = markdown(&contents.lines, contents.integrity_warning().as_deref());
    let failed = |why: std::io::Error| safe!("can't write a report beside {}: {why}", record.display());
    let (path, mut file) = new_report_file(record).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(path)
}

/// Writes lines of the log to a new file beside the record, that only its owner reads; without a record to the system's folder for
/// temporary files.
pub(super) fn save_lines(record: Option<&Path>, text: &SafeText) -> Result<PathBuf, SafeText> {
    let unnamed = tempfile::env::temp_dir().join("sopwatch");
    let beside = record.unwrap_or(&unnamed);
    let failed = |why: std::io::Error| safe!("can't save lines beside {}: {why}", beside.display());
    let (path, mut file) = new_file(beside, "log.txt").map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(path)
}

/// A new file beside the record: an earlier report may have been worked on.
fn new_report_file(record: &Path) -> std::io::Result<(PathBuf, File)> {
    new_file(record, "md")
}

/// A file of a name that is free, that only its owner reads.
fn new_file(record: &Path, kind: &str) -> std::io::Result<(PathBuf, File)> {
    for number in 1.. {
        let ending = if number == 1 {
            kind.to_owned()
        } else {
            format!("{number}.{kind}")
        };
        let path = record.with_extension(ending);
        let made = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path);
        match made {
            Err(taken) if taken.kind() == std::io::ErrorKind::AlreadyExists => {}
            other => return other.map(|file| (path, file)),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}
