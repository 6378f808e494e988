//! What the operator may set out to do, made from what is seen now: commands with their preconditions, in their order.

use super::command::{Command, PlanKind};
use super::interrupted::Interrupted;
use crate::diagnose::leaders::Verdict;
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{ContainerState, Deployment, Pod, PodUid, short_name};
use crate::observe::source::SourceId;
use crate::profile::rule::Advice;
use crate::safe;
use crate::text::{SafeText, counted, duration, noun};

/// Commands that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What for.
    pub aim: PlanKind,
    /// What, one after the other.
    pub commands: Vec<Command>,
    /// The rule that recommends it; `None` where none does.
    pub cause: Option<String>,
}

impl Plan {
    /// What the recommendation asks for, by the means that the rights allow.
    ///
    /// # Errors
    /// Why there is nothing to do.
    pub fn advised(account: &CaseSnapshot<'_>) -> Result<Self, SafeText> {
        let advised = &account.diagnosis.decision.recommendation;
        let may = |verb: &str, resource: &str| account.state.may(verb, resource, "") != Some(false);
        let only_rollouts = !may("delete", "pods") && may("patch", "deployments");
        match advised.action {
            Advice::StartPods => Self::start(account),
            Advice::RestartPods if only_rollouts => Self::roll_out(account),
            Advice::RestartPods => Self::restart_all(account),
            Advice::ScaleUp => Self::scale(account, 1),
            Advice::None | Advice::Wait | Advice::Gather | Advice::Escalate => {
                Err(safe!("nothing to apply: {}", advised.in_words(account.profile)))
            }
        }
    }

    /// The same by the rule that recommends it, where one does.
    #[must_use]
    pub fn caused(mut self, account: &CaseSnapshot<'_>) -> Self {
        let advised = &account.diagnosis.decision.recommendation;
        if advised.action.is_change() && advised.action == self.aim.answers() {
            self.cause.clone_from(&advised.rule);
        }
        self
    }

    /// Restarts one pod.
    ///
    /// # Errors
    /// Why it can't be done.
    pub fn restart_pod(account: &CaseSnapshot<'_>, uid: &PodUid) -> Result<Self, SafeText> {
        if let Some(other) = account.state.other_pods.get(uid) {
            let owner = account.state.owner_in_words(other);
            return Err(safe!(
                "{} does not belong to the service but to {owner}",
                other.name
            ));
        }
        let pod = account.state.pods.get(uid).ok_or("the pod is gone")?;
        replaceable(account)?;
        if pod.deletion_at.is_some() {
            return Err(safe!("{} is already terminating", pod.name));
        }
        if pod.is_over() {
            return Err(safe!(
                "{} has ended ({}): no pod would replace it",
                pod.name,
                pod.status
            ));
        }
        Ok(Self::of(PlanKind::RestartPod, vec![delete(pod)]))
    }

    /// Restarts all pods one after the other: the others first, those that lead last, so that the leaders change once.
    ///
    /// # Errors
    /// Why it can't be done.
    pub fn restart_all(account: &CaseSnapshot<'_>) -> Result<Self, SafeText> {
        replaceable(account)?;
        readable(account)?;
        let pods = leaders_last(account, living(account));
        if pods.is_empty() {
            return Err("there is no pod to restart".into());
        }
        let commands = pods.into_iter().map(delete).collect();
        Ok(Self::of(PlanKind::RestartAll, commands))
    }

    /// Restarts the pods that an interrupted execution did not reach, and no others: those that are gone or were replaced since need it no
    /// more.
    ///
    /// # Errors
    /// Why it can't be done.
    pub fn restart_rest(account: &CaseSnapshot<'_>, interrupted: &Interrupted) -> Result<Self, SafeText> {
        replaceable(account)?;
        let left = |pod: &&Pod| interrupted.left.contains(&pod.uid);
        let pods = leaders_last(account, living(account).into_iter().filter(left).collect());
        if pods.is_empty() {
            return Err("the remaining pods are gone or were replaced since".into());
        }
        let aim = match interrupted.aim {
            PlanKind::Start => PlanKind::Start,
            _ => PlanKind::RestartRest,
        };
        Ok(Self::of(aim, pods.into_iter().map(delete).collect()))
    }

    /// Restarts the deployment by a rollout.
    ///
    /// # Errors
    /// Why it can't be done.
    pub fn roll_out(account: &CaseSnapshot<'_>) -> Result<Self, SafeText> {
        let deployment = deployment(account)?;
        let command = Command::RestartDeployment {
            deployment: deployment.name.clone(),
            uid: deployment.uid.clone(),
            resource_version: deployment.resource_version.clone(),
            mark: account.now,
        };
        Ok(Self::of(PlanKind::RollOut, vec![command]))
    }

    /// Starts pods where none serves: gives the deployment its number back, or deletes those that do not start.
    ///
    /// # Errors
    /// Why it can't be done.
    pub fn start(account: &CaseSnapshot<'_>) -> Result<Self, SafeText> {
        let deployment = deployment(account)?;
        if deployment.replicas == 0 {
            let to = account.profile.service.replicas;
            return Ok(Self::of(PlanKind::Start, vec![scale(deployment, to)]));
        }
        readable(account)?;
        let pods = living(account);
        if pods.iter().any(|pod| pod.is_ready()) {
            return Err("a pod is ready: nothing to start".into());
        }
        if pods.is_empty() {
            return Err(safe!(
                "the deployment wants {} and creates none: look at its conditions and events",
                counted(deployment.replicas, "pod", "pods")
            ));
        }
        Ok(Self::of(PlanKind::Start, pods.into_iter().map(delete).collect()))
    }

    /// Runs more pods, or fewer.
    ///
    /// # Errors
    /// Why it can't be done.
    pub fn scale(account: &CaseSnapshot<'_>, by: i32) -> Result<Self, SafeText> {
        let deployment = deployment(account)?;
        let to = deployment
            .replicas
            .checked_add_signed(by)
            .ok_or("the deployment is scaled to 0 already")?;
        let aim = if by.is_positive() {
            PlanKind::ScaleUp
        } else {
            PlanKind::ScaleDown
        };
        Ok(Self::of(aim, vec![scale(deployment, to)]))
    }

    fn of(aim: PlanKind, commands: Vec<Command>) -> Self {
        Self {
            aim,
            commands,
            cause: None,
        }
    }

    /// What it does, for its title.
    pub fn words(&self) -> SafeText {
        match self.commands.as_slice() {
            [one] if self.aim != PlanKind::RollOut => safe!("{}: {}", self.aim.words(), one.words()),
            _ => self.aim.words().into(),
        }
    }

    /// What the button that sends it is called.
    pub fn button(&self) -> SafeText {
        match (self.aim, self.commands.as_slice()) {
            (PlanKind::RollOut, _) => "Restart by a rollout".into(),
            (PlanKind::Start, [Command::Scale { to, .. }]) => safe!("Start {}", counted(*to, "pod", "pods")),
            (_, [Command::Scale { from, to, .. }]) => safe!("Scale from {from} to {to}"),
            (PlanKind::Start, all) => safe!("Start {}", counted(all.len(), "new pod", "new pods")),
            (_, [Command::DeletePod { pod, .. }]) => safe!("Restart pod {}", short_name(pod)),
            (_, all) => safe!("Restart {}", counted(all.len(), "pod", "pods")),
        }
    }

    /// What it does.
    pub fn effect(&self) -> SafeText {
        match (self.aim, self.commands.as_slice()) {
            (PlanKind::RestartAll | PlanKind::RestartRest, pods) if pods.len() > 1 => safe!(
                "deletes {} pods one by one, each after the last replacement is ready; leaders come last",
                pods.len()
            ),
            (PlanKind::RollOut, _) => "the deployment replaces all its pods by its rollout strategy".into(),
            (_, [Command::Scale { from, to, .. }]) => match to.checked_sub(*from) {
                Some(more) => safe!("adds {}", counted(more, "pod", "pods")),
                None => safe!("Kubernetes picks {} to remove", pods_or_one(from.abs_diff(*to))),
            },
            (PlanKind::Start, pods) => safe!(
                "deletes {} not start; the deployment creates a new pod in place of each",
                counted(pods.len(), "pod that does", "pods that do")
            ),
            (_, [_, _, ..]) => "the deployment creates a new pod in place of each".into(),
            _ => "the deployment creates a new pod in its place".into(),
        }
    }

    /// What it may cost the service, a sentence each.
    pub fn risks(&self, account: &CaseSnapshot<'_>) -> Vec<SafeText> {
        let all = [
            self.serving(account),
            self.gap(account),
            self.cost(account),
            self.way_back(),
        ];
        all.into_iter().flatten().collect()
    }

    /// How many pods answer while one is replaced.
    fn serving(&self, account: &CaseSnapshot<'_>) -> Option<SafeText> {
        if !self.deletes() {
            return None;
        }
        let ready = account.state.pods.values().filter(|pod| pod.is_ready());
        let (deleted, others): (Vec<&Pod>, Vec<&Pod>) = ready.partition(|pod| self.hits(&pod.name));
        // One at a time: of those that are ready, all but the one whose turn it is.
        let (serve, all) = match deleted.len() {
            0 => return None,
            deleted => (others.len() + deleted - 1, others.len() + deleted),
        };
        let of_pods = counted(all, "pod keeps", "pods keep");
        Some(safe!("{serve} of {of_pods} serving"))
    }

    fn way_back(&self) -> Option<SafeText> {
        match self.commands.as_slice() {
            [Command::Scale { from, .. }] => Some(safe!("undo: scale back to {from}")),
            _ => None,
        }
    }

    fn deletes(&self) -> bool {
        self.commands
            .iter()
            .any(|command| matches!(command, Command::DeletePod { .. }))
    }

    /// How long nobody leads: a killed leader's lease runs on, and then a tick passes.
    fn gap(&self, account: &CaseSnapshot<'_>) -> Option<SafeText> {
        if !self.deletes() && !matches!(self.aim, PlanKind::RollOut | PlanKind::ScaleDown) {
            return None;
        }
        // Nobody leads before either, where no pod is up.
        if account.state.is_fresh(&SourceId::Pods, account.now) && !living(account).into_iter().any(is_up) {
            return None;
        }
        let leaders = &account.profile.leaders;
        let (mut hit, mut perhaps) = (Vec::new(), Vec::new());
        for leader in &account.diagnosis.leaders {
            match (leader.verdict, &leader.pod) {
                (Verdict::One, Some(pod)) if self.hits(pod) => hit.push(leader.worker.as_str()),
                (Verdict::One, Some(_)) | (Verdict::None, _) => {}
                _ => perhaps.push(leader.worker.as_str()),
            }
        }
        let (least, most) = (
            duration::of(leaders.tick),
            duration::of(leaders.lease + leaders.tick),
        );
        let long = safe!("for {}–{}", duration::brief(least), duration::brief(most));
        let may = match self.aim {
            PlanKind::ScaleDown => "may have",
            _ if hit.len() + perhaps.len() == 1 => "has",
            _ => "have",
        };
        let why = match self.aim {
            PlanKind::ScaleDown => "if the leader is removed, its lease must expire",
            _ => "old lease must expire",
        };
        let (hit, perhaps) = (hit.join(" and "), perhaps.join(" and "));
        Some(match (hit.is_empty(), perhaps.is_empty()) {
            (true, true) => "not a leader: no leadership gap".into(),
            (true, false) => safe!("{perhaps} may have no leader {long} (current leader unknown)"),
            (false, true) => safe!("{hit} {may} no leader {long} ({why})"),
            (false, false) => safe!("{hit}, and perhaps {perhaps}, {may} no leader {long} ({why})"),
        })
    }

    /// Whether it ends this pod, or may.
    fn hits(&self, name: &str) -> bool {
        matches!(self.aim, PlanKind::RollOut | PlanKind::ScaleDown)
            || self
                .commands
                .iter()
                .any(|command| matches!(command, Command::DeletePod { pod, .. } if **pod == *name))
    }

    fn cost(&self, account: &CaseSnapshot<'_>) -> Option<SafeText> {
        let Some(Command::Scale { from, to, .. }) = self.commands.first() else {
            return None;
        };
        let each = account.profile.service.database_connections_per_pod?;
        let more = i64::from(*to) - i64::from(*from);
        let connections = more.abs() * i64::from(each);
        Some(safe!(
            "up to {connections} {} database {}",
            if more.is_negative() { "fewer" } else { "more" },
            noun(connections, "connection", "connections")
        ))
    }
}

/// `one pod`, `2 pods`.
fn pods_or_one(count: u32) -> SafeText {
    match count {
        1 => "one pod".into(),
        count => counted(count, "pod", "pods"),
    }
}

/// Whether a container of the service runs in it.
fn is_up(pod: &Pod) -> bool {
    let mut containers = pod.containers.iter().filter(|container| !container.init);
    pod.is_ready() || containers.any(|container| matches!(container.state, ContainerState::Running { .. }))
}

fn living<'a>(account: &CaseSnapshot<'a>) -> Vec<&'a Pod> {
    let pods = account.state.pods.values();
    pods.filter(|pod| pod.deletion_at.is_none() && !pod.is_over())
        .collect()
}

/// In the order of their turn: those that lead last, so that the leaders change once; before that those that are not ready first.
fn leaders_last<'a>(account: &CaseSnapshot<'_>, mut pods: Vec<&'a Pod>) -> Vec<&'a Pod> {
    pods.sort_by_key(|pod| (leads(account, pod), pod.is_ready(), pod.name.clone()));
    pods
}

fn leads(account: &CaseSnapshot<'_>, pod: &Pod) -> bool {
    let mut leaders = account.diagnosis.leaders.iter();
    leaders.any(|leader| leader.pod.as_ref() == Some(&pod.name))
}

/// Where the pods were never read, nobody knows which there are.
fn readable(account: &CaseSnapshot<'_>) -> Result<(), SafeText> {
    account.state.unread_pods(account.now).map_or(Ok(()), Err)
}

/// Nobody makes another pod in place of a deleted one where there is no deployment.
fn replaceable(account: &CaseSnapshot<'_>) -> Result<(), SafeText> {
    if account.state.lacks_deployment() {
        let name = &account.profile.service.deployment;
        return Err(safe!("no deployment {name}: nothing would replace a deleted pod"));
    }
    Ok(())
}

fn deployment<'a>(account: &CaseSnapshot<'a>) -> Result<&'a Deployment, SafeText> {
    let known = account.state.deployment.as_ref();
    known.ok_or_else(|| safe!("no data on deployment {}", account.profile.service.deployment))
}

fn delete(pod: &Pod) -> Command {
    Command::DeletePod {
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
    }
}

fn scale(deployment: &Deployment, to: u32) -> Command {
    Command::Scale {
        deployment: deployment.name.clone(),
        uid: deployment.uid.clone(),
        from: deployment.replicas,
        to,
        resource_version: deployment.resource_version.clone(),
    }
}
