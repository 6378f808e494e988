//! `leader`: exactly one pod leads a worker.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::StepCheck;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::leaders::{Awaited, LeaderReading, LeaseReading, Verdict};
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::short_name;
use crate::observe::source::{Freshness, SourceId, SourceState};
use crate::profile::sop::StepStatus;
use crate::profile::validation::Mistakes;
use crate::safe;
use crate::text::{SafeText, duration};

/// Exactly one pod leads a worker, by the logs and the lease.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OneLeader {
    /// The worker's `log-type`.
    pub worker: String,
}

impl StepCheck for OneLeader {
    fn judge(&self, case: &Evaluation<'_>) -> StepResult {
        let worker = &self.worker;
        let Some(reading) = case.leaders.iter().find(|reading| reading.log_type == *worker) else {
            return StepResult::unknown("logs", "not judged", safe!("the profile has no worker {worker}"));
        };
        let source = if reading.lease.is_some() {
            "logs and leases"
        } else {
            "logs"
        };
        let mut answer = StepResult::new(status_of(reading, case), source)
            .value(value_of(reading, case))
            .against("exactly one")
            .because(safe!("logs: {}", reading.log))
            .evidence(reading.lease.as_ref().map(in_words))
            .evidence(twin_leases(worker, case))
            .evidence(why_no_lease(reading, case));
        answer.age = reading.as_of.map(|at| case.since(at));
        answer
    }

    fn validate(&self, path: &str, mistakes: &mut Mistakes<'_>) {
        let workers = mistakes.profile.leaders.workers.iter();
        let workers = workers.map(|worker| worker.log_type.as_str());
        mistakes.known(&format!("{path}.worker"), "worker", &self.worker, workers);
    }
}

/// That there are several rows of one type: nobody knows which of them the pods use.
fn twin_leases(worker: &str, case: &Evaluation<'_>) -> Option<SafeText> {
    let worker = case
        .profile
        .leaders
        .workers
        .iter()
        .find(|one| one.log_type == worker)?;
    let (_, reading) = case.state.reading.as_ref()?;
    let leases = reading.leases.iter().flatten();
    let rows = leases
        .filter(|lease| *lease.lease_type == *worker.lease_type)
        .count();
    let kind = &worker.lease_type;
    (rows > 1).then(|| safe!("{rows} lease rows of type {kind}: unknown which one counts"))
}

/// Why the one witness is missing, where the verdict rests on the other.
fn why_no_lease(reading: &LeaderReading, case: &Evaluation<'_>) -> Option<SafeText> {
    let asked = reading.lease.is_none() && case.profile.leaders.lease_table.is_some();
    let leases = case.state.reading.as_ref().map(|(_, reading)| &reading.leases);
    let why = match (case.hear(&SourceId::Database, "database"), leases) {
        (SourceCheck::Never(why) | SourceCheck::Stopped(_, why), _) => why,
        (SourceCheck::Current(_), Some(Err(why))) => why.to_string().into(),
        (SourceCheck::Current(_), _) => "no row of this type in the table".into(),
    };
    asked.then(|| safe!("lease: {why}"))
}

fn status_of(reading: &LeaderReading, case: &Evaluation<'_>) -> StepStatus {
    match reading.verdict {
        Verdict::One => StepStatus::Pass,
        Verdict::Many | Verdict::None => StepStatus::Fail,
        Verdict::Settling { .. } => StepStatus::Waiting,
        Verdict::Unknown if has_stopped_source(case) => StepStatus::Stale,
        Verdict::Unknown => StepStatus::Unknown,
    }
}

fn value_of(reading: &LeaderReading, case: &Evaluation<'_>) -> SafeText {
    match (reading.verdict, &reading.pod) {
        (Verdict::One, Some(pod)) => safe!("one: {}", short_name(pod)),
        (Verdict::One, None) => "one (by its lease)".into(),
        (Verdict::None, _) => match lease_out(reading) {
            Some(out) => safe!("none for {}, lease expired", duration::brief(out)),
            None => safe!("none, {}", reading.log),
        },
        (Verdict::Settling { .. }, _) if reading.awaited == Awaited::Pod => reading.awaited.words().into(),
        (Verdict::Settling { until }, _) => {
            safe!("{}, certain in {}", reading.awaited.words(), case.left(until))
        }
        (Verdict::Many | Verdict::Unknown, _) => reading.log.clone(),
    }
}

/// Whether a source that shows leaders has stopped.
fn has_stopped_source(case: &Evaluation<'_>) -> bool {
    let bears = |id: &SourceId| matches!(id, SourceId::Pods | SourceId::Log(_) | SourceId::Database);
    let stopped = |id| matches!(case.state.freshness(id, case.now), Freshness::Stale(_));
    let mut sources = case.state.sources();
    sources.any(|(id, source)| bears(id) && source.state != SourceState::Resting && stopped(id))
}

/// For how long the lease has been out, if it is.
fn lease_out(reading: &LeaderReading) -> Option<SignedDuration> {
    let ttl = SignedDuration::from_secs(reading.lease.as_ref()?.ttl_s);
    ttl.is_negative().then(|| ttl.abs())
}

/// `lease renewed, 1m32s left, held by blf5h`.
fn in_words(lease: &LeaseReading) -> SafeText {
    let ttl = SignedDuration::from_secs(lease.ttl_s);
    let holder = match &lease.pod {
        Some(pod) => safe!(", held by {}", short_name(pod)),
        None if lease.live => ", holder unknown (not in any pod's log)".into(),
        None => SafeText::default(),
    };
    let left = duration::brief(ttl.abs());
    match (lease.live, ttl.is_negative(), lease.advancing) {
        (_, true, _) => safe!("lease expired {left} ago{holder}"),
        (false, false, _) => safe!("lease never taken{holder}"),
        (true, false, Some(true)) => safe!("lease renewed, {left} left{holder}"),
        (true, false, Some(false)) => safe!("lease not renewed, {left} left{holder}"),
        (true, false, None) => safe!("lease has {left} left{holder}"),
    }
}
