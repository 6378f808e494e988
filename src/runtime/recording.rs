//! What the console's loop tells the record.

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::incident::fact::Fact;
use crate::incident::record::recorder::Recorder;
use crate::incident::record::{Entry, Line};
use crate::journal::Journal;

/// The record of the incident that is worked on.
#[derive(Debug)]
pub struct Recording {
    journal: Journal,
    recorder: Recorder,
    ahead: SignedDuration,
}

impl Recording {
    /// Everything from here on goes into this journal.
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            recorder: Recorder::default(),
            ahead: SignedDuration::ZERO,
        }
    }

    /// Where a command's intent and its outcome go.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// A fact came.
    pub fn fact(&mut self, at: Timestamp, fact: &Fact) {
        self.journal.write(self.recorder.take(at, fact));
    }

    /// The operator did something, or something was done.
    pub fn entry(&mut self, at: Timestamp, entry: Entry) {
        let mut lines = self.recorder.flush(at);
        lines.push(Line { at, entry });
        self.journal.write(lines);
    }

    /// After an event: the clock that dates all may be another.
    pub fn note_clock(&mut self, app: &App) {
        if app.skew != self.ahead {
            self.ahead = app.skew;
            self.entry(app.now, Entry::ClockAhead(app.skew));
        }
    }

    /// After a judgement.
    pub fn note_found(&mut self, app: &mut App) {
        if let Some(found) = app.news() {
            self.entry(app.now, Entry::Found(Box::new(found)));
        }
    }

    /// What is held back, before the console is left.
    pub fn finish(&mut self, at: Timestamp) {
        let lines = self.recorder.flush(at);
        self.journal.write(lines);
    }
}
