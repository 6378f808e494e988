//! Changes to the cluster: what is proposed, what is confirmed, what is sent, and what came of it.

#[cfg(test)]
pub(crate) mod execution_tests;
#[cfg(test)]
pub(crate) mod guard_tests;
pub mod progress;
#[cfg(test)]
pub(crate) mod progress_tests;
pub(crate) mod state;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::button::Button;
use crate::dialogs::confirmation::{Confirm, DryRun};
use crate::dialogs::{Dialog, Scroll};
use sopwatch_core::export::case_snapshot::CaseSnapshot;
use sopwatch_core::observe::observation::Deployment;
use sopwatch_core::observe::source::{Freshness, SourceId};
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::record::{AdviceThen, Entry, Intent};
use sopwatch_core::remediate::applied_command::AppliedCommand;
use sopwatch_core::remediate::command::{Command, CommandOutcome};
use sopwatch_core::remediate::execution::{Execution, Next, Phase};
use sopwatch_core::remediate::gate::{Gate, GateInput, gate};
use sopwatch_core::remediate::interrupted::Interrupted;
use sopwatch_core::remediate::plan::Plan;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// How long ago a change may be that is watched again: by then its pods are ready, or will not be.
const FOLLOWED_WITHIN: SignedDuration = SignedDuration::from_mins(10);

impl App {
    /// Why nothing may be changed here, where nothing may.
    fn read_only(&self) -> Option<&'static str> {
        self.session.read_only.then_some("--read-only or configuration")
    }

    /// What the gate says to a plan now.
    pub(crate) fn gate(&self, plan: &Plan) -> Gate {
        let Some(account) = self.account() else {
            return Gate {
                refusals: vec!["no SOP is chosen".into()],
                cautions: Vec::new(),
            };
        };
        let situation = GateInput {
            account: &account,
            past: &self.remediation.commands,
            read_only: self.read_only(),
        };
        let mut gate = gate(plan, &situation);
        if self.incident.status.opening {
            gate.refusals.insert(
                0,
                "the record is still being opened, earlier changes are not known yet".into(),
            );
        }
        if let Some(why) = &self.incident.status.failing {
            gate.refusals.insert(0, safe!("nothing can be recorded: {why}"));
        }
        gate
    }

    /// Applies the recommendation; where that is to escalate, opens the hand-off.
    pub(crate) fn apply_advice(&mut self) -> Vec<Effect> {
        if self.holds_back() {
            self.say_answer_first();
            return Vec::new();
        }
        if self.diagnosis.decision.recommendation.action == Advice::Escalate {
            self.open_hand_off();
            return Vec::new();
        }
        self.propose(Plan::advised)
    }

    /// Restarts the chosen pod.
    pub(crate) fn restart_chosen(&mut self) -> Vec<Effect> {
        let uid = self.pods().get(self.panes.pod).map(|pod| pod.uid.clone());
        match uid {
            Some(uid) => self.propose(|account| Plan::restart_pod(account, &uid)),
            None => Vec::new(),
        }
    }

    /// What an interrupted execution did not reach; `None` while more is to be sent.
    fn interrupted(&self) -> Option<Interrupted> {
        let under_way = |execution: &Execution| execution.is_under_way() && execution.due().is_some();
        if self.remediation.execution.as_ref().is_some_and(under_way) {
            return None;
        }
        Interrupted::of(&self.remediation.commands)
    }

    /// How many pods an interrupted execution left that are still there; all that it left while the pods were never read.
    pub fn left_to_restart(&self) -> usize {
        let never_read = self.state.freshness(&SourceId::Pods, self.clock.now) == Freshness::Missing;
        self.interrupted().map_or(0, |interrupted| {
            if never_read {
                interrupted.left.len()
            } else {
                interrupted.living(&self.state).len()
            }
        })
    }

    /// `restart interrupted: 2 of 3 pods not restarted`, where some are left.
    pub fn interrupted_words(&self) -> Option<SafeText> {
        let left = self.left_to_restart();
        let interrupted = self.interrupted().filter(|_| left > 0)?;
        Some(interrupted.words(left))
    }

    /// Proposes to restart what an interrupted execution left.
    pub(crate) fn restart_rest(&mut self) -> Vec<Effect> {
        let Some(interrupted) = self.interrupted() else {
            self.complain("no restart was interrupted");
            return Vec::new();
        };
        self.propose(|account| Plan::restart_rest(account, &interrupted))
    }

    /// Puts a plan before the operator, and has the server try it without doing it.
    pub(crate) fn propose(
        &mut self,
        plan: impl FnOnce(&CaseSnapshot<'_>) -> Result<Plan, SafeText>,
    ) -> Vec<Effect> {
        if let Some(why) = self
            .remediation
            .execution
            .as_ref()
            .and_then(Execution::blocks_others)
        {
            self.complain(&why);
            return Vec::new();
        }
        if self.needs_sop() {
            return Vec::new();
        }
        self.judge();
        let plan = self
            .account()
            .map(|account| plan(&account).map(|plan| plan.caused(&account)));
        let plan = match plan {
            Some(Ok(plan)) => plan,
            Some(Err(why)) => {
                self.complain(&why);
                return Vec::new();
            }
            None => return Vec::new(),
        };
        self.remediation.next_question_id += 1;
        let (number, gate) = (self.remediation.next_question_id, self.gate(&plan));
        let commands = plan.commands.clone();
        let may = gate.refusals.is_empty();
        self.dialogs.push(Dialog::Confirm(Box::new(Confirm {
            number,
            asked_at: self.clock.now,
            plan,
            gate,
            dry_run: DryRun::Asked,
            button: Button::default(),
            typed: String::new(),
            closed: None,
            scroll: Scroll::default(),
        })));
        if may {
            vec![Effect::DryRun { number, commands }]
        } else {
            Vec::new()
        }
    }

    /// What must be typed for a plan; `None` where the other button is enough. A namespace that the profile does not know may be production.
    pub fn to_type(&self, plan: &Plan) -> Option<String> {
        let careful = self
            .session
            .environment
            .as_ref()
            .is_none_or(|environment| environment.production);
        let text = match plan.commands.as_slice() {
            [one] => one.to_type(),
            _ => &self.session.profile.service.deployment,
        };
        careful.then(|| text.to_owned())
    }

    /// A key while something is to be confirmed.
    pub(crate) fn press_confirm(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Some(Dialog::Confirm(confirm)) = self.dialogs.last() else {
            return Vec::new();
        };
        let wanted = self.to_type(&confirm.plan);
        let typed = wanted.is_some() && confirm.is_open();
        if let Some(rows) = scrolls(key.code, typed, self.dialog_page_rows()) {
            self.scroll(rows);
            return Vec::new();
        }
        let Some(Dialog::Confirm(confirm)) = self.dialogs.last_mut() else {
            return Vec::new();
        };
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, &wanted) {
            (KeyCode::Esc, _) => {
                self.dialogs.pop();
            }
            // Not by the letters of a name that is being typed, nor by an enter on its way.
            _ if !confirm.is_open() => {}
            (KeyCode::Enter, None) if confirm.button == Button::Safe && !confirm.is_refused() => {
                self.dialogs.pop();
            }
            (KeyCode::Enter, None) => return self.confirmed(),
            (code, None) if !confirm.is_refused() => {
                if let Some(button) = confirm.button.after(code) {
                    // What the key moved is in view.
                    (confirm.button, confirm.scroll) = (button, Scroll::default());
                }
            }
            (KeyCode::Char('u'), Some(_)) if is_control => confirm.typed.clear(),
            (KeyCode::Char(character), Some(_)) if !is_control && confirm.typed.chars().count() < 100 => {
                confirm.typed.push(character);
            }
            (KeyCode::Backspace, Some(_)) => {
                confirm.typed.pop();
            }
            (KeyCode::Enter, Some(wanted)) if confirm.typed == *wanted => return self.confirmed(),
            (KeyCode::Enter, Some(wanted)) => {
                let words = format!("type {wanted} to confirm, or press esc");
                self.complain(&words);
            }
            _ => {}
        }
        Vec::new()
    }

    fn confirmed(&mut self) -> Vec<Effect> {
        let Some(Dialog::Confirm(confirm)) = self.dialogs.last() else {
            return Vec::new();
        };
        match &confirm.dry_run {
            DryRun::Asked => {
                self.say("dry run still running");
                return Vec::new();
            }
            DryRun::Refused(why) => {
                let words = format!("dry run refused: {why}");
                self.complain(&words);
                return Vec::new();
            }
            DryRun::Passed | DryRun::Untried(_) => {}
        }
        let plan = confirm.plan.clone();
        self.judge();
        self.hold_question();
        if !matches!(self.dialogs.last(), Some(Dialog::Confirm(confirm)) if confirm.is_open()) {
            return Vec::new();
        }
        self.dialogs.pop();
        let mut effects = self.let_execution_go();
        self.remediation.execution = self.account().map(|account| Execution::new(plan, &account));
        effects.extend(self.send_next());
        effects
    }

    /// What was sent before is not followed any more.
    fn let_execution_go(&mut self) -> Vec<Effect> {
        match &self.remediation.execution {
            Some(execution) if execution.is_under_way() => {
                let phase = execution.phase;
                self.reach("no longer watched: another change was confirmed", phase)
            }
            _ => Vec::new(),
        }
    }

    /// Sends the next command of what is under way; before that its intent goes to disk.
    fn send_next(&mut self) -> Vec<Effect> {
        let now = self.clock.now;
        // What is advised now, not what was when the observations before this one came.
        self.judge();
        let advice = AdviceThen::from(&self.diagnosis.decision.recommendation);
        let Some(execution) = &mut self.remediation.execution else {
            return Vec::new();
        };
        let Some(command) = execution.due().cloned() else {
            return Vec::new();
        };
        let id = self
            .remediation
            .commands
            .iter()
            .map(|change| change.intent.id)
            .max()
            .unwrap_or(0)
            + 1;
        let user = self.state.connection.as_ref().map(|known| known.user.clone());
        let intent = Intent {
            id,
            command: current(command, self.state.deployment.as_ref(), now),
            aim: execution.plan.aim,
            cause: execution.plan.cause.clone(),
            user: user.unwrap_or_else(|| SafeText::new("unknown")),
            part: (execution.plan.commands.len() > 1)
                .then_some((execution.sent + 1, execution.plan.commands.len())),
            advice: Some(advice),
            rest: execution.rest(),
        };
        (execution.sent, execution.id, execution.phase, execution.since) =
            (execution.sent + 1, id, Phase::Sent, now);
        execution.words = SafeText::new(&intent.command.words());
        let command = AppliedCommand::new(now, intent.clone());
        self.remediation.commands.push(command);
        vec![Effect::Do { at: now, intent }]
    }

    /// A dry run was answered.
    pub(crate) fn take_dry_run(&mut self, number: u64, answer: DryRun) {
        if let Some(Dialog::Confirm(confirm)) = self.dialogs.last_mut()
            && confirm.number == number
        {
            confirm.dry_run = answer;
        }
    }

    /// What came of a command.
    pub(crate) fn take_command_outcome(&mut self, id: u64, outcome: CommandOutcome) {
        let now = self.clock.now;
        if let Some(change) = self
            .remediation
            .commands
            .iter_mut()
            .find(|change| change.intent.id == id)
        {
            change.outcome = Some((now, outcome));
        }
    }

    /// After observations came or time passed: what is under way goes on, what is asked holds or falls, and unknown outcomes may be seen.
    pub(crate) fn go_on(&mut self) -> Vec<Effect> {
        if self.player.is_some() {
            // The record says what came of it.
            return Vec::new();
        }
        let mut effects = self.resolve_unknown();
        self.follow_again();
        self.hold_question();
        effects.extend(self.carry_on());
        effects
    }

    /// What an earlier console carried out until it ended is watched again, as soon as it is known that it was done.
    fn follow_again(&mut self) {
        if !self.remediation.unfollowed || self.is_looking() || self.sop().is_none() {
            return;
        }
        let last = self
            .remediation
            .commands
            .iter()
            .rposition(AppliedCommand::may_have_happened);
        let Some(last) = last.filter(|_| self.remediation.execution.is_none()) else {
            self.remediation.unfollowed = false;
            return;
        };
        let change = &self.remediation.commands[last];
        let over = change.stages.iter().any(|(_, _, good)| good.is_some());
        if over || self.clock.now.duration_since(change.at) > FOLLOWED_WITHIN {
            self.remediation.unfollowed = false;
        } else if !change.is_open() {
            self.remediation.unfollowed = false;
            let sent = confirmed_with(&self.remediation.commands[..=last]);
            self.remediation.execution = self
                .account()
                .and_then(|account| Execution::again(&sent, &account));
        }
    }

    /// An outcome that nobody told may be seen by now.
    fn resolve_unknown(&mut self) -> Vec<Effect> {
        let under_way = |change: &AppliedCommand| {
            // Its answer is still awaited by this console.
            let followed =
                |execution: &Execution| execution.id == change.intent.id && execution.is_under_way();
            change.outcome.is_none() && self.remediation.execution.as_ref().is_some_and(followed)
        };
        let (state, now) = (&self.state, self.clock.now);
        let seen: Vec<(u64, CommandOutcome)> = self
            .remediation
            .commands
            .iter()
            .filter(|change| change.is_open() && !under_way(change))
            .filter_map(|change| Some((change.intent.id, change.resolve(state, now)?)))
            .collect();
        let mut effects = Vec::new();
        for (id, outcome) in seen {
            self.take_command_outcome(id, outcome.clone());
            effects.push(Effect::Record(Entry::Outcome { id, outcome }));
        }
        effects
    }

    /// Closes the dialog when its preconditions no longer hold, and says why.
    fn hold_question(&mut self) {
        let Some(Dialog::Confirm(confirm)) = self.dialogs.last() else {
            return;
        };
        if !confirm.is_open() {
            return;
        }
        let gate = self.gate(&confirm.plan);
        let why = gate.refusals.first().map(|why| SafeText::new(why));
        if let Some(Dialog::Confirm(confirm)) = self.dialogs.last_mut() {
            match why {
                Some(_) => confirm.closed = why,
                None => confirm.gate = gate,
            }
        }
    }

    fn carry_on(&mut self) -> Vec<Effect> {
        let Some(execution) = self
            .remediation
            .execution
            .as_ref()
            .filter(|execution| execution.is_under_way())
        else {
            return Vec::new();
        };
        let change = self
            .remediation
            .commands
            .iter()
            .find(|change| change.intent.id == execution.id);
        let next = match self.account() {
            Some(account) => execution.next(&account, change),
            None => Next::Wait,
        };
        match next {
            Next::Wait => Vec::new(),
            Next::Send(words) => {
                let mut effects = self.reach(&words, Phase::Replacing);
                effects.extend(self.send_next());
                effects
            }
            Next::Reached(words, phase) => self.reach(&words, phase),
        }
    }

    fn reach(&mut self, words: &str, phase: Phase) -> Vec<Effect> {
        let now = self.clock.now;
        let Some(execution) = &mut self.remediation.execution else {
            return Vec::new();
        };
        let words = SafeText::new(words);
        (execution.phase, execution.since, execution.words) = (phase, now, words.clone());
        let id = execution.id;
        let good = match phase {
            Phase::Over(good) => good,
            _ => None,
        };
        if let Some(change) = self
            .remediation
            .commands
            .iter_mut()
            .find(|change| change.intent.id == id)
        {
            change.stages.push((now, words.clone(), good));
        }
        if matches!(phase, Phase::Over(_)) {
            self.ring_for_end();
        }
        match good {
            Some(true) => self.say(&words),
            Some(false) => self.complain(&words),
            None if matches!(phase, Phase::Over(_)) => self.say(&words),
            None => {}
        }
        vec![Effect::Record(Entry::Stage { id, words, good })]
    }

    /// No further command is sent; whether there was anything to stop.
    pub(crate) fn stop_execution(&mut self) -> bool {
        let Some(execution) = self
            .remediation
            .execution
            .as_mut()
            .filter(|execution| execution.is_under_way())
        else {
            return false;
        };
        if execution.due().is_none() || execution.stopping {
            return false;
        }
        execution.stopping = true;
        self.say("will stop after the current pod");
        true
    }
}

/// The last change and those before it that were confirmed with it.
fn confirmed_with(changes: &[AppliedCommand]) -> Vec<&AppliedCommand> {
    let mut sent: Vec<&AppliedCommand> = Vec::new();
    for change in changes.iter().rev() {
        let goes_on = sent
            .last()
            .is_none_or(|later| match (later.intent.part, change.intent.part) {
                (Some((number, of)), Some((before, all))) => number == before + 1 && of == all,
                _ => false,
            });
        if !goes_on {
            break;
        }
        sent.push(change);
    }
    sent.reverse();
    sent
}

/// The command with the version that is seen now: what was confirmed is how many pods there are to be, and that was just looked at.
fn current(command: Command, deployment: Option<&Deployment>, now: Timestamp) -> Command {
    let Some(seen) = deployment else { return command };
    match command {
        Command::Scale {
            deployment,
            uid,
            from,
            to,
            ..
        } => Command::Scale {
            deployment,
            uid,
            from,
            to,
            resource_version: seen.resource_version.clone(),
        },
        Command::RestartDeployment { deployment, uid, .. } => Command::RestartDeployment {
            deployment,
            uid,
            resource_version: seen.resource_version.clone(),
            mark: now,
        },
        delete @ Command::DeletePod { .. } => delete,
    }
}

/// How far a key scrolls the question; a letter does not where letters are `typed`.
fn scrolls(key: KeyCode, typed: bool, page: isize) -> Option<isize> {
    match key {
        KeyCode::Up => Some(-1),
        KeyCode::Down => Some(1),
        KeyCode::PageUp => Some(-page),
        KeyCode::PageDown => Some(page),
        KeyCode::Char('k') if !typed => Some(-1),
        KeyCode::Char('j') if !typed => Some(1),
        _ => None,
    }
}
