//! A console that is led by a record instead of the world: for a replay, and to go on with an incident.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use super::{App, Session};
use crate::keymap::Keymap;
use crate::panes::sop::checklist::Tick;
use sopwatch_core::observe::source::{SourceId, SourceState};
use sopwatch_core::observe::state::State;
use sopwatch_core::record::{Began, Entry, Line, Snapshot};
use sopwatch_core::remediate::applied_command;

/// What was recorded, and the other finding that the same observations lead to now.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// As the record has it.
    pub recorded: Snapshot,
    /// As it is found now.
    pub found: Snapshot,
}

impl App {
    /// A console as it was when the incident began.
    pub fn recorded(began: &Began, line: &Line, keymap: Keymap) -> Self {
        let session = Session {
            profile: Arc::new(began.profile.clone()),
            environment: began.environment.clone(),
            namespace: began.namespace.clone(),
            drill: began.drill.clone(),
            drill_shell_hints: Vec::new(),
            scenarios: Vec::new(),
            read_only: true,
            started_at: line.at,
        };
        let mut app = Self::new(session, &began.sop, keymap);
        if let Some(speed) = began.speed {
            app.set_speed(speed);
        }
        app
    }

    /// Takes in a line of the record; what a diagnosis in it differs in, where it does.
    pub fn follow(&mut self, line: &Line) -> Option<Mismatch> {
        self.clock.now = line.at;
        match &line.entry {
            Entry::Observation(observation) => self.learn((**observation).clone()),
            Entry::ClockAhead(ahead) => self.set_skew(*ahead),
            Entry::Snapshot(recorded) => return self.compare(recorded),
            Entry::Joined(_) => self.look_again(),
            other => self.remember(line, other),
        }
        None
    }

    /// What the operator did before: ticks, and the SOP that was chosen.
    fn remember(&mut self, line: &Line, entry: &Entry) {
        match entry {
            Entry::Sop { id, alert } => {
                self.open_known(id);
                self.checklist.by_alert.clone_from(alert);
            }
            Entry::Ticked { step, note } => {
                let tick = Tick {
                    at: line.at,
                    note: note.clone(),
                };
                self.checklist.ticks.insert(step.clone(), tick);
            }
            Entry::Unticked { step } => {
                self.checklist.ticks.remove(step);
            }
            Entry::Note { text } => self.incident.notes.push((line.at, text.clone())),
            Entry::Intent(_) | Entry::Outcome { .. } | Entry::Stage { .. } => {
                applied_command::note(&mut self.remediation.commands, line);
            }
            _ => {}
        }
    }

    /// Goes on with an incident that was recorded before: its clock, what was done, ticked and noted. What was seen then is not known
    /// any more.
    pub(crate) fn resume(&mut self, lines: &[Line]) {
        let own = self.moments().map(|at| *at).collect();
        if let Some(first) = lines.first() {
            self.session.started_at = first.at;
            self.state.began_at = Some(first.at);
            if let Entry::Began(began) = &first.entry {
                self.open_known(&began.sop);
            }
        }
        for line in lines {
            self.remember(line, &line.entry);
        }
        self.settle(&own);
        self.incident.last_snapshot = None;
        self.remediation.unfollowed = true;
        self.hold_choices();
    }

    /// Opens a SOP of the record, where the profile still has it.
    fn open_known(&mut self, id: &str) {
        if self.session.profile.sop(id).is_some() {
            id.clone_into(&mut self.checklist.sop);
        }
    }

    /// A record of its own was begun: what was done before by the other is known, and what is found stands in this one too.
    pub(crate) fn take_over(&mut self, lines: &[Line]) {
        let own = self.moments().map(|at| *at).collect();
        lines
            .iter()
            .for_each(|line| applied_command::note(&mut self.remediation.commands, line));
        self.settle(&own);
        self.incident.last_snapshot = None;
    }

    /// Another console begins to look, and learns the clock too: what was seen before is not known to it.
    fn look_again(&mut self) {
        self.clock.skew = SignedDuration::ZERO;
        self.settle(&BTreeSet::new());
        let mut state = State::of_service(&self.session.profile.service.deployment);
        state.began_at = Some(self.session.started_at);
        if let Some(speed) = self.clock.speed {
            state.set_speed(speed);
        }
        self.state = state;
        self.logs.buffer = std::mem::take(&mut self.logs.buffer).emptied();
        self.hold_choices();
    }

    /// What was found was found for the SOP that was open: in a console that another incident was still offered to, its own.
    fn compare(&mut self, recorded: &Snapshot) -> Option<Mismatch> {
        let open = self.checklist.sop.clone();
        if self.session.profile.sop(&recorded.sop).is_some() {
            self.checklist.sop.clone_from(&recorded.sop);
        }
        self.judge();
        let found = Snapshot::of(&self.checklist.sop, &self.diagnosis);
        self.checklist.sop = open;
        (!found.is_like(recorded)).then(|| Mismatch {
            recorded: recorded.clone(),
            found,
        })
    }

    /// The diagnosis, where it differs from the last one that this gave. There is none before the pods were seen or something failed,
    /// nor while no SOP is chosen.
    pub fn news(&mut self) -> Option<Snapshot> {
        self.sop()?;
        if !self.state.sources().any(|(id, source)| tells(id, &source.state)) {
            return None;
        }
        let found = Snapshot::of(&self.checklist.sop, &self.diagnosis);
        if self
            .incident
            .last_snapshot
            .as_ref()
            .is_some_and(|last| last.is_like(&found))
        {
            return None;
        }
        self.incident.last_snapshot = Some(found.clone());
        Some(found)
    }

    /// The diagnosis of this moment, where it differs in anything from the last that was given.
    pub fn evidence(&mut self) -> Option<Snapshot> {
        self.judge();
        self.sop()?;
        let found = Snapshot::of(&self.checklist.sop, &self.diagnosis);
        if self.incident.last_snapshot.as_ref() == Some(&found) {
            return None;
        }
        self.incident.last_snapshot = Some(found.clone());
        Some(found)
    }
}

fn tells(id: &SourceId, state: &SourceState) -> bool {
    match state {
        SourceState::Live => *id == SourceId::Pods,
        SourceState::Failing { .. } => true,
        _ => false,
    }
}
