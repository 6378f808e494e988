//! What keys do in a dialog that is read or chosen from.

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::Dialog;
use crate::panes::keys::moved;

impl App {
    pub(crate) fn scroll(&mut self, by: isize) {
        let sops = self.session.profile.sops.len();
        let choices = self.choices().len();
        let sources = self.log_sources().len();
        let contacts = self.session.profile.contacts.len();
        let Some(dialog) = self.dialogs.last_mut() else {
            return;
        };
        let count = match dialog {
            Dialog::Sops { .. } => sops,
            Dialog::Contacts { .. } => contacts,
            Dialog::LogSources { .. } => sources,
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

    pub(crate) fn choose(&mut self) -> Vec<Effect> {
        match self.dialogs.last() {
            Some(Dialog::Sops { chosen }) => {
                let chosen = *chosen;
                self.dialogs.pop();
                return self.choose_sop(chosen);
            }
            Some(Dialog::Contacts { chosen }) => self.choose_contact(*chosen),
            Some(Dialog::LogSources { chosen }) => self.choose_log_source(*chosen),
            Some(Dialog::HandOff { .. }) => return self.copy(),
            _ => return self.choose_answer(),
        }
        Vec::new()
    }

    pub(crate) fn close_dialog(&mut self) -> Vec<Effect> {
        match self.dialogs.pop() {
            Some(Dialog::Rows { .. }) => vec![Effect::WatchRows(None)],
            _ => Vec::new(),
        }
    }

    pub(crate) fn copy(&mut self) -> Vec<Effect> {
        let Some(text) = self.dialog_text() else {
            return Vec::new();
        };
        let handed = self.handed_off(&text);
        std::iter::once(Effect::Copy(text)).chain(handed).collect()
    }
}
