//! The page of all keys.

use crate::app::App;
use crate::dialogs::dialog_text::{DialogText, Tone};
use crate::keymap::Key;
use crate::keymap::action::{Context, Row as KeyRow};

impl App {
    pub(super) fn help_page(&self) -> DialogText {
        let mut page = DialogText::titled("Keys");
        let mut last = None;
        let here = |row: &KeyRow| match row.context {
            Context::Drill => self.attempt.is_some(),
            Context::Replay => self.player.is_some(),
            _ => true,
        };
        let mut rows: Vec<_> = self.keymap.rows().filter(|(row, _)| here(row)).collect();
        // The focused pane's keys first, then a replay's, which are new to most.
        let focused = Context::In(self.panes.focus);
        rows.sort_by_key(|(row, _)| {
            let first = [focused, Context::Replay];
            let place = first.iter().position(|context| *context == row.context);
            (place.unwrap_or(first.len()), row.context)
        });
        for (row, keys) in rows {
            if last != Some(row.context) {
                page.section(row.context.title());
                last = Some(row.context);
            }
            let keys = keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ");
            page.add(Tone::Code, format!("{keys:<18} {}", row.help));
        }
        page
    }
}
