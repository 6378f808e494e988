//! The recorder of an incident: it takes what the console's loop sees, finds and does, and gives it to the journal.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::journal::{self, Journal, OpenMode, RecordHandle};
use sopwatch_console::app::App;
use sopwatch_console::app::event::{Event, Outcome};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::record::recorder::Recorder;
use sopwatch_core::record::{Entry, Line};

/// Lines that wait for the operator to say which record it is: hours of a quiet incident.
const WAITING: usize = 20_000;

/// The record of the incident that is worked on.
#[derive(Debug)]
pub struct IncidentRecorder {
    /// `None` until it is known which it is.
    journal: Option<Journal>,
    waiting: Vec<Line>,
    /// How many found no room there.
    unkept: u64,
    recorder: Recorder,
    ahead: SignedDuration,
}

impl IncidentRecorder {
    /// Everything from here on goes into a record; into which is still asked.
    pub fn undecided() -> Self {
        Self {
            journal: None,
            waiting: Vec::new(),
            unkept: 0,
            recorder: Recorder::default(),
            ahead: SignedDuration::ZERO,
        }
    }

    /// Everything from here on goes into this journal.
    pub fn new(journal: Journal) -> Self {
        Self {
            journal: Some(journal),
            ..Self::undecided()
        }
    }

    /// The record is this one; what came before is written into it. The console is told when it is open, and how it goes.
    pub fn open(&mut self, mode: OpenMode, events: &mpsc::Sender<Event>) {
        if matches!(mode, OpenMode::Resume { .. }) {
            // They were found without what the record knows: when the incident began, and about which SOP it is.
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

    /// Where a command's intent and its outcome go; `None` while it is not decided.
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// An observation came.
    pub fn observation(&mut self, at: Timestamp, observation: &Observation) {
        let lines = self.recorder.take(at, observation);
        self.write(lines);
    }

    /// The operator did something, or something was done.
    pub fn entry(&mut self, at: Timestamp, entry: Entry) {
        let mut lines = self.recorder.flush(at);
        lines.push(Line { at, entry });
        self.write(lines);
    }

    /// After an event: the clock that dates all may be another.
    pub fn note_clock(&mut self, app: &App) {
        if app.clock.skew != self.ahead {
            self.ahead = app.clock.skew;
            self.entry(app.clock.now, Entry::ClockAhead(app.clock.skew));
        }
    }

    /// After a judgement.
    pub fn note_found(&mut self, app: &mut App) {
        if let Some(found) = app.news() {
            self.entry(app.clock.now, Entry::Snapshot(Box::new(found)));
        }
    }

    /// What is found at this moment, like the last or not: the evidence before a command, and after what came of it.
    pub fn note_evidence(&mut self, app: &mut App) {
        if let Some(found) = app.evidence() {
            self.entry(app.clock.now, Entry::Snapshot(Box::new(found)));
        }
    }

    /// What is held back, before something else is written another way.
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

/// Tells the console when the record is open, and each change of how its writing goes.
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
