//! Which SOP is open. The console never guesses one: until the operator chooses, or all alerts that fire are for one SOP, it judges no step
//! and gives no advice.
//!
//! The other SOPs are judged from the same observations beside the chosen one, one of them a second: what one of them recommends may be
//! more urgent.

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::Dialog;
use crate::keymap::action::{Action, Context};
use sopwatch_core::diagnose::monitoring::alerts::{ServiceAlert, choosing_alert, service_alerts};
use sopwatch_core::diagnose::{Grounds, Recommendation, diagnose_by};
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::profile::sop::Sop;
use sopwatch_core::record::Entry;
use sopwatch_core::text::SafeText;

/// How long it takes until the next of the other SOPs is judged: each takes as long as the chosen one, which is judged for every frame.
const NEXT_JUDGED_AFTER: SignedDuration = SignedDuration::from_secs(1);

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
        let chosen = chosen.or_else(|| self.place_of_worst_alert());
        self.dialogs.push(Dialog::Sops {
            chosen: chosen.unwrap_or(0),
        });
        let grounds = Grounds::of(&self.state, &self.session.profile, self.clock.now);
        self.judge_other_sops(&grounds);
    }

    /// Opens the SOP in this place of the profile.
    pub(crate) fn choose_sop(&mut self, place: usize) -> Vec<Effect> {
        self.open_sop(place, None)
    }

    /// The same by an alert.
    fn open_sop(&mut self, place: usize, alert: Option<SafeText>) -> Vec<Effect> {
        let Some(id) = self.session.profile.sops.get(place).map(|sop| sop.id.clone()) else {
            return Vec::new();
        };
        self.checklist.sop.clone_from(&id);
        self.checklist.by_alert.clone_from(&alert);
        self.panes.step = 0;
        self.judge();
        vec![Effect::Record(Entry::Sop { id, alert })]
    }

    /// The service's alerts now, those that fire first.
    pub fn alerts(&self) -> Vec<ServiceAlert> {
        service_alerts(&self.state, &self.session.profile, self.clock.now)
    }

    /// Opens the SOP that all alerts that fire are for, while nobody chose one and nobody is choosing. A replay opens what was opened.
    pub(crate) fn open_by_alert(&mut self) -> Vec<Effect> {
        let untouched = match self.dialogs.as_slice() {
            [] => true,
            [Dialog::Sops { chosen }] => *chosen == self.place_of_worst_alert().unwrap_or(0) || *chosen == 0,
            _ => false,
        };
        let may = self.lacks_sop() && untouched && !self.incident.status.opening && self.player.is_none();
        if !may || self.attempt.is_some() {
            return Vec::new();
        }
        let alerts = self.alerts();
        let Some(alert) = choosing_alert(&alerts) else {
            return Vec::new();
        };
        let mut sops = self.session.profile.sops.iter();
        let Some(place) = sops.position(|sop| Some(&sop.id) == alert.sop.as_ref()) else {
            return Vec::new();
        };
        self.dialogs.clear();
        self.open_sop(place, Some(alert.name.clone()))
    }

    /// The place of the SOP that the worst alert is for.
    fn place_of_worst_alert(&self) -> Option<usize> {
        let alerts = self.alerts();
        let sop = alerts.iter().find_map(|alert| alert.sop.as_ref())?;
        self.session
            .profile
            .sops
            .iter()
            .position(|known| known.id == *sop)
    }

    /// When the incident began: when the condition of the SOP's alert did, where that is known, else when the console began to look.
    pub fn incident_began(&self) -> Timestamp {
        let started = self.session.started_at;
        let of_sop = |alert: &ServiceAlert| alert.sop.as_deref() == Some(&self.checklist.sop);
        let alerts = self.alerts();
        let began = alerts
            .iter()
            .filter(|alert| of_sop(alert))
            .filter_map(|alert| alert.began_at);
        began.min().map_or(started, |began| began.min(started))
    }

    /// What each SOP would recommend: all of them while one is being chosen, else one of them a second. A lesson that keeps its advice
    /// back keeps this back, too.
    pub(crate) fn judge_other_sops(&mut self, grounds: &Grounds) {
        let choosing = matches!(self.dialog(), Some(Dialog::Sops { .. }));
        if self.holds_back() || !choosing && self.sop().is_none() {
            self.outlook.clear();
            return;
        }
        let count = self.session.profile.sops.len();
        let (last, judged_at) = self.judged_last;
        let waited = self.clock.now.duration_since(judged_at);
        let replayed = self.player.is_some() && !waited.is_zero();
        if choosing || replayed || waited.is_negative() || self.outlook.len() != count {
            self.outlook = (0..count)
                .filter_map(|place| self.judge_sop(place, grounds))
                .collect();
            self.judged_last = (last, self.clock.now);
        } else if waited >= NEXT_JUDGED_AFTER {
            let next = (last + 1) % count.max(1);
            let judged = self.judge_sop(next, grounds);
            if let (Some(known), Some(judged)) = (self.outlook.get_mut(next), judged) {
                *known = judged;
            }
            self.judged_last = (next, self.clock.now);
        }
        let chosen = self.place_of_sop();
        if let Some(known) = chosen.and_then(|place| self.outlook.get_mut(place)) {
            known.clone_from(&self.diagnosis.decision.recommendation);
        }
        // What is shown must hold now: a source may have stopped since it was judged.
        for place in (0..count).filter(|place| Some(*place) != chosen) {
            if self
                .outlook
                .get(place)
                .is_some_and(|found| self.is_more_urgent(found))
                && let Some(judged) = self.judge_sop(place, grounds)
            {
                self.outlook[place] = judged;
            }
        }
    }

    /// Whether another SOP's recommendation is more urgent than the chosen one's. That another lacks data, or waits, is no reason to leave this
    /// one.
    fn is_more_urgent(&self, found: &Recommendation) -> bool {
        let acts = found.action.is_change() || found.action == Advice::Escalate;
        acts && urgency(found.action) > urgency(self.diagnosis.decision.recommendation.action)
    }

    fn place_of_sop(&self) -> Option<usize> {
        let mut sops = self.session.profile.sops.iter();
        sops.position(|sop| sop.id == self.checklist.sop)
    }

    /// What the SOP in this place would recommend; of the chosen one that is known.
    fn judge_sop(&self, place: usize, grounds: &Grounds) -> Option<Recommendation> {
        let profile = &self.session.profile;
        let sop = profile.sops.get(place)?;
        if self.sop().is_some() && sop.id == self.checklist.sop {
            return Some(self.diagnosis.decision.recommendation.clone());
        }
        let found = diagnose_by(grounds, &self.state, profile, sop);
        Some(found.decision.recommendation)
    }

    /// Another SOP than the chosen one whose recommendation is more urgent, and what that is; the most urgent of them.
    pub fn more_urgent_sop(&self) -> Option<(&Sop, &Recommendation)> {
        let chosen = self.sop().filter(|_| !self.holds_back())?;
        let all = self.session.profile.sops.iter().zip(&self.outlook);
        let others = all.filter(|(sop, found)| sop.id != chosen.id && self.is_more_urgent(found));
        // Of several as urgent the profile's first.
        others.rev().max_by_key(|(_, found)| urgency(found.action))
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

/// How urgent a recommendation is: to act, to escalate, to get access, to wait, nothing.
fn urgency(advice: Advice) -> u8 {
    match advice {
        Advice::None => 0,
        Advice::Wait => 1,
        Advice::Gather => 2,
        Advice::Escalate => 3,
        Advice::StartPods | Advice::RestartPods | Advice::ScaleUp => 4,
    }
}
