//! The parts of the document, each from the account. Every text is [`Redacted`]: it may quote a log.

use serde::Serialize;

use super::moment;
use crate::diagnose::leaders::{LeaderReading, LeaseReading, Verdict};
use crate::diagnose::vitals::{PodVitals, Signs, Vitals, WINDOW};
use crate::diagnose::{Recommendation, StepFinding};
use crate::export::case_snapshot::CaseSnapshot;
use crate::observe::observation::{Pod, StatusCount};
use crate::observe::source::{Source, SourceId, SourceState};
use crate::profile::Table;
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::Redacted;

/// One thing to do and why: a [`Recommendation`], redacted, with the profile's words for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommended {
    /// `none`, `wait`, `gather`, `start-pods`, `restart-pods`, `scale-up` or `escalate`.
    pub action: &'static str,
    /// The contact's id, for an escalation.
    pub contact: Option<Redacted>,
    /// The rule it follows from; `None` where none holds.
    pub rule: Option<Redacted>,
    /// The advice as people say it.
    pub words: Redacted,
    /// What shows it.
    pub because: Vec<Redacted>,
    /// For a wait: until when.
    pub until: Option<Redacted>,
}

/// What the SOP's words would have one do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Literal {
    /// As in [`Recommended::action`].
    pub action: &'static str,
    /// The contact's id, for an escalation.
    pub contact: Option<Redacted>,
    /// Whether it is something else than the recommendation.
    pub differs: bool,
    /// The advice as people say it.
    pub words: Redacted,
}

/// A database server that is a standby.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StandbyRow {
    /// How far it is behind the primary, seconds; `None` where that is not known.
    pub behind_s: Option<i64>,
    /// Whether it is near enough for its leases and ages to count.
    pub current: bool,
}

/// A source that fails or is not used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceTrouble {
    /// `API`, `pods`, `log of blf5h`, `database`, …
    pub source: Redacted,
    /// Why.
    pub problem: Redacted,
}

/// The answer to one step: a [`StepFinding`], redacted, with its age in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRow {
    /// The step's id in the profile.
    pub id: Redacted,
    /// Its title.
    pub title: Redacted,
    /// `pass`, `fail`, `unknown`, `stale`, `waiting` or `manual`.
    pub status: StepStatus,
    /// What was seen; empty for nothing.
    pub value: Redacted,
    /// What it was held against; empty for nothing.
    pub threshold: Redacted,
    /// What it rests on.
    pub evidence: Vec<Redacted>,
    /// Which source told.
    pub source: &'static str,
    /// How old that is, seconds; `None` where it told nothing.
    pub age_s: Option<i64>,
}

/// The leader of one worker type: what a [`LeaderReading`] says of it, redacted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeaderRow {
    /// The worker as the service logs it.
    pub worker: Redacted,
    /// `one`, `many`, `none`, `settling` or `unknown`.
    pub verdict: &'static str,
    /// For `settling`: when it will be known.
    pub until: Option<Redacted>,
    /// The pod that leads, where it is known.
    pub pod: Option<Redacted>,
    /// Its worker id.
    pub worker_id: Option<Redacted>,
    /// What the logs say.
    pub log: Redacted,
    /// The lease row; `None` where none was read.
    pub lease: Option<LeaseRow>,
}

/// A lease row: what a [`LeaseReading`] says of it. The pod that holds it is the leader's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeaseRow {
    /// Whether it has a holder and has not run out.
    pub live: bool,
    /// Seconds to its end; negative since then.
    pub ttl_s: i64,
    /// Whether its end was seen to advance; `None` when it was not watched for long enough.
    pub advancing: Option<bool>,
}

/// The living rows of one status.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatabaseRow {
    /// The table.
    pub table: Redacted,
    /// The status as stored; blank stays empty.
    pub status: Redacted,
    /// The status's role in the profile; `None` where that does not know it.
    pub role: Option<&'static str>,
    /// Rows.
    pub count: u64,
    /// Age of the oldest by its status's clock, seconds.
    pub oldest_idle_s: Option<i64>,
    /// The status's limit, seconds.
    pub limit_s: Option<u64>,
    /// Rows over it.
    pub over_limit: Option<u64>,
    /// Whether there may be more of them: not all rows were read. Left out where there are not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub over_limit_at_least: bool,
    /// Rows that came into the status within five minutes, or since the look began; `None` before a second poll.
    pub entered: Option<u64>,
    /// Rows that left it, the same way.
    pub left: Option<u64>,
    /// Seconds until the next row reaches the limit.
    pub next_limit_s: Option<i64>,
    /// Whether rows leave it; `None` until it was watched for long enough.
    pub moves: Option<bool>,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PodRow {
    /// Its name.
    pub name: Redacted,
    /// Containers ready, of all: `1/1`.
    pub ready: Redacted,
    /// `status.phase`.
    pub phase: Redacted,
    /// The word that `kubectl get pods` prints.
    pub status: Redacted,
    /// Restarts as `kubectl` counts them.
    pub restarts: u32,
    /// Since it was created, seconds.
    pub age_s: Option<i64>,
}

/// A pod that carries the service's label and is not its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OtherPod {
    /// Its name.
    pub name: Redacted,
    /// Whose it is: `Job reindex`, `Deployment canary`, `nobody`.
    pub owner: Redacted,
    /// Containers ready, of all: `1/1`.
    pub ready: Redacted,
    /// The word that `kubectl get pods` prints.
    pub status: Redacted,
}

/// The vital signs over the last minutes; each is null where its source does not tell, with what is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VitalSigns {
    /// How far back, seconds.
    pub window_s: u64,
    /// All pods together.
    pub together: Signs,
    /// Each pod that does its work, by name.
    pub pods: Vec<PodSigns>,
}

/// The vital signs of one pod.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PodSigns {
    /// Its name.
    pub name: Redacted,
    /// How it does.
    #[serde(flatten)]
    pub signs: Signs,
}

impl VitalSigns {
    pub(super) fn of(account: &CaseSnapshot<'_>) -> Self {
        let vitals = Vitals::within(account.state, account.profile, account.now, WINDOW);
        let pod = |pod: PodVitals| PodSigns {
            name: (&pod.name).into(),
            signs: pod.signs,
        };
        Self {
            window_s: vitals.window_s,
            together: vitals.together,
            pods: vitals.pods.into_iter().map(pod).collect(),
        }
    }
}

fn redacted<T>(texts: &[T]) -> Vec<Redacted>
where
    for<'t> &'t T: Into<Redacted>,
{
    texts.iter().map(Into::into).collect()
}

impl Recommended {
    pub(super) fn of(account: &CaseSnapshot<'_>, one: &Recommendation) -> Self {
        Self {
            action: one.action.name(),
            contact: one.contact.as_ref().map(Redacted::from),
            rule: one.rule.as_ref().map(Redacted::from),
            words: one.in_words(account.profile).into(),
            because: redacted(&one.because),
            until: one.until.map(moment),
        }
    }
}

impl Literal {
    /// A diagnosis holds the literal reading only where it says something else.
    pub(super) fn of(account: &CaseSnapshot<'_>) -> Self {
        let decision = &account.diagnosis.decision;
        let one = decision.literal.as_ref().unwrap_or(&decision.recommendation);
        Self {
            action: one.action.name(),
            contact: one.contact.as_ref().map(Redacted::from),
            differs: decision.literal.is_some(),
            words: one.in_words(account.profile).into(),
        }
    }
}

impl From<&StepFinding> for StepRow {
    fn from(step: &StepFinding) -> Self {
        Self {
            id: (&step.id).into(),
            title: (&step.title).into(),
            status: step.status,
            value: (&step.value).into(),
            threshold: (&step.threshold).into(),
            evidence: redacted(&step.evidence),
            source: step.source,
            age_s: step.age.map(|age| age.as_secs()),
        }
    }
}

impl From<&LeaderReading> for LeaderRow {
    fn from(reading: &LeaderReading) -> Self {
        let until = match reading.verdict {
            Verdict::Settling { until } => Some(moment(until)),
            _ => None,
        };
        Self {
            worker: (&reading.log_type).into(),
            verdict: reading.verdict.name(),
            until,
            pod: reading.pod.as_ref().map(Redacted::from),
            worker_id: reading.worker_id.as_ref().map(Redacted::from),
            log: (&reading.log).into(),
            lease: reading.lease.as_ref().map(LeaseRow::from),
        }
    }
}

impl From<&LeaseReading> for LeaseRow {
    fn from(reading: &LeaseReading) -> Self {
        Self {
            live: reading.live,
            ttl_s: reading.ttl_s,
            advancing: reading.advancing,
        }
    }
}

pub(super) fn database(account: &CaseSnapshot<'_>) -> Vec<DatabaseRow> {
    let tables = account
        .profile
        .database
        .iter()
        .flat_map(|database| &database.tables);
    tables.flat_map(|table| rows_of(account, table)).collect()
}

/// In the order of a row's life, statuses that the profile does not know last.
fn rows_of(account: &CaseSnapshot<'_>, table: &Table) -> Vec<DatabaseRow> {
    let (Some((read_at, _)), Some(Ok(counts))) =
        (&account.state.reading, account.state.statuses(&table.name))
    else {
        return Vec::new();
    };
    let since = account.now.duration_since(*read_at).as_secs().max(0);
    let mut counts: Vec<_> = counts.iter().collect();
    let place = |count: &StatusCount| {
        let known = table.statuses.iter();
        known
            .clone()
            .position(|known| known.name == *count.status)
            .unwrap_or(usize::MAX)
    };
    counts.sort_by_key(|count| (place(count), count.status.clone()));
    let row = |count: &StatusCount| {
        let known = table.status(&count.status);
        let movement = account.state.movement(table, &count.status);
        let overdue = account.state.overdue(table, count);
        DatabaseRow {
            table: (&table.name).into(),
            status: (&count.status).into(),
            role: known.map(|known| known.role.name()),
            count: count.count,
            oldest_idle_s: count.oldest_s.map(|oldest| oldest + since),
            limit_s: known.and_then(|known| known.limit).map(|limit| limit.as_secs()),
            over_limit: overdue.count(),
            over_limit_at_least: overdue.is_least(),
            entered: movement.entered,
            left: movement.left,
            next_limit_s: movement.next_limit_s.map(|next| (next - since).max(0)),
            moves: movement.moves,
        }
    };
    counts.into_iter().map(row).collect()
}

pub(super) fn pods(account: &CaseSnapshot<'_>) -> Vec<PodRow> {
    let mut pods: Vec<&Pod> = account.state.pods.values().collect();
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    let row = |pod: &Pod| PodRow {
        name: (&pod.name).into(),
        ready: safe!("{}/{}", pod.ready, pod.total).into(),
        phase: (&pod.phase).into(),
        status: (&pod.status).into(),
        restarts: pod.restarts,
        age_s: pod.created_at.map(|at| account.now.duration_since(at).as_secs()),
    };
    pods.into_iter().map(row).collect()
}

pub(super) fn other_pods(account: &CaseSnapshot<'_>) -> Vec<OtherPod> {
    let mut pods: Vec<&Pod> = account.state.other_pods.values().collect();
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    let row = |pod: &Pod| OtherPod {
        name: (&pod.name).into(),
        owner: account.state.owner_in_words(pod).into(),
        ready: safe!("{}/{}", pod.ready, pod.total).into(),
        status: (&pod.status).into(),
    };
    pods.into_iter().map(row).collect()
}

pub(super) fn troubles(account: &CaseSnapshot<'_>) -> Vec<SourceTrouble> {
    let trouble = |(id, source): (&SourceId, &Source)| {
        let problem = match &source.state {
            SourceState::Off(why) => why.clone(),
            _ => source.problem()?.what.clone(),
        };
        Some(SourceTrouble {
            source: account.state.source_name(id).into(),
            problem,
        })
    };
    let behind = account.state.standby_behind().map(|(_, standby)| SourceTrouble {
        source: account.state.source_name(&SourceId::Database).into(),
        problem: standby.words().into(),
    });
    account
        .state
        .sources()
        .filter_map(trouble)
        .chain(behind)
        .collect()
}

/// The standby that the database was read from; `None` of a primary.
pub(super) fn standby(account: &CaseSnapshot<'_>) -> Option<StandbyRow> {
    let (_, reading) = account.state.reading.as_ref()?;
    let standby = reading.standby.as_ref()?;
    Some(StandbyRow {
        behind_s: standby.behind_s,
        current: standby.is_current(),
    })
}
