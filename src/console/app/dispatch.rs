//! What each verb does. What it does in a pane is beside the pane, and what it does in a dialog is beside the dialogs.

use super::App;
use super::event::Effect;
use crate::dialogs::{Dialog, Purpose, Scroll};
use crate::keymap::action::Action;
use crate::panes::Pane;
use crate::panes::search::Way;
use sopwatch_core::remediate::execution::Execution;
use sopwatch_core::remediate::plan::Plan;

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
            Action::CopySelected => return self.copy_selected(),
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
            Action::Prompt => self.open_palette(),
            Action::Tick => return self.tick(),
            Action::Search => self.prompt(Purpose::Search, ""),
            Action::NextMatch => self.go_to_match(Way::Next),
            Action::PreviousMatch => self.go_to_match(Way::Previous),
            Action::Filter => self.ask_for_filter(),
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
            Action::PageUp => self.step(-self.page_rows()),
            Action::PageDown => self.step(self.page_rows()),
            Action::HalfPageUp => self.step(-half(self.page_rows())),
            Action::HalfPageDown => self.step(half(self.page_rows())),
            Action::Top => self.jump(true),
            Action::Bottom => self.jump(false),
            Action::DialogUp => self.scroll(-1),
            Action::DialogDown => self.scroll(1),
            Action::DialogPageUp => self.scroll(-self.dialog_page_rows()),
            Action::DialogPageDown => self.scroll(self.dialog_page_rows()),
            Action::DialogHalfPageUp => self.scroll(-half(self.dialog_page_rows())),
            Action::DialogHalfPageDown => self.scroll(half(self.dialog_page_rows())),
            Action::DialogTop => self.scroll(isize::MIN),
            Action::DialogBottom => self.scroll(isize::MAX),
            Action::LogsOfPod => self.logs_of_pod(),
            // What is left is done in the log.
            of_log => return self.act_on_log(of_log),
        }
        Vec::new()
    }

    fn refresh(&mut self) -> Vec<Effect> {
        self.say("asking again");
        vec![Effect::Refresh]
    }

    fn why(&mut self) {
        if self.needs_sop() {
            return;
        }
        if self.holds_back() {
            self.say_answer_first();
        } else {
            self.dialogs.push(Dialog::Why(Scroll::default()));
        }
    }

    /// What is being carried out ends where it is when the console is left: the first time it says so.
    pub(crate) fn quit(&mut self) -> Vec<Effect> {
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
}

/// Half of a page's rows, one at least.
fn half(page: isize) -> isize {
    (page / 2).max(1)
}
