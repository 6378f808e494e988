//! The records that a console may write, and the choice of one; and the report of a record.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::journal::index::OpenIncidents;
use crate::journal::{Journal, NewRecord, OpenMode};
use sopwatch_console::app::App;
use sopwatch_console::app::event::{Event, Outcome};
use sopwatch_console::dialogs::ResumePrompt;
use sopwatch_core::record::{Began, Entry, Line, VERSION, Writer};
use sopwatch_core::text::SafeText;

/// The records that a console may write.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    /// The folder of new records.
    pub folder: PathBuf,
    /// The API server as the kubeconfig names it.
    pub server: String,
    /// Who writes.
    pub by: Writer,
    /// The record that the operator named: it is resumed without a question.
    pub named: Option<PathBuf>,
    /// The open incidents.
    pub open: OpenIncidents,
}

impl RecordOptions {
    /// The question that is asked first, if there is one.
    pub(super) fn offer(&self) -> Option<ResumePrompt> {
        let open = self.open.newest.as_ref().filter(|_| self.named.is_none())?;
        let others = self.open.others.iter().chain(&self.open.in_use);
        let sop = match open.began.profile.sop(&open.sop) {
            Some(sop) => sop.title.clone(),
            None if open.sop.is_empty() => "no SOP chosen".to_owned(),
            None => open.sop.clone(),
        };
        Some(ResumePrompt {
            name: open.name.clone(),
            began_at: open.began_at,
            last_at: open.last_at,
            by: SafeText::new(&format!("{} on {}", open.by.user, open.by.host)),
            sop,
            actions: open.actions,
            last_change: (open.last_change.as_ref()).map(|(at, words)| (*at, SafeText::new(words))),
            broken: open.broken.as_ref().map(|why| SafeText::new(why)),
            others: others.map(|other| (other.name.clone(), other.actions)).collect(),
        })
    }

    /// A warning where another console writes a record of the same place: its changes are not in this record.
    pub(super) fn others_at_work(&self) -> Option<String> {
        let [first, ..] = self.open.in_use.as_slice() else {
            return None;
        };
        Some(format!(
            "{} on {} works on it too, in {}",
            first.by.user, first.by.host, first.name
        ))
    }

    /// How the record is opened; `resume` takes the named or open one, if there is one.
    pub(super) fn mode(self, app: &App, resume: bool) -> OpenMode {
        let old = self
            .named
            .clone()
            .or_else(|| Some(self.open.newest.as_ref()?.file.clone()));
        let joined = Line {
            at: app.clock.now,
            entry: Entry::Joined(self.by.clone()),
        };
        let new = self.begun(app);
        match old.filter(|_| resume) {
            Some(file) => OpenMode::Resume {
                file,
                joined,
                otherwise: new,
            },
            None => OpenMode::New(new),
        }
    }

    fn begun(self, app: &App) -> NewRecord {
        let session = &app.session;
        let at = session.started_at;
        let drill = if session.drill.is_some() { "-drill" } else { "" };
        let name = format!("{}-{}{drill}", at.strftime("%Y%m%dT%H%M%SZ"), session.namespace);
        let began = Began {
            record: VERSION,
            by: self.by,
            profile: (*session.profile).clone(),
            environment: session.environment.clone(),
            namespace: session.namespace.clone(),
            server: SafeText::new(&self.server),
            sop: app.checklist.sop.clone(),
            drill: session.drill.clone(),
            speed: app.clock.speed,
            read_only: session.read_only,
        };
        let entry = Entry::Began(Box::new(began));
        NewRecord {
            folder: self.folder,
            name: name.replace(
                |letter: char| !letter.is_ascii_alphanumeric() && letter != '-',
                "_",
            ),
            began: Line { at, entry },
        }
    }
}

/// Writes the report of a record beside it, and says where.
pub(super) async fn report(journal: Option<Journal>, file: Option<PathBuf>, events: mpsc::Sender<Event>) {
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
            what: "there is no record to report on".into(),
        },
    };
    // A console that is gone needs no answer.
    let _ = events.send(Event::Outcome(outcome)).await;
}

fn write_report(record: &Path) -> Result<PathBuf, SafeText> {
    let contents = crate::journal::reader::read(record)?;
    let text =
        sopwatch_core::export::report::markdown(&contents.lines, contents.integrity_warning().as_deref());
    let failed =
        |why: std::io::Error| SafeText::new(&format!("write a report beside {}: {why}", record.display()));
    let (path, mut file) = new_report_file(record).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(path)
}

/// A new file beside the record: an earlier report may have been worked on.
fn new_report_file(record: &Path) -> std::io::Result<(PathBuf, File)> {
    for number in 1.. {
        let ending = if number == 1 {
            "md".to_owned()
        } else {
            format!("{number}.md")
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
