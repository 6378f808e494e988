//! Which verbs would do something now.

use super::action::Action;
use crate::app::App;
use crate::dialogs::Dialog;

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
            Self::ClearFilter => app.logs.buffer.is_narrowed(),
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
            Self::Refresh => app.session.profile.database.is_some(),
            Self::Tick => app.selected_step_is_manual(),
            Self::Choose => app.dialog().is_some_and(Dialog::is_choice),
            Self::CopyText => app.dialog().is_some_and(|dialog| !dialog.is_choice()),
            Self::NextMatch | Self::PreviousMatch => !app.panes.find.is_empty(),
            _ => true,
        }
    }
}
