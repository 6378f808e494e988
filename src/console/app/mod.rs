//! The state machine. `update` is the only way in: synchronous, without I/O, and every effect it asks for answers with an outcome.

pub mod apply_record;
pub mod bell;
pub mod clock;
pub(crate) mod clock_skew;
pub(crate) mod dispatch;
pub mod escape;
pub mod event;
pub mod notice;
pub(crate) mod pending_sources;
pub(crate) mod update;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use self::bell::Bell;
pub use self::clock::Clock;
use self::notice::Notice;
use crate::dialogs::Dialog;
pub use crate::dialogs::confirmation::{Confirm, DryRun};
pub use crate::dialogs::incident::{Incident, RecordStatus};
use crate::dialogs::scenario_choice::ScenarioItem;
use crate::keymap::{Key, Keymap};
use crate::panes::Panes;
pub use crate::panes::database::database_rows::DatabaseRow;
use crate::panes::logs::Logs;
use crate::panes::sop::checklist::Checklist;
pub use crate::remediation::state::Remediation;
use crate::replay::Player;
use crate::training::Attempt;
use sopwatch_core::diagnose::vitals::Vitals;
use sopwatch_core::diagnose::{Diagnosis, Grounds, Recommendation, diagnose_by};
use sopwatch_core::export::case_snapshot::CaseSnapshot;
use sopwatch_core::observe::observation::Pod;
use sopwatch_core::observe::state::State;
use sopwatch_core::profile::sop::{ALERT, OTHER, Sop, Step, StepStatus, alert_step, other_step};
use sopwatch_core::profile::{Environment, Profile};
pub use sopwatch_core::remediate::execution::{Execution, Phase};
use sopwatch_core::text::SafeText;

/// What is fixed from the start of the console.
#[derive(Clone, Debug)]
pub struct Session {
    /// The service.
    pub profile: Arc<Profile>,
    /// The environment that the namespace belongs to; `None` for a namespace the profile does not know.
    pub environment: Option<Environment>,
    /// The namespace as the configuration says; the connection's own is in the observations.
    pub namespace: String,
    /// Title of the scenario, in a drill.
    pub drill: Option<String>,
    /// How to look at the drill's world from another terminal, a line each.
    pub drill_shell_hints: Vec<String>,
    /// The scenarios of a drill, which can be started from this one; empty outside a drill.
    pub scenarios: Vec<ScenarioItem>,
    /// Whether the console may change nothing.
    pub read_only: bool,
    /// When it was started.
    pub started_at: Timestamp,
}

#[cfg(test)]
impl Session {
    /// A session of tests: of no environment, and begun now.
    pub(crate) fn sample(profile: Profile) -> Self {
        Self {
            profile: Arc::new(profile),
            environment: None,
            namespace: "n".to_owned(),
            drill: None,
            drill_shell_hints: Vec::new(),
            scenarios: Vec::new(),
            read_only: false,
            started_at: sopwatch_core::testkit::now(),
        }
    }
}

/// Everything the screen shows. What belongs together is in a part of its own, which owns its fields.
#[derive(Clone, Debug)]
pub struct App {
    /// What is fixed.
    pub session: Session,
    /// What is known.
    pub state: State,
    /// What it means for the chosen SOP. Without one it has the leaders, and no step and no advice.
    pub diagnosis: Diagnosis,
    /// The vital signs that it rests on, while nothing has come since.
    pub(crate) vitals: Option<Arc<Vitals>>,
    /// What each SOP of the profile would recommend, in the profile's order; empty where neither one is chosen nor asked for.
    pub outlook: Vec<Recommendation>,
    /// Which SOP was judged last beside the chosen one, and when.
    pub(crate) judged_last: (usize, Timestamp),
    /// Which pane has the focus, and what is chosen in each.
    pub panes: Panes,
    /// The logs.
    pub logs: Logs,
    /// The chosen SOP and its ticks.
    pub checklist: Checklist,
    /// What lies over the panes, the topmost last.
    pub dialogs: Vec<Dialog>,
    /// What was done to the cluster, and what is being carried out.
    pub remediation: Remediation,
    /// The incident's history as this console keeps it.
    pub incident: Incident,
    /// Which key does what.
    pub keymap: Keymap,
    /// The attempt at a lesson, in a drill that teaches something.
    pub attempt: Option<Box<Attempt>>,
    /// The record that leads the console, in a replay.
    pub player: Option<Box<Player>>,
    /// The newest word from the console.
    pub notice: Option<Notice>,
    /// Keys of which was said that they do nothing.
    pub(crate) unknown_keys: HashSet<Key>,
    /// The terminal's bell.
    pub bell: Bell,
    /// When the open hand-off was copied, and where to.
    pub copied: Option<(Timestamp, SafeText)>,
    /// What time it is.
    pub clock: Clock,
}

impl App {
    /// A console that knows nothing yet. Where `sop` is none of the profile's, none is chosen.
    pub fn new(session: Session, sop: &str, keymap: Keymap) -> Self {
        let mut state = State::of_service(&session.profile.service.deployment);
        state.began_at = Some(session.started_at);
        let known = session.profile.sop(sop).map_or("", |sop| &sop.id);
        let checklist = Checklist::new(known);
        let clock = Clock::at(session.started_at);
        let mut app = Self {
            session,
            state,
            diagnosis: Diagnosis::default(),
            vitals: None,
            outlook: Vec::new(),
            judged_last: (0, clock.now),
            panes: Panes::default(),
            logs: Logs::default(),
            checklist,
            dialogs: Vec::new(),
            remediation: Remediation::default(),
            incident: Incident::default(),
            keymap,
            attempt: None,
            player: None,
            notice: None,
            unknown_keys: HashSet::new(),
            bell: Bell::default(),
            copied: None,
            clock,
        };
        app.judge();
        app
    }

    /// In a drill whose clock runs faster or slower than the sources are asked.
    pub fn set_speed(&mut self, speed: f64) {
        self.state.set_speed(speed);
        self.clock.speed = Some(speed);
    }

    /// Judges the state: once after the events that were queued, before a draw. Whether it says anything else than before.
    pub fn judge(&mut self) -> bool {
        let profile = self.session.profile.clone();
        let grounds = Grounds::of(&self.state, &profile, self.clock.now);
        let found = match profile.sop(&self.checklist.sop) {
            Some(sop) => diagnose_by(&grounds, &self.state, &profile, sop),
            None => Diagnosis {
                leaders: grounds.leaders().to_vec(),
                ..Diagnosis::default()
            },
        };
        let before = std::mem::replace(&mut self.diagnosis, found);
        // The step that is added may be gone.
        self.panes.step = self.panes.step.min(self.steps().len().saturating_sub(1));
        self.follow_findings();
        self.judge_other_sops(&grounds);
        self.vitals = grounds.vitals();
        self.note_advice();
        if let Some(attempt) = &mut self.attempt {
            attempt.watch(&self.diagnosis, &profile, self.clock.now);
        }
        !self.diagnosis.says_the_same_as(&before)
    }

    /// Whether only an observation or a key is expected to change more of the screen than ages: nothing is played, carried out, asked or
    /// announced.
    pub fn is_at_rest(&self) -> bool {
        let is_under_way = |execution: &Execution| execution.is_under_way();
        self.dialogs.is_empty()
            && self.notice.is_none()
            && self.player.is_none()
            && !self.remediation.execution.as_ref().is_some_and(is_under_way)
    }

    /// What is known now and what it means, for a text that leaves the program; `None` while no SOP is chosen.
    pub fn account(&self) -> Option<CaseSnapshot<'_>> {
        Some(CaseSnapshot {
            state: &self.state,
            profile: &self.session.profile,
            sop: self.sop()?,
            diagnosis: &self.diagnosis,
            environment: self.session.environment.as_ref(),
            namespace: &self.session.namespace,
            drill: self.session.drill.as_deref(),
            now: self.clock.now,
        })
    }

    /// The chosen SOP; `None` until one is chosen.
    pub fn sop(&self) -> Option<&Sop> {
        self.session.profile.sop(&self.checklist.sop)
    }

    /// The steps of the chosen SOP, with their ids: the alert first, where one is judged, and last the one that is added for what none of them
    /// shows.
    pub fn steps(&self) -> Vec<(&str, &Step)> {
        let of_sop = self.sop().map(|sop| self.session.profile.steps_of(sop));
        let is_added = |id: &str| self.diagnosis.steps.iter().any(|found| found.id == id);
        let alert = is_added(ALERT).then(|| (ALERT, alert_step()));
        let other = is_added(OTHER).then(|| (OTHER, other_step()));
        let of_sop = of_sop.unwrap_or_default();
        alert.into_iter().chain(of_sop).chain(other).collect()
    }

    /// The topmost dialog.
    pub fn dialog(&self) -> Option<&Dialog> {
        self.dialogs.last()
    }

    /// The pods in the order of the pane: by name.
    pub fn pods(&self) -> Vec<&Pod> {
        let mut pods: Vec<_> = self.state.pods.values().collect();
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        pods
    }

    /// Whether the chosen step is one the operator ticks.
    pub fn selected_step_is_manual(&self) -> bool {
        let steps = self.steps();
        let step = steps.get(self.panes.step);
        let finding = self.diagnosis.steps.get(self.panes.step);
        // What a monitoring server can't tell a person can look at.
        let open = |status| matches!(status, StepStatus::Unknown | StepStatus::Stale);
        let may_look = step.is_some_and(|(_, step)| step.check.is_manual());
        finding
            .is_some_and(|finding| finding.status == StepStatus::Manual || may_look && open(finding.status))
    }
}
