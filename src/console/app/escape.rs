//! What `esc` does while no dialog is open: it ends what lies topmost, and last it asks whether to stop what is being carried out.

use crossterm::event::KeyCode;

use super::App;
use super::event::Effect;
use crate::dialogs::Dialog;
use crate::dialogs::button::Button;
use crate::dialogs::dialog_text::{DialogText, Tone};
use sopwatch_core::text::counted;

/// What `esc` would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// The zoom of a pane.
    Zoom,
    /// The pause of the log.
    Pause,
    /// The filter of the log, its choice of one pod, and the search.
    Filter,
    /// What is being carried out, after a question.
    Execution,
    /// Nothing.
    Nothing,
}

impl App {
    /// What `esc` would end now, if no dialog is open.
    pub fn escape(&self) -> Escape {
        if self.panes.zoomed {
            Escape::Zoom
        } else if self.logs.buffer.is_held() {
            Escape::Pause
        } else if self.logs.buffer.is_narrowed() || self.panes.search.is_some() {
            Escape::Filter
        } else if self.may_stop() {
            Escape::Execution
        } else {
            Escape::Nothing
        }
    }

    pub(crate) fn close(&mut self) {
        match self.escape() {
            Escape::Zoom => self.panes.zoomed = false,
            Escape::Pause => self.logs.buffer.release(),
            Escape::Filter => self.clear_filter(),
            Escape::Execution => self.dialogs.push(Dialog::Stop(Button::default())),
            Escape::Nothing => {}
        }
    }

    /// Whether something is being carried out of which a part is not sent yet, and is to be.
    fn may_stop(&self) -> bool {
        let execution = self
            .remediation
            .execution
            .as_ref()
            .filter(|execution| execution.is_under_way());
        execution.is_some_and(|execution| execution.due().is_some() && !execution.stopping)
    }

    /// A key while it is asked whether to stop.
    pub(crate) fn press_stop(&mut self, button: Button, key: KeyCode) -> Vec<Effect> {
        match (key, button) {
            (KeyCode::Esc, _) => {
                self.dialogs.pop();
            }
            // What there was to stop ended meanwhile: the answer stays until esc, so that no key meant for it does something else.
            _ if !self.may_stop() => {}
            (KeyCode::Enter, Button::Safe) => {
                self.dialogs.pop();
            }
            (KeyCode::Enter, Button::Acting) => {
                self.dialogs.pop();
                self.stop_execution();
            }
            _ => {
                if let (Some(moved), Some(Dialog::Stop(button))) =
                    (button.after(key), self.dialogs.last_mut())
                {
                    *button = moved;
                }
            }
        }
        Vec::new()
    }

    pub(crate) fn stop_page(&self, button: Button) -> DialogText {
        let execution = self.remediation.execution.as_ref().filter(|_| self.may_stop());
        let Some(execution) = execution else {
            let mut page = DialogText::titled("Nothing left to stop");
            page.add(
                Tone::Plain,
                "everything that was confirmed is sent, or will not be sent",
            );
            page.add(Tone::Heading, "esc  go back");
            return page;
        };
        let (sent, all) = (execution.sent, execution.confirmed);
        let mut page = DialogText::titled("Stop after this pod?");
        page.add(
            Tone::Plain,
            format!("{}: {sent} of {all} sent", execution.plan.aim.words()),
        );
        page.add(
            Tone::Plain,
            format!(
                "Stopping leaves {} as they are. The current pod is still watched until it is ready.",
                counted(all.saturating_sub(sent), "pod", "pods")
            ),
        );
        page.add(Tone::Plain, "");
        page.add(Tone::Heading, button.line("Keep going", "Stop after this pod"));
        page
    }
}
