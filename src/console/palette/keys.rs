//! What keys do in the palette: letters are text, whatever they do elsewhere.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::Target;
use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::Dialog;
use crate::keymap::action::Context;
use crate::panes::keys::moved;

impl App {
    pub(crate) fn open_palette(&mut self) {
        self.dialogs.push(Dialog::Palette {
            input: Input::default(),
            chosen: 0,
        });
    }

    pub(crate) fn press_palette(&mut self, key: KeyEvent) -> Vec<Effect> {
        let page = self.dialog_page_rows();
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let by = match key.code {
            KeyCode::Up | KeyCode::BackTab => -1,
            KeyCode::Down | KeyCode::Tab => 1,
            KeyCode::Char('p') if is_control => -1,
            KeyCode::Char('n') if is_control => 1,
            KeyCode::PageUp => -page,
            KeyCode::PageDown => page,
            KeyCode::Esc => {
                self.dialogs.pop();
                return Vec::new();
            }
            KeyCode::Enter => return self.take_palette_entry(),
            _ => 0,
        };
        let Some(Dialog::Palette { input, .. }) = self.dialogs.last() else {
            return Vec::new();
        };
        let count = self.palette_matches(input.value()).len();
        let Some(Dialog::Palette { input, chosen }) = self.dialogs.last_mut() else {
            return Vec::new();
        };
        if by != 0 {
            *chosen = moved(*chosen, by, count);
        } else if input
            .handle_event(&TerminalEvent::Key(key))
            .is_some_and(|changed| changed.value)
        {
            *chosen = 0;
        }
        Vec::new()
    }

    /// Opens or does what is chosen; where nothing matches the palette stays.
    fn take_palette_entry(&mut self) -> Vec<Effect> {
        let Some(Dialog::Palette { input, chosen }) = self.dialogs.last() else {
            return Vec::new();
        };
        let Some(entry) = self.palette_matches(input.value()).into_iter().nth(*chosen) else {
            return Vec::new();
        };
        self.dialogs.pop();
        match entry.target {
            Target::Action(action, context) => {
                if let Context::In(pane) = context {
                    self.panes.focus = pane;
                }
                return self.dispatch(action);
            }
            Target::Sop(place) => return self.choose_sop(place),
            Target::Pod(uid) => self.go_to_pod(&uid),
            Target::LogOf(uid) => self.show_log_of(&uid),
            Target::HandOff(place) => self.show_hand_off(place),
            Target::Scenario(id) => self.ask_next_scenario(id),
        }
        Vec::new()
    }
}
