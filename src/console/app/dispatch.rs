//! What each verb does.

use super::App;
use super::event::Effect;
use crate::dialogs::{Dialog, Purpose, Scroll};
use crate::keymap::action::Action;
use crate::panes::Pane;
use crate::panes::logs::buffer::LogMode;
use sopwatch_core::record::Entry;
use sopwatch_core::remediate::execution::Execution;
use sopwatch_core::remediate::plan::Plan;

/// Rows that a page moves by.
pub(crate) const PAGE: usize = 10;

/// Moves a place by so many rows within `count` of them.
fn moved(place: usize, by: isize, count: usize) -> usize {
    place.saturating_add_signed(by).min(count.saturating_sub(1))
}

impl App {
    pub(crate) fn dispatch(&mut self, action: Action) -> Vec<Effect> {
        if self.is_refused_in_replay(action) {
            return Vec::new();
        }
        match action {
            Action::Quit => return self.quit(),
            Action::ForceQuit => return vec![Effect::Quit],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Refresh => return self.refresh(),
            Action::Choose => return self.choose(),
            Action::CloseDialog => return self.close_dialog(),
            Action::CopyText => return self.copy(),
            Action::Open => return self.open(),
            Action::Help => self.dialogs.push(Dialog::Help(Scroll::default())),
            Action::Why => self.why(),
            Action::HandOff => self.open_hand_off(),
            Action::NextContact => self.switch_contact(1),
            Action::PreviousContact => self.switch_contact(-1),
            Action::Apply => return self.apply_advice(),
            Action::RestartPod => return self.restart_chosen(),
            Action::RestartAll => return self.propose(Plan::restart_all),
            Action::RestartRest => return self.restart_rest(),
            Action::RollOut => return self.propose(Plan::roll_out),
            Action::StartPods => return self.propose(Plan::start),
            Action::ScaleUp => return self.propose(|account| Plan::scale(account, 1)),
            Action::ScaleDown => return self.propose(|account| Plan::scale(account, -1)),
            Action::Report => return vec![Effect::Report],
            Action::Incident => self.dialogs.push(Dialog::Incident(Scroll::default())),
            Action::Remark => self.prompt(Purpose::Remark, ""),
            Action::Vitals => self.dialogs.push(Dialog::Vitals(Scroll::default())),
            Action::Sources => self.dialogs.push(Dialog::Sources(Scroll::default())),
            Action::Hint => self.hint(),
            Action::GiveAnswer => self.ask_for_answer(),
            Action::Reveal => self.reveal(),
            Action::Debrief => self.debrief(),
            Action::Replay(turn) => self.turn(turn),
            Action::PickSop => self.pick_sop(),
            Action::Prompt => self.prompt(Purpose::Action, ""),
            Action::Tick => return self.tick(),
            Action::Search => self.search(),
            Action::NextMatch => self.find(1, false),
            Action::PreviousMatch => self.find(-1, false),
            Action::Close => self.close(),
            Action::Zoom => self.panes.zoomed = !self.panes.zoomed,
            Action::NextPane => self.panes.focus = self.panes.focus.next(),
            Action::PreviousPane => self.panes.focus = self.panes.focus.previous(),
            Action::FocusPods => self.panes.focus = Pane::Pods,
            Action::FocusLogs => self.panes.focus = Pane::Logs,
            Action::FocusDatabase => self.panes.focus = Pane::Database,
            Action::FocusSop => self.panes.focus = Pane::Sop,
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.step(-(PAGE as isize)),
            Action::PageDown => self.step(PAGE as isize),
            Action::Top => self.jump(true),
            Action::Bottom => self.jump(false),
            Action::DialogUp => self.scroll(-1),
            Action::DialogDown => self.scroll(1),
            Action::DialogPageUp => self.scroll(-(PAGE as isize)),
            Action::DialogPageDown => self.scroll(PAGE as isize),
            Action::DialogTop => self.scroll(isize::MIN),
            Action::DialogBottom => self.scroll(isize::MAX),
            Action::CycleLogMode => self.logs.buffer.set_mode(self.logs.buffer.mode.next()),
            Action::LeaderLines => self.logs.buffer.set_mode(LogMode::Leader),
            Action::ErrorLines => self.logs.buffer.set_mode(LogMode::Errors),
            Action::AllLines => self.logs.buffer.set_mode(LogMode::All),
            Action::Pause => self.pause(),
            Action::Wrap => self.logs.buffer.wrap = !self.logs.buffer.wrap,
            Action::ClearFilter => self.clear_filter(),
            Action::LogsOfPod => self.logs_of_pod(),
        }
        Vec::new()
    }

    fn refresh(&mut self) -> Vec<Effect> {
        self.say("asking the database");
        vec![Effect::Refresh]
    }

    fn why(&mut self) {
        if self.needs_sop() {
            return;
        }
        if self.holds_back() {
            self.say("judge it yourself first: why comes with your answer, or when it is revealed");
        } else {
            self.dialogs.push(Dialog::Why(Scroll::default()));
        }
    }

    /// What is being carried out ends where it is when the console is left: the first time it says so.
    fn quit(&mut self) -> Vec<Effect> {
        match self
            .remediation
            .execution
            .as_mut()
            .and_then(Execution::warns_of_leaving)
        {
            Some(words) => {
                self.complain(&words);
                Vec::new()
            }
            None => vec![Effect::Quit],
        }
    }

    fn close_dialog(&mut self) -> Vec<Effect> {
        match self.dialogs.pop() {
            Some(Dialog::Rows { .. }) => vec![Effect::WatchRows(None)],
            _ => Vec::new(),
        }
    }

    fn pause(&mut self) {
        if self.logs.buffer.is_held() {
            self.logs.buffer.release();
        } else {
            self.logs.buffer.hold();
        }
    }

    fn rows_of(&self, pane: Pane) -> usize {
        match pane {
            Pane::Pods => self.state.pods.len(),
            Pane::Database => self.grid().len(),
            Pane::Sop => self.steps().len(),
            Pane::Logs => self.logs.buffer.shown().len(),
        }
    }

    fn step(&mut self, by: isize) {
        let count = self.rows_of(self.panes.focus);
        match self.panes.row(self.panes.focus) {
            Some(row) => *row = moved(*row, by, count),
            None => self.logs.buffer.step(by),
        }
    }

    fn jump(&mut self, first: bool) {
        let count = self.rows_of(self.panes.focus);
        match (self.panes.row(self.panes.focus), first) {
            (Some(row), true) => *row = 0,
            (Some(row), false) => *row = count.saturating_sub(1),
            (None, true) => self.logs.buffer.go_to_top(),
            (None, false) => self.logs.buffer.release(),
        }
    }

    pub(crate) fn scroll(&mut self, by: isize) {
        let sops = self.session.profile.sops.len();
        let choices = self.choices().len();
        let contacts = self.session.profile.contacts.len();
        let Some(dialog) = self.dialogs.last_mut() else {
            return;
        };
        let count = match dialog {
            Dialog::Sops { .. } => sops,
            Dialog::Contacts { .. } => contacts,
            Dialog::Answer { .. } => choices,
            _ => usize::MAX,
        };
        if let Some(place) = dialog.place() {
            // Drawing holds a text's place within the text; a count would need the width.
            let far = if by == isize::MAX { 10_000 } else { by };
            *place = moved(*place, far, count);
        }
    }

    /// Keeps the topmost dialog's text from being scrolled past its end, which only a drawn frame knows.
    pub fn hold_scroll(&mut self, limit: usize) {
        let dialog = self.dialogs.last_mut().filter(|dialog| !dialog.is_choice());
        if let Some(place) = dialog.and_then(Dialog::place) {
            *place = (*place).min(limit);
        }
    }

    fn choose(&mut self) -> Vec<Effect> {
        match self.dialogs.last() {
            Some(Dialog::Sops { chosen }) => return self.choose_sop(*chosen),
            Some(Dialog::Contacts { chosen }) => self.choose_contact(*chosen),
            Some(Dialog::HandOff { .. }) => return self.copy(),
            _ => return self.choose_answer(),
        }
        Vec::new()
    }

    fn tick(&mut self) -> Vec<Effect> {
        let Some(finding) = self.diagnosis.steps.get(self.panes.step) else {
            return Vec::new();
        };
        let step = finding.id.clone();
        if !self.selected_step_is_manual() {
            self.complain("this step answers itself from the facts; only manual steps are ticked");
        } else if self.checklist.ticks.remove(&step).is_none() {
            self.prompt(Purpose::Note { step }, "");
        } else {
            return vec![Effect::Record(Entry::Unticked { step })];
        }
        Vec::new()
    }

    fn search(&mut self) {
        match self.panes.focus {
            Pane::Logs => {
                let filter = self
                    .logs
                    .buffer
                    .filter
                    .as_ref()
                    .map(|filter| filter.as_str().to_owned());
                self.prompt(Purpose::Filter, &filter.unwrap_or_default());
            }
            Pane::Pods | Pane::Database | Pane::Sop => self.prompt(Purpose::Find, ""),
        }
    }

    fn logs_of_pod(&mut self) {
        let Some(pod) = self
            .pods()
            .get(self.panes.pod)
            .map(|pod| (pod.uid.clone(), pod.name.clone()))
        else {
            return;
        };
        let chosen = self.logs.buffer.pod.as_ref() != Some(&pod);
        self.logs.buffer.set_pod(chosen.then_some(pod));
    }

    fn open(&mut self) -> Vec<Effect> {
        let scroll = Scroll::default();
        match self.panes.focus {
            Pane::Pods => {
                let uid = self.pods().get(self.panes.pod).map(|pod| pod.uid.clone());
                self.dialogs.extend(uid.map(|uid| Dialog::Pod { uid, scroll }));
            }
            Pane::Logs => {
                let entry = self.logs.buffer.chosen_entry().cloned();
                self.dialogs
                    .extend(entry.map(|entry| Dialog::Record { entry, scroll }));
            }
            Pane::Sop => self.dialogs.push(Dialog::Step {
                index: self.panes.step,
                scroll,
            }),
            Pane::Database => return self.open_rows(),
        }
        Vec::new()
    }

    fn open_rows(&mut self) -> Vec<Effect> {
        let Some(row) = self.grid().into_iter().nth(self.panes.status) else {
            return Vec::new();
        };
        self.dialogs.push(Dialog::Rows {
            of: row.of.clone(),
            scroll: Scroll::default(),
        });
        vec![Effect::WatchRows(Some(row.of))]
    }

    fn copy(&mut self) -> Vec<Effect> {
        let Some(text) = self.dialog_text() else {
            return Vec::new();
        };
        let handed = self.handed_off(&text);
        std::iter::once(Effect::Copy(text)).chain(handed).collect()
    }

    /// What the rows of the focused list say, for a search.
    fn row_texts(&self) -> Vec<String> {
        match self.panes.focus {
            Pane::Pods => self
                .pods()
                .iter()
                .map(|pod| format!("{} {}", pod.name, pod.status))
                .collect(),
            Pane::Database => self
                .grid()
                .iter()
                .map(|row| format!("{} {}", row.of.table, row.of.status))
                .collect(),
            Pane::Sop => self.steps().iter().map(|(_, step)| step.title.clone()).collect(),
            Pane::Logs => Vec::new(),
        }
    }

    /// Goes to the next row (or the one before) that holds the text; `here`: this one counts too.
    pub(crate) fn find(&mut self, direction: isize, here: bool) {
        let wanted = self.panes.find.to_lowercase();
        let texts = self.row_texts();
        let Some(row) = self.panes.row(self.panes.focus).map(|row| *row) else {
            return;
        };
        let count = texts.len() as isize;
        let first = isize::from(!here);
        let places = (first..count + first)
            .map(|step| (row as isize + direction * step).rem_euclid(count.max(1)) as usize);
        let found = places
            .into_iter()
            .find(|place| texts[*place].to_lowercase().contains(&wanted));
        match (found, self.panes.row(self.panes.focus)) {
            (Some(place), Some(row)) => *row = place,
            _ => self.complain(&format!("no row holds `{}`", self.panes.find)),
        }
    }
}
