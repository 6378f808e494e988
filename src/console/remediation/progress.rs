//! How far an execution is: which pods are done, which one is being replaced and for how long, what comes next.

use jiff::Timestamp;

use crate::app::App;
use crate::app::escape::Escape;
use crate::keymap::action::{Action, Context};
use sopwatch_core::diagnose::Diagnosis;
use sopwatch_core::observe::observation::short_name;
use sopwatch_core::remediate::applied_command::AppliedCommand;
use sopwatch_core::remediate::command::{Command, CommandOutcome};
use sopwatch_core::remediate::execution::{Execution, Phase};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Stages that a command has passed once its pod is ready: it was done, and the pod was replaced.
const STAGES_OF_READY: usize = 2;

/// How a part of an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartState {
    /// The pod was replaced, and the replacement is ready.
    Replaced,
    /// It went wrong.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// An execution in parts, one a pod. A plan without pods is one part, which is named for what it does: `rollout`, `scale to 4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionProgress {
    /// The parts that are over, in their order, by the pods' short names.
    pub done: Vec<(String, PartState)>,
    /// The part that is under way.
    pub current: Option<String>,
    /// Since when it is; where none is, since when what follows is awaited (leaders, rows), or when it ended.
    pub since: Timestamp,
    /// The part that comes next.
    pub next: Option<String>,
    /// How many parts are not begun, the next one included.
    pub remaining: usize,
    /// Whether its cause is gone before all of it is done, so that the rest may be left.
    pub problem_fixed: bool,
}

/// The parts of an execution now. `commands` are those of the incident, oldest first.
pub fn progress(
    execution: &Execution,
    commands: &[AppliedCommand],
    diagnosis: &Diagnosis,
) -> ExecutionProgress {
    let name = |place: usize| execution.plan.commands.get(place).map(part_name);
    let begun = execution.sent;
    // The last that was sent is under way until its replacement is ready.
    let replaces = matches!(execution.phase, Phase::Sent | Phase::Replacing);
    let over = if replaces { begun.saturating_sub(1) } else { begun };
    let last = commands.iter().find(|command| command.intent.id == execution.id);
    // Only the last of them can have gone wrong: an execution stops at the first surprise.
    let state_of = |place: usize| match execution.phase {
        Phase::Over(good) if place + 1 == begun => state_of_last(execution, good, last),
        _ => PartState::Replaced,
    };
    let done = (0..over).filter_map(|place| Some((name(place)?, state_of(place))));
    let sent_at = last.map(|command| command.at);
    ExecutionProgress {
        done: done.collect(),
        current: name(over).filter(|_| replaces && begun > 0),
        since: sent_at.filter(|_| replaces).unwrap_or(execution.since),
        next: name(begun).filter(|_| execution.is_under_way() && !execution.stopping),
        remaining: execution.confirmed.saturating_sub(begun),
        problem_fixed: execution.is_needless(diagnosis),
    }
}

/// How the last part ended. What came after its pod was ready (leaders, rows) is another matter.
fn state_of_last(execution: &Execution, good: Option<bool>, last: Option<&AppliedCommand>) -> PartState {
    // Done, then ready: the stages of a command that ended well.
    let stages = last.map_or(0, |last| {
        let passed = last.stages.iter().filter(|(_, _, good)| good.is_none());
        passed.count()
    });
    let outcome = last.and_then(|last| last.outcome.as_ref());
    let is_open = !matches!(
        outcome,
        Some((
            _,
            CommandOutcome::Applied { .. } | CommandOutcome::Refused { .. } | CommandOutcome::Failed { .. }
        ))
    );
    match good {
        Some(true) => PartState::Replaced,
        _ if execution.stopping || stages >= STAGES_OF_READY => PartState::Replaced,
        Some(false) if !is_open => PartState::Failed,
        _ => PartState::Unknown,
    }
}

fn part_name(command: &Command) -> String {
    match command {
        Command::DeletePod { pod, .. } => short_name(pod).to_owned(),
        Command::RestartDeployment { .. } => "rollout".to_owned(),
        Command::Scale { to, .. } => format!("scale to {to}"),
    }
}

impl App {
    /// How far what is being carried out is, or was last.
    pub fn execution_progress(&self) -> Option<ExecutionProgress> {
        let execution = self.remediation.execution.as_ref()?;
        Some(progress(execution, &self.remediation.commands, &self.diagnosis))
    }

    /// `problem fixed · esc: stop after this pod?`, where the cause is gone and the key would ask that.
    pub fn problem_fixed_words(&self) -> Option<SafeText> {
        self.execution_progress()
            .filter(|progress| progress.problem_fixed)?;
        if self.dialog().is_some() || self.escape() != Escape::Execution {
            return Some("problem fixed".into());
        }
        let key = self.keymap.key_of(Action::Close, Context::Console)?;
        Some(safe!("problem fixed · {key}: stop after this pod?"))
    }
}
