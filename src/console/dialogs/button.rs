//! The two buttons of a question. The safe one has the focus at first; pressing the other takes a move and enter. No letter does either.

use crossterm::event::KeyCode;

/// Which button has the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Button {
    /// The one that leaves all as it is.
    #[default]
    Safe,
    /// The one that does what the question is about.
    Acting,
}

impl Button {
    /// Which has the focus after a key; `None` for a key that moves nothing.
    pub(crate) fn after(self, key: KeyCode) -> Option<Self> {
        match (key, self) {
            (KeyCode::Left, _) | (KeyCode::Tab | KeyCode::BackTab, Self::Acting) => Some(Self::Safe),
            (KeyCode::Right, _) | (KeyCode::Tab | KeyCode::BackTab, Self::Safe) => Some(Self::Acting),
            _ => None,
        }
    }

    /// Both buttons and their keys; the one with the focus is in brackets, so that no colour is needed to see which it is.
    pub(crate) fn line(self, safe: &str, acting: &str) -> String {
        let buttons = match self {
            Self::Safe => format!("[ {safe} ]   {acting}  "),
            Self::Acting => format!("  {safe}   [ {acting} ]"),
        };
        format!("{buttons}    ←→ choose · Enter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arrows_and_tab_move_the_focus() {
        for (from, key, to) in [
            (Button::Safe, KeyCode::Right, Some(Button::Acting)),
            (Button::Safe, KeyCode::Left, Some(Button::Safe)),
            (Button::Safe, KeyCode::Tab, Some(Button::Acting)),
            (Button::Acting, KeyCode::Tab, Some(Button::Safe)),
            (Button::Acting, KeyCode::BackTab, Some(Button::Safe)),
            (Button::Acting, KeyCode::Left, Some(Button::Safe)),
            (Button::Safe, KeyCode::Enter, None),
            (Button::Safe, KeyCode::Char('l'), None),
            (Button::Safe, KeyCode::Char(' '), None),
        ] {
            assert_eq!(from.after(key), to, "{key} on {from:?}");
        }
    }
}
