//! The console without a terminal: events in, effects out, frames on demand. The live loop and the tests both drive it.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::clipboard::Clipboard;
use super::clock::Clock;
use super::command_executor::CommandExecutor;
use super::record_options::RecordOptions;
use super::recorder::IncidentRecorder;
use super::report_file;
use super::sources::TaskChannels;
use crate::journal::{Journal, OpenMode};
use crate::postgres::PollRequest;
use sopwatch_console::app::App;
use sopwatch_console::app::event::{Effect, Event, Outcome, TerminalRequest};
use sopwatch_console::screen;
use sopwatch_console::screen::Theme;
use sopwatch_console::training::Choice;
use sopwatch_core::record::{Entry, Intent, Line};
use sopwatch_core::text::SafeText;

/// Queued events that are taken before the next look for keys: an event may hold some hundred log records, and a key must not wait for many.
pub const DRAIN: usize = 32;

/// How long the disk may take when the console is left.
const LEAVES_WITHIN: Duration = Duration::from_secs(3);

/// What the loop does with the terminal after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoopAction {
    /// Nothing.
    Continue,
    /// Leave.
    Quit,
    /// Give it back until the shell resumes us.
    Suspend,
    /// Redraw everything.
    Redraw,
    /// Show this text in the operator's pager.
    Page(SafeText),
    /// Send it this request.
    Write(TerminalRequest),
}

/// The state machine with its channels.
#[derive(Debug)]
pub struct Console {
    /// The state that the screen shows.
    pub app: App,
    theme: Theme,
    clock: Clock,
    events: mpsc::Receiver<Event>,
    /// For outcomes of effects that take time.
    sender: mpsc::Sender<Event>,
    /// To the tasks; where there is no task, nobody listens.
    channels: TaskChannels,
    clipboard: Clipboard,
    /// To the drill, which may react to what the operator would do.
    answers: Option<mpsc::Sender<Choice>>,
    recorder: Option<IncidentRecorder>,
    /// The records to choose from, until one is chosen.
    records: Option<RecordOptions>,
    /// The scenario of a drill that was chosen to follow this one.
    next_scenario: Option<String>,
    changed: bool,
}

impl Console {
    /// A console whose background tasks send into `sender`'s channel.
    pub fn new(
        app: App,
        theme: Theme,
        clock: Clock,
        (sender, events): (mpsc::Sender<Event>, mpsc::Receiver<Event>),
        channels: TaskChannels,
        clipboard: Clipboard,
    ) -> Self {
        Self {
            app,
            theme,
            clock,
            events,
            sender,
            channels,
            clipboard,
            answers: None,
            recorder: None,
            records: None,
            next_scenario: None,
            changed: true,
        }
    }

    /// Sends the operator's answers to the drill from now on.
    pub fn send_answers(&mut self, answers: mpsc::Sender<Choice>) {
        self.answers = Some(answers);
    }

    /// Records what is seen, found and done from now on.
    pub fn record(&mut self, recorder: IncidentRecorder) {
        self.recorder = Some(recorder);
    }

    /// The same; the operator may be asked whether to resume an open incident.
    pub fn choose_record(&mut self, records: RecordOptions) {
        self.recorder = Some(IncidentRecorder::undecided());
        let offer = records.offer();
        if let Some(words) = records.others_at_work() {
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

    /// The scenario of a drill that is to follow this one, once the console is left.
    pub fn take_next_scenario(&mut self) -> Option<String> {
        self.next_scenario.take()
    }

    /// Waits for the next event of the background tasks.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Takes in one event and does what follows from it.
    pub fn take(&mut self, event: Event) -> LoopAction {
        self.changed |= !self.app.can_wait(&event);
        let now = self.clock.now();
        if let (Some(recorder), Event::Observation(observation)) = (&mut self.recorder, &event) {
            recorder.observation(
                now.saturating_add(self.app.clock.skew).unwrap_or(now),
                observation,
            );
        }
        let effects = self.app.update(event, now);
        if let Some(recorder) = &mut self.recorder {
            recorder.note_clock(&self.app);
        }
        let mut action = LoopAction::Continue;
        for effect in effects {
            match self.perform(effect) {
                LoopAction::Continue => {}
                other => action = other,
            }
        }
        action
    }

    /// Takes in what is queued, bounded, so that a flood is drawn once and not once a line.
    pub fn drain(&mut self) -> LoopAction {
        for _ in 0..DRAIN {
            let Ok(event) = self.events.try_recv() else { break };
            match self.take(event) {
                LoopAction::Continue => {}
                other => return other,
            }
        }
        LoopAction::Continue
    }

    /// Whether anything came since the last frame.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Judges the observations, and records what is new.
    pub fn judge(&mut self) {
        self.app.judge();
        if let Some(recorder) = &mut self.recorder {
            recorder.note_found(&mut self.app);
        }
    }

    /// Judges the observations and draws.
    pub fn draw<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> Result<(), B::Error> {
        self.changed = false;
        self.judge();
        let (mut limit, mut size) = (None, (0, 0));
        terminal.draw(|frame| {
            size = (frame.area().width, frame.area().height);
            limit = screen::render(&self.app, &self.theme, frame);
        })?;
        self.app.note_size(size);
        let charts = self.app.shows_metric_charts();
        self.channels
            .monitoring
            .send_if_modified(|request| std::mem::replace(&mut request.charts, charts) != charts);
        if let Some(limit) = limit {
            self.app.hold_scroll(limit);
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) -> LoopAction {
        match effect {
            Effect::Quit => LoopAction::Quit,
            Effect::StartScenario(id) => {
                self.next_scenario = Some(id);
                LoopAction::Quit
            }
            Effect::Suspend => LoopAction::Suspend,
            Effect::Redraw => LoopAction::Redraw,
            Effect::Refresh => {
                self.channels.monitoring.send_modify(|request| request.polls += 1);
                self.ask(PollRequest::Refresh)
            }
            Effect::WatchRows(of) => self.ask(PollRequest::WatchRows(of)),
            Effect::FocusLogs(focus) => {
                self.channels.focus.send_replace(focus);
                LoopAction::Continue
            }
            Effect::Copy(text) => self.copy(text),
            Effect::Write(request) => LoopAction::Write(request),
            Effect::Answer(choice) => self.tell(choice),
            Effect::DryRun { number, commands } => {
                tokio::spawn(self.executor().dry_run(number, commands));
                LoopAction::Continue
            }
            Effect::Do { at, intent } => self.carry_out(at, intent),
            Effect::Record(entry) => self.note(entry),
            Effect::OpenRecord { resume } => self.open_record(resume),
            Effect::Report => self.report(),
            Effect::SaveLines(text) => self.save_lines(text),
            Effect::Page(text) => LoopAction::Page(text),
        }
    }

    fn executor(&self) -> CommandExecutor {
        CommandExecutor {
            commands: self.channels.commands.clone(),
            events: self.sender.clone(),
            clock: self.clock.clone(),
            ahead: self.app.clock.skew,
        }
    }

    /// The journal, with everything written to it that was held back; `None` while no record is chosen.
    fn journal(&mut self) -> Option<Journal> {
        let recorder = self.recorder.as_mut()?;
        recorder.finish(self.app.clock.now);
        recorder.journal().cloned()
    }

    fn carry_out(&mut self, at: Timestamp, intent: Intent) -> LoopAction {
        if let Some(recorder) = &mut self.recorder {
            recorder.note_evidence(&mut self.app);
        }
        let journal = self.journal();
        tokio::spawn(self.executor().carry_out(at, intent, journal));
        LoopAction::Continue
    }

    /// Opens the record once it is chosen.
    fn open_record(&mut self, resume: bool) -> LoopAction {
        if let (Some(recorder), Some(records)) = (&mut self.recorder, self.records.take()) {
            let mode = records.mode(&self.app, resume);
            self.app.incident.status.opening = matches!(mode, OpenMode::Resume { .. });
            recorder.open(mode, &self.sender);
        }
        LoopAction::Continue
    }

    fn report(&mut self) -> LoopAction {
        let journal = self.journal();
        let file = self.app.incident.status.file.clone();
        tokio::spawn(report_file::write(journal, file, self.sender.clone()));
        LoopAction::Continue
    }

    /// Writes lines of the log beside the record; without a record to the system's folder for temporary files.
    fn save_lines(&mut self, text: SafeText) -> LoopAction {
        let (file, sender) = (self.app.incident.status.file.clone(), self.sender.clone());
        tokio::spawn(async move {
            let saved = tokio::task::spawn_blocking(move || report_file::save_lines(file.as_deref(), &text));
            let outcome = match saved.await {
                Ok(Ok(file)) => Outcome::Saved { file },
                Ok(Err(what)) => Outcome::Failed { what },
                Err(_panicked) => Outcome::Failed {
                    what: "the lines could not be saved".into(),
                },
            };
            // A console that is gone needs no answer.
            let _ = sender.send(Event::Outcome(outcome)).await;
        });
        LoopAction::Continue
    }

    /// Records that the console is left, and waits until all is on disk, for a bounded time.
    pub async fn leave(&mut self, how: &str) {
        let (now, how) = (self.app.clock.now, SafeText::new(how));
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        recorder.finish(now);
        if let Some(journal) = recorder.journal().cloned() {
            let line = Line {
                at: now,
                entry: Entry::Left { how },
            };
            // A disk that hangs must not hold the terminal.
            let _ = tokio::time::timeout(LEAVES_WITHIN, journal.commit(line)).await;
        }
    }

    fn note(&mut self, entry: Entry) -> LoopAction {
        let now = self.app.clock.now;
        if let Some(recorder) = &mut self.recorder {
            let came = matches!(entry, Entry::Stage { .. });
            recorder.entry(now, entry);
            if came {
                recorder.note_evidence(&mut self.app);
            }
        }
        LoopAction::Continue
    }

    fn ask(&mut self, request: PollRequest) -> LoopAction {
        let what = match self.channels.database.sender().try_send(request) {
            Ok(()) => return LoopAction::Continue,
            Err(TrySendError::Full(_)) => "the database poll is busy: try again",
            Err(TrySendError::Closed(_)) => "the database is not in use",
        };
        self.take(Event::Outcome(Outcome::Failed { what: what.into() }))
    }

    fn tell(&mut self, choice: Choice) -> LoopAction {
        // A drill that has ended reacts to nothing, and one that is slow to listen has many answers to react to already.
        let _ = self.answers.as_ref().map(|answers| answers.try_send(choice));
        LoopAction::Continue
    }

    fn copy(&mut self, text: SafeText) -> LoopAction {
        let (sender, clipboard) = (self.sender.clone(), self.clipboard.clone());
        tokio::spawn(async move {
            // A console that is gone needs no answer.
            let _ = sender.send(Event::Outcome(clipboard.copy(text).await)).await;
        });
        LoopAction::Continue
    }
}
