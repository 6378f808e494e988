//! Which verbs would do something now.

use super::action::{Action, Context};
use crate::app::App;
use crate::dialogs::Dialog;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

impl Action {
    /// Whether it opens a confirmation of a change to the cluster.
    pub fn changes_cluster(self) -> bool {
        matches!(
            self,
            Self::Apply
                | Self::RestartPod
                | Self::RestartAll
                | Self::RestartRest
                | Self::RollOut
                | Self::StartPods
                | Self::ScaleUp
                | Self::ScaleDown
        )
    }

    /// Whether it asks or changes something outside the console, or adds to what is known of the incident.
    pub fn needs_world(self) -> bool {
        self.changes_cluster() || matches!(self, Self::Refresh | Self::Tick | Self::Remark | Self::Report)
    }

    /// Whether it would do something now: the footer shows only what does.
    pub fn available(self, app: &App) -> bool {
        if app.player.is_some() && self.needs_world() {
            return false;
        }
        match self {
            Self::ClearFilter => app.logs.buffer.is_narrowed() || app.panes.search.is_some(),
            Self::Apply => {
                !app.session.read_only
                    && !app.holds_back()
                    && app.diagnosis.decision.recommendation.action.is_change()
            }
            Self::RestartPod | Self::RestartAll => !app.session.read_only && !app.state.pods.is_empty(),
            Self::RestartRest => !app.session.read_only && app.left_to_restart() > 0,
            Self::Why => !app.holds_back() && !app.lacks_sop(),
            Self::HandOff => !app.session.profile.contacts.is_empty() && !app.lacks_sop(),
            Self::NextContact | Self::PreviousContact => app.hand_off_is_open(),
            Self::Tick => app.selected_step_is_manual(),
            Self::Choose => app.dialog().is_some_and(Dialog::is_choice),
            Self::CopyText => app.dialog().is_some_and(|dialog| !dialog.is_choice()),
            Self::NextMatch | Self::PreviousMatch => app.panes.search.is_some(),
            _ => true,
        }
    }
}

impl App {
    /// The keys that do something now, each with its word, those of the topmost dialog or of the focused pane first. The one for help is
    /// left out where it does not open help.
    pub fn footer_keys(&self) -> Vec<FooterKey> {
        if let Some(keys) = self.question_keys() {
            let key = |(key, what): &(&'static str, &'static str)| FooterKey {
                key: (*key).into(),
                what,
                is_help: false,
            };
            return keys.iter().map(key).collect();
        }
        let contexts = self.contexts();
        let place = |context: Context| contexts.iter().position(|known| *known == context);
        let mut rows: Vec<_> = self
            .keymap
            .rows()
            .filter(|(row, _)| place(row.context).is_some() && !row.footer.is_empty())
            .filter(|(row, _)| row.action.available(self))
            .collect();
        rows.sort_by_key(|(row, _)| place(row.context));
        let key = |(row, keys): (&'static super::action::Row, &[super::Key])| {
            Some(FooterKey {
                key: safe!("{}", keys.first()?),
                what: row.footer,
                is_help: row.action == Action::Help,
            })
        };
        rows.into_iter().filter_map(key).collect()
    }

    /// The keys of a question or of the palette, which no configuration moves.
    fn question_keys(&self) -> Option<&'static [(&'static str, &'static str)]> {
        match self.dialog()? {
            Dialog::Confirm(confirm) if !confirm.is_open() || confirm.is_refused() => {
                Some(&[("esc", "go back"), ("↑↓", "scroll")])
            }
            Dialog::Confirm(confirm) if self.to_type(&confirm.plan).is_some() => Some(&[
                ("enter", "confirm the typed name"),
                ("esc", "cancel"),
                ("↑↓", "scroll"),
            ]),
            Dialog::Confirm(_) => Some(&[
                ("←→", "choose"),
                ("enter", "press the button"),
                ("esc", "cancel"),
                ("↑↓", "scroll"),
            ]),
            Dialog::Stop(_) | Dialog::NextScenario { .. } => Some(&[
                ("←→", "choose"),
                ("enter", "press the button"),
                ("esc", "go back"),
            ]),
            Dialog::ResumePrompt(_) => Some(&[("enter", "resume"), ("n", "new incident"), ("q", "quit")]),
            Dialog::Palette { .. } => Some(&[("↑↓", "choose"), ("enter", "open"), ("esc", "cancel")]),
            _ => None,
        }
    }
}

/// A key as the footer shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FooterKey {
    /// The key.
    pub key: SafeText,
    /// What it does.
    pub what: &'static str,
    /// Whether it opens the help: that one is shown in any case.
    pub is_help: bool,
}
