//! The recorder of an incident: it takes what the console's loop sees, finds and does, and gives it to the journal.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::journal::{self, Journal, OpenMode, RecordHandle};
use sopwatch_console::app::App;
use sopwatch_console::app::event::{Event, Outcome};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::record::recorder::Recorder;
use sopwatch_core::record::{Entry, Line};

/// Lines that may wait until the operator chooses the record: hours of a quiet incident.
const WAITING: usize = 20_000;

/// Records the incident that is worked on.
#[derive(Debug)]
pub struct IncidentRecorder {
    /// `None` until a record is chosen.
    journal: Option<Journal>,
    waiting: Vec<Line>,
    /// Lines that found no room in `waiting`.
    unkept: u64,
    recorder: Recorder,
    ahead: SignedDuration,
}

impl IncidentRecorder {
    /// A recorder whose record is not chosen yet: its lines wait.
    pub fn undecided() -> Self {
        Self {
            journal: None,
            waiting: Vec::new(),
            unkept: 0,
            recorder: Recorder::default(),
            ahead: SignedDuration::ZERO,
        }
    }

    /// A recorder that writes to this journal.
    pub fn new(journal: Journal) -> Self {
        Self {
            journal: Some(journal),
            ..Self::undecided()
        }
    }

    /// Opens the chosen record and writes into it what waited. The console gets an event when it is open, and when its writing fails or recovers.
    pub fn open(&mut self, mode: OpenMode, events: &mpsc::Sender<Event>) {
        if matches!(mode, OpenMode::Resume { .. }) {
            // These findings lack what the record knows: when the incident began, and which SOP it is about.
            self.waiting
                .retain(|line| !matches!(line.entry, Entry::Snapshot(_)));
        }
        let opening = journal::open(mode);
        let mut journal = opening.journal.clone();

        tokio::spawn(tell(opening, events.clone()));
        journal.write(std::mem::take(&mut self.waiting));
        journal.lose(std::mem::take(&mut self.unkept));
        self.journal = Some(journal);
    }

    /// The journal, for a command's intent and outcome; `None` while no record is chosen.
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// An observation came.
    pub fn observation(&mut self, at: Timestamp, observation: &Observation) {
        let lines = self.recorder.take(at, observation);
        self.write(lines);
    }

    /// The operator did something, or a command had an outcome.
    pub fn entry(&mut self, at: Timestamp, entry: Entry) {
        let mut lines = self.recorder.flush(at);
        lines.push(Line { at, entry });
        self.write(lines);
    }

    /// Records a change of the cluster's clock, after an event.
    pub fn note_clock(&mut self, app: &App) {
        if app.clock.skew != self.ahead {
            self.ahead = app.clock.skew;
            self.entry(app.clock.now, Entry::ClockAhead(app.clock.skew));
        }
    }

    /// Records the findings if they are new, after a judgement.
    pub fn note_found(&mut self, app: &mut App) {
        if let Some(found) = app.news() {
            self.entry(app.clock.now, Entry::Snapshot(Box::new(found)));
        }
    }

    /// Records the findings of this moment even if nothing changed: the evidence before a command, and after its outcome.
    pub fn note_evidence(&mut self, app: &mut App) {
        if let Some(found) = app.evidence() {
            self.entry(app.clock.now, Entry::Snapshot(Box::new(found)));
        }
    }

    /// Writes what is held back, before something else is written another way.
    pub fn finish(&mut self, at: Timestamp) {
        let lines = self.recorder.flush(at);
        self.write(lines);
    }

    fn write(&mut self, lines: Vec<Line>) {
        match &mut self.journal {
            Some(journal) => journal.write(lines),
            None if self.waiting.len() < WAITING => self.waiting.extend(lines),
            None => self.unkept += lines.len() as u64,
        }
    }
}

/// Sends the console an event when the record is open, and each time its writing fails or recovers.
async fn tell(opening: RecordHandle, events: mpsc::Sender<Event>) {
    let RecordHandle {
        journal,
        mut state,
        mut opened,
        thread: _,
    } = opening;
    drop(journal);
    let mut waits = true;
    loop {
        let outcome = tokio::select! {
            opened = &mut opened, if waits => {
                waits = false;
                match opened {
                    Ok(opened) => Outcome::Opened {
                        file: opened.file,
                        lines: opened.lines,
                        instead: opened.instead,
                    },
                    Err(_gone) => continue,
                }
            }
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = state.borrow_and_update().clone();
                Outcome::Recording { failing: now.failing, lost: now.lost }
            }
        };
        if events.send(Event::Outcome(outcome)).await.is_err() {
            return;
        }
    }
}
