//! Whether something may be done now: the refusals that block it, and the cautions that do not.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::command::{Command, PlanKind};
use super::plan::Plan;
use crate::diagnose::Truth;
use crate::diagnose::settle::{settled_after, settling};
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::Pod;
use crate::observe::source::{Freshness, SourceId, SourceState};
use crate::profile::rule::Advice;
use crate::remediate::applied_command::{AppliedCommand, TOLD_WITHIN};
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// What a gate says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Why it must not be done; nothing where it may.
    pub refusals: Vec<SafeText>,
    /// What speaks against it without forbidding it.
    pub cautions: Vec<SafeText>,
}

/// What the gate looks at, besides the plan.
#[derive(Clone, Copy, Debug)]
pub struct GateInput<'a> {
    /// What is known and found.
    pub account: &'a CaseSnapshot<'a>,
    /// What was done in this incident.
    pub past: &'a [AppliedCommand],
    /// Why the console may change nothing, where it may not.
    pub read_only: Option<&'a str>,
}

/// Whether the plan may be carried out now.
pub fn gate(plan: &Plan, situation: &GateInput<'_>) -> Gate {
    let mut gate = Gate::default();
    if let Some(why) = situation.read_only {
        gate.refusals.push(safe!("read-only: {why}"));
        return gate;
    }
    gate.refusals.extend(situation.blind(plan));
    gate.refusals.extend(situation.under_way());
    gate.refusals.extend(situation.settling(plan));
    gate.refusals.extend(situation.rolling(plan));
    gate.refusals.extend(situation.repeated(plan));
    gate.refusals.extend(situation.without_cause(plan));
    for command in &plan.commands {
        gate.refusals.extend(situation.forbidden(command));
        gate.refusals.extend(situation.outdated(command));
    }
    gate.refusals.extend(situation.too_few(plan));
    gate.refusals.dedup();
    gate.cautions.extend(situation.not_advised(plan));
    gate.cautions.extend(situation.never_told());
    gate.cautions.extend(situation.rights_unknown(plan));
    gate.cautions.extend(situation.stuck(plan));
    gate.cautions.extend(situation.autoscaled(plan));
    gate
}

impl GateInput<'_> {
    fn now(&self) -> Timestamp {
        self.account.now
    }

    /// Refuses while a source that the plan rests on is missing or stale.
    fn blind(&self, plan: &Plan) -> Vec<SafeText> {
        let state = self.account.state;
        let mut refusals = Vec::new();
        if state.connection.is_none() {
            refusals.push("not connected: the target cluster is unknown".into());
        }
        let scales = plan
            .commands
            .iter()
            .any(|command| !matches!(command, Command::DeletePod { .. }));
        let needed = [
            (SourceId::Pods, true),
            (SourceId::Deployment, scales),
            (SourceId::Api, true),
        ];
        for (id, _) in needed.into_iter().filter(|(_, needed)| *needed) {
            let unread = state.unread_pods(self.now());
            if let Some(unread) = unread.filter(|_| id == SourceId::Pods) {
                refusals.push(unread);
                continue;
            }
            let age = match state.freshness(&id, self.now()) {
                Freshness::Fresh(_) => continue,
                Freshness::Stale(age) => safe!("last data {} ago", duration::brief(age)),
                Freshness::Missing => "no data yet".into(),
            };
            refusals.push(safe!("{}: {age}; the screen may be outdated", id.name()));
        }
        refusals
    }

    /// A command whose outcome is not known comes first, as long as the watch may tell it.
    fn under_way(&self) -> Option<SafeText> {
        let open = self.open().find(|change| self.may_be_told(change))?;
        Some(safe!("outcome still unknown: {}", open.intent.command.words()))
    }

    fn never_told(&self) -> Option<SafeText> {
        let open = self.open().find(|change| !self.may_be_told(change))?;
        Some(safe!("outcome never known: {}", open.intent.command.words()))
    }

    fn open(&self) -> impl Iterator<Item = &AppliedCommand> {
        self.past.iter().filter(|change| change.is_open())
    }

    fn may_be_told(&self, change: &AppliedCommand) -> bool {
        let asked_at = change.outcome.as_ref().map_or(change.at, |(at, _)| *at);
        self.now().duration_since(asked_at) <= TOLD_WITHIN
    }

    /// A rollout, a restart or a new container has not settled.
    fn settling(&self, plan: &Plan) -> Option<SafeText> {
        let waits = |finding: &&crate::diagnose::RuleFinding| {
            finding.advice.action == Advice::Wait && matches!(finding.truth, Truth::True { .. })
        };
        let last = self.past.iter().rev().find(|change| {
            change.may_have_happened() && change.intent.aim.is_restart() && plan.aim.is_restart()
        });
        if let Some(last) = last {
            let CaseSnapshot { state, profile, .. } = self.account;
            if let Some(until) = settled_after(last.at, state, &profile.leaders, self.now()) {
                return Some(safe!(
                    "wait {} to see if the last restart helped ({} {} ago)",
                    duration::brief(until.duration_since(self.now())),
                    last.intent.command.past_words(),
                    duration::brief(self.now().duration_since(last.at))
                ));
            }
        }
        let rule = self.account.diagnosis.decision.rules.iter().find(waits)?;
        let Truth::True { because, .. } = &rule.truth else {
            return None;
        };
        let why = because.first().unwrap_or(&rule.title);
        let CaseSnapshot { state, profile, .. } = self.account;
        let until = settling(state, &profile.leaders, self.now()).ok();
        let left = until.map(|one| one.until.duration_since(self.now()).max(SignedDuration::ZERO));
        Some(match left {
            Some(left) => safe!("wait {}: {why}", duration::brief(left)),
            None => safe!("wait: {why}"),
        })
    }

    /// The deployment replaces its pods already, or would not if it were asked to. A rollout that is stuck is no reason to leave its old pods
    /// as they are: what is deleted of them is made again.
    fn rolling(&self, plan: &Plan) -> Option<SafeText> {
        let deployment = self.account.state.deployment.as_ref()?;
        let name = &deployment.name;
        if deployment.paused && plan.aim == PlanKind::RollOut {
            return Some(safe!(
                "deployment {name} is paused: the rollout would start only when it is resumed"
            ));
        }
        let stuck = deployment.is_stuck();
        if stuck && plan.aim == PlanKind::RollOut {
            return Some(safe!(
                "the rollout of deployment {name} is stuck: another one would make pods of the same template"
            ));
        }
        // A pod that is not ready is no rollout: that is what restarts are for.
        let rolling = !deployment.observed
            || deployment.updated < deployment.replicas
            || deployment.current > deployment.updated;
        (rolling && !stuck && plan.aim.is_restart() && !deployment.paused)
            .then(|| safe!("deployment {name} is still rolling out"))
    }

    fn stuck(&self, plan: &Plan) -> Option<SafeText> {
        let deployment = self.account.state.deployment.as_ref()?;
        (deployment.is_stuck() && plan.aim.is_restart()).then(|| {
            safe!(
                "the rollout of deployment {} is stuck: pods of its new template do not start",
                deployment.name
            )
        })
    }

    /// What was done for the same cause did not help. It was done when no pod is left from before.
    fn repeated(&self, plan: &Plan) -> Option<SafeText> {
        let cause = plan.cause.as_ref()?;
        let alike = |change: &&AppliedCommand| {
            change.may_have_happened()
                && change.intent.cause.as_ref() == Some(cause)
                && change.intent.aim.is_restart() == plan.aim.is_restart()
        };
        let first = self
            .past
            .iter()
            .find(alike)
            .filter(|_| plan.aim != PlanKind::ScaleUp)?;
        let mut living = self.account.state.pods.values().filter(|pod| !pod.is_over());
        let done = living.all(|pod| !pod.is_from_before(first.at));
        done.then(|| {
            safe!(
                "already done {} ago for rule {cause}, which still applies: hand it off instead",
                duration::brief(self.now().duration_since(first.at))
            )
        })
    }

    /// What it was recommended for is gone.
    fn without_cause(&self, plan: &Plan) -> Option<SafeText> {
        let cause = plan.cause.as_ref()?;
        let advised = &self.account.diagnosis.decision.recommendation;
        if advised.rule.as_ref() == Some(cause) && advised.action == plan.aim.answers() {
            return None;
        }
        Some(safe!(
            "rule {cause} no longer recommends it: the advice is now {}",
            self.advice()
        ))
    }

    fn advice(&self) -> SafeText {
        let advised = &self.account.diagnosis.decision.recommendation;
        advised.in_words(self.account.profile)
    }

    fn right(command: &Command) -> &'static [(&'static str, &'static str, &'static str)] {
        match command {
            Command::DeletePod { .. } => &[("delete", "pods", "")],
            Command::RestartDeployment { .. } => &[("patch", "deployments", "")],
            Command::Scale { .. } => &[
                ("patch", "deployments", "scale"),
                ("update", "deployments", "scale"),
            ],
        }
    }

    /// The access review says no to each way to do it.
    fn forbidden(&self, command: &Command) -> Option<SafeText> {
        let ways = Self::right(command);
        let no = |(verb, resource, sub): &(&str, &str, &str)| {
            self.account.state.may(verb, resource, sub) == Some(false)
        };
        if !ways.iter().all(no) {
            return None;
        }
        let (verb, resource, sub) = ways.first()?;
        let slash = if sub.is_empty() { "" } else { "/" };
        Some(safe!(
            "no permission to {verb} {resource}{slash}{sub}: ask for the on-call role (`sopwatch help permissions` prints it), then refresh"
        ))
    }

    fn rights_unknown(&self, plan: &Plan) -> Option<SafeText> {
        let known = |command: &Command| {
            let mut ways = Self::right(command).iter();
            ways.any(|(verb, resource, sub)| self.account.state.may(verb, resource, sub).is_some())
        };
        (!plan.commands.iter().all(known)).then(|| "permission unknown: the server decides".into())
    }

    /// The object is not what it was when the plan was made.
    fn outdated(&self, command: &Command) -> Option<SafeText> {
        let state = self.account.state;
        match command {
            Command::DeletePod { pod, uid } => match state.pods.get(uid) {
                None if state.other_pods.contains_key(uid) => {
                    Some(safe!("pod {pod} does not belong to the service"))
                }
                None => Some(safe!("pod {pod} is gone, or another pod has its name")),
                Some(seen) if seen.deletion_at.is_some() => Some(safe!("pod {pod} is already terminating")),
                Some(_) => None,
            },
            Command::RestartDeployment { deployment, uid, .. } | Command::Scale { deployment, uid, .. } => {
                let Some(seen) = &state.deployment else {
                    return Some(safe!("deployment {deployment} is gone"));
                };
                if seen.uid != *uid {
                    return Some(safe!(
                        "deployment {deployment} was replaced by another of the same name"
                    ));
                }
                match command {
                    Command::Scale { from, .. } if seen.replicas != *from => Some(safe!(
                        "deployment {deployment} wants {} now, not {from}",
                        counted(seen.replicas, "pod", "pods")
                    )),
                    _ => None,
                }
            }
        }
    }

    /// Refuses when fewer pods than the profile's `keep-ready` would stay ready.
    fn too_few(&self, plan: &Plan) -> Option<SafeText> {
        let service = &self.account.profile.service;
        if let Some(Command::Scale { to, .. }) = plan.commands.first() {
            return (*to < service.replicas && plan.aim == PlanKind::ScaleDown).then(|| {
                let pods = counted(*to, "pod is", "pods are");
                safe!("{pods} fewer than the {} of the profile", service.replicas)
            });
        }
        let pods = &self.account.state.pods;
        let ready = pods.values().filter(|pod| pod.is_ready()).count() as u64;
        // Those after it wait until the one before is replaced.
        let hits_ready = match plan.commands.first() {
            Some(Command::DeletePod { uid, .. }) => pods.get(uid).is_some_and(Pod::is_ready),
            _ => false,
        };
        let least = u64::from(service.least_ready());
        (hits_ready && ready.saturating_sub(1) < least).then(|| {
            let pods = counted(ready, "pod is", "pods are");
            safe!("only {pods} ready and {least} must stay up")
        })
    }

    /// An autoscaler sets the number of pods itself, or nobody knows whether one does.
    fn autoscaled(&self, plan: &Plan) -> Option<SafeText> {
        let scales = |command: &Command| matches!(command, Command::Scale { .. });
        if !plan.commands.iter().any(scales) {
            return None;
        }
        let state = self.account.state;
        match &state.autoscaler {
            Some(autoscaler) => Some(autoscaler.undoes_it()),
            None => self.autoscaler_unknown(),
        }
    }

    /// Why nobody knows whether there is an autoscaler, where that is so.
    fn autoscaler_unknown(&self) -> Option<SafeText> {
        let (state, id) = (self.account.state, SourceId::Autoscaler);
        if state.is_fresh(&id, self.now()) {
            return None;
        }
        let why = match state.source(&id).map(|source| &source.state) {
            Some(SourceState::Off(why)) => safe!(": {why}"),
            Some(SourceState::Failing { problem, .. }) => safe!(": {}", problem.what),
            _ => SafeText::default(),
        };
        Some(safe!("whether an autoscaler will undo it is unknown{why}"))
    }

    /// Whether the table says something else.
    fn not_advised(&self, plan: &Plan) -> Option<SafeText> {
        let advised = &self.account.diagnosis.decision.recommendation;
        if plan.cause.is_some() || advised.action.is_change() && advised.action == plan.aim.answers() {
            return None;
        }
        // The same by another key contradicts nothing.
        let commands =
            |plan: &Plan| -> BTreeSet<SafeText> { plan.commands.iter().map(Command::words).collect() };
        if Plan::advised(self.account).is_ok_and(|advised| commands(&advised) == commands(plan)) {
            return None;
        }
        Some(safe!("current advice is: {}", self.advice()))
    }
}
