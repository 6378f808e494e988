//! From event to effects.

use std::sync::Arc;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::App;
use super::event::{Effect, Event, Outcome};
use super::notice::Notice;
use crate::dialogs::{Dialog, Purpose};
use crate::keymap::Key;
use crate::keymap::action::{Action, Context};
use crate::panes::Pane;
use crate::panes::sop::checklist::Tick;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{SourceId, SourceState};
use sopwatch_core::record::Entry;
use sopwatch_core::text::SafeText;

/// Keys that do nothing of which that is said.
const UNKNOWN_KEYS: usize = 100;

impl App {
    /// Takes in one event at `now`, by this machine's clock, and says what is to be done in the world.
    pub fn update(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        // On a drill's fast clock an answer's way is long, and both clocks are the same.
        if let Event::Observation(Observation::ServerClock(clock)) = &event
            && self.clock.speed.is_none()
            && self.player.is_none()
        {
            self.set_skew(clock.duration_since(now));
        }
        let now = if self.player.is_some() {
            self.pass(now)
        } else {
            now.saturating_add(self.clock.skew).unwrap_or(now)
        };
        self.clock.now = now;
        self.vitals = None;
        let effects = self.take_event(event);
        self.let_out(effects)
    }

    fn take_event(&mut self, event: Event) -> Vec<Effect> {
        let now = self.clock.now;
        match event {
            Event::Key(key) => {
                let (dialogs, said) = (self.dialogs.len(), self.notice.clone());
                let mut effects = self.press(key);
                // What was said before is not about the dialog that opened.
                if self.dialogs.len() > dialogs && self.notice == said {
                    self.notice = None;
                }
                self.note_looks();
                effects.extend(self.focus_logs());
                effects
            }
            Event::Paste(text) => {
                self.paste(&text);
                Vec::new()
            }
            Event::Observation(observation) => {
                let may_choose = matches!(observation, Observation::Alerts(_) | Observation::AlertRules(_));
                self.learn(observation);
                let mut effects = self.go_on();
                if may_choose {
                    effects.extend(self.open_by_alert());
                }
                effects
            }
            Event::AuditEntry(act) => {
                self.note_act(act);
                Vec::new()
            }
            Event::Outcome(outcome) => self.take_outcome(outcome),
            Event::Tick | Event::Resize(..) => {
                if let Event::Resize(columns, rows) = event {
                    self.note_size((columns, rows));
                }
                self.notice.take_if(|notice| !notice.is_current(now));
                let mut effects = self.go_on();
                effects.extend(self.focus_logs());
                effects.extend(self.ring());
                effects
            }
        }
    }

    /// Whether an event changes nothing on the screen but counts and ages, which are shown a few seconds later: lines of a log that the
    /// log pane does not show, a database in which nothing has changed, and figures of the vital signs and of monitoring, from a source
    /// whose state stays the same.
    pub fn can_wait(&self, event: &Event) -> bool {
        let live = |id: SourceId| {
            let source = self.state.source(&id);
            source.is_some_and(|source| source.state == SourceState::Live)
        };
        let batch = match event {
            Event::Observation(Observation::Log(batch)) => batch,
            Event::Observation(Observation::Usage(_)) => return live(SourceId::Usage),
            Event::Observation(Observation::Database(reading)) => {
                let before = self.state.reading.as_ref();
                return live(SourceId::Database)
                    && before.is_some_and(|(_at, before)| reading.only_ages_differ(before));
            }
            Event::Observation(Observation::Metrics(readings)) => {
                let known = &self.state.monitoring;
                return live(SourceId::Metrics) && readings.iter().all(|reading| known.has(reading));
            }
            Event::Observation(Observation::Alerts(_)) => {
                return live(SourceId::Alerts) && self.state.monitoring.alerts().is_some();
            }
            Event::Observation(Observation::AlertRules(_)) => {
                return live(SourceId::AlertRules) && self.state.monitoring.rules().is_some();
            }
            Event::Observation(Observation::Tracker(_)) => {
                return live(SourceId::Tracker) && self.state.monitoring.tracker().is_some();
            }
            Event::Observation(Observation::Source(id, state)) => {
                return self.state.source(id).is_some_and(|source| source.state == *state);
            }
            Event::Observation(Observation::ServerClock(_)) => return true,
            Event::Observation(Observation::Scrape { pod, .. }) => {
                return live(SourceId::Scrape(pod.clone()));
            }
            // A replay that stands still.
            Event::Tick if self.player.as_ref().is_some_and(|player| !player.is_playing()) => {
                return self.notice.is_none();
            }
            _ => return false,
        };
        let known = self.state.logs.get(&batch.source);
        known.is_some_and(|log| log.progress.caught_up == batch.progress.caught_up)
            && batch.sightings.is_empty()
            && !batch.records.iter().any(|record| self.logs.buffer.shows(record))
    }

    pub(crate) fn learn(&mut self, mut observation: Observation) {
        match &mut observation {
            // A pod that is not the service's own, in a record of an older version.
            Observation::Log(batch) if self.state.other_pods.contains_key(&batch.source.pod_uid) => {}
            Observation::LogNote { source, .. } if self.state.other_pods.contains_key(&source.pod_uid) => {}
            Observation::Log(batch) => {
                let records = std::mem::take(&mut batch.records);
                self.logs.buffer.push(&Arc::new(batch.source.clone()), records);
            }
            Observation::LogNote { source, text, .. } => {
                self.logs
                    .buffer
                    .note(&Arc::new(source.clone()), self.clock.now, text.clone());
            }
            _ => {}
        }
        self.state.apply(observation, self.clock.now);
        self.hold_choices();
    }

    /// Keeps the chosen rows within their lists.
    pub(crate) fn hold_choices(&mut self) {
        let hold = |chosen: usize, count: &dyn Fn() -> usize| match chosen {
            // Each observation asks for this, and the first row is one of any list.
            0 => 0,
            _ => chosen.min(count().saturating_sub(1)),
        };
        self.panes.pod = hold(self.panes.pod, &|| self.state.pods.len());
        self.panes.status = hold(self.panes.status, &|| self.grid().len());
        self.panes.step = hold(self.panes.step, &|| self.steps().len());
    }

    fn take_outcome(&mut self, outcome: Outcome) -> Vec<Effect> {
        match outcome {
            Outcome::Copied { to, file, request } => {
                self.note_copy(to.as_deref(), file.as_deref());
                request.map(Effect::Write).into_iter().collect()
            }
            Outcome::Failed { what } => {
                self.complain(&what);
                Vec::new()
            }
            Outcome::DryRunAnswered { number, answer } => {
                self.take_dry_run(number, answer);
                Vec::new()
            }
            Outcome::Done { id, outcome } => {
                self.take_command_outcome(id, outcome);
                self.go_on()
            }
            Outcome::Opened { file, lines, instead } => {
                self.take_record(file, &lines, instead.as_ref());
                self.go_on()
            }
            Outcome::Recording { failing, lost } => {
                self.take_recording(failing, lost);
                Vec::new()
            }
            Outcome::Saved { file } => {
                self.say(&format!("lines saved to {}", file.display()));
                Vec::new()
            }
            Outcome::Reported { file } => {
                self.say(&format!("the report is in {}", file.display()));
                Vec::new()
            }
        }
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.notice = Some(Notice {
            at: self.clock.now,
            bad: false,
            text: SafeText::new(text),
        });
    }

    pub(crate) fn complain(&mut self, text: &str) {
        self.notice = Some(Notice {
            at: self.clock.now,
            bad: true,
            text: SafeText::new(text),
        });
    }

    /// Where keys go now: to the first of these in which they mean something.
    pub fn contexts(&self) -> Vec<Context> {
        let replay = self.player.as_ref().map(|_| Context::Replay);
        match self.dialog() {
            Some(dialog) if dialog.is_prompt() || dialog.is_question() => vec![Context::Always],
            // One more hint, or the answer, comes from the hints as well.
            Some(Dialog::Hints(_)) => vec![Context::Always, Context::Drill, Context::Dialog],
            Some(dialog) => {
                let replay = replay.filter(|_| !dialog.is_choice());
                [Context::Always, Context::Dialog]
                    .into_iter()
                    .chain(replay)
                    .collect()
            }
            None => {
                let drill = self.attempt.as_ref().map(|_| Context::Drill);
                let first = [Context::Always].into_iter().chain(replay);
                let pane = [Context::In(self.panes.focus)];
                first.chain(pane).chain(drill).chain([Context::Console]).collect()
            }
        }
    }

    fn press(&mut self, key: KeyEvent) -> Vec<Effect> {
        let types = self.takes_text();
        if types && is_control(key, 'c') {
            // Who leaves a text field this way does not mean to leave the console.
            self.close_text();
            return Vec::new();
        }
        // A letter is text there, whatever a user's key makes of it elsewhere.
        let is_text = types && matches!(key.code, KeyCode::Char(_)) && !has_modifier(key);
        if !is_text && let Some(action) = self.keymap.resolve(Key::from(key), &self.contexts()) {
            return self.dispatch(action);
        }
        match self.dialog() {
            Some(Dialog::Confirm(_)) => self.press_confirm(key),
            Some(Dialog::Stop(button)) => self.press_stop(*button, key.code),
            Some(Dialog::NextScenario { id, button }) => {
                let (id, button) = (id.clone(), *button);
                self.press_next_scenario(&id, button, key.code)
            }
            Some(Dialog::ResumePrompt(_)) => self.press_offer(key),
            Some(Dialog::Palette { .. }) => self.press_palette(key),
            Some(dialog) if dialog.is_prompt() => self.type_key(key),
            _ => {
                self.say_unknown(Key::from(key));
                Vec::new()
            }
        }
    }

    /// Says of a key that does nothing here that it does nothing, once; of one that another pane has, where.
    fn say_unknown(&mut self, key: Key) {
        if self.unknown_keys.len() > UNKNOWN_KEYS || !self.unknown_keys.insert(key) {
            return;
        }
        let pane_of = |pane: &Pane| self.keymap.resolve(key, &[Context::In(*pane)]).is_some();
        let other = Pane::ALL
            .into_iter()
            .find(pane_of)
            .filter(|_| self.dialog().is_none());
        let name = key.in_a_sentence();
        let words = if let Some(pane) = other {
            let focus = match pane {
                Pane::Pods => Action::FocusPods,
                Pane::Logs => Action::FocusLogs,
                Pane::Database => Action::FocusDatabase,
                Pane::Sop => Action::FocusSop,
            };
            let first = self.keymap.key_of(focus, Context::Console);
            let first = first.map_or(String::new(), |first| format!(" · press {first} first"));
            format!("{name} works in {}{first}", pane.title())
        } else {
            let (way, place) = if self.dialog().is_some() {
                (Action::CloseDialog, Context::Dialog)
            } else {
                (Action::Help, Context::Console)
            };
            let what = if self.dialog().is_some() { "close" } else { "help" };
            let help = self.keymap.key_of(way, place);
            let help = help.map_or(String::new(), |key| format!(" · {key} {what}"));
            format!("{name} does nothing here{help}")
        };
        self.say(&words);
    }

    /// Whether keys are text now: a prompt is open, or a name is to be typed for a confirmation.
    fn takes_text(&self) -> bool {
        match self.dialog() {
            Some(Dialog::Confirm(confirm)) => self.to_type(&confirm.plan).is_some(),
            Some(dialog) => dialog.is_prompt(),
            None => false,
        }
    }

    fn close_text(&mut self) {
        if matches!(self.dialog(), Some(Dialog::Confirm(_))) {
            self.dialogs.pop();
        } else {
            self.cancel_prompt();
        }
    }

    fn type_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        match key.code {
            KeyCode::Esc => self.cancel_prompt(),
            KeyCode::Enter => return self.submit_prompt(),
            _ => {
                if let Some(Dialog::Prompt { input, .. }) = self.dialogs.last_mut() {
                    input.handle_event(&TerminalEvent::Key(key));
                }
                self.preview_prompt();
            }
        }
        Vec::new()
    }

    fn paste(&mut self, text: &str) {
        let line: String = text.chars().filter(|character| !character.is_control()).collect();
        if let Some(Dialog::Prompt { input, .. } | Dialog::Palette { input, .. }) = self.dialogs.last_mut() {
            let (before, after): (String, String) = {
                let typed = input.value();
                (
                    typed.chars().take(input.cursor()).collect(),
                    typed.chars().skip(input.cursor()).collect(),
                )
            };
            let cursor = before.chars().count() + line.chars().count();
            *input = Input::new(format!("{before}{line}{after}")).with_cursor(cursor);
            self.preview_prompt();
        }
    }

    pub(crate) fn prompt(&mut self, purpose: Purpose, text: &str) {
        self.dialogs.push(Dialog::Prompt {
            purpose,
            input: Input::new(text.to_owned()),
            error: None,
        });
    }

    /// A filter works while it is typed; one that can't be compiled leaves the last that could.
    fn preview_prompt(&mut self) {
        let Some(Dialog::Prompt { purpose, input, .. }) = self.dialogs.last() else {
            return;
        };
        let hides = match purpose {
            Purpose::Filter { .. } => false,
            Purpose::Hide { .. } => true,
            _ => return,
        };
        let typed = input.value().to_owned();
        let problem = self.apply_filter(&typed, hides).err();
        if let Some(Dialog::Prompt { error, .. }) = self.dialogs.last_mut() {
            *error = problem;
        }
    }

    /// Leaves a filter as it was before it was typed.
    fn cancel_prompt(&mut self) {
        let Some(Dialog::Prompt { purpose, .. }) = self.dialogs.pop() else {
            return;
        };
        let (before, hides) = match &purpose {
            Purpose::Filter { before } => (before, false),
            Purpose::Hide { before } => (before, true),
            _ => return,
        };
        // It was in force before.
        let _ = self.apply_filter(before, hides);
    }

    fn submit_prompt(&mut self) -> Vec<Effect> {
        let Some(Dialog::Prompt {
            purpose,
            input,
            error,
        }) = self.dialogs.pop()
        else {
            return Vec::new();
        };
        let text = input.value().to_owned();
        match purpose {
            Purpose::Filter { .. } | Purpose::Hide { .. } if error.is_some() => {
                self.dialogs.push(Dialog::Prompt {
                    purpose,
                    input,
                    error,
                });
            }
            Purpose::Filter { .. } | Purpose::Hide { .. } => {}
            Purpose::Time => {
                if let Err(problem) = self.jump_to_time(&text) {
                    self.dialogs.push(Dialog::Prompt {
                        purpose,
                        input,
                        error: Some(problem),
                    });
                }
            }
            Purpose::Search => self.search(&text),
            Purpose::Note { step } => {
                let tick = Tick {
                    at: self.clock.now,
                    note: text.into(),
                };
                let note = tick.note.clone();
                self.checklist.ticks.insert(step.clone(), tick);
                return vec![Effect::Record(Entry::Ticked { step, note })];
            }
            Purpose::Remark => return self.note_down(&text),
        }
        Vec::new()
    }
}

fn has_modifier(key: KeyEvent) -> bool {
    key.modifiers
        .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

fn is_control(key: KeyEvent, letter: char) -> bool {
    let pressed = matches!(key.code, KeyCode::Char(character) if character.eq_ignore_ascii_case(&letter));
    pressed && key.modifiers.contains(KeyModifiers::CONTROL)
}
