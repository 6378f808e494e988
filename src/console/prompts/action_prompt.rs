//! The prompt that takes an action's name. It runs what changes nothing in the cluster; what changes it has a key and a confirmation.

use crate::app::App;
use crate::app::event::Effect;
use crate::keymap::action::{Action, Context, Row};

impl App {
    /// Runs the action of this name.
    pub(crate) fn run_named(&mut self, name: &str) -> Vec<Effect> {
        let name = name.trim();
        if name.is_empty() {
            return Vec::new();
        }
        let named = |row: &&Row| row.name == name && row.context != Context::Dialog;
        let Some(row) = self.keymap.rows().map(|(row, _)| row).find(named) else {
            let help = self.keymap.key_of(Action::Help, Context::Console);
            let help = help.map_or(String::new(), |key| format!("; {key} lists the actions"));
            self.complain(&format!("no action is called `{name}`{help}"));
            return Vec::new();
        };
        if row.action.changes_cluster() {
            let key = self.keymap.key_of(row.action, row.context);
            let key = key.map_or_else(|| "its own key".to_owned(), |key| format!("its key {key}"));
            let place = match row.context {
                Context::In(pane) => format!(" in the pane {}", pane.title()),
                _ => String::new(),
            };
            self.complain(&format!("{name} changes the cluster: use {key}{place}"));
            return Vec::new();
        }
        match row.context {
            Context::Drill if self.attempt.is_none() => {
                self.complain(&format!("{name} is for drills that teach"));
                return Vec::new();
            }
            Context::Replay if self.player.is_none() => {
                self.complain(&format!("{name} is for replays"));
                return Vec::new();
            }
            Context::In(pane) => self.panes.focus = pane,
            _ => {}
        }
        self.dispatch(row.action)
    }
}
