//! Which SOP is open. The console never guesses one: until the operator chooses, it judges no step and gives no advice.

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::Dialog;
use crate::keymap::action::{Action, Context};
use sopwatch_core::diagnose::diagnose;
use sopwatch_core::record::Entry;

impl App {
    /// Asks which SOP to open, unless one is chosen. The question which incident this is comes first: that one may know it.
    pub fn ask_for_sop(&mut self) {
        let first_asked = |dialog: &Dialog| matches!(dialog, Dialog::ResumePrompt(_) | Dialog::Sops { .. });
        let waits = self.incident.status.opening || self.dialogs.iter().any(first_asked);
        if self.lacks_sop() && !waits {
            self.pick_sop();
        }
    }

    pub(crate) fn pick_sop(&mut self) {
        let sops = &self.session.profile.sops;
        let chosen = sops.iter().position(|sop| sop.id == self.checklist.sop);
        self.dialogs.push(Dialog::Sops {
            chosen: chosen.unwrap_or(0),
        });
        self.look_at_sops();
    }

    pub(crate) fn choose_sop(&mut self, chosen: usize) -> Vec<Effect> {
        self.dialogs.pop();
        let Some(id) = self.session.profile.sops.get(chosen).map(|sop| sop.id.clone()) else {
            return Vec::new();
        };
        self.checklist.sop.clone_from(&id);
        self.panes.step = 0;
        self.judge();
        vec![Effect::Record(Entry::Sop { id })]
    }

    /// While one is being chosen: what each would recommend. A lesson that keeps its advice back keeps this back, too.
    pub(crate) fn look_at_sops(&mut self) {
        self.outlook.clear();
        if !matches!(self.dialog(), Some(Dialog::Sops { .. })) || self.holds_back() {
            return;
        }
        let profile = self.session.profile.clone();
        let advice = |sop| {
            diagnose(&self.state, &profile, sop, self.clock.now)
                .decision
                .recommendation
        };
        self.outlook = profile.sops.iter().map(advice).collect();
    }

    /// Whether the profile has SOPs and none of them is chosen: then there is no advice.
    pub fn lacks_sop(&self) -> bool {
        self.sop().is_none() && !self.session.profile.sops.is_empty()
    }

    /// Says so where what was asked for needs an SOP and none is chosen.
    pub(crate) fn needs_sop(&mut self) -> bool {
        let lacks = self.lacks_sop();
        if lacks {
            let key = self.keymap.key_of(Action::PickSop, Context::Console);
            let how = key.map_or(String::new(), |key| format!(": {key} chooses"));
            self.complain(&format!("choose an SOP first{how}"));
        }
        lacks
    }
}
