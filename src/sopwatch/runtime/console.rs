//! The console without a terminal: events in, effects out, frames on demand. The live loop and the tests both drive it.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::clipboard::Clipboard;
use super::clock::Clock;
use super::command_executor::CommandExecutor;
use super::record_options::RecordOptions;
use super::recorder::IncidentRecorder;
use super::report_file;
use super::sources::TaskChannels;
use super::still_screen::StillScreen;
use crate::journal::{Journal, OpenMode};
use crate::postgres::PollRequest;
use sopwatch_console::app::App;
use sopwatch_console::app::event::{Effect, Event, Outcome, TerminalRequest};
use sopwatch_console::screen;
use sopwatch_console::screen::{Theme, layout};
use sopwatch_console::training::Choice;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::record::{Entry, Intent, Line};
use sopwatch_core::text::SafeText;

/// Queued events that are taken before the next look for keys, which must not wait for many.
pub const DRAIN: usize = 32;

/// Log records after which that look is due: an event may hold some hundred.
const DRAIN_RECORDS: usize = 1_000;

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
    /// What came since the last frame.
    came: Came,
    still: StillScreen,
}

/// What came since a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// Nothing that needs another.
    Nothing,
    /// A second went by.
    Time,
    /// Something to show.
    News,
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
            came: Came::News,
            still: StillScreen::default(),
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
        let came = match &event {
            event if self.app.can_wait(event) => Came::Nothing,
            Event::Tick if self.app.is_at_rest() => Came::Time,
            _ => Came::News,
        };
        self.came = self.came.max(came);
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
        let mut records = 0;
        for _ in 0..DRAIN {
            let Ok(event) = self.events.try_recv() else { break };
            if let Event::Observation(Observation::Log(batch)) = &event {
                records += batch.records.len();
            }
            match self.take(event) {
                LoopAction::Continue if records < DRAIN_RECORDS => {}
                other => return other,
            }
        }
        LoopAction::Continue
    }

    /// Whether anything came since the last frame.
    pub fn is_changed(&self) -> bool {
        self.came != Came::Nothing
    }

    /// Judges the observations, and records what is new. Whether that says anything else than before.
    pub fn judge(&mut self) -> bool {
        let says_else = self.app.judge();
        if let Some(recorder) = &mut self.recorder {
            recorder.note_found(&mut self.app);
        }
        says_else
    }

    /// The screen was cleared: the next frame draws all of it.
    pub fn forget_screen(&mut self) {
        self.came = Came::News;
        self.still.forget();
    }

    /// Judges the observations and draws: the header alone where nothing else is expected to change.
    pub fn draw<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> Result<(), B::Error> {
        let came = std::mem::replace(&mut self.came, Came::Nothing);
        let news = self.judge() || came != Came::Time;
        if !news && self.still.may_stay() && self.draw_header(terminal)? {
            return Ok(());
        }
        self.still.tell(terminal);
        let (mut limit, mut size) = (None, (0, 0));
        terminal.draw(|frame| {
            let area = frame.area();
            size = (area.width, area.height);
            limit = screen::render(&self.app, &self.theme, frame);
            self.still.note(frame.buffer_mut());
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

    /// Draws the header, past the terminal; `false` where there is none on the screen.
    fn draw_header<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> Result<bool, B::Error> {
        let Some(area) = self.still.shown().and_then(|shown| layout::header(shown.area)) else {
            return Ok(false);
        };
        let mut header = Buffer::empty(area);
        screen::render_header(&self.app, &self.theme, area, &mut header);
        self.still.write_header(terminal, &header)?;
        Ok(true)
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
                self.channels.reviews.send_modify(|reviews| *reviews += 1);
                match self.app.session.profile.database {
                    Some(_) => self.ask(PollRequest::Refresh),
                    None => LoopAction::Continue,
                }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::SignedDuration;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::runtime::restartable_channel::RestartableChannel;
    use sopwatch_console::app::Session;
    use sopwatch_console::keymap::Keymap;
    use sopwatch_core::logparse::LeaderLineKind;
    use sopwatch_core::observe::source::{SourceId, SourceState};
    use sopwatch_core::testkit;

    /// How late an age may be shown on a screen at rest.
    const LATE: usize = 4;

    fn theme() -> Theme {
        Theme::named("dark", true, false).unwrap()
    }

    /// A console that hears nothing but what a test tells it, and the seconds that have passed for it.
    fn console() -> (Console, Arc<AtomicI64>) {
        let passed = Arc::new(AtomicI64::new(0));
        let seconds = Arc::clone(&passed);
        let now = move || testkit::now() + SignedDuration::from_secs(seconds.load(Ordering::Relaxed));
        let session = Session {
            profile: Arc::new(testkit::built_in_profile()),
            environment: None,
            namespace: "managed-services-stage".to_owned(),
            drill: None,
            drill_shell_hints: Vec::new(),
            scenarios: Vec::new(),
            read_only: false,
            started_at: now(),
        };
        let app = App::new(session, "kafka-provisioning-latency", Keymap::default());
        let channels = TaskChannels {
            monitoring: Arc::default(),
            database: RestartableChannel::new(1),
            commands: RestartableChannel::new(1),
            focus: Arc::default(),
            reviews: Arc::default(),
        };
        let (clock, clipboard) = (Clock::new(now), Clipboard::default());
        let console = Console::new(app, theme(), clock, mpsc::channel(1), channels, clipboard);
        (console, passed)
    }

    fn rows(terminal: &Terminal<TestBackend>) -> (String, String) {
        let screen = terminal.backend().to_string();
        let (header, below) = screen.split_once('\n').unwrap();
        (header.to_owned(), below.to_owned())
    }

    /// The screen as it is when all of it is drawn.
    fn whole(console: &Console) -> (String, String) {
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        let drawn = terminal.draw(|frame| {
            screen::render(&console.app, &theme(), frame);
        });
        drawn.unwrap();
        rows(&terminal)
    }

    #[test]
    fn at_rest_the_clock_goes_each_second_and_a_new_judgement_shows_at_once() {
        let (mut console, passed) = console();
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        let pods = testkit::SHORT.map(|short| testkit::pod(short, 7_200));
        let led = |short| match short {
            "lzxms" => vec![(LeaderLineKind::Gained, 3_600), (LeaderLineKind::Heartbeat, 5)],
            _ => vec![(LeaderLineKind::NotLeader, 5)],
        };
        let logs = testkit::SHORT.map(|short| testkit::log(short, testkit::KAFKA, 7_000, &led(short)));
        let known = [
            Observation::Deployment(Some(testkit::deployment(3))),
            Observation::Pods(pods.to_vec()),
            Observation::Database(testkit::reading(Some((Some("lzxms"), 60)), &[])),
        ];
        for observation in known.into_iter().chain(logs.map(Observation::Log)) {
            console.take(Event::Observation(observation));
        }
        let mut screens = Vec::new();
        let (mut behind, mut judged_else) = (0, 0);
        for second in 1..=60 {
            passed.store(second, Ordering::Relaxed);
            let before = console.app.diagnosis.clone();
            // Then they fall silent.
            if second <= 30 && second % 5 == 0 {
                let logs = testkit::SHORT.map(|short| SourceId::Log(testkit::source(short)));
                let sources = [SourceId::Deployment, SourceId::Pods, SourceId::Database];
                for id in sources.into_iter().chain(logs) {
                    console.take(Event::Observation(Observation::Source(id, SourceState::Live)));
                }
            }
            console.take(Event::Tick);
            console.draw(&mut terminal).unwrap();
            let (header, below) = rows(&terminal);
            let (header_now, now) = whole(&console);
            assert_eq!(header, header_now, "second {second}");
            screens.push(now.clone());
            let may_be: Vec<_> = screens.iter().rev().take(1 + LATE).collect();
            assert!(may_be.contains(&&below), "second {second}:\n{below}");
            if !console.app.diagnosis.says_the_same_as(&before) {
                judged_else += 1;
                assert_eq!(below, now, "second {second}");
            }
            behind += usize::from(below != now);
        }
        assert!(judged_else > 0, "silent sources make steps stale");
        assert!(behind > 0, "no tick has drawn the header alone");
    }
}
