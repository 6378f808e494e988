//! The changes to the cluster: what was set out for, what came of it, and what was found before and after.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::names::Names;
use super::pods::{PodsByLine, PodsSeen};
use super::{value, values};
use crate::diagnose::settle;
use crate::profile::sop::StepStatus;
use crate::record::{AdviceThen, Entry, Intent, Line, Snapshot};
use crate::remediate::command::CommandOutcome;
use crate::safe;
use crate::text::Redacted;

/// Shown when no outcome was recorded.
const NO_OUTCOME: &str = "outcome unknown";

/// One command, from its intent to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionRow {
    /// Counts the commands of the incident, from 1.
    pub id: u64,
    /// When the intent was written, before the command left.
    pub at: Timestamp,
    /// What the operator set out to do: `restart a pod`.
    pub aim: &'static str,
    /// Which of how many that were confirmed together, from 1: `[2, 3]`; `None` for one alone.
    pub part: Option<(usize, usize)>,
    /// What the command does: `delete pod …`.
    pub words: Redacted,
    /// The `oc` command that does the same.
    pub by_hand: Redacted,
    /// The rule that recommended it; `None` where none did.
    pub rule: Option<Redacted>,
    /// Why it was sent, and what the advice was by then, for people.
    #[serde(skip)]
    pub why: Redacted,
    /// The advice when the intent was written; `None` where the record is of an older version.
    pub advice: Option<AdviceSeen>,
    /// The user as the server names them.
    pub user: Redacted,
    /// The last outcome: `applied`, `refused`, `failed` or `outcome unknown`; that too where none was written.
    pub outcome: &'static str,
    /// What came of it, oldest first; several where it was unknown at first, none where the console ended before.
    pub outcomes: Vec<OutcomeRow>,
    /// How what it was for went on.
    pub stages: Vec<StageSeen>,
    /// What was found before; `None` where nothing was yet.
    pub before: Option<ActionState>,
    /// The first that differed from that afterwards, until another command changed something or everything had time to settle.
    pub first_change: Option<ActionState>,
    /// The last that was found until then; `None` where nothing new was found.
    pub after: Option<ActionState>,
}

/// Whether the record says how what a command was for ended, or the next that was confirmed with it went on from it.
pub(super) fn has_end(all: &[ActionRow], place: usize) -> bool {
    let one = &all[place];
    let next = all.get(place + 1).and_then(|next| next.part);
    let goes_on = one
        .part
        .is_some_and(|(number, of)| next == Some((number + 1, of)));
    let ended = one.stages.iter().any(|stage| stage.good.is_some());
    goes_on || ended || matches!(one.outcome, "refused" | "failed")
}

/// The commands that were confirmed together, in their order; one that was confirmed alone by itself.
pub(super) fn confirmed_together(all: &[ActionRow]) -> Vec<&[ActionRow]> {
    let follows = |one: &ActionRow, next: &ActionRow| match (one.part, next.part) {
        (Some((number, of)), next) => next == Some((number + 1, of)),
        (None, _) => false,
    };
    all.chunk_by(follows).collect()
}

/// The last commands of what was confirmed together, where more was confirmed than was sent.
pub(super) fn cut_short(all: &[ActionRow]) -> impl Iterator<Item = (&ActionRow, usize, usize)> {
    all.iter().enumerate().filter_map(|(place, one)| {
        let (number, of) = one.part.filter(|(number, of)| number < of)?;
        let next = all.get(place + 1).and_then(|next| next.part);
        (next != Some((number + 1, of))).then_some((one, number, of))
    })
}

/// What was recommended when a command was about to be sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdviceSeen {
    /// Its action: `restart-pods`, …
    pub action: &'static str,
    /// For an escalation: the contact's id.
    pub contact: Option<Redacted>,
    /// The rule that it follows from.
    pub rule: Option<Redacted>,
    /// As people say it.
    pub words: Redacted,
}

/// Why a command was sent, and what the advice was by then.
pub(super) fn why(intent: &Intent, names: &Names<'_>) -> Redacted {
    let then = intent
        .other_advice()
        .map(|advice| advice_seen(advice, names).words);
    match (&intent.cause, then) {
        (Some(rule), None) => safe!("rule {}", names.rule(rule)).into(),
        (Some(rule), Some(then)) => safe!(
            "rule {} when confirmed; advice when sent: {then}",
            names.rule(rule)
        )
        .into(),
        (None, None) => "chosen by the operator".into(),
        (None, Some(then)) => safe!("chosen by the operator; advice when sent: {then}").into(),
    }
}

fn advice_seen(advice: &AdviceThen, names: &Names<'_>) -> AdviceSeen {
    let words = names.advice(advice.action, advice.contact.as_deref());
    let words = match &advice.rule {
        Some(rule) => safe!("{words} (rule {})", names.rule(rule)).into(),
        None => words,
    };
    AdviceSeen {
        action: advice.action.name(),
        contact: advice.contact.as_deref().map(value),
        rule: advice.rule.as_deref().map(value),
        words,
    }
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutcomeRow {
    /// When it was known.
    pub at: Timestamp,
    /// `applied`, `refused`, `failed` or `outcome unknown`.
    pub is: &'static str,
    /// Why, or how it is known.
    pub why: Redacted,
}

/// How what a change was for goes on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageSeen {
    /// When.
    pub at: Timestamp,
    /// What, in a few words.
    pub words: Redacted,
    /// Whether it went as it should; `None` while nothing was decided.
    pub good: Option<bool>,
}

/// What was found at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionState {
    /// When it was found.
    pub at: Timestamp,
    /// The recommendation, as people say it.
    pub recommendation: Redacted,
    /// Its action: `restart-pods`, …
    pub action: &'static str,
    /// The pods; `None` where they were not read.
    pub pods: Option<PodsSeen>,
    /// The leaders, in the profile's order.
    pub leaders: Vec<Leading>,
    /// The steps that failed, with what they rested on.
    pub failing: Vec<FailingStep>,
}

/// Who leads a worker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leading {
    /// The worker as it is logged.
    pub worker: Redacted,
    /// As people say it.
    pub title: Redacted,
    /// `one`, `many`, `none`, `settling` or `unknown`.
    pub verdict: &'static str,
    /// The pod that leads, where it is known.
    pub pod: Option<Redacted>,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailingStep {
    /// Its id.
    pub id: Redacted,
    /// Its title.
    pub title: Redacted,
    /// What was seen.
    pub value: Redacted,
    /// The lines and rows it rested on.
    pub evidence: Vec<Redacted>,
}

/// Commands of which it is not known whether they happened.
pub(super) fn unknown(lines: &[Line]) -> Vec<u64> {
    let open = |deed: &Deed<'_>| deed.outcome() == NO_OUTCOME;
    deeds(lines)
        .into_iter()
        .filter(open)
        .map(|deed| deed.intent.id)
        .collect()
}

/// Every command, oldest first.
pub(super) fn performed(lines: &[Line], names: &Names<'_>) -> Vec<ActionRow> {
    let all = deeds(lines);
    let pods = PodsByLine::of(lines);
    let look = Look {
        lines,
        names,
        pods: &pods,
    };
    let one = |(place, deed): (usize, &Deed<'_>)| {
        let next = all[place + 1..].iter().find(|deed| deed.may_have_changed());
        look.performed(deed, next.map_or(lines.len(), |next| next.line))
    };
    all.iter().enumerate().map(one).collect()
}

/// A command's lines.
struct Deed<'a> {
    /// Which line the intent is.
    line: usize,
    at: Timestamp,
    intent: &'a Intent,
    outcomes: Vec<(Timestamp, &'a CommandOutcome)>,
    stages: Vec<StageSeen>,
}

impl Deed<'_> {
    fn outcome(&self) -> &'static str {
        self.outcomes
            .last()
            .map_or(NO_OUTCOME, |(_, outcome)| outcome.name())
    }

    fn may_have_changed(&self) -> bool {
        let last = self.outcomes.last().map(|(_, outcome)| outcome);
        !matches!(
            last,
            Some(CommandOutcome::Refused { .. } | CommandOutcome::Failed { .. })
        )
    }

    /// The last moment that tells of it.
    fn end(&self) -> Timestamp {
        let outcomes = self.outcomes.iter().map(|(at, _)| *at);
        let stages = self.stages.iter().map(|stage| stage.at);
        outcomes.chain(stages).max().unwrap_or(self.at)
    }
}

fn deeds(lines: &[Line]) -> Vec<Deed<'_>> {
    let mut all: Vec<Deed<'_>> = Vec::new();
    for (line, Line { at, entry }) in lines.iter().enumerate() {
        match entry {
            Entry::Intent(intent) => all.push(Deed {
                line,
                at: *at,
                intent,
                outcomes: Vec::new(),
                stages: Vec::new(),
            }),
            Entry::Outcome { id, outcome } => {
                let deed = all.iter_mut().rev().find(|deed| deed.intent.id == *id);
                deed.into_iter()
                    .for_each(|deed| deed.outcomes.push((*at, outcome)));
            }
            Entry::Stage { id, words, good } => {
                let stage = StageSeen {
                    at: *at,
                    words: value(words),
                    good: *good,
                };
                let deed = all.iter_mut().rev().find(|deed| deed.intent.id == *id);
                deed.into_iter().for_each(|deed| deed.stages.push(stage.clone()));
            }
            _ => {}
        }
    }
    all
}

/// What commands are seen by.
struct Look<'a> {
    lines: &'a [Line],
    names: &'a Names<'a>,
    pods: &'a PodsByLine,
}

impl Look<'_> {
    /// A command; what is from the line `end` on belongs to another.
    fn performed(&self, deed: &Deed<'_>, end: usize) -> ActionRow {
        let intent = deed.intent;
        let before = self.found(0, deed.line).next_back();
        let settled = self.settled(deed);
        let mut after = self
            .found(deed.line, end)
            .take_while(|(line, _)| self.lines[*line].at <= settled);
        let differs = |found: &Snapshot| before.is_none_or(|(_, before)| !before.is_like(found));
        let first_change = after.clone().find(|(_, found)| differs(found));
        let came = |(at, outcome): &(Timestamp, &CommandOutcome)| OutcomeRow {
            at: *at,
            is: outcome.name(),
            why: value(outcome.reason()),
        };
        ActionRow {
            id: intent.id,
            at: deed.at,
            aim: intent.aim.words(),
            part: intent.part,
            words: value(&intent.command.words()),
            by_hand: value(&intent.command.by_hand(self.namespace())),
            rule: intent.cause.as_deref().map(value),
            why: why(intent, self.names),
            advice: intent
                .advice
                .as_ref()
                .map(|advice| advice_seen(advice, self.names)),
            user: value(&intent.user),
            outcome: deed.outcome(),
            outcomes: deed.outcomes.iter().map(came).collect(),
            stages: deed.stages.clone(),
            before: before.map(|found| self.state(found)),
            first_change: first_change.map(|found| self.state(found)),
            after: after.by_ref().last().map(|found| self.state(found)),
        }
    }

    /// What was found between two lines.
    fn found(&self, from: usize, to: usize) -> impl DoubleEndedIterator<Item = (usize, &Snapshot)> + Clone {
        let lines = self.lines[..to].iter().enumerate().skip(from);
        lines.filter_map(|(index, line)| match &line.entry {
            Entry::Snapshot(found) => Some((index, &**found)),
            _ => None,
        })
    }

    /// When a leader and all else had time to settle.
    fn settled(&self, deed: &Deed<'_>) -> Timestamp {
        let settle = self
            .names
            .profile()
            .map(|profile| settle::length(&profile.leaders));
        let end = deed.end();
        end.checked_add(settle.unwrap_or(SignedDuration::ZERO))
            .unwrap_or(end)
    }

    fn namespace(&self) -> &str {
        super::began(self.lines).map_or("NAMESPACE", |began| &began.namespace)
    }

    fn state(&self, (line, found): (usize, &Snapshot)) -> ActionState {
        let failing = found.steps.iter().filter(|step| step.status == StepStatus::Fail);
        ActionState {
            at: self.lines[line].at,
            recommendation: self.names.advised(&found.recommendation),
            action: found.recommendation.action.name(),
            pods: self.pods.at(line),
            leaders: leading(found, self.names),
            failing: failing
                .map(|step| FailingStep {
                    id: value(&step.id),
                    title: self.names.step(&step.id),
                    value: value(&step.value),
                    evidence: values(&step.evidence),
                })
                .collect(),
        }
    }
}

/// Who led.
pub(super) fn leading(found: &Snapshot, names: &Names<'_>) -> Vec<Leading> {
    let leaders = found.leaders.iter();
    leaders
        .map(|leader| Leading {
            worker: value(&leader.worker),
            title: names.worker(&leader.worker),
            verdict: leader.verdict.name(),
            pod: leader.pod.as_deref().map(value),
        })
        .collect()
}
