//! The records that a console may write, and the choice of one.

use std::path::PathBuf;

use crate::journal::index::OpenIncidents;
use crate::journal::{NewRecord, OpenMode};
use sopwatch_console::app::App;
use sopwatch_console::dialogs::ResumePrompt;
use sopwatch_core::record::{Began, Entry, Line, VERSION, Writer};
use sopwatch_core::safe;
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
            by: safe!("{} on {}", open.by.user, open.by.host),
            sop,
            actions: open.actions,
            last_change: open.last_change.clone(),
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
            "{} on {} also works on it, in {}",
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
            server: (&self.server).into(),
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
