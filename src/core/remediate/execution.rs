//! What the operator set out to do, followed to its end: sent, replaced, ready, led again, moving. It stops at the first surprise.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::diagnose::leaders::Verdict;
use crate::diagnose::settle;
use crate::diagnose::waiting::stuck_in;
use crate::diagnose::{Diagnosis, RuleFinding, Truth};
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{Pod, PodUid};
use crate::observe::source::SourceId;
use crate::remediate::applied_command::{AppliedCommand, TOLD_WITHIN};
use crate::remediate::command::{Command, CommandOutcome, PlanKind};
use crate::remediate::plan::Plan;
use crate::remediate::recovery_check::Rows;
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// How long a replacement may take until it is ready: image, start, and the probes' delays.
const READY_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A command was sent; its outcome is awaited.
    Sent,
    /// What was deleted or started is awaited to be ready.
    Replacing,
    /// A leader is awaited.
    Leading,
    /// Rows are awaited to move.
    Moving,
    /// It is over; whether it went as it should, where that is known.
    Over(Option<bool>),
}

/// Something that is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// What.
    pub plan: Plan,
    /// How many of its commands were sent.
    pub sent: usize,
    /// How many were confirmed: of what an earlier console sent, perhaps more than are known by now.
    pub confirmed: usize,
    /// How far it is.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// The newest intent's number.
    pub id: u64,
    /// What is going on, or how it ended, in a few words.
    pub words: SafeText,
    /// Whether the operator wants no further command.
    pub stopping: bool,
    /// Whether the operator knows that it ends where it is when the console is left.
    warned: bool,
    before: BTreeSet<PodUid>,
    /// Where an earlier console sent it: when. Which pods there were then is told by when they were made.
    sent_at: Option<Timestamp>,
    rows: Rows,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet.
    Wait,
    /// This came to pass; on to that.
    Reached(SafeText, Phase),
    /// This came to pass; the next command is due.
    Send(SafeText),
}

impl Execution {
    /// Begins to carry out a plan.
    pub fn new(plan: Plan, account: &CaseSnapshot<'_>) -> Self {
        Self {
            words: SafeText::new(&plan.words()),
            confirmed: plan.commands.len(),
            plan,
            sent: 0,
            phase: Phase::Sent,
            since: account.now,
            id: 0,
            stopping: false,
            warned: false,
            before: account.state.pods.keys().cloned().collect(),
            sent_at: None,
            rows: Rows::of(account),
        }
    }

    /// Goes on watching what an earlier console carried out until it ended; nothing more is sent.
    pub fn again(sent: &[&AppliedCommand], account: &CaseSnapshot<'_>) -> Option<Self> {
        let (first, last) = (sent.first()?, sent.last()?);
        let plan = Plan {
            aim: last.intent.aim,
            commands: sent.iter().map(|change| change.intent.command.clone()).collect(),
            cause: last.intent.cause.clone(),
        };
        Some(Self {
            sent: plan.commands.len(),
            confirmed: last.intent.part.map_or(1, |(_, of)| of),
            phase: Phase::Replacing,
            since: last.at,
            id: last.intent.id,
            before: BTreeSet::new(),
            sent_at: Some(first.at),
            ..Self::new(plan, account)
        })
    }

    /// Whether an earlier console sent it.
    pub fn is_again(&self) -> bool {
        self.sent_at.is_some()
    }

    /// Whether it is not over.
    pub fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Over(_))
    }

    /// Why no other action may start: commands are still to be sent, or an answer is awaited. An execution that is only observed does not
    /// block new actions.
    pub fn blocks_others(&self) -> Option<SafeText> {
        let what = self.plan.aim.words();
        match self.phase {
            Phase::Over(_) => None,
            _ if self.due().is_some() && self.stopping => {
                Some(safe!("{what}: will stop after the current pod"))
            }
            _ if self.due().is_some() => Some(safe!("{what} is under way: esc stops it after this pod")),
            Phase::Sent => Some(safe!("{what}: waiting for the server's answer")),
            _ => None,
        }
    }

    /// What is to be known before the console is left: that the rest is not done, or that an answer is awaited. Once. What is only
    /// watched goes on without it.
    pub fn warns_of_leaving(&mut self) -> Option<SafeText> {
        let what = self.plan.aim.words();
        let words = match self.phase {
            Phase::Over(_) => return None,
            _ if self.due().is_some() => {
                let (sent, all) = (self.sent, self.confirmed);
                safe!("Only {sent} of {all} pods restarted. Press q again to quit anyway.")
            }
            Phase::Sent => safe!("No answer yet: {what}. Press q again to quit anyway."),
            _ => return None,
        };
        (!std::mem::replace(&mut self.warned, true)).then_some(words)
    }

    /// The command that is due next.
    pub fn due(&self) -> Option<&Command> {
        self.plan.commands.get(self.sent)
    }

    /// With its first command: those that are to be sent after it.
    pub fn rest(&self) -> Vec<Command> {
        let rest = self.plan.commands.iter().skip(1);
        rest.filter(|_| self.sent == 0).cloned().collect()
    }

    /// Whether what it was recommended for is gone before all of it is done: each worker has its leader, and the rule holds no more.
    pub fn is_needless(&self, diagnosis: &Diagnosis) -> bool {
        let is_cause = |rule: &&RuleFinding| self.plan.cause.as_ref() == Some(&rule.id);
        let cause = diagnosis.decision.rules.iter().find(is_cause);
        let gone = cause.is_some_and(|rule| matches!(rule.truth, Truth::False { .. }));
        let led = diagnosis
            .leaders
            .iter()
            .all(|leader| leader.verdict == Verdict::One);
        gone && led && self.is_under_way() && self.due().is_some()
    }

    /// What follows from what is known now.
    pub fn next(&self, account: &CaseSnapshot<'_>, change: Option<&AppliedCommand>) -> Next {
        let waited = account.now.duration_since(self.since);
        match self.phase {
            Phase::Sent => self.after_sending(change, waited),
            Phase::Replacing => self.after_replacing(account, waited),
            Phase::Leading => self.after_leading(account, waited),
            Phase::Moving => match self.rows.told(account, self.since, waited) {
                Some(end) => self.ended(end.good, end.lead, &end.words),
                None => Next::Wait,
            },
            Phase::Over(_) => Next::Wait,
        }
    }

    fn after_sending(&self, change: Option<&AppliedCommand>, waited: SignedDuration) -> Next {
        let Some(change) = change else { return Next::Wait };
        let command = change.intent.command.words();
        match change.outcome.as_ref().map(|(_, outcome)| outcome) {
            Some(CommandOutcome::Applied { .. }) => Next::Reached(safe!("{command}: done"), Phase::Replacing),
            Some(CommandOutcome::Refused { why } | CommandOutcome::Failed { why }) => {
                self.surprise(&safe!("{command}: {why}"))
            }
            _ if waited > TOLD_WITHIN => self.surprise(&safe!("{command}: outcome unknown")),
            _ => Next::Wait,
        }
    }

    fn after_replacing(&self, account: &CaseSnapshot<'_>, waited: SignedDuration) -> Next {
        if !account.state.is_fresh(&SourceId::Pods, account.now) {
            return Next::Wait;
        }
        if let Some(problem) = self.surprised(account) {
            return self.surprise(&problem);
        }
        match self.ready_words(account) {
            Some(_) if self.due().is_some() && self.stopping => self.surprise("stopped by the operator"),
            Some(words) if self.due().is_some() && self.leaves_enough(account) => Next::Send(words),
            Some(_) if self.due().is_some() && waited <= READY_WITHIN => Next::Wait,
            Some(_) if self.due().is_some() => self.surprise("too few pods are ready to continue"),
            Some(words) if leads_nothing(self.plan.aim) => self.ended(Some(true), "", &words),
            Some(words) if account.diagnosis.leaders.is_empty() => Next::Reached(words, Phase::Moving),
            Some(words) => Next::Reached(words, Phase::Leading),
            None if waited > READY_WITHIN => self.surprise(&safe!(
                "not ready after {}: {}",
                duration::brief(READY_WITHIN),
                self.stuck(account)
            )),
            None => Next::Wait,
        }
    }

    /// Whether so many pods are ready that one may be taken.
    fn leaves_enough(&self, account: &CaseSnapshot<'_>) -> bool {
        let ready = account.state.pods.values().filter(|pod| pod.is_ready()).count() as u64;
        let takes = match self.due() {
            Some(Command::DeletePod { uid, .. }) => account.state.pods.get(uid).is_some_and(Pod::is_ready),
            _ => false,
        };
        !takes || ready.saturating_sub(1) >= u64::from(account.profile.service.least_ready())
    }

    /// Something that was not to happen: a replacement that can't start, a pod that somebody else took.
    fn surprised(&self, account: &CaseSnapshot<'_>) -> Option<SafeText> {
        for pod in self.fresh(account) {
            if let Some(reason) = stuck_in(pod).map(|row| row.reason) {
                return Some(safe!("the replacement {} is in {reason}", pod.short_name()));
            }
        }
        let waiting = self.plan.commands.iter().skip(self.sent);
        for command in waiting {
            let Command::DeletePod { pod, uid } = command else {
                continue;
            };
            let seen = account.state.pods.get(uid);
            if seen.is_none_or(|pod| pod.deletion_at.is_some()) {
                return Some(safe!("{pod} ended, but not by this restart"));
            }
        }
        None
    }

    /// Pods that were made since.
    fn fresh<'a>(&'a self, account: &'a CaseSnapshot<'_>) -> impl Iterator<Item = &'a Pod> {
        let pods = account.state.pods.values();
        let made_since = |pod: &Pod| self.sent_at.is_none_or(|sent_at| !pod.is_from_before(sent_at));
        pods.filter(move |pod| {
            !self.before.contains(&pod.uid) && pod.deletion_at.is_none() && made_since(pod)
        })
    }

    /// What is ready now, where it is all that is awaited.
    fn ready_words(&self, account: &CaseSnapshot<'_>) -> Option<SafeText> {
        let pods = &account.state.pods;
        let ready = pods.values().filter(|pod| pod.is_ready()).count();
        let deleted = self.plan.commands.iter().take(self.sent);
        let deleted: Vec<&PodUid> = deleted
            .filter_map(|command| match command {
                Command::DeletePod { uid, .. } => Some(uid),
                _ => None,
            })
            .collect();
        if !deleted.is_empty() {
            let gone = |uid: &&PodUid| pods.get(*uid).is_none_or(|pod| pod.deletion_at.is_some());
            let replaced: Vec<&str> = self
                .fresh(account)
                .filter(|pod| pod.is_ready())
                .map(Pod::short_name)
                .collect();
            let done = deleted.iter().all(gone) && replaced.len() >= deleted.len();
            return done.then(|| safe!("ready: {}", replaced.join(", ")));
        }
        let deployment = account.state.deployment.as_ref()?;
        if let Command::Scale { to, .. } = self.plan.commands.first()? {
            let done =
                deployment.replicas == *to && !deployment.is_rolling() && ready as u64 >= u64::from(*to);
            return done.then(|| safe!("{ready} of {} ready", counted(*to, "pod is", "pods are")));
        }
        // One that is over or ends on a lost node may stay for days.
        let serves = |pod: &Pod| !pod.is_over() && pod.deletion_at.is_none();
        let old = pods
            .values()
            .any(|pod| self.before.contains(&pod.uid) && serves(pod));
        let done = !deployment.is_rolling() && !old && ready as u64 >= u64::from(deployment.replicas);
        done.then(|| match ready {
            1 => "the pod is new and ready".into(),
            _ => safe!("all {ready} pods are new and ready"),
        })
    }

    fn stuck(&self, account: &CaseSnapshot<'_>) -> SafeText {
        let states: Vec<SafeText> = self
            .fresh(account)
            .filter(|pod| !pod.is_ready())
            .map(|pod| safe!("{} {}", pod.short_name(), pod.status))
            .collect();
        if !states.is_empty() {
            states.join(", ").into()
        } else if self.fresh(account).next().is_some() {
            "the new pods are ready; others are still starting or ending".into()
        } else {
            "no new pod was created".into()
        }
    }

    /// Its end in words. Of what was sent only in part nobody says that it worked: the rest was not tried.
    fn ended(&self, good: Option<bool>, lead: &str, words: &str) -> Next {
        let (sent, all) = (self.sent, self.confirmed);
        if sent >= all {
            return Next::Reached(safe!("{lead}{words}"), Phase::Over(good));
        }
        let words = safe!("{sent} of {all} pods restarted; {words}");
        Next::Reached(words, Phase::Over(Some(false)))
    }

    fn after_leading(&self, account: &CaseSnapshot<'_>, waited: SignedDuration) -> Next {
        let leaders = &account.diagnosis.leaders;
        let one = |leader: &&crate::diagnose::leaders::LeaderReading| leader.verdict == Verdict::One;
        if leaders.iter().all(|leader| one(&leader)) {
            let named: Vec<SafeText> = leaders
                .iter()
                .map(|leader| {
                    let pod = leader
                        .pod
                        .as_ref()
                        .map(|pod| crate::observe::observation::short_name(pod));
                    safe!("{} {}", leader.worker, pod.unwrap_or("one"))
                })
                .collect();
            return Next::Reached(safe!("leaders elected: {}", named.join(", ")), Phase::Moving);
        }
        let profile = &account.profile.leaders;
        let within = settle::length(profile) + duration::of(profile.tick) + duration::of(profile.lease);
        if waited <= within {
            return Next::Wait;
        }
        let missing: Vec<SafeText> = leaders
            .iter()
            .filter(|leader| !one(leader))
            .map(|leader| safe!("{} {}", leader.worker, leader.verdict.name()))
            .collect();
        let seen = leaders
            .iter()
            .any(|leader| matches!(leader.verdict, Verdict::None | Verdict::Many));
        let (helped, lead) = if seen {
            (Some(false), "no improvement")
        } else {
            (None, "unknown whether it helped")
        };
        let words = safe!(
            "{lead}: leaders after {}: {}",
            duration::brief(within),
            missing.join(", ")
        );
        self.ended(helped, "", &words)
    }

    fn surprise(&self, what: &str) -> Next {
        let (sent, all) = (self.sent, self.confirmed);
        let words = if all > 1 {
            safe!("stopped after {sent} of {all}: {what}")
        } else {
            what.into()
        };
        Next::Reached(words, Phase::Over(Some(false)))
    }
}

fn leads_nothing(aim: PlanKind) -> bool {
    matches!(aim, PlanKind::ScaleUp | PlanKind::ScaleDown)
}
