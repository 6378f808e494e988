//! The console without a terminal: events in, effects out, frames on demand. The live loop and the tests both drive it.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::clipboard::Clipboard;
use super::clock::Clock;
use super::doing::Way;
use super::recording::Recording;
use super::records::{self, Records};
use super::sources::Lines;
use crate::database::Request;
use crate::journal::{Journal, Place};
use sopwatch_console::app::App;
use sopwatch_console::app::event::{Effect, Event, Outcome};
use sopwatch_console::app::lesson::Choice;
use sopwatch_console::view::{self, Theme};
use sopwatch_core::record::{Entry, Intent, Line};
use sopwatch_core::text::SafeText;

/// Queued events taken before keys are looked for again: an event may hold some hundred log records, and a key must not wait for many.
pub const DRAIN: usize = 32;

/// How long the disk may take when the console is left.
const LEAVES_WITHIN: Duration = Duration::from_secs(3);

/// What the loop has to do with the terminal after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Nothing.
    Continue,
    /// Leave.
    Quit,
    /// Give it back until the shell resumes us.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Write this to it.
    Write(String),
}

/// The state machine with its channels.
#[derive(Debug)]
pub struct Console {
    /// What the screen shows.
    pub app: App,
    theme: Theme,
    clock: Clock,
    events: mpsc::Receiver<Event>,
    /// For outcomes of effects that take time.
    sender: mpsc::Sender<Event>,
    /// To the tasks; nobody listens where there is none.
    lines: Lines,
    clipboard: Clipboard,
    /// To the drill, which may react to what the operator would do.
    answers: Option<mpsc::Sender<Choice>>,
    recording: Option<Recording>,
    /// Until it is decided which record it is.
    records: Option<Records>,
    changed: bool,
}

impl Console {
    /// A console whose background tasks send into `sender`'s channel.
    pub fn new(
        app: App,
        theme: Theme,
        clock: Clock,
        (sender, events): (mpsc::Sender<Event>, mpsc::Receiver<Event>),
        lines: Lines,
        clipboard: Clipboard,
    ) -> Self {
        Self {
            app,
            theme,
            clock,
            events,
            sender,
            lines,
            clipboard,
            answers: None,
            recording: None,
            records: None,
            changed: true,
        }
    }

    /// From now on the drill is told what the operator would do.
    pub fn tell_answers(&mut self, answers: mpsc::Sender<Choice>) {
        self.answers = Some(answers);
    }

    /// From now on what is seen, found and done is recorded.
    pub fn record(&mut self, recording: Recording) {
        self.recording = Some(recording);
    }

    /// The same; an incident that is open may be offered to be gone on with.
    pub fn keep(&mut self, records: Records) {
        self.recording = Some(Recording::undecided());
        let offer = records.offer();
        if let Some(words) = records.beside() {
            self.app.is_beside(&words);
        }
        self.records = Some(records);
        match offer {
            Some(offer) => self.app.offer(offer),
            None => {
                self.open_record(true);
            }
        }
    }

    /// Waits for the next event of the background tasks.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Takes in one event and does what follows from it.
    pub fn take(&mut self, event: Event) -> Flow {
        self.changed |= !self.app.can_wait(&event);
        let now = self.clock.now();
        if let (Some(recording), Event::Observation(observation)) = (&mut self.recording, &event) {
            recording.observation(now.saturating_add(self.app.skew).unwrap_or(now), observation);
        }
        let effects = self.app.update(event, now);
        if let Some(recording) = &mut self.recording {
            recording.note_clock(&self.app);
        }
        let mut flow = Flow::Continue;
        for effect in effects {
            match self.perform(effect) {
                Flow::Continue => {}
                other => flow = other,
            }
        }
        flow
    }

    /// Takes in what is queued, bounded, so that a flood is drawn once and not once a line.
    pub fn drain(&mut self) -> Flow {
        for _ in 0..DRAIN {
            let Ok(event) = self.events.try_recv() else { break };
            match self.take(event) {
                Flow::Continue => {}
                other => return other,
            }
        }
        Flow::Continue
    }

    /// Whether anything came since the last frame.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Judges the observations, and records what is new.
    pub fn judge(&mut self) {
        self.app.judge();
        if let Some(recording) = &mut self.recording {
            recording.note_found(&mut self.app);
        }
    }

    /// Judges the observations and draws.
    pub fn draw<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> Result<(), B::Error> {
        self.changed = false;
        self.judge();
        let drawn = terminal.draw(|frame| view::render(&self.app, &self.theme, frame))?;
        if let Some(limit) = view::scroll_limit(&self.app, &self.theme, drawn.area) {
            self.app.hold_scroll(limit);
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) -> Flow {
        match effect {
            Effect::Quit => Flow::Quit,
            Effect::Suspend => Flow::Suspend,
            Effect::Redraw => Flow::Redraw,
            Effect::Refresh => self.ask(Request::Refresh),
            Effect::WatchRows(of) => self.ask(Request::WatchRows(of)),
            Effect::FocusLogs(focus) => {
                self.lines.focus.send_replace(focus);
                Flow::Continue
            }
            Effect::Copy(text) => self.copy(text),
            Effect::Write(sequence) => Flow::Write(sequence),
            Effect::Answer(choice) => self.tell(choice),
            Effect::Rehearse { number, commands } => {
                tokio::spawn(self.way().rehearse(number, commands));
                Flow::Continue
            }
            Effect::Do(intent) => self.carry_out(intent),
            Effect::Record(entry) => self.note(entry),
            Effect::OpenRecord { resume } => self.open_record(resume),
            Effect::Report => self.report(),
        }
    }

    fn way(&self) -> Way {
        Way {
            commands: self.lines.commands.clone(),
            events: self.sender.clone(),
            clock: self.clock.clone(),
            ahead: self.app.skew,
        }
    }

    /// The record, with all that was held back in it; `None` while it is not decided which it is.
    fn journal(&mut self) -> Option<Journal> {
        let recording = self.recording.as_mut()?;
        recording.finish(self.app.now);
        recording.journal().cloned()
    }

    fn carry_out(&mut self, intent: Intent) -> Flow {
        if let Some(recording) = &mut self.recording {
            recording.note_evidence(&mut self.app);
        }
        let journal = self.journal();
        tokio::spawn(self.way().carry_out(intent, journal));
        Flow::Continue
    }

    /// The operator has said which record it is, or nobody had to.
    fn open_record(&mut self, resume: bool) -> Flow {
        if let (Some(recording), Some(records)) = (&mut self.recording, self.records.take()) {
            let place = records.place(&self.app, resume);
            self.app.record.opening = matches!(place, Place::Old { .. });
            recording.open(place, &self.sender);
        }
        Flow::Continue
    }

    fn report(&mut self) -> Flow {
        let journal = self.journal();
        let file = self.app.record.file.clone();
        tokio::spawn(records::report(journal, file, self.sender.clone()));
        Flow::Continue
    }

    /// Writes that the console is left, and waits until all is on disk, bounded.
    pub async fn leave(&mut self, how: &str) {
        let (now, how) = (self.app.now, SafeText::new(how));
        let Some(recording) = &mut self.recording else {
            return;
        };
        recording.finish(now);
        if let Some(journal) = recording.journal().cloned() {
            let line = Line {
                at: now,
                entry: Entry::Left { how },
            };
            // A disk that hangs must not hold the terminal.
            let _ = tokio::time::timeout(LEAVES_WITHIN, journal.commit(line)).await;
        }
    }

    fn note(&mut self, entry: Entry) -> Flow {
        let now = self.app.now;
        if let Some(recording) = &mut self.recording {
            let came = matches!(entry, Entry::Stage { .. });
            recording.entry(now, entry);
            if came {
                recording.note_evidence(&mut self.app);
            }
        }
        Flow::Continue
    }

    fn ask(&mut self, request: Request) -> Flow {
        let what = match self.lines.database.sender().try_send(request) {
            Ok(()) => return Flow::Continue,
            Err(TrySendError::Full(_)) => "the database poll is busy: try again",
            Err(TrySendError::Closed(_)) => "the database is not read here",
        };
        self.take(Event::Outcome(Outcome::Failed { what: what.into() }))
    }

    fn tell(&mut self, choice: Choice) -> Flow {
        // A drill that has ended reacts to nothing, and one that is slow to listen has many answers to react to already.
        let _ = self.answers.as_ref().map(|answers| answers.try_send(choice));
        Flow::Continue
    }

    fn copy(&mut self, text: String) -> Flow {
        let (sender, clipboard) = (self.sender.clone(), self.clipboard.clone());
        tokio::spawn(async move {
            // A console that is gone needs no answer.
            let _ = sender.send(Event::Outcome(clipboard.copy(text).await)).await;
        });
        Flow::Continue
    }
}
